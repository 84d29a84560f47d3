"""The receiver: keeps each event before the account is told that it has come, then has its handlers run."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import SecretStr

from ac_tools.webhooks._errors import SetAside, StoreError
from ac_tools.webhooks._events import EVENTS, parse
from ac_tools.webhooks._loop import Loop
from ac_tools.webhooks._secret import Secrets
from ac_tools.webhooks._store import Job, Received, Store

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from starlette.applications import Starlette

    from ac_tools import ActiveCampaignToolkit
    from ac_tools.webhooks._starts import StateOf

Handler = Callable[[Received], Any]
"""What is done about an event; a function, sync or async. What it returns is not used."""

ANY = "*"
_POLL = 0.25
"""Seconds after which workers look for work that another process has left."""
_LOOK_BACK = 30.0
"""Seconds after which they look for work of processes that have ended."""
_log = logging.getLogger(__name__)


class Receiver:
    """Receives webhooks and works them off.

    Args:
        store: Where they are kept: "sqlite:///webhooks.db", or an open Store.
        secrets: What the URL that the account was given must hold, as its last part or as `?secret=`. To replace one,
            give both, change the webhook's URL in the account, then leave the old one out.
        attempts: How often a handler is tried before its work is kept aside.
        backoff: Seconds until the second attempt; four times as many before each further one.
        workers: How many handlers run at once.
    """

    def __init__(
        self,
        store: str | Store,
        *,
        secrets: Iterable[str | SecretStr],
        attempts: int = 5,
        backoff: float = 2.0,
        workers: int = 4,
    ) -> None:
        if isinstance(secrets, str):
            raise TypeError("secrets takes a list, such as [secret], so that one can be replaced.")
        numbers = all(isinstance(each, int) for each in (attempts, workers)) and isinstance(backoff, (int, float))
        if not numbers or attempts < 1 or workers < 1 or backoff < 0:
            raise ValueError("attempts and workers are at least 1, and backoff is a number of seconds.")
        self.secrets = Secrets(secrets)
        self.store = store if isinstance(store, Store) else Store(store)
        self._attempts = attempts
        self._backoff = backoff
        self._handlers: dict[str, tuple[str, Handler]] = {}
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._coroutines = Loop()
        self._news = threading.Condition()
        self._stopping = False

    def on(
        self,
        event: str,
        handler: Handler | CompiledStateGraph[Any] | None = None,
        *,
        name: str = "",
        state: StateOf | None = None,
        read_back: ActiveCampaignToolkit | None = None,
    ) -> Any:
        """Have something done about an event. As a decorator, or with the handler itself.

        A graph is run in a thread of the event's own, once for each event, whatever happens in between; where it waits
        for a person, it waits.

        Args:
            event: The event's name; "*" for all.
            handler: A function that takes a `Received`, or a compiled graph with a checkpointer.
            name: What the work is called in the store, by default the function's name and the event's. It must stay the
                same, so that a new process finds the work of the old one.
            state: Makes what a graph is started with of a `Received`; None starts nothing. By default
                `{"event": {...}}`, the form as it came.
            read_back: Tools to read the record with, through the guard, before the handler runs: what the account
                does not confirm is kept aside.

        Raises:
            TypeError: The handler is neither a function nor a graph.
            ValueError: There is no such event, the name is taken, or the graph has no checkpointer.
        """
        if event != ANY and event not in EVENTS:
            from difflib import get_close_matches

            close = get_close_matches(event, EVENTS, n=1)
            raise ValueError(f"There is no event {event!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        if handler is None:
            return lambda function: self.on(event, function, name=name, read_back=read_back) or function
        if not callable(handler) and not hasattr(handler, "ainvoke"):
            raise TypeError(f"A handler is a function or a compiled graph, not {type(handler).__name__}.")
        if state is not None and not hasattr(handler, "ainvoke"):
            raise ValueError("state= says what a graph is started with; a function takes the event itself.")
        if hasattr(handler, "ainvoke"):
            from ac_tools.webhooks._starts import starting

            handler = starting(cast("CompiledStateGraph[Any]", handler), state)
        if read_back is not None:
            from ac_tools.webhooks._read_back import confirmed_by_record

            handler = confirmed_by_record(handler, read_back)
        name = name or f"{getattr(handler, '__qualname__', type(handler).__name__)}:{event}"
        if name in self._handlers:
            raise ValueError(f"There is a handler {name!r} already. Give this one a name of its own: name=.")
        self._handlers[name] = (event, handler)
        return None

    def confirm(self, toolkit: ActiveCampaignToolkit) -> None:
        """Set each event that the API has caused against the ledger: see `ac-tools audit show`.

        Args:
            toolkit: The ledger, the account, and the agent whose grants let tags be looked up by name.
        """
        from ac_tools.webhooks._confirm import Confirming

        self.on(ANY, Confirming(toolkit), name="confirm")

    def receive(self, body: bytes, content_type: str = "") -> tuple[str, bool]:
        """Keep an event; for any framework. Whoever calls it asks before whether the sender knows `secrets`.

        Args:
            body: The request's body, whole.
            content_type: Its content type.

        Returns:
            Its id, and whether it is new. Only after this may the sender be told that it has come.

        Raises:
            BodyError: It is no webhook's body.
            StoreError: It could not be kept.
        """
        event = parse(body, content_type)
        wanted = [name for name, (kind, _) in self._handlers.items() if kind in (ANY, event.type)]
        kept = self.store.put(body, event.type, wanted)
        if kept[1] and wanted:
            with self._news:
                self._news.notify()
        return kept

    @property
    def app(self) -> Starlette:
        """The ASGI application, which works the events off, too; needs the extra `webhooks`."""
        from ac_tools.webhooks._app import application

        return application(self)

    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[str]:
        """Serve the application in a thread, for a program without a server; needs the extra `webhooks`.

        Args:
            host: The address to listen on. The account reaches it through a tunnel or proxy, which also brings https.
            port: The port; 0 takes a free one.

        Returns:
            A context manager that gives the URL, to which a secret is to be added.

        Raises:
            OSError: The port cannot be used.
        """
        from ac_tools.webhooks._serving import serving

        return serving(self, host, port)

    # Working off

    def work(self) -> int:
        """Do the work that is due, here and now; says how much there was."""
        self.store.recover()
        count = 0
        while self._next():
            count += 1
        if not self._threads:
            self._coroutines.close()
        return count

    def start(self) -> None:
        """Work in threads of its own, until `stop`."""
        self._stopping = False
        self.store.recover()
        for number in range(self._workers):
            thread = threading.Thread(target=self._loop, args=(number == 0,), name="webhooks", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 10.0) -> None:
        """Let the handlers that run finish, and begin no others.

        Args:
            timeout: Seconds to wait for each. One that runs on is run again by the next process, if this one ends.
        """
        self._stopping = True
        with self._news:
            self._news.notify_all()
        for thread in self._threads:
            thread.join(timeout)
        if not any(thread.is_alive() for thread in self._threads):
            self._coroutines.close()
        self._threads.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _loop(self, recovering: bool) -> None:
        waited = 0.0
        while not self._stopping:
            try:
                if self._next():
                    continue
                if recovering and waited >= _LOOK_BACK:
                    waited = 0.0 * self.store.recover()
            except StoreError:
                _log.exception("Webhooks cannot be worked off now.")
            with self._news:
                if not self._stopping:
                    self._news.wait(_POLL)
            waited += _POLL

    def _next(self) -> bool:
        """Do the next piece of work; False where none is due."""
        if self._stopping or (job := self.store.claim(self._handlers)) is None:
            return False
        if job.attempts > self._attempts:  # its process ended each time, so that no attempt could say why
            self.store.aside(job, reason=job.reason)
            return True
        try:
            outcome = self._handlers[job.handler][1](job.received)
            if inspect.isawaitable(outcome):
                self._coroutines.run(_awaited(outcome))
        except BaseException as error:  # SystemExit, too: the worker that it would end has other work to do
            self._failed(job, error)
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise  # somebody presses Ctrl-C during `work`
        else:
            self.store.done(job)
        return True

    def _failed(self, job: Job, error: BaseException) -> None:
        reason = _text(error) if isinstance(error, SetAside) else f"{type(error).__name__}: {_text(error)}"
        if isinstance(error, SetAside) or job.attempts >= self._attempts:
            _log.warning("The handler %s is kept aside for webhook %s.", job.handler, job.received.id)
            self.store.aside(job, reason=reason)
        else:
            self.store.again(job, after=self._backoff * 4.0 ** (job.attempts - 1), reason=reason)


def _text(error: BaseException) -> str:
    """What an exception says, however it is made."""
    try:
        return str(error)
    except BaseException:
        return "it cannot say why"


async def _awaited(outcome: Any) -> None:
    await outcome
