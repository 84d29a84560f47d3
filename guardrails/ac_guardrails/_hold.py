"""What must be so before a write may leave: sent once, whoever runs it; no effect twice; nobody over a limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from ac_guardrails._events import CLOSING, Event
from ac_guardrails._reading import entry_of

Windows = tuple[tuple[str, int], ...]
"""Area and seconds of each rolling limit in people."""

Used = dict[tuple[str, int], int]
"""How many people were touched, by area and seconds."""

_ENDS = ", ".join(f"'{kind}'" for kind in CLOSING)


class TakenError(Exception):
    """A write may not leave: this very call has sent it already, or another call for the same effect is not closed.

    Args:
        entry: The entry that stands in the way.
        same: Whether it is the same call, or the same approval.
    """

    def __init__(self, entry: str, *, same: bool) -> None:
        super().__init__(entry)
        self.entry = entry
        self.same = same


@dataclass(frozen=True, slots=True)
class Hold:
    """What must be so when a write is put on record, checked and recorded in one transaction.

    Args:
        first: Whether it is the call's first write.
        effect: The effect key, which no other entry may hold.
        windows: Area and seconds of each rolling limit in people.
        check: Raises where the people used so far leave no room.
    """

    first: bool = True
    effect: str = ""
    windows: Windows = ()
    check: Callable[[Used], None] = lambda used: None


def refuse_second(connection: sqlite3.Connection, entry: str) -> None:
    """An entry is sent once and ends once, however many runs it has."""
    sql = f"SELECT 1 FROM events WHERE entry = ? AND kind IN ('sent', {_ENDS}) LIMIT 1"  # noqa: S608 - constants only
    if connection.execute(sql, (entry,)).fetchone():
        raise TakenError(entry, same=True)


def refuse_twice(connection: sqlite3.Connection, write: Event, effect: str) -> None:
    """One request an approval, one request a call, one request an effect that nobody has settled."""
    refuse_second(connection, write.entry)
    if write.call:
        sql = "SELECT entry FROM events WHERE call = ? AND entry != ? AND kind = 'sent' ORDER BY seq DESC LIMIT 1"
        row = connection.execute(sql, (write.call, write.entry)).fetchone()
        if row and not _certainly_undone(connection, row[0]):
            raise TakenError(row[0], same=True)
    if effect and (other := holder_of(connection, effect, write.entry)):
        raise TakenError(other, same=False)


def holder_of(connection: sqlite3.Connection, effect: str, entry: str) -> str:
    """The entry that holds an effect, other than this one; empty where none does."""
    sql = "SELECT entry FROM payloads WHERE effect = ? AND entry != ? AND closed = 0 LIMIT 1"
    row = connection.execute(sql, (effect, entry)).fetchone()
    return row[0] if row else ""


def used_by(connection: sqlite3.Connection, agent: str, windows: Windows, now: float) -> Used:
    """How many people an agent's writes have touched."""
    used = {}
    for area, seconds in windows:
        row = connection.execute(
            "SELECT COALESCE(SUM(json_extract(body, '$.people')), 0) FROM events, json_each(body, '$.areas')"
            " WHERE agent = ? AND kind = 'sent' AND at > ? AND json_each.value = ?",
            (agent, now - seconds, area),
        ).fetchone()
        used[area, seconds] = int(row[0])
    return used


def _certainly_undone(connection: sqlite3.Connection, entry: str) -> bool:
    found = entry_of(connection, entry)
    return found is not None and found.outcome in ("refused", "not_sent")
