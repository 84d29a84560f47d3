"""A server that changes its tools while calls are under way is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from mcp.types import Tool

from ac_guardrails import ApprovalRequest, Decision, Guard
from ac_tools.remote_mcp import RemoteMCP

from .server import Account

Make = Callable[..., RemoteMCP]
Ask = Callable[..., ToolMessage]
TAG = {"params": {"contact": 46, "tag": 2}}
BOOL = {"type": "boolean"}


def called(tool: Any, call_id: str = "call_1", **args: Any) -> ToolMessage:
    message = tool.invoke({"type": "tool_call", "id": call_id, "name": tool.name, "args": args})
    assert isinstance(message, ToolMessage)
    return message


def without(account: Account, name: str) -> None:
    account.tools = [tool for tool in account.tools if tool.name != name]


@pytest.fixture(params=["in memory", "HTTP"])
def remote(request: Any, remote_for: Make, over_http: Make) -> Make:
    """Each of these over both kinds of session."""
    return remote_for if request.param == "in memory" else over_http


def told(remote: RemoteMCP, account: Account) -> None:
    """The server says that its tools have changed, with the answer to another call."""
    account.tells = True
    called(remote.get_tool("list_lists"), "call_0", params={})


def test_a_tool_that_is_gone(remote: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """A tool that the server has taken back is not called, and the agent is told."""
    opened = remote(guard_for({"tags": "write", "contacts": "read", "lists": "read"}))
    tool = opened.get_tool("add_tag_to_contact")
    without(remote_account, "add_tag_to_contact")
    told(opened, remote_account)
    message = called(tool, **TAG)
    assert (message.artifact.kind, "no longer offers" in message.content) == ("not_found", True)
    assert [name for name, _ in remote_account.calls] == ["list_lists"]


def test_without_being_told(remote_for: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """Before a write the list is read again where it is older than two seconds, even if the server says nothing."""
    tool = remote_for(guard_for({"tags": "write", "contacts": "read"})).get_tool("add_tag_to_contact")
    without(remote_account, "add_tag_to_contact")
    time.sleep(2.1)
    assert called(tool, **TAG).artifact.kind == "not_found"
    assert remote_account.calls == []


def test_new_arguments_are_decided_on(remote: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """Where a tool takes more than it did, what is new in it waits for a person, though the agent has the old tool."""
    opened = remote(guard_for({"tags": "write", "contacts": "read", "lists": "read"}))
    tool = opened.get_tool("add_tag_to_contact")
    remote_account.change("add_tag_to_contact", notify_contact=BOOL)
    told(opened, remote_account)
    message = called(tool, params={**TAG["params"], "notify_contact": True})
    assert message.artifact.kind == "invalid"  # the schema that the agent was given does not know it
    fresh = called(opened.get_tool("add_tag_to_contact"), "call_2", params={**TAG["params"], "notify_contact": True})
    assert fresh.artifact.kind == "refused"
    assert "full" in fresh.content
    assert called(tool, "call_3", **TAG).status == "success"


def test_arguments_that_no_longer_fit(remote: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """A call that the new schema does not allow is refused, and nothing is sent."""
    opened = remote(guard_for({"tags": "write", "contacts": "read", "lists": "read"}))
    tool = opened.get_tool("add_tag_to_contact")
    at = remote_account.tools.index(next(one for one in remote_account.tools if one.name == "add_tag_to_contact"))
    schema = {"type": "object", "properties": {"contact_id": {"type": "integer"}}, "required": ["contact_id"]}
    remote_account.tools[at] = remote_account.tools[at].model_copy(update={"inputSchema": schema})
    told(opened, remote_account)
    message = called(tool, **TAG)
    assert message.artifact.kind == "invalid"
    assert "contact_id" in message.content


@pytest.mark.parametrize("change", ["schema", "gone", "nothing"])
def test_while_a_person_decides(
    remote: Make, guard_for: Callable[..., Guard], remote_account: Account, change: str
) -> None:
    """What was agreed to does not count once the tool has changed: it is asked again, in words; gone, it is not run."""
    asked: list[ApprovalRequest] = []

    def think(request: ApprovalRequest) -> Decision:
        asked.append(request)
        if change == "schema" and len(asked) == 1:
            remote_account.change("add_contact_to_automation", then=BOOL)
        elif change == "gone":
            without(remote_account, "add_contact_to_automation")
        return Decision.approve(by="anna")

    guard = guard_for({"automations": "full", "contacts": "read"}, think)
    message = called(remote(guard).get_tool("add_contact_to_automation"), params={"contact": 46, "automation": 2})
    assert len(asked) == (2 if change == "schema" else 1)
    assert len(remote_account.calls) == (0 if change == "gone" else 1)
    assert message.status == ("error" if change == "gone" else "success"), message.content
    changed = [row for request in asked for row in request.card.rows if row[0] == "Changed since"]
    assert [("the server takes" in text, "does not count" in text) for _, text in changed] == (
        [(True, True)] if change == "schema" else []
    )


def test_a_change_at_the_last_moment(
    remote_for: Make, guard_for: Callable[..., Guard], remote_account: Account, account: Any
) -> None:
    """A change that the server tells of between the decision and the request stops the request."""
    opened = remote_for(guard_for({"contacts": "read", "lists": "write"}))
    tool, other = opened.get_tool("add_contact_to_list"), opened.get_tool("list_lists")
    read = account.simulator.handle

    def meanwhile(*request: Any) -> Any:
        account.simulator.handle = read
        remote_account.change("add_contact_to_list", then=BOOL)
        remote_account.tells = True
        called(other, "call_0", params={})
        return read(*request)

    account.simulator.handle = meanwhile
    off = {"params": {"contact": 46, "list": 1, "status": 2}}
    message = called(tool, **off)
    assert "changed add_contact_to_list while the call was decided on. Nothing was sent." in message.content
    assert [name for name, _ in remote_account.calls] == ["list_lists"]
    assert called(tool, "call_2", **off).status == "success"


def test_new_tools(remote: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """A tool that comes under way is denied like any other that nobody has classified."""
    opened = remote(guard_for(dict.fromkeys(("tags", "lists", "deals"), "full")))
    before = [tool.name for tool in opened.get_tools()]
    remote_account.tools.append(Tool(name="delete_everything", inputSchema={"type": "object"}))
    told(opened, remote_account)
    assert [tool.name for tool in opened.get_tools()] == before
    assert called(opened.get_tool("delete_everything")).artifact.kind == "refused"
    with pytest.raises(ValueError, match="offers no tool 'delete_nothing'"):
        opened.get_tool("delete_nothing")
