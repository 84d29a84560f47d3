"""`ac-tools audit`: what happened, in plain English."""

from __future__ import annotations

import enum
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import fail, say, stdout
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from ac_guardrails import Entry, Ledger

app = typer.Typer(help="Read, check and export the ledger.", no_args_is_help=True)


class _State(enum.StrEnum):
    waiting = "waiting"
    open = "open"
    unknown = "unknown"
    closed = "closed"


class _Format(enum.StrEnum):
    jsonl = "jsonl"
    csv = "csv"


LedgerUrl = Annotated[
    str | None,
    typer.Option(envvar="ACTIVECAMPAIGN_LEDGER", help="The ledger, such as sqlite:///ledger.db.", show_default=False),
]
Agent = Annotated[str | None, typer.Option(help="Only this agent's calls.")]
Since = Annotated[
    str | None, typer.Option(help="Only what began since then: 24h, 7d, or a day such as 2026-11-23 (UTC).")
]
State = Annotated[_State | None, typer.Option(help="Only calls in this state.")]


@app.command()
def show(
    ledger: LedgerUrl = None,
    agent: Agent = None,
    since: Since = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, help="The most calls to show, the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Tell who did what, what was decided, and what came of it: a sentence a call, oldest first."""
    from ac_tools.cli import _audit_formats as formats

    entries = _entries(ledger, agent, since, state)
    shown = entries[-limit:]
    if as_json:
        formats.print_all(shown)
    else:
        formats.print_sentences(stdout(), shown)
    if len(shown) < len(entries):
        say(f"The newest {len(shown)} of {len(entries)} calls; --limit shows more.")
    elif not entries:
        say("No calls on record.")


@app.command()
def verify(ledger: LedgerUrl = None) -> None:
    """Check the chain of events: no row changed, none removed from between others; 1 where one was.

    A chain does not show that rows were cut off its end, nor does it cover the names and values beside it.
    """
    opened = _open(ledger)
    wrong = opened.verify()
    if wrong:
        fail(wrong)
    typer.echo(f"The chain is whole: {len(opened.entries())} calls on record, no row changed or missing in between.")


@app.command()
def export(
    ledger: LedgerUrl = None,
    agent: Agent = None,
    since: Since = None,
    state: State = None,
    form: Annotated[_Format, typer.Option("--format", help="JSON a line, or CSV.")] = _Format.jsonl,
) -> None:
    """Write all calls to stdout, for other programs."""
    from ac_tools.cli import _audit_formats as formats

    entries = _entries(ledger, agent, since, state)
    if form is _Format.csv:
        formats.write_csv(sys.stdout, entries)
    else:
        formats.write_jsonl(sys.stdout, entries)


def _entries(url: str | None, agent: str | None, since: str | None, state: _State | None) -> list[Entry]:
    from ac_tools.cli._since import epoch_seconds

    try:
        begin = epoch_seconds(since) if since else None
    except ValueError as error:
        fail(str(error), code=2)
    return _open(url).entries(agent=agent, state=state.value if state else None, since=begin)


def _open(url: str | None) -> Ledger:
    """Open a ledger that exists: reading must not make one."""
    from ac_guardrails._ledger import open_ledger

    if not url:
        fail("Which ledger? Give --ledger sqlite:///ledger.db, or set ACTIVECAMPAIGN_LEDGER.", code=2)
    if url == "memory:":
        fail("A ledger in memory: ends with its process, so there is nothing to read. Name a file.", code=2)
    try:
        path = url.removeprefix("sqlite:///")
        if path not in ("", url):
            _check_file(path)
        return open_ledger(url)
    except ValueError as error:
        fail(str(error), code=2)


def _check_file(path: str) -> None:
    """End the command where the file is no ledger; opening it would make it one."""
    import sqlite3
    from pathlib import Path

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
        fail(f"{path} cannot be read as a ledger ({error}).")
    if not found:
        fail(f"{path} is no ledger.")
