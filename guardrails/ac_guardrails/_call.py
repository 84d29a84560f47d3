"""One guarded call from its first word to its last record: decide, read, decide, ask, record, permit, send, record."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Decision
from ac_guardrails._canonical import canonical, digest
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Answer, Exchange, InvalidCall, Job, Plan, Refusal
from ac_guardrails._ledger import Event, new_entry
from ac_guardrails._request import PermitError, Request, mint
from ac_guardrails._steps import Ask, Effect, Pause, Send, Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_EDITS = 5


class Call:
    """One guarded call from its first word to its last record."""

    def __init__(self, guard: Guard, job: Job) -> None:
        self._guard = guard
        self._job = job
        self._entry = new_entry()
        self._salt = secrets.token_hex(8)
        self._by = ""
        self._approved: Action | None = None
        self._sent = 0
        self._begun = False

    def steps(self) -> Steps[Answer]:
        """Decide on what is known, read, decide again, ask, send."""
        for _ in range(_MOST_EDITS):
            try:
                outline = self._job.outline()
            except InvalidCall as error:
                return (yield from self.refused(str(error), kind="invalid"))
            early = self._decide(outline, None)
            if early.denied:
                return (yield from self.refused(early.reason, kind="refused", action=outline, verdict=early))
            prepared = yield from self._prepared(outline)
            if isinstance(prepared, Answer):
                return prepared
            verdict = yield from self._decided(prepared)
            if verdict.denied:
                return (yield from self.refused(verdict.reason, kind="refused"))
            if verdict.kind == "allow" or self._still_approved(prepared.action):
                return (yield from self._performed(prepared))
            answer = yield from self._asked(prepared, verdict)
            if isinstance(answer, Answer):
                return answer
            if answer.kind == "approve":
                return (yield from self._performed(prepared))
            self._job = self._job.edited(answer.arguments or {})
            self._approved = prepared.action
        return (yield from self.refused("It was edited too many times.", kind="refused"))

    def _still_approved(self, action: Action) -> bool:
        """Whether the person who edited the call has seen whom it touches."""
        return self._approved is not None and action.same_target(self._approved)

    def _decide(self, action: Action, facts: Mapping[str, Any] | None) -> Verdict:
        return self._guard.grants.decide(action, facts)

    def _prepared(self, outline: Action) -> Steps[Plan | Answer]:
        """Let the job read what it needs. An error or an early answer ends the call, on record."""
        try:
            prepared = yield from self._reading(self._job.prepare(self._guard.grants.readable(self._job.agent)))
        except InvalidCall as error:
            return (yield from self.refused(str(error), kind="invalid", action=outline))
        except Exception as error:
            yield from self._record(self._decision(outline, Verdict("allow", "")), payload=self._payload(outline))
            return (yield from self._failed(error))
        if isinstance(prepared, Answer):
            yield from self._record(self._decision(outline, Verdict("allow", "")), payload=self._payload(outline))
            yield from self._record(self._event("outcome", outcome="nothing" if prepared.ok else "failed"))
            return prepared
        plan: Plan = prepared
        return plan

    def _decided(self, plan: Plan) -> Steps[Verdict]:
        """The decision on the final action, on record before anything leaves."""
        windows = self._windows(plan.action)
        used = (yield from self._stored(lambda: self._guard.ledger.used(plan.action.agent, windows))) if windows else {}
        verdict = self._guard.grants.decide(plan.action, plan.facts, used=used)
        if verdict.kind == "ask" and self._still_approved(plan.action):
            verdict = replace(verdict, kind="allow")
        yield from self._record(
            self._decision(plan.action, verdict, plan.facts),
            payload=self._payload(plan.action),
            durable=plan.action.is_write,
        )
        return verdict

    def _asked(self, plan: Plan, verdict: Verdict) -> Steps[Answer | Decision]:
        """Ask a person. Everything that is not a clear answer is a refusal."""
        guard = self._guard
        if guard.approver is None:
            reason = "A person must agree to this, and nobody can be asked: the guard has no approver."
            return (yield from self.refused(reason, kind="refused"))
        card = plan.card()
        request = ApprovalRequest(
            id=self._entry,
            agent=plan.action.agent,
            action=plan.action,
            card=replace(card, rows=(*card.rows, ("Why ask", verdict.reason))),
            facts=plan.facts,
            expires_at=guard.clock() + guard.expires,
        )
        yield from self._record(
            self._event("asked", digest=plan.action.digest()[:32], expires=round(request.expires_at, 3)),
            payload={"card": str(request)},
        )
        decision = yield from self._decision_of(request)
        if isinstance(decision, str):
            return (yield from self.refused(decision, kind="refused"))
        if guard.clock() >= request.expires_at:
            reason = "The approval came too late and nothing ran. You may ask again with the same call."
            return (yield from self.refused(reason, kind="expired"))
        self._by = decision.by
        yield from self._answered(decision)
        if decision.kind == "reject":
            return (yield from self._rejected(decision))
        return decision

    def _decision_of(self, request: ApprovalRequest) -> Generator[Effect, Any, Decision | str]:
        assert self._guard.approver is not None
        try:
            answer = yield Ask(self._guard.approver, request)
        except Exception as error:
            return f"The approver failed ({type(error).__name__}), which counts as no."
        if not isinstance(answer, Decision):
            return f"The approver answered with {type(answer).__name__} instead of a Decision, which counts as no."
        return answer

    def _answered(self, decision: Decision) -> Steps[None]:
        words = {"approve": "approved", "reject": "rejected", "edit": "edited"}
        kept = {"reason": decision.reason} if decision.reason else None
        yield from self._record(
            self._event("answered", decision=words[decision.kind], by=decision.by[:80], reason=decision.reason[:200]),
            payload=kept,
        )

    def _rejected(self, decision: Decision) -> Steps[Answer]:
        yield from self._record(self._event("refused", decision="rejected", reason=decision.reason[:200]))
        because = f" Reason: {decision.reason}" if decision.reason else ""
        return self._no(
            "rejected", f"{decision.by} rejected this call.{because} Nothing was sent. Do not try it another way."
        )

    def _performed(self, plan: Plan) -> Steps[Answer]:
        """Carry the action out, each request on record before it leaves and its outcome after."""
        try:
            answer: Answer = yield from self._sending(plan)
        except Exception as error:
            return (yield from self._failed(error))
        except BaseException:
            # Ctrl-C or a cancelled task: what was sent may have arrived.
            unknown = self._sent and plan.action.is_write
            yield from self._record(self._event("outcome", outcome="unknown" if unknown else "failed", unknown=unknown))
            raise
        yield from self._record(
            self._event("outcome", outcome="done" if answer.ok else "failed"),
            payload={"result": answer.content[:2000]},
            durable=plan.action.is_write,
        )
        if self._approved is not None:
            changed = f"{self._by} changed the arguments to {canonical(self._job.arguments())} before it ran. "
            answer = replace(answer, content=changed + answer.content)
        return answer

    def _sending(self, plan: Plan) -> Steps[Answer]:
        """Pump the job's own steps; a write must be one that was decided on."""
        expected = list(plan.action.requests)
        exchange = plan.perform()
        result: Any = None
        error: Exception | None = None
        while True:
            try:
                step = exchange.throw(error) if error else exchange.send(result)
            except StopIteration as stop:
                answer: Answer = stop.value
                return answer
            error = result = None
            try:
                result = yield from self._one(step, plan.action, expected)
            except Exception as raised:
                if getattr(raised, "outcome", None) is None:
                    raise
                error = raised

    def _one(self, step: Request | Pause, action: Action, expected: list[Request]) -> Steps[Any]:
        if isinstance(step, Pause):
            return (yield step)
        if not step.is_write:
            own = step in expected
            if not own:
                yield from self._record(self._read(step), durable=False)
            return (yield Send(step, mint(step)))
        if step in expected:
            expected.remove(step)
        elif not _follows(action, step):
            raise PermitError(
                f"{action.tool} tried {step.method} {step.path}, which nobody decided on. Nothing was sent."
            )
        yield from self._reserve(action, step)
        self._sent += 1
        return (yield Send(step, mint(step)))

    def _reserve(self, action: Action, request: Request) -> Steps[None]:
        """The record of a write before it leaves, counted against the limits in the same transaction."""
        windows = self._windows(action)
        first = self._sent == 0
        event = self._event(
            "sent",
            method=request.method,
            path=request.path,
            digest=request.digest()[:32],
            people=action.people if first else 0,
            areas=[need.area for need in action.needs],
        )

        def check(used: dict[tuple[str, int], int]) -> None:
            verdict = self._guard.grants.decide(action, {}, used=used)
            if first and verdict.denied:
                raise _OverLimit(verdict.reason)

        yield from self._stored(lambda: self._guard.ledger.reserve(event, windows=windows, check=check))

    def _reading(self, exchange: Exchange) -> Steps[Any]:
        """Pump reads of the guard's own: each is on record, and none may be a write."""
        result: Any = None
        error: Exception | None = None
        while True:
            try:
                step = exchange.throw(error) if error else exchange.send(result)
            except StopIteration as stop:
                return stop.value
            error = result = None
            if isinstance(step, Request) and step.is_write:
                raise PermitError(f"{self._job.tool} tried to write while it was still being decided on.")
            try:
                if isinstance(step, Request):
                    yield from self._record(self._read(step), durable=False)
                    result = yield Send(step, mint(step))
                else:
                    result = yield step
            except Exception as raised:
                error = raised

    def _failed(self, error: Exception) -> Steps[Answer]:
        """Record what became of a call that raised. Our own faults are raised again; the account's are answers."""
        if isinstance(error, _OverLimit):
            return (yield from self.refused(str(error), kind="refused"))
        outcome = getattr(error, "outcome", None)
        if outcome is None:
            outcome = "unknown" if self._sent else "failed"
            yield from self._record(
                self._event("outcome", outcome=outcome, unknown=outcome == "unknown", reason=type(error).__name__)
            )
            raise error
        outcome = outcome if self._sent else "failed"
        yield from self._record(
            self._event(
                "outcome",
                outcome=outcome,
                unknown=outcome == "unknown",
                reason=type(error).__name__,
                status=getattr(error, "status", None),
            ),
            payload={"error": str(error)[:600]},
        )
        return self._no("unknown" if outcome == "unknown" else "failed", _told(error, outcome))

    def refused(
        self, reason: str, *, kind: str, action: Action | None = None, verdict: Verdict | None = None
    ) -> Steps[Answer]:
        """Put a refusal on record and answer with it."""
        events = []
        payload = None
        if action is not None:
            events.append(self._decision(action, verdict or Verdict("deny", reason)))
            payload = self._payload(action)
        elif not self._begun:
            events.append(
                self._event("decided", tool=self._job.tool, host=self._job.host, what=f"call {self._job.tool}")
            )
        # An invalid call's message quotes what the model wrote, so the event says only that it was invalid.
        public = "the arguments were not valid" if kind == "invalid" else reason
        decision = "expired" if kind == "expired" else "refused"
        events.append(
            self._event("refused", decision=decision, reason=public[:300], rule=verdict.rule if verdict else "")
        )
        if kind == "invalid":
            payload = {**(payload or {}), "error": reason[:600]}
        yield from self._record(*events, payload=payload)
        tail = "" if kind in ("invalid", "expired") else " Nothing was sent."
        return self._no(kind, f"{reason}{tail}")

    def _no(self, kind: str, reason: str) -> Answer:
        return Answer(reason, Refusal(kind, reason, self._entry), ok=False)

    def _record(self, *events: Event, payload: Mapping[str, Any] | None = None, durable: bool = True) -> Steps[None]:
        self._begun = True
        yield from self._stored(lambda: self._guard.ledger.append(*events, payload=payload, durable=durable))

    def _stored(self, work: Callable[[], Any]) -> Generator[Effect, Any, Any]:
        return (yield Store(work, self._guard.ledger.blocks))

    def _event(self, kind: str, **data: Any) -> Event:
        return Event(
            self._entry, kind, self._job.agent, {key: value for key, value in data.items() if value not in ("", None)}
        )

    def _read(self, request: Request) -> Event:
        return self._event("read", method=request.method, path=request.path, by="guard")

    def _decision(self, action: Action, verdict: Verdict, facts: Mapping[str, Any] | None = None) -> Event:
        request = action.request
        return self._event(
            "decided",
            tool=action.tool,
            host=action.host,
            what=action.what,
            verdict=verdict.kind,
            rule=verdict.rule,
            needs=[str(need) for need in action.needs],
            write=action.is_write,
            method=request.method if request else None,
            path=request.path if request else None,
            people=action.people,
            fields=sorted(action.arguments),
            arguments=digest([self._salt, dict(action.arguments)])[:32],
            facts=dict(facts) if facts else None,
        )

    def _payload(self, action: Action) -> dict[str, Any]:
        return {"plain": action.plain or action.what, "arguments": dict(action.arguments), "salt": self._salt}

    def _windows(self, action: Action) -> tuple[tuple[str, int], ...]:
        if not action.is_write:
            return ()
        grants = (self._guard.grants.grant(action.agent, need.area) for need in action.needs)
        return tuple((grant.area, seconds) for grant in grants if grant for seconds, _, _ in grant.limits())


class _OverLimit(Exception):  # noqa: N818 - never leaves this module
    """A limit was reached between the decision and the reservation."""


class _Nobody:
    """A sender for calls that send nothing."""

    def send(self, request: Request, permit: Any) -> Any:
        raise PermitError("Nothing may be sent here.")

    async def asend(self, request: Request, permit: Any) -> Any:
        raise PermitError("Nothing may be sent here.")


NOBODY = _Nobody()


def _follows(action: Action, request: Request) -> bool:
    """Whether a request that could not be known beforehand is one that the tool declared."""
    return any(method == request.method and path == request.path for method, path in action.followups)


def _told(error: Exception, outcome: str) -> str:
    if outcome == "unknown":
        return f"{error} Nobody knows yet whether it happened. Do not repeat it; read the record back first."
    return str(error)
