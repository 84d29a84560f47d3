"""Failures that a test orders from the account: what can be ordered, and what is answered then."""

import dataclasses
import difflib
import fnmatch
import http
import math
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._wire import Answer, encode

FaultCut = Literal["reset", "timeout", "refused", "midway"]
FaultReply = Literal["truncated", "html", "empty"]
When = Literal["before", "after"]

MOST_BYTES = 100_000_000
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "*")
_FRAMING = ("content-length", "transfer-encoding")  # the server counts the body itself
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BODILESS = (204, 304)
_HOUR, _YEAR = 3600, 366 * 86_400


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered, in the words of `Sandbox.fault`; what cannot be carried out is a ValueError."""

    method: str
    path: str
    times: int | None = None
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | str | None = None
    size: int | None = None
    reply: FaultReply | None = None
    cut: FaultCut | None = None
    late: float | None = None
    drip: float | None = None
    when: When | None = None
    chance: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, value in self.words().items():
            _check(name, value)
        _check_together(self)

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> "Order":
        """An order from a JSON object.

        Raises:
            ValueError: a word is unknown or missing, or its value cannot be used.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in words:
            if name not in known:
                raise ValueError(f"{name!r} is no word of a fault{_meant(name, known)} The words: {', '.join(known)}.")
        for name in ("method", "path"):
            if words.get(name) is None:
                raise ValueError(f"{name} is missing. Say which requests fail, such as method='GET', path='/tags'.")
        return cls(**words)

    def words(self) -> dict[str, Any]:
        """Those words that were said."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def takes_own(self) -> bool:
        """Whether the account's own answer is what is spoilt: nobody said what to answer instead."""
        made = any(each is not None for each in (self.status, self.body, self.size))
        spoils = self.cut == "midway" or self.reply == "truncated" or (self.reply is None and self.drip is not None)
        return spoils and not made

    @property
    def after(self) -> bool:
        """Whether the request's work is done first."""
        return self.when == "after" or (self.drip is not None and self.reply is None and self.takes_own)

    def answer(self, own: Answer | None, settings: Settings) -> Answer:
        """What is answered.

        Args:
            own: the account's own answer, None where the work is not done.
            settings: what the bodies of some refusals are assumed to be.
        """
        if self.cut is not None and self.cut != "midway":
            return broken(self.cut)
        answer = own if own is not None and self.takes_own else self._made(settings)
        body = b"" if answer.status in _BODILESS else answer.body
        if self.reply == "truncated" or self.cut == "midway":
            body = body if len(body) > 1 else b"{}"
        half = len(body) // 2
        body = body[:half] if self.reply == "truncated" else body
        answer = Answer(answer.status, {**answer.headers, **(self.headers or {})}, body)
        return spoilt(answer, pause=self.drip or 0.0, kept=half if self.cut == "midway" else None)

    def _made(self, settings: Settings) -> Answer:
        status = self.status or 200
        phrase = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Error"
        if self.reply == "html":
            return Answer(status, {"Content-Type": "text/html; charset=UTF-8"}, _page(status, phrase))
        json = {"Content-Type": "application/json"}
        if self.reply == "empty":
            return Answer(status, {**json, "X-Ac-Error": "Code 9001"}, b"")  # recorded 2020
        if self.size is not None:
            return Answer(status, json, _sized(self.size))
        if self.body is not None:
            return Answer(status, json, self.body.encode() if isinstance(self.body, str) else self.body)
        content = settings.body(status, phrase)
        return Answer(status, json, b"" if content is None else encode(content))


class Fault:
    """An order and how far it is carried out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.left = order.times or (None if order.chance is not None else 1)
        self.hits = 0
        self._random = _series(order) if order.chance is not None else None

    def hit(self, method: str, path: str) -> bool:
        """Whether this request is one to fail; if so, it counts."""
        order = self.order
        if order.method.upper() not in ("*", method) or not fnmatch.fnmatchcase(path, order.path):
            return False
        if self._random is not None and self._random.random() >= (order.chance or 0):
            return False
        self.hits += 1
        self.left = None if self.left is None else self.left - 1
        return True

    def words(self) -> dict[str, Any]:
        """The order, how often it still hits (None for without end), and how often it has."""
        words = self.order.words()
        if isinstance(self.order.body, bytes):
            words["body"] = self.order.body.decode("utf-8", "replace")
        return {**words, "left": self.left, "hits": self.hits}


def _series(order: Order) -> random.Random:
    """A chance that repeats; all words count, so that two random faults with one seed do not follow each other."""
    words = sorted((name, value) for name, value in order.words().items() if name != "times")
    return random.Random(f"{order.seed or 0} {words}")  # noqa: S311 - it guards nothing


class Faults:
    """The faults that wait, in the order they were ordered in."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, order: Order) -> None:
        """Puts one more in."""
        self._waiting.append(Fault(order))

    def pick(self, method: str, path: str) -> Order | None:
        """What a request meets: the first fault that hits it, if any."""
        found = next((each for each in self._waiting if each.hit(method, path)), None)
        self._waiting = [each for each in self._waiting if each.left != 0]
        return None if found is None else found.order

    def clear(self) -> int:
        """Takes all of them back; says how many."""
        count, self._waiting = len(self._waiting), []
        return count

    def words(self) -> list[dict[str, Any]]:
        """Those that wait, in words."""
        return [each.words() for each in self._waiting]


def _page(status: int, phrase: str) -> bytes:
    title = f"{status} {phrase}"
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode()


def _sized(size: int) -> bytes:
    """JSON of exactly so many bytes."""
    frame = b'{"message":""}'
    if size < len(frame):
        return b"0"[:size] if size < 2 else b"{}".ljust(size)
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


def _is_whole(low: int, high: float = math.inf) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_number(low: float, high: float, *, above: bool = False) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return low <= value <= high and not (above and value == low)

    return check


def _is_header(name: object, value: object) -> bool:
    """Whether a header can stand on the wire; a character beyond Latin-1 or a line break could not."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in _FRAMING:
        return False
    return isinstance(value, str) and all(" " <= mark <= "\xff" and not "\x7f" <= mark < "\xa0" for mark in value)


def _are_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_header(*pair) for pair in value.items())


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("/", "*")) and not value.startswith("/api/3")


_CHOICES: dict[str, tuple[str, ...]] = {
    "method": _METHODS,
    "reply": get_args(FaultReply),
    "cut": get_args(FaultCut),
    "when": get_args(When),
}
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (_is_pattern, "a pattern below /api/3 that begins with / or *"),
    "times": (_is_whole(1), "a whole number, at least 1"),
    "status": (_is_whole(200, 599), "a whole number from 200 to 599"),
    "headers": (
        _are_headers,
        "names with texts without line breaks, and without Content-Length, which size and cut='midway' are for",
    ),
    "body": (lambda value: isinstance(value, (str, bytes)), "text"),
    "size": (_is_whole(0, MOST_BYTES), f"a whole number of bytes from 0 to {MOST_BYTES}"),
    "late": (_is_number(0, _YEAR), f"a number of seconds, 0 or more, at most {_YEAR}"),
    "drip": (_is_number(0, _HOUR, above=True), f"a number of seconds, more than 0, at most {_HOUR}"),
    "chance": (_is_number(0, 1, above=True), "a number, more than 0 and at most 1"),
    "seed": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
}


def _meant(value: object, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        choices = _CHOICES[name]
        if (value.upper() if name == "method" and isinstance(value, str) else value) not in choices:
            rule = f"{', '.join(choices[:-1])} or {choices[-1]}{_meant(value, choices)}"
            raise ValueError(f"{name}={value!r:.80} cannot be used: it must be {rule}")
        return
    passes, rule = _RULES[name]
    if not passes(value):
        raise ValueError(f"{name}={value!r:.80} cannot be used: it must be {rule}.{_remedy(name, value)}")


def _remedy(name: str, value: Any) -> str:
    if name != "path" or not isinstance(value, str):
        return ""
    return f" Write {'/' + value.removeprefix('/api/3').lstrip('/')!r:.80}."


def _check_together(order: Order) -> None:
    """What the words must be to each other."""
    said = order.words()
    answers = [name for name in ("status", "body", "size", "reply", "drip") if name in said]
    ways = [*answers[:1], *(name for name in ("cut", "late") if name in said)]
    if not ways:
        raise ValueError("Say how the request should fail: give one of status, reply, size, body, drip, cut and late.")
    if len(ways) > 1:
        raise ValueError(f"{' and '.join(ways)} exclude each other: give one of them.")
    bodies = [name for name in ("body", "size", "reply") if name in said]
    if len(bodies) > 1:
        raise ValueError(f"{' and '.join(bodies)} exclude each other: give one of them.")
    if "headers" in said and not answers:
        raise ValueError(f"headers need an answer to stand in, and {ways[0]} gives none: leave one of them out.")
    if order.cut == "refused" and order.when == "after":
        raise ValueError("A refused connection carries no request, so no work can come before it: when='before'.")
    if answers == ["drip"] and order.when == "before":
        raise ValueError("drip alone gives the account's own answer, after the work: give a status, or when='after'.")
    if order.seed is not None and order.chance is None:
        raise ValueError("seed says nothing without a chance: give one, such as chance=0.1.")
