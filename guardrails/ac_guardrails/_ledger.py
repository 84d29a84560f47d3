"""The ledger: the only place that remembers. Events are append only and chained; payloads hold values and expire."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ac_guardrails._database import Database
from ac_guardrails._entries import Entry, fold
from ac_guardrails._events import Event, LedgerError, chained, columns_of, row_of, stored
from ac_guardrails._inflight import InFlight
from ac_guardrails._stop import Stop, StoppedError, latest_stop

_CHOSEN = (
    "entry IN (SELECT entry FROM events WHERE (?1 IS NULL OR agent = ?1)"
    " GROUP BY entry HAVING ?2 IS NULL OR MIN(at) >= ?2)"
)
_ROWS = f"SELECT entry, body FROM events WHERE {_CHOSEN} ORDER BY seq"  # noqa: S608 - constants only
_PAYLOADS = f"SELECT entry, body FROM payloads WHERE {_CHOSEN}"  # noqa: S608
_PURGE_EVERY = 3600.0
_CLOSING = ("refused", "outcome", "failed", "settled", "joined")
_ENDS = ", ".join(f"'{kind}'" for kind in _CLOSING)
_KEPT = (
    "INSERT INTO payloads (entry, at, closed, body) VALUES (?, ?, 0, ?)"
    " ON CONFLICT (entry) DO UPDATE SET at = excluded.at, closed = 0, body = excluded.body"
)
_CLOSED = (
    "INSERT INTO payloads (entry, at, closed, body) VALUES (?, ?, 1, ?)"
    " ON CONFLICT (entry) DO UPDATE SET at = excluded.at, closed = 1, body = excluded.body, effect = NULL, ask = NULL"
)
_NO_PEOPLE: dict[tuple[str, int], int] = {}


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
    windows: tuple[tuple[str, int], ...] = ()
    check: Callable[[dict[tuple[str, int], int]], None] = lambda used: None


class Ledger:
    """Events and payloads in SQLite, in a file or in memory, shared by the threads of a process.

    Args:
        path: The file; ":memory:" for none.
        payloads: How many seconds payloads are kept after their entry closed; 0 for not at all.
        clock: Epoch seconds.
    """

    def __init__(self, path: str, *, payloads: float = 30 * 86400, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path)
        self._keep = payloads
        self._clock = clock
        self._purged_at = clock()
        self._late: list[tuple[float, tuple[Event, ...], Mapping[str, Any] | None]] = []
        self.in_flight = InFlight()
        """The calls of this process that are on their way."""
        self.purge()

    @property
    def path(self) -> str:
        """The file; ":memory:" for none."""
        return self._database.path

    @property
    def blocks(self) -> bool:
        """Whether writing waits for a disk, so that an event loop must not."""
        return not self._database.in_memory

    def __repr__(self) -> str:
        return f"Ledger({self.path!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Ledger:
        return self

    def now(self) -> float:
        """The time, in epoch seconds."""
        return self._clock()

    # Writing

    def append(
        self,
        *events: Event,
        payload: Mapping[str, Any] | None = None,
        durable: bool = True,
        leaving: bool = False,
        unsent: bool = False,
    ) -> None:
        """Put events on record, in one transaction.

        Args:
            events: What happened, in order.
            payload: Values of the first event's entry to keep beside it, added to what is kept already.
            durable: Whether to wait until the disk has it; reads need not.
            leaving: Whether a read leaves next, which a stop may forbid.
            unsent: Whether this ends a call whose run has sent nothing, so that another run of it may be further.

        Raises:
            LedgerError: Nothing was recorded.
            StoppedError: The guard was stopped, reads included. Nothing was recorded.
            TakenError: Another run has sent it, or ended it. Nothing was recorded.
        """
        with self.transaction(durable=durable) as connection:
            if unsent:
                _refuse_second(connection, events[-1].entry)
            if leaving and (stop := latest_stop(connection)) and stop.reads:
                raise StoppedError(stop)
            self.write(connection, *events, payload=payload)

    def append_late(self, *events: Event, payload: Mapping[str, Any] | None = None) -> None:
        """Put events on record with the next transaction of this process: how a read ended, which hurts nobody if lost.

        Args:
            events: What happened, in order.
            payload: Values to keep beside the entry.
        """
        # Without the lock, which an event loop may not wait for: adding to the end of a list needs none.
        self._late.append((round(self._clock(), 3), events, payload))
        if self.blocks:
            _PENDING.add(self)

    def reserve(self, *events: Event, hold: Hold, payload: Mapping[str, Any] | None = None) -> None:
        """Put a write on record before it leaves, if nothing stands in its way.

        Args:
            events: What led to the write, and last the write itself.
            hold: What must be so.
            payload: Values to keep beside the entry.

        Raises:
            StoppedError: The guard was stopped.
            TakenError: The same was sent already, or is not closed.
            LedgerError: Nothing was recorded.
        """
        entry = events[-1].entry
        with self.transaction(durable=True) as connection:
            if stop := latest_stop(connection):
                raise StoppedError(stop)
            if hold.first:
                self._refuse_twice(connection, events, hold)
            if hold.windows:
                hold.check(self._used(connection, events[-1].agent, hold.windows))
            self.write(connection, *events, payload=payload)
            connection.execute(
                "UPDATE payloads SET effect = COALESCE(?, effect), ask = NULL WHERE entry = ?",
                (hold.effect or None, entry),
            )

    def append_found(self, event: Event) -> bool:
        """Put on record what was found out about an entry, unless that was settled meanwhile.

        Args:
            event: What was found.

        Returns:
            Whether it was put on record.

        Raises:
            LedgerError: Nothing was recorded.
        """
        with self.transaction(durable=True) as connection:
            found = self._entry(connection, event.entry)
            if found is None or found.state == "closed":
                return False
            self.write(connection, event)
            return True

    def _refuse_twice(self, connection: sqlite3.Connection, events: tuple[Event, ...], hold: Hold) -> None:
        """One request an approval, one request a call, one request an effect that nobody has settled."""
        entry, call = events[-1].entry, events[-1].call
        _refuse_second(connection, entry)
        if call:
            sql = "SELECT entry FROM events WHERE call = ? AND entry != ? AND kind = 'sent' ORDER BY seq DESC LIMIT 1"
            for (other,) in connection.execute(sql, (call, entry)).fetchall():
                if not self._certainly_undone(connection, other):
                    raise TakenError(other, same=True)
        if hold.effect and (other := self._holder(connection, hold.effect, entry)):
            raise TakenError(other, same=False)

    def _certainly_undone(self, connection: sqlite3.Connection, entry: str) -> bool:
        found = self._entry(connection, entry)
        return found is not None and found.outcome in ("refused", "not_sent")

    def _holder(self, connection: sqlite3.Connection, effect: str, entry: str) -> str:
        sql = "SELECT entry FROM payloads WHERE effect = ? AND entry != ? AND closed = 0 LIMIT 1"
        row = connection.execute(sql, (effect, entry)).fetchone()
        return row[0] if row else ""

    def write(self, connection: sqlite3.Connection, *events: Event, payload: Mapping[str, Any] | None = None) -> None:
        """Append events within a transaction that is open.

        Args:
            connection: The transaction's.
            events: What happened, in order.
            payload: Values to keep beside the first event's entry.
        """
        self._write(connection, round(self._clock(), 3), events, payload)

    def _write(
        self, connection: sqlite3.Connection, now: float, events: tuple[Event, ...], payload: Mapping[str, Any] | None
    ) -> None:
        last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = last or (0, "")
        for event in events:
            seq += 1
            body = row_of(event, seq, now)
            previous = chained(previous, body)
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (seq, event.entry, now, event.kind, event.agent, body, previous, event.call or None),
            )
        self._keep_payload(connection, events, payload, now)

    def _keep_payload(
        self, connection: sqlite3.Connection, events: tuple[Event, ...], payload: Mapping[str, Any] | None, now: float
    ) -> None:
        entry = events[0].entry
        closing = events[-1].kind in _CLOSING and not events[-1].data.get("unknown")
        if closing and not self._keep:
            connection.execute("DELETE FROM payloads WHERE entry = ?", (entry,))
            return
        if payload is not None:
            row = connection.execute("SELECT body FROM payloads WHERE entry = ?", (entry,)).fetchone()
            kept = {**json.loads(row[0]), **payload} if row else payload
            connection.execute(_CLOSED if closing else _KEPT, (entry, now, stored(kept)))
        elif closing:
            sql = "UPDATE payloads SET closed = 1, at = ?, effect = NULL, ask = NULL WHERE entry = ?"
            connection.execute(sql, (now, entry))

    # Reading

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
        with self.transaction(durable=False) as connection:
            rows = connection.execute(_ROWS, (agent, since)).fetchall()
            payloads = dict(connection.execute(_PAYLOADS, (agent, since)).fetchall())
        entries = fold(rows, payloads)
        return [entry for entry in entries if state is None or entry.state == state]

    def entry(self, entry_id: str) -> Entry | None:
        """One entry by its id; None where there is none."""
        with self.transaction(durable=False) as connection:
            return self._entry(connection, entry_id)

    def not_closed(self) -> list[Entry]:
        """The entries that are waiting, open or unknown, oldest first; quick however long the ledger is."""
        with self.transaction(durable=False) as connection:
            rows = connection.execute("SELECT entry FROM payloads WHERE closed = 0 ORDER BY at").fetchall()
            found = [self._entry(connection, entry) for (entry,) in rows]
        return [entry for entry in found if entry is not None and entry.state != "closed"]

    def recall(self, call: str) -> Entry | None:
        """The latest entry of a call, by its replay key; one that joined another stands for that."""
        with self.transaction(durable=False) as connection:
            sql = "SELECT entry FROM events WHERE call = ? ORDER BY seq DESC LIMIT 1"
            row = connection.execute(sql, (call,)).fetchone()
            found = self._entry(connection, row[0]) if row else None
            return self._entry(connection, found.joined) if found and found.joined else found

    def _entry(self, connection: sqlite3.Connection, entry: str) -> Entry | None:
        sql = "SELECT entry, body FROM events WHERE entry = ? ORDER BY seq"
        rows = connection.execute(sql, (entry,)).fetchall()
        payload = connection.execute("SELECT entry, body FROM payloads WHERE entry = ?", (entry,)).fetchall()
        return next(iter(fold(rows, dict(payload))), None)

    def outlook(
        self, agent: str, entry: str, *, windows: tuple[tuple[str, int], ...] = (), effect: str = ""
    ) -> tuple[dict[tuple[str, int], int], str]:
        """What a decision needs: the people that an agent's writes have touched, by area and window in seconds, and the
        entry that holds the effect already, if any.
        """
        if not windows and not effect:
            return _NO_PEOPLE, ""
        with self._database.reading() as connection:
            return self._used(connection, agent, windows), self._holder(connection, effect, entry) if effect else ""

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

    # Keeping

    def stop(self, reason: str, *, by: str, reads: bool = False) -> None:
        """Halt every write of every process on this ledger, from the next one on.

        Args:
            reason: Why, for the agents and the record.
            by: Who stops it.
            reads: Whether reads are halted, too.
        """
        self._control("stopped", reason=reason[:300], by=by, reads=reads)

    def resume(self, *, by: str) -> None:
        """Lift a stop.

        Args:
            by: Who lifts it.
        """
        self._control("resumed", by=by)

    def stopped(self) -> Stop | None:
        """The stop that holds now; None without one."""
        with self._database.reading() as connection:
            return latest_stop(connection)

    def _control(self, kind: str, *, by: str, **data: Any) -> None:
        if not by.strip():
            raise ValueError("Stopping and resuming need the name of the person: by=.")
        said = {key: value for key, value in {"by": by[:80], **data}.items() if value}
        self.append(Event(new_entry(), kind, "", said))

    def verify(self) -> str:
        """Check the chain. Returns an empty text, or what is wrong with the first broken row."""
        previous = ""
        with self.transaction(durable=False):
            pass  # what is still to be written belongs to what is checked
        with self._database.reading() as connection:
            for seq, entry, at, kind, agent, body, kept, call in connection.execute(
                "SELECT seq, entry, at, kind, agent, body, hash, call FROM events ORDER BY seq"
            ):
                previous = chained(previous, body)
                if previous != kept:
                    return f"Row {seq} does not continue the chain: it, or a row before it, was changed or removed."
                if not body.startswith(columns_of(agent, at, call or "", entry, kind, seq)):
                    return f"Row {seq} was changed: its columns do not equal its text."
        return ""

    def purge(self) -> int:
        """Delete the payloads whose time is over. The chain does not cover them and stays whole."""
        with self.transaction(durable=False) as connection:
            gone = self._purge(connection)
        if gone:
            self._database.write_back()
        return gone

    def _purge(self, connection: sqlite3.Connection) -> int:
        self._purged_at = self._clock()
        over = self._purged_at - self._keep
        connection.execute("DELETE FROM rounds WHERE at <= ?", (self._purged_at - 90 * 86400,))
        return connection.execute("DELETE FROM payloads WHERE closed = 1 AND at <= ?", (over,)).rowcount

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        if self._late:
            self.flush()
        self._database.close()

    def flush(self) -> None:
        """Put on record what was left for the next transaction."""
        with self.transaction(durable=False):
            pass

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """All or nothing, with what was left to be recorded first.

        Args:
            durable: Whether the disk must have it at the end.
        """
        with self._database.transaction(durable=durable) as connection:
            late = len(self._late)
            for now, events, payload in self._late[:late]:
                self._write(connection, now, events, payload)
            yield connection
            due = self._clock() - self._purged_at > _PURGE_EVERY
            gone = self._purge(connection) if due else 0
        del self._late[:late]
        if late:
            _PENDING.discard(self)
            if self._late:  # added in the meantime
                _PENDING.add(self)
        if gone:
            self._database.write_back()


_PENDING: set[Ledger] = set()
"""The ledgers that have something left to be recorded."""


def _flush_all() -> None:
    """Before the process ends, or a child inherits it, what reads left to be recorded is recorded."""
    for ledger in list(_PENDING):
        with contextlib.suppress(LedgerError):
            ledger.flush()


atexit.register(_flush_all)
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_flush_all)


def _refuse_second(connection: sqlite3.Connection, entry: str) -> None:
    """An entry is sent once and ends once, however many runs it has."""
    sql = f"SELECT 1 FROM events WHERE entry = ? AND kind IN ('sent', {_ENDS}) LIMIT 1"  # noqa: S608 - constants only
    if connection.execute(sql, (entry,)).fetchone():
        raise TakenError(entry, same=True)


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
