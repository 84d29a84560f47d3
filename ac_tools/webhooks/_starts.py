"""Events that start work: one run of a LangGraph graph for each, in a thread of the event's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ac_tools.webhooks._store import Received

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from ac_tools.webhooks._receiver import Handler


def starting(graph: CompiledStateGraph[Any]) -> Handler:
    """A handler that starts a graph, and goes on with it after a crash.

    Args:
        graph: A compiled graph with a checkpointer. What it may do in the account is what the grants of the agent say
            whose tools it was built with.

    Raises:
        ValueError: It has no checkpointer, so a second run could not be told from the first.
    """
    if not getattr(graph, "checkpointer", None):
        raise ValueError("The graph has no checkpointer, so that an event could start it twice. Compile it with one.")

    def start(received: Received) -> None:
        config: Any = received.config
        state = graph.get_state(config)
        if not state.created_at:
            graph.invoke({"event": told(received)}, config)
        elif state.next and not state.interrupts:
            graph.invoke(None, config)  # its process ended in the middle of it

    start.__qualname__ = f"graph:{graph.get_name()}"
    return start


def told(received: Received) -> dict[str, Any]:
    """An event as plain JSON, as a graph's state can hold it: its form as the account sent it, and its id here."""
    return {**received.event.wire, "webhook": received.id}
