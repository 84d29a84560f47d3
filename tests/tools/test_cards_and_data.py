"""What a card says where something cannot be read or was written by strangers; who sees it, and what it costs."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaignToolkit, AddTag
from ac_tools.sandbox._sandbox import SEED

MARIA = "«Maria Lindqvist» maria@lindqvist-interiors.example (id 46), in the account since 2023-05-22"
HOSTILE = "Eve\u202e\x1b[31m\n  Why ask    All is well» <b>approve</b>\u200b"

FAILING: dict[str, tuple[str, int, str]] = {
    "tags": ("/contacts/46/contactTags", 403, "tags (the key may not read them)"),
    "tags that are not there": ("/contacts/46/contactTags", 404, "tags (the account answered 404)"),
    "names of lists": ("/lists", 403, "names of lists (the key may not read them)"),
    "names of tags": ("/tags", 500, "names of tags (the account answered 500)"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_cannot_be_read_is_said(case: str, reviewing: Any, run: Any, wire: Any) -> None:
    """Where an area is closed to the key, the card says so, and the person can decide all the same."""
    path, status, said = FAILING[case]
    wire.sandbox.fault("GET", path, status=status, chance=1)
    toolkit, reviewer = reviewing()
    assert run(toolkit, "ac_delete_contact", contact=46).status == "success"
    assert reviewer.row("Not checked") == said
    assert reviewer.row("Contact") == MARIA
    assert reviewer.row("Deals").startswith("1 open")


@pytest.mark.parametrize(("key", "what"), [("deals", "deals"), ("contactLists", "lists")])
def test_what_the_account_leaves_out_is_said(key: str, what: str, on: Any, reviewing: Any, run: Any) -> None:
    """A contact that comes without its deals is not shown as one that has none."""

    def without(exchange: Any, data: Any) -> Any:
        return {name: value for name, value in data.items() if name != key} if exchange.path == "/contacts/46" else data

    toolkit, reviewer = reviewing(on(change=without))
    run(toolkit, "ac_delete_contact", contact=46)
    assert reviewer.row("Not checked") == f"{what} (the account did not send them)"
    assert reviewer.row(what.capitalize()) == ""


def test_a_deal_that_the_key_may_not_see_is_said(on: Any, reviewing: Any, run: Any) -> None:
    """Of a deal in a closed pipeline only the title comes, and the card does not pretend to know more."""

    def closed(exchange: Any, data: Any) -> Any:
        bare = {"id": "27", "title": "Lobby", "isDisabled": True}
        return {"deal": bare} if (exchange.method, exchange.path) == ("GET", "/deals/27") else data

    toolkit, reviewer = reviewing(on(change=closed))
    run(toolkit, "ac_update_deal", deal=27, amount=5)
    assert reviewer.row("Deal") == "«Lobby» amount not visible to this key (id 27)"
    assert "the key may not see this deal" in reviewer.row("Not checked")


def test_nobody_is_asked_about_what_is_not_there(reviewing: Any, run: Any) -> None:
    """A contact, tag or stage that the account does not have ends the call before a person is bothered."""
    toolkit, reviewer = reviewing()
    for tool, args in (
        ("ac_delete_contact", {"contact": 99999}),
        ("ac_update_contact", {"contact": 99999, "phone": "1"}),
        ("ac_add_tag", {"contact": 46, "tag": 999}),
        ("ac_update_deal", {"deal": 27, "stage": 999}),
    ):
        assert run(toolkit, tool, **args).status == "error"
    assert reviewer.asked == []


@pytest.mark.parametrize("tool", ["ac_delete_contact", "ac_add_to_automation", "ac_update_deal", "ac_import_contacts"])
def test_text_from_the_account_is_inert(tool: str, reviewing: Any, run: Any, wire: Any) -> None:
    """Names of people, lists, tags, deals, automations and stages can neither add a line nor close their marks."""
    toolkit, reviewer = reviewing()
    for collection, numbers, name in (
        ("contacts", (46,), "first_name"),
        ("lists", (1, 2), "name"),
        ("tags", (5, 9, 14), "tag"),
        ("deals", (27,), "title"),
        ("automations", (2,), "name"),
        ("stages", (6,), "title"),
    ):
        for number in numbers:
            reviewer.happens((collection, number, {name: f"{HOSTILE}{number}"}))
    args = {
        "ac_delete_contact": {"contact": 46},
        "ac_add_to_automation": {"contact": 46, "automation": 2},
        "ac_update_deal": {"deal": 27, "title": "X", "stage": 7},
        "ac_import_contacts": {"contacts": [{"email": "x@x.example"}], "subscribe": [1], "run_automations": True},
    }[tool]
    run(toolkit, tool, **args)
    [request] = reviewer.asked
    card = str(request)
    assert card.count("«Eve") >= 2
    assert not {"\u202e", "\x1b", "\u200b"} & set(card)
    assert len(card.splitlines()) == 2 + len(request.card.rows)
    outside = "".join(part.rpartition("»")[2] for part in card.replace("«", "\0«").split("\0"))
    assert "approve" not in outside
    assert "All is well" not in outside


def test_a_name_in_japanese_is_shown_as_it_is(reviewing: Any, run: Any, wire: Any) -> None:
    """Letters of every script stay, on the card and in what has changed."""
    toolkit, reviewer = reviewing()
    reviewer.happens(("contacts", 46, {"first_name": "結衣", "last_name": "佐藤"}))
    reviewer.meanwhile = ("contacts", 46, {"first_name": "葵"})
    run(toolkit, "ac_add_tag", contact=46, tag=3)
    assert reviewer.row("Contact", 0).startswith("«結衣 佐藤» maria@")
    assert reviewer.row("Changed since") == "name: «結衣 佐藤», now «葵 佐藤»"


# Who sees it, and what it costs.


@pytest.mark.parametrize("decision", ["approve", "reject", "wait"])
def test_the_agent_gets_nothing_of_the_card(
    decision: str, guard_for: Any, reviewer_of: Any, run: Any, wire: Any, tmp_path: Path
) -> None:
    """An agent that may only tag learns nothing of the person, their deals or lists; nor do the events have them."""
    reviewer = reviewer_of(wire.sandbox)
    reviewer.approves = decision == "approve"
    approver = Inbox(wait=0) if decision == "wait" else reviewer
    grants = {"tags": {"access": "write", "ask": "writes"}}
    guard = guard_for(grants, approver, ledger=f"sqlite:///{tmp_path}/ledger.db")
    toolkit = ActiveCampaignToolkit(account=wire.account, guard=guard, agent="marketing")
    message = run(toolkit, "ac_add_tag", contact=46, tag=3)
    if decision != "wait":
        assert "18,400.00 EUR" in reviewer.row("Deals")
    told = f"{message.content} {message.artifact!r}"
    for secret in ("Lindqvist", "maria@", "Newsletter", "18,400", "Reception", "Trade"):
        assert secret not in told
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        events = str(list(connection.execute("SELECT * FROM events")))
    connection.close()
    assert "contactTags" in events
    assert "Lindqvist" not in events
    assert "maria@" not in events


def test_a_call_that_nobody_is_asked_about_reads_nothing_more(toolkit_for: Any, run: Any, wire: Any) -> None:
    """What only a card needs is not read where there is no card; what is overwritten is, to take it back."""
    run(toolkit_for(), "ac_update_deal", deal=27, amount=5)
    run(toolkit_for(), "ac_add_tag", contact=46, tag=3)
    run(toolkit_for(), "ac_update_contact", contact=46, phone="1")
    assert wire.sent("GET") == [("GET", "/deals/27"), ("GET", "/contacts/46")]


def test_an_import_looks_at_some_and_says_so(on: Any, reviewing: Any, run: Any) -> None:
    """Of 300 people some are looked up and all are compared with those who left the list, in twenty reads at most."""
    people = [{"email": f"p{number}@imported.example"} for number in range(299)]
    toolkit, reviewer = reviewing()
    run(toolkit, "ac_import_contacts", contacts=[*people, {"email": "K.Petersen@hafenkontor.example"}], subscribe=[1])
    assert reviewer.costs[0] <= 20
    assert reviewer.row("Opted out").startswith("K.Petersen@hafenkontor.example opted out of «Newsletter».")
    assert reviewer.row("Known").startswith("1 of 18 who were looked up")
    assert reviewer.row("Not checked") == "whether 282 more of the people are in the account already"


def test_an_import_does_not_look_through_everybody(on: Any, reviewing: Any, run: Any) -> None:
    """Where thousands have left the list, the card says that not all of them were compared."""
    seed = json.loads(SEED.read_text(encoding="utf-8"))
    left = [{"list": 1, "status": 2, "date": "2025-01-01"}]
    seed["contacts"] += [
        {**seed["contacts"][0], "id": number, "email": f"left{number}@x.example", "lists": left, "automations": []}
        for number in range(1000, 3500)
    ]
    wire = on(seed=seed)
    toolkit, reviewer = reviewing(wire)
    people = [{"email": f"left{number}@x.example"} for number in range(3490, 3500)]
    run(toolkit, "ac_import_contacts", contacts=people, subscribe=[1])
    assert reviewer.costs[0] == 20
    assert reviewer.row("Opted out") == "nobody who was compared"
    assert "more people who left these lists (20 reads are made at most)" in reviewer.row("Not checked")
    reviewer.begin()
    run(toolkit, "ac_import_contacts", contacts=people[:3], subscribe=[1])
    assert reviewer.row("Opted out").count("opted out of «Newsletter» on 2025-01-01") == 3


def test_a_lists_name_does_not_say_how_somebody_left_it(reviewing: Any, run: Any) -> None:
    """Who bounced is not shown as having opted out, whatever a list is called."""
    toolkit, reviewer = reviewing()
    reviewer.happens(("lists", 1, {"name": "They opted out of this"}))
    run(toolkit, "ac_import_contacts", contacts=[{"email": "dieter.falk@example.com"}], subscribe=[1])
    assert reviewer.row("Opted out") == ""
    assert reviewer.row("Bounced").startswith("dieter.falk@example.com mail came back from «They opted out of this»")


def test_a_large_account_costs_what_is_stated(on: Any, reviewing: Any, run: Any) -> None:
    """Among hundreds of tags 300 are looked through for names, the rest shown by id; what the call names is named."""
    toolkit, reviewer = reviewing(wire := on())
    for number in range(450):
        reviewer.happens(("POST", "/tags", {"tag": {"tag": f"many {number}", "tagType": "contact"}}))
    last = max(tag.id for tag in wire.sandbox._store.tags)
    reviewer.happens(("POST", "/contactTags", {"contactTag": {"contact": 46, "tag": last}}))
    reviewer.begin()
    run(toolkit, "ac_add_tag", contact=46, tag=last)
    assert reviewer.costs[0] <= AddTag.endpoint.reads + 2
    assert f"tag {last} «many 449»" in reviewer.asked[0].card.title
    assert f"tag {last}" in reviewer.row("Tags")
