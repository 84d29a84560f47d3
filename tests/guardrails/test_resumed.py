"""A run that goes on after its question was answered: what it reads anew, and what it need not read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard
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
