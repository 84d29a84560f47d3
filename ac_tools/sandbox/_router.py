"""Which function answers which method and path."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from ac_tools.sandbox._query import Query
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, Refusal, page


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request as an endpoint sees it.

    Attributes:
        store: the account.
        query: the parameters.
        body: the JSON body; empty when there was none or it was no object.
        entries: the JSON body where it is a list; otherwise empty.
        size: the body's length in bytes.
        names: the variable parts of the path, decoded.
        limited: whether the account enforces its rates.
    """

    store: Store
    query: Query
    body: Mapping[str, Any]
    entries: list[Any]
    size: int
    names: Mapping[str, str]
    limited: bool

    @property
    def id(self) -> int:
        """The path's id; a missing one is read as 0 (recorded 2020), one that is no number too (assumed)."""
        return to_int(self.names.get("id"))

    def sent(self, wrapper: str) -> dict[str, Any]:
        """The record inside the body's wrapper; empty when it is missing or no object."""
        inner = self.body.get(wrapper)
        return dict(inner) if isinstance(inner, dict) else {}


Endpoint = Callable[[Call], Answer]


@dataclasses.dataclass(frozen=True, slots=True)
class _Route:
    method: str
    parts: tuple[str, ...]
    endpoint: Endpoint

    def names(self, parts: list[str]) -> dict[str, str] | None:
        if len(parts) != len(self.parts):
            return None
        names = {}
        for mine, theirs in zip(self.parts, parts, strict=True):
            if mine.startswith("{"):
                names[mine[1:-1]] = theirs
            elif mine != theirs:
                return None
        return names


_ROUTES: list[_Route] = []


def route(method: str, path: str) -> Callable[[Endpoint], Endpoint]:
    """Registers the function that answers a method and a path below /api/3; `{id}` in the path is a variable part."""

    def register(endpoint: Endpoint) -> Endpoint:
        _ROUTES.append(_Route(method, tuple(path.strip("/").split("/")), endpoint))
        # Literal parts win over variable ones, whatever the order of registration.
        _ROUTES.sort(key=lambda each: [part.startswith("{") for part in each.parts])
        return endpoint

    return register


def nowhere(settings: Settings, status: Literal[404, 405] = 404) -> Refusal:
    """The refusal of a path that does not exist (404), or of a method that it does not have (405), as assumed."""
    phrase = {404: "Not Found", 405: "Method Not Allowed"}[status]
    answered = {404: settings.unknown_path_status, 405: settings.wrong_method_status}[status]
    if settings.unknown_path_body == "html":
        return Refusal.of(page(answered, phrase))
    return Refusal(answered, settings.body(answered, phrase, settings.unknown_path_body))


def find(method: str, path: str, settings: Settings) -> tuple[Endpoint, dict[str, str]]:
    """The function for a request, with the variable parts of its path.

    Raises:
        Refusal: the path is unknown, or has no such method.
    """
    parts = [unquote(part, errors="replace") for part in path.removeprefix("/").split("/")]
    # A slash at the end stands for an id that is missing (recorded 2020), or for nothing where no id belongs.
    candidates = [parts, parts[:-1]] if parts[-1] == "" else [parts]
    known = False
    for candidate in candidates:
        for each in _ROUTES:
            names = each.names(candidate)
            if names is not None and each.method == method:
                return each.endpoint, names
            known = known or names is not None
    raise nowhere(settings, 405 if known else 404)
