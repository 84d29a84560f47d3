"""`ac-tools approvals allow, standing, revoke`: saying yes beforehand, within edges."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._ledger_file import nearest, open_existing
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from rich.table import Table

    from ac_guardrails import Ledger, Standing, StandingApproval


def allow(
    tool: Annotated[str, typer.Argument(help="The tool, such as ac_add_to_automation.", show_default=False)],
    values: Annotated[
        list[str] | None,
        typer.Argument(help="What a call must have, as name=value; a record by id or name.", show_default=False),
    ] = None,
    *,
    agent: Annotated[str, typer.Option(envvar="ACTIVECAMPAIGN_AGENT", help="The agent.", show_default=False)],
    until: Annotated[
        str, typer.Option(help="The last day, such as 2026-12-31, or a time; in UTC.", show_default=False)
    ],
    times: Annotated[int | None, typer.Option(help="The most calls that it answers.", show_default=False)] = None,
    people: Annotated[int | None, typer.Option(help="The most people they touch.", show_default=False)] = None,
    ledger: LedgerUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say yes beforehand: calls like this run by themselves, so often and so long, and are on record with your name.

    What the account makes graver, such as subscribing somebody who opted out, is asked about all the same.
    """
    arguments = _arguments(tool, values or [])
    standing = _standing(open_existing(ledger))
    try:
        approval = standing.allow(
            agent=agent, tool=tool, by=name_of(by), until=_until(until), arguments=arguments, times=times, people=people
        )
    except ValueError as error:
        fail(str(error), code=2)
    if as_json:
        print_json(_as_data(approval))
    else:
        typer.echo(f"{approval}.\nTo take it back: ac-tools approvals revoke {approval.id}")


def standing(ledger: LedgerUrl = None, as_json: AsJson = False) -> None:
    """List what was agreed to beforehand, and how much of it is used."""
    opened = open_existing(ledger)
    found = _standing(opened).all()
    if as_json:
        print_json([_as_data(each) for each in found])
    elif found:
        stdout().print(_table(found, opened.now()))
    else:
        say("Nothing was agreed to beforehand.")


def revoke(
    approval: Annotated[str, typer.Argument(help="Its id, as in the list.", show_default=False)],
    ledger: LedgerUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take back what was agreed to beforehand; a person is asked again from the next call on."""
    known = _standing(open_existing(ledger))
    try:
        found = known.revoke(approval, by=name_of(by))
    except ValueError as error:
        fail(f"{error}{nearest(approval, [each.id for each in known.all()])}")
    if as_json:
        print_json(_as_data(found))
    else:
        typer.echo(f"Taken back: {found}.")


def _standing(ledger: Ledger) -> Standing:
    from ac_guardrails import Standing
    from ac_tools._catalog import catalog

    return Standing(ledger, catalog)


def _arguments(tool: str, values: list[str]) -> dict[str, Any]:
    """What was written as name=value, with names that the tool knows."""
    from ac_tools.tools import ALL_TOOLS

    known = {each.model_fields["name"].default: each.model_fields["args_schema"].default for each in ALL_TOOLS}
    if tool not in known:
        fail(f"There is no tool {tool!r}.{nearest(tool, known)}", code=2)
    names = list(known[tool].model_fields)
    found: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            fail(f"{text!r} says no value. Write name=value, such as {names[0]}=7.", code=2)
        if name not in names:
            fail(f"{tool} takes no argument {name!r}.{nearest(name, names)} It takes: {', '.join(names)}.", code=2)
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    """A value as JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _until(text: str) -> datetime:
    """The moment at which it ends: of a day, its end."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no day or time. Use one such as 2026-12-31 or 2026-12-31T18:00.", code=2)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1) if len(text) == len("2026-12-31") else moment


def _as_data(approval: StandingApproval) -> dict[str, Any]:
    from dataclasses import asdict

    until = datetime.fromtimestamp(approval.until, UTC).isoformat(timespec="seconds")
    return {**asdict(approval), "until": until}


def _table(found: list[StandingApproval], now: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    from ac_guardrails import inert

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("Id", "What", "By", "Used"):
        table.add_column(name, overflow="fold")
    for each in found:
        used = [f"{each.used} of {each.times} times" if each.times else f"{each.used} times"]
        used += [f"{each.touched} of {each.people} people"] if each.people else []
        used += ["its time is over"] if now >= each.until else []
        table.add_row(*(Text(text) for text in (each.id, inert(str(each), limit=300), each.by, ", ".join(used))))
    return table
