"""Standing approvals: a person's yes to calls that are still to come, with edges that they may not pass."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._catalog import Catalog, Level
from ac_guardrails._desk import AnswerError, Desk, Question
from ac_guardrails._events import Event, stored
from ac_guardrails._grants import lineage
from ac_guardrails._ledger import Ledger, new_entry
from ac_guardrails._text import inert

_STANDING = "SELECT entry, body FROM payloads WHERE closed = 0 AND instr(body, '\"standing\":{') ORDER BY at"


@dataclass(frozen=True, slots=True)
class StandingApproval:
    """What somebody has agreed to beforehand.

    Args:
        id: Its entry in the ledger.
        agent: The agent whose calls it answers.
        tool: The only tool.
        arguments: The values that a call must have, by the names of its arguments: a record by its id or its name, all
            else exactly as it is given. What is not named may be anything.
        by: Who agreed.
        until: Epoch seconds from which on it no longer counts.
        times: How many calls it answers at most; None for any number.
        people: How many people those calls touch at most; None for any number.
        used: How many calls it has answered.
        touched: How many people those touched.
    """

    id: str
    agent: str
    tool: str
    by: str
    until: float
    arguments: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    people: int | None = None
    used: int = 0
    touched: int = 0

    def __str__(self) -> str:
        said = [inert(f"{name} {_shown(value)}", limit=80) for name, value in self.arguments.items()]
        only = f" with {' and '.join(said)}" if said else ""
        edges = [f"at most {most} {what}" for most, what in ((self.times, "times"), (self.people, "people")) if most]
        until = datetime.fromtimestamp(self.until, UTC)
        return f"{self.agent} may call {self.tool}{only} by itself, {', '.join(edges)}, until {until:%Y-%m-%d %H:%MZ}"

    def covers(self, action: Action, catalog: Catalog) -> bool:
        """Whether a call is one of those that were meant.

        What the account itself makes graver than its tool is by its nature, such as subscribing somebody who opted out,
        never is.
        """
        if (action.agent, action.tool) != (self.agent, self.tool) or _is_raised(action, catalog):
            return False
        return all(_has(action, name, value) for name, value in self.arguments.items())

    def has_room(self, action: Action, now: float) -> bool:
        """Whether one more call stays within the edges."""
        in_time = now < self.until
        one_more = self.times is None or self.used < self.times
        return in_time and one_more and (self.people is None or self.touched + action.people <= self.people)


class Standing:
    """The standing approvals of one ledger.

    Args:
        ledger: Where they lie.
        catalog: What the tools are by their nature.
        agents: Who has grants; empty where that is not known.
    """

    def __init__(self, ledger: Ledger, catalog: Catalog, agents: Collection[str] = ()) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._agents = agents

    def allow(
        self,
        *,
        agent: str,
        tool: str,
        by: str,
        until: datetime,
        arguments: Mapping[str, Any] | None = None,
        times: int | None = None,
        people: int | None = None,
    ) -> StandingApproval:
        """Agree to calls that are still to come.

        Args:
            agent: The agent.
            tool: The tool.
            by: The name of the person who agrees.
            until: When it ends; with a time zone.
            arguments: The values that a call must have; a record by its id or its name.
            times: How many calls at most.
            people: How many people at most.

        Raises:
            ValueError: It has no edge, names nothing that exists, or nobody.
            LedgerError: It was not recorded.
        """
        self._check(agent, tool, by, until, arguments or {}, times, people)
        approval = StandingApproval(
            new_entry(), agent, tool, inert(by, limit=80), until.timestamp(), dict(arguments or {}), times, people
        )
        edges = {"tool": tool, "times": times, "people": people, "until": until.timestamp(), "by": approval.by}
        said = {name: value for name, value in edges.items() if value is not None}
        event = Event(approval.id, "standing", agent, {**said, "fields": sorted(approval.arguments)})
        with self._ledger.transaction(durable=True) as connection:
            self._ledger.write(connection, event, payload=_kept(approval))
        return approval

    def all(self) -> list[StandingApproval]:
        """Those that were not revoked, oldest first; their time may be over."""
        with self._ledger.reading() as connection:
            return _all(connection)

    def revoke(self, approval: str, *, by: str) -> StandingApproval:
        """Take one back. What it has answered already stays answered.

        Raises:
            ValueError: There is no such standing approval, or it was revoked before; or nobody is named.
            LedgerError: It was not recorded.
        """
        _check_person(by)
        with self._ledger.transaction(durable=True) as connection:
            found = next((each for each in _all(connection) if each.id == approval), None)
            if found is None:
                raise ValueError(f"There is no standing approval {inert(approval, limit=40)!r}, or it was revoked.")
            event = Event(found.id, "revoked", found.agent, {"by": inert(by, limit=80)})
            self._ledger.write(connection, event)
        return found

    def covers(self, action: Action) -> bool:
        """Whether one of them answers a call, as things are now."""
        return any(self._serves(each, action) for each in self.all())

    def answer(self, question: Question, *, counts: bool = True) -> Question | None:
        """Answer an open question by the first standing approval that covers it; None where none does.

        How often it was used is counted in the same transaction, so that no two calls share its last use.

        Args:
            question: The question.
            counts: Whether it uses the approval up; a rehearsal does not.

        Raises:
            LedgerError: Nothing was recorded.
        """
        action = question.request.action
        if not self.covers(action):
            return None
        with self._ledger.transaction(durable=True) as connection:
            found = next((each for each in _all(connection) if self._serves(each, action)), None)
            if found is None:
                return None
            try:
                answered = Desk(self._ledger).answer_within(
                    connection, question.request.id, Decision.approve(by=found.by), standing=found.id
                )
            except AnswerError:  # a person was quicker
                return None
            if counts:
                used = replace(found, used=found.used + 1, touched=found.touched + action.people)
                sql = "UPDATE payloads SET body = ? WHERE entry = ?"
                connection.execute(sql, (stored(_kept(used)), found.id))
        return answered

    def _serves(self, approval: StandingApproval, action: Action) -> bool:
        return approval.covers(action, self._catalog) and approval.has_room(action, self._ledger.now())

    def _check(
        self,
        agent: str,
        tool: str,
        by: str,
        until: datetime,
        arguments: Mapping[str, Any],
        times: int | None,
        people: int | None,
    ) -> None:
        _check_person(by)
        if not agent.strip():
            raise ValueError("A standing approval is for one agent: agent=.")
        if self._agents and lineage(agent)[0] not in self._agents:
            raise ValueError(f"{inert(agent, limit=60)!r} has no grants. Use one of: {', '.join(self._agents)}.")
        known = [each.name for each in self._catalog.named]
        if tool not in known:
            raise ValueError(f"There is no tool {inert(tool, limit=60)!r}. Use one of: {', '.join(known)}.")
        if times is None and people is None:
            raise ValueError("A standing approval has an edge: times=, people=, or both.")
        for name, most in (("times", times), ("people", people)):
            if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
                raise ValueError(f"{name}={most!r} cannot be used: it is a whole number above 0.")
        if not isinstance(until, datetime):
            raise TypeError(f"until={until!r} is no time. Use one such as datetime(2026, 12, 31, tzinfo=UTC).")
        if until.tzinfo is None or not math.isfinite(until.timestamp()):
            raise ValueError("until= needs a time zone, such as datetime(2026, 12, 31, tzinfo=UTC).")
        if until.timestamp() <= self._ledger.now():
            raise ValueError(f"until={until:%Y-%m-%d %H:%M} is over already.")
        canonical(dict(arguments))  # raises where the mistake is, and not at the call


def _check_person(by: str) -> None:
    if not by.strip():
        raise ValueError("A standing approval needs the name of the person: by=.")


def _is_raised(action: Action, catalog: Catalog) -> bool:
    """Whether the call needs more than its tool needs by its nature, in its own area or in another one."""
    least = {tool.need.area: tool.need.level for tool in catalog.named if tool.name == action.tool}
    return any(need.level > least.get(need.area, Level.WRITE) for need in action.needs)


def _has(action: Action, name: str, value: Any) -> bool:
    """Whether a call has this value: of a record its id or its name, of all else exactly the same."""
    named = [ref for ref in action.references if ref.noun == name]
    if named:
        return all(ref.is_meant_by(str(value)) for ref in named)
    return name in action.arguments and canonical(action.arguments[name]) == canonical(value)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, (int, str)) else canonical(value)


def _kept(approval: StandingApproval) -> dict[str, Any]:
    return {"standing": asdict(approval)}


def _all(connection: sqlite3.Connection) -> list[StandingApproval]:
    return [StandingApproval(**json.loads(body)["standing"]) for _, body in connection.execute(_STANDING).fetchall()]
