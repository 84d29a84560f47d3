"""Rows 27 to 32: calls that stay within the API's rules and hurt all the same."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import ToolMessage

PETERSEN = 59
"""Left the newsletter on 2024-10-08: "Too many emails"."""

BACK = {"contact": PETERSEN, "list": "Newsletter"}
WORDS = ["subscribe", "subscribed", "active", 1, "1", "unconfirmed", 0]


def kind_of(message) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


def bounced(ask):
    """A contact whose mail came back, and the list it was on."""
    rows = (row for contact in range(1, 281) for row in ask(f"/contacts/{contact}/contactLists")["contactLists"])
    row = next(row for row in rows if row["status"] == "3")
    return int(row["contact"]), int(row["list"])


def status_of(ask, contact, list_id):
    rows = ask(f"/contacts/{contact}/contactLists")["contactLists"]
    return next((row["status"] for row in rows if row["list"] == str(list_id)), None)


@pytest.mark.parametrize("word", WORDS)
def test_row_27_bringing_back_who_opted_out_needs_full_access(word, toolkit_for, approve, run, writes):
    """With write access a status that mails again whoever unsubscribed is refused, in every spelling."""
    message = run(toolkit_for({"lists": "write"}, approve), "ac_set_list_status", **BACK, status=word)
    assert kind_of(message) == "refused"
    assert approve.requests == []
    assert writes() == []


def test_row_27_bringing_back_who_bounced_needs_full_access(ask, toolkit_for, approve, run, writes):
    """The same for an address whose mail came back."""
    contact, list_id = bounced(ask)
    grants = toolkit_for({"lists": "write"}, approve)
    message = run(grants, "ac_set_list_status", contact=contact, list=list_id, status="subscribe")
    assert kind_of(message) == "refused"
    assert writes() == []


def test_row_27_a_person_sees_when_and_why_they_left(toolkit_for, approve, run, writes):
    """With full access a person decides, and the card has the day and the reason of the opt-out."""
    run(toolkit_for({"lists": "full"}, approve), "ac_set_list_status", **BACK, status="subscribe")
    card = str(approve.requests[0])
    assert "2024-10-08" in card
    assert "Too many emails" in card
    assert "k.petersen@hafenkontor.example" in card
    assert writes() == ["POST /contactLists"]


def test_row_27_a_person_sees_that_their_mail_came_back(ask, toolkit_for, approve, run):
    """The card of somebody who bounced says so."""
    contact, list_id = bounced(ask)
    toolkit = toolkit_for({"lists": "full"}, approve)
    run(toolkit, "ac_set_list_status", contact=contact, list=list_id, status="subscribe")
    assert "Bounced" in str(approve.requests[0])


@pytest.mark.parametrize("tool", ["ac_sync_contact", "ac_create_contact", "ac_update_contact"])
@pytest.mark.parametrize("argument", ["status", "list", "lists", "p", "listid", "subscribe"])
def test_row_27_no_other_tool_takes_a_status(tool, argument, toolkit, run, reached):
    """Creating, updating and upserting a contact have no argument with which to subscribe anybody."""
    who = {"contact": PETERSEN} if tool == "ac_update_contact" else {"email": "k.petersen@hafenkontor.example"}
    message = run(toolkit, tool, **who, phone="1", **{argument: 1})
    assert kind_of(message) == "invalid"
    assert reached() == []


def test_row_27_an_import_always_asks_and_says_who_stays_out(account, toolkit, approve, run, ask):
    """An import that subscribes waits for a person, says that opt-outs stay, and leaves them out."""
    leads = [{"email": "k.petersen@hafenkontor.example"}]
    run(toolkit, "ac_import_contacts", contacts=leads, subscribe=["Newsletter"])
    assert len(approve.requests) == 1
    assert "stay unsubscribed" in str(approve.requests[0])
    account.simulator.clock.advance(600)
    assert status_of(ask, PETERSEN, 1) == "2"


def test_row_28_an_untag_takes_the_association_of_this_contact_and_tag(toolkit, run, ask, writes):
    """A tag is taken off by the id of its association with this contact: nobody else loses anything."""
    contact = next(c for c in range(1, 281) if ask(f"/contacts/{c}/contactTags")["contactTags"])
    row = ask(f"/contacts/{contact}/contactTags")["contactTags"][-1]
    assert row["id"] != row["tag"]
    assert run(toolkit, "ac_remove_tag", contact=contact, tag=int(row["tag"])).status == "success"
    assert writes() == [f"DELETE /contactTags/{row['id']}"]


@pytest.mark.parametrize("word", ["association", "contactTag", "contact_tag", "id"])
def test_row_28_the_model_cannot_name_an_association(word, toolkit, run, reached):
    """An association's id is no argument."""
    assert kind_of(run(toolkit, "ac_remove_tag", contact=46, tag=5, **{word: 1})) == "invalid"
    assert run(toolkit, "ac_remove_from_automation", contact=46, automation=1, **{word: 1}).status == "error"
    assert reached() == []


@pytest.mark.parametrize("kind", ["tag", "automation"])
def test_row_28_somebody_elses_association_is_not_taken(kind, account, toolkit, run, writes):
    """A row that the account shows although it belongs to another contact is not deleted."""
    rows = [{"id": "900", "contact": "47", "tag": "5", "automation": "5", "seriesid": "5", "status": "1"}]
    key = "contactTags" if kind == "tag" else "contactAutomations"
    account.simulator.fault("GET", f"/contacts/46/{key}", status=200, body=json.dumps({key: rows}))
    tool = "ac_remove_tag" if kind == "tag" else "ac_remove_from_automation"
    assert kind_of(run(toolkit, tool, contact=46, **{kind: 5})) == "not_found"
    assert writes() == []


def test_row_28_an_unenrolment_takes_the_run_of_this_contact(toolkit, run, ask, writes):
    """A contact leaves an automation by the id of its own run."""
    run(toolkit, "ac_add_to_automation", contact=46, automation="Trade onboarding")
    row = ask("/contacts/46/contactAutomations")["contactAutomations"][-1]
    assert row["id"] != row["automation"]
    assert run(toolkit, "ac_remove_from_automation", contact=46, automation="Trade onboarding").status == "success"
    assert writes()[-1] == f"DELETE /contactAutomations/{row['id']}"


LEADS = [{"email": f"lead-{number}@import.example"} for number in range(1_000)]


def imported(toolkit, run, **more) -> ToolMessage:
    return run(toolkit, "ac_import_contacts", contacts=LEADS[: more.pop("people", 3)], **more)


def test_row_29_automations_are_off_unless_asked_for(toolkit, run, bodies):
    """The account's default is to run automations on an import; here they are off, in both documented places."""
    imported(toolkit, run, subscribe=["Newsletter"])
    (body,) = bodies()
    assert body.get("exclude_automations") is True
    assert all(person.get("exclude_automations") is True for person in body["contacts"])


def test_row_29_running_automations_needs_their_own_grant(toolkit_for, approve, run, reached):
    """An import that runs automations is refused to an agent without full access to automations."""
    toolkit = toolkit_for({"contacts": "full", "automations": "write"}, approve)
    assert kind_of(imported(toolkit, run, run_automations=True)) == "refused"
    assert reached() == []


def test_row_29_a_person_sees_how_many_people_which_lists_which_automations(toolkit_for, run, writes):
    """The card of an import of a thousand says a thousand, names the list, and names the automations that are on."""
    from ac_guardrails import Decision
    from ac_tools._catalog import AREAS

    cards = []
    toolkit = toolkit_for(
        dict.fromkeys(AREAS, "full"), lambda request: cards.append(str(request)) or Decision.reject(by="anna")
    )
    imported(toolkit, run, people=1_000, subscribe=["Newsletter"])
    imported(toolkit, run, people=1_000, subscribe=["Newsletter"], run_automations=True)
    assert all("1000" in card and "Newsletter" in card for card in cards)
    assert "nobody is enrolled" in cards[0]
    assert "Welcome series" in cards[1]
    assert writes() == []


MAILING = {"name": "News", "sender_url": "https://x.example", "sender_reminder": "you signed up"}
REACHES = {
    "a list that mails its last campaign": ("ac_create_list", {**MAILING, "send_last_broadcast": True}),
    "a list that copies every mailing": ("ac_create_list", {**MAILING, "carboncopy": "spy@x.example"}),
    "a list that tells of subscribers": ("ac_create_list", {**MAILING, "subscription_notify": "spy@x.example"}),
    "a subscription to a list that mails": (
        "ac_set_list_status",
        {"contact": 46, "list": "Webinar invitations", "status": "subscribe"},
    ),
    "an import into a list that mails": (
        "ac_import_contacts",
        {"contacts": LEADS[:2], "subscribe": ["Webinar invitations"]},
    ),
}


@pytest.mark.parametrize("case", REACHES)
def test_row_30_what_mails_by_itself_counts_as_reaching_people(case, toolkit_for, approve, run, writes):
    """A list that mails or tells somebody by itself, and a subscription to one, need full access to lists."""
    tool, args = REACHES[case]
    message = run(toolkit_for({"lists": "write", "contacts": "full"}, approve), tool, **args)
    assert kind_of(message) == "refused"
    assert writes() == []


@pytest.mark.parametrize("case", REACHES)
def test_row_30_a_person_is_told_that_it_mails(case, toolkit, approve, run):
    """With full access a person decides, and the card says who would be mailed."""
    tool, args = REACHES[case]
    run(toolkit, tool, **args)
    card = str(approve.requests[0])
    assert "last campaign" in card or "spy@x.example" in card


@pytest.mark.parametrize("null", ["stage", "pipeline", "amount", "status", "owner", "percent"])
def test_row_31_null_is_absent(null, toolkit, run, ask, bodies):
    """A null never leaves: the account would move the deal back to its first stage."""
    before = ask("/deals/27")["deal"]
    assert run(toolkit, "ac_update_deal", deal=27, title="New title", **{null: None}).status == "success"
    assert bodies() == [{"deal": {"title": "New title"}}]
    after = ask("/deals/27")["deal"]
    assert {key: after[key] for key in ("stage", "group", "value")} == {
        key: before[key] for key in ("stage", "group", "value")
    }


NO_AMOUNT = {
    "10.005": ("10.00", "10.01"),
    "a float with a fraction": ("0.30", "0.31"),
    "$10": (),
    "1,000": (),
    "1.000,50": (),
    "1e3": (),
    "-5": (),
    "NaN": (),
    "true": (),
    "１０": (),
}
VALUES = {"a float with a fraction": 0.1 + 0.2, "NaN": float("nan"), "true": True}


@pytest.mark.parametrize("tool", ["ac_create_deal", "ac_update_deal"])
@pytest.mark.parametrize("case", NO_AMOUNT)
def test_row_32_what_is_no_amount_of_whole_cents_is_refused(case, tool, toolkit, run, reached):
    """A fraction of a cent is refused with the amounts next to it; another notation with the one to use."""
    deal = {"deal": 27} if tool == "ac_update_deal" else {"title": "x", "currency": "USD", "contact": 46, "stage": 1}
    message = run(toolkit, tool, **deal, amount=VALUES.get(case, case))
    assert message.status == "error"
    assert all(amount in message.content for amount in NO_AMOUNT[case] or ("1250.50",))
    assert reached() == []


@pytest.mark.parametrize(
    ("said", "cents"), [("1250.50", 125050), (1250.5, 125050), (19.99, 1999), ("7", 700), (7, 700), ("0.07", 7)]
)
def test_row_32_major_units_leave_as_whole_cents(said, cents, toolkit, run, bodies):
    """What was said in dollars is sent in cents, exactly."""
    assert run(toolkit, "ac_update_deal", deal=27, amount=said).status == "success"
    assert bodies() == [{"deal": {"value": cents}}]


@pytest.mark.parametrize("word", ["value", "cents"])
def test_row_32_cents_cannot_be_said(word, toolkit, run, reached):
    """The API's own name for cents is no argument, so nobody can take one for the other."""
    assert kind_of(run(toolkit, "ac_update_deal", deal=27, title="x", **{word: 1250})) == "invalid"
    assert reached() == []
