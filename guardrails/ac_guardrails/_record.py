"""What a call puts on record: one method for each thing that can happen to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Mapping
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Decision
from ac_guardrails._canonical import digest
from ac_guardrails._catalog import Level
from ac_guardrails._events import Event
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Job
from ac_guardrails._ledger import Ledger, new_entry
from ac_guardrails._request import Request
from ac_guardrails._steps import Effect, Steps, Store
from ac_guardrails._text import inert

_DECIDED = {"approve": "approved", "reject": "rejected", "edit": "edited"}


class Record:
    """The ledger entry of one call. Events hold ids, counts and names of fields; what people wrote goes to the payload.

    Args:
        ledger: Where it is kept.
        job: The call.
    """

    def __init__(self, ledger: Ledger, job: Job) -> None:
        self.entry = new_entry()
        self._ledger = ledger
        self._agent = job.agent
        self._unnamed = {"tool": job.tool, "host": job.host, "what": f"call {job.tool}"}
        self._salt = secrets.token_hex(8)
        self._decided = False
        self.closed = False
        """Whether it is on record how the call ended."""

    def decided(self, action: Action, verdict: Verdict, facts: Mapping[str, Any] | None = None) -> Steps[None]:
        """What was asked for, and the answer of the grants."""
        self._decided = True
        request = action.request
        event = self._event(
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
            arguments=self._salted(dict(action.arguments)),
            facts=dict(facts) if facts else None,
        )
        kept = {"plain": action.plain or action.what, "arguments": dict(action.arguments), "salt": self._salt}
        yield from self._append(event, payload=kept, durable=action.is_write)

    def asked(self, request: ApprovalRequest) -> Steps[None]:
        """The question, before the person sees it."""
        event = self._event("asked", digest=self._salted(request.action.digest()), expires=round(request.expires_at, 3))
        yield from self._append(event, payload={"card": str(request)})

    def answered(self, decision: Decision) -> Steps[None]:
        """The person's answer."""
        event = self._event("answered", decision=_DECIDED[decision.kind], by=inert(decision.by, limit=80))
        yield from self._append(event, payload={"reason": decision.reason} if decision.reason else None)

    def refused(self, reason: str, *, kind: str, rule: str = "") -> Steps[None]:
        """That nothing will be sent, and why."""
        # An invalid call's message quotes what the model wrote, so the event says only that it was invalid.
        public = {"invalid": "the arguments were not valid", "rejected": ""}.get(kind, reason[:300])
        decision = kind if kind in ("expired", "rejected") else "refused"
        event = self._event("refused", decision=decision, reason=public, rule=rule)
        yield from self._closing(event, payload={"error": reason[:600]} if kind == "invalid" else None)

    def read(self, request: Request) -> Steps[None]:
        """A read of the guard's own, before it leaves."""
        event = self._event("read", method=request.method, path=request.path, by="guard")
        yield from self._append(event, durable=False)

    def sent(
        self,
        action: Action,
        request: Request,
        *,
        people: int,
        windows: tuple[tuple[str, int], ...],
        check: Callable[[dict[tuple[str, int], int]], None],
    ) -> Steps[None]:
        """A write, before it leaves; counted against the limits in the same transaction, where `check` may raise."""
        event = self._event(
            "sent",
            method=request.method,
            path=request.path,
            digest=self._salted(request.digest()),
            people=people,
            areas=[need.area for need in action.needs if need.level > Level.READ],
        )
        yield from self._stored(lambda: self._ledger.reserve(event, windows=windows, check=check))

    def outcome(
        self, outcome: str, *, reason: str = "", status: int | None = None, durable: bool = True, **kept: str
    ) -> Steps[None]:
        """What became of it.

        Args:
            outcome: done, nothing, refused, not_sent, unknown, partly or failed.
            reason: The kind of error.
            status: The HTTP status of the account's answer.
            durable: Whether to wait for the disk.
            kept: Texts for the payload: `result` or `error`.
        """
        event = self._event("outcome", outcome=outcome, unknown=outcome == "unknown", reason=reason, status=status)
        yield from self._closing(event, payload=kept or None, durable=durable)

    def used(self, windows: tuple[tuple[str, int], ...]) -> Generator[Effect, Any, dict[tuple[str, int], int]]:
        """How many people the agent's writes have touched, by area and window."""
        if not windows:
            return {}
        used: dict[tuple[str, int], int] = yield from self._stored(lambda: self._ledger.used(self._agent, windows))
        return used

    def _event(self, kind: str, **data: Any) -> Event:
        said = {key: value for key, value in data.items() if value not in ("", None, False)}
        return Event(self.entry, kind, self._agent, said)

    def _salted(self, value: Any) -> str:
        """A digest, salted per entry: after the payload is gone nobody can find out what it was by trying."""
        return digest([self._salt, value])[:32]

    def _closing(self, event: Event, *, payload: Mapping[str, Any] | None, durable: bool = True) -> Steps[None]:
        """The last event of the call, after one that says what it was."""
        events = (event,) if self._decided else (self._event("decided", **self._unnamed), event)
        self.closed = True
        yield from self._append(*events, payload=payload, durable=durable)

    def _append(self, *events: Event, payload: Mapping[str, Any] | None = None, durable: bool = True) -> Steps[None]:
        yield from self._stored(lambda: self._ledger.append(*events, payload=payload, durable=durable))

    def _stored(self, work: Callable[[], Any]) -> Generator[Effect, Any, Any]:
        return (yield Store(work, self._ledger.blocks))
