"""The desk: questions that wait for a person, kept in the ledger, so that anybody on it can answer them, once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ac_guardrails._approvals import Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._events import Event, LedgerError
from ac_guardrails._hold import refuse_second
from ac_guardrails._ledger import Ledger
from ac_guardrails._question import Question as Question
from ac_guardrails._text import inert

_VOID = "This question is void: its call has ended, or what it was about has changed."
_NO_EDIT = "the calls of a set cannot be edited together, only one by one"
_DECIDED = {"approve": "approved", "reject": "rejected", "edit": "edited"}


class AnswerError(ValueError):
    """An answer does not count: its question is gone, lapsed or void, or somebody was quicker. The text says which."""


class Desk:
    """The questions of one ledger.

    Args:
        ledger: Where they lie.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def ask(
        self, event: Event, question: Question, key: str, *, before: tuple[Event, ...], kept: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Put a question, unless the same one waits already; in one transaction.

        Args:
            event: That it was asked.
            question: What is asked.
            key: Equal for the same action of the same agent.
            before: What led to it.
            kept: What to keep beside the entry.

        Returns:
            The entry whose question it is: the event's, or the one where it was asked before; and whether it is new.

        Raises:
            TakenError: Another run of the call has ended it. Nothing was asked.
        """
        with self._ledger.transaction(durable=True) as connection:
            refuse_second(connection, event.entry)
            # An edited question may be what the same call, made again, has to find; it lies under another key by now.
            for entry in _waiting(connection, 'AND (ask = ? OR instr(body, \'"kind":"edit"\'))', key):
                if entry != event.entry and _serves(_of(connection, entry), question, self._ledger.now()):
                    return entry, False
            asked = _of(connection, event.entry)
            if any(one.request.id == question.request.id for one in asked):
                return event.entry, False  # another run of the same call was quicker
            new = question.to_json()
            kept = {**kept, **({f"questions[{len(asked)}]": new} if asked else {"questions": [new]})}
            self._ledger.write(connection, *before, event, payload=kept)
            connection.execute("UPDATE payloads SET ask = ? WHERE entry = ?", (key, event.entry))
        return event.entry, True

    def question(self, question_id: str) -> Question | None:
        """A question by its id; None where it is no longer kept, or never was."""
        with self._ledger.reading() as connection:
            return _find(connection, question_id)

    def questions(self, entry: str) -> list[Question]:
        """The questions of an entry, in the order in which they were asked."""
        with self._ledger.reading() as connection:
            return _of(connection, entry)

    def asked(self, entry: str) -> int:
        """How many questions an entry has put so far, whether they are still kept or not."""
        with self._ledger.reading() as connection:
            sql = "SELECT COUNT(*) FROM events WHERE entry = ? AND kind = 'asked'"
            return int(connection.execute(sql, (entry,)).fetchone()[0])

    def waiting(self) -> list[Question]:
        """The questions that can be answered now, oldest first; the calls of a set are one question.

        Each of a set's `members` can be answered by itself all the same.
        """
        with self._ledger.transaction(durable=False) as connection:
            asked = [question for entry in _waiting(connection) for question in _of(connection, entry)]
        return listed(asked, self._ledger.now())

    def answer(self, question_id: str, decision: Decision) -> None:
        """Record an answer. The first one that comes in time stands.

        Who says otherwise before the call has ended is on record, too, and the agent is told of it.

        Args:
            question_id: The id of the approval, as the card's request has it.
            decision: What was decided, and by whom.

        Raises:
            AnswerError: It does not count.
        """
        if not isinstance(decision, Decision):
            raise AnswerError(f"{decision!r} is no decision. Use Decision.approve, .reject or .edit.")
        late = ""
        with self._ledger.transaction(durable=True) as connection:
            try:
                self.answer_within(connection, question_id, decision)
            except AnswerError as error:  # whoever was overruled is on record even so
                late = str(error)
        if late:
            raise AnswerError(late)

    def answer_within(
        self, connection: sqlite3.Connection, question_id: str, decision: Decision, *, standing: str = ""
    ) -> Question:
        """Record an answer within a transaction that is open.

        Args:
            connection: The transaction's.
            question_id: The id of the approval.
            decision: What was decided, and by whom.
            standing: The standing approval that it was given by.

        Raises:
            AnswerError: It does not count.
        """
        question = _find(connection, question_id)
        why_not = _why_late(question, question_id, self._ledger.now())
        if question is not None and not why_not:
            if question.members:
                return self._answer_all(connection, question, decision)
            self._answered(connection, question, decision, {"standing": standing} if standing else {})
            self._end_sets(connection, question_id)
            return replace(question, decision=decision)
        if question is not None and not standing and _is_overruled(question, decision):
            event = _event(question, "overruled", _public(decision))
            self._write(connection, question, event, said={"overruled": _public(decision)})
        raise AnswerError(why_not)

    def _answer_all(self, connection: sqlite3.Connection, question: Question, decision: Decision) -> Question:
        """Give the answer to a set to each of its calls that is still open, and close the set."""
        if decision.kind == "edit":
            decision = Decision.reject(_NO_EDIT, by=decision.by)
        members = self._open(connection, question.members)
        if not members:
            raise AnswerError(_VOID)
        for member in members:
            self._answered(connection, member, decision, {"set": question.request.id, "others": len(members) - 1})
        approved = decision.kind == "approve"
        end = _event(question, *(("outcome", {"outcome": ""}) if approved else ("refused", {"decision": "rejected"})))
        self._answered(connection, question, decision, {}, end)
        return replace(question, decision=decision, over=True)

    def _end_sets(self, connection: sqlite3.Connection, member: str) -> None:
        """Close the sets of which nothing is open any more since a call of theirs was answered by itself."""
        for entry in _waiting(connection, "AND instr(body, '\"members\":[')"):
            for question in _of(connection, entry):
                if member in question.members and not self._open(connection, question.members):
                    self._ledger.write(connection, _event(question, "refused", {"decision": "answered one by one"}))

    def _open(self, connection: sqlite3.Connection, ids: Iterable[str]) -> list[Question]:
        found = (_find(connection, one) for one in ids)
        return [one for one in found if one is not None and one.is_open(self._ledger.now())]

    def _answered(
        self,
        connection: sqlite3.Connection,
        question: Question,
        decision: Decision,
        given_by: Mapping[str, Any],
        *end: Event,
    ) -> None:
        """Put the answer that stands on record, and what ends its entry, if anything does."""
        event = _event(question, "answered", {**_public(decision), **given_by})
        reason = {"reason": decision.reason} if decision.reason else {}
        self._write(connection, question, event, *end, said={"decision": _as_data(decision)}, **reason)

    def _write(
        self, connection: sqlite3.Connection, question: Question, *events: Event, said: Mapping[str, Any], **kept: str
    ) -> None:
        """Put on record what somebody said to a question, beside it and as an event."""
        ids = [one.request.id for one in _of(connection, entry_of(question.request.id))]
        place = f"questions[{ids.index(question.request.id)}]"
        self._ledger.write(connection, *events, payload={f"{place}.{name}": one for name, one in said.items()} | kept)

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
        with self._ledger.reading() as connection:
            return [_round(connection, task, number) for number in range(count)]

    def forget_round(self, task: str, number: int) -> None:
        """Let an answer to a round count for nothing: what it showed is not what waits now."""
        with self._ledger.transaction(durable=True) as connection:
            connection.execute("UPDATE rounds SET questions = '[]' WHERE task = ? AND number = ?", (task, number))


def listed(asked: Iterable[Question], now: float) -> list[Question]:
    """The questions to show to people, oldest first: those that are open, a set in place of its calls.

    Args:
        asked: All questions that wait.
        now: Epoch seconds.
    """
    found = [question for question in asked if question.is_open(now)]
    parts = {member for question in found for member in question.members}
    shown = [question for question in found if question.request.id not in parts]
    return sorted(shown, key=lambda question: question.request.expires_at)


def entry_of(question_id: str) -> str:
    """The entry that a question belongs to: an entry's later questions carry a number."""
    return question_id.partition("-")[0]


def _event(question: Question, kind: str, data: Mapping[str, Any]) -> Event:
    return Event(entry_of(question.request.id), kind, question.request.agent, data)


def _public(decision: Decision) -> dict[str, Any]:
    return {"decision": _DECIDED[decision.kind], "by": inert(decision.by, limit=80)}


def _as_data(decision: Decision) -> dict[str, Any]:
    arguments = dict(decision.arguments) if decision.arguments is not None else None
    return {"kind": decision.kind, "by": decision.by, "reason": decision.reason, "arguments": arguments}


def _why_late(question: Question | None, question_id: str, now: float) -> str:
    """Why an answer does not count; empty where it does."""
    if question is None:
        return f"There is no question {inert(question_id, limit=40)!r}, or it is no longer kept."
    if question.decision is not None:
        said = _public(question.decision)
        stop = (
            "" if question.decision.kind == "reject" else " If it has not run yet, ac-tools guard stop holds it back."
        )
        return f"{said['by']} has answered this already: {said['decision']}. That stands.{stop}"
    if question.over:
        return _VOID
    if now >= question.request.expires_at:
        return "This question has lapsed, and nothing ran. The agent may ask again."
    return ""


def _is_overruled(question: Question, decision: Decision) -> bool:
    """Whether an answer says otherwise than the one that stands, while its call goes on."""
    if question.decision is None or question.over or question.overruled == _public(decision):
        return False
    return not question.says(decision)


def _waiting(connection: sqlite3.Connection, further: str = "", *values: str) -> list[str]:
    sql = f"SELECT entry FROM payloads WHERE ask IS NOT NULL AND closed = 0 {further}"  # noqa: S608 - constants only
    return [str(entry) for (entry,) in connection.execute(sql, values).fetchall()]


def _serves(asked: list[Question], question: Question, now: float) -> bool:
    """Whether an entry's questions are about the same: its last one, or one whose edit has led there."""
    if not asked or asked[-1].over or now >= asked[-1].request.expires_at:
        return False
    edited = [before for before in asked[:-1] if before.decision is not None and before.decision.kind == "edit"]
    action, voids = question.request.action, canonical(dict(question.voids))
    alike = [
        one for one in (asked[-1], *edited) if one.binds == question.binds and one.request.action.same_target(action)
    ]
    return any(canonical(dict(one.voids)) == voids and question.beyond <= one.beyond for one in alike)


def _find(connection: sqlite3.Connection, question_id: str) -> Question | None:
    asked = _of(connection, entry_of(question_id))
    return next((question for question in asked if question.request.id == question_id), None)


def _of(connection: sqlite3.Connection, entry: str) -> list[Question]:
    """An entry's questions: all but the last are over, and the last is when it waits no longer."""
    row = connection.execute("SELECT body, ask, closed FROM payloads WHERE entry = ?", (entry,)).fetchone()
    ended = row is None or row[1] is None or bool(row[2])
    asked = list(_read(row[0])) if row else []
    if asked and not ended:
        asked[-1] = replace(asked[-1], over=False)
    return asked


@lru_cache(maxsize=16)
def _read(body: str) -> tuple[Question, ...]:
    """The questions in a payload, all of them over. One run of a call looks at the same ones a dozen times."""
    kept = json.loads(body)
    try:
        return tuple(Question.from_json(data, over=True) for data in kept.get("questions", []))
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise LedgerError(
            "What the ledger keeps of a question to a person is damaged, so nobody can tell what they were asked. "
            "Put back a copy of the ledger that is whole, or have the agent make the call anew."
        ) from error


def _round(connection: sqlite3.Connection, task: str, number: int) -> list[str] | None:
    row = connection.execute("SELECT questions FROM rounds WHERE task = ? AND number = ?", (task, number)).fetchone()
    return json.loads(row[0]) if row else None
