"""What clients are told of the tools: exactly those that are granted, as models see them, with honest outputs."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from mcp.shared.memory import create_connected_server_and_client_session as connected
from mcp.types import ServerNotification, ToolListChangedNotification

from ac_guardrails import Grants, Guard, Rehearsal
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools._pages import Page
from ac_tools._records import Webhook
from ac_tools.mcp_server import ToolServer
from ac_tools.mcp_server._outputs import output_schema, structured
from ac_tools.tools.imports import ImportContacts

EVERYTHING = dict.fromkeys(AREAS, "full")


@pytest.fixture
def toolkit_for(account: ActiveCampaign, guard_for: Callable[..., Guard], approve: Any) -> Any:
    return lambda grants: ActiveCampaignToolkit(account=account, guard=guard_for(grants, approve), agent="marketing")


@pytest.mark.parametrize(
    "grants", [{}, {"tags": "read"}, {"contacts": "write", "campaigns": "full"}, EVERYTHING], ids=len
)
async def test_exactly_the_granted_tools(toolkit_for: Any, grants: dict[str, str]) -> None:
    """The list is that of `get_tools()`, each with the schema that a model sees in LangChain, a title and hints."""
    toolkit = toolkit_for(grants or {"contacts": "off"})
    async with connected(ToolServer(toolkit)) as session:
        listed = (await session.list_tools()).tools
    tools = toolkit.get_tools()
    assert [tool.name for tool in listed] == [tool.name for tool in tools]
    for ours, theirs in zip(tools, listed, strict=True):
        function = convert_to_openai_tool(ours)["function"]
        assert (theirs.description, theirs.inputSchema) == (function["description"], function["parameters"])
        hints = theirs.annotations.model_dump(exclude_none=True)
        assert hints == {"title": theirs.title, **ours.metadata}
        assert hints["readOnlyHint"] == (ours.endpoint.method == "GET")


async def test_a_grant_that_runs_out(toolkit_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day after a grant's last one its tools are gone, and a client that was told otherwise is told so."""
    told: list[Any] = []

    async def listen(message: Any) -> None:
        told.append(message)

    toolkit = toolkit_for({"contacts": {"access": "read", "until": "2099-12-31"}, "tags": "read"})
    async with connected(ToolServer(toolkit), message_handler=listen) as session:
        assert len((await session.list_tools()).tools) == 3
        assert not (await session.call_tool("ac_get_contact", {"contact": 46})).isError
        monkeypatch.setattr("ac_guardrails._grants._today", lambda: datetime.date(2100, 1, 1))
        monkeypatch.setattr(Guard, "today", lambda _: datetime.date(2100, 1, 1))
        assert told == []
        refused = await session.call_tool("ac_get_contact", {"contact": 46})
        assert refused.structuredContent["refusal"]["kind"] == "refused"
        assert [tool.name for tool in (await session.list_tools()).tools] == ["ac_list_tags"]
        await session.call_tool("ac_list_tags", {})
    assert [type(one.root) for one in told if isinstance(one, ServerNotification)] == [ToolListChangedNotification]


async def test_every_answer_is_as_announced(toolkit_for: Any, valid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The structured content of every tool's success keeps to its schema and says something under it."""
    monkeypatch.setattr(ImportContacts, "pause", 0.01)
    async with connected(ToolServer(toolkit_for(EVERYTHING))) as session:
        listed = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert len(listed) == len(valid) == 29
        for name, (arguments, _) in valid.items():
            result = await session.call_tool(name, arguments)  # the official client checks it, too
            assert not result.isError, result.content
            schema = strict(listed[name].outputSchema)
            jsonschema.validate(result.structuredContent, schema)
            assert result.structuredContent.keys() & {"record", "records", "import"}, name


def strict(schema: Any) -> Any:
    """The schema, with everything refused that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(value) for name, value in schema.items()}
    return {**closed, "additionalProperties": False} if closed.get("type") == "object" else closed


async def test_refusals_are_as_announced(toolkit_for: Any, valid: Any) -> None:
    """What is refused keeps to the schema as well, since some clients check that."""
    toolkit = toolkit_for({"contacts": "off"})
    async with connected(ToolServer(toolkit)) as session:
        for name, (arguments, _) in valid.items():
            result = await session.call_tool(name, arguments)
            assert result.isError
            jsonschema.validate(result.structuredContent, strict(output_schema(toolkit.get_tool(name))))
            assert result.structuredContent["refusal"]["kind"] == "refused"


async def test_a_rehearsal_says_what_would_be_sent(account: ActiveCampaign, guard_for: Any, approve: Any) -> None:
    """In a rehearsal a write's structured content is what would have been sent."""
    guard = guard_for(EVERYTHING, approve, mode="rehearse")
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    async with connected(ToolServer(toolkit)) as session:
        result = await session.call_tool("ac_add_tag", {"contact": 46, "tag": "VIP"})
    assert result.structuredContent == {"rehearsal": {"requests": ["POST /contactTags"]}}
    assert structured(Rehearsal(())) == {"rehearsal": {"requests": []}}


def test_a_webhooks_url_stays_here() -> None:
    """What a record hides in its repr, such as the URL that opens a webhook's receiver, reaches no client."""
    hook = Webhook.from_wire({"id": "1", "name": "Receiver", "url": "https://hooks.example/s3cret", "secret": "s3cret"})
    page = Page((hook,), 1, 0, 20, None)
    assert structured(page) == {"records": [{"id": "1", "name": "Receiver", "events": [], "sources": []}], "total": 1}


async def test_a_sub_agents_tools(toolkit_for: Any) -> None:
    """A narrowed toolkit is served as narrow as it is."""
    narrow = toolkit_for(EVERYTHING).narrow("helper", grants={"tags": "read"})
    async with connected(ToolServer(narrow)) as session:
        assert [tool.name for tool in (await session.list_tools()).tools] == ["ac_list_tags"]
    assert isinstance(narrow.guard.grants, Grants)


async def test_a_ledger_that_fails(account: ActiveCampaign, guard_for: Any, tmp_path: Path, text: Any) -> None:
    """Where nothing can be put on record nothing is sent, and the client is told why."""
    guard = guard_for(EVERYTHING, ledger=f"sqlite:///{tmp_path}/ledger.db")
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    async with connected(ToolServer(toolkit)) as session:
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            connection.execute("DROP TABLE events")
        connection.close()
        result = await session.call_tool("ac_add_tag", {"contact": 46, "tag": "VIP"})
    assert result.isError
    assert text(result).startswith("ac_add_tag was stopped, because nothing can be put on record")
