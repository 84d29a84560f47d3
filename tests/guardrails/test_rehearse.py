"""Rehearsing: as in earnest, but no write leaves, and nothing of it stands in the way of the call in earnest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from ac_guardrails import Action, Card, Decision, Guard, PermitError, Plan, Rehearsal, Request
from ac_guardrails import _guard as guard_module
from ac_guardrails._origin import Origin
from ac_guardrails._request import mint
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.testing import ScriptedChatModel

HERE = Origin("thread", "turn", "call_1")
WRITES = ("rename_book", "burn_book", "mail_members")
CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}


def yes(request: Any) -> Decision:
    return Decision.approve(by="anna")


@pytest.fixture
def rehearsal(guard: Any) -> Callable[..., Guard]:
    def make(areas: Any = None, **options: Any) -> Guard:
        return guard(areas, **{"approver": yes, "mode": "rehearse", **options})

    return make


@pytest.mark.parametrize("tool", WRITES)
def test_a_write_is_told_and_not_sent(rehearsal: Any, job: Any, sender: Any, carry: Any, tool: str) -> None:
    """What would have been sent is in the answer and in its artifact; nothing leaves, and the record says so."""
    opened = rehearsal()
    answer = carry(opened, job(tool, {"book": 7, "title": "Emma"}, people=3))
    assert sender.requests == []
    assert answer.ok
    assert isinstance(answer.artifact, Rehearsal)
    (request,) = answer.artifact.requests
    assert (request.path, answer.artifact.people) == ("/books/7", 3)
    assert f"{request.method} /books/7" in answer.content
    assert "nothing was sent" in answer.content
    assert "3 people" in answer.content
    (entry,) = opened.ledger.entries()
    assert (entry.outcome, entry.state, entry.writes) == ("rehearsed", "closed", 0)
    assert entry.sentence.endswith(", rehearsed, and nothing was sent.")
    assert opened.ledger.verify() == ""


def test_reads_run_as_ever(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """A call that changes nothing is carried out."""
    answer = carry(rehearsal(), job("get_book"))
    assert answer.content == "get_book: 1 request(s) answered."
    assert len(sender.requests) == 1


def test_what_is_refused_in_earnest_is_refused(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """Grants, and people who say no, stop a rehearsed call as they stop one in earnest."""
    no = rehearsal(approver=lambda request: Decision.reject("not now", by="anna"))
    answers = [carry(rehearsal({"books": "read"}), job("rename_book")), carry(no, job("burn_book"))]
    assert [answer.artifact.kind for answer in answers] == ["refused", "rejected"]
    assert sender.requests == []


def test_the_limit_is_checked_and_not_used(rehearsal: Any, job: Any, carry: Any) -> None:
    """A rehearsed call that is over the limit is refused; those within use nothing of it up, however many there are."""
    opened = rehearsal({"books": {"access": "write", "people_per_day": 5}})
    within = [carry(opened, job("rename_book", people=5)) for _ in range(3)]
    over = carry(opened, job("rename_book", people=6))
    assert all(answer.ok for answer in within)
    assert "at most 5 people" in over.content


def test_the_person_sees_that_it_is_a_rehearsal(rehearsal: Any, job: Any, carry: Any) -> None:
    """A person is asked once for each call that asks in earnest, and the card says that nothing is sent."""
    cards: list[str] = []

    def asked(request: Any) -> Decision:
        cards.append(str(request))
        return Decision.approve(by="anna")

    opened = rehearsal(approver=asked)
    carry(opened, job("rename_book"))
    carry(opened, job("burn_book"))
    assert len(cards) == 1
    assert "Rehearsal  Nothing is sent, whatever you answer" in cards[0]
    assert "Why ask" in cards[0]


def test_what_only_a_card_needs_is_read(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """The card is as complete as in earnest, and what was read for it does not let the call through."""
    cards: list[str] = []

    class Portrayed(job):  # type: ignore[misc, valid-type]
        def prepare(self, readable: Any, *, again: bool = False) -> Any:
            plan = yield from super().prepare(readable, again=again)

            def portray(card: bool) -> Any:
                yield Request("GET", "/books/1/readers")
                return replace(plan, card=lambda: Card("Burn it?", (("Readers", "nine"),)))

            return replace(plan, portray=portray)

    def asked(request: Any) -> Decision:
        cards.append(str(request))
        return Decision.approve(by="anna")

    answer = carry(rehearsal(approver=asked), Portrayed("burn_book"))
    assert "nine" in cards[0]
    assert "Rehearsal" in cards[0]
    assert isinstance(answer.artifact, Rehearsal)
    assert sender.writes == []


def test_an_edit_is_rehearsed_with_its_own_arguments(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """What is told is what the person made of the call."""
    opened = rehearsal(approver=lambda request: Decision.edit({"book": 8}, by="anna"))
    answer = carry(opened, job("burn_book", {"book": 7}))
    # Another book is another action, so the person is asked again, and edits again.
    assert "/books/7" not in answer.content
    assert sender.requests == []


def test_several_requests_are_all_told(rehearsal: Any, job: Any, carry: Any) -> None:
    """Every request that is known is told, in its order; of many, the first ones; the artifact has them all."""
    more = tuple(Request("POST", f"/books/{number}", body={"n": number}) for number in range(2, 9))
    answer = carry(rehearsal(), job("rename_book", more=more))
    assert answer.artifact.requests[1:] == more
    assert 'POST /books/2 «{"n":2}»' in answer.content
    assert "and 3 more like these" in answer.content
    assert "/books/8" not in answer.content


def test_what_needs_a_reply_is_told_by_method_and_path(rehearsal: Any, job: Any, carry: Any) -> None:
    """Requests that only an earlier reply would complete are named without a body."""

    class Following(job):  # type: ignore[misc, valid-type]
        def _action(self, request: Any, references: Any) -> Action:
            return replace(super()._action(request, references), followups=(("POST", "/labels"),))

    answer = carry(rehearsal(), Following("rename_book"))
    assert answer.artifact.followups == (("POST", "/labels"),)
    assert "POST /labels may follow, made from the reply" in answer.content


def test_values_are_shown_inert(rehearsal: Any, job: Any, carry: Any) -> None:
    """No value can break the line, colour the terminal or pass for our own words."""
    title = "a\x1b[31m»\n  DELETE /contacts/1\u202e"
    answer = carry(rehearsal(), job("rename_book", {"title": title}))
    (line,) = [line for line in answer.content.splitlines() if line.startswith("  PUT")]
    assert "DELETE" in line
    assert not set("\x1b\u202e") & set(answer.content)
    assert line.count("»") == 1


@pytest.mark.parametrize("tool", WRITES)
def test_the_call_in_earnest_comes_after_it_as_if_it_had_never_been(
    guard: Any, rehearsal: Any, job: Any, sender: Any, carry: Any, tmp_path: Any, tool: str
) -> None:
    """The very same call, on the same ledger, is decided, asked about and sent; a rehearsal's yes does not count."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    asked: list[Any] = []

    def ask(request: Any) -> Decision:
        asked.append(request)
        return Decision.approve(by="anna")

    limited = {"books": {"access": "full", "people_per_day": 1}, "members": "full"}
    first = carry(rehearsal(limited, ledger=ledger, approver=ask), job(tool, origin=HERE))
    second = carry(guard(limited, ledger=ledger, approver=ask), job(tool, origin=HERE))
    assert isinstance(first.artifact, Rehearsal)
    assert second.content == f"{tool}: 1 request(s) answered."
    assert len(sender.writes) == 1
    assert len(asked) == (0 if tool == "rename_book" else 2)


def test_a_rehearsal_of_what_was_done_is_a_call_of_its_own(
    guard: Any, rehearsal: Any, job: Any, sender: Any, carry: Any, tmp_path: Any
) -> None:
    """A call that was carried out in earnest can be rehearsed afterwards; it is not told that it was done."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    carry(guard(ledger=ledger, approver=yes), job("burn_book", origin=HERE))
    answer = carry(rehearsal(ledger=ledger), job("burn_book", origin=HERE))
    assert isinstance(answer.artifact, Rehearsal)
    assert len(sender.writes) == 1


def test_the_same_call_rehearsed_again_is_told_the_same(rehearsal: Any, job: Any, carry: Any) -> None:
    """A graph that runs a call again, on a resume, asks nobody twice and gets the same answer and artifact."""
    asked: list[Any] = []

    def ask(request: Any) -> Decision:
        asked.append(request)
        return Decision.approve(by="anna")

    opened = rehearsal(approver=ask)
    more = (Request("POST", "/books/2", (("a", "b"),), {"n": 2}),)
    first, second = (carry(opened, job("burn_book", origin=HERE, more=more)) for _ in range(2))
    assert (first.content, first.artifact) == (second.content, second.artifact)
    assert len(asked) == len(opened.ledger.entries()) == 1


def test_a_yes_to_a_rehearsal_is_no_yes_in_earnest(
    guard: Any, rehearsal: Any, job: Any, sender: Any, carry: Any, tmp_path: Any
) -> None:
    """An approval that waits unused, because its agent never came back, does not serve the call in earnest."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    waiting = carry(rehearsal(ledger=ledger, approver=Inbox(wait=0)), job("burn_book"))
    earnest = guard(ledger=ledger, approver=Inbox(wait=0))
    earnest.desk.answer(waiting.artifact.entry, Decision.approve(by="anna"))
    answer = carry(earnest, job("burn_book"))
    assert answer.artifact.kind == "waiting"
    assert answer.artifact.entry != waiting.artifact.entry
    assert sender.writes == []


def test_settling_leaves_rehearsals_alone(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """There is nothing to find out about what was never sent."""
    opened = rehearsal()
    carry(opened, job("burn_book"))
    assert opened.ledger.not_closed() == []
    assert opened.settle(sender, job("burn_book").read_back, host="library.example") == []


def test_without_the_first_lock_the_second_one_holds(
    rehearsal: Any, job: Any, sender: Any, carry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a fault of ours let a write through, no permit is made for it in this mode."""
    monkeypatch.setattr(guard_module, "as_run", lambda guard, job: job)
    with pytest.raises(PermitError, match="may not leave in a rehearsal"):
        carry(rehearsal(), job("burn_book"))
    assert sender.requests == []


def test_a_read_that_tries_to_write_is_stopped(rehearsal: Any, job: Any, sender: Any, carry: Any) -> None:
    """A tool's own code cannot write in the name of a read."""

    def performing(plan: Plan) -> Any:
        yield Request("DELETE", "/books/1")

    with pytest.raises(PermitError):
        carry(rehearsal(), job("get_book", performing=performing))
    assert sender.writes == []


def test_permits_for_reads_alone() -> None:
    """Where no write may leave, a read still gets its permit."""
    assert mint(Request("GET", "/books"), writes=False)
    with pytest.raises(PermitError):
        mint(Request("POST", "/books"), writes=False)


def test_the_mode_is_checked_and_shown(guard: Any) -> None:
    """A mode that is none is an error, the ordinary one goes without saying, and nobody switches it by chance."""
    with pytest.raises(ValueError, match="'rehearsal' is no mode of a guard"):
        guard(mode="rehearsal")
    assert "mode" not in repr(guard())
    opened = guard(mode="rehearse")
    assert repr(opened).endswith("mode='rehearse')")
    with pytest.raises(AttributeError):
        opened.mode = "enforce"


def test_no_values_are_left_in_the_events(rehearsal: Any, job: Any, carry: Any) -> None:
    """The body is kept beside the events, for as long as values are kept, and not in them."""
    opened = rehearsal()
    carry(opened, job("rename_book", {"title": "Secret title"}))
    with opened.ledger.transaction(durable=False) as connection:
        rows = connection.execute("SELECT body FROM events").fetchall()
    assert not any("Secret" in body for (body,) in rows)


def test_it_works_with_no_values_kept(rehearsal: Any, job: Any, carry: Any) -> None:
    """Where nothing is kept, the same call is rehearsed anew."""
    opened = rehearsal(payloads="none")
    answers = [carry(opened, job("rename_book", origin=HERE)) for _ in range(2)]
    assert [isinstance(answer.artifact, Rehearsal) for answer in answers] == [True, True]


# With the real tools, in graphs


CALLS = [
    ("ac_delete_contact", {"contact": 3}),
    ("ac_create_field", {"title": "Shirt size", "type": "dropdown", "options": ["S", "M"]}),
    ("ac_get_contact", {"contact": 3}),
    ("ac_add_to_automation", {"contact": 4, "automation": "Win-back"}),
]


def graph_of(kind: str, tools: Any, saver: Any) -> Any:
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(CALLS)]
    model = ScriptedChatModel(script=[AIMessage("", id="m1", tool_calls=asked), AIMessage("done")])
    if kind == "create_agent":
        return create_agent(model, tools, checkpointer=saver)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=saver)


def writes(account: ActiveCampaign) -> list[str]:
    assert account.simulator is not None
    return [one.method for one in account.simulator.requests if one.method != "GET"]


@pytest.mark.parametrize("kind", ["ToolNode", "create_agent"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_an_agent_rehearses_in_a_graph(account: Any, guard_for: Any, kind: str, asynchronous: bool) -> None:
    """The graph pauses for each question, goes on with the answers, and ends; the account has seen no write."""
    guard = guard_for(dict.fromkeys(("contacts", "fields", "automations"), "full"), ask_in_graph, mode="rehearse")
    tools = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tools()
    graph = graph_of(kind, tools, InMemorySaver())

    def run(given: Any) -> Any:
        return asyncio.run(graph.ainvoke(given, CONFIG)) if asynchronous else graph.invoke(given, CONFIG)

    result = run({"messages": [("user", "Go on.")]})
    pauses = 0
    while result.get("__interrupt__"):
        pauses += 1
        assert pauses < 6
        waiting = {one.id: one.value for one in graph.get_state(CONFIG).interrupts}
        yes = {
            key: {"decisions": [{"type": "approve"}] * len(value["action_requests"])} for key, value in waiting.items()
        }
        result = run(Command(resume=yes))
    told = [one for one in result["messages"] if isinstance(one, ToolMessage)]
    assert [one.status for one in told] == ["success"] * len(CALLS)
    assert pauses >= 1
    assert writes(account) == []
    assert ["rehearsal" in str(one.content) for one in told] == [True, True, False, True]
    assert "POST /fieldRels may follow" in str(told[1].content)
    outcomes = sorted(entry.outcome for entry in guard.ledger.entries())
    assert outcomes == ["done", "rehearsed", "rehearsed", "rehearsed"]


def test_a_graph_that_was_paused_in_a_rehearsal_sends_nothing_in_earnest_unasked(
    account: Any, guard_for: Any, tmp_path: Any
) -> None:
    """Resumed by a program that is in earnest, the answer to the rehearsal's question does not let the call run."""
    ledger, saver = f"sqlite:///{tmp_path}/ledger.db", InMemorySaver()

    def graph(mode: str) -> Any:
        guard = guard_for({"contacts": "full"}, ask_in_graph, ledger=ledger, mode=mode)
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        return graph_of("create_agent", [toolkit.get_tool(name) for name, _ in CALLS], saver)

    graph("rehearse").invoke({"messages": [("user", "Go on.")]}, CONFIG)
    earnest = graph("enforce")
    earnest.invoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
    assert writes(account) == []
    assert earnest.get_state(CONFIG).interrupts
