"""What carries the calls: those of the server's tools over MCP, and all reads beside them over REST."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn, Self

from mcp import ClientSession, McpError
from mcp.types import CONNECTION_CLOSED
from pydantic import ValidationError

from ac_guardrails._request import Permit, PermitError, Request
from ac_tools._account import ActiveCampaign
from ac_tools._errors import (
    ActiveCampaignError,
    ConnectError,
    InvalidRequestError,
    OutcomeUnknownError,
    UnreadableResponseError,
)
from ac_tools.remote_mcp._connection import SESSION_UNKNOWN, TIMED_OUT, Connection, not_listed
from ac_tools.remote_mcp._offers import Offer
from ac_tools.remote_mcp._results import refused_or_unknown, reply_of

LIST = "/mcp/tools"
CALLS = "/mcp/tools/"
_FRESH = 60.0
"""Seconds for which the list of tools is good for a read, unless the server says that it has changed."""
_FRESH_FOR_WRITES = 2.0


class RemoteSender:
    """Sends what the guard has permitted, and nothing else.

    Args:
        connection: The session with the server.
        host: What the account is called in the ledger.
        account: The same account over REST; None where no key is given.
    """

    def __init__(self, connection: Connection, *, host: str, account: ActiveCampaign | None) -> None:
        self.host = host
        self.account = account
        self._connection = connection

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # LangChain copies tools; the connection behind the copies stays one

    def __reduce__(self) -> NoReturn:
        raise TypeError("A tool of a Remote MCP server is not pickled: it holds a connection. Get it anew.")

    def offers(self, *, for_write: bool) -> Mapping[str, Offer] | None:
        """The server's tools as far as they are known; None where they are to be read before a call is decided on."""
        age = time.monotonic() - self._connection.listed_at
        return self._connection.offers if age < (_FRESH_FOR_WRITES if for_write else _FRESH) else None

    def send(self, request: Request, permit: Permit | None) -> Any:
        """Send one permitted request, and wait for its answer in this thread.

        Raises:
            PermitError: There is no permit for exactly this request. Nothing was sent.
            ActiveCampaignError: It failed; `outcome` says what became of a write.
        """
        if not request.path.startswith(LIST):
            return self._over_rest(request).send(request, permit)
        return self._connection.run(self._work(request, permit), **self._terms(request))

    async def asend(self, request: Request, permit: Permit | None) -> Any:
        """The same on an event loop."""
        if not request.path.startswith(LIST):
            return await self._over_rest(request).asend(request, permit)
        return await self._connection.arun(self._work(request, permit), **self._terms(request))

    def _over_rest(self, request: Request) -> ActiveCampaign:
        if self.account is None:
            raise ConnectError(f"There is no account for {request.method} {request.path}. Nothing was sent.")
        return self.account

    def _work(self, request: Request, permit: Permit | None) -> Any:
        if type(permit) is not Permit:
            raise PermitError(f"{request.method} {request.path} has no permit of the guard. Nothing was sent.")
        permit.spend(request)
        return self._connection.listed if request.path == LIST else partial(self._called, request)

    def _terms(self, request: Request) -> dict[str, Any]:
        """A permit is for one request, so a write is not sent again; a protocol error is read for what it means."""
        meant = not_listed if request.path == LIST else partial(_meant, request)
        return {"meant": meant, "again": not request.is_write}

    async def _called(self, request: Request, session: ClientSession) -> Any:
        tool = request.path.removeprefix(CALLS)
        if self._connection.told_of_changes:
            await self._listed(session)
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
        except ValidationError:
            text = f"The answer to {tool} cannot be read. {_maybe(request)}"
            raise UnreadableResponseError(text, method=request.method, path=request.path) from None
        return reply_of(result, request)

    async def _listed(self, session: ClientSession) -> None:
        try:
            await self._connection.listed(session)
        except McpError as error:
            if error.error.code in (CONNECTION_CLOSED, SESSION_UNKNOWN, TIMED_OUT):
                raise
            raise not_listed(error) from None


def _meant(request: Request, error: McpError) -> ActiveCampaignError:
    """What an error of the protocol means for a call."""
    if error.error.code == TIMED_OUT:
        text = f"No answer came to {request.path.removeprefix(CALLS)} in time. {_maybe(request)}"
        return OutcomeUnknownError(text, method=request.method, path=request.path)
    return refused_or_unknown(error.error.code, error.error.message, request)


def _maybe(request: Request) -> str:
    return "It may have happened." if request.is_write else "Try again in a minute."
