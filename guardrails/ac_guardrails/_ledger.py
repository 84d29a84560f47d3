"""The ledger: the only place that remembers. Events are append only and chained; payloads hold values and expire."""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ac_guardrails._canonical import canonical
from ac_guardrails._entries import Entry, fold
from ac_guardrails._events import Event, LedgerError, chained, row_of, stored

_SCHEMA_VERSION = 1
_MIGRATIONS: dict[int, str] = {
    1: """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, agent TEXT NOT NULL,
        body TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE INDEX events_by_entry ON events (entry);
    CREATE INDEX events_by_agent ON events (agent, kind, at);
    CREATE TABLE payloads (entry TEXT PRIMARY KEY, at REAL NOT NULL, closed INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE INDEX payloads_by_age ON payloads (closed, at);
    """,
}
_CHOSEN = (
    "entry IN (SELECT entry FROM events WHERE (?1 IS NULL OR agent = ?1)"
    " GROUP BY entry HAVING ?2 IS NULL OR MIN(at) >= ?2)"
)
_ROWS = f"SELECT entry, body FROM events WHERE {_CHOSEN} ORDER BY seq"  # noqa: S608 - constants only
_PAYLOADS = f"SELECT entry, body FROM payloads WHERE {_CHOSEN}"  # noqa: S608
_LEDGERS: weakref.WeakSet[Ledger] = weakref.WeakSet()
_HELD: list[Ledger] = []
_PURGE_EVERY = 3600.0
_CLOSING = ("refused", "outcome", "failed")


class Ledger:
    """Events and payloads in SQLite, in a file or in memory, shared by the threads of a process.

    Args:
        path: The file; ":memory:" for none.
        payloads: How many seconds payloads are kept after their entry closed; 0 for not at all.
        clock: Epoch seconds.
    """

    def __init__(self, path: str, *, payloads: float = 30 * 86400, clock: Callable[[], float] = time.time) -> None:
        self._path = path if path == ":memory:" else str(Path(path).absolute())
        self._keep = payloads
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._purged_at = clock()
        self._emptied = False
        _LEDGERS.add(self)
        with self._lock:
            self._open()
        self.purge()

    @property
    def blocks(self) -> bool:
        """Whether writing waits for a disk, so that an event loop must not."""
        return self._path != ":memory:"

    def __repr__(self) -> str:
        return f"Ledger({self._path!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Ledger:
        return self

    def append(self, *events: Event, payload: Mapping[str, Any] | None = None, durable: bool = True) -> None:
        """Put events on record, in one transaction.

        Args:
            events: What happened, in order.
            payload: Values of the first event's entry to keep beside it, added to what is kept already.
            durable: Whether to wait until the disk has it; reads need not.

        Raises:
            LedgerError: Nothing was recorded.
        """
        with self._transaction(durable=durable) as connection:
            self._append(connection, events, payload)

    def reserve(
        self, *events: Event, windows: tuple[tuple[str, int], ...], check: Callable[[dict[tuple[str, int], int]], None]
    ) -> None:
        """Put a write on record before it leaves, if limits allow it; counted and recorded in one transaction.

        Args:
            events: The record of the write.
            windows: Area and seconds of each rolling limit in people.
            check: Raises where the people used so far leave no room.
        """
        with self._transaction(durable=True) as connection:
            if windows:
                check(self._used(connection, events[0].agent, windows))
            self._append(connection, events, None)

    def used(self, agent: str, windows: tuple[tuple[str, int], ...]) -> dict[tuple[str, int], int]:
        """How many people an agent's writes have touched, by area and window in seconds."""
        if not windows:
            return {}
        with self._transaction(durable=False) as connection:
            return self._used(connection, agent, windows)

    def entries(
        self, *, agent: str | None = None, state: str | None = None, since: float | datetime | None = None
    ) -> list[Entry]:
        """What is on record, oldest first.

        Args:
            agent: Only this agent's entries.
            state: Only entries that are "waiting", "open", "unknown" or "closed".
            since: Only entries that began at or after this time, in epoch seconds or as an aware datetime.

        Raises:
            ValueError: There is no such state.
        """
        if state not in (None, "waiting", "open", "unknown", "closed"):
            raise ValueError(f"{state!r} is no state. Use waiting, open, unknown or closed.")
        if isinstance(since, datetime):
            since = since.timestamp()
        with self._transaction(durable=False) as connection:
            rows = connection.execute(_ROWS, (agent, since)).fetchall()
            payloads = dict(connection.execute(_PAYLOADS, (agent, since)).fetchall())
        entries = fold(rows, payloads)
        return [entry for entry in entries if state is None or entry.state == state]

    def verify(self) -> str:
        """Check the chain. Returns an empty text, or what is wrong with the first broken row."""
        previous = ""
        with self._transaction(durable=False) as connection:
            for seq, entry, at, kind, agent, body, kept in connection.execute(
                "SELECT seq, entry, at, kind, agent, body, hash FROM events ORDER BY seq"
            ):
                previous = chained(previous, body)
                if previous != kept:
                    return f"Row {seq} does not continue the chain: it, or a row before it, was changed or removed."
                columns = canonical({"agent": agent, "at": at, "entry": entry, "kind": kind, "seq": seq})
                if not body.startswith(columns[:-1]):
                    return f"Row {seq} was changed: its columns do not equal its text."
        return ""

    def purge(self) -> int:
        """Delete the payloads whose time is over. The chain does not cover them and stays whole."""
        with self._transaction(durable=False) as connection:
            return self._purge(connection)

    def _purge(self, connection: sqlite3.Connection) -> int:
        self._purged_at = self._clock()
        over = self._purged_at - self._keep
        gone = connection.execute("DELETE FROM payloads WHERE closed = 1 AND at <= ?", (over,)).rowcount
        self._emptied = gone > 0
        return gone

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None and self._path != ":memory:":
                self._connection.close()
                self._connection = None

    def _append(
        self, connection: sqlite3.Connection, events: tuple[Event, ...], payload: Mapping[str, Any] | None
    ) -> None:
        last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = last or (0, "")
        now = round(self._clock(), 3)
        for event in events:
            seq += 1
            body = row_of(event, seq, now)
            previous = chained(previous, body)
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (seq, event.entry, now, event.kind, event.agent, body, previous),
            )
        self._keep_payload(connection, events, payload, now)
        if now - self._purged_at > _PURGE_EVERY:
            self._purge(connection)

    def _keep_payload(
        self, connection: sqlite3.Connection, events: tuple[Event, ...], payload: Mapping[str, Any] | None, now: float
    ) -> None:
        entry = events[0].entry
        if payload is not None:
            row = connection.execute("SELECT body FROM payloads WHERE entry = ?", (entry,)).fetchone()
            kept = {**json.loads(row[0] if row else "{}"), **payload}
            connection.execute("INSERT OR REPLACE INTO payloads VALUES (?, ?, 0, ?)", (entry, now, stored(kept)))
        if events[-1].kind in _CLOSING and not events[-1].data.get("unknown"):
            if self._keep:
                connection.execute("UPDATE payloads SET closed = 1, at = ? WHERE entry = ?", (now, entry))
            else:
                connection.execute("DELETE FROM payloads WHERE entry = ?", (entry,))

    def _used(
        self, connection: sqlite3.Connection, agent: str, windows: tuple[tuple[str, int], ...]
    ) -> dict[tuple[str, int], int]:
        used = {}
        for area, seconds in windows:
            row = connection.execute(
                "SELECT COALESCE(SUM(json_extract(body, '$.people')), 0) FROM events, json_each(body, '$.areas')"
                " WHERE agent = ? AND kind = 'sent' AND at > ? AND json_each.value = ?",
                (agent, self._clock() - seconds, area),
            ).fetchone()
            used[area, seconds] = int(row[0])
        return used

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._open()
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                    if self._emptied:  # until it is written back, the log beside the file holds what was deleted
                        self._emptied = False
                        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except BaseException:
                    if connection.in_transaction:  # a full disk has rolled it back already
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise LedgerError(
                    f"The ledger {self._path} cannot be used ({error}). No write is sent without a record; "
                    "make the file writable, or give the guard another ledger."
                ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        try:
            if self._path != ":memory:":  # names and addresses lie in it: nobody else's to read
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"The ledger {self._path} cannot be opened ({error}).") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")  # a payload whose time is over leaves the file, too
            _migrate(connection)
        except (sqlite3.Error, LedgerError) as error:
            connection.close()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"The ledger {self._path} cannot be opened ({error}).") from error
        self._connection = connection
        return connection


def open_ledger(url: str, *, payloads: str = "30d", clock: Callable[[], float] = time.time) -> Ledger:
    """Open the ledger that a URL names.

    Args:
        url: "memory:" (lost when the process ends), or "sqlite:///ledger.db" (relative; four slashes for absolute).
        payloads: How long values are kept after a call is closed, such as "30d" or "12h"; or "none".
        clock: Epoch seconds.

    Raises:
        ValueError: The URL or the time means nothing here.
        LedgerError: The file cannot be opened.
    """
    keep = _seconds(payloads)
    if url == "memory:":
        return Ledger(":memory:", payloads=keep, clock=clock)
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Ledger(url.removeprefix("sqlite:///"), payloads=keep, clock=clock)
    if url.startswith(("postgresql://", "postgres://")):
        raise ValueError("A PostgreSQL ledger is not built yet. Use sqlite:///ledger.db (one machine) or memory:.")
    raise ValueError(f"{url!r} names no ledger. Use memory: or sqlite:///ledger.db.")


def new_entry() -> str:
    """An id for a new entry: short enough to type, and never the same twice."""
    return secrets.token_hex(5)


def _seconds(text: str) -> float:
    if text == "none":
        return 0.0
    match = re.fullmatch(r"([0-9]{1,4})([dh])", text)
    if not match or int(match[1]) == 0:
        raise ValueError(f"payloads={text!r} is no time. Use '30d', '12h' or 'none'.")
    return int(match[1]) * (86400.0 if match[2] == "d" else 3600.0)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _SCHEMA_VERSION:
        connection.execute("ROLLBACK")
        raise LedgerError(f"The ledger was written by a newer version (schema {version}). Update this package.")
    for step in range(version + 1, _SCHEMA_VERSION + 1):
        for statement in _MIGRATIONS[step].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {step}")
    connection.execute("COMMIT")


def _before_fork() -> None:
    """Close every file before a fork: SQLite keeps its locks in the process, and a child would inherit their state."""
    for ledger in list(_LEDGERS):
        ledger._lock.acquire()
        _HELD.append(ledger)
        ledger.close()


def _after_fork() -> None:
    while _HELD:
        _HELD.pop()._lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
