"""Where the server is, with what is secret in its URL kept apart; and what it means when it cannot be reached."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
from mcp import McpError
from pydantic import SecretStr

from ac_tools._answers import clean
from ac_tools._credentials import _is_loopback
from ac_tools._errors import (
    ActiveCampaignError,
    AuthenticationError,
    ConnectError,
    ForbiddenError,
    InvalidRequestError,
    OutcomeUnknownError,
)
from ac_tools.remote_mcp._connection import SESSION_UNKNOWN

_WHERE = "The URL is found under Settings > Developer > MCP in ActiveCampaign."
SHORTEST = 6
_DOCUMENTED = "/api/agents/mcp/http"
_PUBLIC_WORDS = re.compile(r"[a-z]{1,12}([-_][a-z]{1,12})*")
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Address:
    """Where the server is. What is secret in its URL is kept apart from what can be said. Made by `address_of`.

    Args:
        url: The URL, looked at before.
    """

    def __init__(self, url: SecretStr) -> None:
        parts = urlsplit(url.get_secret_value())
        self._url = url
        self.secrets = _secrets(parts.path, parts.query)
        self.has_key = bool(parts.query or self.secrets)
        path = _DOCUMENTED if self.has_key else parts.path or "/"
        public = httpx.URL(scheme=parts.scheme, host=parts.hostname, port=parts.port, path=path)
        self.public = str(public)
        """The URL without any key: what the MCP library is told, and may say."""
        self.host = public.netloc.decode()

    def __repr__(self) -> str:
        return f"Address({self.host!r})"

    def __reduce__(self) -> str:
        raise TypeError("The address of a Remote MCP server is not pickled: it may hold a key.")

    def keyed(self, request: httpx.Request) -> httpx.Request:
        """A request as it goes out: to the URL with its key, if it is meant for the server's URL."""
        if str(request.url) != self.public or not self.has_key:
            return request
        return httpx.Request(
            request.method,
            self._url.get_secret_value(),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )


def address_of(url: str | SecretStr) -> tuple[Address | None, str]:
    """An address, or what is wrong with the URL: raising here would put the key into the traceback's frames.

    Args:
        url: The Remote MCP URL of Settings > Developer > MCP, with or without a key in it.
    """
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    text = text.strip() if isinstance(text, str) else ""
    fault = _fault(text)
    return (None, f"{fault} {_WHERE}") if fault else (Address(SecretStr(text)), "")


def broken(address: Address) -> Callable[[BaseException, bool], ActiveCampaignError]:
    """What a connection that broke means for the call that was on its way, and while it was still being opened."""

    def meaning(error: BaseException, opening: bool) -> ActiveCampaignError:
        if isinstance(error, ActiveCampaignError):
            error.__traceback__ = error.__context__ = None  # its frames hold requests, with tokens
            return error
        if isinstance(error, httpx.HTTPStatusError):
            return _by_status(error.response.status_code, address)
        if isinstance(error, McpError) and error.error.code == SESSION_UNKNOWN:
            return ConnectError(f"There is no Remote MCP server at this URL of {address.host} (404). {_WHERE}")
        why = clean(f"{type(error).__name__}: {error}", address.secrets)[:200]
        if opening or isinstance(error, _NEVER_LEFT):
            return ConnectError(f"The Remote MCP server {address.host} could not be reached ({why}). Nothing was sent.")
        return OutcomeUnknownError(f"The connection to {address.host} broke ({why}). It may have happened.")

    return meaning


def _by_status(status: int, address: Address) -> ActiveCampaignError:
    what = f"The Remote MCP server {address.host}"
    if status == 401:
        next_step = "Copy the URL again." if address.has_key else "Sign in again: ac-tools remote-mcp sign-in."
        return AuthenticationError(f"{what} did not accept the sign-in (401). {next_step} {_WHERE}", status=status)
    if status == 403:
        return ForbiddenError(f"{what} does not allow it (403).", status=status)
    if 300 <= status < 400:
        text = f"{what} points to another address ({status}), which is not followed. {_WHERE}"
        return OutcomeUnknownError(text, status=status, outcome="refused" if status in (301, 307, 308) else "unknown")
    if 400 <= status < 500 and status != 408:
        return InvalidRequestError(f"{what} refused the request ({status}).", status=status)
    return OutcomeUnknownError(f"{what} met a fault of its own ({status}). It may have happened.", status=status)


def _fault(text: str) -> str:
    try:
        parts = urlsplit(text)
        name, _ = parts.hostname or "", parts.port
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        return "The Remote MCP URL is not a URL."
    if not name or parts.username or parts.fragment or any(mark.isspace() for mark in text):
        return "The Remote MCP URL is not a URL, or has a user, a fragment or a space in it."
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(name)):
        return "The Remote MCP URL must begin with https://, or what it carries could be read on the way."
    return ""


def _secrets(path: str, query: str) -> tuple[str, ...]:
    """Whatever in a URL may be a key: every value of the query, and segments of the path that are no plain words."""
    values = [value for _, value in parse_qsl(query, keep_blank_values=True)]
    values += [query, *(pair.partition("=")[2] for pair in query.split("&"))]
    values += [part for part in path.split("/") if len(part) >= SHORTEST and not _PUBLIC_WORDS.fullmatch(part)]
    forms = {form for value in values for form in (value, unquote(value)) if len(form) >= SHORTEST}
    return tuple(sorted(forms, key=len, reverse=True))
