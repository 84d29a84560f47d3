"""Rows 12, 15, 16, 17, 19 and 20 in LangGraph: one pause, many calls, and everything that runs a call again."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolRetryMiddleware
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, interrupt

from ac_guardrails import Decision
from ac_guardrails._desk import AnswerError
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import Contact

FULL = {"contacts": "full", "tags": "write", "campaigns": "full"}
CONFIG = {"configurable": {"thread_id": "thread", "approver": "anna"}}
BEGIN = {"messages": [{"role": "user", "content": "Go on."}]}
YES, NO = {"type": "approve"}, {"type": "reject"}
DELETE_46, DELETE_47 = ("ac_delete_contact", {"contact": 46}), ("ac_delete_contact", {"contact": 47})
ADD = ("ac_create_contact", {"email": "new@example.org"})

WAYS = pytest.mark.parametrize("kind", ["ToolNode", "create_agent"])
BOTH = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


class Graph:
    """A graph of one of the two usual kinds, run in one thread of conversation."""

    def __init__(self, kind: str, model: Any, tools: Any, *, asynchronous: bool = False, saver: Any = None) -> None:
        self.kind = kind
        self.asynchronous = asynchronous
        self.saver = saver or InMemorySaver()
        self.graph = self.made(model, tools)

    def made(self, model: Any, tools: Any) -> Any:
        if self.kind == "create_agent":
            return create_agent(model, tools, checkpointer=self.saver)
        return by_hand(model, ToolNode(tools)).compile(checkpointer=self.saver)

    def run(self, given: Any, config: Any = CONFIG) -> Any:
        if self.asynchronous:
            return asyncio.run(self.graph.ainvoke(given, config))
        return self.graph.invoke(given, config)

    def asked(self) -> dict[str, str]:
        """The contact that each question shows, with the id of the pause that shows it."""
        shown = self.graph.get_state(CONFIG).interrupts
        return {each["args"]["contact"]: one.id for one in shown for each in one.value["action_requests"]}

    def answer(self, said: dict[str, Any]) -> Any:
        """Answer by contact: together where they were asked together, else one after the other in the given order."""
        if self.kind == "ToolNode":
            return self.run(Command(resume={"decisions": [said[contact] for contact in self.asked()]}))
        for contact, decision in said.items():
            result = self.run(Command(resume={self.asked()[contact]: decision}))
        return result

    def told(self) -> list[ToolMessage]:
        return [one for one in self.graph.get_state(CONFIG).values["messages"] if isinstance(one, ToolMessage)]


def by_hand(model: Any, tools: Any, **options: Any) -> StateGraph[Any]:
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", tools, **options)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")
    return graph


def graph_of(
    toolkit_for: Any, scripted: Any, kind: str, *calls: Any, asynchronous: bool = False, **options: Any
) -> Graph:
    """A graph whose model calls these tools in one message; `.guard` is its guard."""
    toolkit = toolkit_for(FULL, ask_in_graph, **options)
    graph = Graph(kind, scripted(list(calls)), toolkit.get_tools(), asynchronous=asynchronous)
    graph.guard = toolkit.guard
    return graph


@WAYS
@BOTH
def test_row_12_a_double_click_sends_one_request(
    kind, asynchronous, toolkit_for, scripted, writes, account, monkeypatch
):
    """Two people approve the same call at the same moment: one request, and both hear what came of it."""
    answered = account.simulator.handle
    monkeypatch.setattr(account.simulator, "handle", lambda *args: time.sleep(0.1) or answered(*args))
    graph = graph_of(toolkit_for, scripted, kind, DELETE_46, asynchronous=asynchronous)
    graph.run(BEGIN)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(graph.run(Command(resume=YES)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writes() == ["DELETE /contacts/46"]
    answers = [one for result in results for one in result["messages"] if isinstance(one, ToolMessage)]
    assert {one.content for one in answers} == {"Deleted contact 46."}


@WAYS
def test_row_12_the_first_answer_stands(kind, toolkit_for, scripted, writes):
    """What somebody has rejected elsewhere stays rejected, whatever the graph is resumed with; later is too late."""
    graph = graph_of(toolkit_for, scripted, kind, DELETE_46)
    graph.run(BEGIN)
    (question,) = graph.guard.desk.waiting()
    graph.guard.desk.answer(question.request.id, Decision.reject("no", by="bob"))
    graph.run(Command(resume=YES))
    assert writes() == []
    assert "bob rejected" in graph.told()[0].content
    with pytest.raises(AnswerError):
        graph.guard.desk.answer(question.request.id, Decision.approve(by="anna"))


@WAYS
@BOTH
@pytest.mark.parametrize("order", [("47", "46"), ("46", "47")], ids=["backwards", "forwards"])
def test_row_15_each_answer_reaches_the_call_that_it_was_shown(
    kind, asynchronous, order, toolkit_for, scripted, writes
):
    """Two questions of one message, answered in either order: the approved call runs, the rejected one does not."""
    graph = graph_of(toolkit_for, scripted, kind, DELETE_46, DELETE_47, asynchronous=asynchronous)
    graph.run(BEGIN)
    graph.answer({contact: YES if contact == "47" else NO for contact in order})
    assert writes() == ["DELETE /contacts/47"]
    assert [one.status for one in graph.told()] == ["error", "success"]


@tool
def ask_colleague(question: str) -> str:
    """Ask somebody something, after a while."""
    time.sleep(0.2)  # long enough for the call beside it to have asked, too
    return str(interrupt(question))


@pytest.mark.parametrize("answer", [YES, {"decisions": [YES]}, [YES]], ids=["one", "decisions", "a list"])
def test_row_15_an_answer_to_another_question_decides_nothing(answer, toolkit_for, scripted, writes):
    """Beside a tool that pauses the same ToolNode for something else, a yes to that is no yes to a deletion."""
    model = scripted([("ask_colleague", {"question": "Is there tea?"}), DELETE_46])
    graph = Graph("ToolNode", model, [ask_colleague, *toolkit_for(FULL, ask_in_graph).get_tools()])
    graph.run(BEGIN)
    assert [one.value for one in graph.graph.get_state(CONFIG).interrupts] == ["Is there tea?"]
    graph.run(Command(resume=answer))
    assert writes() == []
    assert "in a message of its own" in graph.told()[1].content


@WAYS
@BOTH
@pytest.mark.parametrize(
    "bad",
    [True, "approve", [], [YES, YES, YES], {"decisions": []}, {"type": "accepted"}, {"type": "approve", "by": "bob"}],
    ids=["True", "a word", "nothing", "too many", "none", "an unheard-of kind", "an unheard-of key"],
)
def test_row_16_a_bad_answer_is_asked_again(bad, kind, asynchronous, toolkit_for, scripted, writes):
    """An answer that means nothing runs nothing and says why; the good one after it then works."""
    graph = graph_of(toolkit_for, scripted, kind, DELETE_46, asynchronous=asynchronous)
    graph.run(BEGIN)
    graph.run(Command(resume=bad))
    assert writes() == []
    assert ["could not be used" in one.value["note"] for one in graph.graph.get_state(CONFIG).interrupts] == [True]
    graph.run(Command(resume=YES))
    assert writes() == ["DELETE /contacts/46"]


@WAYS
@BOTH
def test_row_17_an_approval_days_later_runs_nothing(kind, asynchronous, toolkit_for, scripted, writes):
    """A yes that comes days later is expired: nothing ran, and the model is told that it may ask again."""
    now = [1_790_000_000.0]
    graph = graph_of(toolkit_for, scripted, kind, DELETE_46, asynchronous=asynchronous, clock=lambda: now[0])
    graph.run(BEGIN)
    now[0] += 3 * 86400
    (told,) = (one for one in graph.run(Command(resume=YES))["messages"] if isinstance(one, ToolMessage))
    assert getattr(told.artifact, "kind", "done") == "expired"
    assert "ask again" in told.content
    assert writes() == []


@BOTH
def test_row_19_a_finished_sibling_does_not_run_again(asynchronous, toolkit_for, scripted, writes):
    """Beside a call that pauses, and is asked about twice, another one runs once."""
    graph = graph_of(toolkit_for, scripted, "ToolNode", ADD, DELETE_46, asynchronous=asynchronous)
    graph.run(BEGIN)
    edit = {"type": "edit", "edited_action": {"name": "ac_delete_contact", "args": {"contact": "47"}}}
    graph.run(Command(resume=edit))
    graph.run(Command(resume=YES))
    assert writes() == ["POST /contacts", "DELETE /contacts/47"]


@BOTH
def test_row_19_what_a_node_did_before_the_pause_is_not_done_again(asynchronous, toolkit_for, scripted, writes):
    """A node that calls one tool after the other is run again from its first line; each write is sent once."""
    toolkit = toolkit_for(FULL, ask_in_graph)

    def node(state: MessagesState) -> dict[str, Any]:
        calls = state["messages"][-1].tool_calls
        return {"messages": [toolkit.get_tool(call["name"]).invoke({**call, "type": "tool_call"}) for call in calls]}

    async def anode(state: MessagesState) -> dict[str, Any]:
        calls = [{**call, "type": "tool_call"} for call in state["messages"][-1].tool_calls]
        return {"messages": [await toolkit.get_tool(call["name"]).ainvoke(call) for call in calls]}

    graph = Graph("ToolNode", scripted([ADD, DELETE_46, DELETE_47]), [], asynchronous=asynchronous)
    model = scripted([ADD, DELETE_46, DELETE_47])
    graph.graph = by_hand(model, anode if asynchronous else node).compile(checkpointer=graph.saver)
    graph.run(BEGIN)
    graph.run(Command(resume=YES))
    graph.run(Command(resume=YES))
    assert writes() == ["POST /contacts", "DELETE /contacts/46", "DELETE /contacts/47"]


class Stumbles:
    """Raises once, after what it wraps is done."""

    def __init__(self) -> None:
        self.stumbled = False

    def __call__(self) -> None:
        if not self.stumbled:
            self.stumbled = True
            raise ConnectionError("the node fell over after its tools were done")


def _node_policy(toolkit: Any, model: Any) -> Any:
    tools, stumble = ToolNode([toolkit.get_tool("ac_delete_contact")]), Stumbles()

    def node(state: MessagesState) -> Any:
        done = tools.invoke(state)
        stumble()
        return done

    return by_hand(model, node, retry_policy=RetryPolicy(initial_interval=0.001)).compile(checkpointer=InMemorySaver())


def _middleware(toolkit: Any, model: Any) -> Any:
    stumble = Stumbles()

    class Stumbling(AgentMiddleware):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            done = handler(request)
            stumble()
            return done

    retried = ToolRetryMiddleware(initial_delay=0.001, jitter=False)
    return create_agent(model, toolkit.get_tools(), middleware=[retried, Stumbling()], checkpointer=InMemorySaver())


def _with_retry(toolkit: Any, model: Any) -> Any:
    stumble = Stumbles()
    tool = toolkit.get_tool("ac_delete_contact")

    def called(call: Any) -> Any:
        done = tool.invoke(call)
        stumble()
        return done

    retried = RunnableLambda(called).with_retry(
        retry_if_exception_type=(ConnectionError,), wait_exponential_jitter=False
    )

    def node(state: MessagesState) -> Any:
        return {
            "messages": [retried.invoke({**call, "type": "tool_call"}) for call in state["messages"][-1].tool_calls]
        }

    return by_hand(model, node).compile(checkpointer=InMemorySaver())


RETRIES = {"a node's policy": _node_policy, "ToolRetryMiddleware": _middleware, "with_retry": _with_retry}


@pytest.mark.parametrize("case", RETRIES)
def test_row_20_a_retry_gives_the_recorded_result(case, toolkit_for, scripted, writes):
    """What tries again after the call was done gets its result, and sends nothing."""
    graph = RETRIES[case](toolkit_for(FULL, ask_in_graph), scripted([DELETE_46]))
    graph.invoke(BEGIN, CONFIG)
    end = graph.invoke(Command(resume=YES), CONFIG)
    assert writes() == ["DELETE /contacts/46"]
    assert [one.content for one in end["messages"] if isinstance(one, ToolMessage)] == ["Deleted contact 46."]


def test_row_20_a_new_process_goes_on_where_the_old_one_paused(toolkit_for, scripted, writes, tmp_path):
    """Everything is made anew over the same two files: what was done stays done, and the answer is used."""
    pause_and_go_on("ToolNode", toolkit_for, scripted, writes, tmp_path)


def test_create_agent_goes_on_in_a_new_process(toolkit_for, scripted, writes, tmp_path):
    """The same where each call has a task of its own."""
    pause_and_go_on("create_agent", toolkit_for, scripted, writes, tmp_path)


def pause_and_go_on(kind: str, toolkit_for: Any, scripted: Any, writes: Any, tmp_path: Any) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    for given in (BEGIN, Command(resume=YES)):
        toolkit = toolkit_for(FULL, ask_in_graph, ledger=ledger)
        with SqliteSaver.from_conn_string(str(tmp_path / "saver.db")) as saver:
            graph = Graph(kind, scripted([ADD, DELETE_46]), toolkit.get_tools(), saver=saver)
            graph.run(given)
            told = graph.told()
        toolkit.guard.ledger.close()
    assert sorted(writes()) == ["DELETE /contacts/46", "POST /contacts"]
    assert [one.status for one in told] == ["success", "success"]


@WAYS
@BOTH
def test_row_20_a_replayed_checkpoint_gives_the_recorded_result(kind, asynchronous, toolkit_for, scripted, writes):
    """Going back to before the tools ran, and on from there, sends nothing again and tells the same."""
    graph = graph_of(toolkit_for, scripted, kind, ADD, DELETE_46, asynchronous=asynchronous)
    graph.run(BEGIN)
    graph.run(Command(resume=YES))
    first, before = graph.told(), writes()
    past = [old for old in graph.graph.get_state_history(CONFIG) if "tools" in old.next]
    again = [one for one in graph.run(None, past[0].config)["messages"] if isinstance(one, ToolMessage)]
    assert writes() == before
    assert type(again[0].artifact) is Contact  # a checkpoint would have made a dict of it
    assert [(one.content, one.artifact) for one in graph.told()] == [(one.content, one.artifact) for one in first]
