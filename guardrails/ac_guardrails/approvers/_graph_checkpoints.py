"""What a graph's checkpoint keeps of a task: the pause that it showed last, and an answer that has been taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ac_guardrails._steps import Look, Steps

__all__ = ["CHECKPOINTER", "forget_bare_answer", "last_pauses"]

CHECKPOINTER = "__pregel_checkpointer"
_INTERRUPT, _RESUME = "__interrupt__", "__resume__"
_NO_TASK = "00000000-0000-0000-0000-000000000000"


def last_pauses(configurable: Mapping[str, Any]) -> Steps[Sequence[Any] | None]:
    """What a task was paused with last: LangGraph's `Interrupt` objects.

    Args:
        configurable: What LangGraph runs the task with.

    Returns:
        None where the task was not paused.
    """
    task = str(configurable.get("checkpoint_ns") or "").rpartition(":")[2]
    for where in _checkpoints(configurable):
        found = yield from _look_up(configurable, where)
        pauses = [value for owner, channel, value in _writes(found) if (owner, channel) == (task, _INTERRUPT)]
        if pauses:
            last: Sequence[Any] = pauses[-1]
            return last
    return None


def forget_bare_answer(configurable: Mapping[str, Any]) -> Steps[None]:
    """Take an answer that was given without its pause's id out of the checkpoint, before the task is paused anew.

    LangGraph keeps it there, and would offer it to the next pause of the task, whatever that shows, in any run that
    brings no answer of its own (`invoke(None)`, or a resume of another pause by id).
    """
    for where in _checkpoints(configurable):
        found = yield from _look_up(configurable, where)
        kept = [value for owner, channel, value in _writes(found) if (owner, channel) == (_NO_TASK, _RESUME)]
        if any(value is not None for value in kept):
            yield _replacing(configurable[CHECKPOINTER], found.config)


def _checkpoints(configurable: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Where a task may be kept: a function under @task has a namespace of its own, but lies in the graph around it."""
    namespace, ids = str(configurable.get("checkpoint_ns") or ""), configurable.get("checkpoint_map") or {}
    while namespace:
        namespace = namespace.rpartition("|")[0]
        thread = {"thread_id": configurable.get("thread_id"), "checkpoint_ns": namespace}
        yield {"configurable": {**thread, "checkpoint_id": ids.get(namespace)}}


def _look_up(configurable: Mapping[str, Any], where: dict[str, Any]) -> Steps[Any]:
    saver = configurable[CHECKPOINTER]
    return (yield Look(lambda: saver.get_tuple(where), lambda: saver.aget_tuple(where)))


def _writes(found: Any) -> Iterable[tuple[str, str, Any]]:
    return (found.pending_writes or ()) if found else ()


def _replacing(saver: Any, where: Any) -> Look:
    # None is what LangGraph takes for no answer, and a write of this kind replaces the one before.
    nothing = [(_RESUME, None)]
    return Look(lambda: saver.put_writes(where, nothing, _NO_TASK), lambda: saver.aput_writes(where, nothing, _NO_TASK))
