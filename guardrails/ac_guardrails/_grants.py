"""Grants: who may do what. `decide` is the only place that says yes or no, and it is pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from ac_guardrails._action import Action, Reference
from ac_guardrails._catalog import Catalog, Level, Need
from ac_guardrails._text import quoted


@dataclass(frozen=True, slots=True)
class Grant:
    """What one agent may do in one area.

    Args:
        area: The area.
        level: How far the agent may go there.
        only: For each noun, the names or ids that it may touch; a noun that is absent is not narrowed.
        until: The last day, in UTC, on which the grant holds.
        ask_writes: Whether ordinary writes wait for a person too.
        ask_tools: The tools that wait for a person whatever their level.
        people_per_hour: The most people that writes may touch in any hour.
        people_per_day: The most people that writes may touch in any 24 hours.
        where: Where the grant was written.
    """

    area: str
    level: Level
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    until: date | None = None
    ask_writes: bool = False
    ask_tools: frozenset[str] = frozenset()
    people_per_hour: int | None = None
    people_per_day: int | None = None
    where: str = ""

    def __str__(self) -> str:
        return f"{self.area}: {self.level}"

    @property
    def rule(self) -> str:
        """It in words, and where it is written."""
        return f"{self} ({self.where})" if self.where else str(self)

    def limits(self) -> tuple[tuple[int, int, str], ...]:
        """Its limits in people: seconds of the rolling window, the most people in it, and its name."""
        both = ((3600, self.people_per_hour, "hour"), (86400, self.people_per_day, "day"))
        return tuple((seconds, most, name) for seconds, most, name in both if most is not None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `decide` answers.

    Args:
        kind: "allow", "ask" (a person must agree) or "deny".
        reason: Why, in words for the model and the person.
        rule: The grant that it rests on, and where it is written.
    """

    kind: Literal["allow", "ask", "deny"]
    reason: str
    rule: str = ""

    @property
    def denied(self) -> bool:
        """Whether the answer is no."""
        return self.kind == "deny"


class Grants:
    """The grants of all agents. What is not granted does not exist for an agent.

    Made by `from_file` or `from_dict`; both check every word against the catalog and fail on the first that is unknown.
    """

    def __init__(self, agents: Mapping[str, Mapping[str, Grant]], catalog: Catalog) -> None:
        self._agents = {name: dict(areas) for name, areas in agents.items()}
        self.catalog = catalog
        self._least = {tool.name: tool.need for tool in catalog.tools}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, catalog: Catalog | None = None) -> Grants:
        """Read a grants file (YAML, UTF-8).

        Args:
            path: The file.
            catalog: What grants may speak of; by default that of the installed products.

        Raises:
            GrantsError: The file says something that it may not, with line, column and the nearest valid name.
            OSError: The file cannot be read.
        """
        from ac_guardrails import _grants_reader

        return _grants_reader.read_file(Path(path), catalog or Catalog.installed())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, catalog: Catalog | None = None) -> Grants:
        """Take the same shape as the file from Python.

        Raises:
            GrantsError: The data says something that it may not, with the path to it and the nearest valid name.
        """
        from ac_guardrails import _grants_reader

        return _grants_reader.read_data(data, catalog or Catalog.installed())

    def __repr__(self) -> str:
        return f"Grants({', '.join(self._agents) or 'nobody'})"

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents that have grants."""
        return tuple(self._agents)

    def grant(self, agent: str, area: str) -> Grant | None:
        """The agent's grant in an area; None where it has none."""
        return self._agents.get(agent, {}).get(area)

    def level(self, agent: str, area: str, *, on: date | None = None) -> Level:
        """How far the agent may go in an area on a day (today, in UTC, by default)."""
        grant = self.grant(agent, area)
        if grant is None or (grant.until is not None and (on or _today()) > grant.until):
            return Level.OFF
        return grant.level

    def readable(self, agent: str, *, on: date | None = None) -> frozenset[str]:
        """The areas that the agent may read on a day (today, in UTC, by default)."""
        return frozenset(area for area in self._agents.get(agent, {}) if self.level(agent, area, on=on) >= Level.READ)

    def narrowed(self, agent: str) -> frozenset[str]:
        """The nouns that an agent's grants narrow by `only`, so that what it names by id has to be known by name."""
        return frozenset(noun for grant in self._agents.get(agent, {}).values() for noun in grant.only)

    def tools(self, agent: str) -> tuple[str, ...]:
        """The tools that the agent's grants open, in the catalog's order."""
        return tuple(tool.name for tool in self.catalog.tools if self.level(agent, tool.need.area) >= tool.need.level)

    def decide(
        self,
        action: Action,
        facts: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        used: Mapping[tuple[str, int], int] | None = None,
    ) -> Verdict:
        """Say yes, no, or that a person must agree. Pure: the same arguments give the same answer.

        Args:
            action: What the agent wants, with the grants that it needs.
            facts: What was read from the account; None before anything was read. What facts raise is already among the
                action's needs; without them only what no facts could allow is denied.
            on: The day, in UTC; today by default.
            used: People touched so far, by area and window in seconds.
        """
        day = on or _today()
        if not self._is_known(action) or not _classified(action):
            return Verdict("deny", f"Nobody has classified {action.tool}, so nobody may use it.")
        asking: list[Grant] = []
        for need in action.needs:
            refusal = self._refusal(action, need, day, resolved=facts is not None, used=used or {})
            if refusal is not None:
                return refusal
            grant = self._agents[action.agent][need.area]
            if _must_ask(grant, need, action):
                asking.append(grant)
        if asking:
            return Verdict("ask", _why_ask(action, asking[0]), asking[0].rule)
        granted = self._agents[action.agent]
        return Verdict("allow", "Granted.", "; ".join([granted[need.area].rule for need in action.needs]))

    def _is_known(self, action: Action) -> bool:
        """Whether the catalog has the tool, and the action needs no less than the catalog says of it."""
        least = self._least.get(action.tool)
        needs = (need for need in action.needs if least is not None and need.area == least.area)
        return least is not None and any(need.level >= least.level for need in needs)

    def _refusal(
        self, action: Action, need: Need, day: date, *, resolved: bool, used: Mapping[tuple[str, int], int]
    ) -> Verdict | None:
        """Why one need is not met, or None where it is."""
        agent = action.agent
        grant = self.grant(agent, need.area)
        if agent not in self._agents:
            return Verdict("deny", f"The agent {agent!r} has no grants at all; {action.tool} needs {need}.")
        if grant is None:
            return Verdict("deny", f"{agent} has no access to {need.area}; {action.tool} needs {need}.")
        if grant.until is not None and day > grant.until:
            return Verdict("deny", f"{agent}'s access to {need.area} ended on {grant.until}.", grant.rule)
        if grant.level < need.level:
            return Verdict("deny", f"{agent} has {grant}; this call of {action.tool} needs {need}.", grant.rule)
        if resolved:
            return _outside_only(action, grant) or _over_limit(action, grant, need, used)
        return None


def _classified(action: Action) -> bool:
    """Whether somebody has said what the action needs, and it is no write that passes for a read."""
    if not action.needs or any(need.level <= Level.OFF for need in action.needs):
        return False
    return action.is_write or not any(request.is_write for request in action.requests)


def _must_ask(grant: Grant, need: Need, action: Action) -> bool:
    if need.level >= Level.FULL or action.tool in grant.ask_tools:
        return True
    return grant.ask_writes and need.level >= Level.WRITE


def _why_ask(action: Action, grant: Grant) -> str:
    if action.level >= Level.FULL:
        return f"{action.why}, so a person decides."
    return f"The grants ask for a person's consent here ({grant.rule})."


def _outside_only(action: Action, grant: Grant) -> Verdict | None:
    for noun, allowed in grant.only.items():
        named = [reference for reference in action.references if reference.noun == noun]
        if not named:
            reason = f"{action.agent} may use only {_listed(noun, allowed)}; this call names no {noun}."
            return Verdict("deny", reason, grant.rule)
        for reference in named:
            if not _within(reference, allowed):
                shown = f"{noun} {reference.id or quoted(reference.name)}"
                reason = f"{action.agent} may use only {_listed(noun, allowed)}, not {shown}."
                return Verdict("deny", reason, grant.rule)
    return None


def _within(reference: Reference, allowed: frozenset[str]) -> bool:
    names = {name.casefold() for name in allowed}
    return str(reference.id) in allowed or (bool(reference.name) and reference.name.casefold() in names)


def _over_limit(action: Action, grant: Grant, need: Need, used: Mapping[tuple[str, int], int]) -> Verdict | None:
    if need.level < Level.WRITE:
        return None
    for seconds, most, window in grant.limits():
        before = used.get((grant.area, seconds), 0)
        if before + action.people > most:
            reason = (
                f"{action.agent} may touch at most {most} people per {window} in {grant.area}; "
                f"{before} are used and this call would touch {action.people} more."
            )
            return Verdict("deny", reason, grant.rule)
    return None


def _listed(noun: str, allowed: frozenset[str]) -> str:
    return f"the {noun} {' or '.join(sorted(allowed))}"


def _today() -> date:
    return datetime.now(UTC).date()
