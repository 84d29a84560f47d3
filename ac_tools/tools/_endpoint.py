"""What a tool class declares of its endpoint. Tools, catalog, cards, audit, docs and settling read this one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ac_guardrails import Level, Need
from ac_tools.tools._references import Ref
from ac_tools.tools._settling import Settling

NOUNS: Mapping[str, str] = {
    "contact": "contacts",
    "list": "lists",
    "tag": "tags",
    "deal": "deals",
    "pipeline": "deals",
    "stage": "deals",
    "owner": "deals",
    "field": "fields",
    "automation": "automations",
    "account": "accounts",
}
"""What a reference can name, and the area that it belongs to."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The declaration of one endpoint.

    Args:
        method: GET, POST, PUT or DELETE.
        path: The path below /api/3, with {placeholders} for resolved ids.
        area: The area whose grant it needs.
        level: The least level that it needs there; arguments and facts can raise it.
        acts_on: The kind of record that it acts on, as the API calls it.
        risk: What it does that a person should know, as a clause after "it": "may send mail at once".
        full_when: When it needs full access instead, as a clause after "when".
        event: The webhook event that its write fires; empty where none is known.
        wrap: The key that wraps the request's body; empty for a flat one.
        reply: The key of the record, or of the collection, in the reply.
        key: The parts of the natural key, which tells whether the write happened: arguments, unless the tool says more.
        settles: How the natural key is read back, and what that shows; None for what only reads.
        shows: The rows that its card can have, besides those of every card.
        voids: What an approval rests on, in words: once one of these has changed, it is void. Never a counter.
        reads: How many requests it takes at most until a person is asked, where records are named by id and the account
            has no more than a hundred lists, tags, fields, automations, pipelines and stages each.
        inverse: How it is taken back, in words; empty where it cannot be.
        changes: The nouns whose cached names a write makes stale.
    """

    method: str
    path: str
    area: str
    level: Level
    acts_on: str
    risk: str
    full_when: str = ""
    event: str = ""
    wrap: str = ""
    reply: str = ""
    key: tuple[str, ...] = ()
    settles: Settling | None = None
    shows: tuple[str, ...] = ()
    voids: tuple[str, ...] = ()
    reads: int = 0
    inverse: str = ""
    changes: tuple[str, ...] = ()

    @property
    def need(self) -> Need:
        """The least that every call of it needs."""
        return Need(self.area, self.level)

    @property
    def permission(self) -> str:
        """The permission as the API's guides name it: area and read or write."""
        return f"{self.area}: {'read' if self.method == 'GET' else 'write'}"


def foreign_needs(named: Iterable[Ref], area: str) -> tuple[Need, ...]:
    """The read access that references to records of other areas need.

    Contacts, fields and owners are left out: naming one to write to it shows nothing of it.
    """
    nouns = dict.fromkeys(ref.noun for ref in named if ref.noun not in ("contact", "field", "owner"))
    return tuple(Need(NOUNS[noun], Level.READ) for noun in nouns if NOUNS[noun] != area)
