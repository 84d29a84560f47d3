"""Streamable HTTP to the server: where the key is put into the URL, out of sight of everything that logs or fails."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr

from ac_tools._answers import clean
from ac_tools._credentials import _is_loopback
from ac_tools._errors import (
    ActiveCampaignError,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ForbiddenError,
    InvalidRequestError,
    OutcomeUnknownError,
)
from ac_tools.remote_mcp._connection import Streams

_WHERE = "The URL is found under Settings > Developer > MCP in ActiveCampaign."
_SHORTEST = 6
_DOCUMENTED = "/api/agents/mcp/http"
_PUBLIC_WORDS = re.compile(r"[a-z]{1,12}")


class Address:
    """Where the server is. What is secret in its URL is kept apart from what can be said.

    Args:
        url: The Remote MCP URL of Settings > Developer > MCP, with or without a key in it.

    Raises:
        ConfigurationError: It is no such URL. The text never shows it.
    """

    def __init__(self, url: str | SecretStr) -> None:
        text = (url.get_secret_value() if isinstance(url, SecretStr) else url).strip()
        parts, fault = _parted(text)
        if fault:
            raise ConfigurationError(f"{fault} {_WHERE}")
        self._url = SecretStr(text)
        self.host = parts.netloc.lower()
        self.secrets = tuple(_secrets(parts.path, parts.query))
        self.has_key = bool(parts.query or self.secrets)
        path = _DOCUMENTED if self.has_key else parts.path or "/"
        self.public = f"{parts.scheme}://{self.host}{path}"
        """The URL without any key: what the MCP library is told, and may say."""

    def __repr__(self) -> str:
        return f"Address({self.host!r})"

    def whole(self) -> str:
        """The URL with its key."""
        return self._url.get_secret_value()


class _KeyedTransport(httpx.AsyncBaseTransport):
    """Puts the key into the URL on the last step, behind httpx's own log."""

    def __init__(self, address: Address, inner: httpx.AsyncBaseTransport) -> None:
        self._address = address
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) != self._address.public:
            return await self._inner.handle_async_request(request)
        keyed = httpx.Request(
            request.method,
            self._address.whole(),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(keyed)

    async def aclose(self) -> None:
        await self._inner.aclose()


def over_http(address: Address, *, timeout: float, auth: httpx.Auth | None = None) -> Streams:
    """How a connection to an address is opened.

    Args:
        address: The server's address.
        timeout: Seconds to wait for an answer; connecting has 5 at most.
        auth: Signs the requests in.
    """

    @asynccontextmanager
    async def streams() -> AsyncIterator[tuple[Any, ...]]:
        limits = httpx.Timeout(timeout, connect=min(timeout, 5.0), read=max(timeout, 300.0))
        inner = httpx.AsyncHTTPTransport(trust_env=address.public.startswith("https"))
        client = httpx.AsyncClient(transport=_KeyedTransport(address, inner), timeout=limits, auth=auth)
        async with client, streamable_http_client(address.public, http_client=client) as opened:
            yield opened

    return streams


def broken(address: Address) -> Any:
    """What a connection that broke means for the call that was on its way."""

    def meaning(error: BaseException, opening: bool = False) -> ActiveCampaignError:
        if isinstance(error, ActiveCampaignError):
            return error
        why = clean(f"{type(error).__name__}: {error}", address.secrets)[:200]
        if isinstance(error, httpx.HTTPStatusError):
            return _by_status(error.response.status_code, address)
        if opening or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
            return ConnectError(f"The Remote MCP server {address.host} could not be reached ({why}). Nothing was sent.")
        return OutcomeUnknownError(f"The connection to {address.host} broke ({why}). It may have happened.")

    return meaning


def _by_status(status: int, address: Address) -> ActiveCampaignError:
    what = f"The Remote MCP server {address.host}"
    if status == 401:
        next_step = "Copy the URL again" if address.has_key else "Sign in again (ac_tools.remote_mcp.sign_in)"
        return AuthenticationError(f"{what} did not accept the sign-in (401). {next_step}. {_WHERE}", status=status)
    if status == 403:
        return ForbiddenError(f"{what} does not allow it (403).", status=status)
    if 400 <= status < 500 and status != 408:
        return InvalidRequestError(f"{what} refused the request ({status}).", status=status)
    return OutcomeUnknownError(f"{what} met a fault of its own ({status}). It may have happened.", status=status)


def _parted(text: str) -> tuple[Any, str]:
    try:
        parts = urlsplit(text)
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return None, "The Remote MCP URL is not a URL."
    if not name or parts.username or parts.fragment or any(mark.isspace() for mark in text):
        return None, "The Remote MCP URL is not a URL, or has a user, a fragment or a space in it."
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(name)):
        return None, "The Remote MCP URL must begin with https://, or what it carries could be read on the way."
    return parts, ""


def _secrets(path: str, query: str) -> set[str]:
    """Whatever in a URL may be a key: every value of the query, and segments of the path that are no plain words."""
    values = [value for _, value in parse_qsl(query, keep_blank_values=True)]
    values += [query] if query else []
    values += [part for part in path.split("/") if len(part) >= _SHORTEST and not _PUBLIC_WORDS.fullmatch(part)]
    return {form for value in values for form in (value, unquote(value)) if len(form) >= _SHORTEST}
