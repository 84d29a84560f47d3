"""What a request makes the account tell its webhooks: the event, and its form with the keys that were captured in 2024.

No event exists for a deletion, a run of an automation, or an import (documented). That a new contact is told as
`subscribe` without a list, and that setting what is set already tells nothing, is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ac_tools.sandbox import (
    _account_contacts,
    _accounts,
    _contacts,
    _deals,
    _field_value_changes,
    _lists,
    _memberships,
    _notes,
    _pipeline_changes,
    _tags,
)
from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, Endpoint
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text

_STATUS = {1: "subscribe", 2: "unsubscribe"}


@dataclass(frozen=True, slots=True)
class Told:
    """One event.

    Attributes:
        kind: the event's name.
        form: its own keys, beside those of all events.
        list: the list that it is about; 0 for none.
    """

    kind: str
    form: Mapping[str, Any] = field(default_factory=dict)
    list: int = 0


Telling = Generator[None, Mapping[str, Any], Told | None]
"""Looks at the account before the request's work, and tells after it; it is sent the answer's body."""
_TELLING: dict[Endpoint, Callable[[Call], Telling]] = {}


def telling(endpoint: Endpoint, call: Call) -> Telling | None:
    """What watches a request; None for one that tells nothing."""
    found = _TELLING.get(endpoint)
    return found(call) if found else None


def _of(*endpoints: Endpoint) -> Callable[[Callable[[Call], Telling]], Callable[[Call], Telling]]:
    def register(watcher: Callable[[Call], Telling]) -> Callable[[Call], Telling]:
        _TELLING.update(dict.fromkeys(endpoints, watcher))
        return watcher

    return register


def person(store: Store, contact: rows.Contact | None) -> dict[str, Any]:
    """The contact block, with the company's keys after it."""
    if contact is None:
        return {}
    tags = [store.tags.get(row.tag) for row in store.contact_tags.of(contact.id)]
    company = next((store.accounts.get(row.account) for row in store.account_contacts.of(contact.id)), None)
    name = company.name if company else ""
    values = {str(row.field): row.value for row in store.field_values.of(contact.id)}
    block = {
        "id": contact.id,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "phone": contact.phone,
        "ip": "0.0.0.0",  # noqa: S104 - captured
        "tags": ", ".join(tag.tag for tag in tags if tag),
        "customer_acct_name": name,
        "orgname": name,
        **({"fields": values} if values else {}),
    }
    return {
        "contact": block,
        "customer_acct_name": name,
        "customer_acct_id": company.id if company else 0,
        "orgname": name,
    }


def deal_block(store: Store, deal: rows.Deal) -> dict[str, Any]:
    """The deal block. Amounts are in major units, unlike the API's (captured)."""
    stage = store.stages.get(deal.stage)
    pipeline = store.pipelines.get(stage.pipeline if stage else None)
    owner, contact = store.users.get(deal.owner), store.contacts.get(deal.contact)
    company = store.accounts.get(deal.account)
    raw = f"{deal.value / 100:.2f}".removesuffix(".00")
    return {
        "id": deal.id,
        "title": deal.title,
        "create_date": store.local(deal.created),
        "create_date_iso": store.iso(deal.created),
        "orgid": company.id if company else 0,
        "orgname": company.name if company else "",
        "stageid": deal.stage,
        "stage_title": stage.title if stage else "",
        "pipelineid": pipeline.id if pipeline else 0,
        "pipeline_title": pipeline.title if pipeline else "",
        "value": f"{deal.value / 100:,.2f}",
        "value_raw": raw,
        "currency": deal.currency,
        "currency_symbol": {"usd": "$", "eur": "€", "gbp": "£"}.get(deal.currency, ""),
        "owner": deal.owner,
        "owner_firstname": owner.first_name if owner else "",
        "owner_lastname": owner.last_name if owner else "",
        "contactid": contact.id if contact else 0,
        "contact_email": contact.email if contact else "",
        "contact_firstname": contact.first_name if contact else "",
        "contact_lastname": contact.last_name if contact else "",
        "status": deal.status,
    }


def filled(store: Store, form: Mapping[str, Any]) -> dict[str, Any]:
    """A form whose contact or deal, where only its id is given, is filled in as it stands."""
    blocks: dict[str, Any] = {}
    if isinstance(form.get("contact"), int):
        blocks |= person(store, store.contacts.need(form["contact"]))
    if isinstance(form.get("deal"), int):
        blocks["deal"] = deal_block(store, store.deals.need(form["deal"]))
    return {**blocks, **{name: value for name, value in form.items() if name not in blocks}}


@_of(_tags.create_contact_tag)
def _tagged(call: Call) -> Telling:
    given, store = call.sent("contactTag"), call.store
    contact, tag = to_int(given.get("contact")), to_int(given.get("tag"))
    had = store.contact_tags.find((contact, tag)) is not None
    yield
    found = store.tags.get(tag)
    if had or found is None:
        return None
    return Told("contact_tag_added", {**person(store, store.contacts.get(contact)), "tag": found.tag})


@_of(_tags.delete_contact_tag)
def _untagged(call: Call) -> Telling:
    row = call.store.contact_tags.get(call.id)
    yield
    tag = call.store.tags.get(row.tag) if row else None
    if row is None or tag is None:
        return None
    block = person(call.store, call.store.contacts.get(row.contact))
    return Told("contact_tag_removed", {**block, "tag": tag.tag})


@_of(_memberships.post_membership)
def _subscribed(call: Call) -> Telling:
    given, store = call.sent("contactList"), call.store
    place = to_int(given.get("contact")), to_int(given.get("list"))
    row = store.memberships.find(place)
    before = row.status if row else None
    yield
    row = store.memberships.find(place)
    if row is None or row.status == before or row.status not in _STATUS:
        return None
    return Told(_STATUS[row.status], person(store, store.contacts.get(row.contact)), list=row.list)


@_of(_contacts.create_contact, _contacts.sync_contact, _contacts.update_contact)
def _contact(call: Call) -> Telling:
    given, known = call.sent("contact"), {row.id for row in call.store.contacts}
    body = yield
    contact = call.store.contacts.get(to_int(body.get("contact", {}).get("id")))
    kind = "update" if contact is None or contact.id in known else "subscribe"
    return Told(kind, person(call.store, contact)) if given else None


@_of(_field_value_changes.create_field_value, _field_value_changes.update_field_value)
def _value(call: Call) -> Telling:
    body = yield
    contact = to_int(body.get("fieldValue", {}).get("contact"))
    return Told("update", person(call.store, call.store.contacts.get(contact)))


@_of(_deals.create_deal, _deals.update_deal)
def _deal(call: Call) -> Telling:
    row = call.store.deals.get(call.id)
    before = deal_block(call.store, row) if row else {}
    body = yield
    deal = call.store.deals.get(to_int(body.get("deal", {}).get("id")))
    if deal is None:
        return None
    block = deal_block(call.store, deal)
    form = {**person(call.store, call.store.contacts.get(deal.contact)), "deal": block}
    changed = [name for name in block if before and block[name] != before[name] and name != "value_raw"]
    return Told("deal_update", {**form, "updated_fields": changed}) if before else Told("deal_add", form)


@_of(_accounts.create_account, _accounts.update_account)
def _company(call: Call) -> Telling:
    before = call.store.accounts.get(call.id)
    was = (before.name, before.url) if before else None
    body = yield
    row = call.store.accounts.get(to_int(body.get("account", {}).get("id")))
    if row is None:
        return None
    block = {"id": row.id, "name": row.name, "account_url": row.url}
    times = {"created_timestamp": call.store.local(row.created), "updated_timestamp": call.store.local(row.updated)}
    form: dict[str, Any] = {"account": {**block, **times}}
    if was is None:
        return Told("account_add", form)
    pairs = zip(("name", "account_url"), was, (row.name, row.url), strict=True)
    return Told("account_update", {**form, "updated_fields": [name for name, old, new in pairs if old != new]})


@_of(_account_contacts.create_account_contact, _account_contacts.update_account_contact)
def _place(call: Call) -> Telling:
    known = call.store.account_contacts.get(call.id) is not None
    body = yield
    row = call.store.account_contacts.get(to_int(body.get("accountContact", {}).get("id")))
    company = call.store.accounts.get(row.account if row else None)
    if row is None or company is None:
        return None
    place = {"id": row.id, "account": row.account, "contact": row.contact, "job_title": row.job_title}
    block = person(call.store, call.store.contacts.get(row.contact))
    form = {**block, "account": {"id": company.id, "name": company.name}, "accountContact": place}
    return Told("account_contact_update" if known else "account_contact_add", form)


@_of(_lists.create_list)
def _list(call: Call) -> Telling:
    body = yield
    row = call.store.lists.get(to_int(body.get("list", {}).get("id")))
    if row is None:
        return None
    block = {"id": row.id, "userid": row.user or 1, "name": row.name, "sender_url": row.sender_url}
    return Told("list_add", {"list": {**block, "sender_reminder": row.sender_reminder}})


@_of(_notes.create_note, _notes.create_deal_note)
def _note(call: Call) -> Telling:
    body = yield
    given, note = call.sent("note"), body.get("note", {})
    kind = "Deal" if "id" in call.names else to_text(given.get("reltype"))
    owner = call.id if "id" in call.names else to_int(given.get("relid"))
    deal, contact = call.store.deals.get(owner), call.store.contacts.get(owner)
    if kind == "Deal" and deal is not None:
        block = {"id": note.get("id"), "text": note.get("note")}
        return Told("deal_note_add", {"note": block, "deal": deal_block(call.store, deal)})
    if kind == "Subscriber" and contact is not None:
        return Told("subscriber_note", {**person(call.store, contact), "note": to_text(note.get("note"))})
    return None


@_of(*(getattr(_pipeline_changes, name) for name in ("create_pipeline", "create_stage")))
def _pipeline(call: Call) -> Telling:
    body = yield
    if "dealGroup" in body:
        row = body["dealGroup"]
        return Told("deal_pipeline_add", {"pipeline": {"id": row.get("id"), "title": row.get("title")}})
    row = body.get("dealStage", {})
    block = {"id": row.get("id"), "title": row.get("title"), "color": row.get("color", "")}
    return Told("deal_stage_add", {"stage": block})
