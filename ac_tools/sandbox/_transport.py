"""The account as an httpx transport."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx

from ac_tools.sandbox._faults import Spoilt
from ac_tools.sandbox._wire import Answer

if TYPE_CHECKING:
    from ac_tools.sandbox._sandbox import Sandbox


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries httpx requests into a sandbox, sync and async; ordered failures become httpx exceptions.

    Args:
        sandbox: the account to end in.
    """

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request of a sync client."""
        return self._respond(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request of an async client; the account works in memory, so the loop does not wait."""
        return self._respond(request, await request.aread())

    def _respond(self, request: httpx.Request, body: bytes) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        answer = self._sandbox.handle(request.method, target, request.headers, body)
        if answer.cut == "refused":
            raise httpx.ConnectError("The sandbox refused the connection.", request=request)
        if answer.cut == "timeout":
            raise httpx.ReadTimeout("The sandbox did not answer in time.", request=request)
        if answer.cut == "reset":
            raise httpx.ReadError("The sandbox reset the connection.", request=request)
        if isinstance(answer, Spoilt) and (answer.pause or answer.kept is not None):
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            return httpx.Response(answer.status, headers=headers, stream=_Trickle(answer, request), request=request)
        return _response(answer, request)


def _response(answer: Answer, request: httpx.Request) -> httpx.Response:
    return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


class _Trickle(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes byte by byte, or ends before its end."""

    def __init__(self, answer: Spoilt, request: httpx.Request) -> None:
        self._pause = answer.pause
        self._body = answer.body
        self._kept = answer.kept
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces():
            time.sleep(self._wait())
            yield piece
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            await asyncio.sleep(self._wait())
            yield piece
        self._end()

    def _pieces(self) -> list[bytes]:
        kept = self._body[: self._kept]
        return [bytes((byte,)) for byte in kept] if self._pause else [kept]

    def _wait(self) -> float:
        """Seconds until the next byte; a client that does not wait so long is told at once."""
        most = self._request.extensions.get("timeout", {}).get("read")
        if most is not None and self._pause > most:
            raise httpx.ReadTimeout("The sandbox did not go on in time.", request=self._request)
        return self._pause

    def _end(self) -> None:
        if self._kept is not None:
            text = "The sandbox closed the connection without sending the complete answer."
            raise httpx.RemoteProtocolError(text, request=self._request)
