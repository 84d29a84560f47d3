"""The MCP server: it lists exactly the granted tools, and every call goes through the guard.

Built on the official SDK below version 2, which is what langchain-mcp-adapters pins, so that both can be installed
together; of it, on the low-level server, because FastMCP makes schemas of its own, and version 2 has dropped it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import McpError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequest,
    CallToolResult,
    ErrorData,
    ListToolsRequest,
    ListToolsResult,
    ServerResult,
)

from ac_guardrails import LedgerError
from ac_tools.mcp_server._approver import CLIENT, Client
from ac_tools.mcp_server._describe import described, failed, result_of

if TYPE_CHECKING:
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.tools import ActiveCampaignTool

_log = logging.getLogger(__name__)


@dataclass
class Connection:
    """One client's session.

    Args:
        thread: What its calls are told apart by from those of other sessions, whose request ids are the same.
        listed: The tools that it was told of last.
    """

    thread: str = field(default_factory=lambda: uuid4().hex)
    listed: tuple[str, ...] | None = None


@asynccontextmanager
async def _connected(_: Server[Connection, Any]) -> AsyncIterator[Connection]:
    """The SDK enters it once a session."""
    yield Connection()


class ToolServer(Server[Connection, Any]):
    """One agent's tools for MCP clients.

    Args:
        toolkit: The tools. Its guard's approver should be `AskClient`, which asks through the client.
    """

    def __init__(self, toolkit: ActiveCampaignToolkit) -> None:
        from ac_tools import __version__

        super().__init__("activecampaign", version=__version__, lifespan=_connected)
        self._toolkit = toolkit
        self._running: set[asyncio.Task[Any]] = set()
        self.request_handlers[ListToolsRequest] = self._list
        self.request_handlers[CallToolRequest] = self._call

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """What clients are told first: among it, that the list of tools can change."""
        options = notification_options or NotificationOptions(tools_changed=True)
        return super().create_initialization_options(options, experimental_capabilities)

    async def drain(self) -> None:
        """Wait until calls whose clients have gone are at their end, and on record."""
        if self._running:
            await asyncio.wait(self._running)

    async def _list(self, _: ListToolsRequest) -> ServerResult:
        tools = self._toolkit.get_tools()  # anew each time: a grant may have run out
        self.request_context.lifespan_context.listed = tuple(tool.name for tool in tools)
        return ServerResult(ListToolsResult(tools=[described(tool) for tool in tools]))

    async def _call(self, request: CallToolRequest) -> ServerResult:
        name, arguments = request.params.name, request.params.arguments or {}
        context = self.request_context
        client = Client(context.session, context.request_id, _person(context.request))
        toolkit = self._toolkit.model_copy(update={"behalf": client.person}) if client.person else self._toolkit
        try:
            tool = toolkit.get_tool(name)  # one that is not granted is refused by the guard, and on record
        except ValueError as error:
            raise McpError(ErrorData(code=INVALID_PARAMS, message=str(error))) from None
        result = await self._answer(tool, arguments, client)
        await self._tell_of_changes()
        return ServerResult(result)

    async def _answer(self, tool: ActiveCampaignTool, arguments: dict[str, Any], client: Client) -> CallToolResult:
        """Make the call. Session and request tell it from others, so that the same request again is the same call."""
        thread = self.request_context.lifespan_context.thread
        config: RunnableConfig = {"configurable": {"thread_id": thread, CLIENT: client}}
        call = {"type": "tool_call", "id": json.dumps(client.request), "name": tool.name, "args": arguments}
        try:
            message = await self._apart(tool.ainvoke(call, config))
        except LedgerError as error:
            return failed(f"{tool.name} was stopped, because nothing can be put on record: {error}")
        except Exception as error:
            _log.exception("%s failed", tool.name)
            return failed(f"{tool.name} failed ({type(error).__name__}). The server's log has the details.")
        assert isinstance(message, ToolMessage)
        return result_of(message)

    async def _apart(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Run a call where a cancellation reaches it once.

        The SDK cancels a handler again and again until it ends. A write on its way would be cut off in the middle of
        that, where it is to be waited for and put on record.
        """
        task = asyncio.ensure_future(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _tell_of_changes(self) -> None:
        """Let the client ask anew for the tools, if they are others than it was told."""
        context = self.request_context
        listed = context.lifespan_context.listed
        now = tuple(tool.name for tool in self._toolkit.get_tools())
        if listed not in (None, now):
            context.lifespan_context.listed = None
            await context.session.send_tool_list_changed()


def _person(request: Any) -> str:
    """Whose token came with the HTTP request; empty over stdio, which has none."""
    user = request.scope.get("user") if request is not None else None
    return user.display_name if user is not None else ""
