"""The half of a call that a REST tool knows: who, what, the facts, the card; and its reply, typed where it can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ac_guardrails import Action, Card, Level, Plan, Reference, Request
from ac_guardrails._job import Exchange
from ac_guardrails._look import pumped
from ac_guardrails._origin import Origin
from ac_tools._errors import ConnectError, UnreadableResponseError
from ac_tools._exchange import Reply
from ac_tools.remote_mcp._results import done
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._card import argument_rows
from ac_tools.tools._job import ToolJob
from ac_tools.tools._references import references

if TYPE_CHECKING:
    from ac_tools.remote_mcp._asked import Asked

_TIES = ("contactTag", "contactList", "contactAutomation")
_TOLD = ("contact", "list", "tag", "automation", "deal")
"""The records that a reply names by their ids, each as the API calls it."""
_NOT_READ = "what the account holds: no account is given beside the Remote MCP server"


class TwinJob(ToolJob):
    """The same act as a call of the REST tool.

    Args:
        rest: The REST tool.
        words: The call in its words.
        origin: Where it comes from.
        asked: The call as the server would get it.
        keep: Keeps what stood before where it writes.
    """

    def __init__(
        self,
        rest: ActiveCampaignTool,
        words: Mapping[str, Any],
        origin: Origin,
        asked: Asked,
        keep: Callable[[Mapping[str, Any] | None], None],
    ) -> None:
        super().__init__(rest, words, origin)
        self.rest = rest
        self._keep = keep
        self.host = asked.target.sender.host
        self._asked = asked
        self._account = asked.target.sender.account

    def unread(self, readable: frozenset[str]) -> Plan:
        """The plan where there is no account to read from: what the facts could raise is taken to be raised."""
        call = self._begun()
        call.readable = readable
        call.known = {ref: Reference(ref.noun, ref.id) for ref in references(call.args) if ref.id is not None}
        if self._asked.of.unread > Level.OFF and getattr(call.args, "status", None) != "unsubscribe":
            call.raise_to(self.rest.endpoint.area, self._asked.of.unread)
        action = self._action(call, self._asked.request())
        return Plan(action, lambda: self._bare_card(action), lambda: self._perform(call, action))

    def _bare_card(self, action: Action) -> Card:
        rows = (("Agent", self.agent), ("Account", self.host), ("Not checked", _NOT_READ))
        title = f"{action.plain[:1].upper()}{action.plain[1:]}"
        return Card(title, (*rows, *argument_rows(action.arguments)))

    def _perform(self, call: Call, action: Action) -> Exchange:
        if action.is_write and self._account is not None and self.binding.guard.ledger.keeps_payloads:
            self._keep((yield from self.rest.snapshot(call)))
        try:
            answer = yield from self._answered(call, action, self._asked.request())
        finally:
            call.names.forget(self.rest.endpoint.changes)
        if self.rest.name == "ac_sync_contact":  # only REST says by its status which of both it was
            answer = replace(answer, content=answer.content.replace("Updated", "Created or updated", 1))
        return answer

    def _answered(self, call: Call, action: Action, request: Request) -> Exchange:
        """The REST tool's own answer, where the server's reply reads like the account's; else what was read as it is.

        What the REST tool reads besides, such as names, is read over REST, and left out where that is not to be had.
        """
        replies: list[Reply] = []
        try:
            return (yield from pumped(self.rest.perform(call, request), partial(self._step, request, replies)))
        except (UnreadableResponseError, ValueError) as misread:
            if not replies:
                raise
            if action.is_write and not self._says(replies[0]):
                raise _does_not_say(self._asked.of.name) from misread
            return done(action, replies[0], call.readable)

    def _says(self, reply: Reply) -> bool:
        """Whether a write's reply says that it was done, in another way than the REST tool's."""
        return isinstance(reply.data, Mapping) and isinstance(reply.data.get(self._asked.of.answers), Mapping)

    def _is_of_another(self, reply: Reply) -> bool:
        """Whether a write's reply tells of another record than the call was about, or not of whom it was."""
        of, said, endpoint = self._asked.of, self._asked.said, self.rest.endpoint
        record = reply.data.get(endpoint.reply) if isinstance(reply.data, Mapping) else None
        if not isinstance(record, Mapping):
            return False
        told = {**record, of.noun: record.get("id")}
        if "contact" in said and endpoint.acts_on in _TIES and "contact" not in told:
            return True
        return any(str(told.get(noun, said[noun].value)) != str(said[noun].value) for noun in _TOLD if noun in said)

    def _step(self, request: Request, replies: list[Reply], step: Any) -> Exchange:
        """One step of the REST tool. What it would write besides, the server's tool does by itself (documented)."""
        if step == request:
            reply: Reply = yield step
            if step.is_write and self._is_of_another(reply):
                raise _does_not_say(self._asked.of.name)
            replies.append(reply)
            return reply
        if step.is_write:
            return replies[0] if replies else None
        if self._account is None:
            raise ConnectError("There is no account to read it from. Nothing was sent.")
        return (yield step)


def _does_not_say(name: str) -> UnreadableResponseError:
    return UnreadableResponseError(f"The answer to {name} does not say that it was done. It may have happened.")
