"""Row 23: kill -9 at any moment of a write, over and over; afterwards the ledger and the account agree."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Decision

KILLS = 200
FAULTS: list[dict[str, Any]] = [
    {},
    {"cut": "reset", "when": "after"},
    {"cut": "reset", "when": "before"},
    {"cut": "timeout", "when": "after"},
    {"late": 30.0},
    {"status": 503, "when": "after"},
]


class Write:
    """A write of a round of its own, whether it needs a person, and what it leaves in the account."""

    def __init__(self, number: int) -> None:
        self.thread = f"round {number}"
        kind = number % 3
        self.tool = ("ac_create_contact", "ac_create_tag", "ac_delete_contact")[kind]
        self.args = ({"email": f"r{number}@new.example"}, {"name": f"Round {number}"}, {"contact": number // 3 + 1})[
            kind
        ]
        self.path = ("/contacts", "/tags", f"/contacts/{number // 3 + 1}")[kind]
        self.is_gated = kind == 2
        self._number = number

    def happened(self, sandbox: Any) -> bool:
        """Whether the account shows it."""
        store = sandbox._store
        if self.is_gated:
            return store.contacts.get(self._number // 3 + 1) is None
        wanted = f"r{self._number}@new.example" if self.tool == "ac_create_contact" else f"round {self._number}"
        return (store.contacts if self.tool == "ac_create_contact" else store.tags).find(wanted) is not None


def still(sandbox: Any) -> int:
    """How many writes reached the account, once nothing is on its way any more."""
    seen = -1
    while seen != len(sandbox.requests):
        seen = len(sandbox.requests)
        time.sleep(0.01)
    return sum(item.method != "GET" for item in sandbox.requests)


def usual_time(callers: Callable[..., Any]) -> float:
    """How long a write takes that nobody kills, from the fork on."""
    callers(tool="ac_create_tag", args={"name": "Warm"}, thread="warm")
    begun = time.monotonic()
    callers(tool="ac_create_tag", args={"name": "Usual"}, thread="usual")
    return time.monotonic() - begun


@pytest.mark.long
@pytest.mark.timeout(240)
def test_whenever_a_process_is_killed_ledger_and_account_agree(served, callers, beside, later):
    """Killed at 200 random moments: each write that reached the account is on record, none is made twice, each is
    settled as what the account shows.
    """
    sandbox, choice = served.sandbox, random.Random(23)
    toolkit, minute_later = beside(), beside(clock=later)
    later.by = 61.0
    ledger = toolkit.guard.ledger
    span, killed, outcomes = usual_time(callers), 0, set()
    for number in range(600):
        if killed == KILLS:
            break
        write, before, begun = Write(number), still(sandbox), time.time()
        command: dict[str, Any] = {"tool": write.tool, "args": write.args, "thread": write.thread, "timeout": 0.2}
        if write.is_gated:
            callers(**command)
            (question,) = toolkit.guard.desk.waiting()
            toolkit.guard.desk.answer(question.request.id, Decision.approve(by="anna"))
        fault = FAULTS[number % len(FAULTS)] if number % 7 else {}
        if fault:
            sandbox.fault("DELETE" if write.is_gated else "POST", write.path, **fault)
        is_killed = callers(**command, kill_after=choice.uniform(0, span)) == [-9]
        sandbox._faults.clear()
        assert ledger.verify() == ""
        killed += is_killed
        if not is_killed:  # some come to their end and some send nothing, on a slow machine too
            span *= 0.85
        elif not any(entry.writes for entry in ledger.entries(since=begun)):
            span *= 1.08
        if choice.random() < 0.5:  # the program starts again, and comes to the same call
            callers(**command)
        reached = still(sandbox) - before
        mine = ledger.entries(since=begun)
        assert reached <= 1
        assert sum(entry.writes for entry in mine) >= reached
        toolkit.settle()
        sandbox.clock.advance(31.0)
        sandbox.handle("GET", "/api/3/tags", {"Api-Token": sandbox.key}, b"")  # what is late is done by now
        minute_later.settle()
        happened = write.happened(sandbox)
        for entry in (ledger.entry(entry.id) for entry in mine if entry.writes):
            outcomes.add(entry.outcome)
            assert entry.state == "closed"
            assert (entry.outcome in ("done", "happened")) == happened, (number, entry, fault)
    assert killed == KILLS
    assert {"done", "happened", "did_not_happen"} <= outcomes
