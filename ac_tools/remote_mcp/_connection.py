"""One session with the server, on an event loop of its own, so that threads and event loops can use the same one."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from mcp import ClientSession, McpError
from mcp.types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ClientRequest,
    Implementation,
    ListToolsResult,
    PaginatedRequestParams,
    ServerNotification,
    Tool,
    ToolListChangedNotification,
)

from ac_guardrails import quoted
from ac_tools._errors import ActiveCampaignError, ConnectError, InvalidRequestError
from ac_tools.remote_mcp._offers import Offer, offers

T = TypeVar("T")
Streams = Callable[[], AbstractAsyncContextManager[tuple[Any, ...]]]
"""Opens a connection: its first two values are what is read from and what is written to."""

_MOST_PAGES = 50
_TERMINATED = (32600, "Session terminated")
"""How the SDK says that the server does not know the session, so that nothing was done."""
_NEVER = float("-inf")


class Connection:
    """A session that is opened when it is needed, and opened again when the server has ended it.

    One call at a time: an answer that fails is then that call's, and nobody else's.

    Args:
        streams: Opens the connection to the server.
        timeout: Seconds to wait for an answer.
        broken: What a broken connection means for the call that was on its way, and whether it was still being opened.
    """

    def __init__(
        self, streams: Streams, *, timeout: float, broken: Callable[[BaseException, bool], ActiveCampaignError]
    ) -> None:
        self._streams = streams
        self._timeout = timedelta(seconds=timeout)
        self._broken = broken
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self._one: asyncio.Lock | None = None
        self._session: ClientSession | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self.offers: Mapping[str, Offer] = {}
        self.listed_at = _NEVER
        """When the tools were listed, in seconds that only go forward; never, once the server said they changed."""

    def run(self, work: Callable[[ClientSession], Awaitable[T]]) -> T:
        """Do something with the session, from a thread."""
        return self._begun(work).result()

    async def arun(self, work: Callable[[ClientSession], Awaitable[T]]) -> T:
        """The same from an event loop."""
        return await asyncio.wrap_future(self._begun(work))

    @property
    def told_of_changes(self) -> bool:
        """Whether the server's tools are to be listed again before any of them is called."""
        return self.listed_at == _NEVER

    async def listed(self, session: ClientSession) -> Mapping[str, Offer]:
        """The server's tools, all pages of them."""
        found: list[Tool] = []
        cursor: str | None = None
        began = time.monotonic()
        self.listed_at = began  # a change that is told while the pages come makes them old again
        for _ in range(_MOST_PAGES):
            page = await self._page(session, cursor)
            found += page.tools
            cursor = page.nextCursor
            if not cursor:
                break
        self.offers = offers(found)
        return self.offers

    async def _page(self, session: ClientSession, cursor: str | None) -> ListToolsResult:
        params = PaginatedRequestParams(cursor=cursor) if cursor else None
        try:
            return await session.list_tools(params=params)
        except McpError as error:
            if error.error.code in (CONNECTION_CLOSED, _TERMINATED[0]):
                raise
            said = quoted(error.error.message, limit=200)
            raise InvalidRequestError(f"The server does not list its tools: {said}", outcome="not_sent") from None

    async def called(self, session: ClientSession, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call one of the server's tools."""
        # Not session.call_tool: that would check the answer against the server's output schema, after the act.
        params = CallToolRequestParams(name=tool, arguments=arguments)
        return await session.send_request(ClientRequest(CallToolRequest(params=params)), CallToolResult)

    def close(self) -> None:
        """End the session; the connection can no longer be used."""
        with self._starting:
            self._closed, loop = True, self._loop
            self._loop = None
        if loop is not None and self._process == os.getpid():
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(self._dropped(), loop).result(timeout=5)
            loop.call_soon_threadsafe(loop.stop)

    def _begun(self, work: Callable[[ClientSession], Awaitable[T]]) -> Future[T]:
        return self._on_loop(self._done(work))

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._starting:
            if self._closed:
                work.close()
                raise ConnectError("This connection was closed. Make a new one. Nothing was sent.")
            if self._loop is None or self._process != os.getpid():  # a forked process has no thread of its parent's
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                self._one = self._session = self._keeper = None
                threading.Thread(target=_forever, args=(self._loop,), name="remote-mcp", daemon=True).start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _done(self, work: Callable[[ClientSession], Awaitable[T]]) -> T:
        self._one = self._one or asyncio.Lock()
        async with self._one:
            for again in (True, False):
                session = await self._opened()
                try:
                    return await work(session)
                except McpError as error:
                    if (error.error.code, error.error.message) == _TERMINATED and again:
                        await self._dropped()
                        continue
                    if error.error.code == CONNECTION_CLOSED:
                        raise await self._why(error) from None
                    raise
                except (OSError, EOFError, RuntimeError) as error:
                    raise await self._why(error) from None
                except Exception as error:
                    if type(error).__module__.startswith("anyio"):
                        raise await self._why(error) from None
                    raise
            raise AssertionError("unreachable")

    async def _opened(self) -> ClientSession:
        if self._session is not None and self._keeper is not None and not self._keeper.done():
            return self._session
        ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._kept(ready))
        waited: list[asyncio.Future[Any]] = [ready, self._keeper]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            self._session = ready.result()
            return self._session
        error = self._keeper.exception() or ConnectError("The server ended the connection. Nothing was sent.")
        failed = self._broken(_innermost(error), True)
        failed.outcome = "not_sent"  # whatever happened while the session was opened, no call had left
        raise failed

    async def _kept(self, ready: asyncio.Future[ClientSession]) -> None:
        """Hold the session open: it has to be opened and closed by one and the same task."""
        who = Implementation(name="langchain-activecampaign", version="0.1.0")
        async with (
            self._streams() as (read, write, *_),
            ClientSession(
                read, write, read_timeout_seconds=self._timeout, message_handler=self._heard, client_info=who
            ) as session,
        ):
            await session.initialize()
            self.listed_at = _NEVER
            ready.set_result(session)
            await asyncio.Event().wait()

    async def _heard(self, message: Any) -> None:
        told = message.root if isinstance(message, ServerNotification) else None
        if isinstance(told, ToolListChangedNotification):
            self.listed_at = _NEVER

    async def _dropped(self) -> None:
        keeper, self._keeper, self._session = self._keeper, None, None
        if keeper is not None:
            keeper.cancel()
            with suppress(BaseException):
                await keeper

    async def _why(self, error: BaseException) -> ActiveCampaignError:
        """What a connection that broke under a call means for it."""
        keeper = self._keeper
        if keeper is not None:
            await asyncio.wait([keeper], timeout=1)
            if keeper.done() and not keeper.cancelled() and keeper.exception() is not None:
                error = _innermost(keeper.exception() or error)
        await self._dropped()
        return self._broken(error, False)


def _forever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _innermost(error: BaseException) -> BaseException:
    """The first real error in what task groups wrap around it."""
    return next(_leaves(error), error)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    elif not isinstance(error, asyncio.CancelledError):
        yield error
