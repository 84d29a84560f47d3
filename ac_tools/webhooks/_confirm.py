"""The account's own events, set against the ledger: which write each confirms or contradicts, and what nobody here did.

The secret in the webhook's URL is all that stands for an event. So it closes what is on record, and causes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ac_guardrails import Entry, quoted
from ac_guardrails._heard import Bearing, Notice, hear
from ac_tools._confirmable import events_of, tools_that_fire
from ac_tools.tools._by_name import tool_class
from ac_tools.tools._read_back import any_case
from ac_tools.webhooks._acts import OPPOSITES, Act, act_of
from ac_tools.webhooks._errors import SetAside

if TYPE_CHECKING:
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.webhooks._store import Received

_REMEMBERED = 60.0
"""Seconds for which a tag's name is remembered, as tools remember names."""


class Confirming:
    """A handler that sets each event that the API has caused against the ledger.

    Args:
        toolkit: The ledger, the account, and the agent whose grants let tags be looked up by name.
    """

    def __init__(self, toolkit: ActiveCampaignToolkit) -> None:
        self._toolkit = toolkit
        self._tags: dict[str, tuple[float, int]] = {}

    def __call__(self, received: Received) -> None:
        """Set one event against the ledger.

        Raises:
            SetAside: The grants do not let the tag be looked up that it names.
        """
        act = act_of(received.event) if received.event.initiated_from == "api" else None
        if act is not None:
            hear(self._toolkit.guard, self._notice(received, act), lambda entry: self._weighed(act, entry))

    def _notice(self, received: Received, act: Act) -> Notice:
        event = received.event
        return Notice(
            id=received.id,
            host=self._toolkit.account.host,
            event=event.type,
            at=event.date_time.timestamp() if event.date_time else received.at,
            tools=tools_that_fire({event.type, OPPOSITES.get(event.type, "")}),
            who="api",
            what=act.words("a tag"),
            plain=act.words(f"tag {quoted(act.tag, limit=80)}"),
            made=act.made,
        )

    def _weighed(self, act: Act, entry: Entry) -> Bearing | None:
        """What an event says of a write."""
        kind, key = tool_class(entry.tool), entry.payload.get("key") or {}
        if kind is None or kind.endpoint.acts_on != act.kind.acts_on or entry.outcome in ("refused", "not_sent"):
            return None
        ids = dict(act.ids)
        if act.tag and key.get("contact", ids["contact"]) == ids["contact"]:
            ids["tag"] = self._tag_id(act.tag)
        if not _is_about(act, ids, entry):
            return None
        events = events_of(entry, perhaps=True)
        if act.event.type in events:
            wrong = act.differing(key)
            return Bearing("other", f"{act.record} has another {' and '.join(wrong)}") if wrong else Bearing("same")
        if OPPOSITES.get(act.event.type) in events:
            tag = f"tag {ids.get('tag')}"
            return Bearing("against", f"somebody else {act.words(tag)}")
        return None

    def _tag_id(self, name: str) -> int:
        """The id of a tag; 0 where the account has none of that name."""
        until, number = self._tags.get(name, (0.0, 0))
        if time.monotonic() < until:
            return number
        try:
            rows = self._toolkit.walk("ac_list_tags", search=name)
            number = next((int(row.id) for row in rows if any_case(row.name) == any_case(name)), 0)
        except PermissionError as error:
            raise SetAside(f"the event names a tag that could not be looked up: {error}") from error
        self._tags[name] = time.monotonic() + _REMEMBERED, number
        return number


def _is_about(act: Act, ids: Mapping[str, int], entry: Entry) -> bool:
    """Whether a write is about the very records that an event names."""
    kind, key = tool_class(entry.tool), entry.payload.get("key") or {}
    assert kind is not None
    if kind.endpoint.method == "POST" and kind.endpoint.acts_on in act.ids:
        number = entry.made.rpartition(" ")[2]
        return act.record.endswith(f" {number}") if number else bool(key) and act.kind.like(act.event, key)
    if key:
        return all(key.get(noun) == number for noun, number in ids.items())
    # Its values are gone; with ids alone, its sentence is the one that the tool makes of them.
    return entry.what == kind.sentence.format_map({noun: f"{noun} {number}" for noun, number in ids.items()})
