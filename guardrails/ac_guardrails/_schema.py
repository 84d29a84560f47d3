"""The schema of the ledger's file: what its tables are, how an older file becomes a new one, and whose file it is."""

from __future__ import annotations

import sqlite3
import time

from ac_guardrails._events import LedgerError

SCHEMA_VERSION = 4
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
    # The replay key stays for good, with the events. The keys of open effects and of waiting questions could be
    # guessed back to an address, so they live beside the payload and go when the entry is closed.
    2: """
    ALTER TABLE events ADD COLUMN call TEXT;
    CREATE INDEX events_by_call ON events (call) WHERE call IS NOT NULL;
    CREATE INDEX events_of_stops ON events (seq) WHERE kind IN ('stopped', 'resumed');
    ALTER TABLE payloads ADD COLUMN effect TEXT;
    ALTER TABLE payloads ADD COLUMN ask TEXT;
    CREATE INDEX payloads_by_effect ON payloads (effect) WHERE effect IS NOT NULL;
    CREATE INDEX payloads_by_ask ON payloads (ask) WHERE ask IS NOT NULL;
    CREATE TABLE rounds (
        task TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, questions TEXT NOT NULL,
        PRIMARY KEY (task, number));
    """,
    # Only writes are counted by agent; an index that reads need not keep up is cheaper.
    3: """
    DROP INDEX events_by_agent;
    CREATE INDEX events_of_writes ON events (agent, at) WHERE kind = 'sent';
    """,
    # What limits add up lies in the index itself: a busy agent's day is not read row by row at each of its writes.
    4: """
    DROP INDEX events_of_writes;
    CREATE INDEX events_of_writes ON events (
        agent, at, json_extract(body, '$.areas'), json_extract(body, '$.people'), json_extract(body, '$.calls'))
        WHERE kind = 'sent';
    """,
}
_TURN = 0.005


def set_up(connection: sqlite3.Connection, path: str, *, patience: float) -> None:
    """Bring the file up to date.

    Where several open a new one at once, SQLite refuses to switch it to its log instead of waiting for the others, so
    the waiting is done here.

    Args:
        connection: A new one.
        path: The file; ":memory:" for none.
        patience: For how many seconds.

    Raises:
        LedgerError: It is of a newer version, or another program's.
    """
    if path == ":memory:":
        connection.execute("PRAGMA page_size = 1024")  # a transaction copies each page that it touches
    until = time.monotonic() + patience
    while True:
        try:
            _migrate(connection, path)  # first: a file that is not ours is left as it is
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")  # a payload whose time is over leaves the file, too
        except sqlite3.OperationalError as error:
            connection.rollback()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_TURN)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    version = _version(connection)
    if version != SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        version = _version(connection)  # again: another process may have been quicker
    if version > SCHEMA_VERSION:
        raise LedgerError(f"The ledger was written by a newer version (schema {version}). Update this package.")
    _refuse_foreign(connection, version, path)
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for statement in _MIGRATIONS[step].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {step}")
    if connection.in_transaction:
        connection.execute("COMMIT")


def _refuse_foreign(connection: sqlite3.Connection, version: int, path: str) -> None:
    """Leave another program's database alone: a ledger has our tables, and a new file none."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    if version < 0:
        fault = f"its schema has the number {version}, which none of ours has"
    elif version == 0 and tables:
        fault = f"it is another program's database, with the table {min(tables)!r}"
    elif version > 0 and not {"events", "payloads"} <= tables:
        fault = "it is another program's database, without our tables"
    else:
        return
    raise LedgerError(f"{path} is no ledger: {fault}. It was not changed. Give the guard a file of its own.")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
