"""Entries: what is on record of one call, as one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ac_guardrails._display import Displayed

OUTCOMES = {
    "done": "done",
    "nothing": "nothing had to be done",
    "refused": "the account refused it",
    "not_sent": "nothing was sent",
    "rehearsed": "rehearsed, and nothing was sent",
    "unknown": "nobody knows yet whether it happened",
    "partly": "a part of it was done",
    "failed": "it failed",
    "happened": "it did happen",
    "did_not_happen": "it did not happen",
    "cannot_tell": "nobody can tell whether it happened",
}
_CONFIRMATIONS = {
    "confirmed": "; confirmed by the account's own event",
    "unconfirmed": "; no event of the account's has confirmed it",
    "not_confirmable": "; the account has no event that could confirm it",
}


@dataclass(frozen=True, slots=True)
class Entry(Displayed):
    """One call on record.

    Args:
        id: The entry's name.
        at: When it began.
        agent: Who called.
        tool: The tool's name.
        host: The account.
        what: The act as an infinitive; with names and values while payloads are kept, with ids and counts after.
        asked_to: The same as the agent asked for it, with ids and counts.
        changed: Whether a person has made something else of that.
        decision: allowed, approved, edited, rejected, refused, expired, joined or waiting.
        by: The person who decided last; empty where none did.
        reason: Why it was refused or rejected, or why the account said no.
        outcome: done, nothing, refused, not_sent, rehearsed, unknown, partly or failed; after reading back happened,
            did_not_happen or cannot_tell; empty while there is none.
        state: waiting, open, unknown or closed.
        writes: How many write requests left.
        planned: How many were decided on; 0 where it was one, or is not on record.
        reads: How many reads left, the guard's own included.
        is_write: Whether the call could change the account.
        agreed: approved or edited, where `by` had agreed before it was refused or lapsed; empty where nobody had.
        objection: Who said otherwise when the answer stood already, and what they said; empty where nobody did.
        joined: The entry whose question this call waits for, where the same had been asked already.
        sent_at: When its last write left, in epoch seconds; 0.0 before.
        cut_at: When the answer to it was given up, in epoch seconds; 0.0 where that is not on record.
        absent_at: When reading back did not find it, in epoch seconds each.
        asked: The salted digest of what a person was asked about last.
        expires_at: Until when they can answer, and the answer counts, in epoch seconds; 0.0 where nobody was asked.
        edits: The salted digest of each question that a person answered with other arguments, and their name; without
            those that were put again as they stood before, so that the edit counts no more.
        standing: The standing approval that the last yes was given by; empty where a person gave it to this very call.
        set: The set of calls whose answer the last one is; empty where a person answered this very call.
        others: How many other calls that answer was for.
        made: The record that it has made, named with its kind and id; empty where it made none.
        undoes: The entry that it takes back; empty where it takes none back.
        behalf: The person for whom it was made; empty where nobody was named.
        undone: The person for whom it was taken back; empty where it stands.
        undone_at: When it was taken back, in epoch seconds; 0.0 where it stands.
        confirmation: What the account itself told of the write: confirmed or contradicted; empty where it told nothing.
            Who knows the product tells unconfirmed from not_confirmable.
        confirmed_at: When the account's own event of it came, in epoch seconds; 0.0 where none has.
        otherwise: What speaks against it, as a clause; empty where nothing does.
        damaged: Whether something is kept beside the events that cannot be read.
        payload: What is kept beside the events: arguments, card, result; empty where it cannot be read.
    """

    id: str
    at: datetime
    agent: str
    tool: str = ""
    host: str = ""
    what: str = ""
    asked_to: str = ""
    changed: bool = False
    decision: str = ""
    by: str = ""
    reason: str = ""
    outcome: str = ""
    state: str = "open"
    writes: int = 0
    planned: int = 0
    reads: int = 0
    is_write: bool = False
    agreed: str = ""
    objection: str = ""
    joined: str = ""
    sent_at: float = 0.0
    cut_at: float = 0.0
    absent_at: tuple[float, ...] = ()
    asked: str = ""
    expires_at: float = 0.0
    edits: tuple[tuple[str, str], ...] = ()
    standing: str = ""
    set: str = ""
    others: int = 0
    made: str = ""
    undoes: str = ""
    behalf: str = ""
    undone: str = ""
    undone_at: float = 0.0
    confirmation: str = ""
    confirmed_at: float = 0.0
    otherwise: str = ""
    damaged: bool = False
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """Who, what, where, the decision and the outcome, in plain English."""
        damage = " The names and values beside it are damaged." if self.damaged else ""
        if self.tool == "guard":
            return f"{self.what}.{damage}"
        if not self.what:
            return f"{self.agent} began a call, and what it was is not on record yet: {self.verdict()}.{damage}"
        undone = f"; taken back by {self.undone}" if self.undone else ""
        objected = f"; {self.objection}, too late" if self.objection else ""
        told = f"{objected}{self._confirmed()}{undone}.{damage}"
        changed = f"{self.asked_to}, changed by {self._editors()} to: " if self.changed else ""
        act = f"{changed}{self.what}{self._on_behalf()}"
        return f"{self.agent} asked to {act} in {self.host}: {self.verdict()}{told}"

    def verdict(self) -> str:
        """The decision and the outcome, without who and what."""
        words = [self._decision_words()]
        if self.state == "open" and self.writes:
            words.append("sent, and what became of it is not on record yet")
        elif self.state == "open" and self.by:
            words.append(f"not carried out yet{self._until()}")
        if self.outcome and self.decision in ("allowed", "approved", "edited", "waiting"):
            words.append(OUTCOMES.get(self.outcome, self.outcome))
            if self.outcome not in ("done", "nothing") and self.reason:
                words[-1] += f" ({self.reason.rstrip('.')})"
        return ", ".join(words)

    def _confirmed(self) -> str:
        """What the account itself told of it."""
        if self.confirmation != "contradicted":
            return _CONFIRMATIONS.get(self.confirmation, "")
        both = self.confirmed_at and self.outcome != "did_not_happen"
        event = f"{_CONFIRMATIONS['confirmed']}, but another one" if both else "; the account's own event"
        return f"{event} says otherwise: {self.otherwise}"

    def _on_behalf(self) -> str:
        """What it takes back, and for whom, as an insertion between commas."""
        undoing = [f"undoing entry {self.undoes}"] if self.undoes else []
        said = " ".join((*undoing, *([f"for {self.behalf}"] if self.behalf else [])))
        return f", {said}," if said else ""

    def _decision_words(self) -> str:
        because = f" ({self.reason.rstrip('.')})" if self.reason else ""
        match self.decision:
            case "approved" | "edited":
                return f"{self._who_decided(self.decision)}{self._together()}"
            case "rejected":
                return f"{self._who_decided(self.decision)}{because}{self._together()}"
            case "refused" | "expired":
                before = f"{self._who_decided(self.agreed)}, then " if self.agreed else ""
                return f"{before}{self.decision}{because}"
            case "deny":
                return "refused"
            case "joined":
                return f"the same was asked already (entry {self.joined})"
            case "waiting":
                return "nobody was asked" if self.state == "closed" else f"waiting for a person{self._until()}"
            case other:
                return other or "begun"

    def _until(self) -> str:
        """When a question lapses, and what was agreed to with it."""
        until = f"{datetime.fromtimestamp(self.expires_at, UTC):%Y-%m-%d %H:%M:%SZ}" if self.expires_at else ""
        return f" (until {until})" if until else ""

    def _together(self) -> str:
        """That one answer was for several calls."""
        others = "1 other" if self.others == 1 else f"{self.others} others"
        return f", together with {others} (set {self.set})" if self.set else ""

    def _editors(self) -> str:
        return " and ".join(dict.fromkeys(by for _, by in self.edits))

    def _who_decided(self, decision: str) -> str:
        """Everybody who had a say in what ran, or did not: who changed it, and who agreed or not."""
        if self.standing:
            return f"{decision} beforehand by {self.by} (standing approval {self.standing})"
        if not self.edits:
            return f"{decision} by {self.by}"
        editors = self._editors()
        edited = f"edited by {editors}"
        if decision == "edited":
            return edited
        if editors == self.by:
            return f"edited and {decision} by {self.by}"
        return f"{edited}, {decision} by {self.by}"
