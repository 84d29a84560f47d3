"""Limits: how many people and calls in a rolling window, and how much money at once. Pure; the ledger counts.

What is used at one time counts until exactly an hour, or 24 hours, later. It counts whatever becomes of the write that
it was reserved for: nobody gets it back, since a lost answer may hide that the write happened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from ac_guardrails._action import Action

HOUR, DAY = 3600, 86400


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that one agent's writes may use of one area in a rolling window.

    Args:
        area: The area.
        unit: people, whom writes touch; or calls, each with its first write, however many requests it takes.
        seconds: How long the window is: 3600 or 86400.
        most: The most people or calls in it.
        agent: The agent whose calls count, with those of the agents that work for it; empty for whoever calls.
    """

    area: str
    unit: Literal["people", "calls"]
    seconds: int
    most: int
    agent: str = ""

    @property
    def window(self) -> str:
        """The window in a word."""
        return "hour" if self.seconds == HOUR else "day"

    @property
    def name(self) -> str:
        """As a grants file calls it."""
        return f"{self.unit}_per_{self.window}"

    def __str__(self) -> str:
        return f"{self.most} {self.unit if self.most != 1 else _ONE[self.unit]}"

    def wanted(self, action: Action) -> int:
        """How much of it an action would use."""
        return action.people if self.unit == "people" else 1


_ONE = {"people": "person", "calls": "call"}

Windows = tuple[tuple[Limit, int], ...]
"""The limits that hold for a write, and how much of each it would use."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit is used.

    Args:
        count: People or calls within the window.
        room_at: When what is wanted now will fit, in epoch seconds; None where it fits already, or never will.
    """

    count: int
    room_at: float | None = None


Used = dict[Limit, Use]


@dataclass(frozen=True, slots=True)
class Passed:
    """A limit that an action would pass.

    Args:
        name: The limit, by area and name: "deals: calls_per_hour".
        reason: The limit, how much of it is used, and when there is room again, in words.
        room_at: When there is room, in epoch seconds; infinite where there never will be.
    """

    name: str
    reason: str
    room_at: float = math.inf


def passed_windows(action: Action, limits: tuple[Limit, ...], used: Mapping[Limit, Use]) -> list[Passed]:
    """The limits in people and calls that a write would pass.

    Args:
        action: The write.
        limits: The limits that hold for it.
        used: How much of each is used; what is absent is not used at all.
    """
    found = []
    for limit in limits:
        use, wanted = used.get(limit, _UNUSED), limit.wanted(action)
        if use.count + wanted > limit.most:
            room_at = math.inf if use.room_at is None else use.room_at
            reason = f"{_said(action.agent, limit, use.count, wanted)}{_room(limit, wanted, use.room_at)}"
            found.append(Passed(f"{limit.area}: {limit.name}", reason, room_at))
    return found


def passed_amount(action: Action, area: str, most: Mapping[str, Decimal], parts: int) -> list[Passed]:
    """The limit in money that a write would pass, by what it `touches`.

    Args:
        action: The write. Before it has its request, what it touches may not be known in full.
        area: The area whose grant has the limit.
        most: The most in each currency, in units of the currency.
        parts: In how many parts of a unit the action tells its amount: 100 for cents.
    """
    amount, currency = action.touches.get("amount"), str(action.touches.get("currency") or "").upper()
    if action.request is None or amount is None:
        return []
    if currency not in most:
        up_to = " or ".join(f"{most[each]:f} {each}" for each in sorted(most))
        what = "uses another currency"
    elif Decimal(amount) > most[currency] * parts:
        up_to, what = f"{most[currency]:f} {currency}", "sets more"
    else:
        return []
    reason = f"{action.agent} may set amounts in {area} up to {up_to}; this call {what}."
    return [Passed(f"{area}: amount_at_most", reason)]


def is_half_an_amount(action: Action) -> bool:
    """Whether a write changes an amount or a currency without saying the other, so that nothing can be compared."""
    amount, currency = action.touches.get("amount"), action.touches.get("currency")
    return action.request is not None and (amount is None) == bool(currency)


_UNUSED = Use(0)


def _said(agent: str, limit: Limit, count: int, wanted: int) -> str:
    """The limit and how much of it is used. No values: it goes on record."""
    does = "touch" if limit.unit == "people" else "make"
    what = f"{agent} may {does} at most {limit} per {limit.window} in {limit.area}"
    more = f" and this call would touch {wanted} more" if limit.unit == "people" else ""
    return f"{what}; {count} {'is' if count == 1 else 'are'} used{more}."


def _room(limit: Limit, wanted: int, room_at: float | None) -> str:
    if wanted > limit.most:
        return f" It never has room for {wanted} at once: split the call."
    if room_at is None:
        return ""
    return f" There is room for it from {datetime.fromtimestamp(math.ceil(room_at), UTC):%Y-%m-%d %H:%M:%S} UTC on."
