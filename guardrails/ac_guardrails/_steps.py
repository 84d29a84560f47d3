"""One body for sync and async: a guarded call is a generator that yields what it needs done; two drivers do it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ac_guardrails._approvals import ApprovalRequest
from ac_guardrails._request import Permit, Request

T = TypeVar("T")


class Sender(Protocol):
    """What carries requests to the product: one method for each of the two worlds."""

    def send(self, request: Request, permit: Permit | None) -> Any:
        """Send one request and return the reply."""

    async def asend(self, request: Request, permit: Permit | None) -> Any:
        """The same, on an event loop."""


@dataclass(frozen=True, slots=True)
class Send:
    """Let one request leave."""

    request: Request
    permit: Permit

    def do(self, sender: Sender) -> Any:
        """Carry it out."""
        return sender.send(self.request, self.permit)

    async def ado(self, sender: Sender) -> Any:
        """Carry it out on an event loop. A write that is on its way is waited for even if its task is cancelled."""
        if not self.request.is_write:
            return await sender.asend(self.request, self.permit)
        sending = asyncio.ensure_future(sender.asend(self.request, self.permit))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError as error:
            if sending.cancelled():
                raise
            try:
                await asyncio.wait([sending])
            except asyncio.CancelledError:  # a second time: whoever cancels will not wait for it
                sending.cancel()
                raise
            raise CancelledLateError(error, sending) from None


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to a person."""

    approver: Callable[[ApprovalRequest], Any]
    request: ApprovalRequest
    seconds: float
    """How long an async approver is waited for; a sync one cannot be stopped."""

    def do(self, sender: Sender) -> Any:
        """Ask, whether the approver is sync or async, inside a running loop or not."""
        answer = self.approver(self.request)
        return _in_own_loop(answer, self.seconds) if inspect.isawaitable(answer) else answer

    async def ado(self, sender: Sender) -> Any:
        """Ask without blocking the loop, even if the approver does."""
        if _is_async(self.approver):
            return await _within(self.approver(self.request), self.seconds)
        answer = await asyncio.to_thread(self._answer)
        return await _within(answer, self.seconds) if inspect.isawaitable(answer) else answer

    def _answer(self) -> Any:
        try:
            return self.approver(self.request)
        except StopIteration as error:
            # A future cannot carry it: whoever waits for the thread would wait for ever.
            raise RuntimeError("the approver ran out of answers") from error


@dataclass(frozen=True, slots=True)
class Store:
    """Write to or read from the ledger.

    Args:
        work: What is to be done.
        blocks: Whether it waits for a disk, so that an event loop leaves it to a thread.
        at_once: The same where that takes no waiting, which is quicker than a thread; says whether it is done.
    """

    work: Callable[[], Any]
    blocks: bool
    at_once: Callable[[], bool] | None = None

    def do(self, sender: Sender) -> Any:
        """Carry it out."""
        return self.work()

    async def ado(self, sender: Sender) -> Any:
        """Carry it out; in a thread where it waits for a disk."""
        if not self.blocks:
            return self.work()
        if self.at_once is not None and self.at_once():
            return None
        work = asyncio.get_running_loop().run_in_executor(None, self.work)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError as error:
            # The thread cannot be stopped, and what is recorded next must come after it, however often it is cancelled.
            while not work.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            raise CancelledLateError(error, work) from None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait a while, for the account to get on with something."""

    seconds: float

    def do(self, sender: Sender) -> None:
        """Wait."""
        time.sleep(self.seconds)

    async def ado(self, sender: Sender) -> None:
        """Wait without blocking the loop."""
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Look:
    """Read or write what the framework around the tools keeps; it has a way of its own for each of the two worlds."""

    here: Callable[[], Any]
    there: Callable[[], Awaitable[Any]]

    def do(self, sender: Sender) -> Any:
        """Carry it out."""
        return self.here()

    async def ado(self, sender: Sender) -> Any:
        """Carry it out on an event loop."""
        return await self.there()


Effect = Send | Ask | Store | Pause | Look
Steps = Generator[Effect, Any, T]
"""A guarded call: yields effects, is sent what came of them, returns T."""


def drive(steps: Steps[T], sender: Sender, begin: Callable[[], Effect] | None = None) -> T:
    """Do every step, in this thread. What a step raises is raised inside the generator, so that it can be recorded.

    Args:
        steps: The guarded call.
        sender: What carries its requests.
        begin: How to go on with a call that was begun elsewhere.
    """
    act = begin or (lambda: next(steps))
    while True:
        try:
            effect = act()
        except StopIteration as stop:
            value: T = stop.value
            return value
        try:
            result = effect.do(sender)
        except BaseException as error:
            act = _thrower(steps, error)
        else:
            act = _feeder(steps, result)


async def adrive(steps: Steps[T], sender: Sender) -> T:
    """Do every step on the running event loop.

    Cancelled while a write is on its way, it puts on record what became of that, sends nothing further, and ends.
    """
    act: Callable[[], Effect] = lambda: next(steps)  # noqa: E731
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            effect = act()
        except StopIteration as stop:
            if cancelled is not None:
                raise cancelled from None
            value: T = stop.value
            return value
        except Exception as error:
            if cancelled is not None:
                raise cancelled from error
            raise
        if cancelled is not None and not isinstance(effect, Store):
            act = _thrower(steps, _NotBegunError("the task was cancelled before that"))
            continue
        try:
            result = await effect.ado(sender)
        except GeneratorExit:
            # The coroutine is being closed and may not wait again; all that is left to do is to record.
            with contextlib.suppress(asyncio.CancelledError):
                drive(steps, sender, _thrower(steps, asyncio.CancelledError("the coroutine was closed")))
            raise
        except CancelledLateError as late:
            cancelled, act = late.cancelled, late.going_on(steps)
        except BaseException as error:
            act = _thrower(steps, error)
        else:
            act = _feeder(steps, result)


def _feeder(steps: Steps[Any], value: Any) -> Callable[[], Effect]:
    return lambda: steps.send(value)


def _thrower(steps: Steps[Any], error: BaseException) -> Callable[[], Effect]:
    return lambda: steps.throw(error)


def _is_async(approver: Callable[[ApprovalRequest], Any]) -> bool:
    return inspect.iscoroutinefunction(approver) or inspect.iscoroutinefunction(type(approver).__call__)


class _NotBegunError(asyncio.CancelledError):
    """The task was cancelled, and the step was never begun."""

    outcome = "not_sent"


class CancelledLateError(Exception):
    """The task was cancelled, but what it was waiting for has come to its end.

    Args:
        cancelled: The cancellation.
        ended: What has ended.
    """

    def __init__(self, cancelled: asyncio.CancelledError, ended: asyncio.Future[Any]) -> None:
        super().__init__("cancelled")
        self.cancelled = cancelled
        self._ended = ended

    def going_on(self, steps: Steps[Any]) -> Callable[[], Effect]:
        """How the call goes on with what came of it."""
        error = self._ended.exception()
        return _thrower(steps, error) if error is not None else _feeder(steps, self._ended.result())


class LateError(Exception):
    """Nobody answered in time."""


async def _within(answer: Awaitable[Any], seconds: float) -> Any:
    """Wait for an answer; what the approver itself raises, a timeout of its own among it, comes through as it is."""
    task = asyncio.ensure_future(answer)
    try:
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            return task.result()
        raise LateError
    finally:
        task.cancel()


def _in_own_loop(answer: Awaitable[Any], seconds: float) -> Any:
    """Wait for an async approver from sync code: on a loop of its own, in a thread, since this one may run a loop."""

    async def wait() -> Any:
        return await _within(answer, seconds)

    result: list[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result.append((context.run(asyncio.run, wait()), None))
        except BaseException as error:
            result.append((None, error))

    thread = threading.Thread(target=work, name="approver", daemon=True)
    thread.start()
    thread.join()
    value, error = result[0]
    if error is not None:
        raise error
    return value
