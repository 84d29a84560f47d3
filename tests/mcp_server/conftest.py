"""The server in processes of its own, and the official client at the other end of it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.context import RequestContext
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult

PROGRAM = "from ac_tools.cli import main; main()"
TOKEN = "hannah-0123456789-0123456789"
OTHER = "jonas-0123456789-01234567890"
GRANTS = {
    "contacts": {"access": "full", "until": "2099-12-31"},
    "tags": "write",
    "lists": "read",
    "automations": "full",
}
VALID: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "conftest.py"))["VALID"]

Connect = Callable[..., AbstractAsyncContextManager[ClientSession]]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ACTIVECAMPAIGN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def valid() -> dict[str, Any]:
    """Two valid calls of every tool."""
    return VALID


class Person:
    """Answers a client's forms as it is told, and keeps the cards."""

    def __init__(self, *answers: ElicitResult) -> None:
        self.answers = list(answers)
        self.cards: list[str] = []

    async def __call__(self, _: RequestContext[Any, Any], asked: ElicitRequestParams) -> ElicitResult:
        self.cards.append(asked.message)
        return self.answers.pop(0)


def accepts(**content: str) -> ElicitResult:
    return ElicitResult(action="accept", content=dict(content))


@pytest.fixture
def person() -> Callable[..., Person]:
    return Person


class Files:
    """What a server is started with: a grants file and a ledger, and an account that this process serves."""

    def __init__(self, folder: Path, served: Any) -> None:
        self.folder = folder
        self.served = served
        self.ledger = f"sqlite:///{folder}/ledger.db"
        self.grants(GRANTS)

    def grants(self, grants: Mapping[str, Any]) -> None:
        text = yaml.safe_dump({"agents": {"marketing": dict(grants)}})
        (self.folder / "grants.yaml").write_text(text, encoding="utf-8")

    @property
    def arguments(self) -> list[str]:
        given = {"--grants": str(self.folder / "grants.yaml"), "--ledger": self.ledger, "--agent": "marketing"}
        return ["-c", PROGRAM, "mcp", *(word for pair in given.items() for word in pair)]

    @property
    def environment(self) -> dict[str, str]:
        account = {"ACTIVECAMPAIGN_URL": self.served.url, "ACTIVECAMPAIGN_API_KEY": self.served.key}
        return {**os.environ, **account, "ACTIVECAMPAIGN_MCP_TOKENS": f"Hannah:{TOKEN},Jonas:{OTHER}"}

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What has left for the account and may have changed it."""
        sent = [(one.method, one.path.removeprefix("/api/3")) for one in self.served.sandbox.requests]
        return [one for one in sent if one[0] != "GET"]

    def entries(self) -> list[Any]:
        """What is on record."""
        from ac_guardrails._ledger_url import open_ledger

        ledger = open_ledger(self.ledger, payloads="30d")
        try:
            return list(ledger.entries())
        finally:
            ledger.close()

    def run(self, *words: str) -> str:
        """Somebody uses the command line on the same ledger."""
        command = [sys.executable, "-c", PROGRAM, *words, "--ledger", self.ledger]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def files(tmp_path: Path, served: Any) -> Files:
    return Files(tmp_path, served)


@pytest.fixture
def over_stdio(files: Files, tmp_path: Path) -> Connect:
    """Connects the official client to `ac-tools mcp` in a process of its own; its stderr is in `stderr`."""

    @asynccontextmanager
    async def connect(*words: str, asks: Any = None) -> AsyncIterator[ClientSession]:
        server = StdioServerParameters(command=sys.executable, args=[*files.arguments, *words], env=files.environment)
        with (tmp_path / "stderr").open("a") as log:
            async with (
                stdio_client(server, errlog=log) as (incoming, outgoing),
                ClientSession(incoming, outgoing, elicitation_callback=asks) as session,
            ):
                await session.initialize()
                yield session

    return connect


@pytest.fixture
def started(files: Files) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `ac-tools mcp --http` as a process of its own."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, *files.arguments, "--http", "--port", "0", *words]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=files.environment, stdin=subprocess.DEVNULL, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def url(started: Any) -> str:
    """Where a server listens."""
    process = started()
    line = process.stdout.readline().strip()
    assert line, process.stderr.read()
    return str(line)


@asynccontextmanager
async def over_http(url: str, *, token: str = TOKEN, asks: Any = None) -> AsyncIterator[ClientSession]:
    """Connects the official client to a server over streamable HTTP."""
    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client,
        streamable_http_client(url, http_client=client) as (incoming, outgoing, _),
        ClientSession(incoming, outgoing, elicitation_callback=asks) as session,
    ):
        await session.initialize()
        yield session


@pytest.fixture(name="over_http")
def _over_http() -> Connect:
    return over_http


def text(result: CallToolResult) -> str:
    (block,) = result.content
    return str(getattr(block, "text", ""))


@pytest.fixture(name="text")
def _text() -> Callable[[CallToolResult], str]:
    return text
