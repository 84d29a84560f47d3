"""Bulk import: queued at once, worked off a few seconds later."""

from typing import Any

from ac_tools.sandbox import _field_values as field_values
from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._account_contacts import join_account
from ac_tools.sandbox._accounts import add_account
from ac_tools.sandbox._contacts import add_contact, known_contact, touch
from ac_tools.sandbox._memberships import can_leave, set_membership
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._tags import add_tag, apply_tag, takes_name
from ac_tools.sandbox._values import to_flag, to_int, to_text, valid_address, well_formed
from ac_tools.sandbox._wire import Answer, Refusal, reply

_MOST, _BYTES = 250, 400_000  # contacts and bytes a request, documented
_A_MINUTE = {True: 20, False: 100}  # requests with one contact, with several, documented
_HTML = {"Content-Type": "text/html; charset=UTF-8"}  # though it is JSON (recorded 2021)
_COLUMNS = ("first_name", "last_name", "phone")
_DAY = 10  # characters of an ISO date


def _refusal(status: int, message: str, *reasons: Any) -> Refusal:
    return Refusal(status, {"success": 0, "message": message, "failureReasons": list(reasons)}, _HTML)


def _invalid(store: Store, *reasons: Any) -> Refusal:
    text = "JSON payload did not pass validation. Please fix failure Reasons and retry."
    return _refusal(store.settings.import_refusal, f"{text} The import was not queued for processing.", *reasons)


def _check_rate(store: Store, *, single: bool) -> None:
    """The import's own limits, which are answered with 400 (documented)."""
    since = store.moment() - 60
    recent = sum(1 for batch in store.batches if batch.queued > since and (len(batch.contacts) == 1) is single)
    if recent >= _A_MINUTE[single]:
        advice = "Please batch contacts into larger requests, or retry this request in a minute."
        raise _refusal(
            400, "Rate limit exceeded.", f"Up to {_A_MINUTE[single]} imports may be requested per minute.{advice}"
        )


def _faults(store: Store, contact: Any) -> list[str]:
    """What is wrong with one entry; the text for an address is documented, the others are assumed."""
    if not isinstance(contact, dict):
        return ["Contact is not an object"]
    names = [] if well_formed(contact.get("email")) else ["email"]
    tags = contact.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(takes_name(store, each) for each in tags)):
        names.append("tags")
    return [f"Field\u2018 {name}\u2019 incorrect format" for name in names]


def _repeats(store: Store, contacts: list[Any]) -> list[int]:
    """The places of entries whose address came before."""
    seen: set[str] = set()
    found = []
    for index, contact in enumerate(contacts):
        address = store.address_key(to_text(contact.get("email"))) if isinstance(contact, dict) else ""
        if address and address in seen:
            found.append(index)
        seen.add(address)
    return found


def _checked(call: Call) -> list[dict[str, Any]]:
    store, contacts = call.store, call.body.get("contacts")
    if not isinstance(contacts, list) or not contacts:
        raise _invalid(store, "Field\u2018 contacts\u2019 is required")
    if len(contacts) > _MOST:
        raise _invalid(store, f"No more than {_MOST} contacts may be imported in one request.")
    if call.size >= _BYTES:
        raise _invalid(store, f"The request body must be smaller than {_BYTES} bytes.")
    faults = [(index, fault) for index, contact in enumerate(contacts) for fault in _faults(store, contact)]
    if store.settings.import_repeats == "refused":
        faults += [(index, "Contact is listed twice") for index in _repeats(store, contacts)]
    if faults:
        raise _invalid(store, *({"contact": index, "failureReason": fault} for index, fault in faults))
    return contacts


@route("POST", "/import/bulk_import")
def queue_import(call: Call) -> Answer:
    """Queues an import: 200 (recorded 2021), 400 with nothing queued when one entry is wrong (documented)."""
    store, contacts = call.store, _checked(call)
    if call.limited:
        _check_rate(store, single=len(contacts) == 1)
    now = store.moment()
    due = now + store.settings.import_seconds
    place = store.settings.exclude_automations
    without = place != "contact" and to_flag(call.body.get("exclude_automations"))
    batch = rows.Batch(store.batches.next_id(), store.uuid(), now, due, contacts, without)
    store.batches.add(batch)
    body = {"success": 1, "queued_contacts": len(contacts), "batchId": batch.uuid, "message": "Contact import queued"}
    return reply(200, body, _HTML)


def run_imports(store: Store) -> None:
    """Works off what is due by now, as of the moment it was due."""
    now = store.moment()
    for batch in store.batches:
        if not batch.done and batch.due <= now:
            with store.at(batch.due):
                _run(store, batch)


def _run(store: Store, batch: rows.Batch) -> None:
    batch.done = True
    skipped = _repeats(store, batch.contacts) if store.settings.import_repeats == "first" else []
    for index, entry in enumerate(batch.contacts):
        if index in skipped:
            continue
        if not valid_address(entry["email"]):
            batch.failure.append(entry["email"])
            continue
        contact = _import(store, entry, automations=not batch.exclude_automations)
        if contact.id not in batch.success:
            batch.success.append(contact.id)


def _import(store: Store, entry: dict[str, Any], *, automations: bool) -> rows.Contact:
    """Creates or updates one person. Automations run unless excluded (documented); where that is said is assumed."""
    if store.settings.exclude_automations != "payload":
        automations = automations and not to_flag(entry.get("exclude_automations"))
    contact = known_contact(store, entry["email"]) or add_contact(store, entry["email"])
    store.contacts.change(contact, **{name: to_text(entry[name]) for name in _COLUMNS if name in entry})
    touch(store, contact)
    company = to_text(entry.get("customer_acct_name")).strip()
    if company:
        join_account(store, contact, store.accounts.find(store.company_key(company)) or add_account(store, company))
    for field in _objects(entry.get("fields")):
        field_id, value = to_int(field.get("id")), to_text(field.get("value"))
        if store.fields.get(field_id) is not None and field_values.fits(store, field_id, value):
            field_values.put(store, contact.id, field_id, value)
    for name in filter(str.strip, entry.get("tags") or []):
        tag = store.tags.find(name.lower()) or add_tag(store, name)
        apply_tag(store, contact, tag.id, automations=automations)
    _subscribe(store, contact, entry, automations=automations)
    return contact


def _subscribe(store: Store, contact: rows.Contact, entry: dict[str, Any], *, automations: bool) -> None:
    for list_id in _list_ids(store, entry.get("subscribe")):
        row = store.memberships.find((contact.id, list_id))
        # Who opted out stays out (documented); that a bounced address stays bounced is assumed.
        if row is None or row.status not in (2, 3):
            set_membership(store, contact, list_id, 1, automations=automations)
    for list_id in _list_ids(store, entry.get("unsubscribe")):
        if can_leave(store, contact, list_id):
            set_membership(store, contact, list_id, 2)


def _objects(entries: Any) -> list[dict[str, Any]]:
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _list_ids(store: Store, entries: Any) -> list[int]:
    ids = (to_int(each.get("listid")) for each in _objects(entries))
    return [each for each in ids if store.lists.get(each) is not None]


@route("GET", "/import/info")
def get_import(call: Call) -> Answer:
    """How far an import is: false in the first second, then waiting, claimed, active, completed (documented).

    That a batch which nobody queued is answered like one of the first second is assumed.
    """
    store, wanted = call.store, call.query.get("batchId")
    if not wanted:
        raise Refusal(400, {"success": 0, "message": "'batchId' is a required field."})
    batch = store.batches.find(wanted)
    status = store.settings.import_unknown_batch
    if batch is None and status >= 400:
        raise Refusal(status, {"success": 0, "message": "There is no import with this batchId."})
    if batch is None:
        return reply(200, {"status": False, "success": [], "failure": []})
    success = [str(each) for each in batch.success]
    return reply(200, {"status": _status(store, batch), "success": success, "failure": batch.failure})


def _status(store: Store, batch: rows.Batch) -> str | bool:
    if batch.done:
        return "completed"
    elapsed, whole = store.moment() - batch.queued, batch.due - batch.queued
    if elapsed < 1:
        return False
    share = (elapsed - 1) / max(whole - 1, 0.001)
    return ("waiting", "claimed", "active")[min(int(share * 3), 2)]


@route("GET", "/import/bulk_import")
def list_imports(call: Call) -> Answer:
    """Imports by day: those outstanding and those of the last seven days (documented; counts are text)."""
    store = call.store
    week = store.moment() - 7 * 86_400
    waiting = [batch for batch in store.batches if not batch.done]
    recent = [batch for batch in store.batches if batch.done and batch.due > week]
    return reply(200, {"outstanding": _by_day(store, waiting), "recentlyCompleted": _by_day(store, recent)})


def _by_day(store: Store, batches: list[rows.Batch]) -> list[dict[str, str]]:
    days: dict[str, list[int]] = {}
    for batch in batches:
        days.setdefault(store.iso(batch.queued)[:_DAY], []).append(len(batch.contacts))
    return [
        {"forDate": day, "batches": str(len(sizes)), "contacts": str(sum(sizes))} for day, sizes in sorted(days.items())
    ]
