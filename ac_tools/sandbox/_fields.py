"""Custom fields of contacts, their options and where they show."""

import re
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._field_parts import OPTION, REL
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, iso, links, local, sent, since, stored
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, invalid, missing, problem, reply

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

_CREATOR = since("2021", always("1"), always(None))

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
        "created_by": _CREATOR,
        "updated_by": _CREATOR,
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


def _created(store: Store, given: dict[str, Any]) -> Shape[rows.Field]:
    """The reply to a creation: a place that was sent stands among what was sent (recorded 2020), though with the number
    that the account chose; and in 2020 the type came first and nobody was named.
    """
    shape = _CREATED
    if "ordernum" in given:
        shape = shape.without("ordernum").before("created_by", ordernum=attr("ordernum"))
    if store.settings.era < "2021":
        shape = shape.without("title", "created_by", "updated_by").before("descript", title=sent("title"))
    return shape


def perstag(asked: str, title: str) -> str:
    """A field's personalization tag: upper case, without spaces (recorded 2020).

    Without one it is made from the title with underscores (documented); that other characters fall away is assumed.
    """
    text = asked.replace(" ", "") if asked.strip() else title.replace(" ", "_")
    return re.sub(r"[^A-Z0-9_]", "", text.upper())


def _check(store: Store, given: dict[str, Any], current: rows.Field | None = None) -> None:
    title = to_text(given.get("title", current.title if current else None))
    kind = given.get("type", current.type if current else None)
    absent = [name for name, value in (("title", title), ("type", kind)) if not to_text(value).strip()]
    if absent:
        raise missing("field", *absent)
    if kind not in _TYPES and store.settings.unknown_field_type_status >= 400:
        raise invalid("field", "type", store.settings.unknown_field_type_status)
    if store.fields.find(title.lower()) not in (None, current):
        detail = f"There is already a field named '{title}' -- choose another name"
        entry = {"title": "There is already a field with this title", "detail": detail, "code": "duplicate"}
        raise Refusal(422, {"errors": [entry]})


def _check_perstag(store: Store, tag: str, current: rows.Field | None = None) -> None:
    status = store.settings.duplicate_perstag_status
    if status >= 400 and any(row.perstag == tag and row is not current for row in store.fields):
        title = "There is already a field with this personalization tag"
        raise Refusal(status, {"errors": [problem(title, code="duplicate", pointer="perstag")]})


@route("POST", "/fields")
def create_field(call: Call) -> Answer:
    """Creates a field: 201 (recorded 2020 and 2021); its place is the next, whatever was sent (recorded 2020)."""
    store, given = call.store, call.sent("field")
    _check(store, given)
    now, title = store.now(), to_text(given["title"])
    place = max((row.ordernum for row in store.fields), default=0) + 1
    tag = perstag(to_text(given.get("perstag")), title)
    _check_perstag(store, tag)
    row = rows.Field(store.fields.next_id(), title, to_text(given["type"]), tag, now, now, place)
    row.descript, row.defval = to_text(given.get("descript")), to_text(given.get("defval"))
    row.isrequired = "1" if to_flag(given.get("isrequired")) else "0"
    row.visible = "1" if to_flag(given.get("visible", 1)) else "0"
    store.fields.add(row)
    return reply(201, {"field": _created(store, given)(row, store, given)})


@route("PUT", "/fields/{id}")
def update_field(call: Call) -> Answer:
    """Changes what is sent, here the place too (recorded 2020 and 2021); the local times lag behind by a write."""
    store, given = call.store, call.sent("field")
    row = store.fields.need(call.id)
    _check(store, given, row)
    columns: dict[str, Any] = {name: to_text(given[name]) for name in ("title", "descript", "defval") if name in given}
    columns.update({name: "1" if to_flag(given[name]) else "0" for name in ("isrequired", "visible") if name in given})
    if to_text(given.get("perstag")).strip():
        columns["perstag"] = perstag(to_text(given["perstag"]), row.title)
        _check_perstag(store, columns["perstag"], row)
    if to_int(given.get("ordernum")) > 0:
        columns["ordernum"] = to_int(given["ordernum"])
    before = store.local(row.updated)
    store.fields.change(row, **columns, type=to_text(given.get("type", row.type)), updated=store.now())
    record = FIELD.without("options", "relations")(row, store)
    record["updated_timestamp"] = before
    return reply(200, {"field": record})


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
