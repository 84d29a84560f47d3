"""Taking a write back: what it takes, whether the record is as the write has left it, and the calls that do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from langchain_core.runnables.config import var_child_runnable_config

from ac_guardrails import Action, Answer, Entry, InvalidCall, Plan, Refusal, Verdict, inert
from ac_guardrails._job import Exchange
from ac_guardrails._look import Denied, looked
from ac_guardrails._once import Once
from ac_guardrails._origin import Origin
from ac_guardrails._rehearse import as_run
from ac_guardrails._sets import planned
from ac_guardrails._steps import Steps, Store
from ac_tools._errors import ActiveCampaignError
from ac_tools.tools._by_name import tool_class
from ac_tools.tools._job import ToolJob
from ac_tools.undo._past import Inverse, Past, Step, UndoError, past_of
from ac_tools.undo._plan import Fate, PlannedStep, TakenStep, Undone, UndoPlan, fate_of

if TYPE_CHECKING:
    from ac_guardrails import Guard
    from ac_tools._toolkit import ActiveCampaignToolkit

T = TypeVar("T")


@dataclass(frozen=True)
class _Call:
    """One call of an undo.

    Args:
        job: The call.
        outline: What it would do, as far as its arguments tell.
        key: Its replay key.
        earlier: Its entry, if it was made before.
    """

    job: ToolJob
    outline: Action
    key: str
    earlier: Entry | None

    @property
    def done(self) -> str:
        """The entry that has done it; empty where it is still to be done, or a person has made something else of it."""
        earlier = self.earlier
        done = earlier and earlier.outcome in ("done", "happened") and earlier.decision != "edited"
        return earlier.id if earlier and done else ""

    def taken(self, fate: Fate, entry: Entry | None = None, text: str = "") -> TakenStep:
        """What became of it, with what is on record of that."""
        what = entry.what if entry else self.outline.plain
        return TakenStep(self.job.tool, what, fate, text, entry.id if entry else "")


class Undo:
    """The taking back of one write. Both of its halves are driven like any guarded call, from sync code or on a loop.

    Args:
        toolkit: The account, the guard, and the agent whose grants apply.
        entry: The entry of the write.
        by: The person for whom it is taken back.
    """

    def __init__(self, toolkit: ActiveCampaignToolkit, entry: str, *, by: str = "") -> None:
        if not isinstance(entry, str):
            raise TypeError(f"{entry!r} is no ledger entry. Give its id, as ac-tools audit show has it.")
        self._toolkit = toolkit
        self._guard: Guard = toolkit.guard
        self._name = entry
        self._by = by.strip()

    def plan(self) -> Steps[UndoPlan]:
        """What it would do. Reads alone.

        Raises:
            UndoError: It cannot be done.
        """
        entry, inverse, stages = yield from self._opened()
        planned = []
        for number, calls in enumerate(stages):
            steps = yield from _in_turn(self._foreseen(entry, call, exists=number == 0) for call in calls)
            planned.append(tuple(steps))
        return UndoPlan(entry, self._toolkit.agent, inverse.words, tuple(planned), inverse.cannot)

    def run(self) -> Steps[Undone]:
        """Do it: stage by stage, each call decided on, asked about, sent once and recorded like an agent's own.

        Raises:
            UndoError: It cannot be done. Nothing was sent.
        """
        if not self._by:
            raise ValueError("Taking a write back needs the name of the person for whom it is done: by=.")
        entry, _, stages = yield from self._opened()
        calls = [call for stage in stages for call in stage]
        # Where a later call is not granted, nothing begins: half an undo may be worse than none.
        denied = [call for call in calls if not call.done and self._decided(call.outline).denied]
        taken = {call.key: call.taken("done", call.earlier) for call in calls if call.done}
        for stage in [denied] if denied else stages:
            left = [call for call in stage if not call.done]
            made = yield from self._stage(left)
            taken |= dict(zip((call.key for call in left), made, strict=True))
            if any(step.fate != "done" for step in made):
                break
        steps = tuple(taken.get(call.key) or call.taken("not begun") for call in calls)
        undone = Undone(entry.id, self._by, steps)
        if undone.complete:
            through = [step.entry for step in undone.steps]
            yield Store(lambda: self._guard.undone(entry.id, by=self._by, through=through), self._guard.ledger.blocks)
        return undone

    def _opened(self) -> Steps[tuple[Entry, Inverse, list[list[_Call]]]]:
        """The entry, how it is taken back, and the calls, if the record is as the write has left it."""
        entry = yield from self._entry(self._name)
        past = past_of(entry, self._name, host=self._toolkit.account.host)
        assert entry is not None
        inverse = _inverse_of(past)
        stages = []
        for number, steps in enumerate(inverse.stages(past), 1):
            calls = (self._call(entry, step, f"{number}-{place}") for place, step in enumerate(steps, 1))
            stages.append((yield from _in_turn(calls)))
        changed: Sequence[str] = yield from looked(self._guard, inverse.changed(past), entry)
        begun = yield from _in_turn(self._sent(call.key) for stage in stages for call in stage)
        if changed and not any(begun):
            raise UndoError(
                f"Entry {entry.id} cannot be taken back, because it would overwrite what was changed since: "
                f"{'; '.join(inert(one, limit=400) for one in changed)}. Nothing was sent. Correct the record by hand."
            )
        return entry, inverse, stages

    def _call(self, entry: Entry, step: Step, place: str) -> Steps[_Call]:
        """A step as a call: the one that was made before, unless that has certainly come to nothing."""
        kind = tool_class(step.tool)
        if kind is None:
            raise UndoError(f"Entry {entry.id} cannot be taken back: {step.tool} is no tool of this version.")
        toolkit, by = self._toolkit, f", for {self._by}" if self._by else ""
        tool = kind(account=toolkit.account, guard=toolkit.guard, agent=toolkit.agent)
        note = f"entry {entry.id}{by}: {entry.what}"
        for attempt in count(1):
            again = f" again {attempt}" if attempt > 1 else ""
            origin = Origin(
                turn=f"undo of {entry.id}",
                call=f"{place}{again}",
                config=var_child_runnable_config.get() or {},
                undoes=entry.id,
                behalf=self._by,
            )
            job = ToolJob(tool, step.arguments, origin, note=note)
            try:
                outline = job.outline()
            except InvalidCall as error:
                raise UndoError(f"Entry {entry.id} cannot be taken back: {error}") from None
            key = as_run(self._guard, job).origin.key(outline)
            earlier = yield from self._recalled(key)
            if earlier is None or not _came_to_nothing(earlier):
                break
        return _Call(job, outline, key, earlier)

    def _entry(self, name: str) -> Steps[Entry | None]:
        ledger = self._guard.ledger
        found: Entry | None = yield Store(lambda: ledger.entry(name), ledger.blocks)
        return found

    def _recalled(self, key: str) -> Steps[Entry | None]:
        """The entry of a call: the one that has left, or else the latest."""
        ledger = self._guard.ledger
        found: Entry | None = yield Store(lambda: ledger.recall(key), ledger.blocks)
        return (yield from self._sent(key)) or found

    def _sent(self, key: str) -> Steps[Entry | None]:
        """The entry of a call that has left, perhaps in another run of this undo; not if it came to nothing."""
        ledger = self._guard.ledger
        found: Entry | None = yield Store(lambda: ledger.recall(key, sent=True), ledger.blocks)
        return None if found is None or _came_to_nothing(found) else found

    def _decided(self, action: Action, facts: Mapping[str, object] | None = None) -> Verdict:
        return self._guard.grants.decide(action, facts, on=self._guard.today())

    def _foreseen(self, entry: Entry, call: _Call, *, exists: bool) -> Steps[PlannedStep]:
        """What a step would do, and what the grants say to it, after reading what they and its card rest on.

        Args:
            entry: The entry that is taken back.
            call: The step.
            exists: Whether what it names is there already, so that it can be read.
        """
        outline, verdict = call.outline, self._decided(call.outline)
        made = call.earlier if call.earlier and call.earlier.writes else None
        if made or verdict.denied:
            return PlannedStep(outline, verdict, made=made)
        try:
            found = yield from looked(self._guard, self._whole(call) if exists else call.job.named(), entry)
        except Denied as error:
            return PlannedStep(error.action, error.verdict)
        except (InvalidCall, ActiveCampaignError) as error:
            return PlannedStep(outline, verdict, note=str(error))
        if isinstance(found, Action):
            return PlannedStep(found, verdict)
        if isinstance(found, Answer):
            made = yield from self._sent(call.key)  # by another run of this undo, just now
            return PlannedStep(outline, verdict, note="" if made else found.content, made=made)
        verdict = self._decided(found.action, found.facts)
        return PlannedStep(found.action, verdict, found.card() if verdict.kind == "ask" else None)

    def _whole(self, call: _Call) -> Exchange:
        """All that the grants and a card need; returns a Plan, or an Answer where nothing would be sent."""
        readable = self._guard.grants.readable(self._toolkit.agent, on=self._guard.today())
        prepared = yield from call.job.prepare(readable)
        if isinstance(prepared, Plan) and prepared.portray is not None:
            return (yield from prepared.portray(True))
        return prepared

    def _stage(self, calls: list[_Call]) -> Steps[list[TakenStep]]:
        """Ask once about all calls of a stage, and make those that nobody has to be waited for."""
        if len(calls) < 2:
            return (yield from _in_turn(map(self._made, calls)))
        asked = yield from planned(self._guard, [call.job for call in calls])
        pairs = zip(calls, asked.questions, strict=True)
        return (
            yield from _in_turn(
                self._waiting(call, asked.waits)
                if asked.waits and question is not None and question.decision is None
                else self._made(call)
                for call, question in pairs
            )
        )

    def _waiting(self, call: _Call, why: str) -> Steps[TakenStep]:
        return call.taken("waiting", (yield from self._recalled(call.key)), why)

    def _made(self, call: _Call) -> Steps[TakenStep]:
        """Carry a step out, or learn what became of it before."""
        answer: Answer = yield from self._guard.steps(call.job)
        if fate_of(answer) == "failed" and (sent := (yield from self._sent(call.key))):
            answer = yield from Once(self._guard, call.job).repeated(sent)  # another run of this undo was quicker
        name = answer.artifact.entry if isinstance(answer.artifact, Refusal) else ""
        found = (yield from self._entry(name)) or (yield from self._recalled(call.key))
        fate = fate_of(answer)
        edited = fate == "done" and found is not None and found.decision == "edited"
        return call.taken("edited" if edited else fate, found, answer.content)


def _inverse_of(past: Past) -> Inverse:
    from ac_tools.undo._inverses import INVERSES

    inverse = INVERSES.get(past.tool, f"nothing is known that takes {past.tool} back")
    if isinstance(inverse, str):
        raise UndoError(f"Entry {past.entry} cannot be taken back: {inverse.rstrip('.')}.")
    return inverse


def _came_to_nothing(entry: Entry) -> bool:
    """Whether a call has certainly done nothing and never will, so that it may be made anew."""
    return entry.decision in ("rejected", "expired") or entry.outcome in ("refused", "not_sent", "did_not_happen")


def _in_turn(work: Iterable[Steps[T]]) -> Steps[list[T]]:
    results = []
    for one in work:
        result = yield from one
        results.append(result)
    return results
