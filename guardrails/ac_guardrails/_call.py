"""One guarded call from its first word to its last record: decide, read, decide, ask, record, permit, send, record."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._events import LedgerError
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Answer, Exchange, InvalidCall, Job, Plan, Refusal
from ac_guardrails._record import Record
from ac_guardrails._request import PermitError, Request, mint
from ac_guardrails._steps import Ask, Effect, LateError, Pause, Send, Steps
from ac_guardrails._text import inert

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_EDITS = 5
_WARNINGS = {
    "unknown": " Nobody knows yet whether it happened. Do not repeat it before you have read the record back.",
    "partly": " A part of it was done before that. Read the record back before you repeat it.",
}
_READ_FIRST = Verdict("allow", "")
"""What is on record of a call that ended while the guard was still reading."""


class Call:
    """One guarded call."""

    def __init__(self, guard: Guard, job: Job) -> None:
        self._guard = guard
        self._job = job
        self._record = Record(guard.ledger, job)
        self._editor = ""
        self._edited: Action | None = None
        self._digests: list[str] = []
        self._fates: list[str] = []
        self._raised: BaseException | None = None

    def steps(self) -> Steps[Answer]:
        """Carry the call through. Whatever stops it, a bug or Ctrl-C, is on record before it is raised again."""
        try:
            answer = yield from self._carried_through()
        except LedgerError as error:
            if not self._fates:
                raise
            sent = f"{self._job.tool} had sent {len(self._fates)} write(s) when the ledger failed. "
            raise LedgerError(f"{sent}Read the record back before you repeat it. {error}") from error
        except BaseException as error:
            if not self._record.closed:
                yield from self._record.outcome(self._outcome(error), reason=type(error).__name__)
            raise
        if self._edited is None:
            return answer
        changed = f"{self._editor} changed the arguments to {canonical(self._job.arguments())}. "
        return replace(answer, content=changed + answer.content)

    def _carried_through(self) -> Steps[Answer]:
        """Decide on what is known, read, decide again, ask, send."""
        for _ in range(_MOST_EDITS):
            try:
                outline = self._job.outline()
            except InvalidCall as error:
                return (yield from self._refused(str(error), kind="invalid"))
            early = self._guard.grants.decide(outline, None, on=self._guard.today())
            if early.denied:
                yield from self._record.decided(outline, early)
                return (yield from self._refused(early.reason, rule=early.rule))
            prepared = yield from self._prepared(outline)
            if isinstance(prepared, Answer):
                return prepared
            verdict = yield from self._decided(prepared)
            if verdict.denied:
                return (yield from self._refused(verdict.reason, rule=verdict.rule))
            if verdict.kind == "allow":
                return (yield from self._performed(prepared))
            answer = yield from self._asked(prepared, verdict)
            if isinstance(answer, Answer):
                return answer
            if answer.kind == "approve":
                return (yield from self._performed(prepared))
            self._job = self._job.edited(answer.arguments or {})
            self._edited, self._editor = prepared.action, inert(answer.by, limit=80)
        return (yield from self._refused("It was edited too many times."))

    def _prepared(self, outline: Action) -> Steps[Plan | Answer]:
        """Let the job read what it needs. An error or an early answer ends the call, on record."""
        readable = self._guard.grants.readable(self._job.agent, on=self._guard.today())
        try:
            prepared: Plan | Answer = yield from self._pumped(self._job.prepare(readable), self._reading)
        except InvalidCall as error:
            yield from self._record.decided(outline, _READ_FIRST)
            return (yield from self._refused(str(error), kind="invalid"))
        except _Denied as error:
            yield from self._record.decided(error.action, error.verdict)
            return (yield from self._refused(error.verdict.reason, rule=error.verdict.rule))
        except LedgerError:
            raise
        except BaseException as error:
            yield from self._record.decided(outline, _READ_FIRST)
            return (yield from self._failed(error))
        if isinstance(prepared, Answer):
            yield from self._record.decided(outline, _READ_FIRST)
            yield from self._record.outcome("nothing" if prepared.ok else "failed")
        return prepared

    def _decided(self, plan: Plan) -> Steps[Verdict]:
        """The decision on the final action, on record before anything leaves."""
        used = yield from self._record.used(self._windows(plan.action))
        verdict = self._guard.grants.decide(plan.action, plan.facts, on=self._guard.today(), used=used)
        self._digests = [request.digest() for request in plan.action.requests]
        # Whoever edited the call has agreed to it, unless it now touches somebody whom they were not shown.
        if verdict.kind == "ask" and self._edited is not None and plan.action.same_target(self._edited):
            verdict = replace(verdict, kind="allow")
        yield from self._record.decided(plan.action, verdict, plan.facts)
        return verdict

    def _asked(self, plan: Plan, verdict: Verdict) -> Steps[Answer | Decision]:
        """Ask a person. Everything that is not a clear answer is a refusal."""
        guard = self._guard
        if guard.approver is None:
            return (yield from self._refused("A person must agree to this, and the guard has no approver to ask."))
        card = plan.card()
        request = ApprovalRequest(
            id=self._record.entry,
            agent=plan.action.agent,
            action=plan.action,
            card=replace(card, rows=(*card.rows, ("Why ask", verdict.reason))),
            facts=plan.facts,
            expires_at=guard.clock() + guard.expires,
        )
        yield from self._record.asked(request)
        decision = yield from self._decision_of(request)
        if isinstance(decision, str):
            return (yield from self._refused(decision))
        if decision is None or guard.clock() >= request.expires_at:
            reason = "The approval came too late and nothing ran. You may ask again with the same call."
            return (yield from self._refused(reason, kind="expired"))
        yield from self._record.answered(decision)
        if decision.kind == "reject":
            because = f" Reason: {inert(decision.reason, limit=400).rstrip('.')}." if decision.reason else ""
            reason = f"{inert(decision.by, limit=80)} rejected this call.{because} Do not try it another way."
            return (yield from self._refused(reason, kind="rejected"))
        return decision

    def _decision_of(self, request: ApprovalRequest) -> Generator[Effect, Any, Decision | str | None]:
        assert self._guard.approver is not None
        try:
            answer = yield Ask(self._guard.approver, request, self._guard.expires)
        except CannotAskError as error:
            return f"Nobody could be asked: {error}."
        except LateError:
            return None
        except Exception as error:
            return f"The approver failed ({type(error).__name__}), which counts as no."
        except BaseException:
            yield from self._record.refused("The question was interrupted.", kind="refused")
            raise
        if not isinstance(answer, Decision):
            return f"The approver answered with {type(answer).__name__} instead of a Decision, which counts as no."
        try:
            return Decision(answer.kind, answer.by, answer.reason, answer.arguments)  # a subclass may check less
        except (TypeError, ValueError) as error:
            return f"The approver's answer cannot be used ({error}), which counts as no."

    def _performed(self, plan: Plan) -> Steps[Answer]:
        """Carry the action out, each request on record before it leaves and its outcome after."""
        expected = list(self._digests)
        try:
            answer: Answer = yield from self._pumped(
                plan.perform(), lambda step: self._sending(step, plan.action, expected)
            )
        except LedgerError:
            raise
        except BaseException as error:
            return (yield from self._failed(error))
        outcome = "done" if answer.ok else self._outcome()
        yield from self._record.outcome(outcome, durable=plan.action.is_write, result=answer.content[:2000])
        return answer

    def _pumped(self, exchange: Exchange, one: Callable[[Any], Steps[Any]]) -> Steps[Any]:
        """Do the job's own steps one by one. The account's errors are the job's to handle, our own faults are not."""
        result: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    step = exchange.throw(error) if error else exchange.send(result)
                except StopIteration as stop:
                    return stop.value
                error = result = None
                try:
                    result = yield from one(step)
                except Exception as raised:
                    if not hasattr(raised, "outcome"):
                        raise
                    error = raised
        finally:
            exchange.close()

    def _reading(self, step: Request | Pause | Action) -> Steps[Any]:
        """One step before the decision: it may not change anything."""
        if isinstance(step, Action):
            verdict = self._guard.grants.decide(step, {}, on=self._guard.today())
            if verdict.denied:
                raise _Denied(step, verdict)
            return None
        if isinstance(step, Pause):
            return (yield step)
        if step.is_write:
            raise PermitError(f"{self._job.tool} tried to write while it was still being decided on.")
        yield from self._record.read(step)
        return (yield from self._leaving(step))

    def _sending(self, step: Request | Pause, action: Action, expected: list[str]) -> Steps[Any]:
        """One step after the decision: a write must be one that was decided on, and is on record before it leaves."""
        if isinstance(step, Pause):
            return (yield step)
        # By digest, not by identity: whoever changes a body after the decision has another request.
        digest = step.digest()
        known = digest in expected
        if known:
            expected.remove(digest)
        if not step.is_write:
            if not known:
                yield from self._record.read(step)
            return (yield from self._leaving(step))
        if not known and (step.method, step.path) not in action.followups:
            what = f"{step.method} {step.path}"
            raise PermitError(f"{action.tool} tried {what}, which nobody decided on. Nothing was sent.")
        yield from self._reserved(action, step)
        return (yield from self._leaving(step))

    def _leaving(self, request: Request) -> Steps[Any]:
        """Send one request; of a write it is remembered what became of it."""
        fate = "done"
        try:
            return (yield Send(request, mint(request)))
        except BaseException as error:
            self._raised, fate = error, getattr(error, "outcome", None) or "unknown"
            raise
        finally:
            if request.is_write:
                self._fates.append(fate)

    def _reserved(self, action: Action, request: Request) -> Steps[None]:
        """Count the people of a call with its first write; between decision and now another may have used them up."""
        first = not self._fates

        def check(used: dict[tuple[str, int], int]) -> None:
            verdict = self._guard.grants.decide(action, {}, on=self._guard.today(), used=used)
            if first and verdict.denied:
                raise _OverLimit(verdict.reason)

        people = action.people if first else 0
        windows = self._windows(action)
        yield from self._record.sent(action, request, people=people, windows=windows, check=check)

    def _windows(self, action: Action) -> tuple[tuple[str, int], ...]:
        """The limits in people that hold for an action: area and seconds."""
        if not action.is_write:
            return ()
        grants = (self._guard.grants.grant(action.agent, need.area) for need in action.needs)
        return tuple((grant.area, seconds) for grant in grants if grant for seconds, _, _ in grant.limits())

    def _failed(self, error: BaseException) -> Steps[Answer]:
        """Record what became of a call that raised. The account's errors are answers; all others are raised again."""
        if isinstance(error, _OverLimit):
            return (yield from self._refused(str(error)))
        told = getattr(error, "outcome", None)
        outcome = self._outcome(error)
        status, kept = getattr(error, "status", None), {"error": str(error)[:600]} if told else {}
        yield from self._record.outcome(outcome, reason=type(error).__name__, status=status, durable=True, **kept)
        if told is None:
            raise error
        return self._no("unknown" if outcome == "unknown" else "failed", _told(error, outcome))

    def _outcome(self, error: BaseException | None = None) -> str:
        """What became of the writes of a call that did not succeed."""
        fates = list(self._fates)
        if fates and isinstance(error, Exception) and error is not self._raised:
            # The tool's own code raised it after a reply: it speaks of that reply, or is a bug that misread it.
            fates[-1] = getattr(error, "outcome", None) or "unknown"
        for worst in ("unknown", "done", "refused", "not_sent"):
            if worst in fates:
                return "partly" if worst == "done" else worst
        return "failed"

    def _refused(self, reason: str, *, kind: str = "refused", rule: str = "") -> Steps[Answer]:
        """Put it on record that nothing will be sent, and answer with the reason."""
        yield from self._record.refused(reason, kind=kind, rule=rule)
        return self._no(kind, reason if kind in ("invalid", "expired") else f"{reason} Nothing was sent.")

    def _no(self, kind: str, reason: str) -> Answer:
        return Answer(reason, Refusal(kind, reason, self._record.entry), ok=False)


def _told(error: BaseException, outcome: str) -> str:
    """The error in words, and what to beware of, said once."""
    text = str(error)
    return text if "Nobody knows" in text else f"{text}{_WARNINGS.get(outcome, '')}"


class _Denied(Exception):  # noqa: N818 - never leaves this module
    """The grants do not reach what the call names."""

    def __init__(self, action: Action, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.action = action
        self.verdict = verdict


class _OverLimit(Exception):  # noqa: N818 - never leaves this module
    """A limit was reached between the decision and the reservation."""
