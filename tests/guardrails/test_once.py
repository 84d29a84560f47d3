"""The same call again: told what came of it, or gone on with, whoever runs it; and never carried out twice."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Answer, Decision, Guard, LedgerError, Request, Settlement
from ac_guardrails._events import Event, chained, row_of
from ac_guardrails._inflight import InFlight, this_process
from ac_guardrails._ledger_url import open_ledger
from ac_guardrails._origin import Origin
from ac_guardrails._schema import _MIGRATIONS
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaignToolkit, Tag

YES = Decision.approve(by="anna")
HERE = Origin("thread", "turn", "call_1")
LOOK = Request("GET", "/books/1/loans")
CALL = {"type": "tool_call", "id": "call_1", "name": "ac_create_tag", "args": {"name": "Fresh"}}
CONFIG: Any = {"configurable": {"thread_id": "thread"}}


def kinds(guard: Guard, entry: str) -> list[str]:
    """The kinds of an entry's events, in order."""
    with guard.ledger.transaction(durable=False) as connection:
        rows = connection.execute("SELECT kind FROM events WHERE entry = ? ORDER BY seq", (entry,))
        return [kind for (kind,) in rows]


def approved(guard: Guard, answer: Any) -> Any:
    """Says yes to what an answer says is waiting."""
    assert answer.artifact.kind == "waiting"
    guard.desk.answer(answer.artifact.entry, YES)


def test_the_same_call_is_told_its_result(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The same call of the same message gets the recorded result, and one entry stands for both."""
    opened = guard()
    first, second = (carry(opened, job("rename_book", origin=HERE)) for _ in range(2))
    assert (second.content, second.ok) == (first.content, True)
    assert len(sender.writes) == len(opened.ledger.entries()) == 1


@pytest.mark.parametrize(
    "other",
    [Origin("thread", "turn", "call_2"), Origin("thread", "next turn", "call_1"), Origin("thread 2", "turn", "call_1")],
)
def test_another_call_message_or_thread_is_another_call(
    guard: Any, job: Any, sender: Any, carry: Any, other: Any
) -> None:
    """What differs in the call's id, the message or the thread runs for itself."""
    opened = guard()
    for origin in (HERE, other):
        assert carry(opened, job("rename_book", origin=origin)).ok
    assert len(sender.writes) == 2


def test_calls_that_nothing_tells_apart_are_all_new(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A program that calls without any ids may do the same twice."""
    opened = guard()
    for _ in range(2):
        assert carry(opened, job("rename_book")).ok
    assert len(sender.writes) == 2


@pytest.mark.parametrize("how", ["reads nothing any more", "finds it done", "has a fault"])
def test_a_run_that_is_overtaken_is_told_and_spoils_no_record(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any, how: str
) -> None:
    """A call that another run of it carries out while it still reads gets that result; the entry keeps its outcome."""
    opened = guard(approver=Inbox(wait=0))
    approved(opened, opened.run(job("burn_book", origin=HERE), sender))

    def prepare() -> Any:
        assert opened.run(job("burn_book", origin=HERE), sender).ok
        if how == "has a fault":
            raise KeyError("author")
        if how == "finds it done":
            return Answer("It is gone already.", None)
        sender.reply = lambda request: (_ for _ in ()).throw(account_error("refused", "No such book."))
        yield LOOK

    answer = carry(opened, job("burn_book", origin=HERE, during_prepare=prepare))
    assert (answer.content, answer.ok) == ("burn_book: 1 request(s) answered.", True)
    (entry,) = opened.ledger.entries()
    assert (entry.outcome, entry.state, len(sender.writes)) == ("done", "closed", 1)
    assert kinds(opened, entry.id).count("outcome") == 1


def test_a_run_that_gives_up_leaves_the_other_in_flight() -> None:
    """Of two runs of one entry that set out, one is turned back: the other is still on its way."""
    flying = InFlight()
    for _ in range(2):
        assert flying.begin("entry")
    flying.end("entry")
    assert flying.may_run("entry", this_process(), silent=0.0)
    assert not flying.begin("entry", alone=True)
    flying.end("entry")
    assert not flying.may_run("entry", this_process(), silent=0.0)
    assert flying.begin("entry", alone=True)


def test_a_rejected_call_stays_rejected(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The same call after a no is told the no again, and nobody is asked a second time."""
    asked: list[Any] = []

    def no(request: Any) -> Decision:
        asked.append(request)
        return Decision.reject("not this one", by="anna")

    opened = guard(approver=no)
    first, second = (carry(opened, job("burn_book", origin=HERE)) for _ in range(2))
    assert first.content == second.content
    assert second.artifact.kind == "rejected"
    assert len(asked) == 1


@pytest.mark.parametrize("payloads", ["30d", "none"])
def test_a_restart_returns_the_recorded_result(payloads: str, account: Any, guard_for: Any, tmp_path: Path) -> None:
    """After a restart the same call has its typed result, or hears that it is no longer kept; nothing is sent again."""
    answers = []
    for _ in range(2):
        guard = guard_for({"tags": "write"}, ledger=f"sqlite:///{tmp_path}/ledger.db", payloads=payloads)
        tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_create_tag")
        answers.append(tool.invoke(CALL, CONFIG))
        guard.ledger.close()
    first, second = answers
    assert [item.method for item in account.simulator.requests].count("POST") == 1
    assert second.status == "success"
    if payloads == "none":
        assert second.content.startswith("This call was carried out already")
        assert second.content.endswith("Its result is no longer kept.")
        assert isinstance(second.artifact, Settlement)
    else:
        assert (second.content, second.artifact) == (first.content, first.artifact)
        assert isinstance(second.artifact, Tag)


def old_ledger(path: Path) -> None:
    """A file as the first version of the schema had it, with one call in it."""
    connection = sqlite3.connect(path)
    connection.executescript(_MIGRATIONS[1] + "PRAGMA user_version = 1;")
    previous, at = "", round(time.time(), 3)
    data = {"tool": "burn_book", "host": "library.example", "what": "burn book 1", "verdict": "allow", "write": True}
    for seq, event in enumerate(
        (
            Event("old", "decided", "marketing", data),
            Event("old", "sent", "marketing", {"method": "DELETE", "path": "/books/1"}),
            Event("old", "outcome", "marketing", {"outcome": "unknown", "unknown": True}),
        ),
        start=1,
    ):
        body = row_of(event, seq, at)
        previous = chained(previous, body)
        row = (seq, event.entry, at, event.kind, event.agent, body, previous)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO payloads VALUES ('old', ?, 0, '{\"plain\": \"burn the book Emma\"}')", (at,))
    connection.commit()
    connection.close()


def test_a_ledger_of_the_first_schema_opens_verifies_and_works(
    guard: Any, job: Any, sender: Any, carry: Any, tmp_path: Path
) -> None:
    """An older file keeps its entries and its chain; what is left open in it can be settled, and new calls go in."""
    old_ledger(tmp_path / "ledger.db")
    opened = guard(ledger=f"sqlite:///{tmp_path}/ledger.db")
    assert opened.ledger.verify() == ""
    (entry,) = opened.ledger.not_closed()
    assert (entry.id, entry.state, entry.what) == ("old", "unknown", "burn the book Emma")
    (settlement,) = opened.settle(sender, None, host="library.example")
    assert settlement.outcome == "cannot_tell"
    for _ in range(2):
        assert carry(opened, job("rename_book", origin=HERE)).ok
    assert len(sender.writes) == 1
    assert opened.ledger.verify() == ""
    opened.ledger.close()
    assert open_ledger(f"sqlite:///{tmp_path}/ledger.db").verify() == ""


def test_a_forked_child_carries_nothing_out_yet(guard: Any, job: Any, sender: Any, tmp_path: Path) -> None:
    """A child forked while a call of its parent is on its way sees that call as its parent's, and under way."""
    opened = guard(ledger=f"sqlite:///{tmp_path}/ledger.db")

    def reply(request: Request) -> Any:
        out, into = os.pipe()
        if (pid := os.fork()) == 0:
            settled = opened.settle(sender, None, host="library.example")
            os.write(into, settled[0].outcome.encode() + str(opened.ledger.in_flight._names).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        assert os.read(out, 100) == b"under_wayCounter()"
        return {"ok": True}

    sender.reply = reply
    assert opened.run(job("rename_book"), sender).ok


@pytest.mark.parametrize("gone", ["removed", "replaced"])
def test_a_ledger_that_is_no_longer_there_stops_everything(
    guard: Any, job: Any, sender: Any, carry: Any, tmp_path: Path, gone: str
) -> None:
    """A file that was removed while it was open would take every record with it: nothing is sent."""
    path = tmp_path / "ledger.db"
    opened = guard(ledger=f"sqlite:///{path}")
    assert carry(opened, job("rename_book")).ok
    kept = path.rename(tmp_path / "kept.db")
    if gone == "replaced":
        path.touch()
    for closed in (False, True):
        if closed:
            opened.ledger.close()
        with pytest.raises(LedgerError, match="was removed or replaced while it was in use"):
            carry(opened, job("rename_book"))
    assert len(sender.writes) == 1
    os.replace(kept, path)
    assert carry(opened, job("rename_book")).ok


def test_the_same_call_that_another_run_sends_while_this_one_reads(guard: Any, job: Any, sender: Any) -> None:
    """A run that finds its effect held by another run of the same call waits for that, and gives what came of it."""
    opened, left, landed = guard({"books": "write"}), threading.Event(), threading.Event()

    def slowly(request: Request) -> Any:
        if request.is_write:
            left.set()
            landed.wait(5)
        return {"ok": True}

    def quicker() -> Any:
        yield LOOK
        first.start()
        assert left.wait(5)
        threading.Timer(0.2, landed.set).start()

    sender.reply = slowly
    first = threading.Thread(target=lambda: opened.run(job("rename_book", origin=HERE), sender))
    answer = opened.run(job("rename_book", origin=HERE, during_prepare=quicker), sender)
    first.join()
    assert answer.ok, answer.content
    assert len(sender.writes) == 1
