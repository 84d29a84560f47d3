"""Signing in with OAuth against a real authorization server on this machine, and keeping the tokens."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from langchain_core.messages import ToolMessage
from mcp.types import CallToolResult, TextContent

from ac_guardrails import Guard
from ac_tools import ActiveCampaign, ActiveCampaignError, AuthenticationError, ConfigurationError, ConnectError
from ac_tools.remote_mcp import RemoteMCP, sign_in

from .server import Account, Between, OAuth, served

Ask = Callable[..., ToolMessage]
AGAIN = "ac-tools remote-mcp sign-in"


def browser(page: str) -> None:
    """A person's browser, in which they say yes."""
    assert httpx.get(page, follow_redirects=True, timeout=10).text == "You are signed in. You can close this page."


class Served:
    """The server with its OAuth, its URL, and a file for the tokens."""

    def __init__(self, oauth: OAuth, url: str, file: Path) -> None:
        self.oauth = oauth
        self.url = url
        self.file = file
        self.instead: Callable[[Any, bytes], Any] = lambda scope, body: None

    @property
    def kept(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    @property
    def secrets(self) -> list[str]:
        tokens = self.kept["tokens"]
        return [tokens["access_token"], tokens["refresh_token"]]

    def sign_in(self, **options: Any) -> None:
        sign_in(self.url, tokens=self.file, **{"show": browser, "timeout": 20, **options})

    def expire(self) -> None:
        """Let an hour go by, as far as the tokens are concerned."""
        self.file.write_text(json.dumps({**self.kept, "ends": 1.0}))
        for token in self.oauth.access.values():
            token.expires_at = 1


@pytest.fixture
def server(remote_account: Account, tmp_path: Path) -> Iterator[Served]:
    oauth = OAuth()
    found: list[Served] = []
    between = lambda app: Between(app, answer=lambda *asked: found[0].instead(*asked))  # noqa: E731
    with served(remote_account, oauth=oauth, around=between) as url:
        found.append(Served(oauth, url, tmp_path / "tokens.json"))
        yield found[0]


@pytest.fixture
def remote(server: Served, account: ActiveCampaign, guard_for: Callable[..., Guard]) -> Iterator[Callable[..., Any]]:
    opened: list[RemoteMCP] = []

    def make() -> RemoteMCP:
        guard = guard_for({"tags": "write", "contacts": "read"})
        opened.append(RemoteMCP(server.url, guard=guard, agent="marketing", account=account, tokens=server.file))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_signing_in(
    server: Served, remote: Callable[..., RemoteMCP], ask: Ask, remote_account: Account, caplog: Any
) -> None:
    """A person signs in once, in a browser; the tokens open the server from then on, and show nowhere."""
    with caplog.at_level(logging.DEBUG):
        server.sign_in()
        assert server.oauth.did == ["register", "authorize", "code"]
        echo = f"Client error '400 Bad Request': {server.secrets[0]}"
        remote_account.before = lambda _: CallToolResult(content=[TextContent(type="text", text=echo)], isError=True)
        echoed = ask(remote(), "list_tags", params={})
        remote_account.before = lambda _: None
        message = ask(remote(), "list_tags", "call_2", params={})
    assert "[hidden]" in echoed.content
    assert message.status == "success"
    records = [one for one in caplog.records if not one.name.startswith(("mcp.server", "sse_starlette"))]
    said = "".join(str(vars(one)) for one in records) + repr([echoed, message]) + repr(vars(remote()))
    assert not [secret for secret in server.secrets if secret in said]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("before", [None, 0o666], ids=["new", "open to all"])
def test_the_file_is_its_owners_alone(server: Served, before: int | None) -> None:
    """Nobody else can read the tokens, even where the file was there and open, and no other file is left behind."""
    if before is not None:
        server.file.write_text("{}")
        server.file.chmod(before)
    umask = os.umask(0)
    try:
        server.sign_in()
    finally:
        os.umask(umask)
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o600
    assert {path.name for path in server.file.parent.iterdir()} == {"tokens.json", ".tokens.json.lock"}
    assert stat.S_IMODE((server.file.parent / ".tokens.json.lock").stat().st_mode) == 0o600


def test_files_that_are_refused(server: Served, remote: Callable[..., RemoteMCP]) -> None:
    """No file, another server's, one that others can read and one that is broken are errors that name the remedy."""
    with pytest.raises(ConfigurationError, match=AGAIN):
        remote()
    server.sign_in()
    good = server.kept
    for text in ("{", "[]", json.dumps({**good, "server": "https://other.example/mcp"})):
        server.file.write_text(text)
        with pytest.raises(ConfigurationError, match=AGAIN):
            remote()
    server.file.write_text(json.dumps(good))
    server.file.chmod(0o640)
    with pytest.raises(ConfigurationError, match=f"Others can read the token file.* {AGAIN}"):
        remote()


@pytest.mark.parametrize("rotates", [True, False])
def test_tokens_are_renewed(server: Served, remote: Callable[..., RemoteMCP], ask: Ask, rotates: bool) -> None:
    """Tokens that have ended are renewed without anybody, and the new ones kept, whether or not the server changes the
    refresh token with them.
    """
    server.sign_in()
    before = server.secrets
    server.expire()
    server.oauth.rotates = rotates
    assert ask(remote(), "list_tags", params={}).status == "success"
    after = server.secrets
    assert server.oauth.did[3:] == ["refresh"]
    assert (after[0] != before[0], after[1] != before[1]) == (True, rotates)
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o600
    assert ask(remote(), "list_tags", params={}).status == "success"
    assert server.oauth.did[3:] == ["refresh"]


def test_tokens_that_end_under_way(server: Served, remote: Callable[..., RemoteMCP], remote_account: Account) -> None:
    """A session outlives its tokens: a write that is not let in with the old ones is made once with new ones."""
    server.sign_in()
    tool = remote().get_tool("add_tag_to_contact")
    for token in server.oauth.access.values():
        token.expires_at = 1
    message = tool.invoke({"params": {"contact": 46, "tag": 2}})
    assert message == "Contact 46 has tag 2 now."
    assert [name for name, _ in remote_account.calls] == ["add_tag_to_contact"]
    assert server.oauth.did[3:] == ["refresh"]
    assert server.secrets[0] in server.oauth.access


def test_a_revoked_sign_in(server: Served, remote: Callable[..., RemoteMCP], caplog: Any) -> None:
    """Where the server takes no token any more, the error says how to sign in again, and nobody is asked to."""
    server.sign_in()
    secrets = server.secrets
    server.oauth.access.clear()
    server.oauth.refresh.clear()
    for _ in range(2):  # while the token seems good, and once it is known to be none
        with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationError, match=AGAIN) as caught:
            remote().get_tools()
        assert caught.value.outcome in ("refused", "not_sent")
        server.expire()
    assert server.oauth.did == ["register", "authorize", "code"]
    said = caplog.text + str(caught.value)
    assert not [secret for secret in secrets if secret in said]


def test_revoked_under_way(server: Served, remote: Callable[..., RemoteMCP], ask: Ask, remote_account: Account) -> None:
    """A write that the server does not let in was not done, and the agent is told the remedy; signing in heals it."""
    server.sign_in()
    tool = remote().get_tool("add_tag_to_contact")
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"params": {"contact": 46, "tag": 2}}}
    server.oauth.access.clear()
    server.oauth.refresh.clear()
    refused = tool.invoke(call)
    assert (refused.status, refused.artifact.kind) == ("error", "failed")
    assert AGAIN in refused.content
    assert remote_account.calls == []
    server.sign_in()
    again = ask(remote(), "add_tag_to_contact", params={"contact": 46, "tag": 2})
    assert again.status == "success", again.content


def test_a_renewal_that_fails_for_the_moment(server: Served, remote: Callable[..., RemoteMCP], ask: Ask) -> None:
    """Where the server cannot renew tokens just now, the sign-in is not given up."""
    server.sign_in()
    server.expire()
    kept = server.kept
    server.instead = lambda scope, _: (503, {}, b"busy") if scope["path"] == "/token" else None
    opened = remote()
    with pytest.raises(ConnectError, match="could not be renewed just now"):
        opened.get_tools()
    assert server.kept == kept
    server.instead = lambda *_: None
    assert ask(opened, "list_tags", params={}).status == "success"


def test_others_have_renewed_them(server: Served, remote: Callable[..., RemoteMCP], ask: Ask) -> None:
    """Who finds its tokens ended looks first whether somebody else has renewed them."""
    server.oauth.lasts = 1
    server.sign_in()
    first = remote()
    assert ask(first, "list_tags", params={}).status == "success"
    time.sleep(1.1)
    server.oauth.lasts = 3600
    assert ask(remote(), "list_tags", params={}).status == "success"
    before = server.oauth.did.count("refresh")
    assert ask(first, "list_tags", "call_2", params={}).status == "success"
    assert server.oauth.did.count("refresh") == before
    assert "reuse" not in server.oauth.did


_USE = """
import sys
from ac_guardrails import Grants, Guard
from ac_tools._catalog import catalog
from ac_tools.remote_mcp import RemoteMCP

guard = Guard(Grants.from_dict({"agents": {"a": {"tags": "read"}}}, catalog=catalog), ledger="memory:")
with RemoteMCP(sys.argv[1], guard=guard, agent="a", tokens=sys.argv[2]) as remote:
    sys.stdin.readline()
    print(len(remote.get_tools()))
"""


def test_processes_share_a_file(server: Served) -> None:
    """Several processes whose tokens have ended renew them once between them: a used refresh token is not used again,
    which this server would answer by ending the sign-in.
    """
    server.sign_in()
    server.expire()
    server.oauth.takes = 3.0
    command = [sys.executable, "-c", _USE, server.url, str(server.file)]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]
    for process in processes:  # they start together
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in processes]
    assert [out for out, _ in said] == ["2\n"] * 4, [error for _, error in said]
    assert server.oauth.did[3:] == ["refresh"]
    assert server.secrets[1] in server.oauth.refresh


def test_nobody_signs_in(server: Served) -> None:
    """Who closes the page, declines or takes too long has not signed in; what was kept before is still good."""
    server.sign_in()
    kept = server.kept

    def declines(page: str) -> None:
        asked = parse_qs(urlsplit(page).query)
        back = f"{asked['redirect_uri'][0]}?error=access_denied&error_description=not%20today&state="
        assert "not what was waited for" in httpx.get(f"{back}guessed").text
        assert "not what was waited for" in httpx.get(f"{asked['redirect_uri'][0]}?code=forged&state=guessed").text
        assert "not signed in" in httpx.get(back + asked["state"][0]).text

    with pytest.raises(AuthenticationError, match="not today"):
        server.sign_in(show=declines)
    with pytest.raises(AuthenticationError, match=r"Nobody signed in within 0\.3 seconds"):
        server.sign_in(show=lambda _: None, timeout=0.3)
    assert server.kept == kept


def test_a_page_that_cannot_be_shown(server: Served) -> None:
    """A browser that does not start ends the sign-in with its reason."""

    def fails(_: str) -> None:
        raise OSError("no display")

    with pytest.raises(AuthenticationError, match="no display"):
        server.sign_in(show=fails)
    assert not server.file.exists()


def test_tokens_that_cannot_be_read_are_not_shown(server: Served, caplog: Any) -> None:
    """An answer with tokens in a shape of its own is in no error and no log."""
    odd = json.dumps({"token": "s3cret-token-in-an-odd-shape"}).encode()
    server.instead = lambda scope, _: (
        (200, {"content-type": "application/json"}, odd) if scope["path"] == "/token" else None
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationError) as caught:
        server.sign_in()
    assert "s3cret" not in caplog.text + repr(caught.value)


def test_tokens_go_nowhere_over_http(server: Served) -> None:
    """A server that names a place for tokens which is reached without TLS gets none: nothing is sent there."""

    def instead(scope: Any, _: bytes) -> Any:
        if scope["path"] != "/.well-known/oauth-authorization-server":
            return None
        base = server.url.removesuffix("/api/agents/mcp/http")
        data = {
            "issuer": f"{base}/",
            "authorization_endpoint": f"{base}/authorize",
            "registration_endpoint": f"{base}/register",
            "token_endpoint": "http://tokens.example/token",
            "response_types_supported": ["code"],
        }
        return 200, {"content-type": "application/json"}, json.dumps(data).encode()

    server.instead = instead
    with pytest.raises(ActiveCampaignError, match=r"tokens\.example is reached over http"):
        server.sign_in()
    assert not server.file.exists()


def test_a_server_without_sign_in(remote_account: Account, tmp_path: Path) -> None:
    """Where the server lets everybody in, there is nothing to sign in for, and no file is made."""
    with served(remote_account) as url, pytest.raises(AuthenticationError, match="wants no sign-in"):
        sign_in(url, tokens=tmp_path / "tokens", show=browser)
    assert not (tmp_path / "tokens").exists()


def test_a_key_and_tokens(guard_for: Callable[..., Guard], tmp_path: Path) -> None:
    """A key in the URL and tokens beside it are a mistake that is named."""
    with pytest.raises(ConfigurationError, match="Give one of both"):
        RemoteMCP("https://a.example/mcp?key=0123456789", guard=guard_for({}), agent="a", tokens=tmp_path / "tokens")
