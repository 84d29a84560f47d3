"""How contacts stand to lists: subscribing and unsubscribing."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._automations import start_automations, stop_automations
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, always, attr, ident, iso, links, local, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, Refusal, invalid, missing, not_found, problem, reply

_LINKS = links(
    "contactLists",
    *("automation", "list", "contact", "form", "autosyncLog", "campaign", "unsubscribeAutomation", "message"),
)


def _contact_name(column: str) -> Any:
    def render(row: rows.Membership, view: View) -> str:
        contact = view.store.contacts.get(row.contact)
        return getattr(contact, column) if contact is not None else ""

    return render


# Documented in 2021 from a real account.
MEMBERSHIP = Shape[rows.Membership](
    {
        "contact": ident("contact"),
        "list": ident("list"),
        "form": always(None),
        "seriesid": always("0"),
        "sdate": iso("subscribed"),
        "udate": iso("updated"),
        "status": ident("status"),
        "responder": always("1"),
        "sync": always("0"),
        "unsubreason": attr("reason"),
        "campaign": always(None),
        "message": always(None),
        "first_name": _contact_name("first_name"),
        "last_name": _contact_name("last_name"),
        "ip4Sub": always("0"),
        "sourceid": ident("source"),
        "autosyncLog": always(None),
        "ip4_last": always("0"),
        "ip4Unsub": always("0"),
        "created_timestamp": local("created"),
        "updated_timestamp": lambda row, view: view.store.local(row.updated or row.created),
        "created_by": always(None),
        "updated_by": always(None),
        "unsubscribeAutomation": always(None),
        "links": _LINKS,
        "id": ident(),
        "automation": always(None),
    }
)

# Recorded 2021 for a new membership: the status as it was sent, the source as an integer.
_SET = Shape[rows.Membership](
    {
        "status": sent("status"),
        "list": sent("list"),
        "contact": sent("contact"),
        "sdate": iso("subscribed"),
        "udate": iso("updated"),
        "unsubreason": attr("reason"),
        "campaign": always(None),
        "message": always(None),
        "first_name": _contact_name("first_name"),
        "last_name": _contact_name("last_name"),
        "sourceid": sent("sourceid", attr("source")),
        "unsubscribeAutomation": always(None),
        "links": _LINKS,
        "id": ident(),
    }
)


def set_membership(
    store: Store, contact: rows.Contact, list_id: int, status: int, *, source: int = 3, automations: bool = True
) -> rows.Membership:
    """Puts a contact on a list with a status; there is one row per contact and list, changed in place (documented).

    Becoming active starts the automations that start on it, and it brings back whoever opted out (documented).
    """
    now = store.now()
    row = store.memberships.find((contact.id, list_id))
    before = row.status if row is not None else None
    if row is None:
        row = rows.Membership(store.memberships.next_id(), contact.id, list_id, status, now, source=source)
        store.memberships.add(row)
    else:
        store.memberships.change(row, status=status, updated=now, source=source)
    if status == 1 and before != 1:
        store.memberships.change(row, subscribed=now, reason="")
        if automations:
            start_automations(store, contact, _start(list_id))
    if status == 2 and before == 1:
        stop_automations(store, contact, _start(list_id))
    return row


def _start(list_id: int) -> dict[str, object]:
    return {"type": "subscribe", "list": list_id}


def can_leave(store: Store, contact: rows.Contact, list_id: int) -> bool:
    """Whether a contact can be unsubscribed from a list: as long as they are on it, and strangers by setting."""
    known = store.memberships.find((contact.id, list_id)) is not None
    return known or store.settings.unsubscribe_stranger == "new_row"


def _check_return(store: Store, row: rows.Membership, source: int) -> None:
    """Refuses to bring back who opted out or bounced, where that is assumed; the refusals are assumed too."""
    how = store.settings.resubscribe
    if row.status not in (2, 3) or how == "allowed":
        return
    if how == "refused" or (how == "unless_bounced" and row.status == 3):
        raise Refusal(403, store.settings.body(403, "Forbidden"))
    if how == "with_sourceid_4" and source != 4:
        raise invalid("contactList", "sourceid")


def _related_missing(store: Store, *nouns: str) -> Refusal:
    entries = [
        problem(f"The related {noun} does not exist.", code="related_missing", error=f"{noun}_not_exist", pointer=noun)
        for noun in nouns
    ]
    return Refusal(store.settings.related_missing_status, {"errors": entries})


@route("POST", "/contactLists")
def post_membership(call: Call) -> Answer:
    """Sets how a contact stands to a list: 201 for a new row (recorded 2021), a change by setting.

    Status 1 subscribes again whoever opted out or bounced (documented; whether the account refuses is a setting).
    """
    store, given = call.store, call.sent("contactList")
    list_id, contact = to_int(given.get("list")), store.contacts.get(to_int(given.get("contact")))
    absent = [] if store.lists.get(list_id) else ["list"]
    if contact is None:
        raise _related_missing(store, *absent, "contact")
    if absent:
        raise _related_missing(store, *absent)
    if given.get("status") is None:
        raise missing("contactList", "status")
    status = to_int(given["status"], -1)
    if status not in (0, 1, 2):
        raise invalid("contactList", "status")
    before, source = store.memberships.find((contact.id, list_id)), to_int(given.get("sourceid"), 3)
    if before is not None and status == 1:
        _check_return(store, before, source)
    if status == 2 and not can_leave(store, contact, list_id):
        raise not_found(store.memberships.class_name, 0)
    row = set_membership(store, contact, list_id, status, source=source)
    body = {"contacts": [CONTACT(contact, store)], "contactList": _SET(row, store, given)}
    return reply(201 if before is None else store.settings.membership_change_status, body)
