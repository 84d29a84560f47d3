"""The same over streamable HTTP: who may connect, from where, and two clients at once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from mcp.types import ElicitResult

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
HANNAH = "hannah-0123456789-0123456789"
JONAS = "jonas-0123456789-01234567890"
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
DELETE = ("ac_delete_contact", {"contact": 47})


def post(url: str, message: Any = HELLO, *, token: str | None = HANNAH, **headers: str) -> httpx.Response:
    given = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return httpx.post(url, json=message, headers={**HEADERS, **given, **headers}, timeout=20)


async def test_a_read_a_refusal_and_an_approval(
    url: str, over_http: Any, files: Any, person: Callable[..., Any], text: Any
) -> None:
    """Over HTTP it is as over stdio, on behalf of the person whose token it is, who also approves."""
    anna = person(ElicitResult(action="accept", content={"decision": "approve"}))
    async with over_http(url, asks=anna) as session:
        read = await session.call_tool("ac_get_contact", {"contact": 46})
        refused = await session.call_tool("ac_update_deal", {"deal": 27, "amount": "5"})
        deleted = await session.call_tool(*DELETE)
    assert "\n  For " in anna.cards[0]
    assert read.structuredContent["record"]["email"] == "maria@lindqvist-interiors.example"
    assert refused.structuredContent["refusal"]["kind"] == "refused"
    assert text(deleted) == "Deleted contact 47."
    entries = files.entries()
    assert [entry.decision for entry in entries] == ["allowed", "refused", "approved"]
    assert entries[2].by == "Hannah"
    assert {entry.behalf for entry in entries} == {"Hannah"}


async def test_waiting_and_asking_again(started: Any, over_http: Any, files: Any, text: Any) -> None:
    """Without elicitation the call waits; answered elsewhere, it runs when it is made again, in another session too."""
    url = started("--wait", "0").stdout.readline().strip()
    async with over_http(url) as session:
        waits = (await session.call_tool(*DELETE)).structuredContent["refusal"]
    assert (waits["kind"], files.writes) == ("waiting", [])
    files.run("approvals", "approve", waits["entry"], "--by", "Hannah", "--yes")
    async with over_http(url, token=JONAS) as session:
        again = await session.call_tool(*DELETE)
    assert text(again) == "Deleted contact 47."


async def test_two_clients_at_once(url: str, over_http: Any, files: Any, person: Callable[..., Any]) -> None:
    """Two clients use the same request ids and are told apart; each person's answer is their own."""
    yes = person(ElicitResult(action="accept", content={"decision": "approve"}))
    no = person(ElicitResult(action="accept", content={"decision": "reject"}))

    async def work(session: Any, contact: int) -> list[Any]:
        tagged = await session.call_tool("ac_add_tag", {"contact": 46, "tag": "VIP"})
        return [tagged, await session.call_tool("ac_delete_contact", {"contact": contact})]

    async with over_http(url, asks=yes) as hannah, over_http(url, token=JONAS, asks=no) as jonas:
        first, second = await asyncio.gather(work(hannah, 44), work(jonas, 47))
    # The second tag may be refused while the first is under way: two calls, one effect.
    assert [one.isError for one in (first[1], second[1])] == [False, True]
    assert yes.cards[0].startswith("Delete contact 44 ")
    assert no.cards[0].startswith("Delete contact 47 ")
    assert ("DELETE", "/contacts/44") in files.writes
    assert ("DELETE", "/contacts/47") not in files.writes
    assert {entry.by for entry in files.entries()} == {"", "Hannah", "Jonas"}
    assert len([entry for entry in files.entries() if "put tag 3" in entry.sentence]) == 2


async def test_the_same_request_again(url: str, files: Any) -> None:
    """A client that posts a request again, because it lost the answer, gets the recorded one: sent once."""
    params = {"name": "ac_add_tag", "arguments": {"contact": 46, "tag": "VIP"}}
    call = {"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": params}
    session = {"mcp-session-id": post(url).headers["mcp-session-id"]}
    post(url, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
    first, again = post(url, call, **session), post(url, call, **session)
    assert "has tag 3 now" in first.text
    assert first.text == again.text
    assert files.writes == [("POST", "/contactTags")]


@pytest.mark.parametrize("token", [None, "wrong", HANNAH[:-1], f"{HANNAH}0", f"Hannah:{HANNAH}"])
def test_no_token_no_answer(url: str, token: str | None, files: Any) -> None:
    """Without a token that it knows the server says nothing but that one is needed."""
    answer = post(url, token=token)
    assert answer.status_code == 401
    assert "mcp-session-id" not in answer.headers
    assert files.entries() == []


def test_a_session_belongs_to_its_token(url: str) -> None:
    """Who knows another person's session id cannot use it with a token of their own."""
    session = post(url).headers["mcp-session-id"]
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert post(url, listing, token=JONAS, **{"mcp-session-id": session}).status_code == 404
    assert post(url, listing, **{"mcp-session-id": session}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
    ],
)
def test_pages_in_a_browser_cannot_reach_it(url: str, headers: dict[str, str], status: int) -> None:
    """A request that names another host or comes from another site's page is refused, even with a token."""
    assert post(url, **headers).status_code == status


def test_it_listens_on_loopback_alone(url: str, started: Any) -> None:
    """Another address needs the name that others use for this host, and then only that name is let in."""
    assert urlsplit(url).hostname == "127.0.0.1"
    refused = started("--host", "0.0.0.0")
    assert refused.wait(20) == 2
    assert "--allow-remote NAME" in refused.stderr.read()
    opened = started("--host", "0.0.0.0", "--allow-remote", "mcp.example.com")
    port = urlsplit(opened.stdout.readline().strip()).port
    local = f"http://127.0.0.1:{port}/mcp"
    assert post(local, Host="mcp.example.com").status_code == 200
    assert post(local, Host="other.example.com").status_code == 421


def test_it_ends_with_a_signal(started: Any, files: Any) -> None:
    """SIGTERM ends it, with a client connected; nothing that it printed holds the key or a token."""
    process: subprocess.Popen[str] = started()
    assert process.stdout
    url = process.stdout.readline().strip()
    session = {"mcp-session-id": post(url).headers["mcp-session-id"]}
    post(url, token="wrong")
    post(url, {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "ac_list_tags"}}, **session)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in errors
    assert not [secret for secret in (files.served.key, HANNAH, JONAS) if secret in out + errors + json.dumps(url)]
