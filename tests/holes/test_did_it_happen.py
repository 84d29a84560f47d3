"""Rows 21 to 26: a write whose answer never came is not sent again, and what became of it is found out."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from ac_guardrails import LedgerError
from ac_guardrails._events import Event
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.sandbox import Sandbox

TOOL, FRESH = "ac_create_tag", {"name": "Fresh"}
TAGS = {"tags": "write"}
CUTS: dict[str, dict[str, Any]] = {
    "502": {"status": 502},
    "503": {"status": 503},
    "504": {"status": 504},
    "a timeout": {"cut": "timeout"},
    "a reset": {"cut": "reset"},
}
WORLDS = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


def told_how(message: Any) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


def tags_called(ask: Any, name: str) -> int:
    return len([tag for tag in ask("/tags?limit=100")["tags"] if tag["tag"] == name])


@pytest.mark.parametrize("cut", list(CUTS))
@WORLDS
def test_row_21_a_write_that_happened_before_the_cut_is_found_at_once(
    cut, asynchronous, account, toolkit_for, call, ask, writes
):
    """The work was done and the answer lost: the model hears that it happened, and the same call runs once only."""
    account.simulator.fault("POST", "/tags", **CUTS[cut], when="after")
    toolkit = toolkit_for(TAGS)
    for _ in range(2):
        message = call(toolkit, TOOL, FRESH, asynchronous=asynchronous)
        assert message.status == "success"
        assert "happened" in message.content
    assert (writes(), tags_called(ask, "Fresh")) == (["POST /tags"], 1)
    assert [entry.outcome for entry in toolkit.guard.ledger.entries()] == ["happened"]


@pytest.mark.parametrize("cut", list(CUTS))
@WORLDS
def test_row_21_absence_right_after_the_cut_proves_nothing(
    cut, asynchronous, account, toolkit_for, call, ask, writes, later
):
    """Nobody knows: neither the same call nor a new one is sent before a minute is over; then it runs, once."""
    account.simulator.fault("POST", "/tags", **CUTS[cut])
    toolkit = toolkit_for(TAGS, clock=later)
    first = call(toolkit, TOOL, FRESH, asynchronous=asynchronous)
    assert told_how(first) == "unknown"
    assert "look again after" in first.content
    assert told_how(call(toolkit, TOOL, FRESH, asynchronous=asynchronous)) == "unknown"
    blocked = call(toolkit, TOOL, FRESH, call_id="call_2", asynchronous=asynchronous)
    assert told_how(blocked) == "blocked"
    assert [settlement.outcome for settlement in toolkit.settle()] == ["unknown"]
    assert writes() == ["POST /tags"]
    later.by = 61.0
    settled = asyncio.run(toolkit.asettle()) if asynchronous else toolkit.settle()
    assert [settlement.outcome for settlement in settled] == ["did_not_happen"]
    assert call(toolkit, TOOL, FRESH, call_id="call_3", asynchronous=asynchronous).status == "success"
    assert (len(writes()), tags_called(ask, "Fresh")) == (2, 1)


@WORLDS
def test_row_21_a_write_that_lands_a_minute_later_is_found(
    asynchronous, account, toolkit_for, call, ask, writes, later
):
    """Cut off, absent, and there fifty seconds later: it is settled as happened, and never sent a second time."""
    account.simulator.fault("POST", "/tags", late=50.0)
    toolkit = toolkit_for(TAGS, clock=later)
    assert told_how(call(toolkit, TOOL, FRESH, asynchronous=asynchronous)) == "unknown"
    assert told_how(call(toolkit, TOOL, FRESH, call_id="call_2", asynchronous=asynchronous)) == "blocked"
    later.by = 61.0
    account.simulator.clock.advance(61.0)
    told = call(toolkit, TOOL, FRESH, call_id="call_3", asynchronous=asynchronous)
    assert told_how(told) == "blocked"
    assert "it did happen" in told.content
    assert "happened" in call(toolkit, TOOL, FRESH, asynchronous=asynchronous).content
    assert (writes(), tags_called(ask, "Fresh")) == (["POST /tags"], 1)
    assert {entry.outcome for entry in toolkit.guard.ledger.entries() if entry.writes} == {"happened"}


def test_row_21_one_look_after_the_minute_is_not_enough(account, toolkit_for, call, later, monkeypatch):
    """A write that nobody has looked for yet is looked for twice before it is said not to have happened."""
    monkeypatch.setattr("ac_guardrails._settle._BETWEEN", 0.0)
    account.simulator.fault("POST", "/contactTags", status=503)
    account.simulator.fault("GET", "/contacts/46/contactTags", status=500)
    toolkit = toolkit_for(TAGS, clock=later)
    assert told_how(call(toolkit, "ac_add_tag", {"contact": 46, "tag": 3})) == "unknown"
    later.by = 61.0
    before = len(account.simulator.requests)
    assert [settlement.outcome for settlement in toolkit.settle()] == ["did_not_happen"]
    assert len(account.simulator.requests) - before == 2


@WORLDS
def test_row_22_the_same_call_runs_again_where_nothing_was_sent(asynchronous, account, toolkit_for, call, writes):
    """A connection that was refused for good sent nothing: the same call again, id and all, is sent, once."""
    account.simulator.fault("POST", "/tags", cut="refused", times=4)
    account._retries = 0
    toolkit = toolkit_for(TAGS)
    first = call(toolkit, TOOL, FRESH, asynchronous=asynchronous)
    assert (first.status, "Nothing was sent" in first.content) == ("error", True)
    account.simulator._faults.clear()
    for _ in range(2):
        assert call(toolkit, TOOL, FRESH, asynchronous=asynchronous).status == "success"
    assert writes() == ["POST /tags"]
    assert [entry.outcome for entry in toolkit.guard.ledger.entries()] == ["not_sent", "done"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_row_23_a_process_that_is_killed_in_flight_leaves_it_on_record(when, served, callers, beside, later):
    """Killed while its request is on its way: the ledger knows, nobody sends it again, and it is settled right."""
    served.sandbox.fault("POST", "/tags", cut="timeout", when=when)
    assert callers(tool=TOOL, args=FRESH, kill_after=2.0) == [-9]
    toolkit = beside(clock=later)
    known = toolkit.guard.ledger.not_closed()
    assert [entry.writes for entry in known] == [1]
    assert toolkit.guard.ledger.verify() == ""
    told = callers(tool=TOOL, args=FRESH) + callers(tool=TOOL, args=FRESH, call="call_2")
    assert [item.method for item in served.sandbox.requests if item.method != "GET"] == ["POST"]
    later.by = 61.0
    toolkit.settle()
    assert toolkit.guard.ledger.entry(known[0].id).outcome == ("did_not_happen" if when == "before" else "happened")
    assert told[0][0] == ("error" if when == "before" else "success")


@pytest.mark.parametrize("path", ["/lists", "/tags", "/contacts"])
def test_row_23_a_process_that_is_killed_while_it_reads_leaves_its_reads_on_record(path, served, callers, beside):
    """A search, for which the guard reads names, is killed while one of its requests is on its way: each is known."""
    search: dict[str, Any] = {"tool": "ac_list_contacts", "args": {"tag": "VIP", "list": "Newsletter"}}
    callers(**search)  # the first one waits for the program to start
    served.sandbox.fault("GET", path, cut="timeout")
    assert callers(**search, kill_after=2.0) == [-9]
    ledger = beside().guard.ledger
    said = "json_extract(body, '$.method') || ' ' || json_extract(body, '$.path')"
    with ledger.reading() as connection:
        rows = connection.execute(f"SELECT {said} FROM events WHERE kind IN ('decided', 'read')").fetchall()
    came = Counter(f"{item.method} {item.path.removeprefix('/api/3')}" for item in served.sandbox.requests)
    assert came[f"GET {path}"] == 2
    assert came <= Counter(row for (row,) in rows if row)
    assert ledger.verify() == ""


def test_row_23_a_power_cut_may_take_the_outcome_along_and_never_the_write(
    account, toolkit_for, call, writes, tmp_path, monkeypatch
):
    """The disk has a write before it leaves. Of a ledger as it was then, the write is found, and not sent again."""
    ledger, cut = tmp_path / "ledger.db", tmp_path / "cut"
    cut.mkdir()
    toolkit, send, synchronous = toolkit_for(TAGS, ledger=f"sqlite:///{ledger}"), account.send, []

    def sending(request: Any, permit: Any) -> Any:
        if request.is_write:
            subprocess.run(["cp", ledger, f"{ledger}-wal", cut], check=True)  # opened here, it would lose its locks
            with toolkit.guard.ledger.reading() as connection:
                synchronous.extend(connection.execute("PRAGMA synchronous").fetchone())
        return send(request, permit)

    monkeypatch.setattr(account, "send", sending)
    assert call(toolkit, TOOL, FRESH).status == "success"
    after = toolkit_for(TAGS, ledger=f"sqlite:///{cut / 'ledger.db'}")
    assert "happened" in call(after, TOOL, FRESH).content
    assert (synchronous, writes()) == ([2], ["POST /tags"])  # 2 is FULL
    assert [(entry.writes, entry.outcome) for entry in after.guard.ledger.entries()] == [(1, "happened")]


class Slow(httpx.AsyncBaseTransport):
    """An account that has done the work and takes its time to say so."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()
        self.arrived = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method != "GET":
            self.arrived.set()
            await asyncio.sleep(0.1)
        return response


async def _cancelled(work: Any, slow: Slow) -> None:
    task = asyncio.create_task(work)
    await slow.arrived.wait()
    task.cancel()
    await task


async def _out_of_time(work: Any, slow: Slow) -> None:
    async with asyncio.timeout(0.05):
        await work


async def _beside_a_failure(work: Any, slow: Slow) -> None:
    async def fails() -> None:
        await slow.arrived.wait()
        raise TimeoutError

    async with asyncio.TaskGroup() as group:
        group.create_task(work)
        group.create_task(fails())


async def _in_a_group_that_is_cancelled(work: Any, slow: Slow) -> None:
    group = asyncio.gather(work, asyncio.sleep(60))
    await slow.arrived.wait()
    group.cancel()
    await group


ENDS = {
    "a cancelled task": _cancelled,
    "asyncio.timeout": _out_of_time,
    "a task group": _beside_a_failure,
    "gather": _in_a_group_that_is_cancelled,
}


@pytest.mark.parametrize("end", list(ENDS))
async def test_row_24_a_task_that_is_cancelled_in_flight_has_its_outcome_on_record(end, guard_for):
    """However a task is ended while its write is on its way, the ledger says what became of the write."""
    sandbox = Sandbox()
    slow = Slow(sandbox)
    guard = guard_for(TAGS)
    account = ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=slow, limit=None)
    tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool(TOOL)
    with pytest.raises((asyncio.CancelledError, TimeoutError, ExceptionGroup)):
        await ENDS[end](tool.ainvoke({"type": "tool_call", "id": "call_1", "name": TOOL, "args": FRESH}), slow)
    for _ in range(100):  # gather does not wait for those that it has cancelled
        await asyncio.sleep(0.01 if guard.ledger.not_closed() else 0)
    assert [(entry.outcome, entry.state) for entry in guard.ledger.entries()] == [("done", "closed")]
    await account.aclose()


class Interrupting(httpx.BaseTransport):
    """The person presses Ctrl-C when the account has done the work."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if request.method != "GET":
            raise KeyboardInterrupt
        return response


def test_row_24_ctrl_c_in_flight_is_on_record_as_unknown(guard_for, call):
    """Ctrl-C while a write is on its way ends the program; the ledger says that nobody knows, until it is settled."""
    sandbox = Sandbox()
    guard = guard_for(TAGS)
    with ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=Interrupting(sandbox), limit=None) as account:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        with pytest.raises(KeyboardInterrupt):
            call(toolkit, TOOL, FRESH)
        assert [entry.outcome for entry in guard.ledger.entries()] == ["unknown"]
        assert [settlement.outcome for settlement in toolkit.settle()] == ["happened"]


def test_row_25_a_call_id_that_is_used_again_for_another_call_is_a_new_call(toolkit_for, call, writes):
    """A model that numbers its calls anew in each turn is not given the answer of an earlier call."""
    toolkit = toolkit_for(TAGS)
    names = ["One", "Two", "Three"]
    assert all(name in call(toolkit, TOOL, {"name": name}).content for name in names)
    assert writes() == ["POST /tags"] * 3


@WORLDS
def test_row_25_the_same_call_in_another_turn_is_a_new_call(asynchronous, toolkit_for, scripted, writes):
    """In a graph the same words with the same id in the next message are another call, and run."""
    toolkit = toolkit_for({"contacts": "write"})
    turn = ("ac_update_contact", {"contact": 46, "phone": "+1 555 0100"})
    model = scripted([turn], [turn])
    model.turns[1][0]["id"] = model.turns[0][0]["id"]
    graph = create_agent(model, toolkit.get_tools(include=[turn[0]]), checkpointer=InMemorySaver())
    given: Any = {"messages": [("user", "Go on.")]}, {"configurable": {"thread_id": "thread"}}
    asyncio.run(graph.ainvoke(*given)) if asynchronous else graph.invoke(*given)
    assert writes() == ["PUT /contacts/46"] * 2


@contextmanager
def _full(ledger: Any, path: Path) -> Iterator[None]:
    """A disk without room for another page."""
    with ledger.transaction(durable=False) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with suppress(LedgerError):
        for number in range(500):  # what little room is left in its pages
            ledger.append(Event(f"e{number}", "decided", "m"))
    try:
        yield
    finally:
        with ledger.transaction(durable=False) as connection:
            connection.execute("PRAGMA max_page_count = 100000")


@contextmanager
def _locked(ledger: Any, path: Path) -> Iterator[None]:
    """Another program that holds the file for longer than anybody waits."""
    with ledger.transaction(durable=False) as connection:
        connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def _removed(ledger: Any, path: Path) -> Iterator[None]:
    """Somebody who tidies up."""
    away = path.with_name("away.db")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


@contextmanager
def _replaced(ledger: Any, path: Path) -> Iterator[None]:
    """Somebody who puts yesterday's file in its place."""
    away = path.with_name("away.db")
    path.rename(away)
    path.write_bytes(b"")
    try:
        yield
    finally:
        os.replace(away, path)


@contextmanager
def _read_only(ledger: Any, path: Path) -> Iterator[None]:
    """A file that may no longer be written."""
    with ledger.transaction(durable=False) as connection:
        connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        with ledger._database.reading() as connection:
            connection.execute("PRAGMA query_only = OFF")


TROUBLES: dict[str, tuple[Callable[..., Any], str]] = {
    "full": (_full, "full"),
    "locked": (_locked, "locked"),
    "removed": (_removed, "removed or replaced"),
    "replaced": (_replaced, "removed or replaced"),
    "read-only": (_read_only, "readonly"),
}


@pytest.mark.parametrize("trouble", list(TROUBLES))
@WORLDS
def test_row_26_without_a_ledger_nothing_leaves(trouble, asynchronous, tmp_path, toolkit_for, call, reached):
    """What cannot be put on record is not sent, reads included; the error says why; with the ledger back it works."""
    path = tmp_path / "ledger.db"
    toolkit = toolkit_for(TAGS, ledger=f"sqlite:///{path}")
    call(toolkit, "ac_list_tags", {})
    before = reached()
    bring, why = TROUBLES[trouble]
    with bring(toolkit.guard.ledger, path):
        for tool, args in ((TOOL, FRESH), ("ac_list_tags", {})):
            with pytest.raises(LedgerError, match=rf"(?s){why}.*No write is sent without a record"):
                call(toolkit, tool, args, call_id="call_2", asynchronous=asynchronous)
        assert reached() == before
    assert call(toolkit, TOOL, FRESH, call_id="call_3", asynchronous=asynchronous).status == "success"
    assert toolkit.guard.ledger.verify() == ""
