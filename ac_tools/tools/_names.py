"""Names to ids and ids to names: looked up in the account, remembered for a minute, forgotten with a write."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from weakref import WeakKeyDictionary

from ac_guardrails import InvalidCall, Reference, Request, inert, quoted
from ac_tools._pages import Walk
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._references import Ref

Reading = Generator[Request, Any, Any]
"""Yields requests, is sent replies."""

_LIFETIME = 60.0
_MOST_ROWS = 1000
MOST_FOR_NAMES = 300
"""How many rows are looked through for names that are good to have."""
_MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A record as a name can find it.

    Args:
        id: Its id.
        name: What people call it; for a contact or an owner the e-mail address.
        wire: The record as the account sent it.
    """

    id: int
    name: str
    wire: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the records of a noun are listed, and the key of one that is read by its id; empty where none can be."""

    path: str
    key: str
    name: str
    search: str = ""
    params: tuple[tuple[str, str], ...] = ()
    one: str = ""


_SOURCES = {
    # Documented: without the filter, lists for text messages are left out.
    "list": _Source("/lists", "lists", "name", params=(("filters[channel]", "all"),), one="list"),
    "tag": _Source("/tags", "tags", "tag", search="search", one="tag"),
    "field": _Source("/fields", "fields", "title", one="field"),
    "automation": _Source("/automations", "automations", "name"),
    "pipeline": _Source("/dealGroups", "dealGroups", "title", one="dealGroup"),
    "stage": _Source("/dealStages", "dealStages", "title", one="dealStage"),
    "owner": _Source("/users", "users", "email", one="user"),
    "account": _Source("/accounts", "accounts", "name", search="search", one="account"),
    "contact": _Source("/contacts", "contacts", "email", search="email"),
}


@dataclass(frozen=True, slots=True)
class _Sight:
    """Which records of a noun an agent may be told of.

    Args:
        open: Whether it may read their area.
        only: For each grant that narrows them, the names and ids that it may use there.
    """

    open: bool
    only: tuple[frozenset[str], ...]

    def of(self, rows: list[Row]) -> list[Row]:
        """Those of the rows that it may be told of."""
        return [row for row in rows if self.open and all(_is_within(row, only) for only in self.only)]


def _is_within(row: Row, allowed: frozenset[str]) -> bool:
    reference = Reference("", row.id, row.name)
    return any(reference.is_meant_by(name) for name in allowed)


class Names:
    """The names of one account, shared by all tools on it.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Any = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, list[Row]]] = {}
        self._forgotten: dict[str, float] = {}
        self._since = -math.inf

    def anew(self) -> Names:
        """The same names for somebody to whom nothing counts that was read before now; what they read is shared."""
        other = copy.copy(self)
        other._since = self._clock()
        return other

    def forget(self, nouns: Iterable[str]) -> None:
        """Drop what is known of these nouns, because a write may have changed it."""
        if not (gone := set(nouns)):
            return
        with self._lock:
            self._forgotten |= dict.fromkeys(gone, self._clock())
            for key in [key for key in self._known if key[0] in gone]:
                del self._known[key]

    def all(self, noun: str) -> Reading:
        """The rows of a whole collection, up to a thousand."""
        return (yield from self._rows(noun, ""))

    def search(self, noun: str, name: str) -> Reading:
        """The rows whose name holds a text, where the account can search for it; else all."""
        return (yield from self._rows(noun, name if _SOURCES[noun].search else ""))

    def alike(self, noun: str, name: str) -> Reading:
        """The rows among which one of this name would be, as far as the first few hundred go."""
        return (yield from self._rows(noun, name if _SOURCES[noun].search else "", most=MOST_FOR_NAMES))

    def some(self, noun: str, ids: Collection[int]) -> Reading:
        """The rows of a few records by id, as far as the first few hundred of their collection hold them."""
        rows = yield from self._rows(noun, "", most=MOST_FOR_NAMES, until=frozenset(ids))
        return {row.id: row for row in rows if row.id in ids}

    def one(self, noun: str, identity: int) -> Reading:
        """The row of one record; None where the account only lists such records, and not among the first thousand.

        Raises:
            NotFoundError: The account has no such record.
        """
        key = _SOURCES[noun].one
        found = next((row for row in self._remembered((noun, "")) or () if row.id == identity), None)
        if found is None and key:
            reply = yield Request("GET", f"{_SOURCES[noun].path}/{identity:d}")
            record = reply.data.get(key) if isinstance(reply.data, Mapping) else None
            return _row({**(record if isinstance(record, Mapping) else {}), "id": identity}, _SOURCES[noun])
        if found is None:
            rows = yield from self._rows(noun, "", until=frozenset((identity,)))
            found = next((row for row in rows if row.id == identity), None)
        return found

    def named(self, reference: Reference) -> Reading:
        """The same record with its name, where the account lists it."""
        for row in (yield from self._rows(reference.noun, "")):
            if row.id == reference.id:
                return Reference(reference.noun, row.id, row.name)
        return reference

    def addressed(self, contact: Reference) -> Reading:
        """The same contact with its address."""
        reply = yield Request("GET", f"/contacts/{contact.id}")
        found = reply.data.get("contact") if isinstance(reply.data, Mapping) else None
        address = found.get("email") if isinstance(found, Mapping) and str(found.get("id")) == str(contact.id) else ""
        return Reference(contact.noun, contact.id, address if isinstance(address, str) else "")

    def resolve(
        self,
        ref: Ref,
        readable: frozenset[str],
        *,
        pipeline: int | None = None,
        only: tuple[frozenset[str], ...] = (),
    ) -> Reading:
        """Find the record that a reference names; returns a Reference.

        Args:
            ref: What the call said.
            readable: The areas that the agent may read; candidates from others are not shown.
            pipeline: The pipeline within which a stage is looked for.
            only: For each grant that narrows the noun, the names and ids that the agent may use; candidates outside
                are not shown either.

        Raises:
            InvalidCall: There is none, or there are several; says which would do.
        """
        if not ref.name:
            assert ref.id is not None
            return Reference(ref.noun, ref.id)
        rows = yield from self.search(ref.noun, ref.name)
        if pipeline is not None and ref.noun == "stage":
            rows = [row for row in rows if str(row.wire.get("group")) == str(pipeline)]
        found = [row for row in rows if _equal(row, ref)]
        sight = _Sight(ref.noun in readable_nouns(readable), only)
        if ref.id is not None:
            return _by_digits(ref, found, sight)
        if len(found) == 1:
            return Reference(ref.noun, found[0].id, found[0].name)
        if found:
            raise InvalidCall(_ambiguous(ref, found, sight))
        if sight.open and _SOURCES[ref.noun].search and ref.noun != "contact" and not sight.of(rows):
            rows = yield from self._rows(ref.noun, "")
        raise InvalidCall(_unknown(ref, rows, sight))

    def _remembered(self, key: tuple[str, str]) -> list[Row] | None:
        with self._lock:
            read_at, rows = self._known.get(key, (-math.inf, []))
        return rows if read_at >= self._since and self._clock() < read_at + _LIFETIME else None

    def _rows(self, noun: str, search: str, *, most: int | None = None, until: frozenset[int] | None = None) -> Reading:
        """Read the rows of a collection or of a search in it, up to a number, or until the wanted ones are there."""
        key = (noun, search.casefold())
        remembered = self._remembered(key)
        if remembered is not None:
            return remembered
        source, begun = _SOURCES[noun], self._clock()
        params = source.params + (((source.search, search),) if search else ())
        walk = Walk(source.path, source.key, params, most=most or _MOST_ROWS)
        rows: list[Row] = []
        while (request := walk.next_request()) is not None:
            if until is not None and until <= {row.id for row in rows}:
                return rows
            records = walk.feed((yield request))
            rows += [_row(record, source) for record in records if number_of(record.get("id")) is not None]
        if most is None or not walk.truncated:
            with self._lock:
                if begun > self._forgotten.get(noun, -math.inf):  # else it may not show what was written meanwhile
                    self._known[key] = (begun, rows)
        return rows


_BY_ACCOUNT: WeakKeyDictionary[Any, Names] = WeakKeyDictionary()
_LOCK = threading.Lock()


def names_of(account: Any) -> Names:
    """The names that all tools on an account share."""
    with _LOCK:
        names = _BY_ACCOUNT.get(account)
        if names is None:
            names = _BY_ACCOUNT[account] = Names()
        return names


def readable_nouns(readable: frozenset[str]) -> frozenset[str]:
    """The nouns of the areas that an agent may read."""
    return frozenset(noun for noun, area in NOUNS.items() if area in readable)


def label(reference: Reference) -> str:
    """A record for people: its noun, id and, where known, name."""
    return f"{reference.noun} {reference.id}{f' {quoted(reference.name)}' if reference.name else ''}"


def article(noun: str) -> str:
    """A noun with the article that belongs to it."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _row(record: Mapping[str, Any], source: _Source) -> Row:
    number = number_of(record.get("id"))
    assert number is not None
    return Row(number, str(record.get(source.name) or ""), record)


def number_of(value: Any) -> int | None:
    """An id as a number; None for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _equal(row: Row, ref: Ref) -> bool:
    """Names are compared as the account compares them: without regard to case."""
    if row.name.casefold() == ref.name.casefold():
        return True
    return ref.noun == "field" and str(row.wire.get("perstag") or "").casefold() == ref.name.strip("%").casefold()


def _by_digits(ref: Ref, found: list[Row], sight: _Sight) -> Reference:
    """A text of digits is the id, unless somebody is called that: then nobody can tell which is meant."""
    assert ref.id is not None
    if not found or found[0].id == ref.id:
        return Reference(ref.noun, ref.id)
    if sight.of(found[:1]):
        other = f"{ref.noun} {found[0].id} is called {quoted(found[0].name)}"
    else:
        other = f"there is also {article(ref.noun)} of that name"
    raise InvalidCall(
        f"{ref.name!r} can be read as the id of {ref.noun} {ref.id}, but {other}. "
        f'Say the number {ref.id} for the id, or "={ref.name}" for the name.'
    )


def _ambiguous(ref: Ref, found: list[Row], sight: _Sight) -> str:
    called = f"{ref.noun}s are called {inert(ref.name, limit=60)!r}"
    shown = sight.of(found)
    if len(shown) == len(found):
        return f"{len(found)} {called}: {_listed(found)}. Give the id."
    yours = f"; you may use {_listed(shown)}" if shown else ""
    return f"Several {called}{yours}. Give the id."


def _unknown(ref: Ref, rows: list[Row], sight: _Sight) -> str:
    shown = inert(ref.name, limit=60)
    if ref.noun == "contact":
        return f"No contact has the address {shown!r}. Create it with ac_sync_contact, or check the spelling."
    said, rows = f"No {ref.noun} is called {shown!r}", sight.of(rows)
    if not rows:
        return f"{said}; the account has none." if sight.open and not sight.only else f"{said}."
    by_name = {row.name.casefold(): row for row in reversed(rows) if row.name}
    close = get_close_matches(ref.name.casefold(), by_name, n=_MOST_CANDIDATES, cutoff=0.5)
    candidates = [by_name[name] for name in close] or rows[:_MOST_CANDIDATES]
    more = ", and others" if len(rows) > len(candidates) else ""
    return f"{said}. There are: {_listed(candidates)}{more}."


def _listed(rows: list[Row]) -> str:
    return ", ".join(_one(row) for row in rows[:_MOST_CANDIDATES])


def _one(row: Row) -> str:
    group = f", pipeline {row.wire['group']}" if "group" in row.wire and "title" in row.wire else ""
    return f"{quoted(row.name, limit=60)} (id {row.id}{group})"
