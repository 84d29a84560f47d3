"""One step of the tour: a request, what it needs from earlier replies, and what its answer tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ac_guardrails import Request

NOBODY = "2147483647"
"""An id that no record has."""

NO_BATCH = "00000000-0000-4000-8000-000000000000"
"""An id that no import has."""

Kind = Literal["json", "empty", "other"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, as far as it is compared.

    Args:
        status: The HTTP status.
        headers: The headers that were kept, by lower-case name.
        kind: Whether the body was JSON, empty, or something else.
        data: The parsed JSON.
    """

    status: int
    headers: Mapping[str, str]
    kind: Kind
    data: Any = None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: str | bytes | None) -> Seen:
        """An answer from its parts; a body of None was too large or broken."""
        named = {name.lower(): value for name, value in headers.items()}
        if body is not None and not body.strip():
            return cls(status, named, "empty")
        try:
            return cls(status, named, "json", json.loads(body or ""))
        except (ValueError, RecursionError):
            return cls(status, named, "other")

    def at(self, path: str) -> Any:
        """What stands at a place such as `contacts.0.id`; None where nothing does."""
        return at(self.data, path)


Tells = Callable[[Seen, Mapping[str, Seen]], str | None]
"""From an answer, and those before it by their steps, to what it shows of the account's behaviour; None for nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the tour.

    Args:
        name: What it is, in words; each step has another one.
        area: The area that is needed for it, and the file that it is kept in.
        path: The path below the API's base; {names} are filled from earlier replies, {t} with the run's own mark.
        method: GET, POST, PUT or DELETE.
        params: The query.
        body: The JSON body; its texts are filled like the path.
        settles: The sandbox's settings that the answer decides on.
        tells: What the answer shows beside its status; what it settles rests on both.
        keeps: Names for later steps, each with its place in the reply.
        with_key: Whether the account's own key is sent, and not a made-up one.
    """

    name: str
    area: str
    path: str
    method: str = "GET"
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    settles: tuple[str, ...] = ()
    tells: Tells | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    with_key: bool = True

    @property
    def is_write(self) -> bool:
        """Whether it changes the account."""
        return self.method != "GET"

    def request(self, values: Mapping[str, str]) -> Request | None:
        """The request with its names filled; None where one of them was in no reply."""
        try:
            params = tuple((name, value.format_map(values)) for name, value in self.params)
            body = None if self.body is None else _filled(self.body, values)
            return Request(self.method, self.path.format_map(values), params, body)
        except KeyError:
            return None


def at(data: Any, path: str) -> Any:
    """What stands at a place in parsed JSON; None where nothing does."""
    for part in path.split("."):
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        else:
            return None
    return data


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(each, values) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(each, values) for each in value]
    return value.format_map(values) if isinstance(value, str) else value
