"""Asking through LangGraph: the graph pauses at the tool call, and goes on when somebody resumes it with an answer.

Where each call of a message has a task of its own (`create_agent`), each pauses for itself. Where one task runs them
all (a ToolNode in a graph of one's own), LangGraph gives the answers out by order of arrival and runs every call again
on each resume. So there all calls of the message are asked about together and wait for each other, and what was shown
in which round is in the ledger: an answer reaches the questions that its person saw, whichever call it is handed to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision, Elsewhere
from ac_guardrails._desk import AnswerError, Question, entry_of
from ac_guardrails._job import InvalidCall
from ac_guardrails._origin import Origin
from ac_guardrails._steps import Pause, Steps, Store
from ac_guardrails.approvers._graph_checkpoints import CHECKPOINTER, forget_bare_answer
from ac_guardrails.approvers._graph_messages import Unusable, parse, payload
from ac_guardrails.approvers._graph_runs import (
    SCRATCHPAD,
    Run,
    drop_kept_answer,
    has_bare_answer,
    is_answered,
    lock_of,
    scratchpad_of,
    task_of,
)

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job

__all__ = ["ask_in_graph"]

_Asked = tuple["Guard", Question]
"""A question, and the guard that asks it."""

_MOST_UNUSABLE = 5
_TURN = 0.002
_MIXED = (
    "another call of the same message has paused the graph, and LangGraph cannot tell the answers to both apart. "
    "Call it in a message of its own"
)
_CHANGED = "What you were asked has changed since, so that answer was not used"


class GraphApprover(Elsewhere):
    """Pauses the graph with LangGraph's `interrupt`, and takes the answer that it is resumed with.

    The person's name is `configurable["langgraph_auth_user_id"]`, which LangGraph Server sets, or else
    `configurable["approver"]` of the run that resumes.
    """

    answers_at_once = True

    def hold(self, guard: Guard, job: Job) -> Steps[None]:
        """Where one task runs several calls, none begins before all were decided on."""
        if _why_not(job.origin):
            return
        drop_kept_answer(job.origin)
        if len(job.origin.siblings()) > 1:
            with suppress(CannotAskError):  # each call that must ask says so for itself
                yield from self._together(guard, job, None)
        elif is_answered(job.origin) and (own := (yield from _entry_of(guard, job))):
            yield from _counted(guard, job, own)
            with suppress(CannotAskError):  # before the call begins, which finds its answer in the ledger
                yield from self._together(guard, job, None, own=own)

    def ask(self, guard: Guard, job: Job, request: ApprovalRequest) -> Steps[None]:
        """Pause the graph until there is an answer to the question."""
        if why := _why_not(job.origin):
            raise CannotAskError(why)
        yield from self._together(guard, job, request)

    def is_pause(self, error: BaseException) -> bool:
        """Whether it is LangGraph's own, which ends a run to go on later."""
        errors = sys.modules.get("langgraph.errors")
        return errors is not None and isinstance(error, errors.GraphBubbleUp)

    def _together(self, guard: Guard, job: Job, request: ApprovalRequest | None, *, own: str = "") -> Steps[None]:
        """Ask about all calls of the task at once, one call at a time, until none is waiting.

        Args:
            guard: The guard of the call that comes to this.
            job: That call.
            request: Its question; None where it has none yet.
            own: The entry of the only call whose answers are taken, where nothing is to be asked.
        """
        task = task_of(job.origin)
        lock = lock_of(task)
        while not lock.acquire(blocking=False):
            yield Pause(_TURN)
        try:
            run = yield from lock.run(job.origin)
            paused = _Paused(guard, job, run, opened=request is None, own=own)
            while not own and (waiting := (yield from paused.waiting(request))):
                yield from paused.interrupt(waiting)
            yield from paused.taken()
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
        run: This run of the task.
        opened: Whether the calls beside it may not have come as far as to their questions yet.
        own: The entry of the call whose answers may be taken, until it is known which are asked about.
    """

    def __init__(self, guard: Guard, job: Job, run: Run, *, opened: bool, own: str) -> None:
        self._guard = guard
        self._job = job
        self._task = task_of(job.origin)
        self._calls = _asking_here(guard, job)
        # The rounds of a task lie in one ledger, whichever of its calls looks at them.
        self._home = self._calls[0][0]
        self._open = opened
        self._own = {own}
        self._run = run
        self._given = 0
        self._note = ""
        if run.shown == [] and job.origin.siblings():
            raise CannotAskError(_MIXED)

    def waiting(self, request: ApprovalRequest | None) -> Steps[list[_Asked]]:
        """The questions that nobody has answered yet, after the answers so far were given to whom they are for."""
        found = yield from self._questions(request)
        self._own = {entry_of(one) for one in found}
        yield from self._given_out()
        waiting = []
        for one, guard in found.items():
            question = yield Store(_looked_up(guard, one), guard.ledger.blocks)
            if question is not None and question.is_open(guard.clock()):
                waiting.append((guard, question))
        return waiting

    def interrupt(self, waiting: list[_Asked]) -> Steps[None]:
        """Pause with these questions, or take the next answer; an answer is given out by `waiting`."""
        from langgraph.errors import GraphInterrupt
        from langgraph.types import interrupt

        try:
            interrupt(payload([question.request for _, question in waiting], note=self._note))
        except GraphInterrupt:
            yield from self._shown([question.request.id for _, question in waiting])
            if has_bare_answer(self._job.origin):
                yield from forget_bare_answer(self._job.origin.config["configurable"])
            raise

    def taken(self) -> Steps[None]:
        """Take the answers that this run has to the questions that were shown, where those are our own.

        They may have been answered elsewhere meanwhile, or be asked no more: the answers are nobody else's for that.
        """
        from langgraph.errors import GraphInterrupt
        from langgraph.types import interrupt

        run, resume = self._run, self._run.scratchpad.resume
        if run.fresh is None or self._given > run.fresh:
            return
        if not any(entry_of(one) in self._own for one in run.shown or ()):
            return
        with suppress(GraphInterrupt):  # another part of the graph has taken it
            while len(resume) <= run.fresh:
                interrupt({})  # does not pause, since there is an answer
        yield from self._given_out()

    def _shown(self, ids: list[str]) -> Steps[None]:
        """Put on record what this pause shows, which is what its answer will be about."""
        desk, task, number = self._home.desk, self._task, len(self._run.scratchpad.resume)
        shown = yield Store(lambda: desk.round_of(task, number, ids), self._home.ledger.blocks)
        if shown != ids:
            # The same pause has shown other questions before, and nobody can know which of both is answered.
            yield Store(lambda: desk.forget_round(task, number), self._home.ledger.blocks)

    def _questions(self, request: ApprovalRequest | None) -> Steps[dict[str, Guard]]:
        """The latest question of each call, with its guard; two calls for the same share one."""
        found: dict[str, Guard] = {}
        alone = request is not None and not self._job.origin.siblings()
        for guard, job in () if alone else self._calls:
            question = yield from _question_of(guard, job, looked=self._run.looked if self._open else None)
            if question is not None:
                found[question.request.id] = guard
        self._open = False
        if request is not None:
            found.setdefault(request.id, self._guard)
        return found

    def _given_out(self) -> Steps[None]:
        """Give the answer that this run brings to the questions that its round has shown."""
        answers, fresh = list(self._run.scratchpad.resume), self._run.fresh
        self._given = len(answers)
        if fresh is None or fresh >= len(answers):
            return
        task, home = self._task, self._home
        *before, shown = yield Store(lambda: home.desk.rounds(task, fresh + 1), home.ledger.blocks)
        if shown == [] and _names(answers[fresh], self._run.shown):
            shown = self._run.shown
        elif shown == [] and self._run.shown:
            self._note = _CHANGED
        if not shown or shown != self._run.shown:
            return  # somebody else's: another part of the task has paused it, too
        unusable = 0
        for answer, ids in zip(answers, before, strict=False):  # they were given out on earlier runs, and only count
            asked = (yield from self._all_of(ids)) if ids else []
            unusable += bool(ids) and isinstance(self._read(answer, asked, len(ids)), Unusable)
        asked = yield from self._all_of(shown)
        yield from self._taken(answers[fresh], asked, len(shown), unusable)

    def _all_of(self, ids: list[str]) -> Steps[list[_Asked]]:
        asked: list[_Asked] = []
        for one in ids:
            for guard in {id(guard.ledger): guard for guard, _ in self._calls}.values():
                question = yield Store(_looked_up(guard, one), guard.ledger.blocks)
                if question is not None:
                    asked.append((guard, question))
                    break
        return asked

    def _taken(self, answer: Any, asked: list[_Asked], count: int, unusable: int) -> Steps[None]:
        """Record what an answer decided; `unusable` is how many before it decided nothing."""
        self._note = ""
        decided = self._read(answer, asked, count)
        if not decided:
            return
        if isinstance(decided, Unusable):
            if unusable + 1 < _MOST_UNUSABLE:
                self._note = f"Your last answer could not be used, and nothing was done: {decided.reason}."
                return
            by = _person(self._job.origin)
            decided = tuple(Decision.reject("no usable answer was given", by=by) for _ in asked)
        for (guard, question), decision in zip(asked, decided, strict=True):
            if not question.says(decision):
                yield Store(_answering(guard, question.request.id, decision), guard.ledger.blocks)

    def _read(self, answer: Any, asked: list[_Asked], count: int) -> tuple[Decision, ...] | Unusable:
        """What an answer decides; nothing, where none of its questions is open any more."""
        is_open = any(question.is_open(guard.clock()) for guard, question in asked)
        if len(asked) < count:
            return Unusable(_CHANGED) if is_open else ()
        decided = parse(answer, [question.request for _, question in asked], by=_person(self._job.origin))
        if not isinstance(decided, Unusable):
            decided = self._fault_of_edits(asked, decided) or decided
        # Answered elsewhere meanwhile: a clear word may still be an objection to that.
        return () if isinstance(decided, Unusable) and not is_open else decided

    def _fault_of_edits(self, asked: list[_Asked], decided: tuple[Decision, ...]) -> Unusable | None:
        """What is wrong with the first edit whose arguments its tool cannot use."""
        for (_, question), decision in zip(asked, decided, strict=True):
            action = question.request.action
            alike = [job for _, job in self._calls if (job.tool, job.agent) == (action.tool, action.agent)]
            if decision.kind == "edit" and alike:
                try:
                    alike[0].edited(decision.arguments or {}).outline()
                except InvalidCall as error:
                    return Unusable(str(error).rstrip("."))
        return None


def _entry_of(guard: Guard, job: Job) -> Steps[str]:
    """The entry of a call that has come as far as to one before; empty for any other."""
    try:
        outline = job.outline()
    except InvalidCall:
        return ""  # its own run says so
    key = job.origin.key(outline) if outline.is_write else ""
    return (yield Store(lambda: guard.ledger.entry_of_call(key), guard.ledger.blocks)) if key else ""


def _counted(guard: Guard, job: Job, entry: str) -> Steps[None]:
    """Call `interrupt` as often as this call did before, since LangGraph gives answers out by counting those calls.

    Whatever else in the task asks after this call would be given its answers otherwise.
    """
    from langgraph.errors import GraphInterrupt
    from langgraph.types import interrupt

    task, count = task_of(job.origin), len(scratchpad_of(job.origin).resume)
    if not count:
        return
    rounds = yield Store(lambda: guard.desk.rounds(task, count), guard.ledger.blocks)
    for shown in rounds:
        if shown and entry_of(shown[0]) == entry:
            with suppress(GraphInterrupt):  # it is counted; what is asked now is no question of this call
                interrupt({})


def _asking_here(guard: Guard, job: Job) -> list[tuple[Guard, Job]]:
    """The calls of the task that ask in the graph, in the order of their message."""
    siblings = job.origin.siblings() or [(guard, job)]
    return [call for call in siblings if isinstance(call[0].approver, GraphApprover)] or [(guard, job)]


def _question_of(guard: Guard, job: Job, *, looked: set[str] | None) -> Steps[Question | None]:
    """The latest question of a call that runs beside others; it is made now where the call has not come so far.

    Args:
        guard: The call's guard.
        job: The call.
        looked: The calls that need no person, as far as this run has found out; None to make no question now.
    """
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
    if looked is None or key in looked:
        return None
    looked.add(key)
    try:
        question: Question | None = yield from Call(guard, job).opened()
    except Exception:
        return None  # whatever it is, its own run meets it and puts it on record
    return question


def _names(answer: Any, shown: list[str] | None) -> bool:
    """Whether an answer names the approvals that it is for, so that nobody need know which pause it was given to."""
    if not (shown and isinstance(answer, dict)):
        return False
    return answer.get("approval_ids") == shown or set(answer) == set(shown)


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
    if SCRATCHPAD not in given:
        return "the tool is not run by a LangGraph graph, which could pause. Run it in one, or use another approver"
    if not given.get(CHECKPOINTER):
        return "the graph has no checkpointer to pause with. Compile it with one: checkpointer=InMemorySaver()"
    if not hasattr(given[SCRATCHPAD], "resume"):
        return "this version of LangGraph is not supported. Use langgraph>=1.2.12,<2"
    return ""


def _person(origin: Origin) -> str:
    given = origin.config.get("configurable") or {}
    name = given.get("langgraph_auth_user_id") or given.get("approver")
    return str(name).strip() or _NOBODY if name else _NOBODY


_NOBODY = "whoever resumed the thread"
