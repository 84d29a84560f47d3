"""Sending: every request of a call, with what it must have before it leaves and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._catalog import Level
from ac_guardrails._grants import Verdict
from ac_guardrails._hold import Hold, TakenError
from ac_guardrails._job import Answer, Job, Plan
from ac_guardrails._limits import Used, Windows
from ac_guardrails._look import Denied, pumped
from ac_guardrails._once import Once
from ac_guardrails._record import Record
from ac_guardrails._request import PermitError, Request, mint
from ac_guardrails._steps import Pause, Send, Steps

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_TRIES = 3


class OverLimit(Exception):  # noqa: N818 - never leaves the guard
    """A limit was reached between the decision and the reservation, or a grant has ended."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class InTheWay(Exception):  # noqa: N818 - never leaves the guard
    """Another call holds the effect; the answer says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.content)
        self.answer = answer


class Sending:
    """The requests of one call: reads while it is prepared, and then what was decided on.

    Args:
        guard: Who decides.
        job: The call.
        record: Its entry.
    """

    def __init__(self, guard: Guard, job: Job, record: Record) -> None:
        self._guard = guard
        self._job = job
        self._record = record
        self.fates: list[str] = []
        """What became of each write that left."""
        self.agreed: frozenset[str] = frozenset()
        """The limits that a person lets this call pass."""
        self._raised: BaseException | None = None
        self._undecided: Action | None = None
        self._flying = ""

    def prepared(self, *, again: bool, undecided: Action | None = None) -> Steps[Plan | Answer]:
        """Let the job read what it needs.

        Args:
            again: Whether nothing remembered will do.
            undecided: The outline, where it was not decided on, since its job should have nothing to read.
        """
        self._undecided = undecided
        readable = self._guard.grants.readable(self._job.agent, on=self._guard.today())
        plan: Plan | Answer = yield from pumped(self._job.prepare(readable, again=again), self._reading)
        if not isinstance(plan, Plan):
            self._make_up()
        return plan

    def portrayed(self, plan: Plan, *, card: bool = True) -> Steps[Plan | Answer]:
        """Let the job read what a person's consent rests on.

        Args:
            plan: What is to be agreed to.
            card: Whether a person is shown it now, so that all that its card says is read, too.
        """
        if plan.portray is None:
            return plan
        portrayed: Plan | Answer = yield from pumped(plan.portray(card), self._reading)
        return portrayed

    def carried_out(self, plan: Plan) -> Steps[Answer]:
        """Carry the action out, each write on record before it leaves."""
        expected = [request.digest() for request in plan.action.requests if request.is_write]
        answer: Answer = yield from pumped(plan.perform(), lambda step: self._sending(step, plan.action, expected))
        return answer

    def outcome(self, error: BaseException | None = None) -> str:
        """What became of the writes of a call that did not succeed."""
        fates = list(self.fates)
        if fates and isinstance(error, Exception) and error is not self._raised:
            # The tool's own code raised it after a reply: it speaks of that reply, or is a bug that misread it.
            fates[-1] = getattr(error, "outcome", None) or "unknown"
        for worst in ("unknown", "done", "refused", "not_sent"):
            if worst in fates:
                return "partly" if worst == "done" else worst
        return "failed"

    def landed(self) -> None:
        """Nothing of this call is on its way any more."""
        if self._flying:
            self._guard.ledger.in_flight.end(self._flying)
            self._flying = ""

    def _takes_off(self) -> None:
        """From here on something of this call may be on its way."""
        self._guard.ledger.in_flight.begin(self._record.entry)
        self._flying = self._record.entry

    def windows(self, action: Action) -> Windows:
        """The limits that hold for an action, and how much of each it would use."""
        if not action.is_write:
            return ()
        written = (need.area for need in action.needs if need.level > Level.READ)
        grants = (grant for area in written for grant in self._guard.grants.holding(action.agent, area))
        return tuple((limit, limit.wanted(action)) for grant in grants for limit in grant.limits)

    def _reading(self, step: Request | Pause | Action) -> Steps[Any]:
        """One step before the decision: it may not change anything."""
        self._make_up()
        if isinstance(step, Action):
            self._refuse(step, {})
            return None
        if isinstance(step, Pause):
            return (yield step)
        if step.is_write:
            raise PermitError(f"{self._job.tool} tried to write while it was still being decided on.")
        yield from self._record.read(step)
        return (yield from self._leaving(step))

    def _make_up(self) -> None:
        """Decide on the outline after all, because the job does more than to say what it would send."""
        if self._undecided is not None:
            outline, self._undecided = self._undecided, None
            self._refuse(outline, None)

    def _refuse(self, action: Action, facts: Mapping[str, Any] | None) -> None:
        """End the call where the grants do not reach what it names."""
        verdict = self._guard.grants.decide(action, facts, on=self._guard.today())
        if verdict.denied:
            raise Denied(action, verdict)

    def _sending(self, step: Request | Pause, action: Action, expected: list[str]) -> Steps[Any]:
        """One step after the decision: a write must be one that was decided on, and is on record before it leaves."""
        if isinstance(step, Pause):
            return (yield step)
        if not step.is_write:
            yield from self._record.leaving() if step in action.requests else self._record.read(step)
            return (yield from self._leaving(step))
        # By digest, not by identity: whoever changes a body after the decision has another request.
        digest = step.digest()
        known = digest in expected
        if known:
            expected.remove(digest)
        if not known and (step.method, step.path) not in action.followups:
            what = f"{step.method} {step.path}"
            raise PermitError(f"{action.tool} tried {what}, which nobody decided on. Nothing was sent.")
        yield from self._reserved(action, step, digest)
        return (yield from self._leaving(step, digest))

    def _leaving(self, request: Request, digest: str = "") -> Steps[Any]:
        """Send one request; of a write it is remembered what became of it."""
        fate = "done"
        try:
            return (yield Send(request, mint(request, digest, writes=self._guard.mode == "enforce")))
        except BaseException as error:
            self._raised, fate = error, getattr(error, "outcome", None) or "unknown"
            raise
        finally:
            if request.is_write:
                self.fates.append(fate)

    def _reserved(self, action: Action, request: Request, digest: str) -> Steps[None]:
        """Put a write on record, unless it was sent before, or another call holds its effect."""
        hold = self._hold(action)
        people = action.people if hold.first else 0
        for tries in range(_MOST_TRIES):
            if hold.first:
                self._takes_off()
            try:
                yield from self._record.sent(action, request, digest, hold=hold, people=people, before=self._job.before)
            except TakenError as taken:
                if hold.first:
                    self.landed()
                if taken.same or tries == _MOST_TRIES - 1:
                    raise
                answer = yield from Once(self._guard, self._job).unblocked(taken.entry)
                if answer is not None:
                    raise InTheWay(answer) from None
            else:
                return

    def _hold(self, action: Action) -> Hold:
        """What must be so. A call counts with its first write; others may have used up by now what was left."""
        first = not self.fates

        def check(used: Used) -> None:
            verdict = self._guard.grants.decide(action, {}, on=self._guard.today(), used=used)
            if verdict.denied or not verdict.beyond <= self.agreed:
                raise OverLimit(verdict)

        return Hold(True, action.effect(), self.windows(action), check) if first else Hold(first=False)
