"""Rows: the chain of events as the ledger stores it, and the two ways to add to its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from ac_guardrails._events import Event, chained, row_of

Row = tuple[Any, ...]
_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?)"
_ADD = "INSERT INTO events VALUES " + _PLACES  # noqa: S608 - text of our own


class End(NamedTuple):
    """Where the chain ends: the number of its last row, and the hash of that."""

    seq: int = 0
    hash: str = ""


def end_of(connection: sqlite3.Connection) -> End:
    """Where the chain ends now."""
    last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return End(*last) if last else End()


def rows_after(end: End, events: Sequence[Event], at: float) -> tuple[list[Row], End]:
    """Events as the rows that follow the end of a chain.

    Args:
        end: Where it ends before them.
        events: What happened, in order.
        at: When, in epoch seconds.

    Returns:
        The rows, and where the chain ends after them.
    """
    rows = []
    seq, last = end
    for event in events:
        seq += 1
        body = row_of(event, seq, at)
        last = chained(last, body)
        rows.append((seq, event.entry, at, event.kind, event.agent, body, last, event.call or None))
    return rows, End(seq, last)


def add(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Add rows within a transaction that has looked where the chain ends."""
    for row in rows:
        connection.execute(_ADD, row)


def adding(end: End, rows: list[Row]) -> tuple[str, Row]:
    """The statement that adds rows, all of a transaction in one, and its values; an error if the chain ends elsewhere.

    Where another row came after that end, the number is taken. Where the end itself is gone, the first of the rows
    lacks its entry, which the table does not take: to look first and then insert would take SQLite a fourth longer.
    """
    (seq, *first), more = rows[0], rows[1:]
    return _adding(len(more)), (seq, *end, *first, *(value for row in more for value in row))


@cache
def _adding(more: int) -> str:
    entry = "CASE WHEN (SELECT hash FROM events WHERE seq = ?) = ? THEN ? END"
    return ", ".join([_ADD.replace("(?, ?,", f"(?, {entry},", 1), *[_PLACES] * more])
