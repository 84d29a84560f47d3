"""The desk: questions that wait for a person, kept in the ledger, so that anybody on it can answer them, once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Card, Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._events import Event
from ac_guardrails._hold import refuse_second
from ac_guardrails._ledger import Ledger
from ac_guardrails._text import inert

_DECIDED = {"approve": "approved", "reject": "rejected", "edit": "edited"}


class AnswerError(ValueError):
    """An answer does not count: its question is gone, lapsed or void, or somebody was quicker. The text says which."""


@dataclass(frozen=True)
class Question:
    """A question as the ledger keeps it.

    Args:
        request: What is asked.
        binds: The digest of the action that an approval covers.
        voids: What the consent rests on; when one of these changes, it is void.
        decision: The answer that stands; None while there is none.
        over: Whether no answer counts any more: a later question took its place, or its call has ended.
    """

    request: ApprovalRequest
    binds: str
    voids: Mapping[str, Any] = field(default_factory=dict)
    decision: Decision | None = None
    over: bool = False

    def covers(self, action: Action, voids: Mapping[str, Any]) -> bool:
        """Whether an answer to it is an answer about this action, as things are now."""
        same = self.binds == action.digest() and action.same_target(self.request.action)
        return same and canonical(dict(self.voids)) == canonical(dict(voids))

    def is_open(self, now: float) -> bool:
        """Whether it can still be answered."""
        return self.decision is None and not self.over and now < self.request.expires_at

    def to_json(self) -> dict[str, Any]:
        """As it lies in the payload."""
        request, card = self.request, self.request.card
        return {
            "id": request.id,
            "action": request.action.to_json(),
            "card": [card.title, [list(row) for row in card.rows], card.warning],
            "facts": dict(request.facts),
            "expires": request.expires_at,
            "binds": self.binds,
            "voids": dict(self.voids),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, over: bool) -> Question:
        """From the payload."""
        title, rows, warning = data["card"]
        action = Action.from_json(data["action"])
        request = ApprovalRequest(
            id=data["id"],
            agent=action.agent,
            action=action,
            card=Card(title, tuple((label, text) for label, text in rows), warning),
            facts=data["facts"],
            expires_at=data["expires"],
        )
        said = data.get("decision")
        decision = Decision(said["kind"], said["by"], said["reason"], said["arguments"]) if said else None
        return cls(request, data["binds"], data["voids"], decision, over)


class Desk:
    """The questions of one ledger.

    Args:
        ledger: Where they lie.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def ask(
        self, event: Event, question: Question, key: str, *, before: tuple[Event, ...], kept: Mapping[str, Any]
    ) -> str:
        """Put a question, unless the same one waits already; in one transaction.

        Args:
            event: That it was asked.
            question: What is asked.
            key: Equal for the same action of the same agent.
            before: What led to it.
            kept: What to keep beside the entry.

        Returns:
            The entry whose question it is: the event's, or the one where it was asked before.

        Raises:
            TakenError: Another run of the call has ended it. Nothing was asked.
        """
        with self._ledger.transaction(durable=True) as connection:
            refuse_second(connection, event.entry)
            same = connection.execute(
                "SELECT entry FROM payloads WHERE ask = ? AND entry != ? AND closed = 0", (key, event.entry)
            ).fetchall()
            for (entry,) in same:
                if any(_still_serves(asked, question, self._ledger.now()) for asked in _of(connection, entry)[-1:]):
                    return str(entry)
            asked = _stored(connection, event.entry)
            if any(data["id"] == question.request.id for data in asked):
                return event.entry  # another run of the same call was quicker
            kept = {**kept, "questions": [*asked, question.to_json()]}
            self._ledger.write(connection, *before, event, payload=kept)
            connection.execute("UPDATE payloads SET ask = ? WHERE entry = ?", (key, event.entry))
        return event.entry

    def question(self, question_id: str) -> Question | None:
        """A question by its id; None where it is no longer kept, or never was."""
        with self._ledger.transaction(durable=False) as connection:
            return _find(connection, question_id)

    def questions(self, entry: str) -> list[Question]:
        """The questions of an entry, in the order in which they were asked."""
        with self._ledger.transaction(durable=False) as connection:
            return _of(connection, entry)

    def waiting(self) -> list[Question]:
        """The questions that can be answered now, oldest first."""
        with self._ledger.transaction(durable=False) as connection:
            entries = connection.execute("SELECT entry FROM payloads WHERE ask IS NOT NULL AND closed = 0").fetchall()
            asked = [question for (entry,) in entries for question in _of(connection, entry)]
        found = [question for question in asked if question.is_open(self._ledger.now())]
        return sorted(found, key=lambda question: question.request.expires_at)

    def answer(self, question_id: str, decision: Decision) -> None:
        """Record an answer. The first one that comes in time stands.

        Args:
            question_id: The id of the approval, as the card's request has it.
            decision: What was decided, and by whom.

        Raises:
            AnswerError: It does not count; nothing was changed.
        """
        with self._ledger.transaction(durable=True) as connection:
            question = _find(connection, question_id)
            _refuse_late(question, question_id, self._ledger.now())
            assert question is not None
            entry = entry_of(question_id)
            arguments = dict(decision.arguments) if decision.arguments is not None else None
            said = {"kind": decision.kind, "by": decision.by, "reason": decision.reason, "arguments": arguments}
            kept = _stored(connection, entry)
            kept = [{**data, "decision": said} if data["id"] == question_id else data for data in kept]
            event = Event(entry, "answered", question.request.agent, _public(decision))
            reason = {"reason": decision.reason} if decision.reason else {}
            self._ledger.write(connection, event, payload={"questions": kept, **reason})

    def round_of(self, task: str, number: int, shown: list[str]) -> list[str]:
        """What was shown in a round of a task's questions; recorded as shown now where it was not yet.

        Args:
            task: The paused task.
            number: The round, counted by the answers before it.
            shown: The ids of the questions that would be shown.
        """
        with self._ledger.transaction(durable=True) as connection:
            sql = "INSERT OR IGNORE INTO rounds VALUES (?, ?, ?, ?)"
            connection.execute(sql, (task, number, self._ledger.now(), json.dumps(shown)))
            return _round(connection, task, number) or []

    def rounds(self, task: str, count: int) -> list[list[str] | None]:
        """What was shown in the first rounds of a task; None for one that nobody recorded."""
        with self._ledger.transaction(durable=False) as connection:
            return [_round(connection, task, number) for number in range(count)]

    def forget_round(self, task: str, number: int) -> None:
        """Let an answer to a round count for nothing: what it showed is not what waits now."""
        with self._ledger.transaction(durable=True) as connection:
            connection.execute("UPDATE rounds SET questions = '[]' WHERE task = ? AND number = ?", (task, number))


def entry_of(question_id: str) -> str:
    """The entry that a question belongs to: an entry's later questions carry a number."""
    return question_id.partition("-")[0]


def _public(decision: Decision) -> dict[str, Any]:
    return {"decision": _DECIDED[decision.kind], "by": inert(decision.by, limit=80)}


def _refuse_late(question: Question | None, question_id: str, now: float) -> None:
    if question is None:
        raise AnswerError(f"There is no question {inert(question_id, limit=40)!r}, or it is no longer kept.")
    if question.decision is not None:
        said = _public(question.decision)
        raise AnswerError(f"{said['by']} has answered this already: {said['decision']}. That stands.")
    if question.over:
        raise AnswerError("This question is void: its call has ended, or what it was about has changed.")
    if now >= question.request.expires_at:
        raise AnswerError("This question has lapsed, and nothing ran. The agent may ask again.")


def _still_serves(asked: Question, question: Question, now: float) -> bool:
    same = asked.binds == question.binds and canonical(dict(asked.voids)) == canonical(dict(question.voids))
    return same and not asked.over and now < asked.request.expires_at


def _find(connection: sqlite3.Connection, question_id: str) -> Question | None:
    asked = _of(connection, entry_of(question_id))
    return next((question for question in asked if question.request.id == question_id), None)


def _of(connection: sqlite3.Connection, entry: str) -> list[Question]:
    """An entry's questions: all but the last are over, and the last is when it waits no longer."""
    row = connection.execute("SELECT ask, closed FROM payloads WHERE entry = ?", (entry,)).fetchone()
    ended = row is None or row[0] is None or bool(row[1])
    asked = [Question.from_json(data, over=True) for data in _stored(connection, entry)]
    if asked and not ended:
        asked[-1] = replace(asked[-1], over=False)
    return asked


def _stored(connection: sqlite3.Connection, entry: str) -> list[dict[str, Any]]:
    row = connection.execute("SELECT body FROM payloads WHERE entry = ?", (entry,)).fetchone()
    asked: list[dict[str, Any]] = json.loads(row[0]).get("questions", []) if row else []
    return asked


def _round(connection: sqlite3.Connection, task: str, number: int) -> list[str] | None:
    row = connection.execute("SELECT questions FROM rounds WHERE task = ? AND number = ?", (task, number)).fetchone()
    return json.loads(row[0]) if row else None
