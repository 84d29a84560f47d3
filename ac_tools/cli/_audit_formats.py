"""Entries as sentences, JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from ac_guardrails import Entry, inert
from ac_tools.cli._console import print_json, print_json_line
from ac_tools.cli._ledger_table import style_of

if TYPE_CHECKING:
    from rich.console import Console

    from ac_guardrails._history import Moment

_COLUMNS = ("id", "at", "agent", "tool", "host", "what", "decision", "by", "reason", "outcome", "state", "joined")
_SAID = ("asked_to", "changed", "agreed", "objection")
_COUNTS = ("is_write", "writes", "reads")
_UNDO = ("undoes", "behalf", "undone")
_TOLD = ("confirmation", "otherwise")


def as_data(entry: Entry) -> dict[str, Any]:
    """An entry as plain data, without its payload."""
    data = {name: getattr(entry, name) for name in (*_COLUMNS, *_COUNTS, *_UNDO, *_TOLD, *_SAID)}
    return {**data, "at": entry.at.isoformat(timespec="milliseconds"), "sentence": entry.sentence}


def print_all(entries: Iterable[Entry]) -> None:
    """Print entries as one JSON array."""
    print_json([as_data(entry) for entry in entries])


def print_one(console: Console, entry: Entry, *, as_json: bool) -> None:
    """Print one entry of many that are still to come."""
    if as_json:
        print_json_line(as_data(entry))
    else:
        print_sentences(console, [entry])


def print_sentences(console: Console, entries: Iterable[Entry]) -> None:
    """Print a line an entry: when (UTC), its name, and the sentence; on a terminal, wrapped beside the time."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for entry in entries:
        when = f"{entry.at:%Y-%m-%d %H:%M:%SZ}"
        sentence = inert(entry.sentence, limit=1000)
        if console.is_terminal:
            name = Text(f"{when}\n{entry.id}", style="dim")
            grid.add_row(name, Text(sentence, style=style_of(entry), overflow="fold"))
        else:
            console.print(Text(f"{when}  {entry.id}  {sentence}"), soft_wrap=True)
    if console.is_terminal:
        console.print(grid)


def print_history(console: Console, entry: Entry, moments: Iterable[Moment], *, as_json: bool) -> None:
    """Print an entry's sentence, and below it what happened to it, a line a step."""
    if as_json:
        steps = [{"at": each.at.isoformat(timespec="milliseconds"), "said": each.said} for each in moments]
        print_json({**as_data(entry), "history": steps})
        return
    from rich.table import Table
    from rich.text import Text

    print_sentences(console, [entry])
    grid = Table.grid(padding=(0, 2))
    for each in moments:
        when, said = f"{each.at:%Y-%m-%d %H:%M:%SZ}", inert(each.said, limit=1000)
        if console.is_terminal:
            grid.add_row(Text(when, style="dim"), Text(said, overflow="fold"))
        else:
            console.print(Text(f"  {when}  {said}"), soft_wrap=True)
    if console.is_terminal:
        console.print(grid)


def write_jsonl(file: TextIO, entries: Iterable[Entry]) -> None:
    """Write an object a line."""
    file.writelines(json.dumps(as_data(entry), ensure_ascii=False) + "\n" for entry in entries)


def write_csv(file: TextIO, entries: Iterable[Entry]) -> None:
    """Write a header and a row an entry."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*_COLUMNS, *_COUNTS, *_UNDO, *_TOLD, *_SAID, "sentence"))
    for entry in entries:
        writer.writerow([_cell(value) for value in as_data(entry).values()])


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
