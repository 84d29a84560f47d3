"""A contact and what surrounds it, as far as an agent may see it."""

from __future__ import annotations

from typing import Any

from ac_guardrails import quoted
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, ContactAutomation, ContactList, ContactTag, Deal, FieldValue, Record
from ac_tools.tools._call import Call
from ac_tools.tools._render import (
    day,
    joined,
    money,
    name_map,
    named,
    optional,
    records,
    ties_of,
)


class ContactDetails(Contact):
    """A contact with its ties, as far as the agent may read them."""

    lists: tuple[ContactList, ...] = ()
    tags: tuple[ContactTag, ...] = ()
    field_values: tuple[FieldValue, ...] = ()
    automations: tuple[ContactAutomation, ...] = ()
    deals: tuple[Deal, ...] = ()

    @classmethod
    def of(cls, contact: Contact, reply: Any, tags: list[ContactTag], call: Call) -> ContactDetails:
        """The contact with what its reply brought along, and its tags."""
        ties: dict[str, tuple[Record, ...]] = {
            "lists": tuple(records(reply, "contactLists", ContactList)) if call.may_read("lists") else (),
            "tags": tuple(tags),
            "field_values": tuple(records(reply, "fieldValues", FieldValue)),
            "automations": tuple(runs_of(reply)) if call.may_read("automations") else (),
            "deals": tuple(own_deal(deal, call) for deal in _deals(reply, call)),
        }
        # On the wire, "deals" are ids; here they are the deals.
        bare = cls.from_wire({key: value for key, value in contact.wire.items() if key not in ties})
        return bare.model_copy(update=ties)


def runs_of(reply: Any) -> list[ContactAutomation]:
    """The runs through automations that a reply brought along."""
    return records(reply, "contactAutomations", ContactAutomation)


def own_view(contact: Contact, call: Call) -> Contact:
    """The contact without what belongs to areas that the agent may not read."""
    hidden = set()
    if not call.may_read("accounts"):
        hidden |= {"orgid", "orgname", "organization", "accountContacts"}
    if not call.may_read("lists"):
        hidden |= {"contactLists"}
    if not call.may_read("automations"):
        hidden |= {"contactAutomations"}
    if not call.may_read("deals"):
        hidden |= {"deals"}
    return Contact.from_wire({key: value for key, value in contact.wire.items() if key not in hidden})


def own_deal(deal: Deal, call: Call) -> Deal:
    """The deal without what belongs to areas that the agent may not read."""
    hidden = set() if call.may_read("accounts") else {"account", "customerAccount", "organization"}
    return Deal.from_wire({key: value for key, value in deal.wire.items() if key not in hidden})


def _deals(reply: Any, call: Call) -> list[Deal]:
    return records(reply, "deals", Deal) if call.may_read("deals") else []


def read_tags(call: Call) -> Exchange:
    """The contact's tags; nothing where the agent may not read tags, or they cannot be read."""
    if not call.may_read("tags"):
        return []
    path = f"/contacts/{call.id(call.args.contact)}/contactTags"
    return (yield from optional(ties_of(path, "contactTags", ContactTag), []))


def account_line(contact: Contact) -> str:
    if not contact.account_id:
        return ""
    return f"account: {contact.account_id} {quoted(contact.account_name or '', limit=60)}"


def tie_lines(call: Call, reply: Any, tags: list[ContactTag]) -> Exchange:
    """Lines about lists, tags, fields, automations and deals."""
    lines = []
    if call.may_read("lists"):
        memberships = records(reply, "contactLists", ContactList)
        names = (yield from name_map(call, "list", "lists")) if memberships else {}
        lines.append(joined("lists", (_membership(item, named(item.list_id, names)) for item in memberships)))
    if tags:
        names = yield from name_map(call, "tag", "tags")
        lines.append(joined("tags", (named(item.tag_id, names) for item in tags)))
    values = [item for item in records(reply, "fieldValues", FieldValue) if item.value]
    names = (yield from name_map(call, "field", "fields")) if values else {}
    lines.append(joined("fields", (f"{named(item.field_id, names)} = {quoted(item.value or '')}" for item in values)))
    if call.may_read("automations"):
        runs = runs_of(reply)
        names = (yield from name_map(call, "automation", "automations")) if runs else {}
        lines.append(joined("automations", (run_text(run, names) for run in runs)))
    lines.append(joined("deals", (_deal_text(deal) for deal in _deals(reply, call))))
    return lines


def _membership(item: ContactList, name: str) -> str:
    since = day(item.updated_at if item.status in ("unsubscribed", "bounced") else item.subscribed_at)
    return f"{name} {item.status}{f' {since}' if since else ''}"


def _deal_text(deal: Deal) -> str:
    parts = (deal.id, quoted(deal.title or "", limit=60), deal.status, money(deal.value, deal.currency))
    return " ".join(part for part in parts if part)


def run_text(run: ContactAutomation, names: dict[str, str]) -> str:
    """A run through an automation on one line."""
    added = f" since {day(run.added_at)}" if run.added_at else ""
    return f"{named(run.automation_id, names)} {run.status or 'unknown'}{added}"
