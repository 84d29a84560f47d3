"""The same grants give the same decisions for the same act, by the tools directly and by the MCP server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from mcp.shared.memory import create_connected_server_and_client_session as connected

from ac_guardrails import Refusal
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.mcp_server import AskClient, ToolServer
from ac_tools.tools.imports import ImportContacts

GRANTS: dict[str, dict[str, Any]] = {
    "nothing": {"tags": "off"},
    "read": dict.fromkeys(AREAS, "read"),
    "write": dict.fromkeys(AREAS, "write"),
    "full": dict.fromkeys(AREAS, "full"),
    "ask": {area: {"access": "full", "ask": "writes"} for area in AREAS},
    "narrowed": {
        **dict.fromkeys(AREAS, "full"),
        "lists": {"access": "full", "only": {"list": ["Product updates"]}, "people_per_day": 1},
        "contacts": {"access": "full", "only": {"domain": ["lindqvist-interiors.example"]}},
    },
    "run out": {area: {"access": "full", "until": "2020-12-31"} for area in AREAS},
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # levels that open nothing, and days that are over, on purpose
@pytest.mark.parametrize("name", GRANTS)
async def test_same_decisions(name: str, guard_for: Any, valid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For two acts of each of the 29 tools: what is answered, and what is on record of it, is the same both ways."""
    monkeypatch.setattr(ImportContacts, "pause", 0.01)
    calls = [(tool, arguments) for tool, both in valid.items() for arguments in both]
    with ActiveCampaign.sandbox() as account:
        toolkit = ActiveCampaignToolkit(
            account=account, guard=guard_for(GRANTS[name], Inbox(wait=0)), agent="marketing"
        )
        directly = [await direct(toolkit, *call) for call in calls]
        recorded = [entry_of(entry) for entry in toolkit.guard.ledger.entries()]
    with ActiveCampaign.sandbox() as account:
        guard = guard_for(GRANTS[name], AskClient(by="anna", wait=0))
        served = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        async with connected(ToolServer(served)) as session:
            through = [by_mcp(await session.call_tool(*call)) for call in calls]
        assert through == directly
        assert [entry_of(entry) for entry in served.guard.ledger.entries()] == recorded
    kinds = {kind for _, kind in through}
    assert kinds == EXPECTED[name]


EXPECTED: dict[str, set[str]] = {
    "nothing": {"refused"},
    "read": {"", "refused"},
    "write": {"", "refused"},
    "full": {"", "waiting"},
    "ask": {"", "waiting"},
    "narrowed": {"", "refused", "waiting"},
    "run out": {"refused"},
}
"""What the answers are under each: without a kind where the call was carried out."""


async def direct(toolkit: ActiveCampaignToolkit, tool: str, arguments: Any) -> tuple[bool, str]:
    call = {"type": "tool_call", "id": "call_1", "name": tool, "args": arguments}
    message = await toolkit.get_tool(tool).ainvoke(call)
    assert isinstance(message, ToolMessage)
    return message.status == "error", message.artifact.kind if isinstance(message.artifact, Refusal) else ""


def by_mcp(result: Any) -> tuple[bool, str]:
    return result.isError, result.structuredContent.get("refusal", {}).get("kind", "")


def entry_of(entry: Any) -> tuple[Any, ...]:
    sentence = re.sub(r" \(until [^)]*\)", "", entry.sentence)  # two calls are not made in the same second
    return entry.tool, sentence, entry.decision, entry.state, entry.outcome
