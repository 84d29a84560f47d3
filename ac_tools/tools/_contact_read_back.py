"""Reading back whether a contact was created, changed or deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ac_guardrails import Request
from ac_guardrails._finding import Finding, ReadBack
from ac_tools._records import Contact, FieldValue
from ac_tools.tools._call import Call
from ac_tools.tools._names import Reading
from ac_tools.tools._read_back import (
    collection_of,
    differing,
    find_made,
    given,
    is_since,
    record_if_there,
    same_text,
    stamp,
)
from ac_tools.tools._render import exactly, ties_of

_ATTRIBUTES = {"first_name": "first_name", "last_name": "last_name", "phone": "phone"}


def contact_values(call: Call) -> dict[str, Any]:
    """What a call would write into a contact, as JSON; field values by the field's id, whatever their order."""
    values = given(call, "contact", "field_values")
    if "email" in values:
        values["email"] = values["email"].casefold()
    if call.args.field_values:
        values["field_values"] = {str(call.id(item.field)): item.value for item in call.args.field_values}
    return values


def find_contact(address: str, since: float, others: Collection[str] = ()) -> ReadBack:
    """Look for a contact with an address that was created since, by none of the other calls."""
    walk = collection_of("/contacts", "contacts", ("email", address))
    return (
        yield from find_made("contact", walk, Contact, lambda contact: has_address(contact, address), since, others)
    )


def read_synced(address: str, values: Mapping[str, Any], since: float) -> ReadBack:
    """Whether the contact with an address is there and has the values that were sent."""
    walk = collection_of("/contacts", "contacts", ("email", address))
    while (request := walk.next_request()) is not None:
        reply = yield request
        for row in walk.feed(reply):
            contact = Contact.from_wire(row)
            if has_address(contact, address):
                return (yield from _compared(contact, values, since, reply))
    return Finding("absent", "no contact has that address")


def read_updated(contact_id: int, values: Mapping[str, Any], since: float) -> ReadBack:
    """Whether a contact has the values that it was to get."""
    reply = yield from record_if_there(Request("GET", f"/contacts/{contact_id:d}"))
    if reply is None:
        return Finding("absent", f"contact {contact_id} is gone")
    contact = exactly(contact_id, reply, "contact", Contact)
    return (yield from _compared(contact, values, since, reply))


def read_deleted(contact_id: int) -> ReadBack:
    """Whether a contact is gone."""
    reply = yield from record_if_there(Request("GET", f"/contacts/{contact_id:d}"))
    if reply is None:
        return Finding("present", f"contact {contact_id} is gone")
    contact = exactly(contact_id, reply, "contact", Contact)
    if contact.deleted:
        return Finding("present", f"contact {contact_id} is marked as deleted")
    return Finding("absent", f"contact {contact_id} is still there")


def has_address(contact: Contact, address: str) -> bool:
    """Whether a contact has an address. One that is marked as deleted does not hold it any more."""
    return (contact.email or "").casefold() == address.casefold() and not contact.deleted


def _compared(contact: Contact, values: Mapping[str, Any], since: float, reply: Any) -> ReadBack:
    """Whether a contact has these values."""
    wrong = differing(contact, values, _ATTRIBUTES)
    if "email" in values and not has_address(contact, values["email"]):
        wrong.append("email")
    if wrong:
        return Finding("absent", f"contact {contact.id} has not what was sent as {', '.join(wrong)}")
    wanted = values.get("field_values") or {}
    if not wanted:
        return Finding("present", f"contact {contact.id} is as it was to become")
    rows = yield from ties_of(f"/contacts/{contact.id}/fieldValues", "fieldValues", FieldValue)
    return _fields_compared(contact, {row.field_id: row for row in rows}, wanted, since, reply)


def _fields_compared(
    contact: Contact, rows: Mapping[str | None, FieldValue], wanted: Mapping[str, str], since: float, reply: Any
) -> Finding:
    """Whether a contact's field values are these.

    An account may write a date or a number its own way, so a value that differs and was written since proves nothing.
    """
    wrong = [field for field, value in wanted.items() if not same_value(_value_in(rows, field), value)]
    for field in wrong:
        row = rows.get(field)
        if row is not None and is_since(row.updated_at, since, reply) is not False:
            written = f"field {field} of contact {contact.id} was written {stamp(row.updated_at)}"
            return Finding("cannot_tell", f"{written}, and differs from what was sent")
    if wrong:
        return Finding("absent", f"contact {contact.id} has not what was sent for field {', '.join(wrong)}")
    return Finding("present", f"contact {contact.id} is as it was to become, field values too")


def _value_in(rows: Mapping[str | None, FieldValue], field: str) -> str | None:
    return rows[field].value if field in rows else None


def same_value(have: str | None, wanted: str) -> bool:
    """Whether a field value is the wanted one: choices of several are a set, everything else is text."""
    if "||" in wanted:
        return _choices(have or "") == _choices(wanted)
    return same_text(have, wanted)


def _choices(value: str) -> set[str]:
    return {part.strip() for part in value.split("||") if part.strip()}


def holder_of(call: Call, address: str) -> Reading:
    """The id of the contact who has an address; None where nobody has."""
    rows = yield from call.names.search("contact", address)
    return next((row.id for row in rows if row.name.casefold() == address.casefold()), None)
