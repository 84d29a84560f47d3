"""Who is carrying out what: whether a call that is on record as sent can still be on its way."""

from __future__ import annotations

import os
import socket
import threading
from functools import lru_cache
from pathlib import Path


class InFlight:
    """The entries that calls of this process are carrying out, and the questions that it is putting to somebody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()

    def begin(self, name: str) -> bool:
        """Take a name; false where somebody in this process has it."""
        with self._lock:
            taken = name in self._names
            self._names.add(name)
            return not taken

    def end(self, name: str) -> None:
        """Give the name back."""
        with self._lock:
            self._names.discard(name)

    def may_run(self, entry: str, owner: str) -> bool:
        """Whether a call may still be on its way: where its process is this one, it is known.

        Args:
            entry: The call's entry.
            owner: Its process, as `this_process` named it.
        """
        if owner == this_process():
            return entry in self._names
        return not _has_ended(owner)


def this_process() -> str:
    """This process by name: the machine, the process id, and when it started, since ids are used again."""
    return _named(os.getpid())


@lru_cache(maxsize=4)
def _named(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def _has_ended(owner: str) -> bool:
    """Whether a process has certainly ended; of one on another machine nobody here can know."""
    machine, _, rest = owner.rpartition(":")[0].rpartition(":") if owner.count(":") >= 2 else ("", "", "")
    if not rest.isdigit() or machine != socket.gethostname():
        return not owner
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _started(int(rest)) != owner.rpartition(":")[2]


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended, and only waits to be noticed
