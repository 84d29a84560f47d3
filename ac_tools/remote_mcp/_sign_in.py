"""A person signs in once; the tokens are kept in a file for those who work for them."""

from __future__ import annotations

import asyncio
import os
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp import ClientSession

from ac_tools._errors import AuthenticationError, ConfigurationError
from ac_tools.remote_mcp._http import Address, broken, over_http
from ac_tools.remote_mcp._tokens import Provider, TokenFile

_PAGE = b"You are signed in. You can close this page."
_LONGEST_LINE = 8192


def sign_in(
    url: str,
    *,
    tokens: str | os.PathLike[str],
    show: Callable[[str], object] = webbrowser.open,
    timeout: float = 300.0,
) -> None:
    """Sign in to an account's Remote MCP server with OAuth, in a browser, and keep the tokens.

    Args:
        url: The Remote MCP URL of Settings > Developer > MCP, without a key.
        tokens: The file to keep them in, readable by its owner alone. What it held before is replaced.
        show: Shows a person the page on which they sign in.
        timeout: Seconds that they have for it.

    Raises:
        ConfigurationError: The URL holds a key, so that there is nothing to sign in for.
        AuthenticationError: Nobody signed in.
    """
    address = Address(url)
    if address.has_key:
        raise ConfigurationError("The URL holds a key, so there is nothing to sign in for.")
    asyncio.run(_signed_in(address, TokenFile(tokens, address.public), show, timeout))


async def _signed_in(address: Address, file: TokenFile, show: Callable[[str], object], timeout: float) -> None:
    async with _listening() as (redirect_uri, came):

        async def redirect(page: str) -> None:
            await asyncio.to_thread(show, page)

        async def callback() -> tuple[str, str | None]:
            return await asyncio.wait_for(came, timeout)

        file.path.unlink(missing_ok=True)
        provider = Provider(address.public, file, redirect, callback, redirect_uri)
        streams = over_http(address, timeout=timeout, auth=provider)

        async def opened() -> None:
            async with streams() as (read, write, *_), ClientSession(read, write) as session:
                await session.initialize()

        try:
            await asyncio.wait_for(opened(), timeout)
        except Exception as error:
            meant = broken(address)(_first(error), True)
            raise AuthenticationError(f"Nobody was signed in. {meant}", status=401) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def _listening() -> AsyncIterator[tuple[str, asyncio.Future[tuple[str, str | None]]]]:
    """A page on this machine to which the browser comes back, once."""
    came: asyncio.Future[tuple[str, str | None]] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline())[:_LONGEST_LINE].decode("latin-1").split(" ")
            found: dict[str, Any] = parse_qs(urlsplit(line[1]).query) if len(line) > 1 else {}
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + _PAGE)
            await writer.drain()
            if ("code" in found or "error" in found) and not came.done():
                came.set_result((found.get("code", [""])[0], found.get("state", [None])[0]))
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=_LONGEST_LINE)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback", came
