"""What became of a call that went wrong is told, recorded, and never made better than it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Answer, Guard, Refusal, Request

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


OUTCOMES = {
    "not_sent": ("failed", "closed", "nothing was sent"),
    "refused": ("failed", "closed", "the account refused it"),
    "unknown": ("unknown", "unknown", "nobody knows yet whether it happened"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_error_of_the_account_is_an_answer_and_on_record(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any, outcome: Any
) -> None:
    """What became of a write that failed is told to the model and stands in the ledger."""
    kind, state, words = OUTCOMES[outcome]
    opened = guard()
    sender.reply = raising(account_error(outcome, "The library said no."))
    answer = carry(opened, job("rename_book", args={"title": "Emma"}))
    assert isinstance(answer.artifact, Refusal)
    assert answer.artifact.kind == kind
    assert not answer.ok
    assert answer.content.startswith("The library said no.")
    assert ("Nobody knows yet whether it happened" in answer.content) == (outcome == "unknown")
    entry = only_entry(opened)
    assert (entry.outcome, entry.state) == (outcome, state)
    because = "the shelf does not show it" if outcome == "unknown" else "The library said no"
    assert entry.sentence == (
        f"marketing asked to rename the book Emma in library.example: allowed, {words} ({because})."
    )


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_error_while_reading_is_no_outcome_of_a_write(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any, outcome: Any
) -> None:
    """When a read before the decision fails, nothing can have happened, whatever the error says of itself."""
    opened = guard()
    sender.reply = raising(account_error(outcome))

    def prepare() -> Any:
        yield LOOK

    assert carry(opened, job("rename_book", during_prepare=prepare)).artifact.kind == "failed"
    assert only_entry(opened).outcome == "failed"
    assert sender.writes == []


@pytest.mark.parametrize(
    ("second", "outcome", "told"),
    [
        ("not_sent", "partly", "A part of it was done before that."),
        ("refused", "partly", "A part of it was done before that."),
        ("unknown", "unknown", "Nobody knows yet whether it happened"),
    ],
)
def test_a_call_that_fails_half_way_says_so(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any, second: Any, outcome: Any, told: Any
) -> None:
    """After one write was done, the failure of the next is never recorded as nothing sent."""
    opened = guard()
    sender.reply = lambda request: raising(account_error(second))(request) if len(sender.writes) == 2 else {}
    answer = carry(opened, job("rename_book", more=(Request("PUT", "/books/2"),)))
    assert told in answer.content
    assert only_entry(opened).outcome == outcome
    assert only_entry(opened).writes == 2


@pytest.mark.parametrize("outcome", ["not_sent", "refused"])
def test_a_read_that_fails_after_a_write_does_not_undo_it(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any, outcome: Any
) -> None:
    """A write that was done stays done when reading it back fails."""
    opened = guard()
    sender.reply = lambda request: {} if request.is_write else raising(account_error(outcome))(request)

    def perform(plan: Any) -> Any:
        yield plan.action.request
        yield LOOK

    carry(opened, job("rename_book", performing=perform))
    assert only_entry(opened).outcome == "partly"


def test_an_unknown_write_stays_unknown_when_the_job_goes_on(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any
) -> None:
    """A job that answers "failed" after a write that nobody knows about does not close the question."""
    opened = guard()
    sender.reply = raising(account_error("unknown"))

    def perform(plan: Any) -> Any:
        try:
            yield plan.action.request
        except account_error:
            return Answer("It did not work.", None, ok=False)

    carry(opened, job("rename_book", performing=perform))
    assert only_entry(opened).state == "unknown"


def test_the_job_may_take_an_error_for_a_success(
    guard: Any, job: Any, sender: Any, carry: Any, account_error: Any
) -> None:
    """An account's error that means "done already" is the job's to handle."""
    opened = guard()
    sender.reply = raising(account_error("refused"))

    def perform(plan: Any) -> Any:
        try:
            yield plan.action.request
        except account_error:
            return Answer("It has that title already.", None)

    assert carry(opened, job("rename_book", performing=perform)).ok
    assert only_entry(opened).outcome == "done"


class Bugs:
    """Where a tool's own code can be wrong, and what the ledger then says of the write."""

    @staticmethod
    def outline(job: Any) -> Any:
        return job("burn_book", args={"book": "no number"})

    @staticmethod
    def prepare(job: Any) -> Any:
        def prepare() -> Any:
            yield LOOK
            raise KeyError("author")

        return job("burn_book", during_prepare=prepare)

    @staticmethod
    def card(job: Any) -> Any:
        return job("burn_book", making_card=lambda: dict[str, Any]()["author"])

    @staticmethod
    def before(job: Any) -> Any:
        def perform(plan: Any) -> Any:
            raise KeyError("author")
            yield

        return job("burn_book", performing=perform)

    @staticmethod
    def after(job: Any) -> Any:
        def perform(plan: Any) -> Any:
            reply = yield plan.action.request
            return reply["author"]

        return job("burn_book", performing=perform)


@pytest.mark.parametrize(
    ("place", "outcome", "sent"),
    [
        ("outline", "failed", 0),
        ("prepare", "failed", 0),
        ("card", "failed", 0),
        ("before", "failed", 0),
        ("after", "unknown", 1),
    ],
)
def test_a_bug_is_recorded_and_raised(
    guard: Any, job: Any, sender: Any, carry: Any, approve: Any, place: str, outcome: str, sent: int
) -> None:
    """A programming error is never turned into an answer, and never leaves an open entry behind."""
    opened = guard(approver=approve)
    with pytest.raises((KeyError, ValueError)):
        carry(opened, getattr(Bugs, place)(job))
    entry = only_entry(opened)
    assert entry.outcome == outcome
    assert entry.state == ("unknown" if outcome == "unknown" else "closed")
    assert "burn" in entry.sentence
    assert len(sender.writes) == sent
