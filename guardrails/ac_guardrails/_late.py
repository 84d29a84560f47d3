"""What reads leave to be recorded later, many at a time: how they ended, which hurts nobody if it is lost."""

from __future__ import annotations

import atexit
import contextlib
import os
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
        flush: Puts them on record.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self.flush = flush
        self._batches: list[Batch] = []

    def add(self, batch: Batch, *, outlasts: bool) -> None:
        """Leave a batch for later.

        Args:
            batch: What is to be recorded.
            outlasts: Whether the ledger outlasts the process, so that it must be on record before that ends.
        """
        self._batches.append(batch)
        if outlasts:
            _PENDING.add(self)

    def due(self, now: float, *, all_of_it: bool) -> list[Batch]:
        """What is to be recorded now.

        Args:
            now: The time, in epoch seconds.
            all_of_it: Whether even what is little and young.
        """
        batches = self._batches
        if batches and (all_of_it or len(batches) >= _MOST or not 0 <= now - batches[0][0] < _LONGEST):
            return batches[:]
        return []

    def forget(self) -> None:
        """Leave all of it to the process from which this one was forked, which has it, too."""
        self._batches.clear()

    def recorded(self, count: int) -> None:
        """That the first so many are on record."""
        del self._batches[:count]
        _PENDING.discard(self)
        if self._batches:  # added in the meantime
            _PENDING.add(self)


_PENDING: set[Late] = set()


def _flush_all() -> None:
    """Before the process ends, or is forked, what waits is recorded."""
    for late in list(_PENDING):
        with contextlib.suppress(LedgerError):
            late.flush()


def _forget_all() -> None:
    """What another thread has left in the moment of a fork is recorded by the parent, not by its child as well."""
    for late in list(_PENDING):
        late.forget()
    _PENDING.clear()


atexit.register(_flush_all)
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_flush_all, after_in_child=_forget_all)
