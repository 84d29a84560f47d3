"""What the demo says before it begins and after it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ac_guardrails import Entry
from ac_tools.cli._demo._leads import Leads
from ac_tools.cli._ledger_table import ledger_table

PEOPLE = {
    "you": "you: the agent waits for your answer where a person must decide",
    "script": "scripted answers, since this is no terminal",
    "no-terminal": "scripted answers, as you asked for",
    "yes": "nobody: everything is approved, as you asked for",
}
"""Who plays the person who is asked, in words."""


_SCRIPTED = "scripted: its words and calls were written beforehand. A real one: --model provider:name"


@dataclass(frozen=True)
class Setting:
    """How the demo is played.

    Args:
        model: The real model, or None for the scripted one.
        limit: Requests a second that the account admits, or None.
        person: A key of PEOPLE.
        ledger: The ledger's URL.
    """

    model: str | None
    limit: int | None
    person: str
    ledger: str


@dataclass(frozen=True)
class Run:
    """What happened.

    Args:
        entries: What is on record.
        requests: Requests that reached the account.
        imports: How many of them were imports.
        people: People that the agent's writes to contacts touched.
        seconds: How long it took.
    """

    entries: Sequence[Entry]
    requests: int
    imports: int
    people: int
    seconds: float

    def decided(self, decision: str) -> int:
        """How many calls this was decided of."""
        return sum(entry.decision == decision for entry in self.entries)


def introduce(console: Console, setting: Setting, leads: Leads, agent: str, host: str) -> None:
    """Say what is real here and what is not."""
    if setting.model:
        leaves = "only what the agent reads leaves this machine, to the model's provider"
    else:
        leaves = "nothing leaves this machine"
    pace = f"{setting.limit} requests a second" if setting.limit else "no limit of requests"
    kept = "in memory, gone when the demo ends" if setting.ledger == "memory:" else setting.ledger
    console.print(Text("An agent works through the leads of a trade fair.", style="bold"))
    console.print()
    console.print(
        _pairs(
            ("Account", f"{host}: embedded in this process, {pace}; {leaves}"),
            ("Model", setting.model or _SCRIPTED),
            ("Person", PEOPLE[setting.person]),
            ("Agent", f"{agent}, with the grants of examples/grants.yaml"),
            ("Ledger", kept),
            ("Leads", _leads(leads)),
        )
    )


def conclude(console: Console, run: Run) -> None:
    """Show the ledger as a table of sentences, and the run in figures."""
    approved, edited, rejected = (run.decided(each) for each in ("approved", "edited", "rejected"))
    asked = approved + edited + rejected + run.decided("expired") + run.decided("waiting")
    console.print()
    console.print(Text(f"The ledger: {len(run.entries)} calls, every one on record.", style="bold"))
    console.print(ledger_table(run.entries))
    console.print(
        _pairs(
            ("Requests", f"{run.requests} sent to the account, {run.imports} of them imports"),
            ("People", f"{run.people} created or updated"),
            ("Approvals", f"{asked} asked for: {approved + edited} approved, {rejected} rejected"),
            ("Refusals", f"{run.decided('refused')} by the guard, without asking anybody"),
            ("Time", f"{run.seconds:.1f} seconds"),
        )
    )


def _leads(leads: Leads) -> str:
    return (
        f"{leads.rows} rows: {leads.malformed} with a malformed address, {leads.refused} without clear consent, "
        f"{leads.repeated} duplicates; {len(leads.people)} people remain"
    )


def _pairs(*pairs: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, text in pairs:
        table.add_row(Text(f"  {label}", style="dim"), Text(text))
    return table
