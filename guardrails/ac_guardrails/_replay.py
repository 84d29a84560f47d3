"""Replaying: other grants, tried on the calls on record, each on its own day. Nothing is sent or written.

The ledger holds ids and counts for ever, names and values for a while. Where a verdict hangs on what is not there, the
call is said to be untold instead of guessed at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._catalog import Level, Need
from ac_guardrails._entries import Entry
from ac_guardrails._explain import AMOUNT, Unclear, foreseen
from ac_guardrails._folding import mapping
from ac_guardrails._grants import Grant, Grants, Verdict, lineage
from ac_guardrails._ledger import Ledger
from ac_guardrails._limits import DAY, Limit, Use
from ac_guardrails._replayed import Change, Replay, Replayed
from ac_guardrails._request import Request

Outline = Callable[[str, Mapping[str, Any]], tuple[Action, Collection[str]] | None]
"""From a tool's name and arguments to the action as far as they tell it, and what it is known to say all of (see
`foreseen`); None where they cannot be read."""

_CHANGES: Mapping[str, Change] = {"deny": "denied", "ask": "asked", "allow": "allowed"}
_EVENTS = "SELECT CAST(body AS BLOB) FROM events WHERE kind IN ('decided', 'answered', 'sent') ORDER BY seq"
_EARLY = "it ended before the grants were asked"


def replay(
    grants: Grants,
    ledger: Ledger,
    *,
    agent: str | None = None,
    since: float | datetime | None = None,
    outline: Outline | None = None,
) -> Replay:
    """Try other grants on the calls that are on record. The account is not asked, and the ledger is not written.

    Limits count in their rolling windows as they would have with these grants: what they deny uses nothing up, what
    they newly allow or ask about is taken to be sent.

    Args:
        grants: The grants to try.
        ledger: Where the calls are.
        agent: Only this agent's calls.
        since: Only calls that began at or after this time, in epoch seconds or as an aware datetime.
        outline: Reads arguments as the product does, so that more can be told of names and amounts while they are kept.
    """
    with ledger.transaction(durable=False) as connection:
        events = [mapping(body) for (body,) in connection.execute(_EVENTS)]
    entries = {entry.id: entry for entry in ledger.entries(agent=agent)}
    run = _Run(grants, entries, outline or (lambda tool, arguments: None))
    for event in events:
        if event["entry"] in entries:
            run.feed(event)
    begin = since.timestamp() if isinstance(since, datetime) else since or 0.0
    asked = (entry for entry in entries.values() if entry.tool != "guard" and entry.at.timestamp() >= begin)
    return Replay(tuple(run.told(entry) for entry in asked))


@dataclass
class _Call:
    """What is known of one call so far."""

    then: str = ""
    now: Verdict | None = None
    why: str = _EARLY
    action: Action | None = None
    edited: bool = False
    sent: bool = False


class _Run:
    """The events of a ledger, one after the other, under other grants.

    Args:
        grants: The others.
        entries: The calls, by id.
        outline: Reads their arguments.
    """

    def __init__(self, grants: Grants, entries: Mapping[str, Entry], outline: Outline) -> None:
        self._grants = grants
        self._entries = entries
        self._outline = outline
        self._calls: defaultdict[str, _Call] = defaultdict(_Call)
        self._used: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
        """When how many people were touched, by agent and area."""

    def feed(self, event: Mapping[str, Any]) -> None:
        """One more event."""
        call = self._calls[event["entry"]]
        match event["kind"]:
            case "decided" if "needs" in event:
                self._decided(call, event)
            case "answered":
                call.edited = call.edited or event["decision"] == "edited"
            case "sent" if not call.sent:
                call.sent = True
                self._sent(call, event["at"])

    def told(self, entry: Entry) -> Replayed:
        """What there is to say of a call in the end."""
        call = self._calls[entry.id]
        if call.now is None:
            return Replayed(entry, call.then, None, "untold", call.why)
        stopped = entry.decision == "refused" and not entry.writes and call.then != "deny"
        same = call.now.kind == call.then or (stopped and call.now.kind != "allow")  # something else has refused it
        return Replayed(entry, call.then, call.now, "same" if same else _CHANGES[call.now.kind])

    def _decided(self, call: _Call, event: Mapping[str, Any]) -> None:
        at, call.then, call.why = event["at"], event["verdict"], ""
        call.action, complete = self._action(event)
        if call.then == "allow" and not event.get("rule"):
            # It ended while the guard still read, so that only what no facts could allow was decided on.
            early = self._grants.decide(call.action, None, on=_day(at))
            call.now = early if early.denied else Verdict("allow", early.reason)
            return
        verdict, unclear = self._foreseen(call.action, at, complete)
        call.now, call.why = (None, _why(unclear)) if unclear else (verdict, "")
        if call.edited and verdict.kind == "ask" and call.then == "allow":
            call.then = "ask"  # whoever edited it had agreed
        if call.then == "deny" and not verdict.denied:
            self._use(call.action, at)

    def _sent(self, call: _Call, at: float) -> None:
        """A write that left: it is judged once more, since others may have used the limit up before."""
        if call.action is None or (call.now and call.now.denied):
            return
        verdict, _ = self._foreseen(call.action, at, ())
        if verdict.denied:
            call.now, call.why = verdict, ""
        else:
            self._use(call.action, at)

    def _foreseen(self, action: Action, at: float, complete: Collection[str]) -> tuple[Verdict, tuple[Unclear, ...]]:
        limits = [limit for grant in self._writes(action) for limit in grant.limits]
        used = {limit: self._usage(action.agent, limit, at) for limit in limits}
        return foreseen(self._grants, action, on=_day(at), complete=complete, used=used)

    def _action(self, event: Mapping[str, Any]) -> tuple[Action, Collection[str]]:
        """The action as far as it is on record, and what it is known to say all of."""
        payload = self._entries[event["entry"]].payload
        agent = lineage(event["agent"])[0]  # a file grants nothing to those that work for others
        known: dict[str, Any] = {"needs": tuple(map(_need, event["needs"])), "people": event.get("people", 0)}
        if asked := payload.get("questions"):
            shown = Action.from_json(asked[-1]["action"])
            return replace(shown, agent=agent, **known), (*self._grants.catalog.nouns, AMOUNT)
        arguments = payload.get("arguments")
        outlined = self._outline(event["tool"], arguments) if isinstance(arguments, dict) else None
        action = Action(
            agent=agent,
            tool=event["tool"],
            host=event["host"],
            arguments=arguments or {},
            what=event.get("what", ""),
            request=Request(event["method"], event["path"]) if "method" in event else None,
            **known,
        )
        if outlined is None:
            return action, ()
        return replace(action, references=outlined[0].references, touches=outlined[0].touches), outlined[1]

    def _writes(self, action: Action) -> list[Grant]:
        """The grants under which an action would write."""
        areas = (need.area for need in action.needs if need.level >= Level.WRITE)
        return [grant for grant in (self._grants.grant(action.agent, area) for area in areas) if grant]

    def _use(self, action: Action, at: float) -> None:
        for grant in self._writes(action):
            self._used[action.agent, grant.area].append((at, action.people))

    def _usage(self, agent: str, limit: Limit, at: float) -> Use:
        """How much of a limit is used by then."""
        before = self._used[agent, limit.area]
        before[:] = [one for one in before if one[0] > at - DAY]
        within = [people for when, people in before if when > at - limit.seconds]
        return Use(sum(within) if limit.unit == "people" else len(within))


def _why(unclear: tuple[Unclear, ...]) -> str:
    """Why a call cannot be told, as a clause."""
    nouns = [f"`only` narrows the {one.what}" for one in unclear if one.what != AMOUNT]
    amount = ["`amount_at_most` limits it"] if len(nouns) < len(unclear) else []
    return f"{' and '.join((*nouns, *amount))}, and what it named is not on record"


def _need(text: str) -> Need:
    area, _, level = text.rpartition(": ")
    return Need(area, Level[level.upper()])


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()
