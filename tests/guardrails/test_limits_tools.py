"""Limits with the real tools: imports, many calls in one step, deals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

from .limiting import Person


@pytest.fixture
def kit(account: ActiveCampaign, guard_for: Any) -> Callable[..., ActiveCampaignToolkit]:
    """A toolkit of the agent "marketing" on the embedded account."""

    def make(grants: dict[str, Any], approver: Any = None, **options: Any) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard_for(grants, approver, **options), agent="marketing")

    return make


def writes(account: ActiveCampaign) -> int:
    assert account.simulator is not None
    return sum(each.method != "GET" for each in account.simulator.requests)


@pytest.mark.long
def test_an_import_is_one_call_however_many_requests_it_takes(account: ActiveCampaign, kit: Any, run: Any) -> None:
    """With room for exactly one call and its people, a large import is sent whole, and then nobody else."""
    person, people = Person(), [{"email": f"p{number}@x.example"} for number in range(5000)]
    toolkit = kit({"contacts": {"access": "full", "people_per_day": 5000, "calls_per_day": 1}}, person)
    assert run(toolkit, "ac_import_contacts", contacts=people).status == "success"
    assert len(person.requests) == 1
    assert (sent := writes(account)) > 1
    assert run(toolkit, "ac_import_contacts", contacts=people[:1]).status == "error"
    assert writes(account) == sent


def graph_of(toolkit: ActiveCampaignToolkit, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """A graph whose one node makes all of the calls at once."""
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [AIMessage("", tool_calls=asked)]})
    graph.add_node("tools", ToolNode(toolkit.get_tools()))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_edge("tools", END)
    return graph.compile(checkpointer=InMemorySaver())


CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_calls_of_one_step_that_pass_a_limit_are_asked_about_in_the_graph(
    account: ActiveCampaign, kit: Any, answer: str
) -> None:
    """With `over: ask` the graph pauses at those calls alone; those that had room are not made again after it."""
    toolkit = kit({"tags": {"access": "write", "calls_per_hour": 2, "over": "ask"}}, ask_in_graph)
    graph = graph_of(toolkit, [("ac_create_tag", {"name": f"Fair {number}"}) for number in range(4)])
    result = graph.invoke({"messages": []}, CONFIG)
    assert writes(account) == 2
    for _ in range(4):
        if not (pauses := result.get("__interrupt__")):
            break
        count = len(pauses[0].value["action_requests"])
        result = graph.invoke(Command(resume={"decisions": [{"type": answer}] * count}), CONFIG)
    told = result["messages"][1:]
    expected = 4 if answer == "approve" else 2
    assert sum(message.status == "success" for message in told) == writes(account) == expected
    assert len(told) == 4


DEALS = {"deals": {"access": "write", "amount_at_most": {"EUR": 5000}}, "contacts": "read"}
DEAL = {"title": "Order", "contact": 46, "pipeline": 1, "owner": 1}


def test_deals_are_held_to_their_amount(account: ActiveCampaign, kit: Any, run: Any) -> None:
    """A deal over the limit is refused, made or changed; so is another currency, also where only that would change."""
    toolkit = kit(DEALS)
    over = run(toolkit, "ac_create_deal", **DEAL, amount="5000.01", currency="EUR")
    assert "marketing may set amounts in deals up to 5000 EUR; this call sets more." in over.content
    assert "another currency" in run(toolkit, "ac_create_deal", **DEAL, amount="1", currency="USD").content
    assert writes(account) == 0
    made = run(toolkit, "ac_create_deal", **DEAL, amount="5000.00", currency="eur")
    assert made.status == "success", made.content
    deal = made.artifact.id
    assert run(toolkit, "ac_update_deal", deal=deal, currency="USD").status == "error"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="5001", currency="EUR").status == "error"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="4000", currency="USD").status == "error"
    assert writes(account) == 1
    assert run(toolkit, "ac_update_deal", deal=deal, title="Big order").status == "success"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="4000", currency="EUR").status == "success"


def test_a_larger_deal_can_be_agreed_to(account: ActiveCampaign, kit: Any, run: Any, approve: Any) -> None:
    """With `over: ask` a person sees the amount and the limit, and lets the deal pass."""
    toolkit = kit({**DEALS, "deals": {**DEALS["deals"], "over": "ask"}}, approve)  # type: ignore[dict-item]
    assert run(toolkit, "ac_create_deal", **DEAL, amount="9000", currency="EUR").status == "success"
    (request,) = approve.requests
    assert (
        dict(request.card.rows)["Why ask"] == "marketing may set amounts in deals up to 5000 EUR; this call sets more."
    )
    assert "9000" in str(request)
    assert writes(account) == 1
