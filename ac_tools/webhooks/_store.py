"""Where webhooks are kept: on disk before the sender is told that they have come, until their handlers have run.

It is a file of its own and no table of the ledger. Events of a busy account come by the thousand, each waiting for the
disk, and would keep the guard's writes waiting; whoever receives them needs no look at the ledger's cards; and the
ledger is never deleted from, while an event that was handled is of no further use.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ac_guardrails import inert
from ac_guardrails._inflight import InFlight, this_process
from ac_tools.webhooks._errors import BodyError, StoreError
from ac_tools.webhooks._events import Event, parse

if TYPE_CHECKING:
    from langchain_core.messages import ToolMessage
    from langchain_core.runnables import RunnableConfig

    from ac_tools import ActiveCampaignToolkit

State = Literal["waiting", "running", "done", "failed"]

SAME_WITHIN = 600.0
"""Seconds within which an equal body is the same event, sent again."""
_KEPT = 30 * 86400.0
_MARK = 0x41435748  # SQLite's application id: "ACWH"
_SCHEMA = """
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, at REAL NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
    duplicates INTEGER NOT NULL DEFAULT 0);
CREATE INDEX webhooks_by_digest ON webhooks (digest, at);
CREATE INDEX webhooks_by_age ON webhooks (at);
CREATE TABLE jobs (
    webhook TEXT NOT NULL REFERENCES webhooks (id), handler TEXT NOT NULL, state TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '', began REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (webhook, handler));
CREATE INDEX jobs_to_do ON jobs (due) WHERE state = 'waiting';
CREATE INDEX jobs_by_state ON jobs (state) WHERE state IN ('running', 'failed');
"""


@dataclass(frozen=True, slots=True)
class Received:
    """An event that has come, as a handler gets it.

    Args:
        id: Its name here, and in every run of its handlers: bodies carry none (captured 2024).
        at: When it came first, in epoch seconds.
        event: What the account told.
        duplicates: How often it has come again.
        attempt: Which attempt of the handler this is, from 1; 0 outside of one.
    """

    id: str
    at: float
    event: Event
    duplicates: int = 0
    attempt: int = 0

    @property
    def thread(self) -> str:
        """The id of the one thread that belongs to this event."""
        return f"webhook-{self.id}"

    @property
    def config(self) -> RunnableConfig:
        """What a graph or a tool is run with, so that a run of the handler after a crash is known as the same."""
        return {"configurable": {"thread_id": self.thread}}

    @property
    def sentence(self) -> str:
        """What happened, in plain English on one line, with what people outside wrote made inert."""
        from ac_tools.webhooks._words import sentence

        return sentence(self.event)

    def call(self, toolkit: ActiveCampaignToolkit, tool: str, /, **args: Any) -> ToolMessage:
        """Call a tool for this event, through the guard, and once however often the handler runs.

        A handler calls each tool once with the same arguments; several writes of one tool differ in theirs.

        Args:
            toolkit: The tools.
            tool: The tool's name.
            args: Its arguments.

        Raises:
            SetAside: The guard or a person said no, or the call is wrong.
            RuntimeError: It failed, or nobody knows yet whether it happened; the handler is run again.
        """
        from ac_tools.webhooks._calls import call_once

        return call_once(self, toolkit, tool, args)


@dataclass(frozen=True, slots=True)
class Job:
    """One handler's work on one event.

    Args:
        received: The event.
        handler: The handler's name.
        state: waiting, running, done or failed.
        attempts: How often it was begun.
        due: When it is to run, in epoch seconds.
        reason: Why the last attempt failed; empty where none did.
    """

    received: Received
    handler: str
    state: State
    attempts: int
    due: float
    reason: str = ""


_JOBS = """
    SELECT webhooks.id, at, body, duplicates, attempts, handler, state, due, reason
    FROM jobs JOIN webhooks ON webhooks.id = jobs.webhook
"""


class Store:
    """Webhooks and their handlers' work, in one SQLite file that several processes may share.

    Args:
        url: "sqlite:///webhooks.db", four slashes for an absolute path; made where there is none, for its owner alone.
        keep: Seconds for which an event is kept once all of its handlers have run.
        clock: Epoch seconds.

    Raises:
        ValueError: The URL names no file.
        StoreError: The file cannot be used.
    """

    def __init__(self, url: str, *, keep: float = _KEPT, clock: Callable[[], float] = time.time) -> None:
        if not isinstance(url, str) or not url.startswith("sqlite:///") or url == "sqlite:///":
            raise ValueError(f"{url!r} names no file to keep webhooks in. Use sqlite:///webhooks.db.")
        self.path = str(Path(url.removeprefix("sqlite:///")).absolute())
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = InFlight.of(os.path.realpath(self.path))
        self._connection = self._opened()
        self._purged_at = 0.0

    def __repr__(self) -> str:
        return f"Store({self.path!r})"

    def put(self, body: bytes, kind: str, handlers: Iterable[str]) -> tuple[str, bool]:
        """Keep an event, and what is to be done about it; on disk when this returns.

        Args:
            body: The request's body.
            kind: The event's name.
            handlers: Whose work it is.

        Returns:
            Its id, and whether it is new: else it has come before, within ten minutes.

        Raises:
            StoreError: It was not kept.
        """
        digest = hashlib.sha256(body).hexdigest()
        with self._transaction() as connection:
            now = self._clock()
            sql = "SELECT id FROM webhooks WHERE digest = ? AND at > ? ORDER BY at DESC LIMIT 1"
            known = connection.execute(sql, (digest, now - SAME_WITHIN)).fetchone()
            if known:
                connection.execute("UPDATE webhooks SET duplicates = duplicates + 1 WHERE id = ?", known)
                return str(known[0]), False
            name = secrets.token_hex(10)  # no digest of the body: it goes on record in the ledger, too
            values = (name, digest, now, kind, body)
            connection.execute("INSERT INTO webhooks (id, digest, at, type, body) VALUES (?, ?, ?, ?, ?)", values)
            rows = [(name, handler, now) for handler in handlers]
            connection.executemany("INSERT INTO jobs (webhook, handler, state, due) VALUES (?, ?, 'waiting', ?)", rows)
            self._purge(connection, now)
            return name, True

    def claim(self, handlers: Iterable[str]) -> Job | None:
        """Take the next work that is due and that one of these handlers can do; None where there is none."""
        names = tuple(handlers)
        marks = ", ".join("?" * len(names))
        with self._transaction() as connection:
            now = self._clock()
            sql = f"{_JOBS} WHERE state = 'waiting' AND due <= ? AND handler IN ({marks}) ORDER BY due LIMIT 1"
            row = connection.execute(sql, (now, *names)).fetchone()
            if row is None:
                return None
            job = _job(row, attempts=row[4] + 1)
            connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, owner = ?, began = ?"
                " WHERE webhook = ? AND handler = ?",
                (this_process(), now, job.received.id, job.handler),
            )
            self._in_flight.begin(_name(job))
            return job

    def done(self, job: Job) -> None:
        """Put down that a handler has done its work."""
        self._leave(job, "done", self._clock(), "")

    def again(self, job: Job, *, after: float, reason: str) -> None:
        """Put down that a handler failed, and is to run again.

        Args:
            job: Its work.
            after: In how many seconds.
            reason: Why it failed.
        """
        self._leave(job, "waiting", self._clock() + after, reason)

    def aside(self, job: Job, *, reason: str) -> None:
        """Keep work aside that has failed for good, with its reason, until somebody has a look."""
        self._leave(job, "failed", self._clock(), reason)

    def recover(self) -> int:
        """Free the work of processes that ended in the middle of it; says how much there was."""
        with self._transaction() as connection:
            now = self._clock()
            running = connection.execute(
                "SELECT webhook, handler, owner, began FROM jobs WHERE state = 'running'"
            ).fetchall()
            left = [
                (now, "its process ended while it ran", webhook, handler)
                for webhook, handler, owner, began in running
                if not self._in_flight.may_run(f"{webhook} {handler}", owner, silent=now - began)
            ]
            connection.executemany(
                "UPDATE jobs SET state = 'waiting', due = ?, reason = ? WHERE webhook = ? AND handler = ?", left
            )
            return len(left)

    def retry(self, webhook: str = "") -> int:
        """Have failed work run again at once, from its first attempt on.

        Args:
            webhook: Only that of this event; all without it.

        Returns:
            How much there was.
        """
        with self._transaction() as connection:
            return connection.execute(
                "UPDATE jobs SET state = 'waiting', attempts = 0, due = ?1"
                " WHERE state = 'failed' AND ?2 IN ('', webhook)",
                (self._clock(), webhook),
            ).rowcount

    def jobs(self, state: State | None = None) -> list[Job]:
        """The work on record, oldest first."""
        with self._transaction() as connection:
            sql = f"{_JOBS} WHERE ?1 IS NULL OR state = ?1 ORDER BY at, handler"
            return [_job(row) for row in connection.execute(sql, (state,))]

    def events(self, *, newest: int = 100) -> list[Received]:
        """The events that came last, oldest first."""
        with self._transaction() as connection:
            sql = "SELECT id, at, body, duplicates FROM webhooks ORDER BY at DESC LIMIT ?"
            rows = connection.execute(sql, (newest,)).fetchall()
        return [_received(row) for row in reversed(rows)]

    def counts(self) -> dict[str, int]:
        """How many events there are, how many duplicates came, and how much work is in each state."""
        with self._transaction() as connection:
            events, again = connection.execute("SELECT COUNT(*), TOTAL(duplicates) FROM webhooks").fetchone()
            states = dict(connection.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state"))
        return {"events": events, "duplicates": int(again), **states}

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def _leave(self, job: Job, state: State, due: float, reason: str) -> None:
        try:
            with self._transaction() as connection:
                connection.execute(
                    "UPDATE jobs SET state = ?, due = ?, reason = ? WHERE webhook = ? AND handler = ?",
                    (state, due, inert(reason, limit=300), job.received.id, job.handler),
                )
        finally:
            self._in_flight.end(_name(job))

    def _purge(self, connection: sqlite3.Connection, now: float) -> None:
        """Delete what was handled long ago; work that failed stays until somebody has looked at it."""
        if now < self._purged_at + 3600:
            return
        self._purged_at = now
        over = "at <= ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE webhook = webhooks.id AND state != 'done')"
        old = (now - self._keep,)
        connection.execute(f"DELETE FROM jobs WHERE webhook IN (SELECT id FROM webhooks WHERE {over})", old)  # noqa: S608
        connection.execute(f"DELETE FROM webhooks WHERE {over}", old)  # noqa: S608

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise StoreError(f"The webhooks in {self.path} cannot be read or written ({error}).") from error

    def _opened(self) -> sqlite3.Connection:
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            _migrate(connection, self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.path} cannot be opened to keep webhooks in ({error}).") from error
        return connection


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark != _MARK:
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.close()
            raise StoreError(f"{path} is another program's database, or a ledger. Give webhooks a file of their own.")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_MARK}")
    connection.execute("COMMIT")


def _received(row: tuple[str, float, bytes, int], attempt: int = 0) -> Received:
    name, at, body, duplicates = row
    try:
        event = parse(body)
    except BodyError:  # it was whole when it came
        event = Event.from_wire({})
    return Received(name, at, event, duplicates, attempt)


def _job(row: tuple, attempts: int | None = None) -> Job:  # type: ignore[type-arg]
    name, at, body, duplicates, counted, handler, state, due, reason = row
    attempts = counted if attempts is None else attempts
    return Job(_received((name, at, body, duplicates), attempts), handler, state, attempts, due, reason)


def _name(job: Job) -> str:
    return f"{job.received.id} {job.handler}"
