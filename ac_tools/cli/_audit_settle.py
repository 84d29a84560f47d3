"""Settling what was left open: by reading it back, or on a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ac_guardrails import Entry, Grants, Guard, Ledger, Settlement, inert
from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._ledger_file import damaged, nearest

if TYPE_CHECKING:
    from ac_tools import ActiveCampaign


def read_back(ledger: Ledger, entry_id: str, *, as_json: bool) -> None:
    """Read the open entries back, and print what became of each; ends with 1 where one of all could not be read.

    Args:
        ledger: The ledger.
        entry_id: Only this entry; all without it.
        as_json: Whether to print JSON.
    """
    from ac_tools import ActiveCampaign

    unreadable: list[str] = []
    chosen = [entry for entry in ledger.not_closed(unreadable=unreadable) if entry_id in ("", entry.id)]
    if chosen:
        with ActiveCampaign.from_env() as account:
            here = [entry for entry in chosen if entry.host == account.host]
            _print(_settled(ledger, account, here), as_json=as_json)
            _tell_others(account.host, [entry for entry in chosen if entry not in here])
    else:
        say(_nothing_in(_known(ledger, entry_id)) if entry_id else "Nothing is left to settle.")
        _print([], as_json=as_json)
    if unreadable and not entry_id:
        fail(damaged(unreadable))


def by_hand(ledger: Ledger, entry_id: str, *, happened: bool, by: str, as_json: bool) -> None:
    """Settle an entry on a person's word.

    Args:
        ledger: The ledger.
        entry_id: The entry.
        happened: Whether it happened.
        by: The person's name.
        as_json: Whether to print JSON.
    """
    from ac_guardrails._settle import close

    entry = _known(ledger, entry_id)
    try:
        settlement = close(_guard(ledger), entry_id, happened=happened, by=by)
    except ValueError as error:
        fail(str(error) if entry.writes and entry.state != "closed" else _nothing_in(entry))
    _print([(entry, settlement)], as_json=as_json)


def _guard(ledger: Ledger) -> Guard:
    """A guard that lets nobody do anything, for reading back alone."""
    from ac_tools._catalog import catalog

    return Guard(Grants.from_dict({"agents": {}}, catalog=catalog), ledger=ledger)


def _nothing_in(entry: Entry) -> str:
    return f"There is nothing to settle in entry {entry.id}: {inert(entry.sentence, limit=600)}"


def _known(ledger: Ledger, entry_id: str) -> Entry:
    entry = ledger.entry(entry_id)
    if entry is None:
        near = nearest(entry_id, [each.id for each in ledger.not_closed(unreadable=[])])
        fail(f"There is no entry {inert(entry_id, limit=40)!r}.{near}")
    return entry


def _settled(ledger: Ledger, account: ActiveCampaign, entries: list[Entry]) -> list[tuple[Entry, Settlement]]:
    from ac_guardrails._stop import StoppedError
    from ac_tools.tools._by_name import reading_back

    guard, settled = _guard(ledger), []
    for entry in entries:
        try:
            found = guard.settle(account, reading_back, host=account.host, entry=entry.id)
        except StoppedError as error:
            fail(f"{error} To read back, let the guard go on first: ac-tools guard resume")
        settled += [(entry, settlement) for settlement in found]
    return settled


def _print(settled: list[tuple[Entry, Settlement]], *, as_json: bool) -> None:
    if as_json:
        print_json([_as_data(entry, settlement) for entry, settlement in settled])
        return
    for entry, settlement in settled:
        stdout().print(f"{entry.id}  {_sentence(entry, settlement)}", soft_wrap=True)


def _as_data(entry: Entry, settlement: Settlement) -> dict[str, Any]:
    return {
        "entry": entry.id,
        "agent": entry.agent,
        "what": entry.what,
        "outcome": settlement.outcome,
        "reason": settlement.reason,
        "look_again_at": settlement.look_again_at or None,
    }


def _sentence(entry: Entry, settlement: Settlement) -> str:
    """Who asked for what, what became of it, and what to do next."""
    from ac_guardrails._settle import when

    what = inert(entry.what or "begin a call", limit=400)
    told = f"{inert(entry.agent, limit=80)} asked to {what} in {entry.host}. {inert(str(settlement), limit=400)}"
    match settlement.outcome:
        case "unknown":
            return f"{told} It may still land; look again after {when(settlement.look_again_at)}."
        case "cannot_tell":
            return f"{told} Look for yourself, then: ac-tools audit settle {entry.id} --as happened|did-not-happen"
        case _:
            return told


def _tell_others(host: str, others: list[Entry]) -> None:
    """Say which entries are of accounts that this key does not open."""
    if others:
        hosts = ", ".join(sorted({entry.host or "no account yet" for entry in others}))
        say(f"Left alone: {len(others)} of {hosts}. ACTIVECAMPAIGN_URL names {host}.")
