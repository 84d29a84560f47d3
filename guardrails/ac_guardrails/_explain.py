"""Explaining: what the grants say of a call, by which rule, and what would have to be written to allow it.

Pure, and from the arguments alone: nothing is read and nothing is sent. What only the account or the ledger can tell is
said to be open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from textwrap import wrap

from ac_guardrails import _domains
from ac_guardrails._action import Action, Reference
from ac_guardrails._catalog import Level, Need
from ac_guardrails._grants import Grant, Grants, Verdict
from ac_guardrails._limits import Limit, Use
from ac_guardrails._request import Request
from ac_guardrails._text import inert

_WIDTH = 98
_VERDICTS = {"allow": "may", "ask": "may, after a person has agreed,", "deny": "may not"}


@dataclass(frozen=True, slots=True)
class Needed:
    """One grant that a call needs, beside what its agent has.

    Args:
        need: The area, and the least level there.
        has: The level that the agent has there on the day.
        where: Where that is written; empty where nothing is.
        ended: The last day of a grant that holds no more; None where it holds.
    """

    need: Need
    has: Level
    where: str = ""
    ended: date | None = None

    @property
    def missing(self) -> bool:
        """Whether the agent has less than is needed."""
        return self.has < self.need.level


@dataclass(frozen=True)
class Explanation:
    """What the grants say of one call. `str()` tells it in words.

    Args:
        agent: Whose call it would be.
        tool: The tool's name.
        what: The act as an infinitive: "delete contact 7".
        verdict: Whether it is allowed, a person is asked, or it is denied; why, and the rule that it rests on.
        needs: Every grant that the call needs, and what the agent has.
        later: What may still change the verdict once the account and the ledger have been read, a sentence each.
        change: The least that would have to be written in the grants file for the levels to suffice, as YAML; empty
            where they do.
    """

    agent: str
    tool: str
    what: str
    verdict: Verdict
    needs: tuple[Needed, ...]
    later: tuple[str, ...] = ()
    change: str = ""

    @property
    def missing(self) -> tuple[Need, ...]:
        """The grants that the agent would need and does not have."""
        return tuple(needed.need for needed in self.needs if needed.missing)

    def __str__(self) -> str:
        rows = [("Why", self.verdict.reason), ("Rule", self.verdict.rule or "none: what is not written is denied")]
        rows += [("Needs" if not at else "", _need_line(needed)) for at, needed in enumerate(self.needs)]
        rows += [("Still open" if not at else "", text) for at, text in enumerate(self.later)]
        title = wrap(
            f"{inert(self.agent, limit=80)} {_VERDICTS[self.verdict.kind]} {inert(self.what, limit=400)}.", _WIDTH
        )
        lines = [*title, *(line for label, text in rows for line in _row(label, text))]
        if self.change:
            asks = any(need.level >= Level.FULL for need in self.missing)
            then = ", and a person agrees to each such call" if asks else ""
            lines += ["", f"To allow it, write this{then}:", "", *(f"  {line}" for line in self.change.splitlines())]
        return "\n".join(lines)


def explain(
    grants: Grants,
    action: Action,
    *,
    on: date | None = None,
    complete: Collection[str] = (),
    raised: Mapping[Need, str] | None = None,
) -> Explanation:
    """Say what the grants make of an action that is known from its arguments alone.

    Args:
        grants: Who may do what.
        action: The action, with its references as the arguments name them: an id of 0 where only a name is given.
        on: The day, in UTC; today by default.
        complete: What the action is known to say all of; see `foreseen`.
        raised: Needs that what is read from the account can add, each with the case in which it does, as a clause.
    """
    verdict, unclear = foreseen(grants, action, on=on, complete=complete)
    needs = tuple(_needed(grants, action.agent, need, on) for need in action.needs)
    later = [*_raises(grants, action, raised or {}, on), *map(_unclear_line, unclear), *_limits(grants, action)]
    return Explanation(
        action.agent,
        action.tool,
        action.plain or action.what,
        verdict,
        needs,
        () if verdict.denied else tuple(later),
        _change(grants, action.agent, needs),
    )


@dataclass(frozen=True, slots=True)
class Unclear:
    """What a verdict hangs on that nobody can tell yet.

    Args:
        what: A noun that `only` narrows, or AMOUNT where the grants limit money.
        allowed: The names and ids that `only` allows.
    """

    what: str
    allowed: frozenset[str] = frozenset()


AMOUNT = "amount"
"""What is unclear where an amount cannot be compared with its limit; no catalog has a noun of that name."""


def foreseen(
    grants: Grants,
    action: Action,
    *,
    on: date | None = None,
    complete: Collection[str] = (),
    used: Mapping[Limit, Use] | None = None,
) -> tuple[Verdict, tuple[Unclear, ...]]:
    """The verdict on an action as far as what is known of it can tell, and what is unclear.

    What may turn out to be allowed counts as allowed: a no is certain, and a yes is where nothing is unclear.

    Args:
        grants: Who may do what.
        action: The action; see `explain`.
        on: The day, in UTC; today by default.
        complete: The nouns of which the action names all records that it has to do with, and AMOUNT where it is known
            whether it sets one.
        used: How much of each limit is used by then.
    """
    early = grants.decide(action, None, on=on)
    if early.denied:
        return early, ()
    references, unclear = list(action.references), _unclear_amount(grants, action, complete)
    for noun, allowed in _narrowed(grants, action.agent):
        named = [reference for reference in references if reference.noun == noun]
        uncertain = [one for one in named if not _is_certain(one, allowed)]
        if uncertain or not (named or noun in complete):
            unclear.append(Unclear(noun, allowed))
            references = [one for one in references if one not in uncertain] + [Reference(noun, 0, min(allowed))]
    touches = {} if unclear and unclear[0].what == AMOUNT else action.touches
    request = action.request or _request_for(action)
    known = replace(action, references=tuple(references), touches=touches, request=request)
    verdict = grants.decide(known, {}, on=on, used=used)
    return verdict, () if verdict.denied else tuple(unclear)


def _unclear_amount(grants: Grants, action: Action, complete: Collection[str]) -> list[Unclear]:
    areas = [need.area for need in action.needs if need.level >= Level.WRITE]
    limited = any(grant.amount_at_most for area in areas for grant in grants.holding(action.agent, area))
    if AMOUNT in complete or _says_amount(action) or not limited:
        return []
    return [Unclear(AMOUNT)]


def _says_amount(action: Action) -> bool:
    return action.touches.get("amount") is not None and bool(action.touches.get("currency"))


def _request_for(action: Action) -> Request | None:
    """Amounts are compared once there is a request; where the arguments say both halves, nothing more is to come."""
    return Request("POST", "/") if _says_amount(action) else None


def _narrowed(grants: Grants, agent: str) -> Iterator[tuple[str, frozenset[str]]]:
    for area in grants.catalog.areas:
        for grant in grants.holding(agent, area):
            yield from grant.only.items()


def _is_certain(reference: Reference, allowed: frozenset[str]) -> bool:
    """Whether it can be told without the account that a record is one of those allowed, or none of them."""
    resolved = reference.id and reference.name and reference.name != str(reference.id)
    if resolved or reference.noun == _domains.NOUN:
        return True
    if reference.name.casefold() in {name.casefold() for name in allowed} or str(reference.id) in allowed:
        return True
    ids = {name for name in allowed if name.isascii() and name.isdigit()}
    return not ids if reference.name and not reference.id else not reference.name and ids == allowed


def _needed(grants: Grants, agent: str, need: Need, on: date | None) -> Needed:
    grant = grants.grant(agent, need.area)
    level = grants.level(agent, need.area, on=on)
    ended = grant.until if grant is not None and level < grant.level else None
    return Needed(need, level, grant.where if grant else "", ended)


def _need_line(needed: Needed) -> str:
    if not needed.where:
        return f"{needed.need}, and nothing is written there"
    has = f"its grant ended on {needed.ended}" if needed.ended else f"it has {needed.has}"
    return f"{needed.need}, {'but' if needed.missing else 'and'} {has} ({needed.where})"


def _raises(grants: Grants, action: Action, raised: Mapping[Need, str], on: date | None) -> Iterator[str]:
    """What reading may add to the needs, where they are not as high already."""
    for need, case in raised.items():
        if any(each.area == need.area and each.level >= need.level for each in action.needs):
            continue
        enough = grants.level(action.agent, need.area, on=on) >= need.level
        then = "a person is asked" if enough else f"it is denied, because {action.agent} does not have that"
        yield f"When {case}, it needs {need}: then {then}."


def _limits(grants: Grants, action: Action) -> Iterator[str]:
    if not action.is_write:
        return
    for need in action.needs:
        if need.level < Level.WRITE:
            continue
        for limit in (limit for grant in grants.holding(action.agent, need.area) for limit in grant.limits):
            wanted = f"{limit.wanted(action)} of " if limit.wanted(action) else ""
            yield f"It uses {wanted}at most {limit} per {limit.window} in {need.area}; the ledger knows what is left."


def _change(grants: Grants, agent: str, needs: tuple[Needed, ...]) -> str:
    """The lines of a grants file that would have to be so."""
    missing = [needed for needed in needs if needed.missing]
    if not missing:
        return ""
    lines = ["agents:", f"  {_key(agent)}:"]
    for needed in missing:
        lines += _entry(needed, grants.grant(agent, needed.need.area))
    return "\n".join(lines)


def _entry(needed: Needed, grant: Grant | None) -> list[str]:
    area, level = needed.need.area, max(needed.need.level, grant.level if grant else Level.OFF)
    if grant is None or grant == Grant(area, grant.level):
        return [f"    {area}: {level}"]
    until = [f"      until: ...  # a day to come; it was {grant.until}"] if needed.ended else []
    return [f"    {area}:  # what else stands there may stay", f"      access: {level}", *until]


def _key(agent: str) -> str:
    return agent if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", agent) else json.dumps(agent, ensure_ascii=False)


def _unclear_line(unclear: Unclear) -> str:
    if unclear.what == AMOUNT:
        return "Whether its amount is within the limit is known once the record is read."
    allowed = f"the {unclear.what} {' or '.join(sorted(unclear.allowed))}"
    return f"Whether it names only {allowed} is known once that is read."


def _row(label: str, text: str) -> list[str]:
    """A label and a text beside it, wrapped."""
    width = len("Still open")
    first, *others = wrap(text, _WIDTH - width - 4, break_on_hyphens=False) or [""]
    return [f"  {label:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in others)]
