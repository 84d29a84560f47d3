"""One contact's value in one custom field, by its own id."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._contacts import CONTACT, touch
from ac_tools.sandbox._field_values import FIELD_VALUE, check, put
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, missing, reply

_CREATED = Shape[rows.FieldValue](
    {
        "contact": sent("contact"),
        "field": sent("field"),
        "value": sent("value"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": links("fieldValues", "owner", "field"),
        "owner": ident("contact"),
        "id": ident(),
    }
)


# After an update the id comes last (recorded 2020 and 2021).
_UPDATED = FIELD_VALUE.without("id", "owner").but(owner=ident("contact"), id=ident())


def _with_contact(store: Store, row: rows.FieldValue, record: dict[str, Any]) -> dict[str, Any]:
    contact = store.contacts.get(row.contact)
    return {"contacts": [CONTACT(contact, store)] if contact is not None else [], "fieldValue": record}


def _set(call: Call) -> tuple[rows.FieldValue, dict[str, Any]]:
    store, given = call.store, call.sent("fieldValue")
    absent = [name for name in ("contact", "field", "value") if given.get(name) is None]
    if absent:
        raise missing("fieldValue", *absent)
    contact = store.contacts.need(to_int(given["contact"]))
    field, value = store.fields.need(to_int(given["field"])).id, to_text(given["value"])
    check(store, field, value)
    row = put(store, contact.id, field, value)
    touch(store, contact)
    return row, given


@route("POST", "/fieldValues")
def create_field_value(call: Call) -> Answer:
    """Sets a value: 201 (recorded 2020 and 2021); one that is there is changed (documented)."""
    row, given = _set(call)
    return reply(201, _with_contact(call.store, row, _CREATED(row, call.store, given)))


@route("GET", "/fieldValues/{id}")
def get_field_value(call: Call) -> Answer:
    """One value (recorded 2020)."""
    return reply(200, {"fieldValue": FIELD_VALUE(call.store.field_values.need(call.id), call.store)})


@route("PUT", "/fieldValues/{id}")
def update_field_value(call: Call) -> Answer:
    """Changes a value (recorded 2020 and 2021); its contact and field cannot be changed (assumed)."""
    store, given = call.store, call.sent("fieldValue")
    row = store.field_values.need(call.id)
    if "value" in given:
        check(store, row.field, to_text(given["value"]))
        store.field_values.change(row, value=to_text(given["value"]), updated=store.now())
    contact = store.contacts.get(row.contact)
    if contact is not None:
        touch(store, contact)
    return reply(200, _with_contact(store, row, _UPDATED(row, store)))


@route("DELETE", "/fieldValues/{id}")
def delete_field_value(call: Call) -> Answer:
    """Takes a value away (recorded 2020 and 2021)."""
    call.store.field_values.drop(call.store.field_values.need(call.id))
    return reply(200, {})
