"""What the deal tools promise: cents that are meant, stages that stay, and nothing from areas that are off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit

Toolkits = Callable[..., ActiveCampaignToolkit]
DEAL = {"title": "Desks", "amount": "1250.50", "currency": "USD", "contact": 46, "stage": "New"}


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("1250.50", 125050), (1250, 125000), ("0", 0), (0.1, 10), (19.99, 1999), ("0.29", 29), ("1250.500", 125050)],
)
def test_an_amount_is_sent_in_whole_cents(amount: Any, cents: int, toolkit: Any, wire: Any, run: Any) -> None:
    """An amount in major units leaves as integer cents, without the noise of floating point."""
    run(toolkit, "ac_create_deal", **{**DEAL, "amount": amount})
    [body] = wire.bodies("/deals")
    assert body["deal"]["value"] == cents
    assert isinstance(body["deal"]["value"], int)
    assert body["deal"]["currency"] == "usd"


@pytest.mark.parametrize(
    ("amount", "ways"), [("10.005", "10.00 or 10.01"), (0.001, "0.00 or 0.01"), ("1.239", "1.23 or 1.24")]
)
def test_a_fraction_of_a_cent_is_refused(amount: Any, ways: str, toolkit: Any, wire: Any, run: Any) -> None:
    """The account would cut it off in silence, so the call is refused with the two amounts that could be meant."""
    assert ways in run(toolkit, "ac_update_deal", deal=27, amount=amount).content
    assert wire.sent() == []


NO_AMOUNT = ["1,250.50", "$5", "-1", -1, True, "1e3", 1e30, float("nan"), "", " 5", "٥", "5.", ".5", [5]]


def test_what_is_no_amount_is_refused(toolkit: Any, wire: Any, run: Any) -> None:
    """Separators, signs, exponents and other scripts' digits are refused without a request."""
    for amount in NO_AMOUNT:
        answer = run(toolkit, "ac_update_deal", deal=27, amount=amount)
        assert (answer.artifact.kind, "amount" in answer.content) == ("invalid", True), repr(amount)
    assert wire.sent() == []


def test_an_amount_is_shown_in_major_units(toolkit: Any, run: Any) -> None:
    """A model reads the amount as people write it; the artifact has the cents."""
    answer = run(toolkit, "ac_get_deal", deal=27)
    assert "18,400.00 EUR" in answer.content
    assert answer.artifact.value == 1_840_000


@pytest.mark.parametrize("currency", ["US", "dollar", "$", "12A", "ＵＳＤ"])
def test_what_is_no_currency_is_refused(currency: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A currency is three letters."""
    assert "three letters" in run(toolkit, "ac_create_deal", **{**DEAL, "currency": currency}).content
    assert wire.sent() == []


def test_null_is_never_sent(toolkit: Any, wire: Any, run: Any) -> None:
    """A null stage would move the deal back to the first, so null arguments are absent and the deal stays."""
    run(toolkit, "ac_update_deal", deal=27, title="New title", stage=None, pipeline=None, owner=None, status=None)
    assert wire.bodies("/deals/27") == [{"deal": {"title": "New title"}}]
    assert run(toolkit, "ac_get_deal", deal=27).artifact.stage_id == "6"


def test_an_update_of_nothing_is_refused(toolkit: Any, wire: Any, run: Any) -> None:
    """An update without a new value makes no request."""
    assert "nothing to change" in run(toolkit, "ac_update_deal", deal=27, stage=None).content
    assert wire.sent() == []


def test_a_deal_is_moved_and_won(toolkit: Any, wire: Any, run: Any) -> None:
    """A stage by name within a pipeline and a status in words leave as the API's ids and codes."""
    run(toolkit, "ac_update_deal", deal=27, pipeline="Trade partners", stage="Agreement", status="won", percent=100)
    assert wire.bodies("/deals/27") == [{"deal": {"group": 2, "stage": 7, "status": 1, "percent": 100}}]


@pytest.mark.parametrize(
    ("missing", "words"), [("contact", "a contact or an account"), ("stage", "a pipeline or a stage")]
)
def test_a_new_deal_needs_somebody_and_somewhere(missing: str, words: str, toolkit: Any, wire: Any, run: Any) -> None:
    """What the API requires is asked for in words, without a request."""
    args = {key: value for key, value in DEAL.items() if key != missing}
    assert words in run(toolkit, "ac_create_deal", **args).content
    assert wire.sent() == []


@pytest.mark.parametrize(
    "where", [{"pipeline": "Trade partners", "stage": None}, {"stage": "Application"}, {"stage": 7}]
)
def test_a_pipeline_that_assigns_nobody_needs_an_owner(
    where: dict[str, Any], toolkit: Any, wire: Any, run: Any
) -> None:
    """A deal in a pipeline without automatic owners is refused until it names one."""
    assert "Name the deal's owner" in run(toolkit, "ac_create_deal", **{**DEAL, **where}).content
    assert wire.writes == []
    answer = run(toolkit, "ac_create_deal", **{**DEAL, **where}, owner="keiko@juniperandoak.example")
    assert answer.status == "success"
    assert wire.bodies("/deals")[0]["deal"]["owner"] == 4


def test_custom_fields_leave_under_the_apis_names(toolkit: Any, wire: Any, run: Any) -> None:
    """A deal's custom field goes by its id, and its currency in lower case, as the deal's own."""
    run(toolkit, "ac_update_deal", deal=27, fields=[{"custom_field_id": 3, "value": "1999", "currency": "USD"}])
    [field] = wire.bodies("/deals/27")[0]["deal"]["fields"]
    assert (field["customFieldId"], field["fieldValue"], field["fieldCurrency"].upper()) == (3, "1999", "USD")


@pytest.mark.parametrize("tool", ["ac_get_deal", "ac_list_deals", "ac_update_deal"])
@pytest.mark.parametrize("accounts", ["read", "off"])
def test_a_deals_account_is_stripped_by_area(tool: str, accounts: str, toolkit_for: Toolkits, run: Any) -> None:
    """A deal's account is in content and artifact only for those who may read accounts."""
    args: dict[str, dict[str, Any]] = {
        "ac_get_deal": {"deal": 27},
        "ac_list_deals": {"title": "Lindqvist"},
        "ac_update_deal": {"deal": 27, "percent": 1},
    }
    answer = run(toolkit_for(deals="write", accounts=accounts), tool, **args[tool])
    deal = answer.artifact.items[0] if tool == "ac_list_deals" else answer.artifact
    assert ("account 1" in answer.content) is (accounts == "read")
    assert bool(deal.account_id) is (accounts == "read")
    assert not {"account", "customerAccount", "organization"} & set(deal.wire) or accounts == "read"


def test_people_side_loaded_with_a_deal_are_left_out(toolkit_for: Toolkits, run: Any) -> None:
    """The account sends the contact along with a saved deal; it reaches neither content nor artifact."""
    answer = run(toolkit_for(deals="write"), "ac_update_deal", deal=27, percent=5)
    assert "maria" not in (answer.content + repr(answer.artifact.wire)).lower()


def test_a_deal_that_the_key_may_not_see_is_said_to_be_hidden(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """A disabled deal has three keys and is shown as what it is."""

    def disabled(exchange: Any, data: Any) -> Any:
        if exchange.path == "/deals/27":
            return {"deal": {"title": "Secret", "id": "27", "isDisabled": True}}
        if exchange.path == "/deals":
            data["deals"][0] = {"title": "Secret", "id": "27", "isDisabled": True}
        return data

    toolkit = toolkit_for(on(change=disabled))
    assert "may not see more" in run(toolkit, "ac_get_deal", deal=27).content
    assert "27 «Secret» (not visible to this key)" in run(toolkit, "ac_list_deals", limit=3).content


FILTERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "status": ({"status": "won"}, {"filters[status]": "1"}),
    "names": ({"pipeline": "Sales", "stage": "Qualified"}, {"filters[group]": "1", "filters[stage]": "2"}),
    "owner": ({"owner": "hannah@juniperandoak.example"}, {"filters[owner]": "1"}),
    "search": (
        {"search": "desk", "search_field": "title"},
        {"filters[search]": "desk", "filters[search_field]": "title"},
    ),
    "value": ({"minimum_value": 1000}, {"filters[minimum_value]": "1000"}),
    "an order": ({}, {"orders[cdate]": "ASC"}),
    "another order": ({"orders": "value DESC"}, {"orders[value]": "DESC"}),
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters_leave_in_the_apis_words(case: str, toolkit: Any, wire: Any, run: Any) -> None:
    """Words become codes, names ids, and the list is never in the account's own order."""
    args, expected = FILTERS[case]
    assert run(toolkit, "ac_list_deals", **args).status == "success"
    assert expected.items() <= wire.query("/deals").items()
