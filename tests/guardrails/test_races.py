"""The last unit of a limit and the last use of a standing approval go to exactly one call, whoever races for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import ApprovalRequest, Decision, Guard
from ac_guardrails._ledger import Ledger

from .limiting import NO, YES, Person
from .racing import in_processes, in_threads, meet_at_standing_approvals, performing

LEDGERS = pytest.mark.parametrize("ledger", ["memory:", "sqlite:///{}/ledger.db"], ids=["memory", "file"])


def race(guard: Guard, job: Any, sender: Any) -> list[Any]:
    """32 calls in threads, all of which have been decided on before the first of them is put on record."""
    everybody = threading.Barrier(32)
    return in_threads(guard, job, sender, "rename_book", lambda: performing(everybody))


@LEDGERS
@pytest.mark.parametrize("unit", ["people", "calls"])
def test_of_32_threads_one_gets_the_last_unit(
    opened: Any, job: Any, sender: Any, tmp_path: Path, unit: str, ledger: str
) -> None:
    """However many threads race for what is left of a limit, exactly one of them gets it."""
    guard = opened({f"{unit}_per_day": 1}, ledger=ledger.format(tmp_path))
    answers = race(guard, job, sender)
    assert sum(answer.ok for answer in answers) == 1
    assert len(sender.writes) == 1
    assert all("There is room for it from" in answer.content for answer in answers if not answer.ok)
    assert guard.ledger.verify() == ""


@pytest.mark.parametrize("answer", [YES, NO], ids=["yes", "no"])
def test_of_32_threads_one_gets_the_last_unit_unasked(opened: Any, job: Any, sender: Any, answer: Decision) -> None:
    """With `over: ask` exactly one goes by itself; about each of the others a person is asked, and is obeyed."""
    person = Person(answer)
    guard = opened({"calls_per_day": 1, "over": "ask"}, approver=person)
    answers = race(guard, job, sender)
    assert len(person.requests) == 31
    assert all("calls_per" in name for request in person.requests for name in _beyond(guard, request))
    assert sum(each.ok for each in answers) == len(sender.writes) == (32 if answer is YES else 1)


def _beyond(guard: Guard, request: ApprovalRequest) -> frozenset[str]:
    question = guard.desk.question(request.id)
    assert question is not None
    return question.beyond


@pytest.mark.parametrize("over", ["refuse", "no", "yes"])
@pytest.mark.parametrize(("calls", "most"), [(1, 1), pytest.param(100, 250, marks=pytest.mark.long)])
@pytest.mark.parametrize("unit", ["people", "calls"])
def test_8_processes_share_a_limit_exactly(tmp_path: Path, unit: str, calls: int, most: int, over: str) -> None:
    """Processes on one ledger file let through exactly as much as there is, and beyond it only what was agreed to."""
    path = tmp_path / "ledger.db"
    books = {"access": "write", f"{unit}_per_day": most, "over": "refuse" if over == "refuse" else "ask"}
    left, asked = in_processes(path, tool="rename_book", calls=calls, books=books, says=over)
    assert left == (8 * calls if over == "yes" else most)
    assert asked == (0 if over == "refuse" else 8 * calls - most)
    assert whole(path)


def whole(path: Path) -> bool:
    """Whether a ledger's chain is."""
    ledger = Ledger(str(path))
    broken = ledger.verify()
    ledger.close()
    return broken == ""


EDGES = pytest.mark.parametrize(("edge", "most"), [("times", 1), ("times", 3), ("people", 2)])


def agree(guard: Guard, **edge: int) -> None:
    """Let the agent burn some books, within a day."""
    until = datetime.fromtimestamp(guard.clock(), UTC) + timedelta(days=1)
    guard.standing.allow(agent="marketing", tool="burn_book", by="anna", until=until, **edge)


@LEDGERS
@EDGES
def test_32_threads_share_a_standing_approval_exactly(
    opened: Any, job: Any, sender: Any, tmp_path: Path, monkeypatch: Any, edge: str, most: int, ledger: str
) -> None:
    """However many calls have seen that it covers them, exactly as many run as were agreed to."""
    guard = opened({"access": "full"}, ledger=ledger.format(tmp_path))
    agree(guard, **{edge: most})
    meet_at_standing_approvals(threading.Barrier(32), monkeypatch.setattr)
    answers = in_threads(guard, job, sender, "burn_book")
    assert sum(answer.ok for answer in answers) == len(sender.writes) == most
    assert [each.used for each in guard.standing.all()] == [most]
    assert guard.ledger.verify() == ""


@EDGES
def test_8_processes_share_a_standing_approval_exactly(opened: Any, tmp_path: Path, edge: str, most: int) -> None:
    """The same from eight processes on one ledger file; nobody else is asked."""
    path = tmp_path / "ledger.db"
    guard = opened({"access": "full"}, ledger=f"sqlite:///{path}", clock=time.time)
    agree(guard, **{edge: most})
    assert in_processes(path, tool="burn_book", books="full", standing=True) == (most, 0)
    assert [each.used for each in guard.standing.all()] == [most]
    assert whole(path)
