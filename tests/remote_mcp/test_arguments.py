"""Arguments are checked against the server's own schema before anybody is asked, whatever that schema is made of."""

from __future__ import annotations

import re
import socket
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from mcp.types import Tool

from ac_guardrails import Guard
from ac_tools.remote_mcp import RemoteMCP

from .conftest import EVERYTHING
from .server import Account
from .test_calls import CALLS

Make = Callable[..., RemoteMCP]
Ask = Callable[..., ToolMessage]


def sets(account: Account, name: str, schema: dict[str, Any]) -> None:
    """Let the server list another schema for a tool."""
    at = next(index for index, tool in enumerate(account.tools) if tool.name == name)
    account.tools[at] = account.tools[at].model_copy(update={"inputSchema": schema})


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("get_contact", {}, "'contact_id' is a required property"),
        ("get_contact", {"contact_id": "46"}, "contact_id: '46' is not of type 'integer'"),
        ("get_contact", {"contact_id": 4.5}, "contact_id: 4.5 is not of type 'integer'"),
        ("get_contact", {"contact_id": -1}, "-1.* is no id of a contact"),
        ("get_contact", {"contact_id": 46, "approved": True}, "'approved' was unexpected"),
        ("get_contact", {"contact_id": 46, "agent": "admin"}, "'agent' was unexpected"),
        ("list_tags", {"params": {"serch": "Lead"}}, "params: .*'serch' was unexpected"),
        ("add_tag_to_contact", {"params": {"contact": 46}}, "params: 'tag' is a required property"),
        ("add_tag_to_contact", {"params": {"contact": 46, "tag": [2]}}, r"params.tag: \[2\] is not of type 'integer'"),
        ("add_tag_to_contact", {"params": {"contact": 46, "tag": 2, "id": 3}}, "params: .*'id' was unexpected"),
        ("update_deal", {"deal_id": 27, "params": {"price": 5}}, "params: .*'price' was unexpected"),
        ("create_deal_note", {"deal_id": 27, "note": "x" * 200_000}, "characters of arguments are too many"),
        ("create_deal_note", {"deal_id": 27, "note": "a", "\u202enote": "b"}, r"'\\u202enote' was unexpected"),
    ],
)
def test_what_the_schema_does_not_allow(
    remote_for: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    approve: Any,
    remote_account: Account,
    name: str,
    arguments: dict[str, Any],
    says: str,
) -> None:
    """Wrong, missing and unknown arguments are refused by name, even where the schema does not forbid unknown ones; no
    request leaves, and nobody is asked.
    """
    guard = guard_for({**EVERYTHING, "tags": {"access": "full", "ask": "writes"}}, approve)
    message = ask(remote_for(guard), name, **arguments)
    assert message.artifact.kind == "invalid"
    assert re.search(says, message.content), message.content
    assert (remote_account.calls, approve.requests) == ([], [])
    assert remote_account.sandbox.requests == []


def test_what_the_schema_allows_beyond_its_list(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """A schema that says that there may be more is believed for a read; a write with it waits for a person."""
    sets(remote_account, "list_campaigns", {"type": "object", "properties": {}, "additionalProperties": True})
    sets(remote_account, "create_deal_note", {"type": "object", "patternProperties": {"^x": {}}, "properties": {}})
    remote = remote_for(guard_for({"campaigns": "full", "deals": "write"}))
    assert ask(remote, "list_campaigns", anything=1).status == "success"
    refused = ask(remote, "create_deal_note", deal_id=27, note="n", xtra=1)
    assert refused.artifact.kind == "refused"
    assert "full" in refused.content


_LOOSE = {"type": "object", "properties": {key: {} for key in ("contact_id", "tag_id", "id", "list", "deal")}}


@pytest.mark.parametrize("strange", [{"id": 59}, {"list": 1}, {"deal": {"id": 27}}])
def test_a_record_that_the_tool_has_no_use_for(
    remote_for: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    approve: Any,
    remote_account: Account,
    strange: dict[str, Any],
) -> None:
    """Names of records are no exception: one that nobody knows this tool by waits for a person, whatever was agreed
    beforehand, and is refused where grants are narrowed.
    """
    sets(remote_account, "add_tag_to_contact", _LOOSE)
    said = {"contact_id": 46, "tag_id": 2, **strange}
    guard = guard_for({"tags": "write", "contacts": "read"}, approve)
    guard.standing.allow(
        agent="marketing", tool="ac_add_tag", by="anna", times=5, until=datetime(2099, 1, 1, tzinfo=UTC)
    )
    assert "full" in ask(remote_for(guard), "add_tag_to_contact", **said).content
    full = guard_for({"tags": "full", "contacts": "read"}, approve)
    ask(remote_for(full), "add_tag_to_contact", **said)
    assert f"Not classified  {next(iter(strange))}" in str(approve.requests[0])
    narrowed = guard_for({"tags": "full", "contacts": {"access": "read", "only": {"domain": ["a.example"]}}}, approve)
    assert "nobody has classified" in ask(remote_for(narrowed), "add_tag_to_contact", **said).content
    assert len(remote_account.calls) == len(approve.requests) == 1


def test_null_is_not_said(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """A null in a call is left out, as by REST: the API would move the deal back to the first stage."""
    nullable = {"type": ["integer", "null"]}
    inner = {"type": "object", "properties": {"stage": nullable, "title": {"type": "string"}}}
    sets(remote_account, "update_deal", {"type": "object", "properties": {"deal_id": nullable, "params": inner}})
    ask(remote_for(guard_for({"deals": "write"})), "update_deal", deal_id=27, params={"stage": None, "title": "x"})
    assert remote_account.calls == [("update_deal", {"deal_id": 27, "params": {"title": "x"}})]


def test_many_records_are_counted(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, approve: Any, remote_account: Account
) -> None:
    """Where a sentence cannot name all, it says how many more there are."""
    ask(remote_for(guard_for({"deals": "full"}, approve)), "deal_owner_bulk_update", deals=list(range(1, 13)), owner=1)
    assert "deal 5 and 8 more" in approve.requests[0].card.title  # twelve deals and the owner


def test_a_tool_by_either_name(remote_for: Make, guard_for: Callable[..., Guard]) -> None:
    """A tool is found as agents call it, and as the server does."""
    remote = remote_for(guard_for({"tags": "read"}))
    assert {remote.get_tool(name).name for name in ("list_tags", "ac_mcp_list_tags")} == {"ac_mcp_list_tags"}


def test_schemas_as_pydantic_writes_them(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """References inside the schema are followed, optional parts may be left out, and keys unknown there are refused."""
    inner = {"type": "object", "properties": {"search": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    for params in ({"$ref": "#/$defs/P"}, {"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}], "default": None}):
        sets(remote_account, "list_tags", {"type": "object", "properties": {"params": params}, "$defs": {"P": inner}})
        remote = remote_for(guard_for({"tags": "read"}))
        assert ask(remote, "list_tags", params={"search": "Lead"}).status == "success"
        assert ask(remote, "list_tags", "call_2").status == "success"
        assert ask(remote, "list_tags", "call_3", params={"serch": "Lead"}).artifact.kind == "invalid"


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def doubling(count: int) -> dict[str, Any]:
    """A short schema that takes two to the power of so many steps."""
    both = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(count)}
    return {"$ref": "#/$defs/d0", "$defs": {**both, f"d{count}": {"not": {}}}}


def _listening() -> tuple[socket.socket, str]:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    return server, f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"


HOSTILE: dict[str, dict[str, Any]] = {
    "itself": {"$ref": "#"},
    "itself in all": {"allOf": [{"$ref": "#"}]},
    "each other": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "nowhere": {"$ref": "#/$defs/nowhere"},
    "a file": {"$ref": "file:///etc/passwd"},
    "doubling": doubling(40),
    "no schema": {"type": 7},
    "an unknown dialect": {"$schema": "https://schema.example/none", "type": []},
    "a division by zero": {
        "$schema": "http://json-schema.org/draft-03/schema#",
        "properties": {"a": {"divisibleBy": 0}},
    },
    "recursion outside": {"unevaluatedProperties": {"$dynamicRef": "#x"}, "$dynamicAnchor": "x", "$ref": "#"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_schemas(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, kind: str
) -> None:
    """A schema that comes to no end, or that is none, costs less than two seconds, and the call is refused."""
    sets(remote_account, "list_campaigns", {"type": "object", **HOSTILE[kind]})
    remote = remote_for(guard_for({"campaigns": "full"}))
    began = time.monotonic()
    message = ask(remote, "list_campaigns", a=3)
    assert time.monotonic() - began < 2
    assert message.artifact.kind == "invalid"
    assert "the server's schema for it cannot be used" in message.content
    assert remote_account.calls == []


def test_a_schema_elsewhere_is_not_fetched(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """What a schema refers to on the network is not asked for."""
    server, url = _listening()
    with server:
        for schema in ({"$ref": url}, {"$schema": url}, {"$id": url, "$ref": "other.json"}, {"$dynamicRef": url}):
            sets(remote_account, "list_campaigns", {"type": "object", **schema})
            ask(remote_for(guard_for({"campaigns": "full"})), "list_campaigns", a=3)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "part",
    [
        {"pattern": "^(a+)+$"},
        {"type": "object", "patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
        {"type": "array", "uniqueItems": True},
        {"propertyNames": {"pattern": "^(a+)+$"}},
    ],
    ids=["pattern", "names", "unique", "property names"],
)
def test_patterns_that_take_for_ever(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, part: dict[str, Any]
) -> None:
    """Patterns and uniqueness are left to the server, so that no text can keep this computer busy."""
    sets(remote_account, "list_campaigns", {"type": "object", "properties": {"a": part}})
    long = "a" * 60 + "!"
    value = [{}] * 30_000 if part.get("type") == "array" else {long: 1} if "object" in str(part) else long
    began = time.monotonic()
    ask(remote_for(guard_for({"campaigns": "full"})), "list_campaigns", a=value if part != {} else long)
    assert time.monotonic() - began < 3


def test_schemas_of_no_size_that_a_tool_has(
    remote_for: Make, guard_for: Callable[..., Guard], remote_account: Account
) -> None:
    """Tools with a schema too deep or too large are left out; the others work."""
    for kind, schema in {"deep": nested(120), "large": {"properties": {f"p{n}": {} for n in range(20_000)}}}.items():
        remote_account.tools.append(Tool(name=f"tool_{kind}", inputSchema={"type": "object", **schema}))
    remote = remote_for(guard_for({"tags": "read"}))
    assert len(remote.get_tools()) == 2
    assert remote.unclassified() == {}


def test_a_list_without_end(remote_for: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """A server that lists tens of thousands of tools is read so far, in a few megabytes."""
    schema = {"type": "object", "properties": {"a": {"description": "x" * 200}}}
    remote_account.tools += [Tool(name=f"tool_{n}", inputSchema=schema) for n in range(10_000)]
    tracemalloc.start()
    try:
        remote = remote_for(guard_for({"tags": "read"}))
        assert len(remote.unclassified()) <= 1000
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 60_000_000


def test_every_valid_call_passes(
    remote_for: Make, guard_for: Callable[..., Guard], approve: Any, ask: Ask, remote_account: Account
) -> None:
    """None of what is refused here is refused where it is right: each tool's ordinary call passes."""
    remote = remote_for(guard_for(EVERYTHING, approve))
    for name, arguments in CALLS.items():
        assert getattr(ask(remote, name, **arguments).artifact, "kind", "") != "invalid", name
