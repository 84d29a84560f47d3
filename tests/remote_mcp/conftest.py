"""What these tests share: the 50 tools on an embedded account, over an in-memory session or over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
from langchain_core.messages import ToolMessage
from mcp.shared.memory import create_client_server_memory_streams

from ac_guardrails import Guard
from ac_tools import ActiveCampaign
from ac_tools._catalog import catalog
from ac_tools.remote_mcp import RemoteMCP

from .server import Account, mcp_of, served

EVERYTHING = dict.fromkeys(catalog.areas, "full")
URL = "https://acme.activehosted.example/api/agents/mcp/http"


@pytest.fixture
def remote_account(account: ActiveCampaign) -> Account:
    """The server's tools on the embedded account."""
    assert account.simulator is not None
    return Account(account.simulator)


def in_memory_of(account: Account) -> Any:
    """Opens a session with the server in this process."""

    @asynccontextmanager
    async def streams(_: Any) -> AsyncIterator[tuple[Any, ...]]:
        server = mcp_of(account)._mcp_server
        async with create_client_server_memory_streams() as (client, served), anyio.create_task_group() as tasks:
            options = server.create_initialization_options()
            tasks.start_soon(lambda: server.run(served[0], served[1], options, raise_exceptions=False))
            yield client
            tasks.cancel_scope.cancel()

    return streams


@pytest.fixture
def in_memory(remote_account: Account) -> Any:
    """Opens a session with the server in this process."""
    return in_memory_of(remote_account)


@pytest.fixture
def remote_for(account: ActiveCampaign, in_memory: Any) -> Iterator[Callable[..., RemoteMCP]]:
    """Makes a RemoteMCP on the in-memory server for the agent "marketing"."""
    opened: list[RemoteMCP] = []

    def make(guard: Guard, *, rest: bool = True, **options: Any) -> RemoteMCP:
        given = {"account": account if rest else None, "streams": in_memory, "agent": "marketing", **options}
        opened.append(RemoteMCP(given.pop("url", URL), guard=guard, **given))
        return opened[-1]

    yield make
    for remote in opened:
        remote.close()


@pytest.fixture
def ask() -> Callable[..., ToolMessage]:
    """Calls one of the server's tools as an agent does, in one and the same thread."""

    def call(remote: RemoteMCP, name: str, /, call_id: str = "call_1", **args: Any) -> ToolMessage:
        call = {"type": "tool_call", "id": call_id, "name": f"ac_mcp_{name}", "args": args}
        message = remote.get_tool(name).invoke(call, {"configurable": {"thread_id": "thread"}})
        assert isinstance(message, ToolMessage)
        return message

    return call


@pytest.fixture
def over_http(account: ActiveCampaign, remote_account: Account) -> Iterator[Callable[..., RemoteMCP]]:
    """Serves the tools over HTTP, and makes a RemoteMCP on them for the agent "marketing"."""
    with ExitStack() as stack:

        def make(guard: Guard, *, rest: bool = True, timeout: float = 20, **options: Any) -> RemoteMCP:
            url = stack.enter_context(served(remote_account, **options))
            given = account if rest else None
            remote = RemoteMCP(url, guard=guard, agent="marketing", account=given, timeout=timeout)
            return stack.enter_context(remote)

        yield make
