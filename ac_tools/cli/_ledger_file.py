"""The ledger that a command works on: one that is there already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ac_guardrails._text import inert
from ac_tools.cli._console import fail

if TYPE_CHECKING:
    from ac_guardrails import Ledger

_MOST_NAMED = 10
_LONGEST = "9999d"
"""Values are deleted when the agents' own guard says so, not when somebody has a look."""


def open_existing(url: str | None) -> Ledger:
    """Open the ledger that a URL names; a command makes none, and ends where there is none.

    Args:
        url: As a person gave it; None where they gave none.
    """
    from ac_guardrails._ledger_url import open_ledger

    if not url:
        fail("Which ledger? Give --ledger sqlite:///ledger.db, or set ACTIVECAMPAIGN_LEDGER.", code=2)
    if url == "memory:":
        fail("A ledger in memory: ends with its process, so there is nothing to read. Name a file.", code=2)
    try:
        path = url.removeprefix("sqlite:///")
        if path not in ("", url):
            _check_file(path)
        return open_ledger(url, payloads=_LONGEST)
    except ValueError as error:
        fail(str(error), code=2)


def nearest(name: str, names: Iterable[str]) -> str:
    """What somebody may have meant, as a sentence to follow; empty where nothing is near."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return f" Did you mean {close[0]}?" if close else ""


def damaged(entries: Iterable[str]) -> str:
    """That what a ledger holds of some entries cannot be read, and what to do."""
    names = [inert(each, limit=40) for each in entries]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        f"Left out, because they are damaged: {', '.join(names[:_MOST_NAMED])}{more}. ac-tools audit verify names the "
        "first broken row; put back a copy of the ledger that is whole."
    )


def _check_file(path: str) -> None:
    """End the command where the file is no ledger; opening it would make it one."""
    import sqlite3
    from pathlib import Path

    from ac_guardrails._database import remedy

    file = Path(path)
    if not file.is_file():
        fail(f"There is no ledger at {path}.")
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        fail(f"{path} cannot be read as a ledger ({error}): {remedy(error)}.")
    if not found:
        fail(f"{path} is no ledger.")
