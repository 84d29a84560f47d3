"""An action: one thing that an agent wants done, complete enough to decide on, ask about and record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails._canonical import digest
from ac_guardrails._catalog import Level, Need
from ac_guardrails._request import Request


@dataclass(frozen=True, slots=True)
class Reference:
    """A record that an action names: a list, a tag, a contact.

    Args:
        noun: What it is, as the catalog calls it.
        id: Its id in the account.
        name: What people call it; empty where that is not known.
    """

    noun: str
    id: int
    name: str = ""

    def is_meant_by(self, said: str) -> bool:
        """Whether somebody who wrote this meant the record. Digits are its id, since anybody may call another one "7";
        "=7" is the name, whose case counts for nothing.
        """
        if said.isdigit():
            return said == (str(self.id) if self.id else self.name)  # where it is not resolved, as it was said
        return bool(self.name) and self.name.casefold() in (said.casefold(), said.removeprefix("=").casefold())


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that an agent wants done.

    Args:
        agent: Who wants it, as bound when the tools were made.
        tool: The tool's name.
        host: The account.
        needs: The grants that it needs, one or more, each in another area.
        arguments: What the agent asked for, as JSON, in the tool's own words.
        what: The act in plain words with ids and counts only, as an infinitive: "delete contact 7".
        plain: The same with names and values, for people while payloads are kept.
        request: The request that carries it out; None while references are not resolved yet.
        more: Further requests of the same act, complete.
        followups: Method and path of requests that can only be built from an earlier reply.
        references: The records that it names, resolved.
        people: How many people it touches.
        why: Why a person should look at it, as a clause: "It may send mail at once".
    """

    agent: str
    tool: str
    host: str
    needs: tuple[Need, ...]
    arguments: Mapping[str, Any]
    what: str
    plain: str = ""
    request: Request | None = None
    more: tuple[Request, ...] = ()
    followups: tuple[tuple[str, str], ...] = ()
    references: tuple[Reference, ...] = ()
    people: int = 0
    why: str = "It destroys something or reaches people"
    touches: Mapping[str, Any] = field(default_factory=dict)
    """What must stay the same for an approval to survive an edit, besides the references: amounts, addresses. Limits in
    money look at `amount`, a whole number of parts, and `currency`, three letters; None where they do not change."""
    acts_on: str = ""
    """The kind of record that it acts on."""
    key: Mapping[str, Any] = field(default_factory=dict)
    """The natural key, resolved: what tells whether a write happened, as JSON. Empty where nothing does."""
    level: Level = field(init=False, compare=False)
    """The highest level among its needs; full where nobody has said what it needs."""
    is_write: bool = field(init=False, compare=False)
    """Whether it changes the account."""

    def __post_init__(self) -> None:
        level = max((need.level for need in self.needs), default=Level.FULL)
        object.__setattr__(self, "level", level)
        object.__setattr__(self, "is_write", level > Level.READ)

    @property
    def requests(self) -> tuple[Request, ...]:
        """All the requests of the act that are known in full."""
        return (self.request, *self.more) if self.request else ()

    def digest(self) -> str:
        """What an approval binds to: agent, host, method, path and canonical arguments of every request."""
        requests = [[r.method, r.path, [list(pair) for pair in r.params], r.body] for r in self.requests]
        return digest([self.agent, self.tool, self.host, requests])

    def effect(self) -> str:
        """The effect key: equal for calls that would do the same to the account; empty where nothing tells."""
        key = {name: value for name, value in self.key.items() if not name.startswith("_")}
        return digest([self.host, self.acts_on, key])[:32] if key else ""

    def to_json(self) -> dict[str, Any]:
        """What people and programs elsewhere need to see of it; the bodies of its requests are left out."""
        return {
            "agent": self.agent,
            "tool": self.tool,
            "host": self.host,
            "needs": [[need.area, need.level.name.lower()] for need in self.needs],
            "arguments": dict(self.arguments),
            "what": self.what,
            "plain": self.plain,
            "request": [self.request.method, self.request.path] if self.request else None,
            "references": [[ref.noun, ref.id, ref.name] for ref in self.references],
            "people": self.people,
            "why": self.why,
            "touches": dict(self.touches),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Action:
        """What `to_json` gave, as an action to look at; it has no bodies, so it is none to carry out."""
        return cls(
            **{name: data[name] for name in ("agent", "tool", "host", "arguments", "what", "plain", "people", "why")},
            needs=tuple(Need(area, Level[level.upper()]) for area, level in data["needs"]),
            request=Request(*data["request"]) if data["request"] else None,
            references=tuple(Reference(*ref) for ref in data["references"]),
            touches=data["touches"],
        )

    def same_target(self, other: Action) -> bool:
        """Whether both touch the same records and amounts, and are as grave."""
        return (
            set(self.needs) == set(other.needs)
            and set(map(_record, self.references)) == set(map(_record, other.references))
            and self.people == other.people
            and dict(self.touches) == dict(other.touches)
        )


def _record(reference: Reference) -> tuple[str, int | str]:
    """Which record it is: its name may have been read meanwhile."""
    return reference.noun, reference.id or reference.name
