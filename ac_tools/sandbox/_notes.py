"""Notes on deals, contacts and companies."""

from typing import Any

from ac_tools.sandbox._accounts import ACCOUNT
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._deals import DEAL
from ac_tools.sandbox._resource import ID, LINKS, Resource, serve, stamp_iso
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._tasks import owner_of
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, missing, reply

NOTE = Resource(
    plural="notes",
    singular="note",
    class_name="Note",
    keys={
        "relid": "",
        "reltype": "",
        "userid": "1",
        "is_draft": "0",
        "cdate": stamp_iso,
        "mdate": stamp_iso,
        "note": "",
        "links": LINKS,
        "id": ID,
        "user": "1",
        "owner": None,
    },
    links=links("notes", "activities", "user", "mentions", "notes", "owner"),
    echo=("note", "relid", "reltype", "cdate", "mdate", "userid", "links", "owner", "is_draft", "id", "user"),
    answers={"cdate": stamp_iso, "mdate": stamp_iso, "userid": "1", "is_draft": "", "user": "1"},
    touched={"mdate": stamp_iso},
    worked_out={"owner": owner_of},
    needs=("note", "reltype", "relid"),
)


def _beside(store: Store, kind: str, row_id: int) -> dict[str, Any]:
    """The record that a note is on, as the reply gives it in front of the note; 404 when there is none."""
    if kind == "Deal":
        return {"deals": [DEAL(store.deals.need(row_id), store)]}
    if kind == "Subscriber":
        return {"contacts": [CONTACT(store.contacts.need(row_id), store)]}
    if kind == "CustomerAccount":
        return {"accounts": [ACCOUNT(store.accounts.need(row_id), store)]}
    return {}


def _create(call: Call, owner: dict[str, Any]) -> Answer:
    """The deal beside a new note does not count the note yet (recorded 2020)."""
    store, given = call.store, {**NOTE.given(call.sent("note")), **owner}
    absent = [name for name in NOTE.needs if given.get(name) in (None, "")]
    if absent:
        raise missing("note", *absent)
    kind, row_id = str(given["reltype"]), to_int(given["relid"])
    beside = _beside(store, kind, row_id)
    row, shown = NOTE.add(store, given)
    row.values["is_draft"] = "0"
    deal = store.deals.get(row_id) if kind == "Deal" else None
    if deal is not None:
        store.deals.change(deal, activities=deal.activities + 1, updated=store.now())
    return reply(201, {**beside, "note": NOTE.created(row, store, shown)})


@route("POST", "/notes")
def create_note(call: Call) -> Answer:
    """Writes a note: 201 (documented)."""
    return _create(call, {})


@route("POST", "/deals/{id}/notes")
@route("POST", "/deals/{id}/notes/{note}")
def create_deal_note(call: Call) -> Answer:
    """Writes a note on a deal; posting to an existing note writes another one (both recorded 2020)."""
    return _create(call, {"reltype": "Deal", "relid": str(call.id)})


@route("POST", "/accounts/{id}/notes")
def create_account_note(call: Call) -> Answer:
    """Writes a note on a company (documented)."""
    return _create(call, {"reltype": "CustomerAccount", "relid": str(call.id)})


@route("PUT", "/deals/{id}/notes/{note}")
@route("PUT", "/accounts/{id}/notes/{note}")
def update_owned_note(call: Call) -> Answer:
    """Changes a note by way of what it is on (documented)."""
    store, given = call.store, NOTE.given(call.sent("note"))
    row = NOTE.table(store).need(to_int(call.names["note"]))
    note = NOTE.change(store, row, given)
    beside = _beside(store, str(row.values["reltype"]), to_int(row.values["relid"]))
    return reply(200, {**beside, "note": note})


def _of(path: str, kind: str) -> None:
    @route("GET", path)
    def list_notes(call: Call) -> Answer:
        _beside(call.store, kind, call.id)
        wanted = {"reltype": kind, "relid": str(call.id)}
        found = [row for row in NOTE.table(call.store) if wanted.items() <= row.values.items()]
        return reply(200, {"notes": NOTE.shape.many(found, call.store)})


_of("/deals/{id}/notes", "Deal")
_of("/contacts/{id}/notes", "Subscriber")
_of("/accounts/{id}/notes", "CustomerAccount")
serve(NOTE, "list", "get", "update", "delete")
