"""A read that nobody stands in the way of is on record with one statement, on an event loop without a thread; wherever
somebody does, it goes the long way, and nothing is lost, doubled or waited for on the loop.
"""

from __future__ import annotations

import asyncio
import dis
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Ledger, LedgerError
from ac_guardrails._database import _PATIENCE, Database
from ac_guardrails._events import Event
from ac_guardrails._late import Late
from ac_guardrails._look import leaving
from ac_guardrails._stop import StoppedError

EACH = 150


@pytest.fixture(autouse=True)
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without blockbuster, which another test may have loaded."""
    monkeypatch.delitem(sys.modules, "blockbuster", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(str(path))
    yield ledger
    ledger.close()


def read(number: int = 1, who: str = "r") -> Event:
    return Event(f"{who}{number}", "decided", "m", {"what": "read tag 1"})


def in_a_row(ledger: Ledger) -> Ledger:
    """After a first read, whose way is the long one."""
    ledger.append_read(read())
    return ledger


def setting(ledger: Ledger, name: str) -> Any:
    with ledger.transaction(durable=True) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What an event loop leaves to a thread."""
    left: list[Any] = []
    really = asyncio.base_events.BaseEventLoop.run_in_executor

    def counted(loop: Any, executor: Any, work: Any, *args: Any) -> Any:
        left.append(work)
        return really(loop, executor, work, *args)

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "run_in_executor", counted)
    return left


async def test_the_reads_of_an_event_loop_need_no_thread(ledger, guard, job, sender, threads):
    """The first read looks whether somebody has stopped the guard; from then on the end of the chain tells."""
    guarded = guard(ledger=ledger)
    for _ in range(5):
        await guarded.arun(job("get_book"), sender)
    assert len(threads) == 1
    assert len(ledger.entries()) == 5
    assert not ledger.verify()


async def test_a_watched_event_loop_leaves_each_read_to_a_thread(ledger, guard, job, sender, threads, monkeypatch):
    """LangGraph's development server ends a run whose loop comes near SQLite."""
    monkeypatch.setitem(sys.modules, "blockbuster", sys)
    guarded = guard(ledger=ledger)
    for _ in range(5):
        await guarded.arun(job("get_book"), sender)
    assert len(threads) == 5


async def test_the_loop_goes_on_while_another_program_has_the_file(ledger, path, guard, job, sender, threads):
    guarded = guard(ledger=ledger)
    await guarded.arun(job("get_book"), sender)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reading = asyncio.ensure_future(guarded.arun(job("get_book"), sender))
    longest = await longest_gap(0.3)
    assert not reading.done()
    other.rollback()
    await reading
    other.close()
    assert longest < 0.2
    assert len(ledger.entries()) == 2


async def test_the_loop_goes_on_while_another_thread_writes(ledger, sender):
    in_a_row(ledger)
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with ledger.transaction(durable=True):
            begun.set()
            end.wait(10)

    writing = threading.Thread(target=write)
    writing.start()
    begun.wait(10)
    reading = asyncio.ensure_future(leaving(ledger, read(2)).ado(sender))
    letting_go = asyncio.get_running_loop().call_later(0.3, end.set)  # never, where the loop waits for the lock
    longest = await longest_gap(0.5)
    letting_go.cancel()
    await reading
    writing.join()
    assert longest < 0.2
    assert len(ledger.entries()) == 2


async def longest_gap(seconds: float) -> float:
    """The longest time in which the loop did nothing else."""
    until, last, longest = time.monotonic() + seconds, time.monotonic(), 0.0
    while last < until:
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


def test_a_write_after_reads_waits_for_others_and_for_the_disk(ledger, path):
    """A read at once waits for nobody; what comes after it has the patience, and the care, that it had before."""
    assert in_a_row(ledger).append_read_at_once(read(2))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(0.2, other.rollback)
    letting_go.start()
    ledger.append(Event("w1", "decided", "m"))
    letting_go.join()
    other.close()
    assert setting(ledger, "synchronous") == 2
    assert setting(ledger, "busy_timeout") == _PATIENCE * 1000
    assert setting(ledger, "wal_autocheckpoint") == 1000


@pytest.mark.parametrize("between", ["stop", "write", "row of another process", "late"])
def test_whatever_came_after_the_last_read_sends_the_next_one_the_long_way(between, ledger, path):
    in_a_row(ledger)
    if between == "stop":
        ledger.stop("enough", by="anna")
    elif between == "write":
        ledger.append(Event("w1", "decided", "m"))
    elif between == "row of another process":
        other = Ledger(str(path))
        other.append(Event("w1", "decided", "m"))
        other.close()
    else:
        for number in range(EACH):
            ledger.append_late(Event(f"r{number}", "outcome", "m", {"outcome": "done"}))
    assert not ledger.append_read_at_once(read(2))
    ledger.append_read(read(2))
    assert not ledger.verify()


def test_no_read_at_once_comes_after_the_log_was_written_back(ledger):
    """Whoever is the first to write to it then waits for the disk, so that must be a transaction, in a thread."""
    in_a_row(ledger)
    with ledger.reading() as connection:
        assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)  # no read alone writes it back
    for number in range(EACH):
        ledger.append_late(Event(f"r{number}", "outcome", "m", {"outcome": "done"}))
    ledger.append_read(read(2))
    assert not ledger.append_read_at_once(read(3))
    ledger.append_read(read(3))
    assert ledger.append_read_at_once(read(4))


def test_a_stop_of_another_process_is_seen_by_the_next_read(ledger, path):
    assert in_a_row(ledger).append_read_at_once(read(2))
    other = Ledger(str(path))
    other.stop("enough", by="anna", reads=True)
    other.close()
    assert not ledger.append_read_at_once(read(3))
    with pytest.raises(StoppedError, match="enough"):
        ledger.append_read(read(3))


def test_a_file_that_was_removed_takes_no_read(ledger, path):
    assert in_a_row(ledger).append_read_at_once(read(2))
    path.unlink()
    assert not ledger.append_read_at_once(read(3))
    with pytest.raises(LedgerError, match="removed or replaced"):
        ledger.append_read(read(3))


def test_a_read_at_once_is_no_part_of_a_transaction_that_may_fail(ledger):
    """The same thread may come to it while one is open, where an object's end is recorded."""
    in_a_row(ledger)
    with pytest.raises(ZeroDivisionError), ledger.transaction(durable=False):
        assert not ledger.append_read_at_once(read(2))
        _ = 1 / 0
    assert [entry.id for entry in ledger.entries()] == ["r1"]


def test_a_transaction_within_one_leaves_that_whole(ledger, path):
    """Where a signal's handler uses the ledger, say: it is told, and what it came upon goes on."""
    with ledger.transaction(durable=True) as connection:
        ledger.write(connection, Event("w1", "decided", "m"))
        for nested in (ledger.flush, partial(ledger.append_read, read())):
            with pytest.raises(LedgerError, match="within a transaction of the same thread"):
                nested()
        ledger.write(connection, Event("w2", "decided", "m"))
    assert [entry.id for entry in ledger.entries()] == ["w1", "w2"]
    assert not ledger.verify()


def test_several_events_of_one_read_are_on_record_in_their_order(ledger):
    in_a_row(ledger)
    asked = Event("r2", "read", "m", {"method": "GET", "path": "/tags/1", "by": "guard"})
    assert ledger.append_read_at_once(read(2), asked)
    assert ledger.append_read_at_once(read(3))
    with ledger.reading() as connection:
        rows = connection.execute("SELECT seq, entry, kind FROM events ORDER BY seq").fetchall()
    assert rows == [(1, "r1", "decided"), (2, "r2", "decided"), (3, "r2", "read"), (4, "r3", "decided")]
    assert not ledger.verify()


def test_the_log_of_reads_alone_is_written_back(ledger, path):
    """A read at once never writes it back; every fiftieth goes the long way, which does."""
    for number in range(4_000):
        ledger.append_read(read(number))
        ledger.append_late(Event(f"r{number}", "outcome", "m", {"outcome": "done"}))
    assert path.with_name(path.name + "-wal").stat().st_size < 8_000_000


def test_threads_that_read_at_once_keep_one_chain(ledger):
    def work(who: str) -> None:
        for number in range(EACH):
            ledger.append_read(read(number, who))
            ledger.append_late(Event(f"{who}{number}", "outcome", "m", {"outcome": "done"}))

    workers = [threading.Thread(target=work, args=(who,)) for who in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(ledger.entries()) == 4 * EACH
    assert not ledger.verify()


PROCESS = """
import sys
from ac_guardrails import Ledger
from ac_guardrails._events import Event
from ac_guardrails._look import leaving

ledger, at_once = Ledger(sys.argv[1]), 0
for number in range(int(sys.argv[3])):
    event = Event(f"{sys.argv[2]}{number}", "decided", "m", {"what": "read tag 1"})
    if ledger.append_read_at_once(event):
        at_once += 1
    else:
        ledger.append_read(event)
ledger.close()
print(at_once)
"""


def test_processes_that_read_at_once_keep_one_chain(ledger, path):
    command = [sys.executable, "-c", PROCESS, str(path)]
    running = [
        subprocess.Popen([*command, who, str(EACH)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for who in "abc"
    ]
    ended = [process.communicate(timeout=60) for process in running]
    assert [errors for _, errors in ended] == [""] * 3
    assert sum(int(said) for said, _ in ended) > 0
    assert len(ledger.entries()) == 3 * EACH
    assert not ledger.verify()


def test_a_read_does_not_follow_an_end_that_is_gone(ledger, path):
    """Somebody has put an older copy of the file back in place: the chain goes on from where it ends now."""
    in_a_row(ledger)
    assert ledger.append_read_at_once(read(2))
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM events WHERE seq = 2")
    other.close()
    assert not ledger.append_read_at_once(read(3))
    ledger.append_read(read(3))
    assert not ledger.verify()


def test_where_others_write_in_between_no_read_tries(ledger, path, monkeypatch):
    """Each try that fails would come on top of the long way."""
    tries: list[Any] = []
    monkeypatch.setattr(Database, "attempt", lambda *given: tries.append(given))
    other = Ledger(str(path))
    for number in range(10):
        ledger.append_read(read(number))
        other.append_read(read(number, "s"))
    other.close()
    assert len(tries) <= 1  # in the new file, where nobody had written yet
    assert not ledger.verify()


def test_many_reads_without_an_end_do_not_lengthen_the_log_for_good(ledger, path):
    """One call may look at thousands of pages before it ends."""
    for number in range(4_000):
        ledger.append_read(read(number))
    assert path.with_name(path.name + "-wal").stat().st_size < 8_000_000


_INTERRUPTED = ("attempt", "expect_attempts", "append_read_at_once", "begin", "_set", "_looking", "close")
"""What locks, begins, sets and lets go."""


def interrupted(work: Callable[[], Any], after: int) -> bool:
    """Do some work, a signal coming after so many calls of the code that locks and sets, which is when Python looks for
    one; whether it came that far.
    """
    left, before = after, ""

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal left, before
        if frame.f_code.co_name not in _INTERRUPTED:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= before.startswith("CALL")
            if not left:
                raise KeyboardInterrupt
            before = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        return trace

    traced = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(traced)
    return False


def two_reads_between_writes(ledger: Ledger) -> None:
    ledger.append(Event("w1", "decided", "m"))
    ledger.append_read(read())
    ledger.append_read(read())
    ledger.entry("w1")
    ledger.close()
    ledger.append(Event("w1", "decided", "m"))


def test_an_interruption_leaves_nothing_locked_and_no_setting_wrong(tmp_path):
    """Ctrl-C, or a time limit's signal, at any step: other threads and programs still write, writes still wait for the
    disk, and the chain is whole.
    """
    steps = 1
    while True:
        path = tmp_path / f"{steps}.db"
        ledger = Ledger(str(path))
        if not interrupted(partial(two_reads_between_writes, ledger), steps):
            break
        assert setting(ledger, "synchronous") == 2
        writing = threading.Thread(target=two_reads_between_writes, args=(ledger,), daemon=True)
        writing.start()
        writing.join(10)
        assert not writing.is_alive(), f"locked for good after {steps} steps"
        with sqlite3.connect(path, timeout=0, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        other.close()
        assert not ledger.verify()
        ledger.close()
        steps += 1
    assert steps > 20


def test_a_time_limit_that_a_signal_sets_says_nothing_of_the_file(ledger, monkeypatch):
    """TimeoutError is an OSError, too."""

    def late(path: str) -> Any:
        raise TimeoutError("the task took too long")

    in_a_row(ledger)
    with monkeypatch.context() as patched:
        patched.setattr("ac_guardrails._database.os.stat", late)
        with pytest.raises(TimeoutError, match="took too long"):
            ledger.append_read(read(2))
    ledger.append_read(read(2))
    assert not ledger.verify()


HANDLED = """
import os, signal, sys
from ac_guardrails import Ledger, _database
from ac_guardrails._events import Event

ledger = Ledger(sys.argv[1])
looked = _database.os.stat

def handle() -> None:  # in the midst of a read at once, where a signal's handler may run
    _database.os.stat = looked
    if sys.argv[2] == "close":
        ledger.close()
    elif os.fork() == 0:
        ledger.append(Event("child", "decided", "m"))
        os._exit(0)
    else:
        os.wait()

for number in (1, 2):
    ledger.append_read(Event(f"r{number}", "decided", "m"))
_database.os.stat = lambda path: (handle(), looked(path))[1]
ledger.append_read(Event("r3", "decided", "m"))
ledger.append(Event("w1", "decided", "m"))
print(sorted(entry.id for entry in ledger.entries()), ledger.verify())
"""


@pytest.mark.parametrize("what", ["close", "fork"])
def test_a_signal_may_close_the_ledger_or_fork_in_the_midst_of_a_read(path, what):
    command = [sys.executable, "-W", "ignore", "-c", HANDLED, str(path), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    expected = ["child"] * (what == "fork") + ["r1", "r2", "r3", "w1"]
    assert (done.stdout, done.stderr) == (f"{expected} \n", "")


def test_a_signal_after_the_commit_doubles_nothing(ledger, monkeypatch):
    """What reads left to be recorded is on record with the transaction that was interrupted, and not with the next."""
    ledger.append_read(read())
    ledger.append_late(Event("r1", "outcome", "m", {"outcome": "done"}))
    recorded = Late.recorded

    def interrupted_before(late: Late, batches: Any) -> None:
        monkeypatch.setattr(Late, "recorded", recorded)
        raise KeyboardInterrupt

    monkeypatch.setattr(Late, "recorded", interrupted_before)
    with pytest.raises(KeyboardInterrupt):
        ledger.flush()
    ledger.flush()
    with ledger.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM events WHERE kind = 'outcome'").fetchone() == (1,)


def test_a_signal_while_the_file_is_let_go_leaves_it_usable(ledger, monkeypatch):
    """Closing writes the log back, so it is there that a signal comes."""
    in_a_row(ledger)
    closed = ledger._database._connection

    class Interrupted:
        def close(self) -> None:
            closed.close()
            raise KeyboardInterrupt

    monkeypatch.setattr(ledger._database, "_connection", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        ledger.close()
    ledger.append(Event("w1", "decided", "m"))
    assert not ledger.verify()
