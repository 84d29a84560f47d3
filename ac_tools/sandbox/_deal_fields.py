"""Custom fields of deals and their values, a newer part of the API: native types, times in UTC, 200 to a creation."""

import re
from collections.abc import Mapping
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._table import Table
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, missing, reply

# Tags that every deal has of itself: a field called "title" got another (recorded 2020); the other ones are assumed.
_TAKEN = {"DEAL_TITLE", "DEAL_VALUE", "DEAL_CURRENCY", "DEAL_STATUS", "DEAL_OWNER", "DEAL_STAGE", "DEAL_PIPELINE"}
_META_KEYS = {
    "fieldLabel": "",
    "fieldType": "text",
    "fieldOptions": None,
    "fieldDefault": None,
    "fieldDefaultCurrency": None,
    "isFormVisible": 0,
    "isRequired": 0,
    "displayOrder": 0,
}
_META_SET = ("personalization", "knownFieldId", "hideFieldFlag", "createdTimestamp", "updatedTimestamp")
_DATA_KEYS = (
    *("dealCustomFieldMetumId", "dealId", "customFieldId", "createdTimestamp", "updatedTimestamp", "fieldValue"),
    "fieldCurrency",
)


def _shape(resource: str, keys: tuple[str, ...], *link_names: str) -> Shape[rows.Record]:
    def identity(row: rows.Record, _view: View) -> str:
        return str(row.id)

    table = {key: _value(key) for key in keys}
    return Shape({"id": identity, **table, "links": links(resource, *link_names)})


def _value(key: str) -> Any:
    def render(row: rows.Record, view: View) -> Any:
        return view.sent.get(key, row.values.get(key))

    return render


META = _shape("dealCustomFieldMeta", (*_META_KEYS, *_META_SET), "dealCustomFieldData")


def metas(store: Store) -> Table[rows.Record]:
    """The custom fields of deals."""
    return store.records("dealCustomFieldMeta", "DealCustomFieldMeta")


def data(store: Store) -> Table[rows.Record]:
    """The values in custom fields of deals."""
    return store.records("dealCustomFieldData", "DealCustomFieldData")


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _personalization(store: Store, label: str) -> str:
    base = "DEAL_" + re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_")
    taken = _TAKEN | {row.values["personalization"] for row in metas(store)}
    return base if base not in taken else next(f"{base}_{n}" for n in range(1, 1000) if f"{base}_{n}" not in taken)


@route("GET", "/dealCustomFieldMeta")
def list_metas(call: Call) -> Answer:
    """The fields; there is no meta (recorded 2020)."""
    return reply(200, {"dealCustomFieldMeta": META.many(call.query.page(list(metas(call.store)), 100), call.store)})


@route("GET", "/dealCustomFieldMeta/{id}")
def get_meta(call: Call) -> Answer:
    """One field (documented)."""
    return reply(200, {"dealCustomFieldMetum": META(metas(call.store).need(call.id), call.store)})


@route("POST", "/dealCustomFieldMeta")
def create_meta(call: Call) -> Answer:
    """Adds a field: 201 (recorded 2020)."""
    store, given = call.store, call.sent("dealCustomFieldMetum")
    absent = [name for name in ("fieldLabel", "fieldType") if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("dealCustomFieldMetum", *absent)
    now, label = store.utc(store.now()), to_text(given["fieldLabel"])
    values = {key: _plain(given.get(key, default)) for key, default in _META_KEYS.items()}
    values |= {"personalization": _personalization(store, label), "knownFieldId": None, "hideFieldFlag": 0}
    values |= {"createdTimestamp": now, "updatedTimestamp": now}
    row = metas(store).add(rows.Record(metas(store).next_id(), values))
    return reply(201, {"dealCustomFieldMetum": META(row, store)})


@route("PUT", "/dealCustomFieldMeta/{id}")
def update_meta(call: Call) -> Answer:
    """Changes a field; under another wrapper than its singular nothing is changed, with 200 (recorded 2020)."""
    store = call.store
    row = metas(store).need(call.id)
    given = {key: _plain(value) for key, value in call.sent("dealCustomFieldMetum").items() if key in _META_KEYS}
    if given:
        row.values.update(given, updatedTimestamp=store.utc(store.now()))
    return reply(200, {"dealCustomFieldMetum": META(row, store)})


@route("DELETE", "/dealCustomFieldMeta/{id}")
def delete_meta(call: Call) -> Answer:
    """Deletes a field (recorded 2020) with its values (assumed)."""
    store = call.store
    metas(store).drop(metas(store).need(call.id))
    for row in data(store):
        if row.values["customFieldId"] == call.id:
            data(store).drop(row)
    return reply(200, {"message": "DealCustomFieldMeta deleted."})


def _datum(store: Store, row: rows.Record, **more: Any) -> dict[str, Any]:
    """One value; fieldCurrency only where there is one, and after a write what was there before (recorded 2020)."""
    keys = tuple(key for key in _DATA_KEYS if key in row.values) + tuple(more)
    shape = _shape("dealCustomFieldData", keys, "deal", "dealCustomFieldMetum")
    return shape(row, store, more)


def _put(store: Store, given: Mapping[str, Any]) -> tuple[rows.Record, Any]:
    """Sets a deal's value in a field, one row for each pair; also gives what was there before."""
    deal = store.deals.need(to_int(given.get("dealId"))).id
    meta = metas(store).need(to_int(given.get("customFieldId", given.get("custom_field_id")))).id
    for row in data(store):
        if (row.values["dealId"], row.values["customFieldId"]) == (deal, meta):
            return row, _change(store, row, given)
    now = store.utc(store.now())
    values = {"dealCustomFieldMetumId": meta, "dealId": deal, "customFieldId": meta, "createdTimestamp": now}
    values |= {"updatedTimestamp": now, "fieldValue": given.get("fieldValue")}
    if "fieldCurrency" in given:
        values["fieldCurrency"] = given["fieldCurrency"]
    return data(store).add(rows.Record(data(store).next_id(), values)), ""


def _change(store: Store, row: rows.Record, given: Mapping[str, Any]) -> Any:
    before = row.values["fieldValue"]
    row.values.update({key: given[key] for key in ("fieldValue", "fieldCurrency") if key in given})
    row.values["updatedTimestamp"] = store.utc(store.now())
    return before


@route("GET", "/dealCustomFieldData")
def list_data(call: Call) -> Answer:
    """The values; the total is an integer (recorded 2020)."""
    store, found = call.store, list(data(call.store))
    page = [_datum(store, row) for row in call.query.page(found)]
    return reply(200, {"dealCustomFieldData": page, "meta": {"total": len(found)}})


@route("GET", "/dealCustomFieldData/{id}")
def get_datum(call: Call) -> Answer:
    """One value (recorded 2020)."""
    return reply(200, {"dealCustomFieldDatum": _datum(call.store, data(call.store).need(call.id))})


@route("GET", "/deals/{id}/dealCustomFieldData")
def list_deal_data(call: Call) -> Answer:
    """A deal's values (documented)."""
    store, deal = call.store, call.store.deals.need(call.id).id
    found = [_datum(store, row) for row in data(store) if row.values["dealId"] == deal]
    return reply(200, {"dealCustomFieldData": found})


@route("POST", "/dealCustomFieldData")
def create_datum(call: Call) -> Answer:
    """Sets a value: 200 and not 201 (recorded 2020)."""
    row, before = _put(call.store, call.sent("dealCustomFieldDatum"))
    return reply(200, {"dealCustomFieldDatum": _datum(call.store, row, originalValue=before)})


@route("PUT", "/dealCustomFieldData/{id}")
def update_datum(call: Call) -> Answer:
    """Changes a value; the reply tells what was there before (recorded 2020)."""
    row = data(call.store).need(call.id)
    before = _change(call.store, row, call.sent("dealCustomFieldDatum"))
    return reply(200, {"dealCustomFieldDatum": _datum(call.store, row, originalValue=before)})


@route("DELETE", "/dealCustomFieldData/{id}")
def delete_datum(call: Call) -> Answer:
    """Takes a value away (recorded 2020)."""
    data(call.store).drop(data(call.store).need(call.id))
    return reply(200, {"message": "DealCustomFieldData deleted."})


def _many(call: Call, done: str) -> Answer:
    entries = call.entries
    if not entries or not all(isinstance(each, dict) for each in entries):
        raise Refusal(400, {"message": "The request body is no list of values."})
    for each in entries:
        _put(call.store, each)
    return reply(200, {"message": done})


@route("POST", "/dealCustomFieldData/bulkCreate")
def create_data(call: Call) -> Answer:
    """Sets many values, from a plain list: 200 (recorded 2020)."""
    return _many(call, "The bulk insert was successful.")


@route("PATCH", "/dealCustomFieldData/bulkUpdate")
def update_data(call: Call) -> Answer:
    """Changes many values (documented; the words are assumed)."""
    return _many(call, "The bulk update was successful.")
