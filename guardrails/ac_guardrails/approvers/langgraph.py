"""Asking through LangGraph: the graph pauses at the tool call, and goes on when somebody resumes it with an answer.

Where each call of a message has a task of its own (`create_agent`), each pauses for itself. Where one task runs them
all (a ToolNode in a graph of one's own), LangGraph gives the answers out by order of arrival and runs every call again
on each resume. So there all calls of the message are asked about together and wait for each other, and what was shown
in which round is in the ledger: an answer reaches the questions that its person saw, whichever call it is handed to.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision, Elsewhere
from ac_guardrails._canonical import digest
from ac_guardrails._desk import AnswerError, Desk, Question
from ac_guardrails._job import InvalidCall
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Pause, Steps, Store
from ac_guardrails.approvers._graph_messages import Unusable, parse, payload

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job

__all__ = ["GraphApprover", "ask_in_graph"]

_SCRATCHPAD, _CHECKPOINTER = "__pregel_scratchpad", "__pregel_checkpointer"
_MOST_UNUSABLE = 5
_TURN = 0.002
_CHANGED = "What you were asked has changed since, so that answer was not used"


class GraphApprover(Elsewhere):
    """Pauses the graph with LangGraph's `interrupt`, and takes the answer that it is resumed with.

    The person's name is `configurable["langgraph_auth_user_id"]`, which LangGraph Server sets, or else
    `configurable["approver"]` of the run that resumes.
    """

    answers_at_once = True

    def hold(self, guard: Guard, job: Job) -> Steps[None]:
        """Where one task runs several calls, none begins before all were decided on."""
        if len(job.origin.siblings()) > 1 and not _why_not(job.origin):
            yield from self._together(guard, job, None)

    def ask(self, guard: Guard, job: Job, request: ApprovalRequest) -> Steps[None]:
        """Pause the graph until there is an answer to the question."""
        if why := _why_not(job.origin):
            raise CannotAskError(why)
        yield from self._together(guard, job, request)

    def _together(self, guard: Guard, job: Job, request: ApprovalRequest | None) -> Steps[None]:
        """Ask about all calls of the task at once, one call at a time, until none is waiting."""
        task = _task(job.origin)
        lock = _lock_of(task)
        while not lock.acquire(blocking=False):
            yield Pause(_TURN)
        try:
            desk = _Paused(guard, job, task, opened=request is None)
            while waiting := (yield from desk.waiting(request)):
                yield from desk.interrupt(waiting)
        finally:
            lock.release()

    def __repr__(self) -> str:
        return "ask_in_graph"


ask_in_graph = GraphApprover()
"""The approver for agents and workflows in LangGraph: `Guard(..., approver=ask_in_graph)`."""


class _Paused:
    """The questions of one task, and its rounds of answers.

    Args:
        guard: The guard of the call that asks.
        job: That call.
        task: The task.
        opened: Whether the calls beside it may not have come as far as to their questions yet.
    """

    def __init__(self, guard: Guard, job: Job, task: str, *, opened: bool) -> None:
        self._guard = guard
        self._job = job
        self._task = task
        self._open = opened
        self._scratchpad = job.origin.config["configurable"][_SCRATCHPAD]
        self._note = ""

    def waiting(self, request: ApprovalRequest | None) -> Steps[list[Question]]:
        """The questions that nobody has answered yet, after the answers so far were given to whom they are for."""
        found = yield from self._questions(request)
        yield from self._given_out()
        waiting = []
        for guard, question in found:
            now = yield Store(_looked_up(guard, question.request.id), guard.ledger.blocks)
            if now is not None and now.is_open(guard.clock()):
                waiting.append(now)
        return waiting

    def interrupt(self, waiting: list[Question]) -> Steps[None]:
        """Pause with these questions, or take the next answer; an answer is given out by `waiting`."""
        from langgraph.errors import GraphInterrupt
        from langgraph.types import interrupt

        desk, task, number = self._guard.desk, self._task, len(self._scratchpad.resume)
        ids = [question.request.id for question in waiting]
        shown = yield Store(lambda: desk.round_of(task, number, ids), self._guard.ledger.blocks)
        try:
            interrupt(payload([question.request for question in waiting], note=self._note))
        except GraphInterrupt:
            if shown != ids:
                # Other questions were shown in this round before: nobody could tell which ones its answer is about.
                yield Store(lambda: desk.forget_round(task, number), self._guard.ledger.blocks)
            raise

    def _questions(self, request: ApprovalRequest | None) -> Steps[list[tuple[Guard, Question]]]:
        siblings = self._job.origin.siblings() or [(self._guard, self._job)]
        found: list[tuple[Guard, Question]] = []
        for guard, job in siblings:
            if not isinstance(guard.approver, GraphApprover):
                continue
            question = yield from _question_of(guard, job, opened=self._open)
            if question is not None:
                found.append((guard, question))
        self._open = False
        if request is not None and all(question.request.id != request.id for _, question in found):
            own = yield Store(_looked_up(self._guard, request.id), self._guard.ledger.blocks)
            found += [(self._guard, own)] if own is not None else []
        return found

    def _given_out(self) -> Steps[None]:
        """Give every answer so far to the questions that its round has shown; on every run, but the first stands."""
        answers = list(self._scratchpad.resume)
        task, desk = self._task, self._guard.desk
        rounds = yield Store(lambda: desk.rounds(task, len(answers)), self._guard.ledger.blocks)
        unusable = 0
        for answer, ids in zip(answers, rounds, strict=True):
            asked = yield Store(_all_of(desk, ids), self._guard.ledger.blocks)
            unusable += yield from self._taken(answer, asked, len(ids), unusable)

    def _taken(self, answer: Any, asked: list[Question], count: int, unusable: int) -> Steps[int]:
        """Record what an answer decided. Returns 1 where it decided nothing, else 0."""
        if not any(question.is_open(self._guard.clock()) for question in asked):
            self._note = "" if count else _CHANGED
            return 0
        by = _person(self._job.origin)
        decided = parse(answer, [question.request for question in asked], by=by)
        if len(asked) < count:
            decided = Unusable(_CHANGED)
        if isinstance(decided, Unusable):
            self._note = f"Your last answer was not understood, and nothing was done: {decided.reason}."
            if unusable + 1 < _MOST_UNUSABLE:
                return 1
            decided = tuple(Decision.reject("no usable answer was given", by=by) for _ in asked)
        for question, decision in zip(asked, decided, strict=True):
            yield Store(_answering(self._guard, question.request.id, decision), self._guard.ledger.blocks)
        self._note = ""
        return 0


def _question_of(guard: Guard, job: Job, *, opened: bool) -> Steps[Question | None]:
    """The latest question of a call that runs beside others; it is made now where the call has not come so far."""
    from ac_guardrails._call import Call

    try:
        outline = job.outline()
    except InvalidCall:
        return None  # its own run says so
    key = job.origin.key(outline) if outline.is_write else ""
    if not key:
        return None
    entry = yield Store(lambda: guard.ledger.recall(key), guard.ledger.blocks)
    if entry is not None:
        asked: Sequence[Question] = yield Store(lambda: guard.desk.questions(entry.id), guard.ledger.blocks)
        if asked:
            return asked[-1]
        if entry.state == "closed" or entry.writes:
            return None
    if not opened:
        return None
    try:
        question: Question | None = yield from Call(guard, job).opened()
    except Exception:
        return None  # whatever it is, its own run meets it and puts it on record
    return question


def _all_of(desk: Desk, ids: list[str]) -> Any:
    return lambda: [found for one in ids if (found := desk.question(one)) is not None]


def _looked_up(guard: Guard, question_id: str) -> Any:
    return lambda: guard.desk.question(question_id)


def _answering(guard: Guard, question_id: str, decision: Decision) -> Any:
    def answer() -> None:
        with suppress(AnswerError):  # the first valid answer stands
            guard.desk.answer(question_id, decision)

    return answer


def _why_not(origin: Origin) -> str:
    """Why the graph cannot be paused here, as a clause; empty where it can."""
    given = origin.config.get("configurable") or {}
    if _SCRATCHPAD not in given:
        return "the tool is not run by a LangGraph graph, which could pause. Run it in one, or use another approver"
    if not given.get(_CHECKPOINTER):
        return "the graph has no checkpointer to pause with. Compile it with one: checkpointer=InMemorySaver()"
    if not hasattr(given[_SCRATCHPAD], "resume"):
        return "this version of LangGraph is not supported. Use langgraph>=1.2.12,<2"
    return ""


def _person(origin: Origin) -> str:
    given = origin.config.get("configurable") or {}
    name = given.get("langgraph_auth_user_id") or given.get("approver")
    return str(name).strip() or _NOBODY if name else _NOBODY


_NOBODY = "whoever resumed the thread"


def _task(origin: Origin) -> str:
    given = origin.config["configurable"]
    return digest([str(given.get("thread_id") or ""), str(given.get("checkpoint_ns") or "")])[:32]


class _Lock:
    """A lock that can be dropped when nobody holds or waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, *, blocking: bool) -> bool:
        return self._lock.acquire(blocking=blocking)

    def release(self) -> None:
        self._lock.release()


_LOCKS: weakref.WeakValueDictionary[str, _Lock] = weakref.WeakValueDictionary()
_LOCKS_LOCK = threading.Lock()


def _lock_of(task: str) -> _Lock:
    with _LOCKS_LOCK:
        lock = _LOCKS.get(task)
        if lock is None:
            lock = _LOCKS[task] = _Lock()
        return lock
