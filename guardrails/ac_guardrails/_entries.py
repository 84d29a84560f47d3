"""Entries: the events of one call, read back as one plain sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ac_guardrails._display import Displayed
from ac_guardrails._events import LedgerError
from ac_guardrails._text import inert

_OUTCOMES = {
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
        decision: allowed, approved, edited, rejected, refused, expired, joined or waiting.
        by: The person who decided last; empty where none did.
        reason: Why it was refused or rejected, or why the account said no.
        outcome: done, nothing, refused, not_sent, rehearsed, unknown, partly or failed; after reading back happened,
            did_not_happen or cannot_tell; empty while there is none.
        state: waiting, open, unknown or closed.
        writes: How many write requests left.
        reads: How many reads left, the guard's own included.
        is_write: Whether the call could change the account.
        joined: The entry whose question this call waits for, where the same had been asked already.
        sent_at: When its last write left, in epoch seconds; 0.0 before.
        cut_at: When the answer to it was given up, in epoch seconds; 0.0 where that is not on record.
        absent_at: When reading back did not find it, in epoch seconds each.
        asked: The salted digest of what a person was asked about last.
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
    asked: str = ""
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
        told = f"{self._confirmed()}{undone}.{damage}"
        return f"{self.agent} asked to {self.what}{self._on_behalf()} in {self.host}: {self.verdict()}{told}"

    def verdict(self) -> str:
        """The decision and the outcome, without who and what."""
        words = [self._decision_words()]
        if self.outcome and self.decision in ("allowed", "approved", "edited"):
            words.append(_OUTCOMES.get(self.outcome, self.outcome))
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
                return f"{self._who_decided()}{self._together()}"
            case "rejected":
                return f"{self._who_decided()}{because}{self._together()}"
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

    def _together(self) -> str:
        """That one answer was for several calls."""
        others = "1 other" if self.others == 1 else f"{self.others} others"
        return f", together with {others} (set {self.set})" if self.set else ""

    def _who_decided(self) -> str:
        """Everybody who had a say in what ran, or did not: who changed it, and who agreed or not."""
        editors = list(dict.fromkeys(by for _, by in self.edits))
        if self.standing:
            return f"{self.decision} beforehand by {self.by} (standing approval {self.standing})"
        if not editors:
            return f"{self.decision} by {self.by}"
        edited = f"edited by {' and '.join(editors)}"
        if self.decision == "edited":
            return edited
        if editors == [self.by]:
            return f"edited and {self.decision} by {self.by}"
        return f"{edited}, {self.decision} by {self.by}"


_Text = str | bytes
"""As SQLite gives it: bytes where what is kept may be no text at all."""


def fold(rows: Iterable[tuple[str, _Text]], payloads: Mapping[str, _Text]) -> list[Entry]:
    """Make entries of the events' canonical texts, in the order in which they began.

    Raises:
        LedgerError: An event cannot be read. Without it nobody can say what became of its call.
    """
    entries: dict[str, Entry] = {}
    for entry_id, body in rows:
        try:
            event = mapping(body)
            entry = entries.get(entry_id) or _begun(entry_id, event, payloads.get(entry_id))
            entries[entry_id] = _after(entry, event)
        except (ValueError, TypeError, LookupError, OverflowError, OSError) as error:
            raise LedgerError(
                f"Entry {entry_id!r} holds an event that cannot be read, so nobody can tell what became of its call. "
                "ac-tools audit verify names the row; put back a copy of the ledger that is whole."
            ) from error
    return list(entries.values())


def mapping(text: _Text) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: It is none.
    """
    try:
        found = json.loads(text.decode() if isinstance(text, bytes) else text)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    if not isinstance(found, dict):
        raise ValueError("It is no JSON object.")
    return found


def _begun(entry_id: str, event: Mapping[str, Any], payload: _Text | None) -> Entry:
    try:
        kept, damaged = {} if payload is None else mapping(payload), False
    except ValueError:
        kept, damaged = {}, True  # it is outside the chain, and the events tell the rest
    at = datetime.fromtimestamp(event["at"], UTC)
    return Entry(entry_id, at, event["agent"], damaged=damaged, payload=kept)


def _after(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """The entry after one more of its events."""
    match event["kind"]:
        case "decided":
            return _decided(entry, event)
        case "asked":
            return _asked(entry, event.get("digest", ""))
        case "answered":
            return _answered(entry, event)
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
        case "undone":
            return replace(entry, undone=inert(event["by"], limit=80), undone_at=event["at"])
        case "confirmed" | "contradicted":
            return _told(entry, event)
        case "foreign":
            return _foreign(entry, event)
        case "joined":
            return replace(entry, decision="joined", joined=event["into"], state="closed")
        case "stopped" | "resumed":
            return _controlled(entry, event)
        case "standing" | "revoked":
            return _beforehand(entry, event)
    return entry


def _asked(entry: Entry, digest: str) -> Entry:
    """What is asked about again as it stood before an edit is no longer what that edit made of it."""
    before = [asked for asked, _ in entry.edits]
    edits = entry.edits[: before.index(digest)] if digest in before else entry.edits
    return replace(entry, decision="waiting", state="waiting", asked=digest, edits=edits)


def _answered(entry: Entry, event: Mapping[str, Any]) -> Entry:
    decision, by = event["decision"], event.get("by", "")
    edits = (*entry.edits, (entry.asked, by)) if decision == "edited" else entry.edits
    given_by = {"standing": event.get("standing", ""), "set": event.get("set", ""), "others": event.get("others", 0)}
    return replace(
        entry, decision=decision, by=by, reason=_kept(entry, "reason"), state="open", edits=edits, **given_by
    )


def _ended(entry: Entry, event: Mapping[str, Any]) -> Entry:
    outcome = event.get("outcome", "failed")
    unknown = outcome == "unknown"
    said = _kept(entry, "error") or event.get("reason", "")
    reason = "" if outcome == "done" else said
    state = "unknown" if unknown else "closed"
    made, cut_at = event.get("made", "") or entry.made, event["at"] if unknown else 0.0
    return replace(entry, outcome=outcome, state=state, reason=reason, made=made, cut_at=cut_at)


def _settled(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """After reading back: what was found, or once more that nobody knows yet."""
    outcome = event["outcome"]
    absent = (*entry.absent_at, event["at"]) if event.get("absent") else entry.absent_at
    state = "unknown" if event.get("unknown") else "closed"
    reason, made = event.get("reason", ""), event.get("made", "") or entry.made
    return replace(entry, outcome=outcome, state=state, reason=reason, made=made, absent_at=absent)


def _told(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """The account told of it itself, or told something else; what speaks against a write outweighs what confirms it."""
    happened = event["kind"] == "confirmed" or event.get("happened")
    otherwise = inert(event.get("reason", ""), limit=300) or entry.otherwise
    if through := event.get("through"):
        otherwise += f" (entry {inert(through, limit=20)})"
    return replace(
        entry,
        confirmation="contradicted" if otherwise else "confirmed",
        confirmed_at=event["at"] if happened else entry.confirmed_at,
        otherwise=otherwise,
        made=entry.made or event.get("made", ""),
    )


def _foreign(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """Somebody else wrote: the account told of what no call on record explains."""
    act = _kept(entry, "plain") or inert(event.get("what", ""), limit=300)
    host = inert(event.get("host", ""), limit=100)
    what = (
        f"somebody else ({inert(event.get('who', ''), limit=20)}) {act} in {host}; no call on this ledger explains it"
    )
    return replace(entry, agent="somebody else", tool="guard", host=host, what=what, decision="foreign", state="closed")


def _controlled(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """Somebody stopped the guard, or let it go on."""
    what = "everything" if event.get("reads") else "every write"
    by, reason = inert(event.get("by", ""), limit=80), inert(event.get("reason", ""), limit=300)
    said = f"stopped {what}" if event["kind"] == "stopped" else "let the guard go on"
    because = f": {reason.rstrip('.')}" if reason else ""
    return replace(
        entry, agent=by, tool="guard", what=f"{by} {said}{because}", decision=event["kind"], by=by, state="closed"
    )


def _beforehand(entry: Entry, event: Mapping[str, Any]) -> Entry:
    """Somebody agreed to calls that were still to come, or took that back."""
    by = inert(event.get("by", ""), limit=80)
    if event["kind"] == "revoked":
        return replace(entry, what=f"{entry.what}; {by} took that back", decision="revoked", by=by)
    edges = [f"at most {event[name]} {name}" for name in ("times", "people") if name in event]
    until = datetime.fromtimestamp(event["until"], UTC)
    which = f" with {' and '.join(event['fields'])} as agreed" if event.get("fields") else ""
    what = f"{by} let {entry.agent} call {event['tool']}{which} by itself, {', '.join(edges)}"
    what += f", until {until:%Y-%m-%d %H:%MZ}"
    return replace(entry, tool="guard", what=what, decision="standing", by=by, state="closed")


def _kept(entry: Entry, name: str) -> str:
    """A text from the payload, on one line."""
    return inert(str(entry.payload.get(name, "")), limit=600)


def _decided(entry: Entry, event: Mapping[str, Any]) -> Entry:
    plain = entry.payload.get("plain")
    what = plain if plain and isinstance(plain, str) else event.get("what", "")
    decision = entry.decision if entry.decision in ("approved", "edited") else event.get("verdict", "")
    return replace(
        entry,
        tool=event.get("tool", ""),
        host=event.get("host", ""),
        what=what,
        decision="allowed" if decision == "allow" else "waiting" if decision == "ask" else decision,
        is_write=bool(event.get("write")),
        undoes=event.get("undoes", ""),
        behalf=inert(event.get("behalf", ""), limit=80),
    )
