"""One guarded call: nothing leaves undecided or unrecorded, and whatever ends it is on record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Answer, Guard, InvalidCall, LedgerError, PermitError, Request

BURN = Request("DELETE", "/books/999")
LOOK = Request("GET", "/books/1/loans")


def kinds(guard: Guard) -> list[str]:
    """The kinds of all events, in order."""
    with guard.ledger.transaction(durable=False) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY seq")]


def only_entry(guard: Guard) -> Any:
    entries = guard.ledger.entries()
    assert len(entries) == 1
    assert guard.ledger.verify() == ""
    return entries[0]


def raising(error: BaseException) -> Callable[[Request], Any]:
    def reply(request: Request) -> Any:
        raise error

    return reply


def test_a_granted_write_is_recorded_sent_and_recorded(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A plain write: decided, sent and done, the same in both worlds."""
    opened = guard()
    answer = carry(opened, job("rename_book", args={"book": 7, "title": "Emma"}))
    assert answer == Answer("rename_book: 1 request(s) answered.", [{"ok": True}])
    assert sender.requests == [Request("PUT", "/books/7", body={"book": 7, "title": "Emma"})]
    assert kinds(opened) == ["decided", "sent", "outcome"]
    assert only_entry(opened).sentence == "marketing asked to rename the book Emma in library.example: allowed, done."


def test_the_record_is_made_before_the_request_leaves(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """While a write is on its way, the ledger already holds it as open."""
    opened = guard()
    seen: list[Any] = []
    sender.reply = lambda request: seen.append((kinds(opened), only_entry(opened).state, only_entry(opened).writes))
    carry(opened, job("rename_book"))
    assert seen == [(["decided", "sent"], "open", 1)]


def test_a_request_that_nobody_decided_on_raises_and_does_not_leave(
    guard: Any, job: Any, sender: Any, carry: Any
) -> None:
    """Another path, method or body than was decided on is a programming error, and nothing leaves."""
    for other in (BURN, Request("PUT", "/books/1", body={"title": "x"}), Request("POST", "/books/1", body={})):
        opened = guard()

        def perform(plan: Any, other: Request = other) -> Any:
            yield other

        with pytest.raises(PermitError, match=r"which nobody decided on\. Nothing was sent\."):
            carry(opened, job("rename_book", performing=perform))
        assert only_entry(opened).outcome == "failed"
    assert sender.requests == []


def test_a_body_that_changes_after_the_decision_does_not_leave(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """What was decided on is bound by its content: a body that is changed afterwards is another request."""
    opened = guard()

    def perform(plan: Any) -> Any:
        plan.action.request.body["title"] = "changed"
        yield plan.action.request

    with pytest.raises(PermitError):
        carry(opened, job("rename_book", args={"title": "Emma"}, performing=perform))
    assert sender.requests == []


def test_a_decided_request_leaves_once(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A tool that yields its request twice is stopped at the second."""
    opened = guard()

    def perform(plan: Any) -> Any:
        yield plan.action.request
        yield plan.action.request

    with pytest.raises(PermitError):
        carry(opened, job("rename_book", performing=perform))
    assert len(sender.writes) == 1
    assert only_entry(opened).outcome == "unknown"


def test_a_write_while_preparing_raises(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Before the decision nothing may be changed, and the attempt is on record."""
    opened = guard()

    def prepare() -> Any:
        yield BURN

    with pytest.raises(PermitError, match="burn_book tried to write while it was still being decided on"):
        carry(opened, job("burn_book", during_prepare=prepare))
    assert sender.requests == []
    assert only_entry(opened).state == "closed"


def test_reads_before_and_after_are_on_record(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The guard's own reads are recorded before they leave."""
    opened = guard()

    def prepare() -> Any:
        yield LOOK

    carry(opened, job("rename_book", during_prepare=prepare))
    assert kinds(opened) == ["read", "decided", "sent", "outcome"]
    assert only_entry(opened).reads == 1


def test_an_early_answer_sends_nothing(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A job that finds nothing to do answers, and the ledger says that nothing had to be done."""
    opened = guard()

    def prepare() -> Any:
        return Answer("It has that title already.", None)
        yield LOOK

    assert carry(opened, job("rename_book", during_prepare=prepare)).ok
    assert sender.requests == []
    assert only_entry(opened).verdict() == "allowed, nothing had to be done"


def test_what_no_facts_could_allow_reads_nothing(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """A call that is denied anyway makes no request at all, not even to look a name up."""
    opened = guard({"books": "read"})

    def prepare() -> Any:
        yield LOOK

    answer = carry(opened, job("rename_book", during_prepare=prepare))
    assert answer.content == "marketing has books: read; this call of rename_book needs books: write. Nothing was sent."
    assert answer.artifact.kind == "refused"
    assert answer.artifact.entry == only_entry(opened).id
    assert sender.requests == []


@pytest.mark.parametrize("early", ["a read", "an answer"])
def test_a_read_that_says_it_is_told_in_full_reads_nothing_undecided(
    early: str, guard: Any, job: Any, sender: Any, carry: Any
) -> None:
    """Who outlines the whole of a read is decided on once, at the end; unless it reads, or answers, before that."""
    opened = guard({"books": "read"})

    class Told(job):  # type: ignore[misc]
        def outline(self) -> Any:
            return self._action(LOOK, ())

    def prepare() -> Any:
        if early == "a read":
            yield LOOK
        return Answer("The member is Ann.", None)

    answer = carry(opened, Told("get_member", during_prepare=prepare))
    assert answer.content == "marketing has no access to members; get_member needs members: read. Nothing was sent."
    assert (kinds(opened), sender.requests) == (["decided", "refused"], [])


@pytest.mark.parametrize("when", ["outline", "prepare"])
def test_invalid_arguments_are_an_answer(guard: Any, job: Any, sender: Any, carry: Any, when: str) -> None:
    """Arguments that cannot be used are told to the model; what it wrote is in the payload, not in the events."""
    opened = guard()

    def prepare() -> Any:
        raise InvalidCall("rename_book takes no argument 'ttle'.")
        yield LOOK

    made = job("rename_book", args={"ttle": 1}) if when == "outline" else job("rename_book", during_prepare=prepare)
    answer = carry(opened, made)
    assert answer.content == "rename_book takes no argument 'ttle'."
    assert answer.artifact.kind == "invalid"
    assert only_entry(opened).verdict() == "refused (rename_book takes no argument 'ttle')"


def test_a_ledger_that_fails_before_a_write_stops_it(
    guard: Any, job: Any, sender: Any, carry: Any, monkeypatch: Any
) -> None:
    """Without a record no write leaves, and the error says so."""
    opened = guard()
    monkeypatch.setattr(opened.ledger, "_write", raising_sql)
    with pytest.raises(LedgerError, match="No write is sent without a record"):
        carry(opened, job("rename_book"))
    assert sender.requests == []


def test_a_ledger_that_fails_after_a_write_says_that_it_was_sent(
    guard: Any, job: Any, sender: Any, carry: Any, monkeypatch: Any
) -> None:
    """When only the outcome cannot be recorded, the error does not claim that nothing was sent."""
    opened = guard()
    sender.reply = lambda request: monkeypatch.setattr(opened.ledger, "_write", raising_sql)
    with pytest.raises(LedgerError, match=r"^rename_book had sent a write when the ledger failed\. Read the record"):
        carry(opened, job("rename_book"))
    monkeypatch.undo()
    assert only_entry(opened).state == "open"


def raising_sql(*args: Any, **kwargs: Any) -> None:
    import sqlite3

    raise sqlite3.OperationalError("database or disk is full")


def test_both_worlds_leave_the_same_events(guard: Any, job: Any, sender: Any, approve: Any) -> None:
    """Sync and async are one body: their events differ in nothing but ids, salts and times."""

    def events(opened: Guard) -> list[dict[str, Any]]:
        with opened.ledger.transaction(durable=False) as connection:
            rows = [json.loads(body) for (body,) in connection.execute("SELECT body FROM events ORDER BY seq")]
        for row in rows:
            for changing in ("at", "entry", "arguments", "digest", "expires"):
                row.pop(changing, None)
        return rows

    def prepare() -> Any:
        yield LOOK

    made = job("burn_book", args={"book": 3}, during_prepare=prepare)
    one, other = guard(approver=approve), guard(approver=approve)
    one.run(made, sender)
    asyncio.run(other.arun(made, sender))
    assert events(one) == events(other)
    assert [event["kind"] for event in events(one)] == [
        "read",
        "decided",
        "asked",
        "answered",
        "read",
        "sent",
        "outcome",
    ]


def test_an_entry_whose_process_died_while_reading_can_be_read(guard: Any, job: Any, sender: Any) -> None:
    """What a killed process leaves behind is a sentence, not a gap."""
    opened = guard()

    def prepare() -> Any:
        yield LOOK

    seen: list[str] = []
    sender.reply = lambda request: seen.append(only_entry(opened).sentence)
    opened.run(job("get_book", during_prepare=prepare), sender)
    assert seen[0] == "marketing began a call, and what it was is not on record yet: begun."
