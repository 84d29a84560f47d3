"""What a tool's own code sees of a call: its arguments, the records that they name, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ac_guardrails import Level, Need, Reference, quoted
from ac_guardrails._canonical import canonical
from ac_tools.tools._arguments import PagedArguments
from ac_tools.tools._names import Names, article, label
from ac_tools.tools._references import FIXED, Ref, is_address, references

if TYPE_CHECKING:
    from ac_tools.tools._base import ActiveCampaignTool


class Call:
    """One call, from its arguments to its answer.

    Args:
        tool: The tool that is called.
        args: The validated arguments.
        names: What the account's records are called.
    """

    def __init__(self, tool: ActiveCampaignTool, args: Any, names: Names) -> None:
        self.tool = tool
        self.args = args
        self.names = names
        self.said: Mapping[str, Any] = args.model_dump(mode="json", exclude_none=True)
        """The arguments as JSON, null left out."""
        self.references: tuple[Ref, ...] = tuple(dict.fromkeys(references(args)))
        """The records that the arguments name, each once."""
        self.readable: frozenset[str] = frozenset()
        self.known: dict[Ref, Reference] = {}
        self.facts: dict[str, Any] = {}
        """Ids, counts, statuses and dates that decide; they go on record."""
        self.seen: dict[str, Any] = {}
        """Whatever else was read, for the card and the answer; it never goes on record."""
        self.is_shown = True
        """Whether a person is shown its card, so that what only that needs is read."""
        self.unchecked: list[str] = []
        """What the card would say and could not be read, with the reason."""
        self._bound: dict[str, Any] = {}
        self.needs: tuple[Need, ...] = ()

    def id(self, ref: Ref) -> int:
        """The id that a reference was resolved to."""
        return self.known[ref].id

    def learn(self, ref: Ref, name: str | None) -> None:
        """Know what people call a record that was named by its id, so that the card says it."""
        known = self.known[ref]
        if name and not known.name:
            self.known[ref] = replace(known, name=name)

    def bind(self, name: str, value: Any) -> None:
        """Rest a person's consent on what was read: the approval is void once it has changed. It is kept with the card
        and never goes on record.

        Args:
            name: What it is, one of the endpoint's `voids`.
            value: What was read; several of a kind by what each is called.

        Raises:
            KeyError: The endpoint does not say that an approval rests on this.
        """
        if name not in self.tool.endpoint.voids:
            raise KeyError(f"{self.tool.name} does not declare {name!r} among what voids an approval")
        self._bound |= value if isinstance(value, Mapping) else {name: value}

    def rests_on(self) -> dict[str, Any]:
        """What a person's consent rests on: what was bound, and the names of records that the endpoint declares."""
        declared = [ref for ref in self.known.values() if f"name of the {ref.noun}" in self.tool.endpoint.voids]
        return {**{f"{ref.noun} {ref.id}": ref.name for ref in declared if ref.name}, **self._bound}

    def may_read(self, area: str) -> bool:
        """Whether the agent may see records of an area."""
        return area in self.readable

    def raise_to(self, area: str, level: Level) -> None:
        """Need at least this level in an area, because of what was read."""
        kept = [need for need in self.needs if need.area != area]
        before = max((need.level for need in self.needs if need.area == area), default=Level.OFF)
        self.needs = (*kept, Need(area, max(level, before)))

    def wire(self) -> dict[str, Any]:
        """The arguments under the API's names, null left out, references as ids."""
        return dict(self._resolved(self.args.model_dump(by_alias=True, exclude_none=True)))

    def _resolved(self, value: Any) -> Any:
        if type(value) in FIXED:
            return value
        if isinstance(value, Ref):
            return self.id(value)
        if isinstance(value, Mapping):
            return {key: self._resolved(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._resolved(item) for item in value]
        return value

    def text(self, template: str, *, plain: bool) -> str:
        """Fill a sentence in: with ids and counts only, or in plain words with names and values."""
        values: dict[str, Any] = {}
        schema: Any = type(self.args)
        for name in _places(template, schema):
            value = getattr(self.args, name)
            if isinstance(value, Ref):
                values[name] = self._named(value, plain=plain)
            else:
                values[name] = _shown(value) if plain else "…"
        return template.format_map({**values, **self.tool.words(self)})

    def narrowing(self) -> str:
        """What a search was narrowed by, in plain words; empty for what is no search."""
        if not isinstance(self.args, PagedArguments):
            return ""
        given = ((name, getattr(self.args, name)) for name in self.said)
        parts = [
            self._named(value, plain=True) if isinstance(value, Ref) else f"{name} {_shown(value)}"
            for name, value in given
        ]
        return f" ({', '.join(parts)})" if parts else ""

    def _named(self, ref: Ref, *, plain: bool) -> str:
        known = self.known.get(ref)
        if known is not None:
            return label(known) if plain else f"{known.noun} {known.id}"
        if ref.id is not None:
            return f"{ref.noun} {ref.id}"
        return f"{ref.noun} {quoted(ref.name, limit=80)}" if plain else f"{article(ref.noun)} by name"


@cache
def _places(template: str, arguments: Any) -> tuple[str, ...]:
    """The arguments that a sentence names."""
    return tuple(name for name in arguments.model_fields if f"{{{name}" in template)


def _shown(value: Any) -> str:
    """A value in a sentence of ours: bare where it can only be a word, a number or an address, else as data."""
    text = canonical(value) if isinstance(value, (list, dict)) else str(value)
    return text if text.replace("-", "").isalnum() or is_address(text) else quoted(text, limit=120)
