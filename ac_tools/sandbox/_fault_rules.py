"""What each word of an ordered failure can be, and what the words must be to each other."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

FaultCut = Literal["reset", "timeout", "refused", "midway"]
FaultReply = Literal["truncated", "html", "empty"]
When = Literal["before", "after"]

MOST_BYTES = 100_000_000
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "*")
_FRAMING = ("content-length", "transfer-encoding")  # the server counts the body itself
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOUR, _YEAR = 3600, 366 * 86_400


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


def meant(value: object, choices: Iterable[str]) -> str:
    """The end of a sentence about a wrong word: with the one that was probably meant, if one is near."""
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def check(name: str, value: Any) -> None:
    """Refuses a word's value that cannot be used.

    Raises:
        ValueError: naming the word, the rule and the remedy.
    """
    if name in _CHOICES:
        choices = _CHOICES[name]
        if (value.upper() if name == "method" and isinstance(value, str) else value) not in choices:
            rule = f"{', '.join(choices[:-1])} or {choices[-1]}{meant(value, choices)}"
            raise ValueError(f"{name}={value!r:.80} cannot be used: it must be {rule}")
        return
    passes, rule = _RULES[name]
    if not passes(value):
        raise ValueError(f"{name}={value!r:.80} cannot be used: it must be {rule}.{_remedy(name, value)}")


def _remedy(name: str, value: Any) -> str:
    if name != "path" or not isinstance(value, str):
        return ""
    return f" Write {'/' + value.removeprefix('/api/3').lstrip('/')!r:.80}."


def check_together(said: Mapping[str, Any]) -> None:
    """Refuses words that say nothing together, or contradict each other.

    Args:
        said: those words that were said, with their values.

    Raises:
        ValueError: naming the words and the remedy.
    """
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
    if said.get("cut") == "refused" and said.get("when") == "after":
        raise ValueError("A refused connection carries no request, so no work can come before it: when='before'.")
    if answers == ["drip"] and said.get("when") == "before":
        raise ValueError("drip alone gives the account's own answer, after the work: give a status, or when='after'.")
    if "seed" in said and "chance" not in said:
        raise ValueError("seed says nothing without a chance: give one, such as chance=0.1.")
