"""Rows 6, 7 and 9: what a model may write where an id, a name or a known argument belongs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.prebuilt import ToolNode

from ac_guardrails import Request
from ac_guardrails._request import mint
from ac_tools import ConfigurationError

NO_ID = {
    "climbs up": "../contacts/7",
    "climbs down": "7/../../x",
    "query": "7?x",
    "fragment": "7#x",
    "encoded slash": "7%2f..%2f8",
    "outer space": " 7",
    "line break": "7\n",
    "zero byte": "7\x00",
    "fullwidth digit": "７",
    "arabic digit": "٧",
    "superscript": "²",
    "fraction": 7.0,
    "fraction as text": "7.0",
    "flag": True,
    "exponent": "7e0",
    "sign": "+7",
    "negative": -7,
    "zero": 0,
    "zero as text": "0",
    "leading zero": "007",
    "400 digits": "9" * 400,
    "a number of 400 digits": 10**400,
    "empty": "",
    "null": None,
    "list": [7],
    "object": {"id": 7},
}
BY_ID = {
    "ac_get_contact": lambda value: {"contact": value},
    "ac_delete_contact": lambda value: {"contact": value},
    "ac_update_contact": lambda value: {"contact": value, "phone": "1"},
    "ac_get_deal": lambda value: {"deal": value},
    "ac_update_deal": lambda value: {"deal": value, "amount": "1"},
    "ac_add_to_automation": lambda value: {"contact": value, "automation": 1},
}
NAMED = {
    "ac_get_list": (lambda value: {"list": value}, {"/api/3/lists"}),
    "ac_add_tag": (lambda value: {"contact": 46, "tag": value}, {"/api/3/tags"}),
    "ac_get_field": (lambda value: {"field": value}, {"/api/3/fields"}),
    "ac_remove_from_automation": (lambda value: {"contact": 46, "automation": value}, {"/api/3/automations"}),
    "ac_create_deal": (
        lambda value: {"title": "x", "amount": "1", "currency": "USD", "account": value, "stage": 1},
        {"/api/3/accounts"},
    ),
}


def by_invoke(tool: Any, args: dict[str, Any]) -> ToolMessage:
    return tool.invoke({"type": "tool_call", "id": "call_1", "name": tool.name, "args": args})


def by_ainvoke(tool: Any, args: dict[str, Any]) -> ToolMessage:
    return asyncio.run(tool.ainvoke({"type": "tool_call", "id": "call_1", "name": tool.name, "args": args}))


def by_node(tool: Any, args: dict[str, Any]) -> ToolMessage:
    from langgraph.graph import END, START, MessagesState, StateGraph

    graph = StateGraph(MessagesState).add_node("tools", ToolNode([tool]))
    graph.add_edge(START, "tools").add_edge("tools", END)
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": args}
    return graph.compile().invoke({"messages": [AIMessage("", tool_calls=[call])]})["messages"][-1]


PATHS = {"invoke": by_invoke, "ainvoke": by_ainvoke, "ToolNode": by_node}


@pytest.mark.parametrize("tool", BY_ID)
def test_row_06_what_is_no_id_makes_no_request(tool, toolkit, approve, reached):
    """For contacts and deals whatever is neither an id nor an address is refused before any request."""
    made = toolkit.get_tool(tool)
    for case, value in NO_ID.items():
        message = by_invoke(made, BY_ID[tool](value))
        assert message.status == "error", case
        assert reached() == [], case
    assert approve.requests == []


@pytest.mark.parametrize("tool", NAMED)
def test_row_06_a_name_travels_only_as_a_query_value(tool, toolkit, sent):
    """A name may hold what it likes: it never becomes part of a path, and a thing that is no name makes no request."""
    arguments, allowed = NAMED[tool]
    made = toolkit.get_tool(tool)
    for case, value in NO_ID.items():
        assert by_invoke(made, arguments(value)).status == "error", case
        for request in sent:
            assert request.url.raw_path.decode().partition("?")[0] in allowed, case


@pytest.mark.parametrize(
    "path", ["/contacts/../tags/7", "/contacts/7?x=1", "/contacts/%2e%2e", "//evil.example/x", "x"]
)
def test_row_06_the_transport_refuses_a_path_of_anything_but_words_and_ids(path, account, reached):
    """Even with the guard's own permit, a path that is none of the API's never leaves."""
    request = Request("GET", path)
    try:
        account.send(request, mint(request))
    except Exception as error:
        assert isinstance(error, ConfigurationError), error
        assert reached() == []
    else:
        pytest.fail("it was sent")


@pytest.mark.parametrize("way", PATHS)
@pytest.mark.parametrize(
    "word",
    ["tool_call_id", "config", "runtime", "agent", "approved", "approver", "guard", "account", "permit", "run_manager"],
)
def test_row_07_reserved_words_in_the_arguments_are_never_believed(word, way, toolkit_for, approve, writes):
    """A model that writes who it is, what it was allowed or which call this is, is refused, and the word is named."""
    grants = {"agents": {"marketing": {"contacts": "write"}, "admin": {"contacts": "full"}}}
    toolkit = toolkit_for(grants, approve)
    made = toolkit.get_tool("ac_update_contact")
    message = PATHS[way](made, {"contact": 46, "phone": "1", word: "admin"})
    if word == "runtime" and way == "ToolNode":  # it overwrites what the model wrote with its own
        assert {entry.agent for entry in toolkit.guard.ledger.entries()} == {"marketing"}
        return
    assert message.status == "error"
    assert repr(word) in message.content
    assert message.tool_call_id == "call_1"
    assert writes() == []


@pytest.mark.parametrize("way", PATHS)
def test_row_07_an_agent_named_in_the_arguments_is_not_who_calls(way, toolkit_for, approve, reached):
    """The ledger has the agent that the tool was made for, whatever agent and approval the model writes down."""
    grants = {"agents": {"marketing": {"contacts": "read"}, "admin": {"contacts": "full"}}}
    toolkit = toolkit_for(grants, approve)
    made = toolkit.get_tool("ac_delete_contact")
    message = PATHS[way](made, {"contact": 46, "agent": "admin", "approved": True})
    assert message.status == "error"
    assert {entry.agent for entry in toolkit.guard.ledger.entries()} == {"marketing"}
    assert reached() == []


UNKNOWN = {
    "misspelt": ("ac_update_contact", {"contact": 46, "fist_name": "x"}, "fist_name"),
    "the API's own spelling is not ours to guess": ("ac_sync_contact", {"email": "a@b.example", "lists": [1]}, "lists"),
    "null": ("ac_update_contact", {"contact": 46, "phone": "1", "status": None}, "status"),
    "nested": (
        "ac_sync_contact",
        {"email": "a@b.example", "field_values": [{"field": 1, "value": "x", "id": 9}]},
        "id",
    ),
    "in an import": ("ac_import_contacts", {"contacts": [{"email": "a@b.example", "phon": "1"}]}, "phon"),
    "in a filter": ("ac_list_contacts", {"search": "an", "listid": 1}, "listid"),
}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "_run"])
@pytest.mark.parametrize("case", UNKNOWN)
def test_row_09_an_unknown_argument_is_refused_by_name(case, way, toolkit, reached):
    """What the API would drop silently is refused, naming it, on every path into the tool."""
    tool, args, word = UNKNOWN[case]
    made = toolkit.get_tool(tool)
    content = made._run(**args)[0] if way == "_run" else PATHS[way](made, args).content
    assert word in content
    assert reached() == []
