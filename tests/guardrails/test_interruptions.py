"""Ctrl-C, a cancelled task, a closed coroutine: what was sent is on record before anything goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Answer, Guard, Request
from ac_guardrails._call import Call
from ac_guardrails._origin import Origin
from ac_guardrails._steps import drive

BURN = Request("DELETE", "/books/999")
LOOK = Request("GET", "/books/1/loans")


def kinds(guard: Guard) -> list[str]:
    """The kinds of all events, in order."""
    with guard.ledger.transaction(durable=False) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY seq")]


def only_entry(guard: Guard) -> Any:
    entries = guard.ledger.entries()
    assert len(entries) == 1
    assert guard.ledger.verify() == ""
    return entries[0]


def raising(error: BaseException) -> Callable[[Request], Any]:
    def reply(request: Request) -> Any:
        raise error

    return reply


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_stops_the_program_during_a_send_is_recorded_as_unknown(
    guard: Any, job: Any, sender: Any, carry: Any, error: Any
) -> None:
    """Ctrl-C and the like while a write is on its way: what was sent may have arrived, and they go on upwards."""
    opened = guard()
    sender.reply = raising(error())
    with pytest.raises(error):
        carry(opened, job("rename_book"))
    entry = only_entry(opened)
    assert (entry.outcome, entry.state) == ("unknown", "unknown")


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_what_stops_the_program_during_a_read_changed_nothing(
    guard: Any, job: Any, sender: Any, carry: Any, error: Any
) -> None:
    """Ctrl-C before the decision leaves a closed entry that can be read."""
    opened = guard()
    sender.reply = raising(error())

    def prepare() -> Any:
        yield LOOK

    with pytest.raises(error):
        carry(opened, job("rename_book", during_prepare=prepare))
    assert only_entry(opened).sentence.startswith(
        "marketing asked to rename the book 1 in library.example: allowed, it"
    )


@pytest.mark.parametrize("ledger", ["memory:", "sqlite:///{}/ledger.db"])
async def test_a_cancelled_task_records_what_it_sent(
    guard: Any, job: Any, sender: Any, tmp_path: Any, ledger: str
) -> None:
    """A task that is cancelled while its write is in flight waits for the answer, records it, and stays cancelled."""
    opened = guard(ledger=ledger.format(tmp_path))
    sender.reply = lambda request: asyncio.sleep(0.05)
    task = asyncio.create_task(opened.arun(job("rename_book"), sender))
    while not sender.writes:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert only_entry(opened).outcome == "done"


async def test_a_task_that_is_cancelled_twice_waits_no_longer(guard: Any, job: Any, sender: Any) -> None:
    """Whoever cancels a second time does not wait for the account; that nobody knows is on record."""
    opened = guard()
    sender.reply = lambda request: asyncio.sleep(60)
    task = asyncio.create_task(opened.arun(job("rename_book"), sender))
    while not sender.writes:
        await asyncio.sleep(0.001)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert only_entry(opened).state == "unknown"


async def test_a_cancelled_call_sends_nothing_further(guard: Any, job: Any, sender: Any) -> None:
    """Of several requests, the one in flight comes to its end and the next does not leave."""
    opened = guard()
    sender.reply = lambda request: asyncio.sleep(0.05)
    more = (Request("PUT", "/books/2", body={"title": "Emma"}),)
    task = asyncio.create_task(opened.arun(job("rename_book", more=more), sender))
    while not sender.writes:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(sender.writes) == 1
    assert only_entry(opened).outcome == "partly"


@pytest.mark.parametrize("ledger", ["memory:", "sqlite:///{}/ledger.db"])
def test_a_coroutine_that_is_closed_records_what_it_sent(
    guard: Any, job: Any, sender: Any, tmp_path: Any, ledger: str
) -> None:
    """A coroutine that is closed without its loop, as at the end of a process, still records the outcome."""
    opened = guard(ledger=ledger.format(tmp_path))

    async def never() -> None:
        await asyncio.sleep(60)

    sender.reply = lambda request: never()

    async def start() -> Any:
        call = opened.arun(job("rename_book"), sender)
        waiting = call.send(None)
        while not sender.writes:
            if waiting is not None:
                waiting._asyncio_future_blocking = False
                await asyncio.wait([waiting], timeout=0.05)
                if sender.writes:
                    break
            else:
                await asyncio.sleep(0)
            waiting = call.send(None)
        return call

    asyncio.run(start()).close()
    assert only_entry(opened).state == "unknown"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_cancelled_record_comes_before_what_follows_it(
    guard: Any, job: Any, sender: Any, tmp_path: Any, monkeypatch: Any, times: int
) -> None:
    """A task that is cancelled while its write is being recorded waits for the record, and the write does not leave;
    LangGraph cancels the calls beside one that has failed twice.
    """
    opened = guard(ledger=f"sqlite:///{tmp_path}/ledger.db")
    begun, go = threading.Event(), threading.Event()
    reserve = opened.ledger.reserve

    def slowly(*args: Any, **kwargs: Any) -> None:
        begun.set()
        go.wait(5)
        reserve(*args, **kwargs)

    monkeypatch.setattr(opened.ledger, "reserve", slowly)
    task = asyncio.create_task(opened.arun(job("rename_book"), sender))
    await asyncio.to_thread(begun.wait, 5)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.01)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(opened) == ["decided", "sent", "outcome"]
    assert only_entry(opened).state == "closed"
    assert sender.writes == []


def test_reads_for_a_call_that_meanwhile_came_are_no_call_of_their_own(guard, job, sender):
    """A call that looks ahead for another one leaves no open entry, if that one has run by the time it has read."""
    opened, origin = guard({"books": "full"}), Origin("thread", "turn", "call_1")

    def refused():
        yield Request("GET", "/books/9")
        return Answer("There is no book 9.", None, ok=False)

    def read_ahead():
        yield Request("GET", "/books/9")
        opened.run(job("burn_book", {"book": 9}, origin=origin, during_prepare=refused), sender)
        return Answer("There is no book 9.", None, ok=False)

    ahead = job("burn_book", {"book": 9}, origin=origin, during_prepare=read_ahead)
    assert drive(Call(opened, ahead).opened(), sender) is None
    entries = opened.ledger.entries()
    assert [(entry.state, entry.reads) for entry in entries] == [("closed", 1), ("closed", 1)]
    assert entries[0].joined == entries[1].id
