"""Custom fields of contacts, their options and where they show."""

import re
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, always, attr, ident, iso, links, local, sent, stored
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, invalid, missing, reply

_TYPES = (
    "text",
    "textarea",
    "date",
    "datetime",
    "dropdown",
    "listbox",
    "radio",
    "checkbox",
    "hidden",
    "number",
    "NULL",
)
_LINKS = links("fields", "options", "relations")
_LIMIT = 100  # the documented default page

FIELD = Shape[rows.Field](
    {
        "title": attr("title"),
        "descript": attr("descript"),
        "type": attr("type"),
        "isrequired": attr("isrequired"),
        "perstag": attr("perstag"),
        "defval": attr("defval"),
        "show_in_list": always("0"),
        "rows": always("0"),
        "cols": always("0"),
        "visible": attr("visible"),
        "service": always(""),
        "ordernum": ident("ordernum"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "created_timestamp": local("created"),
        "updated_timestamp": local("updated"),
        "created_by": always("1"),
        "updated_by": always("1"),
        "options": lambda row, view: [str(each.id) for each in view.store.field_options.of(row.id)],
        "relations": lambda row, view: [str(each.id) for each in view.store.field_rels.of(row.id)],
        "links": _LINKS,
        "id": ident(),
    }
)

_CREATED = Shape[rows.Field](
    {
        "title": sent("title"),
        "type": sent("type"),
        "descript": sent("descript"),
        "isrequired": sent("isrequired"),
        "perstag": stored("perstag", "perstag"),
        "defval": sent("defval"),
        "visible": sent("visible"),
        "created_by": always("1"),
        "updated_by": always("1"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "ordernum": attr("ordernum"),
        "links": _LINKS,
        "id": ident(),
    }
)

OPTION = Shape[rows.FieldOption](
    {
        "field": ident("field"),
        "orderid": ident("orderid"),
        "value": attr("value"),
        "label": attr("label"),
        "isdefault": lambda row, view: "1" if row.isdefault else "0",
        "cdate": iso("created"),
        "udate": iso("created"),
        "links": links("fieldOptions", "field"),
        "id": ident(),
    }
)


def _default_echo(row: rows.FieldOption, view: View) -> Any:
    """False comes back as 0 (documented)."""
    return sent("isdefault")(row, view) if not isinstance(view.sent.get("isdefault"), bool) else int(row.isdefault)


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


def perstag(asked: str, title: str) -> str:
    """A field's personalization tag: upper case, without spaces (recorded 2020).

    Without one it is made from the title with underscores (documented); that other characters fall away is assumed.
    """
    text = asked.replace(" ", "") if asked.strip() else title.replace(" ", "_")
    return re.sub(r"[^A-Z0-9_]", "", text.upper())


def _check_new(store: Store, given: dict[str, Any]) -> None:
    absent = [name for name in ("title", "type") if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("field", *absent)
    if given["type"] not in _TYPES:
        raise invalid("field", "type")
    title = to_text(given["title"])
    if store.fields.find(title.lower()) is not None:
        detail = f"There is already a field named '{title}' -- choose another name"
        entry = {"title": "There is already a field with this title", "detail": detail, "code": "duplicate"}
        raise Refusal(422, {"errors": [entry]})


@route("POST", "/fields")
def create_field(call: Call) -> Answer:
    """Creates a field: 201 (recorded 2020 and 2021); its place is the next, whatever was sent (recorded 2020)."""
    store, given = call.store, call.sent("field")
    _check_new(store, given)
    now, title = store.now(), to_text(given["title"])
    place = max((row.ordernum for row in store.fields), default=0) + 1
    tag = perstag(to_text(given.get("perstag")), title)
    row = rows.Field(store.fields.next_id(), title, given["type"], tag, now, now, place)
    row.descript, row.defval = to_text(given.get("descript")), to_text(given.get("defval"))
    row.isrequired = "1" if to_flag(given.get("isrequired")) else "0"
    row.visible = "1" if to_flag(given.get("visible", 1)) else "0"
    store.fields.add(row)
    return reply(201, {"field": _CREATED(row, store, given)})


def _beside(store: Store, fields: list[rows.Field]) -> dict[str, Any]:
    options = [option for field in fields for option in store.field_options.of(field.id)]
    rels = [rel for field in fields for rel in store.field_rels.of(field.id)]
    return {"fieldOptions": OPTION.many(options, store), "fieldRels": REL.many(rels, store)}


@route("GET", "/fields")
def list_fields(call: Call) -> Answer:
    """A page of fields with their options beside them (recorded 2020 and 2021)."""
    store, wanted = call.store, call.query.get("filters", "perstag")
    found = [row for row in store.fields if wanted is None or row.perstag == wanted.upper()]
    page = call.query.page(found, _LIMIT)
    meta = {"total": str(len(found)), "selected": None}
    return reply(200, {**_beside(store, page), "fields": FIELD.many(page, store), "meta": meta})


@route("GET", "/fields/{id}")
def get_field(call: Call) -> Answer:
    """One field with its options beside it (recorded 2020 and 2021)."""
    row = call.store.fields.need(call.id)
    return reply(200, {**_beside(call.store, [row]), "field": FIELD(row, call.store)})


@route("DELETE", "/fields/{id}")
def delete_field(call: Call) -> Answer:
    """Deletes a field (recorded 2020 and 2021) with everybody's values in it (documented)."""
    store = call.store
    store.fields.drop(store.fields.need(call.id))
    store.field_options.drop_of(call.id)
    store.field_rels.drop_of(call.id)
    for value in store.field_values:
        if value.field == call.id:
            store.field_values.drop(value)
    return reply(200, {})


@route("POST", "/fieldOption/bulk")
@route("POST", "/fieldOptions/bulk")
def create_options(call: Call) -> Answer:
    """Adds choices to fields: 201 under the singular path (recorded 2021); the official client uses the plural."""
    store, entries = call.store, call.body.get("fieldOptions")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise Refusal(422, {"errors": "Bulk operation failed. Request must contain an array of fieldOption objects."})
    fields = [store.fields.need(to_int(each.get("field"))) for each in entries]
    created = [_add_option(store, field, each) for field, each in zip(fields, entries, strict=True)]
    return reply(201, {"fieldOptions": created})


def _add_option(store: Store, field: rows.Field, given: dict[str, Any]) -> dict[str, Any]:
    label = to_text(given.get("label"))
    value = to_text(given.get("value")) or label
    row = rows.FieldOption(store.field_options.next_id(), field.id, label, value, store.now())
    row.orderid, row.isdefault = to_int(given.get("orderid")), to_flag(given.get("isdefault"))
    return _OPTION_CREATED(store.field_options.add(row), store, given)


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
