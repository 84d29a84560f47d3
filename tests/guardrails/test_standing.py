"""Standing approvals: what somebody agreed to beforehand runs by itself, within its edges and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ac_guardrails import Answer, Decision, Guard, Level, Need, Reference, StandingApproval

BURN = {"book": 7}


def later(guard: Guard, **time: float) -> datetime:
    return datetime.fromtimestamp(guard.clock(), UTC) + timedelta(**(time or {"days": 1}))


@pytest.fixture
def opened(guard: Callable[..., Guard], clock: Any) -> Guard:
    """A guard that has nobody to ask."""
    return guard(clock=clock)


@pytest.fixture
def allow(opened: Guard) -> Callable[..., StandingApproval]:
    """Lets the agent burn book 7, twice, within a day; unless said otherwise."""

    def make(guard: Guard = opened, **said: Any) -> StandingApproval:
        edges = {"agent": "marketing", "tool": "burn_book", "arguments": BURN, "by": "anna", "times": 2}
        return guard.standing.allow(**{"until": later(guard), **edges, **said})

    return make


def test_it_answers_so_often_and_no_more(opened: Guard, job: Any, sender: Any, carry: Any, allow: Any) -> None:
    """Two calls run without anybody being asked; the third needs a person again. All are on record with it."""
    approval = allow()
    answers = [carry(opened, job("burn_book", BURN)) for _ in range(3)]
    assert [answer.ok for answer in answers] == [True, True, False]
    assert len(sender.writes) == 2
    first, *_, last = [entry for entry in opened.ledger.entries() if entry.tool == "burn_book"]
    assert first.standing == approval.id
    assert f"approved beforehand by anna (standing approval {approval.id}), done" in first.sentence
    assert "no approver to ask" in last.sentence
    [left] = opened.standing.all()
    assert (left.used, left.touched) == (2, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"agent": "sales"},
        {"tool": "mail_members"},
        {"arguments": {"book": 8}},
        {"arguments": {"book": 7, "note": "old"}},
        {"arguments": {"shelf": "Poetry"}},
        {"people": 1, "times": None},
    ],
    ids=lambda other: "-".join(other),
)
def test_a_call_beyond_an_edge_is_not_meant(
    other: Any, guard: Any, clock: Any, job: Any, sender: Any, allow: Any
) -> None:
    """Another agent, tool, record or value, or more people than were agreed to: a person is asked as ever."""
    both = {"agents": {name: {"books": "full", "members": "full"} for name in ("marketing", "sales")}}
    opened = guard(both, clock=clock)
    allow(opened, **other)
    assert not opened.run(job("burn_book", BURN, people=2), sender).ok
    assert sender.writes == []


@pytest.mark.parametrize("named", [{"book": 7}, {"book": "7"}, {"shelf": "Crime"}, {"shelf": 1}, {"author": 9}, {}])
def test_a_record_is_meant_by_its_id_or_its_name(named: Any, opened: Guard, job: Any, sender: Any, allow: Any) -> None:
    """What a call names counts as it was resolved, whichever way it was named."""
    allow(arguments=named)
    assert opened.run(job("burn_book", BURN), sender).ok


def test_a_record_that_is_called_like_an_id_is_not_meant(opened: Guard, job: Any, sender: Any, allow: Any) -> None:
    """Whoever names another shelf "1" gets nothing that was agreed to for shelf 1; "=1" is the name."""
    named = job("burn_book", BURN, references=(Reference("shelf", 8, "1"),))
    allow(arguments={"shelf": 1})
    assert not opened.run(named, sender).ok
    allow(arguments={"shelf": "=1"})
    assert opened.run(named, sender).ok


def test_what_is_grave_in_another_area_is_never_meant(
    guard: Any, clock: Any, job: Any, sender: Any, allow: Any
) -> None:
    """A call that by what it names needs full access elsewhere, too, is asked about; write access there is ordinary."""
    opened = guard({"books": "full", "members": "full"}, clock=clock)
    allow(opened)
    books, members = Need("books", Level.FULL), Need("members", Level.FULL)
    assert not opened.run(job("burn_book", BURN, needs=(books, members)), sender).ok
    assert opened.run(job("burn_book", BURN, needs=(books, Need("members", Level.WRITE))), sender).ok


def test_its_time_ends(opened: Guard, job: Any, sender: Any, allow: Any, clock: Any) -> None:
    """From that moment on it counts no more."""
    allow(until=later(opened, seconds=10))
    clock.now += 9.9
    assert opened.run(job("burn_book", BURN), sender).ok
    clock.now += 0.2
    assert not opened.run(job("burn_book", BURN), sender).ok


def test_it_is_taken_back(opened: Guard, job: Any, sender: Any, allow: Any) -> None:
    """Revoked, by name and on record, it answers nothing any more, and is gone from the list."""
    approval = allow()
    opened.standing.revoke(approval.id, by="ben")
    assert not opened.run(job("burn_book", BURN), sender).ok
    assert opened.standing.all() == []
    told = opened.ledger.entry(approval.id)
    assert told is not None
    assert told.state == "closed"
    assert "anna let marketing call burn_book" in told.sentence
    assert "ben took that back" in told.sentence
    with pytest.raises(ValueError, match="or it was revoked"):
        opened.standing.revoke(approval.id, by="ben")


def test_what_the_account_makes_graver_is_never_meant(opened: Guard, job: Any, sender: Any, allow: Any) -> None:
    """A call that needs more than its tool by nature, such as a re-subscription, is asked about."""
    allow(tool="rename_book")
    graver = job("rename_book", BURN, needs=(Need("books", Level.FULL),))
    assert not opened.run(graver, sender).ok
    assert sender.writes == []


def test_nobody_is_asked_while_it_holds(guard: Any, job: Any, sender: Any, allow: Any, clock: Any) -> None:
    """Where there is an approver, that person is asked from the first call on that it does not cover."""
    asked = []

    def anna(request: Any) -> Decision:
        asked.append(request)
        return Decision.approve(by="anna")

    opened = guard(clock=clock, approver=anna)
    allow(opened, times=1)
    assert [opened.run(job("burn_book", BURN), sender).ok for _ in range(2)] == [True, True]
    assert len(asked) == 1


def test_it_outlives_the_process_and_the_payloads(guard: Any, job: Any, sender: Any, allow: Any, tmp_path: Any) -> None:
    """It lies in the ledger, even where values are kept only while they are needed; settling leaves it alone."""
    first, second = (guard(ledger=f"sqlite:///{tmp_path}/ledger.db", payloads="none") for _ in range(2))
    allow(first)
    first.ledger.purge()
    assert second.run(job("burn_book", BURN), sender).ok
    assert second.settle(sender, None, host="library.example") == []
    assert second.ledger.verify() == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"times": None}, "has an edge"),
        ({"times": 0}, "times=0 cannot be used"),
        ({"people": True}, "people=True cannot be used"),
        ({"tool": "burn_boook"}, "There is no tool 'burn_boook'"),
        ({"by": " "}, "needs the name"),
        ({"agent": ""}, "for one agent"),
        ({"until": datetime(2100, 1, 1)}, "needs a time zone"),
        ({"until": datetime(2000, 1, 1, tzinfo=UTC)}, "is over already"),
    ],
)
def test_without_an_edge_or_a_name_it_is_none(wrong: Any, says: str, allow: Any, opened: Guard) -> None:
    """What cannot hold is refused when it is given, and nothing is recorded."""
    with pytest.raises(ValueError, match=says):
        allow(**wrong)
    assert opened.ledger.entries() == []


def test_a_person_may_be_quicker(opened: Guard, job: Any, sender: Any, allow: Any, guard: Any, clock: Any) -> None:
    """A question that somebody has answered is not answered again."""

    def says_no(request: Any) -> Decision:
        allow(asking, arguments={})
        return Decision.reject("no", by="ben")

    asking = guard(clock=clock, approver=says_no)
    answer: Answer = asking.run(job("burn_book", BURN), sender)
    assert not answer.ok
    assert "ben rejected" in answer.content
    assert [each.used for each in asking.standing.all()] == [0]
