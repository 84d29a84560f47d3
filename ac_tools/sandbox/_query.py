"""Query strings as PHP reads them, and the filters, orders and pages that they ask for."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Refusal

T = TypeVar("T")
_MOST = 100  # rows a page, documented
_KEY = re.compile(r"\[([^\]]*)\]")


class Query:
    """The parameters of a request.

    Brackets make paths: `filters[name][contains]=x` is found as `filters`, `name`, `contains`. Of a repeated parameter
    the last counts, except in a list (`ids[]`).
    """

    def __init__(self, text: str) -> None:
        self._values: dict[tuple[str, ...], str] = {}
        self._lists: dict[str, list[str]] = {}
        for key, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
            head = key.split("[", 1)[0]
            path = (head, *_KEY.findall(key))
            if path[-1] == "" and len(path) == 2:
                self._lists.setdefault(head, []).append(value)
            else:
                self._values.pop(path, None)
                self._values[path] = value

    def get(self, *path: str) -> str | None:
        """The text of a parameter, None when it is absent."""
        return self._values.get(path)

    def number(self, *path: str, default: int = 0) -> int:
        """A parameter as an integer; the default when it is absent or no number."""
        return to_int(self._values.get(path), default)

    def listed(self, name: str) -> list[str]:
        """A list parameter: `ids[]=1&ids[]=2`, or `ids=1,2`."""
        plain = self._values.get((name,))
        return self._lists.get(name, []) + (plain.split(",") if plain else [])

    def filters(self) -> list[tuple[str, str, str]]:
        """The `filters[name][operator]=value` of the request, the operator empty when there is none."""
        found = [(path, value) for path, value in self._values.items() if path[0] == "filters" and len(path) in (2, 3)]
        return [(path[1], path[2] if len(path) == 3 else "", value) for path, value in found]

    def orders(self) -> list[tuple[str, bool]]:
        """The `orders[name]=ASC|DESC` of the request in their order, True where descending."""
        found = [(path[1], value) for path, value in self._values.items() if path[0] == "orders" and len(path) == 2]
        return [(name, value.strip().upper() == "DESC") for name, value in found]

    def limit(self, default: int) -> int:
        """Rows a page: at most 100 (documented), the default where less than one is asked for (assumed)."""
        asked = self.number("limit", default=default)
        return min(asked, _MOST) if asked > 0 else default

    def check_limit(self, settings: Settings) -> None:
        """Refuses rows a page that are too many or too few, where that is assumed.

        Raises:
            Refusal: 422 (assumed).
        """
        if self.get("limit") is None:
            return
        if self.number("limit") > _MOST and settings.limit_above_100 == "refuse":
            raise Refusal(422, {"message": f"The limit must not be above {_MOST}."})
        if self.number("limit") < 1 and settings.limit_below_1 == "refuse":
            raise Refusal(422, {"message": "The limit must be a number, at least 1."})

    def offset(self) -> int:
        """Rows to skip, counted from zero."""
        return max(self.number("offset"), 0)

    def page(self, rows: list[T], default: int = 20) -> list[T]:
        """The rows of the page that is asked for."""
        return rows[self.offset() : self.offset() + self.limit(default)]

    def text(self) -> str:
        """All parameters in one text, the same for the same query."""
        return repr((sorted(self._values.items()), sorted(self._lists.items())))


def ordered(rows: Iterable[T], query: Query, keys: Mapping[str, Callable[[T], Any]]) -> list[T]:
    """The rows in the order that is asked for; the first order weighs most, unknown ones nothing."""
    result = list(rows)
    for name, descending in reversed(query.orders()):
        if name in keys:
            result.sort(key=keys[name], reverse=descending)
    return result


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda have, want: have == want,
    "neq": lambda have, want: have != want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "contains": lambda have, want: want in have,
    "starts_with": lambda have, want: have.startswith(want),
}


def matches(have: str, operator: str, want: str, *, default: str = "contains") -> bool:
    """Whether a text passes one of the eight documented filters, without regard to case.

    Args:
        have: the record's text.
        operator: eq, neq, lt, lte, gt, gte, contains or starts_with; unknown ones count as the default.
        want: what the request asks for.
        default: what a filter without an operator means here.
    """
    return _OPERATORS.get(operator, _OPERATORS[default])(have.lower(), want.lower())


def compares(have: float, operator: str, want: float, *, default: str = "eq") -> bool:
    """Whether a number passes a filter with one of the six comparing operators."""
    return _OPERATORS[operator if operator in ("eq", "neq", "lt", "lte", "gt", "gte") else default](have, want)
