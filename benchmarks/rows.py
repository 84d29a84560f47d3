"""Long ledgers, made fast: the rows of one real write again and again, with a right chain."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator

from ac_guardrails import Grants, Guard
from ac_guardrails._events import chained
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog

_GRANTS = Grants.from_dict({"agents": {"marketing": {"contacts": "read", "tags": "write"}}}, catalog=catalog)
_YEAR = 365 * 86400.0


def fill(path: str, count: int) -> None:
    """Make a ledger.

    Args:
        path: The new file.
        count: How many rows it has, spread over a year that ended before the last 24 hours.
    """
    _one_write(path)
    connection = sqlite3.connect(path, isolation_level=None)
    rows = connection.execute("SELECT body, entry, kind, agent, at, call FROM events ORDER BY seq").fetchall()
    payload = connection.execute("SELECT body FROM payloads").fetchone()[0]
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.execute("DELETE FROM events")
    connection.execute("DELETE FROM payloads")
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _rows(rows, count))
    kept = ((f"{number:010x}", time.time(), payload) for number in range(min(count // len(rows), 10_000)))
    connection.executemany("INSERT INTO payloads (entry, at, closed, body) VALUES (?, ?, 1, ?)", kept)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _one_write(path: str) -> None:
    guard = Guard(_GRANTS, ledger=f"sqlite:///{path}")
    with ActiveCampaign.sandbox() as account:
        tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_add_tag")
        call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contact": "46", "tag": "1"}}
        tool.invoke(call, {"configurable": {"thread_id": "0"}})
    guard.ledger.close()


def _rows(like: list[tuple[str, str, str, str, float, str | None]], count: int) -> Iterator[tuple[object, ...]]:
    begun, previous = time.time() - 86400 - _YEAR, ""
    for seq in range(1, count + 1):
        body, _, kind, agent, _, call = like[(seq - 1) % len(like)]
        number = (seq - 1) // len(like)
        data = json.loads(body)
        data |= {"seq": seq, "at": int(begun + seq * _YEAR / count), "entry": f"{number:010x}"}
        data |= {"call": f"{number:032x}"} if call else {}
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        previous = chained(previous, text)
        yield seq, data["entry"], data["at"], kind, agent, text, previous, data.get("call")
