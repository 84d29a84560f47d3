"""The only module that knows the HTTP library: clients for threads and event loops, and what their exceptions mean."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import ssl
import threading
import warnings
import weakref
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx
from pydantic import SecretStr

from ac_tools._answers import clean
from ac_tools._errors import ConfigurationError

Transport = httpx.BaseTransport | httpx.AsyncBaseTransport
"""What an account can be given instead of the network."""

LARGEST_BODY = 20_000_000
"""Bytes of an answer that are read at most."""

_CONNECT_SECONDS = 5.0
_HEADERS = (
    *("date", "content-type", "retry-after", "x-request-id"),
    *("x-ac-error", "ratelimit-limit", "ratelimit-remaining"),
)


@dataclass(frozen=True, slots=True)
class Wire:
    """A request as it goes out, but for the key.

    Args:
        method: GET, POST, PUT or DELETE.
        url: The absolute URL without its query.
        params: The query, unencoded.
        body: The JSON bytes, or None.
    """

    method: str
    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, with nothing of the HTTP library in it.

    Args:
        status: The HTTP status.
        headers: Those headers that anybody here reads, by lower-case name.
        body: The whole body, or None when it was larger than `LARGEST_BODY` or its compression broken.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """No complete answer came.

    Args:
        sent: Whether any of the request may have reached the account.
        passing: Whether another attempt may fare better.
        reason: The failure in the library's words, without any part of the request.
    """

    sent: bool
    passing: bool
    reason: str


_CLOSED = Failure(sent=False, passing=False, reason="the account object was closed")
MEANING: dict[type[BaseException], tuple[bool, bool]] = {
    kind: meaning
    for meaning, kinds in {
        (False, True): (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
        (False, False): (httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL),  # a tunnel refused; no URL
        (True, True): (
            *(httpx.TimeoutException, httpx.ReadTimeout, httpx.WriteTimeout, httpx.RemoteProtocolError),
            *(httpx.NetworkError, httpx.ReadError, httpx.WriteError, httpx.CloseError),
        ),
        (True, False): (
            *(httpx.HTTPError, httpx.RequestError, httpx.TransportError, httpx.ProtocolError),
            *(httpx.LocalProtocolError, httpx.DecodingError, httpx.TooManyRedirects, httpx.HTTPStatusError),
            *(httpx.CookieConflict, httpx.StreamError, httpx.StreamConsumed, httpx.StreamClosed),
            *(httpx.ResponseNotRead, httpx.RequestNotRead),
        ),
    }.items()
    for kind in kinds
}
"""Exception of the HTTP library -> (the request may have been sent, another attempt may fare better)."""


class Clients:
    """One client for all threads, one for each event loop, made when first needed and again after a fork.

    Args:
        key: The API key; it enters a request at the last moment and appears nowhere else.
        timeout: Seconds to wait for reading, writing or a free connection; connecting has five at most.
        transport: What to use instead of the network.
        trust_env: Whether proxies and certificates of the environment apply.
    """

    def __init__(self, *, key: SecretStr, timeout: float, transport: Transport | None, trust_env: bool) -> None:
        self._key = key
        self._transport = transport
        self._options: dict[str, Any] = {
            "auth": _Token(key),
            "timeout": httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            "trust_env": trust_env,
            "follow_redirects": False,
            # Here, since reading the version opens a file, which an event loop must not.
            "headers": {"Accept": "application/json", "User-Agent": f"langchain-activecampaign/{_version()}"},
        }
        self._certificates: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        self._by_loop: dict[int, _LoopClient] = {}
        self._of_parent: list[Any] = []
        self.closed = False
        _CLIENTS.add(self)

    def attempt(self, wire: Wire) -> Answer | Failure:
        """Send once and return what came of it; nothing but interruptions is raised."""
        if self.closed:
            return _CLOSED
        if not _is_sync(self._transport):
            raise ConfigurationError("This account has an async transport only: use it from async code.")
        try:
            return _unless_cut(_exchange(self._client(), wire))
        except Exception as problem:
            return _failure(problem, self._key)
        except BaseException as interruption:
            raise _bare(interruption)  # noqa: B904  # its cause and its frames hold the request, with the key

    async def aattempt(self, wire: Wire) -> Answer | Failure:
        """The same for event loops. A transport that blocks works in a thread of its own."""
        if not _is_async(self._transport):
            return await asyncio.to_thread(self.attempt, wire)
        if self.closed:
            return _CLOSED
        try:
            return _unless_cut(await _aexchange((await self._loop_client()).client, wire))
        except Exception as problem:
            return _failure(problem, self._key)
        except BaseException as interruption:
            raise _bare(interruption)  # noqa: B904  # its cause and its frames hold the request, with the key

    def close(self) -> None:
        """Close everything. Clients of other running event loops are closed by their own loops."""
        with self._lock:
            self.closed = True
            client, self._sync = self._sync, None
            self._drop(list(self._by_loop))
        if client is not None:
            client.close()
        elif isinstance(self._transport, httpx.BaseTransport):
            self._transport.close()

    async def aclose(self) -> None:
        """Close everything, and wait for this event loop's client."""
        with self._lock:
            mine = self._by_loop.pop(id(asyncio.get_running_loop()), None)
        if mine is not None:
            await mine.keeper.aclose()
        if isinstance(self._transport, httpx.AsyncBaseTransport):
            await self._transport.aclose()
        self.close()

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._sync is None:
                transport = self._transport if isinstance(self._transport, httpx.BaseTransport) else None
                self._sync = httpx.Client(transport=transport, **self._settings())
            return self._sync

    async def _loop_client(self) -> _LoopClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            self._drop([number for number, other in self._by_loop.items() if other.loop.is_closed()])
            mine = self._by_loop.get(id(loop))
            fresh = mine is None
            if mine is None:
                transport = _Lent(self._transport) if isinstance(self._transport, httpx.AsyncBaseTransport) else None
                client = httpx.AsyncClient(transport=transport, **self._settings())
                mine = self._by_loop[id(loop)] = _LoopClient(loop, client, _keep(client))
        if fresh:
            await anext(mine.keeper)  # from now on the loop knows it
        return mine

    def _drop(self, numbers: list[int]) -> None:
        """Forget loops' clients. A running loop closes its own, and so does one that shuts down, as under asyncio.run.

        One that was closed without that cannot, and would warn of its sockets.
        """
        orphans = [self._by_loop.pop(number) for number in numbers]
        if any(orphan.loop.is_closed() and not orphan.client.is_closed for orphan in orphans):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                orphans.clear()
                gc.collect()

    def _settings(self) -> dict[str, Any]:
        """A client's arguments. Reading the certificates takes 20 ms, so all clients share them."""
        if self._transport is None and self._certificates is None:
            self._certificates = httpx.create_ssl_context(trust_env=self._options["trust_env"])
        verify = {"verify": self._certificates} if self._certificates else {}
        return {**self._options, "cookies": _no_cookies(), **verify}

    def _after_fork(self) -> None:
        """In the child: leave the parent's connections alone, neither using nor closing them."""
        self._lock = threading.Lock()
        self._of_parent += [self._sync, *self._by_loop.values()]
        self._sync, self._by_loop = None, {}


_CLIENTS: weakref.WeakSet[Clients] = weakref.WeakSet()


def _after_fork() -> None:
    for clients in list(_CLIENTS):
        clients._after_fork()


os.register_at_fork(after_in_child=_after_fork)


@dataclass(frozen=True, slots=True)
class _LoopClient:
    loop: asyncio.AbstractEventLoop
    client: httpx.AsyncClient
    keeper: AsyncGenerator[None]


async def _keep(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Close the client when its event loop shuts down: loops close the async generators they have seen."""
    try:
        yield
    finally:
        await client.aclose()


class _Lent(httpx.AsyncBaseTransport):
    """A transport that serves several event loops, none of which may close it."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


class _Token(httpx.Auth):
    """Puts the key into each request as it leaves."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Api-Token"] = self._key.get_secret_value()
        yield request


class _Body:
    """What has been read of an answer's body, up to the largest that is wanted."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._whole = True

    def is_full(self, chunk: bytes) -> bool:
        """Add a chunk; true when no more should be read."""
        self._bytes += chunk
        self._whole = len(self._bytes) <= LARGEST_BODY
        return not self._whole

    def answer(self, response: httpx.Response, *, broken: bool = False) -> Answer:
        """The answer with this body; its body is None if there was too much of it or it was broken."""
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        return Answer(response.status_code, headers, bytes(self._bytes) if self._whole and not broken else None)


def _exchange(client: httpx.Client, wire: Wire) -> Answer:
    with client.stream(wire.method, wire.url, **_content(wire)) as response:
        body = _Body()
        try:
            any(body.is_full(chunk) for chunk in response.iter_bytes())
        except httpx.DecodingError:
            return body.answer(response, broken=True)
        return body.answer(response)


async def _aexchange(client: httpx.AsyncClient, wire: Wire) -> Answer:
    async with client.stream(wire.method, wire.url, **_content(wire)) as response:
        body = _Body()
        try:
            async for chunk in response.aiter_bytes():
                if body.is_full(chunk):
                    break
        except httpx.DecodingError:
            return body.answer(response, broken=True)
        return body.answer(response)


def _unless_cut(answer: Answer) -> Answer | Failure:
    """A 408 tells that somebody on the way gave up waiting, and nothing of what the account has done."""
    return Failure(sent=True, passing=True, reason="408 Request Timeout") if answer.status == 408 else answer


def _content(wire: Wire) -> dict[str, Any]:
    content = {} if wire.body is None else {"content": wire.body, "headers": {"Content-Type": "application/json"}}
    return {"params": wire.params, **content}


def _no_cookies() -> CookieJar:
    """A jar that takes none, for each client: a shared PHP session would queue us."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _version() -> str:
    try:
        return version("langchain-activecampaign")
    except PackageNotFoundError:  # run from a checkout
        return "0"


def _is_sync(transport: Transport | None) -> bool:
    if isinstance(transport, httpx.MockTransport):
        return not inspect.iscoroutinefunction(transport.handler)
    return transport is None or isinstance(transport, httpx.BaseTransport)


def _is_async(transport: Transport | None) -> bool:
    return transport is None or isinstance(transport, httpx.AsyncBaseTransport)


def _failure(problem: Exception, key: SecretStr) -> Failure:
    """What an exception means. Its text is kept only where nothing of the request can be in it."""
    sent, passing = next((MEANING[kind] for kind in type(problem).__mro__ if kind in MEANING), (True, False))
    name = type(problem).__name__
    return Failure(sent, passing, name if sent else clean(f"{name}: {problem}", (key.get_secret_value(),)))


def _bare(interruption: BaseException) -> BaseException:
    """An interruption without the frames that it came through."""
    interruption.__cause__ = interruption.__context__ = None
    return interruption.with_traceback(None)
