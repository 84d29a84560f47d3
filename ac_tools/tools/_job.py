"""A call on its way through the guard: the generic half of every endpoint, driven by what its class declares."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ac_guardrails import Action, Answer, Card, InvalidCall, Plan, Reference, Request
from ac_guardrails._domains import NOUN as DOMAIN
from ac_guardrails._domains import references as domains_of
from ac_guardrails._origin import Origin
from ac_tools.tools._arguments import Arguments, invalid
from ac_tools.tools._artifacts import given_again, kept, name_of
from ac_tools.tools._by_name import reading_back
from ac_tools.tools._call import Call
from ac_tools.tools._card import argument_rows
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._names import names_of
from ac_tools.tools._references import FIXED, Ref

if TYPE_CHECKING:
    from ac_guardrails._finding import ReadBack
    from ac_guardrails._job import Exchange
    from ac_tools.tools._base import ActiveCampaignTool

_LONGEST_SEARCH = 4000


class ToolJob:
    """A call on its way through the guard.

    Args:
        tool: The tool.
        raw: What was asked for, as JSON.
        origin: Where it comes from.
        note: What it takes back, for its card; empty where it takes nothing back.
    """

    def __init__(self, tool: ActiveCampaignTool, raw: Mapping[str, Any], origin: Origin, *, note: str = "") -> None:
        binding = tool.binding
        self.binding = binding
        self._tool = tool
        # Whoever changes it later has changed another thing.
        self._raw = {name: value if type(value) in FIXED else deepcopy(value) for name, value in raw.items()}
        self._args: Arguments | None = None
        self._outlined: tuple[Call, Action] | None = None
        self._is_edited = False
        self.origin = origin
        self._note = note
        self.before: Mapping[str, Any] | None = None
        self.agent = binding.agent
        self.tool = tool.name
        self.host = binding.account.host

    def arguments(self) -> Mapping[str, Any]:
        """What was asked for, as JSON."""
        return self._raw

    def edited(self, arguments: Mapping[str, Any]) -> ToolJob:
        """The same tool, agent and account with other arguments."""
        other = ToolJob(self._tool, arguments, self.origin, note=self._note)
        other._is_edited = True
        return other

    def outline(self) -> Action:
        """The action as far as the arguments alone tell it: all of it, where nothing has to be read for it."""
        if self._outlined is not None:
            return self._outlined[1]
        call = self._begun()
        action = self._action(call, self._tool.build(call) if self._is_told(call) else None)
        self._outlined = call, action
        return action

    def _is_told(self, call: Call) -> bool:
        """Whether the arguments alone tell what a search does: it looks at nothing before, and names no names."""
        if self._tool.endpoint.method != "GET" or self._tool.looks:
            return False
        narrowed = self.binding.guard.grants.narrowed(self.agent)
        if any(ref.name or ref.noun in narrowed for ref in call.references) or DOMAIN in narrowed:
            return False
        call.known = {ref: Reference(ref.noun, ref.id or 0) for ref in call.references}
        return True

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        """Resolve the references, read the facts, and build the request."""
        if self._outlined is None:
            self.outline()
        assert self._outlined is not None
        (call, action), self._outlined = self._outlined, None  # what is read from here on is this run's own
        if again:
            call.names = call.names.anew()
        call.readable = readable
        if action.request is not None:
            return self._plan(call, action)
        # Whoever was asked was shown the record that digits are the id of; that nobody is called so was seen before.
        yield from self._resolve(call, by_id=again and not self._is_edited)
        if self._tool.looks:
            if call.known:
                yield self._action(call, None)
            early = yield from self._tool.look(call)
            if isinstance(early, Answer):
                return early
        return self._plan(call, self._action(call, self._tool.build(call)))

    def named(self) -> Exchange:
        """The action before all that it names is there; what it names by id has the name that the account lists."""
        from ac_tools.tools._portrait import name_records

        call = self._begun()
        call.known = {ref: Reference(ref.noun, ref.id) for ref in call.references if ref.id is not None}
        yield from name_records(call)
        return self._action(call, None)

    def _plan(self, call: Call, action: Action, *, portrayed: bool = False) -> Plan:
        return Plan(
            action=action,
            facts=call.facts,
            voids=call.rests_on(),
            card=lambda: self._card(call, action),
            perform=lambda: self._perform(call, action),
            portray=None if portrayed else lambda card: self._portray(call, action, card=card),
        )

    def _portray(self, call: Call, action: Action, *, card: bool) -> Exchange:
        """Read what a consent rests on and what the card needs, and say the same action again with what it taught."""
        call.is_shown, call.unchecked = card, []
        yield from self._tool.portray(call)
        return self._plan(call, self._action(call, action.request), portrayed=card)

    def read_back(self, tool: str, key: Mapping[str, Any], since: float) -> ReadBack:
        """Read whether a write of one of the tools happened."""
        return reading_back(tool, key, since)

    def made(self, artifact: Any) -> str:
        """The record that a write has made."""
        return name_of(artifact) if self._tool.endpoint.method == "POST" else ""

    def kept(self, artifact: Any) -> Any:
        """The records of a write's answer as JSON."""
        return kept(artifact)

    def given_again(self, kept: Any) -> Any:
        """The records that `kept` made JSON of."""
        return given_again(kept)

    def _begun(self) -> Call:
        if self._args is None:
            self._args = self._validated()
        call = Call(self._tool, self._args, names_of(self.binding.account))
        self._tool.check(call)
        if self._tool.name == type(self._tool).model_fields["name"].default:
            call.needs = self._tool.needs(call)  # under another name it would escape what the grants say of it
        return call

    def _validated(self) -> Arguments:
        schema = self._tool.args_schema
        assert isinstance(schema, type)
        assert issubclass(schema, Arguments)
        try:
            args = schema.model_validate(self._raw)
            text = args.model_dump_json()
        except ValidationError as error:
            raise invalid(self.tool, error) from None
        except (ValueError, RecursionError):
            raise InvalidCall(
                f"{self.tool} was not called: its arguments are nested too deep, or hold text that is not valid."
            ) from None
        if len(text) > _LONGEST_SEARCH and self._tool.endpoint.method == "GET":
            raise InvalidCall(
                f"{self.tool} was not called: a search of {len(text)} characters is too long. Shorten it."
            )
        return args

    def _resolve(self, call: Call, *, by_id: bool) -> Exchange:
        pipeline: int | None = None
        narrowed = self.binding.guard.grants.narrowed(self.agent)
        for ref in sorted(call.references, key=lambda ref: ref.noun != "pipeline"):
            only = self._only(ref.noun)
            said = Ref(ref.noun, ref.id, "") if by_id and ref.id is not None else ref
            found: Reference = yield from call.names.resolve(said, call.readable, pipeline=pipeline, only=only)
            if ref.noun in narrowed and not found.name:
                found = yield from call.names.named(found)
            if ref.noun == "contact" and DOMAIN in narrowed and not found.name:
                found = yield from call.names.addressed(found)
            call.known[ref] = found
            if ref.noun == "pipeline":
                pipeline = found.id

    def _only(self, noun: str) -> tuple[frozenset[str], ...]:
        """The names and ids that the agent may use of a noun, by each grant that narrows it."""
        grants = self.binding.guard.grants.holding(self.agent, NOUNS[noun])
        return tuple(grant.only[noun] for grant in grants if noun in grant.only)

    def _action(self, call: Call, request: Request | None) -> Action:
        tool = self._tool
        return Action(
            agent=self.agent,
            tool=self.tool,
            host=self.host,
            needs=call.needs,
            arguments=dict(call.said),
            what=call.text(tool.sentence, plain=False),
            plain=call.text(tool.plain or tool.sentence, plain=True) + call.narrowing(),
            request=request,
            more=tool.more(call) if request else (),
            followups=tool.followups,
            references=(*call.known.values(), *tool.unresolved(call), *self._domains(call)),
            people=tool.people(call),
            why=tool.why(call),
            touches=tool.touches(call),
            acts_on=tool.endpoint.acts_on,
            key=tool.natural_key(call) if request and request.is_write else {},
        )

    def _domains(self, call: Call) -> tuple[Reference, ...]:
        """Where the people's addresses are, if the agent's grants narrow that; of somebody unknown it is nowhere."""
        if DOMAIN not in self.binding.guard.grants.narrowed(self.agent):
            return ()
        contacts = [known.name for known in call.known.values() if known.noun == "contact"]
        return domains_of((*contacts, *self._tool.addresses(call)))

    def _card(self, call: Call, action: Action) -> Card:
        # What it takes back says for whom, too.
        behalf = (("Undoes", self._note),) if self._note else (("For", self.origin.behalf),)
        who = (("Agent", self.agent), ("Account", self.host), *(row for row in behalf if row[1]))
        unchecked = (("Not checked", "; ".join(call.unchecked)),) if call.unchecked else ()
        rows = (*who, *self._tool.rows(call), *unchecked, *argument_rows(action.arguments))
        return Card(f"{action.plain[:1].upper()}{action.plain[1:]}", rows, self._tool.warning(call))

    def _perform(self, call: Call, action: Action) -> Exchange:
        assert action.request is not None
        if action.is_write and self.binding.guard.ledger.keeps_payloads:
            self.before = yield from self._tool.snapshot(call)
        try:
            answer = yield from self._tool.perform(call, action.request)
        finally:
            call.names.forget(self._tool.endpoint.changes)
        return answer
