"""What became of every row of the file, for a person to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import fill
from typing import TypedDict

from .leads import Lead, SetAside
from .writes import AUTOMATION, why_not_enrolled

_INDENT = " " * 10


class Done(TypedDict):
    """One call, and what became of it."""

    email: str
    step: str
    what: str
    ok: bool
    why: str


def report(leads: list[Lead], set_aside: list[SetAside], done: list[Done]) -> str:
    """The report of a run.

    Args:
        leads: The leads with their grades.
        set_aside: The rows that nothing was done with.
        done: The calls that were made.
    """
    grades = Counter(lead["grade"] for lead in leads)
    counts = ", ".join(f"{grades[grade]} {grade}" for grade in ("hot", "warm", "cold"))
    lines = [f"People: {len(leads)} ({counts}). Rows set aside: {len(set_aside)}.", ""]
    for lead in leads:
        lines += [*_about(lead, [each for each in done if each["email"] == lead["email"]]), ""]
    lines += [f"Row {each['row']:<3} {each['email']}: {each['why']}" for each in set_aside]
    return "\n".join(lines)


def _about(lead: Lead, done: list[Done]) -> Iterator[str]:
    who = " ".join(filter(None, (lead["first_name"], lead["last_name"], f"<{lead['email']}>")))
    yield f"{lead['grade']:<5}{lead['points']:>3}  {who}{', ' + lead['company'] if lead['company'] else ''}"
    reasons = ", ".join(lead["reasons"]) or "nothing speaks for it"
    yield fill(reasons, 110, initial_indent=_INDENT, subsequent_indent=_INDENT)
    if written := [each["what"] for each in done if each["ok"]]:
        yield f"{_INDENT}done: {', '.join(written)}"
    yield from (f"{_INDENT}not done: {each['what']}: {each['why']}" for each in done if not each["ok"])
    if why := why_not_enrolled(lead):
        yield f"{_INDENT}not done: enrolment in {AUTOMATION}: {why}"
