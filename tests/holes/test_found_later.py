"""Holes that somebody found in what a person is shown, and in what an approval covers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import ApprovalRequest, Decision
from ac_guardrails.approvers import Inbox
from ac_tools._catalog import AREAS
from ac_tools.cli._questions import as_data

ALL = dict.fromkeys(AREAS, "full")
ASKED = {area: {"access": "full", "ask": "writes"} for area in AREAS if area != "campaigns"} | {"campaigns": "full"}
YES = Decision.approve(by="anna")


def kind_of(message: Any) -> str:
    return getattr(message.artifact, "kind", "done")


def arguments_on(request: ApprovalRequest) -> str:
    """The card's rows of arguments as one text, as they are drawn."""
    return "".join(text for label, text in request.card.inert().rows if label.startswith("Arguments"))


def row(request: ApprovalRequest, label: str) -> str:
    return dict(request.card.inert().rows).get(label, "")


def editing(arguments: dict[str, Any]) -> Any:
    """Edits the first question, rejects the second."""
    asked: list[ApprovalRequest] = []

    def review(request: ApprovalRequest) -> Decision:
        asked.append(request)
        return Decision.edit(arguments, by="anna") if len(asked) == 1 else Decision.reject(by="anna")

    review.asked = asked  # type: ignore[attr-defined]
    return review


CONSEQUENTIAL: dict[str, dict[str, Any]] = {
    "ac_create_list": {
        "name": "Leads",
        "sender_url": "https://phish.example",
        "sender_reminder": "You never asked.",
        "stringid": "odd-slug",
        "channel": "sms",
        "owner": 2,
    },
    "ac_create_account": {"name": "Acme", "account_url": "https://phish.example", "owner": 2},
    "ac_create_field": {
        "title": "Size",
        "type": "dropdown",
        "options": ["small", "large"],
        "defval": "small",
        "isrequired": True,
        "list": "Newsletter",
    },
    "ac_create_tag": {"name": "Fresh", "description": "Do as the tag says", "tag_type": "template"},
    "ac_update_contact": {
        "contact": 46,
        "field_values": [{"field": "Job title", "value": f"{'long ' * 40}and the end of it"}],
    },
    "ac_create_deal": {"title": "Desks", "amount": "1250.50", "currency": "usd", "contact": 46, "stage": "New"},
    "ac_update_deal": {"deal": 1, "status": "lost", "description": "given up", "percent": 3},
    "ac_import_contacts": {
        "contacts": [{"email": "new@x.example", "phone": "0800", "fields": [{"field": "Job title", "value": "CEO"}]}],
        "tags": [f"tag {number}" for number in range(12)],
    },
    "ac_create_campaign": {"name": "Autumn", "type": "split", "can_split_content": True},
    "ac_add_tag": {"contact": 46, "tag": "VIP"},
    "ac_delete_contact": {"contact": 46},
}


@pytest.mark.parametrize("tool", CONSEQUENTIAL)
def test_a_card_shows_all_arguments(tool: str, toolkit_for: Any, run: Any, approve: Any) -> None:
    """The last row of the card of a write is the JSON of all that was asked for, and nothing else."""
    run(toolkit_for(ASKED, approve), tool, **CONSEQUENTIAL[tool])
    [request] = approve.requests
    shown = json.loads(arguments_on(request))
    assert shown == request.action.arguments
    assert CONSEQUENTIAL[tool].keys() == shown.keys()
    labels = [label for label, _ in request.card.rows if label != "Why ask"]
    assert labels[-1].startswith("Arguments")


def test_arguments_are_shown_exactly_and_can_do_nothing(toolkit_for: Any, run: Any, approve: Any) -> None:
    """What would move the cursor, turn the text, break the line or vanish is escaped, as JSON escapes it."""
    name = "A\u202ebc\x1b[2J\n  Agent   boss\u200b \u2028 «Newsletter»\u00a0 Zoë \U000e0041"
    run(toolkit_for(ASKED, approve), "ac_create_tag", name=name)
    [request] = approve.requests
    assert json.loads(arguments_on(request)) == {"name": name}
    assert not {"\u202e", "\x1b", "\n", "\u200b"} & set(arguments_on(request))
    assert "Zoë" in arguments_on(request)


@pytest.mark.parametrize("length", [100, 200, 300])
def test_a_long_text_is_shown_to_the_space(length: int, toolkit_for: Any, run: Any, approve: Any) -> None:
    """No space of a long text is lost on the card."""
    description = ("a b  " * length)[:length]
    run(toolkit_for(ASKED, approve), "ac_create_tag", name="Fresh", description=description)
    [request] = approve.requests
    assert json.loads(arguments_on(request))["description"] == description
    assert row(request, "Not shown") == ""


def test_what_is_too_long_for_a_card_is_counted(toolkit_for: Any, run: Any, approve: Any, tmp_path: Any) -> None:
    """An import of many says how much of it is not shown and which command shows it; short arguments come first."""
    people = [{"email": f"p{number}@x.example", "first_name": "P"} for number in range(100)]
    toolkit = toolkit_for(ALL, approve, ledger=f"sqlite:///{tmp_path}/ledger.db")
    run(toolkit, "ac_import_contacts", contacts=people, subscribe=["Newsletter"], tags=["Fair"])
    [request] = approve.requests
    whole = len(json.dumps(dict(request.action.arguments), separators=(",", ":")))
    shown = arguments_on(request)
    assert shown.startswith('{"tags":["Fair"],"subscribe":["Newsletter"],"contacts":[{"email":"p0@x.example"')
    assert len(shown) == 700
    assert row(request, "Not shown").startswith(f"{whole - 700:,} more characters")
    assert "ac-tools approvals show ID --json" in row(request, "Not shown")
    question = toolkit.guard.desk.question(request.id)
    assert as_data(question, 0.0)["arguments"]["contacts"] == people


def test_an_import_names_the_first_people(toolkit_for: Any, run: Any, approve: Any) -> None:
    """Beside the count a person reads the first addresses, and how many there are besides."""
    toolkit = toolkit_for(ALL, approve)
    run(toolkit, "ac_import_contacts", contacts=[{"email": f"p{number}@x.example"} for number in range(8)])
    assert row(approve.requests[0], "Who") == (
        "p0@x.example, p1@x.example, p2@x.example, p3@x.example, p4@x.example and 3 more"
    )
    run(toolkit, "ac_import_contacts", contacts=[{"email": "only@x.example"}])
    assert row(approve.requests[1], "Who") == "only@x.example"
    assert approve.requests[1].card.title == "Import 1 person"
    assert approve.requests[1].action.what == "import 1 person"


def test_an_import_names_as_many_tags_as_fit(toolkit_for: Any, run: Any, approve: Any) -> None:
    """Twelve tags are all named, as data; of hundreds it is said how many more there are."""
    toolkit, people = toolkit_for(ALL, approve), [{"email": "p@x.example"}]
    run(toolkit, "ac_import_contacts", contacts=people, tags=[f"tag {number:02}" for number in range(12)])
    assert row(approve.requests[0], "Tags").endswith("«tag 10», «tag 11»")
    run(toolkit, "ac_import_contacts", contacts=people, tags=[f"tag {number:03}" for number in range(200)])
    named = row(approve.requests[1], "Tags")
    assert named.endswith(f" and {200 - named.count('«')} more")


def test_options_of_a_field_are_what_is_approved(toolkit_for: Any, call: Any, writes: Any) -> None:
    """A yes to a field with some options is none to the same field with others."""
    toolkit = toolkit_for(ASKED, Inbox(wait=0))
    field = {"title": "Size", "type": "radio", "options": ["small", "large"]}
    call(toolkit, "ac_create_field", field)
    [question] = toolkit.guard.desk.waiting()
    toolkit.guard.desk.answer(question.request.id, YES)
    assert kind_of(call(toolkit, "ac_create_field", {**field, "options": ["small", "HUGE"]})) == "waiting"
    assert writes() == []
    call(toolkit, "ac_create_field", field)
    assert writes() == ["POST /fields", "POST /fieldOption/bulk", "POST /fieldRels"]


def test_a_field_may_be_edited_and_keeps_its_options(toolkit_for: Any, run: Any, bodies: Any) -> None:
    """What a person is given to edit has the options, so that they are not lost."""
    seen: list[Any] = []

    def review(request: ApprovalRequest) -> Decision:
        seen.append(dict(request.action.arguments))
        return Decision.edit({**seen[0], "title": "Shoe size"}, by="anna")

    run(toolkit_for(ASKED, review), "ac_create_field", title="Size", type="radio", options=["small", "large"])
    assert seen == [{"title": "Size", "type": "radio", "options": ["small", "large"]}]
    assert [option["value"] for option in bodies()[1]["fieldOptions"]] == ["small", "large"]


OTHER_PEOPLE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an import": (
        "ac_import_contacts",
        {"contacts": [{"email": "new@x.example"}]},
        {"contacts": [{"email": "maria@lindqvist-interiors.example", "first_name": "X"}]},
    ),
    "a big import": (
        "ac_import_contacts",
        {"contacts": [{"email": f"p{number}@x.example"} for number in range(300)]},
        {"contacts": [{"email": f"p{number}@x.example"} for number in range(299)] + [{"email": "other@x.example"}]},
    ),
    "an upsert": (
        "ac_sync_contact",
        {"email": "new@x.example", "first_name": "X"},
        {"email": "maria@lindqvist-interiors.example", "first_name": "X"},
    ),
    "a new contact": ("ac_create_contact", {"email": "new@x.example"}, {"email": "other@x.example"}),
    "a new address": (
        "ac_update_contact",
        {"contact": 46, "first_name": "X"},
        {"contact": 46, "email": "other@x.example"},
    ),
}


@pytest.mark.parametrize("case", OTHER_PEOPLE)
def test_an_edit_to_another_address_is_asked_again(case: str, toolkit_for: Any, run: Any, writes: Any) -> None:
    """An edit that puts somebody else's address into a call shows a new card before anything runs."""
    tool, before, after = OTHER_PEOPLE[case]
    review = editing(after)
    assert kind_of(run(toolkit_for(ASKED, review), tool, **before)) == "rejected"
    assert len(review.asked) == 2
    assert row(review.asked[1], "Not shown") or json.loads(arguments_on(review.asked[1])).keys() == after.keys()
    assert writes() == []


@pytest.mark.parametrize("case", OTHER_PEOPLE)
def test_an_edit_that_leaves_the_addresses_runs(case: str, toolkit_for: Any, run: Any, writes: Any) -> None:
    """Who edits a name, or the case of an address, has agreed to that and is not asked again."""
    tool, before, _ = OTHER_PEOPLE[case]
    if tool == "ac_import_contacts":
        changed: dict[str, Any] = {"contacts": [{**each, "first_name": "Y"} for each in reversed(before["contacts"])]}
        changed["contacts"][0]["email"] = changed["contacts"][0]["email"].upper()
    else:
        changed = {**before, "first_name": "Y"}
    review = editing(changed)
    assert kind_of(run(toolkit_for(ASKED, review), tool, **before)) == "done"
    assert len(review.asked) == 1
    assert len(writes()) >= 1


def test_the_addresses_of_an_approval_are_in_no_event(toolkit_for: Any, run: Any, approve: Any, tmp_path: Any) -> None:
    """What an edit is compared by lies beside the events, not in them."""
    toolkit = toolkit_for(ASKED, approve, ledger=f"sqlite:///{tmp_path}/ledger.db")
    for tool, before, _ in OTHER_PEOPLE.values():
        run(toolkit, tool, **before)
    toolkit.guard.ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        events = [str(event) for event in connection.execute("SELECT * FROM events")]
    connection.close()
    assert len(events) > 10
    assert not [event for event in events if "x.example" in event or "lindqvist" in event]


def owner(method: str, path: str, body: Any) -> Callable[[Any], None]:
    """What the account's owner does in the browser meanwhile."""

    def write(sandbox: Any) -> None:
        answer = sandbox.handle(method, f"/api/3{path}", {"Api-Token": sandbox.key}, json.dumps(body).encode())
        assert answer.status < 300
        del sandbox.requests[-1]

    return write


def stored(collection: str, number: int, **values: Any) -> Callable[[Any], None]:
    """The same for what no request of the API can change."""

    def write(sandbox: Any) -> None:
        record = getattr(sandbox._store, collection).get(number)
        for name, value in values.items():
            assert hasattr(record, name)
            setattr(record, name, value)

    return write


RENAMED: dict[str, tuple[str, dict[str, Any], Callable[[Any], None], str]] = {
    "an automation called by its id": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        stored("automations", 2, name="Everyone else"),
        "automation 2: «Trade onboarding», now «Everyone else»",
    ),
    "a contact's first name before a deletion": (
        "ac_delete_contact",
        {"contact": 46},
        owner("PUT", "/contacts/46", {"contact": {"firstName": "Mario"}}),
        "name: «Maria Lindqvist», now «Mario Lindqvist»",
    ),
    "a list before an import": (
        "ac_import_contacts",
        {"contacts": [{"email": "new@x.example"}], "subscribe": [1]},
        stored("lists", 1, name="Bulk mail"),
        "list 1: «Newsletter», now «Bulk mail»",
    ),
    "a list before a re-subscription": (
        "ac_set_list_status",
        {"contact": 59, "list": 1, "status": "subscribe"},
        stored("lists", 1, name="Bulk mail"),
        "list 1: «Newsletter», now «Bulk mail»",
    ),
    "an address before a re-subscription": (
        "ac_set_list_status",
        {"contact": 59, "list": 1, "status": "subscribe"},
        owner("PUT", "/contacts/59", {"contact": {"email": "other@x.example"}}),
        "email: «k.petersen@hafenkontor.example», now «other@x.example»",
    ),
    "the automations that an import would start": (
        "ac_import_contacts",
        {"contacts": [{"email": "new@x.example"}], "run_automations": True},
        stored("automations", 3, status=1),
        "active automations: ",
    ),
}


@pytest.mark.parametrize("case", RENAMED)
def test_a_name_that_changed_since_is_asked_again(
    case: str, toolkit_for: Any, run: Any, writes: Any, account: Any
) -> None:
    """A name on the card that is another one when the call would run makes the approval void, and is said."""
    tool, args, change, said = RENAMED[case]
    cards: list[str] = []

    def review(request: ApprovalRequest) -> Decision:
        cards.append(str(request))
        if len(cards) == 1:
            change(account.simulator)
            return YES
        return Decision.reject(by="anna")

    assert kind_of(run(toolkit_for(ALL, review), tool, **args)) == "rejected"
    assert len(cards) == 2
    assert f"Changed since  {said}" in cards[1]
    assert cards[1].count("now «") == 1
    assert writes() == []


def test_a_counter_that_changed_since_is_not_asked_again(toolkit_for: Any, run: Any, writes: Any, account: Any) -> None:
    """That one more has entered the automation meanwhile is nothing to ask a person about."""
    cards: list[str] = []

    def review(request: ApprovalRequest) -> Decision:
        cards.append(str(request))
        owner("POST", "/contactAutomations", {"contactAutomation": {"contact": 47, "automation": 2}})(account.simulator)
        return YES

    run(toolkit_for(ALL, review), "ac_add_to_automation", contact=46, automation=2)
    assert len(cards) == 1
    assert writes() == ["POST /contactAutomations"]


TITLES = {
    "a deletion": ("ac_delete_contact", {"contact": 46}, "Delete contact 46 «maria@lindqvist-interiors.example»"),
    "an enrolment": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        "Enrol contact 46 «maria@lindqvist-interiors.example» in automation 2 «Trade onboarding»",
    ),
    "a re-subscription": (
        "ac_set_list_status",
        {"contact": 59, "list": 1, "status": "subscribe"},
        "Subscribe contact 59 «k.petersen@hafenkontor.example» to list 1 «Newsletter»",
    ),
}


@pytest.mark.parametrize("case", TITLES)
def test_a_card_by_id_says_the_names_that_were_read(case: str, toolkit_for: Any, run: Any, approve: Any) -> None:
    """Whoever is asked about an id reads in the first line who and what that is."""
    tool, args, title = TITLES[case]
    run(toolkit_for(ALL, approve), tool, **args)
    assert approve.requests[0].card.title == title


def test_unsubscribing_warns_of_what_it_does(toolkit_for: Any, run: Any, approve: Any) -> None:
    """An unsubscription sends no mail: what cannot be had back without a person is the consent."""
    run(toolkit_for(ASKED, approve), "ac_set_list_status", contact=46, list="Newsletter", status="unsubscribe")
    warning = approve.requests[0].card.warning
    assert "Mail that has been sent" not in warning
    assert "a person has to agree" in warning


@pytest.mark.parametrize("landed", [True, False], ids=["it landed", "it did not"])
def test_a_408_is_a_lost_answer(landed: bool, account: Any, toolkit_for: Any, run: Any, writes: Any) -> None:
    """Where somebody on the way gave up waiting, the account may have done it: it is read back, not sent again."""
    when = {"when": "after"} if landed else {}
    account.simulator.fault("POST", "/contactTags", status=408, **when)
    toolkit = toolkit_for({"tags": "write", "contacts": "read"})
    message = run(toolkit, "ac_add_tag", contact=46, tag="VIP")
    [entry] = toolkit.guard.ledger.entries()
    assert entry.outcome == ("happened" if landed else "unknown")
    assert "Correct it" not in message.content
    assert writes() == ["POST /contactTags"]


def test_a_read_that_met_a_408_is_tried_again(account: Any, toolkit_for: Any, run: Any) -> None:
    """A read hurts nobody, so a passing timeout is not told."""
    account.simulator.fault("GET", "/lists", status=408)
    assert run(toolkit_for({"lists": "read"}), "ac_list_lists").status == "success"


NARROWED = {
    "a list": ("list", {"lists": {"access": "full", "only": {"list": ["Newsletter"]}}}, "ac_get_list", "Trade news"),
    "a list by its id": ("list", {"lists": {"access": "full", "only": {"list": [1]}}}, "ac_get_list", "Trade news"),
    "a tag": (
        "tag",
        {"contacts": "full", "tags": {"access": "full", "only": {"tag": ["VIP"]}}},
        "ac_add_tag",
        "Trade",
    ),
    "an automation": (
        "automation",
        {"contacts": "full", "automations": {"access": "full", "only": {"automation": ["Win-back"]}}},
        "ac_add_to_automation",
        "Trade onboarding",
    ),
}


@pytest.mark.parametrize("case", NARROWED)
@pytest.mark.parametrize("said", ["zz", "Trade", "Tradenews", "VI", "Newslettr"])
def test_candidates_are_inside_only(case: str, said: str, toolkit_for: Any, run: Any, approve: Any) -> None:
    """A misspelt name is answered with what the agent may use, and with nothing else that the account has."""
    noun, grants, tool, _ = NARROWED[case]
    contact = {} if tool == "ac_get_list" else {"contact": 46}
    message = run(toolkit_for(grants, approve), tool, **contact, **{noun: said})
    assert message.status == "error"
    allowed = {"list": {"Newsletter"}, "tag": {"VIP"}, "automation": {"Win-back"}}[noun]
    named = {text.partition("»")[0] for text in message.content.split("«")[1:]}
    assert named <= allowed
    assert "others" not in message.content
    assert "has none" not in message.content


def test_digits_show_no_name_outside_only(toolkit_for: Any, run: Any, approve: Any) -> None:
    """That a tag outside `only` is called like an id is said without saying which."""
    toolkit = toolkit_for({"contacts": "full", "tags": {"access": "full", "only": {"tag": ["VIP"]}}}, approve)
    message = run(toolkit, "ac_add_tag", contact=46, tag="2024")
    assert "tag 8" not in message.content
    assert "there is also a tag of that name" in message.content


def test_nouns_have_their_article(toolkit_for: Any, run: Any, account: Any) -> None:
    """It is an automation, and a tag."""
    stored("automations", 3, name="2")(account.simulator)
    grants = {"contacts": "full", "automations": {"access": "full", "only": {"automation": ["Win-back"]}}}
    message = run(toolkit_for(grants), "ac_add_to_automation", contact=46, automation="2")
    assert "there is also an automation of that name" in message.content
