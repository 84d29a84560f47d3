"""What ac_import_contacts promises: everybody is accounted for, and no automation starts unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit
from ac_tools.sandbox import Settings
from ac_tools.tools.imports import ImportContacts

Toolkits = Callable[..., ActiveCampaignToolkit]
PATH = "/import/bulk_import"


def people(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@imported.example", **more} for number in range(count)]


def test_an_import_is_split_by_people(toolkit: Any, wire: Any, run: Any) -> None:
    """A request carries 250 people at most, nobody twice and nobody lost."""
    answer = run(toolkit, "ac_import_contacts", contacts=people(501))
    sent = [[each["email"] for each in body["contacts"]] for body in wire.bodies(PATH)]
    assert [len(each) for each in sent] == [250, 250, 1]
    assert [email for each in sent for email in each] == [each["email"] for each in people(501)]
    assert "Import of 501 people in 3 requests: 501 taken, 0 failed." in answer.content
    assert sum(len(batch.succeeded) for batch in answer.artifact.batches) == 501


@pytest.mark.parametrize("letter", ["x", "ü", "漢", "😀", '"'])
def test_an_import_is_split_by_bytes(letter: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A request stays under 400,000 bytes, whatever the script."""
    notes = [{"field": "Delivery notes", "value": letter * 4000}]
    run(toolkit, "ac_import_contacts", contacts=people(60, fields=notes))
    bodies = wire.bodies(PATH)
    assert sum(len(body["contacts"]) for body in bodies) == 60
    for body in bodies:
        assert len(json.dumps(body, ensure_ascii=False).encode()) < 400_000
    assert all(each.status == 200 for each in wire.exchanges if each.path == PATH)


def test_somebody_larger_than_a_request_is_refused(toolkit: Any, wire: Any, run: Any) -> None:
    """One person of more than 395,000 bytes is named, and nothing is sent."""
    huge = {"email": "huge@imported.example", "fields": [{"field": 7, "value": "x" * 400_000}]}
    answer = run(toolkit, "ac_import_contacts", contacts=[*people(1), huge])
    assert "huge@imported.example" in answer.content
    assert wire.writes == []


def test_malformed_and_repeated_people_are_held_back_with_reasons(
    toolkit: Any, wire: Any, approve: Any, run: Any
) -> None:
    """One bad address would have everybody refused, so it is held back, counted on the card and explained."""
    bad = {
        "no-at.example": "0 @ signs",
        "a@b": "no dot",
        "a b@c.example": "space",
        "P0@IMPORTED.example": "more than once",
    }
    contacts = [*people(2), *({"email": email} for email in bad)]
    answer = run(toolkit, "ac_import_contacts", contacts=contacts)
    assert [each["email"] for each in wire.bodies(PATH)[0]["contacts"]] == [each["email"] for each in people(2)]
    assert "4 that cannot be sent" in str(approve.requests[0])
    assert dict(answer.artifact.left_out).keys() == bad.keys()
    for email, reason in bad.items():
        assert reason in dict(answer.artifact.left_out)[email]
        assert f"«{email}»" in answer.content


def test_an_import_of_nobody_is_refused(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """If nobody can be imported, nobody is asked and the reasons are told."""
    answer = run(toolkit, "ac_import_contacts", contacts=[{"email": "x"}, {"email": ""}])
    assert answer.artifact.kind == "invalid"
    assert "Nobody of 2 can be imported" in answer.content
    assert (wire.writes, approve.requests) == ([], [])


def test_an_import_is_followed_to_its_end(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """The answer comes when the batch has ended, not when it was queued."""
    wire = on(settings=Settings(import_seconds=0.5))
    answer = run(toolkit_for(wire), "ac_import_contacts", contacts=people(3))
    assert [batch.status for batch in answer.artifact.batches] == ["completed"]
    assert wire.sent().count(("GET", "/import/info")) > 1
    assert "3 taken" in answer.content


def test_many_batches_are_followed_together(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """Ten batches are waited for together: what is done is asked after once, however many there are."""
    wire = on()
    answer = run(toolkit_for(wire), "ac_import_contacts", contacts=people(2500))
    assert [batch.status for batch in answer.artifact.batches] == ["completed"] * 10
    assert wire.sent().count(("GET", "/import/info")) == 10


def test_who_failed_is_told_with_the_reason(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """People whom the account did not take are named, in content and artifact."""

    def failing(exchange: Any, data: Any) -> Any:
        return {**data, "failure": ["p1@imported.example"]} if exchange.path == "/import/info" else data

    answer = run(toolkit_for(on(change=failing)), "ac_import_contacts", contacts=people(3))
    assert "1 failed" in answer.content
    assert "«p1@imported.example»: the account gave no reason" in answer.content
    assert answer.artifact.failed == (("p1@imported.example", "the account gave no reason"),)


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_batch_that_ended_badly_is_told(status: str, on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """A batch that failed is not followed further, and the answer says that the account will not retry it."""

    def ended(exchange: Any, data: Any) -> Any:
        if exchange.path == "/import/info":
            return {"status": status, "success": [], "failure": []}
        return data

    content = run(toolkit_for(on(change=ended)), "ac_import_contacts", contacts=people(3)).content
    assert f"was {status}; the account does not retry it" in content


def test_a_batch_that_still_runs_is_told(
    on: Any, toolkit_for: Toolkits, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the patience is over, the answer says that the batch goes on and is not to be imported again."""
    monkeypatch.setattr(ImportContacts, "patience", 0.05)
    toolkit = toolkit_for(on(settings=Settings(import_seconds=3600)))
    answer = run(toolkit, "ac_import_contacts", contacts=people(3))
    assert "it goes on by itself. Do not import again." in answer.content
    assert answer.status == "success"


def test_a_refused_request_is_told_and_the_others_go_on(toolkit: Any, wire: Any, run: Any) -> None:
    """If the account refuses one request, its people are named with the reason and the rest is imported."""
    body = {"success": 0, "message": "JSON payload did not pass validation.", "failureReasons": []}
    wire.sandbox.fault("POST", PATH, status=400, body=json.dumps(body))
    answer = run(toolkit, "ac_import_contacts", contacts=people(252))
    assert "2 taken, 250 failed" in answer.content
    assert len(answer.artifact.failed) == 250
    assert "did not pass validation" in answer.artifact.failed[0][1]


def test_an_import_that_was_refused_whole_is_no_success(toolkit: Any, wire: Any, run: Any) -> None:
    """If the account takes none of the requests, the answer is an error."""
    wire.sandbox.fault("POST", PATH, status=400, body='{"success":0,"message":"No.","failureReasons":[]}')
    assert run(toolkit, "ac_import_contacts", contacts=people(2)).status == "error"


def test_the_imports_own_rate_limit_is_told(toolkit: Any, wire: Any, run: Any) -> None:
    """The account says "too many imports" with a 400; the answer says to wait, and how far the import had come."""
    limited = {"success": 0, "message": "Rate limit exceeded.", "failureReasons": ["Up to 100 imports a minute."]}
    wire.sandbox.fault("POST", PATH, status=400, body=json.dumps(limited))
    answer = run(toolkit, "ac_import_contacts", contacts=people(2))
    assert answer.status == "error"
    assert "fewer requests" in answer.content
    assert wire.writes.count(("POST", PATH)) == 1


def test_automations_are_off_unless_asked_for(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """The flag that switches them off leaves in both documented positions, and nobody is enrolled."""
    run(toolkit, "ac_import_contacts", contacts=people(2), subscribe=["Newsletter"], tags=["VIP"])
    [body] = wire.bodies(PATH)
    assert body["exclude_automations"] is True
    assert all(each["exclude_automations"] is True for each in body["contacts"])
    assert "off: nobody is enrolled" in str(approve.requests[0])
    imported = run(toolkit, "ac_get_contact", contact="p0@imported.example").artifact
    assert (len(imported.lists), len(imported.tags), imported.automations) == (1, 1, ())


def test_automations_run_where_asked_for_and_seen(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """Asked for, the flag is in neither position, the card names the active automations, and they run."""
    run(toolkit, "ac_import_contacts", contacts=people(2), subscribe=["Newsletter"], run_automations=True)
    [body] = wire.bodies(PATH)
    assert "exclude_automations" not in json.dumps(body)
    assert "«Welcome series»" in str(approve.requests[0])
    assert "Abandoned basket" not in str(approve.requests[0])
    assert run(toolkit, "ac_get_contact", contact="p0@imported.example").artifact.automations


NEEDS: dict[str, tuple[dict[str, Any], str]] = {
    "subscribes": ({"subscribe": [1]}, "lists"),
    "unsubscribes": ({"unsubscribe": [1]}, "lists"),
    "tags all": ({"tags": ["VIP"]}, "tags"),
    "tags one": ({"contacts": [{"email": "a@a.example", "tags": ["VIP"]}]}, "tags"),
    "names an account": ({"contacts": [{"email": "a@a.example", "customer_acct_name": "Acme"}]}, "accounts"),
    "runs automations": ({"run_automations": True}, "automations"),
}


@pytest.mark.parametrize("case", NEEDS)
def test_an_import_needs_every_area_that_it_touches(
    case: str, toolkit_for: Toolkits, wire: Any, approve: Any, run: Any
) -> None:
    """Full access to contacts alone does not subscribe, tag, create accounts or start automations."""
    args, area = NEEDS[case]
    answer = run(toolkit_for(contacts="full"), "ac_import_contacts", **{"contacts": people(1), **args})
    assert answer.artifact.kind == "refused"
    assert area in answer.content
    assert (wire.sent(), approve.requests) == ([], [])


def test_running_automations_needs_full_access_to_them(toolkit_for: Toolkits, wire: Any, run: Any) -> None:
    """Write access to automations does not start them for imported people."""
    toolkit = toolkit_for(contacts="full", automations="write")
    answer = run(toolkit, "ac_import_contacts", contacts=people(1), run_automations=True)
    assert "automations: full" in answer.content
    assert wire.sent() == []


def test_a_list_that_mails_needs_full_access_to_lists(toolkit_for: Toolkits, wire: Any, approve: Any, run: Any) -> None:
    """Subscribing imported people to a list that mails its last campaign is reaching them."""
    args = {"contacts": people(1), "subscribe": ["Webinar invitations"]}
    assert "lists: full" in run(toolkit_for(contacts="full", lists="write"), "ac_import_contacts", **args).content
    assert wire.writes == []
    assert run(toolkit_for(contacts="full", lists="full"), "ac_import_contacts", **args).status == "success"
    assert "mails its last campaign to every new subscriber" in str(approve.requests[0])


def test_the_card_says_whom_an_import_touches(toolkit: Any, approve: Any, run: Any) -> None:
    """A person sees how many people, in how many requests, on which lists, with which tags."""
    run(toolkit, "ac_import_contacts", contacts=people(251), subscribe=["Newsletter"], unsubscribe=[2], tags=["Fair"])
    card = str(approve.requests[0])
    for words in ("Import 251 people", "251 in 2 requests", "list 1 «Newsletter»", "list 2 «Trade news»", "Fair"):
        assert words in card


def test_who_unsubscribed_stays_unsubscribed(toolkit: Any, run: Any) -> None:
    """An import that subscribes does not bring back somebody who had left."""
    run(toolkit, "ac_import_contacts", contacts=[{"email": "k.petersen@hafenkontor.example"}], subscribe=[1])
    rows = run(toolkit, "ac_get_contact", contact=59).artifact.lists
    assert next(row.status for row in rows if row.list_id == "1") == "unsubscribed"


def test_everything_of_a_person_leaves_under_the_imports_names(toolkit: Any, wire: Any, run: Any) -> None:
    """The import's own snake case, fields by id, lists for all, tags of one and of all without repetition."""
    lead = {
        "email": " a@a.example ", "first_name": "A", "last_name": None, "phone": "1", "customer_acct_name": "Acme",
        "tags": ["Own", "All"], "fields": [{"field": "Language", "value": "Deutsch"}],
    }  # fmt: skip
    run(
        toolkit,
        "ac_import_contacts",
        contacts=[lead],
        subscribe=["Newsletter"],
        unsubscribe=["Trade news"],
        tags=["All"],
    )
    assert wire.bodies(PATH)[0]["contacts"] == [
        {
            "email": "a@a.example",
            "first_name": "A",
            "phone": "1",
            "customer_acct_name": "Acme",
            "tags": ["All", "Own"],
            "fields": [{"id": 8, "value": "Deutsch"}],
            "subscribe": [{"listid": 1}],
            "unsubscribe": [{"listid": 2}],
            "exclude_automations": True,
        }
    ]


@pytest.mark.parametrize("tags", [["a,b"], [""], [" "]])
def test_a_tag_with_a_comma_is_refused(tags: list[str], toolkit: Any, wire: Any, run: Any) -> None:
    """A comma would make two tags of one."""
    assert run(toolkit, "ac_import_contacts", contacts=people(1), tags=tags).artifact.kind == "invalid"
    assert run(toolkit, "ac_import_contacts", contacts=people(1, tags=tags)).artifact.kind == "invalid"
    assert wire.sent() == []


def test_nothing_is_sent_for_an_empty_import(toolkit: Any, wire: Any, run: Any) -> None:
    """An import of an empty list is an invalid call."""
    assert run(toolkit, "ac_import_contacts", contacts=[]).artifact.kind == "invalid"
    assert wire.sent() == []


def test_a_cut_connection_is_not_imported_again(toolkit: Any, wire: Any, run: Any) -> None:
    """If the answer to a request is lost, it is not sent again: reading back shows what came of it, or nobody knows."""
    wire.sandbox.fault("POST", PATH, cut="reset", when="after")
    answer = run(toolkit, "ac_import_contacts", contacts=people(2))
    known = getattr(answer.artifact, "kind", None) or answer.artifact.outcome
    assert known in ("unknown", "happened")
    assert sum(1 for each in wire.sandbox.requests if each.method == "POST") == 1
