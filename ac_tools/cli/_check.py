"""What the doctor checks with: reads under a guard that opens nothing else, and how a finding is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ac_guardrails import Answer, Guard, Level, Request
from ac_tools import ActiveCampaign
from ac_tools._single import guard_of, send

AGENT = "doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: What was checked.
        result: ok, wrong or skipped.
        detail: What it found, and what to do where it is wrong.
    """

    check: str
    result: Literal["ok", "wrong", "skipped"]
    detail: str


def reads_only(areas: Iterable[str]) -> Guard:
    """A guard that lets the doctor read these areas and nothing else, and remembers in memory."""
    return guard_of(AGENT, areas, Level.READ)


def look(guard: Guard, account: ActiveCampaign, area: str, path: str, *, limit: int | None = None) -> Answer:
    """Read one path; the artifact of a success is the reply, of what the account refuses the error.

    Args:
        guard: The guard to go through.
        account: The account.
        area: The area that the path belongs to.
        path: The path below the API's base.
        limit: The most records to ask for.
    """
    params = (("limit", str(limit)),) if limit else ()
    return send(guard, account, AGENT, area, Request("GET", path, params))
