"""Which contact is in which company."""

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, missing, reply

ACCOUNT_CONTACT = Shape[rows.AccountContact](
    {
        "account": ident("account"),
        "contact": ident("contact"),
        "jobTitle": attr("job_title"),
        "createdTimestamp": iso("created"),
        "updatedTimestamp": iso("updated"),
        "links": links("accountContacts", "account", "contact"),
        "id": ident(),
    }
)

_CREATED = Shape[rows.AccountContact](
    {
        "contact": sent("contact"),
        "account": sent("account"),
        "jobTitle": sent("jobTitle"),
        "createdTimestamp": iso("created"),
        "updatedTimestamp": iso("updated"),
        "links": links("accountContacts", "account", "contact"),
        "id": ident(),
    }
)


def join_account(store: Store, contact: rows.Contact, account: rows.CustomerAccount) -> None:
    """Makes a contact belong to a company, and to no other (documented: at most one)."""
    if any(link.account == account.id for link in store.account_contacts.of(contact.id)):
        return
    store.account_contacts.drop_of(contact.id)
    row = rows.AccountContact(store.account_contacts.next_id(), account.id, contact.id, store.now(), store.now())
    store.account_contacts.add(row)


@route("GET", "/accountContacts")
def list_account_contacts(call: Call) -> Answer:
    """All of them (recorded 2020); filters[contact] and filters[account] documented."""
    store = call.store
    wanted = {name: to_int(want) for name, _, want in call.query.filters() if name in ("contact", "account")}
    found = [row for row in store.account_contacts if all(getattr(row, name) == want for name, want in wanted.items())]
    page = ACCOUNT_CONTACT.many(call.query.page(found), store)
    return reply(200, {"accountContacts": page, "meta": {"total": str(len(found))}})


@route("GET", "/accountContacts/{id}")
def get_account_contact(call: Call) -> Answer:
    """One of them (recorded 2020)."""
    return reply(200, {"accountContact": ACCOUNT_CONTACT(call.store.account_contacts.need(call.id), call.store)})


@route("POST", "/accountContacts")
def create_account_contact(call: Call) -> Answer:
    """Puts a contact in a company: 201 (recorded 2020), out of any other (documented: at most one)."""
    store, given = call.store, call.sent("accountContact")
    absent = [name for name in ("account", "contact") if given.get(name) is None]
    if absent:
        raise missing("accountContact", *absent)
    contact = store.contacts.need(to_int(given["contact"]))
    account = store.accounts.need(to_int(given["account"]))
    store.account_contacts.drop_of(contact.id)
    now, title = store.now(), to_text(given.get("jobTitle"))
    row = rows.AccountContact(store.account_contacts.next_id(), account.id, contact.id, now, now, title)
    return reply(201, {"accountContact": _CREATED(store.account_contacts.add(row), store, given)})


@route("PUT", "/accountContacts/{id}")
def update_account_contact(call: Call) -> Answer:
    """Changes the job title (recorded 2020), and nothing else (assumed)."""
    store, given = call.store, call.sent("accountContact")
    row = store.account_contacts.need(call.id)
    title = to_text(given["jobTitle"]) if "jobTitle" in given else row.job_title
    store.account_contacts.change(row, job_title=title, updated=store.now())
    return reply(200, {"accountContact": ACCOUNT_CONTACT(row, store)})


@route("DELETE", "/accountContacts/{id}")
def delete_account_contact(call: Call) -> Answer:
    """Takes a contact out of a company (recorded 2020)."""
    call.store.account_contacts.drop(call.store.account_contacts.need(call.id))
    return reply(200, {})
