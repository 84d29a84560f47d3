"""Settling: what became of a write whose answer never came, judged by what the product shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Decision, Guard, Refusal
from ac_guardrails._events import Event
from ac_guardrails._finding import Finding
from ac_guardrails._settle import close, judge
from ac_guardrails.approvers import Inbox

HOST = "library.example"


def found(*kinds: str) -> Callable[..., Any]:
    """Reads back these findings in turn, the last one for ever."""
    left = list(kinds)

    def read(tool: str, key: Any, since: float) -> Any:
        return Finding(left.pop(0) if len(left) > 1 else left[0], "book 1 shows it")  # type: ignore[arg-type]
        yield

    return read


def cut(guard: Guard, job: Any, sender: Any, account_error: Any, **more: Any) -> Any:
    """A write whose answer was lost."""

    def reply(request: Any) -> Any:
        raise account_error("unknown")

    sender.reply = reply
    answer = guard.run(job("rename_book", **more), sender)
    sender.reply = lambda request: {"ok": True}
    return answer


def outcomes(settled: Any) -> list[str]:
    return [settlement.outcome for settlement in settled]


@pytest.mark.parametrize(
    ("kind", "earlier", "after", "outcome"),
    [
        ("present", (), 0, "happened"),
        ("present", (1.0,), 60, "happened"),
        ("cannot_tell", (), 60, "cannot_tell"),
        ("unread", (1.0,), 60, "unknown"),
        ("absent", (), 0, "unknown"),
        ("absent", (), 60, "unknown"),
        ("absent", (1.0,), 59.9, "unknown"),
        ("absent", (1.0,), 60, "did_not_happen"),
    ],
)
def test_only_absence_at_two_reads_a_minute_apart_is_proof(kind: Any, earlier: Any, after: float, outcome: str) -> None:
    """Present is proof at once; absent is so at the second read, and not before the time to land is over."""
    assert judge(Finding(kind, ""), cut_at=0.0, absent_at=earlier, now=after, wait=60.0) == outcome


def test_the_answer_says_when_to_look_again(guard: Any, job: Any, sender: Any, account_error: Any, clock: Any) -> None:
    """Whoever is told that nobody knows is told from when on it can be known."""
    opened = guard(clock=clock)
    answer = cut(opened, job, sender, account_error)
    assert isinstance(answer.artifact, Refusal)
    assert answer.artifact.kind == "unknown"
    (settlement,) = opened.settle(sender, found("absent"), host=HOST)
    assert settlement.look_again_at == clock.now + 60


@pytest.mark.parametrize(
    ("outcome", "kind"), [("happened", "blocked"), ("did_not_happen", "done"), ("cannot_tell", "blocked")]
)
def test_another_call_for_the_same_waits_for_the_settlement(
    guard: Any, job: Any, sender: Any, account_error: Any, clock: Any, outcome: str, kind: str
) -> None:
    """After a lost answer the same again is sent only once it is known that the first did not happen."""
    shown = {"happened": "present", "did_not_happen": "absent", "cannot_tell": "cannot_tell"}[outcome]
    opened = guard(clock=clock)
    cut(opened, job, sender, account_error)

    def reading() -> Any:
        return Finding(shown, "book 1 shows it")  # type: ignore[arg-type]
        yield

    clock.now += 61
    answer = opened.run(job("rename_book", reading_back=reading), sender)
    assert getattr(answer.artifact, "kind", "done") == kind
    assert len(sender.writes) == (2 if kind == "done" else 1)
    assert opened.ledger.entries()[0].outcome == outcome


def test_two_who_settle_at_once_agree(guard: Any, job: Any, sender: Any, account_error: Any) -> None:
    """What one has settled is not opened again by another who has read the account before."""
    opened = guard()
    cut(opened, job, sender, account_error)

    def slowly(tool: str, key: Any, since: float) -> Any:
        assert outcomes(opened.settle(sender, found("present"), host=HOST)) == ["happened"]
        return Finding("absent", "book 1 does not show it yet")
        yield

    (settlement,) = opened.settle(sender, slowly, host=HOST)
    assert settlement.outcome == "closed"
    (entry,) = opened.ledger.entries()
    assert (entry.outcome, entry.state) == ("happened", "closed")


def test_a_person_settles_by_hand_once(guard: Any, job: Any, sender: Any, account_error: Any) -> None:
    """What nobody can read back a person may settle, by name; and what is settled stays so."""
    opened = guard()
    entry = cut(opened, job, sender, account_error).artifact.entry
    opened.settle(sender, found("cannot_tell"), host=HOST)
    with pytest.raises(ValueError, match="name of the person"):
        close(opened, entry, happened=True, by=" ")
    close(opened, entry, happened=True, by="anna")
    assert opened.ledger.entry(entry).outcome == "happened"
    with pytest.raises(ValueError, match="nothing to settle"):
        close(opened, entry, happened=False, by="bert")


@pytest.mark.parametrize(("after", "outcome"), [(599, "under_way"), (601, "happened")])
def test_a_machine_that_is_gone_blocks_nobody_for_ever(
    guard: Any, job: Any, sender: Any, clock: Any, after: float, outcome: str
) -> None:
    """A call that a container left in flight is settled ten minutes later, since nobody can ask that container."""
    opened = guard(clock=clock)
    data = {"tool": "rename_book", "host": HOST, "what": "rename book 1", "verdict": "allow", "write": True}
    opened.ledger.append(
        Event("gone", "decided", "marketing", data),
        Event("gone", "sent", "marketing", {"method": "PUT", "path": "/books/1"}),
        payload={"owner": "another-machine:7:1234", "key": {"book": 1}},
    )
    clock.now += after
    assert outcomes(opened.settle(sender, found("present"), host=HOST)) == [outcome]


def test_what_waits_for_a_person_is_left_alone_until_it_lapses(guard: Any, job: Any, sender: Any, clock: Any) -> None:
    """A question is no lost answer; after its time, it is closed as not sent."""
    opened = guard(clock=clock, approver=Inbox(wait=0))
    opened.run(job("burn_book"), sender)
    (question,) = opened.desk.waiting()
    assert outcomes(opened.settle(sender, found("present"), host=HOST)) == ["waiting"]
    opened.desk.answer(question.request.id, Decision.approve(by="anna"))
    assert outcomes(opened.settle(sender, found("present"), host=HOST)) == ["waiting"]
    clock.now += 901
    assert outcomes(opened.settle(sender, found("present"), host=HOST)) == ["did_not_happen"]
    assert opened.ledger.entries()[0].decision == "expired"


def test_only_this_account_and_this_entry_are_settled(guard: Any, job: Any, sender: Any, account_error: Any) -> None:
    """Entries of other accounts are left alone, and one entry can be settled for itself."""
    opened = guard()
    first = cut(opened, job, sender, account_error).artifact.entry
    cut(opened, job, sender, account_error, args={"book": 2})
    cut(opened, job, sender, account_error, host="other.example")
    assert outcomes(opened.settle(sender, found("present"), host=HOST, entry=first)) == ["happened"]
    assert outcomes(opened.settle(sender, found("present"), host=HOST)) == ["happened"]
    assert [entry.host for entry in opened.ledger.not_closed()] == ["other.example"]


def test_an_account_that_cannot_be_asked_leaves_it_open(guard: Any, job: Any, sender: Any, account_error: Any) -> None:
    """An error while reading back is no finding."""
    opened = guard()
    cut(opened, job, sender, account_error)

    def fails(tool: str, key: Any, since: float) -> Any:
        raise account_error("unknown")
        yield

    assert outcomes(opened.settle(sender, fails, host=HOST)) == ["unknown"]
    assert opened.ledger.entries()[0].state == "unknown"
