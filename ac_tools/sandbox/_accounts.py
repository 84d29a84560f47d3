"""Companies, and the contacts in them."""

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Render, Shape, View, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_text
from ac_tools.sandbox._wire import Answer, Refusal, missing, problem, reply

ACCOUNT = Shape[rows.CustomerAccount](
    {
        "name": attr("name"),
        "accountUrl": attr("url"),
        "createdTimestamp": iso("created"),
        "updatedTimestamp": iso("updated"),
        "links": links(
            "accounts", "notes", "accountCustomFieldData", "accountContacts", "emailActivities", "contactEmails"
        ),
        "id": ident(),
    }
)

_CREATED = ACCOUNT.but(name=sent("name"), accountUrl=sent("accountUrl"))


def add_account(store: Store, name: str, url: str = "") -> rows.CustomerAccount:
    """Puts a new company in."""
    now = store.now()
    return store.accounts.add(rows.CustomerAccount(store.accounts.next_id(), name, url, now, now))


def _contact_count(row: rows.CustomerAccount, view: View) -> str:
    return str(sum(1 for link in view.store.account_contacts if link.account == row.id))


def _deal_count(row: rows.CustomerAccount, view: View) -> str:
    return str(sum(1 for deal in view.store.deals if deal.account == row.id))


def _zero(_row: rows.CustomerAccount, _view: View) -> str:
    return "0"


def _listed(contacts: Render, deals: Render) -> Shape[rows.CustomerAccount]:
    return ACCOUNT.before("links", contactCount=contacts, dealCount=deals)


_COUNTED, _UNCOUNTED = _listed(_contact_count, _deal_count), _listed(_zero, _zero)


@route("GET", "/accounts")
def list_accounts(call: Call) -> Answer:
    """A page of companies (recorded 2020); the counts are "0" unless count_deals is set (documented)."""
    store, search = call.store, (call.query.get("search") or "").lower()
    found = [row for row in store.listed(store.accounts) if search in row.name.lower()]
    shape = _COUNTED if to_flag(call.query.get("count_deals")) else _UNCOUNTED
    return reply(200, {"accounts": shape.many(call.query.page(found), store), "meta": {"total": str(len(found))}})


@route("GET", "/accounts/{id}")
def get_account(call: Call) -> Answer:
    """One company (recorded 2020)."""
    return reply(200, {"account": ACCOUNT(call.store.accounts.need(call.id), call.store)})


@route("POST", "/accounts")
def create_account(call: Call) -> Answer:
    """Creates a company: 201 (recorded 2020); 422 without a name or with a taken one (documented)."""
    store, given = call.store, call.sent("account")
    name = to_text(given.get("name"))
    _check_name(store, name)
    row = add_account(store, name, to_text(given.get("accountUrl")))
    return reply(201, {"account": _CREATED(row, store, given)})


def _check_name(store: Store, name: str, current: rows.CustomerAccount | None = None) -> None:
    if not name.strip():
        raise missing("account", "name")
    if store.accounts.find(store.company_key(name)) not in (None, current):
        title = f'An account named "{name}" already exists. Please choose a new name.'
        raise Refusal(422, {"errors": [problem(title, code="duplicate", pointer="name")]})


@route("PUT", "/accounts/{id}")
def update_account(call: Call) -> Answer:
    """Changes a company's name and address (recorded 2020); refusals as for a new one (assumed)."""
    store, given = call.store, call.sent("account")
    row = store.accounts.need(call.id)
    if "name" in given:
        _check_name(store, to_text(given["name"]), row)
    names = {"name": "name", "accountUrl": "url"}
    columns = {column: to_text(given[key]) for key, column in names.items() if key in given}
    store.accounts.change(row, **columns, updated=store.now())
    return reply(200, {"account": ACCOUNT(row, store)})


@route("DELETE", "/accounts/{id}")
def delete_account(call: Call) -> Answer:
    """Deletes a company and its links to contacts (recorded 2020); its deals lose it (assumed)."""
    store = call.store
    account = store.accounts.need(call.id)
    store.accounts.drop(account)
    for link in store.account_contacts:
        if link.account == account.id:
            store.account_contacts.drop(link)
    for deal in store.deals:
        if deal.account == account.id:
            store.deals.change(deal, account=None)
    return reply(200, {})
