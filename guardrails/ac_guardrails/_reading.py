"""Reading entries back from the events and payloads of a ledger, within a transaction that is open."""

from __future__ import annotations

import sqlite3

from ac_guardrails._entries import Entry, fold
from ac_guardrails._events import chained, columns_of

_CHOSEN = (
    "entry IN (SELECT entry FROM events WHERE (?1 IS NULL OR agent = ?1)"
    " GROUP BY entry HAVING ?2 IS NULL OR MIN(at) >= ?2)"
)
_ROWS = f"SELECT entry, body FROM events WHERE {_CHOSEN} ORDER BY seq"  # noqa: S608 - constants only
_PAYLOADS = f"SELECT entry, body FROM payloads WHERE {_CHOSEN}"  # noqa: S608


def entries_of(connection: sqlite3.Connection, agent: str | None, since: float | None) -> list[Entry]:
    """All entries of an agent, or of all, that began at or after a time; oldest first."""
    rows = connection.execute(_ROWS, (agent, since)).fetchall()
    return fold(rows, dict(connection.execute(_PAYLOADS, (agent, since)).fetchall()))


def entry_of(connection: sqlite3.Connection, entry: str) -> Entry | None:
    """One entry by its id; None where there is none."""
    rows = connection.execute("SELECT entry, body FROM events WHERE entry = ? ORDER BY seq", (entry,)).fetchall()
    payload = connection.execute("SELECT entry, body FROM payloads WHERE entry = ?", (entry,)).fetchall()
    return next(iter(fold(rows, dict(payload))), None)


def entry_of_call(connection: sqlite3.Connection, call: str) -> Entry | None:
    """The latest entry of a call, by its replay key; one that joined another stands for that."""
    sql = "SELECT entry FROM events WHERE call = ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(sql, (call,)).fetchone()
    found = entry_of(connection, row[0]) if row else None
    return entry_of(connection, found.joined) if found and found.joined else found


def open_entries(connection: sqlite3.Connection) -> list[Entry]:
    """The entries that are waiting, open or unknown, oldest first; quick however long the ledger is."""
    rows = connection.execute("SELECT entry FROM payloads WHERE closed = 0 ORDER BY at").fetchall()
    found = [entry_of(connection, entry) for (entry,) in rows]
    return [entry for entry in found if entry is not None and entry.state != "closed"]


def first_fault(connection: sqlite3.Connection) -> str:
    """What is wrong with the first row of the chain that is broken; empty where none is."""
    previous = ""
    for seq, entry, at, kind, agent, body, kept, call in connection.execute(
        "SELECT seq, entry, at, kind, agent, body, hash, call FROM events ORDER BY seq"
    ):
        previous = chained(previous, body)
        if previous != kept:
            return f"Row {seq} does not continue the chain: it, or a row before it, was changed or removed."
        if not body.startswith(columns_of(agent, at, call or "", entry, kind, seq)):
            return f"Row {seq} was changed: its columns do not equal its text."
    return ""
