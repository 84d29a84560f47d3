"""Looking: reads that the guard makes on its own account, and the pump that does a product's steps one by one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ac_guardrails._action import Action
from ac_guardrails._entries import Entry
from ac_guardrails._events import Event
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Exchange
from ac_guardrails._request import PermitError, Request, mint
from ac_guardrails._steps import Pause, Send, Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._ledger import Ledger

T = TypeVar("T")


class Denied(Exception):  # noqa: N818 - never leaves the guard
    """The grants do not reach what the call names."""

    def __init__(self, action: Action, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.action = action
        self.verdict = verdict


def looked(guard: Guard, exchange: Exchange, entry: Entry) -> Steps[Any]:
    """Do an exchange that only reads, each read permitted, and on record beside an entry as the guard's own.

    Args:
        guard: Who looks.
        exchange: What is to be read; the account's errors are its own to handle.
        entry: The entry that it is about.

    Raises:
        StoppedError: Somebody has stopped the guard, reads included.
        Denied: The exchange names what the grants do not reach.
    """
    return (yield from pumped(exchange, partial(_seen, guard, entry)))


def leaving(ledger: Ledger, *events: Event) -> Store:
    """Put a read on record that leaves next."""
    return Store(
        partial(ledger.append_read, *events), ledger.blocks, at_once=partial(ledger.append_read_at_once, *events)
    )


def pumped(exchange: Exchange, one: Callable[[Any], Generator[T, Any, Any]]) -> Generator[T, Any, Any]:
    """Do a product's own steps one by one. The account's errors are its to handle, our own faults are not.

    Args:
        exchange: What yields the steps.
        one: How one of them is done; what it yields in turn is yielded on.
    """
    result: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                step = exchange.throw(error) if error else exchange.send(result)
            except StopIteration as stop:
                return stop.value
            error = result = None
            try:
                result = yield from one(step)
            except Exception as raised:
                if not hasattr(raised, "outcome"):
                    raise
                error = raised
    finally:
        exchange.close()


def _seen(guard: Guard, entry: Entry, step: Request | Pause | Action) -> Steps[Any]:
    """One step of a look."""
    if isinstance(step, Action):
        verdict = guard.grants.decide(step, {}, on=guard.today())
        if verdict.denied:
            raise Denied(step, verdict)
        return None
    if isinstance(step, Pause):
        return (yield step)
    if step.is_write:
        raise PermitError(f"{step.method} {step.path} is no read, so it may not leave while the guard only looks.")
    seen = Event(entry.id, "read", entry.agent, {"method": step.method, "path": step.path, "by": "guard"})
    yield leaving(guard.ledger, seen)
    return (yield Send(step, mint(step)))
