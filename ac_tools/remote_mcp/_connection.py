"""One session with the server, on an event loop of its own, so that threads and event loops can use the same one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import anyio
from mcp import ClientSession, McpError
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ClientRequest,
    ErrorData,
    Implementation,
    PaginatedRequestParams,
    ServerNotification,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from ac_guardrails import quoted
from ac_tools._errors import ActiveCampaignError, ConnectError, InvalidRequestError
from ac_tools.remote_mcp._loop import OwnLoop
from ac_tools.remote_mcp._offers import Offer, offers

T = TypeVar("T")
Lost = Callable[[Exception], None]
"""Is told that an answer will never come."""
Streams = Callable[[Lost], AbstractAsyncContextManager[tuple[Any, ...]]]
"""Opens a connection: its first two values are what is read from and what is written to."""
Work = Callable[[ClientSession], Awaitable[T]]
Meant = Callable[[McpError], ActiveCampaignError]

SESSION_UNKNOWN = 32600
"""The SDK's own code (positive, unlike the protocol's) for a 404: the server does not know the session."""
TIMED_OUT = 408
"""The SDK's own code for an answer that did not come in time."""
_MOST_PAGES = 50
_MOST_TOOLS = 1000
_NEVER = float("-inf")
_LOST = (OSError, EOFError, anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)


def not_listed(error: McpError) -> ActiveCampaignError:
    """What an error of the protocol means that came instead of the list of tools."""
    said = quoted(error.error.message, limit=200)
    return InvalidRequestError(f"The server does not list its tools: {said}", outcome="not_sent")


class Connection:
    """A session that is opened when it is needed, and opened again when it has ended.

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
        self._timeout = timeout
        self._broken = broken
        self._loop = OwnLoop(self._afresh)
        self._afresh()
        self.offers: Mapping[str, Offer] = {}
        self.listed_at = _NEVER
        """When the tools were listed, in seconds that only go forward; never, once the server said they changed."""

    def run(self, work: Work[T], *, meant: Meant = not_listed, again: bool = True) -> T:
        """Do something with the session, from a thread.

        Args:
            work: What to do.
            meant: What an error of the protocol means for it.
            again: Whether it may be done a second time, where the server did not know the session any more.
        """
        return self._loop.begin(lambda: self._done(work, meant, again)).result()

    async def arun(self, work: Work[T], *, meant: Meant = not_listed, again: bool = True) -> T:
        """The same from an event loop."""
        return await asyncio.wrap_future(self._loop.begin(lambda: self._done(work, meant, again)))

    def _afresh(self) -> None:
        self._one = asyncio.Lock()
        self._session: ClientSession | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def told_of_changes(self) -> bool:
        """Whether the server's tools are to be listed again before any of them is called."""
        return self.listed_at == _NEVER

    async def listed(self, session: ClientSession) -> Mapping[str, Offer]:
        """The server's tools, all pages of them."""
        self.listed_at = time.monotonic()  # a change that is told while the pages come makes them old again
        try:
            async with asyncio.timeout(self._timeout):
                self.offers = await self._pages(session)
        except Exception as error:
            self.listed_at = _NEVER
            if isinstance(error, TimeoutError):
                raise McpError(ErrorData(code=TIMED_OUT, message="it came to no end")) from None
            if isinstance(error, ValidationError):
                raise McpError(ErrorData(code=INVALID_PARAMS, message="what it sent cannot be read")) from None
            raise
        return self.offers

    async def _pages(self, session: ClientSession) -> dict[str, Offer]:
        found: dict[str, Offer] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
            found |= offers(page.tools[: _MOST_TOOLS - len(found)])
            cursor = page.nextCursor
            if not cursor:
                break
        return found

    async def called(self, session: ClientSession, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call one of the server's tools."""
        # Not session.call_tool: that would check the answer against the server's output schema, after the act.
        params = CallToolRequestParams(name=tool, arguments=arguments)
        return await session.send_request(ClientRequest(CallToolRequest(params=params)), CallToolResult)

    def close(self) -> None:
        """End the session; the connection can no longer be used."""
        self._loop.close(self._dropped)

    async def _done(self, work: Work[T], meant: Meant, again: bool) -> T:
        async with self._one:
            result, error = await self._tried(work)
            if _is_unknown(error) and again:
                result, error = await self._tried(work)
        if _is_unknown(error):
            raise ConnectError("The server had ended the session. Nothing was sent, so it may be tried again.")
        if error is not None:
            raise meant(error) if isinstance(error, McpError) else error
        done: T = result
        return done

    async def _tried(self, work: Work[Any]) -> tuple[Any, Exception | None]:
        """Do it, as long as the session lasts. A failure is returned, so that what is raised carries nothing of it."""
        session = await self._opened()
        assert self._keeper is not None
        try:
            return await _unless(self._keeper, work(session)), None
        except McpError as error:
            if error.error.code == CONNECTION_CLOSED:
                return None, await self._why(error)
            if error.error.code in (SESSION_UNKNOWN, TIMED_OUT):
                await self._dropped()  # an answer that comes late is nobody's
            return None, error
        except _LOST as error:
            return None, await self._why(error)
        except asyncio.CancelledError:
            await self._dropped()
            raise

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
        error = self._keeper.exception() or EOFError("the server ended the connection")
        failed = self._broken(innermost(error), True)
        failed.outcome = "not_sent"  # whatever happened while the session was opened, no call had left
        raise failed

    async def _kept(self, ready: asyncio.Future[ClientSession]) -> None:
        """Hold the session open until it is lost: it has to be opened and closed by one and the same task."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lost.add_done_callback(lambda _: lost.cancelled() or lost.exception())  # it may come when nobody waits

        def lose(error: Exception) -> None:
            if not lost.done():
                lost.set_exception(error)

        async def hear(message: Any) -> None:
            if isinstance(message, Exception):  # an answer that cannot be read: nobody will get another one
                lose(EOFError("an answer could not be read"))
            told = message.root if isinstance(message, ServerNotification) else None
            if isinstance(told, ToolListChangedNotification):
                self.listed_at = _NEVER

        wait = timedelta(seconds=self._timeout)
        async with (
            self._streams(lose) as (read, write, *_),
            ClientSession(read, write, read_timeout_seconds=wait, message_handler=hear, client_info=_WHO) as session,
        ):
            with suppress(EOFError):
                await _unless(lost, session.initialize())
            if lost.done():
                await lost
            self.listed_at = _NEVER
            ready.set_result(session)
            await lost

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
            if keeper.done() and not keeper.cancelled():
                error = innermost(keeper.exception() or error)
        await self._dropped()
        return self._broken(error, False)


_WHO = Implementation(name="langchain-activecampaign", version="0.1.0")


def _is_unknown(error: Exception | None) -> bool:
    return isinstance(error, McpError) and error.error.code == SESSION_UNKNOWN


async def _unless(ends: asyncio.Future[Any], work: Awaitable[T]) -> T:
    """Do something, unless something else ends first."""
    doing: asyncio.Future[Any] = asyncio.ensure_future(work)
    try:
        await asyncio.wait([doing, ends], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise EOFError("the connection was closed")
        result: T = doing.result()
        return result
    finally:
        doing.cancel()


def innermost(error: BaseException) -> BaseException:
    """The first real error in what task groups wrap around it."""
    return next(_leaves(error), error)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    elif not isinstance(error, asyncio.CancelledError):
        yield error
