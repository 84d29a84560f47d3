"""What the account itself tells of what happened in it, set against what is on record.

A notice confirms at most one write, and a write is confirmed by at most one notice. What no write explains was somebody
else's, and gets an entry of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ac_guardrails._entries import Entry
from ac_guardrails._events import Event
from ac_guardrails._ledger import new_entry
from ac_guardrails._reading import entry_of
from ac_guardrails._settle import SAYS_SO, may_run

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_TOLD = "told:"
"""What stands before a notice's name where the ledger finds events by the name of a call."""
_AROUND = 300.0
"""Seconds by which the account's clock, which says when something happened, and this computer's may be apart."""
_RIGHT_AFTER = 60.0
"""Seconds within which what somebody else does speaks against a write."""
# Crossed, so that the index of writes comes first; the events of one entry are few.
_WRITES = """
    SELECT DISTINCT began.entry FROM events AS sent CROSS JOIN events AS began ON began.entry = sent.entry
    WHERE sent.kind = 'sent' AND sent.at BETWEEN ? AND ? AND began.kind = 'decided'
    AND json_extract(began.body, '$.host') = ?
    AND json_extract(began.body, '$.tool') IN (SELECT value FROM json_each(?))
"""
_SINCE = """
    SELECT json_extract(body, '$.host'), json_extract(body, '$.event'), MIN(at) FROM events
    WHERE call >= 'told:' AND call < 'told;' GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the account tells.

    Args:
        id: Its name, the same however often it is handled; no digest of what it says.
        host: The account.
        event: What the account calls it.
        at: When it happened, in epoch seconds of the account's clock, which tells whole ones.
        tools: The tools whose writes it can concern.
        who: Through what it was done, as the account calls it.
        what: What was done, in the past, with ids alone: "put a tag on contact 46".
        plain: The same with names and values.
        made: The record that it made, as the product names it; empty where it made none.
    """

    id: str
    host: str
    event: str
    at: float
    tools: Sequence[str]
    who: str
    what: str
    plain: str
    made: str = ""


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a notice says of a write.

    Args:
        kind: "same" where it tells of what was written; "other" where it tells of the same record and other values;
            "against" where it tells of the opposite.
        reason: How far they differ, as a clause with ids and names of fields alone.
    """

    kind: Literal["same", "other", "against"]
    reason: str = ""


Weigh = Callable[[Entry], Bearing | None]
"""From a write that is on record to what the notice says of it; None where it does not concern it."""
_Row = tuple[tuple[Event, ...], Mapping[str, Any] | None]
"""Events of one entry, and values to keep beside it."""


def hear(guard: Guard, notice: Notice, weigh: Weigh) -> None:
    """Put on record what a notice says of the writes around it; nothing where it was heard before.

    Args:
        guard: Whose ledger it is.
        notice: What the account tells.
        weigh: Compares the two; it may ask the account.
    """
    ledger = guard.ledger
    with ledger.reading() as connection:
        around = [entry for name in _around(connection, notice) if (entry := entry_of(connection, name)) is not None]
    weighed = [(entry.id, bearing) for entry in around if entry.writes and (bearing := weigh(entry)) is not None]
    with ledger.transaction(durable=True) as connection:
        call = f"{_TOLD}{notice.id}"
        if connection.execute("SELECT 1 FROM events WHERE call = ? LIMIT 1", (call,)).fetchone():
            return
        # As they are now: another notice may have been heard meanwhile, or the call have ended.
        now = [(entry, bearing) for name, bearing in weighed if (entry := entry_of(connection, name)) is not None]
        for events, payload in _said(guard, notice, now):
            ledger.write(connection, *events, payload=payload)


def heard_since(connection: sqlite3.Connection) -> dict[tuple[str, str], float]:
    """Since when each account tells of each of its events on this ledger, in epoch seconds."""
    return {(host, event): at for host, event, at in connection.execute(_SINCE)}


def _around(connection: sqlite3.Connection, notice: Notice) -> list[str]:
    """The writes that may be meant, by the tools of the notice, near to when it happened.

    When it came says nothing: an old event may come again, or be handled late.
    """
    near = (notice.at - _AROUND, notice.at + _AROUND)
    rows = connection.execute(_WRITES, (*near, notice.host, json.dumps(list(notice.tools))))
    return [name for (name,) in rows]


def _said(guard: Guard, notice: Notice, found: Sequence[tuple[Entry, Bearing]]) -> Iterator[_Row]:
    """What the notice means, as events."""
    about = [(entry, bearing) for entry, bearing in found if bearing.kind != "against"]
    same = _meant(notice, (entry for entry, bearing in about if bearing.kind == "same" and not entry.confirmed_at))
    other = _meant(notice, (entry for entry, bearing in about if _may_differ(notice, entry, bearing)))
    if same is not None and same.outcome == "did_not_happen":
        yield (_against(notice, same, "it did happen", happened=True),), None
    elif same is not None:
        yield _confirmed(guard, notice, same), None
    elif other is not None and len(about) > 1:
        yield _confirmed(guard, notice, other), None  # of several writes of ours nobody can say whose values it tells
    elif other is not None:
        yield (_against(notice, other, about[0][1].reason),), None
    else:
        foreign = _foreign(notice)
        yield (foreign,), {"plain": notice.plain}
        for entry, bearing in _hit(notice, found):
            yield (_against(notice, entry, bearing.reason, through=foreign.entry),), None


def _may_differ(notice: Notice, entry: Entry, bearing: Bearing) -> bool:
    """Whether it may tell of this very write although the values differ; not where it happened before."""
    return bearing.kind == "other" and not entry.confirmation and entry.sent_at < notice.at + 1


def _hit(notice: Notice, found: Sequence[tuple[Entry, Bearing]]) -> Iterator[tuple[Entry, Bearing]]:
    """The writes that somebody else's act speaks against: it came surely after them, and soon.

    Of several that wrote values only the last one, since it has overwritten the others.
    """
    last = max((entry.sent_at for entry, bearing in found if bearing.kind != "against"), default=0.0)
    for entry, bearing in found:
        hits = bearing.kind == "against" or (bearing.kind == "other" and entry.sent_at == last)
        if hits and entry.sent_at < notice.at <= entry.sent_at + _RIGHT_AFTER:
            yield entry, bearing


def _meant(notice: Notice, entries: Iterable[Entry]) -> Entry | None:
    """The write that is meant: the last one before it, since it shows what all of them have made of the record.

    The account tells whole seconds. Where its clock is behind, the first one after it.
    """
    ordered = sorted(entries, key=lambda entry: entry.sent_at)
    before = [entry for entry in ordered if entry.sent_at < notice.at + 1]
    return before[-1] if before else next(iter(ordered), None)


def _confirmed(guard: Guard, notice: Notice, entry: Entry) -> tuple[Event, ...]:
    """That the write happened. An entry whose outcome nobody knows is settled with it; a call that runs ends itself."""
    confirmed = _event(notice, entry, "confirmed", made=notice.made)
    if entry.state == "unknown" or (entry.state == "open" and not may_run(guard, entry)):
        outcome = "partly" if entry.writes < entry.planned else "happened"
        data = {"outcome": outcome, "reason": SAYS_SO, **({"made": notice.made} if notice.made else {})}
        return confirmed, Event(entry.id, "settled", entry.agent, data)
    return (confirmed,)


def _against(notice: Notice, entry: Entry, reason: str, **data: Any) -> Event:
    return _event(notice, entry, "contradicted", reason=reason[:300], **data)


def _event(notice: Notice, entry: Entry, kind: str, **data: Any) -> Event:
    said = {name: value for name, value in data.items() if value}
    return Event(
        entry.id, kind, entry.agent, {"event": notice.event, "host": notice.host, **said}, f"{_TOLD}{notice.id}"
    )


def _foreign(notice: Notice) -> Event:
    data = {"event": notice.event, "host": notice.host, "who": notice.who, "what": notice.what}
    return Event(new_entry(), "foreign", "", data, f"{_TOLD}{notice.id}")
