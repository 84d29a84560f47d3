"""Over stdio: the client starts the process, and nothing but the protocol leaves on its stdout."""

from __future__ import annotations

import os

import anyio
from mcp.server.stdio import stdio_server

from ac_tools.mcp_server._server import ToolServer


async def serve_stdio(server: ToolServer) -> None:
    """Serve until the client closes the process's stdin. What else is printed from now on goes to stderr."""
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    async with stdio_server(stdout=anyio.wrap_file(protocol)) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
    await server.drain()
