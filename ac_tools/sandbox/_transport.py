"""The account as an httpx transport."""

from typing import TYPE_CHECKING

import httpx

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
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)
