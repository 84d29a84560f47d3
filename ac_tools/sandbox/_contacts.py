"""People: create, update, sync, delete."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ac_tools.sandbox import _field_values as field_values
from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import ABSENT, Render, Shape, View, always, attr, ident, iso, links, local, sent, since
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_text, valid_address
from ac_tools.sandbox._wire import Answer, Refusal, problem, reply


def account_of(contact: rows.Contact, store: Store) -> rows.CustomerAccount | None:
    """The company that a contact belongs to, if any."""
    return next((store.accounts.get(link.account) for link in store.account_contacts.of(contact.id)), None)


def _account(name: str, without: Any) -> Render:
    def render(row: rows.Contact, view: View) -> Any:
        account = account_of(row, view.store)
        return without if account is None else str(getattr(account, name))

    return render


def _value_ids(row: rows.Contact, view: View) -> Any:
    ids = [str(value.id) for value in view.store.field_values.of(row.id)]
    return ids if view.sent.get("fieldValues") else ABSENT


def _domain(row: rows.Contact, _view: View) -> str:
    return row.email.rpartition("@")[2]


# Absent in May 2020, "0" on 2 June, false from 9 June 2020 on; the reply to a creation never had the "0".
_EMAIL_EMPTY = since("2020-06-09", always(False), since("2020-06-02", always("0")))

_LINKS = links(
    "contacts",
    *("bounceLogs", "contactAutomations", "contactData", "contactGoals", "contactLists", "contactLogs", "contactTags"),
    *("contactDeals", "deals", "fieldValues", "geoIps", "notes", "organization", "plusAppend", "trackingLogs"),
    *("scoreValues", "accountContacts", "automationEntryCounts"),
    suffixes={"contactAutomations": "?limit=1000&orders%5Blastdate%5D=DESC"},
)

CONTACT = Shape[rows.Contact](
    {
        "cdate": iso("created"),
        "email": attr("email"),
        "phone": attr("phone"),
        "firstName": attr("first_name"),
        "lastName": attr("last_name"),
        "orgid": _account("id", "0"),
        "orgname": _account("name", ""),
        "segmentio_id": always(""),
        "bounced_hard": always("0"),
        "bounced_soft": always("0"),
        "bounced_date": always(None),
        "ip": always("0"),
        "ua": always(None),
        "hash": attr("hash"),
        "socialdata_lastcheck": always(None),
        "email_local": always(""),
        "email_domain": since("2022", _domain, always("")),
        "sentcnt": always("0"),
        "rating_tstamp": always(None),
        "gravatar": always("0"),
        "deleted": always("0"),
        "anonymized": always("0"),
        "adate": always(None),
        "udate": iso("updated"),
        "edate": always(None),
        "deleted_at": always(None),
        "created_utc_timestamp": local("created"),
        "updated_utc_timestamp": local("updated"),
        "created_timestamp": local("created"),
        "updated_timestamp": local("updated"),
        "created_by": always(None),
        "updated_by": always(None),
        "email_empty": _EMAIL_EMPTY,
        "mpp_tracking": since("2022", always("0")),
        "fieldValues": _value_ids,
        "links": _LINKS,
        "id": ident(),
        "organization": _account("id", None),
    }
)

_CREATED = Shape[rows.Contact](
    {
        "email": attr("email"),
        "phone": sent("phone"),
        "firstName": sent("firstName"),
        "lastName": sent("lastName"),
        "email_empty": since("2020-06-09", always(False)),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "orgid": always(""),
        "orgname": always(""),
        "links": _LINKS,
        "hash": since("2021", attr("hash")),
        "fieldValues": _value_ids,
        "id": ident(),
        "organization": always(""),
    }
)

_MONTH = 7  # characters of an ISO month
_COLUMNS = {"email": "email", "phone": "phone", "firstName": "first_name", "lastName": "last_name"}


def invalid_email(store: Store) -> Refusal:
    """The refusal of an address (from clients' fixtures; the status is a setting)."""
    title, error = "Contact Email Address is not valid.", "must_be_valid_email_address"
    entry = problem(title, code="email_invalid", error=error, pointer="email")
    return Refusal(store.settings.invalid_email_status, {"errors": [entry]})


def _check_email(store: Store, address: Any, current: rows.Contact | None = None) -> None:
    if not valid_address(address):
        raise invalid_email(store)
    other = store.contacts.find(store.address_key(address))
    if other is not None and other is not current:
        title = "Email address already exists in the system"
        raise Refusal(422, {"errors": [problem(title, code="duplicate", pointer="email")]})


def add_contact(store: Store, email: str) -> rows.Contact:
    """Puts a new person in, with their address only."""
    now, address = store.now(), store.kept_address(email)
    return store.contacts.add(rows.Contact(store.contacts.next_id(), address, now, now, store.token(32)))


def known_contact(store: Store, email: str) -> rows.Contact | None:
    """The person with an address, who may have been deleted where that is assumed to be undone so."""
    key = store.address_key(email)
    contact = store.contacts.find(key)
    if contact is None and key in store.archive:
        contact = store.contacts.add(store.archive.pop(key))
    return contact


def touch(store: Store, contact: rows.Contact) -> None:
    """Moves a contact's `udate`, as every change around them does (recorded 2020 and 2021 for tags and values)."""
    store.contacts.change(contact, updated=store.now())


def _apply(store: Store, contact: rows.Contact, given: Mapping[str, Any], values: list[tuple[int, str]]) -> None:
    columns = {column: to_text(given[key]) for key, column in _COLUMNS.items() if key in given}
    if "email" in columns:
        columns["email"] = store.kept_address(columns["email"])
    store.contacts.change(contact, **columns)
    for field, value in values:
        field_values.put(store, contact.id, field, value)


def _with_values(contact: rows.Contact, store: Store, record: dict[str, Any], pairs: list[tuple[int, str]]) -> Any:
    found = [row for row in (store.field_values.find((contact.id, field)) for field, _ in pairs) if row is not None]
    leading = {"fieldValues": field_values.FIELD_VALUE.many(found, store)} if pairs else {}
    return {**leading, "contact": record}


def _create(store: Store, given: dict[str, Any]) -> Answer:
    values = field_values.wanted(store, given)
    contact = add_contact(store, given["email"])
    _apply(store, contact, given, values)
    return reply(201, _with_values(contact, store, _CREATED(contact, store, given), values))


def _update(store: Store, contact: rows.Contact, given: dict[str, Any]) -> Answer:
    values = field_values.wanted(store, given)
    before = dataclasses.replace(contact)
    _apply(store, contact, given, values)
    touch(store, contact)
    record = CONTACT(contact, store, given)
    # The echo of an update still shows the time of the write before it (recorded 2021).
    record["updated_utc_timestamp"] = record["updated_timestamp"] = store.local(before.updated)
    return reply(200, _with_values(contact, store, record, values))


@route("POST", "/contacts")
def create_contact(call: Call) -> Answer:
    """Creates a person; 201 (recorded 2020 and 2021), 422 for an address that is taken or invalid (documented)."""
    given = call.sent("contact")
    _check_email(call.store, given.get("email"))
    return _create(call.store, given)


@route("POST", "/contact/sync")
def sync_contact(call: Call) -> Answer:
    """Creates or updates by address: 201 or 200 (recorded 2020 and 2021); what becomes of the rest is assumed."""
    store, given = call.store, call.sent("contact")
    if not valid_address(given.get("email")):
        raise invalid_email(store)
    contact = known_contact(store, given["email"])
    if contact is None:
        return _create(store, given)
    return _update(store, contact, given if store.settings.sync_keeps else {**dict.fromkeys(_COLUMNS, ""), **given})


@route("PUT", "/contacts/{id}")
def update_contact(call: Call) -> Answer:
    """Changes what is sent and keeps the rest (recorded 2021)."""
    store, given = call.store, call.sent("contact")
    contact = store.contacts.need(call.id)
    if "email" in given:
        _check_email(store, given["email"], contact)
    return _update(store, contact, given)


def _count_deletion(store: Store) -> None:
    most, month = store.settings.delete_quota, store.iso(store.now())[:_MONTH]
    count = store.deletions.get(month, 0)
    if most and count >= most:
        raise Refusal(403, store.settings.body(403, "Forbidden"))
    store.deletions[month] = count + 1


@route("DELETE", "/contacts/{id}")
def delete_contact(call: Call) -> Answer:
    """Deletes a person with their tags, memberships, values and runs; their deals by setting (cascade assumed)."""
    store = call.store
    contact = store.contacts.need(call.id)
    _count_deletion(store)
    store.contacts.drop(contact)
    if store.settings.contact_deleted == "revived":
        store.archive[store.address_key(contact.email)] = contact
    store.contact_tags.drop_of(contact.id)
    store.memberships.drop_of(contact.id)
    store.field_values.drop_of(contact.id)
    store.enrolments.drop_of(contact.id)
    store.account_contacts.drop_of(contact.id)
    if not store.settings.deals_survive_contact:
        store.deals.drop_of(contact.id)
    return reply(200, {})
