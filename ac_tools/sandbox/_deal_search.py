"""The list of deals: filters, orders, and sums by currency."""

from collections.abc import Callable
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._deals import DEAL
from ac_tools.sandbox._query import Query, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, reply

Filter = Callable[[rows.Deal, str, Store], bool]


def _pipeline(row: rows.Deal, store: Store) -> int:
    stage = store.stages.get(row.stage)
    return stage.pipeline if stage is not None else 0


def _company(row: rows.Deal, store: Store) -> str:
    account = store.accounts.get(row.account)
    return account.name.lower() if account is not None else ""


def _names(row: rows.Deal, store: Store) -> tuple[str, str]:
    contact = store.contacts.get(row.contact)
    return (contact.first_name.lower(), contact.last_name.lower()) if contact is not None else ("", "")


def _contact_matches(row: rows.Deal, want: str, store: Store) -> bool:
    """The first word is looked for in the first name, the rest in the last name (documented)."""
    first, _, rest = want.lower().strip().partition(" ")
    first_name, last_name = _names(row, store)
    return bool(row.contact) and first in first_name and rest.strip() in last_name


_SEARCH: dict[str, Filter] = {
    "title": lambda row, want, store: want.lower() in row.title.lower(),
    "contact": _contact_matches,
    "org": lambda row, want, store: want.lower() in _company(row, store),
}


def _tagged(row: rows.Deal, want: str, store: Store) -> bool:
    """By a tag of the contact: its id, -1 for any, -2 for none (documented)."""
    tags = {each.tag for each in store.contact_tags.of(row.contact or 0)}
    wanted = to_int(want)
    return wanted in tags if wanted > 0 else bool(tags) is (wanted == -1)


def _date_filter(column: str, *, after: bool) -> Filter:
    def passes(row: rows.Deal, want: str, store: Store) -> bool:
        moment = store.asked_moment(want)
        return moment is None or (getattr(row, column) >= moment) is after

    return passes


_FILTERS: dict[str, Filter] = {
    "title": _SEARCH["title"],
    "stage": lambda row, want, store: row.stage == to_int(want),
    "group": lambda row, want, store: _pipeline(row, store) == to_int(want),
    "status": lambda row, want, store: row.status == to_int(want, -1),
    "owner": lambda row, want, store: row.owner == to_int(want),
    "organization": lambda row, want, store: row.account == to_int(want),
    "tag": _tagged,
    "tasktype": lambda row, want, store: False,  # the sandbox has no tasks
    "nextdate_range": lambda row, want, store: want == "no-task",
    "created_after": _date_filter("created", after=True),
    "created_before": _date_filter("created", after=False),
    "updated_after": _date_filter("updated", after=True),
    "updated_before": _date_filter("updated", after=False),
    # Whole units of currency, where everything else counts in cents (documented).
    "minimum_value": lambda row, want, store: row.value >= to_int(want) * 100,
    "maximum_value": lambda row, want, store: row.value <= to_int(want) * 100,
}


def _search(field: str | None) -> Filter:
    """The filter for a text in one field, or in any of them."""
    tests = [_SEARCH[field]] if field in _SEARCH else list(_SEARCH.values())
    return lambda row, want, store: not want or any(test(row, want, store) for test in tests)


def find_deals(store: Store, query: Query) -> list[rows.Deal]:
    """The deals that a query means, in its order; without one by stage and not by id (recorded 2020)."""
    filters = {**_FILTERS, "search": _search(query.get("filters", "search_field"))}
    tests = [(filters[name], want) for name, _, want in query.filters() if name in filters]
    found = [row for row in store.deals if store.together(test(row, want, store) for test, want in tests)]
    found.sort(key=lambda row: (_stage_order(row, store), row.stage, row.id))
    orders: dict[str, Callable[[rows.Deal], Any]] = {
        "id": lambda row: row.id,
        "title": lambda row: row.title.lower(),
        "value": lambda row: row.value,
        "cdate": lambda row: (row.created, row.id),
        "contact_name": lambda row: _names(row, store),
        "contact_orgname": lambda row: _company(row, store),
    }
    return ordered(found, query, orders)


def _stage_order(row: rows.Deal, store: Store) -> int:
    stage = store.stages.get(row.stage)
    return stage.order if stage is not None else 0


def _currencies(found: list[rows.Deal]) -> dict[str, Any] | list[Any]:
    """Sums by upper-case currency; an empty map is a list (recorded 2020)."""
    sums: dict[str, list[int]] = {}
    for row in found:
        sums.setdefault(row.currency.upper(), []).append(row.value)
    return {
        code: {"total": str(len(values)), "value": str(sum(values)), "currency": code, "isDisabled": False}
        for code, values in sums.items()
    } or []


@route("GET", "/deals")
def list_deals(call: Call) -> Answer:
    """A page of deals (recorded 2020; filters documented); `meta.total` is an integer only here."""
    found = find_deals(call.store, call.query)
    meta = {"currencies": _currencies(found), "total": len(found)}
    return reply(200, {"deals": DEAL.many(call.query.page(found), call.store), "meta": meta})
