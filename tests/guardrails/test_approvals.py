"""A person decides: whatever is no clear yes is a no, and what runs is what the person saw."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ac_guardrails import ApprovalRequest, Decision, Guard

YES = Decision.approve(by="anna")
FULL = {"books": "full"}
ASKING = {"books": {"access": "full", "ask": "writes"}}


def only_entry(guard: Guard) -> Any:
    (entry,) = guard.ledger.entries()
    assert guard.ledger.verify() == ""
    return entry


def raises(error: BaseException) -> Callable[[ApprovalRequest], Any]:
    def approver(request: ApprovalRequest) -> Any:
        raise error

    return approver


class Edits:
    """Answers one edit after another, then approves; keeps the requests."""

    def __init__(self, *edits: dict[str, Any]) -> None:
        self._edits = list(edits)
        self.requests: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return Decision.edit(self._edits.pop(0), by="anna") if self._edits else Decision.approve(by="bert")


def test_an_approved_call_runs_and_is_signed(guard: Any, job: Any, sender: Any, carry: Any, approve: Any) -> None:
    """After a yes exactly this action runs, and the ledger names the person."""
    opened = guard(FULL, approver=approve)
    assert carry(opened, job("burn_book", args={"book": 7})).ok
    assert [request.path for request in sender.writes] == ["/books/7"]
    assert (
        only_entry(opened).sentence == "marketing asked to burn the book 7 in library.example: approved by anna, done."
    )


def test_the_person_sees_who_what_and_why(guard: Any, job: Any, sender: Any, clock: Any, approve: Any) -> None:
    """The request carries the card, the action as it would run, the facts and the end of the time."""
    opened = guard(FULL, approver=approve, clock=clock, expires=60)
    opened.run(job("burn_book", facts={"loans": 3}), sender)
    (asked,) = approve.requests
    assert str(asked).split("\n") == [
        "burn the book 1?",
        "  Agent    marketing",
        "  Why ask  It destroys something or reaches people, so a person decides.",
        "  No way back.",
    ]
    assert (asked.agent, asked.facts, asked.action.request.method) == ("marketing", {"loans": 3}, "DELETE")
    assert asked.id == only_entry(opened).id
    assert asked.seconds_left(clock()) == 60
    assert asked.expires.timestamp() == clock.now + 60


NO_ANSWER = {
    "None": (lambda request: None, "The approver answered with NoneType instead of a Decision, which counts as no."),
    "True": (lambda request: True, "The approver answered with bool instead of a Decision"),
    "text": (lambda request: "approve", "The approver answered with str instead of a Decision"),
    "mapping": (lambda request: {"kind": "approve", "by": "anna"}, "answered with dict instead of a Decision"),
    "the class": (lambda request: Decision, "answered with type instead of a Decision"),
    "look-alike": (lambda request: type("Decision", (), {"kind": "approve", "by": "x"})(), "instead of a Decision"),
    "raises": (raises(ValueError("secret")), "The approver failed (ValueError), which counts as no."),
    "times out": (raises(TimeoutError()), "The approver failed (TimeoutError), which counts as no."),
    "runs dry": (lambda request: next(iter(())), "The approver failed"),
    "no name": (lambda request: Decision("approve", ""), "The approver failed (ValueError), which counts as no."),
    "wrong signature": (lambda: YES, "The approver failed (TypeError), which counts as no."),
    "nobody": (None, "A person must agree to this, and the guard has no approver to ask."),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("approver", "reason"), NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_what_is_no_clear_yes_is_a_no(
    guard: Any, job: Any, sender: Any, carry: Any, approver: Any, reason: str
) -> None:
    """Nothing runs unless a Decision says so; the model is told why, without the error's text."""
    opened = guard(FULL, approver=approver)
    answer = carry(opened, job("burn_book"))
    assert reason in answer.content
    assert answer.content.endswith("Nothing was sent.")
    assert "secret" not in answer.content
    assert answer.artifact.kind == "refused"
    assert sender.requests == []
    assert only_entry(opened).state == "closed"


@pytest.mark.parametrize("by", ["", "  ", None, 7])
def test_a_decision_needs_a_name(by: Any) -> None:
    """A decision without the person's name cannot be made."""
    for make in (Decision.approve, Decision.reject, functools.partial(Decision.edit, {})):
        with pytest.raises(ValueError, match="needs the name of the person"):
            make(by=by)


@pytest.mark.parametrize("kind", ["yes", "Approve", None, True])
def test_a_decision_of_another_kind_cannot_be_made(kind: Any) -> None:
    """approve, reject and edit are all there is."""
    with pytest.raises(ValueError, match=r"is no decision\. Use Decision\.approve"):
        Decision(kind, "anna")


@pytest.mark.parametrize("arguments", [{"a": float("nan")}, {"a": {1: 2}}, {"a": object()}, {"a": b"x"}])
def test_an_edit_holds_json_only(arguments: dict[str, Any]) -> None:
    """Arguments that are no JSON are refused where the edit is made."""
    with pytest.raises((TypeError, ValueError)):
        Decision.edit(arguments, by="anna")


def test_only_an_edit_carries_arguments() -> None:
    """An approval with arguments, or an edit without, is a contradiction."""
    for kind, arguments in (("approve", {}), ("reject", {}), ("edit", None)):
        with pytest.raises(ValueError, match="An edit carries the new arguments"):
            Decision(kind, "anna", arguments=arguments)  # type: ignore[arg-type]


def test_a_rejection_tells_the_model_why(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """The reason reaches the model and the audit; in the events it does not stand, since it may name a contact."""
    opened = guard(FULL, approver=lambda request: Decision.reject("Maria is a VIP", by="anna"))
    answer = carry(opened, job("burn_book"))
    expected = "anna rejected this call. Reason: Maria is a VIP. Do not try it another way. Nothing was sent."
    assert answer.content == expected
    assert answer.artifact.kind == "rejected"
    assert only_entry(opened).verdict() == "rejected by anna (Maria is a VIP)"
    with opened.ledger.transaction(durable=False) as connection:
        assert not any("Maria" in body for (body,) in connection.execute("SELECT body FROM events"))


def test_a_yes_after_the_time_is_none(guard: Any, job: Any, sender: Any, carry: Any, clock: Any) -> None:
    """An answer at or after the end of the time does not count, and the model may ask again."""

    def slowly(request: ApprovalRequest) -> Decision:
        clock.now += 60
        return YES

    opened = guard(FULL, approver=slowly, clock=clock, expires=60)
    answer = carry(opened, job("burn_book"))
    until = f"{datetime.fromtimestamp(clock.now, UTC):%H:%M:%S} UTC"
    assert answer.content == f"No answer came until {until}, so nothing ran. You may ask again with a new call."
    assert answer.artifact.kind == "expired"
    assert sender.requests == []
    assert only_entry(opened).decision == "expired"


@pytest.mark.parametrize("expires", [0, -1, float("inf"), float("nan")])
def test_the_time_to_answer_is_a_time(guard: Any, expires: float) -> None:
    """A guard whose questions can never, or must forever, be answered cannot be made."""
    with pytest.raises(ValueError, match="is no time to answer in"):
        guard(expires=expires)


def test_a_grant_that_ends_while_the_person_thinks_still_ends(guard: Any, job: Any, sender: Any, clock: Any) -> None:
    """Limits and grants are looked at again when a call with a limit leaves."""

    def slowly(request: ApprovalRequest) -> Decision:
        clock.now += 2 * 86400
        return YES

    until = time.strftime("%Y-%m-%d", time.gmtime(clock.now + 86400))
    areas = {"books": {"access": "full", "until": until, "people_per_day": 5}}
    opened = guard(areas, approver=slowly, clock=clock, expires=10 * 86400)
    assert "ended on" in opened.run(job("burn_book"), sender).content
    assert sender.requests == []


async def test_a_slow_sync_approver_does_not_block_the_loop(guard: Any, job: Any, sender: Any) -> None:
    """While a sync approver waits for its person, other tasks run."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    def slowly(request: ApprovalRequest) -> Decision:
        time.sleep(0.1)
        return YES

    ticking = asyncio.create_task(tick())
    assert (await guard(FULL, approver=slowly).arun(job("burn_book"), sender)).ok
    ticking.cancel()
    assert ticks >= 5


async def agree(request: ApprovalRequest) -> Decision:
    await asyncio.sleep(0.001)
    return YES


class Agreeing:
    async def __call__(self, request: ApprovalRequest) -> Decision:
        return await agree(request)

    async def method(self, request: ApprovalRequest) -> Decision:
        return await agree(request)


ASYNC = {
    "function": agree,
    "partial": functools.partial(agree),
    "object": Agreeing(),
    "method": Agreeing().method,
    "lambda": lambda request: agree(request),
}


@pytest.mark.parametrize("approver", ASYNC.values(), ids=ASYNC.keys())
def test_an_async_approver_works_in_both_worlds(guard: Any, job: Any, sender: Any, carry: Any, approver: Any) -> None:
    """Any form of async approver can be asked from sync code without a loop and from async code."""
    assert carry(guard(FULL, approver=approver), job("burn_book")).ok


async def test_an_async_approver_works_from_sync_code_inside_a_loop(guard: Any, job: Any, sender: Any) -> None:
    """In a notebook a loop runs already: sync code can still ask an async approver."""
    assert guard(FULL, approver=agree).run(job("burn_book"), sender).ok


def test_an_async_approver_that_raises_is_a_no(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """An error on the approver's own loop counts as no, too."""

    async def fails(request: ApprovalRequest) -> Decision:
        raise RuntimeError("gone")

    assert "The approver failed (RuntimeError)" in carry(guard(FULL, approver=fails), job("burn_book")).content


def test_an_approver_sees_the_callers_context(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Context variables of the caller, such as a tracing run, reach the approver in both worlds."""
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    async def look(request: ApprovalRequest) -> Decision:
        seen.append(who.get())
        return YES

    def sync_look(request: ApprovalRequest) -> Decision:
        seen.append(who.get())
        return YES

    token = who.set("me")
    for approver in (look, sync_look):
        carry(guard(FULL, approver=approver), job("burn_book"))
    who.reset(token)
    assert seen == ["me", "me"]


def test_ctrl_c_while_a_person_is_asked_closes_the_question(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """Nothing runs, nothing stays waiting, and the interrupt goes on upwards."""
    opened = guard(FULL, approver=raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        carry(opened, job("burn_book"))
    assert only_entry(opened).verdict() == "refused (The question was interrupted)"
    assert sender.requests == []


@pytest.mark.parametrize("approver", ["ask", 7, Decision.approve(by="anna")])
def test_an_approver_must_be_callable(guard: Any, approver: Any) -> None:
    """A wrong approver is found when the guard is made, not when it is needed."""
    with pytest.raises(TypeError, match="An approver is a function"):
        guard(approver=approver)
