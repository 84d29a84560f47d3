"""Asking a person through the MCP client that makes the call, or, where it cannot ask anybody, elsewhere."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server.session import ServerSession
from mcp.types import ElicitResult, RequestId

from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision, Elsewhere
from ac_guardrails._desk import AnswerError
from ac_guardrails._steps import Look, Steps, Store
from ac_guardrails.approvers import Inbox

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job

CLIENT = "mcp_client"
"""Where a call's configuration says which client makes it."""
_LOOK = 0.3
"""Seconds between two looks into the ledger, where somebody may answer before the client's person does."""
_FORM = {
    "type": "object",
    "properties": {
        "decision": {"type": "string", "title": "Decision", "enum": ["approve", "reject"]},
        "reason": {"type": "string", "title": "Reason", "description": "Why not; the agent is told."},
    },
    "required": ["decision"],
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Client:
    """The client that makes a call.

    Args:
        session: Its MCP session.
        request: The id of its request.
        person: Whose token it has shown; empty where it needs none.
    """

    session: ServerSession
    request: RequestId
    person: str = ""

    def can_ask(self) -> bool:
        """Whether it can show a form to its person; one that names no mode means forms (documented)."""
        known = self.session.client_params
        elicitation = known.capabilities.elicitation if known else None
        return elicitation is not None and (elicitation.form is not None or elicitation.url is None)

    async def ask(self, card: str) -> ElicitResult:
        """Show a card, with the question whether it may be done."""
        return await self.session.elicit_form(card, _FORM, related_request_id=self.request)


class AskClient(Elsewhere):
    """The approver for an MCP server: the client shows the card to its person, if it can (elicitation).

    Where it cannot, or nobody answers there, the question waits in the ledger for `ac-tools approvals`, as with
    `Inbox`. It can be answered there in any case, and the first answer stands.

    Args:
        by: The person at the client, for the record; a token's name goes before it. Empty where nobody is known, so
            that no client is asked.
        wait: Seconds for which a call waits for an answer from elsewhere; 0 not to wait.
        elicit: Whether clients are asked at all. Who does not trust them to show the card to a person says False.
    """

    def __init__(self, *, by: str = "", wait: float = 30.0, elicit: bool = True) -> None:
        self._by = by.strip()
        self._inbox = Inbox(wait=wait)
        self._elicit = elicit
        self._forms: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"AskClient(by={self._by!r}, wait={self._inbox.wait:g}, elicit={self._elicit})"

    def ask(self, guard: Guard, job: Job, request: ApprovalRequest) -> Steps[None]:
        """Ask through the client; what it cannot ask is left to whoever looks into the ledger."""
        client = (job.origin.config.get("configurable") or {}).get(CLIENT)
        if isinstance(client, Client) and self._elicit and client.can_ask() and (client.person or self._by):
            form: asyncio.Task[None] = yield Look(_nowhere, lambda: self._shown(guard, client, request))
            while not form.done() and (yield from _is_open(guard, request)):
                yield Look(_nowhere, lambda: asyncio.wait([form], timeout=_LOOK))
            if not form.done() or form.exception() is None:
                return
            _log.warning("The client could not ask; approval %s waits in the ledger.", request.id)
        yield from self._inbox.ask(guard, job, request)

    async def _shown(self, guard: Guard, client: Client, request: ApprovalRequest) -> asyncio.Task[None]:
        """Show the form. It stays when the call that needs it has ended, and what is said there counts as long as the
        question does: MCP cannot take it back.
        """
        form = asyncio.create_task(self._answered(guard, client, request))
        self._forms.add(form)
        form.add_done_callback(self._put_away)
        return form

    async def _answered(self, guard: Guard, client: Client, request: ApprovalRequest) -> None:
        decision = decision_of(await client.ask(str(request)), by=client.person or self._by)
        with suppress(AnswerError):  # somebody was quicker, or it came too late: what the ledger says stands
            await asyncio.to_thread(guard.desk.answer, request.id, decision)

    def _put_away(self, form: asyncio.Task[None]) -> None:
        self._forms.discard(form)
        if not form.cancelled():
            form.exception()  # looked at, so that nobody complains of a client that has gone


def _is_open(guard: Guard, request: ApprovalRequest) -> Steps[bool]:
    question = yield Store(lambda: guard.desk.question(request.id), guard.ledger.blocks)
    return question is not None and question.is_open(guard.clock())


def _nowhere() -> Any:
    raise CannotAskError("a client can be asked only on the server's event loop")


def decision_of(said: ElicitResult, *, by: str) -> Decision:
    """What a client's answer means: only an explicit approval is one, and everything else is no.

    Args:
        said: What the client sent.
        by: Who answers there.
    """
    if said.action != "accept":
        return Decision.reject("They declined." if said.action == "decline" else "They closed the question.", by=by)
    content = said.content or {}
    if content.get("decision") == "approve":
        return Decision.approve(by=by)
    reason = content.get("reason")
    return Decision.reject(reason if isinstance(reason, str) else "", by=by)
