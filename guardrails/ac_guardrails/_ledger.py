"""The ledger: the only place that remembers. Events are append only and chained; payloads hold values and expire."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ac_guardrails._entries import Entry
from ac_guardrails._events import Event
from ac_guardrails._history import Moment
from ac_guardrails._hold import Hold, holder_of, refuse_second, refuse_twice, used_by
from ac_guardrails._inflight import InFlight
from ac_guardrails._journal import Journal, is_watched
from ac_guardrails._limits import Used, Windows
from ac_guardrails._reading import (
    entries_of,
    entry_of,
    entry_of_call,
    first_fault,
    history_of,
    made_by_others,
    name_of_call,
    newest_entries,
    open_entries,
)
from ac_guardrails._rows import adding, rows_after
from ac_guardrails._stop import Stop, StoppedError, latest_stop

_MOST_AT_ONCE = 200
"""Reads in a row before the log that they lengthen may be written back."""


class Ledger(Journal):
    """Events and payloads in SQLite, in a file or in memory, shared by the threads of a process.

    Args:
        path: The file; ":memory:" for none.
        payloads: How many seconds payloads are kept after their entry closed; 0 for not at all.
        clock: Epoch seconds.
    """

    def __init__(self, path: str, *, payloads: float = 30 * 86400, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, payloads=payloads, clock=clock)
        self._stop: Stop | None = None
        """The stop that holds, in memory, where nobody else can have said one."""
        self.in_flight = InFlight() if self.in_memory else InFlight.of(os.path.realpath(path))
        """The calls of this process that are on their way."""

    # Writing

    def append(
        self,
        *events: Event,
        payload: Mapping[str, Any] | None = None,
        durable: bool = True,
        unsent: bool = False,
    ) -> None:
        """Put events on record, in one transaction.

        Args:
            events: What happened, in order.
            payload: Values of the first event's entry to keep beside it, added to what is kept already (see `keep`).
            durable: Whether to wait until the disk has it; reads need not.
            unsent: Whether this ends a call whose run has sent nothing, so that another run of it may be further.

        Raises:
            LedgerError: Nothing was recorded.
            TakenError: Another run has sent it, or ended it. Nothing was recorded.
        """
        with self.transaction(durable=durable) as connection:
            if unsent:
                refuse_second(connection, events[-1].entry)
            self.write(connection, *events, payload=payload)

    def append_read(self, *events: Event) -> None:
        """Put a read on record that leaves next, unless the guard was stopped, reads included.

        Raises:
            LedgerError: Nothing was recorded.
            StoppedError: The guard was stopped. Nothing was recorded.
        """
        if self.in_memory:  # it ends with the process, so whoever looks at it finds what is recorded late, too
            if (stop := self.stopped()) and stop.reads:
                raise StoppedError(stop)
            self.append_late(*events)
        elif not self.append_read_at_once(*events):
            with self.transaction(durable=False, with_late=self._at_once >= _MOST_AT_ONCE) as connection:
                if (stop := latest_stop(connection)) and stop.reads:
                    raise StoppedError(stop)
                self._is_followed = self._write(connection, [(round(self._clock(), 3), events, None)])
                self._database.expect_attempts()

    def append_read_at_once(self, *events: Event) -> bool:
        """The same, where the chain still ends with a read that this ledger has put there: nobody has stopped the
        guard since.

        It waits for nobody, so an event loop may do it. Nor does it wait for the disk, but for the first one after
        another process has written the log back into the file.

        Returns:
            Whether it is on record; else `append_read` does it, and says what is wrong.
        """
        end, now = self._end, round(self._clock(), 3)
        if not self._is_followed or is_watched() or self._at_once >= _MOST_AT_ONCE:
            return False
        if self._late.due(now, all_of_it=False):
            return False
        rows, after = rows_after(end, events, now)
        if not self._database.attempt(*adding(end, rows)):
            self._is_followed = False
            return False
        self._end, self._at_once = after, self._at_once + 1
        return True

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
                refuse_twice(connection, events[-1], hold.effect)
            if hold.windows:
                hold.check(used_by(connection, events[-1].agent, hold.windows, self._clock()))
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
            found = entry_of(connection, event.entry)
            if found is None or found.state == "closed":
                return False
            self.write(connection, event)
            return True

    # Reading

    def entries(
        self,
        *,
        agent: str | None = None,
        state: str | None = None,
        since: float | datetime | None = None,
        unreadable: list[str] | None = None,
    ) -> list[Entry]:
        """What is on record, oldest first.

        Args:
            agent: Only the entries of this agent, and of those that work for it.
            state: Only entries that are "waiting", "open", "unknown" or "closed".
            since: Only entries that began at or after this time, in epoch seconds or as an aware datetime.
            unreadable: Takes the ids of entries that are damaged, which are left out then.

        Raises:
            LedgerError: An entry is damaged, and nothing was given to take its id.
            ValueError: There is no such state.
        """
        if state not in (None, "waiting", "open", "unknown", "closed"):
            raise ValueError(f"{state!r} is no state. Use waiting, open, unknown or closed.")
        if isinstance(since, datetime):
            since = since.timestamp()
        with self._looking() as connection:
            entries = entries_of(connection, agent, since, unreadable)
        return [entry for entry in entries if state is None or entry.state == state]

    def newest(self, most: int) -> tuple[list[Entry], int]:
        """The entries that began last, oldest first, and how many there are in all; quick however long the ledger is.

        Args:
            most: How many.
        """
        with self._looking() as connection:
            return newest_entries(connection, most)

    def entry(self, entry_id: str, *, unreadable: list[str] | None = None) -> Entry | None:
        """One entry by its id; None where there is none.

        Args:
            entry_id: The id.
            unreadable: Takes the id if the entry is damaged, which is None then.

        Raises:
            LedgerError: The entry is damaged, and nothing was given to take its id.
        """
        with self._looking() as connection:
            return entry_of(connection, entry_id, unreadable)

    def history(self, entry_id: str) -> list[Moment]:
        """What happened to one entry, step by step, in order; nothing where there is no such entry."""
        with self._looking() as connection:
            return history_of(connection, entry_id)

    def not_closed(self, *, unreadable: list[str] | None = None) -> list[Entry]:
        """The entries that are waiting, open or unknown, oldest first; quick however long the ledger is.

        Args:
            unreadable: Takes the ids of entries that are damaged, which are left out then.

        Raises:
            LedgerError: An entry is damaged, and nothing was given to take its id.
        """
        with self._looking() as connection:
            return open_entries(connection, unreadable)

    def recall(self, call: str, *, sent: bool = False) -> Entry | None:
        """The latest entry of a call, by its replay key; one that joined another stands for that.

        Args:
            call: The replay key.
            sent: Only one of which something has left; a later run of the call may have found nothing to do.
        """
        with self._looking() as connection:
            return entry_of_call(connection, call, sent=sent)

    def entry_of_call(self, call: str) -> str:
        """The id of the entry that `recall` finds, without reading it; empty where there is none."""
        with self._looking() as connection:
            return name_of_call(connection, call)

    def made_by_others(self, entry: str) -> list[str]:
        """The records that the calls around an entry are known to have made in the same account."""
        with self._database.reading() as connection:
            return made_by_others(connection, entry)

    def outlook(self, agent: str, entry: str, *, windows: Windows = (), effect: str = "") -> tuple[Used, str]:
        """What a decision needs: how much of its limits an agent has used, and which entry holds the effect already."""
        if not windows and not effect:
            return {}, ""
        with self._database.reading() as connection:
            used = used_by(connection, agent, windows, self._clock())
            return used, holder_of(connection, effect, entry) if effect else ""

    def verify(self) -> str:
        """Check the chain. Returns an empty text, or what is wrong with the first broken row."""
        with self._looking() as connection:
            return first_fault(connection)

    # Stopping

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
        if self.in_memory:
            return self._stop
        with self._database.reading() as connection:
            return latest_stop(connection)

    def _control(self, kind: str, *, by: str, **data: Any) -> None:
        if not by.strip():
            raise ValueError("Stopping and resuming need the name of the person: by=.")
        said = {key: value for key, value in {"by": by[:80], **data}.items() if value}
        with self._database.lock:
            self.append(Event(new_entry(), kind, "", said))
            if self.in_memory:
                with self._database.reading() as connection:
                    self._stop = latest_stop(connection)


def new_entry() -> str:
    """An id for a new entry: short enough to type, and never the same twice."""
    return os.urandom(5).hex()
