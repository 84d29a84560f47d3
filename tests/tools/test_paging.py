"""Pages and walks: hints that a model can follow, and walks that trust nobody's totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Refusal
from ac_tools import ActiveCampaignToolkit

Toolkits = Callable[..., ActiveCampaignToolkit]


def test_a_page_says_how_to_get_the_next(toolkit: Any, run: Any) -> None:
    """The last line of a page tells what was shown, of how many, and the offset of the next page."""
    answer = run(toolkit, "ac_list_deals", limit=20)
    assert "20 of 47 shown; for the next 20 call again with offset=20." in answer.content
    assert (answer.artifact.total, answer.artifact.next_offset, len(answer.artifact.items)) == (47, 20, 20)


def test_the_last_page_says_that_it_is_the_last(toolkit: Any, run: Any) -> None:
    """Following the offsets leads to a page that says that this is all."""
    offset, seen = 0, []
    while offset is not None:
        answer = run(toolkit, "ac_list_deals", limit=20, offset=offset)
        seen += [deal.id for deal in answer.artifact.items]
        offset = answer.artifact.next_offset
    assert "that is all" in answer.content
    assert len(set(seen)) == len(seen) == 47


def test_the_hint_counts_the_rest(toolkit: Any, run: Any) -> None:
    """The hint before the last page names how many are left, not a full page."""
    assert "for the next 7 call again with offset=40" in run(toolkit, "ac_list_deals", limit=20, offset=20).content


def test_nothing_found_is_said(toolkit: Any, run: Any) -> None:
    """An empty page says so in words."""
    answer = run(toolkit, "ac_list_contacts", email="nobody@nowhere.example")
    assert (answer.status, answer.content) == ("success", "0 of 0 shown; that is all.")


@pytest.mark.parametrize("said", [0, -1, 101, 1000, "all", 2.5])
def test_a_limit_out_of_bounds_is_refused(said: Any, toolkit: Any, wire: Any, run: Any) -> None:
    """A page has 1 to 100 records; what is asked beyond is refused, not cut down silently."""
    assert run(toolkit, "ac_list_contacts", limit=said).artifact.kind == "invalid"
    assert wire.sent() == []


def test_all_contacts_are_walked(toolkit: Any, wire: Any) -> None:
    """The walk over all contacts yields each once, in three pages by id and one that ends it."""
    ids = [contact.id for contact in toolkit.walk("ac_list_contacts")]
    assert len(ids) == len(set(ids)) == 280
    assert all("id_greater" in dict(each.query) for each in wire.exchanges)
    assert len(wire.exchanges) <= 4


def test_all_deals_are_walked(toolkit: Any) -> None:
    """The walk over a collection without keyset paging yields each record once."""
    assert len({deal.id for deal in toolkit.walk("ac_list_deals")}) == 47


def test_a_walk_keeps_its_filters(toolkit: Any, run: Any) -> None:
    """A walk takes the tool's own arguments."""
    walked = [contact.id for contact in toolkit.walk("ac_list_contacts", tag="VIP", list="Newsletter")]
    assert walked == [item.id for item in run(toolkit, "ac_list_contacts", tag="VIP", list="Newsletter").artifact.items]


async def test_all_contacts_are_walked_on_an_event_loop(toolkit: Any) -> None:
    """The walk works on an event loop too."""
    assert len([contact async for contact in toolkit.awalk("ac_list_contacts")]) == 280
    await toolkit.account.aclose()


def capped(exchange: Any, data: Any) -> Any:
    """Pages of 30, whatever was asked for."""
    for key in ("contacts", "deals"):
        if exchange.path == f"/{key}":
            data[key] = data[key][:30]
    return data


def total(said: Any) -> Callable[[Any, Any], Any]:
    """An account that says a total of its own invention, or none."""

    def change(exchange: Any, data: Any) -> Any:
        if exchange.path in ("/contacts", "/deals"):
            data["meta"] = {} if said is None else {"total": said}
        return data

    return change


ODD_ACCOUNTS = {
    "caps pages at 30": capped,
    "says no total": total(None),
    "says 0": total("0"),
    "says 1": total(1),
    "says 5000": total("5000"),
    "says rubbish": total("many"),
}


@pytest.mark.parametrize("account_that", ODD_ACCOUNTS)
@pytest.mark.parametrize(("tool", "count"), [("ac_list_contacts", 280), ("ac_list_deals", 47)])
def test_a_walk_trusts_neither_totals_nor_full_pages(
    account_that: str, tool: str, count: int, on: Any, toolkit_for: Toolkits
) -> None:
    """An account that caps its pages or lies about its totals is walked to the end all the same."""
    wire = on(change=ODD_ACCOUNTS[account_that])
    ids = [record.id for record in toolkit_for(wire).walk(tool)]
    assert len(ids) == len(set(ids)) == count
    assert len(wire.sent("GET")) < 40


def test_a_total_that_cannot_be_is_not_told(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """Where the account's total is less than what it sent, no total is claimed."""
    answer = run(toolkit_for(on(change=total(3))), "ac_list_contacts", limit=20)
    assert answer.content.splitlines()[-2] == "20 shown; for the next 20 call again with offset=20."
    assert answer.artifact.total is None


def test_every_page_of_a_walk_is_decided_on(toolkit_for: Toolkits, wire: Any) -> None:
    """A walk of an area that is off raises, and no request leaves."""
    with pytest.raises(PermissionError, match="no access to contacts"):
        list(toolkit_for(deals="read").walk("ac_list_contacts"))
    assert wire.sent() == []


def test_every_page_of_a_walk_is_on_record(toolkit: Any) -> None:
    """The ledger holds an entry for each page of a walk."""
    list(toolkit.walk("ac_list_contacts"))
    assert len(toolkit.guard.ledger.entries()) >= 3


@pytest.mark.parametrize("orders", ["cdate", "cdate DESC", "last_name asc, id DESC"])
def test_orders_are_checked_and_spelt_out(orders: str, toolkit: Any, wire: Any, run: Any) -> None:
    """An order is sent in the API's own form, with its direction."""
    assert run(toolkit, "ac_list_contacts", orders=orders).status == "success"
    sent = {name: value for name, value in wire.query("/contacts").items() if name.startswith("orders")}
    assert set(sent.values()) <= {"ASC", "DESC"}
    assert list(sent) == [f"orders[{part.split()[0]}]" for part in orders.split(", ")]


@pytest.mark.parametrize("orders", ["colour", "id;drop", "id UP", "", "orders[id]"])
def test_an_order_that_the_account_would_ignore_is_refused(orders: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A field that the endpoint cannot sort by is refused with those that it can."""
    answer = run(toolkit, "ac_list_contacts", orders=orders)
    assert isinstance(answer.artifact, Refusal)
    assert "last_name" in answer.content
    assert wire.sent() == []
