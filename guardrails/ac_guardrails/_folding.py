"""Folding: the events of each call, in their order, become its entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ac_guardrails._entries import Entry
from ac_guardrails._events import LedgerError
from ac_guardrails._text import inert

_Text = str | bytes
"""As SQLite gives it: bytes where what is kept may be no text at all."""
_Draft = SimpleNamespace
"""An entry as far as it was read; a new one for each event would take most of the time."""
_Changes = dict[str, Any]
_BLANK: _Changes = {field.name: field.default for field in fields(Entry)}


def fold(
    rows: Iterable[tuple[str, _Text]], payloads: Mapping[str, _Text], *, unreadable: list[str] | None = None
) -> list[Entry]:
    """Make entries of the events' canonical texts, in the order in which they began.

    Args:
        rows: The entry and the text of each event, in order.
        payloads: The text that is kept beside an entry.
        unreadable: Takes the ids of entries of which an event cannot be read; they are left out.

    Raises:
        LedgerError: An event cannot be read. Without it nobody can say what became of its call.
    """
    entries: dict[str, _Draft] = {}
    damaged: set[str] = set()
    for entry_id, body in rows:
        if entry_id in damaged:
            continue
        try:
            event = mapping(body)
            if entry_id not in entries:
                entries[entry_id] = _begun(entry_id, event, payloads.get(entry_id))
            entry = entries[entry_id]
            vars(entry).update(_after(entry, event))
        except (ValueError, TypeError, LookupError, OverflowError, OSError) as error:
            if unreadable is not None:
                unreadable.append(entry_id)
                damaged.add(entry_id)
                entries.pop(entry_id, None)
                continue
            raise LedgerError(
                f"Entry {entry_id!r} holds an event that cannot be read, so nobody can tell what became of its call. "
                "ac-tools audit verify names the row; put back a copy of the ledger that is whole."
            ) from error
    return [Entry(**vars(entry)) for entry in entries.values()]


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


def _begun(entry_id: str, event: Mapping[str, Any], payload: _Text | None) -> _Draft:
    try:
        kept, damaged = {} if payload is None else mapping(payload), False
    except ValueError:
        kept, damaged = {}, True  # it is outside the chain, and the events tell the rest
    at = datetime.fromtimestamp(event["at"], UTC)
    return _Draft(**{**_BLANK, "id": entry_id, "at": at, "agent": event["agent"], "damaged": damaged, "payload": kept})


def _after(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """What one more of its events changes in an entry."""
    match event["kind"]:
        case "decided":
            return _decided(entry, event)
        case "asked":
            return _asked(entry, event)
        case "answered":
            return _answered(entry, event)
        case "refused":
            decision = event.get("decision", "refused")
            reason = _kept(entry, "error") or event.get("reason", "") or entry.reason
            agreed = entry.decision if entry.decision in ("approved", "edited") and decision != "rejected" else ""
            return {"decision": decision, "reason": reason, "state": "closed", "agreed": agreed}
        case "overruled":
            said = f"{inert(event.get('by', ''), limit=80)} said otherwise ({event.get('decision', '')})"
            return {"objection": f"{entry.objection} and {said}" if entry.objection else said}
        case "read":
            return {"reads": entry.reads + 1}
        case "sent":
            planned = max(entry.planned, event.get("planned", 0))
            return {"writes": entry.writes + 1, "planned": planned, "state": "open", "sent_at": event["at"]}
        case "outcome" | "failed":
            return _ended(entry, event)
        case "settled":
            return _settled(entry, event)
        case "undone":
            return {"undone": inert(event["by"], limit=80), "undone_at": event["at"]}
        case "confirmed" | "contradicted":
            return _told(entry, event)
        case "foreign":
            return _foreign(entry, event)
        case "joined":
            return {"decision": "joined", "joined": event["into"], "state": "closed"}
        case "stopped" | "resumed":
            return _controlled(entry, event)
        case "standing" | "revoked":
            return _beforehand(entry, event)
    return {}


def _asked(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """What is asked about again as it stood before an edit is no longer what that edit made of it."""
    digest, expires = event.get("digest", ""), float(event.get("expires", 0.0))
    fresh: _Changes = {"decision": "waiting", "state": "waiting", "objection": ""}
    before = [asked for asked, _ in entry.edits]
    edits = entry.edits[: before.index(digest)] if digest in before else entry.edits
    return {**fresh, "asked": digest, "edits": edits, "expires_at": expires}


def _answered(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    decision, by = event["decision"], event.get("by", "")
    edits = (*entry.edits, (entry.asked, by)) if decision == "edited" else entry.edits
    given_by = {"standing": event.get("standing", ""), "set": event.get("set", ""), "others": event.get("others", 0)}
    reason = _kept(entry, "reason")
    return {"decision": decision, "by": by, "reason": reason, "state": "open", "edits": edits, **given_by}


def _ended(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    outcome = event.get("outcome", "failed")
    unknown = outcome == "unknown"
    said = _kept(entry, "error") or event.get("reason", "")
    reason = "" if outcome == "done" else said
    state = "unknown" if unknown else "closed"
    made, cut_at = event.get("made", "") or entry.made, event["at"] if unknown else 0.0
    return {"outcome": outcome, "state": state, "reason": reason, "made": made, "cut_at": cut_at}


def _settled(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """After reading back: what was found, or once more that nobody knows yet."""
    outcome = event["outcome"]
    absent = (*entry.absent_at, event["at"]) if event.get("absent") else entry.absent_at
    state = "unknown" if event.get("unknown") else "closed"
    reason, made = event.get("reason", ""), event.get("made", "") or entry.made
    return {"outcome": outcome, "state": state, "reason": reason, "made": made, "absent_at": absent}


def _told(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """The account told of it itself, or told something else; what speaks against a write outweighs what confirms it."""
    happened = event["kind"] == "confirmed" or event.get("happened")
    otherwise = inert(event.get("reason", ""), limit=300) or entry.otherwise
    if through := event.get("through"):
        otherwise += f" (entry {inert(through, limit=20)})"
    return {
        "confirmation": "contradicted" if otherwise else "confirmed",
        "confirmed_at": event["at"] if happened else entry.confirmed_at,
        "otherwise": otherwise,
        "made": entry.made or event.get("made", ""),
    }


def _foreign(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """Somebody else wrote: the account told of what no call on record explains."""
    act = _kept(entry, "plain") or inert(event.get("what", ""), limit=300)
    host = inert(event.get("host", ""), limit=100)
    what = (
        f"somebody else ({inert(event.get('who', ''), limit=20)}) {act} in {host}; no call on this ledger explains it"
    )
    return {
        "agent": "somebody else",
        "tool": "guard",
        "host": host,
        "what": what,
        "decision": "foreign",
        "state": "closed",
    }


def _controlled(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """Somebody stopped the guard, or let it go on."""
    what = "everything" if event.get("reads") else "every write"
    by, reason = inert(event.get("by", ""), limit=80), inert(event.get("reason", ""), limit=300)
    said = f"stopped {what}" if event["kind"] == "stopped" else "let the guard go on"
    because = f": {reason.rstrip('.')}" if reason else ""
    return {
        "agent": by,
        "tool": "guard",
        "what": f"{by} {said}{because}",
        "decision": event["kind"],
        "by": by,
        "state": "closed",
    }


def _beforehand(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    """Somebody agreed to calls that were still to come, or took that back."""
    by = inert(event.get("by", ""), limit=80)
    if event["kind"] == "revoked":
        return {"what": f"{entry.what}; {by} took that back", "decision": "revoked", "by": by}
    edges = [f"at most {_counted(event[name], name)}" for name in ("times", "people") if name in event]
    until = datetime.fromtimestamp(event["until"], UTC)
    which = f", with {' and '.join(event['fields'])} as agreed" if event.get("fields") else ""
    what = f"{by} let {entry.agent} call {event['tool']} by itself{which}, {', '.join(edges)}"
    what += f", until {until:%Y-%m-%d %H:%MZ}"
    return {"tool": "guard", "what": what, "decision": "standing", "by": by, "state": "closed"}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number != 1 else {"times": "once", "people": "1 person"}[noun]


def _kept(entry: _Draft, name: str) -> str:
    """A text from the payload, on one line."""
    return inert(str(entry.payload.get(name, "")), limit=600)


def _decided(entry: _Draft, event: Mapping[str, Any]) -> _Changes:
    plain = entry.payload.get("plain")
    what = plain if plain and isinstance(plain, str) else event.get("what", "")
    decision = entry.decision if entry.decision in ("approved", "edited") else event.get("verdict", "")
    asked_to = entry.asked_to or event.get("what", "")
    return {
        "tool": event.get("tool", ""),
        "host": event.get("host", ""),
        "what": what,
        "asked_to": asked_to,
        "changed": bool(entry.edits) and event.get("what", "") != asked_to,
        "decision": "allowed" if decision == "allow" else "waiting" if decision == "ask" else decision,
        "is_write": bool(event.get("write")),
        "undoes": event.get("undoes", ""),
        "behalf": inert(event.get("behalf", ""), limit=80),
    }
