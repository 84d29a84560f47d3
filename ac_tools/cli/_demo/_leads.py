"""The leads: reading the file, and sorting out who may be written to."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path

_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})
_PHONE = frozenset("+-() ./")
_FEWEST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Lead:
    """A person who left their address."""

    email: str
    first_name: str
    last_name: str
    phone: str
    interest: str
    notes: str

    def fields(self) -> dict[str, str]:
        """The lead as the tools take a contact; what is not known is left out."""
        given = {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Leads:
    """A file of leads, cleaned.

    Args:
        people: Who can be imported, each once, in the order of the file.
        others: Who cannot because they gave no clear consent; their notes may still ask for something.
        rows: How many rows the file has.
        repeated: How many rows name somebody again.
        malformed: How many rows hold no usable address.
        refused: How many rows belong to people without clear consent.
    """

    people: tuple[Lead, ...]
    others: tuple[Lead, ...]
    rows: int
    repeated: int
    malformed: int
    refused: int


def read_leads(path: Path) -> Leads:
    """Read and clean a file of leads.

    One row a person stays, the first. Somebody who says no in any row, or yes in none, is left out.

    Raises:
        ValueError: The file is no CSV with the columns email and consent.
    """
    from ac_tools.tools._references import is_address

    rows = _rows(path)
    people: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        people.setdefault(row["email"].lower(), []).append(row)
    good = {email: group for email, group in people.items() if is_address(email)}
    agreed = {email: group for email, group in good.items() if _agreed(group)}
    known = sum(map(len, good.values()))
    willing = sum(map(len, agreed.values()))
    return Leads(
        people=tuple(_lead(email, group) for email, group in agreed.items()),
        others=tuple(_lead(email, group) for email, group in good.items() if email not in agreed),
        rows=len(rows),
        repeated=willing - len(agreed),
        malformed=len(rows) - known,
        refused=known - willing,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"email", "consent"} - set(reader.fieldnames or ())
            rows = [{key: _text(value) for key, value in row.items() if key} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no CSV file in UTF-8 ({error}).") from None
    if missing:
        raise ValueError(f"{path} has no column {' and no column '.join(sorted(missing))}.")
    return rows


def _text(value: str | None) -> str:
    return unicodedata.normalize("NFC", value or "").strip()


def _agreed(group: list[dict[str, str]]) -> bool:
    answers = {row["consent"].lower() for row in group}
    return bool(answers & _YES) and not answers & _NO


def _lead(email: str, group: list[dict[str, str]]) -> Lead:
    row = group[0]
    return Lead(
        email=email,
        first_name=row.get("first_name", ""),
        last_name=row.get("last_name", ""),
        phone=_phone(row.get("phone", "")),
        interest=row.get("interest", ""),
        notes="; ".join(dict.fromkeys(each["notes"] for each in group if each.get("notes"))),
    )


def _phone(text: str) -> str:
    """The number as it was written; nothing where a spreadsheet or a person wrote something else."""
    digits = sum(char.isdigit() for char in text)
    return text if digits >= _FEWEST_DIGITS and all(char.isdigit() or char in _PHONE for char in text) else ""
