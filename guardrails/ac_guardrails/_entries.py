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
        decision: allowed, approved, edited, rejected, refused, expired or waiting.
        by: The person who decided; empty where none did.
        reason: Why it was refused or rejected, or why the account said no.
        outcome: done, nothing, refused, not_sent, unknown, partly or failed; empty while there is none.
        state: waiting, open, unknown or closed.
        writes: How many write requests left.
        reads: How many reads left, the guard's own included.
        is_write: Whether the call could change the account.
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
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """Who, what, where, the decision and the outcome, in plain English."""
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
            return replace(entry, writes=entry.writes + 1, state="open")
        case "outcome" | "failed":
            outcome = event.get("outcome", "failed")
            state = "unknown" if outcome == "unknown" else "closed"
            said = _kept(entry, "error") or event.get("reason", "")
            return replace(entry, outcome=outcome, state=state, reason="" if outcome == "done" else said)
    return entry


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
