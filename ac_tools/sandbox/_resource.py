"""Kinds of records that stand for themselves: each is declared by its keys, and all are served alike."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import Query, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import ABSENT, Render, Shape, View, ident, since
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._table import Table
from ac_tools.sandbox._values import to_text
from ac_tools.sandbox._wire import Answer, missing, reply

Action = Literal["list", "get", "create", "update", "delete"]
ALL: tuple[Action, ...] = ("list", "get", "create", "update", "delete")
ID, LINKS = object(), object()  # stand where a record's id and links do


def stamp_iso(store: Store) -> str:
    """The present moment with its offset, for a key that a write sets."""
    return store.iso(store.now())


def stamp_local(store: Store) -> str:
    """The present moment as local time, for a key that a write sets."""
    return store.local(store.now())


@dataclasses.dataclass(frozen=True)
class Resource:
    """A kind of record.

    Attributes:
        plural: its name in paths and above collections.
        singular: the wrapper of one record.
        class_name: ActiveCampaign's internal name, for its 404.
        keys: the keys of a read in their order, each with what a new record has there; a function is asked when one is
            made. ID and LINKS mark the places of the id and the links.
        links: what gives the links.
        echo: the keys of the reply to a creation in their order; those that were not sent and that `answers` does not
            name are left out.
        answers: what the account itself sets on a new record, with the type that its reply to the creation has.
        touched: what an update sets by itself.
        later: what an update sets by itself too, but what its own reply does not show yet.
        names: keys that a request may give by another name.
        worked_out: keys whose value is worked out of others.
        needs: the names that a creation must give (documented, or assumed).
        newer: keys that came later, each with the day.
        recorded: whether a listing was ever recorded; of others it is assumed whether the total is text.
    """

    plural: str
    singular: str
    class_name: str
    keys: Mapping[str, Any]
    links: Render
    echo: tuple[str, ...] = ()
    answers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    touched: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    later: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    worked_out: Mapping[str, Render] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    newer: Mapping[str, str] = dataclasses.field(default_factory=dict)
    recorded: bool = True

    def table(self, store: Store) -> Table[rows.Record]:
        """The account's records of this kind."""
        return store.records(self.plural, self.class_name)

    @property
    def shape(self) -> Shape[rows.Record]:
        """How a record is read; after an update what was sent shows with the type that it was sent with."""
        return Shape({key: self._render(key, default) for key, default in self.keys.items()})

    @property
    def created(self) -> Shape[rows.Record]:
        """The reply to a creation."""
        return Shape({key: self._render(key, self.keys.get(key), echo=True) for key in self.echo})

    def _render(self, key: str, default: Any, *, echo: bool = False) -> Render:
        if default is LINKS:
            return self.links
        if default is ID:
            return ident()
        if key in self.worked_out:
            return self.worked_out[key]

        def render(row: rows.Record, view: View) -> Any:
            if key in view.sent:
                return view.sent[key]
            if echo:
                return ABSENT
            return row.values.get(key, None if callable(default) else default)

        return since(self.newer[key], render) if key in self.newer else render

    def given(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What a request gives for keys that a request can set, flags as 0 and 1.

        Ids, links, times and what is worked out of others are the account's own (assumed).
        """
        named = {self.names.get(name, name): value for name, value in sent.items()}
        known = {key: value for key, value in named.items() if self._settable(key)}
        return {key: int(value) if isinstance(value, bool) else value for key, value in known.items()}

    def _settable(self, key: str) -> bool:
        default = self.keys.get(key, ID)
        return default not in (ID, LINKS) and not callable(default) and key not in self.worked_out

    def add(self, store: Store, given: Mapping[str, Any]) -> tuple[rows.Record, dict[str, Any]]:
        """Puts a new record in; with it comes what the reply to its creation shows."""
        places = {key: value for key, value in self.keys.items() if value not in (ID, LINKS)}
        set_by_account = {key: _ask(value, store) for key, value in self.answers.items()}
        shown = {**set_by_account, **given}
        values = {key: _ask(value, store) for key, value in places.items()}
        values.update({key: stored(value) for key, value in shown.items()})
        table = self.table(store)
        return table.add(rows.Record(table.next_id(), values)), shown

    def change(self, store: Store, row: rows.Record, given: Mapping[str, Any]) -> dict[str, Any]:
        """Changes what is given, and what an update moves by itself; gives the reply."""
        row.values.update({key: stored(value) for key, value in given.items()})
        row.values.update({key: _ask(value, store) for key, value in self.touched.items()})
        shown = self.shape(row, store, given)
        row.values.update({key: _ask(value, store) for key, value in self.later.items()})
        return shown


def _ask(value: Any, store: Store) -> Any:
    return value(store) if callable(value) else value


def stored(value: Any) -> Any:
    """A value as a later read gives it: numbers as text, everything else as it was sent."""
    return to_text(value) if isinstance(value, (int, float)) else value


def _passes(row: rows.Record, query: Query) -> bool:
    return all(to_text(row.values[name]) == want for name, _, want in query.filters() if name in row.values)


def _by(key: str) -> Callable[[rows.Record], str]:
    return lambda row: to_text(row.values.get(key)).lower()


def serve(resource: Resource, *actions: Action) -> None:
    """Registers the endpoints of a kind of record.

    Filters compare a key's text exactly, and any key orders (both assumed).
    """
    shape, created = resource.shape, resource.created

    def list_records(call: Call) -> Answer:
        store = call.store
        found = [row for row in resource.table(store) if _passes(row, call.query)]
        found = ordered(found, call.query, {key: _by(key) for key in resource.keys})
        page = shape.many(call.query.page(found), store)
        total = str(len(found)) if resource.recorded else store.total(len(found))
        return reply(200, {resource.plural: page, "meta": {"total": total}})

    def get_record(call: Call) -> Answer:
        return reply(200, {resource.singular: shape(resource.table(call.store).need(call.id), call.store)})

    def create_record(call: Call) -> Answer:
        given = resource.given(call.sent(resource.singular))
        absent = [name for name in resource.needs if given.get(name) in (None, "", [])]
        if absent:
            raise missing(resource.singular, *absent)
        row, shown = resource.add(call.store, given)
        return reply(201, {resource.singular: created(row, call.store, shown)})

    def update_record(call: Call) -> Answer:
        store, given = call.store, resource.given(call.sent(resource.singular))
        row = resource.table(store).need(call.id)
        return reply(200, {resource.singular: resource.change(store, row, given)})

    def delete_record(call: Call) -> Answer:
        table = resource.table(call.store)
        table.drop(table.need(call.id))
        return reply(200, {})

    one, many = f"/{resource.plural}/{{id}}", f"/{resource.plural}"
    endpoints = {
        "list": ("GET", many, list_records),
        "get": ("GET", one, get_record),
        "create": ("POST", many, create_record),
        "update": ("PUT", one, update_record),
        "delete": ("DELETE", one, delete_record),
    }
    for action in actions:
        method, path, endpoint = endpoints[action]
        route(method, path)(endpoint)
