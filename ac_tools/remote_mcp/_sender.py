"""What carries the calls: those of the server's tools over MCP, and all reads beside them over REST."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import ClientSession, McpError
from mcp.types import CONNECTION_CLOSED

from ac_guardrails._request import Permit, PermitError, Request
from ac_tools._account import ActiveCampaign
from ac_tools._errors import ConnectError, InvalidRequestError, OutcomeUnknownError
from ac_tools.remote_mcp._connection import Connection
from ac_tools.remote_mcp._results import refused_or_unknown, reply_of

LIST = "/mcp/tools"
CALLS = "/mcp/tools/"
_FRESH = 60.0
"""Seconds for which the list of tools is good for a read, unless the server says that it has changed."""
_FRESH_FOR_WRITES = 2.0
SESSION_UNKNOWN = 32600
_TIMED_OUT = 408  # the SDK's own code for an answer that did not come in time


class RemoteSender:
    """Sends what the guard has permitted, and nothing else.

    Args:
        connection: The session with the server.
        host: What the account is called in the ledger.
        account: The same account over REST; None where no key is given.
        secrets: Texts that no error may hold.
    """

    def __init__(
        self, connection: Connection, *, host: str, account: ActiveCampaign | None, secrets: tuple[str, ...] = ()
    ) -> None:
        self.host = host
        self.account = account
        self._connection = connection
        self._secrets = secrets

    def is_current(self, *, for_write: bool) -> bool:
        """Whether the list of tools need not be read again before a call is decided on."""
        age = time.monotonic() - self._connection.listed_at
        return age < (_FRESH_FOR_WRITES if for_write else _FRESH)

    def send(self, request: Request, permit: Permit | None) -> Any:
        """Send one permitted request, and wait for its answer in this thread.

        Raises:
            PermitError: There is no permit for exactly this request. Nothing was sent.
            ActiveCampaignError: It failed; `outcome` says what became of a write.
        """
        if not request.path.startswith(LIST):
            return self._over_rest(request).send(request, permit)
        return self._connection.run(self._work(request, permit))

    async def asend(self, request: Request, permit: Permit | None) -> Any:
        """The same on an event loop."""
        if not request.path.startswith(LIST):
            return await self._over_rest(request).asend(request, permit)
        return await self._connection.arun(self._work(request, permit))

    def _over_rest(self, request: Request) -> ActiveCampaign:
        if self.account is None:
            raise ConnectError(f"There is no account for {request.method} {request.path}. Nothing was sent.")
        return self.account

    def _work(self, request: Request, permit: Permit | None) -> Callable[[ClientSession], Awaitable[Any]]:
        if type(permit) is not Permit:
            raise PermitError(f"{request.method} {request.path} has no permit of the guard. Nothing was sent.")
        permit.spend(request)
        if request.path == LIST:
            return self._connection.listed
        return lambda session: self._called(session, request)

    async def _called(self, session: ClientSession, request: Request) -> Any:
        tool = request.path.removeprefix(CALLS)
        if self._connection.told_of_changes:
            await self._connection.listed(session)
        offer = self._connection.offers.get(tool)
        if offer is None or ("schema", offer.digest) not in request.params:
            raise InvalidRequestError(
                f"The server changed {tool} while the call was decided on. Nothing was sent. "
                "Look at its arguments again, then call it anew.",
                method=request.method,
                path=request.path,
                outcome="not_sent",
            )
        try:
            result = await self._connection.called(session, tool, dict(request.body or {}))
        except McpError as error:
            if error.error.code == _TIMED_OUT:
                text = f"No answer came to {tool} in time. {_maybe(request)}"
                raise OutcomeUnknownError(text, method=request.method, path=request.path) from None
            if error.error.code in (CONNECTION_CLOSED, SESSION_UNKNOWN):
                raise
            raise refused_or_unknown(error.error.code, error.error.message, request, self._secrets) from None
        return reply_of(result, request, self._secrets)


def _maybe(request: Request) -> str:
    return "It may have happened." if request.is_write else "Try again in a minute."
