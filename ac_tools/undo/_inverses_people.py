"""How writes to contacts are taken back: created, changed and deleted people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ac_guardrails import Request, quoted
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, ContactAutomation, ContactList, ContactTag, Deal, FieldValue
from ac_tools.tools._contact_read_back import has_address, same_value
from ac_tools.tools._read_back import is_older, record_if_there, same_text
from ac_tools.tools._references import is_address
from ac_tools.tools._render import collection, exactly, ties_of, word
from ac_tools.tools._snapshots import beside, standing
from ac_tools.tools.contact_writes import CreateContact, DeleteContact, SyncContact, UpdateContact
from ac_tools.tools.lists import SetListStatus
from ac_tools.tools.tags import AddTag
from ac_tools.undo._inverses_shared import inverse_of, kept, made, nothing_to_restore, step, told
from ac_tools.undo._inverses_ties import BACK
from ac_tools.undo._past import Inverse, Past, Step

_NOTHING = {"first_name": "", "last_name": "", "phone": ""}
"""What a new contact has where nothing is sent."""


def _now(contact: int) -> Exchange:
    """A contact and the reply that holds it; None for both where it is gone."""
    reply = yield from record_if_there(Request("GET", f"/contacts/{contact:d}"))
    if reply is None:
        return None, None
    found = exactly(contact, reply, "contact", Contact)
    return (None, None) if found.deleted else (found, reply)


def _differing(contact: Contact, rows: Sequence[FieldValue], left: Mapping[str, Any]) -> list[str]:
    """The values that are not as the write left them."""
    now = standing(contact, rows, left)
    fields = now.pop("field_values", {})
    wanted = left.get("field_values") or {}
    plain = [told(name.replace("_", " "), now[name], left[name]) for name in now if not _same(name, now, left)]
    wrong = [field for field in fields if not same_value(fields[field], wanted[field])]
    found = plain + [told(f"field {field}", fields[field], wanted[field]) for field in wrong]
    return [f"contact {contact.id}, {words}" for words in found]


def _same(name: str, now: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Whether a value is as it was left; an address is the same one in any case."""
    have, wanted = str(now[name] or ""), str(left[name] or "")
    return same_text(have.casefold(), wanted.casefold()) if name == "email" else same_text(have, wanted)


# Created


def _since_created(past: Past) -> Exchange:
    """Whatever the new contact has by now that the write did not give it."""
    if past.made is None:
        return []
    contact, reply = yield from _now(past.made)
    if contact is None:
        return [f"contact {past.made} is gone"]
    values = past.key.get("_values") or {}
    rows = yield from beside(contact, reply, "fieldValues", FieldValue)
    fields = {**{row.field_id: "" for row in rows if row.field_id}, **values.get("field_values", {})}
    left = {"email": past.key["email"], **_NOTHING, **values, "field_values": fields}
    found = _differing(contact, rows, left)
    if is_older(contact.created_at, past.since, reply):
        found.append(f"contact {contact.id} was there before")
    return found + (yield from _ties(contact, reply))


def _ties(contact: Contact, reply: Any) -> Exchange:
    """What a contact is tied to, in words."""
    lists = yield from beside(contact, reply, "contactLists", ContactList)
    deals = yield from beside(contact, reply, "deals", Deal)
    runs = yield from beside(contact, reply, "contactAutomations", ContactAutomation)
    tags = yield from ties_of(f"/contacts/{contact.id}/contactTags", "contactTags", ContactTag)
    who = f"contact {contact.id}"
    return [
        *(f"{who} is {word(row.status)} on list {row.list_id}" for row in lists),
        *(f"{who} has tag {row.tag_id}" for row in tags),
        *(f"{who} has deal {row.id}" for row in deals),
        *(f"{who} entered automation {run.automation_id}" for run in runs),
        *([f"{who} belongs to business {contact.account_id}"] if contact.account_id else []),
    ]


def _deleted(past: Past) -> Sequence[Sequence[Step]]:
    return [[step(DeleteContact, contact=made(past))]]


# Changed


def _since_updated(past: Past) -> Exchange:
    """The values that an update has left."""
    return (yield from _since_written(int(past.key["contact"]), past.key["values"]))


def _since_written(number: int, left: Mapping[str, Any]) -> Exchange:
    contact, reply = yield from _now(number)
    if contact is None:
        return [f"contact {number} is gone"]
    rows = (yield from beside(contact, reply, "fieldValues", FieldValue)) if left.get("field_values") else []
    return _differing(contact, rows, left)


def _written_back(past: Past) -> Sequence[Sequence[Step]]:
    """The former values, empty ones as empty texts; an address cannot be emptied."""
    before = kept(past)
    values = {name: value for name, value in before["values"].items() if name != "email" or value}
    fields = values.pop("field_values", {})
    if fields:
        values["field_values"] = [{"field": int(field), "value": value} for field, value in fields.items()]
    if not values:
        raise nothing_to_restore(
            past, "It overwrote nothing, or gave the contact its first address, and an address cannot be emptied."
        )
    return [[step(UpdateContact, contact=before["contact"], **values)]]


# Created or changed


def _is_new(past: Past) -> bool:
    return past.before is not None and past.before["contact"] is None


def _since_synced(past: Past) -> Exchange:
    if _is_new(past):
        return (yield from _since_created(past))
    if past.before is None:
        return []
    return (yield from _since_written(past.before["contact"], past.key.get("_values") or {}))


def _unsynced(past: Past) -> Sequence[Sequence[Step]]:
    return _deleted(past) if _is_new(past) else _written_back(past)


# Deleted


def _since_deleted(past: Past) -> Exchange:
    """Whether somebody has the address again. Asked before the first stage: with that it is theirs."""
    address = (past.before or {}).get("values", {}).get("email")
    if not address:
        return []
    rows = collection((yield Request("GET", "/contacts", (("email", address),))), "contacts", Contact)
    return [f"the address {quoted(address)} is contact {row.id}'s now" for row in rows if has_address(row, address)]


def _created_anew(past: Past) -> Sequence[Sequence[Step]]:
    """The contact, then its ties. Lists that they left come first, so that nothing reaches them in between."""
    before = kept(past)
    values = {name: value for name, value in before["values"].items() if value}
    address = values.get("email", "")
    if not is_address(address):
        raise nothing_to_restore(past, "The contact had no e-mail address, by which contacts are created.")
    fields = values.pop("field_values", {})
    if fields:
        values["field_values"] = [{"field": int(field), "value": value} for field, value in fields.items()]
    statuses = {int(number): BACK.get(status, "unsubscribe") for number, status in before["lists"].items()}
    lists = sorted(statuses.items(), key=lambda pair: (pair[1] == "subscribe", pair[0]))
    ties = [step(SetListStatus, contact=address, list=number, status=status) for number, status in lists]
    ties += [step(AddTag, contact=address, tag=int(tag)) for tag in before["tags"]]
    return [[step(CreateContact, **values)], *([ties] if ties else [])]


PEOPLE: Mapping[str, Inverse | str] = {
    **inverse_of(
        CreateContact,
        DeleteContact,
        changed=_since_created,
        stages=_deleted,
        cannot="the contact's history goes with it",
        refused="the contact has any value, list, tag, deal, automation or business that the write did not give it",
    ),
    **inverse_of(
        SyncContact,
        UpdateContact,
        DeleteContact,
        changed=_since_synced,
        stages=_unsynced,
        cannot="the history of a contact that was new goes with it; an empty field stays as an empty value",
        refused="a value is not as the write left it, or a new contact has anything that the write did not give it",
    ),
    **inverse_of(
        UpdateContact,
        UpdateContact,
        changed=_since_updated,
        stages=_written_back,
        cannot="an empty field stays as an empty value; automations that the change has started go on",
        refused="a value that it wrote is another one by now, or the contact is gone",
    ),
    **inverse_of(
        DeleteContact,
        CreateContact,
        SetListStatus,
        AddTag,
        changed=_since_deleted,
        stages=_created_anew,
        cannot=(
            "the contact gets a new id; its history, notes, automations and business are lost, and deals do not come "
            "back to it; lists that mail came back from are left as opted out of; lists and tags can start "
            "automations, which may send mail"
        ),
        refused="somebody has the address by now, or the contact had none",
    ),
}
"""Tool name -> how it is taken back."""
