"""An account that keeps what reached it, toolkits of one agent, and a chat model that follows a script."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from ac_guardrails import Approver, Guard, Ledger
from ac_tools import ActiveCampaign, ActiveCampaignToolkit, ImportContacts
from ac_tools._catalog import AREAS
from ac_tools.sandbox import Sandbox

from .forking import let_them_meet

_NUMBERS = itertools.count(1)


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes that are about to be put on record wait for each other: they are not there one after the other."""
    monkeypatch.setattr(Ledger, "reserve", Ledger.reserve)  # so that it is as before in the end
    let_them_meet(threading.Barrier(2))


class Tap(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps every request, as it left, on its way into the account."""

    def __init__(self, inner: Any, sent: list[httpx.Request]) -> None:
        self._inner = inner
        self._sent = sent

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self._sent.append(request)
        return self._inner.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self._sent.append(request)
        return await self._inner.handle_async_request(request)


class Scripted(BaseChatModel):
    """Says its lines in turn. It keeps no state: its place is the number of its own messages so far."""

    turns: list[list[dict[str, Any]]]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Scripted:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        place = sum(isinstance(message, AIMessage) for message in messages)
        calls = self.turns[place] if place < len(self.turns) else []
        message = AIMessage("" if calls else "Done.", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    """Makes a chat model of turns, each a list of (tool name, arguments); after the last one it ends."""

    def make(*turns: list[tuple[str, dict[str, Any]]]) -> Scripted:
        return Scripted(
            turns=[
                [
                    {"type": "tool_call", "id": f"call_{turn}_{place}", "name": name, "args": args}
                    for place, (name, args) in enumerate(calls)
                ]
                for turn, calls in enumerate(turns)
            ]
        )

    return make


@pytest.fixture
def run() -> Callable[..., ToolMessage]:
    """Calls a tool of a toolkit as an agent does; `name` may be an argument of the tool."""

    def call(toolkit: ActiveCampaignToolkit, tool: str, /, **args: Any) -> ToolMessage:
        message = toolkit.get_tool(tool).invoke({"type": "tool_call", "id": "call_1", "name": tool, "args": args})
        assert isinstance(message, ToolMessage)
        return message

    return call


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here for an import to end."""
    monkeypatch.setattr(ImportContacts, "patience", 0.0)


@pytest.fixture
def sent() -> list[httpx.Request]:
    """Every request that left for the account, whole."""
    return []


@pytest.fixture
def account(sent: list[httpx.Request]) -> Iterator[ActiveCampaign]:
    """A fresh embedded account on a host of its own, since hosts share their pace and its pauses."""
    sandbox = Sandbox(url=f"https://holes-{next(_NUMBERS)}.api-us1.example")
    transport = Tap(sandbox.transport(), sent)
    with ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=transport, limit=None) as opened:
        opened.simulator = sandbox
        yield opened


@pytest.fixture
def toolkit_for(account: ActiveCampaign, guard_for: Callable[..., Guard]) -> Callable[..., ActiveCampaignToolkit]:
    """Makes the toolkit of the agent "marketing" from what it may do: the thing under attack."""

    def make(grants: dict[str, Any], approver: Approver | None = None, **options: Any) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard_for(grants, approver, **options), agent="marketing")

    return make


@pytest.fixture
def reached(account: ActiveCampaign) -> Callable[[], list[str]]:
    """What reached the account so far, as "GET /contacts/7"."""

    def listed() -> list[str]:
        assert account.simulator is not None
        return [f"{item.method} {item.path.removeprefix('/api/3')}" for item in account.simulator.requests]

    return listed


@pytest.fixture
def writes(reached: Callable[[], list[str]]) -> Callable[[], list[str]]:
    """What reached the account and may have changed it."""
    return lambda: [line for line in reached() if not line.startswith("GET ")]


@pytest.fixture
def bodies(sent: list[httpx.Request]) -> Callable[[], list[Any]]:
    """The JSON bodies of the writes that left."""
    return lambda: [json.loads(request.content) for request in sent if request.method in ("POST", "PUT")]


@pytest.fixture
def ask(account: ActiveCampaign) -> Callable[..., Any]:
    """Reads from the embedded account past everything, as its owner would in the browser."""

    def read(path: str) -> Any:
        assert account.simulator is not None
        answer = account.simulator.handle("GET", f"/api/3{path}", {"Api-Token": account.simulator.key}, b"")
        del account.simulator.requests[-1]
        return json.loads(answer.body)

    return read


@pytest.fixture
def call() -> Callable[..., ToolMessage]:
    """Calls a tool as an agent in a conversation does: by the id of the call and the thread; sync or on a loop."""

    def made(
        toolkit: ActiveCampaignToolkit,
        tool: str,
        args: dict[str, Any],
        *,
        call_id: str = "call_1",
        thread: str = "thread",
        asynchronous: bool = False,
    ) -> ToolMessage:
        asked = {"type": "tool_call", "id": call_id, "name": tool, "args": args}
        config = {"configurable": {"thread_id": thread}}
        made = toolkit.get_tool(tool)
        message = asyncio.run(made.ainvoke(asked, config)) if asynchronous else made.invoke(asked, config)
        assert isinstance(message, ToolMessage)
        return message

    return made


@pytest.fixture
def callers(served: Any, tmp_path: Path) -> Iterator[Callable[..., list[Any]]]:
    """Gives commands to a process that forks callers on the served account and one ledger file (forking.py)."""
    program, ledger = Path(__file__).with_name("forking.py"), tmp_path / "ledger.db"
    paths = [os.environ.get("PYTHONPATH", ""), *sys.path]
    process = subprocess.Popen(
        [sys.executable, str(program), served.url, served.key, str(ledger)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
    )

    def command(**wanted: Any) -> list[Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(wanted)}\n")
        process.stdin.flush()
        told: list[Any] = json.loads(process.stdout.readline())
        return told

    with process:
        yield command
        process.kill()


@pytest.fixture
def beside(served: Any, tmp_path: Path, guard_for: Callable[..., Guard]) -> Iterator[Callable[..., Any]]:
    """Makes toolkits of this process on the account and the ledger file of the `callers`."""
    with ActiveCampaign(url=served.url, key=served.key, limit=None) as account:

        def make(approver: Approver | None = None, **options: Any) -> ActiveCampaignToolkit:
            options = {"ledger": f"sqlite:///{tmp_path}/ledger.db", **options}
            guard = guard_for(dict.fromkeys(AREAS, "full"), approver, **options)
            return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

        yield make


class Later:
    """The computer's clock, so many seconds on."""

    by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


@pytest.fixture
def later() -> Later:
    """A clock for a guard, which a test moves with `.by`."""
    return Later()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is slow to attack is attacked once more on an event loop among the long proofs."""
    for item in items:
        if item.path.stem in ("test_graph", "test_did_it_happen") and "async" in item.name:
            item.add_marker(pytest.mark.long)
