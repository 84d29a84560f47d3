"""`ac-tools grants replay`: what another grants file would have said to the calls on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json
from ac_tools.cli._grants_explain import GrantsOption, toolkit_without_account
from ac_tools.cli._ledger_file import open_existing
from ac_tools.cli._options import AsJson, LedgerUrl

if TYPE_CHECKING:
    from ac_guardrails import Replay, Replayed


def replay(
    grants: GrantsOption,
    ledger: LedgerUrl = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's calls.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what began since then: 24h, 7d, or a day such as 2026-11-23 (UTC).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a grants file on the calls of a ledger: what it would have stopped, asked about and allowed.

    The account is not asked, and nothing is written. What hangs on names and values that the ledger no longer holds is
    told to be untold.
    """
    import ac_guardrails
    from ac_guardrails import Grants
    from ac_tools._catalog import catalog
    from ac_tools._explain import outline_by
    from ac_tools.cli._since import epoch_seconds

    try:
        begin = epoch_seconds(since) if since else None
    except ValueError as error:
        fail(str(error), code=2)
    candidate = Grants.from_file(grants, catalog=catalog)
    recorded = open_existing(ledger)
    outline = outline_by(toolkit_without_account(candidate, "nobody"))
    found = ac_guardrails.replay(candidate, recorded, agent=agent, since=begin, outline=outline)
    if as_json:
        print_json(_plain(found))
    else:
        typer.echo(str(found))


def _plain(found: Replay) -> dict[str, Any]:
    return {
        "calls": len(found.calls),
        "newly_denied": len(found.of("denied")),
        "newly_asked": len(found.of("asked")),
        "newly_allowed": len(found.of("allowed")),
        "same": len(found.of("same")),
        "untold": [{**_call(call), "why": call.why} for call in found.of("untold")],
        "differences": [_difference(call) for call in found.differences],
    }


def _call(call: Replayed) -> dict[str, Any]:
    entry = call.entry
    return {
        "id": entry.id,
        "at": entry.at.isoformat(timespec="milliseconds"),
        "agent": entry.agent,
        "tool": entry.tool,
        "sentence": entry.sentence,
    }


def _difference(call: Replayed) -> dict[str, Any]:
    assert call.now is not None
    now = {"now": call.now.kind, "reason": call.now.reason.strip(), "rule": call.now.rule}
    return {**_call(call), "then": call.then, **now}
