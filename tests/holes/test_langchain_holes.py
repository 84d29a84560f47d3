"""Eight holes of asking people through LangChain, each with its HumanInTheLoopMiddleware and without: none is open."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, hook_config
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, interrupt

from ac_guardrails.approvers.langgraph import ask_in_graph

FULL = {"contacts": "full", "tags": "write", "campaigns": "full"}
CONFIG = {"configurable": {"thread_id": "thread", "approver": "anna"}}
BEGIN = {"messages": [{"role": "user", "content": "Go on."}]}
YES, NO = {"type": "approve"}, {"type": "reject"}
DELETE = ("ac_delete_contact", {"contact": 46})
TAG = ("ac_add_tag", {"contact": 46, "tag": 3})
CAMPAIGN = ("ac_create_campaign", {"name": "Spring", "type": "single"})
ELSEWHERE = {"type": "edit", "edited_action": {"name": "ac_delete_contact", "args": {"contact": 46}}}

HITL = pytest.mark.parametrize("hitl", [True, False], ids=["with the middleware", "without it"])


class Agent:
    """An agent, and the person who answers what it pauses with."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        with contextlib.suppress(GraphRecursionError):  # where something jumps for ever
            graph.invoke(BEGIN, {**CONFIG, "recursion_limit": 8})

    def pauses(self) -> tuple[Any, ...]:
        return self.graph.get_state(CONFIG).interrupts

    def questions(self) -> list[Any]:
        """What the guard asks now, as contact or name."""
        ours = [one.value for one in self.pauses() if "approval_ids" in one.value]
        return [each["args"].get("contact") for one in ours for each in one["action_requests"]]

    def past_the_middleware(self, decision: Any = YES) -> None:
        """Answer LangChain's own question, where it asks one."""
        if any("action_requests" in one.value and "approval_ids" not in one.value for one in self.pauses()):
            self.graph.invoke(Command(resume={"decisions": [decision]}), CONFIG)

    def answer(self, decision: Any) -> list[ToolMessage]:
        result = self.graph.invoke(Command(resume=decision), {**CONFIG, "recursion_limit": 8})
        return [one for one in result["messages"] if isinstance(one, ToolMessage)]

    def twice(self, decision: Any) -> None:
        """Two clicks at the same moment: neither goes on before both have read where the conversation stands."""
        saver, both = self.graph.checkpointer, threading.Barrier(2)
        read, unread = saver.get_tuple, []

        def read_together(config: Any) -> Any:
            found = read(config)
            if threading.current_thread() in unread:
                unread.remove(threading.current_thread())
                both.wait(10)
            return found

        def click() -> None:
            with contextlib.suppress(Exception):  # LangGraph may find nothing left to answer
                self.answer(decision)

        threads = [threading.Thread(target=click) for _ in range(2)]
        unread.extend(threads)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(saver, "get_tuple", read_together)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


def agent_of(
    made: Any, call: Any, interrupt_on: Any, *others: Any, hitl: bool, before: bool = False, **options: Any
) -> Agent:
    """An agent that makes one call, with the middleware listening to these tools, or without it."""
    toolkit_for, scripted = made
    listening = [HumanInTheLoopMiddleware(interrupt_on=interrupt_on)] if hitl else []
    middleware = [*others, *listening] if before else [*listening, *others]
    tools = toolkit_for(FULL, ask_in_graph, **options).get_tools()
    return Agent(create_agent(scripted([call]), tools, middleware=middleware, checkpointer=InMemorySaver()))


@HITL
def test_row_01_a_misspelt_tool_name_opens_nothing(hitl, toolkit_for, scripted, writes):
    """Where the middleware listens to a tool that is not there, the guard asks all the same."""
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contacts": True}, hitl=hitl)
    assert writes() == []
    assert agent.questions() == ["46"]


@HITL
def test_row_02_a_predicate_without_an_answer_opens_nothing(hitl, toolkit_for, scripted, writes):
    """Where a `when` returns None, which the middleware takes for no need to ask, the guard asks all the same."""
    listening = {"allowed_decisions": ["approve", "reject"], "when": lambda request: None}
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": listening}, hitl=hitl)
    assert writes() == []
    assert agent.questions() == ["46"]


@HITL
def test_row_03_an_edit_to_another_tool_runs_nothing(hitl, toolkit_for, scripted, writes):
    """An edit that makes a deletion of a harmless call is asked about as a deletion, or is no answer at all."""
    agent = agent_of((toolkit_for, scripted), TAG if hitl else CAMPAIGN, {"ac_add_tag": True}, hitl=hitl)
    agent.past_the_middleware(ELSEWHERE)
    if not hitl:
        agent.answer(ELSEWHERE)
    assert writes() == []
    assert agent.questions() == ["46" if hitl else None]


@HITL
def test_row_11_two_clicks_send_one_request(hitl, toolkit_for, scripted, writes, account, monkeypatch):
    """Approved twice at the same moment, at every question on the way, it runs once."""
    answered = account.simulator.handle
    monkeypatch.setattr(account.simulator, "handle", lambda *args: time.sleep(0.4) or answered(*args))
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": True}, hitl=hitl)
    if hitl:
        agent.twice({"decisions": [YES]})
    agent.twice({"decisions": [YES]})
    assert writes() == ["DELETE /contacts/46"]


class Rewrites(AgentMiddleware):
    """Puts another contact into the call on its way to the tool."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool_call={**request.tool_call, "args": {"contact": 47}}))


@HITL
def test_row_05_arguments_rewritten_after_the_approval_are_asked(hitl, toolkit_for, scripted, writes):
    """What somebody agreed to for one contact does not run for another: the guard asks about the other."""
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": True}, Rewrites(), hitl=hitl)
    agent.past_the_middleware()
    assert writes() == []
    assert agent.questions() == ["47"]
    agent.answer(NO)
    assert writes() == []


class Jumps(AgentMiddleware):
    """Goes straight to the tools, whatever was decided."""

    @hook_config(can_jump_to=["tools"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any]:
        return {"jump_to": "tools"}


@HITL
@pytest.mark.parametrize("before", [True, False], ids=["jumps first", "jumps last"])
def test_row_05_a_jump_past_a_rejection_runs_nothing(before, hitl, toolkit_for, scripted, writes):
    """A middleware that jumps to the tools after a rejection meets the guard there, as often as it jumps."""
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": True}, Jumps(), hitl=hitl, before=before)
    for _ in range(4):
        with contextlib.suppress(Exception):  # it jumps for ever, until LangGraph ends it
            agent.answer({"decisions": [NO]})
    assert writes() == []


class Reviews(AgentMiddleware):
    """Pauses after the tool, for somebody to look at what it did."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        done = handler(request)
        return done if interrupt({"review": str(done.content)}) == "fine" else None


@HITL
def test_row_19_what_ran_before_a_pause_does_not_run_again(hitl, toolkit_for, scripted, writes):
    """A pause after the tool runs the tool again, which gives its result, and takes the pause's own answer."""
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": True}, Reviews(), hitl=hitl)
    agent.past_the_middleware()
    agent.answer(YES)
    assert writes() == ["DELETE /contacts/46"]
    (told,) = agent.answer("fine")
    assert told.content == "Deleted contact 46."
    assert writes() == ["DELETE /contacts/46"]


@HITL
def test_row_17_an_approval_days_later_has_lapsed(hitl, toolkit_for, scripted, writes):
    """Neither the middleware's approval nor the guard's own is good for days."""
    now = [1_790_000_000.0]
    agent = agent_of((toolkit_for, scripted), DELETE, {"ac_delete_contact": True}, hitl=hitl, clock=lambda: now[0])
    agent.past_the_middleware()
    now[0] += 3 * 86400
    (told,) = agent.answer(YES)
    assert getattr(told.artifact, "kind", "done") == "expired"
    assert writes() == []
