"""`ac-tools guard`: halting every agent on a ledger, and letting them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._ledger_file import damaged, open_existing
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from ac_guardrails import Ledger, Stop

app = typer.Typer(help="Stop every agent on a ledger, and let them go on.", no_args_is_help=True)


@app.command()
def stop(
    reason: Annotated[str, typer.Argument(help="Why; the agents are told.", show_default=False)],
    ledger: LedgerUrl = None,
    reads: Annotated[bool, typer.Option("--reads", help="Halt reads, too.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Halt every write of every process on the ledger, from its next request on.

    What has left already is not called back. Questions may still be answered, but nothing runs.
    """
    if not reason.strip():
        fail("Say why, for the agents and the record.", code=2)
    opened = open_existing(ledger)
    before = opened.stopped()
    if before is None or (reads and not before.reads):
        opened.stop(reason.strip(), by=name_of(by), reads=reads)
    _print(opened, as_json=as_json, note=_already(before, reads=reads))


@app.command()
def resume(ledger: LedgerUrl = None, by: By = None, as_json: AsJson = False) -> None:
    """Let the agents go on."""
    opened = open_existing(ledger)
    if opened.stopped() is not None:
        opened.resume(by=name_of(by))
    _print(opened, as_json=as_json)


@app.command()
def status(ledger: LedgerUrl = None, as_json: AsJson = False) -> None:
    """Tell whether the agents are stopped, and what is left open."""
    _print(open_existing(ledger), as_json=as_json)


def _already(before: Stop | None, *, reads: bool) -> str:
    return "It was stopped already:" if before is not None and (before.reads or not reads) else ""


def _print(ledger: Ledger, *, as_json: bool, note: str = "") -> None:
    """The stop that holds, and how many calls wait, are under way or unknown."""
    from ac_tools.cli import _questions as questions

    unreadable: list[str] = []
    stopped, (waiting, hidden) = ledger.stopped(), questions.waiting(ledger)
    entries = ledger.not_closed(unreadable=unreadable)
    unreadable += [entry for entry in hidden if entry not in unreadable]
    unknown = sum(entry.state == "unknown" for entry in entries)
    sent = sum(entry.state == "open" and entry.writes > 0 for entry in entries)
    if as_json:
        data: dict[str, Any] = {"stopped": stopped is not None}
        if stopped is not None:
            at = stopped.at.isoformat(timespec="seconds")
            data |= {"at": at, "by": stopped.by, "reason": stopped.reason, "reads": stopped.reads}
        print_json({**data, "waiting": len(waiting), "open": sent, "unknown": unknown, "damaged": unreadable})
        return
    for line in (*_lines(stopped, note), *_open(len(waiting), sent, unknown)):
        stdout().print(line, soft_wrap=True)
    if unreadable:
        say(damaged(unreadable))


def _lines(stopped: Stop | None, note: str) -> list[str]:
    from ac_guardrails import inert

    if stopped is None:
        return ["Nothing is stopped: the agents may do what their grants say."]
    what = "request" if stopped.reads else "write"
    halts = f"No process on this ledger sends another {what}; what has left already is not called back."
    said = inert(str(stopped), limit=600)
    return [f"{note} {said}" if note else said, halts, "To let the agents go on: ac-tools guard resume"]


def _open(waiting: int, sent: int, unknown: int) -> list[str]:
    lines = []
    if waiting:
        calls = "1 call waits" if waiting == 1 else f"{waiting} calls wait"
        lines.append(f"{calls} for a person: ac-tools approvals list")
    if sent:
        calls = "1 write is" if sent == 1 else f"{sent} writes are"
        lines.append(f"{calls} under way, or cut off by a crash: ac-tools audit settle")
    if unknown:
        calls = "1 call" if unknown == 1 else f"{unknown} calls"
        lines.append(f"The outcome of {calls} is unknown: ac-tools audit settle")
    return lines
