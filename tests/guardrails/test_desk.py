"""The desk: questions wait in the ledger, anybody on it can answer them, and the first answer in time stands."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import AnswerError, Decision
from ac_guardrails._origin import Origin
from ac_guardrails.approvers import Inbox

YES = Decision.approve(by="anna")


@pytest.fixture
def waiting(guard: Any, job: Any, sender: Any, clock: Any) -> Any:
    """A guard with one question that waits, and how to make its call again."""
    opened = guard(approver=Inbox(wait=0), clock=clock)

    def again(**args: Any) -> Any:
        return opened.run(job("burn_book", args=args or {"book": 7}), sender)

    assert again().artifact.kind == "waiting"
    return opened, again


def question(opened: Any) -> Any:
    (found,) = opened.desk.waiting()
    return found


def test_a_question_has_all_that_a_person_needs(waiting: Any) -> None:
    """Whoever looks from elsewhere sees the same card and arguments, and until when there is time."""
    opened, _ = waiting
    asked = question(opened).request
    assert asked.card.title == "burn the book 7?"
    assert asked.action.arguments == {"book": 7}
    assert asked.expires_at == opened.clock() + 900
    assert str(opened.desk.question(asked.id).request) == str(asked)


def test_an_answer_is_found_by_the_same_call(waiting: Any, sender: Any) -> None:
    """The call that comes back runs, signed by whoever answered; then nothing waits any more."""
    opened, again = waiting
    opened.desk.answer(question(opened).request.id, YES)
    assert opened.desk.waiting() == []
    assert again().ok
    assert [request.path for request in sender.writes] == ["/books/7"]
    assert opened.ledger.entries()[0].by == "anna"


def test_the_same_question_is_put_once(waiting: Any) -> None:
    """Calls for the same share a question, and calls for something else have their own."""
    opened, again = waiting
    assert again().artifact.entry == question(opened).request.id
    again(book=8)
    assert [asked.request.action.arguments["book"] for asked in opened.desk.waiting()] == [7, 8]


@pytest.mark.parametrize(("decision", "words"), [("approve", "approved"), ("reject", "rejected")])
def test_a_second_answer_is_told_of_the_first(waiting: Any, decision: str, words: str) -> None:
    """Whoever comes second hears who was first, and what they said."""
    opened, again = waiting
    asked = question(opened).request.id
    opened.desk.answer(asked, getattr(Decision, decision)(by="anna"))
    with pytest.raises(AnswerError, match=rf"anna has answered this already: {words}\. That stands\."):
        opened.desk.answer(asked, Decision.reject(by="bert"))
    told = again().content
    assert ("bert said otherwise" in told) == (decision == "approve")


def test_the_same_call_learns_of_an_edit_to_another_record(waiting: Any, sender: Any) -> None:
    """An edit that names another record waits for a second look; who makes the first call again comes to both."""
    opened, again = waiting
    opened.desk.answer(question(opened).request.id, Decision.edit({"book": 8}, by="anna"))
    assert again().artifact.kind == "waiting"
    second = question(opened).request
    assert second.action.arguments == {"book": 8}
    assert again().artifact.kind == "waiting"
    assert question(opened).request.id == second.id
    opened.desk.answer(second.id, YES)
    assert again().ok
    assert [request.path for request in sender.writes] == ["/books/8"]


def test_an_answer_to_what_is_over_is_told_so(waiting: Any, clock: Any) -> None:
    """After its time, after its call has ended and for what was never asked, an answer changes nothing."""
    opened, again = waiting
    asked = question(opened).request.id
    with pytest.raises(AnswerError, match="There is no question 'nonsense'"):
        opened.desk.answer("nonsense", YES)
    clock.now += 901
    with pytest.raises(AnswerError, match="has lapsed, and nothing ran"):
        opened.desk.answer(asked, YES)
    assert again().artifact.entry != asked  # asked anew
    opened.settle(None, None, host="library.example")  # and the old one is closed
    with pytest.raises(AnswerError, match="This question is void"):
        opened.desk.answer(asked, YES)


def test_a_question_about_what_has_changed_is_void(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """What changed after the yes is asked anew, with the difference; nobody can answer the old question any more."""
    opened, origin = guard(approver=Inbox(wait=0)), Origin("thread", "turn", "call_1")
    first = carry(opened, job("burn_book", voids={"loans": 1}, origin=origin)).artifact.entry
    opened.desk.answer(first, YES)
    assert carry(opened, job("burn_book", voids={"loans": 2}, origin=origin)).artifact.kind == "waiting"
    second = question(opened).request
    assert ("Changed since", "loans: 1, now 2") in second.card.rows
    assert opened.desk.question(first).over
    opened.desk.answer(second.id, YES)
    assert carry(opened, job("burn_book", voids={"loans": 2}, origin=origin)).ok
    assert len(sender.writes) == 1


def test_answers_from_many_threads_are_one(waiting: Any) -> None:
    """However many answer in the same moment, one stands."""
    opened, _ = waiting
    asked, gate, stands = question(opened).request.id, threading.Barrier(8), []

    def answer(number: int) -> None:
        gate.wait()
        try:
            opened.desk.answer(asked, Decision.approve(by=f"person {number}"))
        except AnswerError:
            return
        stands.append(f"person {number}")

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [opened.desk.question(asked).decision.by] == stands


def test_questions_outlive_the_program(guard: Any, job: Any, sender: Any, tmp_path: Path) -> None:
    """A question that was put before a restart can be answered after it, and the call then runs."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    first = guard(approver=Inbox(wait=0), ledger=url)
    first.run(job("burn_book"), sender)
    first.ledger.close()
    second = guard(approver=Inbox(wait=0), ledger=url)
    second.desk.answer(question(second).request.id, YES)
    assert second.run(job("burn_book"), sender).ok


def test_a_call_that_was_edited_too_often_is_not_asked_about_again(guard: Any, job: Any, sender: Any) -> None:
    """A framework that runs the same call once more meets the refusal, and nobody a new question."""
    asked: list[int] = []

    def edits(request: Any) -> Decision:
        asked.append(1)
        return Decision.edit({"book": 10 + len(asked)}, by="anna")

    opened = guard(approver=edits)
    origin = Origin(thread="t", turn="m", call="c1")
    first = opened.run(job("burn_book", args={"book": 7}, origin=origin), sender)
    assert "edited too many times" in first.content
    count = len(asked)
    again = opened.run(job("burn_book", args={"book": 7}, origin=origin), sender)
    assert "edited too many times" in again.content
    assert len(asked) == count
    assert sender.writes == []
