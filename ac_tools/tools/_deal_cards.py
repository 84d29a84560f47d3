"""What the cards say of a deal: whose it is and where it stands, and each value before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ac_guardrails import Request, quoted
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, Deal
from ac_tools.tools._call import Call
from ac_tools.tools._card import Rows, becoming
from ac_tools.tools._names import number_of
from ac_tools.tools._portrait import (
    contact_rows,
    deal_text,
    name_records,
    named_by_id,
    naming,
    unless_it_fails,
    who,
)
from ac_tools.tools._render import email_text, exactly, full_name, money, word

STANDING = ("amount", "stage", "status")
"""What any approval about a deal rests on: its card says it, whatever would be changed."""
OVERWRITTEN = "the values that it overwrites"
GOES_TO = "the contact that it goes to"
_RECORDS = ("pipeline", "stage", "owner", "account")
_LABELS = ("title", "amount", "status", "pipeline", "stage", "owner", "contact", "account", "percent", "description")


ATTRIBUTES: Mapping[str, str] = {
    "title": "title",
    "amount": "value",
    "currency": "currency",
    "contact": "contact_id",
    "account": "account_id",
    "pipeline": "pipeline_id",
    "stage": "stage_id",
    "owner": "owner_id",
    "percent": "percent",
    "status": "status",
    "description": "description",
}
"""Argument -> what the record calls it. A deal does not show its custom fields."""


def _label(noun: str) -> str:
    """What a row is called; "Account" is the account that the agent works in."""
    return {"account": "Business", "contact": "Goes to"}.get(noun, noun.capitalize())


NEW = ("Deal", "Contact", *map(_label, _RECORDS))
CHANGED = ("Deal", "Contact", *(_label(label) for label in _LABELS))
"""The rows of a new deal, and of one that would change."""


def portray_new(call: Call) -> Exchange:
    """Read whose deal it would be, and what the records are called."""
    if call.args.contact is not None:
        yield from who(call)
    yield from name_records(call)


def new_rows(call: Call) -> Rows:
    """The deal as it would be."""
    args = call.args
    named = [(_label(noun), naming(call, ref)) for noun in _RECORDS if (ref := getattr(args, noun)) is not None]
    owner = () if args.owner is not None else (("Owner", "whom the pipeline assigns"),)
    return (
        ("Deal", f"{quoted(args.title, limit=120)} {money(int(args.amount), args.currency)}"),
        *contact_rows(call),
        *named,
        *owner,
    )


def portray_changed(call: Call) -> Exchange:
    """Read the deal as it is, and what its records and those of the call are called."""
    number = call.id(call.args.deal)
    reply = yield Request("GET", f"/deals/{number:d}")
    deal = exactly(number, reply, "deal", Deal)
    call.seen["deal"] = deal
    call.learn(call.args.deal, deal.title)
    yield from name_records(call)
    if deal.is_disabled:
        call.unchecked.append("the deal's values as they are now (the key may not see this deal)")
    if call.args.fields:
        call.unchecked.append("the deal's custom fields as they are now (a deal does not show them)")
    if contact := number_of(deal.contact_id):
        yield from unless_it_fails(call, "whose deal it is", who(call, contact), None)
    if call.args.contact is not None:
        call.seen["new contact"] = yield from _other(call, call.id(call.args.contact))
        call.bind(GOES_TO, _bare(call.seen["new contact"]))
    call.seen["now"] = now = yield from _as_it_is(call, deal)
    call.bind(OVERWRITTEN, {label: _bare(now[label]) for label in _LABELS if _is_written(call, label)})
    for label in STANDING:
        call.bind(label, _bare(now[label]))


def _bare(text: str) -> str:
    return text.translate({ord(mark): None for mark in "«»"}) or "(empty)"


def _other(call: Call, number: int) -> Exchange:
    """A contact whom the deal would be moved to, in words."""
    reply = yield Request("GET", f"/contacts/{number:d}")
    return _person(exactly(number, reply, "contact", Contact))


def _person(contact: Contact) -> str:
    return f"{full_name(contact)} {email_text(contact.email)} (id {contact.id})".strip()


def _as_it_is(call: Call, deal: Deal) -> Exchange:
    """Every value of a deal as a text that is harmless to show."""
    ids = {"pipeline": deal.pipeline_id, "stage": deal.stage_id, "owner": deal.owner_id, "account": deal.account_id}
    texts: dict[str, str] = {}
    for noun, identity in ids.items():
        shown = noun in ("stage", "owner") or _is_written(call, noun)
        texts[noun] = (yield from _named(call, noun, identity)) if shown else ""
    contact = call.seen.get("contact")
    return texts | {
        "title": quoted(deal.title) if deal.title else "",
        "amount": money(deal.value, deal.currency),
        "status": word(deal.status),
        "contact": _person(contact) if contact is not None else "",
        "percent": "" if deal.percent is None else str(deal.percent),
        "description": quoted(deal.description) if deal.description else "",
    }


def _named(call: Call, noun: str, identity: str | None) -> Exchange:
    number = number_of(identity)
    if not number:
        return ""
    row = yield from named_by_id(call, noun, number)
    return f"{quoted(row.name, limit=60)} (id {identity})" if row and row.name else f"{noun} {identity}"


def _is_written(call: Call, label: str) -> bool:
    return getattr(call.args, label) is not None or (label == "amount" and call.args.currency is not None)


def changed_rows(call: Call) -> Rows:
    """The deal and whose it is, and each value as it is and as it would be."""
    deal: Deal | None = call.seen.get("deal")
    if deal is None:
        return ()
    now: Mapping[str, str] = call.seen["now"]
    told = [now["status"], *(f"{noun} {now[noun]}" for noun in ("stage", "owner") if now[noun])]
    rows = [("Deal", ", ".join(part for part in (deal_text(deal), *told) if part)), *contact_rows(call)]
    written = [label for label in _LABELS if _is_written(call, label)]
    return (*rows, *((_label(label), becoming(now[label], _after(call, deal, label))) for label in written))


def _after(call: Call, deal: Deal, label: str) -> str:
    value: Any = getattr(call.args, label)
    if label == "amount":
        return money(deal.value if value is None else int(value), call.args.currency or deal.currency)
    if label == "contact":
        return str(call.seen["new contact"])
    if label in _RECORDS:
        return naming(call, value)
    return quoted(value) if label in ("title", "description") else str(value)
