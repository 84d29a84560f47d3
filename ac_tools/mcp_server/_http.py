"""Over streamable HTTP: bearer tokens, loopback unless told otherwise, and no strange Host or Origin."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Route

from ac_tools.mcp_server._server import ToolServer
from ac_tools.mcp_server._tokens import Tokens

PATH = "/mcp"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_GRACE = 5
"""Seconds for which open streams are waited for at the end; writes on their way are waited for beyond it."""


def http_app(server: ToolServer, tokens: Tokens, *, names: Sequence[str] = ()) -> Starlette:
    """The server as an ASGI application, at /mcp.

    Args:
        server: What is served.
        tokens: Who may connect.
        names: Host names, besides loopback's, under which it may be reached. A request that names another is refused:
            a page in somebody's browser could have sent it.
    """
    manager = StreamableHTTPSessionManager(server, security_settings=_security(names))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield
        await server.drain()

    return Starlette(
        routes=[Route(PATH, endpoint=RequireAuthMiddleware(manager.handle_request, required_scopes=[]))],
        middleware=[Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(tokens))],
        lifespan=lifespan,
    )


async def serve_http(
    server: ToolServer,
    tokens: Tokens,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    names: Sequence[str] = (),
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until a signal ends it.

    Args:
        server: What is served.
        tokens: Who may connect.
        host: The address to listen on; one beyond loopback needs `names`.
        port: The port; 0 takes a free one.
        names: Host names under which others reach it.
        ready: Is told the URL once clients can connect.

    Raises:
        ValueError: The address would be open to others, and no name is given.
        OSError: The port cannot be used.
    """
    if not (is_loopback(host) or names):
        raise ValueError(f"{host} can be reached by other machines. Name the host that they use: --allow-remote NAME.")
    config = uvicorn.Config(
        http_app(server, tokens, names=names),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
    )
    with _listening(host, port) as listener:
        ready(f"http://{_shown(host)}:{listener.getsockname()[1]}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _security(names: Sequence[str]) -> TransportSecuritySettings:
    known = (*_LOOPBACK, *names)
    hosts = [form for name in known for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
