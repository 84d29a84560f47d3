"""What a card says of a call besides what its tool knows: the arguments, exactly as they were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ac_guardrails import quoted
from ac_guardrails._canonical import canonical

Rows = tuple[tuple[str, str], ...]

_MOST = 700
"""How many characters of arguments a card shows."""
_ROOM = 400
"""How many characters a row has for a list of texts."""
_ODD = re.compile(r"[^ -~]|(?<= ) ")
"""What may be drawn as something else or nothing: all but printable ASCII, and spaces after a space."""


def argument_rows(arguments: Mapping[str, Any]) -> Rows:
    """The arguments as JSON, up to a length that can be read; what is left out is counted.

    Args:
        arguments: What was asked for, as JSON.
    """
    text = _exact(arguments)
    shown = ("Arguments", text[:_MOST])
    if len(text) <= _MOST:
        return (shown,)
    return shown, ("Not shown", f"{len(text) - _MOST:,} more characters; ac-tools approvals show ID --json has all")


def change(before: str | None, after: str | None) -> str:
    """A value as it is and as it would be, as data.

    Args:
        before: What stands there; None or empty where nothing does.
        after: What would.
    """
    return becoming(*(quoted(text, limit=200) if text else "" for text in (before, after)))


def becoming(before: str, after: str) -> str:
    """The same for two texts that are harmless to show."""
    return f"{before or 'empty'} → {after or 'empty'}" if before != after else f"{after or 'empty'}, as it is already"


def some(texts: Sequence[str], most: int | None = None) -> str:
    """The first of many texts, as many as a row has room for, and how many there are besides.

    Args:
        texts: The texts, each short and harmless to show.
        most: How many to show at most; by default as many as fit.
    """
    shown = list(_fitting(texts[:most]))
    rest = f" and {len(texts) - len(shown)} more" if len(shown) < len(texts) else ""
    return f"{', '.join(shown)}{rest}"


def _fitting(texts: Iterable[str]) -> Iterable[str]:
    room = _ROOM
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            return
        yield text


def _exact(arguments: Mapping[str, Any]) -> str:
    """Canonical JSON in which everything can be seen; where it is too long, the short arguments come first."""
    text = _seen(canonical(arguments))
    if len(text) <= _MOST:
        return text
    parts = (f"{canonical(name)}:{canonical(value)}" for name, value in arguments.items())
    return _seen(f"{{{','.join(sorted(parts, key=len))}}}")


def _seen(text: str) -> str:
    return _ODD.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    if char == " ":
        return r"\u0020"
    return char if char.isprintable() else json.dumps(char)[1:-1]
