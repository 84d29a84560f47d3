"""What must be so before a write may leave: sent once, whoever runs it; no effect twice; no limit passed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from ac_guardrails._events import CLOSING, Event
from ac_guardrails._limits import Limit, Use, Used, Windows
from ac_guardrails._reading import entry_of

# The expressions are those of the index `events_of_writes`, letter by letter, so that no row has to be read.
_WITHIN = (
    "FROM events WHERE agent IN ({agents}) AND kind = 'sent' AND at > ?"
    " AND instr(json_extract(body, '$.areas'), json_quote(?))"
)
_UNITS = {unit: f"json_extract(body, '$.{unit}')" for unit in ("people", "calls")}
_COUNTED = {unit: f"SELECT COALESCE(SUM({units}), 0) {_WITHIN}" for unit, units in _UNITS.items()}
_IN_ORDER = {unit: f"SELECT at, COALESCE({units}, 0) {_WITHIN} ORDER BY at" for unit, units in _UNITS.items()}
_NEXT = "SELECT agent FROM events WHERE kind = 'sent' AND agent > ? AND agent < ? ORDER BY agent LIMIT 1"


class TakenError(Exception):
    """A write may not leave: this very call has sent it already, or another call for the same effect is not closed.

    Args:
        entry: The entry that stands in the way.
        same: Whether it is the same call, or the same approval.
    """

    def __init__(self, entry: str, *, same: bool) -> None:
        super().__init__(entry)
        self.entry = entry
        self.same = same


@dataclass(frozen=True, slots=True)
class Hold:
    """What must be so when a write is put on record, checked and recorded in one transaction.

    Args:
        first: Whether it is the call's first write.
        effect: The effect key, which no other entry may hold.
        windows: The limits that hold for it, each with how much of it the write would use.
        check: Raises where what is used of them so far leaves no room.
    """

    first: bool = True
    effect: str = ""
    windows: Windows = ()
    check: Callable[[Used], None] = lambda used: None


def refuse_second(connection: sqlite3.Connection, entry: str) -> None:
    """An entry is sent once and ends once, however many runs it has."""
    kinds = connection.execute("SELECT kind FROM events WHERE entry = ?", (entry,)).fetchall()  # there are few
    if any(kind == "sent" or kind in CLOSING for (kind,) in kinds):
        raise TakenError(entry, same=True)


def refuse_twice(connection: sqlite3.Connection, write: Event, effect: str) -> None:
    """One request an approval, one request a call, one request an effect that nobody has settled."""
    refuse_second(connection, write.entry)
    if write.call:
        sql = "SELECT entry FROM events WHERE call = ? AND entry != ? AND kind = 'sent' ORDER BY seq DESC LIMIT 1"
        row = connection.execute(sql, (write.call, write.entry)).fetchone()
        if row and not _certainly_undone(connection, row[0]):
            raise TakenError(row[0], same=True)
    if effect and (other := holder_of(connection, effect, write.entry)):
        raise TakenError(other, same=False)


def holder_of(connection: sqlite3.Connection, effect: str, entry: str) -> str:
    """The entry that holds an effect, other than this one; empty where none does."""
    sql = "SELECT entry FROM payloads WHERE effect = ? AND entry != ? AND closed = 0 LIMIT 1"
    row = connection.execute(sql, (effect, entry)).fetchone()
    return row[0] if row else ""


def used_by(connection: sqlite3.Connection, agent: str, windows: Windows, now: float) -> Used:
    """How much of each limit an agent's writes have used, whatever became of them."""
    return {limit: _use(connection, agent, limit, wanted, now) for limit, wanted in windows}


def _use(connection: sqlite3.Connection, agent: str, limit: Limit, wanted: int, now: float) -> Use:
    agents = _team(connection, limit.agent or agent)
    within = (*agents, now - limit.seconds, limit.area)
    places = ", ".join("?" * len(agents))
    (count,) = connection.execute(_COUNTED[limit.unit].format(agents=places), within).fetchone()
    surplus = count + wanted - limit.most
    if surplus <= 0 or wanted > limit.most:
        return Use(count)
    for at, units in connection.execute(_IN_ORDER[limit.unit].format(agents=places), within):
        surplus -= units
        if surplus <= 0:
            return Use(count, at + limit.seconds)
    raise AssertionError("The window holds less than was counted in it.")


def _team(connection: sqlite3.Connection, agent: str) -> list[str]:
    """An agent and those that work for it and have written. Each is one step in the index, however much they wrote."""
    found, after, end = [agent], f"{agent}/", f"{agent}0"  # the character after the slash
    while row := connection.execute(_NEXT, (after, end)).fetchone():
        found.append(row[0])
        after = row[0]
    return found


def _certainly_undone(connection: sqlite3.Connection, entry: str) -> bool:
    found = entry_of(connection, entry)
    return found is not None and found.outcome in ("refused", "not_sent")
