"""Stopping every agent on a ledger from the command line."""

from __future__ import annotations

import json
import sqlite3

import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def agent(account, guard_for, url) -> ActiveCampaignToolkit:
    """An agent that may do everything with tags, with its ledger in a file."""
    guard = guard_for({"contacts": "write", "tags": "write"}, ledger=url)
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


def writes(toolkit) -> int:
    return sum(each.method != "GET" for each in toolkit.account.simulator.requests)


def test_stop_halts_writes_and_resume_lets_them_go_on(cli, agent, run, url):
    """From its next request an agent is refused with the reason, reads go on, and a resume lifts it."""
    stopped = cli("guard", "stop", "wrong segment", "--by", "anna", "--ledger", url)
    assert stopped.exit_code == 0
    assert "Every write was stopped by anna" in stopped.stdout
    assert "No process on this ledger sends another write; what has left already is not called back." in stopped.stdout
    told = run(agent, "ac_add_tag", contact=46, tag="VIP")
    assert (told.status, told.artifact.kind, writes(agent)) == ("error", "stopped", 0)
    assert "wrong segment" in told.content
    assert run(agent, "ac_get_contact", contact=46).status == "success"
    assert cli("guard", "resume", "--by", "anna", "--ledger", url).stdout.startswith("Nothing is stopped")
    assert run(agent, "ac_add_tag", contact=46, tag="VIP").status == "success"
    assert writes(agent) == 1


def test_reads_can_be_halted_too(cli, agent, run, url):
    """With --reads nothing leaves at all."""
    assert "sends another request" in cli("guard", "stop", "breach", "--reads", "--ledger", url).stdout
    before = len(agent.account.simulator.requests)
    assert run(agent, "ac_get_contact", contact=46).artifact.kind == "stopped"
    assert len(agent.account.simulator.requests) == before


def test_a_second_stop_never_loosens_the_first(cli, agent, run, url):
    """Whoever stops the writes while everything is stopped does not let the reads go on by that."""
    cli("guard", "stop", "breach", "--reads", "--by", "anna", "--ledger", url)
    again = cli("guard", "stop", "typo", "--by", "bert", "--ledger", url)
    assert "It was stopped already: Everything was stopped by anna" in again.stdout
    assert run(agent, "ac_get_contact", contact=46).artifact.kind == "stopped"


def test_a_stop_of_writes_can_be_widened(cli, agent, run, url):
    """Whoever stops everything while the writes are stopped stops everything."""
    cli("guard", "stop", "typo", "--ledger", url)
    cli("guard", "stop", "breach", "--reads", "--ledger", url)
    assert run(agent, "ac_get_contact", contact=46).artifact.kind == "stopped"


def test_status_tells_what_is_stopped_and_what_is_open(cli, agent, run, url):
    """For people and for programs, by the login name where no other is given."""
    free = json.loads(cli("guard", "status", "--json", "--ledger", url).stdout)
    assert free == {"stopped": False, "waiting": 0, "open": 0, "unknown": 0, "damaged": []}
    cli("guard", "stop", "wrong segment", "--ledger", url, env={"LOGNAME": "berta"})
    held = json.loads(cli("guard", "status", "--json", "--ledger", url).stdout)
    assert (held["stopped"], held["by"], held["reason"], held["reads"]) == (True, "berta", "wrong segment", False)
    assert "wrong segment" in cli("guard", "status", "--ledger", url).stdout


def test_status_and_show_tell_of_a_write_that_a_crash_cut_off(cli, agent, run, url):
    """Nobody has looked yet: it is no call like any other that was allowed, and settling it is what comes next."""
    agent.account.simulator.fault("POST", "/contactTags", cut="reset", when="after")
    run(agent, "ac_add_tag", contact=46, tag="VIP")
    with agent.guard.ledger.transaction(durable=True) as connection:  # as if the process had died right after sending
        connection.execute("DELETE FROM events WHERE kind IN ('outcome', 'settled')")
        connection.execute("UPDATE payloads SET closed = 0")
    told = cli("guard", "status", "--ledger", url).stdout
    assert "1 write is under way, or cut off by a crash: ac-tools audit settle" in told
    assert json.loads(cli("guard", "status", "--json", "--ledger", url).stdout)["open"] == 1
    shown = cli("audit", "show", "--ledger", url).stdout
    assert shown.endswith("allowed, sent, and what became of it is not on record yet.\n")


def test_a_damaged_call_keeps_nobody_from_stopping(cli, agent, run, url):
    """On the worst night of all the stop holds, what else is open is counted, and the damage is named."""
    for tag in ("VIP", "Trade"):
        agent.account.simulator.fault("POST", "/contactTags", cut="reset", when="after")
        agent.account.simulator.fault("GET", "/contacts/46/contactTags", cut="reset")
        run(agent, "ac_add_tag", contact=46, tag=tag)
    with agent.guard.ledger.transaction(durable=True) as connection:
        connection.execute("DELETE FROM events WHERE kind IN ('outcome', 'settled')")
        connection.execute("UPDATE payloads SET closed = 0")
        (broken,) = connection.execute("SELECT entry FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        connection.execute("UPDATE events SET body = '{' WHERE entry = ? AND kind = 'decided'", (broken,))
    stopped = cli("guard", "stop", "breach", "--by", "anna", "--ledger", url)
    assert stopped.exit_code == 0, stopped.output
    assert "stopped by anna" in stopped.stdout
    assert "1 write is under way" in stopped.stdout
    assert f"Left out, because they are damaged: {broken}." in stopped.stderr
    status = json.loads(cli("guard", "status", "--json", "--ledger", url).stdout)
    assert (status["stopped"], status["open"], status["damaged"]) == (True, 1, [broken])


def test_stopping_makes_no_ledger(cli, tmp_path):
    """A misspelt ledger would stop nobody, so it is an error and nothing is made."""
    for words in (("stop", "now"), ("resume",), ("status",)):
        result = cli("guard", *words, "--ledger", f"sqlite:///{tmp_path}/ledgre.db")
        assert (result.exit_code, "There is no ledger at" in result.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("",), ("why", "--by", " ")])
def test_a_stop_needs_a_reason_and_a_name(cli, agent, url, words):
    """Both are told to the agents and kept, so neither may be empty."""
    assert cli("guard", "stop", *words, "--ledger", url).exit_code == 2
    assert agent.guard.ledger.stopped() is None


@pytest.mark.timeout(60)
def test_a_stop_reaches_an_agent_that_shares_its_pace_through_the_ledger(
    started, served, guard_for, url, run, tmp_path
):
    """The ledger is open twice in the agent's process, for its record and for its pace, and other processes come and
    go: what they write is seen, and what the agent writes is kept.
    """
    guard = guard_for({"contacts": "write", "tags": "write"}, ledger=url)
    with ActiveCampaign(url=served.url, key=served.key) as account:
        agent = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        assert run(agent, "ac_add_tag", contact=46, tag="VIP").status == "success"
        assert started("guard", "status", "--ledger", url).wait(30) == 0
        assert started("guard", "stop", "wrong segment", "--ledger", url).wait(30) == 0
        assert run(agent, "ac_add_tag", contact=59, tag="VIP").artifact.kind == "stopped"
    connection = sqlite3.connect(tmp_path / "ledger.db")
    kinds = [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY seq")]
    connection.close()
    assert (kinds.count("sent"), kinds.count("stopped"), kinds[-1]) == (1, 1, "refused")
