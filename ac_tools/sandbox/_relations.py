"""One person with everything that hangs on them."""

from collections.abc import Callable, Iterable
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._account_contacts import ACCOUNT_CONTACT
from ac_tools.sandbox._automations import ENROLMENT
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._deals import DEAL
from ac_tools.sandbox._field_values import FIELD_VALUE
from ac_tools.sandbox._memberships import MEMBERSHIP
from ac_tools.sandbox._query import Query, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Render, View, always
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._tags import CONTACT_TAG
from ac_tools.sandbox._wire import Answer, reply

Many = Callable[[Store, int, Query], list[dict[str, Any]]]
_NOTHING = Query("")


def _enrolments(store: Store, contact: int, query: Query) -> list[dict[str, Any]]:
    """The contact's own link asks for limit=1000 and orders[lastdate] here (recorded 2020 and 2021)."""
    orders = {"lastdate": lambda row: (row.added, row.id), "adddate": lambda row: (row.added, row.id)}
    found = ordered(store.enrolments.of(contact), query, orders)
    size = query.number("limit")
    return ENROLMENT.many(found[query.offset() :][: size if size > 0 else None], store)


_RELATIONS: dict[str, Many] = {
    "contactAutomations": _enrolments,
    "contactLists": lambda store, contact, query: MEMBERSHIP.many(store.memberships.of(contact), store),
    "deals": lambda store, contact, query: DEAL.many(store.deals.of(contact), store),
    "fieldValues": lambda store, contact, query: FIELD_VALUE.many(store.field_values.of(contact), store),
    "geoIps": lambda store, contact, query: [],
    "accountContacts": lambda store, contact, query: ACCOUNT_CONTACT.many(store.account_contacts.of(contact), store),
}
_SUB_COLLECTIONS: dict[str, Many] = {
    **_RELATIONS,
    "contactTags": lambda store, contact, query: CONTACT_TAG.many(store.contact_tags.of(contact), store),
    "scoreValues": lambda store, contact, query: [],
}


def _ids(table: Callable[[Store], Callable[[int], Iterable[Any]]]) -> Render:
    def render(row: rows.Contact, view: View) -> list[str]:
        return [str(each.id) for each in table(view.store)(row.id)]

    return render


# Only this endpoint gives the ids of what hangs on a person (recorded 2020 and 2021); never those of their tags.
_WHOLE = CONTACT.without("fieldValues").before(
    "links",
    contactAutomations=_ids(lambda store: store.enrolments.of),
    contactLists=_ids(lambda store: store.memberships.of),
    fieldValues=_ids(lambda store: store.field_values.of),
    geoIps=always([]),
    deals=_ids(lambda store: store.deals.of),
    accountContacts=_ids(lambda store: store.account_contacts.of),
    sentiment=always(None),
)


@route("GET", "/contacts/{id}")
def get_contact(call: Call) -> Answer:
    """One person with lists of what hangs on them beside (recorded 2020 and 2021)."""
    store = call.store
    contact = store.contacts.need(call.id)
    beside = {name: many(store, contact.id, _NOTHING) for name, many in _RELATIONS.items()}
    return reply(200, {**beside, "contact": _WHOLE(contact, store)})


def _sub_collection(name: str, many: Many) -> None:
    @route("GET", f"/contacts/{{id}}/{name}")
    def list_relation(call: Call) -> Answer:
        contact = call.store.contacts.need(call.id)
        return reply(200, {name: many(call.store, contact.id, call.query)})


# None of them has a meta (recorded 2020 and 2021 for tags, runs and scores; documented for the others).
for _name, _many in _SUB_COLLECTIONS.items():
    _sub_collection(_name, _many)
