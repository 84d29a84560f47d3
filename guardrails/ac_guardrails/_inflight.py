"""Who is carrying out what: whether a call that is on record as sent can still be on its way."""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_LONGEST_SILENCE = 600.0
"""Seconds after which a call of another machine is on its way no more: that machine may be a container that is gone."""
_ALL: weakref.WeakSet[InFlight] = weakref.WeakSet()
_BY_FILE: weakref.WeakValueDictionary[str, InFlight] = weakref.WeakValueDictionary()
_FINDING = threading.Lock()


class InFlight:
    """The entries that calls of this process are carrying out, and the questions that it is putting to somebody."""

    def __init__(self) -> None:
        self.renew()
        _ALL.add(self)

    @staticmethod
    def of(path: str) -> InFlight:
        """What is in flight on a ledger's file, whichever of this process's ledgers has it open."""
        with _FINDING:
            return _BY_FILE.get(path) or _BY_FILE.setdefault(path, InFlight())

    def renew(self) -> None:
        """Begin anew, as a forked child does, which carries nothing out yet."""
        this_process()  # kept from here on: an event loop that asks for it must not look
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()

    def begin(self, name: str, *, alone: bool = False) -> bool:
        """Take a name, as often as it is given back.

        Args:
            name: The name.
            alone: Not to take it where somebody in this process has it.

        Returns:
            Whether it was taken.
        """
        with self._lock:
            if alone and self._names[name]:
                return False
            self._names[name] += 1
            return True

    def end(self, name: str) -> None:
        """Give the name back."""
        with self._lock:
            self._names[name] -= 1
            if not self._names[name]:
                del self._names[name]

    def may_run(self, entry: str, owner: str, *, silent: float) -> bool:
        """Whether a call may still be on its way: where its process is this one, it is known.

        Args:
            entry: The call's entry.
            owner: Its process, as `this_process` named it.
            silent: Seconds since it was last heard of.
        """
        if owner == this_process():
            return entry in self._names
        lives = _lives(owner)
        return silent < _LONGEST_SILENCE if lives is None else lives


def this_process() -> str:
    """This process by name: the machine, the process id, when it started, since ids are used again, and among which
    processes it has that id: containers may share a machine's name.
    """
    return _named(os.getpid())


@lru_cache(maxsize=4)
def _named(pid: int) -> str:
    started = ""
    with suppress(OSError):
        started = _started(pid)
    return f"{socket.gethostname()}:{pid}:{started}@{_namespace()}"


def _lives(owner: str) -> bool | None:
    """Whether a process still runs; None where nobody here can know, as of one on another machine."""
    if not owner:
        return False
    machine, pid, began = owner.rsplit(":", 2)
    started, _, namespace = began.partition("@")
    if machine != socket.gethostname() or not started:
        return None  # without a start the number may be another process's by now
    if namespace not in ("", _namespace()):
        return None
    try:
        return _started(int(pid)) == started
    except OSError:  # such as too many open files: that says nothing of the other process
        return None


def _namespace() -> str:
    """Among which processes this one has its id; empty where the system does not tell."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where there is none, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended, and only waits to be noticed


def _renew_all() -> None:
    for each in list(_ALL):
        each.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
