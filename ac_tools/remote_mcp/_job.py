"""A call of the server's tools on its way through the guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ac_guardrails import Action, Answer, Card, InvalidCall, Level, Need, Plan, Reference
from ac_guardrails._domains import NOUN as DOMAIN
from ac_guardrails._domains import references as domains_of
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_guardrails._origin import Origin
from ac_guardrails._request import Request
from ac_tools._exchange import Reply
from ac_tools.remote_mcp._arguments import Said, identity, properties
from ac_tools.remote_mcp._asked import Asked, Target
from ac_tools.remote_mcp._results import done
from ac_tools.remote_mcp._twin_job import TwinJob
from ac_tools.remote_mcp._twins import in_words_of, rewritten
from ac_tools.tools._artifacts import given_again, kept, name_of
from ac_tools.tools._by_name import reading_back, tool_class
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._names import label, names_of

_UNREAD = "no account is given beside the Remote MCP server, so nothing could be read"


class RemoteJob:
    """One call of one of the server's tools.

    An act that a REST tool does too is that tool's: outlined, read for, shown and decided on by its declaration, under
    its name. Only what is sent is another request.

    Args:
        target: The tool.
        arguments: What was asked for, as JSON.
        origin: Where it comes from.
        fault: Why it cannot be used at all, if that is known already.
    """

    def __init__(self, target: Target, arguments: Mapping[str, Any], origin: Origin, *, fault: str = "") -> None:
        self.agent = target.agent
        self.host = target.sender.host
        self.tool = target.of.tool if target.of else f"ac_mcp_{target.name}"
        self.origin = origin
        self.before: Mapping[str, Any] | None = None
        self._target = target
        self._asked = Asked(target, arguments)
        self._fault = fault
        self._twin: TwinJob | None = None
        self._references: tuple[Reference, ...] = ()

    def arguments(self) -> Mapping[str, Any]:
        """What was asked for, in the words of the act."""
        return self._twin.arguments() if self._twin else self._asked.arguments

    def edited(self, arguments: Mapping[str, Any]) -> RemoteJob:
        """The same call with other arguments, in the words that its card shows."""
        twin, asked = self._twin, self._asked
        if twin is None:
            return RemoteJob(self._target, arguments, self.origin)
        try:
            places = {
                **properties(asked.offer.schema, asked.of),
                **{name: one.path for name, one in asked.said.items()},
            }
            made = rewritten(twin.rest, asked.of, asked.arguments, places, arguments, twin.outline().arguments)
        except InvalidCall as error:
            return RemoteJob(self._target, asked.arguments, self.origin, fault=str(error))
        return RemoteJob(self._target, made, self.origin)

    def outline(self) -> Action:
        """The action as far as the arguments alone tell it."""
        if self._fault:
            raise InvalidCall(self._fault)
        if self._target.of is None:
            return Action(self.agent, self.tool, self.host, (), self._asked.arguments, f"call {self.tool}")
        self._asked.check()
        self._made_out()
        return self._as_sent(self._twin.outline()) if self._twin else self._action(None)

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        """Look whether the server's tool is as it was, and read what decides."""
        gone = yield from self._asked.renewed(again=again)
        if gone is not None:
            return gone
        yield from self._known_row()
        self._made_out()
        if self._twin is None:
            yield from self._named()
            return self._plan(readable)
        if self._target.sender.account is None:
            return self._remote(self._twin.unread(readable))
        self._twin.outline()
        prepared = yield from self._twin.prepare(readable, again=again)
        if isinstance(prepared, Answer):
            return prepared
        self._check_run(prepared)
        return self._remote(prepared)

    def read_back(self, tool: str, key: Mapping[str, Any], since: float) -> ReadBack:
        """Read over REST whether a write happened."""
        if self._target.sender.account is None:
            return Finding("cannot_tell", _UNREAD)
        if tool_class(tool) is None:
            return Finding("cannot_tell", f"{tool} leaves nothing that could be read back over REST")
        return (yield from reading_back(tool, key, since))

    def made(self, artifact: Any) -> str:
        """The record that a write has made."""
        return name_of(artifact) if self._twin and self._twin.rest.endpoint.method == "POST" else ""

    def kept(self, artifact: Any) -> Any:
        """A write's answer as JSON."""
        return kept(artifact) or {"json": artifact}

    def given_again(self, kept: Any) -> Any:
        """The answer that `kept` made JSON of."""
        return given_again(kept)

    def _made_out(self) -> None:
        """Say the call in the words of the REST tool, where there is one and all is known that it needs."""
        asked, rest = self._asked, self._target.twin
        if rest is None or not self._says_whom():
            self._twin, self._references = None, tuple(self._named_by_id())
            return
        self._twin = TwinJob(rest, in_words_of(rest, asked.of, asked.said), self.origin, asked, self._keep)

    def _check_run(self, plan: Plan) -> None:
        """What is decided on is the run that is in progress: another one may not be ended in its place."""
        found, own = plan.facts.get("association"), self._asked.said.get("id")
        if found is not None and own is not None and found != identity(own.value, "run"):
            raise InvalidCall(f"Run {own.value} is over. The one in progress is {found}. Nothing was sent.")

    def _says_whom(self) -> bool:
        """Whether the call says what the REST tool has to be told of whom it is about."""
        rest, of = self._target.twin, self._asked.of
        row = of.row.names if of.row else ()
        listed = ("contact",) if rest is not None and rest.name == "ac_list_contact_automations" else ()
        return all(name in self._asked.said for name in (*row, *listed))

    def _known_row(self) -> Exchange:
        """Read the record by whose id the call says whom it is about; what the call claims of them is not believed."""
        row = self._asked.of.row
        if row is None or self._target.sender.account is None or "id" not in self._asked.said:
            return
        own = self._asked.said["id"]
        reply: Reply = yield Request("GET", f"{row.path}/{identity(own.value, 'record'):d}")
        record = reply.data.get(row.key) if isinstance(reply.data, Mapping) else None
        told = record if isinstance(record, Mapping) else {}
        for name in row.names:
            self._asked.said[name] = Said(own.path, identity(told.get(name), name))

    def _named_by_id(self) -> list[Reference]:
        """The records that the call names, as far as they are known; of whom it does not say, nobody knows."""
        narrowed = self._target.guard.grants.narrowed(self.agent)
        row = self._asked.of.row
        found = [Reference(noun, 0) for noun in (row.names if row else ()) if noun not in self._asked.said]
        for name, one in self._asked.said.items():
            for value in one.value if isinstance(one.value, list) else [one.value]:
                try:
                    found += [Reference(name, identity(value, name))] if name in NOUNS else []
                except InvalidCall:
                    if name in narrowed:
                        raise
        return found

    def _named(self) -> Exchange:
        """What the named records are called, where the agent's grants are narrowed by that."""
        account, narrowed = self._target.sender.account, self._target.guard.grants.narrowed(self.agent)
        if account is None:
            return
        names, found = names_of(account), []
        for reference in self._references:
            if reference.id and reference.noun == "contact" and DOMAIN in narrowed:
                reference = yield from names.addressed(reference)
            elif reference.id and reference.noun in narrowed:
                reference = yield from names.named(reference)
            found.append(reference)
        self._references = tuple(found)

    def _as_sent(self, action: Action, *, sent: bool = False) -> Action:
        """The act of the REST tool, carried out by the server's tool."""
        asked = self._asked
        request = asked.request() if sent else None
        needs, why = asked.raised(action.needs), asked.why(action.why)
        return replace(action, needs=needs, why=why, request=request, more=(), followups=())

    def _remote(self, plan: Plan) -> Plan:
        """The plan of the REST tool, with what the server is told."""
        portray = plan.portray
        return replace(
            plan,
            action=self._as_sent(plan.action, sent=True),
            card=lambda: self._with_rows(plan.card()),
            portray=None if portray is None else lambda card: self._portrayed(portray(card)),
        )

    def _portrayed(self, exchange: Exchange) -> Exchange:
        return self._remote((yield from exchange))

    def _keep(self, before: Mapping[str, Any] | None) -> None:
        self.before = before

    def _with_rows(self, card: Card) -> Card:
        return replace(card, rows=(*card.rows[:-1], *self._asked.rows(), *card.rows[-1:]))

    def _action(self, request: Request | None) -> Action:
        """The act of a tool that no REST tool of ours has a word for."""
        asked, of = self._asked, self._asked.of
        known = [reference for reference in self._references if reference.id]
        more = f" and {len(known) - 5} more" if len(known) > 5 else ""
        ids = ", ".join(f"{reference.noun} {reference.id}" for reference in known[:5]) + more
        names = ", ".join(map(label, known[:5])) + more
        unsure = of.unread if of.unread > Level.OFF and self._target.sender.account is None else Level.OFF
        needs = asked.raised((Need(of.needs[0].area, max(of.needs[0].level, unsure)), *of.needs[1:]))
        return Action(
            agent=self.agent,
            tool=self.tool,
            host=self.host,
            needs=needs,
            arguments=asked.arguments,
            what=f"{of.does} ({ids})" if ids else of.does,
            plain=f"{of.does} ({names})" if names else of.does,
            request=request,
            references=(*self._references, *self._domains()),
            people=sum(reference.noun == "contact" for reference in self._references) if of.is_write else 0,
            why=asked.why(f"It {of.risk}"),
            acts_on=f"Remote MCP {of.name}",
            key={"tool": of.name, "arguments": asked.arguments} if request and of.is_write and not of.twin else {},
        )

    def _domains(self) -> tuple[Reference, ...]:
        if DOMAIN not in self._target.guard.grants.narrowed(self.agent):
            return ()
        return domains_of(reference.name for reference in self._references if reference.noun == "contact")

    def _plan(self, readable: frozenset[str]) -> Plan:
        action = self._action(self._asked.request())
        return Plan(action, lambda: self._card(action), lambda: self._carried_out(action, readable))

    def _card(self, action: Action) -> Card:
        title = f"{action.plain[:1].upper()}{action.plain[1:]}"
        return Card(title, (("Agent", self.agent), ("Account", self.host), *self._asked.rows()))

    def _carried_out(self, action: Action, readable: frozenset[str]) -> Exchange:
        assert action.request is not None
        return done(action, (yield action.request), readable)
