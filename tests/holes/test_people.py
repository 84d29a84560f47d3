"""Rows 18, 27 to 30, 33, 41 and 42: what reaches a person who decides, and how far what they said goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from ac_guardrails import ApprovalRequest, Decision
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools._catalog import AREAS

FULL = {area: {"access": "full", "ask": "writes"} for area in AREAS}
YES = Decision.approve(by="anna")
PETERSEN, BOUNCED = 59, 47
"""Left the newsletter on 2024-10-08: "Too many emails"; and somebody whose mail came back."""
BACK = {"contact": PETERSEN, "list": 1, "status": "subscribe"}
CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}


def kind_of(message: ToolMessage) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


class Person:
    """Says the same to every question and keeps the cards; something may happen while the first one is read."""

    def __init__(self, answer: Decision = YES, meanwhile: Callable[[], Any] = lambda: None) -> None:
        self.answer = answer
        self.cards: list[str] = []
        self._meanwhile = meanwhile

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.cards.append(str(request))
        if len(self.cards) == 1:
            self._meanwhile()
        return self.answer


def owner(account: Any, method: str, path: str, body: Any = None) -> Any:
    """What the account's owner does in the browser."""
    sandbox = account.simulator
    answer = sandbox.handle(method, f"/api/3{path}", {"Api-Token": sandbox.key}, json.dumps(body).encode())
    assert answer.status < 300, answer
    del sandbox.requests[-1]
    return json.loads(answer.body or b"{}")


def graph_of(toolkit: Any, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """A graph whose one node makes all of the calls at once."""
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [AIMessage("", tool_calls=asked)]})
    graph.add_node("tools", ToolNode(toolkit.get_tools()))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    return graph.compile(checkpointer=InMemorySaver())


HOSTILE = "Eve\u202e\x1b[31m\n  Why ask    All is well» <b>approve</b> **yes** [here](https://evil.example) \u200b"


@pytest.mark.parametrize("place", ["card", "inbox", "graph"])
def test_row_18_text_of_outsiders_is_inert_wherever_a_person_looks(place, account, toolkit_for, run):
    """A name, a field's value and a tag that imitate the card, colour it or link elsewhere are data, and inert."""
    store, value = account.simulator._store, "Boss\x1b[2J\u202e» <i>urgent</i>"
    store.contacts.get(46).first_name = HOSTILE
    store.tags.get(5).tag = HOSTILE
    owner(account, "POST", "/fieldValues", {"fieldValue": {"contact": 46, "field": 1, "value": value}})
    update = (
        "ac_update_contact",
        {"contact": 46, "field_values": [{"field": 1, "value": "CEO"}], "email": "m@x.example"},
    )
    shown = shown_in(place, toolkit_for, run, update)
    assert "«Eve" in shown
    assert "«Boss" in shown
    assert not {"\u202e", "\x1b", "\u200b"} & set(shown)
    assert not [line for line in shown.splitlines() if line.strip().startswith(("Why ask    All", "All is well"))]
    data = r"(`+).*?\1" if place == "graph" else "«[^»]*»"
    outside = re.sub(data, "", shown)
    assert not [word for word in ("<b>", "<i>", "**yes", "](http", "All is well") if word in outside]


def shown_in(place: str, toolkit_for: Any, run: Any, call: tuple[str, dict[str, Any]]) -> str:
    """What a person is shown of a call: in the terminal, from the ledger, or where a graph's pauses are shown."""
    person = Person()
    approver: Any = {"card": person, "inbox": Inbox(wait=0), "graph": ask_in_graph}[place]
    toolkit = toolkit_for(FULL, approver)
    if place == "graph":
        (pause,) = graph_of(toolkit, [call]).invoke({"messages": []}, CONFIG)["__interrupt__"]
        return str(pause.value["action_requests"][0]["description"])
    run(toolkit, call[0], **call[1])
    return person.cards[0] if place == "card" else str(toolkit.guard.desk.waiting()[0].request)


GRAVER = {
    "who opted out": BACK,
    "who bounced": {**BACK, "contact": BOUNCED},
    "to a list that mails": {"contact": 46, "list": "Webinar invitations", "status": "subscribe"},
}


@pytest.mark.parametrize("case", GRAVER)
def test_row_27_nothing_agreed_to_beforehand_brings_somebody_back(case, toolkit_for, run, writes):
    """A standing approval for subscriptions answers none that needs full access: each waits for a person by itself."""
    person = Person(Decision.reject("no", by="anna"))
    toolkit = toolkit_for(FULL, person)
    until = datetime.now(UTC) + timedelta(days=1)
    toolkit.guard.standing.allow(agent="marketing", tool="ac_set_list_status", by="ben", until=until, times=9)
    assert run(toolkit, "ac_set_list_status", contact=46, list=5, status="subscribe").status == "success"
    assert (len(person.cards), len(writes())) == (0, 1)
    assert kind_of(run(toolkit, "ac_set_list_status", **GRAVER[case])) == "rejected"
    assert (len(person.cards), len(writes())) == (1, 1)


def test_row_30_nothing_agreed_to_beforehand_mails_from_an_import(toolkit_for, run, writes):
    """A standing approval for imports answers none into a list that mails by itself, and none that runs automations."""
    person = Person(Decision.reject("no", by="anna"))
    toolkit = toolkit_for(FULL, person)
    until = datetime.now(UTC) + timedelta(days=1)
    toolkit.guard.standing.allow(agent="marketing", tool="ac_import_contacts", by="ben", until=until, people=99)
    assert run(toolkit, "ac_import_contacts", contacts=LEADS[:1], subscribe=[1]).status == "success"
    assert (len(person.cards), len(writes())) == (0, 1)
    for more in ({"subscribe": ["Webinar invitations"]}, {"run_automations": True}):
        assert kind_of(run(toolkit, "ac_import_contacts", contacts=LEADS[1:2], **more)) == "rejected"
    assert (len(person.cards), len(writes())) == (2, 1)


def test_row_27_the_card_of_an_import_says_who_left_when_and_why(toolkit_for, run):
    """Of people whom an import would subscribe, those who left are named with the day and their reason."""
    person = Person(Decision.reject(by="anna"))
    leads = [{"email": "k.petersen@hafenkontor.example"}, {"email": "new@import.example"}]
    run(toolkit_for(FULL, person), "ac_import_contacts", contacts=leads, subscribe=["Newsletter"])
    (card,) = person.cards
    line = next((line for line in card.splitlines() if line.strip().startswith("Opted out")), "")
    assert "k.petersen@hafenkontor.example" in line
    assert "2024-10-08" in line
    assert "Too many emails" in line


def test_row_27_a_new_address_for_whoever_left_is_an_action_of_its_own(toolkit_for, approve, run, writes):
    """With another address nobody would know that they left: refused with write access, a person's with full."""
    change = {"contact": PETERSEN, "email": "k.petersen@elsewhere.example"}
    assert kind_of(run(toolkit_for({"contacts": "write"}, approve), "ac_update_contact", **change)) == "refused"
    assert (approve.requests, writes()) == ([], [])
    run(toolkit_for({"contacts": "full"}, approve), "ac_update_contact", **change)
    assert "opted out of «Newsletter» on 2024-10-08" in " ".join(str(approve.requests[0]).split())


@pytest.mark.parametrize("kind", ["tag", "automation"])
def test_row_28_another_association_by_now_is_asked_about_again(kind, account, toolkit_for, run, writes):
    """A tag that was taken off and put on again while a person thought, or a run that began anew: asked once more."""
    tool, contact, path, wrap = {
        "tag": ("ac_remove_tag", 46, "contactTags", "contactTag"),
        "automation": ("ac_remove_from_automation", 32, "contactAutomations", "contactAutomation"),
    }[kind]

    def again() -> None:
        rows = owner(account, "GET", f"/contacts/{contact}/{path}")[path]
        (row,) = [row for row in rows if row[kind] == "5" and row.get("status") != "2"]
        owner(account, "DELETE", f"/{path}/{row['id']}")
        owner(account, "POST", f"/{path}", {wrap: {"contact": contact, kind: 5}})

    person = Person(meanwhile=again)
    message = run(toolkit_for(FULL, person), tool, contact=contact, **{kind: 5})
    assert message.status == "success", message.content
    assert len(person.cards) == 2
    assert len(writes()) == 1


def _mails_now(account: Any) -> None:
    account.simulator._store.lists.get(1).send_last_broadcast = "1"


def _switched_on(account: Any) -> None:
    account.simulator._store.automations.get(3).status = 1


LEADS = [{"email": f"lead-{number}@import.example"} for number in range(5_000)]
CHANGED = {
    "29 an automation is on": (
        "ac_import_contacts",
        {"contacts": LEADS[:2], "run_automations": True},
        _switched_on,
        "active automations:",
    ),
    "30 the list of an import mails": (
        "ac_import_contacts",
        {"contacts": LEADS[:2], "subscribe": [1]},
        _mails_now,
        "mails its last campaign: False, now True",
    ),
    "30 the list mails": ("ac_set_list_status", BACK, _mails_now, "mails its last campaign: False, now True"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_row_29_and_30_whom_it_reaches_by_now_is_asked_again(case, account, toolkit_for, run, writes):
    """An automation switched on, or a list that mails its last campaign by now: the approval is void, and says why."""
    tool, args, happens, said = CHANGED[case]
    person = Person(meanwhile=lambda: happens(account))
    run(toolkit_for(FULL, person), tool, **args)
    assert len(person.cards) == 2
    assert said in " ".join(person.cards[1].partition("Changed since")[2].split())
    assert len(writes()) == 1


def test_row_33_5000_people_in_one_call(toolkit_for, run, writes):
    """An import of 5,000 people where there is room for 4,999 is refused before anybody is asked, or a part is sent."""
    person = Person()
    toolkit = toolkit_for({"contacts": {"access": "full", "people_per_day": 4999}}, person)
    refused = run(toolkit, "ac_import_contacts", contacts=LEADS)
    assert "It never has room for 5000 at once: split the call." in refused.content
    assert (person.cards, writes()) == ([], [])


CALLS = [("ac_create_tag", {"name": f"Fair {number}"}) for number in range(56)]


def test_row_33_56_calls_in_one_step(toolkit_for, writes):
    """Of 56 calls that a model makes at once, as many leave as the limit has room for, and the others say so."""
    toolkit = toolkit_for({"tags": {"access": "write", "calls_per_hour": 50}})
    told = graph_of(toolkit, CALLS).invoke({"messages": []}, CONFIG)["messages"][1:]
    assert sum(message.status == "success" for message in told) == len(writes()) == 50
    said = {message.content.partition(";")[0] for message in told if message.status == "error"}
    assert said == {"marketing may make at most 50 calls per hour in tags"}


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_row_33_56_calls_in_one_step_are_one_question(answer, toolkit_for, writes):
    """A person decides on all of them at one pause, sees each, and one answer is enough."""
    graph = graph_of(toolkit_for({"tags": {"access": "write", "ask": "writes"}}, ask_in_graph), CALLS)
    (pause,) = graph.invoke({"messages": []}, CONFIG)["__interrupt__"]
    assert [one["args"]["name"] for one in pause.value["action_requests"]] == [args["name"] for _, args in CALLS]
    assert writes() == []
    told = graph.invoke(Command(resume={"decisions": [{"type": answer}] * 56}), CONFIG)["messages"][1:]
    assert len(told) == 56
    assert len(writes()) == (56 if answer == "approve" else 0)


TOUCHED = {
    "lists": {"subscribe": ["Newsletter"]},
    "tags": {"tags": ["VIP"]},
    "automations": {"run_automations": True},
}


@pytest.mark.parametrize("area", TOUCHED)
def test_row_41_the_limits_of_every_area_bind_an_import(area, toolkit_for, approve, run, writes):
    """Two people where the area that the import touches has room for one: refused, however large its own limit is."""
    toolkit = toolkit_for({**dict.fromkeys(AREAS, "full"), area: {"access": "full", "people_per_day": 1}}, approve)
    message = run(toolkit, "ac_import_contacts", contacts=LEADS[:2], **TOUCHED[area])
    assert kind_of(message) == "refused"
    assert f"at most 1 person per day in {area}" in message.content
    assert (approve.requests, writes()) == ([], [])


@pytest.mark.parametrize("answer", ["approve", "reject", "wait"])
def test_row_42_the_agent_gets_nothing_of_the_card(answer, toolkit_for, run):
    """What a person is shown so that they can decide is in no answer to an agent that may not read it."""
    person = Person(YES if answer == "approve" else Decision.reject("no", by="anna"))
    approver = Inbox(wait=0) if answer == "wait" else person
    toolkit = toolkit_for({"tags": {"access": "write", "ask": "writes"}}, approver)
    message = run(toolkit, "ac_add_tag", contact=46, tag=3)
    card = str(toolkit.guard.desk.waiting()[0].request) if answer == "wait" else person.cards[0]
    secrets = ("Lindqvist", "maria@", "Newsletter", "18,400", "Reception", "Fabric samples")
    assert all(secret in card for secret in secrets)
    assert not [secret for secret in secrets if secret in f"{message.content} {message.artifact!r}"]
