"""Rows 15, 16, 19, 20, 24 and 25 of the hole suite hold with the middleware as without it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolRetryMiddleware
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.middleware import ActiveCampaignMiddleware
from ac_tools.sandbox import Sandbox
from ac_tools.testing import calling, sandbox_toolkit, writes_to

from .scripted import ADD, BEGIN, BOTH, CONFIG, DELETE_46, DELETE_47, FULL, NO, YES, agent_of, run, says, together

pytest_plugins = ["ac_tools.testing.fixtures"]

EITHER = pytest.mark.parametrize("guarded", [True, False], ids=["with it", "without it"])


def pauses(agent: Any) -> dict[str, str]:
    """The contact that each question shows, with the id of its pause."""
    shown = agent.get_state(CONFIG).interrupts
    return {each["args"]["contact"]: one.id for one in shown for each in one.value["action_requests"]}


@EITHER
@BOTH
@pytest.mark.parametrize("order", [("47", "46"), ("46", "47")], ids=["backwards", "forwards"])
def test_row_15_each_answer_reaches_the_call_that_it_was_shown(order, asynchronous, guarded, ac_toolkit, ac_account):
    """Two questions of one message, answered in either order: the approved call runs, the rejected one does not."""
    toolkit = ac_toolkit(FULL, approver=ask_in_graph)
    agent = agent_of(toolkit, says(together(DELETE_46, DELETE_47)), guarded=guarded)
    run(agent, asynchronous=asynchronous)
    for contact in order:
        answer = {pauses(agent)[contact]: YES if contact == "47" else NO}
        run(agent, Command(resume=answer), asynchronous=asynchronous)
    assert writes_to(ac_account) == ["DELETE /contacts/47"]


@EITHER
@pytest.mark.parametrize("bad", [True, [YES, YES], {"decisions": []}, {"type": "accepted"}])
def test_row_16_a_bad_answer_is_asked_again(bad, guarded, ac_toolkit, ac_account):
    """An answer that means nothing runs nothing; the good one after it then works."""
    agent = agent_of(ac_toolkit(FULL, approver=ask_in_graph), says(DELETE_46), guarded=guarded)
    run(agent)
    run(agent, Command(resume=bad))
    assert writes_to(ac_account) == []
    run(agent, Command(resume=YES))
    assert writes_to(ac_account) == ["DELETE /contacts/46"]


@EITHER
@BOTH
def test_row_19_a_finished_sibling_does_not_run_again(asynchronous, guarded, ac_toolkit, ac_account):
    """Beside a call that pauses, and is asked about twice, another one runs once."""
    agent = agent_of(ac_toolkit(FULL, approver=ask_in_graph), says(together(ADD, DELETE_46)), guarded=guarded)
    run(agent, asynchronous=asynchronous)
    edit = {"type": "edit", "edited_action": {"name": "ac_delete_contact", "args": {"contact": "47"}}}
    for answer in (edit, YES):
        run(agent, Command(resume=answer), asynchronous=asynchronous)
    assert writes_to(ac_account) == ["POST /contacts", "DELETE /contacts/47"]


class Stumbling(AgentMiddleware):
    """Falls over once, after the tool is done."""

    stumbled = False

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        done = handler(request)
        if not self.stumbled:
            self.stumbled = True
            raise ConnectionError("after the tool was done")
        return done


@pytest.mark.parametrize("outside", [True, False], ids=["around it", "inside of it"])
def test_row_20_a_retry_gives_the_recorded_result(outside, ac_toolkit, ac_account):
    """What tries again, around the middleware or inside of it, gets the result, and sends nothing."""
    toolkit = ac_toolkit(FULL, approver=ask_in_graph)
    retrying = [ToolRetryMiddleware(initial_delay=0.001, jitter=False), Stumbling()]
    ours = ActiveCampaignMiddleware(toolkit)
    middleware = [*retrying, ours] if outside else [ours, *retrying]
    agent = create_agent(says(DELETE_46), middleware=middleware, checkpointer=InMemorySaver())
    run(agent)
    assert [one.content for one in run(agent, Command(resume=YES))] == ["Deleted contact 46."]
    assert writes_to(ac_account) == ["DELETE /contacts/46"]


@EITHER
def test_row_20_a_new_process_goes_on_where_the_old_one_paused(guarded, ac_account, tmp_path):
    """Everything is made anew over the same two files: what was done stays done, and the answer is used."""
    for given in (BEGIN, Command(resume=YES)):
        grants = Grants.from_dict({"agents": {"marketing": FULL}})
        guard = Guard(grants, approver=ask_in_graph, ledger=f"sqlite:///{tmp_path / 'ledger.db'}")
        toolkit = ActiveCampaignToolkit(account=ac_account, guard=guard, agent="marketing")
        with SqliteSaver.from_conn_string(str(tmp_path / "saver.db")) as saver:
            told = run(agent_of(toolkit, says(together(ADD, DELETE_46)), guarded=guarded, saver=saver), given)
        guard.ledger.close()
    assert sorted(writes_to(ac_account)) == ["DELETE /contacts/46", "POST /contacts"]
    assert [one.status for one in told] == ["success", "success"]


@EITHER
def test_row_20_a_replayed_checkpoint_gives_the_recorded_result(guarded, ac_toolkit, ac_account):
    """Going back to before the tools ran, and on from there, sends nothing again and tells the same."""
    agent = agent_of(ac_toolkit(FULL, approver=ask_in_graph), says(together(ADD, DELETE_46)), guarded=guarded)
    run(agent)
    first = run(agent, Command(resume=YES))
    before = writes_to(ac_account)
    past = next(old for old in agent.get_state_history(CONFIG) if "tools" in old.next)
    assert [one.content for one in run(agent, None, config=past.config)] == [one.content for one in first]
    assert writes_to(ac_account) == before


class Slow(httpx.AsyncBaseTransport):
    """The account, which takes a moment for each write and says when one has come."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()
        self.arrived = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.arrived.set()
            await asyncio.sleep(0.05)
        return await self._inner.handle_async_request(request)


@EITHER
async def test_row_24_a_run_that_is_cancelled_in_flight_has_its_outcome_on_record(guarded):
    """An agent's run is ended while its write is on its way; the ledger says what became of the write."""
    sandbox = Sandbox()
    slow = Slow(sandbox)
    async with ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=slow, limit=None) as account:
        toolkit = sandbox_toolkit({"tags": "write"}, account=account)
        agent = agent_of(toolkit, says(calling("ac_create_tag", name="Fresh")), guarded=guarded)
        work = asyncio.create_task(agent.ainvoke(BEGIN, CONFIG))
        await slow.arrived.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        for _ in range(100):
            await asyncio.sleep(0.01 if toolkit.guard.ledger.not_closed() else 0)
        assert [(one.outcome, one.state) for one in toolkit.guard.ledger.entries()] == [("done", "closed")]
        toolkit.guard.ledger.close()


@EITHER
def test_row_25_the_same_call_in_another_turn_is_a_new_call(guarded, ac_toolkit, ac_account):
    """The same words with the same call id in the next message are another call, and run."""
    call = {"name": "ac_update_contact", "args": {"contact": 46, "phone": "+1 555 0100"}, "id": "call_1"}
    model = says(AIMessage("", tool_calls=[call]), AIMessage("", tool_calls=[call]))
    run(agent_of(ac_toolkit({"contacts": "write"}), model, guarded=guarded))
    assert writes_to(ac_account) == ["PUT /contacts/46"] * 2


@EITHER
def test_row_25_no_second_effect_while_the_first_is_unknown(guarded, ac_toolkit, ac_account):
    """The model asks again with a new call id while nobody knows what became of the first: nothing is sent."""
    ac_account.simulator.fault("POST", "/tags", status=503)
    again = calling("ac_create_tag", name="Fresh")
    told = run(agent_of(ac_toolkit({"tags": "write"}), says(again, again), guarded=guarded))
    assert [one.artifact.kind for one in told] == ["unknown", "blocked"]
    assert writes_to(ac_account) == ["POST /tags"]
