"""`ac-tools doctor`: whether the account can be worked with, found out with reads only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import print_json, stdout
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from ac_guardrails import Answer, Guard
    from ac_tools import ActiveCampaign
    from ac_tools.cli._check import Finding

_READS = {
    "contacts": "/contacts",
    "lists": "/lists",
    "tags": "/tags",
    "deals": "/deals",
    "fields": "/fields",
    "automations": "/automations",
    "accounts": "/accounts",
}
"""The cheapest read of each area. Campaigns are only written."""
_MOST_SECONDS_OFF = 60.0


def doctor(
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Check the embedded account instead.")] = False,
    contracts: Annotated[
        bool, typer.Option("--contracts", help="Compare what the account answers with what it was known to answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check host, key, permissions and clock, or the shape of the answers. Only reads; the key is never shown.

    The account is the one of ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY.
    """
    if contracts:
        _compare(sandbox=sandbox, as_json=as_json)
        return
    findings = _examine(sandbox=sandbox)
    if as_json:
        print_json([{"check": each.check, "result": each.result, "detail": each.detail} for each in findings])
    else:
        stdout().print(_table(findings))
    if any(each.result == "wrong" for each in findings):
        raise typer.Exit(1)


def _compare(*, sandbox: bool, as_json: bool) -> None:
    """Compare, tell, and end with 1 where something is missing, of another type, or not to be read."""
    from ac_guardrails import inert
    from ac_tools import ActiveCampaign, ConfigurationError
    from ac_tools.cli._check import look, reads_only
    from ac_tools.cli._doctor_contracts import areas, comparisons, findings
    from ac_tools.cli._doctor_contracts import as_json as in_json

    compared, detail, host = [], "", ""
    try:
        with ActiveCampaign.sandbox() if sandbox else ActiveCampaign.from_env() as account:
            host, guard = account.host, reads_only(areas())
            me = look(guard, account, "contacts", "/users/me")
            compared = list(comparisons(account, guard)) if me.ok else []
            detail = "" if me.ok else me.content
    except ConfigurationError as error:
        detail = str(error)
    ok = not detail and all(each.ok for each in compared)
    if as_json:
        print_json({"host": host, "ok": ok, "detail": detail, "endpoints": [in_json(each) for each in compared]})
    else:
        stdout().print(inert(detail, limit=600) if detail else _table(findings(compared)))
    if not ok:
        raise typer.Exit(1)


def _examine(*, sandbox: bool) -> list[Finding]:
    from ac_tools import ActiveCampaign, ConfigurationError
    from ac_tools.cli._check import Finding, reads_only

    try:
        account = ActiveCampaign.sandbox() if sandbox else ActiveCampaign.from_env()
    except ConfigurationError as error:
        return [Finding("URL and key", "wrong", str(error))]
    with account:
        return [Finding("URL and key", "ok", f"{account.host}, and a key"), *_connected(account, reads_only(_READS))]


def _connected(account: ActiveCampaign, guard: Guard) -> list[Finding]:
    """What the account says; once it refuses the key or cannot be reached, nothing more is asked of it."""
    from ac_tools.cli._check import Finding, look

    me = look(guard, account, "contacts", "/users/me")
    if not me.ok:
        skipped = [Finding(name, "skipped", "not checked") for name in (*_READS, "clock")]
        return [Finding("account answers", "wrong", me.content), *skipped]
    user = me.artifact.data.get("user", {}) if isinstance(me.artifact.data, dict) else {}
    findings = [Finding("account answers", "ok", f"the key belongs to {user.get('email') or 'a user without address'}")]
    for area, path in _READS.items():
        findings.append(_area(area, look(guard, account, area, path, limit=1)))
    return [*findings, _clock(me.artifact.date)]


def _area(area: str, answer: Answer) -> Finding:
    from ac_tools.cli._check import Finding

    return Finding(area, "ok", "can be read") if answer.ok else Finding(area, "wrong", answer.content)


def _clock(date: str) -> Finding:
    """Compare the clocks: a grant's last day and an approval's end are told by this machine's."""
    from email.utils import parsedate_to_datetime

    from ac_tools.cli._check import Finding

    try:
        off = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding("clock", "skipped", "not checked: the account's answers carry no date")
    if abs(off) <= _MOST_SECONDS_OFF:
        return Finding("clock", "ok", "agrees with the account's")
    side = "ahead of" if off > 0 else "behind"
    return Finding(
        "clock", "wrong", f"this machine is {abs(off):.0f} seconds {side} the account. Set its clock, best by NTP."
    )


def _table(findings: list[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from ac_guardrails import inert

    signs = {"ok": ("✓", "green"), "wrong": ("✗", "red"), "skipped": ("-", "dim")}
    table = Table.grid(padding=(0, 2))
    for each in findings:
        sign, style = signs[each.result]
        table.add_row(Text(sign, style=style), Text(each.check), Text(inert(each.detail, limit=600), overflow="fold"))
    return table
