"""Did it happen? What became of a write whose answer never came, settled by reading it back.

Absence right after the cut proves nothing, because the request may still land. A write did not happen only if it is
absent at two reads, the second a good while after the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from ac_guardrails._entries import Entry
from ac_guardrails._events import Event
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._hold import TakenError
from ac_guardrails._look import looked
from ac_guardrails._steps import Pause, Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard

SAYS_SO = "the account's own event says so"
_BETWEEN = 1.0
"""Seconds between two reads, where nobody read before."""


Reader = Callable[[str, Mapping[str, Any], float], ReadBack]
"""From a tool's name, the natural key of its write, and when it left, to reading it back."""

Outcome = Literal["happened", "partly", "did_not_happen", "cannot_tell", "unknown", "under_way", "waiting", "closed"]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is known of an entry that was left open.

    Args:
        entry: The entry's id.
        outcome: happened, partly, did_not_happen or cannot_tell; unknown while it is too early to say; under_way where
            its call still runs; waiting where a person has not answered, or its agent has not come back with the
            answer; closed where there was nothing to settle.
        reason: Why, as a clause.
        look_again_at: When reading back can say more, in epoch seconds; 0.0 where it cannot.
    """

    entry: str
    outcome: Outcome
    reason: str
    look_again_at: float = 0.0

    def __str__(self) -> str:
        return f"{_WORDS[self.outcome]}: {self.reason}."


_WORDS: Mapping[Outcome, str] = {
    "happened": "It happened",
    "partly": "A part of it happened",
    "did_not_happen": "It did not happen",
    "cannot_tell": "Nobody can tell whether it happened",
    "unknown": "Nobody knows yet whether it happened",
    "under_way": "It is under way",
    "waiting": "It waits",
    "closed": "It is settled",
}


def judge(finding: Finding, *, cut_at: float, absent_at: tuple[float, ...], now: float, wait: float) -> Outcome:
    """What a finding means.

    Args:
        finding: What reading back showed just now.
        cut_at: When the answer was given up, or the write left, in epoch seconds.
        absent_at: When earlier reads did not find it.
        now: The time of this read.
        wait: How many seconds after the cut a request may still land.
    """
    if finding.kind == "present":
        return "partly" if finding.partly else "happened"
    if finding.kind == "cannot_tell":
        return "cannot_tell"
    if finding.kind == "absent" and absent_at and now >= cut_at + wait:
        return "partly" if finding.partly else "did_not_happen"
    return "unknown"


def settle(guard: Guard, entry: Entry, read: Reader) -> Steps[Settlement]:
    """Find out what became of an entry that was left open, and put it on record.

    Args:
        guard: Whose entry it is.
        entry: The entry, as it is now.
        read: How a tool's writes are read back.
    """
    if entry.state == "closed":
        return Settlement(entry.id, "closed", f"its outcome is {entry.outcome or entry.decision}")
    if not entry.outcome and entry.state != "waiting" and may_run(guard, entry):
        if entry.writes or not _answered(entry):
            return Settlement(entry.id, "under_way", "the call that sent it still runs")
    if not entry.writes:
        return (yield from _never_sent(guard, entry))
    if entry.confirmed_at:
        return (yield from _recorded(guard, entry, Finding("present", SAYS_SO, entry.made)))
    key = entry.payload.get("key")
    if not key:
        finding = Finding("cannot_tell", "it has nothing that could be read back")
        return (yield from _recorded(guard, entry, finding))
    finding = yield from _found(guard, entry, read)
    cut_at = entry.cut_at or entry.sent_at
    if finding.kind == "absent" and not entry.absent_at and guard.clock() >= cut_at + guard.settle_after:
        yield from _recorded(guard, entry, finding)
        yield Pause(_BETWEEN)
        entry = yield Store(lambda: guard.ledger.entry(entry.id) or entry, guard.ledger.blocks)
        finding = yield from _found(guard, entry, read)
    return (yield from _recorded(guard, entry, finding))


def close(guard: Guard, entry: str, *, happened: bool, by: str) -> Settlement:
    """Settle an entry by hand, where a person has looked.

    Args:
        guard: Whose entry it is.
        entry: The entry's id.
        happened: What the person found.
        by: Their name.

    Raises:
        ValueError: There is nothing to settle, its call may still run, or there is no name.
    """
    found = guard.ledger.entry(entry)
    if found is None or not found.writes or found.state == "closed":
        raise ValueError(f"Entry {entry!r} is no write that was left open, so there is nothing to settle.")
    if not by.strip():
        raise ValueError("Settling by hand needs the name of the person: by=.")
    if not found.outcome and may_run(guard, found):
        # Its write may land after the person has looked; closed, its effect would be free for a second one.
        machine, process, _ = str(found.payload["owner"]).rsplit(":", 2)
        raise ValueError(
            f"Entry {entry!r} cannot be settled yet: its call may still run, in process {process} of {machine}. "
            "Wait until it has ended, or end it (ten minutes are enough where that machine is gone); then settle it."
        )
    outcome: Outcome = "happened" if happened else "did_not_happen"
    settlement = Settlement(entry, outcome, f"{by} says so")
    if not guard.ledger.append_found(_event(found, settlement)):
        raise ValueError(f"Somebody else has settled entry {entry!r} meanwhile.")
    return settlement


def may_run(guard: Guard, entry: Entry) -> bool:
    """Whether the call of an entry may still be on its way."""
    silent = guard.clock() - (entry.sent_at or entry.at.timestamp())
    return guard.ledger.in_flight.may_run(entry.id, str(entry.payload.get("owner", "")), silent=silent)


def _answered(entry: Entry) -> bool:
    return entry.decision in ("approved", "edited", "rejected")


def _never_sent(guard: Guard, entry: Entry) -> Steps[Settlement]:
    """A call that ended before anything left; or one that still waits for its person or its agent."""
    asked = entry.payload.get("questions") or []
    if asked and guard.clock() < asked[-1]["expires"]:
        what = "its agent has to come back for the answer" if _answered(entry) else "a person has to decide"
        return Settlement(entry.id, "waiting", what)
    data: dict[str, Any] = {"outcome": "not_sent", "reason": "its process ended"}
    event = Event(entry.id, "outcome", entry.agent, data)
    if asked:
        event = Event(entry.id, "refused", entry.agent, {"decision": "expired", "reason": "nobody came back in time"})
    try:
        yield Store(lambda: guard.ledger.append(event, unsent=True), guard.ledger.blocks)
    except TakenError:
        return Settlement(entry.id, "under_way", "its call has just gone on")
    return Settlement(entry.id, "did_not_happen", "nothing was sent")


def _found(guard: Guard, entry: Entry, read: Reader) -> Steps[Finding]:
    """What the account shows; the account's own errors show nothing."""
    others = yield Store(lambda: guard.ledger.made_by_others(entry.id), guard.ledger.blocks)
    key = {**entry.payload["key"], "_others": others, "_sent": entry.writes}
    reading = read(entry.tool, key, entry.sent_at)
    try:
        finding: Finding = yield from looked(guard, reading, entry)
    except Exception as error:
        if not hasattr(error, "outcome"):
            raise
        return Finding("unread", f"it could not be read back ({type(error).__name__})")
    return finding


def _recorded(guard: Guard, entry: Entry, finding: Finding) -> Steps[Settlement]:
    """Put what was found on record; what was not even sent in full has not happened in full."""
    if finding.kind == "present" and entry.writes < entry.planned:
        finding = replace(finding, partly=True)
    cut_at = entry.cut_at or entry.sent_at
    outcome = judge(finding, cut_at=cut_at, absent_at=entry.absent_at, now=guard.clock(), wait=guard.settle_after)
    again = max(cut_at + guard.settle_after, guard.clock()) if outcome == "unknown" else 0.0
    settlement = Settlement(entry.id, outcome, finding.reason, again)
    event = _event(entry, settlement, finding)
    on_record = yield Store(lambda: guard.ledger.append_found(event), guard.ledger.blocks)
    return settlement if on_record else Settlement(entry.id, "closed", "somebody else has settled it meanwhile")


def _event(entry: Entry, settlement: Settlement, finding: Finding | None = None) -> Event:
    data: dict[str, Any] = {"outcome": settlement.outcome, "reason": settlement.reason[:300]}
    if settlement.outcome in ("unknown", "cannot_tell"):
        data |= {"unknown": True, **({"absent": True} if finding and finding.kind == "absent" else {})}
    if finding and finding.made:
        data["made"] = finding.made
    return Event(entry.id, "settled", entry.agent, data)


def when(seconds: float) -> str:
    """A time in words, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"
