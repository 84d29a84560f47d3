"""Events that start work: one run of a LangGraph graph for each, in a thread of the event's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ac_tools.webhooks._loop import run_in
from ac_tools.webhooks._store import Received

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot

    from ac_tools.webhooks._receiver import Handler

StateOf = Callable[[Received], Any]
"""What a graph is started with, made of the event; None where it is to start nothing."""


def starting(graph: CompiledStateGraph[Any], state: StateOf | None = None) -> Handler:
    """A handler that starts a graph, and goes on with it after a crash.

    The graph is run with its async methods, in its checkpointer's event loop where that is bound to one; with a
    checkpointer that has none, such as SqliteSaver, in a thread.

    Args:
        graph: A compiled graph with a checkpointer. What it may do in the account is what the grants of the agent say
            whose tools it was built with.
        state: What it is started with.

    Raises:
        ValueError: It has no checkpointer, so a second run could not be told from the first.
    """
    if not getattr(graph, "checkpointer", None):
        raise ValueError("The graph has no checkpointer, so that an event could start it twice. Compile it with one.")
    state_of = state or _by_default

    def start(received: Received) -> Any:
        given = state_of(received)
        if given is None:
            return None
        work = _start(graph, given, received.config)
        loop = getattr(graph.checkpointer, "loop", None)
        return run_in(loop, work) if isinstance(loop, asyncio.AbstractEventLoop) else work

    start.__qualname__ = f"graph:{graph.get_name()}"
    return start


def told(received: Received) -> dict[str, Any]:
    """An event as plain JSON, as a graph's state can hold it: its form as the account sent it, and its id here."""
    return {**received.event.wire, "webhook": received.id}


def _by_default(received: Received) -> dict[str, Any]:
    return {"event": told(received)}


# Each step is on disk before the next one begins, so that after a crash the same task runs again, whose calls the
# ledger knows.


async def _start(graph: CompiledStateGraph[Any], given: Any, config: Any) -> None:
    try:
        found = await graph.aget_state(config)
    except NotImplementedError:  # the checkpointer is for threads
        await asyncio.to_thread(_start_in_thread, graph, given, config)
        return
    if _is_to_run(found):
        await graph.ainvoke(None if found.created_at else given, config, durability="sync")


def _start_in_thread(graph: CompiledStateGraph[Any], given: Any, config: Any) -> None:
    found = graph.get_state(config)
    if _is_to_run(found):
        graph.invoke(None if found.created_at else given, config, durability="sync")


def _is_to_run(found: StateSnapshot) -> bool:
    """Whether it was not begun, or its process ended in the middle of it; where it waits for a person, it waits."""
    return not found.created_at or bool(found.next and not found.interrupts)
