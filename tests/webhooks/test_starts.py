"""Events that start LangGraph graphs: once each, sync and async, waiting for people, going on after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypedDict

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="needs the examples extra")

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.testing import writes_to
from ac_tools.webhooks import Receiver

from .serving import SECRET, form, until

MARIA = 46
TAGGED = form(**{"contact[id]": MARIA, "contact[email]": "maria@lindqvist-interiors.example", "tag": "Lead"})


class State(TypedDict, total=False):
    event: dict[str, Any]
    said: str


def graph_of(node: Any, checkpointer: Any) -> Any:
    return StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=checkpointer)


def by_itself(state: State) -> State:
    return {"said": state["event"]["tag"]}


async def async_by_itself(state: State) -> State:
    await asyncio.sleep(0)
    return by_itself(state)


@pytest.fixture
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as opened:
            yield opened


@pytest.mark.parametrize(
    ("saver", "node"),
    [("memory", by_itself), ("memory", async_by_itself), ("sqlite", by_itself)],
    indirect=["saver"],
    ids=["memory", "memory, async node", "sqlite"],
)
def test_an_event_starts_a_graph_once(receiver: Receiver, saver: Any, node: Any) -> None:
    """A graph runs once for an event, in the event's own thread, with the form as it came; so do async nodes."""
    graph = graph_of(node, saver)
    receiver.on("contact_tag_added", graph)
    event, _ = receiver.receive(TAGGED)
    receiver.receive(TAGGED)
    assert receiver.work() == 1
    [received] = receiver.store.events()
    values = graph.get_state(received.config).values
    assert (values["said"], values["event"]["webhook"]) == ("Lead", event)
    assert receiver.store.counts() == {"events": 1, "duplicates": 1, "done": 1}


@pytest.mark.parametrize("node", [by_itself, async_by_itself])
async def test_an_async_checkpointer_works_in_its_own_loop(receiver: Receiver, tmp_path: Path, node: Any) -> None:
    """A graph whose checkpointer belongs to this event loop is run in it, also while others wait."""
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        graph = graph_of(node, saver)
        receiver.on("contact_tag_added", graph)
        async with receiver:
            for number in range(8):
                receiver.receive(TAGGED + b"&n=%d" % number)
            await asyncio.to_thread(until, lambda: receiver.store.counts().get("done") == 8)
        said = [(await graph.aget_state(one.config)).values["said"] for one in receiver.store.events()]
        assert said == ["Lead"] * 8


async def test_a_loop_that_would_wait_for_itself_is_told(receiver: Receiver, tmp_path: Path) -> None:
    """Working in the very loop that the checkpointer belongs to would never end: the work is kept aside with why."""
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        receiver.on("*", graph_of(by_itself, saver))
        receiver.receive(TAGGED)
        receiver.work()
        [job] = receiver.store.jobs("failed")
        assert "asyncio.to_thread" in job.reason
        receiver.store.retry()
    await asyncio.to_thread(receiver.work)
    [job] = receiver.store.jobs("failed")
    assert job.attempts == 3, "its connection is closed"


def test_async_handlers_share_a_loop(receiver: Receiver) -> None:
    """Async handlers of all workers run in one event loop, so that a lock or a client of theirs can be shared."""
    loops: set[Any] = set()

    async def handler(_: Any) -> None:
        await asyncio.sleep(0.01)
        loops.add(asyncio.get_running_loop())

    receiver.on("*", handler)
    with receiver:
        for number in range(12):
            receiver.receive(form(n=number))
        until(lambda: receiver.store.counts().get("done") == 12)
        [loop] = loops
        assert loop.is_running()
    assert loop.is_closed()


def test_what_it_starts_with_can_be_made_of_the_event(receiver: Receiver) -> None:
    """`state` makes the input of the event; where it makes none, nothing starts."""
    graph = graph_of(lambda state: {"said": f"{state['said']}!"}, InMemorySaver())
    receiver.on(
        "contact_tag_added", graph, state=lambda one: {"said": one.event.tag} if one.event.tag == "Lead" else None
    )
    receiver.receive(TAGGED)
    receiver.receive(form(tag="VIP"))
    assert receiver.work() == 2
    states = [graph.get_state(one.config) for one in receiver.store.events()]
    assert [state.values.get("said") for state in states] == ["Lead!", None]
    with pytest.raises(ValueError, match="state="):
        receiver.on("*", print, state=dict)


def test_a_graph_needs_a_checkpointer(receiver: Receiver) -> None:
    """Without one a second run could not be told from the first, so it is an error at once."""
    with pytest.raises(ValueError, match="checkpointer"):
        receiver.on("*", StateGraph(State).add_node("node", by_itself).add_edge(START, "node").compile())


def tagging(account: ActiveCampaign, guard: Any, *, fail: Callable[[], None] = lambda: None) -> tuple[Any, list[State]]:
    """A graph that tags Maria, and what its node was run with."""
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    runs: list[State] = []

    def node(state: State) -> State:
        runs.append(state)
        call = {"name": "ac_add_tag", "args": {"contact": MARIA, "tag": "VIP"}, "id": "1", "type": "tool_call"}
        answer = toolkit.get_tool("ac_add_tag").invoke(call)
        fail()
        return {"said": answer.text}

    return graph_of(node, InMemorySaver()), runs


def test_a_run_that_was_cut_off_writes_once(receiver: Receiver, account: ActiveCampaign, guard_for: Any) -> None:
    """A run that ends between its write and its checkpoint goes on with the same task, whose result the ledger has."""
    failures = [RuntimeError("cut off")]

    def fail() -> None:
        if failures:
            raise failures.pop()

    graph, _ = tagging(account, guard_for({"tags": "write"}), fail=fail)
    receiver.on("*", graph)
    receiver.receive(TAGGED)
    assert receiver.work() == 2
    [received] = receiver.store.events()
    assert "Contact 46 has tag" in graph.get_state(received.config).values["said"]
    assert writes_to(account) == ["POST /contactTags"]


def test_a_run_that_waits_is_left_alone(receiver: Receiver, account: ActiveCampaign, guard_for: Any) -> None:
    """Where the handler runs again while its graph waits for a person, as after a crash, no node runs again."""
    guard = guard_for({"tags": {"access": "write", "ask": "writes"}}, ask_in_graph)
    graph, runs = tagging(account, guard)
    receiver.on("*", graph, name="first")
    receiver.on("*", graph, name="again")
    receiver.receive(TAGGED)
    assert receiver.work() == 2
    assert receiver.store.counts()["done"] == 2
    assert len(runs) == 1


def test_a_run_that_waits_for_a_person_is_done(receiver: Receiver, account: ActiveCampaign, guard_for: Any) -> None:
    """The handler's work is to start it: it does not run again, and the person's yes goes on with it."""
    guard = guard_for({"tags": {"access": "write", "ask": "writes"}}, ask_in_graph)
    graph, _ = tagging(account, guard)
    receiver.on("*", graph)
    receiver.receive(TAGGED)
    assert receiver.work() == 1
    [received] = receiver.store.events()
    assert receiver.store.counts()["done"] == 1
    assert graph.get_state(received.config).interrupts
    assert writes_to(account) == []
    graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), received.config)
    assert writes_to(account) == ["POST /contactTags"]
    assert Receiver(receiver.store, secrets=[SECRET]).work() == 0
