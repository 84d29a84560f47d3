"""Entries: the events of one call, read back as one plain sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ac_guardrails._text import inert

_OUTCOMES = {
    "done": "done",
    "nothing": "nothing had to be done",
    "refused": "the account refused it",
    "not_sent": "nothing was sent",
    "unknown": "nobody knows yet whether it happened",
    "partly": "a part of it was done",
    "failed": "it failed",
    "happened": "it did happen",
    "did_not_happen": "it did not happen",
    "cannot_tell": "nobody can tell whether it happened",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One call on record.

    Args:
        id: The entry's name.
        at: When it began.
        agent: Who called.
        tool: The tool's name.
        host: The account.
        what: The act as an infinitive; with names and values while payloads are kept, with ids and counts after.
        decision: allowed, approved, edited, rejected, refused, expired, joined or waiting.
        by: The person who decided; empty where none did.
        reason: Why it was refused or rejected, or why the account said no.
        outcome: done, nothing, refused, not_sent, unknown, partly or failed; after reading back happened,
            did_not_happen or cannot_tell; empty while there is none.
        state: waiting, open, unknown or closed.
        writes: How many write requests left.
        reads: How many reads left, the guard's own included.
        is_write: Whether the call could change the account.
        joined: The entry whose question this call waits for, where the same had been asked already.
        sent_at: When its last write left, in epoch seconds; 0.0 before.
        cut_at: When the answer to it was given up, in epoch seconds; 0.0 where that is not on record.
        absent_at: When reading back did not find it, in epoch seconds each.
        payload: What is kept beside the events: arguments, card, result.
    """

    id: str
    at: datetime
    agent: str
    tool: str = ""
    host: str = ""
    what: str = ""
    decision: str = ""
    by: str = ""
    reason: str = ""
    outcome: str = ""
    state: str = "open"
    writes: int = 0
    reads: int = 0
    is_write: bool = False
    joined: str = ""
    sent_at: float = 0.0
    cut_at: float = 0.0
    absent_at: tuple[float, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """Who, what, where, the decision and the outcome, in plain English."""
        if self.tool == "guard":
            return f"{self.what}."
        if not self.what:
            return f"{self.agent} began a call, and what it was is not on record yet: {self.verdict()}."
        return f"{self.agent} asked to {self.what} in {self.host}: {self.verdict()}."

    def verdict(self) -> str:
        """The decision and the outcome, without who and what."""
        words = [self._decision_words()]
        if self.outcome and self.decision in ("allowed", "approved", "edited"):
            words.append(_OUTCOMES.get(self.outcome, self.outcome))
            if self.outcome not in ("done", "nothing") and self.reason:
                words[-1] += f" ({self.reason.rstrip('.')})"
        return ", ".join(words)

    def _decision_words(self) -> str:
        because = f" ({self.reason.rstrip('.')})" if self.reason else ""
        match self.decision:
            case "approved" | "edited":
                return f"{self.decision} by {self.by}"
            case "rejected":
                return f"rejected by {self.by}{because}"
            case "refused" | "expired":
                return f"{self.decision}{because}"
            case "deny":
                return "refused"
            case "joined":
                return f"the same was asked already (entry {self.joined})"
            case "waiting":
                return "waiting for a person"
            case other:
                return other or "begun"


def fold(rows: Iterable[tuple[str, str]], payloads: Mapping[str, str]) -> list[Entry]:
    """Make entries of the events' canonical texts, in the order in which they began."""
    entries: dict[str, Entry] = {}
    for entry_id, body in rows:
        event = json.loads(body)
        entry = entries.get(entry_id) or _begun(entry_id, event, payloads.get(entry_id))
        entries[entry_id] = _after(entry, event)
    return list(entries.values())


def _begun(entry_id: str, event: Mapping[str, Any], payload: str | None) -> Entry:
    kept = json.loads(payload) if payload else {}
    return Entry(entry_id, datetime.fromtimestamp(event["at"], UTC), event["agent"], payload=kept)


def _after(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """The entry after one more of its events."""
    match event["kind"]:
        case "decided":
            return _decided(entry, event)
        case "asked":
            return replace(entry, decision="waiting", state="waiting")
        case "answered":
            return replace(
                entry,
                decision=event["decision"],
                by=event.get("by", ""),
                reason=_kept(entry, "reason"),
                state="open",
            )
        case "refused":
            decision = event.get("decision", "refused")
            reason = _kept(entry, "error") or event.get("reason", "") or entry.reason
            return replace(entry, decision=decision, reason=reason, state="closed")
        case "read":
            return replace(entry, reads=entry.reads + 1)
        case "sent":
            return replace(entry, writes=entry.writes + 1, state="open", sent_at=event["at"])
        case "outcome" | "failed":
            return _ended(entry, event)
        case "settled":
            return _settled(entry, event)
        case "joined":
            return replace(entry, decision="joined", joined=event["into"], state="closed")
        case "stopped" | "resumed":
            return _controlled(entry, event)
    return entry


def _ended(entry: Entry, event: Mapping[str, Any]) -> Entry:
    outcome = event.get("outcome", "failed")
    unknown = outcome == "unknown"
    said = _kept(entry, "error") or event.get("reason", "")
    reason = "" if outcome == "done" else said
    state = "unknown" if unknown else "closed"
    return replace(entry, outcome=outcome, state=state, reason=reason, cut_at=event["at"] if unknown else 0.0)


def _settled(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """After reading back: what was found, or once more that nobody knows yet."""
    outcome = event["outcome"]
    absent = (*entry.absent_at, event["at"]) if event.get("absent") else entry.absent_at
    state = "unknown" if event.get("unknown") else "closed"
    return replace(entry, outcome=outcome, state=state, reason=event.get("reason", ""), absent_at=absent)


def _controlled(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """Somebody stopped the guard, or let it go on."""
    what = "everything" if event.get("reads") else "every write"
    by, reason = inert(event.get("by", ""), limit=80), inert(event.get("reason", ""), limit=300)
    said = f"stopped {what}" if event["kind"] == "stopped" else "let the guard go on"
    because = f": {reason.rstrip('.')}" if reason else ""
    return replace(
        entry, agent=by, tool="guard", what=f"{by} {said}{because}", decision=event["kind"], by=by, state="closed"
    )


def _kept(entry: Entry, name: str) -> str:
    """A text from the payload, on one line."""
    return inert(str(entry.payload.get(name, "")), limit=600)


def _decided(entry: Entry, event: Mapping[str, Any]) -> Entry:
    what = entry.payload.get("plain") or event.get("what", "")
    decision = entry.decision if entry.decision in ("approved", "edited") else event.get("verdict", "")
    return replace(
        entry,
        tool=event.get("tool", ""),
        host=event.get("host", ""),
        what=what,
        decision="allowed" if decision == "allow" else "waiting" if decision == "ask" else decision,
        is_write=bool(event.get("write")),
    )
