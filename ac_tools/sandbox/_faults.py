"""How an ordered failure is carried out: what is answered instead, and how it arrives."""

import dataclasses
import http
import time
from typing import Any

from ac_tools.sandbox._fault_orders import Order
from ac_tools.sandbox._fault_rules import FaultCut
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._wire import Answer, encode, page

_BODILESS = (204, 304)


@dataclasses.dataclass(slots=True)
class Late:
    """Work that is done after its client gave up.

    Attributes:
        request: what to do then.
        seconds: how long after, by the account's clock.
        arrived: when the request came, by the account's clock.
        waited: seconds that the client waited, None as long as it waits.
    """

    request: Any
    seconds: float
    arrived: float
    waited: float | None = 0.0
    _began: float = dataclasses.field(default_factory=time.monotonic)

    def due(self, now: float) -> float:
        """The moment of the work; it moves on while the client waits, but not when a test moves the clock."""
        waits = min(time.monotonic() - self._began, now - self.arrived) if self.waited is None else self.waited
        return self.arrived + self.seconds + waits

    def leave(self, now: float) -> None:
        """The client gave up."""
        self.waited = self.due(now) - self.arrived - self.seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Spoilt(Answer):
    """An answer that does not arrive as answers do.

    Attributes:
        pause: seconds before each byte of the body.
        kept: bytes of the body after which the connection ends; None for all of them.
        late: the work that is done after the client gave up.
    """

    pause: float = 0.0
    kept: int | None = None
    late: Late | None = None


def spoilt(answer: Answer, **how: Any) -> Spoilt:
    """An answer that arrives in another way than answers do."""
    return Spoilt(answer.status, answer.headers, answer.body, answer.cut, **how)


def broken(cut: FaultCut, late: Late | None = None) -> Spoilt:
    """What stands for a connection that breaks before anything is answered."""
    assert cut != "midway"
    return Spoilt(0, {}, b"", cut, late=late)


def fail(order: Order, own: Answer | None, settings: Settings) -> Answer:
    """What is answered where a failure was ordered.

    Args:
        order: what was ordered.
        own: the account's own answer, None where the work is not done.
        settings: what the bodies of some refusals are assumed to be.
    """
    if order.cut is not None and order.cut != "midway":
        return broken(order.cut)
    answer = own if own is not None and order.takes_own else _made(order, settings)
    body = b"" if answer.status in _BODILESS else answer.body
    if order.reply == "truncated" or order.cut == "midway":
        body = body if len(body) > 1 else b"{}"
    half = len(body) // 2
    body = body[:half] if order.reply == "truncated" else body
    answer = Answer(answer.status, {**answer.headers, **(order.headers or {})}, body)
    return spoilt(answer, pause=order.drip or 0.0, kept=half if order.cut == "midway" else None)


def _made(order: Order, settings: Settings) -> Answer:
    status = order.status or 200
    phrase = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Error"
    if order.reply == "html":
        return page(status, phrase)
    json = {"Content-Type": "application/json"}
    if order.reply == "empty":
        return Answer(status, {**json, "X-Ac-Error": "Code 9001"}, b"")  # recorded 2020
    if order.size is not None:
        return Answer(status, json, _sized(order.size))
    if order.body is not None:
        return Answer(status, json, order.body.encode() if isinstance(order.body, str) else order.body)
    content = settings.body(status, phrase)
    return Answer(status, json, b"" if content is None else encode(content))


def _sized(size: int) -> bytes:
    """JSON of exactly so many bytes."""
    frame = b'{"message":""}'
    if size < len(frame):
        return b"0"[:size] if size < 2 else b"{}".ljust(size)
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]
