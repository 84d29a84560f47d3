"""All 29 tools through every way into a LangChain tool, in process and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from ac_guardrails import Guard, Refusal
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.sandbox import serve
from ac_tools.testing import ScriptedChatModel
from ac_tools.tools import TOOLS, ActiveCampaignTool

NAMES = [tool.model_fields["name"].default for tool in TOOLS]
Calls = tuple[dict[str, Any], dict[str, Any]]


def tool_call(name: str, args: Mapping[str, Any], number: int = 1) -> ToolCall:
    return ToolCall(type="tool_call", id=f"call_{number}", name=name, args=dict(args))


def node(*tools: ActiveCampaignTool) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(list(tools)))
    graph.add_edge(START, "tools")
    return graph.compile()


def asked(*calls: ToolCall) -> dict[str, Any]:
    return {"messages": [AIMessage("", tool_calls=list(calls))]}


def answers(state: Mapping[str, Any]) -> list[ToolMessage]:
    return [message for message in state["messages"] if isinstance(message, ToolMessage)]


def scripted(script: list[ToolCall]) -> ScriptedChatModel:
    """A chat model that makes the calls it was given, one a turn."""
    return ScriptedChatModel(script=[*(AIMessage("", tool_calls=[call]) for call in script), AIMessage("Done.")])


def _invoke(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    return [tool.invoke(first), tool.invoke(tool_call(tool.name, second))]


def _batch(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    return list(tool.batch([first, tool_call(tool.name, second)]))


def _tool_node(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    return answers(node(tool).invoke(asked(tool_call(tool.name, first, 1), tool_call(tool.name, second, 2))))


async def _ainvoke(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    return [await tool.ainvoke(first), await tool.ainvoke(tool_call(tool.name, second))]


async def _abatch(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    return list(await tool.abatch([first, tool_call(tool.name, second)]))


async def _async_tool_node(tool: ActiveCampaignTool, first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    state = await node(tool).ainvoke(asked(tool_call(tool.name, first, 1), tool_call(tool.name, second, 2)))
    return answers(state)


SYNC = {"invoke": _invoke, "batch": _batch, "ToolNode": _tool_node}
ASYNC = {"ainvoke": _ainvoke, "abatch": _abatch, "ToolNode": _async_tool_node}
DELETION_LAST = sorted(NAMES, key=lambda name: name == "ac_delete_contact")


def check(name: str, results: list[Any]) -> None:
    """Two results, none of them empty or an error, and an artifact beside every message."""
    assert len(results) == 2, name
    for result in results:
        if isinstance(result, ToolMessage):
            assert result.status == "success", f"{name}: {result.content}"
            assert result.artifact is not None, name
            assert not isinstance(result.artifact, Refusal), name
        assert result.content if isinstance(result, ToolMessage) else result, name


def check_ledger(toolkit: ActiveCampaignToolkit, name: str) -> None:
    """Both calls are on record as done."""
    assert [entry.outcome for entry in toolkit.guard.ledger.entries()] == ["done", "done"], name


@pytest.mark.parametrize("path", SYNC)
@pytest.mark.parametrize("name", NAMES)
def test_every_tool_works_in_process(
    path: str, name: str, valid: dict[str, Calls], toolkit: ActiveCampaignToolkit
) -> None:
    """A tool answers a call by dict and one by ToolCall with content and a typed artifact, however it is called."""
    check(name, SYNC[path](toolkit.get_tool(name), *valid[name]))
    check_ledger(toolkit, name)


@pytest.mark.parametrize("path", ASYNC)
async def test_every_tool_works_on_an_event_loop(
    path: str, valid: dict[str, Calls], on: Any, toolkit_for: Callable[..., ActiveCampaignToolkit]
) -> None:
    """The same on an event loop, each tool on an account of its own."""
    for name in NAMES:
        toolkit = toolkit_for(on())
        check(name, await ASYNC[path](toolkit.get_tool(name), *valid[name]))
        check_ledger(toolkit, name)
        await toolkit.account.aclose()


@pytest.fixture
def over_http(wire: Any, guard_for: Callable[..., Guard], approve: Any) -> Iterator[ActiveCampaignToolkit]:
    """All tools on an account behind a real HTTP server."""
    with serve(wire.sandbox) as server, ActiveCampaign(url=server.url, key=wire.sandbox.key, limit=None) as account:
        guard = guard_for(dict.fromkeys(AREAS, "full"), approve)
        yield ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


@pytest.mark.parametrize("path", SYNC)
def test_every_tool_works_over_http(path: str, valid: dict[str, Calls], over_http: ActiveCampaignToolkit) -> None:
    """All 29 tools work against one account over real HTTP."""
    for name in DELETION_LAST:
        check(name, SYNC[path](over_http.get_tool(name), *valid[name]))


@pytest.mark.parametrize("path", ASYNC)
async def test_every_tool_works_over_http_on_an_event_loop(
    path: str, valid: dict[str, Calls], over_http: ActiveCampaignToolkit
) -> None:
    """All 29 tools work against one account over real HTTP on an event loop."""
    for name in DELETION_LAST:
        check(name, await ASYNC[path](over_http.get_tool(name), *valid[name]))
    await over_http.account.aclose()


def script_of(valid: dict[str, Calls], which: int) -> list[ToolCall]:
    return [tool_call(name, valid[name][which], number) for number, name in enumerate(DELETION_LAST)]


def check_agent(state: Mapping[str, Any]) -> None:
    messages = answers(state)
    assert [str(message.content) for message in messages if message.status == "error"] == []
    assert [message.name for message in messages] == DELETION_LAST
    assert state["messages"][-1].content == "Done."


@pytest.mark.parametrize("transport", ["in process", "over HTTP"])
def test_an_agent_uses_all_tools(
    transport: str, valid: dict[str, Calls], toolkit: ActiveCampaignToolkit, over_http: ActiveCampaignToolkit
) -> None:
    """An agent made by create_agent calls all 29 tools, one after the other."""
    chosen = toolkit if transport == "in process" else over_http
    agent = create_agent(scripted(script_of(valid, 0)), chosen.get_tools())
    check_agent(agent.invoke({"messages": [HumanMessage("Go.")]}, {"recursion_limit": 200}))


@pytest.mark.parametrize("transport", ["in process", "over HTTP"])
async def test_an_async_agent_uses_all_tools(
    transport: str, valid: dict[str, Calls], toolkit: ActiveCampaignToolkit, over_http: ActiveCampaignToolkit
) -> None:
    """An agent made by create_agent calls all 29 tools on an event loop."""
    chosen = toolkit if transport == "in process" else over_http
    agent = create_agent(scripted(script_of(valid, 1)), chosen.get_tools())
    check_agent(await agent.ainvoke({"messages": [HumanMessage("Go.")]}, {"recursion_limit": 200}))
    await over_http.account.aclose()


REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no grant": ("ac_delete_contact", {"contact": 46}, "refused", "contacts: full"),
    "invalid argument": ("ac_get_contact", {"contact": "../46"}, "invalid", "names no contact"),
    "unknown key": ("ac_get_contact", {"contact": 46, "colour": "red"}, "invalid", "'colour'"),
    "unknown name": ("ac_list_contacts", {"tag": "Nobody has this"}, "invalid", "No tag is called"),
    "no such record": ("ac_get_contact", {"contact": 99999}, "failed", "404"),
}


def check_refusal(message: Any, name: str, kind: str, words: str) -> None:
    assert isinstance(message, ToolMessage)
    assert (message.status, message.name, message.tool_call_id) == ("error", name, "call_1")
    assert isinstance(message.artifact, Refusal)
    assert message.artifact.kind == kind
    assert words in str(message.content)


@pytest.mark.parametrize("case", REFUSED)
async def test_what_goes_wrong_is_an_answer(case: str, toolkit_for: Callable[..., ActiveCampaignToolkit]) -> None:
    """Refusals, invalid arguments, unknown names and missing records come back as error messages on every path."""
    name, args, kind, words = REFUSED[case]
    tool = toolkit_for(contacts="read", tags="read").get_tool(name)
    call = tool_call(name, args)
    check_refusal(tool.invoke(call), name, kind, words)
    check_refusal(await tool.ainvoke(call), name, kind, words)
    check_refusal(tool.batch([call])[0], name, kind, words)
    check_refusal((await tool.abatch([call]))[0], name, kind, words)
    check_refusal(answers(node(tool).invoke(asked(call)))[0], name, kind, words)
    check_refusal(answers(await node(tool).ainvoke(asked(call)))[0], name, kind, words)


async def test_an_agent_reads_a_refusal_and_goes_on(toolkit_for: Callable[..., ActiveCampaignToolkit]) -> None:
    """In create_agent a refused call is an error message that the model reads, sync and async."""
    tools = toolkit_for(contacts="full").get_tools(include=["ac_delete_contact", "ac_get_contact"])
    script = [tool_call("ac_get_contact", {"contact": "../46"}, 1), tool_call("ac_get_contact", {"contact": 46}, 2)]
    agent = create_agent(scripted(script), tools)
    question: Any = {"messages": [HumanMessage("Go.")]}
    for state in (agent.invoke(question), await agent.ainvoke(question)):
        assert [message.status for message in answers(state)] == ["error", "success"]
        assert state["messages"][-1].content == "Done."


def test_a_plain_dict_gets_the_refusal_as_text(toolkit_for: Callable[..., ActiveCampaignToolkit]) -> None:
    """A call without a tool call's id has nowhere to put a status, so it gets the words."""
    answer = toolkit_for(contacts="read").get_tool("ac_delete_contact").invoke({"contact": 46})
    assert "contacts: full" in answer


def test_the_table_of_calls_is_json(valid: dict[str, Calls]) -> None:
    """There are two valid calls for each of the 29 tools, in what a model can send."""
    assert list(valid) == NAMES
    assert json.loads(json.dumps(valid)) == {name: list(calls) for name, calls in valid.items()}
