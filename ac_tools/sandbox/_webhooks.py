"""The account's webhooks, sent for real: over HTTP, as forms, to receivers on this machine alone."""

from __future__ import annotations

import contextlib
import http.client
import queue
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ac_tools.sandbox._fault_rules import meant
from ac_tools.sandbox._others import WEBHOOK
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._telling import Told

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PATIENCE = 5.0
"""Seconds for an answer; how long the account waits is not known."""
_GONE = 410
_LISTED = ("subscribe", "unsubscribe", "update", "bounce", "click", "forward", "open", "reply", "sent", "share")
"""The events on which a webhook's list has an effect (documented by naming the others)."""


_WORDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "duplicates": (lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "held": (lambda value: type(value) is int and value >= 0, "a whole number from 0"),
    "down": (lambda value: isinstance(value, bool), "true or false"),
    "tunnels": (
        lambda value: isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
        "an object of public and local URLs",
    ),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to reach a receiver; there is no second one (documented).

    Attributes:
        url: the webhook's URL.
        kind: the event's name.
        body: what was sent.
        status: the receiver's answer; 0 where there was none, or where nothing was sent.
    """

    url: str
    kind: str
    body: bytes
    status: int


class Webhooks:
    """Tells receivers what happens. Whatever it is set to counts from the next event on.

    Nothing leaves this machine: what a webhook on another host would get is kept in `deliveries` with the status 0,
    unless a `tunnel` leads here.

    Attributes:
        duplicates: the share of the events that is sent twice, from 0 to 1.
        held: how many events are held back, to be sent in a random order; 0 keeps the order.
        down: whether the receivers cannot be reached, so that what happens is lost to them.
        deliveries: what was sent, and what was not.
    """

    def __init__(self, store: Store) -> None:
        self.duplicates = 0.0
        self.held = 0
        self.down = False
        self.deliveries: list[Delivery] = []
        self._store = store
        self._tunnels: dict[str, str] = {}
        self._random = random.Random(2021)  # noqa: S311 - the same in every run
        self._held: list[tuple[str, str, bytes, int]] = []
        self._lines: queue.SimpleQueue[tuple[str, str, bytes, int]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._sender: threading.Thread | None = None
        self._left = 0
        self._idle = threading.Condition(self._lock)

    @property
    def wanted(self) -> bool:
        """Whether anybody asks to be told of anything."""
        return any(row.values["events"] for row in WEBHOOK.table(self._store))

    def tunnel(self, public: str, local: str) -> None:
        """Have what goes to a public URL go to a server on this machine, as a tunnel does.

        Args:
            public: how the webhooks' URLs begin, such as https://hooks.example.
            local: what that stands for, such as http://127.0.0.1:8000.

        Raises:
            ValueError: the server is on another machine.
        """
        if urlsplit(local).hostname not in _LOOPBACK:
            raise ValueError(f"{local} is on another machine; the embedded account sends nothing there.")
        self._tunnels[public.rstrip("/")] = local.rstrip("/")

    def order(self, words: Mapping[str, Any]) -> None:
        """Set what a JSON object names: duplicates, held, down, and tunnels as an object of public and local URLs.

        Raises:
            ValueError: a word is unknown, or its value cannot be used.
        """
        for name, value in words.items():
            if name not in _WORDS:
                raise ValueError(
                    f"{name!r} is no word of webhooks{meant(name, _WORDS)} The words: {', '.join(_WORDS)}."
                )
            usable, such = _WORDS[name]
            if not usable(value):
                raise ValueError(f"{name} is {such}, and not {value!r:.80}.")
        for public, local in words.get("tunnels", {}).items():
            self.tunnel(public, local)
        for name in set(words) - {"tunnels"}:
            setattr(self, name, words[name])

    def restore(self) -> None:
        """Take all orders back, and send what is held back."""
        self.duplicates, self.held, self.down = 0.0, 0, False
        self._tunnels.clear()
        self.flush()

    def words(self) -> dict[str, Any]:
        """What it is set to, and what came of the last hundred events, without the URLs, which hold secrets."""
        last = [{"event": one.kind, "status": one.status} for one in self.deliveries[-100:]]
        return {
            "duplicates": self.duplicates,
            "held": self.held,
            "down": self.down,
            "tunnels": dict(self._tunnels),
            "deliveries": last,
        }

    def tell(self, told: Told, source: str) -> None:
        """Send an event to every webhook that asks for it.

        Args:
            told: the event.
            source: who caused it: public, admin, api or system.
        """
        body = self._body(told, source)
        with self._lock:
            for row in WEBHOOK.table(self._store):
                if _asks(row.values, told, source):
                    copies = 2 if self._random.random() < self.duplicates else 1
                    self._held += [(row.values["url"], told.kind, body, row.id)] * copies
            if len(self._held) > self.held:
                self._release()

    def flush(self, timeout: float = 10.0) -> bool:
        """Send what is held back, and wait until everything was sent; says whether it was.

        Args:
            timeout: seconds to wait.
        """
        with self._lock:
            self._release()
            return self._idle.wait_for(lambda: not self._left, timeout)

    def _release(self) -> None:
        if self.held:
            self._random.shuffle(self._held)
        for line in self._held:
            self._left += 1
            self._lines.put(line)
        self._held.clear()
        if self._left and self._sender is None:
            self._sender = threading.Thread(target=self._send_all, name="sandbox-webhooks", daemon=True)
            self._sender.start()

    def _send_all(self) -> None:
        while True:
            url, kind, body, hook = self._lines.get()
            status = 0 if self.down else self._send(url, body)
            with self._lock:
                self.deliveries.append(Delivery(url, kind, body, status))
                row = WEBHOOK.table(self._store).get(hook)
                if status == _GONE and row is not None:
                    row.values["events"] = []  # switched off for good, and still there (documented)
                self._left -= 1
                self._idle.notify_all()

    def _send(self, url: str, body: bytes) -> int:
        for public, local in self._tunnels.items():
            if url == public or url.startswith(f"{public}/"):
                url = local + url.removeprefix(public)
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            return 0
        target = parts.path or "/"
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_PATIENCE)
        with contextlib.closing(connection):
            try:
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", f"{target}?{parts.query}" if parts.query else target, body, headers)
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0

    def _body(self, told: Told, source: str) -> bytes:
        """The form, in the order of the captured ones."""
        common = {
            "type": told.kind,
            "date_time": self._store.iso(self._store.now()),
            "initiated_from": source,
            "initiated_by": source,
            "list": told.list,
        }
        pairs = (_pairs(name, value) for name, value in {**common, **told.form}.items())
        return urlencode([pair for each in pairs for pair in each]).encode()


def _asks(values: Mapping[str, Any], told: Told, source: str) -> bool:
    listed = str(values["listid"] or "0")
    elsewhere = listed not in ("0", str(told.list)) and told.kind in _LISTED
    return told.kind in values["events"] and source in values["sources"] and not elsewhere


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value under PHP's names for it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, (list, tuple)):
        yield from _pairs(name, dict(enumerate(value)))
    else:
        yield name, "" if value is None else str(value)
