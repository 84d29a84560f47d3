"""What reads leave to be recorded later, many at a time: how they ended, which hurts nobody if it is lost."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from ac_guardrails._events import Event, LedgerError

Batch = tuple[float, tuple[Event, ...], Mapping[str, Any] | None]
"""The time of some events of one entry, the events, and values to keep beside the entry."""

_MOST = 50
_LONGEST = 1.0
"""How many batches may wait, and for how many seconds."""


class Late:
    """The batches of one ledger that wait. Adding to them takes no lock, for which an event loop might have to wait.

    Args:
        flush: The ledger's method that puts them on record. It is held weakly: a ledger that nobody uses may go.
        outlasts: Whether the ledger outlasts the process, so that they must be on record before that ends.
    """

    def __init__(self, flush: Callable[[], None], *, outlasts: bool) -> None:
        self._flush = weakref.WeakMethod(flush)
        self._batches: list[Batch] = []
        if outlasts:
            _LASTING.add(self)

    def add(self, batch: Batch) -> None:
        """Leave a batch for later."""
        self._batches.append(batch)

    def flush(self) -> None:
        """Put them on record now.

        Raises:
            LedgerError: Nothing was recorded.
        """
        if self._batches and (flush := self._flush()) is not None:
            flush()

    def due(self, now: float, *, all_of_it: bool) -> list[Batch]:
        """What is to be recorded now.

        Args:
            now: The time, in epoch seconds.
            all_of_it: Whether even what is little and young.
        """
        batches = self._batches[:]  # another thread may be recording them
        if batches and (all_of_it or len(batches) >= _MOST or not 0 <= now - batches[0][0] < _LONGEST):
            return batches
        return []

    def forget(self) -> None:
        """Leave all of it to the process from which this one was forked, which has it, too."""
        self._batches.clear()

    def recorded(self, batches: list[Batch]) -> None:
        """That these, the first ones, are on record; said again, it changes nothing."""
        for batch in batches:
            if self._batches and self._batches[0] is batch:
                del self._batches[0]


_LASTING: weakref.WeakSet[Late] = weakref.WeakSet()
"""Those of ledgers that outlast the process."""


def _flush_all() -> None:
    """Before the process ends, or is forked, what waits is recorded."""
    for late in list(_LASTING):
        with contextlib.suppress(LedgerError):
            late.flush()


def _forget_all() -> None:
    """What another thread has left in the moment of a fork is recorded by the parent, not by its child as well."""
    for late in list(_LASTING):
        late.forget()


atexit.register(_flush_all)
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_flush_all, after_in_child=_forget_all)
