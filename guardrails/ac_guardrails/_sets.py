"""Sets: one question to a person about several calls, whose answer is kept as an answer to each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Decision, Elsewhere
from ac_guardrails._asking import Asking, NoAnswer
from ac_guardrails._call import Call
from ac_guardrails._canonical import digest
from ac_guardrails._desk import AnswerError, Question
from ac_guardrails._entries import Entry
from ac_guardrails._grants import Verdict
from ac_guardrails._hold import TakenError
from ac_guardrails._job import Exchange, InvalidCall, Job, Plan
from ac_guardrails._origin import Origin
from ac_guardrails._record import Record
from ac_guardrails._rehearse import as_run
from ac_guardrails._set_card import TOOL, set_card, together
from ac_guardrails._steps import Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_NOBODY = "the guard"
"""Who has said no where no person could be asked."""


@dataclass(frozen=True)
class Planned:
    """What a person said to several calls before any of them runs.

    Args:
        approval: The id of the question that they were asked; empty where none was asked before the calls run.
        questions: Each call's own question, as it stands now; None for a call that needs no person, and for one that
            cannot come as far as to its question, as its own run says.
        waits: Why there is no answer yet; empty where there is one, or none is needed.
    """

    approval: str
    questions: tuple[Question | None, ...]
    waits: str = ""


def planned(guard: Guard, jobs: Sequence[Job]) -> Steps[Planned]:
    """Ask a person once about all the calls that need one, and keep the answer for each of them.

    Nothing is sent. Each call finds its answer when it is run with the same origin; so does the same call made later,
    while the answer counts. It covers what it would cover had the call been asked about alone: exactly its requests,
    the records as they were read, the limits on the card, once.

    Args:
        guard: Whose calls they are.
        jobs: The calls, of one agent on one account, each with a call id of its own in its origin.

    Raises:
        ValueError: There are none, they are not one agent's on one account, or one of them could not be found again.
    """
    if not jobs:
        raise ValueError("A set has at least one call.")
    if len({(job.agent, job.host) for job in jobs}) > 1:
        raise ValueError("The calls of a set are one agent's, on one account. Plan the others apart.")
    if len({job.origin.call for job in jobs if job.origin.call}) < len(jobs):
        raise ValueError("Each call of a set needs a call id of its own in its origin, by which its run is known.")
    planning = _Planning(guard, [as_run(guard, job) for job in jobs])
    return (yield from planning.steps())


class _Planning:
    """One run of a set. In a graph it runs again at each resume, and goes on with what was asked before.

    Args:
        guard: Whose calls they are.
        jobs: The calls.
    """

    def __init__(self, guard: Guard, jobs: Sequence[Job]) -> None:
        self._guard = guard
        self._jobs = jobs
        self._job = _SetOfCalls(jobs)
        self._record = Record(guard.ledger, self._job)

    def steps(self) -> Steps[Planned]:
        approver = self._guard.approver
        if approver is None:  # what nobody can answer is not asked: each call's own run says so
            return Planned("", (None,) * len(self._jobs))
        if isinstance(approver, Elsewhere):
            yield from approver.hold(self._guard, self._job)
        outline = _outline(self._job)
        self._record.call = self._job.origin.key(outline) if outline else ""
        before = yield from self._recalled(self._job)
        if before is None:
            approval, ended = yield from self._anew()
        else:
            approval, ended = before.id, (yield from self._again(before))
        if ended is not None and ended.kind == "refused":
            yield from self._refused(approval, ended.reason)
        questions: tuple[Question | None, ...] = ()
        for job in self._jobs:
            questions += ((yield from self._question(job)),)
        return Planned(approval, questions, ended.reason if ended and ended.kind == "waiting" else "")

    def _anew(self) -> Steps[tuple[str, NoAnswer | None]]:
        """Let every call come as far as to its question, and ask what is open: one as it is, several as a set."""
        members = [_Member(self._guard, job) for job in self._jobs]
        for member in members:
            with suppress(InvalidCall):  # its own run says so
                yield from member.opened()
        asked: dict[str, tuple[Question, _Member]] = {}
        for member in members:
            question = yield from member.put()
            if question is not None and question.is_open(self._guard.clock()):
                asked[question.request.id] = question, member
        if len(asked) > 1:
            questions = [question for question, _ in asked.values()]
            plan, beyond = _plan(questions), frozenset[str]().union(*(one.beyond for one in questions))
            self._record.decided(plan.action, Verdict("ask", ""))
            ended = yield from self._asked(plan, questions, beyond)
            return self._record.entry, ended
        for approval, (_, member) in asked.items():
            # A graph pauses when the call itself runs: it counts the pauses by the calls that asked.
            if not (isinstance(self._guard.approver, Elsewhere) and self._guard.approver.answers_at_once):
                return approval, (yield from member.asked())
        return "", None

    def _again(self, before: Entry) -> Steps[NoAnswer | None]:
        """Go on with what was asked before, if nobody has answered it."""
        if before.state == "closed":
            return None
        self._record.adopt(before)
        desk, entry = self._guard.desk, before.id
        asked: list[Question] = yield Store(lambda: desk.questions(entry), self._guard.ledger.blocks)
        return (yield from self._asked(_as_it_was(asked[-1]), (), asked[-1].beyond)) if asked else None

    def _asked(self, plan: Plan, members: Sequence[Question], beyond: frozenset[str]) -> Steps[NoAnswer | None]:
        """Ask about the set; None where there is an answer."""
        asking = _Together(self._guard, self._job, self._record, members)
        with suppress(TakenError):  # another run of it is further
            answer = yield from asking.about(plan, Verdict("ask", "", beyond=beyond))
            if isinstance(answer, NoAnswer):
                if answer.kind == "expired":
                    yield from self._record.refused(answer.reason, kind="expired")
                return answer
        return None

    def _refused(self, approval: str, reason: str) -> Steps[None]:
        """That nobody could say yes, which counts as a no to every call that was asked about."""
        desk, decision = self._guard.desk, Decision.reject(reason, by=_NOBODY)
        with suppress(AnswerError):  # somebody was quicker
            yield Store(lambda: desk.answer(approval, decision), self._guard.ledger.blocks)

    def _question(self, job: Job) -> Steps[Question | None]:
        """The latest question of one of the calls."""
        entry = yield from self._recalled(job)
        if entry is None:
            return None
        desk = self._guard.desk
        asked: list[Question] = yield Store(lambda: desk.questions(entry.id), self._guard.ledger.blocks)
        return asked[-1] if asked else None

    def _recalled(self, job: Job | _SetOfCalls) -> Steps[Entry | None]:
        """The entry of a call that was made before."""
        outline, ledger = _outline(job), self._guard.ledger
        key = job.origin.key(outline) if outline else ""
        found: Entry | None = (yield Store(lambda: ledger.recall(key), ledger.blocks)) if key else None
        return found


class _SetOfCalls(Job):
    """A set, as approvers and the ledger know it: as one call, which is never carried out itself."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self.agent, self.tool, self.host = jobs[0].agent, TOOL, jobs[0].host
        name = digest([job.origin.call for job in jobs])[:32]
        self.origin = replace(jobs[0].origin, call=f"set {name}", siblings=Origin().siblings)

    def outline(self) -> Action:
        """The action as far as the arguments alone tell it."""
        outlines = [outline for job in self._jobs if (outline := _outline(job))]
        if not outlines:
            raise InvalidCall("None of the calls can be made.")
        return together(outlines)

    def arguments(self) -> Mapping[str, Any]:
        """What was asked for, as JSON."""
        return self.outline().arguments

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        """Its calls are prepared one by one."""
        raise NotImplementedError

    def edited(self, arguments: Mapping[str, Any]) -> Job:
        """Its calls are edited one by one."""
        raise NotImplementedError


class _Holding(Asking):
    """Keeps a call's question back until those of the calls beside it are there, so that nobody sees half a set."""

    held: tuple[Plan, Verdict] | None = None

    def put(self, plan: Plan, verdict: Verdict) -> Steps[Question]:
        self.held = plan, verdict
        return self._new(plan, verdict, [])
        yield  # a generator, like the one that puts it

    def put_now(self) -> Steps[Question | None]:
        """Put the question; None where there is none, or another run of its call is further."""
        with suppress(TakenError):
            return (yield from super().put(*self.held)) if self.held else None
        return None


class _Member(Call):
    """A call that comes as far as to its question."""

    def _use(self, job: Job) -> None:
        super()._use(job)
        self._asking = self._holding = _Holding(self._guard, job, self._record)

    def put(self) -> Steps[Question | None]:
        """The call's question, on the desk; None where no person is needed."""
        return (yield from self._holding.put_now())

    def asked(self) -> Steps[NoAnswer | None]:
        """Ask what was put; None where there is an answer."""
        asking = Asking(self._guard, self._job, self._record)
        assert self._holding.held is not None
        answer = yield from asking.about(*self._holding.held)
        return answer if isinstance(answer, NoAnswer) else None


class _Together(Asking):
    """Asks about several calls at once."""

    def __init__(self, guard: Guard, job: Job, record: Record, members: Sequence[Question]) -> None:
        super().__init__(guard, job, record)
        self._members = members

    def put(self, plan: Plan, verdict: Verdict) -> Steps[Question]:
        """What was asked stands, whatever has become of the single calls; what has changed they ask for themselves."""
        asked = yield from self._before()
        return asked[-1] if asked else (yield from super().put(plan, verdict))

    def _new(self, plan: Plan, verdict: Verdict, asked: list[Question], number: int = 0) -> Question:
        members = self._members
        request = ApprovalRequest(
            id=self._record.entry,
            agent=plan.action.agent,
            action=plan.action,
            card=plan.card(),
            facts=plan.facts,
            expires_at=min(one.request.expires_at for one in members),
        )
        binds = digest([request.agent, TOOL, plan.action.host, [one.binds for one in members]])
        ids = tuple(one.request.id for one in members)
        return Question(request, binds, plan.voids, beyond=verdict.beyond, members=ids)


def _outline(job: Job | _SetOfCalls) -> Action | None:
    try:
        return job.outline()
    except InvalidCall:
        return None  # its own run says so


def _plan(members: Sequence[Question]) -> Plan:
    """What a person is asked about a set."""
    numbered = {str(number): one for number, one in enumerate(members, 1)}
    return Plan(
        action=together([one.request.action for one in members]),
        card=lambda: set_card(members),
        perform=_nothing,
        facts={number: dict(one.request.facts) for number, one in numbered.items() if one.request.facts},
        voids={number: dict(one.voids) for number, one in numbered.items()},
    )


def _as_it_was(question: Question) -> Plan:
    """What a person was asked about a set."""
    request = question.request
    return Plan(request.action, card=lambda: request.card, perform=_nothing, voids=question.voids)


def _nothing() -> Exchange:
    raise NotImplementedError("the calls of a set are carried out one by one")
