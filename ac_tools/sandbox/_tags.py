"""Tags, and tags on contacts."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._automations import start_automations, stop_automations
from ac_tools.sandbox._contacts import CONTACT, touch
from ac_tools.sandbox._query import Query, matches, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, always, attr, ident, iso, links, local, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, invalid, missing, problem, reply

_LINKS = links("tags", "contactGoalTags")
_LONGEST = 255  # characters of a name, guessed from the usual column
_CONTACT_TAG_LINKS = links("contactTags", "tag", "contact")


def _subscriber_count(row: rows.Tag, view: View) -> str:
    return str(sum(1 for each in view.store.contact_tags if each.tag == row.id))


TAG = Shape[rows.Tag](
    {
        "tagType": attr("type"),
        "tag": attr("tag"),
        "description": attr("description"),
        "subscriber_count": _subscriber_count,
        "cdate": iso("created"),
        "created_timestamp": local("created"),
        "updated_timestamp": local("created"),
        "created_by": always(None),
        "updated_by": always(None),
        "links": _LINKS,
        "id": ident(),
    }
)

_TAG_CREATED = Shape[rows.Tag](
    {
        "tag": sent("tag"),
        "description": sent("description"),
        "tagType": sent("tagType"),
        "cdate": iso("created"),
        "links": _LINKS,
        "id": ident(),
    }
)

CONTACT_TAG = Shape[rows.ContactTag](
    {
        "contact": ident("contact"),
        "tag": ident("tag"),
        "cdate": iso("created"),
        "created_timestamp": local("created"),
        "updated_timestamp": local("created"),
        "created_by": always(None),
        "updated_by": always(None),
        "links": _CONTACT_TAG_LINKS,
        "id": ident(),
    }
)

_APPLIED = Shape[rows.ContactTag](
    {
        "contact": sent("contact"),
        "tag": sent("tag"),
        "cdate": iso("created"),
        "links": _CONTACT_TAG_LINKS,
        "id": ident(),
    }
)


def add_tag(store: Store, name: str, kind: str = "contact", description: str = "") -> rows.Tag:
    """Puts a new tag in."""
    return store.tags.add(rows.Tag(store.tags.next_id(), name, description, kind, store.now()))


def apply_tag(store: Store, contact: rows.Contact, tag: int, *, automations: bool = True) -> rows.ContactTag | None:
    """Tags a contact and starts the automations that start on the tag; None when they have the tag already."""
    if store.contact_tags.find((contact.id, tag)) is not None:
        return None
    row = store.contact_tags.add(rows.ContactTag(store.contact_tags.next_id(), contact.id, tag, store.now()))
    touch(store, contact)
    if automations:
        start_automations(store, contact, {"type": "tag", "tag": tag})
    return row


def _passes(row: rows.Tag, query: Query) -> bool:
    if not matches(row.tag, "contains", query.get("search") or ""):
        return False
    return all(matches(row.tag, operator, want) for name, operator, want in query.filters() if name == "search")


@route("GET", "/tags")
def list_tags(call: Call) -> Answer:
    """A page of tags of both types (recorded 2020 and 2021); search is a contains (documented)."""
    store, query = call.store, call.query
    found = [row for row in store.listed(store.tags) if _passes(row, query)]
    found = ordered(found, query, {"search": lambda row: row.tag.lower(), "id": lambda row: row.id})
    page = query.page(found, store.settings.tags_limit)
    return reply(200, {"tags": TAG.many(page, store), "meta": {"total": str(len(found))}})


@route("GET", "/tags/{id}")
def get_tag(call: Call) -> Answer:
    """One tag (recorded 2020 and 2021)."""
    return reply(200, {"tag": TAG(call.store.tags.need(call.id), call.store)})


def takes_name(store: Store, name: Any) -> bool:
    """Whether something can name a tag: text without commas, which are documented as refused."""
    return isinstance(name, str) and ("," not in name or store.settings.tag_with_comma < 400)


def _check_name(store: Store, name: str, current: rows.Tag | None = None) -> None:
    if not name.strip():
        raise missing("tag", "tag")
    if "," in name and not takes_name(store, name):
        raise invalid("tag", "tag", store.settings.tag_with_comma)
    if len(name) > _LONGEST and store.settings.long_tag_status >= 400:
        raise invalid("tag", "tag", store.settings.long_tag_status)
    if store.tags.find(name.lower()) not in (None, current):
        entry = problem("A tag with this name already exists.", code="duplicate", pointer="tag")
        raise Refusal(store.settings.duplicate_tag_status, {"errors": [entry]})


@route("POST", "/tags")
def create_tag(call: Call) -> Answer:
    """Creates a tag: 201 (recorded 2020 and 2021). Commas and taken names are documented as refused, how is assumed."""
    store, given = call.store, call.sent("tag")
    name = to_text(given.get("tag"))
    _check_name(store, name)
    kind = "template" if given.get("tagType") == "template" else "contact"
    row = add_tag(store, name, kind, to_text(given.get("description")))
    return reply(201, {"tag": _TAG_CREATED(row, store, given)})


@route("PUT", "/tags/{id}")
def update_tag(call: Call) -> Answer:
    """Renames a tag or changes its kind and description (recorded 2020); refusals as for a new one (assumed)."""
    store, given = call.store, call.sent("tag")
    row = store.tags.need(call.id)
    columns: dict[str, Any] = {name: to_text(given[name]) for name in ("tag", "description") if name in given}
    if "tag" in columns:
        _check_name(store, columns["tag"], row)
    if given.get("tagType") in ("contact", "template"):
        columns["type"] = given["tagType"]
    store.tags.change(row, **columns)
    return reply(200, {"tag": TAG(row, store)})


@route("DELETE", "/tags/{id}")
def delete_tag(call: Call) -> Answer:
    """Deletes a tag (recorded 2020 and 2021) and takes it off everybody (assumed)."""
    store = call.store
    store.tags.drop(store.tags.need(call.id))
    for row in store.contact_tags:
        if row.tag == call.id:
            store.contact_tags.drop(row)
    return reply(200, {})


@route("GET", "/contactTags")
def list_contact_tags(call: Call) -> Answer:
    """All tags on all contacts (recorded 2020)."""
    store, found = call.store, list(call.store.contact_tags)
    page = CONTACT_TAG.many(call.query.page(found), store)
    return reply(200, {"contactTags": page, "meta": {"total": str(len(found))}})


@route("GET", "/contactTags/{id}")
def get_contact_tag(call: Call) -> Answer:
    """One tag on one contact (recorded 2020)."""
    return reply(200, {"contactTag": CONTACT_TAG(call.store.contact_tags.need(call.id), call.store)})


def _error(answered: int, **entry: object) -> Refusal:
    return Refusal(answered, {"errors": [entry]})


def _unknown(store: Store, noun: str) -> Refusal:
    answered = store.settings.unknown_contact_or_tag
    return _error(answered, status=answered, title="Not Found", detail=f"{noun} not found")


@route("POST", "/contactTags")
def create_contact_tag(call: Call) -> Answer:
    """Tags a contact: 201 (recorded 2020 and 2021), 400 without a tag's id (recorded 2021), 404 and 422 documented."""
    store, given = call.store, call.sent("contactTag")
    tag_id, contact_id = to_int(given.get("tag")), to_int(given.get("contact"))
    if tag_id <= 0:
        title, detail = "Invalid value for query parameter contactTag.tag", "No tag id provided"
        raise _error(400, title=title, detail=detail, source={"parameter": "contactTag.tag"})
    if given.get("contact") is None:
        raise _error(422, status=422, title="Missing attribute", source={"pointer": "/data/attributes/contact"})
    contact = store.contacts.get(contact_id)
    if contact is None:
        raise _unknown(store, "Contact")
    if store.tags.get(tag_id) is None:
        raise _unknown(store, "Tag")
    row, status = apply_tag(store, contact, tag_id), 201
    if row is None:
        row, status = store.contact_tags.find((contact.id, tag_id)), store.settings.re_tag_status
        if status >= 400 or row is None:
            entry = problem("The tag already exists on the contact.", code="duplicate", pointer="tag")
            raise Refusal(status, {"errors": [entry]})
    return reply(status, {"contacts": [CONTACT(contact, store)], "contactTag": _APPLIED(row, store, given)})


@route("DELETE", "/contactTags/{id}")
def delete_contact_tag(call: Call) -> Answer:
    """Takes a tag off a contact by the id of the association (recorded 2020 and 2021)."""
    store = call.store
    row = store.contact_tags.need(call.id)
    store.contact_tags.drop(row)
    contact = store.contacts.get(row.contact)
    if contact is not None:
        touch(store, contact)
        stop_automations(store, contact, {"type": "tag", "tag": row.tag})
    return reply(200, {})
