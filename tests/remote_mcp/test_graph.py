"""The server's tools inside a LangChain agent: paused for a person, resumed, run once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from ac_guardrails import Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools.remote_mcp import RemoteMCP
from ac_tools.testing import ScriptedChatModel

from .server import Account

Make = Callable[..., RemoteMCP]
CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}
BEGIN: Any = {"messages": [{"role": "user", "content": "Go on."}]}
ENROL = {"params": {"contact": 46, "automation": 2}}
TAG = {"params": {"contact": 46, "tag": 2}}
GRANTS = {"automations": "full", "contacts": "read", "tags": "write"}


def agent_of(tools: Any, *calls: tuple[str, dict[str, Any]]) -> Any:
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    model = ScriptedChatModel(script=[AIMessage("", tool_calls=asked), AIMessage("done")])
    return create_agent(model, tools, checkpointer=InMemorySaver())


def told(result: Any) -> list[str]:
    return [str(one.content) for one in result["messages"] if isinstance(one, ToolMessage)]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_pause(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account, asynchronous: bool) -> None:
    """The graph pauses with the card; resumed, the approved call runs once, and so does its sibling that ran before."""
    remote = over_http(guard_for(GRANTS, ask_in_graph))
    calls = (("ac_mcp_add_tag_to_contact", TAG), ("ac_mcp_add_contact_to_automation", ENROL))
    agent = agent_of(remote.get_tools(), *calls)

    def go(given: Any) -> Any:
        return asyncio.run(agent.ainvoke(given, CONFIG)) if asynchronous else agent.invoke(given, CONFIG)

    paused = go(BEGIN)
    (interrupt,) = paused["__interrupt__"]
    assert "add_contact_to_automation" in str(interrupt.value)
    assert "Maria" in str(interrupt.value)
    assert [name for name, _ in remote_account.calls] == ["add_tag_to_contact"]
    done = go(Command(resume={"type": "approve"}))
    assert told(done)[0] == "Contact 46 has tag 2 now."
    assert "Put contact 46 into automation 2" in told(done)[1] or "automation 2" in told(done)[1]
    assert [name for name, _ in remote_account.calls] == ["add_tag_to_contact", "add_contact_to_automation"]
    assert agent.invoke(None, CONFIG)["messages"][-1].content == "done"
    assert len(remote_account.calls) == 2


def test_a_rejection(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """Rejected, the agent is told and nothing is sent."""
    remote = over_http(guard_for(GRANTS, ask_in_graph))
    agent = agent_of(remote.get_tools(), ("ac_mcp_add_contact_to_automation", ENROL))
    agent.invoke(BEGIN, CONFIG)
    done = agent.invoke(Command(resume={"type": "reject", "message": "not him"}), CONFIG)
    assert "rejected this call" in told(done)[0]
    assert remote_account.calls == []


def test_changed_while_paused(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """What the server changed during the pause voids the approval: the graph pauses again, and the card says why."""
    remote = over_http(guard_for(GRANTS, ask_in_graph))
    agent = agent_of(remote.get_tools(), ("ac_mcp_add_contact_to_automation", ENROL))
    agent.invoke(BEGIN, CONFIG)
    remote_account.change("add_contact_to_automation", then={"type": "boolean"})
    again = agent.invoke(Command(resume={"type": "approve"}), CONFIG)
    (interrupt,) = again["__interrupt__"]
    assert "what was agreed to before does not count any more" in str(interrupt.value)
    assert remote_account.calls == []
    done = agent.invoke(Command(resume={"type": "approve"}), CONFIG)
    assert "__interrupt__" not in done
    assert len(remote_account.calls) == 1


def test_models_get_schemas_that_their_apis_take(remote_for: Make, guard_for: Callable[..., Guard]) -> None:
    """Each tool's schema passes the converters of LangChain's model packages."""
    from langchain_core.utils.function_calling import convert_to_openai_tool

    grants = dict.fromkeys(("contacts", "lists", "tags", "deals", "fields", "automations"), "full")
    for tool in remote_for(guard_for(grants)).get_tools():
        function = convert_to_openai_tool(tool)["function"]
        assert function["name"] == tool.name
        assert function["parameters"]["type"] == "object"
