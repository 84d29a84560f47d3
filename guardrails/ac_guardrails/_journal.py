"""The journal under the ledger: events and payloads in SQLite, in transactions that take along what reads left."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from ac_guardrails._database import Database
from ac_guardrails._display import Displayed
from ac_guardrails._events import CLOSING, Event
from ac_guardrails._late import Batch, Late
from ac_guardrails._payloads import drop, drop_old, keep
from ac_guardrails._rows import End, add, end_of, rows_after

_PURGE_EVERY = 3600.0


class Journal(Displayed):
    """Takes events and payloads, all or nothing; what they mean is the ledger's.

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
        self._late = Late(self.flush, outlasts=not self._database.in_memory)
        self._is_closed = False
        self._end = End()
        """Where the chain ended with what this ledger put on record last."""
        self._is_followed = False
        """Whether a read may follow there at once."""
        self._at_once = 0
        """How many reads in a row were put on record at once."""
        self.in_memory = self._database.in_memory
        """Whether it ends with the process, and is nobody else's."""
        self.purge()

    @property
    def path(self) -> str:
        """The file; ":memory:" for none."""
        return self._database.path

    @property
    def blocks(self) -> bool:
        """Whether an event loop must not write: because it would wait for a disk, or because somebody forbids it."""
        return not self.in_memory or is_watched()

    @property
    def keeps_payloads(self) -> bool:
        """Whether the values of a call are kept once it has ended, without which nothing can be taken back."""
        return self._keep > 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # nobody is left to hear of it
            if not self.in_memory:
                self.close()

    def now(self) -> float:
        """The time, in epoch seconds."""
        return self._clock()

    def append_late(self, *events: Event, payload: Mapping[str, Any] | None = None) -> None:
        """Put events on record later, many at a time: how a read ended, which hurts nobody if it is lost.

        They are on record before anything else that this process does with the ledger, but for more reads within a
        second.

        Args:
            events: What happened, in order.
            payload: Values to keep beside the entry.
        """
        self._late.add((round(self._clock(), 3), events, payload))
        if self.in_memory and self._late.due(self._clock(), all_of_it=False):
            self.flush()
        elif self._is_closed:  # while a call was still under way; nobody may come back for what it leaves
            self.close()

    def write(self, connection: sqlite3.Connection, *events: Event, payload: Mapping[str, Any] | None = None) -> None:
        """Append events within a transaction that is open.

        Args:
            connection: The transaction's.
            events: What happened, in order.
            payload: Values to keep beside the first event's entry.
        """
        self._write(connection, [(round(self._clock(), 3), events, payload)])

    def _write(self, connection: sqlite3.Connection, batches: list[Batch]) -> bool:
        """Returns whether nobody else has put anything on record since this ledger did."""
        end = end_of(connection)
        is_alone = end == self._end
        for now, events, payload in batches:
            rows, end = rows_after(end, events, now)
            add(connection, rows)
            self._keep_payload(connection, events, payload, now)
        self._end, self._is_followed, self._at_once = end, False, 0
        return is_alone

    def _keep_payload(
        self, connection: sqlite3.Connection, events: tuple[Event, ...], payload: Mapping[str, Any] | None, now: float
    ) -> None:
        closing = events[-1].kind in CLOSING and not events[-1].data.get("unknown")
        if closing and not self._keep:
            drop(connection, events[0].entry)
        elif payload or closing:
            keep(connection, events[0].entry, payload or {}, now, closing=closing)

    def purge(self) -> int:
        """Delete the payloads whose time is over. The chain does not cover them and stays whole."""
        with self.transaction(durable=False) as connection:
            gone = self._purge(connection)
        if gone:
            self._database.write_back()
        return gone

    def _purge(self, connection: sqlite3.Connection) -> int:
        self._purged_at = self._clock()
        connection.execute("DELETE FROM rounds WHERE at <= ?", (self._purged_at - 90 * 86400,))
        return drop_old(connection, self._purged_at - self._keep)

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        if self._late.due(self._clock(), all_of_it=True):
            self.flush()
        self._is_closed = True
        self._database.close()

    def reading(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A look that keeps no writer out, and misses what was left to be recorded of reads."""
        return self._database.reading()

    @contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        """A look at all that has happened, as it is at one moment, that keeps no writer out."""
        if self._late.due(self._clock(), all_of_it=True):
            self.flush()
        with self._database.reading() as connection:
            if self.in_memory:  # whose lock keeps all writers out
                yield connection
                return
            self._database.refuse_nested()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()

    def flush(self) -> None:
        """Put on record what was left for the next transaction."""
        with self.transaction(durable=False):
            pass

    @contextmanager
    def transaction(self, *, durable: bool, with_late: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing, with what was left to be recorded first.

        Args:
            durable: Whether the disk must have it at the end.
            with_late: Whether what was left must be recorded now, even if it is little and young. If nothing is
                recorded with it, its end leaves the log as long as it is.
        """
        database, gone = self._database, 0
        with database.lock:  # until what was left is off the list, so that no other thread records it, too
            database.refuse_nested()
            late = self._late.due(self._clock(), all_of_it=with_late)
            writes_back, is_ending = with_late or bool(late), False
            try:
                connection = database.begin(durable=durable, writes_back=writes_back)
                if late:
                    self._write(connection, late)
                yield connection
                if self._clock() - self._purged_at > _PURGE_EVERY:
                    gone = self._purge(connection)
                is_ending = True
                connection.execute("COMMIT")
                self._late.recorded(late)
            except BaseException as error:
                if is_ending and not isinstance(error, sqlite3.Error):  # a signal, after it was done
                    self._late.recorded(late)
                database.undo(error)
                raise
            if writes_back or gone:
                self._is_followed = False  # where the log begins anew, whoever writes next waits for the disk
        if gone:
            database.write_back()


def is_watched() -> bool:
    """Whether LangGraph's development server looks on: its blockbuster ends a run for a microsecond in SQLite."""
    return "blockbuster" in sys.modules
