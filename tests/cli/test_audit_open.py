"""What was left open: settled from the command line, and followed as it happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ac_guardrails import Guard
from ac_guardrails._events import Event
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

HOUR = 3600.0


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def agent(served, guard_for, url) -> Iterator[ActiveCampaignToolkit]:
    """An agent on an account behind HTTP, an hour ago, whose writes may get no answer."""
    grants = {"contacts": "full", "tags": "write"}
    guard = guard_for(grants, Inbox(wait=0), ledger=url, clock=lambda: time.time() - HOUR)
    with ActiveCampaign(url=served.url, key=served.key, timeout=0.3) as account:
        yield ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


@pytest.fixture
def lost(served, agent, run) -> Callable[..., str]:
    """Lets the agent put a tag on a contact, and loses the answer; returns the entry.

    The work comes `late` seconds of the account's clock later; never without it.
    """

    def call(late: float | None = None) -> str:
        fault = {"cut": "reset", "when": "before"} if late is None else {"late": late}
        served.sandbox.fault("POST", "/contactTags", **fault)
        told = run(agent, "ac_add_tag", contact=46, tag="VIP")
        assert told.artifact.kind == "unknown", told.content
        return agent.guard.ledger.not_closed()[-1].id

    return call


@pytest.fixture
def settle(cli, served, url):
    """Runs `ac-tools audit settle` on the agent's ledger, with the account in the environment."""
    env = {"ACTIVECAMPAIGN_URL": served.url, "ACTIVECAMPAIGN_API_KEY": served.key}
    return lambda *words: cli("audit", "settle", *words, "--ledger", url, env=env)


def posts(served) -> int:
    return sum(each.method == "POST" for each in served.sandbox.requests)


def test_what_happened_late_is_found_by_reading(settle, served, lost, agent):
    """A write that landed after the agent gave up is settled as happened, and nothing is sent again."""
    entry = lost(late=30)
    served.sandbox.clock.advance(60)
    before = posts(served)
    result = settle()
    assert (result.exit_code, posts(served)) == (0, before)
    assert result.stdout.startswith(f"{entry}  marketing asked to put tag 3")
    assert "It happened: " in result.stdout
    assert "allowed, it did happen (" in agent.guard.ledger.entry(entry).sentence
    assert "Nothing is left to settle." in settle().output


def test_what_never_happened_is_found_by_reading_twice(settle, lost, agent):
    """Absent long after the cut means that it did not happen."""
    entry = lost()
    found = json.loads(settle(entry, "--json").stdout)
    assert [(each["entry"], each["outcome"]) for each in found] == [(entry, "did_not_happen")]
    assert "allowed, it did not happen (" in agent.guard.ledger.entry(entry).sentence


def test_a_fresh_one_may_still_land(settle, served, guard_for, url, run):
    """Within a minute of the cut nobody can say, and the time to look again is told."""
    guard = guard_for({"contacts": "full", "tags": "write"}, ledger=url)
    with ActiveCampaign(url=served.url, key=served.key, timeout=0.3) as account:
        served.sandbox.fault("POST", "/contactTags", cut="reset")
        run(ActiveCampaignToolkit(account=account, guard=guard, agent="marketing"), "ac_add_tag", contact=46, tag="VIP")
    assert "It may still land; look again after" in settle().stdout
    assert [entry.state for entry in guard.ledger.entries()] == ["unknown"]


def test_a_person_can_settle_what_they_looked_at(cli, url, lost, agent, served):
    """With --as nothing is read, the name is kept, and it is settled once."""
    entry = lost()
    before = len(served.sandbox.requests)
    command = ("audit", "settle", entry, "--as", "happened", "--by", "anna", "--ledger", url)
    assert "It happened: anna says so." in cli(*command).stdout
    assert agent.guard.ledger.entry(entry).sentence.endswith("allowed, it did happen (anna says so).")
    again = cli(*command)
    assert (again.exit_code, f"There is nothing to settle in entry {entry}" in again.output) == (1, True)
    assert len(served.sandbox.requests) == before
    assert agent.guard.ledger.verify() == ""


def test_what_is_still_being_sent_is_not_settled_by_hand(started, url, served, guard_for, run, cli):
    """While its process waits for the answer, no word of a person closes a write, or the same would be sent again."""
    guard = guard_for({"contacts": "full", "tags": "write"}, ledger=url)
    arrived, go_on = threading.Event(), threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            arrived.set()
            assert go_on.wait(60)
        return transport.handle_request(request)

    with contextlib.closing(httpx.HTTPTransport()) as transport, ThreadPoolExecutor(1) as pool:
        account = ActiveCampaign(url=served.url, key=served.key, transport=httpx.MockTransport(slow))
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        calling = pool.submit(run, toolkit, "ac_add_tag", contact=46, tag="VIP")
        try:
            assert arrived.wait(30)
            (entry,) = guard.ledger.not_closed()
            words = ("audit", "settle", entry.id, "--as", "did-not-happen", "--by", "anna", "--ledger", url)
            process = started(*words)
            out, err = process.communicate(timeout=60)
            here = cli(*words)
            assert len(guard.ledger.not_closed()) == 1
        finally:
            go_on.set()
        assert calling.result(30).status == "success"
    for code, told in ((process.returncode, out + err), (here.exit_code, here.output)):
        assert (code, f"Entry '{entry.id}' cannot be settled yet: its call may still run" in told) == (1, True), told
        assert f"process {os.getpid()} of {socket.gethostname()}" in told
        assert "Wait until it has ended, or end it" in told
    assert guard.ledger.entry(entry.id).outcome == "done"


def left_by(owner: str, guard: Guard) -> None:
    """A write that was on its way when its process was last heard of."""
    data = {"tool": "ac_add_tag", "host": "h.example", "what": "put tag 3 on contact 46", "verdict": "allow"}
    guard.ledger.append(
        Event("gone", "decided", "marketing", data),
        Event("gone", "sent", "marketing", {"method": "POST", "path": "/contactTags"}),
        payload={"owner": owner},
    )


def test_what_a_dead_process_left_is_settled_by_hand(cli, url, guard_for):
    """Once its process is gone, a person's word closes a write, though nobody knows what became of it."""
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait(30)
    left_by(f"{socket.gethostname()}:{gone.pid}:1", guard_for({"contacts": "full"}, ledger=url))
    told = cli("audit", "settle", "gone", "--as", "did-not-happen", "--by", "anna", "--ledger", url)
    assert (told.exit_code, "It did not happen: anna says so." in told.stdout) == (0, True)


@pytest.mark.parametrize(("ago", "code", "words"), [(500, 1, "of another-machine"), (700, 0, "anna says so")])
def test_what_another_machine_left_is_settled_by_hand_after_ten_minutes(cli, url, guard_for, ago, code, words):
    """Nobody here can see whether its process still runs, so that a person's word waits for its longest silence."""
    left_by("another-machine:7:1234", guard_for({}, ledger=url, clock=lambda: time.time() - ago))
    told = cli("audit", "settle", "gone", "--as", "did-not-happen", "--by", "anna", "--ledger", url)
    assert (told.exit_code, words in told.output) == (code, True), told.output


def test_settling_by_hand_needs_an_entry_that_exists(cli, settle, url, lost):
    """Without an entry it is a usage error; a mistyped one is told with the nearest."""
    entry = lost()
    assert cli("audit", "settle", "--as", "happened", "--ledger", url).exit_code == 2
    mistyped = entry[:-1] + ("0" if entry[-1] != "0" else "1")
    for words in ((mistyped,), (mistyped, "--as", "happened")):
        result = settle(*words)
        assert (result.exit_code, f"Did you mean {entry}?" in result.output) == (1, True)


def test_another_account_is_left_alone(cli, url, lost, agent):
    """With the key of another account nothing is read there, and it says whose entry it is."""
    lost()
    env = {"ACTIVECAMPAIGN_URL": "https://other.api-us1.example", "ACTIVECAMPAIGN_API_KEY": "k"}
    result = cli("audit", "settle", "--ledger", url, env=env)
    assert f"Left alone: 1 of {agent.account.host}. ACTIVECAMPAIGN_URL names other.api-us1.example." in result.output
    assert len(agent.guard.ledger.entries(state="unknown")) == 1


def test_a_stop_of_reads_stops_the_reading_back(settle, lost, agent):
    """It says what stopped it and how to go on."""
    lost()
    agent.guard.ledger.stop("breach", by="anna", reads=True)
    result = settle()
    assert (result.exit_code, "ac-tools guard resume" in result.output) == (1, True)


def test_nothing_open_needs_no_account(cli, url, agent):
    """Where nothing is open nobody asks for a key."""
    result = cli("audit", "settle", "--ledger", url)
    assert (result.exit_code, "Nothing is left to settle." in result.output) == (0, True)


def test_a_question_that_waits_is_not_settled(settle, agent, run, served, guard_for, url):
    """A call that waits for its person is told as such, and waits on."""
    guard = guard_for({"contacts": "full"}, Inbox(wait=0), ledger=url)
    waiting = ActiveCampaignToolkit(account=agent.account, guard=guard, agent="marketing")
    run(waiting, "ac_delete_contact", contact=46)
    assert "It waits: a person has to decide." in settle().stdout
    assert len(guard.desk.waiting()) == 1


def test_a_damaged_call_keeps_no_other_from_being_settled(settle, lost, agent, served, run):
    """What can be read is settled; what cannot is named, and the command ends with 1."""
    whole = lost()
    served.sandbox.fault("POST", "/contactTags", cut="reset", when="before")
    run(agent, "ac_add_tag", contact=59, tag="VIP")
    broken = agent.guard.ledger.not_closed()[-1].id
    with agent.guard.ledger.transaction(durable=True) as connection:
        connection.execute("UPDATE events SET body = '{' WHERE entry = ? AND kind = 'decided'", (broken,))
    told = settle()
    assert told.exit_code == 1, told.output
    assert told.stdout.startswith(f"{whole}  marketing asked to put tag 3 «VIP» on contact 46")
    assert f"Left out, because they are damaged: {broken}." in told.stderr


@pytest.mark.timeout(60)
def test_tail_tells_what_happens_while_it_happens(started, cli, url, agent, run, lost):
    """First the newest, then a line when a call waits, when it is decided and done, when it is unknown and settled."""
    run(agent, "ac_get_contact", contact=46)
    run(agent, "ac_add_tag", contact=59, tag="VIP")
    process = started("audit", "tail", "-n", "1", "--ledger", url)

    def told() -> str:
        return process.stdout.readline().partition("  ")[2].partition("  ")[2].strip()

    assert told().endswith("allowed, done.")
    entry = lost()
    assert "allowed, nobody knows yet whether it happened" in told()
    cli("audit", "settle", entry, "--as", "did-not-happen", "--by", "anna", "--ledger", url)
    assert told().endswith("allowed, it did not happen (anna says so).")
    agent.guard.ledger.stop("breach", by="anna")
    assert told() == "anna stopped every write: breach."
    run(agent, "ac_delete_contact", contact=46)
    assert ": waiting for a person (until 20" in told()
    agent.guard.ledger.resume(by="anna")
    assert told() == "anna let the guard go on."
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "\nStopped.\n")


@pytest.mark.timeout(60)
def test_tail_follows_a_ledger_in_which_a_call_is_damaged(started, url, agent, run):
    """Before it begins, and while it follows: what is damaged is named, and the others are told."""

    def damage(entry: str) -> None:
        with agent.guard.ledger.transaction(durable=True) as connection:
            connection.execute("UPDATE events SET body = '{' WHERE entry = ? AND kind = 'decided'", (entry,))

    run(agent, "ac_add_tag", contact=59, tag="VIP")
    run(agent, "ac_add_tag", contact=46, tag="VIP")
    damage(agent.guard.ledger.entries()[-1].id)
    process = started("audit", "tail", "-n", "1", "--ledger", url)
    assert "on contact 59" in process.stdout.readline()
    agent.guard.ledger.append(Event("broken", "decided", "marketing"))
    damage("broken")
    time.sleep(1)
    run(agent, "ac_add_tag", contact=28, tag="VIP")
    assert "on contact 28" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=20)[1].splitlines()
    assert told[0].startswith("Left out, because they are damaged: ")
    assert told[1].startswith("Left out, because they are damaged: broken.")
    assert process.returncode == 130


@pytest.mark.timeout(60)
def test_tail_can_follow_one_agent_as_json(started, url, agent, run):
    """Only that agent's calls, an object a line, beginning with none where -n is 0."""
    run(agent, "ac_get_contact", contact=46)
    process: subprocess.Popen[str] = started("audit", "tail", "-n", "0", "--agent", "sales", "--json", "--ledger", url)
    time.sleep(1.5)  # it must not miss what happens once it follows, nor tell what happened before
    run(agent, "ac_add_tag", contact=46, tag="VIP")
    run(agent.for_agent("sales"), "ac_get_contact", contact=46)
    told = json.loads(process.stdout.readline())
    assert (told["agent"], told["decision"], told["state"]) == ("sales", "refused", "closed")
