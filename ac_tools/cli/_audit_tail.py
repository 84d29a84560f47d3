"""Following the ledger."""

from __future__ import annotations

import time

from ac_guardrails import Entry, Ledger
from ac_tools.cli._audit_formats import print_one
from ac_tools.cli._console import say, stdout
from ac_tools.cli._ledger_file import damaged

_LOOK_EVERY = 0.3
"""Seconds between two looks into the ledger."""


class Tail:
    """Prints each entry when it begins to wait, when it ends, and when more becomes known of how it ended.

    Args:
        ledger: The ledger.
        agent: Only this agent's entries.
        as_json: Whether to print JSON instead of sentences.
    """

    def __init__(self, ledger: Ledger, *, agent: str | None, as_json: bool) -> None:
        self._ledger = ledger
        self._agent = agent
        self._as_json = as_json
        self._console = stdout()
        self._told: dict[str, tuple[str, str]] = {}
        """State and outcome of the open entries, as they were last looked at."""
        self._seq = 0

    def run(self, *, newest: int) -> None:
        """Follow until Ctrl-C.

        Args:
            newest: How many of the newest entries to print first.
        """
        self._changed()
        unreadable: list[str] = []
        entries = self._ledger.entries(agent=self._agent, unreadable=unreadable)
        _tell_damaged(unreadable)
        for entry in entries[-newest:] if newest else []:
            self._print(entry)
        for entry in entries:
            self._remember(entry)
        while True:
            time.sleep(_LOOK_EVERY)
            for entry_id in self._changed():
                unreadable = []
                found = self._ledger.entry(entry_id, unreadable=unreadable)
                _tell_damaged(unreadable)
                if found is not None and self._agent in (None, found.agent):
                    self._meet(found)

    def _changed(self) -> list[str]:
        """The entries that something happened to since the last look, oldest first; a read alone changes none."""
        with self._ledger.transaction(durable=False) as connection:
            sql = "SELECT seq, entry FROM events WHERE seq > ? AND kind != 'read' ORDER BY seq"
            rows = connection.execute(sql, (self._seq,)).fetchall()
        self._seq = rows[-1][0] if rows else self._seq
        return list(dict.fromkeys(entry for _, entry in rows))

    def _meet(self, entry: Entry) -> None:
        before = self._told.get(entry.id)
        if entry.state != "open" and before != (entry.state, entry.outcome):
            self._print(entry)
        self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        if entry.state == "closed":
            self._told.pop(entry.id, None)
        else:
            self._told[entry.id] = entry.state, entry.outcome

    def _print(self, entry: Entry) -> None:
        print_one(self._console, entry, as_json=self._as_json)


def _tell_damaged(entries: list[str]) -> None:
    if entries:
        say(damaged(entries))
