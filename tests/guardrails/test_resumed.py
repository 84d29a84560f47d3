"""A run that goes on after its question was answered: what it reads anew, and what it need not read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import AnswerError, Decision, Grants, Guard, LedgerError
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS

GRANTS = Grants.from_dict({"agents": {"marketing": {area: {"access": "full", "ask": "writes"} for area in AREAS}}})
ADD_TAG = ("ac_add_tag", {"contact": "46", "tag": "3"})


@pytest.fixture
def guard() -> Guard:
    return Guard(GRANTS, ledger="memory:", approver=Inbox(wait=0))


@pytest.fixture
def call(account: ActiveCampaign, guard: Guard) -> Callable[..., Any]:
    """Makes a call of one message, again and again; returns what it was told, and what the account was asked for it."""
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    assert account.simulator is not None
    seen = account.simulator.requests
    config = {"configurable": {"thread_id": "thread"}}

    def made(name: str, args: dict[str, Any]) -> tuple[Any, list[str]]:
        before = len(seen)
        asked = {"type": "tool_call", "id": "call_0", "name": name, "args": args}
        answer = toolkit.get_tool(name).invoke(asked, config)
        return answer, [f"{one.method} {one.path.removeprefix('/api/3')}" for one in seen[before:]]

    return made


def answered(guard: Guard, decision: Decision) -> str:
    """Answer the one question; returns its card."""
    (waiting,) = guard.desk.waiting()
    guard.desk.answer(waiting.request.id, decision)
    return str(waiting.request)


def test_only_what_the_consent_rests_on_is_read_anew(guard, call):
    """The first run reads what the card says; the one after the answer who it is and what the tag is called."""
    _, first = call(*ADD_TAG)
    assert {"GET /contacts/46", "GET /contacts/46/contactTags", "GET /lists", "GET /tags"} <= set(first)
    card = answered(guard, Decision.approve(by="anna"))
    assert "Newsletter" in card
    done, again = call(*ADD_TAG)
    assert done.content == "Contact 46 has tag 3 now."
    assert again == ["GET /tags/3", "GET /contacts/46", "POST /contactTags"]


def test_a_new_card_after_a_change_is_whole(guard, call, account):
    """Where the consent is void the person is asked anew, with all that a first card says, and what has changed."""
    call(*ADD_TAG)
    first = answered(guard, Decision.approve(by="anna"))
    assert (
        account.simulator.handle(
            "PUT", "/api/3/tags/3", {"Api-Token": account.simulator.key}, b'{"tag": {"tag": "Blocked"}}'
        ).status
        == 200
    )
    waiting, _ = call(*ADD_TAG)
    assert waiting.artifact.kind == "waiting"
    second = answered(guard, Decision.approve(by="anna"))
    assert "«VIP», now «Blocked»" in second
    rows = [line.split("  ")[1] for line in first.splitlines()[1:] if line.startswith("  ")]
    assert all(row in second for row in rows)
    assert call(*ADD_TAG)[0].status == "success"


def test_digits_are_the_id_that_was_shown(guard, call, account):
    """Somebody calls a tag by the number of another one while a person thinks: what they agreed to stays what it is."""
    call(*ADD_TAG)
    answered(guard, Decision.approve(by="anna"))
    headers = {"Api-Token": account.simulator.key}
    assert account.simulator.handle("POST", "/api/3/tags", headers, b'{"tag": {"tag": "3"}}').status == 201
    assert call(*ADD_TAG)[0].content == "Contact 46 has tag 3 now."


def test_digits_of_an_edit_are_looked_up(guard, call, account):
    """What a person writes into an edit was shown to nobody, so a number that is a name, too, is refused."""
    headers = {"Api-Token": account.simulator.key}
    assert account.simulator.handle("POST", "/api/3/tags", headers, b'{"tag": {"tag": "4"}}').status == 201
    call(*ADD_TAG)
    answered(guard, Decision.edit({"contact": "46", "tag": "4"}, by="anna"))
    told, _ = call(*ADD_TAG)
    assert told.artifact.kind == "invalid"
    assert "can be read as the id of tag 4" in told.content


def test_names_that_others_know_are_not_forgotten(guard, call, account):
    """A run that trusts nothing it remembers leaves the names to everybody else."""
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    call(*ADD_TAG)
    answered(guard, Decision.approve(by="anna"))
    call(*ADD_TAG)
    before = len(account.simulator.requests)
    toolkit.get_tool("ac_get_list").invoke({"list": "Newsletter"})
    assert [one.path for one in account.simulator.requests[before:]] == ["/api/3/lists/1"]


@pytest.mark.parametrize("approver", [ask_in_graph, Inbox(wait=0)], ids=["graph", "inbox"])
def test_reads_of_a_ledger_in_memory_are_found_by_whoever_looks(approver, account):
    """They are put on record with whatever comes next, which a look at the ledger is, too; fifty at the most wait."""
    guard = Guard(GRANTS, ledger="memory:", approver=approver)
    listing = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_list_tags")
    for _ in range(70):
        listing.invoke({})
    with guard.ledger.reading() as connection:
        (on_record,) = connection.execute("SELECT COUNT(*) FROM events").fetchone()
    assert 70 <= on_record < 210
    assert len(guard.ledger.entries()) == 70
    assert guard.ledger.verify() == ""


def test_a_stop_of_reads_holds_for_a_ledger_in_memory(guard, call):
    """No read leaves that would be recorded late."""
    call("ac_list_tags", {})
    guard.ledger.stop("maintenance", by="anna", reads=True)
    told, sent = call("ac_list_lists", {})
    assert told.artifact.kind == "stopped"
    assert sent == []


def test_an_import_looks_nobody_up_for_a_card_that_nobody_sees(guard, call):
    """Before the question it looks up whom it may; after the answer a few, to settle it by if the reply is lost."""
    people = [{"email": f"new{number}@people.example"} for number in range(12)]
    _, first = call("ac_import_contacts", {"contacts": people})
    assert "none of 12: they are new" in answered(guard, Decision.approve(by="anna"))
    done, again = call("ac_import_contacts", {"contacts": people})
    assert done.status == "success"
    assert [sum(one == "GET /contacts" for one in sent) for sent in (first, again)] == [12, 5]


def changed(account: ActiveCampaign, method: str, path: str, body: str) -> None:
    """Somebody else changes the account."""
    assert account.simulator is not None
    headers = {"Api-Token": account.simulator.key}
    assert account.simulator.handle(method, f"/api/3{path}", headers, body.encode()).status < 300


OTHER_ADDRESS = ("PUT", "/contacts/46", '{"contact": {"email": "q@x.example"}}')


def test_an_edit_stands_whatever_becomes_of_what_it_was_moved_away_from(guard, call, account):
    """A person changed 46 to 48, and 46 is changed by somebody else: 48 it is, for the account and on record."""
    call("ac_delete_contact", {"contact": "46"})
    answered(guard, Decision.edit({"contact": "48"}, by="anna"))
    call("ac_delete_contact", {"contact": "46"})
    changed(account, *OTHER_ADDRESS)
    assert answered(guard, Decision.approve(by="anna")).startswith("Delete contact 48")
    done, sent = call("ac_delete_contact", {"contact": "46"})
    assert "Deleted contact 48." in done.content
    assert [one for one in sent if not one.startswith("GET")] == ["DELETE /contacts/48"]
    assert "delete contact 48" in guard.ledger.entries()[-1].sentence


def test_an_edit_of_the_same_record_is_asked_about_once_the_record_has_changed(guard, call, account):
    """Who edits a value agrees to the rest as it was shown; as it is now they are asked again, with their own value."""
    args = {"contact": "46", "phone": "1"}
    call("ac_update_contact", args)
    answered(guard, Decision.edit({"contact": "46", "phone": "3"}, by="anna"))
    changed(account, *OTHER_ADDRESS)
    told, sent = call("ac_update_contact", args)
    assert told.artifact.kind == "waiting"
    assert [one for one in sent if not one.startswith("GET")] == []
    assert "→ «3»" in answered(guard, Decision.approve(by="anna"))
    assert call("ac_update_contact", args)[0].status == "success"
    assert call("ac_get_contact", {"contact": "46"})[0].artifact.phone == "3"


def test_who_it_is_now_is_said_where_an_address_has_moved_on(guard, call, account):
    """The same words mean another person by now: the new card says that something has changed, and what."""
    args = {"contact": "maria@lindqvist-interiors.example"}
    call("ac_delete_contact", args)
    answered(guard, Decision.approve(by="anna"))
    changed(account, *OTHER_ADDRESS)
    changed(account, "PUT", "/contacts/47", '{"contact": {"email": "maria@lindqvist-interiors.example"}}')
    assert call("ac_delete_contact", args)[0].artifact.kind == "waiting"
    card = answered(guard, Decision.reject(by="anna"))
    assert "contact 47" in card
    assert "Changed since" in card
    assert "name: «Maria Lindqvist», now" in card


def test_a_question_that_is_lost_is_put_anew_under_another_name(guard, call):
    """An answer to a card that nobody has any more is no answer to the next one."""
    call(*ADD_TAG)
    (lost,) = guard.desk.waiting()
    with guard.ledger.transaction(durable=False) as connection:
        connection.execute("DELETE FROM payloads")
    call(*ADD_TAG)
    (found,) = guard.desk.waiting()
    assert found.request.id not in ("", lost.request.id)
    with pytest.raises(AnswerError, match="no question"):
        guard.desk.answer(lost.request.id, Decision.approve(by="anna"))


@pytest.mark.parametrize("body", ["[]", '{"questions": 7}', '{"questions": [{"id": "x"}]}'])
def test_a_damaged_question_ends_a_call_in_words(guard, call, body):
    """No error of Python's own comes through."""
    call(*ADD_TAG)
    with guard.ledger.transaction(durable=False) as connection:
        connection.execute("UPDATE payloads SET body = ?", (body,))
    with pytest.raises(LedgerError, match="damaged"):
        call(*ADD_TAG)


def test_a_card_that_could_not_be_read_is_on_record_as_that(guard, call, account):
    """Nobody waits for anybody: the account did not answer, and the sentence says so."""
    account.simulator.fault("GET", "/contacts/46", times=9, status=503)
    assert call(*ADD_TAG)[0].artifact.kind == "failed"
    (entry,) = guard.ledger.entries()
    assert entry.state == "closed"
    assert "waiting" not in entry.sentence
    assert "nobody was asked, it failed (Reading contact 46 met a fault" in entry.sentence


def test_what_is_no_decision_is_no_answer(guard, call):
    """A bare word is refused in words, and the question stays open."""
    call(*ADD_TAG)
    (waiting,) = guard.desk.waiting()
    for answer in ("approve", True, None):
        with pytest.raises(AnswerError, match="is no decision"):
            guard.desk.answer(waiting.request.id, answer)
    assert guard.desk.waiting() == [waiting]


def test_a_read_that_is_asked_about_keeps_its_salt(account):
    """Whoever goes on with the entry later digests the same question to the same text."""
    grants = Grants.from_dict({"agents": {"marketing": {"tags": {"access": "read", "ask": ["ac_list_tags"]}}}})
    guard = Guard(grants, ledger="memory:", approver=Inbox(wait=0))
    ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_list_tags").invoke({})
    (entry,) = guard.ledger.entries()
    assert entry.state == "waiting"
    assert entry.payload["salt"]
