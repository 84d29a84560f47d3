"""The history of one entry: what happened to it, step by step, a clause for each, in plain English."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from ac_guardrails._entries import OUTCOMES
from ac_guardrails._text import inert

_VERDICTS = {"allow": "the grants allow that", "ask": "a person must agree to that", "deny": "the grants refuse that"}
_Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to an entry.

    Args:
        at: When.
        said: What, as a clause; with names and values while payloads are kept.
    """

    at: datetime
    said: str


def history(events: Iterable[_Event], payload: Mapping[str, Any]) -> list[Moment]:
    """What happened to an entry, in order.

    Args:
        events: Its events, in order.
        payload: What is kept beside them.
    """
    teller = _Teller(payload)
    told: list[Moment] = []
    for is_read, some in groupby(events, key=lambda event: event["kind"] == "read"):
        together = list(some)
        for event, said in [(together[0], _reads(together))] if is_read else _each(together, teller):
            told.append(Moment(datetime.fromtimestamp(event["at"], UTC), said))
    return told


def _each(events: list[_Event], teller: _Teller) -> Iterator[tuple[_Event, str]]:
    for event in events:
        if said := teller.told(event):
            yield event, said


class _Teller:
    """Tells the events of one entry; some are told by those before them.

    Args:
        payload: What is kept beside the events.
    """

    def __init__(self, payload: Mapping[str, Any]) -> None:
        questions = payload.get("questions")
        self._payload = payload
        self._questions = questions if isinstance(questions, list) else []
        self._asked = 0
        self._decided: tuple[Any, ...] = ()
        self._answer = ""

    def told(self, event: _Event) -> str:
        """What happened, as a clause; empty where it was told already."""
        by = inert(event.get("by", ""), limit=80)
        match event["kind"]:
            case "decided":
                return self._decision(event)
            case "asked":
                return self._question(event)
            case "answered":
                return self._said(event, by)
            case "overruled":
                return f"{by} said otherwise ({event.get('decision', '')}); the answer before that stands"
            case "sent":
                return f"{event.get('method', '')} {event.get('path', '')} left for the account"
            case "outcome" | "failed":
                return _ended(event)
            case "settled":
                return f"read back: {OUTCOMES.get(event['outcome'], event['outcome'])}{_because(event)}"
            case "refused":
                return self._refused(event)
            case "joined":
                return f"the same was asked already, so entry {event.get('into', '')} stands for this one"
            case "undone":
                return f"taken back by {by}"
            case "confirmed":
                return "the account's own event confirmed it"
            case "contradicted":
                return f"the account's own event says otherwise{_because(event)}"
        return ""

    def _decision(self, event: _Event) -> str:
        """The grants' answer, where it is news: a resumed run decides once more on the same."""
        news = (event.get("what"), event.get("verdict"), event.get("rule"))
        if news == self._decided:
            return ""
        first, self._decided = not self._decided, news
        act, rule = inert(event.get("what", ""), limit=200), inert(event.get("rule", ""), limit=200)
        asked = f"{event['agent']} asked to {act}" if first else f"it is to {act} now"
        by_rule = f" ({rule})" if rule else ""
        return f"{asked}; {_VERDICTS.get(event.get('verdict', ''), 'that was decided on')}{by_rule}"

    def _question(self, event: _Event) -> str:
        question = self._kept()
        self._asked += 1
        until = f"{datetime.fromtimestamp(event.get('expires', event['at']), UTC):%H:%M:%SZ}"
        if self._asked == 1:
            return f"a person was asked, who has until {until}"
        void = "that answer counts no more, and " if self._answer == "approved" else ""
        changed = _changed(question)
        return f"{void}a person was asked again, who has until {until}{f': {changed}' if changed else ''}"

    def _said(self, event: _Event, by: str) -> str:
        said = self._kept(before=1).get("decision")
        said = said if isinstance(said, Mapping) else {}
        self._answer = decision = event.get("decision", "")
        if event.get("standing"):
            return f"{decision} beforehand by {by} (standing approval {event['standing']})"
        together = f", together with {event['others']} more (set {event.get('set', '')})" if event.get("others") else ""
        if decision == "edited" and said.get("arguments") is not None:
            arguments = json.dumps(said["arguments"], ensure_ascii=False, sort_keys=True)
            return f"{by} changed the arguments to {inert(arguments, limit=400)}{together}"
        reason = inert(str(said.get("reason") or ""), limit=300).rstrip(".")
        return f"{by} {decision} it{f' ({reason})' if reason else ''}{together}"

    def _refused(self, event: _Event) -> str:
        kept = inert(str(self._payload.get("error", "")), limit=300) or event.get("reason", "")
        how = {"rejected": "ended: a person said no", "expired": "expired"}.get(event.get("decision", ""), "refused")
        return how + _because({"reason": kept})

    def _kept(self, *, before: int = 0) -> Mapping[str, Any]:
        """The question that was asked last, or is asked now, as far as it is kept."""
        at = self._asked - before
        found = self._questions[at] if 0 <= at < len(self._questions) else {}
        return found if isinstance(found, Mapping) else {}


def _changed(question: Mapping[str, Any]) -> str:
    """What a card says has changed since the one before it."""
    try:
        rows = [text for label, text in question["card"][1] if label == "Changed since"]
    except (LookupError, TypeError, ValueError):
        return ""  # it lies outside the chain, and may be damaged or gone
    return inert(str(rows[0]), limit=300) if rows else ""


def _ended(event: _Event) -> str:
    outcome = event.get("outcome", "failed")
    status = f", with status {event['status']}" if event.get("status") else ""
    return f"{OUTCOMES.get(outcome, outcome or 'ended')}{status}{_because(event)}"


def _because(event: _Event) -> str:
    reason = inert(str(event.get("reason", "")), limit=300).rstrip(".")
    return f" ({reason})" if reason else ""


def _reads(events: list[_Event]) -> str:
    """That the guard looked something up: for the decision, for a card, or to find out what became of a write."""
    paths = list(dict.fromkeys(str(event.get("path", "")) for event in events))
    more = f" and {len(paths) - 4} more" if len(paths) > 4 else ""
    return f"the guard read {inert(', '.join(paths[:4]), limit=200)}{more}"
