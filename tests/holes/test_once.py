"""Rows 11 to 14 and 17: an approval is good for one request, for what was shown, as things were, and in time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from ac_guardrails import AnswerError, ApprovalRequest, Decision, Guard
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph

TOOL, MARIA, DIETER = "ac_delete_contact", {"contact": 46}, {"contact": 47}
FULL = {"contacts": "full", "lists": "full", "automations": "full"}
YES = Decision.approve(by="anna")
DAYS = 3 * 86400.0


def question_of(guard: Guard) -> ApprovalRequest:
    """The one question that can be answered now."""
    (question,) = guard.desk.waiting()
    return question.request


def told_how(message: ToolMessage) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What many threads get that begin in the same moment."""
    gate, results = threading.Barrier(count), [None] * count

    def one(number: int) -> None:
        gate.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def presented_by_processes(count: int, served: Any, callers: Any, beside: Any) -> None:
    assert callers(tool=TOOL, args=MARIA)[0][0] == "error"
    toolkit = beside()
    toolkit.guard.desk.answer(question_of(toolkit.guard).id, YES)
    told = callers(tool=TOOL, args=MARIA, count=count, meeting=True)
    assert [item.method for item in served.sandbox.requests if item.method != "GET"] == ["DELETE"]
    assert told == [["success", "Deleted contact 46."]] * count
    assert toolkit.guard.ledger.verify() == ""


def test_row_11_processes_that_present_one_approval_at_once_send_one_request(served, callers, beside):
    """One approval, presented by eight processes in the same moment: one request leaves, and all learn the result."""
    presented_by_processes(8, served, callers, beside)


@pytest.mark.long
def test_64_processes_that_present_one_approval_at_once_send_one_request(served, callers, beside):
    """The same with sixty-four."""
    presented_by_processes(64, served, callers, beside)


@pytest.mark.parametrize("ledger", ["memory:", "sqlite:///{}/ledger.db"], ids=["memory", "file"])
def test_row_11_threads_that_present_one_approval_at_once_send_one_request(
    ledger, tmp_path, toolkit_for, call, writes, meeting
):
    """One approval, presented by sixty-four threads in the same moment: one request, and all learn the result."""
    toolkit = toolkit_for(FULL, Inbox(wait=0), ledger=ledger.format(tmp_path))
    call(toolkit, TOOL, MARIA)
    toolkit.guard.desk.answer(question_of(toolkit.guard).id, YES)
    told = at_once(64, lambda _: call(toolkit, TOOL, MARIA))
    assert writes() == ["DELETE /contacts/46"]
    assert {getattr(message, "content", message) for message in told} == {"Deleted contact 46."}
    assert [entry.outcome for entry in toolkit.guard.ledger.entries()] == ["done"]


def test_row_11_one_approval_is_one_request_also_for_calls_with_ids_of_their_own(toolkit_for, call, writes, meeting):
    """Sixteen calls for the same deletion share one question, and its approval is good for one request."""
    toolkit = toolkit_for(FULL, Inbox(wait=0))
    told = [call(toolkit, TOOL, MARIA, call_id=f"call_{number}") for number in range(16)]
    assert {told_how(message) for message in told} == {"waiting"}
    toolkit.guard.desk.answer(question_of(toolkit.guard).id, YES)
    at_once(16, lambda number: call(toolkit, TOOL, MARIA, call_id=f"call_{number}"))
    assert writes() == ["DELETE /contacts/46"]


def test_row_12_of_many_people_who_answer_at_once_one_counts(toolkit_for, call, writes):
    """Sixteen people answer in the same moment: one answer stands, the others are told whose, and it is obeyed."""
    toolkit = toolkit_for(FULL, Inbox(wait=0))
    call(toolkit, TOOL, MARIA)
    asked = question_of(toolkit.guard).id

    def answer(number: int) -> Any:
        by = f"person {number}"
        try:
            toolkit.guard.desk.answer(asked, Decision.approve(by=by) if number % 2 else Decision.reject(by=by))
        except AnswerError as error:
            return str(error)
        return number

    answers = at_once(16, answer)
    stands = [answer for answer in answers if isinstance(answer, int)]
    assert len(stands) == 1
    first = stands[0]
    said = "approved" if first % 2 else "rejected"
    others = {answer for answer in answers if answer != first}
    assert {one.partition(" If ")[0] for one in others} == {
        f"person {first} has answered this already: {said}. That stands."
    }
    assert told_how(call(toolkit, TOOL, MARIA)) == ("done" if first % 2 else "rejected")
    assert len(writes()) == first % 2


def test_row_12_of_many_processes_that_answer_at_once_one_counts(served, callers, beside):
    """The same from eight processes on one ledger file."""
    callers(tool=TOOL, args=MARIA)
    toolkit = beside()
    answers = callers(answering=question_of(toolkit.guard).id, count=8)
    stands = [by for how, by in answers if how == "stands"]
    assert len(stands) == 1
    first = stands[0]
    said = "approved" if int(first.split()[1]) % 2 else "rejected"
    others = {text.partition(" If ")[0] for how, text in answers if how != "stands"}
    assert others == {f"{first} has answered this already: {said}. That stands."}
    (entry,) = toolkit.guard.ledger.entries()
    assert (entry.by, entry.decision) == (first, said)


@pytest.mark.parametrize("first", ["approve", "reject"])
def test_row_12_a_second_click_changes_nothing(first, toolkit_for, call, writes):
    """Whoever answers twice, or after somebody else, is told so, before the call runs and after it."""
    toolkit = toolkit_for(FULL, Inbox(wait=0))
    call(toolkit, TOOL, MARIA)
    asked, desk = question_of(toolkit.guard).id, toolkit.guard.desk
    desk.answer(asked, getattr(Decision, first)(by="anna"))
    for _ in range(2):
        for decision in (YES, Decision.reject(by="bert"), Decision.edit(DIETER, by="bert")):
            with pytest.raises(AnswerError, match=f"anna has answered this already: {first}e?d"):
                desk.answer(asked, decision)
        call(toolkit, TOOL, MARIA)
    assert writes() == (["DELETE /contacts/46"] if first == "approve" else [])


def test_row_12_an_answer_after_the_time_does_not_count(toolkit_for, call, writes, later):
    """A yes that comes after the question lapsed is refused in words, and nothing runs."""
    toolkit = toolkit_for(FULL, Inbox(wait=0), clock=later)
    call(toolkit, TOOL, MARIA)
    asked = question_of(toolkit.guard).id
    later.by = 901.0
    with pytest.raises(AnswerError, match=r"This question has lapsed, and nothing ran\. The agent may ask again\."):
        toolkit.guard.desk.answer(asked, YES)
    assert told_how(call(toolkit, TOOL, MARIA)) == "expired"
    assert writes() == []


@pytest.mark.parametrize("call_id", ["call_1", "call_2"], ids=["the same id", "another id"])
@pytest.mark.parametrize("agent", ["marketing", "sales"])
def test_row_13_what_was_approved_for_one_contact_does_not_run_for_another(call_id, agent, toolkit_for, call, writes):
    """Approved for contact 46: a call for contact 47, or of another agent, has no use of it, whatever its id."""
    toolkit = toolkit_for({"agents": {"marketing": FULL, "sales": FULL}}, Inbox(wait=0))
    call(toolkit, TOOL, MARIA)
    toolkit.guard.desk.answer(question_of(toolkit.guard).id, YES)
    other = MARIA if agent == "sales" else DIETER
    message = call(toolkit.for_agent(agent), TOOL, other, call_id=call_id)
    assert told_how(message) == "waiting"
    assert writes() == []


class Change:
    """What somebody else does in the account while a person thinks, for a call whose approval rests on it."""

    def __init__(self, tool: str, args: dict[str, Any], what: Callable[[Any], None], said: str) -> None:
        self.tool = tool
        self.args = args
        self.make = what
        self.said = said


def _owner(method: str, path: str, body: Any) -> Callable[[Any], None]:
    """The account's owner, in the browser."""

    def write(sandbox: Any) -> None:
        answer = sandbox.handle(method, f"/api/3{path}", {"Api-Token": sandbox.key}, json.dumps(body).encode())
        assert answer.status < 300
        del sandbox.requests[-1]

    return write


def _switched_on(sandbox: Any) -> None:
    sandbox._store.automations.get(3).status = 1  # no request of the API can do it


CHANGES = {
    "an address": Change(
        TOOL,
        MARIA,
        _owner("PUT", "/contacts/46", {"contact": {"email": "other@new.example"}}),
        "email: «maria@lindqvist-interiors.example», now «other@new.example»",
    ),
    "an automation": Change(
        "ac_add_to_automation",
        {"contact": 46, "automation": 3},
        _switched_on,
        "automation status: «inactive», now «active»",
    ),
    "a consent": Change(
        "ac_set_list_status",
        {"contact": 47, "list": 1, "status": "subscribe"},
        _owner("POST", "/contactLists", {"contactList": {"contact": 47, "list": 1, "status": 2}}),
        "status on the list: «bounced», now «unsubscribed»",
    ),
}


def in_graph(toolkit: Any, scripted: Any, change: Change, *, asynchronous: bool) -> Callable[..., Any]:
    """An agent in a graph that makes the call; to be run, and resumed with an answer."""
    graph = create_agent(
        scripted([(change.tool, change.args)]), toolkit.get_tools(include=[change.tool]), checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}

    def go(given: Any) -> Any:
        return asyncio.run(graph.ainvoke(given, config)) if asynchronous else graph.invoke(given, config)

    return go


def cards_and_end(approver: str, toolkit_for: Any, call: Any, scripted: Any, change: Change, asynchronous: bool) -> Any:
    """The cards that a person saw who always says yes, while something changed under the first one; and the guard."""
    cards: list[str] = []
    change_once = iter([change.make])

    def answered(request: ApprovalRequest) -> Decision:
        cards.append(str(request))
        next(change_once, lambda _: None)(toolkit.account.simulator)
        return YES

    if approver == "plain":
        toolkit = toolkit_for(FULL, answered)
        call(toolkit, change.tool, change.args, asynchronous=asynchronous)
    elif approver == "inbox":
        toolkit = toolkit_for(FULL, Inbox(wait=0))
        while told_how(call(toolkit, change.tool, change.args, asynchronous=asynchronous)) == "waiting":
            request = question_of(toolkit.guard)
            toolkit.guard.desk.answer(request.id, answered(request))
    else:
        toolkit = toolkit_for(FULL, ask_in_graph)
        go = in_graph(toolkit, scripted, change, asynchronous=asynchronous)
        state = go({"messages": [("user", "Go on.")]})
        while "__interrupt__" in state:
            answered(question_of(toolkit.guard))
            state = go(Command(resume={"decisions": [{"type": "approve"}]}))
    return cards, toolkit.guard


@pytest.mark.parametrize("changed", list(CHANGES))
@pytest.mark.parametrize("approver", ["plain", "inbox", "graph"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_row_14_what_changed_since_the_approval_is_asked_again(
    changed, approver, asynchronous, toolkit_for, call, scripted, writes
):
    """Her address, the automation, her consent changed while a person thought: asked again, with the difference."""
    change = CHANGES[changed]
    cards, guard = cards_and_end(approver, toolkit_for, call, scripted, change, asynchronous)
    assert len(cards) == 2
    assert "Changed since" not in cards[0]
    assert change.said in cards[1]
    assert len(writes()) == 1
    (entry,) = guard.ledger.entries()
    assert (entry.outcome, entry.by) == ("done", "anna")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_row_17_an_approval_that_is_used_days_later_runs_nothing(asynchronous, toolkit_for, call, writes, later):
    """Three days after the yes nothing runs; the model hears that it may ask again, and a new call is asked anew."""
    toolkit = toolkit_for(FULL, Inbox(wait=0), clock=later)
    call(toolkit, TOOL, MARIA)
    toolkit.guard.desk.answer(question_of(toolkit.guard).id, YES)
    later.by = DAYS
    message = call(toolkit, TOOL, MARIA, asynchronous=asynchronous)
    assert told_how(message) == "expired"
    assert "nothing ran. You may ask again" in message.content
    assert told_how(call(toolkit, TOOL, MARIA, call_id="call_2")) == "waiting"
    assert writes() == []
    assert question_of(toolkit.guard).expires_at > time.time() + DAYS
