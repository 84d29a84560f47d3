"""Failures that a test orders from the account: what is ordered, and which requests it hits."""

import dataclasses
import fnmatch
import random
from collections.abc import Mapping
from typing import Any

from ac_tools.sandbox._fault_rules import FaultCut, FaultReply, When, check, check_together, meant


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
            check(name, value)
        check_together(self.words())

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> "Order":
        """An order from a JSON object.

        Raises:
            ValueError: a word is unknown or missing, or its value cannot be used.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in words:
            if name not in known:
                raise ValueError(f"{name!r} is no word of a fault{meant(name, known)} The words: {', '.join(known)}.")
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
