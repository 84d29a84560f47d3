"""Reads that have left and are not in the ledger yet: a line each in a file beside it, which outlives a kill.

A transaction for each of many reads would take longer than all else that the guard does for them. Whoever looks at the
ledger next, in whatever process, puts them on record; so does their own process, many at a time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from ac_guardrails._events import Event, LedgerError, row_of, stored
from ac_guardrails._inflight import LONGEST_SILENCE, lives, this_process

_MARK = "-reads-"
_KINDS = ("decided", "read")
"""What a read leaves. Nothing else is taken from such a file, above all no approval."""


class Spool:
    """The file of one ledger in this process. It is there while something waits in it.

    Args:
        ledger: The ledger's file.
    """

    def __init__(self, ledger: str) -> None:
        self._ledger = ledger
        self._path = ""
        self._file = 0
        self._process = 0

    def add(self, at: float, events: tuple[Event, ...]) -> None:
        """Keep events of a read that leaves next.

        Args:
            at: When, in epoch seconds.
            events: What is to be put on record of it.

        Raises:
            OSError: The file cannot be written.
        """
        # Each line begins with its end, so that one that a full disk cuts off spoils no other.
        lines = "".join(f"\n{stored([at, e.entry, e.kind, e.agent, e.call, e.data])}" for e in events).encode()
        if self._process != os.getpid():
            self._open()
        if os.write(self._file, lines) < len(lines):
            raise OSError(f"{self._path} cannot take {len(lines)} bytes more")

    def clear(self) -> None:
        """Forget everything, since the ledger has it."""
        if self._process == os.getpid():
            self._close()
            with suppress(OSError):
                os.unlink(self._path)

    def _open(self) -> None:
        self._close()  # the file of the process from which this one was forked
        path = f"{self._ledger}{_MARK}{quote(this_process(), safe='')}-{os.urandom(4).hex()}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._path, self._process = path, os.getpid()

    def _close(self) -> None:
        if self._process:
            os.close(self._file)
            self._process = 0


@dataclass(frozen=True, slots=True)
class Left:
    """Such a file as somebody else finds it.

    Args:
        path: The file.
        owner: The process that writes it, as it was named.
    """

    path: Path
    owner: str

    def events(self) -> Iterator[tuple[float, Event]]:
        """What waits in it, with its time; a line that is no such event is passed over."""
        with suppress(OSError):  # its owner has just recorded and removed it
            for line in self.path.read_bytes().splitlines():
                if (found := _parsed(line)) is not None:
                    yield found

    def drop(self) -> None:
        """Remove it if its process is gone; another one writes on."""
        with suppress(OSError):
            alive = lives(self.owner)
            if alive is None:  # on another machine, or on one that had another name
                alive = time.time() - self.path.stat().st_mtime < LONGEST_SILENCE
            if not alive:
                self.path.unlink()


def left_beside(ledger: str) -> list[Left]:
    """The files of all processes beside a ledger."""
    folder, name = os.path.split(ledger)
    try:
        with os.scandir(folder) as found:
            names = [each.name for each in found if each.name.startswith(name + _MARK)]
    except OSError:  # a folder that may not be listed, or that is gone, which the ledger will say
        return []
    return [Left(Path(folder, each), unquote(each[len(name + _MARK) :].rpartition("-")[0])) for each in sorted(names)]


def _parsed(line: bytes) -> tuple[float, Event] | None:
    try:
        at, entry, kind, agent, call, data = json.loads(line)
        event = Event(entry, kind, agent, data, call)
        row_of(event, 0, float(at))
    except (ValueError, TypeError, AttributeError, RecursionError, LedgerError):
        return None
    fits = kind in _KINDS and isinstance(agent, str) and isinstance(data, dict) and entry.isalnum()
    return (float(at), event) if fits and (call == "" or call.isalnum()) else None
