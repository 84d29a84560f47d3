"""The list of people: search, filters, orders, pages."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._contacts import CONTACT, account_of
from ac_tools.sandbox._query import Query, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import View, always
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, reply

Test = Callable[[rows.Contact], bool]


def _account_contact_ids(row: rows.Contact, view: View) -> list[str]:
    return [str(link.id) for link in view.store.account_contacts.of(row.id)]


_LISTED = CONTACT.before("links", scoreValues=always([]), accountContacts=_account_contact_ids)

_ORDERS: dict[str, Callable[[rows.Contact], Any]] = {
    "id": lambda row: row.id,
    "cdate": lambda row: row.created,
    "email": lambda row: row.email.lower(),
    "first_name": lambda row: row.first_name.lower(),
    "last_name": lambda row: row.last_name.lower(),
    "name": lambda row: (row.first_name.lower(), row.last_name.lower()),
}


def _text_tests(store: Store, query: Query) -> Iterator[Test]:
    email = query.get("email") or query.get("filters", "email")
    if email:
        wanted = store.address_key(email)
        yield lambda row: store.address_key(row.email) == wanted
    like = query.get("email_like")
    if like:
        yield lambda row: like.lower() in row.email.lower()
    phone = query.get("phone")
    if phone:
        yield lambda row: row.phone.startswith(phone)
    search = query.get("search")
    if search:
        yield lambda row: search.lower() in _searched(row, store)


def _searched(row: rows.Contact, store: Store) -> str:
    account = account_of(row, store)
    texts = (row.email, f"{row.first_name} {row.last_name}", row.phone, account.name if account else "")
    return "\n".join(texts).lower()


def _id_tests(query: Query) -> Iterator[Test]:
    ids = query.listed("ids")
    if ids:
        wanted = {to_int(each) for each in ids}
        yield lambda row: row.id in wanted
    exclude, greater, less = query.number("exclude"), query.number("id_greater", default=-1), query.number("id_less")
    if exclude:
        yield lambda row: row.id != exclude
    if greater >= 0:
        yield lambda row: row.id > greater
    if less:
        yield lambda row: row.id < less


def _member_tests(store: Store, query: Query) -> Iterator[Test]:
    listid, status, tag = query.number("listid"), query.number("status", default=-1), query.number("tagid")
    if listid or status >= 0:
        yield lambda row: any(
            (not listid or each.list == listid) and (status < 0 or each.status == status)
            for each in store.memberships.of(row.id)
        )
    if tag:
        yield lambda row: store.contact_tags.find((row.id, tag)) is not None
    automation = query.number("seriesid")
    if automation:
        yield lambda row: any(each.automation == automation for each in store.enrolments.of(row.id))
    if query.number("segmentid"):
        segment = store.segments.get(query.number("segmentid"))
        yield lambda row: _in_segment(row, segment, store)
    if query.number("formid") or query.number("waitid"):
        yield lambda row: False  # the sandbox has no forms and no waiting blocks


def _in_segment(row: rows.Contact, segment: rows.Segment | None, store: Store) -> bool:
    if segment is None:
        return False
    return segment.tag is None or store.contact_tags.find((row.id, segment.tag)) is not None


def _date_tests(store: Store, query: Query) -> Iterator[Test]:
    for name, _, text in query.filters():
        column, _, side = name.partition("_")
        moment = store.asked_moment(text)
        if column in ("created", "updated") and side in ("after", "before") and moment is not None:
            yield _date_test(column, side, moment)


def _date_test(column: str, side: str, moment: float) -> Test:
    if side == "after":
        return lambda row: getattr(row, column) >= moment
    return lambda row: getattr(row, column) < moment


def find_contacts(store: Store, query: Query) -> list[rows.Contact]:
    """The people whom a query means, in its order; whether all its filters count or one is enough is assumed.

    Ids always count: they are for paging.
    """
    ids = list(_id_tests(query))
    tests = [*_member_tests(store, query), *_date_tests(store, query), *_text_tests(store, query)]
    found = [
        row for row in store.contacts if all(test(row) for test in ids) and store.together(test(row) for test in tests)
    ]
    found.sort(key=lambda row: row.id, reverse=store.settings.contacts_newest_first)
    return ordered(found, query, _ORDERS)


def _page_input(query: Query) -> dict[str, Any]:
    numbers = ("segmentid", "formid", "listid", "tagid")
    return {
        **{name: query.number(name) for name in numbers},
        "limit": query.limit(20),
        "offset": query.offset(),
        "search": query.get("search"),
        "sort": None,
        "seriesid": query.number("seriesid"),
        "waitid": query.number("waitid"),
        "status": query.number("status", default=-1),
        "forceQuery": query.number("forceQuery"),
        "cacheid": hashlib.md5(query.text().encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
    }


@route("GET", "/contacts")
def list_contacts(call: Call) -> Answer:
    """A page of people (recorded 2020 and 2021; filters documented); never their tags, lists or values."""
    found = find_contacts(call.store, call.query)
    meta: dict[str, Any] = {"total": str(len(found)), "sortable": True}
    # The page's own parameters came last in 2021 and first in 2022 (captured), an address among them.
    if call.store.settings.era >= "2022":
        asked = {"email": call.query.get("email")} if call.query.get("email") is not None else {}
        meta = {"page_input": {**_page_input(call.query), **asked}, **meta}
    else:
        meta["page_input"] = _page_input(call.query)
    contacts = _LISTED.many(call.query.page(found), call.store)
    return reply(200, {"scoreValues": [], "contacts": contacts, "meta": meta})
