"""What an undo would do, and what it has done, as values and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Literal

from ac_guardrails import Action, Answer, Card, Entry, Rehearsal, Verdict, inert
from ac_guardrails._job import Refusal

Fate = Literal[
    "done",
    "edited",
    "rehearsed",
    "refused",
    "rejected",
    "expired",
    "waiting",
    "stopped",
    "blocked",
    "unknown",
    "failed",
    "not begun",
]

_SAID_ABOVE = ("Agent", "Account", "Undoes")
"""The rows of a step's card that repeat what the plan begins with."""
_VERDICTS = {"allow": "the grants allow it", "ask": "a person is asked", "deny": "the grants do not allow it"}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One call that would take a part back.

    Args:
        action: What would be done, as far as it is known before it is.
        verdict: What the grants say to it; limits in people and calls are counted only when it is carried out.
        card: What a person would be shown; None where nobody is asked, or what it names is not there yet.
        note: What stands in its way as things are; empty where nothing does.
        made: The entry of the call where it was made already; None where it is still to be made.
    """

    action: Action
    verdict: Verdict
    card: Card | None = None
    note: str = ""
    made: Entry | None = None

    @property
    def what(self) -> str:
        """What would be done, as an infinitive."""
        return inert(self.action.plain or self.action.what, limit=400)

    def lines(self) -> list[str]:
        """The step, what it needs and what a person would be shown, as lines of plain text."""
        if self.made:
            return [f"{self.what}: made already (entry {self.made.id}: {inert(self.made.verdict(), limit=400)})"]
        card = self.card and replace(self.card, rows=tuple(row for row in self.card.rows if row[0] not in _SAID_ABOVE))
        needs = ", ".join(map(str, self.action.needs))
        because = "" if self.verdict.kind == "allow" else f": {inert(self.verdict.reason, limit=600)}"
        said = [f"Needs {needs}; {_VERDICTS[self.verdict.kind]}{because}"]
        said += [f"As things are: {inert(self.note, limit=600)}"] if self.note else []
        return [self.what, *(card.lines()[1:] if card else ()), *(f"  {line}" for line in said)]


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What taking a write back would do. `str()` tells it in words.

    Args:
        entry: The entry of the write.
        agent: The agent whose calls take it back.
        words: How it is taken back, as an infinitive.
        stages: The calls, stage by stage; one begins when the one before it is done.
        cannot: What cannot be restored, as a clause; empty where everything can.
    """

    entry: Entry
    agent: str
    words: str
    stages: tuple[tuple[PlannedStep, ...], ...]
    cannot: str = ""

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """The calls, in their order."""
        return tuple(step for stage in self.stages for step in stage)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Entry {self.entry.id}: {inert(self.entry.sentence, limit=1000)}"
        yield f"To take it back, as {inert(self.agent, limit=80)}: {inert(self.words, limit=600)}."
        for number, step in enumerate(self.steps, 1):
            first, *rest = step.lines()
            yield f"  {number}. {first}"
            yield from (indent(line, "   ") for line in rest)
        if self.cannot:
            yield f"What it cannot restore: {inert(self.cannot, limit=600)}."


@dataclass(frozen=True, slots=True)
class TakenStep:
    """What became of one call.

    Args:
        tool: The tool's name.
        what: What was asked for, as an infinitive.
        fate: What became of it.
        text: The same in words, as an agent would be told.
        entry: Its entry in the ledger; empty where it was not begun.
    """

    tool: str
    what: str
    fate: Fate
    text: str = ""
    entry: str = ""

    def __str__(self) -> str:
        named = f" (entry {self.entry})" if self.entry else ""
        because = f": {inert(self.text, limit=600)}" if self.text and self.fate not in ("done", "rehearsed") else ""
        return f"{inert(self.what, limit=400)}: {self.fate}{named}{because}"


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of taking a write back. `str()` tells it in words.

    Args:
        entry: The entry of the write.
        by: The person for whom it was taken back.
        steps: The calls, in their order.
    """

    entry: str
    by: str
    steps: tuple[TakenStep, ...]

    @property
    def complete(self) -> bool:
        """Whether all of it is taken back."""
        return all(step.fate == "done" for step in self.steps)

    def __str__(self) -> str:
        return "\n".join((self._summary(), *(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))))

    def _summary(self) -> str:
        by, done = inert(self.by, limit=80), sum(step.fate == "done" for step in self.steps)
        if self.complete:
            return f"Entry {self.entry} is taken back, for {by}."
        if any(step.fate == "rehearsed" for step in self.steps):
            return f"A rehearsal of taking entry {self.entry} back: nothing was sent."
        again = "What is done is on record and is not repeated: undo it once more to go on with the rest."
        return f"Entry {self.entry} is not taken back: {done} of {len(self.steps)} calls done. {again}"


def fate_of(answer: Answer) -> Fate:
    """What became of a call, from its answer."""
    if answer.ok:
        return "rehearsed" if isinstance(answer.artifact, Rehearsal) else "done"
    kind = answer.artifact.kind if isinstance(answer.artifact, Refusal) else "failed"
    known: tuple[Fate, ...] = ("refused", "rejected", "expired", "waiting", "stopped", "blocked", "unknown")
    return next((fate for fate in known if fate == kind), "failed")
