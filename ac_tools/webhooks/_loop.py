"""Async work that threads wait for: in one event loop for all handlers, since what they share is bound to its loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any


class Loop:
    """An event loop in a thread of its own, opened when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do the work, and wait until it is done."""
        with self._lock:
            if self._loop is None:
                opened = threading.Event()
                self._thread = threading.Thread(target=asyncio.run, args=(self._open(opened),), daemon=True)
                self._thread.start()
                opened.wait()
            loop = self._loop
        assert loop is not None
        run_in(loop, work)

    def close(self) -> None:
        """End what still runs in it; it can be used again."""
        with self._lock:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._end.set)
                self._thread.join()
            self._loop = None

    async def _open(self, opened: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        opened.set()
        await self._end.wait()


def run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
    """Have a loop of another thread do some work, and wait until it is done.

    Args:
        loop: The loop.
        work: The work.

    Raises:
        RuntimeError: The loop does not run, or it is this thread's, which would wait for itself.
        BaseException: What the work raises; the loop lives on, whatever it is.
    """
    if not loop.is_running() or loop is _of_this_thread():
        work.close()
        raise RuntimeError(
            "The event loop that the graph's checkpointer belongs to does not run, or is kept waiting for this work. "
            "Keep it running, and call the receiver's blocking methods with asyncio.to_thread."
        )
    error = asyncio.run_coroutine_threadsafe(_error_of(work), loop).result()
    if error is not None:
        raise error


async def _error_of(work: Coroutine[Any, Any, Any]) -> BaseException | None:
    """What the work raises: returned, since a loop ends with a task that raises SystemExit or KeyboardInterrupt."""
    try:
        await work
    except BaseException as error:
        return error
    return None


def _of_this_thread() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
