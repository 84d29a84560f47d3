"""How an assumption is declared: its default, what it decides, why, and which values it can have."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

T = TypeVar("T")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a setting may be: in words, as a test, as read from text, the nearest to something else, and all of them."""

    says: str
    passes: Callable[[Any], bool]
    read: Callable[[str], Any] = str
    near: Callable[[Any], Iterable[object]] = lambda value: ()
    choices: tuple[object, ...] = ()

    def check(self, name: str, value: Any) -> None:
        """Refuses a value that the setting cannot have.

        Raises:
            ValueError: naming the value, the rule and the nearest valid one, if one is near.
        """
        if not self.passes(value):
            near = " or ".join(map(str, self.near(value)))
            remedy = f" The nearest is {near}." if near else ""
            raise ValueError(f"{name}={value!s:.80} cannot be used: it is {self.says}.{remedy}")


def _listed(choices: Sequence[object]) -> str:
    return f"{', '.join(map(str, choices[:-1]))} or {choices[-1]}"


def _read_flag(text: str) -> Any:
    return _FLAGS.get(text.lower(), text)


def _read_number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return read


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def status(*choices: int) -> Rule:
    """One of these HTTP statuses; where 200 or 201 is among refusals it means that the request is taken."""

    def near(value: Any) -> list[int]:
        if not _is_number(value):
            return []
        least = min(abs(value - each) for each in choices)
        return [each for each in choices if abs(value - each) == least]

    says = _listed(sorted(choices))
    return Rule(says, lambda value: _is_number(value) and value in choices, _read_number(int), near, choices)


def word(*choices: str) -> Rule:
    """One of these words."""
    near = lambda value: difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)  # noqa: E731
    return Rule(_listed(choices), lambda value: isinstance(value, str) and value in choices, str, near, choices)


def between(low: int, high: int, kind: type = int) -> Rule:
    """A number of a kind, both ends among them."""

    def passes(value: Any) -> bool:
        return _is_number(value) and (kind is float or isinstance(value, int)) and low <= value <= high

    near = lambda value: (max(low, min(high, value)),) if _is_number(value) else ()  # noqa: E731
    says = f"a {'whole ' if kind is int else ''}number from {low} to {high}"
    return Rule(says, passes, _read_number(kind), near)


def _is_zone(value: Any) -> bool:
    try:
        return bool(ZoneInfo(value))
    except (KeyError, OSError, TypeError, ValueError):  # unknown, a folder, no text, or a way out of the folder
        return False


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and all(" " <= mark <= "~" for mark in value)


FLAG = Rule("true or false", lambda value: isinstance(value, bool), _read_flag, choices=(True, False))
LINE = Rule("one line of ASCII text", _is_line)
ZONE = Rule(
    "the name of a time zone such as Europe/Berlin",
    _is_zone,
    str,
    lambda value: difflib.get_close_matches(str(value), available_timezones(), n=1),
)


def assumed(default: T, decides: str, why: str, rule: Rule | None = None) -> T:
    """An assumption that can be changed.

    Args:
        default: what the account does unless told otherwise; the first choice of a rule that has choices.
        decides: what it is about, and what each value means.
        why: what the default rests on.
        rule: the values it can have; without one true or false, or one line of text.
    """
    rule = rule or (FLAG if isinstance(default, bool) else LINE)
    return dataclasses.field(default=default, metadata={"why": why, "decides": decides, "rule": rule})


def fixed(default: str, decides: str, why: str) -> str:
    """What would take large work to make a setting: it is named and listed, and cannot be changed."""
    return dataclasses.field(default=default, init=False, metadata={"why": why, "decides": decides, "rule": None})
