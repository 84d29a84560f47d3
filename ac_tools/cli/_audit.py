"""`ac-tools audit`: what happened, in plain English."""

from __future__ import annotations

import enum
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ac_guardrails._text import inert
from ac_tools.cli._console import fail, say, stdout
from ac_tools.cli._ledger_file import damaged, open_existing
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from ac_guardrails import Entry
    from ac_guardrails._history import Moment

app = typer.Typer(help="Read, follow, check and export the ledger; settle what is unknown.", no_args_is_help=True)


class _State(enum.StrEnum):
    waiting = "waiting"
    open = "open"
    unknown = "unknown"
    closed = "closed"


class _Found(enum.StrEnum):
    happened = "happened"
    did_not_happen = "did-not-happen"


class _Format(enum.StrEnum):
    jsonl = "jsonl"
    csv = "csv"


Agent = Annotated[str | None, typer.Option(help="Only this agent's calls.")]
Since = Annotated[
    str | None, typer.Option(help="Only what began since then: 24h, 7d, or a day such as 2026-11-23 (UTC).")
]
State = Annotated[_State | None, typer.Option(help="Only calls in this state.")]


@app.command()
def show(
    entry: Annotated[
        str,
        typer.Argument(help="Only this entry, and its history step by step.", show_default=False),
    ] = "",
    ledger: LedgerUrl = None,
    agent: Agent = None,
    since: Since = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, help="The most calls to show, the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Tell who did what, what was decided, and what came of it: a sentence a call, oldest first."""
    from ac_tools.cli import _audit_formats as formats

    if entry:
        if agent or since or state:
            fail("An entry is shown whole: leave out --agent, --since and --state.", code=2)
        formats.print_history(stdout(), *_history(ledger, entry), as_json=as_json)
        return
    entries, unreadable = _entries(ledger, agent, since, state)
    shown = entries[-limit:]
    if as_json:
        formats.print_all(shown)
    else:
        formats.print_sentences(stdout(), shown)
    if len(shown) < len(entries):
        say(f"The newest {len(shown)} of {len(entries)} calls; --limit shows more.")
    elif not entries and not unreadable:
        say("No calls on record.")
    _fail_if_incomplete(unreadable)


@app.command()
def verify(ledger: LedgerUrl = None) -> None:
    """Check the chain of events: no row changed, none removed from between others; 1 where one was.

    A chain does not show that rows were cut off its end, nor does it cover the names and values beside it.
    """
    opened = open_existing(ledger)
    wrong = opened.verify()
    if wrong:
        fail(wrong)
    calls = sum(entry.tool != "guard" for entry in opened.entries())
    counted = "1 call" if calls == 1 else f"{calls} calls"
    typer.echo(f"The chain is whole: {counted} on record, no row changed or missing in between.")


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

    entries, unreadable = _entries(ledger, agent, since, state)
    if form is _Format.csv:
        formats.write_csv(sys.stdout, entries)
    else:
        formats.write_jsonl(sys.stdout, entries)
    _fail_if_incomplete(unreadable)


@app.command()
def tail(
    ledger: LedgerUrl = None,
    agent: Agent = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the newest to begin with.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line each.")] = False,
) -> None:
    """Follow the ledger: a sentence when a call waits for a person, and when it ends. Ctrl-C ends."""
    from ac_tools.cli._audit_tail import Tail

    Tail(open_existing(ledger), agent=agent, as_json=as_json).run(newest=lines)


@app.command()
def settle(
    entry: Annotated[
        str,
        typer.Argument(help="Only this entry; all that are open without it.", show_default=False),
    ] = "",
    ledger: LedgerUrl = None,
    found: Annotated[
        _Found | None, typer.Option("--as", help="What you found when you looked for yourself.", show_default=False)
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Find out what became of writes whose answer never came. Nothing is sent again.

    They are read back in the account of ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY. With --as nothing is read: your
    word settles the entry.
    """
    from ac_tools.cli import _audit_settle as settling

    opened = open_existing(ledger)
    if found is None:
        settling.read_back(opened, entry, as_json=as_json)
    elif entry:
        settling.by_hand(opened, entry, happened=found is _Found.happened, by=name_of(by), as_json=as_json)
    else:
        fail("Which entry? ac-tools audit settle ENTRY --as ..., with an id of ac-tools audit show.", code=2)


def _history(url: str | None, entry_id: str) -> tuple[Entry, list[Moment]]:
    from ac_tools._confirmable import told_apart

    opened = open_existing(url)
    entry = opened.entry(entry_id)
    if entry is None:
        fail(f"There is no entry {inert(entry_id, limit=40)!r} on this ledger. ac-tools audit show lists them.")
    return told_apart([entry], opened)[0], opened.history(entry_id)


def _entries(
    url: str | None, agent: str | None, since: str | None, state: _State | None
) -> tuple[list[Entry], list[str]]:
    """What can be read, and the ids of what cannot."""
    from ac_tools._confirmable import told_apart
    from ac_tools.cli._since import epoch_seconds

    try:
        begin = epoch_seconds(since) if since else None
    except ValueError as error:
        fail(str(error), code=2)
    opened, unreadable = open_existing(url), list[str]()
    entries = opened.entries(agent=agent, state=state.value if state else None, since=begin, unreadable=unreadable)
    return told_apart(entries, opened), unreadable


def _fail_if_incomplete(unreadable: list[str]) -> None:
    """End with 1 where something is missing from what was shown."""
    if unreadable:
        fail(damaged(unreadable))
