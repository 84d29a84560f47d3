"""The runs of a task of a graph: what each may go by, and that its calls take turns.

Calls that run side by side in one task may all want to pause it, and only one pause is shown. Only the checkpoint knows
which one it was, and an answer to it is an answer to nothing else.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails._canonical import digest
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Look, Steps

__all__ = ["CHECKPOINTER", "SCRATCHPAD", "Run", "RunLock", "is_answered", "lock_of", "scratchpad_of", "task_of"]

SCRATCHPAD, CHECKPOINTER = "__pregel_scratchpad", "__pregel_checkpointer"


def scratchpad_of(origin: Origin) -> Any:
    """What LangGraph keeps of the answers to one run of a task."""
    return origin.config["configurable"][SCRATCHPAD]


def is_answered(origin: Origin) -> bool:
    """Whether this run of a task has an answer, which it may not have taken yet."""
    scratchpad = scratchpad_of(origin)
    return bool(scratchpad.resume) or scratchpad.get_null_resume(False) is not None


def task_of(origin: Origin) -> str:
    """The task's name: the same in every run of it, in whatever process."""
    given = origin.config["configurable"]
    return digest([str(given.get("thread_id") or ""), str(given.get("checkpoint_ns") or "")])[:32]


@dataclass(frozen=True)
class Run:
    """One run of a task.

    Args:
        scratchpad: LangGraph's own notes on it.
        shown: The questions that the pause before it has shown; empty where it was somebody else's pause, None where
            there is no answer that could be one to it.
        answers: How many answers it has, with the one that it may not have taken yet.
        looked: The calls that were looked ahead at, and need no person.
    """

    scratchpad: Any
    shown: list[str] | None
    answers: int
    looked: set[str] = field(default_factory=set)


class RunLock:
    """A lock that can be dropped when nobody holds or waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: Run | None = None

    def run(self, origin: Origin) -> Steps[Run]:
        """The run of the task that a call is part of; for whoever holds the lock."""
        scratchpad = scratchpad_of(origin)
        if self._run is None or self._run.scratchpad is not scratchpad:
            shown = (yield from _last_shown(origin.config["configurable"])) if is_answered(origin) else None
            answers = len(scratchpad.resume) + (scratchpad.get_null_resume(False) is not None)
            self._run = Run(scratchpad, shown, answers)
        return self._run

    def acquire(self, *, blocking: bool) -> bool:
        return self._lock.acquire(blocking=blocking)

    def release(self) -> None:
        self._lock.release()


_LOCKS: weakref.WeakValueDictionary[str, RunLock] = weakref.WeakValueDictionary()
_LOCKS_LOCK = threading.Lock()


def lock_of(task: str) -> RunLock:
    """The lock of a task, for all calls of this process."""
    with _LOCKS_LOCK:
        lock = _LOCKS.get(task)
        if lock is None:
            lock = _LOCKS[task] = RunLock()
        return lock


def _last_shown(configurable: Mapping[str, Any]) -> Steps[list[str] | None]:
    """The ids of the approvals that the last pause of a task has shown; empty where it showed something else.

    Args:
        configurable: What LangGraph runs the task with.

    Returns:
        None where the task was not paused.
    """
    namespace, _, task = str(configurable.get("checkpoint_ns") or "").rpartition(":")
    saver, ids = configurable[CHECKPOINTER], configurable.get("checkpoint_map") or {}
    while True:  # a function under @task has a namespace of its own, but is kept in the graph around it
        namespace = namespace.rpartition("|")[0]
        where = {
            "thread_id": configurable.get("thread_id"),
            "checkpoint_ns": namespace,
            "checkpoint_id": ids.get(namespace),
        }
        shown = _of_task((yield from _writes(saver, {"configurable": where})), task)
        if shown is not None or not namespace:
            return shown


def _writes(saver: Any, config: Mapping[str, Any]) -> Steps[Iterable[tuple[str, str, Any]]]:
    found = yield Look(lambda: saver.get_tuple(config), lambda: saver.aget_tuple(config))
    return found.pending_writes or () if found else ()


def _of_task(writes: Iterable[tuple[str, str, Any]], task: str) -> list[str] | None:
    shown: list[str] | None = None
    for owner, channel, value in writes:
        if owner == task and channel == "__interrupt__":
            values = [getattr(each, "value", None) for each in value]
            shown = [one for each in values if isinstance(each, dict) for one in each.get("approval_ids", ())]
    return shown
