"""The request budget of one host: never more requests in any second than ActiveCampaign allows an account.

Documented: five requests a second for all keys of an account together, no burst. A token bucket would let twice that
many through around a refill, so this counts slots: each is free again one second after its response, and since the
account saw the request before it answered, it sees at most `limit` requests in any one second.

Processes that have the same ledger file count their slots in it, too.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar, Literal

from ac_guardrails._events import LedgerError
from ac_guardrails._turnstile import Turnstile

DEFAULT_LIMIT = 5
"""Requests a second, documented."""

_WINDOW = 1.0
_LONGEST_PAUSE = 60.0
_ALL_BUSY = 0.02  # every slot is in flight, and nobody knows until when: look again after this many seconds

_Ticket = tuple[Turnstile, int]

Limit = int | Literal["default"] | None
"""Requests a second; None for no limit; "default" for what the others on the host say, or five."""


class Pace:
    """The request budget of one host in this process, or in all that share it.

    Callers loop over `try_acquire()`, sleeping as it says, send, and then `release()`. The sleeping is left to them, so
    that threads and event loops share one budget. Where it is `shared`, these two and `pause()` wait for a file.

    Args:
        limit: Requests a second.
    """

    _registry: ClassVar[dict[str, Pace]] = {}  # kept for good: an account made anew must not forget what was sent
    _registry_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, limit: Limit = "default") -> None:
        self._lock = threading.Lock()
        self._agreed: Limit = limit
        self._stated: int | None = None  # by the account's own headers
        self._in_flight = 0
        self._freed: deque[float] = deque()  # when each slot that is still blocked had its response
        self._paused_until = 0.0
        self._shares: weakref.WeakValueDictionary[tuple[str, str], Turnstile] = weakref.WeakValueDictionary()
        self._tickets: deque[list[_Ticket]] = deque()  # of every slot in flight; it does not matter whose is whose
        _PACES.add(self)

    @classmethod
    def of(cls, host: str) -> Pace:
        """The pace that everything in this process shares for one host."""
        with cls._registry_lock:
            return cls._registry.setdefault(host, cls())

    def agree(self, limit: Limit) -> None:
        """Take an account's wish into account: of several explicit limits the smallest stands."""
        with self._lock:
            if self._agreed == "default" or (self._agreed is None and limit != "default"):
                self._agreed = limit
            elif isinstance(limit, int) and isinstance(self._agreed, int):
                self._agreed = min(self._agreed, limit)

    @property
    def limit(self) -> int | None:
        """The requests a second that hold now, or None."""
        if self._agreed is None:
            return None
        agreed = DEFAULT_LIMIT if self._agreed == "default" else self._agreed
        return min(agreed, self._stated or agreed)

    def share(self, host: str, path: str) -> Turnstile:
        """Share the budget with every process that has the same file, for as long as somebody keeps what is returned.

        Args:
            host: What the other processes call the host.
            path: The file of a ledger. Where there are several, each has to have a slot free.
        """
        with self._lock:
            return self._shares.setdefault((path, host), Turnstile(path))

    @property
    def shared(self) -> bool:
        """Whether other processes count."""
        return bool(self._shares)

    def try_acquire(self) -> float:
        """Take a slot and return 0.0, or return the seconds to wait before asking again.

        Raises:
            LedgerError: The file that it is shared in cannot be used. No slot was taken.
        """
        wait = self._try_here()
        if wait:
            return wait
        tickets: list[_Ticket] = []
        try:
            wait = self._try_with_others(tickets)
        except BaseException:
            self._return(tickets)
            raise
        if wait:
            self._return(tickets)
        else:
            self._tickets.append(tickets)
        return wait

    def _try_with_others(self, tickets: list[_Ticket]) -> float:
        """Take a slot in every file; what was taken is in `tickets`, whether it sufficed or not."""
        limit = self.limit
        if limit is None:
            return 0.0
        for (_, host), turnstile in self._sharing():
            turn = turnstile.take(host, limit)
            if turn.ticket is None:
                if turn.paused:
                    self._pause_here(turn.wait)
                return turn.wait
            tickets.append((turnstile, turn.ticket))
        return 0.0

    def _return(self, tickets: list[_Ticket]) -> None:
        """Undo what was taken before it turned out that there is no slot."""
        with self._lock:
            self._in_flight -= 1
        for turnstile, ticket in tickets:
            with suppress(LedgerError):  # it is forgotten after a minute
                turnstile.cancel(ticket)

    def _sharing(self) -> list[tuple[tuple[str, str], Turnstile]]:
        if not self._shares:
            return []
        with self._lock:
            return sorted(self._shares.items(), key=lambda item: item[0])

    def _try_here(self) -> float:
        with self._lock:
            now = time.monotonic()
            if self._paused_until > now:
                return self._paused_until - now
            limit = self.limit
            self._forget(now)
            if limit is None or self._in_flight + len(self._freed) < limit:
                self._in_flight += 1
                return 0.0
            return self._freed[0] + _WINDOW - now if self._freed else _ALL_BUSY

    def release(self) -> None:
        """Say that the response is there, or that none will come: the slot is free a second from now."""
        with self._lock:
            self._in_flight -= 1
            if self.limit is not None:
                self._freed.append(time.monotonic())
            tickets = self._tickets.popleft() if self._tickets else []
        for turnstile, ticket in tickets:
            with suppress(LedgerError):  # an answer is not lost for it: the slot is forgotten after a minute
                turnstile.give(ticket)

    def pause(self, seconds: float) -> None:
        """Hold everyone back, at most a minute: the account asked for it."""
        self._pause_here(seconds)
        for (_, host), turnstile in self._sharing():
            with suppress(LedgerError):  # this process waits all the same
                turnstile.pause(host, seconds)

    def _pause_here(self, seconds: float) -> None:
        with self._lock:
            until = time.monotonic() + min(max(seconds, 0.0), _LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, until)

    def paused(self) -> float:
        """Seconds until a pause ends; 0.0 without one."""
        return max(0.0, self._paused_until - time.monotonic())

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers, before its slot is released.

        Documented: RateLimit-Limit and RateLimit-Remaining; absent from all traffic recorded in 2020 and 2021. A lower
        limit than ours is adopted. Slots that the account counts and we do not are some other process's: they are
        blocked for a second as if they were ours.
        """
        stated, remaining = _count(headers.get("ratelimit-limit")), _count(headers.get("ratelimit-remaining"))
        with self._lock:
            if stated:
                self._stated = stated
            limit = self.limit
            if limit is not None and remaining is not None:
                now = time.monotonic()
                self._forget(now)
                others = (self._stated or limit) - remaining - self._in_flight - len(self._freed)
                self._freed.extend([now] * min(others, limit))

    def _forget(self, now: float) -> None:
        while self._freed and self._freed[0] + _WINDOW <= now:
            self._freed.popleft()

    def _after_fork(self) -> None:
        """In the child: the parent's requests still count for a second, and nobody here will release them."""
        self._lock = threading.Lock()
        if self.limit is not None:
            self._freed.extend([time.monotonic()] * self._in_flight)
        self._in_flight = 0
        self._tickets.clear()


_PACES: weakref.WeakSet[Pace] = weakref.WeakSet()


def _after_fork() -> None:
    Pace._registry_lock = threading.Lock()
    for pace in list(_PACES):
        pace._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None
