"""The ledger as a table that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ac_guardrails._shown import Tone, tone_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from ac_guardrails import Entry

_STYLES: dict[Tone, str] = {
    "": "",
    "written": "green",
    "rehearsed": "cyan",
    "halted": "yellow",
    "wrong": "red",
    "joined": "dim",
    "stopped": "bold red",
    "resumed": "bold green",
}


def ledger_table(entries: Iterable[Entry]) -> Table:
    """Who asked for what, what was decided, and what came of it: a row a call.

    Args:
        entries: What is on record, in the order to show.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ac_guardrails import inert

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column("Agent", no_wrap=True)
    table.add_column("asked to", ratio=1, overflow="fold")
    table.add_column("Decision", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    for entry in entries:
        style = style_of(entry)
        outcome = Text(entry.outcome.replace("_", " ") or "-", style=style)
        table.add_row(inert(entry.agent, limit=24), _what(entry), Text(entry.decision, style=style), outcome)
    return table


def style_of(entry: Entry) -> str:
    """The colour of an entry: green for what was written, yellow for what people stopped, red for what went wrong."""
    return _STYLES[tone_of(entry)]


def _what(entry: Entry) -> Text:
    """The act, and below it who decided and why."""
    from rich.text import Text

    from ac_guardrails import inert

    text = Text(inert(entry.what, limit=200))
    by = f"by {entry.by}" if entry.by else ""
    if because := ": ".join(part for part in (by, entry.reason) if part):
        text.append(f"\n{inert(because, limit=300)}", style="dim")
    return text
