"""`ac-tools webhooks`: what the account has told, as it comes and afterwards, and what could not be worked off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._ledger_file import nearest
from ac_tools.cli._options import AsJson
from ac_tools.cli._webhooks_formats import event_as_data, event_line, job_as_data, job_lines
from ac_tools.cli._webhooks_listen import StoreUrl, listen

if TYPE_CHECKING:
    from ac_tools.webhooks import Store

app = typer.Typer(help="Receive the account's webhooks, and look after those that were received.", no_args_is_help=True)
app.command("listen")(listen)


@app.command()
def events(
    store: StoreUrl = "sqlite:///webhooks.db",
    newest: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the events that came, oldest first, and how often each came again."""
    found = _opened(store).events(newest=newest)
    if as_json:
        print_json([event_as_data(one) for one in found])
    else:
        _print([event_line(one) for one in found], otherwise="No event has come.")


@app.command()
def failed(store: StoreUrl = "sqlite:///webhooks.db", as_json: AsJson = False) -> None:
    """List the work that was kept aside, with the reason: handlers that failed as often as they are tried."""
    jobs = _opened(store).jobs("failed")
    if as_json:
        print_json([job_as_data(job) for job in jobs])
    else:
        _print([job_lines(job) for job in jobs], otherwise="Nothing is kept aside.")


@app.command()
def retry(
    event: Annotated[str, typer.Argument(help="Only the work of this event; all without it.", show_default=False)] = "",
    store: StoreUrl = "sqlite:///webhooks.db",
    as_json: AsJson = False,
) -> None:
    """Have what was kept aside run again, from the first attempt on, as soon as its receiver runs."""
    opened = _opened(store)
    count = opened.retry(event)
    if event and not count:
        from ac_guardrails import inert

        near = nearest(event, {job.received.id for job in opened.jobs("failed")})
        fail(f"Nothing is kept aside of event {inert(event, limit=40)}.{near}")
    if as_json:
        print_json({"again": count})
    elif count:
        again = "1 handler runs" if count == 1 else f"{count} handlers run"
        typer.echo(f"{again} again as soon as the receiver works.")
    else:
        say("Nothing is kept aside.")


def _print(lines: Sequence[str], *, otherwise: str) -> None:
    from rich.text import Text

    console = stdout()
    for line in lines:
        console.print(Text(line), soft_wrap=not console.is_terminal)
    if not lines:
        say(otherwise)


def _opened(url: str) -> Store:
    """The store that a URL names; only `listen` makes one."""
    from pathlib import Path

    from ac_tools.webhooks import Store

    path = url.removeprefix("sqlite:///")
    if path not in ("", url) and not Path(path).is_file():
        fail(f"There are no webhooks at {path}. Name the receiver's file: --store sqlite:///webhooks.db.")
    try:
        return Store(url)
    except ValueError as error:
        fail(str(error), code=2)
