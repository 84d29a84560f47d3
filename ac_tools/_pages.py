"""Pages of collections: one of them with a hint for the model, and the walk over all of them in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from ac_guardrails._request import Request
from ac_tools._errors import UnreadableResponseError
from ac_tools._exchange import Reply

LARGEST_PAGE = 100
"""Records that a page has at most, documented."""

_BY_ID = "/contacts"  # documented: the only collection that is walked by id_greater

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a collection.

    Args:
        items: The records.
        total: How many there are in all, or None if the account does not say or contradicts itself.
        offset: How many come before the first item.
        limit: How many were asked for.
        next_offset: The offset of the next page, or None on the last one.
    """

    items: tuple[T, ...]
    total: int | None
    offset: int
    limit: int
    next_offset: int | None

    @classmethod
    def of(cls, items: Iterable[T], data: Any, *, offset: int, limit: int) -> Self:
        """The page that a parsed answer holds.

        Args:
            items: Its records, in whatever form.
            data: The answer, for its `meta.total`: a text or a number (recorded 2021), absent on some collections.
            offset: The offset that was asked for.
            limit: The limit that was asked for.
        """
        items = tuple(items)
        reached = offset + len(items)
        total = total_of(data)
        if total is not None and items and total < reached:
            total = None
        more = bool(items) and (len(items) >= limit if total is None else reached < total)
        return cls(items, total, offset, limit, reached if more else None)

    def hint(self) -> str:
        """One line that tells the model how to go on."""
        shown = f"{len(self.items)} shown" if self.total is None else f"{len(self.items)} of {self.total} shown"
        if self.next_offset is None:
            return f"{shown}; that is all."
        count = self.limit if self.total is None else min(self.limit, self.total - self.next_offset)
        return f"{shown}; for the next {count} call again with offset={self.next_offset}."

    def _repr_html_(self) -> str:
        from ac_tools._records._html import page_html

        return page_html(self)


class Walk:
    """The way through a whole collection: ask for `next_request()`, send it, `feed()` the reply, until there is none.

    It trusts neither the total nor a page's fullness alone, since totals can be absent or wrong and a server may cap
    pages silently. It ends at an empty page, at a page with nothing new, or when a short page and the total agree.

    Args:
        path: The collection's path.
        key: The name under which answers hold the records, such as "contacts".
        params: Filters and orders; without orders contacts are walked by id, which changes in between cannot shift.
        size: Records a page.
        most: Records to hand out at most.
    """

    def __init__(
        self,
        path: str,
        key: str,
        params: Iterable[tuple[str, str]] = (),
        *,
        size: int = LARGEST_PAGE,
        most: int = 10_000,
    ) -> None:
        self._path = path
        self._key = key
        self._params = tuple((name, value) for name, value in params if name not in ("limit", "offset"))
        self._by_id = path == _BY_ID and not any(name.startswith(("orders", "id_greater")) for name, _ in self._params)
        if self._by_id:
            self._params += (("orders[id]", "ASC"),)
        self._size = size
        self._most = most
        self._received = 0
        self._last_id = 0
        self._seen: set[str] = set()
        self._done = most < 1
        self.count = 0
        """Records handed out so far."""
        self.truncated = False
        """Whether there are, or may be, records that were not handed out."""

    def next_request(self) -> Request | None:
        """The request for the next page; the same until a reply was fed; None at the end."""
        if self._done:
            return None
        place = ("id_greater", str(self._last_id)) if self._by_id else ("offset", str(self._received))
        return Request("GET", self._path, (*self._params, place, ("limit", str(self._asked()))))

    def feed(self, reply: Reply) -> list[dict[str, Any]]:
        """Take the reply to `next_request()` and return those of its records that are new.

        Raises:
            UnreadableResponseError: The reply holds no such list.
        """
        rows, total, asked = self._rows(reply), total_of(reply.data), self._asked()
        new = [row for row in rows if self._is_new(row)]
        handed = new[: self._most - self.count]
        self.count += len(handed)
        self._received += len(rows)
        if self._by_id and not self._follows(rows):  # the account does not walk by id after all
            self._by_id, self._received = False, len(self._seen)
            self._done = not rows
        else:
            all_there = total == self._received or (self._by_id and total == len(rows))
            self._done = not new or (len(rows) < asked and all_there)
        if self.count >= self._most:
            self._done, self.truncated = True, len(handed) < len(new) or total != self.count
        elif rows and not new and self._done:
            self.truncated = total is not None and total > self.count
        return handed

    def _asked(self) -> int:
        return min(self._size, self._most - self.count)

    def _rows(self, reply: Reply) -> list[dict[str, Any]]:
        rows = reply.data.get(self._key) if isinstance(reply.data, Mapping) else None
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        raise UnreadableResponseError(
            f"ActiveCampaign's answer holds no list of {self._key}. Check that the URL is the API URL.",
            status=reply.status,
            request_id=reply.request_id,
            method="GET",
            path=self._path,
        )

    def _is_new(self, row: dict[str, Any]) -> bool:
        mark = str(row["id"]) if "id" in row else json.dumps(row, sort_keys=True)
        new = mark not in self._seen
        self._seen.add(mark)
        return new

    def _follows(self, rows: list[dict[str, Any]]) -> bool:
        """Whether the rows rise by id from where the last page ended; remembers where they end."""
        for row in rows:
            number = _whole(row.get("id"))
            if number is None or number <= self._last_id:
                return False
            self._last_id = number
        return True


def total_of(data: Any) -> int | None:
    """The total that a collection's answer states, or None."""
    meta = data.get("meta") if isinstance(data, Mapping) else None
    return _whole(meta.get("total")) if isinstance(meta, Mapping) else None


def _whole(value: Any) -> int | None:
    """A count or id, which is a text on some collections and a number on others (recorded 2020 and 2021)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
