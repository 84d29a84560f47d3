"""The ledger remembers everything, in small rows that cannot be changed unnoticed, and no contact's values for long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails import Decision, Ledger, LedgerError
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


HOSTILE = {
    "long text": {"title": "x" * 1_000_000},
    "many fields": {f"field{number}": number for number in range(10_000)},
    "deep": {"a": {"b": {"c": ["d" * 500] * 50}}},
    "wide characters": {"title": "𝄞" * 5_000},
    "control characters": {"title": "\x00\x1b" * 2_000},
    "half surrogates": {"title": "\ud800" * 2_000},
    "long key": {"k" * 5_000: 1},
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_event_is_at_most_one_kilobyte(memory: Ledger, hostile: dict[str, Any]) -> None:
    """However long the arguments are, a row is cut to 1,024 bytes, is JSON, and keeps the chain whole."""
    memory.append(Event("e1", "decided", "m", {"what": "x", "facts": hostile, "fields": sorted(hostile)}))
    memory.append(Event("e1", "refused", "m", {"reason": str(hostile)}))
    for body in events(memory):
        assert len(body.encode()) <= 1024
        assert json.loads(body)["entry"] == "e1"
    assert json.loads(events(memory)[0])["what"] == "x"
    assert memory.verify() == ""


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=80).filter(lambda key: key not in ("agent", "at", "entry", "kind", "seq")),
        st.text(st.characters(), max_size=900) | st.integers() | st.lists(st.text(max_size=300), max_size=9),
        max_size=12,
    )
)
def test_any_event_can_be_recorded(data: dict[str, Any]) -> None:
    """Whatever an event holds, the row fits, reads back as JSON and verifies."""
    ledger = open_ledger("memory:")
    ledger.append(Event("e", "decided", "m", data))
    (body,) = events(ledger)
    assert len(body.encode()) <= 1024
    assert json.loads(body)["kind"] == "decided"
    assert ledger.verify() == ""


def test_a_call_with_hostile_arguments_is_on_record(guard: Any, job: Any, sender: Any) -> None:
    """The guard records a call with huge arguments: small events, whole payload."""
    opened = guard()
    opened.run(job("rename_book", args={"title": "x" * 100_000, "note": "\ud800"}), sender)
    assert all(len(body.encode()) <= 1024 for body in events(opened.ledger))
    assert opened.ledger.entries()[0].payload["arguments"]["note"] == "\ud800"


def test_a_name_too_long_to_record_is_an_error(guard: Any, job: Any, sender: Any) -> None:
    """An agent whose name fills a row is told so, and nothing is sent."""
    with pytest.raises(LedgerError, match="The agent's name is too long to be recorded \\(2000 characters\\)"):
        guard().run(job("get_book", agent="m" * 2000), sender)
    assert sender.requests == []


def test_no_contact_value_stands_in_an_event(guard: Any, job: Any, sender: Any) -> None:
    """Arguments, cards, reasons and errors live in payloads; the events hold none of their values."""
    opened = three_calls(guard, job, sender)
    assert not any("lindqvist" in body for body in events(opened.ledger))
    assert any(SECRET in entry.sentence for entry in opened.ledger.entries())


def test_after_the_purge_the_file_holds_no_value(guard: Any, job: Any, sender: Any, path: Any, clock: Any) -> None:
    """Once payloads expired, no byte of the file or of its log holds a contact's value; the chain is whole."""
    opened = three_calls(guard, job, sender, ledger=f"sqlite:///{path}", clock=clock)
    assert SECRET.encode() in bytes_of(path)
    clock.now += 30 * DAY
    assert opened.ledger.purge() == 3
    opened.ledger.close()
    assert b"lindqvist" not in bytes_of(path)
    assert opened.ledger.verify() == ""
    assert opened.ledger.entries()[0].sentence == "marketing asked to rename book 1 in library.example: allowed, done."
    assert opened.ledger.entries()[1].sentence == "marketing asked to burn book 1 in library.example: rejected by anna."


def test_the_digest_of_arguments_cannot_be_guessed(guard: Any, job: Any, sender: Any) -> None:
    """Equal arguments have different digests in different entries, so trying values finds nothing."""
    opened = guard()
    for _ in range(2):
        opened.run(job("rename_book", args={"title": "Emma"}), sender)
    digests = [json.loads(body)["arguments"] for body in events(opened.ledger) if '"decided"' in body]
    assert len(set(digests)) == 2


def test_payloads_live_as_long_as_was_said(guard: Any, job: Any, sender: Any, clock: Any) -> None:
    """A payload is kept for its time after the call closed, and purged in passing afterwards."""
    opened = guard(payloads="12h", clock=clock)
    opened.run(job("rename_book", args={"title": "Emma"}), sender)
    clock.now += DAY / 2 - 1
    assert opened.ledger.purge() == 0
    assert opened.ledger.entries()[0].payload["arguments"] == {"title": "Emma"}
    clock.now += 3601
    opened.run(job("rename_book", args={"title": "Persuasion"}), sender)
    assert opened.ledger.entries()[0].payload == {}


def test_none_keeps_no_payload_of_a_closed_call(guard: Any, job: Any, sender: Any) -> None:
    """Under `payloads="none"` values are gone when the call is over."""
    opened = guard(payloads="none")
    opened.run(job("rename_book", args={"title": SECRET}), sender)
    assert opened.ledger.entries()[0].payload == {}


def test_none_keeps_what_is_still_open(guard: Any, job: Any, sender: Any, path: Any, account_error: Any) -> None:
    """A waiting or unknown call keeps its payload under "none", also when the ledger is opened again."""
    seen: list[Any] = []
    opened = guard(payloads="none", ledger=f"sqlite:///{path}", approver=lambda request: seen.append(payload()))

    def payload() -> Any:
        return opened.ledger.entries()[-1].payload.get("arguments")

    def unknown(request: Any) -> Any:
        seen.append(payload())
        raise account_error("unknown")

    opened.run(job("burn_book", args={"title": "a"}), sender)
    sender.reply = unknown
    opened.run(job("rename_book", args={"title": "b"}), sender)
    assert seen == [{"title": "a"}, {"title": "b"}]
    opened.ledger.close()
    again = open_ledger(f"sqlite:///{path}", payloads="none")
    assert [entry.payload.get("arguments") for entry in again.entries()] == [None, {"title": "b"}]
    again.close()


@pytest.mark.parametrize("time", ["", "30", "0d", "-1d", "30m", "1.5d", "99999d", "30D", "forever", "٣d"])
def test_a_time_that_means_nothing_is_an_error(guard: Any, time: str) -> None:
    """`payloads` takes days, hours or "none", and says so."""
    with pytest.raises(ValueError, match=r"Use '30d', '12h' or 'none'\."):
        guard(payloads=time)
