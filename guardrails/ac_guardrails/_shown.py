"""What terminals and notebooks both say of grants and entries, each in its own colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ac_guardrails._entries import Entry
    from ac_guardrails._grants import Grant, Grants

Tone = Literal["", "written", "rehearsed", "halted", "wrong", "joined", "stopped", "resumed"]

_TONES: dict[str, Tone] = {
    "rejected": "halted",
    "waiting": "halted",
    "expired": "halted",
    "refused": "wrong",
    "joined": "joined",
    "foreign": "halted",
    "stopped": "stopped",
    "resumed": "resumed",
}


def tone_of(entry: Entry) -> Tone:
    """How an entry strikes its reader: something was written, people halted it, or it went wrong."""
    if entry.confirmation == "contradicted":
        return "wrong"
    if entry.outcome in ("done", "nothing", "happened"):
        return "written" if entry.is_write else ""
    if entry.outcome == "rehearsed":
        return "rehearsed"
    return _TONES.get(entry.decision, "wrong" if entry.outcome else "")


def levels_of(grants: Grants, agent: str) -> dict[str, str]:
    """How far an agent may go today, by area."""
    return {area: str(grants.level(agent, area)) for area in grants.catalog.areas}


def areas_of(grants: Grants) -> list[str]:
    """The areas that a table of grants has a column for: of the further ones, those where somebody may do something."""
    further = grants.catalog.further
    return [a for a in grants.catalog.areas if a not in further or any(grants.level(one, a) for one in grants.agents)]


def limits_of(grants: Grants, agent: str) -> list[str]:
    """What narrows an agent's grants, an area a line."""
    found = ((area, grants.grant(agent, area)) for area in grants.catalog.areas)
    return [f"{area}: {text}" for area, grant in found if grant and (text := _edges(grant))]


def _edges(grant: Grant) -> str:
    """What narrows a grant, in words."""
    parts = [f"only the {noun} {' or '.join(sorted(names))}" for noun, names in grant.only.items()]
    parts += [f"at most {limit} in any {limit.window}" for limit in grant.limits]
    if grant.amount_at_most is not None:
        amounts = (f"{most:f} {currency}" for currency, most in grant.amount_at_most.items())
        parts.append(f"amounts up to {' or '.join(amounts)}")
    if grant.over_asks:
        parts.append("above that a person is asked")
    if grant.ask_writes:
        parts.append("every write asks a person")
    if grant.ask_tools:
        parts.append(f"{', '.join(sorted(grant.ask_tools))} asks a person")
    if grant.until:
        parts.append(f"until {grant.until}, that day included")
    return "; ".join(parts)
