"""A table of records with the two indexes that an account needs."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from ac_tools.sandbox._wire import not_found


class _Row(Protocol):
    id: int


R = TypeVar("R", bound=_Row)


class Table(Generic[R]):
    """Records by id, by a unique name, and by the record that they belong to.

    Args:
        class_name: ActiveCampaign's internal name, which its 404 answers give away.
        key: what is unique about a record (an address in lower case, ...).
        owner: the id of the record that a record belongs to.
    """

    def __init__(
        self, class_name: str, *, key: Callable[[R], Any] | None = None, owner: Callable[[R], int | None] | None = None
    ) -> None:
        self.class_name = class_name
        self._key = key
        self._owner = owner
        self._rows: dict[int, R] = {}
        self._by_key: dict[Any, int] = {}
        self._by_owner: dict[int | None, dict[int, R]] = {}
        self._last = 0

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def next_id(self) -> int:
        """The id of the next record; ids are never given twice."""
        self._last += 1
        return self._last

    def count_from(self, row_id: int) -> None:
        """Gives the next record this id."""
        self._last = row_id - 1

    def add(self, row: R) -> R:
        """Puts a record in."""
        self._last = max(self._last, row.id)
        self._rows[row.id] = row
        self._index(row)
        return row

    def get(self, row_id: int | None) -> R | None:
        """The record with this id, if there is one."""
        return self._rows.get(row_id) if row_id is not None else None

    def need(self, row_id: int) -> R:
        """The record with this id.

        Raises:
            Refusal: 404 naming the internal class (recorded 2020 and 2021).
        """
        row = self._rows.get(row_id)
        if row is None:
            raise not_found(self.class_name, row_id)
        return row

    def find(self, key: Any) -> R | None:
        """The record with this unique name, if there is one."""
        return self.get(self._by_key.get(key))

    def of(self, owner: int) -> list[R]:
        """The records that belong to another, oldest first."""
        return sorted(self._by_owner.get(owner, {}).values(), key=lambda row: row.id)

    def change(self, row: R, **values: Any) -> R:
        """Changes a record in place."""
        self._unindex(row)
        for name, value in values.items():
            setattr(row, name, value)
        self._index(row)
        return row

    def drop(self, row: R) -> None:
        """Takes a record out."""
        self._unindex(row)
        del self._rows[row.id]

    def drop_of(self, owner: int) -> None:
        """Takes out all records that belong to another."""
        for row in self.of(owner):
            self.drop(row)

    def _index(self, row: R) -> None:
        if self._key is not None:
            self._by_key[self._key(row)] = row.id
        if self._owner is not None:
            self._by_owner.setdefault(self._owner(row), {})[row.id] = row

    def _unindex(self, row: R) -> None:
        if self._key is not None and self._by_key.get(self._key(row)) == row.id:
            del self._by_key[self._key(row)]
        if self._owner is not None:
            self._by_owner[self._owner(row)].pop(row.id, None)
