"""Leads as the file has them: cleaned, each person once."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

_COLUMNS = ("email", "first_name", "last_name", "phone", "company", "job_title", "interest", "budget", "consent")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_YES = frozenset({"yes", "true", "1"})


class Known(TypedDict):
    """Who a lead is in the account already."""

    customer: bool
    left: list[str]
    """The lists that they opted out of, or whose mail bounced."""
    tags: list[str]
    automations: list[str]
    open_deals: list[str]


class Lead(TypedDict):
    """One person, as far as the workflow has come with them. Plain JSON: a checkpoint can be read and edited."""

    email: str
    first_name: str
    last_name: str
    phone: str
    company: str
    job_title: str
    interest: str
    budget: int
    known: NotRequired[Known | None]
    account: NotRequired[str | None]
    """The business of theirs that the account has."""
    business: NotRequired[bool]
    decides: NotRequired[bool]
    points: NotRequired[int]
    reasons: NotRequired[list[str]]
    grade: NotRequired[str]


class SetAside(TypedDict):
    """A row of the file, counted as a spreadsheet does, that nothing more is done with."""

    row: int
    email: str
    why: str


def read_leads(path: Path) -> tuple[list[Lead], list[SetAside]]:
    """Read a file of leads. Of several rows with one address the first stays, and takes what it lacks from the others.

    Raises:
        ValueError: A column is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            raise ValueError(f"{path} has no column {' and no column '.join(missing)}. Its first line names them.")
        rows = [{name: _clean(row[name]) for name in _COLUMNS} for row in reader]
    return _sorted_out(rows)


def _sorted_out(rows: Sequence[Mapping[str, str]]) -> tuple[list[Lead], list[SetAside]]:
    unwilling = {row["email"].lower() for row in rows if row["consent"].lower() not in _YES}
    leads: dict[str, Lead] = {}
    first_seen: dict[str, int] = {}
    aside: list[SetAside] = []
    for number, row in enumerate(rows, start=2):
        email = row["email"].lower()
        if why := _unusable(email, unwilling):
            aside.append(SetAside(row=number, email=row["email"], why=why))
        elif email in leads:
            leads[email] = _completed(leads[email], _lead(row))
            aside.append(SetAside(row=number, email=row["email"], why=f"the same person as row {first_seen[email]}"))
        else:
            leads[email], first_seen[email] = _lead(row), number
    return list(leads.values()), aside


def _unusable(email: str, unwilling: Collection[str]) -> str:
    if not _ADDRESS.fullmatch(email):
        return "this is no e-mail address"
    # Whoever says no in one row and yes in another has not agreed.
    return "did not agree to be written to" if email in unwilling else ""


def _completed(first: Lead, later: Lead) -> Lead:
    completed: Lead = {**later}
    completed.update({name: value for name, value in first.items() if value})  # type: ignore[typeddict-item]
    return completed


def _lead(row: Mapping[str, str]) -> Lead:
    return Lead(
        email=row["email"].lower(),
        first_name=row["first_name"],
        last_name=row["last_name"],
        phone=row["phone"],
        company=row["company"],
        job_title=row["job_title"],
        interest=row["interest"],
        budget=int(row["budget"]) if row["budget"].isdecimal() else 0,
    )


def _clean(text: str | None) -> str:
    return unicodedata.normalize("NFC", text or "").strip()
