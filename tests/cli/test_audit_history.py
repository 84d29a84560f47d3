"""The history of one call: who said what, when, and why an answer did not count."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Decision, Guard
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaignToolkit


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def toolkit(account, guard_for, url) -> ActiveCampaignToolkit:
    grants = {"agents": {"marketing": {"contacts": "full", "tags": "write", "campaigns": "full"}}}
    guard = guard_for(grants, Inbox(wait=0), ledger=url)
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


@pytest.fixture
def delete(toolkit) -> Callable[[], Any]:
    """Makes the same call again, as a graph does that goes on."""
    tool = toolkit.get_tool("ac_delete_contact")
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contact": 3}}
    return lambda: tool.invoke(call, {"configurable": {"thread_id": "thread"}})


def rename(account: Any, number: int) -> None:
    body = json.dumps({"contact": {"firstName": "Zed"}}).encode()
    key = account.simulator.key
    assert account.simulator.handle("PUT", f"/api/3/contacts/{number}", {"Api-Token": key}, body).status == 200


def answer(guard: Guard, decision: Decision) -> str:
    (waiting,) = guard.desk.waiting()
    guard.desk.answer(waiting.request.id, decision)
    return str(waiting.request.id)


def steps(cli: Any, url: str, entry: str) -> list[str]:
    """What is told of an entry, but for times and what the guard looked up."""
    shown = json.loads(cli("audit", "show", entry, "--json", "--ledger", url).stdout)
    told = [each["said"].partition(", who has until ")[0] for each in shown["history"]]
    return [one for one in told if not one.startswith("the guard read")]


def test_an_approval_that_counted_no_more_is_told(cli, url, toolkit, delete, account):
    """Anna approved, the contact changed, bob was asked again and approved, and carl's no came too late."""
    delete()
    answer(toolkit.guard, Decision.approve(by="anna"))
    rename(account, 3)
    delete()
    question = answer(toolkit.guard, Decision.approve(by="bob"))
    with pytest.raises(ValueError, match="bob has answered this already"):
        toolkit.guard.desk.answer(question, Decision.reject(by="carl"))
    delete()
    (entry,) = toolkit.guard.ledger.entries()
    assert steps(cli, url, entry.id) == [
        "marketing asked to delete contact 3; a person must agree to that (contacts: full (agents.marketing.contacts))",
        "a person was asked",
        "anna approved it",
        "that answer counts no more, and a person was asked again",
        "bob approved it",
        "carl said otherwise (rejected); the answer before that stands",
        "DELETE /contacts/3 left for the account",
        "done",
    ]
    plain = cli("audit", "show", entry.id, "--ledger", url).stdout
    assert "approved by bob, done; carl said otherwise (rejected), too late." in plain.splitlines()[0]
    assert ": name: «Beatrice Lovell», now «Zed Lovell»" in plain


def test_everybody_who_said_otherwise_is_told(cli, url, toolkit, delete):
    """Whoever changes their mind is told how to hold the call back; the agent hears of it, and so does the record."""
    delete()
    question = answer(toolkit.guard, Decision.approve(by="anna"))
    late = cli("approvals", "reject", question, "--reason", "they complained", "--by", "anna", "--ledger", url)
    assert (late.exit_code, "ac-tools guard stop holds it back" in late.output) == (1, True)
    for name in ("bert", "bert"):
        cli("approvals", "reject", question, "--by", name, "--ledger", url)
    assert delete().content.startswith("bert said otherwise (rejected), after anna had answered, whose answer stands.")
    line = cli("audit", "show", "--ledger", url).stdout
    told = "approved by anna, done; anna said otherwise (rejected) and bert said otherwise (rejected), too late."
    assert line.endswith(f"{told}\n")


def test_a_stop_that_came_after_the_approval_is_told(cli, url, toolkit, delete):
    """The sentence names who had agreed, and what was in the way."""
    delete()
    answer(toolkit.guard, Decision.approve(by="anna"))
    cli("guard", "stop", "too many mails", "--by", "carl", "--ledger", url)
    delete()
    line = cli("audit", "show", "--ledger", url).stdout
    assert "approved by anna, then refused (Every write was stopped by carl at " in line
    assert "too many mails)" in line


def test_an_answer_that_nobody_came_for_is_not_one_that_nobody_gave(account, guard_for, url):
    """Anna approved in time, and the agent came back too late: neither the model nor the record blames her."""
    now = [1_790_000_000.0]
    guard = guard_for({"agents": {"marketing": {"contacts": "full"}}}, Inbox(wait=0), ledger=url, clock=lambda: now[0])
    tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_delete_contact")
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contact": 3}}
    tool.invoke(call, {"configurable": {"thread_id": "thread"}})
    answer(guard, Decision.approve(by="anna"))
    now[0] += 3600
    said = tool.invoke(call, {"configurable": {"thread_id": "thread"}}).content
    assert said.startswith("anna had answered, but nobody came for the answer until ")
    (entry,) = guard.ledger.entries()
    assert entry.verdict().startswith("approved by anna, then expired (anna had answered, ")


def test_an_edit_and_a_lost_answer_are_told(cli, url, toolkit, delete, account):
    """What it was, what anna made of it, that the answer was lost, and what reading back has shown."""
    delete()
    answer(toolkit.guard, Decision.edit({"contact": "9"}, by="anna"))
    delete()
    answer(toolkit.guard, Decision.approve(by="bob"))
    account.simulator.fault("DELETE", "/*", cut="reset", when="after")
    delete()
    (entry,) = toolkit.guard.ledger.entries()
    assert steps(cli, url, entry.id)[2:] == [
        'anna changed the arguments to {"contact": "9"}',
        "it is to delete contact 9 now; a person must agree to that (contacts: full (agents.marketing.contacts))",
        "a person was asked again",
        "bob approved it",
        "DELETE /contacts/9 left for the account",
        "nobody knows yet whether it happened (OutcomeUnknownError)",
        "read back: it did happen (contact 9 is gone)",
    ]


def test_what_the_agent_asked_for_is_not_what_a_person_made_of_it(cli, url, toolkit, delete):
    """The sentence and the export name both, so that nobody takes a person's edit for the agent's wish."""
    delete()
    answer(toolkit.guard, Decision.edit({"contact": "9"}, by="anna"))
    delete()
    answer(toolkit.guard, Decision.reject(by="anna"))
    delete()
    (shown,) = json.loads(cli("audit", "show", "--json", "--ledger", url).stdout)
    assert (shown["asked_to"], shown["changed"]) == ("delete contact 3", True)
    assert shown["sentence"] == (
        "marketing asked to delete contact 3, changed by anna to: "
        "delete contact 9 «claire.redfern@postbag.example» in sandbox.api-us1.example: edited and rejected by anna."
    )


def test_an_edit_of_a_text_to_the_same_number_changes_nothing(cli, url, toolkit, delete):
    """The card has "3" and the person types 3."""
    delete()
    answer(toolkit.guard, Decision.edit({"contact": 3}, by="anna"))
    assert delete().content == "Deleted contact 3."


def test_whose_fault_a_failed_edit_was_is_told(toolkit, delete):
    """Anna mistypes the contact; the agent does not go looking for what was wrong with its own call."""
    delete()
    answer(toolkit.guard, Decision.edit({"contact": 99999}, by="anna"))
    told = delete().content
    assert told.startswith(
        'anna changed the arguments to {"contact":99999}. What follows is about that, not about your'
    )


def test_a_rejection_is_told_with_its_reason(cli, url, toolkit, delete):
    """Why somebody said no is told, while it is kept; a reason from outside moves no cursor."""
    delete()
    answer(toolkit.guard, Decision.reject("not\x1b[2J today", by="anna"))
    delete()
    (entry,) = toolkit.guard.ledger.entries()
    assert steps(cli, url, entry.id)[-2:] == ["anna rejected it (not�[2J today)", "ended: a person said no"]


def test_what_failed_before_anybody_was_asked_was_not_allowed(cli, url, toolkit, run):
    """The contact is not there, so there is no card to show: nobody has agreed, and the record does not say so."""
    run(toolkit, "ac_delete_contact", contact=99999)
    (entry,) = toolkit.guard.ledger.entries()
    assert entry.verdict().startswith("nobody was asked, it failed (")
    asked = "marketing asked to delete contact 99999; a person must agree to that"
    assert steps(cli, url, entry.id)[0].startswith(asked)


def test_what_is_kept_beside_the_events_may_be_gone_or_damaged(cli, url, toolkit, delete, account, tmp_path):
    """The events alone tell who did what; what cannot be read beside them is left out."""
    delete()
    answer(toolkit.guard, Decision.approve(by="anna"))
    rename(account, 3)
    delete()
    (entry,) = toolkit.guard.ledger.entries()
    whole = steps(cli, url, entry.id)
    file = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    for kept in ('{"questions": [{"card": 5, "decision": 7}, 8]}', '{"questions": "none"}', "no JSON", None):
        if kept is None:
            file.execute("DELETE FROM payloads")
        else:
            file.execute("UPDATE payloads SET body = ?", (kept,))
        assert steps(cli, url, entry.id) == whole
    file.close()


def test_an_entry_that_is_not_there_is_an_error(cli, url, toolkit, delete):
    """It ends with 1 and says where the names are; an entry is not chosen from."""
    delete()
    missing = cli("audit", "show", "0123456789", "--ledger", url)
    assert (missing.exit_code, "There is no entry '0123456789'" in missing.output) == (1, True)
    chosen = cli("audit", "show", "0123456789", "--agent", "marketing", "--ledger", url)
    assert (chosen.exit_code, "leave out --agent" in chosen.output) == (2, True)


def test_a_stop_has_no_more_to_tell(cli, url, toolkit, delete):
    """The entries of the guard itself are one sentence."""
    delete()
    toolkit.guard.ledger.stop("enough", by="carl")
    entry = toolkit.guard.ledger.entries()[-1]
    assert cli("audit", "show", entry.id, "--ledger", url).stdout.endswith("carl stopped every write: enough.\n")
