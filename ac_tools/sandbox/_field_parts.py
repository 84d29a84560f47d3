"""The choices of custom fields, and where the fields show."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, nowhere, route
from ac_tools.sandbox._shape import Shape, View, always, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_int, to_text
from ac_tools.sandbox._wire import DROPPED, Answer, Refusal, missing, reply

OPTION = Shape[rows.FieldOption](
    {
        "field": ident("field"),
        "orderid": ident("orderid"),
        "value": attr("value"),
        "label": attr("label"),
        "isdefault": ident("isdefault"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": links("fieldOptions", "field"),
        "id": ident(),
    }
)


def _default_echo(row: rows.FieldOption, view: View) -> Any:
    """False comes back as 0 (documented)."""
    return sent("isdefault")(row, view) if not isinstance(view.sent.get("isdefault"), bool) else row.isdefault


_OPTION_CREATED = Shape[rows.FieldOption](
    {
        "orderid": sent("orderid"),
        "label": sent("label"),
        "value": sent("value"),
        "isdefault": _default_echo,
        "field": sent("field"),
        "cdate": iso("created"),
        "udate": iso("created"),
        "links": links("fieldOptions", "field"),
        "id": ident(),
    }
)

REL = Shape[rows.FieldRel](
    {
        "field": ident("field"),
        "relid": ident("relid"),
        "dorder": always("0"),
        "cdate": iso("created"),
        "links": always([]),
        "id": ident(),
    }
)

_REL_CREATED = Shape[rows.FieldRel](
    {"relid": sent("relid"), "field": sent("field"), "cdate": iso("created"), "links": always([]), "id": ident()}
)


@route("POST", "/fieldOption/bulk")
def create_options(call: Call) -> Answer:
    """Adds choices to fields: 201 (recorded 2021)."""
    return _create_options(call, "singular")


@route("POST", "/fieldOptions/bulk")
def create_options_too(call: Call) -> Answer:
    """The same under the path that the official client uses."""
    return _create_options(call, "plural")


def _create_options(call: Call, path: str) -> Answer:
    if call.store.settings.field_option_paths not in ("both", path):
        raise nowhere(call.store.settings)
    store, entries = call.store, call.body.get("fieldOptions")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise Refusal(422, {"errors": "Bulk operation failed. Request must contain an array of fieldOption objects."})
    fields = [store.fields.need(to_int(each.get("field"))) for each in entries]
    created = [_add_option(store, field, each) for field, each in zip(fields, entries, strict=True)]
    return reply(201, {"fieldOptions": created})


def _add_option(store: Store, field: rows.Field, given: dict[str, Any]) -> dict[str, Any]:
    label = to_text(given.get("label"))
    value = to_text(given.get("value")) or label
    row = rows.FieldOption(store.field_options.next_id(), field.id, label, value, store.now(), store.now())
    row.orderid, row.isdefault = to_int(given.get("orderid")), int(to_flag(given.get("isdefault")))
    return _OPTION_CREATED(store.field_options.add(row), store, given)


@route("GET", "/fieldOptions")
def list_options(call: Call) -> Answer:
    """The choices of all fields (assumed to be like other pages)."""
    found = list(call.store.field_options)
    page = OPTION.many(call.query.page(found), call.store)
    return reply(200, {"fieldOptions": page, "meta": {"total": str(len(found))}})


@route("GET", "/fieldOptions/{id}")
def get_option(call: Call) -> Answer:
    """One choice of a field (recorded 2020 and 2021)."""
    return reply(200, {"fieldOption": OPTION(call.store.field_options.need(call.id), call.store)})


@route("PUT", "/fieldOptions/{id}")
def update_option(call: Call) -> Answer:
    """Changes a choice (assumed); the values that people have of it stay."""
    store, given = call.store, call.sent("fieldOption")
    row = store.field_options.need(call.id)
    columns: dict[str, Any] = {name: to_text(given[name]) for name in ("label", "value") if name in given}
    if "orderid" in given:
        columns["orderid"] = to_int(given["orderid"])
    if "isdefault" in given:
        columns["isdefault"] = int(to_flag(given["isdefault"]))
    store.field_options.change(row, **columns, updated=store.now())
    return reply(200, {"fieldOption": OPTION(row, store)})


@route("DELETE", "/fieldOptions/{id}")
def delete_option(call: Call) -> Answer:
    """200, no body and the header of a dropped write (recorded 2020); whether it is dropped is assumed."""
    options = call.store.field_options
    row = options.need(call.id)
    if call.store.settings.field_option_deleted == "deleted":
        options.drop(row)
    return reply(200, None, DROPPED)


@route("GET", "/fieldRels")
def list_rels(call: Call) -> Answer:
    """Where fields show (documented)."""
    found = list(call.store.field_rels)
    page = REL.many(call.query.page(found), call.store)
    return reply(200, {"fieldRels": page, "meta": {"total": str(len(found))}})


@route("POST", "/fieldRels")
def create_rel(call: Call) -> Answer:
    """Shows a field on the contacts of a list, or of all lists (relid 0): 201 (recorded 2020 and 2021)."""
    store, given = call.store, call.sent("fieldRel")
    absent = [name for name in ("field", "relid") if given.get(name) is None]
    if absent:
        raise missing("fieldRel", *absent)
    field = store.fields.need(to_int(given["field"]))
    relid = to_int(given["relid"])
    if relid:
        store.lists.need(relid)
    row = store.field_rels.add(rows.FieldRel(store.field_rels.next_id(), field.id, relid, store.now()))
    return reply(201, {"fieldRel": _REL_CREATED(row, store, given)})


@route("GET", "/fieldRels/{id}")
def get_rel(call: Call) -> Answer:
    """One place where a field shows (recorded 2020)."""
    return reply(200, {"fieldRel": REL(call.store.field_rels.need(call.id), call.store)})


@route("PUT", "/fieldRels/{id}")
def update_rel(call: Call) -> Answer:
    """Shows a field on the contacts of another list (assumed)."""
    store, given = call.store, call.sent("fieldRel")
    row = store.field_rels.need(call.id)
    if given.get("relid") is not None:
        relid = to_int(given["relid"])
        store.field_rels.change(row, relid=store.lists.need(relid).id if relid else 0)
    return reply(200, {"fieldRel": REL(row, store)})


@route("DELETE", "/fieldRels/{id}")
def delete_rel(call: Call) -> Answer:
    """Hides a field from the contacts of a list (recorded 2020)."""
    call.store.field_rels.drop(call.store.field_rels.need(call.id))
    return reply(200, {})
