"""Once: what a call is told that was carried out before, or that another call stands in the way of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ac_guardrails._entries import Entry
from ac_guardrails._job import Answer, Job, Refusal
from ac_guardrails._settle import Settlement, may_run, settle, when
from ac_guardrails._steps import Pause, Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

_LONGEST_WAIT = 60.0
"""Seconds for which a call waits for the same call in flight."""


def standing(entry: Entry) -> Literal["repeat", "adopt", "new"]:
    """What to do with a call that has an entry already: tell what came of it, go on with it, or begin anew.

    A call that certainly did nothing may be made again: nothing was sent, or the account refused it completely.
    """
    if entry.writes:
        asked_first = entry.decision in ("approved", "edited")  # whoever agreed to it is not asked for it again
        undone = entry.outcome == "not_sent" or (entry.outcome == "refused" and not asked_first)
        return "new" if undone else "repeat"
    if entry.state != "closed":
        return "adopt"
    rehearsed = entry.outcome == "rehearsed" and "answer" in entry.payload
    return "repeat" if rehearsed or entry.decision in ("rejected", "expired") else "new"


class Once:
    """The second arrival of a call, and calls that want an effect which another one holds.

    Args:
        guard: Whose calls they are.
        job: The call that arrives.
    """

    def __init__(self, guard: Guard, job: Job) -> None:
        self._guard = guard
        self._job = job

    def recalled(self, key: str) -> Steps[Entry | None]:
        """The entry of this very call, if it was made before."""
        ledger = self._guard.ledger
        found: Entry | None = yield Store(lambda: ledger.recall(key), ledger.blocks)
        return found

    def repeated(self, entry: Entry) -> Steps[Answer]:
        """What came of the call when it was carried out; waits for it where it is in flight."""
        entry = yield from self._landed(entry)
        if entry.state == "closed":
            return self._again(entry)
        settlement = yield from settle(self._guard, entry, self._job.read_back)
        entry = yield from self._now(entry)
        return self._again(entry) if settlement.outcome == "closed" else self.settled(settlement)

    def unblocked(self, holder: str) -> Steps[Answer | None]:
        """What to tell a call whose effect another entry holds; None where it turns out that nothing is in the way."""
        ledger = self._guard.ledger
        entry: Entry | None = yield Store(lambda: ledger.entry(holder), ledger.blocks)
        if entry is None:
            return None
        settlement = yield from settle(self._guard, entry, self._job.read_back)
        if settlement.outcome in ("closed", "did_not_happen"):
            return None
        return _no("blocked", f"{_BLOCKED[settlement.outcome]} {_told(settlement)} Nothing was sent.", holder)

    def settled(self, settlement: Settlement) -> Answer:
        """What to tell a call whose answer never came."""
        if settlement.outcome == "happened":  # what happened in part is no success
            return Answer(f"{settlement} The account's answer was lost, and reading back shows it.", settlement)
        kind = "failed" if settlement.outcome == "partly" else "unknown"
        return _no(kind, _told(settlement), settlement.entry)

    def _landed(self, entry: Entry) -> Steps[Entry]:
        """The entry once its call has ended, or can no longer be on its way."""
        waited, pause = 0.0, 0.01
        while self._is_flying(entry) and waited < _LONGEST_WAIT:
            yield Pause(pause)
            waited, pause = waited + pause, min(pause * 1.5, 0.5)
            entry = yield from self._now(entry)
        return entry

    def _is_flying(self, entry: Entry) -> bool:
        return entry.state == "open" and not entry.outcome and may_run(self._guard, entry)

    def _now(self, entry: Entry) -> Steps[Entry]:
        ledger = self._guard.ledger
        found: Entry | None = yield Store(lambda: ledger.entry(entry.id), ledger.blocks)
        return found or entry

    def _again(self, entry: Entry) -> Answer:
        """The recorded result."""
        kept = entry.payload.get("answer")
        if kept and kept["ok"]:
            artifact = self._job.given_again(kept["artifact"])
            return Answer(kept["content"], Settlement(entry.id, "closed", "done") if artifact is None else artifact)
        if kept:
            return _no(kept["kind"], kept["content"], entry.id)
        if entry.outcome in ("done", "happened", "nothing"):
            text = f"This call was carried out already, on {entry.at:%Y-%m-%d %H:%M} UTC (entry {entry.id})."
            lost = "The account's answer was lost, and reading back showed that it happened."
            because = lost if entry.outcome == "happened" else "Its result is no longer kept."
            return Answer(f"{text} {because}", Settlement(entry.id, "closed", entry.outcome))
        text = f"This call was made already (entry {entry.id}): {entry.verdict()}. Nothing was sent again."
        if entry.outcome == "did_not_happen" or entry.decision == "expired":
            text += " You may ask again with a new call."
        return _no("failed" if entry.outcome else entry.decision, text, entry.id)


_BLOCKED = {
    "happened": "An earlier call for the same was cut off, and it did happen.",
    "partly": "An earlier call for the same was cut off, and a part of it did happen.",
    "under_way": "Another call for the same has not ended.",
    "unknown": "The outcome of an earlier call for the same is unknown.",
    "cannot_tell": "The outcome of an earlier call for the same is unknown.",
    "waiting": "Another call for the same waits for a person.",
}


def _told(settlement: Settlement) -> str:
    """A settlement, and what to do next."""
    text = f"{str(settlement).rstrip('.')} (entry {settlement.entry})."
    match settlement.outcome:
        case "unknown":
            return f"{text} It may still land. Do not repeat it; look again after {when(settlement.look_again_at)}."
        case "cannot_tell":
            return f"{text} A person has to look: ac-tools audit settle {settlement.entry}."
        case "partly":
            return f"{text} Make a new call for what is missing."
        case "did_not_happen":
            return f"{text} You may ask again with a new call."
        case _:
            return text


def _no(kind: str, reason: str, entry: str) -> Answer:
    return Answer(reason, Refusal(kind, reason, entry), ok=False)
