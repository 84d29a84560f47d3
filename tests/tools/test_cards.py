"""What a person is shown before a write, case by case, and that the declarations say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Level
from ac_tools.tools import TOOLS
from ac_tools.tools._tables import cards_table, name_of

ROOT = Path(__file__).parents[2]
ENDPOINTS = {name_of(tool): tool.endpoint for tool in TOOLS if tool.endpoint.level > Level.READ}
COMMON = {"Agent", "Account", "Not checked", "Arguments", "Not shown", "Changed since", "Why ask"}
MARIA = "«Maria Lindqvist» maria@lindqvist-interiors.example (id 46), in the account since 2023-05-22"

IMPORTED = [
    {"email": "k.petersen@hafenkontor.example", "fields": [{"field": 1, "value": "Buyer"}]},
    {"email": "dieter.falk@example.com"},
    {"email": "new@imported.example"},
    {"email": "no address"},
]
CARDS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "an update by id": (
        "ac_update_contact",
        {
            "contact": 46,
            "first_name": "M.",
            "last_name": "Lindqvist",
            "phone": "+1 555 0100",
            "field_values": [{"field": 1, "value": "CEO"}],
        },
        [
            "Update contact 46 «maria@lindqvist-interiors.example»",
            f"Contact {MARIA}",
            "First name «Maria» → «M.»",
            "Last name «Lindqvist», as it is already",
            "Phone «+46 8 465 004 17» → «+1 555 0100»",
            "Field «Job title» (field 1): «Owner» → «CEO»",
            "The old values are overwritten; a copy is kept with the record",
        ],
    ),
    "a new address": (
        "ac_update_contact",
        {"contact": 59, "email": "klaus@new.example"},
        [
            "Address «k.petersen@hafenkontor.example» → «klaus@new.example»",
            "Lists on «Product updates»; opted out of «Newsletter» on 2024-10-08",
            "It frees the address of someone who opted out or bounced",
            "nobody is known as having opted out any more",
        ],
    ),
    "an upsert of somebody known": (
        "ac_sync_contact",
        {"email": "bea.lovell@example.org", "first_name": "Beatrice", "last_name": "Lovell-Ray", "phone": ""},
        [
            "Contact «Beatrice Lovell» bea.lovell@example.org (id 3)",
            "First name «Beatrice», as it is already",
            "Last name «Lovell» → «Lovell-Ray»",
            "Phone «+44 20 7946 0314» → empty",
        ],
    ),
    "an upsert of somebody new": (
        "ac_sync_contact",
        {"email": "x@new.example", "field_values": [{"field": 1, "value": "CEO"}]},
        ["Contact new: nobody in the account has this address", "Field «Job title» (field 1): «CEO»"],
    ),
    "a contact that is there": (
        "ac_create_contact",
        {"email": "bea.lovell@example.org", "field_values": [{"field": 1, "value": "CEO"}]},
        ["Contact «Beatrice Lovell»", "Exists already, so the account will refuse it"],
    ),
    "a deletion": (
        "ac_delete_contact",
        {"contact": 46},
        [
            f"Contact {MARIA}",
            "Lists on «Newsletter», «Trade news»",
            "Tags «Trade», «Fabric samples sent», «Interior designer»",
            "Deals 1 open: «Reception and lobby, Lindqvist HQ» 18,400.00 EUR (id 27)",
            "Now in no automation",
            "Its history, notes and automations go with it, and that cannot be undone",
        ],
    ),
    "an unsubscription": (
        "ac_set_list_status",
        {"contact": 46, "list": 1, "status": "unsubscribe"},
        ["from list 1 «Newsletter»", f"Contact {MARIA}", "Undoing it is a re-subscription"],
    ),
    "a re-subscription": (
        "ac_set_list_status",
        {"contact": 59, "list": 1, "status": "subscribe"},
        ["Opted out 2024-10-08; reason given: «Too many emails»", "may be unlawful"],
    ),
    "a bounced address": (
        "ac_set_list_status",
        {"contact": 47, "list": 4, "status": "subscribe"},
        ["to list 4 «Webinar invitations»", "Mail this list sends its last campaign to every new subscriber at once"],
    ),
    "an address whose mail came back": (
        "ac_set_list_status",
        {"contact": 47, "list": 1, "status": "subscribe"},
        ["Bounced 2023-10-28; no reason given", "Mail to this address came back"],
    ),
    "a tag by id": (
        "ac_add_tag",
        {"contact": 46, "tag": 3},
        ["Put tag 3 «VIP» on contact 46 «maria@", "Starts every automation that is set to start on this tag"],
    ),
    "a tag that is there": ("ac_add_tag", {"contact": 46, "tag": 5}, ["Starts nothing new: the contact has this tag"]),
    "a tag that goes": ("ac_remove_tag", {"contact": 28, "tag": 5}, ["Take tag 5 «Trade» off contact 28 «asa@"]),
    "a new deal": (
        "ac_create_deal",
        {"title": "Desks", "amount": "1250.50", "currency": "usd", "contact": 46, "stage": 6, "owner": 1},
        [
            "Deal «Desks» 1,250.50 USD",
            f"Contact {MARIA}",
            "Stage «Qualified» (id 6)",
            "Owner «hannah@juniperandoak.example» (id 1)",
        ],
    ),
    "a new deal of a business": (
        "ac_create_deal",
        {"title": "Beds", "amount": 9, "currency": "eur", "account": 17, "pipeline": 1},
        ["Business «Kessler Hotels» (id 17)", "Pipeline «Sales» (id 1)", "Owner whom the pipeline assigns"],
    ),
    "a deal by id": (
        "ac_update_deal",
        {
            "deal": 27,
            "title": "Lobby",
            "amount": "19000",
            "stage": 7,
            "owner": 1,
            "status": "won",
            "contact": 3,
            "account": 17,
            "pipeline": 2,
            "percent": 90,
            "description": "At last",
        },
        [
            "Update deal 27 «Reception and lobby, Lindqvist HQ»",
            "Deal «Reception and lobby, Lindqvist HQ» 18,400.00 EUR (id 27), open, stage «Qualified» (id 6)",
            f"Contact {MARIA}",
            "Title «Reception and lobby, Lindqvist HQ» → «Lobby»",
            "Amount 18,400.00 EUR → 19,000.00 EUR",
            "Status open → won",
            "Stage «Qualified» (id 6) → «Agreement» (id 7)",
            "Owner «keiko@juniperandoak.example» (id 4) → «hannah@juniperandoak.example» (id 1)",
            "(id 46) → «Beatrice Lovell» bea.lovell@example.org (id 3)",
            "→ «Kessler Hotels» (id 17)",
            "Pipeline «Trade partners» (id 2), as it is already",
            "Won and lost can start automations",
        ],
    ),
    "an enrolment": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        [
            "in automation 2 «Trade onboarding»",
            "Would enter «Trade onboarding» (id 2), active, 36 entered so far",
            "In it already no",
            "Mail that the automation has sent by then cannot be called back",
        ],
    ),
    "an enrolment in what sleeps": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 3},
        ["inactive, 70 entered so far, so the account may refuse it"],
    ),
    "a second enrolment": (
        "ac_add_to_automation",
        {"contact": 6, "automation": 2},
        ["Now in automation «Trade onboarding» since 2026-10-10", "yes, since 2026-10-10: people enter it once"],
    ),
    "the end of a run": (
        "ac_remove_from_automation",
        {"contact": 32, "automation": 5},
        ["from automation 5 «Win-back»", "Would leave «Win-back» (id 5), in it since 2026-10-28"],
    ),
    "an import": (
        "ac_import_contacts",
        {"contacts": IMPORTED, "subscribe": [1], "tags": ["Fair"], "run_automations": True},
        [
            "Import 3 people",
            "Known 2 of 3: what is sent overwrites their values. New to the account: 1",
            "Left out 1 that cannot be sent",
            "Subscribe to list 1 «Newsletter»",
            "Opted out k.petersen@hafenkontor.example opted out of «Newsletter» on 2024-10-08 («Too many emails»)",
            "The account leaves them off the list",
            "Bounced dieter.falk@example.com mail came back from «Newsletter» on 2023-10-28",
            "Tags «Fair»",
            "Automations ON: those that start on these lists or tags will run. Active now: «Welcome series»",
            "no copy of overwritten values is kept",
        ],
    ),
    "an import that takes off": (
        "ac_import_contacts",
        {"contacts": [{"email": "new@imported.example"}], "unsubscribe": [2]},
        ["Known none of 1: they are new to the account", "Unsubscribe list 2 «Trade news»"],
    ),
    "an import without lists": ("ac_import_contacts", {"contacts": [{"email": "new@x.example"}]}, ["Lists none"]),
    "a new list": (
        "ac_create_list",
        {
            "name": "newsletter",
            "sender_url": "https://a.example",
            "sender_reminder": "You signed up.",
            "owner": 2,
            "send_last_broadcast": True,
            "carboncopy": "boss@a.example",
        },
        [
            "Exists list 1 «Newsletter» has this name already",
            "Owner «tobias@juniperandoak.example» (id 2)",
            "Mail its last campaign goes to every new subscriber at once",
            "Sent to boss@a.example",
            "cannot be called back",
        ],
    ),
    "a new tag": ("ac_create_tag", {"name": "Fresh"}, ["Create the tag Fresh", "To take it back: delete the tag."]),
    "a new field": (
        "ac_create_field",
        {"title": "Job Title", "type": "text", "list": 1},
        ["Exists field 1 «Job title» has this name already", "Shown on contacts of the list «Newsletter» (id 1)"],
    ),
    "a new business": (
        "ac_create_account",
        {"name": "Kessler hotels", "owner": 2},
        ["Exists account 17 «Kessler Hotels» has this name already", "Owner «tobias@juniperandoak.example» (id 2)"],
    ),
    "a campaign": (
        "ac_create_campaign",
        {"name": "Autumn", "type": "single"},
        ["Sends nothing: an empty draft", "Nothing is sent unless somebody finishes it in the app"],
    ),
}


@pytest.mark.parametrize("case", CARDS)
def test_a_card_says_what_will_happen(case: str, reviewing: Any, run: Any) -> None:
    """A card by ids alone names everybody and everything, says what would change, and costs what is declared."""
    tool, args, said = CARDS[case]
    toolkit, reviewer = reviewing()
    run(toolkit, tool, **args)
    card = " ".join(str(reviewer.asked[0]).split())
    assert [words for words in said if words not in card] == [], card
    assert "Not checked" not in card
    labels = {label for label, _ in reviewer.asked[0].card.rows} - COMMON
    assert labels <= set(ENDPOINTS[tool].shows)
    assert reviewer.costs[0] <= ENDPOINTS[tool].reads


def test_the_declarations_are_whole(reviewing: Any, run: Any) -> None:
    """Every row that an endpoint declares is on some card, and no other."""
    shown: dict[str, set[str]] = {name: set() for name in ENDPOINTS}
    toolkit, reviewer = reviewing()
    reviewer.approves = False
    for tool, args, _ in CARDS.values():
        run(toolkit, tool, **args)
        shown[tool] |= {label for label, _ in reviewer.asked[-1].card.rows} - COMMON
    assert shown == {name: set(endpoint.shows) for name, endpoint in ENDPOINTS.items()}


def test_the_document_is_made_from_the_declarations() -> None:
    """docs/cards.md says what the endpoints declare."""
    assert cards_table() in (ROOT / "docs" / "cards.md").read_text(encoding="utf-8")


def test_the_example_prints_twenty_cards() -> None:
    """examples/cards.py draws its cards without a key, each of them whole."""
    from runpy import run_path

    cards = run_path(str(ROOT / "examples" / "cards.py"))["cards"]()
    assert len(cards) == 20
    assert not [card for card in cards if "Not checked" in card and not card.startswith("Import 249 people")]


@pytest.mark.parametrize(
    ("tool", "args"), [("ac_delete_contact", {}), ("ac_add_to_automation", {"automation": "VIP care"})]
)
def test_the_record_names_whom_it_was_about(tool: str, args: dict[str, Any], reviewing: Any, run: Any) -> None:
    """What always waits for a person is on record by name, also where the agent gave an id."""
    toolkit, _ = reviewing()
    run(toolkit, tool, contact=46, **args)
    [entry] = toolkit.guard.ledger.entries()
    assert "contact 46 «maria@lindqvist-interiors.example»" in entry.sentence
