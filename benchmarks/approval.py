"""What an approval costs: a round trip through an agent's graph, beside a bare interrupt in an equal tool."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bare import AskingAddTag, BlindAddTag
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.testing import ScriptedChatModel

GRANTS = Grants.from_dict(
    {"agents": {"marketing": {"contacts": "read", "tags": {"access": "write", "ask": "writes"}}}}, catalog=catalog
)
APPROVED = {"decisions": [{"type": "approve"}]}


def round_trip(tool: BaseTool, saver: Any) -> Callable[[], None]:
    """An agent that calls the tool once; each run is a thread of its own, paused and resumed."""
    calling = AIMessage(
        "", tool_calls=[{"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contact": "46", "tag": "1"}}]
    )
    model = ScriptedChatModel(script=[calling, AIMessage("Done.")])
    agent: Any = create_agent(model, [tool], checkpointer=saver)
    threads = itertools.count()

    def run() -> None:
        config = {"configurable": {"thread_id": f"{tool.name}-{next(threads)}", "approver": "anna"}}
        paused = agent.invoke({"messages": [HumanMessage("Tag 46.")]}, config)
        assert len(paused["__interrupt__"]) == 1
        ended = agent.invoke(Command(resume=APPROVED), config)
        answer = ended["messages"][-2]
        assert answer.status == "success", answer

    return run


def ratio(bare: Callable[[], None], guarded: Callable[[], None], *, times: int) -> tuple[float, float]:
    """The median guarded round trip in seconds, and how many times the bare one it is; they take turns."""
    pairs = []
    for _ in range(times):
        begun = time.perf_counter()
        bare()
        between = time.perf_counter()
        guarded()
        pairs.append((between - begun, time.perf_counter() - between))
    without, with_guard = (statistics.median(column) for column in zip(*pairs[times // 10 :], strict=True))
    return with_guard, with_guard / without


def round_trips(directory: str, *, times: int) -> Iterator[tuple[str, float, str, float | None]]:
    """Both kinds of checkpointer, each with the ledger of its kind."""
    with SqliteSaver.from_conn_string(f"{directory}/graph.db") as on_disk, ActiveCampaign.sandbox() as account:
        places = (
            ("memory", InMemorySaver(), "memory:", 1.15),
            ("SQLite", on_disk, f"sqlite:///{directory}/ask.db", 1.6),
        )
        for where, saver, ledger, most in places:
            guard = Guard(GRANTS, ledger=ledger, approver=ask_in_graph)
            tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_add_tag")
            guarded = round_trip(tool, saver)
            taken, times_bare = ratio(round_trip(AskingAddTag(account), saver), guarded, times=times)
            _, times_blind = ratio(round_trip(BlindAddTag(account), saver), guarded, times=times)
            guard.ledger.close()
            what = f"an approval, checkpoints and ledger in {where}"
            yield what, taken * 1e3, "ms", None
            yield f"{what}, times a bare interrupt", times_bare, "x", most
            yield f"{what}, times one that reads nothing for its question", times_blind, "x", None
