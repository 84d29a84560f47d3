"""Deciding from the command line what agents elsewhere asked for."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from ac_guardrails._events import Event
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaignToolkit

GRANTS = {"contacts": "full", "lists": "full", "deals": {"access": "full", "ask": "writes"}}


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def toolkit_for(account, guard_for, url) -> Callable[..., ActiveCampaignToolkit]:
    def make(**options) -> ActiveCampaignToolkit:
        guard = guard_for(GRANTS, Inbox(wait=0), ledger=url, **options)
        return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    return make


@pytest.fixture
def agent(toolkit_for) -> ActiveCampaignToolkit:
    """An agent whose questions wait in the ledger."""
    return toolkit_for()


@pytest.fixture
def approvals(cli, url):
    """Runs `ac-tools approvals` on the agent's ledger."""
    return lambda *words, **options: cli("approvals", *words, "--ledger", url, **options)


@pytest.fixture
def ask(agent, run):
    """Lets the agent make a call that waits, and returns the id of its approval."""

    def call(name: str = "ac_delete_contact", **args) -> str:
        told = run(agent, name, **(args or {"contact": 46}))
        assert told.artifact.kind == "waiting", told.content
        return told.artifact.entry

    return call


def deletions(toolkit) -> int:
    return sum(each.method == "DELETE" for each in toolkit.account.simulator.requests)


def test_list_names_what_waits(approvals, ask):
    """Id, agent, what it would do, and how long an answer counts; for programs the exact arguments, too."""
    first, second = ask(), ask("ac_update_deal", deal=1, amount="1250.50")
    listed = approvals("list").stdout
    assert all(word in listed for word in (first, second, "marketing", "delete contact 46", "14 min"))
    rows = json.loads(approvals("list", "--json").stdout)
    assert [row["id"] for row in rows] == [first, second]
    assert rows[1]["arguments"] == {"deal": "1", "amount": "1250.50"}
    assert (rows[0]["tool"], rows[0]["state"], 0 < rows[0]["seconds_left"] <= 900) == (
        "ac_delete_contact",
        "waiting",
        True,
    )


def test_nothing_waits(approvals, agent):
    """It says so, and programs get an empty list."""
    assert "Nothing waits for a person." in approvals("list").output
    assert approvals("list", "--json").stdout == "[]\n"


def test_show_is_the_card_and_the_arguments(approvals, ask):
    """The person sees what the terminal would show, the exact arguments, and the time that is left."""
    approval = ask("ac_set_list_status", contact=59, list="Newsletter", status="subscribe")
    shown = approvals("show", approval).stdout
    assert "A person must decide" in shown
    assert "They asked for no more mail." in shown
    assert '"status": "subscribe"' in shown
    assert f"Approval {approval} waits for an answer, which counts for another 14 min." in shown


def test_text_from_outside_cannot_act_on_the_terminal(approvals, ask):
    """Arguments are shown exactly, and what would move the cursor or turn the text is escaped."""
    note = "\x9b2J\u202eevil Zoë"
    approval = ask("ac_update_deal", deal=1, description=note)
    for words in (("show", approval), ("show", approval, "--json"), ("list",), ("watch", "--once", "--json")):
        shown = approvals(*words).stdout
        assert not {"\x9b", "\u202e"} & set(shown)
    assert json.loads(approvals("show", approval, "--json").stdout)["arguments"]["description"] == note
    assert "\\u202eevil Zoë" in approvals("show", approval).stdout


def test_approve_lets_the_call_run_once(approvals, ask, agent, run):
    """The card is shown, the name is kept, the agent's next call runs; a second answer is told who was first."""
    approval = ask()
    approved = approvals("approve", approval, "--by", "anna", "--yes")
    assert approved.exit_code == 0
    assert approved.stdout.index("Delete contact 46") < approved.stdout.index("Approved by anna. It runs once, if")
    late = approvals("reject", approval, "--by", "bert")
    assert (late.exit_code, "anna has answered this already: approved. That stands." in late.output) == (1, True)
    assert run(agent, "ac_delete_contact", contact=46).status == "success"
    assert deletions(agent) == 1
    assert "approved by anna, done" in agent.guard.ledger.entries()[0].sentence
    assert "approved by anna" in approvals("show", approval).stdout


def test_the_login_name_is_the_default(approvals, ask, agent):
    """Without --by it is the login name that is on record."""
    approval = ask()
    result = approvals("reject", approval, "--reason", "no", "--json", env={"LOGNAME": "carla"})
    assert json.loads(result.stdout)["by"] == "carla"
    assert "rejected by carla (no)" in agent.guard.ledger.entry(approval).sentence


def test_a_name_that_is_none_is_a_usage_error(approvals, ask, agent):
    """An empty name records nothing."""
    approval = ask()
    assert approvals("approve", approval, "--by", " ").exit_code == 2
    assert len(agent.guard.desk.waiting()) == 1


@pytest.mark.parametrize("typed", ["n\n", "y\n", ""])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_without_a_terminal_only_yes_approves(started, url, ask, agent, typed, form):
    """Whatever is piped in is no answer to a card that nobody saw: nothing is recorded, and --yes is named."""
    approval = ask()
    process = started("approvals", "approve", approval, "--ledger", url, *form, stdin=subprocess.PIPE)
    out, err = process.communicate(typed, timeout=60)
    assert (process.returncode, "Approved" in out) == (2, False)
    assert f"Approval {approval} was not approved" in err
    assert "add --yes" in err
    assert [question.request.id for question in agent.guard.desk.waiting()] == [approval]


def test_reject_tells_the_agent_why(approvals, ask, agent):
    """Nothing runs, and the question waits no longer."""
    rejected = approvals("reject", ask(), "--reason", "She is a customer.", "--by", "anna")
    assert (rejected.exit_code, "Rejected by anna." in rejected.stdout) == (0, True)
    assert "Nothing waits" in approvals("list").output
    assert deletions(agent) == 0


def test_an_edit_runs_as_it_was_shown(approvals, ask, agent, run):
    """The arguments as `show` prints them can be sent back with one of them changed; amounts keep their size."""
    approval = ask("ac_update_deal", deal=1, amount="1250.50", title="Chairs")
    arguments = json.loads(approvals("show", approval, "--json").stdout)["arguments"]
    edited = approvals("edit", approval, "--arguments", json.dumps({**arguments, "title": "Tables"}), "--by", "anna")
    assert (edited.exit_code, "Edited by anna." in edited.stdout) == (0, True)
    told = run(agent, "ac_update_deal", deal=1, amount="1250.50", title="Chairs")
    assert "1,250.50" in told.content
    assert "Tables" in told.content


def test_an_edit_says_when_a_card_comes_first(approvals, ask):
    """Whoever edits is told that it does not run at once where it touches somebody else."""
    approval = ask()
    edited = approvals("edit", approval, "--arguments", '{"contact": 59}', "--by", "anna").stdout.splitlines()[-1]
    assert edited.startswith("Edited by anna. If its agent comes for the answer before ")
    assert edited.endswith(
        " UTC, the call runs with these arguments; but where they change the person, list, automation or amount, "
        "a new card is shown first."
    )


def answered(approvals, agent, run, *people: str) -> str:
    """What is on record after all but the last have each edited the target and the last has approved."""
    call = {"contact": 46}
    for number, person in enumerate(people):
        (question,) = agent.guard.desk.waiting()
        contact = json.dumps({"contact": 59 + number})
        last = number == len(people) - 1
        words = ("approve", question.request.id, "--yes")
        if not last:
            words = ("edit", question.request.id, "--arguments", contact)
        assert approvals(*words, "--by", person).exit_code == 0
        run(agent, "ac_delete_contact", **call)
    return agent.guard.ledger.entries()[0].sentence


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (("anna", "bert"), "edited by anna, approved by bert, done."),
        (("anna", "anna"), "edited and approved by anna, done."),
        (("anna", "bert", "carla"), "edited by anna and bert, approved by carla, done."),
        (("anna", "bert", "anna", "bert"), "edited by anna and bert, approved by bert, done."),
    ],
)
def test_everybody_who_had_a_say_is_named(approvals, ask, agent, run, people, words):
    """One who edited a call and one who approved what came of it both stand in its sentence."""
    ask()
    assert answered(approvals, agent, run, *people).endswith(words)


def test_an_edit_that_counts_no_more_is_not_named(agent):
    """Where the call is asked about once more as it stood before the edit, nobody is said to have edited what ran."""

    def event(kind: str, **data: str) -> Event:
        return Event("e", kind, "marketing", data)

    edit, approval = {"decision": "edited", "by": "anna"}, {"decision": "approved", "by": "bert"}
    agent.guard.ledger.append(
        event("decided", tool="ac_delete_contact", host="h.example", what="delete contact 46", verdict="ask"),
        event("asked", digest="first"),
        event("answered", **edit),
        event("decided", tool="ac_delete_contact", host="h.example", what="delete contact 59", verdict="ask"),
        event("asked", digest="second"),
    )
    for digest, words in (("second", "edited by anna, approved by bert"), ("first", "approved by bert")):
        agent.guard.ledger.append(event("asked", digest=digest), event("answered", **approval))
        assert agent.guard.ledger.entry("e").verdict() == f"{words}, not carried out yet"


def test_who_edited_and_who_rejected_are_both_named(approvals, ask, agent, run):
    """A rejection of an edited call names both, with the reason."""
    ask()
    (question,) = agent.guard.desk.waiting()
    approvals("edit", question.request.id, "--arguments", '{"contact": 59}', "--by", "anna")
    run(agent, "ac_delete_contact", contact=46)
    (second,) = agent.guard.desk.waiting()
    approvals("reject", second.request.id, "--by", "bert", "--reason", "a customer")
    run(agent, "ac_delete_contact", contact=46)
    assert agent.guard.ledger.entries()[0].sentence.endswith("edited by anna, rejected by bert (a customer).")


def test_arguments_can_come_from_stdin(cli, url, ask, agent, started):
    """A dash reads them."""
    approval = ask("ac_update_deal", deal=1, title="Chairs")
    process = started("approvals", "edit", approval, "--arguments", "-", "--ledger", url, stdin=subprocess.PIPE)
    out, _ = process.communicate('{"deal": 1, "title": "Tables"}', timeout=60)
    assert (process.returncode, "Edited by" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ('{"contact": 46}', 1, "'deal' is required"),
        ('{"deal": 1, "amuont": 5}', 1, "'amuont' is no argument of it"),
        ('{"deal": 1, "amount": "a lot"}', 1, "is no amount"),
        ("{deal: 1}", 2, "That is no JSON"),
        ("[1]", 2, "The arguments are an object"),
    ],
)
def test_a_mistake_in_an_edit_is_told_at_once(approvals, ask, agent, arguments, code, words):
    """The person learns what is wrong, nothing is recorded, and the question still waits."""
    approval = ask("ac_update_deal", deal=1, amount="1250.50")
    result = approvals("edit", approval, "--arguments", arguments)
    assert result.exit_code == code
    assert words in result.output
    assert "Nothing was recorded." in result.output
    assert [question.request.id for question in agent.guard.desk.waiting()] == [approval]


def test_a_lapsed_question_cannot_be_answered(approvals, toolkit_for, run):
    """An answer that comes too late is refused in words, whichever it is, and the list is empty."""
    agent = toolkit_for(clock=lambda: time.time() - 1000, expires=900)
    approval = run(agent, "ac_delete_contact", contact=46).artifact.entry
    for words in (("approve", approval), ("reject", approval), ("edit", approval, "--arguments", '{"contact": 1}')):
        result = approvals(*words)
        assert (result.exit_code, "This question has lapsed, and nothing ran." in result.output) == (1, True)
    assert json.loads(approvals("list", "--json").stdout) == []
    assert "has lapsed" in approvals("show", approval).stdout


def test_a_mistyped_id_is_told_with_the_nearest(approvals, ask):
    """Nothing is decided by an id that is nearly right."""
    approval = ask()
    result = approvals("approve", approval[:-1] + ("0" if approval[-1] != "0" else "1"))
    assert result.exit_code == 1
    assert f"Did you mean {approval}?" in result.output
    assert "Did you mean" not in approvals("show", "nonsense").output


DAMAGE = ["{", "[]", "{}", '{"questions": 5}', '{"questions": [5]}', '{"questions": [{"id": "x"}]}', b"\xff\xfe{"]


@pytest.mark.parametrize("body", DAMAGE)
def test_a_damaged_question_hides_no_other(approvals, cli, ask, agent, url, body):
    """What can be shown is, what is damaged is named, and nobody can approve what nobody can read."""
    broken, whole = ask(), ask("ac_update_deal", deal=1, title="Chairs")
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE payloads SET body = ? WHERE entry = ?", (body, broken))
    for words in (("list",), ("list", "--json"), ("watch", "--once"), ("watch", "--once", "--json")):
        result = approvals(*words)
        assert (result.exit_code, whole in result.stdout, broken in result.stdout) == (0, True, False)
        assert f"Approval {broken} cannot be shown: what is kept of it is damaged." in result.stderr
    for words in (("show", broken), ("approve", broken, "--yes"), ("reject", broken)):
        result = approvals(*words)
        assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
        assert f"Approval {broken} cannot be shown" in result.output
    assert cli("guard", "status", "--ledger", url).exit_code == 0
    assert approvals("approve", whole, "--yes").exit_code == 0


def test_answering_makes_no_ledger(cli, tmp_path):
    """A ledger that is not there is an error, and is not there afterwards either."""
    for words in (("list",), ("show", "x"), ("approve", "x"), ("reject", "x"), ("watch", "--once")):
        result = cli("approvals", *words, "--ledger", f"sqlite:///{tmp_path}/none.db")
        assert (result.exit_code, "There is no ledger at" in result.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_an_approval_under_a_stop_says_that_nothing_runs(approvals, ask, agent):
    """Whoever approves while the guard is stopped is told so."""
    agent.guard.ledger.stop("breach", by="anna")
    assert "The guard is stopped, though" in approvals("approve", ask(), "--yes").output


def test_watch_for_programs_prints_a_line_each(approvals, ask, agent):
    """With --once it shows what waits and ends; nothing is answered."""
    ids = [ask(), ask("ac_update_deal", deal=1, title="Chairs")]
    lines = approvals("watch", "--once", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert approvals("watch", "--once").stdout.count("A person must decide") == 2
    assert len(agent.guard.desk.waiting()) == 2


@pytest.mark.timeout(60)
def test_watch_shows_what_comes_later_and_ctrl_c_ends_it(started, url, ask, agent):
    """A question that is asked while somebody watches appears, once; Ctrl-C ends with 130."""
    first = ask()
    process = started("approvals", "watch", "--json", "--ledger", url)
    assert json.loads(process.stdout.readline())["id"] == first
    second = ask("ac_update_deal", deal=1, title="Chairs")
    assert json.loads(process.stdout.readline())["id"] == second
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "\nStopped.\n")


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, start, *args) -> None:
        self.master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
        self.process = start(*args, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.shown = ""

    def expect(self, words: str, seconds: float = 30) -> None:
        """Read until these words are shown."""
        end = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 4096).decode(errors="replace")

    def type(self, keys: str) -> None:
        """Press keys after what was shown, which is forgotten."""
        self.shown = ""
        os.write(self.master, keys.encode())


@pytest.fixture
def terminal(started) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def make(*args: str) -> Terminal:
        opened.append(Terminal(started, *args))
        return opened[-1]

    yield make
    for each in opened:
        each.process.kill()
        os.close(each.master)


@pytest.mark.timeout(60)
def test_on_a_terminal_approve_asks_once_more(terminal, url, ask, agent):
    """No, and an empty line, approve nothing; yes does; --yes does not ask."""
    approval = ask()
    for keys, code, words in (("\n", 1, "Not approved."), ("n\n", 1, "Not approved."), ("y\n", 0, "Approved by")):
        opened = terminal("approvals", "approve", approval, "--ledger", url)
        opened.expect("Approve this? [y/N]")
        assert "Delete contact 46" in opened.shown
        opened.type(keys)
        opened.expect(words)
        assert opened.process.wait(20) == code
    opened = terminal("approvals", "approve", ask(contact=59), "--ledger", url, "--yes")
    opened.expect("Approved by")


@pytest.mark.timeout(60)
def test_watch_on_a_terminal_takes_answers(terminal, url, ask, agent, run):
    """Reject, skip, a bad edit and a good one each do what they say; the end of the input decides nothing."""
    rejected, skipped = ask(), ask(contact=59)
    opened = terminal("approvals", "watch", "--by", "anna", "--ledger", url)
    opened.expect("[s]kip?")
    assert "Delete contact 46" in opened.shown
    opened.type("r a customer\n")
    opened.expect("[s]kip?")
    assert "Rejected by anna." in opened.shown
    opened.type("s\n")
    opened.expect("Left for somebody else.")
    edited = ask("ac_update_deal", deal=1, title="Chairs")
    opened.expect("[s]kip?")
    opened.type("e\n")
    opened.expect("New arguments")
    opened.type('{"deal": 1, "titel": "Tables"}\n')
    opened.expect("'titel' is no argument of it")
    opened.expect("[s]kip?")
    opened.type("e\n")
    opened.expect("New arguments")
    opened.type('{"deal": 1, "title": "Tables"}\n')
    opened.expect("Edited by anna.")
    ask("ac_update_deal", deal=2, title="Lamps")
    opened.expect("[s]kip?")
    opened.type("\x04")
    opened.expect("What was not answered still waits.")
    assert opened.process.wait(20) == 0
    states = {question.request.id: question for question in agent.guard.desk.waiting()}
    assert skipped in states
    assert len(states) == 2
    assert agent.guard.desk.question(rejected).decision.reason == "a customer"
    assert agent.guard.desk.question(edited).decision.arguments == {"deal": 1, "title": "Tables"}


@pytest.mark.timeout(60)
def test_whoever_watches_learns_that_somebody_was_quicker(terminal, cli, url, ask, agent):
    """An answer to a card that was answered meanwhile changes nothing and says so."""
    approval = ask()
    opened = terminal("approvals", "watch", "--by", "anna", "--ledger", url)
    opened.expect("[s]kip?")
    assert cli("approvals", "reject", approval, "--by", "bert", "--ledger", url).exit_code == 0
    opened.type("a\n")
    opened.expect("bert has answered this already: rejected. That stands.")
    assert agent.guard.desk.question(approval).decision.by == "bert"
