"""`ac-tools tools`: what there is, and what an agent may use of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json, stdout
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from ac_guardrails import Grants
    from ac_tools.tools import ActiveCampaignTool

_WIDE = 150
"""Columns from which everything about a tool fits one line."""


def tools(
    agent: Annotated[
        str | None, typer.Option(envvar="ACTIVECAMPAIGN_AGENT", help="Mark what this agent may use.")
    ] = None,
    grants: Annotated[
        Path | None,
        typer.Option(envvar="ACTIVECAMPAIGN_GRANTS", exists=True, dir_okay=False, help="The grants file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the 29 tools: permission, level, risk, what they act on, and their webhook event."""
    from ac_tools.tools import TOOLS

    rights = _grants(agent, grants)
    rows = [_row(tool, rights, agent) for tool in TOOLS]
    if as_json:
        print_json(rows)
        return
    console = stdout()
    if console.width >= _WIDE:
        console.print(_table(rows, agent))
    else:
        console.print(_two_lines_each(rows))


def _grants(agent: str | None, path: Path | None) -> Grants | None:
    """The grants to mark tools by; None where no agent is asked about."""
    if agent is None:
        return None
    if path is None:
        fail("Whose grants? Give --grants FILE, or set ACTIVECAMPAIGN_GRANTS.", code=2)
    from ac_guardrails import Grants
    from ac_tools._catalog import catalog

    rights = Grants.from_file(path, catalog=catalog)
    if agent not in rights.agents:
        fail(f"{path} has no agent {agent!r}. It has: {', '.join(rights.agents) or 'none'}.", code=2)
    return rights


def _row(tool: type[ActiveCampaignTool], rights: Grants | None, agent: str | None) -> dict[str, Any]:
    endpoint = tool.endpoint
    name = tool.model_fields["name"].default
    row: dict[str, Any] = {
        "name": name,
        "permission": endpoint.permission,
        "level": str(endpoint.level),
        "full_when": endpoint.full_when,
        "risk": endpoint.risk,
        "acts_on": endpoint.acts_on,
        "event": endpoint.event,
        "endpoint": f"{endpoint.method} {endpoint.path}",
    }
    if rights is not None and agent is not None:
        row["granted"] = name in rights.tools(agent)
    return row


def _table(rows: list[dict[str, Any]], agent: str | None) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("Tool", "Permission", "Level", "Acts on", "Webhook event", "Risk", agent or ""):
        table.add_column(title)
    for row in rows:
        table.add_row(
            row["name"], row["permission"], _level(row), row["acts_on"], row["event"], row["risk"], _mark(row)
        )
    return table


def _two_lines_each(rows: list[dict[str, Any]]) -> Group:
    """For narrow pages: what a tool needs on the first line, what it does on the second."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = []
    for row in rows:
        parts.append(Text.assemble((f"{row['name']:<29}", "bold"), f"{row['permission']:<20}", _level(row), _mark(row)))
        event = f"; fires {row['event']}" if row["event"] else ""
        parts.append(Padding(Text(f"{row['risk']}; acts on {row['acts_on']}{event}", style="dim"), (0, 0, 0, 2)))
    return Group(*parts)


def _level(row: dict[str, Any]) -> Text:
    from rich.text import Text

    level = f"{row['level']}, full" if row["full_when"] else row["level"]  # the latter in cases that its card explains
    return Text(f"{level:<12}", style={"full": "red", "write": "yellow"}.get(row["level"], ""))


def _mark(row: dict[str, Any]) -> Text:
    """Whether the agent may use the tool; at the level full a person agrees each time."""
    from rich.text import Text

    if "granted" not in row:
        return Text()
    if not row["granted"]:
        return Text("no", style="dim")
    return Text("asks", style="yellow") if row["level"] == "full" else Text("yes", style="green")
