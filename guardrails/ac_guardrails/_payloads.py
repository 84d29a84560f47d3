"""Payloads: the values that are kept beside an entry for a time. Within a transaction that is open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cache
from typing import Any

from ac_guardrails._events import stored

_NEW = "INSERT INTO payloads (entry, at, closed, body) VALUES (?, ?, ?, ?)"


def keep(connection: sqlite3.Connection, entry: str, values: Mapping[str, Any], now: float, *, closing: bool) -> None:
    """Add values to what is kept beside an entry.

    Args:
        connection: The transaction's.
        entry: The entry.
        values: Each by its name, or by its place in what is kept already, such as `questions[0].decision`.
        now: The time, in epoch seconds.
        closing: Whether the call has ended, so that nothing of it is waited for and the time of its values begins.
    """
    texts = {name: stored(value) for name, value in values.items()}
    added = connection.execute(_adding(tuple(texts), closing), (now, closing, *texts.values(), entry)).rowcount
    if texts and not added:
        body = ",".join(f'"{name}":{text}' for name, text in sorted(texts.items()))
        connection.execute(_NEW, (entry, now, closing, f"{{{body}}}"))


def drop(connection: sqlite3.Connection, entry: str) -> None:
    """Keep nothing beside an entry any more."""
    connection.execute("DELETE FROM payloads WHERE entry = ?", (entry,))


def drop_old(connection: sqlite3.Connection, before: float) -> int:
    """Drop what is kept beside entries that were closed at or before a time. Returns how many they were."""
    return connection.execute("DELETE FROM payloads WHERE closed = 1 AND at <= ?", (before,)).rowcount


@cache
def _adding(names: tuple[str, ...], closing: bool) -> str:
    """The statement that adds values; left to SQLite, which need not take apart all that is kept."""
    values = "".join(f", '$.{name}', json(?)" for name in names)
    body = f", body = json_set(body{values})" if names else ""
    ended = ", effect = NULL, ask = NULL" if closing else ""
    return f"UPDATE payloads SET at = ?, closed = ?{body}{ended} WHERE entry = ?"  # noqa: S608 - names of our own
