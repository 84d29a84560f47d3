"""The turnstile: one budget of requests to a host for all processes that have the same ledger file."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ac_guardrails._database import Database

_WINDOW = 1.0
_LONGEST_FLIGHT = 60.0  # of a slot that nobody gives back: its process has died
_LONGEST_PAUSE = 60.0
_ALL_IN_FLIGHT = 0.02  # nobody knows until when: look again after this many seconds
_TABLE = (
    "CREATE TABLE IF NOT EXISTS turnstile ("
    "ticket INTEGER PRIMARY KEY, host TEXT NOT NULL, kind TEXT NOT NULL, until REAL NOT NULL, lasts REAL NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What the turnstile says to one who wants to send.

    Args:
        ticket: To give back after the response, or None if there was no slot.
        wait: Seconds until it is worth asking again; 0.0 with a ticket.
        paused: Whether the wait is a pause that the host asked for.
    """

    ticket: int | None = None
    wait: float = 0.0
    paused: bool = False


class Turnstile:
    """The slots of every host that some process of this machine is sending to, in the file of a ledger.

    A slot is free again one second after it was given back, so that a host which saw a request before it answered sees
    at most `limit` requests in any one second. The file is opened when it is first needed.

    The table stands beside the ledger's own and is no part of what it remembers. It is written without waiting for the
    disk: a power cut may take slots with it.

    Args:
        path: The file of a ledger.
        clock: Epoch seconds; the processes of a machine have the same.
    """

    def __init__(self, path: str, *, clock: Callable[[], float] = time.time) -> None:
        self.path = str(Path(path).absolute())
        self._clock = clock
        self._databases: list[Database] = []  # the first one counts

    def take(self, host: str, limit: int) -> Turn:
        """Take a slot if less than `limit` are taken.

        Args:
            host: Whose budget it is.
            limit: Requests a second.

        Raises:
            LedgerError: The file cannot be used, and no slot was taken.
        """
        with self._transaction() as (connection, now):
            _tidy(connection, now)
            taken = connection.execute("SELECT kind, until FROM turnstile WHERE host = ?", (host,)).fetchall()
            if paused := [until for kind, until in taken if kind == "pause"]:
                return Turn(wait=max(paused) - now, paused=True)
            if len(taken) >= limit:
                answered = [until - now for kind, until in taken if kind == "answered"]
                return Turn(wait=min(answered, default=_ALL_IN_FLIGHT))
            return Turn(_add(connection, host, "in flight", now, _LONGEST_FLIGHT))

    def give(self, ticket: int) -> None:
        """Say that the response is there, or that none will come: the slot is free a second from now.

        Raises:
            LedgerError: The file cannot be used; the slot is then free after a minute.
        """
        with self._transaction() as (connection, now):
            connection.execute(
                "UPDATE turnstile SET kind = 'answered', until = ?, lasts = ? WHERE ticket = ?",
                (now + _WINDOW, _WINDOW, ticket),
            )

    def cancel(self, ticket: int) -> None:
        """Give back a slot that nothing was sent in: it is free at once.

        Raises:
            LedgerError: The file cannot be used; the slot is then free after a minute.
        """
        with self._transaction() as (connection, _):
            connection.execute("DELETE FROM turnstile WHERE ticket = ?", (ticket,))

    def pause(self, host: str, seconds: float) -> None:
        """Hold everyone back, at most a minute: the host asked for it.

        Raises:
            LedgerError: The file cannot be used, and nobody else learns of it.
        """
        with self._transaction() as (connection, now):
            _tidy(connection, now)
            _add(connection, host, "pause", now, min(max(seconds, 0.0), _LONGEST_PAUSE))

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        for database in list(self._databases):
            database.close()

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        # The ledger writes the log back, and knows that whoever writes next waits for the disk. Not with synchronous =
        # OFF all the same: whoever begins the log anew must have the disk know it before the ledger's events follow.
        with self._opened().transaction(durable=False, writes_back=False) as connection:
            connection.execute(_TABLE)
            yield connection, self._clock()

    def _opened(self) -> Database:
        """The database of whichever thread was first; no lock, since a child forked meanwhile would find it held."""
        if not self._databases:
            mine = Database(self.path)
            self._databases.append(mine)
            if self._databases[0] is not mine:
                mine.close()
        return self._databases[0]


def _tidy(connection: sqlite3.Connection, now: float) -> None:
    """Forget what is over. What lies further ahead than it can last was written before the clock was set back."""
    connection.execute("DELETE FROM turnstile WHERE until <= ?", (now,))
    connection.execute("UPDATE turnstile SET until = ?1 + lasts WHERE until > ?1 + lasts", (now,))


def _add(connection: sqlite3.Connection, host: str, kind: str, now: float, lasts: float) -> int:
    ticket = secrets.randbits(62)  # never used twice: a slot may be given back after it was forgotten
    connection.execute("INSERT INTO turnstile VALUES (?, ?, ?, ?, ?)", (ticket, host, kind, now + lasts, lasts))
    return ticket
