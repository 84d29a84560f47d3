"""One guarded call from its first word to its last record: decide, read, decide, ask, record, permit, send, record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ac_guardrails._action import Action
from ac_guardrails._asking import Asking, NoAnswer
from ac_guardrails._canonical import canonical
from ac_guardrails._desk import Question
from ac_guardrails._ends import Ends
from ac_guardrails._events import LedgerError
from ac_guardrails._grants import Verdict
from ac_guardrails._hold import TakenError
from ac_guardrails._job import Answer, InvalidCall, Job, Plan
from ac_guardrails._look import Denied
from ac_guardrails._once import Once, standing
from ac_guardrails._record import Record
from ac_guardrails._sending import Sending
from ac_guardrails._steps import Steps
from ac_guardrails._stop import StoppedError
from ac_guardrails._text import inert
from ac_guardrails._told import overruled, public

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_MOST_EDITS = 5
_MOST_CHANGES = 5
"""How often a person is asked again because the record changed while they thought."""
_READ_FIRST = Verdict("allow", "")
"""What is on record of a call that ended while the guard was still reading."""


class Call:
    """One guarded call."""

    def __init__(self, guard: Guard, job: Job) -> None:
        self._guard = guard
        self._record = Record(guard.ledger, job)
        self._adopted = False
        self._editor = ""
        self._edited: Question | None = None
        self._is_void = False
        """Whether what the edited question rested on has changed since, so that nobody has agreed to anything yet."""
        self._overruled = ""
        self._early = _READ_FIRST
        """What the grants say of the arguments alone, which is on record of a call that ends before it knows more."""
        self._use(job)

    def steps(self) -> Steps[Answer]:
        """Carry the call through. Whatever stops it, a bug or Ctrl-C, is on record before it is raised again."""
        try:
            answer = yield from self._answered()
        except StoppedError as error:
            answer = yield from self._ends.halted(error)
        except LedgerError as error:
            if not self._sending.fates:
                raise
            count = len(self._sending.fates)
            writes = "a write" if count == 1 else f"{count} writes"
            sent = f"{self._job.tool} had sent {writes} when the ledger failed. "
            raise LedgerError(f"{sent}Read the record back before you repeat it. {error}") from error
        except BaseException as error:
            if not self._record.closed and not self._asking.elsewhere:
                with suppress(TakenError):
                    yield from self._record.outcome(self._sending.outcome(error), reason=type(error).__name__)
            raise
        finally:
            self._sending.landed()
        if self._overruled:
            answer = replace(answer, content=self._overruled + answer.content)
        if not self._editor:
            return answer
        changed = f"{self._editor} changed the arguments to {canonical(self._job.arguments())}. "
        blame = "" if answer.ok else "What follows is about that, not about your own call. "
        return replace(answer, content=changed + blame + answer.content)

    def opened(self) -> Steps[Question | None]:
        """As far as to the question to a person, for calls that are asked about together; None where none is needed.

        Whatever ends the call before that is left to its own run, which goes on with what was put on record here.
        """
        outline = self._job.outline()
        if not outline.is_write or self._guard.grants.decide(outline, None, on=self._guard.today()).denied:
            return None
        earlier = yield from self._recalled(outline)
        if earlier is not None:
            return None
        plan = yield from _unless_it_fails(self._sending.prepared(again=self._adopted))
        if not isinstance(plan, Plan):
            self._record.decided(outline, _READ_FIRST)
        elif (verdict := (yield from self._decided(plan))).kind == "ask":
            portrayed = yield from _unless_it_fails(self._sending.portrayed(plan))
            if isinstance(portrayed, Plan):
                return (yield from self._asking.put(portrayed, verdict))
        yield from self._record.begun()
        return None

    def _use(self, job: Job) -> None:
        self._job = job
        self._sending = Sending(self._guard, job, self._record)
        self._asking = Asking(self._guard, job, self._record)
        self._once = Once(self._guard, job)
        self._ends = Ends(self._guard, job, self._record, self._sending, self._once)

    def _answered(self) -> Steps[Answer]:
        """What came of the call: of this run of it, or of another one that has sent it or ended it."""
        try:
            return (yield from self._carried_through())
        except TakenError as taken:
            return (yield from self._ends.taken(taken.entry))

    def _carried_through(self) -> Steps[Answer]:
        """Decide on what is known, read, decide again, ask, send; anew with the arguments of each edit."""
        for edits in range(_MOST_EDITS):
            try:
                outline = self._job.outline()
            except InvalidCall as error:
                return (yield from self._ends.refused(str(error), kind="invalid"))
            # A read that its arguments tell in full is decided on once, on the whole of it.
            told = not outline.is_write and outline.request is not None
            if not told:
                early = self._guard.grants.decide(outline, None, on=self._guard.today())
                if early.denied:
                    self._record.decided(outline, early)
                    return (yield from self._ends.refused(early.reason, rule=early.rule))
                self._early = early
            earlier = None if edits or not outline.is_write else (yield from self._recalled(outline))
            if earlier is not None:
                return earlier
            answer = yield from self._tried(outline, undecided=outline if told else None)
            if isinstance(answer, Answer):
                return answer
            edited, self._edited = answer.decision, answer
            assert edited is not None
            self._record.edited()
            self._use(self._job.edited(edited.arguments or {}))
            if not _is_alike(self._job, answer.request.action):
                self._editor = inert(edited.by, limit=80)
        return (yield from self._ends.refused("It was edited too many times.", final=True))

    def _recalled(self, outline: Action) -> Steps[Answer | None]:
        """What came of this very call, if it was made before; None where it is to be gone on with, or is new."""
        key = self._job.origin.key(outline) if outline.is_write else ""
        if not key:
            return None
        self._record.call = key
        entry = yield from self._once.recalled(key)
        if entry is None or (what := standing(entry)) == "new":
            return None
        self._record.adopt(entry)
        self._adopted = bool(entry.payload.get("questions"))  # somebody may have agreed to what was read
        if what == "adopt":
            return None
        self._record.closed = True
        return (yield from self._once.repeated(entry))

    def _tried(self, outline: Action, *, undecided: Action | None = None) -> Steps[Answer | Question]:
        """From reading to the end; or to a person's edit."""
        again = self._adopted
        for _ in range(_MOST_CHANGES):
            prepared = yield from self._read(outline, self._sending.prepared(again=again, undecided=undecided))
            if isinstance(prepared, Answer):
                return prepared
            verdict = yield from self._decided(prepared)
            if verdict.denied:
                return (yield from self._ends.refused(verdict.reason, rule=verdict.rule))
            blocked = (yield from self._blocked(prepared)) if prepared.action.is_write else None
            if blocked is not None:
                return blocked
            agreed = verdict.beyond
            if verdict.kind == "ask":
                prepared, question = yield from self._portrayed(outline, prepared, verdict, again=again)
                if isinstance(prepared, Answer):
                    return prepared
                asked = yield from self._asking.about(prepared, verdict, question)
                if isinstance(asked, NoAnswer):
                    return (yield from self._ends.unanswered(asked))
                question, fresh = asked
                decision = question.decision
                assert decision is not None
                if question.overruled is not None:
                    self._overruled = overruled(question.overruled, decision)
                if decision.kind == "reject":
                    return (yield from self._ends.rejected(decision))
                if decision.kind == "edit":
                    # What was edited is agreed to with it, unless they would have edited something else by now.
                    self._is_void = not question.covers(prepared.action, prepared.voids, verdict.beyond)
                    return question
                # The person took their time: what they agreed to is read again, and must be as it was.
                again = True
                if not (fresh and question.covers(prepared.action, prepared.voids, verdict.beyond)):
                    continue
                agreed = question.beyond
            answer = yield from self._ends.performed(prepared, agreed)
            if answer is not None:
                return answer
        return (yield from self._ends.refused("The record kept changing while a person was asked.", final=True))

    def _portrayed(
        self, outline: Action, plan: Plan, verdict: Verdict, *, again: bool
    ) -> Steps[tuple[Plan | Answer, Question | None]]:
        """The plan with all that its consent rests on, and the question that was put about it before, if it stands.

        What only a card needs is read where there is no such question, since nobody looks at the card again.
        """
        if again and (yield from self._asking.is_known(plan)):
            bare = yield from self._read(outline, self._sending.portrayed(plan, card=False))
            if isinstance(bare, Answer):
                return bare, None
            question = yield from self._asking.found(bare, verdict)
            if question is not None:
                return bare, question
            plan = bare
        return (yield from self._read(outline, self._sending.portrayed(plan))), None

    def _read(self, outline: Action, reading: Steps[Plan | Answer]) -> Steps[Plan | Answer]:
        """Let the job read what it needs. An error or an early answer ends the call, on record."""
        try:
            prepared = yield from reading
        except InvalidCall as error:
            self._record.decided(outline, self._early)
            return (yield from self._ends.refused(str(error), kind="invalid"))
        except Denied as error:
            self._record.decided(error.action, error.verdict)
            return (yield from self._ends.refused(error.verdict.reason, rule=error.verdict.rule))
        except StoppedError as error:
            self._record.decided(outline, self._early)
            return (yield from self._ends.refused(str(error), kind="stopped"))
        except LedgerError:
            raise
        except BaseException as error:
            self._record.decided(outline, self._early)
            return (yield from self._ends.failed(error, is_write=outline.is_write))
        if isinstance(prepared, Answer):
            self._record.decided(outline, self._early)
            yield from self._record.outcome("nothing" if prepared.ok else "failed")
        return prepared

    def _decided(self, plan: Plan) -> Steps[Verdict]:
        """The decision on the final action."""
        windows = self._sending.windows(plan.action)
        used, _ = yield from self._record.outlook(windows, "")
        verdict = self._guard.grants.decide(plan.action, plan.facts, on=self._guard.today(), used=used)
        # Whoever edited the call has agreed to it, unless it now touches somebody whom they were not shown.
        edited = self._edited
        if verdict.kind == "ask" and edited and not self._is_void and _is_agreed(plan, verdict, edited):
            verdict = replace(verdict, kind="allow")
        elif verdict.kind == "allow" and self._adopted:
            refused = yield from self._asking.was_refused(plan, edited=edited is not None)
            verdict = replace(verdict, kind="ask") if refused else verdict
        self._record.decided(plan.action, verdict, plan.facts)
        return verdict

    def _blocked(self, plan: Plan) -> Steps[Answer | None]:
        """Nobody is asked for what another call may have done already; nor is it sent."""
        _, holder = yield from self._record.outlook((), plan.action.effect())
        own = (yield from self._once.recalled(self._record.call)) if holder and self._record.call else None
        if own is not None and own.id == holder:  # it is this very call, of which another run was quicker
            return (yield from self._ends.taken(holder))
        answer = (yield from self._once.unblocked(holder)) if holder else None
        if answer is not None:
            yield from self._record.refused(public(answer), kind="refused")
        return answer


def _is_agreed(plan: Plan, verdict: Verdict, edited: Question) -> bool:
    """Whether who edited a call has thereby agreed to what came of it."""
    return plan.action.same_target(edited.request.action) and verdict.beyond <= edited.beyond


def _is_alike(edited: Job, shown: Action) -> bool:
    """Whether an edit has changed nothing; some interfaces send every yes as one, with texts for numbers."""
    try:
        return canonical(dict(edited.outline().arguments)) == canonical(dict(shown.arguments))
    except InvalidCall:
        return False


def _unless_it_fails(reading: Steps[Plan | Answer]) -> Steps[Plan | Answer | None]:
    try:
        return (yield from reading)
    except Exception:
        return None
