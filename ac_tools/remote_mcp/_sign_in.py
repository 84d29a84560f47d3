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
from pydantic import SecretStr

from ac_guardrails import quoted
from ac_tools._errors import AuthenticationError, ConfigurationError
from ac_tools.remote_mcp._address import Address, address_of, broken
from ac_tools.remote_mcp._connection import innermost
from ac_tools.remote_mcp._http import over_http
from ac_tools.remote_mcp._provider import Provider
from ac_tools.remote_mcp._tokens import TokenFile

_PAGE = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{}"
_LONGEST_LINE = 8192


def sign_in(
    url: str | SecretStr,
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
        ConfigurationError: The URL cannot be used, or holds a key, so that there is nothing to sign in for.
        AuthenticationError: Nobody signed in.
    """
    address, fault = address_of(url)
    del url  # it may hold a key, and errors show what a frame holds
    if address is None:
        raise ConfigurationError(fault)
    if address.has_key:
        raise ConfigurationError("The URL holds a key, so there is nothing to sign in for.")
    asyncio.run(_signed_in(address, TokenFile(tokens, address.public, fresh=True), show, timeout))


async def _signed_in(address: Address, file: TokenFile, show: Callable[[str], object], timeout: float) -> None:
    came: asyncio.Future[tuple[str, str | None]] = asyncio.get_running_loop().create_future()
    states: set[str] = set()

    async def redirect(page: str) -> None:
        states.update(parse_qs(urlsplit(page).query).get("state", []))
        await asyncio.to_thread(show, page)

    async def callback() -> tuple[str, str | None]:
        return await came

    async with _listening(came, states) as redirect_uri:
        provider = Provider(address.public, file, redirect, callback, redirect_uri)
        streams = over_http(address, timeout=timeout, auth=provider)
        try:
            async with (
                asyncio.timeout(timeout),
                streams(lambda _: None) as (read, write, *_),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
        except TimeoutError:
            raise AuthenticationError(f"Nobody signed in within {timeout:g} seconds.", status=401) from None
        except Exception as error:
            meant = broken(address)(innermost(error), True)
            raise AuthenticationError(f"Nobody was signed in. {meant}", status=401) from None
        if not (await file.get_tokens()):
            raise AuthenticationError(f"{address.host} wants no sign-in: use it without tokens.", status=401)


@asynccontextmanager
async def _listening(came: asyncio.Future[tuple[str, str | None]], states: set[str]) -> AsyncIterator[str]:
    """A page on this machine to which the browser comes back, once.

    Args:
        came: Gets the code that it brings.
        states: What it brings with the code, so that no other page can come in its place.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("latin-1").split(" ")
            found: dict[str, Any] = parse_qs(urlsplit(line[1]).query) if len(line) > 1 else {}
            writer.write(_PAGE.format(_received(found, came, states)).encode())
            await writer.drain()
        except (ValueError, OSError):  # a line that is too long, or somebody who has left
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=_LONGEST_LINE)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"


def _received(found: dict[str, Any], came: asyncio.Future[tuple[str, str | None]], states: set[str]) -> str:
    """Take what the browser brings, and say what it shows then."""
    state, code = found.get("state", [""])[0], found.get("code", [""])[0]
    if state not in states or came.done():
        return "This page is not what was waited for."
    if code:
        came.set_result((code, state))
        return "You are signed in. You can close this page."
    why = quoted(found.get("error_description", found.get("error", ["no reason"]))[0], limit=200)
    came.set_exception(AuthenticationError(f"The server's page says {why}.", status=401))
    return "You are not signed in. You can close this page."
