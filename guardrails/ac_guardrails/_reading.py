"""Reading entries back from the events and payloads of a ledger, within a transaction that is open."""

from __future__ import annotations

import sqlite3
from math import isfinite
from typing import Any

from ac_guardrails._entries import Entry
from ac_guardrails._events import chained, columns_of
from ac_guardrails._folding import fold, mapping
from ac_guardrails._history import Moment, history

_CHOSEN = (
    "entry IN (SELECT entry FROM events"
    " WHERE (?1 IS NULL OR agent = ?1 OR (agent > ?1 || '/' AND agent < ?1 || '0'))"  # the character after the slash
    " GROUP BY entry HAVING ?2 IS NULL OR MIN(at) >= ?2)"
)
# Bodies are read as bytes: what is damaged need not be text, and is told apart when it is read as JSON.
_BODY = "entry, CAST(body AS BLOB)"
_ROWS = f"SELECT {_BODY} FROM events WHERE {_CHOSEN} ORDER BY seq"  # noqa: S608 - constants only
_PAYLOADS = f"SELECT {_BODY} FROM payloads WHERE {_CHOSEN}"  # noqa: S608
_ROWS_OF = f"SELECT {_BODY} FROM events WHERE entry = ? ORDER BY seq"  # noqa: S608
_PAYLOAD_OF = f"SELECT {_BODY} FROM payloads WHERE entry = ?"  # noqa: S608
_JOINED = "SELECT json_extract(body, '$.into') FROM events WHERE entry = ? AND kind = 'joined' LIMIT 1"
_NEWEST = "SELECT entry FROM events GROUP BY entry ORDER BY MIN(seq) DESC LIMIT ?"
_COUNT = "SELECT COUNT(DISTINCT entry) FROM events"
_SHORTLY = 2000
"""Rows: more than are written in the seconds by which two clocks may differ."""
# Of neighbours that may be damaged.
_MADE = """
    SELECT DISTINCT json_extract(CASE WHEN json_valid(ended.body) THEN ended.body END, '$.made')
    FROM events AS ended JOIN events AS began ON began.entry = ended.entry AND began.kind = 'decided'
    WHERE ended.seq > (SELECT MIN(seq) FROM events WHERE entry = ?1) - ?2 AND ended.entry != ?1
    AND ended.kind IN ('outcome', 'settled') AND instr(ended.body, '"made":')
    AND json_extract(CASE WHEN json_valid(began.body) THEN began.body END, '$.host')
        = (SELECT json_extract(body, '$.host') FROM events WHERE entry = ?1 AND kind = 'decided')
"""
_CHAIN = "SELECT seq, entry, at, kind, agent, body, hash, call FROM events ORDER BY seq"


def entries_of(
    connection: sqlite3.Connection, agent: str | None, since: float | None, unreadable: list[str] | None
) -> list[Entry]:
    """All entries of an agent and those that work for it, or of all, that began at or after a time; oldest first."""
    rows = connection.execute(_ROWS, (agent, since)).fetchall()
    return fold(rows, dict(connection.execute(_PAYLOADS, (agent, since)).fetchall()), unreadable=unreadable)


def newest_entries(connection: sqlite3.Connection, most: int) -> tuple[list[Entry], int]:
    """The entries that began last, oldest first, and how many there are in all; quick however long the ledger is."""
    rows = connection.execute(_NEWEST, (most,)).fetchall()
    found = [entry_of(connection, entry) for (entry,) in reversed(rows)]
    return [entry for entry in found if entry is not None], connection.execute(_COUNT).fetchone()[0]


def entry_of(connection: sqlite3.Connection, entry: str, unreadable: list[str] | None = None) -> Entry | None:
    """One entry by its id; None where there is none."""
    rows = connection.execute(_ROWS_OF, (entry,)).fetchall()
    payload = connection.execute(_PAYLOAD_OF, (entry,)).fetchall()
    return next(iter(fold(rows, dict(payload), unreadable=unreadable)), None)


def history_of(connection: sqlite3.Connection, entry: str) -> list[Moment]:
    """What happened to an entry, step by step; nothing where there is none."""
    found = entry_of(connection, entry)
    if found is None:
        return []
    bodies = connection.execute(_ROWS_OF, (entry,)).fetchall()
    return history([mapping(body) for _, body in bodies], found.payload)


def entry_of_call(connection: sqlite3.Connection, call: str, *, sent: bool = False) -> Entry | None:
    """The latest entry of a call, by its replay key, or the latest that was sent; one that joined another stands for
    that.
    """
    name = name_of_call(connection, call, sent=sent)
    return entry_of(connection, name) if name else None


def name_of_call(connection: sqlite3.Connection, call: str, *, sent: bool = False) -> str:
    """The id of that entry; empty where there is none."""
    sql = "SELECT entry FROM events WHERE call = ?1 AND (NOT ?2 OR kind = 'sent') ORDER BY seq DESC LIMIT 1"
    row = connection.execute(sql, (call, sent)).fetchone()
    if row is None:
        return ""
    joined = connection.execute(_JOINED, row).fetchone()
    return str(joined[0] if joined else row[0])


def open_entries(connection: sqlite3.Connection, unreadable: list[str] | None = None) -> list[Entry]:
    """The entries that are waiting, open or unknown, oldest first; quick however long the ledger is."""
    rows = connection.execute("SELECT entry FROM payloads WHERE closed = 0 ORDER BY at").fetchall()
    found = [entry_of(connection, entry, unreadable) for (entry,) in rows]
    return [entry for entry in found if entry is not None and entry.state != "closed"]


def made_by_others(connection: sqlite3.Connection, entry: str) -> list[str]:
    """The records that other calls in the same account are known to have made, from shortly before an entry on."""
    rows = connection.execute(_MADE, (entry, _SHORTLY)).fetchall()
    return [made for (made,) in rows if made]


def first_fault(connection: sqlite3.Connection) -> str:
    """What is wrong with the first row of the chain that is broken; empty where none is."""
    previous, last = "", 0
    try:
        for row in connection.execute(_CHAIN):
            last = row[0]
            if fault := _fault_of(row, previous):
                return fault
            previous = row[6]
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
        damaged = connection.execute("SELECT MIN(seq) FROM events WHERE seq > ?", (last,)).fetchone()[0]
        return f"Row {damaged} was changed: it holds bytes that are no text."
    return ""


def _fault_of(row: tuple[Any, ...], previous: str) -> str:
    """What is wrong with a row, given the hash of the one before it; empty where nothing is."""
    seq, entry, at, kind, agent, body, kept, call = row
    if not isinstance(body, str) or chained(previous, body) != kept:
        return f"Row {seq} does not continue the chain: it, or a row before it, was changed or removed."
    if isinstance(at, float) and isfinite(at) and isinstance(agent, str):
        if body.startswith(columns_of(agent, at, call or "", entry, kind, seq)):
            return ""
    return f"Row {seq} was changed: its columns do not equal its text."
