"""The SQLite file behind the ledger: opened, migrated, shared by threads, closed around forks."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from ac_guardrails._events import LedgerError
from ac_guardrails._schema import set_up

_PATIENCE = 10.0
"""Seconds to wait for other processes that have the file locked."""
_PAGES = 1000
"""From how many on the log beside the file is written back into it."""
_OPEN: weakref.WeakSet[Database] = weakref.WeakSet()
_HELD: list[Any] = []
_CREATING = threading.Lock()


class Database:
    """One SQLite file, or one database in memory.

    Args:
        path: The file; ":memory:" for none.
    """

    def __init__(self, path: str) -> None:
        self.path = path if path == ":memory:" else str(Path(path).absolute())
        self.in_memory = path == ":memory:"
        """Whether it ends with the process."""
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._beside: sqlite3.Connection | None = None
        """A second one for `attempt`, which waits for nothing; with a lock that nobody holds for long."""
        self._beside_lock = threading.RLock()  # a signal's handler may close the file in the midst of one
        self._is_attempting = False
        self._settings: dict[str, Any] = {}
        self._file: tuple[int, int] | None = None
        _OPEN.add(self)
        with self.lock:
            self._opened()

    @contextmanager
    def transaction(self, *, durable: bool, writes_back: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time over all processes.

        Args:
            durable: Whether the disk must have it at the end; else only the operating system.
            writes_back: See `begin`.

        Raises:
            LedgerError: The file cannot be used, and nothing was changed.
        """
        with self.lock:
            self.refuse_nested()
            try:
                connection = self.begin(durable=durable, writes_back=writes_back)
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self.undo(error)
                raise

    def refuse_nested(self) -> None:
        """For whoever holds the lock and is about to begin: a second transaction would undo the first with itself."""
        if self._connection is not None and self._connection.in_transaction:
            raise LedgerError(f"The ledger {self.path} cannot be written within a transaction of the same thread.")

    def begin(self, *, durable: bool, writes_back: bool = True) -> sqlite3.Connection:
        """Begin a transaction; for whoever holds the lock, and ends it with COMMIT or with `undo`.

        Args:
            durable: Whether the disk must have it at the end.
            writes_back: Whether its end may write a long log back into the file, after which the next one to write
                waits for the disk.
        """
        try:
            connection = self._opened()
            self._set(connection, "synchronous", "FULL" if durable else "NORMAL")
            self._set(connection, "wal_autocheckpoint", _PAGES if writes_back else 0)
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return connection

    def undo(self, error: BaseException) -> None:
        """Leave everything as it was before the transaction that failed.

        Raises:
            LedgerError: What failed was the file.
        """
        try:
            if self._connection is not None:
                self._connection.rollback()  # which does nothing where a full disk has ended it already
        except sqlite3.Error as worse:
            raise self._unusable(worse) from error
        if isinstance(error, (sqlite3.Error, JSONDecodeError)):
            raise self._unusable(error) from error

    def attempt(self, statement: str, values: Sequence[Any]) -> bool:
        """Carry out a statement as a transaction of its own, unless that would take longer than the statement itself.

        It waits for no other thread or process, and writes no log back; so that an event loop may do it.

        Returns:
            Whether it was carried out. If not, what stood in its way is best heard by trying again with `begin`.
        """
        if self._is_attempting:
            return False
        # By `with`, though it may wait a moment: a signal after any other way to take a lock leaves it taken for good.
        with self._beside_lock:
            self._is_attempting = True
            try:
                beside = self._beside
                if beside is None or self._file != self._on_disk():
                    return False
                beside.execute(statement, values)
                return True
            except sqlite3.Error:
                return False
            finally:
                self._is_attempting = False

    def expect_attempts(self) -> None:
        """Open what `attempt` needs; for whoever holds the lock and may wait."""
        if self._beside is not None or self.in_memory:
            return
        with suppress(sqlite3.Error):  # without it everything goes on as before, only slower
            beside = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            beside.execute("PRAGMA synchronous = NORMAL")
            beside.execute("PRAGMA wal_autocheckpoint = 0")
            self._beside = beside

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read without keeping writers of other processes out."""
        with self.lock:
            try:
                yield self._opened()
            except (sqlite3.Error, JSONDecodeError) as error:
                raise self._unusable(error) from error

    def write_back(self) -> None:
        """Write the log beside the file back into it, so that what was deleted is in neither."""
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        with self.lock:
            if self.in_memory:
                return
            connection, self._connection = self._connection, None  # first: a signal may come while it is closed
            if connection is not None:
                connection.close()
            with self._beside_lock:
                beside, self._beside = self._beside, None
                if beside is not None:
                    beside.close()

    def _set(self, connection: sqlite3.Connection, name: str, value: Any) -> None:
        if self._settings.get(name) != value and not self.in_memory:
            self._settings.pop(name, None)  # an interruption leaves it unknown, not wrong
            connection.execute(f"PRAGMA {name} = {value}")
            self._settings[name] = value

    def _unusable(self, error: Exception) -> LedgerError:
        if isinstance(error, JSONDecodeError) or "malformed JSON" in str(error):
            return LedgerError(
                f"The ledger {self.path} is damaged: what it holds here is no JSON. No write is sent without a record; "
                "see what ac-tools audit verify says of it."
            )
        return LedgerError(
            f"The ledger {self.path} cannot be used ({error}). No write is sent without a record; {remedy(error)}."
        )

    def _opened(self) -> sqlite3.Connection:
        if self._file is not None and self._file != self._on_disk():
            # What is written to a file that was removed is lost with the process.
            raise LedgerError(
                f"The ledger {self.path} was removed or replaced while it was in use. No write is sent without a "
                "record; put the file back, or start the program again."
            )
        if self._connection is not None:
            return self._connection
        try:
            if not self.in_memory:
                _create(self.path)
            connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"The ledger {self.path} cannot be opened ({error}); {remedy(error)}.") from error
        try:
            set_up(connection, self.path, patience=_PATIENCE)
        except (sqlite3.Error, LedgerError) as error:
            connection.close()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"The ledger {self.path} cannot be opened ({error}); {remedy(error)}.") from error
        self._connection, self._settings = connection, {}
        self._file = self._on_disk()
        return connection

    def _on_disk(self) -> tuple[int, int] | None:
        """Which file the path names now."""
        if self.in_memory:
            return None
        try:
            found = os.stat(self.path)
        except OSError as error:
            if error.errno is None:  # the time limit of a signal, which says nothing of the file
                raise
            return 0, 0
        return found.st_dev, found.st_ino


def remedy(error: Exception) -> str:
    """What to do about a file that cannot be used, by the cause that SQLite or the system names."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # an extended code holds the plain one
    full = getattr(error, "errno", None) == errno.ENOSPC
    if code == sqlite3.SQLITE_FULL or full:
        return "the disk is full: make room on it"
    if code == sqlite3.SQLITE_IOERR:
        return "the disk is full, or fails: see whether there is room on it"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program keeps it locked: end that, or wait until it is done"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "it is damaged: put back a copy that is whole"
    return (
        "let this user write to the file and to its folder, where SQLite keeps its log even for those who only read, "
        "or work on a copy"
    )


def _create(path: str) -> None:
    """Make the file, where there is none: names and addresses lie in it, nobody else's to read.

    A file that is there is never opened but by SQLite. Closing it would drop the locks of every connection that this
    process has to it, and the next process to leave would then remove the log that they write to.
    """
    with _CREATING, suppress(FileExistsError):
        os.close(os.open(os.path.realpath(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _before_fork() -> None:
    """Close every file before a fork: SQLite keeps its locks in the process, and a child would inherit their state."""
    for database in list(_OPEN):
        for lock in (database.lock, database._beside_lock):
            lock.acquire()
            _HELD.append(lock)
        database.close()


def _after_fork() -> None:
    while _HELD:
        _HELD.pop().release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
