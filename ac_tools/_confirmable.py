"""Which event of the account confirms which write: what a tool's declaration says, applied to what is on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ac_guardrails import Entry, Ledger
from ac_guardrails._heard import heard_since

if TYPE_CHECKING:
    from ac_tools.tools._endpoint import Endpoint

_PERHAPS = {"/contact/sync": ("subscribe", "update")}
"""Events that a write may fire although no document says so."""
_LEFT_SOMETHING = ("done", "happened", "unknown", "cannot_tell")


def events_of(entry: Entry, *, perhaps: bool = False) -> tuple[str, ...]:
    """The events that a write can be confirmed by; none where the account has none for it.

    Args:
        entry: The write.
        perhaps: Also those that may come although no document says so.
    """
    from ac_tools.tools._by_name import tool_class

    kind, key = tool_class(entry.tool), entry.payload.get("key") or {}
    found = _fired_by(kind.endpoint, perhaps=perhaps) if kind else ()
    # Being subscribed and unsubscribed are two events of one tool: which of them, the arguments say.
    return tuple(event for event in found if event == key["status"]) if len(found) > 1 and "status" in key else found


def tools_that_fire(events: Collection[str]) -> list[str]:
    """The tools whose writes fire one of these events, or perhaps do."""
    from ac_tools.tools import ALL_TOOLS

    firing = (kind for kind in ALL_TOOLS if set(events).intersection(_fired_by(kind.endpoint, perhaps=True)))
    return [kind.model_fields["name"].default for kind in firing]


def told_apart(entries: Iterable[Entry], ledger: Ledger) -> list[Entry]:
    """The entries, with `confirmation` also where the account told nothing: "unconfirmed" or "not_confirmable".

    It stays empty where nobody listens: a write is unconfirmed only where its account had told of such an event before.

    Args:
        entries: Entries of the ledger.
        ledger: The ledger.
    """
    with ledger.reading() as connection:
        since = heard_since(connection)
    return [replace(entry, confirmation=_confirmation(entry, since)) for entry in entries]


def _confirmation(entry: Entry, since: dict[tuple[str, str], float]) -> str:
    if entry.confirmation or not entry.writes or entry.outcome not in _LEFT_SOMETHING:
        return entry.confirmation
    heard = {event for (host, event), at in since.items() if host == entry.host and at < entry.sent_at}
    events = events_of(entry)
    if heard.intersection(events):
        return "unconfirmed"
    return "not_confirmable" if heard and not events else ""


def _fired_by(endpoint: Endpoint, *, perhaps: bool) -> tuple[str, ...]:
    declared = tuple(filter(None, endpoint.event.split(", ")))
    return declared + (_PERHAPS.get(endpoint.path, ()) if perhaps else ())
