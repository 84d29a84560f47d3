"""The same grants give the same decisions for the same act: by REST, by Remote MCP and by our own MCP server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mcp.shared.memory import create_connected_server_and_client_session as connected

from ac_guardrails import ApprovalRequest, Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.mcp_server import ToolServer
from ac_tools.remote_mcp import CLASSES, RemoteMCP
from ac_tools.tools._by_name import tool_class

from .conftest import URL, in_memory_of
from .server import Account

TWINS = {one.name: one for one in CLASSES if one.twin}
ACTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "list_contacts": ({"params": {"listid": 1}}, {"list": 1}),
    "get_contact": ({"contact_id": 46}, {"contact": 46}),
    "create_or_update_contact": (
        {"params": {"email": "bea.lovell@example.org", "firstName": "Bea"}},
        {"email": "bea.lovell@example.org", "first_name": "Bea"},
    ),
    "list_tags": ({"params": {"search": "lead"}}, {"search": "lead"}),
    "create_contact_tag": ({"params": {"tag": "Fresh"}}, {"name": "Fresh"}),
    "add_tag_to_contact": ({"params": {"contact": 46, "tag": 2}}, {"contact": 46, "tag": 2}),
    "list_lists": ({"params": {"limit": 5}}, {"limit": 5}),
    "get_list": ({"list_id": 1}, {"list": 1}),
    "create_list": (
        {"params": {"name": "L", "sender_url": "https://l.example", "sender_reminder": "You asked."}},
        {"name": "L", "sender_url": "https://l.example", "sender_reminder": "You asked."},
    ),
    "add_contact_to_list": (
        {"params": {"contact": 46, "list": 1, "status": 2}},
        {"contact": 46, "list": 1, "status": "unsubscribe"},
    ),
    "list_contact_custom_fields": ({"params": {}}, {}),
    "get_contact_custom_field": ({"field_id": 1}, {"field": 1}),
    "create_contact_custom_field": (
        {"params": {"title": "Nickname", "type": "text"}},
        {"title": "Nickname", "type": "text"},
    ),
    "create_contact_field_value": (
        {"params": {"contact": 46, "field": 1, "value": "Owner"}},
        {"contact": 46, "field_values": [{"field": 1, "value": "Owner"}]},
    ),
    "update_contact_field_value": (
        {"field_value_id": 2, "params": {"value": "Other"}},
        {"contact": 2, "field_values": [{"field": 2, "value": "Other"}]},
    ),
    "list_automations": ({"params": {}}, {}),
    "list_contact_automations": ({"params": {"filters": {"subscriberid": 32}}}, {"contact": 32}),
    "add_contact_to_automation": ({"params": {"contact": 46, "automation": 2}}, {"contact": 46, "automation": 2}),
    "remove_contact_from_automation": ({"contact_automation_id": 8}, {"contact": 32, "automation": 5}),
    "list_deals": ({"params": {}}, {}),
    "get_deal": ({"deal_id": 27}, {"deal": 27}),
    "create_deal": (
        {"params": {"title": "Desks", "value": 125050, "currency": "usd", "contact": 46, "stage": 1, "group": 1}},
        {"title": "Desks", "amount": "1250.50", "currency": "usd", "contact": 46, "stage": 1, "pipeline": 1},
    ),
    "update_deal": (
        {"deal_id": 27, "params": {"value": 1900000, "currency": "usd"}},
        {"deal": 27, "amount": "19000", "currency": "usd"},
    ),
}
"""One act for each tool that a REST tool does too: as the server is told of it, and as the REST tool is."""
RAISED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "someone who opted out": (
        "add_contact_to_list",
        {"params": {"contact": 12, "list": 1, "status": 1}},
        {"contact": 12, "list": 1, "status": "subscribe"},
    ),
    "a list that mails by itself": (
        "create_list",
        {
            "params": {
                "name": "L",
                "sender_url": "https://l.example",
                "sender_reminder": "You asked.",
                "send_last_broadcast": 1,
            }
        },
        {
            "name": "L",
            "sender_url": "https://l.example",
            "sender_reminder": "You asked.",
            "send_last_broadcast": True,
        },
    ),
}
"""Acts whose level is raised by what they say, or by what the account holds."""


OUR_SERVER = ("read", "full", "asks")
"""Grants under which our own MCP server is looked at here, too; its own tests do all 29 tools under more."""


def grants_for(area: str, tool: str) -> dict[str, dict[str, Any]]:
    """Grants that treat an act of an area in every way there is."""
    rest = dict.fromkeys(("contacts", "lists", "tags", "fields", "automations", "deals"), "full")
    others = {"contacts": {"access": "full", "only": {"domain": ["nowhere.example"]}}}
    return {
        "nothing": {},
        "read": {**rest, area: "read"},
        "write": {**rest, area: "write"},
        "full": rest,
        "asks": {**rest, area: {"access": "full", "ask": "writes"}},
        "asks for the tool": {**rest, area: {"access": "full", "ask": [tool]}},
        "another list": {**rest, "lists": {"access": "full", "only": {"list": ["Trade news"]}}},
        "this tag": {**rest, "tags": {"access": "full", "only": {"tag": ["Lead - cold"]}}},
        "elsewhere": {**rest, **others},
        "over": {**rest, area: {"access": "full", "until": "2020-01-01"}},
        "no calls": {**rest, area: {"access": "full", "calls_per_hour": 1, "people_per_day": 1}},
        "small amounts": {**rest, "deals": {"access": "full", "amount_at_most": {"USD": 100}}},
    }


def _said(asked: ApprovalRequest) -> tuple[Any, ...]:
    """A question without the way that the act goes."""
    rows = [row for row in asked.card.rows if row[0] != "Remote MCP"]
    return asked.card.title, rows, asked.card.warning, asked.action.needs, asked.action.references, dict(asked.facts)


def _judged(way: Callable[[ActiveCampaign, Guard], None], grants: dict[str, Any]) -> tuple[Any, ...]:
    """What came of a call under grants on a fresh account: the questions, and what is on record."""
    questions: list[ApprovalRequest] = []

    def reject(request: ApprovalRequest) -> Decision:
        questions.append(request)
        return Decision.reject("no", by="anna")

    with ActiveCampaign.sandbox() as account:
        granted = Grants.from_dict({"agents": {"marketing": grants}}, catalog=catalog)
        guard = Guard(granted, approver=reject, ledger="memory:")
        way(account, guard)
        (entry,) = guard.ledger.entries()
        guard.ledger.close()
    on_record = entry.tool, entry.decision, entry.outcome, entry.reason, entry.is_write, entry.writes > 0
    # Whom a call by a record's own id is about is known once that is read, which an outright refusal does not do.
    known = questions or entry.writes
    words = (entry.what, dict(entry.payload.get("arguments") or {})) if known else ()
    return on_record, list(map(_said, questions)), words


@contextmanager
def _remote(account: ActiveCampaign, guard: Guard) -> Iterator[RemoteMCP]:
    assert account.simulator is not None
    with RemoteMCP(
        URL, guard=guard, agent="marketing", account=account, streams=in_memory_of(Account(account.simulator))
    ) as remote:
        yield remote


def _each_way(
    name: str, remote_said: dict[str, Any], rest_said: dict[str, Any], grants: dict[str, Any], kind: str
) -> Any:
    """What came of the act, which is the same by each of the ways."""
    twin = TWINS[name].twin

    def toolkit(account: ActiveCampaign, guard: Guard) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    def by_mcp(account: ActiveCampaign, guard: Guard) -> None:
        with _remote(account, guard) as remote:
            remote.get_tool(name).invoke(remote_said)

    def by_rest(account: ActiveCampaign, guard: Guard) -> None:
        toolkit(account, guard).get_tool(twin).invoke(rest_said)

    def by_our_server(account: ActiveCampaign, guard: Guard) -> None:
        async def call() -> None:
            async with connected(ToolServer(toolkit(account, guard))) as session:
                await session.call_tool(twin, rest_said)

        asyncio.run(call())

    found = _judged(by_rest, grants)
    assert _judged(by_mcp, grants) == found
    if kind in OUR_SERVER:
        assert _judged(by_our_server, grants) == found
    return found


def test_every_tool_with_a_twin_has_an_act() -> None:
    """No tool that a REST tool does too is left out of the table."""
    assert set(ACTS) == set(TWINS)


@pytest.mark.parametrize("one", TWINS.values(), ids=TWINS)
def test_the_table_agrees_with_the_declarations(one: Any) -> None:
    """Area and level of a tool are those that its REST tool declares."""
    kind = tool_class(one.twin)
    assert kind is not None
    assert one.needs == (kind.endpoint.need,)


@pytest.mark.parametrize("name", ACTS)
def test_the_same_act_is_decided_alike(name: str) -> None:
    """Under each of the grants, all ways end alike: decision, reason, question, card, record. What they come to differs
    from grant to grant.
    """
    remote_said, rest_said = ACTS[name]
    came = {}
    for kind, grants in grants_for(TWINS[name].needs[0].area, TWINS[name].twin).items():
        (_, decision, outcome, *_), questions, _ = _each_way(name, remote_said, rest_said, grants, kind)
        came[kind] = decision, outcome, len(questions)
    assert came["nothing"][0] == came["over"][0] == "refused"
    assert came["full"] in (("allowed", "done", 0), ("rejected", "", 1))
    if TWINS[name].is_write:
        assert came["read"][0] == "refused"
        assert came["asks"] == came["asks for the tool"] == ("rejected", "", 1)


@pytest.mark.parametrize("act", RAISED)
def test_raised_levels_are_raised_alike(act: str) -> None:
    """What makes an act graver by REST makes it graver by Remote MCP, and by our server."""
    name, remote_said, rest_said = RAISED[act]
    for kind, grants in grants_for("lists", TWINS[name].twin).items():
        (_, decision, *_), questions, _ = _each_way(name, remote_said, rest_said, grants, kind)
        if kind in ("write", "full"):
            assert (decision, len(questions)) == (("refused", 0) if kind == "write" else ("rejected", 1))
