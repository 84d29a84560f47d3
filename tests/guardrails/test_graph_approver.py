"""The approver for LangGraph: where it can pause, what it shows, and that the answer finds its way back."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from ac_guardrails import Decision, Grants, Guard
from ac_guardrails._call import Call as GuardedCall
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.testing import ScriptedChatModel

CONFIG = {"configurable": {"thread_id": "thread", "approver": "anna"}}
BEGIN = {"messages": [{"role": "user", "content": "Go on."}]}
YES, NO = {"type": "approve"}, {"type": "reject"}
DELETE_3, DELETE_4 = ("ac_delete_contact", {"contact": 3}), ("ac_delete_contact", {"contact": 4})
CAMPAIGN = ("ac_create_campaign", {"name": "Spring", "type": "single"})
KINDS = pytest.mark.parametrize("kind", ["ToolNode", "create_agent"])

Call = tuple[str, dict[str, Any]]


def guard_with(agents: tuple[str, ...] = ("marketing",), **options: Any) -> Guard:
    grants = Grants.from_dict({"agents": {agent: dict.fromkeys(AREAS, "full") for agent in agents}})
    return Guard(grants, approver=ask_in_graph, **{"ledger": "memory:", **options})


def asking_for(*turns: list[Call]) -> ScriptedChatModel:
    """A model that makes these calls in each turn, with the same call ids each time, and says so."""
    said: list[Any] = []
    for calls in turns:
        asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
        said += [AIMessage("", tool_calls=asked), AIMessage("done")]
    return ScriptedChatModel(script=said)


def graph_of(kind: str, tools: Any, *turns: list[Call], saver: Any = True) -> Any:
    model = asking_for(*turns)
    saver = InMemorySaver() if saver is True else saver
    if kind == "create_agent":
        return create_agent(model, tools, checkpointer=saver)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=saver)


def told(result: Any) -> list[ToolMessage]:
    return [one for one in result["messages"] if isinstance(one, ToolMessage)]


def shown(graph: Any, config: Any = CONFIG) -> list[list[dict[str, Any]]]:
    """The arguments that each pause shows."""
    pauses = graph.get_state(config).interrupts
    return [[each["args"] for each in one.value["action_requests"]] for one in pauses]


@pytest.fixture
def guard() -> Guard:
    return guard_with()


@pytest.fixture
def tools(account: ActiveCampaign, guard: Guard) -> list[Any]:
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tools()


@pytest.fixture
def writes(account: ActiveCampaign) -> Callable[[], list[str]]:
    def listed() -> list[str]:
        assert account.simulator is not None
        sent = [one for one in account.simulator.requests if one.method != "GET"]
        return [f"{one.method} {one.path.removeprefix('/api/3')}" for one in sent]

    return listed


# Where it can pause


def test_outside_a_graph_it_is_refused_with_a_remedy(tools, writes):
    """A tool that is called by itself cannot pause anything; the model hears what is missing."""
    delete = next(each for each in tools if each.name == "ac_delete_contact")
    answer = delete.invoke({"type": "tool_call", "id": "call_0", "name": delete.name, "args": {"contact": 3}})
    assert answer.artifact.kind == "refused"
    assert "not run by a LangGraph graph" in answer.content
    assert "another approver" in answer.content
    assert writes() == []


@KINDS
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_without_a_checkpointer_it_is_refused_with_a_remedy(kind, asynchronous, tools, writes):
    """A graph that cannot be resumed is not paused: the run ends, and says what to compile it with."""
    graph = graph_of(kind, tools, [DELETE_3], saver=None)
    result = asyncio.run(graph.ainvoke(BEGIN)) if asynchronous else graph.invoke(BEGIN)
    assert "checkpointer=InMemorySaver()" in told(result)[0].content
    assert result["messages"][-1].content == "done"
    assert writes() == []


@KINDS
@pytest.mark.parametrize("mode", ["updates", "messages", "values", "debug"])
def test_streams_end_in_the_question_and_go_on_with_the_answer(kind, mode, tools, writes):
    """Each way of streaming shows the pause, or ends at it, and streams the rest when resumed."""
    graph = graph_of(kind, tools, [DELETE_3])
    before = list(graph.stream(BEGIN, CONFIG, stream_mode=mode))
    if mode in ("updates", "values"):
        assert "__interrupt__" in before[-1]
    assert shown(graph) == [[{"contact": "3"}]]
    assert "Deleted contact 3" in str(list(graph.stream(Command(resume=YES), CONFIG, stream_mode=mode)))
    assert writes() == ["DELETE /contacts/3"]


@KINDS
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_it_pauses_however_often_the_checkpoint_is_written(kind, durability, tools, writes):
    """A bad answer, and then a good one, with every setting of LangGraph's durability."""
    graph = graph_of(kind, tools, [DELETE_3])
    for given in (BEGIN, Command(resume="yes"), Command(resume=YES)):
        result = graph.invoke(given, CONFIG, durability=durability)
    assert told(result)[0].content == "Deleted contact 3."
    assert writes() == ["DELETE /contacts/3"]


def inner_of(kind: str, tools: Any, *calls: Call, saver: Any = None) -> Any:
    return graph_of(kind, tools, list(calls), saver=saver)


@KINDS
@pytest.mark.parametrize("durability", ["async", "exit"])
@pytest.mark.parametrize("by_id", [False, True], ids=["scalar", "by id"])
def test_an_agent_that_is_a_node_of_another_graph_pauses_it(kind, durability, by_id, tools, writes):
    """A subgraph's question pauses the whole, and the whole's answer reaches it; a bad one is asked again."""
    outer = StateGraph(MessagesState)
    outer.add_node("agent", inner_of(kind, tools, DELETE_3, CAMPAIGN))
    outer.add_edge(START, "agent")
    graph = outer.compile(checkpointer=InMemorySaver())
    graph.invoke(BEGIN, CONFIG, durability=durability)
    for said in ("no idea", YES):
        pauses = graph.get_state(CONFIG).interrupts
        together = {"decisions": [YES, YES]} if said == YES and kind == "ToolNode" else said
        scalar = len(pauses) == 1 and not by_id
        graph.invoke(Command(resume=together if scalar else {one.id: together for one in pauses}), CONFIG)
    assert sorted(writes()) == ["DELETE /contacts/3", "POST /campaign"]


@KINDS
def test_an_agent_inside_a_tool_of_another_agent_pauses_both(kind, tools, writes):
    """The inner agent's question comes out at the outer one, and goes on inside when that is resumed."""
    inner = inner_of(kind, tools, DELETE_3)

    @tool
    def hand_over(task: str) -> str:
        """Hand a task to the other agent."""
        return str(inner.invoke({"messages": [{"role": "user", "content": task}]})["messages"][-2].content)

    graph = create_agent(asking_for([("hand_over", {"task": "Tidy up."})]), [hand_over], checkpointer=InMemorySaver())
    graph.invoke(BEGIN, CONFIG)
    graph.invoke(Command(resume="what?"), CONFIG)
    result = graph.invoke(Command(resume=YES), CONFIG)
    assert told(result)[0].content == "Deleted contact 3."
    assert writes() == ["DELETE /contacts/3"]


# Whose answer it is


@pytest.mark.parametrize("ledgers", [1, 2])
def test_two_guards_in_one_tool_node_are_asked_for_together(ledgers, account, writes):
    """Tools of two guards, on one ledger or on two, are shown in one pause, and each gets its own answer."""
    first = guard_with()
    second = guard_with(ledger=first.ledger if ledgers == 1 else "memory:")
    deleting = ActiveCampaignToolkit(account=account, guard=first, agent="marketing").get_tool("ac_delete_contact")
    drafting = ActiveCampaignToolkit(account=account, guard=second, agent="marketing").get_tool("ac_create_campaign")
    graph = graph_of("ToolNode", [deleting, drafting], [DELETE_3, CAMPAIGN])
    graph.invoke(BEGIN, CONFIG)
    assert shown(graph) == [[{"contact": "3"}, {"name": "Spring", "type": "single"}]]
    graph.invoke(Command(resume={"decisions": [NO, YES]}), CONFIG)
    assert writes() == ["POST /campaign"]


def test_tools_of_different_agents_in_one_tool_node_keep_their_names(account, writes):
    """Each question and each entry names the agent whose tool it is."""
    guard = guard_with(("sales", "support"))
    toolkits = [ActiveCampaignToolkit(account=account, guard=guard, agent=agent) for agent in ("sales", "support")]
    tools = [toolkits[0].get_tool("ac_delete_contact"), toolkits[1].get_tool("ac_create_campaign")]
    graph = graph_of("ToolNode", tools, [DELETE_3, CAMPAIGN])
    graph.invoke(BEGIN, CONFIG)
    assert [question.request.agent for question in guard.desk.waiting()] == ["sales", "support"]
    graph.invoke(Command(resume=[YES, NO]), CONFIG)
    assert {(entry.agent, entry.decision) for entry in guard.ledger.entries()} == {
        ("sales", "approved"),
        ("support", "rejected"),
    }
    assert writes() == ["DELETE /contacts/3"]


@KINDS
@pytest.mark.parametrize(
    ("configurable", "name"),
    [
        ({"approver": "anna"}, "anna"),
        ({"approver": "anna", "langgraph_auth_user_id": "u-17"}, "u-17"),
        ({}, "whoever resumed the thread"),
    ],
)
def test_the_ledger_names_who_resumed(kind, configurable, name, guard, tools):
    """The name is the one that the resuming run brings, a server's before a program's own, not the first run's."""
    graph = graph_of(kind, tools, [DELETE_3])
    graph.invoke(BEGIN, {"configurable": {"thread_id": "thread", "approver": "who asked first"}})
    graph.invoke(Command(resume=YES), {"configurable": {"thread_id": "thread", **configurable}})
    assert [entry.by for entry in guard.ledger.entries()] == [name]


@KINDS
def test_two_calls_for_the_same_are_one_question(kind, tools, writes):
    """The same deletion twice in one message is asked once, done once, and told twice."""
    graph = graph_of(kind, tools, [DELETE_3, DELETE_3])
    graph.invoke(BEGIN, CONFIG)
    pauses = graph.get_state(CONFIG).interrupts
    assert len({one for pause in pauses for one in pause.value["approval_ids"]}) == 1
    result = graph.invoke(Command(resume={pause.id: YES for pause in pauses}), CONFIG)
    assert [one.content for one in told(result)] == ["Deleted contact 3."] * 2
    assert writes() == ["DELETE /contacts/3"]


@pytest.mark.parametrize("by_id", [False, True], ids=["scalar", "by id"])
def test_an_answer_that_was_overtaken_elsewhere_still_counts_for_the_rest(by_id, guard, tools, writes):
    """One of two shown questions is rejected at the desk; the answer to both then decides the other one."""
    graph = graph_of("ToolNode", tools, [DELETE_3, DELETE_4])
    graph.invoke(BEGIN, CONFIG)
    first, _ = guard.desk.waiting()
    guard.desk.answer(first.request.id, Decision.reject(by="bob"))
    (pause,) = graph.get_state(CONFIG).interrupts
    graph.invoke(Command(resume={pause.id: [YES, YES]} if by_id else [YES, YES]), CONFIG)
    assert writes() == ["DELETE /contacts/4"]


@KINDS
@pytest.mark.parametrize("answer", [NO, {"type": "edit", "edited_action": {"name": DELETE_3[0], "args": DELETE_4[1]}}])
@pytest.mark.parametrize("by_id", [False, True])
def test_whoever_answers_after_somebody_elsewhere_is_told_so(kind, answer, by_id, guard, tools, writes):
    """Anna says otherwise in the graph, a moment after bob said yes elsewhere: his answer stands, and it is told."""
    graph = graph_of(kind, tools, [DELETE_3])
    paused = graph.invoke(BEGIN, CONFIG)
    (waiting,) = guard.desk.waiting()
    guard.desk.answer(waiting.request.id, Decision.approve(by="bob"))
    decisions = {"decisions": [answer]}
    resume = {paused["__interrupt__"][0].id: decisions} if by_id else decisions
    ended = graph.invoke(Command(resume=resume), CONFIG)
    assert writes() == ["DELETE /contacts/3"]
    said = "rejected" if answer is NO else "edited"
    told = f"anna said otherwise ({said}), after bob had answered, whose answer stands. Deleted contact 3."
    assert ended["messages"][-2].content == told
    (entry,) = guard.ledger.entries()
    assert entry.payload["questions"][0]["overruled"] == {"by": "anna", "decision": said}


@KINDS
@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({"contct": "4"}, "'contct' is no argument of it"),
        ({"contact": ""}, "'' names no contact"),
        ({"contact": "4", "approved": True}, "'approved' is no argument of it"),
        ({}, "'contact' is required"),
    ],
)
def test_an_edit_that_the_tool_cannot_take_is_asked_about_again(kind, args, fault, guard, tools, writes):
    """A misspelt edit ends nothing: the same card comes back and says what was wrong, and the next answer counts."""
    graph = graph_of(kind, tools, [DELETE_3])
    graph.invoke(BEGIN, CONFIG)
    edit = {"type": "edit", "edited_action": {"name": DELETE_3[0], "args": args}}
    graph.invoke(Command(resume=[edit]), CONFIG)
    (pause,) = graph.get_state(CONFIG).interrupts
    assert pause.value["action_requests"][0]["args"] == {"contact": "3"}
    assert pause.value["note"].startswith("Your last answer could not be used, and nothing was done: ")
    assert fault in pause.value["note"]
    edit = {"type": "edit", "edited_action": {"name": DELETE_3[0], "args": {"contact": "4"}}}
    for answer in (edit, YES):
        graph.invoke(Command(resume=[answer]), CONFIG)
    assert writes() == ["DELETE /contacts/4"]
    assert [entry.verdict() for entry in guard.ledger.entries()] == ["edited and approved by anna, done"]


@KINDS
def test_who_says_the_same_as_somebody_elsewhere_is_no_objector(kind, guard, tools, writes):
    """Two people who both say yes are no news."""
    graph = graph_of(kind, tools, [DELETE_3])
    graph.invoke(BEGIN, CONFIG)
    (waiting,) = guard.desk.waiting()
    guard.desk.answer(waiting.request.id, Decision.approve(by="bob"))
    ended = graph.invoke(Command(resume={"decisions": [YES]}), CONFIG)
    assert ended["messages"][-2].content == "Deleted contact 3."
    assert writes() == ["DELETE /contacts/3"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_calls_in_functions_under_task_find_their_answers(asynchronous, guard, tools, writes):
    """In LangGraph's functional API a tool may be called in a task of its own; each pause takes its own answer."""
    delete = next(one for one in tools if one.name == "ac_delete_contact")

    @task
    def work(contact: int) -> str:
        return delete.invoke({"contact": contact})

    @task
    async def awork(contact: int) -> str:
        return await delete.ainvoke({"contact": contact})

    @entrypoint(checkpointer=InMemorySaver())
    def flow(contacts: list[int]) -> list[str]:
        return [work(contact).result() for contact in contacts]

    @entrypoint(checkpointer=InMemorySaver())
    async def aflow(contacts: list[int]) -> list[str]:
        return [await awork(contact) for contact in contacts]

    def run(given: Any) -> Any:
        return asyncio.run(aflow.ainvoke(given, CONFIG)) if asynchronous else flow.invoke(given, CONFIG)

    for step in ([3, 4], Command(resume={"decisions": [YES]})):
        assert "__interrupt__" in run(step)
    assert len(run(Command(resume={"decisions": [YES]}))) == 2
    assert writes() == ["DELETE /contacts/3", "DELETE /contacts/4"]


@KINDS
def test_after_five_answers_that_mean_nothing_it_is_rejected(kind, guard, tools, writes):
    """Four are asked again; the fifth ends the waiting with a no, so that no thread is stuck for good."""
    graph = graph_of(kind, tools, [DELETE_3])
    graph.invoke(BEGIN, CONFIG)
    for _ in range(4):
        graph.invoke(Command(resume="hm"), CONFIG)
        assert shown(graph) == [[{"contact": "3"}]]
    result = graph.invoke(Command(resume="hm"), CONFIG)
    assert told(result)[0].artifact.kind == "rejected"
    assert [entry.reason for entry in guard.ledger.entries()] == ["no usable answer was given"]
    assert writes() == []


@pytest.mark.parametrize("by_id", [False, True], ids=["scalar", "by id"])
def test_a_pause_of_the_node_itself_gets_its_own_answer(by_id, tools, writes):
    """A node that asks before and after the tool is given its two answers, and the tool its one."""
    delete = next(each for each in tools if each.name == "ac_delete_contact")
    said: list[Any] = []

    def node(state: MessagesState) -> Any:
        before = interrupt("Shall we?")
        done = delete.invoke({"type": "tool_call", "id": "call_0", "name": delete.name, "args": {"contact": 3}})
        said.append((before, interrupt("And a letter?")))
        return {"messages": [done]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    compiled = graph.compile(checkpointer=InMemorySaver())
    compiled.invoke(BEGIN, CONFIG)
    for answer in ("yes please", YES, "no letter"):
        (pause,) = compiled.get_state(CONFIG).interrupts
        compiled.invoke(Command(resume={pause.id: answer} if by_id else answer), CONFIG)
    assert said == [("yes please", "no letter")]
    assert writes() == ["DELETE /contacts/3"]


@pytest.mark.parametrize("by_id", [False, True], ids=["scalar", "by id"])
@pytest.mark.parametrize("asked", [True, False], ids=["asked before", "not asked before"])
def test_a_pause_between_two_calls_of_a_node_gets_its_own_answer(asked, by_id, tools, writes):
    """A call that has ended takes neither the answer that is meant for the node nor that for the call after it."""
    named = {each.name: each for each in tools}
    said: list[str] = []

    def call(number: int, name: str, args: dict[str, Any]) -> Any:
        return named[name].invoke({"type": "tool_call", "id": f"call_{number}", "name": name, "args": args})

    def node(state: MessagesState) -> Any:
        first = call(0, *DELETE_3) if asked else call(0, "ac_create_tag", {"name": "Spring"})
        between = interrupt("And the other one?")
        said.append(between)
        return {"messages": [first, call(1, *DELETE_4)]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    compiled = graph.compile(checkpointer=InMemorySaver())
    compiled.invoke(BEGIN, CONFIG)
    for answer in ([YES] if asked else []) + ["please do", YES]:
        (pause,) = compiled.get_state(CONFIG).interrupts
        compiled.invoke(Command(resume={pause.id: answer} if by_id else answer), CONFIG)
    assert set(said) == {"please do"}
    assert writes()[-1] == "DELETE /contacts/4"
    assert len(writes()) == 2


@KINDS
def test_a_pause_keeps_nothing_of_what_was_read(kind, tools):
    """The exception that ends the run holds no frame of the call, whose values would live as long as anybody has it."""
    graph = graph_of(kind, tools, [DELETE_3])
    gc.collect()
    gc.disable()
    try:
        graph.invoke(BEGIN, CONFIG)
        assert shown(graph) == [[{"contact": "3"}]]
        assert [one for one in gc.get_objects() if isinstance(one, GuardedCall)] == []
    finally:
        gc.enable()


@KINDS
def test_an_answer_that_langgraph_has_kept_is_not_put_before_the_next_one(kind, guard, tools, writes):
    """Whoever answers without and then with the pause's id: LangGraph offers the first answer once more, after it."""
    graph = graph_of(kind, tools, [DELETE_3])
    graph.invoke(BEGIN, CONFIG)
    graph.invoke(Command(resume={"decisions": []}), CONFIG)
    (pause,) = graph.get_state(CONFIG).interrupts
    ended = graph.invoke(Command(resume={pause.id: {"decisions": [YES]}}), CONFIG)
    assert ended["messages"][-2].content == "Deleted contact 3."
    assert writes() == ["DELETE /contacts/3"]
    assert [entry.by for entry in guard.ledger.entries()] == ["anna"]


# What is asked, and what is on record


def test_calls_that_need_nobody_have_one_entry_each(guard, tools, account):
    """Looking ahead at the calls of a message leaves nothing half-begun, and reads no more for five than for each."""
    names = ["bea.lovell@example.org", "tom.harris@copperkettle.example", "dafydd.ll@example.com"]
    graph = graph_of("ToolNode", tools, [("ac_add_tag", {"contact": name, "tag": "VIP"}) for name in names])
    graph.invoke(BEGIN, CONFIG)
    entries = guard.ledger.entries()
    assert [(entry.tool, entry.state, entry.outcome) for entry in entries] == [("ac_add_tag", "closed", "done")] * 3
    assert account.simulator is not None
    reads = [one for one in account.simulator.requests if one.method == "GET"]
    assert sum(entry.reads for entry in entries) == len(reads)
    assert len(reads) <= 2 * 2 * len(names)


def test_what_the_account_refused_is_not_asked_again(tools, account, writes):
    """A person approved it and the account said no: a sibling that is asked about again does not bring it back."""
    enrol = ("ac_add_to_automation", {"contact": 3, "automation": 1})
    graph = graph_of("ToolNode", tools, [enrol, DELETE_4])
    assert account.simulator is not None
    account.simulator.fault("POST", "/contactAutomations", status=422)
    graph.invoke(BEGIN, CONFIG)
    edit = {"type": "edit", "edited_action": {"name": "ac_delete_contact", "args": {"contact": "5"}}}
    graph.invoke(Command(resume=[YES, edit]), CONFIG)
    assert shown(graph) == [[{"contact": "5"}]]
    result = graph.invoke(Command(resume=YES), CONFIG)
    assert [one.status for one in told(result)] == ["error", "success"]
    assert sorted(writes()) == ["DELETE /contacts/5", "POST /contactAutomations"]


@KINDS
def test_the_same_call_id_in_the_next_turn_is_a_new_call(kind, tools, writes):
    """A model that counts its calls from zero in each message is asked about anew, for the very same arguments too."""
    tag = ("ac_create_tag", {"name": "Spring"})
    graph = graph_of(kind, tools, [CAMPAIGN, tag], [CAMPAIGN, ("ac_create_tag", {"name": "Summer"})])
    for _ in range(2):
        graph.invoke(BEGIN, CONFIG)
        assert shown(graph) == [[{"name": "Spring", "type": "single"}]]
        graph.invoke(Command(resume=YES), CONFIG)
    assert sorted(writes()) == ["POST /campaign"] * 2 + ["POST /tags"] * 2


PROCESS = """
    import sys
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessage
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.types import Command
    from ac_guardrails import Grants, Guard
    from ac_guardrails.approvers.langgraph import ask_in_graph
    from ac_tools import ActiveCampaign, ActiveCampaignToolkit
    from ac_tools.testing import ScriptedChatModel

    folder, url, key, step = sys.argv[1:]
    grants = Grants.from_dict({"agents": {"marketing": {"contacts": "full", "tags": "write"}}})
    guard = Guard(grants, approver=ask_in_graph, ledger=f"sqlite:///{folder}/ledger.db")
    calls = [("ac_delete_contact", {"contact": 3}), ("ac_create_tag", {"name": "Spring"})]
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    model = ScriptedChatModel(script=[AIMessage("", tool_calls=asked), AIMessage("done")])
    with SqliteSaver.from_conn_string(f"{folder}/saver.db") as saver, ActiveCampaign(url=url, key=key) as account:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        graph = create_agent(model, toolkit.get_tools(), checkpointer=saver)
        begin = {"messages": [{"role": "user", "content": "Go on."}]}
        given = begin if step == "begin" else Command(resume={"type": step})
        result = graph.invoke(given, {"configurable": {"thread_id": "thread", "approver": "anna"}})
        print(len(result.get("__interrupt__", ())), [one.status for one in result["messages"] if one.type == "tool"])
"""


@pytest.mark.parametrize("step", ["approve", "reject"])
def test_another_process_takes_the_answer(step, served, tmp_path):
    """One process asks and ends; another one, hours or a deployment later, is resumed and carries it out, or not."""

    def run(what: str) -> str:
        command = [sys.executable, "-c", textwrap.dedent(PROCESS), str(tmp_path), served.url, served.key, what]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    assert run("begin") == "1 ['success']"
    assert run(step) == f"0 ['{'success' if step == 'approve' else 'error'}', 'success']"
    sent = sorted(f"{one.method} {one.path}" for one in served.sandbox.requests if one.method != "GET")
    assert sent == (["DELETE /api/3/contacts/3"] if step == "approve" else []) + ["POST /api/3/tags"]
