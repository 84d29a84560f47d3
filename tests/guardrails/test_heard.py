"""What the account itself tells, set against the ledger: at most one write a notice, and nothing is opened again."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_guardrails import Catalog, Entry, Grants, Guard, Ledger, replay
from ac_guardrails._events import Event
from ac_guardrails._heard import Bearing, Notice, Weigh, hear, heard_since
from ac_guardrails._html import html_of
from ac_guardrails._inflight import this_process
from ac_guardrails._ledger import new_entry

HOST = "library.example"
NAMES = map(str, itertools.count())
NOW = 1_700_000_000.0


def notice(at: float = NOW, **other: Any) -> Notice:
    told = {"id": next(NAMES), "host": HOST, "event": "book_renamed", "at": float(int(at))}
    words = {"tools": ["rename_book"], "who": "api", "what": "renamed book 1", "plain": "renamed book 1 «Emma»"}
    return Notice(**{**told, **words, **other})  # type: ignore[arg-type]


def same(_: Entry) -> Bearing:
    return Bearing("same")


def only(entry: str, bearing: Bearing) -> Weigh:
    return lambda found: bearing if found.id == entry else None


def write(
    ledger: Ledger, *, outcome: str = "done", host: str = HOST, tool: str = "rename_book", owner: str = ""
) -> str:
    """A write on record; without an outcome its call has not ended."""
    entry = new_entry()
    decided = Event(entry, "decided", "marketing", {"tool": tool, "host": host, "write": True, "verdict": "allow"})
    ledger.append(decided, Event(entry, "sent", "marketing"), payload={"key": {"book": 1}, "owner": owner})
    if outcome:
        ledger.append(Event(entry, "outcome", "marketing", {"outcome": outcome, "unknown": outcome == "unknown"}))
    return entry


def at(moment: float) -> Any:
    return lambda: moment


def kinds(ledger: Ledger) -> list[str]:
    with ledger.transaction(durable=False) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY seq")]


@pytest.fixture
def heard(guard: Any) -> Any:
    """A guard whose ledger lives at `NOW`."""
    return guard(clock=at(NOW))


def test_a_notice_confirms_once(heard: Any) -> None:
    """The same notice, handled again, changes nothing; another one finds no write that is left for it."""
    entry, told = write(heard.ledger), notice()
    hear(heard, told, same)
    hear(heard, told, same)
    assert heard.ledger.entry(entry).confirmation == "confirmed"
    assert kinds(heard.ledger) == ["decided", "sent", "outcome", "confirmed"]
    hear(heard, notice(), same)
    assert kinds(heard.ledger)[4:] == ["foreign"]
    assert heard.ledger.verify() == ""


def test_a_confirmed_entry_stays_closed(guard: Any, tmp_path: Path) -> None:
    """It is not opened again, keeps its payload no longer than before, and the chain stays whole without it."""
    now = [NOW]
    opened = guard(ledger=f"sqlite:///{tmp_path}/l.db", payloads="30d", clock=lambda: now[0])
    entry = write(opened.ledger)
    now[0] += 29 * 86400
    hear(opened, notice(), only(entry, Bearing("same")))
    hear(opened, notice(), lambda _: None)
    assert opened.ledger.not_closed() == []
    now[0] += 1.5 * 86400
    assert opened.ledger.purge() == 1
    assert [bool(found.payload) for found in opened.ledger.entries()] == [False, True]
    now[0] += 30 * 86400
    assert opened.ledger.purge() == 1
    assert opened.ledger.entries()[1].sentence.startswith("somebody else (api) renamed book 1 in library.example;")
    assert opened.ledger.verify() == ""


@pytest.mark.parametrize(
    ("outcome", "owner", "ends"),
    [("unknown", "", "happened"), ("", "", "happened"), ("", this_process(), ""), ("done", "", "done")],
    ids=["unknown", "its process is gone", "on its way", "done"],
)
def test_what_nobody_knows_is_settled(heard: Any, outcome: str, owner: str, ends: str) -> None:
    """A write without an outcome happened, unless its call still runs: that ends by itself."""
    entry = write(heard.ledger, outcome=outcome, owner=owner)
    if owner:
        heard.ledger.in_flight.begin(entry)
    hear(heard, notice(made="Book 1"), same)
    found = heard.ledger.entry(entry)
    assert (found.confirmation, found.outcome, found.made) == ("confirmed", ends, "Book 1")
    assert (found.state == "closed") is bool(ends)
    assert "settled" in kinds(heard.ledger) or ends in ("", "done")


def test_what_was_told_in_time_needs_no_read(heard: Any, sender: Any) -> None:
    """A call whose answer is lost after the account has told of it is settled without asking the account."""
    entry = write(heard.ledger, outcome="", owner=this_process())
    heard.ledger.in_flight.begin(entry)
    hear(heard, notice(made="Book 1"), same)
    heard.ledger.append(Event(entry, "outcome", "marketing", {"outcome": "unknown", "unknown": True}))
    (settlement,) = heard.settle(sender, lambda *_: pytest.fail("nothing is read"), host=HOST)
    assert (settlement.outcome, settlement.reason) == ("happened", "the account's own event says so")
    assert (heard.ledger.entry(entry).made, sender.requests) == ("Book 1", [])


@pytest.mark.parametrize(
    "other",
    [
        {"host": "other.example"},
        {"tools": ["burn_book"]},
        {"at": NOW - 301},
        {"at": NOW + 301},
    ],
    ids=["another account", "another tool", "long before", "long after"],
)
def test_what_is_far_away_is_not_weighed(heard: Any, other: dict[str, Any]) -> None:
    """Only writes of the same account and of the tools in question, within minutes, are looked at."""
    write(heard.ledger)
    hear(heard, notice(**other), lambda _: pytest.fail("it was looked at"))
    assert kinds(heard.ledger)[-1] == "foreign"


@pytest.mark.parametrize("off", [-299, 299], ids=["behind", "ahead"])
def test_another_clock(heard: Any, off: float) -> None:
    """The account's clock may be up to five minutes behind or ahead."""
    entry = write(heard.ledger)
    hear(heard, notice(NOW + off), same)
    assert heard.ledger.entry(entry).confirmation == "confirmed"


def test_a_late_notice(guard: Any) -> None:
    """A notice that is heard hours later is taken at its own time, not among the writes of the hour."""
    now = [NOW]
    opened = guard(clock=lambda: now[0])
    first = write(opened.ledger)
    now[0] += 7200
    second = write(opened.ledger)
    hear(opened, notice(NOW), same)
    assert [opened.ledger.entry(entry).confirmation for entry in (first, second)] == ["confirmed", ""]


@given(order=st.permutations(range(4)), gaps=st.lists(st.sampled_from([0.0, 0.3, 1.0, 7.0]), min_size=4, max_size=4))
def test_equal_writes_are_all_confirmed(order: list[int], gaps: list[float]) -> None:
    """Four equal writes and their notices, in any order: each is confirmed, and nobody else wrote."""
    now = [NOW]
    nobody = Grants.from_dict({"agents": {}}, catalog=Catalog("Library", ("books",)))
    guard = Guard(nobody, ledger="memory:", clock=lambda: now[0])
    told = []
    for gap in gaps:
        now[0] += gap
        write(guard.ledger)
        told.append(notice(now[0]))
    for number in order:
        hear(guard, told[number], same)
    assert [entry.confirmation for entry in guard.ledger.entries()] == ["confirmed"] * 4
    guard.ledger.close()


def test_of_several_the_last_one_is_meant(guard: Any) -> None:
    """A notice means the last write before it, not one that came later."""
    now = [NOW]
    opened = guard(clock=lambda: now[0])
    entries = []
    for _ in range(3):
        entries.append(write(opened.ledger))
        now[0] += 10
    hear(opened, notice(NOW + 10.4), same)
    assert [opened.ledger.entry(entry).confirmation for entry in entries] == ["", "confirmed", ""]


def test_contradictions_are_certain(guard: Any) -> None:
    """Other values contradict where one write alone can be meant, the opposite only where it came later."""
    now = [NOW + 0.5]
    opened = guard(clock=lambda: now[0])
    first = write(opened.ledger)
    hear(opened, notice(NOW), only(first, Bearing("against", "somebody else burnt book 1")))
    assert opened.ledger.entry(first).confirmation == "", "within the same second nobody knows which came first"
    hear(opened, notice(NOW - 5), only(first, Bearing("other", "book 1 has another title")))
    assert opened.ledger.entry(first).confirmation == "", "it happened before the write"
    hear(opened, notice(NOW), only(first, Bearing("other", "book 1 has another title")))
    found = opened.ledger.entry(first)
    assert (found.confirmation, found.otherwise) == ("contradicted", "book 1 has another title")
    second = write(opened.ledger)
    hear(opened, notice(NOW), lambda _: Bearing("other", "book 1 has another title"))
    assert opened.ledger.entry(second).confirmation == "confirmed", "of two writes it may show what the other one wrote"


def test_somebody_elses_write_is_no_call(heard: Any, grants: Any) -> None:
    """It counts as nobody's call: not for limits, not in a replay, not among what is open; a notebook shows it."""
    hear(heard, notice(), lambda _: None)
    (entry,) = heard.ledger.entries()
    assert (entry.agent, entry.decision, entry.state, entry.writes) == ("somebody else", "foreign", "closed", 0)
    assert heard.ledger.entries(agent="marketing") == heard.ledger.not_closed() == []
    assert len(replay(grants({"books": "full"}), heard.ledger).calls) == 0
    assert "renamed book 1 «Emma»" in html_of(heard.ledger)


def test_nothing_is_kept_where_no_payloads_are(guard: Any) -> None:
    """Under payloads="none" somebody else's write is on record with ids alone."""
    opened = guard(payloads="none", clock=at(NOW))
    hear(opened, notice(), lambda _: None)
    assert "Emma" not in opened.ledger.entries()[0].sentence
    assert opened.ledger.entries()[0].payload == {}


def test_since_when_the_account_tells(guard: Any) -> None:
    """For each account and each of its events the ledger knows since when it tells of them."""
    now = [NOW]
    opened = guard(clock=lambda: now[0])
    for host, event in (("a.example", "one"), ("b.example", "one"), ("a.example", "two"), ("a.example", "one")):
        hear(opened, notice(host=host, event=event), same)
        now[0] += 1
    with opened.ledger.reading() as connection:
        since = heard_since(connection)
    assert since == {("a.example", "one"): NOW, ("b.example", "one"): NOW + 1, ("a.example", "two"): NOW + 2}


def test_a_hostile_notice_fits_a_row(heard: Any) -> None:
    """Whatever the account says is cut to the size of a row, made inert, and breaks no chain."""
    wild = "\x1b[31m\u202e" + "x" * 5000
    entry = write(heard.ledger)
    hear(heard, notice(what=wild, plain=wild, who=wild, event=wild[:200]), only(entry, Bearing("against", wild)))
    hear(heard, notice(NOW + 1), only(entry, Bearing("against", wild)))
    assert heard.ledger.verify() == ""
    for found in heard.ledger.entries():
        assert found.sentence.isprintable()
