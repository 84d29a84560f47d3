"""What the list tools promise: nobody is put back on a list, or mailed, without a person who knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit

Toolkits = Callable[..., ActiveCampaignToolkit]
OPTED_OUT = {"contact": "k.petersen@hafenkontor.example", "list": "Newsletter", "status": "subscribe"}
BOUNCED = {"contact": 2, "list": 1, "status": "subscribe"}
NEW = {"contact": 46, "list": "Product updates", "status": "subscribe"}
MAILING = {"contact": 46, "list": "Webinar invitations", "status": "subscribe"}


@pytest.mark.parametrize(
    "args", [NEW, {**NEW, "status": "unconfirmed"}, {"contact": 46, "list": 1, "status": "unsubscribe"}]
)
def test_an_ordinary_change_needs_write_and_nobody(
    args: dict[str, Any], toolkit_for: Toolkits, wire: Any, approve: Any, run: Any
) -> None:
    """Subscribing somebody new and unsubscribing are ordinary writes."""
    assert run(toolkit_for(lists="write", contacts="read"), "ac_set_list_status", **args).status == "success"
    assert approve.requests == []
    codes = {"subscribe": 1, "unsubscribe": 2, "unconfirmed": 0}
    [body] = wire.bodies("/contactLists")
    assert body["contactList"]["status"] == codes[args["status"]]
    assert "sourceid" not in body["contactList"]


@pytest.mark.parametrize("args", [OPTED_OUT, BOUNCED, MAILING])
def test_write_access_does_not_reach_people(
    args: dict[str, Any], toolkit_for: Toolkits, wire: Any, approve: Any, run: Any
) -> None:
    """With write access nobody is put back on a list, nor onto one that mails at once; no write leaves."""
    answer = run(toolkit_for(lists="write", contacts="read"), "ac_set_list_status", **args)
    assert answer.artifact.kind == "refused"
    assert "lists: full" in answer.content
    assert wire.writes == []
    assert approve.requests == []


def test_who_opted_out_returns_only_with_a_person_who_knows(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """A re-subscription waits for a person who sees who it is, when they left and why; it names its source."""
    run(toolkit, "ac_set_list_status", **OPTED_OUT)
    card = str(approve.requests[0])
    assert "«Klaus Petersen» k.petersen@hafenkontor.example (id 59)" in card
    assert "2024-10-08; reason given: «Too many emails»" in card
    assert "asked for no more mail" in card
    assert wire.bodies("/contactLists") == [
        {"contactList": {"contact": 59, "list": 1, "status": 1, "sourceid": 4}},
    ]


def test_who_bounced_returns_only_with_a_person_who_knows(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """Subscribing an address that bounced waits for a person who sees when it did."""
    run(toolkit, "ac_set_list_status", **BOUNCED)
    card = str(approve.requests[0])
    assert "Bounced" in card
    assert "2023-04-14" in card
    assert "came back" in card
    assert wire.bodies("/contactLists")[0]["contactList"]["sourceid"] == 4


def test_making_somebody_unconfirmed_who_opted_out_is_a_resubscription(
    toolkit_for: Toolkits, wire: Any, run: Any
) -> None:
    """Status "unconfirmed" does not slip past the opt-out."""
    answer = run(toolkit_for(lists="write"), "ac_set_list_status", **{**OPTED_OUT, "contact": 59, "status": 0})
    assert answer.artifact.kind == "refused"
    assert wire.writes == []


def test_a_list_that_mails_its_last_campaign_needs_a_person(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """Subscribing somebody new to such a list is reaching them, and the card says so."""
    run(toolkit, "ac_set_list_status", **MAILING)
    assert "sends its last campaign to every new subscriber at once" in str(approve.requests[0])
    assert wire.writes == [("POST", "/contactLists")]


@pytest.mark.parametrize(("contact", "status"), [(46, "subscribe"), (59, "unsubscribe"), (208, "unconfirmed")])
def test_what_is_so_already_is_not_sent(contact: int, status: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A contact who has that status already is left alone, and nobody is asked."""
    answer = run(toolkit, "ac_set_list_status", contact=contact, list=1, status=status)
    assert (answer.status, answer.content[:14]) == ("success", "Nothing to do:")
    assert wire.writes == []


@pytest.mark.parametrize(("said", "meant"), [(1, 1), ("2", 2), ("active", 1), ("unsubscribed", 2), ("subscribed", 1)])
def test_codes_and_other_words_are_understood(said: Any, meant: int, toolkit: Any, wire: Any, run: Any) -> None:
    """The API's own codes and usual synonyms mean what they say."""
    contact = 46 if meant == 2 else 208
    run(toolkit, "ac_set_list_status", contact=contact, list=1, status=said)
    assert wire.bodies("/contactLists")[0]["contactList"]["status"] == meant


@pytest.mark.parametrize("said", [3, "bounced", "-1", True, "", None])
def test_other_statuses_are_refused(said: Any, toolkit: Any, wire: Any, run: Any) -> None:
    """Nobody can be made bounced; an unknown status makes no request."""
    assert run(toolkit, "ac_set_list_status", contact=46, list=1, status=said).artifact.kind == "invalid"
    assert wire.sent() == []


LIST = {"name": "Über uns & Freunde", "sender_url": "https://a.example", "sender_reminder": "You signed up."}


def test_a_list_is_created_with_a_slug(toolkit_for: Toolkits, wire: Any, approve: Any, run: Any) -> None:
    """The slug that the documents require is made from the name; an ordinary list needs write access only."""
    answer = run(toolkit_for(lists="write"), "ac_create_list", **LIST)
    assert wire.bodies("/lists") == [{"list": {**LIST, "stringid": "uber-uns-freunde"}}]
    assert "Only admins see it yet." in answer.content
    assert approve.requests == []


REACHING: dict[str, tuple[dict[str, Any], str]] = {
    "mails at once": ({"send_last_broadcast": True}, "last campaign"),
    "sends copies": ({"carboncopy": "boss@a.example"}, "boss@a.example"),
    "tells of subscribers": ({"subscription_notify": "x@a.example"}, "x@a.example"),
    "tells of those who leave": ({"unsubscription_notify": "y@a.example"}, "y@a.example"),
}


@pytest.mark.parametrize("case", REACHING)
def test_a_list_that_reaches_people_needs_a_person(
    case: str, toolkit_for: Toolkits, wire: Any, approve: Any, run: Any
) -> None:
    """A list that would send something by itself needs full access and a person who sees what and to whom."""
    extra, shown = REACHING[case]
    assert run(toolkit_for(lists="write"), "ac_create_list", **LIST, **extra).artifact.kind == "refused"
    assert wire.writes == []
    assert run(toolkit_for(lists="full"), "ac_create_list", **LIST, **extra).status == "success"
    assert shown in str(approve.requests[0])


def test_a_list_that_does_not_mail_says_zero(toolkit_for: Toolkits, wire: Any, run: Any) -> None:
    """Flags leave as 0 and 1, and an explicit no is an ordinary write."""
    run(toolkit_for(lists="write"), "ac_create_list", **LIST, send_last_broadcast=False)
    assert wire.bodies("/lists")[0]["list"]["send_last_broadcast"] == 0


def test_lists_for_text_messages_are_shown_too(toolkit: Any, wire: Any, run: Any) -> None:
    """The account leaves them out unless asked, so the tool asks for all."""
    run(toolkit, "ac_create_list", **LIST, channel="sms")
    assert "«Über uns & Freunde»" in run(toolkit, "ac_list_lists").content
    assert wire.query("/lists")["filters[channel]"] == "all"
    run(toolkit, "ac_list_lists", channel="email")
    assert wire.query("/lists")["filters[channel]"] == "email"


def test_a_list_that_mails_is_told_apart(toolkit: Any, run: Any) -> None:
    """Whoever looks at lists sees which one mails every new subscriber."""
    assert "MAILS ITS LAST CAMPAIGN" in run(toolkit, "ac_get_list", list="Webinar invitations").content
    assert "MAILS" not in run(toolkit, "ac_get_list", list="Newsletter").content
