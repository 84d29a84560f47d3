"""How a record looks on the wire, as a table of keys in their order, each with what gives its value.

ActiveCampaign has two forms of most records: a read gives everything as text, the reply to a write echoes what was sent
with the types it was sent with and leaves most keys out (recorded 2020 and 2021).
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

from ac_tools.sandbox._store import Store

ABSENT = object()
R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What a record is rendered with: the account around it and the values that the request sent."""

    store: Store
    sent: Mapping[str, Any]


Render = Callable[[Any, View], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """Gives a key an attribute of the record: raw, as text, as ISO 8601 or as local time; null stays null."""

    name: str
    form: Literal["raw", "text", "iso", "local"]

    def __call__(self, row: Any, view: View) -> Any:
        """The attribute in its form."""
        value = getattr(row, self.name)
        if value is None or self.form == "raw":
            return value
        if self.form == "text":
            return str(value)
        return view.store.iso(value) if self.form == "iso" else view.store.local(value)


class Shape(Generic[R]):
    """The wire form of a kind of record.

    Args:
        keys: the keys in their order, each with the function that gives its value; ABSENT leaves a key out.
    """

    def __init__(self, keys: Mapping[str, Render]) -> None:
        self._keys = dict(keys)

    def __call__(self, row: R, store: Store, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One record in this form; `sent` is what the request gave for it."""
        view = View(store, sent or {})
        pairs = ((key, render(row, view)) for key, render in self._keys.items())
        return {key: value for key, value in pairs if value is not ABSENT}

    def columns(self) -> dict[str, Column]:
        """The keys that show an attribute of the record, each with which and how."""
        return {key: render for key, render in self._keys.items() if isinstance(render, Column)}

    def many(self, rows: Iterable[R], store: Store) -> list[dict[str, Any]]:
        """Several records in this form."""
        return [self(row, store) for row in rows]

    def but(self, **keys: Render) -> "Shape[R]":
        """The same form with some keys given by something else, in the same place; new ones come last."""
        return Shape({**self._keys, **keys})

    def without(self, *keys: str) -> "Shape[R]":
        """The same form without some keys."""
        return Shape({name: render for name, render in self._keys.items() if name not in keys})

    def before(self, key: str, **keys: Render) -> "Shape[R]":
        """The same form with more keys in front of one that it has."""
        table: dict[str, Render] = {}
        for name, render in self._keys.items():
            if name == key:
                table.update(keys)
            table[name] = render
        return Shape(table)


def attr(name: str) -> Render:
    """The record's attribute as it is."""
    return Column(name, "raw")


def ident(name: str = "id") -> Render:
    """An id (or a number) as text; null when there is none."""
    return Column(name, "text")


def always(value: Any) -> Render:
    """The same value for every record."""
    return lambda row, view: value


def iso(name: str) -> Render:
    """A time as ISO 8601 with an offset; null when there is none."""
    return Column(name, "iso")


def local(name: str) -> Render:
    """A time as local time without an offset; null when there is none."""
    return Column(name, "local")


def sent(name: str, default: Render = always(ABSENT)) -> Render:
    """The value exactly as the request gave it; when it gave none, the default."""
    return lambda row, view: view.sent[name] if name in view.sent else default(row, view)


def since(day: str, render: Render, before: Render = always(ABSENT)) -> Render:
    """What a key is given from a day of the API's history on; before that something else, or no key at all."""
    return lambda row, view: (render if view.store.settings.era >= day else before)(row, view)


def stored(name: str, key: str) -> Render:
    """The record's attribute, present only when the request sent the key."""
    return lambda row, view: getattr(row, name) if key in view.sent else ABSENT


def links(resource: str, *names: str, suffixes: Mapping[str, str] | None = None) -> Render:
    """The absolute addresses of what belongs to a record."""
    ends = [(name, f"/{name}{(suffixes or {}).get(name, '')}") for name in names]

    def render(row: Any, view: View) -> dict[str, str]:
        base = f"{view.store.url}/{resource}/{row.id}"
        return {name: base + end for name, end in ends}

    return render
