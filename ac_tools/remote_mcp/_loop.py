"""An event loop in a thread of its own, for what lives longer than the calls that need it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from ac_tools._errors import ConnectError

T = TypeVar("T")


class OwnLoop:
    """A loop that is started when it is needed, and anew in a forked process, which has no thread of its parent's.

    Args:
        fresh: Called before anything runs on a new loop: what lived on another one is gone.
    """

    def __init__(self, fresh: Callable[[], None]) -> None:
        self._fresh = fresh
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self._closed = False

    def begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin something on the loop.

        Raises:
            ConnectError: It was closed.
        """
        with self._starting:
            if self._closed:
                raise ConnectError("This connection was closed. Make a new one. Nothing was sent.")
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                self._fresh()
                threading.Thread(target=_forever, args=(self._loop,), name="remote-mcp", daemon=True).start()
            return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do one last thing on the loop, and end it. Nothing can be begun on it any more."""
        with self._starting:
            self._closed, loop, self._loop = True, self._loop, None
        if loop is not None and self._process == os.getpid():
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(last(), loop).result(timeout=5)
            loop.call_soon_threadsafe(loop.stop)


def _forever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
