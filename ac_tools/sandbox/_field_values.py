"""Contacts' values in custom fields."""

from collections.abc import Mapping
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import Query
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, iso, links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, problem, reply

_LINKS = links("fieldValues", "owner", "field")

FIELD_VALUE = Shape[rows.FieldValue](
    {
        "contact": ident("contact"),
        "field": ident("field"),
        "value": attr("value"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "created_by": always(None),
        "updated_by": always(None),
        "links": _LINKS,
        "id": ident(),
        "owner": ident("contact"),
    }
)


def wanted(store: Store, sent: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The (field, value) pairs that a contact's `fieldValues` ask for; entries that are no objects are ignored.

    Raises:
        Refusal: 404 for a field that does not exist (assumed), 422 for a value that it cannot have.
    """
    entries = sent.get("fieldValues")
    objects = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    pairs = [(store.fields.need(to_int(each.get("field"))).id, to_text(each.get("value"))) for each in objects]
    for field, value in pairs:
        check(store, field, value)
    return pairs


def fits(store: Store, field: int, value: str) -> bool:
    """Whether a field can have a value: one of its options, or several (`||a||b||`); by setting any."""
    options = {option.value for option in store.field_options.of(field)}
    return store.settings.field_values_free or not options or set(filter(None, value.split("||"))) <= options


def check(store: Store, field: int, value: str) -> None:
    """Refuses a value that a field cannot have, without naming the field (by hearsay)."""
    if not fits(store, field, value):
        raise Refusal(422, {"errors": [problem("The field value is not valid.", code="field_invalid")]})


def put(store: Store, contact: int, field: int, value: str) -> rows.FieldValue:
    """Sets a contact's value in a field; there is one row per contact and field (documented)."""
    now = store.now()
    row = store.field_values.find((contact, field))
    if row is not None:
        return store.field_values.change(row, value=value, updated=now)
    return store.field_values.add(rows.FieldValue(store.field_values.next_id(), contact, field, value, now, now))


def _passes(row: rows.FieldValue, query: Query) -> bool:
    have = {"fieldid": str(row.field), "val": row.value}
    return all(have[name] == want for name, _, want in query.filters() if name in have)


@route("GET", "/fieldValues")
def list_field_values(call: Call) -> Answer:
    """All values; filters[fieldid] and filters[val] compare exactly (recorded 2020 and 2021)."""
    store = call.store
    found = [row for row in store.field_values if _passes(row, call.query)]
    body = {"fieldValues": FIELD_VALUE.many(call.query.page(found), store), "meta": {"total": str(len(found))}}
    return reply(200, body)
