"""What reads leave to be recorded later, many at a time."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ac_guardrails._events import Event, LedgerError
from ac_guardrails._spool import Spool

_MOST = 50
"""How many batches may wait."""
_LONGEST_NAME = 200
"""Characters of an agent's name that surely fit a row."""


class Batch(NamedTuple):
    """Some events of one entry.

    Args:
        at: When they happened, in epoch seconds.
        events: What happened, in order.
        payload: Values to keep beside the entry.
        spooled: Whether they lie in the spool, too, from which somebody else may have recorded them.
    """

    at: float
    events: tuple[Event, ...]
    payload: Mapping[str, Any] | None = None
    spooled: bool = False


class Late:
    """The batches of one ledger that wait.

    Args:
        flush: Puts them on record.
        spool: Keeps those that a kill must not lose; None for a ledger that ends with its process.
    """

    def __init__(self, flush: Callable[[], None], spool: Spool | None) -> None:
        self.flush = flush
        self._spool = spool
        self._batches: list[Batch] = []

    def add(self, batch: Batch) -> None:
        """Leave a batch for later. It takes no lock, for which an event loop might have to wait."""
        self._batches.append(batch)
        if self._spool is not None:  # the ledger outlasts the process, so it must be on record before that ends
            _PENDING.add(self)

    def keep(self, at: float, events: tuple[Event, ...]) -> bool:
        """Leave events for later that a kill must not lose; for whoever holds the ledger's lock.

        Returns:
            Whether that will do; if not, everything has to be recorded now, or the disk will not take it.
        """
        if self.is_full or len(events[0].agent) > _LONGEST_NAME:
            return False
        if self._spool is not None:
            try:
                self._spool.add(at, events)
            except OSError:
                return False  # a transaction will say why
        self.add(Batch(at, events, spooled=self._spool is not None))
        return True

    def all(self) -> list[Batch]:
        """What waits now."""
        return self._batches[:]

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self._batches) >= _MOST

    def recorded(self, count: int) -> None:
        """That the first so many are on record; for whoever holds the ledger's lock."""
        del self._batches[:count]
        _PENDING.discard(self)
        if self._batches:  # added in the meantime
            _PENDING.add(self)
        if self._spool is not None and not any(batch.spooled for batch in self._batches):
            self._spool.clear()


_PENDING: set[Late] = set()


def _flush_all() -> None:
    """Before the process ends, or a child inherits it, what waits is recorded."""
    for late in list(_PENDING):
        with contextlib.suppress(LedgerError):
            late.flush()


atexit.register(_flush_all)
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_flush_all)
