"""Reads leave a line in a file beside the ledger first: none is lost or put on record twice, whoever looks or dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Ledger, LedgerError
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger
from ac_guardrails._look import on_record

READER = """
import os, sys
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(f"sqlite:///{sys.argv[1]}")
for number in range(int(sys.argv[2])):
    ledger.append_read(Event(f"r{number}", "decided", "marketing", {"tool": "ac_list_tags", "number": number}))
    print(number, flush=True)
{then}
"""


def read(number: int, agent: str = "marketing", **data: Any) -> Event:
    """A read that is about to leave."""
    return Event(f"r{number}", "decided", agent, {"tool": "ac_list_tags", "number": number, **data})


def beside(path: Path) -> list[Path]:
    """The files of reads beside a ledger."""
    return [found for found in path.parent.iterdir() if found.name.startswith(f"{path.name}-reads-")]


def numbers(ledger: Ledger) -> list[str]:
    """What is on record, in order."""
    return [entry.id for entry in ledger.entries()]


def rows(path: Path) -> int:
    """How many events the file itself holds."""
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM events").fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger's file, with a character that a pattern would take for its own."""
    return tmp_path / "led[g]er é.db"


@pytest.fixture
def ledger(path: Path) -> Any:
    """A ledger that has just found that it can be written, with its first read on record."""
    opened = open_ledger(f"sqlite:///{path}")
    opened.append_read(read(0))
    yield opened
    opened.close()


def test_a_read_costs_no_transaction_and_is_seen_by_everybody(ledger: Ledger, path: Path) -> None:
    """Before it leaves it is a line of a file that only its user may read; whoever looks finds it, and once."""
    ledger.append_read(read(1))
    (line,) = beside(path)
    assert rows(path) == 1
    assert line.stat().st_mode & 0o077 == 0
    other = Ledger(str(path))
    ledger.append_read(read(2))
    assert numbers(other) == ["r0", "r1", "r2"]
    assert len(other.history("r2")) == 1
    assert numbers(ledger) == ["r0", "r1", "r2"]
    assert beside(path) == []
    assert rows(path) == 3
    assert ledger.verify() == ""


def test_looks_while_reads_go_on_double_nothing(ledger: Ledger, path: Path) -> None:
    """Many reads of two threads, each looked at meanwhile: every one is on record once, and the chain is whole."""
    other = Ledger(str(path))

    def reads(first: int) -> None:
        for number in range(first, first + 120):
            ledger.append_read(read(number))

    threads = [threading.Thread(target=reads, args=(first,)) for first in (1, 1001)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert other.verify() == ""
    for thread in threads:
        thread.join()
    found = numbers(other)
    expected = [f"r{number}" for first in (1, 1001) for number in range(first, first + 120)]
    assert sorted(found) == sorted(["r0", *expected])
    assert sorted(numbers(ledger)) == sorted(found)
    assert rows(path) == 241


@pytest.mark.parametrize("end", ["kill", "exit at once", "end"])
def test_however_a_process_ends_its_reads_are_on_record(end: str, path: Path) -> None:
    """Killed, left without a word, or at its end: what left is on record once the ledger is opened, its file gone."""
    then = {"kill": "sys.stdin.read()", "exit at once": "os._exit(0)", "end": ""}[end]
    process = subprocess.Popen(
        [sys.executable, "-c", READER.replace("{then}", then), str(path), "7"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for number in range(7):
            assert process.stdout.readline() == f"{number}\n"
        if end == "kill":
            assert len(beside(path)) == 1
            process.send_signal(signal.SIGKILL)
        process.wait()
    opened = Ledger(str(path))
    assert rows(path) == 7
    assert beside(path) == []
    assert numbers(opened) == [f"r{number}" for number in range(7)]
    assert opened.verify() == ""
    opened.close()


def test_a_file_of_a_process_that_still_runs_stays(path: Path) -> None:
    """What it has left is on record; its file is its own to remove, since it goes on writing."""
    with subprocess.Popen(
        [sys.executable, "-c", READER.replace("{then}", "sys.stdin.read(); ledger.close()"), str(path), "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        opened = Ledger(str(path))
        assert numbers(opened) == ["r0", "r1", "r2"]
        assert len(beside(path)) == 1
        process.communicate()
    assert beside(path) == []
    assert rows(path) == 3


def test_a_forked_child_keeps_a_file_of_its_own(path: Path) -> None:
    """Parent and child read on, the child leaves without a word: all of it is on record once."""
    program = f"""
import os
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger("sqlite:///{path}")
ledger.append_read(Event("before", "decided", "m"))
pid = os.fork()
ledger.append_read(Event("child" if pid == 0 else "parent", "decided", "m"))
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
print(sorted(entry.id for entry in ledger.entries()), ledger.verify() or "whole")
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['before', 'child', 'parent'] whole"
    assert beside(path) == []


HOSTILE = {
    "cut off": '[1.0,"x1","decided","m","",{"what":"ta',
    "an answer": '[1.0,"x1","answered","m","",{"by":"anna","decision":"approve"}]',
    "a write": '[1.0,"x1","sent","m","",{"method":"DELETE","path":"/contacts/1"}]',
    "no list": '{"entry":"x1"}',
    "no event": "[1,2,3]",
    "a time that is none": '["soon","x1","decided","m","",{}]',
    "an entry that ends the text": '[1.0,"x1\\",\\"a\\":\\"","decided","m","",{}]',
    "a call that ends the text": '[1.0,"x1","decided","m","a\\"",{}]',
    "a name that fits no row": json.dumps([1.0, "x1", "decided", "m" * 2000, "", {}]),
    "nested without end": "[" * 100_000,
    "no text": "\udcff\udcfe",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_read_is_passed_over(name: str, path: Path) -> None:
    """A damaged line, or one that says what no read says, costs no other line, and is no approval."""
    Ledger(str(path)).close()
    good = '[1764590000.5,"r1","decided","m","",{"what":"list tags"}]'
    left = path.with_name(f"{path.name}-reads-gone%3A1%3A1-0a")
    left.write_bytes(f"\n{HOSTILE[name]}\n{good}".encode("utf-8", "surrogateescape"))
    opened = Ledger(str(path))
    assert numbers(opened) == ["r1"]
    assert rows(path) == 1
    assert opened.verify() == ""
    opened.close()


def test_of_another_machine_a_file_stays_for_a_while(path: Path) -> None:
    """Nobody here knows whether its process runs: its lines are on record, and it goes once it has long been silent."""
    Ledger(str(path)).close()
    left = path.with_name(f"{path.name}-reads-elsewhere%3A1%3A1-0a")
    left.write_text('\n[1764590000.5,"r1","decided","m","",{}]')
    assert numbers(Ledger(str(path))) == ["r1"]
    assert left.exists()
    os.utime(left, (1.0, 1.0))
    assert numbers(Ledger(str(path))) == ["r1"]
    assert not left.exists()
    assert rows(path) == 1


def test_a_read_after_a_pause_is_a_row_before_it_leaves(ledger: Ledger, path: Path, monkeypatch: Any) -> None:
    """Only reads that follow each other closely lie beside the ledger: the first finds out that it can be written."""
    ledger.append_read(read(1))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 0.6)
    ledger.append_read(read(2))
    assert rows(path) == 3
    assert beside(path) == []


def test_what_lies_beside_a_ledger_that_fails_is_on_record_once_it_works(ledger: Ledger, path: Path) -> None:
    """Somebody locks it between two reads: the second is kept beside it, the third is refused, and none is lost."""
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.append_read(read(1))
        with ledger.reading() as connection:
            connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(LedgerError, match="locked"):
            ledger.append(read(2))
        with pytest.raises(LedgerError, match="locked"):
            ledger.append_read(read(3))
        other.execute("ROLLBACK")
    ledger.append_read(read(4))
    assert numbers(ledger) == ["r0", "r1", "r4"]


def test_where_no_file_can_be_made_the_ledger_has_it_at_once(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes no further file: the read is put on record by a transaction before it leaves."""
    before = os.open

    def full(name: Any, *args: Any, **kwargs: Any) -> int:
        if "-reads-" in str(name):
            raise OSError(28, "No space left on device")
        return before(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", full)
    ledger.append_read(read(1))
    assert rows(path) == 2


def test_text_that_is_no_unicode_comes_back_as_it_was(ledger: Ledger, path: Path) -> None:
    """Half a surrogate pair, names in Japanese and long values make the same row, whoever puts it on record."""
    ledger.append_read(read(1, agent="営業", what="a\udc80b", long="x" * 2000, many=tuple(range(400)), at=0.1 + 0.2))
    other = Ledger(str(path))
    assert other.verify() == ""
    ledger.flush()
    assert rows(path) == 2
    assert ledger.verify() == ""


def test_a_stop_is_heard_at_once_in_its_process(ledger: Ledger, path: Path) -> None:
    """The next read of the process is refused, whichever of its ledgers was stopped; what left before is told so."""
    other = Ledger(str(path))
    ledger.append_read(read(1))
    other.stop("Leak.", by="anna", reads=True)
    with pytest.raises(Exception, match="Everything was stopped by anna"):
        ledger.append_read(read(2))
    other.resume(by="anna")
    ledger.append_read(read(3))
    assert [name for name in numbers(other) if len(name) == 2] == ["r0", "r1", "r3"]


async def test_an_event_loop_waits_for_no_other_thread(ledger: Ledger) -> None:
    """While a thread has the ledger, a read waits for it in a thread of its own, and the loop goes on."""
    ledger.append_read(read(1))
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger.transaction(durable=False):
            held.set()
            over.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    reading = asyncio.ensure_future(on_record(ledger, read(2)).ado(None))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert not reading.done()
    over.set()
    await reading
    thread.join()
    assert numbers(ledger) == ["r0", "r1", "r2"]
