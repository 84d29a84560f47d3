"""Taking back: a plan first, refused where somebody changed the record, by the agent's own grants, once, and on record.

How each single tool's write is taken back has tests of its own; here a tag on a contact stands for most of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard, PermitError, Request, StoppedError
from ac_guardrails._events import Event
from ac_guardrails._look import looked
from ac_guardrails._settle import close
from ac_guardrails._steps import drive
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.undo import UndoError

HOST = "sandbox.api-us1.example"
CONTACT, TAG = 46, 3
ASKED = {area: {"access": "full", "ask": "writes"} for area in AREAS}


@pytest.fixture(params=["sync", "async"])
def undo(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Takes an entry back, once from sync code and once on an event loop."""

    def take_back(toolkit: ActiveCampaignToolkit, entry: str, by: str = "anna") -> Any:
        if request.param == "sync":
            return toolkit.undo(entry, by=by)
        return asyncio.run(toolkit.aundo(entry, by=by))

    return take_back


@pytest.fixture
def wrote(run: Any) -> Callable[..., str]:
    """Makes a write, by default a tag on a contact, and gives its entry."""

    def write(toolkit: ActiveCampaignToolkit, tool: str = "ac_add_tag", /, **arguments: Any) -> str:
        run(toolkit, tool, **(arguments or {"contact": CONTACT, "tag": TAG}))
        return str(toolkit.guard.ledger.entries()[-1].id)

    return write


@pytest.fixture
def toolkit_with(account: ActiveCampaign, guard_for: Any) -> Callable[..., ActiveCampaignToolkit]:
    """Makes a toolkit on the embedded account."""

    def make(approver: Any = None, grants: Any = None, **options: Any) -> ActiveCampaignToolkit:
        guard = guard_for(grants or dict.fromkeys(AREAS, "full"), approver, **options)
        return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    return make


def tags_of(account: ActiveCampaign, contact: int = CONTACT) -> list[int]:
    assert account.simulator is not None
    return sorted(row.tag for row in account.simulator._store.contact_tags if row.contact == contact)


def writes_to(account: ActiveCampaign) -> int:
    assert account.simulator is not None
    return sum(request.method != "GET" for request in account.simulator.requests)


def meanwhile(account: ActiveCampaign, method: str, path: str, body: Any = None) -> None:
    """Somebody does something in the account, past the guard."""
    assert account.simulator is not None
    headers, content = {"Api-Token": account.simulator.key}, json.dumps(body).encode()
    answer = account.simulator.handle(method, f"/api/3{path}", headers, content)
    assert answer.status < 300, answer


def association(account: ActiveCampaign, contact: int = CONTACT, tag: int = TAG) -> int:
    assert account.simulator is not None
    rows = account.simulator._store.contact_tags
    return next(row.id for row in rows if (row.contact, row.tag) == (contact, tag))


def entry_of(toolkit: ActiveCampaignToolkit, entry: str) -> Any:
    found = toolkit.guard.ledger.entry(entry)
    assert found is not None
    return found


# What it does, and what is on record of it


def test_a_write_is_taken_back(toolkit: Any, wrote: Any, undo: Any) -> None:
    """What the write did is gone, in both worlds."""
    before = tags_of(toolkit.account)
    entry = wrote(toolkit)
    undone = undo(toolkit, entry)
    assert undone.complete
    assert tags_of(toolkit.account) == before
    assert str(undone).splitlines()[0] == f"Entry {entry} is taken back, for anna."


def test_both_entries_say_so(toolkit: Any, wrote: Any, undo: Any) -> None:
    """The write's entry says who had it taken back; the undo's, what it takes back and for whom; the chain is whole."""
    entry = wrote(toolkit)
    [step] = undo(toolkit, entry).steps
    taken, taking = entry_of(toolkit, entry), entry_of(toolkit, step.entry)
    assert (taken.undone, taken.undone_at > 0, taken.state, taken.outcome) == ("anna", True, "closed", "done")
    assert taken.sentence.endswith(f"in {HOST}: allowed, done; taken back by anna.")
    assert (taking.undoes, taking.behalf, taking.undone) == (entry, "anna", "")
    assert taking.sentence == (
        f"marketing asked to take tag {TAG} off contact {CONTACT}, undoing entry {entry} for anna, in {HOST}: "
        "allowed, done."
    )
    assert toolkit.guard.ledger.verify() == ""


def test_a_name_cannot_break_the_record(toolkit: Any, wrote: Any, undo: Any) -> None:
    """A name of many words and lines stands on one line, wherever it is said."""
    entry = wrote(toolkit)
    undone = undo(toolkit, entry, "anna\nroot " + "x" * 2000)
    assert undone.complete
    assert "\n" not in entry_of(toolkit, entry).sentence + entry_of(toolkit, undone.steps[0].entry).sentence
    assert "anna root" in entry_of(toolkit, entry).undone


def test_what_is_kept_of_the_write_stays_as_it_was(toolkit: Any, wrote: Any, undo: Any) -> None:
    """Taking a write back neither opens its entry again nor keeps its values any longer."""
    entry = wrote(toolkit)

    def kept() -> Any:
        with toolkit.guard.ledger.reading() as connection:
            return connection.execute("SELECT * FROM payloads WHERE entry = ?", (entry,)).fetchall()

    before = kept()
    undo(toolkit, entry)
    assert kept() == before
    assert toolkit.guard.ledger.not_closed() == []


def test_an_undo_is_undone_like_any_write(toolkit: Any, wrote: Any, undo: Any) -> None:
    """Taking the taking back back puts the tag back."""
    entry = wrote(toolkit)
    [step] = undo(toolkit, entry).steps
    again = undo(toolkit, step.entry, "ben")
    assert again.complete
    assert TAG in tags_of(toolkit.account)
    assert entry_of(toolkit, step.entry).undone == "ben"
    assert entry_of(toolkit, again.steps[0].entry).undoes == step.entry


def test_what_was_read_for_it_is_on_record(toolkit: Any, wrote: Any) -> None:
    """A plan sends nothing, and its reads stand as the guard's own beside the write that it is about."""
    entry = wrote(toolkit)
    assert toolkit.account.simulator is not None
    before, sent = entry_of(toolkit, entry).reads, len(toolkit.account.simulator.requests)
    toolkit.undo_plan(entry)
    assert writes_to(toolkit.account) == 1
    assert entry_of(toolkit, entry).reads - before == len(toolkit.account.simulator.requests) - sent > 0
    assert len(toolkit.guard.ledger.entries()) == 1


def test_a_look_cannot_write(toolkit: Any, wrote: Any) -> None:
    """What only looks may not send a write, whatever an inverse yields."""
    entry = entry_of(toolkit, wrote(toolkit))

    def looking() -> Any:
        yield Request("DELETE", f"/contacts/{CONTACT}")

    with pytest.raises(PermitError, match="is no read"):
        drive(looked(toolkit.guard, looking(), entry), toolkit.account)
    assert writes_to(toolkit.account) == 1


# The plan


def test_the_plan_says_what_would_be_done(toolkit: Any, wrote: Any) -> None:
    """What was done, each call in plain words with names, the level that it needs, and last what is not restored."""
    entry = wrote(toolkit, "ac_add_tag", contact="maria@lindqvist-interiors.example", tag="VIP")
    plan = toolkit.undo_plan(entry)
    lines = str(plan).splitlines()
    assert lines[0].startswith(f"Entry {entry}: marketing asked to put tag {TAG} «VIP» on contact {CONTACT}")
    assert lines[1].startswith("To take it back, as marketing: ")
    assert lines[2] == f"  1. take tag {TAG} «VIP» off contact {CONTACT} «maria@lindqvist-interiors.example»"
    assert lines[3] == "     Needs tags: write; the grants allow it"
    assert lines[-1].startswith("What it cannot restore: ")


async def test_a_plan_on_a_loop_is_the_same(toolkit: Any, wrote: Any) -> None:
    """Both worlds plan alike."""
    entry = wrote(toolkit)
    assert str(await toolkit.aundo_plan(entry)) == str(toolkit.undo_plan(entry))


def test_the_plan_shows_what_a_person_will_be_asked(toolkit: Any, wrote: Any, approve: Any) -> None:
    """Where a person is asked, the plan has the rows of the card, and says why they are asked."""
    plan = toolkit.undo_plan(wrote(toolkit, "ac_create_tag", name="Trial"))
    text = str(plan)
    assert plan.steps[0].verdict.kind == "ask"
    assert "Tag        «Trial»" in text
    assert "Needs tags: full; a person is asked: " in text
    assert approve.requests == []


def test_the_card_says_what_is_taken_back_and_for_whom(toolkit: Any, wrote: Any, approve: Any, undo: Any) -> None:
    """Whoever is asked sees which write the call undoes, and for whom."""
    entry = wrote(toolkit, "ac_create_tag", name="Trial")
    undo(toolkit, entry)
    [request] = approve.requests
    assert dict(request.card.rows)["Undoes"] == f"entry {entry}, for anna: create the tag Trial"


# Where it is refused


def refused(toolkit: Any, entry: str) -> str:
    """Why an entry cannot be taken back; the same is said before and instead of doing it, and nothing is sent."""
    before = writes_to(toolkit.account)
    with pytest.raises(UndoError) as planning:
        toolkit.undo_plan(entry)
    with pytest.raises(UndoError) as error:
        toolkit.undo(entry, by="anna")
    assert str(planning.value) == str(error.value)
    assert writes_to(toolkit.account) == before
    return str(error.value)


def test_no_entry(toolkit: Any) -> None:
    """What is not on record is not taken back."""
    assert refused(toolkit, "3f2a") == "There is no entry '3f2a' on this ledger. ac-tools audit show lists them."


def test_a_stop_is_no_call(toolkit: Any) -> None:
    """Stops and standing approvals are no agent's writes."""
    toolkit.guard.ledger.stop("why not", by="anna")
    toolkit.guard.ledger.resume(by="anna")
    assert refused(toolkit, toolkit.guard.ledger.entries()[0].id).endswith("it is no call of an agent.")


def test_a_read(toolkit: Any, wrote: Any) -> None:
    """A read leaves nothing to take back."""
    entry = wrote(toolkit, "ac_list_tags")
    assert refused(toolkit, entry) == f"Entry {entry} cannot be taken back: it is a read, which has changed nothing."


def test_what_was_refused_or_rejected(toolkit_with: Any, wrote: Any) -> None:
    """Where nothing was sent there is nothing to take back."""
    toolkit = toolkit_with(lambda request: Decision.reject("no", by="ben"), {"tags": "read", "contacts": "full"})
    said = refused(toolkit, wrote(toolkit))
    assert "cannot be taken back: nothing was done (refused (marketing has tags: read" in said
    said = refused(toolkit, wrote(toolkit, "ac_delete_contact", contact=CONTACT))
    assert said.endswith("nothing was done (rejected by ben (no)).")


def test_what_still_waits(toolkit_with: Any, wrote: Any) -> None:
    """A call that waits for a person is stopped by rejecting it."""
    toolkit = toolkit_with(Inbox(wait=0))
    entry = wrote(toolkit, "ac_delete_contact", contact=CONTACT)
    assert refused(toolkit, entry).endswith(f"To stop it: ac-tools approvals reject {entry}")


def test_an_unknown_outcome(toolkit: Any, wrote: Any, undo: Any) -> None:
    """What nobody knows is settled first; once it is known to have happened, it is taken back."""
    toolkit.account.simulator.fault("POST", "/contactTags", cut="reset")
    entry = wrote(toolkit)
    assert refused(toolkit, entry).endswith(f"Settle that first: ac-tools audit settle {entry}")
    meanwhile(toolkit.account, "POST", "/contactTags", {"contactTag": {"contact": CONTACT, "tag": TAG}})
    close(toolkit.guard, entry, happened=True, by="ben")
    assert undo(toolkit, entry).complete
    assert TAG not in tags_of(toolkit.account)


def test_what_nobody_keeps_the_values_of(toolkit_with: Any, wrote: Any) -> None:
    """Without the values that are kept beside the events there is no undo."""
    toolkit = toolkit_with(payloads="none")
    said = refused(toolkit, wrote(toolkit))
    assert "its values are no longer kept" in said
    assert "Correct the record by hand" in said


def test_another_account(toolkit: Any, wrote: Any) -> None:
    """A write is taken back in the account that it was made in."""
    entry = wrote(toolkit)
    with ActiveCampaign(url="https://other.api-us1.example", key="k") as other:
        elsewhere = ActiveCampaignToolkit(account=other, guard=toolkit.guard, agent="marketing")
        with pytest.raises(UndoError, match=f"it is of the account {HOST}, and this is other.api-us1.example"):
            elsewhere.undo(entry, by="anna")


def test_a_call_that_joined_another(toolkit_with: Any, wrote: Any) -> None:
    """A call that stood for another one names that."""
    toolkit = toolkit_with(Inbox(wait=0), ASKED)
    first, second = wrote(toolkit), wrote(toolkit)
    assert entry_of(toolkit, second).joined == first
    assert refused(toolkit, second).endswith(f"Take that back: ac-tools undo {first}")


def test_what_is_undone_already(toolkit: Any, wrote: Any) -> None:
    """A second undo says who had it taken back, and when."""
    entry = wrote(toolkit)
    toolkit.undo(entry, by="anna")
    assert "cannot be taken back: anna had it taken back already, on 20" in refused(toolkit, entry)


def test_a_person_who_makes_something_else_of_it(toolkit_with: Any, wrote: Any, undo: Any) -> None:
    """A step that a person edits is done as they said, and the write does not count as taken back, however often."""
    answers = [Decision.approve(by="ben"), Decision.edit({"contact": "46", "phone": "3"}, by="ben")]
    toolkit = toolkit_with(lambda request: answers.pop(0), ASKED)
    entry = wrote(toolkit, "ac_update_contact", contact=CONTACT, phone="2")
    for _ in range(2):
        undone = undo(toolkit, entry)
        assert [step.fate for step in undone.steps] == ["edited"]
        assert not undone.complete
        assert not entry_of(toolkit, entry).undone
    assert not answers


def test_a_rehearsal(toolkit_with: Any, wrote: Any) -> None:
    """What was rehearsed was never done."""
    toolkit = toolkit_with(mode="rehearse")
    assert refused(toolkit, wrote(toolkit)).endswith("it was a rehearsal, in which nothing is sent.")


def test_what_was_done_in_part(toolkit: Any) -> None:
    """Of what was done in part nobody guesses the rest."""
    said = {"tool": "ac_update_deal", "host": HOST, "what": "update deal 1", "verdict": "allow", "write": True}
    toolkit.guard.ledger.append(
        Event("abc", "decided", "marketing", said),
        Event("abc", "sent", "marketing"),
        Event("abc", "outcome", "marketing", {"outcome": "partly"}),
        payload={"arguments": {"deal": 1}, "key": {"deal": 1}},
    )
    assert "only a part of it was done" in refused(toolkit, "abc")


def test_a_tool_that_has_no_inverse(toolkit: Any, wrote: Any) -> None:
    """A tool whose writes cannot be taken back says why."""
    entry = wrote(toolkit, "ac_import_contacts", contacts=[{"email": "new@example.com"}])
    assert refused(toolkit, entry).startswith(f"Entry {entry} cannot be taken back: ")


def test_a_changed_record(toolkit: Any, wrote: Any) -> None:
    """Where somebody has changed the record since, nothing is sent, and it is said what."""
    entry = wrote(toolkit)
    meanwhile(toolkit.account, "DELETE", f"/contactTags/{association(toolkit.account)}")
    said = refused(toolkit, entry)
    assert said.startswith(f"Entry {entry} cannot be taken back, because it would overwrite what was changed since: ")
    assert str(TAG) in said
    assert entry_of(toolkit, entry).undone == ""


def test_nobody_named(toolkit: Any, wrote: Any) -> None:
    """An undo has a person's name."""
    with pytest.raises(ValueError, match="needs the name of the person for whom it is done: by="):
        toolkit.undo(wrote(toolkit), by=" ")


def test_a_stop_halts_it(toolkit: Any, wrote: Any, undo: Any) -> None:
    """A stop with reads halts the looking, one of writes the taking back; it goes on when the guard does."""
    entry, ledger = wrote(toolkit), toolkit.guard.ledger
    ledger.stop("fire", by="ben", reads=True)
    with pytest.raises(StoppedError):
        undo(toolkit, entry)
    ledger.resume(by="ben")
    ledger.stop("fire", by="ben")
    undone = undo(toolkit, entry)
    assert [step.fate for step in undone.steps] == ["stopped"]
    assert TAG in tags_of(toolkit.account)
    ledger.resume(by="ben")
    assert undo(toolkit, entry).complete


# Grants and people


def test_the_agents_grants_hold(toolkit: Any, guard_for: Any, wrote: Any, undo: Any) -> None:
    """What the agent may not do it may not do to take something back either; that is on record as an attempt."""
    entry = wrote(toolkit, "ac_create_tag", name="Trial")
    lower = Guard(
        Grants.from_dict({"agents": {"marketing": {"tags": "write"}}}, catalog=catalog), ledger=toolkit.guard.ledger
    )
    less = ActiveCampaignToolkit(account=toolkit.account, guard=lower, agent="marketing")
    assert "the grants do not allow it" in str(less.undo_plan(entry))
    undone = undo(less, entry)
    assert [step.fate for step in undone.steps] == ["refused"]
    assert "0 of 1 calls done" in str(undone)
    attempt = entry_of(toolkit, undone.steps[0].entry)
    assert (attempt.undoes, attempt.decision) == (entry, "refused")
    assert entry_of(toolkit, entry).undone == ""


def test_a_rejection_stands_for_one_undo(toolkit_with: Any, wrote: Any, undo: Any) -> None:
    """Rejected, nothing is done; a new undo asks anew."""
    answers = [Decision.reject("keep it", by="ben"), Decision.approve(by="ben")]
    toolkit = toolkit_with(lambda request: answers.pop(0))
    entry = wrote(toolkit, "ac_create_tag", name="Trial")
    first = undo(toolkit, entry)
    assert [step.fate for step in first.steps] == ["rejected"]
    assert "keep it" in str(first)
    assert undo(toolkit, entry).complete
    assert answers == []


def test_by_is_no_approval(toolkit_with: Any, wrote: Any, undo: Any) -> None:
    """Without an approver what needs a person is refused, whoever it is done for."""
    toolkit = toolkit_with()
    undone = undo(toolkit, wrote(toolkit, "ac_create_tag", name="Trial"))
    assert [step.fate for step in undone.steps] == ["refused"]


def test_it_goes_on_after_a_restart(account: Any, guard_for: Any, wrote: Any, undo: Any, tmp_path: Any) -> None:
    """An undo that waits in the ledger's file is answered there, and goes on in another process's guard."""
    url = f"sqlite:///{tmp_path}/ledger.db"

    def opened() -> ActiveCampaignToolkit:
        guard = guard_for(dict.fromkeys(AREAS, "full"), Inbox(wait=0), ledger=url)
        return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    toolkit = opened()
    entry = wrote(toolkit, "ac_create_tag", name="Trial")
    assert [step.fate for step in undo(toolkit, entry).steps] == ["waiting"]
    assert writes_to(account) == 1
    toolkit.guard.ledger.close()
    later = opened()
    [question] = later.guard.desk.waiting()
    later.guard.desk.answer(question.request.id, Decision.approve(by="ben"))
    undone = undo(later, entry, "carla")
    assert undone.complete
    assert writes_to(account) == 2
    assert entry_of(later, undone.steps[0].entry).sentence.endswith("approved by ben, done.")
    assert entry_of(later, entry).undone == "carla"
    assert later.guard.ledger.verify() == ""


def test_a_lost_answer_that_did_happen(toolkit: Any, wrote: Any, undo: Any) -> None:
    """A call whose answer was lost is read back, and counts as done where it happened."""
    entry = wrote(toolkit)
    toolkit.account.simulator.fault("DELETE", "/contactTags/*", cut="reset", when="after")
    assert undo(toolkit, entry).complete
    assert writes_to(toolkit.account) == 2


def test_a_lost_answer_is_settled_before_it_goes_on(toolkit_with: Any, wrote: Any, undo: Any) -> None:
    """While nobody knows whether a call happened it is not repeated; once it is known that it did not, it is made."""
    now = [1_790_000_000.0]
    toolkit = toolkit_with(clock=lambda: now[0])
    entry = wrote(toolkit)
    toolkit.account.simulator.fault("DELETE", "/contactTags/*", cut="reset")
    assert [step.fate for step in undo(toolkit, entry).steps] == ["unknown"]
    again = undo(toolkit, entry)
    assert [step.fate for step in again.steps] == ["unknown"]
    assert "It may still land" in str(again)
    assert writes_to(toolkit.account) == 2
    now[0] += 61
    toolkit.settle()
    assert undo(toolkit, entry).complete
    assert (writes_to(toolkit.account), TAG in tags_of(toolkit.account)) == (3, False)


def test_a_call_that_came_to_nothing_is_made_anew(toolkit: Any, wrote: Any, undo: Any) -> None:
    """What the account refused has certainly not been done, so the next undo tries it again."""
    entry = wrote(toolkit)
    toolkit.account.simulator.fault("DELETE", "/contactTags/*", status=403)
    assert [step.fate for step in undo(toolkit, entry).steps] == ["failed"]
    assert undo(toolkit, entry).complete


def test_a_rehearsed_undo_sends_nothing(toolkit: Any, wrote: Any, undo: Any) -> None:
    """In a rehearsal an undo says what it would have sent, and takes nothing back."""
    entry = wrote(toolkit)
    guard = Guard(toolkit.guard.grants, ledger=toolkit.guard.ledger, mode="rehearse")
    rehearsing = ActiveCampaignToolkit(account=toolkit.account, guard=guard, agent="marketing")
    undone = undo(rehearsing, entry)
    assert str(undone).startswith(f"A rehearsal of taking entry {entry} back: nothing was sent.")
    assert (writes_to(toolkit.account), entry_of(toolkit, entry).undone) == (1, "")
    assert undo(toolkit, entry).complete


# At once


def test_many_at_once_do_it_once(account: Any, guard_for: Any, wrote: Any, tmp_path: Any) -> None:
    """However many take the same entry back at once, each on a ledger of its own in one file, one write leaves."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    guards = [guard_for(dict.fromkeys(AREAS, "full"), ledger=url) for _ in range(8)]
    toolkits = [ActiveCampaignToolkit(account=account, guard=guard, agent="marketing") for guard in guards]
    entry = wrote(toolkits[0])

    def take_back(toolkit: ActiveCampaignToolkit) -> str:
        try:
            return "done" if toolkit.undo(entry, by="anna").complete else "not done"
        except UndoError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(take_back, toolkits))
    assert said.count("done") >= 1
    assert all(one == "done" or "had it taken back already" in one for one in said), said
    assert writes_to(account) == 2
    events = guards[0].ledger
    with events.reading() as connection:
        [(count,)] = connection.execute("SELECT COUNT(*) FROM events WHERE kind = 'undone'").fetchall()
    assert count == 1
    assert events.verify() == ""


# Several calls, stage by stage


@pytest.fixture
def deleted(toolkit_with: Any, wrote: Any) -> Callable[..., tuple[ActiveCampaignToolkit, str]]:
    """Deletes a contact with lists and tags, and gives the toolkit that takes it back with the entry."""

    def delete(approver: Any = None, **grants: Any) -> tuple[ActiveCampaignToolkit, str]:
        toolkit = toolkit_with(lambda request: Decision.approve(by="ben"))
        entry = wrote(toolkit, "ac_delete_contact", contact=CONTACT)
        given = {"agents": {"marketing": grants or ASKED}}
        guard = Guard(Grants.from_dict(given, catalog=catalog), ledger=toolkit.guard.ledger, approver=approver)
        return ActiveCampaignToolkit(account=toolkit.account, guard=guard, agent="marketing"), entry

    return delete


def fates(undone: Any) -> list[str]:
    return [step.fate for step in undone.steps]


def test_the_calls_of_a_stage_are_one_question(deleted: Any, approve: Any, undo: Any) -> None:
    """A deleted contact is back after two questions: one to create it, one for its lists and tags."""
    toolkit, entry = deleted(approve)
    undone = undo(toolkit, entry)
    assert (fates(undone), len(approve.requests)) == (["done"] * 6, 2)
    members = [entry_of(toolkit, step.entry) for step in undone.steps]
    assert {member.undoes for member in members} == {entry}
    assert toolkit.guard.ledger.verify() == ""


def test_half_an_undo_is_not_begun(deleted: Any, undo: Any) -> None:
    """Where a later call is not granted, no call is made."""
    toolkit, entry = deleted(contacts="full", lists="write")
    undone = undo(toolkit, entry)
    assert fates(undone) == ["not begun"] * 3 + ["refused"] * 3
    assert writes_to(toolkit.account) == 1


def test_a_later_stage_waits_for_the_one_before(deleted: Any, undo: Any) -> None:
    """Where the contact was not created, nobody is asked about its lists and tags."""
    asked: list[Any] = []

    def reject(request: Any) -> Decision:
        asked.append(request)
        return Decision.reject("no", by="ben")

    toolkit, entry = deleted(reject)
    assert fates(undo(toolkit, entry)) == ["rejected"] + ["not begun"] * 5
    assert len(asked) == 1


def test_it_goes_on_with_what_is_left(deleted: Any, approve: Any, undo: Any) -> None:
    """What failed is made anew by the next undo, what was done is not, though the record has changed by it."""
    toolkit, entry = deleted(approve)
    toolkit.account.simulator.fault("POST", "/contactTags", status=403)
    first = undo(toolkit, entry)
    assert sorted(fates(first)) == ["done"] * 5 + ["failed"]
    assert "5 of 6 calls done" in str(first)
    assert [step.made is not None for step in toolkit.undo_plan(entry).steps].count(True) == 5
    sent, asked = writes_to(toolkit.account), len(approve.requests)
    second = undo(toolkit, entry)
    assert second.complete
    assert (writes_to(toolkit.account), len(approve.requests)) == (sent + 1, asked + 1)
    assert [step.entry for step in first.steps if step.fate == "done"] == [
        step.entry for step, before in zip(second.steps, first.steps, strict=True) if before.fate == "done"
    ]


def test_a_set_that_waits_is_gone_on_with(deleted: Any, undo: Any) -> None:
    """Each stage waits in the inbox, and the undo goes on when it was answered."""
    toolkit, entry = deleted(Inbox(wait=0))
    desk = toolkit.guard.desk
    for waiting in (1, 5):
        assert fates(undo(toolkit, entry)).count("waiting") == waiting
        together = max(desk.waiting(), key=lambda question: len(question.request.card.rows))
        desk.answer(together.request.id, Decision.approve(by="ben"))
    assert undo(toolkit, entry).complete
    assert entry_of(toolkit, entry).undone == "anna"


def test_in_a_graph_the_graph_waits(account: Any, guard_for: Any, wrote: Any, tmp_path: Any) -> None:
    """An undo in a node pauses the graph at each question, goes on when it is resumed, and does each call once."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, StateGraph
    from langgraph.types import Command

    ledger = f"sqlite:///{tmp_path}/ledger.db"
    toolkit = ActiveCampaignToolkit(
        account=account,
        guard=guard_for(dict.fromkeys(AREAS, "full"), lambda request: Decision.approve(by="ben"), ledger=ledger),
        agent="marketing",
    )
    entry = wrote(toolkit, "ac_delete_contact", contact=CONTACT)
    asking = ActiveCampaignToolkit(
        account=account,
        guard=guard_for({"agents": {"marketing": ASKED}}, ask_in_graph, ledger=ledger),
        agent="marketing",
    )
    builder = StateGraph(dict)
    builder.add_node("undo", lambda state: {"said": str(asking.undo(entry, by="anna"))})
    builder.add_edge(START, "undo")
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1", "approver": "carla"}}
    result = graph.invoke({}, config)
    for _ in range(2):
        assert "__interrupt__" in result
        result = graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config)
    assert result["said"].startswith(f"Entry {entry} is taken back, for anna.")
    assert writes_to(account) == 7
