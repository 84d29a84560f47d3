"""`ac-tools grants`: checking a grants file, looking at it, and its schema for editors."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ac_guardrails._shown import areas_of, levels_of, limits_of
from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._grants_explain import explain
from ac_tools.cli._grants_replay import replay
from ac_tools.cli._options import AsJson, GrantsFile

if TYPE_CHECKING:
    from ac_guardrails import Grants

app = typer.Typer(
    help="Check, show and explain who may do what; try a new file on what happened.", no_args_is_help=True
)
app.command()(explain)
app.command()(replay)
_STYLES = {"off": "dim", "read": "", "write": "yellow", "full": "red"}


@app.command()
def check(file: GrantsFile) -> None:
    """Check a grants file; what is wrong, and what is surely not meant, is told with its line and column."""
    from ac_tools.cli._grants_lint import lint, schema_fault

    grants = _read(file)
    if fault := schema_fault(file, grants.catalog):
        fail(fault)
    for warning in lint(grants, file):
        say(f"Warning: {warning}")
    count = len(grants.agents)
    typer.echo(f"{file} can be used: {count} agent{'' if count == 1 else 's'} ({', '.join(grants.agents)}).")


@app.command()
def show(file: GrantsFile, as_json: AsJson = False) -> None:
    """Show what each agent may do in each area, as of today."""
    grants = _read(file)
    if as_json:
        print_json({agent: _plain(grants, agent) for agent in grants.agents})
        return
    _print_matrix(grants)


@app.command()
def schema() -> None:
    """Print the JSON Schema of grants files, for editors."""
    from ac_tools._catalog import catalog
    from ac_tools.cli._grants_schema import grants_schema

    print_json(grants_schema(catalog))


def _read(path: Path) -> Grants:
    """Read the file, and say what in it has no effect."""
    from ac_guardrails import Grants
    from ac_tools._catalog import catalog

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grants = Grants.from_file(path, catalog=catalog)
    for warning in caught:
        say(f"Warning: {warning.message}")
    return grants


def _plain(grants: Grants, agent: str) -> dict[str, Any]:
    return {"areas": levels_of(grants, agent), "limits": limits_of(grants, agent), "tools": list(grants.tools(agent))}


def _print_matrix(grants: Grants) -> None:
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("Agent", overflow="fold")
    every = {agent: levels_of(grants, agent) for agent in grants.agents}
    areas = areas_of(grants)
    for area in areas:
        table.add_column(area, no_wrap=True)
    for agent, levels in every.items():
        table.add_row(agent, *(Text(levels[area], style=_STYLES[levels[area]]) for area in areas))
    console.print(table)
    console.print()
    for agent in grants.agents:
        for line in limits_of(grants, agent):
            console.print(Text(f"{agent}, {line}"))
