"""A ledger is opened where it was meant to be, or says in words why not; what is changed in it is found."""

from __future__ import annotations

import gc
import itertools
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Answer, Decision, Ledger, LedgerError
from ac_guardrails._database import remedy
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

SECRET = "maria.lindqvist@example.org"
DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def memory() -> Iterator[Ledger]:
    ledger = open_ledger("memory:")
    yield ledger
    ledger.close()


def events(ledger: Ledger) -> list[str]:
    with ledger.transaction(durable=False) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM events ORDER BY seq")]


def bytes_of(path: Path) -> bytes:
    """Everything that SQLite keeps on disk: the file, its log and its index."""
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(path.name + "*")))


def three_calls(guard: Any, job: Any, sender: Any, **options: Any) -> Any:
    """A guard that has carried three calls with a contact's values through."""
    opened = guard(approver=lambda request: Decision.reject(f"{SECRET} objects", by="anna"), **options)
    opened.run(job("rename_book", args={"title": SECRET}), sender)
    opened.run(job("burn_book", args={"note": SECRET}), sender)
    opened.run(job("rename_book", args={SECRET: 1}), sender)
    return opened


def change(path: Path, *statements: str) -> str:
    """Do something to the file behind the ledger's back, and verify it."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    ledger = open_ledger(f"sqlite:///{path}")
    try:
        return ledger.verify()
    finally:
        ledger.close()


TAMPERED = {
    "text": ("UPDATE events SET body = replace(body, 'rename', 'delete') WHERE seq = 1",),
    "one character of the middle": ("UPDATE events SET body = body || ' ' WHERE seq = 4",),
    "hash": ("UPDATE events SET hash = 'x' WHERE seq = 2",),
    "first row removed": ("DELETE FROM events WHERE seq = 1",),
    "middle row removed": ("DELETE FROM events WHERE seq = 4",),
    "agent column": ("UPDATE events SET agent = 'sales' WHERE seq = 3",),
    "kind column": ("UPDATE events SET kind = 'read' WHERE seq = 2",),
    "time column": ("UPDATE events SET at = at + 1 WHERE seq = 2",),
    "entry column": ("UPDATE events SET entry = 'other' WHERE seq = 5",),
    "rows swapped": (
        "UPDATE events SET seq = -1 WHERE seq = 2",
        "UPDATE events SET seq = 2 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = -1",
    ),
    "row put in": (
        "INSERT INTO events SELECT seq + 100, entry, at, kind, agent, body, hash, call FROM events WHERE seq = 2",
    ),
}


@pytest.mark.parametrize("statements", TAMPERED.values(), ids=TAMPERED.keys())
def test_verify_finds_what_was_changed(
    guard: Any, job: Any, sender: Any, path: Any, statements: tuple[str, ...]
) -> None:
    """A changed text, hash or column, a removed, swapped or added row: the first broken row is named."""
    three_calls(guard, job, sender, ledger=f"sqlite:///{path}").ledger.close()
    assert change(path) == ""
    assert change(path, *statements).startswith("Row ")


def test_purging_does_not_break_the_chain(guard: Any, job: Any, sender: Any, path: Any) -> None:
    """Payloads are outside the chain."""
    three_calls(guard, job, sender, ledger=f"sqlite:///{path}").ledger.close()
    assert change(path, "DELETE FROM payloads") == ""


@pytest.mark.parametrize(
    "url",
    ["", "memory", "ledger.db", "sqlite://", "sqlite:///", "sqlite://ledger.db", "mysql://x", ":memory:", "/tmp/x"],
)
def test_a_url_that_names_no_ledger_is_an_error(guard: Any, url: str) -> None:
    """Anything but memory: and sqlite:/// is refused with the two that work."""
    with pytest.raises(ValueError, match=r"names no ledger\. Use memory: or sqlite:///ledger\.db"):
        guard(ledger=url)


@pytest.mark.parametrize("url", ["postgresql://host/db", "postgres://host/db"])
def test_a_postgresql_url_says_that_it_is_not_built(guard: Any, url: str) -> None:
    """PostgreSQL is no typing error, and the message says what works instead."""
    with pytest.raises(ValueError, match=r"A PostgreSQL ledger is not built yet\. Use sqlite:///ledger\.db"):
        guard(ledger=url)


def test_a_file_stays_when_the_ledger_is_opened_again(
    guard: Any, job: Any, sender: Any, path: Any, monkeypatch: Any
) -> None:
    """Relative and absolute URLs name the same file, whose calls are all there afterwards."""
    monkeypatch.chdir(path.parent)
    for url in ("sqlite:///ledger.db", f"sqlite:///{path}"):
        opened = guard(ledger=url)
        opened.run(job("rename_book"), sender)
        monkeypatch.chdir("/")
        assert opened.ledger.verify() == ""
        opened.ledger.close()
        monkeypatch.chdir(path.parent)
    assert len(guard(ledger="sqlite:///ledger.db").ledger.entries()) == 2


def test_a_file_that_is_no_database_is_an_error_in_words(guard: Any, path: Any) -> None:
    """A corrupt file is named, and not overwritten."""
    path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 40)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=rf"The ledger {path} cannot be opened \(file is not a database\)"):
        guard(ledger=f"sqlite:///{path}")
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["directory", "missing directory", "no directory"])
def test_a_place_that_cannot_hold_a_file_is_an_error_in_words(guard: Any, tmp_path: Any, where: str) -> None:
    """A directory, or a file below what is no directory, cannot be a ledger."""
    (tmp_path / "file").touch()
    place = {
        "directory": tmp_path,
        "missing directory": tmp_path / "no" / "x.db",
        "no directory": tmp_path / "file" / "x",
    }
    with pytest.raises(LedgerError, match="cannot be opened"):
        guard(ledger=f"sqlite:///{place[where]}")


def test_a_ledger_of_a_newer_version_is_left_alone(guard: Any, path: Any) -> None:
    """A file with a newer schema is refused with what to do, before anything is written."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match=r"newer version \(schema 99\). Update this package."):
        guard(ledger=f"sqlite:///{path}")


FOREIGN = {
    "tables of its own": ("CREATE TABLE things (id INTEGER)",),
    "a table that is called like ours": ("CREATE TABLE events (id INTEGER)",),
    "tables and our version": ("CREATE TABLE things (id INTEGER)", "PRAGMA user_version = 2"),
    "tables and an older version": ("CREATE TABLE things (id INTEGER)", "PRAGMA user_version = 1"),
    "a version below all": ("PRAGMA user_version = -1",),
}


@pytest.mark.parametrize("statements", FOREIGN.values(), ids=FOREIGN.keys())
def test_another_programs_database_does_not_become_a_ledger(guard: Any, path: Any, statements: tuple[str, ...]) -> None:
    """A database that holds what we did not put there is named, with what to do, and not one byte of it changes."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=rf"{path} is no ledger: .*Give the guard a file of its own\."):
        guard(ledger=f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_empty_database_becomes_a_ledger(guard: Any, path: Any) -> None:
    """A file without a single table belongs to nobody yet."""
    path.touch()
    sqlite3.connect(path).execute("VACUUM").close()
    assert guard(ledger=f"sqlite:///{path}").ledger.verify() == ""


def test_a_damaged_payload_leaves_its_entry_readable(guard: Any, job: Any, sender: Any, path: Any) -> None:
    """Ids and counts are in the chain; what was beside them is said to be damaged, and nothing of it is shown."""
    three_calls(guard, job, sender, ledger=f"sqlite:///{path}").ledger.close()
    assert change(path, "UPDATE payloads SET body = '{'") == ""
    entries = guard(ledger=f"sqlite:///{path}").ledger.entries()
    assert [entry.damaged for entry in entries] == [True] * 3
    assert [entry.payload for entry in entries] == [{}] * 3
    assert all(entry.sentence.endswith(". The names and values beside it are damaged.") for entry in entries)


@pytest.mark.parametrize("body", ["{", "[]", '{"kind": "decided"}', '{"kind":"decided","at":"x","agent":"m"}'])
def test_a_damaged_event_is_an_error_in_words(guard: Any, job: Any, sender: Any, path: Any, body: str) -> None:
    """Nobody is shown a call without one of its events: the entry is named, and how to find the row."""
    three_calls(guard, job, sender, ledger=f"sqlite:///{path}").ledger.close()
    assert change(path, f"UPDATE events SET body = '{body}' WHERE seq = 1").startswith("Row 1 ")
    with pytest.raises(LedgerError, match=r"Entry '[0-9a-f]{10}' holds an event that cannot be read.*audit verify"):
        guard(ledger=f"sqlite:///{path}").ledger.entries()


def test_a_file_that_became_unusable_stops_writes(guard: Any, job: Any, sender: Any, path: Any) -> None:
    """When the file is broken between two calls, the next write is not sent, and the error says why."""
    opened = guard(ledger=f"sqlite:///{path}")
    opened.run(job("rename_book"), sender)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE events")
    other.commit()
    other.close()
    with pytest.raises(LedgerError, match="No write is sent without a record"):
        opened.run(job("rename_book"), sender)
    assert len(sender.writes) == 1


def test_a_damaged_neighbour_keeps_nobody_from_reading_back(memory: Ledger) -> None:
    """What other calls are known to have made is read of those that can be read."""
    for entry, made in (("a", "tag 7"), ("b", "tag 8"), ("c", "")):
        memory.append(
            Event(entry, "decided", "m", {"host": "h"}), Event(entry, "outcome", "m", {"made": made} if made else {})
        )
    with memory.transaction(durable=True) as connection:
        connection.execute("UPDATE events SET body = '{\"made\":' WHERE entry = 'a'")
    assert memory.made_by_others("c") == ["tag 8"]


def test_a_damaged_payload_under_a_call_stops_it_in_words(guard: Any, job: Any, sender: Any, path: Any) -> None:
    """A call whose own record is broken while a person thinks ends with an error that says what to look at."""

    def approver(request: Any) -> Decision:
        other = sqlite3.connect(path)
        other.execute("UPDATE payloads SET body = '{'")
        other.commit()
        other.close()
        return Decision.approve(by="anna")

    opened = guard(approver=approver, ledger=f"sqlite:///{path}")
    with pytest.raises(LedgerError, match=r"is damaged: what it holds here is no JSON.*audit verify"):
        opened.run(job("burn_book"), sender)
    assert sender.writes == []


def test_values_are_added_whatever_they_hold(memory: Ledger) -> None:
    """By name and by place: half a surrogate pair, huge numbers, null and quotes come back as they were kept."""
    kept = {
        "arguments": {"half": '\ud800 " \\ \n', "text": "日本語 🎉", "huge": 2**70, "float": 1e300, "nothing": None}
    }
    memory.append(Event("e", "decided", "m"), payload=kept)
    memory.append(Event("e", "asked", "m"), payload={"questions": [{"id": "e"}, {"id": "e-2", "card": ["\ud83d"]}]})
    answer = {"kind": "approve", "arguments": None, "reason": 'it\'s "fine"'}
    memory.append(Event("e", "answered", "m", {"decision": "approved"}), payload={"questions[1].decision": answer})
    payload = memory.entries()[0].payload
    assert payload["arguments"] == kept["arguments"]
    assert payload["questions"] == [{"id": "e"}, {"id": "e-2", "card": ["\ud83d"], "decision": answer}]


def test_a_damaged_payload_does_not_keep_a_call_from_ending(memory: Ledger) -> None:
    """What ends it is on record where it brings no values; values that cannot be added are an error in words."""
    memory.append(Event("e", "decided", "m", {"tool": "burn_book"}), payload={"salt": "x"})
    with memory.transaction(durable=False) as connection:
        connection.execute("UPDATE payloads SET body = '{'")
    with pytest.raises(LedgerError, match=r"is damaged: what it holds here is no JSON.*audit verify"):
        memory.append(Event("e", "outcome", "m", {"outcome": "done"}), payload={"result": "burnt"})
    memory.append(Event("e", "outcome", "m", {"outcome": "done"}))
    (entry,) = memory.entries()
    assert (entry.state, entry.outcome, entry.damaged) == ("closed", "done", True)


def test_a_failed_transaction_leaves_the_ledger_usable(memory: Ledger) -> None:
    """An error inside a transaction takes all of it back, and the next one works."""
    with pytest.raises(LedgerError), memory.transaction(durable=True) as connection:
        memory.write(connection, Event("e", "decided", "m"))
        connection.execute("SELECT nothing FROM nowhere")
    assert events(memory) == []
    memory.append(Event("e", "decided", "m"))
    assert len(events(memory)) == 1


def test_threads_share_one_ledger(guard: Any, job: Any, sender: Any, path: Any) -> None:
    """Calls of many threads are all there, in one whole chain."""
    opened = guard(ledger=f"sqlite:///{path}")

    def work() -> None:
        for _ in range(5):
            opened.run(job("rename_book", args={"book": next(books)}), sender)

    books = itertools.count(1)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened.ledger.entries()) == 40
    assert all(entry.outcome == "done" for entry in opened.ledger.entries())
    assert opened.ledger.verify() == ""


def test_memory_is_lost_with_the_ledger_and_shared_with_nobody(guard: Any, job: Any, sender: Any) -> None:
    """Two ledgers in memory know nothing of each other, and closing one does not empty it while it lives."""
    one, other = guard(), guard()
    one.run(job("get_book"), sender)
    one.ledger.close()
    assert len(one.ledger.entries()) == 1
    assert other.ledger.entries() == []


def test_the_result_and_the_card_are_kept(guard: Any, job: Any, sender: Any, approve: Any) -> None:
    """Beside the events stand the arguments, the card as it was shown, and what the model got."""
    opened = guard(approver=approve)

    def perform(plan: Any) -> Any:
        yield plan.action.request
        return Answer("r" * 5000, None)

    opened.run(job("burn_book", performing=perform), sender)
    payload = opened.ledger.entries()[0].payload
    assert payload["questions"][0]["card"][0] == "burn the book 1?"
    assert payload["result"] == "r" * 2000


def test_a_file_that_others_are_just_opening_is_waited_for(path):
    """Where somebody writes to a file that has no log yet, SQLite refuses at once to give it one; the ledger waits."""
    open_ledger(f"sqlite:///{path}").close()
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("PRAGMA journal_mode = DELETE")
    writer.execute("BEGIN IMMEDIATE")
    leaving = threading.Timer(0.2, writer.close)
    leaving.start()

    ledger = open_ledger(f"sqlite:///{path}")
    ledger.append(Event("a1", "decided", "marketing"))

    leaving.join()
    assert [entry.id for entry in ledger.entries()] == ["a1"]
    ledger.close()


@pytest.mark.parametrize("used_again", [False, True])
def test_a_read_that_ends_after_its_ledger_was_closed_is_on_record(
    used_again: bool, guard: Any, job: Any, sender: Any, path: Any
) -> None:
    """Whoever closes the ledger while a call is under way need not come back for its end."""
    opened = guard(ledger=f"sqlite:///{path}")
    sending = sender.send

    def send(request: Any, permit: Any) -> Any:
        reply = sending(request, permit)
        opened.ledger.close()
        if used_again:
            opened.ledger.entries()
        return reply

    sender.send = send
    assert opened.run(job("get_book"), sender).ok
    other = open_ledger(f"sqlite:///{path}")
    assert [entry.outcome for entry in other.entries()] == ["done"]
    other.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("PRAGMA max_page_count = 1", "the disk is full: make room on it"),
        ("PRAGMA query_only = ON", "let this user write to the file and to its folder"),
    ],
)
def test_what_to_do_about_a_file_is_said_by_its_cause(statement, words, tmp_path):
    """A full disk is no question of permissions: who reads this at night should do the right thing."""
    ledger = Ledger(str(tmp_path / "ledger.db"))
    with pytest.raises(LedgerError, match=words), ledger.transaction(durable=True) as connection:
        connection.execute(statement)
        for number in range(2000):
            values = (number, "e", 0.0, "read", "a", "x" * 900, "h")
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", values)
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    assert remedy(error).startswith("another program keeps it locked")


def test_a_ledger_that_nobody_uses_any_more_lets_its_file_go(tmp_path: Path) -> None:
    """A program may make a guard for each request: what a dropped ledger left to be recorded is on record, and neither
    it nor its file is held until the process ends.
    """
    path = tmp_path / "ledger.db"
    gone = []
    for number in range(20):
        ledger = open_ledger(f"sqlite:///{path}")
        ledger.append_read(Event(f"r{number}", "decided", "m"))
        ledger.append_late(Event(f"r{number}", "outcome", "m", {"outcome": "done"}))
        gone.append(weakref.ref(ledger))
        del ledger
    gc.collect()
    assert [each() for each in gone] == [None] * 20
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM events").fetchone() == (40,)
