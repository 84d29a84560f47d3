"""Grants: who may do what. `decide` is the only place that says yes or no, and it is pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from ac_guardrails import _domains
from ac_guardrails._action import Action, Reference
from ac_guardrails._catalog import Catalog, Level, Need
from ac_guardrails._display import Displayed
from ac_guardrails._limits import DAY, HOUR, Limit, Passed, Use, is_half_an_amount, passed_amount, passed_windows
from ac_guardrails._text import quoted


@dataclass(frozen=True, slots=True)
class Grant:
    """What one agent may do in one area.

    Args:
        area: The area.
        level: How far the agent may go there.
        only: For each noun, the names or ids that it may touch; a noun that is absent is not narrowed. Domains are in
            lower case and xn--, with `*.` before one whose sub-domains are meant.
        until: The last day, in UTC, on which the grant holds.
        ask_writes: Whether ordinary writes wait for a person too.
        ask_tools: The tools that wait for a person whatever their level.
        people_per_hour: The most people that writes may touch in any hour.
        people_per_day: The most people that writes may touch in any 24 hours.
        calls_per_hour: The most calls that may write in any hour.
        calls_per_day: The most calls that may write in any 24 hours.
        amount_at_most: The most money that a write may put on one record, by currency; None where it is not limited.
        over_asks: Whether a call that would pass a limit waits for a person instead of being refused.
        where: Where the grant was written.
        agent: Whose it is.
    """

    area: str
    level: Level
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    until: date | None = None
    ask_writes: bool = False
    ask_tools: frozenset[str] = frozenset()
    people_per_hour: int | None = None
    people_per_day: int | None = None
    calls_per_hour: int | None = None
    calls_per_day: int | None = None
    amount_at_most: Mapping[str, Decimal] | None = None
    over_asks: bool = False
    where: str = field(default="", compare=False)
    agent: str = field(default="", compare=False)
    rule: str = field(init=False, compare=False)
    """It in words, and where it is written."""
    limits: tuple[Limit, ...] = field(init=False, compare=False)
    """Its limits in people and calls, each in a rolling window."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", f"{self} ({self.where})" if self.where else str(self))
        windows: tuple[tuple[Literal["people", "calls"], int, int | None], ...] = (
            ("people", HOUR, self.people_per_hour),
            ("people", DAY, self.people_per_day),
            ("calls", HOUR, self.calls_per_hour),
            ("calls", DAY, self.calls_per_day),
        )
        limits = [Limit(self.area, unit, each, most, self.agent) for unit, each, most in windows if most is not None]
        object.__setattr__(self, "limits", tuple(limits))

    def __str__(self) -> str:
        return f"{self.area}: {self.level}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `decide` answers.

    Args:
        kind: "allow", "ask" (a person must agree) or "deny".
        reason: Why, in words for the model and the person.
        rule: The grant that it rests on, and where it is written.
        beyond: The limits that a person is asked to let it pass, such as "deals: calls_per_hour".
    """

    kind: Literal["allow", "ask", "deny"]
    reason: str
    rule: str = ""
    beyond: frozenset[str] = frozenset()

    @property
    def denied(self) -> bool:
        """Whether the answer is no."""
        return self.kind == "deny"


class Grants(Displayed):
    """The grants of all agents. What is not granted does not exist for an agent.

    Made by `from_file` or `from_dict`; both check every word against the catalog and fail on the first that is unknown.
    """

    def __init__(self, agents: Mapping[str, Mapping[str, Grant]], catalog: Catalog) -> None:
        self._agents = {
            name: {area: replace(grant, agent=name) for area, grant in areas.items()} for name, areas in agents.items()
        }
        self.catalog = catalog
        self._narrowed: dict[str, frozenset[str]] = {}
        self._readable: dict[str, tuple[date, frozenset[str]]] = {}
        self._least = {tool.name: tool.need for tool in (*catalog.named, *catalog.inner)}

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
        """The agent's own grant in an area; None where it has none."""
        return self._agents.get(agent, {}).get(area)

    def holding(self, agent: str, area: str) -> tuple[Grant, ...]:
        """All grants that hold for an agent in an area: its own, and before that those of whom it works for."""
        found = (self.grant(name, area) for name in lineage(agent))
        return tuple(grant for grant in found if grant is not None)

    def level(self, agent: str, area: str, *, on: date | None = None) -> Level:
        """How far the agent may go in an area on a day (today, in UTC, by default)."""
        day = on or _today()
        return min([_level_on(self.grant(name, area), day) for name in lineage(agent)])

    def readable(self, agent: str, *, on: date | None = None) -> frozenset[str]:
        """The areas that the agent may read on a day (today, in UTC, by default)."""
        day = on or _today()
        known = self._readable.get(agent)
        if known is None or known[0] != day:
            areas = [area for area in self._agents.get(agent, {}) if self.level(agent, area, on=day) >= Level.READ]
            known = self._readable[agent] = day, frozenset(areas)
        return known[1]

    def narrowed(self, agent: str) -> frozenset[str]:
        """The nouns that an agent's grants narrow by `only`, so that what it names by id has to be known by name."""
        found = self._narrowed.get(agent)
        if found is None:
            areas = (self._agents.get(name, {}) for name in lineage(agent))
            found = frozenset(noun for grants in areas for grant in grants.values() for noun in grant.only)
            self._narrowed[agent] = found
        return found

    def tools(self, agent: str) -> tuple[str, ...]:
        """The tools that the agent's grants open, in the catalog's order."""
        return tuple(tool.name for tool in self.catalog.tools if self.level(agent, tool.need.area) >= tool.need.level)

    def delegated(self, agent: str, name: str, grants: Grants) -> Grants:
        """These grants, and those of an agent that works for one of them: it may do what both allow, and no more.

        Args:
            agent: The agent that it works for.
            name: What it is called; its full name is "agent/name".
            grants: Its own grants, under that name.

        Raises:
            ValueError: There is no such agent, or it has no such grants.
        """
        if agent not in self._agents:
            raise ValueError(f"{agent!r} has no grants, so nobody can work for it.")
        if name not in grants.agents:
            raise ValueError(f"The grants given say nothing of {name!r}.")
        return Grants({**self._agents, f"{agent}/{name}": grants._agents[name]}, self.catalog)

    def decide(
        self,
        action: Action,
        facts: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        used: Mapping[Limit, Use] | None = None,
    ) -> Verdict:
        """Say yes, no, or that a person must agree. Pure: the same arguments give the same answer.

        Args:
            action: What the agent wants, with the grants that it needs.
            facts: What was read from the account; None before anything was read. What facts raise is already among the
                action's needs; without them only what no facts could allow is denied.
            on: The day, in UTC; today by default.
            used: How much of each limit is used so far; what is absent is not used at all.
        """
        above, _, _ = action.agent.rpartition("/")
        own = self._decide(action, facts, on or _today(), used)
        if not above or own.denied:
            return own
        return _both(own, self.decide(replace(action, agent=above), facts, on=on, used=used))

    def _decide(
        self, action: Action, facts: Mapping[str, Any] | None, day: date, used: Mapping[Limit, Use] | None
    ) -> Verdict:
        """By the agent's own grants."""
        if not self._is_known(action) or not _classified(action):
            return Verdict("deny", f"Nobody has classified {action.tool}, so nobody may use it.")
        for need in action.needs:
            refusal = self._refusal(action, need, day)
            if refusal is not None:
                return refusal
        granted = self._agents[action.agent]
        asking = [granted[need.area] for need in action.needs if _must_ask(granted[need.area], need, action)]
        passed: list[Passed] = []
        if facts is not None:
            refusal = _outside_only(action, granted) or self._half_an_amount(action, granted)
            if refusal is not None:
                return refusal
            for need in action.needs:
                grant = granted[need.area]
                over = self._passed(action, grant, need, used or {})
                if over and not grant.over_asks:
                    return Verdict("deny", max(over, key=lambda one: one.room_at).reason, grant.rule)
                asking += [grant] if over else []
                passed += over
        if asking:
            return _ask(action, asking, passed)
        return Verdict("allow", "Granted.", "; ".join([granted[need.area].rule for need in action.needs]))

    def _is_known(self, action: Action) -> bool:
        """Whether the catalog has the tool, and the action needs no less than the catalog says of it."""
        least = self._least.get(action.tool)
        if least is None:
            return False
        return any(need.area == least.area and need.level >= least.level for need in action.needs)

    def _refusal(self, action: Action, need: Need, day: date) -> Verdict | None:
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
        return None

    def _passed(self, action: Action, grant: Grant, need: Need, used: Mapping[Limit, Use]) -> list[Passed]:
        """The limits of one grant that a call would pass."""
        if need.level < Level.WRITE:
            return []
        over = passed_windows(action, grant.limits, used)
        if grant.amount_at_most is not None:
            parts = self.catalog.amounts.get(grant.area, 1)
            over += passed_amount(action, grant.area, grant.amount_at_most, parts)
        return over

    def _half_an_amount(self, action: Action, granted: Mapping[str, Grant]) -> Verdict | None:
        """Why an amount cannot be compared with its limit, or None where it can be."""
        for need in action.needs:
            grant = granted[need.area]
            if need.level >= Level.WRITE and grant.amount_at_most is not None and is_half_an_amount(action):
                reason = (
                    f"{action.agent}'s amounts in {grant.area} are limited by currency, and this call says only one of "
                    "both. Give the amount together with its currency."
                )
                return Verdict("deny", reason, grant.rule)
        return None


def lineage(agent: str) -> tuple[str, ...]:
    """Whom an agent works for, the first of all first, and itself last."""
    if "/" not in agent:
        return (agent,)
    names = agent.split("/")
    return tuple("/".join(names[: count + 1]) for count in range(len(names)))


def _level_on(grant: Grant | None, day: date) -> Level:
    ended = grant is not None and grant.until is not None and day > grant.until
    return Level.OFF if grant is None or ended else grant.level


def _both(own: Verdict, above: Verdict) -> Verdict:
    """What is said to a call that two agents answer for: the stricter of both, and everything that is asked for."""
    if above.denied or own.kind == "allow":
        return above
    if above.kind == "allow":
        return own
    reason = own.reason if above.reason in own.reason else f"{own.reason} {above.reason}"
    return Verdict("ask", reason, own.rule, own.beyond | above.beyond)


def _classified(action: Action) -> bool:
    """Whether somebody has said what the action needs, and it is no write that passes for a read."""
    if not action.needs or any(need.level <= Level.OFF for need in action.needs):
        return False
    return action.is_write or not any(request.is_write for request in action.requests)


def _must_ask(grant: Grant, need: Need, action: Action) -> bool:
    if need.level >= Level.FULL or action.tool in grant.ask_tools:
        return True
    return grant.ask_writes and need.level >= Level.WRITE


def _ask(action: Action, asking: list[Grant], passed: list[Passed]) -> Verdict:
    """That a person decides, and everything that makes it so."""
    why = [one.reason for one in passed]
    if action.level >= Level.FULL:
        why.insert(0, f"{action.why}, so a person decides.")
    elif not passed:
        why.append(f"{action.agent}'s grants let a person decide this ({asking[0].rule}).")
    return Verdict("ask", " ".join(why), asking[0].rule, frozenset(one.name for one in passed))


def _outside_only(action: Action, granted: Mapping[str, Grant]) -> Verdict | None:
    """Why a call names what it may not. It counts whatever area it needs: nobody gets round a grant by another one."""
    needed = {need.area for need in action.needs}
    for grant in granted.values():
        for noun, allowed in grant.only.items():
            named = [reference for reference in action.references if reference.noun == noun]
            outside = next((one for one in named if not _within(one, allowed)), None)
            if outside is not None or (not named and grant.area in needed):
                reason = f"{action.agent} may use only {_listed(noun, allowed)}{_but(noun, outside)}."
                return Verdict("deny", reason, grant.rule)
    return None


def _but(noun: str, outside: Reference | None) -> str:
    if noun == _domains.NOUN:
        # Where somebody has their address may say who they are, and a reason goes on record.
        return "; this call names no address" if outside is None else "; an address of this call is elsewhere"
    if outside is None:
        return f"; this call names no {noun}"
    return f", not {noun} {outside.id or quoted(outside.name)}"


def _within(reference: Reference, allowed: frozenset[str]) -> bool:
    if reference.noun == _domains.NOUN:
        return _domains.is_within(reference.name, allowed)
    return any(reference.is_meant_by(name) for name in allowed)


def _listed(noun: str, allowed: frozenset[str]) -> str:
    return f"the {noun} {' or '.join(sorted(allowed))}"


def _today() -> date:
    return datetime.now(UTC).date()
