"""`ac-tools sandbox assumptions`: what the embedded account assumes, as a table or as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ac_tools.cli._console import fail, print_json, stdout
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from ac_tools.sandbox import Settings

_NAME, _VALUE = 26, 18  # columns of the widest name and value, so that the tables of all areas stand in line


def assumptions(as_json: AsJson = False) -> None:
    """List what the account assumes where nobody recorded how ActiveCampaign behaves, and why."""
    rows = _rows()
    if as_json:
        print_json(rows)
        return
    console = stdout()
    console.print("Set one with: ac-tools sandbox serve --set name=value", style="dim")
    changeable, fixed = ([row for row in rows if row["fixed"] is each] for each in (False, True))
    for area in dict.fromkeys(row["area"] for row in changeable):
        console.print(area, style="bold")
        console.print(_table([row for row in changeable if row["area"] == area]))
    console.print("Fixed: the sandbox is built on these, and they cannot be set.", style="bold")
    console.print(_table(fixed))


def _rows() -> list[dict[str, Any]]:
    from ac_tools.sandbox._settings import AREAS

    return [_row(field, area) for area, table in AREAS.items() for field in dataclasses.fields(table)]


def _row(field: dataclasses.Field[Any], area: str) -> dict[str, Any]:
    rule = field.metadata["rule"]
    return {
        "name": field.name,
        "area": area,
        "default": field.default,
        "decides": field.metadata["decides"],
        "why": field.metadata["why"],
        "allowed": (list(rule.choices) or rule.says) if rule else None,
        "fixed": rule is None,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column("Assumption", no_wrap=True, min_width=_NAME)
    table.add_column("Default", no_wrap=True, min_width=_VALUE)
    table.add_column("What it decides, and why", ratio=1, overflow="fold")
    for row in rows:
        value = Text(_shown(row["default"]))
        text = Text(row["decides"])
        if isinstance(row["allowed"], list):
            for each in row["allowed"]:
                value.append(f"\nor {_shown(each)}" if each != row["default"] else "", style="dim")
        elif row["allowed"]:
            text.append(f" It is {row['allowed']}.")
        table.add_row(row["name"], value, text.append(f"\n{row['why']}", style="dim"))
    return table


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_from(texts: list[str]) -> Settings:
    """The settings that `--set name=value` asks for; what cannot be set ends the command.

    Args:
        texts: What was given, one name=value each.
    """
    from ac_tools.sandbox import Settings

    try:
        return Settings.of(texts)
    except ValueError as error:
        fail(f"{error} To see all: ac-tools sandbox assumptions", code=2)
