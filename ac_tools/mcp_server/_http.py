"""Over streamable HTTP: bearer tokens, loopback unless told otherwise, and no strange Host or Origin."""

from __future__ import annotations

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

from ac_tools._credentials import _is_loopback
from ac_tools._listening import listening, url_of
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
    if not (_is_loopback(host) or names):
        raise ValueError(f"{host} can be reached by other machines. Name the host that they use: --allow-remote NAME.")
    config = uvicorn.Config(
        http_app(server, tokens, names=names),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
    )
    with listening(host, port) as listener:
        ready(f"{url_of(listener, host)}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listener])


def _security(names: Sequence[str]) -> TransportSecuritySettings:
    known = (*_LOOPBACK, *names)
    hosts = [form for name in known for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)
