"""Rows 2, 3 and 5: approvers that give no clear answer, edits, and arguments that change after the approval."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, wrap_tool_call

from ac_guardrails import ApprovalRequest, Decision

FULL = {"contacts": "full"}
DELETE = {"contact": 46}


def kind_of(message: Any) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


def _raises(error: BaseException) -> Callable[[ApprovalRequest], Any]:
    def approver(request: ApprovalRequest) -> Any:
        raise error

    return approver


async def _async_none(request: ApprovalRequest) -> None:
    return None


async def _async_timeout(request: ApprovalRequest) -> Decision:
    async with asyncio.timeout(0.01):
        await asyncio.sleep(60)
    return Decision.approve(by="too late")


class Lax(Decision):
    """A decision that skips its own checks."""

    def __post_init__(self) -> None:
        pass


NO_ANSWERS = {
    "None": lambda request: None,
    "True": lambda request: True,
    "a text": lambda request: "approve",
    "a number": lambda request: 1,
    "a dict": lambda request: {"type": "approve"},
    "a list of decisions": lambda request: [Decision.approve(by="anna")],
    "a lookalike": lambda request: SimpleNamespace(kind="approve", by="anna", reason="", arguments=None),
    "the class": lambda request: Decision,
    "a function": lambda request: lambda: Decision.approve(by="anna"),
    "an unheard-of kind": lambda request: Lax("respond", "anna"),  # type: ignore[arg-type]
    "an unheard-of kind with arguments": lambda request: Lax("ok", "anna", arguments=DELETE),  # type: ignore[arg-type]
    "nobody's name": lambda request: Lax("approve", ""),
    "raises": _raises(RuntimeError("no")),
    "times out": _raises(TimeoutError()),
    "async None": _async_none,
    "async timeout": _async_timeout,
    "an approval without a name": lambda request: Decision.approve(by=""),
}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("case", NO_ANSWERS)
def test_row_02_no_clear_answer_is_no(case, asynchronous, toolkit_for, writes):
    """An approver that says nothing, fails, times out or answers in a shape nobody knows has refused."""
    toolkit = toolkit_for(FULL, NO_ANSWERS[case])
    made = toolkit.get_tool("ac_delete_contact")
    call = {"type": "tool_call", "id": "call_1", "name": made.name, "args": DELETE}
    message = asyncio.run(made.ainvoke(call)) if asynchronous else made.invoke(call)
    assert message.status == "error"
    assert kind_of(message) == "refused"
    assert [entry.decision for entry in toolkit.guard.ledger.entries()] == ["refused"]
    assert writes() == []


def test_row_02_an_interrupted_approver_is_no(toolkit_for, writes):
    """Ctrl-C at the question stops the program with nothing sent."""
    toolkit = toolkit_for(FULL, _raises(KeyboardInterrupt()))
    with contextlib.suppress(KeyboardInterrupt):
        toolkit.get_tool("ac_delete_contact").invoke(DELETE)
    assert writes() == []


def test_row_02_an_answer_after_the_time_is_no(toolkit_for, run, writes):
    """A yes that comes after the question has lapsed runs nothing, and the model hears that it may ask again."""
    now = [1_000_000.0]

    def late(request: ApprovalRequest) -> Decision:
        now[0] += 61
        return Decision.approve(by="anna")

    toolkit = toolkit_for(FULL, late, expires=60.0, clock=lambda: now[0])
    message = run(toolkit, "ac_delete_contact", **DELETE)
    assert kind_of(message) == "expired"
    assert "ask again" in message.content
    assert writes() == []


def test_row_02_without_an_approver_it_is_no(toolkit_for, run, writes):
    """Where nobody can be asked, what needs a person is refused."""
    toolkit = toolkit_for(FULL, None)
    assert kind_of(run(toolkit, "ac_delete_contact", **DELETE)) == "refused"
    assert writes() == []


def edits_to(arguments: dict[str, Any], then: str = "approve") -> Callable[[ApprovalRequest], Decision]:
    """A reviewer who edits the first question, keeps all, and answers the others as said."""
    asked: list[ApprovalRequest] = []

    def review(request: ApprovalRequest) -> Decision:
        asked.append(request)
        if len(asked) == 1:
            return Decision.edit(arguments, by="anna")
        return Decision.approve(by="anna") if then == "approve" else Decision.reject(by="anna")

    review.asked = asked  # type: ignore[attr-defined]
    return review


NEWSLETTER_ONLY = {"lists": {"access": "full", "only": {"list": ["Newsletter"]}, "ask": "writes"}}
SUBSCRIBE = {"contact": 46, "list": "Newsletter", "status": "unsubscribe"}
FORBIDDEN_EDITS = {
    "another tool": {**SUBSCRIBE, "tool": "ac_delete_contact"},
    "another tool by name": {"name": "ac_delete_contact", "args": {"contact": 46}},
    "another agent": {**SUBSCRIBE, "agent": "admin"},
    "another list": {**SUBSCRIBE, "list": "Trade news"},
    "a path": {**SUBSCRIBE, "contact": "../contacts/7"},
    "nothing": {},
    "another shape": {"contact": [46], "list": {"id": 1}, "status": None},
}


@pytest.mark.parametrize("case", FORBIDDEN_EDITS)
def test_row_03_an_edit_to_what_is_forbidden_is_refused(case, toolkit_for, run, writes):
    """A reviewer's edit is validated and decided again: to another tool, agent, list or shape it runs nothing."""
    grants = {"agents": {"marketing": NEWSLETTER_ONLY, "admin": {"lists": "full", "contacts": "full"}}}
    toolkit = toolkit_for(grants, edits_to(FORBIDDEN_EDITS[case]))
    message = run(toolkit, "ac_set_list_status", **SUBSCRIBE)
    assert message.status == "error"
    assert {entry.agent for entry in toolkit.guard.ledger.entries()} == {"marketing"}
    assert writes() == []


def test_row_03_an_edit_to_another_person_is_asked_again(toolkit_for, run, writes):
    """An edit that touches somebody else shows the card of that person before anything runs."""
    review = edits_to({"contact": 47}, then="reject")
    message = run(toolkit_for(FULL, review), "ac_delete_contact", **DELETE)
    assert [request.action.references[0].id for request in review.asked] == [46, 47]
    assert kind_of(message) == "rejected"
    assert writes() == []


def test_row_03_an_edit_that_raises_the_level_is_asked_again(toolkit_for, run, writes):
    """An unsubscription edited into a subscription that mails somebody is a new question, with that on its card."""
    mailing = {"contact": 46, "list": "Webinar invitations"}
    review = edits_to({**mailing, "status": "subscribe"}, then="reject")
    toolkit = toolkit_for({"lists": {"access": "full", "ask": "writes"}}, review)
    run(toolkit, "ac_set_list_status", **mailing, status="unsubscribe")
    assert writes() == []
    assert "last campaign" in str(review.asked[-1])


def test_row_03_endless_edits_run_nothing(toolkit_for, run, writes):
    """A reviewer who never stops editing ends in a refusal."""
    ids = iter(range(47, 57))

    def edits(request: ApprovalRequest) -> Decision:
        contact = next(ids, None)
        return Decision.edit({"contact": contact}, by="anna") if contact else Decision.approve(by="anna")

    toolkit = toolkit_for(FULL, edits)
    assert kind_of(run(toolkit, "ac_delete_contact", **DELETE)) == "refused"
    assert writes() == []


def test_row_05_arguments_rewritten_on_the_way_are_what_is_asked(toolkit_for, approve, scripted, writes):
    """A middleware that rewrites a call's arguments changes the question too: what runs is what was approved."""

    @wrap_tool_call
    def rewrite(request: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(request.override(tool_call={**request.tool_call, "args": {"contact": 47}}))

    made = toolkit_for(FULL, approve).get_tool("ac_delete_contact")
    agent = create_agent(scripted([(made.name, DELETE)]), [made], middleware=[rewrite])
    agent.invoke({"messages": [("user", "go")]})
    assert [request.action.references[0].id for request in approve.requests] == [47]
    assert writes() == ["DELETE /contacts/47"]


@pytest.mark.parametrize("what", ["the call's arguments", "the request that was shown"])
def test_row_05_arguments_changed_during_the_question_change_nothing(what, toolkit_for, bodies, writes):
    """Whoever changes the arguments while the person reads gets what was on the card, or nothing."""
    leads = [{"email": "one@x.example"}]
    args = {"contacts": leads}

    def meanwhile(request: ApprovalRequest) -> Decision:
        leads.append({"email": "two@x.example"})
        args["run_automations"] = True  # type: ignore[assignment]
        if what == "the request that was shown":
            shown = request.action.request.body or request.action.arguments  # type: ignore[union-attr]
            shown["contacts"].append({"email": "three@x.example"})  # type: ignore[index,union-attr]
        return Decision.approve(by="anna")

    made = toolkit_for(FULL, meanwhile).get_tool("ac_import_contacts")
    try:
        made.invoke({"type": "tool_call", "id": "call_1", "name": made.name, "args": args})
    except RuntimeError:  # a programming error raises
        assert writes() == []
    people = [person["email"] for body in bodies() for person in body["contacts"]]
    assert people in ([], ["one@x.example"])


class Again(AgentMiddleware):
    """Sends every refused call straight to the tool again."""

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        handler(request)
        return handler(request)


def test_row_05_a_jump_back_to_the_tools_after_a_rejection_meets_the_same_no(toolkit_for, scripted, writes):
    """A framework that runs a rejected call once more is told the same no; nobody is asked twice for one call."""
    asked: list[ApprovalRequest] = []

    def reject(request: ApprovalRequest) -> Decision:
        asked.append(request)
        return Decision.reject("no", by="anna")

    toolkit = toolkit_for(FULL, reject)
    made = toolkit.get_tool("ac_delete_contact")
    agent = create_agent(scripted([(made.name, DELETE)], [(made.name, DELETE)]), [made], middleware=[Again()])
    agent.invoke({"messages": [("user", "go")]})
    assert len(asked) == 2
    assert {entry.decision for entry in toolkit.guard.ledger.entries()} == {"rejected"}
    assert writes() == []
