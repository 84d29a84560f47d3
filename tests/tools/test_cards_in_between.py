"""What an approval rests on: what voids it, in which words, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ac_tools import DeleteContact

MARIA = "«Maria Lindqvist» maria@lindqvist-interiors.example (id 46), in the account since 2023-05-22"
Happening = tuple[Any, Any, Any]
"""As `Reviewer.happens` takes it."""

CHANGED: dict[str, tuple[str, dict[str, Any], Happening, str]] = {
    "her address": (
        "ac_add_tag",
        {"contact": 46, "tag": 3},
        ("PUT", "/contacts/46", {"contact": {"email": "m@new.example"}}),
        "email: «maria@lindqvist-interiors.example», now «m@new.example»",
    ),
    "the tag's name": (
        "ac_add_tag",
        {"contact": 46, "tag": 3},
        ("PUT", "/tags/3", {"tag": {"tag": "Blocked"}}),
        "tag 3: «VIP», now «Blocked»",
    ),
    "the tag's name before it goes": (
        "ac_remove_tag",
        {"contact": 28, "tag": 5},
        ("PUT", "/tags/5", {"tag": {"tag": "Paid"}}),
        "tag 5: «Trade», now «Paid»",
    ),
    "a value that is overwritten": (
        "ac_update_contact",
        {"contact": 46, "phone": "1"},
        ("PUT", "/contacts/46", {"contact": {"phone": "2"}}),
        "phone: «+46 8 465 004 17», now «2»",
    ),
    "a field that is overwritten": (
        "ac_update_contact",
        {"contact": 46, "field_values": [{"field": 1, "value": "CEO"}]},
        ("POST", "/fieldValues", {"fieldValue": {"contact": 46, "field": 1, "value": "CFO"}}),
        "field 1: «Owner», now «CFO»",
    ),
    "her consent before a new address": (
        "ac_update_contact",
        {"contact": 46, "email": "m@new.example"},
        ("POST", "/contactLists", {"contactList": {"contact": 46, "list": 1, "status": 2}}),
        "opted out of: «none», now «list 1»",
    ),
    "who has the address": (
        "ac_sync_contact",
        {"email": "x@new.example", "first_name": "X"},
        ("POST", "/contacts", {"contact": {"email": "x@new.example", "firstName": "Xenia"}}),
        "who has the address: «nobody», now «contact 281»",
    ),
    "a deal before a deletion": (
        "ac_delete_contact",
        {"contact": 46},
        ("PUT", "/deals/27", {"deal": {"value": 9_900_000}}),
        "open deals: «Reception and lobby, Lindqvist HQ 18,400.00 EUR (id 27)», "
        "now «Reception and lobby, Lindqvist HQ 99,000.00 EUR (id 27)»",
    ),
    "the amount": (
        "ac_update_deal",
        {"deal": 27, "title": "Lobby"},
        ("PUT", "/deals/27", {"deal": {"value": 2_000_000}}),
        "amount: «18,400.00 EUR», now «20,000.00 EUR»",
    ),
    "the stage": (
        "ac_update_deal",
        {"deal": 27, "amount": 5},
        ("PUT", "/deals/27", {"deal": {"stage": "7"}}),
        "stage: «Qualified (id 6)», now «Agreement (id 7)»",
    ),
    "the name of a new deal's contact": (
        "ac_create_deal",
        {"title": "Desks", "amount": 5, "currency": "usd", "contact": 46, "stage": 1},
        ("PUT", "/contacts/46", {"contact": {"firstName": "Mario"}}),
        "name: «Maria Lindqvist», now «Mario Lindqvist»",
    ),
    "the automation's status": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        ("automations", 2, {"status": 2}),
        "automation status: «active», now «inactive»",
    ),
    "her consent before an enrolment": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        ("POST", "/contactLists", {"contactList": {"contact": 46, "list": 1, "status": 2}}),
        "opted out of: «none», now «list 1»",
    ),
    "that she is in it already": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 5},
        ("POST", "/contactAutomations", {"contactAutomation": {"contact": 46, "automation": 5}}),
        "in it already: «no», now «yes, since ",
    ),
    "an automation that is left": (
        "ac_remove_from_automation",
        {"contact": 32, "automation": 5},
        ("automations", 5, {"name": "Farewell"}),
        "automation 5: «Win-back», now «Farewell»",
    ),
    "that the list mails now": (
        "ac_set_list_status",
        {"contact": 59, "list": 1, "status": "subscribe"},
        ("lists", 1, {"send_last_broadcast": 1}),
        "mails its last campaign: False, now True",
    ),
    "somebody's consent before an import": (
        "ac_import_contacts",
        {"contacts": [{"email": "maria@lindqvist-interiors.example"}], "subscribe": [1]},
        ("POST", "/contactLists", {"contactList": {"contact": 46, "list": 1, "status": 2}}),
        "opted out: «none», now «maria@lindqvist-interiors.example opted out of ‹Newsletter›",
    ),
    "the list that a field is for": (
        "ac_create_field",
        {"title": "Size", "type": "text", "list": 1},
        ("lists", 1, {"name": "Bulk mail"}),
        "list 1: «Newsletter», now «Bulk mail»",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_change_in_between_is_asked_again(case: str, reviewing: Any, run: Any, wire: Any) -> None:
    """An approval of what has changed since is void: nothing is sent, and the person reads what is different."""
    tool, args, change, said = CHANGED[case]
    toolkit, reviewer = reviewing()
    reviewer.meanwhile = change
    assert run(toolkit, tool, **args).artifact.kind == "rejected"
    assert len(reviewer.asked) == 2
    assert said in reviewer.row("Changed since")
    assert wire.writes == []


@pytest.mark.parametrize("case", CHANGED)
def test_without_a_change_it_runs_once(case: str, reviewing: Any, run: Any, wire: Any) -> None:
    """The same calls, where nothing happens in between: one question, and what was approved is sent once."""
    tool, args, _, _ = CHANGED[case]
    toolkit, reviewer = reviewing()
    answer = run(toolkit, tool, **args)
    assert (answer.status, len(reviewer.asked)) == ("success", 1)
    assert len([path for _, path in wire.writes if not path.startswith("/field")] or wire.writes[:1]) == 1


def test_consent_that_goes_in_between_is_asked_about(reviewing: Any, run: Any, wire: Any) -> None:
    """Who opts out while a person thinks of subscribing them is asked about anew, and the card says so."""
    toolkit, reviewer = reviewing()
    reviewer.meanwhile = ("POST", "/contactLists", {"contactList": {"contact": 46, "list": 1, "status": 2}})
    run(toolkit, "ac_set_list_status", contact=46, list=1, status="unconfirmed")
    assert (reviewer.row("Opted out", 0), len(reviewer.asked)) == ("", 2)
    assert reviewer.row("Opted out")
    assert "may be unlawful" in reviewer.asked[1].card.warning
    assert wire.writes == []


COUNTED: dict[str, tuple[str, dict[str, Any], Happening]] = {
    "who else entered": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        ("POST", "/contactAutomations", {"contactAutomation": {"contact": 47, "automation": 2}}),
    ),
    "who else has the tag": (
        "ac_add_tag",
        {"contact": 46, "tag": 3},
        ("POST", "/contactTags", {"contactTag": {"contact": 47, "tag": 3}}),
    ),
    "another tag of hers": (
        "ac_delete_contact",
        {"contact": 46},
        ("POST", "/contactTags", {"contactTag": {"contact": 46, "tag": 3}}),
    ),
}


@pytest.mark.parametrize("case", COUNTED)
def test_a_counter_voids_nothing(case: str, reviewing: Any, run: Any) -> None:
    """What only counts, or what an approval does not rest on, may change while a person thinks."""
    tool, args, change = COUNTED[case]
    toolkit, reviewer = reviewing()
    reviewer.meanwhile = change
    assert run(toolkit, tool, **args).status == "success"
    assert len(reviewer.asked) == 1


def test_what_an_approval_rests_on_must_be_declared(toolkit: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that rests an approval on something that its endpoint does not declare is a bug that shows at once."""
    monkeypatch.setattr(DeleteContact, "endpoint", replace(DeleteContact.endpoint, voids=("name", "email")))
    with pytest.raises(KeyError, match="'open deals' among what voids"):
        run(toolkit, "ac_delete_contact", contact=46)


async def test_cards_are_the_same_on_an_event_loop(reviewing: Any) -> None:
    """An async call shows the same card, and notices the same change."""
    toolkit, reviewer = reviewing()
    reviewer.meanwhile = ("PUT", "/contacts/46", {"contact": {"firstName": "Mario"}})
    tool = toolkit.get_tool("ac_delete_contact")
    await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {"contact": 46}})
    assert reviewer.row("Contact", 0) == MARIA
    assert reviewer.row("Changed since") == "name: «Maria Lindqvist», now «Mario Lindqvist»"
