"""What the cards say of a contact that would be created or changed: whose address it is, what changes."""

from __future__ import annotations

from typing import Any

from ac_guardrails import quoted
from ac_guardrails._job import Exchange
from ac_tools._records import FieldValue
from ac_tools.tools._call import Call
from ac_tools.tools._card import Rows, change
from ac_tools.tools._contact_read_back import holder_of
from ac_tools.tools._portrait import contact_rows, name_records, unless_it_fails, who
from ac_tools.tools._render import records

OVERWRITTEN = "the values that it overwrites"
HOLDER = "who has the address"
_NOT_KNOWN = object()
_LABELS = {"email": "Address", "first_name": "First name", "last_name": "Last name", "phone": "Phone"}
VALUES = ("First name", "Last name", "Phone", "Field")
"""The rows of values before and after."""


def overwrites(call: Call) -> str:
    """What becomes of the values that stand there now, for the end of a card."""
    kept = call.tool.binding.guard.ledger.keeps_payloads
    copy = "a copy is kept with the record for a time, to write them back" if kept else "no copy is kept"
    return f"The old values are overwritten; {copy}."


def deletes(call: Call) -> str:
    """What becomes of a contact that is deleted, for the end of its card."""
    if not call.tool.binding.guard.ledger.keeps_payloads:
        return (
            "This cannot be undone, and no copy is kept: the contact goes with its lists, tags, field values, "
            "automations and history."
        )
    return (
        "A copy of the values, lists and tags is kept with the record for a time, to create the contact anew. "
        "Its history, notes and automations go with it, and that cannot be undone."
    )


def look_up_address(call: Call) -> Exchange:
    """Read who has the address that would be written; nobody is asked about a person whom nobody looked at."""
    found = yield from unless_it_fails(call, HOLDER, holder_of(call, call.args.email), _NOT_KNOWN)
    if found is not _NOT_KNOWN:
        call.bind(HOLDER, f"contact {found}" if found else "nobody")
        call.seen["new"] = found is None
    if isinstance(found, int):
        yield from who(call, found)


def read_values(call: Call) -> Exchange:
    """Read the fields' names, and rest the approval on the values that would be overwritten."""
    yield from name_records(call)
    if "contact" in call.seen:
        call.bind(OVERWRITTEN, {name: value or "(empty)" for name, value in _before(call).items()})


def _before(call: Call) -> dict[str, str | None]:
    """What stands now where the call writes something, by what it is called."""
    contact, reply = call.seen["contact"], call.seen["reply"]
    values = {row.field_id: row.value for row in records(reply, "fieldValues", FieldValue)}
    plain = {_LABELS[name].lower(): getattr(contact, name) for name in _given(call)}
    return plain | {f"field {number}": values.get(str(number)) for number in _fields(call)}


def _given(call: Call) -> list[str]:
    """The plain arguments that would be written; by its address alone a contact is only found."""
    found_by = "" if hasattr(call.args, "contact") else "email"
    return [name for name in _LABELS if name != found_by and getattr(call.args, name) is not None]


def _fields(call: Call) -> dict[int, Any]:
    return {call.id(item.field): item for item in call.args.field_values or ()}


def value_rows(call: Call) -> Rows:
    """Who it is, and each value as it is and as it would be."""
    if "contact" not in call.seen:
        return new_rows(call)
    before = _before(call)
    plain = [(_LABELS[name], change(before[_LABELS[name].lower()], getattr(call.args, name))) for name in _given(call)]
    fields = [
        ("Field", f"{_called(call, item)}: {change(before[f'field {number}'], item.value)}")
        for number, item in _fields(call).items()
    ]
    return (*contact_rows(call), *plain, *fields)


def new_rows(call: Call) -> Rows:
    """Whether somebody has the address, and the values of fields."""
    nobody = (("Contact", "new: nobody in the account has this address"),) if call.seen.get("new") else ()
    taken = (("Exists", "already, so the account will refuse it"),) if "contact" in call.seen else ()
    fields = (("Field", f"{_called(call, item)}: {quoted(item.value)}") for item in _fields(call).values())
    return (*nobody, *contact_rows(call), *taken, *fields)


def _called(call: Call, item: Any) -> str:
    known = call.known[item.field]
    return f"{quoted(known.name, limit=60)} (field {known.id})" if known.name else f"field {known.id}"
