"""How a call ends: each way that it can, put on record, with what the agent is told."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ac_guardrails._approvals import Decision
from ac_guardrails._asking import NoAnswer
from ac_guardrails._events import LedgerError
from ac_guardrails._hold import TakenError
from ac_guardrails._job import Answer, Job, Plan, Refusal
from ac_guardrails._once import Once
from ac_guardrails._record import Record
from ac_guardrails._rehearse import Rehearsal
from ac_guardrails._sending import InTheWay, OverLimit, Sending
from ac_guardrails._settle import settle
from ac_guardrails._steps import Steps, Store
from ac_guardrails._stop import StoppedError
from ac_guardrails._text import inert
from ac_guardrails._told import PARTLY, public, said

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard


class Ends:
    """The ends of one call.

    Args:
        guard: Whose call it is.
        job: The call.
        record: Its entry.
        sending: What it has sent.
        once: What came of it before.
    """

    def __init__(self, guard: Guard, job: Job, record: Record, sending: Sending, once: Once) -> None:
        self._guard = guard
        self._job = job
        self._record = record
        self._sending = sending
        self._once = once

    def unanswered(self, asked: NoAnswer) -> Steps[Answer]:
        """Nobody has said yes or no: it waits on, its time is over, or another run of it was quicker."""
        if asked.kind == "waiting":
            self._record.closed = True  # for this run: the entry waits on
            return self._no("waiting", asked.reason)
        if asked.kind == "over":
            return (yield from self.taken(self._record.entry))
        return (yield from self.refused(asked.reason, kind=asked.kind))

    def rejected(self, decision: Decision) -> Steps[Answer]:
        """A person has said no."""
        because = f" Reason: {inert(decision.reason, limit=400).rstrip('.')}." if decision.reason else ""
        reason = f"{inert(decision.by, limit=80)} rejected this call.{because} Do not try it another way."
        return (yield from self.refused(reason, kind="rejected"))

    def performed(self, plan: Plan, beyond: frozenset[str]) -> Steps[Answer | None]:
        """Carry the action out, and put on record what became of it.

        Args:
            plan: What was decided on.
            beyond: The limits that a person lets it pass.

        Returns:
            The answer; None where nothing was sent, because a person has to let it pass a limit first.
        """
        is_write = plan.action.is_write
        self._sending.agreed = beyond
        try:
            answer = yield from self._sending.carried_out(plan)
        except (LedgerError, TakenError):
            raise
        except BaseException as error:
            if isinstance(error, OverLimit) and error.verdict.kind == "ask":
                self._sending.landed()
                return None
            return (yield from self.failed(error, is_write=is_write))
        rehearsed = isinstance(answer.artifact, Rehearsal)
        outcome = "rehearsed" if rehearsed else "done" if answer.ok else self._sending.outcome()
        kept: dict[str, Any] = {"answer": self._kept(answer)} if is_write else {}
        made = self._job.made(answer.artifact) if is_write and answer.ok else ""
        yield from self._record.outcome(outcome, is_write=is_write, made=made, result=answer.content[:2000], **kept)
        return answer

    def _kept(self, answer: Answer) -> dict[str, Any]:
        """The answer as it is given again to the same call."""
        kind = answer.artifact.kind if isinstance(answer.artifact, Refusal) else "failed"
        artifact = self._job.kept(answer.artifact) if answer.ok else None
        return {"content": answer.content, "ok": answer.ok, "kind": kind, "artifact": artifact}

    def taken(self, entry_id: str) -> Steps[Answer]:
        """The same call, or another one with the same approval, was quicker: what came of it is the answer."""
        if entry_id != self._record.entry:
            with suppress(TakenError):
                yield from self._record.joined(entry_id)
        self._record.closed = True
        ledger = self._guard.ledger
        entry = yield Store(lambda: ledger.entry(entry_id), ledger.blocks)
        return (yield from self._once.repeated(entry))

    def failed(self, error: BaseException, *, is_write: bool) -> Steps[Answer]:
        """Record what became of a call that raised. The account's errors are answers; all others are raised again."""
        if isinstance(error, (OverLimit, StoppedError, InTheWay)):
            return (yield from self._held_back(error))
        told = getattr(error, "outcome", None)
        outcome = self._sending.outcome(error)
        status = getattr(error, "status", None)
        refusal = {"content": said(error, outcome), "ok": False, "kind": "failed", "artifact": None}
        kept: dict[str, Any] = {"error": str(error)[:600]} if told else {}
        kept |= {"answer": refusal} if told and self._sending.fates and outcome != "unknown" else {}
        yield from self._record.outcome(outcome, reason=type(error).__name__, status=status, is_write=is_write, **kept)
        if told is None:
            raise error
        if outcome == "unknown":
            return (yield from self._looked_after(error))
        return self._no("failed", said(error, outcome))

    def _held_back(self, error: OverLimit | StoppedError | InTheWay) -> Steps[Answer]:
        """A write that may not leave; what left before it stays done."""
        kind = "stopped" if isinstance(error, StoppedError) else "refused"
        if self._sending.fates:
            yield from self._record.outcome("partly", reason=kind, error=str(error)[:600])
            return self._no(kind, f"{error}{PARTLY}")
        if isinstance(error, InTheWay):
            yield from self._record.refused(public(error.answer), kind="refused")
            return error.answer
        return (yield from self.refused(str(error), kind=kind))

    def halted(self, error: StoppedError) -> Steps[Answer]:
        """Reads are stopped, too, so nobody can look what became of an earlier call."""
        if self._record.closed:
            return self._no("stopped", f"{error} What became of this call is read back when the guard goes on.")
        return (yield from self.refused(str(error), kind="stopped"))

    def _looked_after(self, error: BaseException) -> Steps[Answer]:
        """Nobody knows whether it happened: read it back at once. Present settles it; absent proves nothing yet."""
        ledger = self._guard.ledger
        self._sending.landed()
        entry = yield Store(lambda: ledger.entry(self._record.entry), ledger.blocks)
        try:
            settlement = yield from settle(self._guard, entry, self._job.read_back)
        except StoppedError:
            return self._no("unknown", f"{error} Do not repeat it before you have read the record back.")
        if settlement.outcome == "closed":
            return (yield from self.taken(entry.id))
        answer = self._once.settled(settlement)
        return answer if answer.ok else self._no("unknown", f"{error} {answer.content}")

    def refused(self, reason: str, *, kind: str = "refused", rule: str = "", final: bool = False) -> Steps[Answer]:
        """Put it on record that nothing will be sent, and answer with the reason.

        Where a person had their say, the same call run again is told the same instead of asking once more.
        """
        text = reason if kind in ("invalid", "expired") else f"{reason} Nothing was sent."
        final = final or kind in ("rejected", "expired")
        kept = {"content": text, "ok": False, "kind": kind, "artifact": None}
        on_record = "rejected" if final and kind == "refused" else kind
        yield from self._record.refused(reason, kind=on_record, rule=rule, **({"answer": kept} if final else {}))
        return self._no(kind, text)

    def _no(self, kind: str, reason: str) -> Answer:
        return Answer(reason, Refusal(kind, reason, self._record.entry), ok=False)
