"""`ac-tools sandbox`: the embedded account over real HTTP, and what it assumes."""

from __future__ import annotations

import signal
import threading
from typing import Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._options import AsJson

app = typer.Typer(help="The embedded account, for anyone's client.", no_args_is_help=True)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on loopback; 0 takes a free one.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Requests a second; 0 for any number.")] = 5,
    key: Annotated[str, typer.Option(help="The API key that it takes.")] = "sandbox",
    empty: Annotated[bool, typer.Option("--empty", help="Begin with nothing but one user.")] = False,
) -> None:
    """Serve an account over HTTP on this machine until Ctrl-C. The first line says its URL and key."""
    from ac_tools.sandbox import Sandbox
    from ac_tools.sandbox import serve as serving

    if not key or not all("!" <= mark <= "~" for mark in key):
        fail("A key is ASCII text without spaces.", code=2)
    sandbox = Sandbox(empty=empty, key=key, limit=limit or None)
    try:
        server = serving(sandbox, port=port)
    except OSError as error:
        fail(f"Port {port} cannot be used ({error.strerror}). Choose another, or 0 for a free one.")
    stop = _stop_signal()
    with server:
        typer.echo(f"{server.url} key: {key}")
        while not stop.wait(3600):  # a wait without end could not be interrupted everywhere
            pass
    say(f"Stopped after {len(sandbox.requests)} requests.")


@app.command()
def assumptions(as_json: AsJson = False) -> None:
    """List what the account assumes where nobody recorded how ActiveCampaign behaves, and why."""
    import dataclasses

    from ac_tools.sandbox import Settings

    rows = [
        {"name": field.name, "value": field.default, "why": field.metadata["why"]}
        for field in dataclasses.fields(Settings)
    ]
    if as_json:
        print_json(rows)
        return
    _print_assumptions(rows)


def _stop_signal() -> threading.Event:
    """Set by Ctrl-C and by SIGTERM."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    return stop


def _print_assumptions(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("Assumption", "Value", "Why"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(row["name"], str(row["value"]), row["why"])
    stdout().print(table)
