"""One endpoint's contract, and the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ac_tools.contracts._differences import Difference, compiled, differences, place
from ac_tools.contracts._files import Shared, endpoint_files

Evidence = Literal["recorded", "documented"]
"""What a contract rests on: traffic that was recorded, or documents alone."""


@dataclass(frozen=True, slots=True)
class Known:
    """Since when something is known, and how.

    Args:
        as_of: The day up to which it was known to be so, as an ISO date.
        evidence: recorded or documented.
    """

    as_of: str
    evidence: Evidence

    def __str__(self) -> str:
        return f"{self.as_of} ({self.evidence})"


class Contract:
    """What one endpoint was known to send and to take.

    Args:
        file: The endpoint's file.
        shared: What it refers to.
    """

    def __init__(self, file: Mapping[str, Any], shared: Shared) -> None:
        self.tool: str = file["x-tool"]
        self.method: str = file["x-method"]
        self.path: str = file["x-path"]
        self._known = Known(file["x-known-as-of"], file["x-evidence"])
        own = {name: shared.resolved(part) for name, part in file["$defs"].items()}
        self.statuses = tuple(sorted(int(name) for name in own if name.isdigit()))
        self._parts = {**shared.any_endpoint, **own}
        self._validators = {name: compiled(part) for name, part in self._parts.items()}

    @property
    def as_of(self) -> str:
        """The day up to which its success was known, as an ISO date."""
        return self._known.as_of

    @property
    def evidence(self) -> Evidence:
        """What its success rests on: recorded or documented."""
        return self._known.evidence

    def known(self, status: int) -> Known:
        """Since when the answer with this status is known, and how."""
        part = self._parts.get(str(status), {})
        return Known(part.get("x-known-as-of", self.as_of), part.get("x-evidence", self.evidence))

    def of_reply(self, status: int, data: Any, *, sent: Any = None) -> tuple[Difference, ...]:
        """How a reply differs from the contract. Of a fault of the server nothing is known.

        Args:
            status: The HTTP status.
            data: The parsed body.
            sent: The request's parsed body, where there was one: some keys come back only if they were sent.
        """
        if str(status) not in self._validators:
            return (Difference("new", f"status {status}"),) if 200 <= status < 300 else ()
        found = differences(self._validators[str(status)], data)
        return (*found, *self._not_echoed(self._parts[str(status)], data, sent))

    def of_request(self, body: Any) -> tuple[Difference, ...]:
        """How a request's parsed body differs from the contract."""
        if "request" not in self._validators:
            return () if body is None else (Difference("new", "the body"),)
        return differences(self._validators["request"], body)

    def of_query(self, query: Mapping[str, Any]) -> tuple[Difference, ...]:
        """How a query differs from the contract."""
        if "query" not in self._validators:
            return tuple(Difference("new", place([name])) for name in query)
        return differences(self._validators["query"], dict(query))

    def _not_echoed(self, part: Mapping[str, Any], data: Any, sent: Any) -> Iterator[Difference]:
        for wrap in sent if isinstance(sent, dict) and isinstance(data, dict) else ():
            given, echoed = sent[wrap], data.get(wrap)
            if isinstance(given, dict) and isinstance(echoed, dict):
                names = [name for name in part.get("x-echo", ()) if name in given and name not in echoed]
                yield from (Difference("missing", f"{wrap}.{name}") for name in names)


@lru_cache(maxsize=1)
def contracts() -> tuple[Contract, ...]:
    """The contracts of all endpoints, read and compiled once."""
    shared = Shared()
    return tuple(Contract(file, shared) for file in endpoint_files())


def contract_for(method: str, path: str) -> Contract | None:
    """The contract of the endpoint that a request goes to; None where it is none of the 29.

    Args:
        method: GET, POST, PUT or DELETE.
        path: The path below /api/3, with ids in it: "/contacts/7".
    """
    return _by_shape().get((method.upper(), re.sub(r"/[0-9]+(?=/|$)", "/{}", path.rstrip("/"))))


@lru_cache(maxsize=1)
def _by_shape() -> dict[tuple[str, str], Contract]:
    return {(each.method, re.sub(r"\{\w+\}", "{}", each.path)): each for each in contracts()}
