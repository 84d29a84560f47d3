"""Stopping the guard: a word on the ledger that every process on it obeys before its next request."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing is sent.

    Args:
        at: Since when.
        by: Who stopped it.
        reason: Why.
        reads: Whether reads are halted, too.
    """

    at: datetime
    by: str
    reason: str = ""
    reads: bool = False

    def __str__(self) -> str:
        because = f": {self.reason.rstrip('.')}" if self.reason else ""
        what = "Everything" if self.reads else "Every write"
        return f"{what} was stopped by {self.by} at {self.at:%Y-%m-%d %H:%M:%SZ}{because}."


class StoppedError(Exception):
    """A request may not leave, because somebody stopped the guard."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(str(stop))
        self.stop = stop


def latest_stop(connection: sqlite3.Connection) -> Stop | None:
    """The stop that holds, as the ledger says within this transaction."""
    row = connection.execute(
        "SELECT kind, body FROM events WHERE kind IN ('stopped', 'resumed') ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if row is None or row[0] == "resumed":
        return None
    said = json.loads(row[1])
    at = datetime.fromtimestamp(said["at"], UTC)
    return Stop(at, said.get("by", ""), said.get("reason", ""), bool(said.get("reads")))
