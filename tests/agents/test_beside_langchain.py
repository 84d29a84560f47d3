"""LangChain's own HumanInTheLoopMiddleware beside ours: each call is asked about once, and nothing is opened."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools.middleware import ActiveCampaignMiddleware
from ac_tools.testing import calling, sandbox_toolkit, writes_to

from .scripted import BEGIN, CONFIG, DELETE_46, FULL, NO, YES, add_note, says, together

pytest_plugins = ["ac_tools.testing.fixtures"]

MODES = pytest.mark.parametrize("mode", ["batched", "per_call"])
ORDERS = pytest.mark.parametrize("first", [True, False], ids=["ours first", "ours last"])


def beside(toolkit: Any, interrupt_on: Any, model: Any, *, mode: str, first: bool) -> Any:
    theirs = HumanInTheLoopMiddleware(interrupt_on=interrupt_on, interrupt_mode=mode)
    ours = ActiveCampaignMiddleware(toolkit)
    middleware = [ours, theirs] if first else [theirs, ours]
    return create_agent(model, [add_note], middleware=middleware, checkpointer=InMemorySaver())


def answered(agent: Any, decision: Any = YES) -> list[str]:
    """Answer every pause until there is none; the tools that were asked about, in order."""
    asked: list[str] = []
    while found := agent.get_state(CONFIG).interrupts:
        one = found[0].value
        asked += [each["name"] for each in one.get("action_requests", [one])]
        alone = one.get("type") == "tool_approval" and "approval_ids" not in one
        agent.invoke(Command(resume={found[0].id: decision if alone else {"decisions": [decision]}}), CONFIG)
    return asked


@MODES
@ORDERS
def test_one_question_and_one_execution(mode, first, ac_account):
    """Where a program listens to all its tools, each call is asked about once, ours by the guard, and runs once."""
    with sandbox_toolkit(FULL, ask_in_graph, account=ac_account) as toolkit:
        listening = {"add_note": True, "ac_delete_contact": True, "ac_create_campaign": True}
        theirs = ActiveCampaignMiddleware(toolkit).others(listening)
        model = says(together(calling("add_note", text="tea"), DELETE_46))
        agent = beside(toolkit, theirs, model, mode=mode, first=first)
        agent.invoke(BEGIN, CONFIG)
        assert sorted(answered(agent)) == ["ac_delete_contact", "add_note"]
        told = [one.content for one in agent.get_state(CONFIG).values["messages"] if isinstance(one, ToolMessage)]
    assert sorted(told) == ["Deleted contact 46.", "noted: tea"]
    assert writes_to(ac_account) == ["DELETE /contacts/46"]


@MODES
@ORDERS
def test_a_no_to_the_one_question_stands(mode, first, ac_account):
    """A rejection runs nothing, whoever asks and in whatever order."""
    with sandbox_toolkit(FULL, ask_in_graph, account=ac_account) as toolkit:
        theirs = ActiveCampaignMiddleware(toolkit).others({"add_note": True, "ac_delete_contact": True})
        agent = beside(toolkit, theirs, says(DELETE_46), mode=mode, first=first)
        agent.invoke(BEGIN, CONFIG)
        assert answered(agent, NO) == ["ac_delete_contact"]
    assert writes_to(ac_account) == []


@MODES
@ORDERS
def test_whoever_listens_to_our_tools_all_the_same_opens_nothing(mode, first, ac_account):
    """Then both ask: a yes to LangChain's question is none to the guard's, and what both agree to runs once."""
    with sandbox_toolkit(FULL, ask_in_graph, account=ac_account) as toolkit:
        agent = beside(toolkit, {"ac_delete_contact": True}, says(DELETE_46), mode=mode, first=first)
        agent.invoke(BEGIN, CONFIG)
        assert answered(agent) == ["ac_delete_contact"] * 2
    assert writes_to(ac_account) == ["DELETE /contacts/46"]


def test_what_the_guard_would_not_ask_is_not_taken_away(ac_toolkit):
    """A tool that somebody wants to be asked about stays with LangChain or gets into the grants; it is never lost."""
    guarded = ActiveCampaignMiddleware(ac_toolkit(FULL))
    with pytest.raises(ValueError, match=r"always ask a person about ac_add_tag\..*tags: .*ask: \[ac_add_tag\]"):
        guarded.others({"ac_add_tag": True, "ac_delete_contact": True})
    asking = {"contacts": "full", "tags": {"access": "write", "ask": ["ac_add_tag"]}}
    guarded = ActiveCampaignMiddleware(ac_toolkit(asking))
    assert guarded.others({"ac_add_tag": True, "ac_list_tags": False, "add_note": True}) == {"add_note": True}
