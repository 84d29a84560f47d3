"""Agents whose models say their lines, with the middleware or without it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from ac_tools.middleware import ActiveCampaignMiddleware
from ac_tools.testing import ScriptedChatModel, calling

FULL = {"contacts": "full", "tags": "write"}
CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}
BEGIN: Any = {"messages": [HumanMessage("Go on.")]}
YES, NO = {"type": "approve"}, {"type": "reject"}
DELETE_46, DELETE_47 = calling("ac_delete_contact", contact=46), calling("ac_delete_contact", contact=47)
ADD = calling("ac_create_contact", email="new@example.org")

BOTH = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


class Listening(ScriptedChatModel):
    """Says its lines, and keeps what it was shown and told."""

    shown: list[list[str]]
    told: list[list[BaseMessage]]

    def bind_tools(self, tools: Any, **kwargs: Any) -> Listening:
        self.shown.append([each.name for each in tools])
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.told.append(messages)
        return super()._generate(messages, *args, **kwargs)


def says(*turns: Any) -> Listening:
    return Listening(script=[*turns, "Done."], shown=[], told=[])


def together(*turns: AIMessage) -> AIMessage:
    """The calls of several turns as one turn."""
    return AIMessage("", tool_calls=[call for turn in turns for call in turn.tool_calls])


def agent_of(toolkit: Any, model: Any, *others: Any, guarded: bool = True, saver: Any = None) -> Any:
    middleware = [ActiveCampaignMiddleware(toolkit), *others] if guarded else others
    tools = [] if guarded else toolkit.get_tools()
    return create_agent(model, tools, middleware=middleware, checkpointer=saver or InMemorySaver())


def run(agent: Any, given: Any = BEGIN, *, asynchronous: bool = False, config: Any = CONFIG) -> list[ToolMessage]:
    result = asyncio.run(agent.ainvoke(given, config)) if asynchronous else agent.invoke(given, config)
    return [one for one in result["messages"] if isinstance(one, ToolMessage)]


@tool
def add_note(text: str) -> str:
    """Add a note."""
    return f"noted: {text}"
