"""What answers show of an account's behaviour beside their status, in a word or two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ac_tools.recording._steps import Seen, Tells

_CLASS = re.compile(r"no result found for (\w+)", re.IGNORECASE)


def form(seen: Seen, _earlier: Mapping[str, Seen]) -> str:
    """The form of a refusal's body."""
    if seen.kind != "json":
        return "empty" if seen.kind == "empty" else "no JSON"
    names = [name for name in ("message", "errors") if isinstance(seen.data, dict) and name in seen.data]
    return names[0] if names else "other JSON"


def dropped(seen: Seen, _earlier: Mapping[str, Seen]) -> str:
    """Whether a success was one."""
    return "an error in its headers" if "x-ac-error" in seen.headers else "no error in its headers"


def rate_headers(seen: Seen, _earlier: Mapping[str, Seen]) -> str:
    """Whether the rate is told."""
    return "RateLimit headers" if any(name.startswith("ratelimit") for name in seen.headers) else "no RateLimit headers"


def named_class(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
    """What the account calls a record that it does not have."""
    found = _CLASS.search(str(seen.at("message") or ""))
    return found[1] if found else None


def whole_or_short(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
    """Whether a deal comes with all its keys."""
    deal = seen.at("deal")
    return ("whole" if "stage" in deal else "in its short form") if isinstance(deal, dict) else None


def some(collection: str) -> Tells:
    """Whether any record came."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        found = seen.at(collection)
        return ("some records" if found else "no record") if isinstance(found, list) else None

    return tells


def page(collection: str, most: int = 0) -> Tells:
    """Whether a page had records, where there are some; or whether it had more than a number of them."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        found = seen.at(collection)
        if not isinstance(found, list) or not _total(seen):
            return None
        return f"{'more than' if len(found) > most else 'at most'} {most} records"

    return tells


def size(collection: str) -> Tells:
    """How many records a page has by default, where there are more of them than that."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        found = seen.at(collection)
        return str(len(found)) if isinstance(found, list) and 0 < len(found) < _total(seen) else None

    return tells


def order(collection: str) -> Tells:
    """Whether the oldest or the newest records come first."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        found = seen.at(collection)
        ids = [int(each["id"]) for each in found if _has_id(each)] if isinstance(found, list) else []
        if len(ids) < 2 or len(set(ids)) < len(ids):
            return None
        rising, falling = ids == sorted(ids), ids == sorted(ids, reverse=True)
        return "oldest first" if rising else "newest first" if falling else "neither oldest nor newest first"

    return tells


def kind(path: str) -> Tells:
    """Whether a number comes as a text or as a number."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        value = seen.at(path)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return None
        return "text" if isinstance(value, str) else "a number"

    return tells


def blank(path: str) -> Tells:
    """Whether a text is still there."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        value = seen.at(path)
        return ("kept" if value else "blanked") if isinstance(value, str) or value is None else None

    return tells


def case(path: str) -> Tells:
    """Whether a text is in lower case."""

    def tells(seen: Seen, _earlier: Mapping[str, Seen]) -> str | None:
        value = seen.at(path)
        return ("in lower case" if value == value.lower() else "in capitals") if isinstance(value, str) else None

    return tells


def as_in(path: str, step: str, there: str = "") -> Tells:
    """Whether something is the same as in an earlier answer.

    Args:
        path: Its place.
        step: The earlier step.
        there: Its place there, if it is another.
    """

    def tells(seen: Seen, earlier: Mapping[str, Seen]) -> str | None:
        before = earlier[step].at(there or path) if step in earlier else None
        now = seen.at(path)
        if before is None or now is None:
            return None
        return f"the same as after {step}" if str(before) == str(now) else f"another than after {step}"

    return tells


def keys_as_in(step: str) -> Tells:
    """Whether a reply has the same keys at its top as an earlier one."""

    def tells(seen: Seen, earlier: Mapping[str, Seen]) -> str | None:
        before = earlier[step].data if step in earlier else None
        if not (isinstance(before, dict) and isinstance(seen.data, dict)):
            return None
        return f"{'the same keys as' if before.keys() == seen.data.keys() else 'other keys than'} {step}"

    return tells


def _total(seen: Seen) -> int:
    total = str(seen.at("meta.total") or "0")
    return int(total) if total.isdigit() else 0


def _has_id(record: Any) -> bool:
    return isinstance(record, dict) and str(record.get("id", "")).isdigit()
