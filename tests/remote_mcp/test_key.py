"""The key in the URL shows nowhere, and goes nowhere but to the server."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import ToolMessage
from mcp.types import CallToolResult, TextContent

from ac_guardrails import Guard
from ac_tools import ActiveCampaignError, AuthenticationError, ConfigurationError
from ac_tools.remote_mcp import RemoteMCP, sign_in
from ac_tools.remote_mcp._address import address_of
from ac_tools.remote_mcp._http import _Transport

from .server import Account, Between

KEY = "sk-live/8f14e45fceea167a"
QUOTED = "sk-live%2F8f14e45fceea167a"
Make = Callable[..., RemoteMCP]
Ask = Callable[..., ToolMessage]


def printed(error: BaseException) -> str:
    """Everything that a tool prints that shows the local variables of our frames, of errors behind errors too."""
    text, seen = "", error
    while seen is not None:
        frames = [
            (frame, line)
            for frame, line in traceback.walk_tb(seen.__traceback__)
            if frame.f_globals["__name__"].split(".")[0] in ("ac_tools", "ac_guardrails", "mcp", "httpx")
        ]
        text += repr(seen) + "".join(traceback.StackSummary.extract(frames, capture_locals=True).format())
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return text


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Everything that was logged, but for what the server logs in this process."""
    records = [one for one in caplog.records if not one.name.startswith(("mcp.server", "sse_starlette", "uvicorn"))]
    return "".join(one.getMessage() + str(one.exc_text) + str(vars(one)) for one in records)


def assert_hidden(text: str) -> None:
    assert KEY not in text
    assert QUOTED not in text


def test_the_key_opens_the_server(over_http: Make, guard_for: Callable[..., Guard], ask: Ask) -> None:
    """A key in the URL is all that is needed."""
    remote = over_http(guard_for({"tags": "read"}), key=QUOTED)
    assert ask(remote, "list_tags", params={}).status == "success"


def test_the_key_shows_nowhere(
    over_http: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    remote_account: Account,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Not in a repr, a log, an answer, the ledger or a pickle; even where the server echoes it, a byte at a time."""
    echo = CallToolResult(content=[TextContent(type="text", text=json.dumps({"tags": [], "meta": {"you": KEY}}))])
    refusal = CallToolResult(content=[TextContent(type="text", text=f"no: {KEY} {QUOTED}")], isError=True)
    guard = guard_for({"tags": "full"}, ledger=f"sqlite:///{tmp_path}/ledger.db")
    with caplog.at_level(logging.DEBUG):
        remote = over_http(guard, key=QUOTED, around=lambda app: Between(app, send=byte_by_byte))
        remote_account.before = lambda name: echo if name == "get_tag" else refusal
        said = [ask(remote, "get_tag", tag_id=2), ask(remote, "list_tags", "call_2", params={})]
        said.append(ask(remote, "add_tag_to_contact", "call_3", params={"contact": 46, "tag": 2}))
        tool = remote.get_tool("list_tags")
    assert "[hidden]" in said[0].content
    assert "[hidden]" in said[1].content
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for text in (repr(remote), repr(tool), str(vars(remote)), repr(said), logged(caplog), str(written)):
        assert_hidden(text)
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    for held in (remote, tool):
        with pytest.raises(TypeError):
            pickle.dumps(held)
    assert copy.deepcopy(tool).invoke({"params": {}})  # LangChain copies tools


def byte_by_byte(scope: Any, body: bytes, message: Any) -> list[Any]:
    if message["type"] != "http.response.body":
        return [{**message, "headers": [pair for pair in message["headers"] if pair[0] != b"content-length"]}]
    pieces = [bytes([byte]) for byte in message.get("body", b"")] or [b""]
    more = [{**message, "body": piece, "more_body": True} for piece in pieces[:-1]]
    return [*more, {**message, "body": pieces[-1]}]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("answer", [401, 403, 404, 429, 500, "not JSON", "no MCP", "HTML", "nobody"])
def test_failures_do_not_show_it(
    guard_for: Callable[..., Guard],
    over_http: Make,
    account: Any,
    caplog: pytest.LogCaptureFixture,
    answer: int | str,
) -> None:
    """Whatever goes wrong, error, log and a traceback with every local variable have no key."""
    with caplog.at_level(logging.DEBUG), pytest.raises(ActiveCampaignError) as caught:
        if answer == "nobody":
            url = f"http://127.0.0.1:{closed_port()}/api/agents/mcp/http?key={QUOTED}"
            with RemoteMCP(url, guard=guard_for({}), agent="marketing", account=account) as remote:
                remote.get_tools()
        bodies = {"not JSON": f"{{{KEY}", "no MCP": json.dumps({"key": KEY}), "HTML": f"<p>{QUOTED}</p>"}
        kind = "text/html" if answer in (403, "HTML") else "application/json"
        status = answer if isinstance(answer, int) else 200
        body = bodies.get(str(answer), f"{KEY} {QUOTED}").encode()
        over_http(
            guard_for({}),
            key=QUOTED,
            around=lambda app: Between(app, answer=lambda *_: (status, {"content-type": kind}, body)),
        ).get_tools()
    assert caught.value.outcome in ("not_sent", "refused")
    assert_hidden(printed(caught.value) + logged(caplog))


async def test_what_the_http_library_raises_has_no_key() -> None:
    """Already the exception that the MCP library gets, and may log, comes without the frames that hold the key."""
    address, _ = address_of(f"http://127.0.0.1:{closed_port()}/mcp?key={QUOTED}")
    assert address is not None
    transport = _Transport(address, httpx.AsyncHTTPTransport(), lambda _: None)
    with pytest.raises(httpx.ConnectError) as caught:
        await transport.handle_async_request(httpx.Request("POST", address.public))
    await transport.aclose()
    assert "request = <Request" in printed(caught.value)
    assert_hidden(printed(caught.value))


def test_a_wrong_key(over_http: Make, guard_for: Callable[..., Guard]) -> None:
    """A server that does not take the key is told from one that is not there, and the remedy is named."""
    refuses = lambda *_: (401, {}, b"wrong key")  # noqa: E731
    with pytest.raises(AuthenticationError, match=r"did not accept .*401.* Copy the URL again"):
        over_http(guard_for({}), key=QUOTED, around=lambda app: Between(app, answer=refuses)).get_tools()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("here", [True, False], ids=["same host", "another host"])
def test_a_redirect_is_not_followed(
    over_http: Make, guard_for: Callable[..., Guard], caplog: pytest.LogCaptureFixture, status: int, here: bool
) -> None:
    """Wherever a redirect points to, no request goes there, with the key or without."""
    came: list[bytes] = []
    other = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        connection, _ = other.accept()
        came.append(connection.recv(4000))

    threading.Thread(target=listen, daemon=True).start()
    paths: list[str] = []

    def answer(scope: Any, _: bytes) -> tuple[int, dict[str, str], bytes]:
        paths.append(scope["path"])
        to = "/elsewhere" if here else f"http://127.0.0.1:{other.getsockname()[1]}/mcp"
        return status, {"location": f"{to}?key={QUOTED}"}, b""

    with caplog.at_level(logging.DEBUG), pytest.raises(ActiveCampaignError):
        over_http(guard_for({}), key=QUOTED, around=lambda app: Between(app, answer=answer)).get_tools()
    other.close()
    assert came == []
    assert set(paths) == {"/api/agents/mcp/http"}
    assert_hidden(logged(caplog))


@pytest.mark.parametrize(
    "url",
    [
        f"http://acme.activehosted.com/api/agents/mcp/http?key={KEY}",
        f"http://127.0.0.1.evil.example/mcp?key={KEY}",
        f"ftp://acme.activehosted.com/{KEY}",
        f"https://user:{KEY}@acme.activehosted.com/mcp",
        f"https://acme.activehosted.com/mcp#{KEY}",
        f"https://acme.activehosted.com/mcp?key={KEY} x",
        f"https://acme.activehosted.com:port/mcp?key={KEY}",
        f"https://[::1/mcp?key={KEY}",
        KEY,
        "",
    ],
)
def test_urls_that_are_refused(guard_for: Callable[..., Guard], url: str) -> None:
    """Plain http beyond this machine, and what is no URL, is refused by words that do not show it."""
    guard = guard_for({})
    for use in (lambda: RemoteMCP(url, guard=guard, agent="marketing"), lambda: sign_in(url, tokens="unused")):
        with pytest.raises(ConfigurationError, match="Settings > Developer > MCP") as caught:
            use()
        assert_hidden(printed(caught.value))


def test_a_key_in_the_path(guard_for: Callable[..., Guard]) -> None:
    """A part of the path that is no plain word is taken for a key as well."""
    with RemoteMCP(
        f"https://acme.activehosted.com:443/api/agents/mcp/http/{KEY}/", guard=guard_for({}), agent="marketing"
    ) as remote:
        assert remote._connection.offers == {}
        assert_hidden(repr(vars(remote)))


def test_other_mistakes_do_not_show_it(guard_for: Callable[..., Guard]) -> None:
    """An error about something else, raised while the URL is at hand, does not show it."""
    url = f"https://acme.activehosted.com/api/agents/mcp/http?key={KEY}"
    wrong: list[dict[str, Any]] = [{"agent": ""}, {"agent": "a", "classes": {"x": {}}}, {"agent": "a", "tokens": "t"}]
    for options in wrong:
        with pytest.raises(ConfigurationError) as caught:
            RemoteMCP(url, guard=guard_for({}), **options)
        assert_hidden(printed(caught.value))
    with pytest.raises(ConfigurationError, match="nothing to sign in for") as caught:
        sign_in(url, tokens="unused")
    assert_hidden(printed(caught.value))


def test_an_answer_without_end(over_http: Make, guard_for: Callable[..., Guard]) -> None:
    """More of an answer than could be held is not read."""
    sent: list[int] = []

    def flood(scope: Any, body: bytes, message: Any) -> list[Any]:
        if message["type"] != "http.response.body" or b"tools/list" not in body:
            return [message]
        sent.append(1)
        return [{"type": "http.response.body", "body": b" " * 1_000_000, "more_body": True}] * 40

    remote = over_http(guard_for({}), around=lambda app: Between(app, send=flood))
    with pytest.raises(ActiveCampaignError, match="more than 20,000,000 bytes"):
        remote.get_tools()


def test_a_compressed_answer(over_http: Make, guard_for: Callable[..., Guard]) -> None:
    """A few bytes that would unpack into gigabytes are not unpacked."""
    bomb = lambda *_: (200, {"content-type": "application/json", "content-encoding": "gzip"}, b"\x1f\x8b")  # noqa: E731
    with pytest.raises(ActiveCampaignError, match="compressed"):
        over_http(guard_for({}), around=lambda app: Between(app, answer=bomb)).get_tools()
