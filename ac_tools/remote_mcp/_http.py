"""Streamable HTTP to the server: the key goes into the URL on the last step, and comes back from nowhere."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp.client.streamable_http import streamable_http_client

from ac_tools._credentials import _is_loopback
from ac_tools._http import LARGEST_BODY
from ac_tools.remote_mcp._address import SHORTEST, Address
from ac_tools.remote_mcp._connection import Lost, Streams

_LOG = logging.getLogger("httpcore.http11")


class _Hiding(logging.Filter):
    """Takes secrets out of a log: httpcore's tells at DEBUG the headers of answers, among them where a redirect leads.

    Args:
        secrets: What is taken out.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "[hidden]")
                record.msg, record.args = text, ()
        return True


class _Transport(httpx.AsyncBaseTransport):
    """Puts the key in behind httpx's own log, takes it out of whatever comes back, and bounds what comes.

    Args:
        address: The server's address.
        inner: What carries the requests.
        lost: Is told when an answer was cut off.
    """

    def __init__(self, address: Address, inner: httpx.AsyncBaseTransport, lost: Lost) -> None:
        self._address = address
        self._inner = inner
        self._lost = lost

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" and not _is_loopback(request.url.host):
            raise httpx.UnsupportedProtocol(f"{request.url.host} is reached over http, where anybody could read along")
        answer, failure = await self._attempt(request)
        if failure is not None:
            raise failure
        if answer.headers.get("content-encoding", "identity") != "identity":  # so that its size can be judged
            raise httpx.DecodingError("the answer is compressed, which nobody asked for")
        if self._address.has_key:
            answer.headers.pop("location", None)  # no redirect is followed with a key
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Incoming(answer.stream, self._secrets(request), *self._ways(request, answer)),
            extensions=answer.extensions,
        )

    async def _attempt(self, request: httpx.Request) -> tuple[Any, Exception | None]:
        """Send it. A failure comes without the frames that hold the key."""
        try:
            return await self._inner.handle_async_request(self._address.keyed(request)), None
        except httpx.HTTPError as error:
            error.__traceback__ = error.__cause__ = error.__context__ = None
            return None, error

    def _secrets(self, request: httpx.Request) -> tuple[bytes, ...]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return tuple(secret.encode() for secret in (*self._address.secrets, token) if len(secret) >= SHORTEST)

    def _ways(self, request: httpx.Request, answer: httpx.Response) -> tuple[bool, Lost | None]:
        """Whether the answer goes on for ever, and who is told when it ends."""
        streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        return streams and request.method == "GET", self._lost if streams and request.method == "POST" else None

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Incoming(httpx.AsyncByteStream):
    """What comes back: without what is secret, and no more of it than can be held.

    Args:
        inner: The bytes.
        secrets: What is taken out of them.
        endless: Whether only each event is bounded, since the events go on.
        lost: Is told when the events end before the reader has left, as it does with the answer; not where they can be
            asked for again.
    """

    def __init__(self, inner: Any, secrets: tuple[bytes, ...], endless: bool, lost: Lost | None) -> None:
        self._inner = inner
        self._secrets = secrets
        self._endless = endless
        self._lost = lost

    async def __aiter__(self) -> AsyncIterator[bytes]:
        resumes = False
        try:
            async for piece in self._pieces():
                resumes = resumes or piece.startswith(b"id:") or b"\nid:" in piece
                yield piece
        except httpx.HTTPError as error:
            self._end(error, resumes)
            raise
        self._end(EOFError("the answer ended before it was complete"), resumes)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _pieces(self) -> AsyncIterator[bytes]:
        kept, size = b"", 0
        async for chunk in self._inner:
            size = len(chunk) if self._endless and b"\n\n" in chunk else size + len(chunk)
            if size > LARGEST_BODY:
                raise httpx.ReadError(f"the answer has more than {LARGEST_BODY:,} bytes")
            kept += chunk
            for secret in self._secrets:
                kept = kept.replace(secret, b"[hidden]")
            open_end = max((_overlap(kept, secret) for secret in self._secrets), default=0)
            piece, kept = kept[: len(kept) - open_end], kept[len(kept) - open_end :]
            yield piece
        yield kept

    def _end(self, error: Exception, resumes: bool) -> None:
        if self._lost is not None and not resumes:
            self._lost(error)


def _overlap(text: bytes, secret: bytes) -> int:
    """How many bytes at the end of a text may be the beginning of a secret."""
    return next((n for n in range(min(len(text), len(secret) - 1), 0, -1) if text.endswith(secret[:n])), 0)


def over_http(address: Address, *, timeout: float, auth: httpx.Auth | None = None) -> Streams:
    """How a connection to an address is opened.

    Args:
        address: The server's address.
        timeout: Seconds to wait for an answer; connecting has 5 at most.
        auth: Signs the requests in.
    """

    @asynccontextmanager
    async def streams(lost: Lost) -> AsyncIterator[tuple[Any, ...]]:
        limits = httpx.Timeout(timeout, connect=min(timeout, 5.0), read=max(timeout, 300.0))
        inner = httpx.AsyncHTTPTransport(trust_env=address.public.startswith("https"))
        client = httpx.AsyncClient(
            transport=_Transport(address, inner, lost),
            headers={"Accept-Encoding": "identity"},
            timeout=limits,
            auth=auth,
        )
        hiding = _Hiding(address.secrets)
        _LOG.addFilter(hiding)
        try:
            async with client, streamable_http_client(address.public, http_client=client) as opened:
                yield opened
        finally:
            _LOG.removeFilter(hiding)

    return streams
