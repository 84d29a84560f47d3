"""Asking: one question to a person about one action, and the answer that stands."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision, Elsewhere
from ac_guardrails._canonical import canonical
from ac_guardrails._desk import AnswerError, Question
from ac_guardrails._grants import Verdict
from ac_guardrails._hold import TakenError
from ac_guardrails._job import Job, Plan
from ac_guardrails._record import Record
from ac_guardrails._settle import when
from ac_guardrails._steps import Ask, Effect, LateError, Pause, Steps, Store
from ac_guardrails._text import inert, quoted

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_TURN = 0.02
"""Seconds between two looks, where another call of this process is putting the same question."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no decision.

    Args:
        kind: refused where nobody can or will say yes, expired where it is too late, waiting where it may still come,
            over where another run of the call has gone on without one.
        reason: The same in words.
    """

    kind: Literal["refused", "expired", "waiting", "over"]
    reason: str


_NOBODY = NoAnswer("refused", "A person must agree to this, and the guard has no approver to ask.")


class Asking:
    """Puts a call's questions, and brings the answers.

    Args:
        guard: Whose question it is.
        job: The call.
        record: Its entry.
    """

    def __init__(self, guard: Guard, job: Job, record: Record) -> None:
        self._guard = guard
        self._job = job
        self._record = record
        self._desk = guard.desk
        self.elsewhere = False
        """Whether somebody elsewhere is being waited for, so that the question outlives this run of the call."""

    def is_known(self, plan: Plan) -> Steps[bool]:
        """Whether a question about the same action was put before, whatever has changed of what it rested on."""
        asked = yield from self._before()
        digest = plan.action.digest() if asked else ""
        return any(question.binds == digest for question in asked)

    def found(self, plan: Plan, verdict: Verdict) -> Steps[Question | None]:
        """The question that was put about a plan before and still covers it."""
        return _covering(plan, (yield from self._before()), verdict.beyond)

    def about(
        self, plan: Plan, verdict: Verdict, found: Question | None = None
    ) -> Steps[tuple[Question, bool] | NoAnswer]:
        """Ask whether a plan may be carried out.

        Args:
            plan: What would be carried out.
            verdict: Why a person must agree to it.
            found: The question that was put about it before; None to put it now, unless that was done meanwhile.

        Returns:
            The answered question, and whether the answer was there before the plan was made; or why there is none.
        """
        if self._guard.approver is None and verdict.beyond:
            return replace(_NOBODY, reason=f"{verdict.reason} {_NOBODY.reason}")
        if self._guard.approver is None and not (yield from self._is_agreed(plan)):
            return _NOBODY
        question = found or (yield from self.put(plan, verdict))
        before = question.decision is not None or _answers_at_once(self._guard)
        while question.is_open(self._guard.clock()):
            if self._guard.approver is None:  # another call was quicker to use what was agreed to
                return _NOBODY
            ended = yield from self._asked(question.request)
            question = yield from self._looked_up(question)
            if ended is not None and question.is_open(self._guard.clock()):
                return ended
        if self._guard.clock() >= question.request.expires_at:
            return _lapsed(question.request, question.decision)
        if question.decision is None:
            return NoAnswer("over", "The question was closed elsewhere before anybody answered it.")
        return question, before

    def put(self, plan: Plan, verdict: Verdict) -> Steps[Question]:
        """The question about a plan: one that was put before and still covers it, or a new one."""
        number = yield from self._number()  # first: what another run puts meanwhile is found below
        asked = yield from self._before()
        found = _covering(plan, asked, verdict.beyond)
        if found is not None:
            return found
        new = self._new(plan, verdict, asked, max(number, len(asked)))
        entry, is_new = yield from self._record.asked(new)
        if entry != self._record.entry:
            other = yield Store(lambda: self._guard.ledger.entry(entry), self._guard.ledger.blocks)
            self._record.adopt(other)
        question = new
        if not is_new:  # it waits elsewhere, or another run of the call has put it
            asked = yield from self._before()
            question = _covering(plan, asked, verdict.beyond) or asked[-1]
        return (yield from self._answered_beforehand(question)) or question

    def _is_agreed(self, plan: Plan) -> Steps[bool]:
        """Whether somebody has agreed to such calls beforehand."""
        standing = self._guard.standing
        agreed: bool = yield Store(lambda: standing.covers(plan.action), self._guard.ledger.blocks)
        return agreed

    def _answered_beforehand(self, question: Question) -> Steps[Question | None]:
        """The question, answered by a standing approval; None where none covers it."""
        if question.decision is not None or question.beyond:  # who sets a limit wants to be asked when it is passed
            return None
        standing, counts = self._guard.standing, self._guard.mode == "enforce"
        work = Store(lambda: standing.answer(question, counts=counts), self._guard.ledger.blocks)
        answered: Question | None = yield work
        return answered

    def was_refused(self, plan: Plan, *, edited: bool) -> Steps[bool]:
        """Whether a person has said no to a call, or changed it; that stands though nobody need be asked by now.

        Args:
            plan: What is to be carried out.
            edited: Whether it is what a person has made of the call, so that only what was said of that counts.
        """
        asked = yield from self._before()
        found = _covering(plan, asked) or (asked[-1] if asked and not edited else None)
        return found is not None and found.decision is not None and found.decision.kind != "approve"

    def _before(self) -> Steps[list[Question]]:
        entry = self._record.entry
        asked: list[Question] = yield Store(lambda: self._desk.questions(entry), self._guard.ledger.blocks)
        return asked

    def _looked_up(self, question: Question) -> Steps[Question]:
        look = Store(lambda: self._desk.question(question.request.id), self._guard.ledger.blocks)
        return (yield look) or replace(question, over=True)

    def _number(self) -> Steps[int]:
        """How many questions were put before, those among them of which nothing is kept any more."""
        entry = self._record.entry
        number: int = yield Store(lambda: self._desk.asked(entry), self._guard.ledger.blocks)
        return number

    def _new(self, plan: Plan, verdict: Verdict, asked: list[Question], number: int = 0) -> Question:
        card = plan.card()
        rows = (*card.rows, *_changes(plan, asked), ("Why ask", verdict.reason))
        request = ApprovalRequest(
            id=f"{self._record.entry}-{number + 1}" if number else self._record.entry,
            agent=plan.action.agent,
            action=plan.action,
            card=replace(card, rows=rows),
            facts=plan.facts,
            expires_at=self._guard.clock() + self._guard.expires,
        )
        return Question(request, plan.action.digest(), plan.voids, beyond=verdict.beyond)

    def _asked(self, request: ApprovalRequest) -> Steps[NoAnswer | None]:
        """Put the question to the approver once. None where the ledger may have an answer now."""
        approver = self._guard.approver
        if isinstance(approver, Elsewhere):
            return (yield from self._asked_elsewhere(approver, request))
        in_flight, name = self._guard.ledger.in_flight, f"question {request.id}"
        if not in_flight.begin(name, alone=True):  # the same call, asked twice at once
            yield Pause(_TURN)
            return None
        try:
            return (yield from self._asked_here(request))
        finally:
            in_flight.end(name)

    def _asked_elsewhere(self, approver: Elsewhere, request: ApprovalRequest) -> Steps[NoAnswer | None]:
        self.elsewhere = True
        try:
            yield from approver.ask(self._guard, self._job, request)
        except CannotAskError as error:
            self.elsewhere = False
            return NoAnswer("refused", f"Nobody could be asked: {error}.")
        self.elsewhere = False
        return NoAnswer(
            "waiting",
            f"This waits for a person to decide (approval {request.id}), and nothing was sent. Go on with other work, "
            f"and make the same call again to learn the answer. It lapses at {when(request.expires_at)}.",
        )

    def _asked_here(self, request: ApprovalRequest) -> Steps[NoAnswer | None]:
        decision = yield from self._decision_of(request)
        if isinstance(decision, NoAnswer):
            return decision
        with suppress(AnswerError):  # somebody was quicker, or it came too late: what the ledger says stands
            yield Store(lambda: self._desk.answer(request.id, decision), self._guard.ledger.blocks)
        return None

    def _decision_of(self, request: ApprovalRequest) -> Generator[Effect, Any, Decision | NoAnswer]:
        approver = self._guard.approver
        assert approver is not None
        assert not isinstance(approver, Elsewhere)
        try:
            answer = yield Ask(approver, request, request.seconds_left(self._guard.clock()))
        except CannotAskError as error:
            return NoAnswer("refused", f"Nobody could be asked: {error}.")
        except LateError:
            return _lapsed(request, None)
        except Exception as error:
            return NoAnswer("refused", f"The approver failed ({type(error).__name__}), which counts as no.")
        except BaseException:
            with suppress(TakenError):  # another run of the call is further
                yield from self._record.refused("The question was interrupted.", kind="refused")
            raise
        if not isinstance(answer, Decision):
            kind = type(answer).__name__
            return NoAnswer("refused", f"The approver answered with {kind} instead of a Decision, which counts as no.")
        try:
            return Decision(answer.kind, answer.by, answer.reason, answer.arguments)  # a subclass may check less
        except (TypeError, ValueError) as error:
            return NoAnswer("refused", f"The approver's answer cannot be used ({error}), which counts as no.")


def _lapsed(request: ApprovalRequest, said: Decision | None) -> NoAnswer:
    """What was late: the answer, or whoever should have come for it."""
    until = when(request.expires_at)
    if said is None:
        late = f"No answer came until {until}"
    else:
        late = f"{inert(said.by, limit=80)} had answered, but nobody came for the answer until {until}"
    return NoAnswer("expired", f"{late}, so nothing ran. You may ask again with a new call.")


def _answers_at_once(guard: Guard) -> bool:
    return isinstance(guard.approver, Elsewhere) and guard.approver.answers_at_once


def _covering(plan: Plan, asked: list[Question], beyond: frozenset[str] = frozenset()) -> Question | None:
    """The question that a plan is about: the latest one, or one whose edit led to those after it."""
    for question in asked:
        if question.decision is not None and question.decision.kind == "edit" and question.is_about(plan.action):
            return question  # what it rested on may have changed: they do not want this any more, but something else
        if question is asked[-1] and question.covers(plan.action, plan.voids, beyond):
            return question
    return None


def _changes(plan: Plan, asked: list[Question]) -> tuple[tuple[str, str], ...]:
    """What has changed since the same was last asked, for the card."""
    binds, said = (plan.action.digest(), canonical(dict(plan.action.arguments))) if asked else ("", "")
    alike = (one for one in reversed(asked) if one.binds == binds or one.says_the_same(said))
    before = next((question.voids for question in alike), None)
    if before is None:
        return ()
    pairs = ((name, before.get(name), value) for name, value in plan.voids.items())
    told = [f"{name.replace('_', ' ')}: {_shown(old)}, now {_shown(new)}" for name, old, new in pairs if old != new]
    return (("Changed since", "; ".join(told)),) if told else ()


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Mapping):
        return inert(str(dict(value)), limit=120)
    return quoted(value, limit=120) if isinstance(value, str) else inert(str(value), limit=120)
