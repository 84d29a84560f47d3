"""Deciding elsewhere: a question waits in the ledger, and a person in another process answers it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from ac_guardrails import Question
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.testing import ScriptedChatModel

GRANTS = {"contacts": {"access": "full", "ask": "writes"}}


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def toolkit_for(account: ActiveCampaign, guard_for: Any, ledger: str) -> Callable[..., ActiveCampaignToolkit]:
    """A toolkit whose questions go to an inbox."""

    def make(wait: float, **options: Any) -> ActiveCampaignToolkit:
        guard = guard_for(GRANTS, Inbox(wait=wait), ledger=ledger, **options)
        return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    return make


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., ToolMessage]:
    """Calls a tool as an agent does, from sync code and on an event loop."""

    def run(toolkit: Any, name: str, args: Any, *, call_id: str = "call_1", thread: str = "") -> ToolMessage:
        said = {"type": "tool_call", "id": call_id, "name": name, "args": args}
        config: Any = {"configurable": {"thread_id": thread}} if thread else None
        tool = toolkit.get_tool(name)
        message = tool.invoke(said, config) if request.param == "sync" else asyncio.run(tool.ainvoke(said, config))
        assert isinstance(message, ToolMessage)
        return message

    return run


def elsewhere(ledger: str, *words: str) -> str:
    """A person answers, in another process."""
    program = "from ac_tools.cli import main; main()"
    sure = ["--yes"] if words[0] == "approve" else []
    command = [sys.executable, "-c", program, "approvals", *words, "--ledger", ledger, "--by", "anna", *sure]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(toolkit: ActiveCampaignToolkit) -> Question:
    """The one question that waits, as soon as it does."""
    for _ in range(500):
        if waiting := toolkit.guard.desk.waiting():
            (question,) = waiting
            return question
        time.sleep(0.01)
    raise AssertionError("nobody was asked")


def begun(work: Callable[[], ToolMessage]) -> Future[ToolMessage]:
    """The call, on its way in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


def deletions(account: ActiveCampaign) -> int:
    assert account.simulator is not None
    return sum(each.method == "DELETE" for each in account.simulator.requests)


@pytest.mark.timeout(60)
def test_a_call_waits_for_the_answer_of_another_process(
    account: ActiveCampaign, toolkit_for: Any, ledger: str, call: Any
) -> None:
    """The call waits; a person approves with the command line; the call goes on, once, and their name is on record."""
    toolkit = toolkit_for(30)
    waits = begun(lambda: call(toolkit, "ac_delete_contact", {"contact": 46}))
    question = asked(toolkit)
    assert deletions(account) == 0
    elsewhere(ledger, "approve", question.request.id)
    assert waits.result(20).status == "success"
    assert deletions(account) == 1
    assert "approved by anna, done" in toolkit.guard.ledger.entries()[0].sentence


@pytest.mark.timeout(60)
@pytest.mark.parametrize("thread", ["", "t1"])
def test_an_agent_that_nobody_answers_goes_on_and_asks_again(
    account: ActiveCampaign, toolkit_for: Any, ledger: str, call: Any, thread: str
) -> None:
    """It is told that the call waits; made again, the call is the same question; once approved, it runs once."""
    toolkit = toolkit_for(0)
    ids = set()
    for number in range(3):
        told = call(toolkit, "ac_delete_contact", {"contact": 46}, call_id=f"call_{number}", thread=thread)
        assert (told.status, told.artifact.kind) == ("error", "waiting")
        assert "make the same call again" in told.content
        ids.add(asked(toolkit).request.id)
    (approval,) = ids
    assert approval in told.content
    assert deletions(account) == 0
    elsewhere(ledger, "approve", approval)
    done = call(toolkit, "ac_delete_contact", {"contact": 46}, call_id="call_9", thread=thread)
    assert (done.status, deletions(account)) == ("success", 1)
    assert toolkit.guard.ledger.not_closed() == []


@pytest.mark.timeout(60)
def test_the_approved_call_runs_once_however_often_it_arrives(
    account: ActiveCampaign, toolkit_for: Any, ledger: str, call: Any
) -> None:
    """The very same call, delivered again after it ran, is told the result and sends nothing."""
    toolkit = toolkit_for(0)
    call(toolkit, "ac_delete_contact", {"contact": 46}, thread="t1")
    elsewhere(ledger, "approve", asked(toolkit).request.id)
    first = call(toolkit, "ac_delete_contact", {"contact": 46}, thread="t1")
    again = call(toolkit, "ac_delete_contact", {"contact": 46}, thread="t1")
    assert (first.content, first.status, deletions(account)) == (again.content, "success", 1)


@pytest.mark.timeout(60)
def test_a_rejection_from_elsewhere_reaches_the_agent(
    account: ActiveCampaign, toolkit_for: Any, ledger: str, call: Any
) -> None:
    """The agent is told who said no and why, and nothing was sent."""
    toolkit = toolkit_for(30)
    waits = begun(lambda: call(toolkit, "ac_delete_contact", {"contact": 46}))
    elsewhere(ledger, "reject", asked(toolkit).request.id, "--reason", "She is a customer.")
    told = waits.result(20)
    assert (told.status, told.artifact.kind, deletions(account)) == ("error", "rejected", 0)
    assert "anna rejected this call. Reason: She is a customer." in told.content


@pytest.mark.timeout(60)
def test_an_edit_from_elsewhere_runs_and_the_agent_learns_of_it(
    account: ActiveCampaign, toolkit_for: Any, ledger: str, call: Any
) -> None:
    """What the person wrote is what runs, and the model is told who changed what."""
    toolkit = toolkit_for(0)
    arguments = {"contact": 46, "first_name": "Mary"}
    call(toolkit, "ac_update_contact", arguments, thread="t1")
    edited = '{"contact": 46, "first_name": "María"}'
    elsewhere(ledger, "edit", asked(toolkit).request.id, "--arguments", edited)
    told = call(toolkit, "ac_update_contact", arguments, thread="t1")
    assert told.status == "success"
    assert told.content.startswith('anna changed the arguments to {"contact":46,"first_name":"María"}.')
    assert account.simulator is not None
    assert [each.method for each in account.simulator.requests if each.method != "GET"] == ["PUT"]
    assert "María" in call(toolkit, "ac_get_contact", {"contact": 46}).content


@pytest.mark.timeout(60)
def test_a_question_that_lapses_while_the_call_waits_runs_nothing(
    account: ActiveCampaign, toolkit_for: Any, call: Any
) -> None:
    """After its time the call is told so, and the same call made later is told the same."""
    now = [time.time()]
    toolkit = toolkit_for(30, clock=lambda: now[0], expires=900)
    waits = begun(lambda: call(toolkit, "ac_delete_contact", {"contact": 46}, thread="t1"))
    asked(toolkit)
    now[0] += 901
    told = waits.result(20)
    again = call(toolkit, "ac_delete_contact", {"contact": 46}, thread="t1")
    assert [message.artifact.kind for message in (told, again)] == ["expired", "expired"]
    assert deletions(account) == 0


@pytest.mark.timeout(60)
def test_many_calls_wait_side_by_side(account: ActiveCampaign, toolkit_for: Any, ledger: str) -> None:
    """Each answer reaches the call that it is for: what was rejected stays, what was approved goes."""
    toolkit = toolkit_for(30)
    told: dict[int, str] = {}

    def delete(contact: int) -> None:
        said = {"type": "tool_call", "id": f"c{contact}", "name": "ac_delete_contact", "args": {"contact": contact}}
        told[contact] = toolkit.get_tool("ac_delete_contact").invoke(said).status

    threads = [threading.Thread(target=delete, args=(contact,)) for contact in (46, 59, 75)]
    for thread in threads:
        thread.start()
    while len(waiting := toolkit.guard.desk.waiting()) < 3:
        time.sleep(0.01)
    for question in waiting:
        word = "reject" if question.request.action.arguments["contact"] == "59" else "approve"
        elsewhere(ledger, word, question.request.id)
    for thread in threads:
        thread.join(20)
    assert told == {46: "success", 59: "error", 75: "success"}
    assert account.simulator is not None
    gone = sorted(each.path.rpartition("/")[2] for each in account.simulator.requests if each.method == "DELETE")
    assert gone == ["46", "75"]


@pytest.mark.timeout(60)
def test_an_agent_in_langgraph_goes_on_with_other_work_meanwhile(
    account: ActiveCampaign, toolkit_for: Any, ledger: str
) -> None:
    """A real agent is told to wait, reads something else, calls again after a person agreed, and the call runs."""
    toolkit = toolkit_for(0)

    def says(name: str, **args: Any) -> AIMessage:
        return AIMessage(
            "", tool_calls=[{"name": name, "id": f"{name}-{len(toolkit.guard.ledger.entries())}", "args": args}]
        )

    def once_approved(messages: Any) -> AIMessage:
        elsewhere(ledger, "approve", asked(toolkit).request.id)
        return says("ac_delete_contact", contact=46)

    script = [
        lambda _: says("ac_delete_contact", contact=46),
        lambda _: says("ac_get_contact", contact=59),
        once_approved,
        AIMessage("Done."),
    ]
    agent = create_agent(ScriptedChatModel(script=script), toolkit.get_tools(), checkpointer=InMemorySaver())
    result = agent.invoke({"messages": [HumanMessage("Go")]}, {"configurable": {"thread_id": "t1"}})
    results = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    assert [message.status for message in results] == ["error", "success", "success"]
    assert "waits for a person" in results[0].content
    assert deletions(account) == 1


@pytest.mark.parametrize("wait", [-1.0, float("inf"), float("nan")])
def test_a_wait_that_is_none_is_an_error(wait: float) -> None:
    """A wait without end would hold an agent for good, so it cannot be had."""
    with pytest.raises(ValueError, match="no time to wait"):
        Inbox(wait=wait)
