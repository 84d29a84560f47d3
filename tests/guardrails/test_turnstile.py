"""The turnstile: all processes on one ledger file keep one budget of requests to a host."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import LedgerError
from ac_guardrails._ledger_url import open_ledger
from ac_guardrails._turnstile import Turnstile

HOST = "acme.api-us1.com"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


@pytest.fixture
def turnstile_at(path: str, clock: Any) -> Iterator[Callable[..., Turnstile]]:
    """Makes turnstiles on one file, each as another process would; their clock stands still until it is moved."""
    made: list[Turnstile] = []

    def make(clock: Callable[[], float] = clock) -> Turnstile:
        made.append(Turnstile(path, clock=clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def taken(turnstile: Turnstile, limit: int = 5, host: str = HOST) -> list[int]:
    """Take as many slots as there are."""
    tickets = []
    while ticket := turnstile.take(host, limit).ticket:
        tickets.append(ticket)
    return tickets


def test_the_slots_of_all_count_together(turnstile_at):
    """What one process has taken, another has not; other hosts have slots of their own."""
    one, other = turnstile_at(), turnstile_at()
    one.take(HOST, 5)
    one.take(HOST, 5)
    assert len(taken(other)) == 3
    assert one.take(HOST, 5).ticket is None
    assert len(taken(one, host="other.api-us1.com")) == 5


def test_a_slot_is_free_one_second_after_it_was_given_back(turnstile_at, clock):
    """However long a request took: its slot is blocked while it lasts and a second longer."""
    one, other = turnstile_at(), turnstile_at()
    ticket = one.take(HOST, 1).ticket
    clock.now += 30
    assert 0 < other.take(HOST, 1).wait < 0.1
    one.give(ticket)
    assert other.take(HOST, 1).wait == pytest.approx(1.0)
    clock.now += 0.75
    assert other.take(HOST, 1).wait == pytest.approx(0.25)
    clock.now += 0.25
    assert other.take(HOST, 1).ticket


def test_what_a_dead_process_took_is_free_after_a_minute(turnstile_at, clock):
    """Slots that nobody gives back do not block for ever, and one given back after that takes none away."""
    one, other = turnstile_at(), turnstile_at()
    lost = taken(one)
    clock.now += 59
    assert taken(other) == []
    clock.now += 1
    assert len(taken(other)) == 5
    for ticket in lost:
        one.give(ticket)
    clock.now += 2
    assert taken(other) == []


def test_a_slot_that_was_not_used_is_free_at_once(turnstile_at):
    """Who could not send after all takes nothing from the others."""
    one = turnstile_at()
    one.cancel(one.take(HOST, 1).ticket)
    assert one.take(HOST, 1).ticket


def test_a_pause_holds_everyone_back(turnstile_at, clock):
    """A pause that one process was asked for holds for all, and is told from a full second; not for other hosts."""
    one, other = turnstile_at(), turnstile_at()
    one.pause(HOST, 2)
    one.pause(HOST, 1)
    turn = other.take(HOST, 5)
    assert (turn.ticket, turn.paused, turn.wait) == (None, True, pytest.approx(2.0))
    assert other.take("other.api-us1.com", 5).ticket
    clock.now += 2
    assert len(taken(other)) == 5
    assert not other.take(HOST, 5).paused


@pytest.mark.parametrize(("seconds", "bound"), [(99999, 60), (-5, 0)])
def test_a_pause_is_bounded(seconds, bound, turnstile_at, clock):
    """A pause lasts a minute at most, and never less than nothing."""
    one = turnstile_at()
    one.pause(HOST, seconds)
    assert one.take(HOST, 5).wait == pytest.approx(bound)
    clock.now += bound
    assert one.take(HOST, 5).ticket


def test_a_clock_that_was_set_back_blocks_nobody_for_longer(turnstile_at, clock):
    """After the clock went back a day, slots, lost slots and pauses last no longer than they would have."""
    one = turnstile_at()
    one.take(HOST, 2)
    one.give(one.take(HOST, 2).ticket)
    one.pause("other.api-us1.com", 3)
    clock.now -= 86400
    assert one.take(HOST, 2).wait == pytest.approx(1.0)
    assert one.take("other.api-us1.com", 2).wait == pytest.approx(3.0)
    clock.now += 3
    assert one.take(HOST, 2).ticket
    assert one.take("other.api-us1.com", 2).ticket
    clock.now += 57
    assert one.take(HOST, 2).ticket


def test_threads_take_no_slot_twice(turnstile_at):
    """Eight threads on two connections, all at once, are given exactly as many slots as there are."""
    turnstiles, tickets = [turnstile_at(), turnstile_at()], []
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait()
        tickets.extend(taken(turnstiles[number % 2], 20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tickets) == len(set(tickets)) == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_counts_with_its_parent(turnstile_at):
    """A child forked from a process that has the file open takes from the same slots."""
    one = turnstile_at()
    one.take(HOST, 5)
    child = os.fork()
    if child == 0:
        os._exit(len(taken(one)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert taken(one) == []


def test_the_ledger_does_not_notice(path, turnstile_at):
    """The ledger in the same file keeps its entries, its chain and its schema, and is opened again as before."""
    ledger = open_ledger(f"sqlite:///{path}")
    taken(turnstile_at())
    assert ledger.entries() == []
    ledger.close()
    again = open_ledger(f"sqlite:///{path}")
    assert again.verify() == ""
    again.close()
    assert taken(turnstile_at()) == []


def test_nothing_grows(turnstile_at, clock):
    """What is over leaves the table, so that a year of requests is no longer than a second of them."""
    one = turnstile_at()
    for _ in range(50):
        one.give(one.take(HOST, 5).ticket)
        one.pause("other.api-us1.com", 0.1)
        clock.now += 1
    one.take(HOST, 5)
    with one._transaction() as (connection, _):
        assert connection.execute("SELECT COUNT(*) FROM turnstile").fetchone() == (1,)


def test_a_file_that_cannot_be_used_is_an_error_in_words(path):
    """Where the budget cannot be counted there is no slot, and the error says what to do."""
    Path(path).write_text("this is no ledger, but somebody's notes of the year before last" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.db cannot be"):
        Turnstile(path).take(HOST, 5)


def test_it_is_opened_when_it_is_needed(path):
    """Whoever only makes tools opens no file."""
    Turnstile(path)
    assert not Path(path).exists()


def test_a_turn_costs_little(turnstile_at):
    """Taking a slot and giving it back together cost less than a millisecond, of the two hundred that it is for."""
    one = turnstile_at(time.time)
    costs = []
    for _ in range(200):
        begun = time.perf_counter()
        one.give(one.take(HOST, 1000).ticket)
        costs.append(time.perf_counter() - begun)
    assert sorted(costs)[100] < 0.001
