"""One guarded call from its first word to its last record: decide, read, decide, ask, record, permit, send, record."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Answer, Exchange, InvalidCall, Job, Plan, Refusal
from ac_guardrails._record import Record
from ac_guardrails._request import PermitError, Request, mint
from ac_guardrails._steps import Ask, Effect, Pause, Send, Steps

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_EDITS = 5
_READ_FIRST = Verdict("allow", "")
"""What is on record of a call that ended while the guard was still reading."""


class Call:
    """One guarded call."""

    def __init__(self, guard: Guard, job: Job) -> None:
        self._guard = guard
        self._job = job
        self._record = Record(guard.ledger, job)
        self._by = ""
        self._edited: Action | None = None
        self._sent = 0

    def steps(self) -> Steps[Answer]:
        """Decide on what is known, read, decide again, ask, send."""
        for _ in range(_MOST_EDITS):
            try:
                outline = self._job.outline()
            except InvalidCall as error:
                return (yield from self._refused(str(error), kind="invalid"))
            early = self._guard.grants.decide(outline, None)
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
            self._edited = prepared.action
        return (yield from self._refused("It was edited too many times."))

    def _prepared(self, outline: Action) -> Steps[Plan | Answer]:
        """Let the job read what it needs. An error or an early answer ends the call, on record."""
        readable = self._guard.grants.readable(self._job.agent)
        try:
            prepared: Plan | Answer = yield from self._pumped(self._job.prepare(readable), self._reading)
        except InvalidCall as error:
            yield from self._record.decided(outline, _READ_FIRST)
            return (yield from self._refused(str(error), kind="invalid"))
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
        verdict = self._guard.grants.decide(plan.action, plan.facts, used=used)
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
        if guard.clock() >= request.expires_at:
            reason = "The approval came too late and nothing ran. You may ask again with the same call."
            return (yield from self._refused(reason, kind="expired"))
        self._by = decision.by
        yield from self._record.answered(decision)
        if decision.kind == "reject":
            because = f" Reason: {decision.reason}" if decision.reason else ""
            reason = f"{decision.by} rejected this call.{because} Do not try it another way."
            return (yield from self._refused(reason, kind="rejected"))
        return decision

    def _decision_of(self, request: ApprovalRequest) -> Generator[Effect, Any, Decision | str]:
        assert self._guard.approver is not None
        try:
            answer = yield Ask(self._guard.approver, request)
        except Exception as error:
            return f"The approver failed ({type(error).__name__}), which counts as no."
        except BaseException:
            yield from self._record.refused("The question was interrupted.", kind="refused")
            raise
        if not isinstance(answer, Decision):
            return f"The approver answered with {type(answer).__name__} instead of a Decision, which counts as no."
        return answer

    def _performed(self, plan: Plan) -> Steps[Answer]:
        """Carry the action out, each request on record before it leaves and its outcome after."""
        expected = list(plan.action.requests)
        try:
            answer: Answer = yield from self._pumped(
                plan.perform(), lambda step: self._sending(step, plan.action, expected)
            )
        except BaseException as error:
            return (yield from self._failed(error))
        yield from self._record.outcome(
            "done" if answer.ok else "failed", durable=plan.action.is_write, result=answer.content[:2000]
        )
        if self._edited is not None:
            changed = f"{self._by} changed the arguments to {canonical(self._job.arguments())} before it ran. "
            answer = replace(answer, content=changed + answer.content)
        return answer

    def _pumped(self, exchange: Exchange, one: Callable[[Request | Pause], Steps[Any]]) -> Steps[Any]:
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

    def _reading(self, step: Request | Pause) -> Steps[Any]:
        """One step before the decision: it may not change anything."""
        if isinstance(step, Pause):
            return (yield step)
        if step.is_write:
            raise PermitError(f"{self._job.tool} tried to write while it was still being decided on.")
        yield from self._record.read(step)
        return (yield Send(step, mint(step)))

    def _sending(self, step: Request | Pause, action: Action, expected: list[Request]) -> Steps[Any]:
        """One step after the decision: a write must be one that was decided on, and is on record before it leaves."""
        if isinstance(step, Pause):
            return (yield step)
        known = step in expected
        if known:
            expected.remove(step)
        if not step.is_write:
            if not known:
                yield from self._record.read(step)
            return (yield Send(step, mint(step)))
        if not known and (step.method, step.path) not in action.followups:
            what = f"{step.method} {step.path}"
            raise PermitError(f"{action.tool} tried {what}, which nobody decided on. Nothing was sent.")
        yield from self._reserved(action, step)
        self._sent += 1
        return (yield Send(step, mint(step)))

    def _reserved(self, action: Action, request: Request) -> Steps[None]:
        """Count the people of a call with its first write; between decision and now another may have used them up."""
        first = self._sent == 0

        def check(used: dict[tuple[str, int], int]) -> None:
            verdict = self._guard.grants.decide(action, {}, used=used)
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
        outcome = (told or "unknown") if self._sent else "failed"
        yield from self._record.outcome(
            outcome,
            reason=type(error).__name__,
            status=getattr(error, "status", None),
            **({"error": str(error)[:600]} if told else {}),
        )
        if told is None:
            raise error
        unknown = " Nobody knows yet whether it happened. Do not repeat it; read the record back first."
        return self._no(
            outcome if outcome == "unknown" else "failed", f"{error}{unknown if outcome == 'unknown' else ''}"
        )

    def _refused(self, reason: str, *, kind: str = "refused", rule: str = "") -> Steps[Answer]:
        """Put it on record that nothing will be sent, and answer with the reason."""
        yield from self._record.refused(reason, kind=kind, rule=rule)
        return self._no(kind, reason if kind in ("invalid", "expired") else f"{reason} Nothing was sent.")

    def _no(self, kind: str, reason: str) -> Answer:
        return Answer(reason, Refusal(kind, reason, self._record.entry), ok=False)


class _OverLimit(Exception):  # noqa: N818 - never leaves this module
    """A limit was reached between the decision and the reservation."""
