"""What is on record of a write, as far as taking it back needs it, and how a write is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ac_guardrails import Entry, Level, inert
from ac_guardrails._job import Exchange
from ac_tools.tools._artifacts import given_again


class UndoError(ValueError):
    """A write cannot be taken back. The text says why, and what can be done instead; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Past:
    """A write that is on record.

    Args:
        entry: Its entry in the ledger.
        tool: The tool's name.
        arguments: What was asked for, as JSON.
        key: The natural key: references as ids.
        before: What stood there before, as the tool's `snapshot` has it; None where nothing was kept.
        made: The id of the record that it has made; None where it made none.
        answer: What the account answered, as the tool's typed record; None where it is not kept.
        since: When the write left, in epoch seconds.
    """

    entry: str
    tool: str
    arguments: Mapping[str, Any]
    key: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    made: int | None = None
    answer: Any = None
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One call that takes something back.

    Args:
        tool: The name of one of the 29 tools, or of a removal.
        arguments: Its arguments.
    """

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inverse:
    """How a tool's writes are taken back.

    Args:
        words: How, as an infinitive: "delete the tag".
        tools: The names of what it calls, the 29 and the removals.
        level: The highest level that it needs by its nature; what is read can raise it.
        cannot: What it cannot restore, as a clause; empty where it restores everything.
        changed: Reads what somebody has changed since, as clauses; none where the record is as the write has left it.
        stages: The calls, stage by stage: those of a stage are asked about together, and a stage begins when the one
            before it is done. Raises UndoError where nothing could be taken back.
        refused: When it is refused, as a clause after "where", for the documents.
    """

    words: str
    tools: tuple[str, ...]
    level: Level
    cannot: str
    changed: Callable[[Past], Exchange]
    stages: Callable[[Past], Sequence[Sequence[Step]]]
    refused: str = ""


def past_of(entry: Entry | None, name: str, *, host: str) -> Past:
    """A write as the ledger has it.

    Args:
        entry: Its entry; None where there is none.
        name: What the entry was called by.
        host: The account in which it would be taken back.

    Raises:
        UndoError: It cannot be taken back.
    """
    if entry is None:
        raise UndoError(f"There is no entry {inert(name, limit=40)!r} on this ledger. ac-tools audit show lists them.")
    why_not = _why_not(entry, host) or _why_not_known(entry)
    if why_not:
        raise UndoError(f"Entry {entry.id} cannot be taken back: {why_not}")
    payload = entry.payload
    answer = payload.get("answer") or {}
    made = entry.made.rpartition(" ")[2]
    return Past(
        entry=entry.id,
        tool=entry.tool,
        arguments=payload["arguments"],
        key=payload["key"],
        before=payload.get("before"),
        made=int(made) if made.isdecimal() else None,
        answer=given_again(answer.get("artifact")),
        since=entry.sent_at,
    )


def _why_not(entry: Entry, host: str) -> str:
    """Why there is nothing to take back, or not here, and what to do; empty where there is."""
    if entry.tool == "guard":
        return "it is no call of an agent."
    if entry.joined:
        return f"it asked for what entry {entry.joined} had asked for already. Take that back: {_undo(entry.joined)}"
    if entry.host != host:
        return f"it is of the account {entry.host or 'of nobody'}, and this is {host}. Use the key of that account."
    if entry.undone:
        at = f"{datetime.fromtimestamp(entry.undone_at, UTC):%Y-%m-%d %H:%M} UTC"
        return f"{entry.undone} had it taken back already, on {at}. The calls that did it can be taken back in turn."
    if not entry.is_write:
        return "it is a read, which has changed nothing."
    return _why_not_done(entry)


def _why_not_done(entry: Entry) -> str:
    """The same as far as it hangs on what became of the call."""
    if entry.state == "waiting":
        return f"it still waits for a person, and nothing is done. To stop it: ac-tools approvals reject {entry.id}"
    if entry.state == "unknown":
        return f"nobody knows whether it happened. Settle that first: ac-tools audit settle {entry.id}"
    if entry.state == "open":
        return f"its call has not ended, or was cut off. Find out which: ac-tools audit settle {entry.id}"
    if entry.outcome == "rehearsed":
        return "it was a rehearsal, in which nothing is sent."
    if entry.outcome == "partly":
        return "only a part of it was done, and which one is not on record. Read the records, and correct them by hand."
    if entry.outcome not in ("done", "happened"):
        return f"nothing was done ({entry.verdict()})."
    return ""


def _why_not_known(entry: Entry) -> str:
    """Why too little is known of a write to take it back; empty where there is enough."""
    if entry.damaged:
        return "what was kept of it is damaged. Correct the record by hand."
    if not {"arguments", "key"} <= set(entry.payload):
        return (
            "its values are no longer kept, so nothing tells what to go back to. Correct the record by hand; how long "
            'values are kept is up to Guard(payloads="30d").'
        )
    return ""


def _undo(entry: str) -> str:
    return f"ac-tools undo {entry}"
