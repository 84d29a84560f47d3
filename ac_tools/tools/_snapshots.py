"""What stands where a call is about to write, read just before it leaves and kept so that the write can be taken back.

It is the guard's own: it goes nowhere but beside the write on record, whatever the agent may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ac_guardrails import Request
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, ContactList, ContactTag, Deal, FieldValue, Record
from ac_tools.tools._call import Call
from ac_tools.tools._contact_read_back import contact_values, has_address
from ac_tools.tools._deal_cards import ATTRIBUTES
from ac_tools.tools._portrait import who
from ac_tools.tools._render import collection, exactly, records, ties_of

R = TypeVar("R", bound=Record)

_PLAIN = ("email", "first_name", "last_name", "phone")
_PAGE = 20
"""Documented: the account's own default of a page; what fills one to the last row may be cut off."""


def unless_unread(reading: Exchange) -> Exchange:
    """What was read; None where the account does not say it, because a write does not wait for its undo."""
    try:
        return (yield from reading)
    except Exception as error:
        if not hasattr(error, "outcome"):
            raise
        return None


def overwritten_values(call: Call) -> Exchange:
    """The values that an update of a contact overwrites: one request, none where the card has read them."""
    yield from who(call)
    return (yield from _standing(call.seen["contact"], contact_values(call), call.seen["reply"]))


def synced_values(call: Call) -> Exchange:
    """Who has the address, and the values that are overwritten: two requests at most, none where the card has read it.

    What the account's names remember is not asked: somebody may have taken the address within the last minute, and what
    passes for new is deleted when the call is taken back.
    """
    if "contact" not in call.seen and "new" not in call.seen:
        reply = yield Request("GET", "/contacts", (("email", call.args.email),))
        rows = collection(reply, "contacts", Contact)
        found = next((row for row in rows if has_address(row, call.args.email)), None)
    else:
        found = call.seen.get("contact")
    if found is None:
        return {"contact": None}
    written = contact_values(call)
    del written["email"]  # that is how the contact was found
    return (yield from _standing(found, written, call.seen.get("reply")))


def whole_contact(call: Call) -> Exchange:
    """A contact's values, lists and tags: one request, none where the card has read the tags."""
    yield from who(call)
    contact, reply = call.seen["contact"], call.seen["reply"]
    fields = yield from beside(contact, reply, "fieldValues", FieldValue)
    lists = yield from beside(contact, reply, "contactLists", ContactList)
    ties = call.seen.get("ties")
    tags = ties.tags if ties is not None else None
    if tags is None or _perhaps_cut(tags):
        tags = yield from ties_of(f"/contacts/{contact.id}/contactTags", "contactTags", ContactTag)
    return {
        "values": {
            **{name: getattr(contact, name) or "" for name in _PLAIN},
            "field_values": {row.field_id: row.value for row in fields if row.field_id and row.value},
        },
        "lists": {row.list_id: row.status for row in lists if row.list_id},
        "tags": [row.tag_id for row in tags if row.tag_id],
    }


def overwritten_deal(call: Call, values: Mapping[str, Any]) -> Exchange:
    """The values of a deal that are overwritten: one request, none where the card has read them.

    Args:
        call: The call.
        values: What it writes, by argument.
    """
    number = call.id(call.args.deal)
    deal = call.seen.get("deal") or exactly(number, (yield Request("GET", f"/deals/{number:d}")), "deal", Deal)
    if deal.is_disabled:
        return None  # the key may not see what stands there
    names = set(values) & set(ATTRIBUTES)
    if names & {"pipeline", "stage"}:
        names |= {"pipeline", "stage"}  # one of them alone would have the account choose the other
    return {"values": {name: getattr(deal, ATTRIBUTES[name]) for name in sorted(names)}}


def standing(contact: Contact, rows: Iterable[FieldValue], written: Mapping[str, Any]) -> dict[str, Any]:
    """What a contact has where something is, or was, written.

    Args:
        contact: The contact.
        rows: Its field values.
        written: The values, as `contact_values` has them.
    """
    now: dict[str, Any] = {name: getattr(contact, name) or "" for name in _PLAIN if name in written}
    if "field_values" in written:
        have = {row.field_id: row.value or "" for row in rows}
        now["field_values"] = {field: have.get(field, "") for field in written["field_values"]}
    return now


def beside(contact: Contact, reply: Any, key: str, record: type[R]) -> Exchange:
    """A contact's ties of one kind from the reply that holds the contact; read where it holds none, or not all."""
    if reply is not None and isinstance(reply.data.get(key), list):
        rows = records(reply, key, record)
        if not _perhaps_cut(rows):
            return rows
    return (yield from ties_of(f"/contacts/{contact.id}/{key}", key, record))


def _standing(contact: Contact, written: Mapping[str, Any], reply: Any) -> Exchange:
    rows = (yield from beside(contact, reply, "fieldValues", FieldValue)) if "field_values" in written else []
    return {"contact": int(contact.id), "values": standing(contact, rows, written)}


def _perhaps_cut(rows: list[Any]) -> bool:
    return len(rows) > 0 and len(rows) % _PAGE == 0
