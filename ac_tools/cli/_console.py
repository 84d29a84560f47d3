"""Where commands write: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_WIDTH = 100
"""Columns where nobody says how wide the reader's page is."""


def stdout() -> Console:
    """The console for results. It takes no markup, so that text from an account stays text."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def say(text: str) -> None:
    """Tell the person something that is no result."""
    typer.echo(text, err=True)


def fail(text: str, *, code: int = 1) -> NoReturn:
    """End the command: 1 where something is wrong, 2 where the command was used wrongly."""
    say(text)
    raise typer.Exit(code)


def is_interactive() -> bool:
    """Whether a person sits at both ends: somebody to ask, and somebody who sees the question."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def stop_signal() -> threading.Event:
    """Set by Ctrl-C and by SIGTERM."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    return stop


def print_json(data: Any) -> None:
    """Print a result for machines."""
    typer.echo(json_text(data, indent=2))


def print_json_line(data: Any) -> None:
    """Print one of many results, on a line of its own."""
    typer.echo(json_text(data))


def json_text(data: Any, *, indent: int | None = None) -> str:
    """JSON that a person may look at, too: what could move the cursor or turn the text is escaped, and stays exact."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return text if text.isascii() else "".join(char if char.isascii() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    from ac_guardrails import inert

    return char if inert(char) == char else json.dumps(char)[1:-1]
