"""Limits in people and calls: what counts, in windows that roll, and what a person may let pass."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails import ApprovalRequest, Decision
from ac_guardrails import Request as Sent
from ac_guardrails._events import Event
from ac_guardrails._hold import _COUNTED, _IN_ORDER, Hold
from ac_guardrails._ledger import Ledger
from ac_guardrails._limits import DAY, HOUR, Limit
from ac_guardrails._origin import Origin
from ac_guardrails.approvers import Inbox

from .limiting import NO, YES, Person

# Calls, and windows that roll


def test_calls_are_counted_by_the_writes_that_left(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Reads use nothing of a limit in calls, refused calls neither; a write uses one, however few people it touches."""
    guard = opened({"calls_per_day": 2})
    for _ in range(3):
        assert guard.run(job("get_book"), sender).ok
    assert not guard.run(job("burn_book"), sender).ok  # needs full
    assert rename(guard, people=0).ok
    assert rename(guard, people=9).ok
    assert not rename(guard, people=0).ok
    assert guard.run(job("get_book"), sender).ok
    assert len(sender.writes) == 2


def test_a_call_of_several_requests_is_one_call(opened: Any, rename: Any, sender: Any) -> None:
    """What a call sends after its first write is the same call, and is never cut off by a limit."""
    guard = opened({"calls_per_hour": 2, "people_per_hour": 6})
    more = tuple(Sent("POST", f"/books/{number}/pages", body={}) for number in range(3))
    assert rename(guard, more=more, people=5).ok
    assert rename(guard, more=more, people=1).ok
    assert len(sender.writes) == 8
    assert not rename(guard, people=0).ok


@pytest.mark.parametrize(("unit", "seconds"), [(unit, each) for unit in ("people", "calls") for each in (HOUR, DAY)])
def test_a_window_ends_exactly_when_it_is_full(opened: Any, rename: Any, clock: Any, unit: str, seconds: int) -> None:
    """What was used counts until one millisecond before its hour or day is over, and no longer."""
    guard = opened({f"{unit}_per_{'hour' if seconds == HOUR else 'day'}": 1})
    begun = clock.now
    assert rename(guard).ok
    clock.now = begun + seconds - 0.001
    assert not rename(guard).ok
    clock.now = begun + seconds
    assert rename(guard).ok
    assert not rename(guard).ok


def test_a_call_needs_room_under_each_of_its_limits(opened: Any, rename: Any, clock: Any) -> None:
    """With several limits passed, the answer names the one that has room last."""
    guard = opened({"people_per_hour": 1, "calls_per_day": 1})
    assert rename(guard).ok
    assert "at most 1 call per day in books; 1 is used. There is room" in rename(guard).content
    clock.now += HOUR
    assert not rename(guard).ok
    clock.now += DAY - HOUR
    assert rename(guard).ok


def test_what_can_never_fit_is_told_so(opened: Any, rename: Any) -> None:
    """A call that is larger than the limit itself is told to be split, not to wait."""
    answer = rename(opened({"people_per_day": 4999}), people=5000)
    assert answer.content == (
        "marketing may touch at most 4999 people per day in books; 0 are used and this call would touch 5000 more. "
        "It never has room for 5000 at once: split the call. Nothing was sent."
    )


used_before = st.lists(st.tuples(st.floats(0, 2 * HOUR), st.integers(0, 4)), max_size=12)


@settings(max_examples=60)
@given(before=used_before, most=st.integers(1, 8), wanted=st.integers(0, 8))
def test_the_time_that_is_said_is_the_first_at_which_the_call_fits(
    before: list[tuple[float, int]], most: int, wanted: int
) -> None:
    """Whatever was used before, and when: what lies in the window is counted, and room comes when it is said to."""
    now = 1_790_000_000.0
    ledger = Ledger(":memory:", clock=lambda: now)
    for number, (ago, people) in enumerate(sorted(before, reverse=True)):
        now = 1_790_000_000.0 - ago
        sent = Event(f"e{number}", "sent", "m", {"areas": ["books"], "people": people, "calls": 1})
        ledger.reserve(sent, hold=Hold())
    now = 1_790_000_000.0
    limit = Limit("books", "people", HOUR, most)

    def use(at: float) -> Any:
        nonlocal now
        now = at
        return ledger.outlook("m", "", windows=((limit, wanted),))[0][limit]

    found = use(now)
    assert found.count == sum(people for ago, people in before if round(1_790_000_000.0 - ago, 3) > now - HOUR)
    if found.count + wanted <= most or wanted > most:
        assert found.room_at is None
    else:
        assert use(found.room_at).count + wanted <= most < use(found.room_at - 0.001).count + wanted
    ledger.close()


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 40), reason="older ones take the row, only slower")
@pytest.mark.parametrize("unit", ["people", "calls"])
def test_counting_reads_no_event(unit: str) -> None:
    """What is added up lies in an index, so that a busy day does not make each of its writes slower."""
    ledger = Ledger(":memory:")
    for sql in (_COUNTED[unit], _IN_ORDER[unit]):
        with ledger.reading() as connection:
            counting = sql.format(agents="?, ?")
            steps = connection.execute(f"EXPLAIN {counting}", ("m", "m/helper", 0.0, "books")).fetchall()
        assert not [step for step in steps if "json_extract" in str(step[5])]
    ledger.close()


@pytest.mark.parametrize("fate", ["refused", "not_sent", "unknown"])
def test_nothing_is_given_back(opened: Any, rename: Any, sender: Any, account_error: Any, fate: str) -> None:
    """What was reserved for a write stays used, whatever the account or the network made of it."""

    def fail(request: Any) -> Any:
        raise account_error(fate)

    guard = opened({"calls_per_day": 1})
    sender.reply = fail
    assert not rename(guard).ok
    sender.reply = lambda request: {"ok": True}
    assert "1 is used" in rename(guard).content
    assert len(sender.writes) == 1


def test_what_nobody_let_through_uses_nothing(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """Calls that a person rejects, or answers too late, use up no limit."""
    person = Person(NO)
    guard = opened({"calls_per_day": 1, "ask": "writes"}, approver=person, expires=60)
    assert rename(guard).artifact.kind == "rejected"

    def late(request: ApprovalRequest) -> Decision:
        clock.now += 60
        return YES

    guard.approver = late
    assert rename(guard).artifact.kind == "expired"
    guard.approver = Person(YES)
    assert rename(guard).ok
    assert not rename(guard).ok
    assert len(sender.writes) == 1


# Over a limit


def test_over_ask_puts_the_refusal_to_a_person(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """With `over: ask` the words of the refusal are the reason on the card; a yes lets one call pass, a no none."""
    refused = rename(opened({"calls_per_hour": 1, "over": "refuse"}, ledger=(first := Ledger(":memory:", clock=clock))))
    assert refused.ok
    words = rename(opened({"calls_per_hour": 1}, ledger=first)).content.removesuffix(" Nothing was sent.")
    person = Person()
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=person, ledger=first)
    assert rename(guard).ok
    assert person.reasons == [words]
    assert words == (
        "marketing may make at most 1 call per hour in books; 1 is used. "
        "There is room for it from 2026-09-21 15:13:20 UTC on."
    )
    guard.approver = Person(NO)
    assert rename(guard).artifact.kind == "rejected"
    guard.approver = None
    answer = rename(guard)
    assert answer.content.startswith("marketing may make at most 1 call per hour in books; 2 are used.")
    assert "A person must agree to this, and the guard has no approver to ask." in answer.content
    assert len(sender.writes) == 2


def test_an_approval_over_a_limit_counts_all_the_same(opened: Any, rename: Any, clock: Any) -> None:
    """Whom an approved call touches beyond the limit is counted, so that the window empties the later for it."""
    person = Person()
    guard = opened({"people_per_hour": 3, "over": "ask"}, approver=person)
    assert rename(guard, people=3).ok
    clock.now += 1800
    assert rename(guard, people=2).ok
    clock.now += 1800
    assert rename(guard, people=2).ok
    assert len(person.requests) == 2
    assert "2 are used" in person.reasons[1]


def test_a_yes_for_another_reason_is_no_yes_beyond_a_limit(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Where a limit fills up while a person thinks about something else, they are asked again, with the limit."""
    person = Person()

    def slowly(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard).ok
        return person(request)

    guard = opened(areas={"books": {"access": "full", "calls_per_hour": 1, "over": "ask"}}, approver=slowly)
    assert guard.run(job("burn_book", {"book": 99}), sender).ok
    first, second = person.reasons
    assert "limit" not in first and "calls" not in first
    assert second.startswith("It destroys something or reaches people, so a person decides. marketing may make at most")
    assert len(sender.writes) == 2


def test_a_yes_beyond_one_limit_is_none_beyond_another(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Who lets a call pass the limit in people has said nothing of the limit in calls, which fills up meanwhile."""
    person = Person()

    def slowly(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard, people=0).ok
        return person(request)

    guard = opened({"people_per_hour": 1, "calls_per_hour": 1, "over": "ask"}, approver=slowly)
    assert rename(guard, people=2).ok
    assert ["call per hour" in reason for reason in person.reasons] == [False, True]
    assert len(sender.writes) == 2


def test_an_edit_does_not_carry_a_call_over_a_limit(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Who edits a call has agreed to what they made of it, but not to a limit that they were not told of."""
    person = Person()

    def editing(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard).ok
            person(request)
            return Decision.edit({"book": 77, "title": "Emma"}, by="anna")
        return person(request)

    guard = opened({"ask": "writes", "calls_per_hour": 1, "over": "ask"})
    guard.approver = None
    quiet = opened({"calls_per_hour": 9}, ledger=guard.ledger)
    guard.approver = editing
    rename_by = rename
    rename = lambda _: rename_by(quiet)  # noqa: E731
    assert guard.run(job("rename_book", {"book": 77}), sender).ok
    assert "at most 1 call per hour" in person.reasons[1]
    assert len(sender.writes) == 2


@pytest.mark.parametrize(("title", "kind"), [("Emma", "rejected"), ("Persuasion", "waiting")])
def test_a_no_stands_when_there_is_room_again(
    opened: Any, rename: Any, job: Any, sender: Any, clock: Any, title: str, kind: str
) -> None:
    """What a person has rejected beyond a limit does not run an hour later, when it needs nobody any more.

    Where the record has changed since, they are asked anew.
    """
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=Inbox(wait=0), expires=2 * DAY)
    assert rename(guard).ok
    call = job("rename_book", {"book": 50}, origin=Origin("thread", "turn", "call"), voids={"title": "Emma"})
    assert guard.run(call, sender).artifact.kind == "waiting"
    (question,) = guard.desk.waiting()
    guard.desk.answer(question.request.id, NO)
    clock.now += HOUR
    assert guard.run(replace(call, voids={"title": title}), sender).artifact.kind == kind
    assert len(sender.writes) == 1


def test_a_question_that_nobody_answered_is_needed_no_more_once_there_is_room(
    opened: Any, rename: Any, job: Any, sender: Any, clock: Any
) -> None:
    """A call that waits for a person only because of a limit goes on by itself when the window lets it through."""
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=Inbox(wait=0), expires=2 * DAY)
    assert rename(guard).ok
    call = job("rename_book", {"book": 50}, origin=Origin("thread", "turn", "call"))
    assert guard.run(call, sender).artifact.kind == "waiting"
    clock.now += HOUR
    assert guard.run(call, sender).ok
    assert guard.desk.waiting() == []


def test_a_question_of_another_call_does_not_serve_beyond_a_limit(
    opened: Any, rename: Any, job: Any, sender: Any
) -> None:
    """Two calls for the same share a question, but not where the second needs a limit passed as well."""
    asking = {"ask": "writes", "calls_per_hour": 1, "over": "ask"}
    guard = opened(asking, approver=Inbox(wait=0))
    calls = [job("rename_book", {"book": 50}, origin=Origin("thread", "turn", f"call {each}")) for each in range(3)]
    for call in calls[:2]:
        assert guard.run(call, sender).artifact.kind == "waiting"
    (first,) = guard.desk.waiting()
    assert rename(opened(ledger=guard.ledger)).ok
    assert guard.run(calls[2], sender).artifact.kind == "waiting"
    second = next(one for one in guard.desk.waiting() if one.request.id != first.request.id)
    assert (first.beyond, second.beyond) == (frozenset(), {"books: calls_per_hour"})


def test_a_standing_approval_lets_nothing_pass_a_limit(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """What somebody has agreed to beforehand runs by itself up to the limit; beyond it a person is asked."""
    person = Person(NO)
    guard = opened({"ask": "writes", "calls_per_hour": 1, "over": "ask"}, approver=person)
    until = datetime.fromtimestamp(clock.now + DAY, UTC)
    guard.standing.allow(agent="marketing", tool="rename_book", by="anna", until=until, times=9)
    assert rename(guard).ok
    assert person.requests == []
    assert rename(guard).artifact.kind == "rejected"
    assert "at most 1 call per hour" in person.reasons[0]
