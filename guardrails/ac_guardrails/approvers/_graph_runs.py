"""The runs of a task of a graph: what each may go by, and that its calls take turns.

Calls that run side by side in one task may all want to pause it, and only one pause is shown. Only the checkpoint knows
which one it was, and an answer to it is an answer to nothing else.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails._canonical import digest
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Steps
from ac_guardrails.approvers._graph_checkpoints import last_pauses

__all__ = [
    "SCRATCHPAD",
    "Run",
    "RunLock",
    "drop_kept_answer",
    "has_bare_answer",
    "is_answered",
    "lock_of",
    "scratchpad_of",
    "task_of",
]

SCRATCHPAD, _BY_ID = "__pregel_scratchpad", "__pregel_resume_map"


def scratchpad_of(origin: Origin) -> Any:
    """What LangGraph keeps of the answers to one run of a task."""
    return origin.config["configurable"][SCRATCHPAD]


def has_bare_answer(origin: Origin) -> bool:
    """Whether LangGraph offers this run of a task an answer that came without its pause's id, or has handed it out.

    In a run that was resumed by id it is one that LangGraph has kept from an earlier run.
    """
    return scratchpad_of(origin).get_null_resume(False) is not None


def is_answered(origin: Origin) -> bool:
    """Whether a task has an answer, of this run or of an earlier one."""
    return bool(scratchpad_of(origin).resume) or _fresh(origin) is not None


def drop_kept_answer(origin: Origin) -> None:
    """Where a run was resumed by id, throw away the bare answer of an earlier run, which was given to something else.

    Otherwise LangGraph would hand it out in place of the next pause.
    """
    if _by_id(origin) is not None:
        scratchpad_of(origin).get_null_resume(True)


def _fresh(origin: Origin) -> int | None:
    """Which of a task's answers this run brings, counted from 0; those before it were given out on earlier runs.

    LangGraph keeps no word of that, but an answer that it has kept is another object than the one that was given.
    """
    resume, by_id = scratchpad_of(origin).resume, _by_id(origin)
    if by_id is not None:
        return next((at for at, answer in _backwards(resume) if any(answer is one for one in by_id.values())), None)
    bare = scratchpad_of(origin).get_null_resume(False)
    taken = next((at for at, answer in _backwards(resume) if answer is bare), len(resume))
    return taken if bare is not None else None


def _backwards(resume: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    return ((at, resume[at]) for at in reversed(range(len(resume))))


def _by_id(origin: Origin) -> Any:
    """The answers that a run was resumed with, by the id of their pauses; None where it was not resumed so."""
    return origin.config["configurable"].get(_BY_ID)


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
        fresh: Which of the task's answers it brings, though it may not have taken it yet; None where it brings none.
        looked: The calls that were looked ahead at, and need no person.
    """

    scratchpad: Any
    shown: list[str] | None
    fresh: int | None
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
            shown = (yield from _last_shown(origin)) if is_answered(origin) else None
            self._run = Run(scratchpad, shown, _fresh(origin))
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


def _last_shown(origin: Origin) -> Steps[list[str] | None]:
    """The ids of the approvals that the pause before this run has shown; empty where it showed something else.

    Returns:
        None where the task was not paused, or where this run brings an answer to an earlier pause.
    """
    pauses = yield from last_pauses(origin.config["configurable"])
    by_id = _by_id(origin)
    if pauses is None or (by_id is not None and not any(each.id in by_id for each in pauses)):
        return None
    return [one for each in pauses if isinstance(each.value, dict) for one in each.value.get("approval_ids", ())]
