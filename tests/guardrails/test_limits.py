"""Limits in people, calls and money hold to the last unit, whoever races for it; beyond them nothing leaves unasked."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from ac_guardrails import Answer, ApprovalRequest, Catalog, Decision, Grants, Guard, Level, Need, Reference
from ac_guardrails import Request as Sent
from ac_guardrails._domains import references
from ac_guardrails._events import Event
from ac_guardrails._hold import _COUNTED, _IN_ORDER, Hold
from ac_guardrails._ledger import Ledger
from ac_guardrails._limits import DAY, HOUR, Limit
from ac_guardrails._origin import Origin
from ac_guardrails.approvers import Inbox
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

YES, NO = Decision.approve(by="anna"), Decision.reject("not today", by="anna")


class Person:
    """Gives the same answer to every question, and keeps them."""

    def __init__(self, answer: Decision = YES) -> None:
        self.answer = answer
        self.requests: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return self.answer

    @property
    def reasons(self) -> list[str]:
        return [dict(request.card.rows)["Why ask"] for request in self.requests]


@pytest.fixture
def opened(catalog: Catalog, clock: Any) -> Iterator[Callable[..., Guard]]:
    """Makes a guard of the agent "marketing"; unless said otherwise it may write to books, and its clock stands."""
    made: list[Guard] = []

    def make(books: dict[str, Any] | None = None, *, areas: Any = None, ledger: Any = "memory:", **more: Any) -> Guard:
        chosen = areas or {"books": {"access": "write", **(books or {})}, "members": "read"}
        grants = Grants.from_dict({"agents": {"marketing": chosen}}, catalog=catalog)
        made.append(Guard(grants, **{"ledger": ledger, "clock": clock, **more}))
        return made[-1]

    yield make
    for each in made:
        each.ledger.close()


@pytest.fixture
def rename(job: Any, sender: Any) -> Callable[..., Any]:
    """Renames another book at each call, and gives the answer."""
    books = itertools.count(1)
    return lambda guard, **more: guard.run(job("rename_book", {"book": next(books)}, **more), sender)


# Calls, and windows that roll


def test_calls_are_counted_by_the_writes_that_left(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Reads use nothing of a limit in calls, refused calls neither; a write uses one, however few people it touches."""
    guard = opened({"calls_per_day": 2})
    for _ in range(3):
        assert guard.run(job("get_book"), sender).ok
    assert not guard.run(job("burn_book"), sender).ok  # needs full
    assert rename(guard, people=0).ok
    assert rename(guard, people=9).ok
    assert not rename(guard, people=0).ok
    assert guard.run(job("get_book"), sender).ok
    assert len(sender.writes) == 2


def test_a_call_of_several_requests_is_one_call(opened: Any, rename: Any, sender: Any) -> None:
    """What a call sends after its first write is the same call, and is never cut off by a limit."""
    guard = opened({"calls_per_hour": 2, "people_per_hour": 6})
    more = tuple(Sent("POST", f"/books/{number}/pages", body={}) for number in range(3))
    assert rename(guard, more=more, people=5).ok
    assert rename(guard, more=more, people=1).ok
    assert len(sender.writes) == 8
    assert not rename(guard, people=0).ok


@pytest.mark.parametrize(("unit", "seconds"), [(unit, each) for unit in ("people", "calls") for each in (HOUR, DAY)])
def test_a_window_ends_exactly_when_it_is_full(opened: Any, rename: Any, clock: Any, unit: str, seconds: int) -> None:
    """What was used counts until one millisecond before its hour or day is over, and no longer."""
    guard = opened({f"{unit}_per_{'hour' if seconds == HOUR else 'day'}": 1})
    begun = clock.now
    assert rename(guard).ok
    clock.now = begun + seconds - 0.001
    assert not rename(guard).ok
    clock.now = begun + seconds
    assert rename(guard).ok
    assert not rename(guard).ok


def test_a_call_needs_room_under_each_of_its_limits(opened: Any, rename: Any, clock: Any) -> None:
    """With several limits passed, the answer names the one that has room last."""
    guard = opened({"people_per_hour": 1, "calls_per_day": 1})
    assert rename(guard).ok
    assert "at most 1 call per day in books; 1 is used. There is room" in rename(guard).content
    clock.now += HOUR
    assert not rename(guard).ok
    clock.now += DAY - HOUR
    assert rename(guard).ok


def test_what_can_never_fit_is_told_so(opened: Any, rename: Any) -> None:
    """A call that is larger than the limit itself is told to be split, not to wait."""
    answer = rename(opened({"people_per_day": 4999}), people=5000)
    assert answer.content == (
        "marketing may touch at most 4999 people per day in books; 0 are used and this call would touch 5000 more. "
        "It never has room for 5000 at once: split the call. Nothing was sent."
    )


used_before = st.lists(st.tuples(st.floats(0, 2 * HOUR), st.integers(0, 4)), max_size=12)


@settings(max_examples=60)
@given(before=used_before, most=st.integers(1, 8), wanted=st.integers(0, 8))
def test_the_time_that_is_said_is_the_first_at_which_the_call_fits(
    before: list[tuple[float, int]], most: int, wanted: int
) -> None:
    """Whatever was used before, and when: what lies in the window is counted, and room comes when it is said to."""
    now = 1_790_000_000.0
    ledger = Ledger(":memory:", clock=lambda: now)
    for number, (ago, people) in enumerate(sorted(before, reverse=True)):
        now = 1_790_000_000.0 - ago
        sent = Event(f"e{number}", "sent", "m", {"areas": ["books"], "people": people, "calls": 1})
        ledger.reserve(sent, hold=Hold())
    now = 1_790_000_000.0
    limit = Limit("books", "people", HOUR, most)

    def use(at: float) -> Any:
        nonlocal now
        now = at
        return ledger.outlook("m", "", windows=((limit, wanted),))[0][limit]

    found = use(now)
    assert found.count == sum(people for ago, people in before if round(1_790_000_000.0 - ago, 3) > now - HOUR)
    if found.count + wanted <= most or wanted > most:
        assert found.room_at is None
    else:
        assert use(found.room_at).count + wanted <= most < use(found.room_at - 0.001).count + wanted
    ledger.close()


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 40), reason="older ones take the row, only slower")
@pytest.mark.parametrize("unit", ["people", "calls"])
def test_counting_reads_no_event(unit: str) -> None:
    """What is added up lies in an index, so that a busy day does not make each of its writes slower."""
    ledger = Ledger(":memory:")
    for sql in (_COUNTED[unit], _IN_ORDER[unit]):
        with ledger.reading() as connection:
            steps = connection.execute(f"EXPLAIN {sql}", ("m", 0.0, "books")).fetchall()
        assert not [step for step in steps if "json_extract" in str(step[5])]
    ledger.close()


@pytest.mark.parametrize("fate", ["refused", "not_sent", "unknown"])
def test_nothing_is_given_back(opened: Any, rename: Any, sender: Any, account_error: Any, fate: str) -> None:
    """What was reserved for a write stays used, whatever the account or the network made of it."""

    def fail(request: Any) -> Any:
        raise account_error(fate)

    guard = opened({"calls_per_day": 1})
    sender.reply = fail
    assert not rename(guard).ok
    sender.reply = lambda request: {"ok": True}
    assert "1 is used" in rename(guard).content
    assert len(sender.writes) == 1


def test_what_nobody_let_through_uses_nothing(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """Calls that a person rejects, or answers too late, use up no limit."""
    person = Person(NO)
    guard = opened({"calls_per_day": 1, "ask": "writes"}, approver=person, expires=60)
    assert rename(guard).artifact.kind == "rejected"

    def late(request: ApprovalRequest) -> Decision:
        clock.now += 60
        return YES

    guard.approver = late
    assert rename(guard).artifact.kind == "expired"
    guard.approver = Person(YES)
    assert rename(guard).ok
    assert not rename(guard).ok
    assert len(sender.writes) == 1


# Over a limit


def test_over_ask_puts_the_refusal_to_a_person(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """With `over: ask` the words of the refusal are the reason on the card; a yes lets one call pass, a no none."""
    refused = rename(opened({"calls_per_hour": 1, "over": "refuse"}, ledger=(first := Ledger(":memory:", clock=clock))))
    assert refused.ok
    words = rename(opened({"calls_per_hour": 1}, ledger=first)).content.removesuffix(" Nothing was sent.")
    person = Person()
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=person, ledger=first)
    assert rename(guard).ok
    assert person.reasons == [words]
    assert words == (
        "marketing may make at most 1 call per hour in books; 1 is used. "
        "There is room for it from 2026-09-21 15:13:20 UTC on."
    )
    guard.approver = Person(NO)
    assert rename(guard).artifact.kind == "rejected"
    guard.approver = None
    answer = rename(guard)
    assert answer.content.startswith("marketing may make at most 1 call per hour in books; 2 are used.")
    assert "A person must agree to this, and the guard has no approver to ask." in answer.content
    assert len(sender.writes) == 2


def test_an_approval_over_a_limit_counts_all_the_same(opened: Any, rename: Any, clock: Any) -> None:
    """Whom an approved call touches beyond the limit is counted, so that the window empties the later for it."""
    person = Person()
    guard = opened({"people_per_hour": 3, "over": "ask"}, approver=person)
    assert rename(guard, people=3).ok
    clock.now += 1800
    assert rename(guard, people=2).ok
    clock.now += 1800
    assert rename(guard, people=2).ok
    assert len(person.requests) == 2
    assert "2 are used" in person.reasons[1]


def test_a_yes_for_another_reason_is_no_yes_beyond_a_limit(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Where a limit fills up while a person thinks about something else, they are asked again, with the limit."""
    person = Person()

    def slowly(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard).ok
        return person(request)

    guard = opened(areas={"books": {"access": "full", "calls_per_hour": 1, "over": "ask"}}, approver=slowly)
    assert guard.run(job("burn_book", {"book": 99}), sender).ok
    first, second = person.reasons
    assert "limit" not in first and "calls" not in first
    assert second.startswith("It destroys something or reaches people, so a person decides. marketing may make at most")
    assert len(sender.writes) == 2


def test_a_yes_beyond_one_limit_is_none_beyond_another(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Who lets a call pass the limit in people has said nothing of the limit in calls, which fills up meanwhile."""
    person = Person()

    def slowly(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard, people=0).ok
        return person(request)

    guard = opened({"people_per_hour": 1, "calls_per_hour": 1, "over": "ask"}, approver=slowly)
    assert rename(guard, people=2).ok
    assert ["call per hour" in reason for reason in person.reasons] == [False, True]
    assert len(sender.writes) == 2


def test_an_edit_does_not_carry_a_call_over_a_limit(opened: Any, rename: Any, job: Any, sender: Any) -> None:
    """Who edits a call has agreed to what they made of it, but not to a limit that they were not told of."""
    person = Person()

    def editing(request: ApprovalRequest) -> Decision:
        if not person.requests:
            assert rename(guard).ok
            person(request)
            return Decision.edit({"book": 77, "title": "Emma"}, by="anna")
        return person(request)

    guard = opened({"ask": "writes", "calls_per_hour": 1, "over": "ask"})
    guard.approver = None
    quiet = opened({"calls_per_hour": 9}, ledger=guard.ledger)
    guard.approver = editing
    rename_by = rename
    rename = lambda _: rename_by(quiet)  # noqa: E731
    assert guard.run(job("rename_book", {"book": 77}), sender).ok
    assert "at most 1 call per hour" in person.reasons[1]
    assert len(sender.writes) == 2


@pytest.mark.parametrize(("title", "kind"), [("Emma", "rejected"), ("Persuasion", "waiting")])
def test_a_no_stands_when_there_is_room_again(
    opened: Any, rename: Any, job: Any, sender: Any, clock: Any, title: str, kind: str
) -> None:
    """What a person has rejected beyond a limit does not run an hour later, when it needs nobody any more.

    Where the record has changed since, they are asked anew.
    """
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=Inbox(wait=0), expires=2 * DAY)
    assert rename(guard).ok
    call = job("rename_book", {"book": 50}, origin=Origin("thread", "turn", "call"), voids={"title": "Emma"})
    assert guard.run(call, sender).artifact.kind == "waiting"
    (question,) = guard.desk.waiting()
    guard.desk.answer(question.request.id, NO)
    clock.now += HOUR
    assert guard.run(replace(call, voids={"title": title}), sender).artifact.kind == kind
    assert len(sender.writes) == 1


def test_a_question_that_nobody_answered_is_needed_no_more_once_there_is_room(
    opened: Any, rename: Any, job: Any, sender: Any, clock: Any
) -> None:
    """A call that waits for a person only because of a limit goes on by itself when the window lets it through."""
    guard = opened({"calls_per_hour": 1, "over": "ask"}, approver=Inbox(wait=0), expires=2 * DAY)
    assert rename(guard).ok
    call = job("rename_book", {"book": 50}, origin=Origin("thread", "turn", "call"))
    assert guard.run(call, sender).artifact.kind == "waiting"
    clock.now += HOUR
    assert guard.run(call, sender).ok
    assert guard.desk.waiting() == []


def test_a_question_of_another_call_does_not_serve_beyond_a_limit(
    opened: Any, rename: Any, job: Any, sender: Any
) -> None:
    """Two calls for the same share a question, but not where the second needs a limit passed as well."""
    asking = {"ask": "writes", "calls_per_hour": 1, "over": "ask"}
    guard = opened(asking, approver=Inbox(wait=0))
    calls = [job("rename_book", {"book": 50}, origin=Origin("thread", "turn", f"call {each}")) for each in range(3)]
    for call in calls[:2]:
        assert guard.run(call, sender).artifact.kind == "waiting"
    (first,) = guard.desk.waiting()
    assert rename(opened(ledger=guard.ledger)).ok
    assert guard.run(calls[2], sender).artifact.kind == "waiting"
    second = next(one for one in guard.desk.waiting() if one.request.id != first.request.id)
    assert (first.beyond, second.beyond) == (frozenset(), {"books: calls_per_hour"})


def test_a_standing_approval_lets_nothing_pass_a_limit(opened: Any, rename: Any, sender: Any, clock: Any) -> None:
    """What somebody has agreed to beforehand runs by itself up to the limit; beyond it a person is asked."""
    person = Person(NO)
    guard = opened({"ask": "writes", "calls_per_hour": 1, "over": "ask"}, approver=person)
    until = datetime.fromtimestamp(clock.now + DAY, UTC)
    guard.standing.allow(agent="marketing", tool="rename_book", by="anna", until=until, times=9)
    assert rename(guard).ok
    assert person.requests == []
    assert rename(guard).artifact.kind == "rejected"
    assert "at most 1 call per hour" in person.reasons[0]


# Races


def race(guard: Guard, job: Any, sender: Any) -> list[Any]:
    """32 calls in threads, all of which have been decided on before the first of them is put on record."""
    start = threading.Barrier(32)

    def call(book: int) -> Any:
        arrived = []

        def perform(plan: Any) -> Any:
            if not arrived:
                arrived.append(start.wait())
            return Answer("done", (yield plan.action.request))

        return guard.run(job("rename_book", {"book": book}, performing=perform), sender)

    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(call, range(1, 33)))


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("unit", ["people", "calls"])
def test_of_32_threads_one_gets_the_last_unit(
    opened: Any, job: Any, sender: Any, tmp_path: Path, unit: str, where: str
) -> None:
    """However many threads race for what is left of a limit, exactly one of them gets it."""
    ledger = "memory:" if where == "memory" else f"sqlite:///{tmp_path}/ledger.db"
    guard = opened({f"{unit}_per_day": 1}, ledger=ledger)
    answers = race(guard, job, sender)
    assert sum(answer.ok for answer in answers) == 1
    assert len(sender.writes) == 1
    assert all("There is room for it from" in answer.content for answer in answers if not answer.ok)
    assert guard.ledger.verify() == ""


@pytest.mark.parametrize("answer", [YES, NO], ids=["yes", "no"])
def test_of_32_threads_one_gets_the_last_unit_unasked(opened: Any, job: Any, sender: Any, answer: Decision) -> None:
    """With `over: ask` exactly one goes by itself; about each of the others a person is asked, and is obeyed."""
    person = Person(answer)
    guard = opened({"calls_per_day": 1, "over": "ask"}, approver=person)
    answers = race(guard, job, sender)
    assert len(person.requests) == 31
    assert all("calls_per" in name for request in person.requests for name in _beyond(guard, request))
    assert sum(each.ok for each in answers) == len(sender.writes) == (32 if answer is YES else 1)


def _beyond(guard: Guard, request: ApprovalRequest) -> frozenset[str]:
    question = guard.desk.question(request.id)
    assert question is not None
    return question.beyond


PROCESSES = """
import importlib.util, os, sys
path, library, children, calls, most, over = *sys.argv[1:3], *map(int, sys.argv[3:6]), sys.argv[6]
spec = importlib.util.spec_from_file_location("library", library)
sys.modules["library"] = library = importlib.util.module_from_spec(spec)
spec.loader.exec_module(library)
from ac_guardrails import Decision, Grants, Guard

asked = 0

def person(request):
    global asked
    asked += 1
    return Decision.approve(by="anna") if over == "yes" else Decision.reject(by="anna")

books = {"access": "write", "calls_per_day": most, "over": "refuse" if over == "refuse" else "ask"}
grants = Grants.from_dict({"agents": {"marketing": {"books": books, "members": "read"}}}, catalog=library.CATALOG)
ready, go = os.pipe(), os.pipe()

def child(number):
    guard, sender = Guard(grants, ledger=f"sqlite:///{path}", approver=person), library.LibrarySender()
    os.write(ready[1], b".")
    os.read(go[0], 1)
    for call in range(calls):
        guard.run(library.LibraryJob("rename_book", {"book": number * 1000 + call + 1}), sender)
    print(len(sender.writes), asked, flush=True)
    os._exit(0)

pids = []
for number in range(children):
    pids.append(os.fork())
    if pids[-1] == 0:
        child(number)
for _ in pids:
    os.read(ready[0], 1)
os.write(go[1], b"." * children)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids].count(0), "ended")
"""


@pytest.mark.timeout(100)
@pytest.mark.parametrize("over", ["refuse", "no", "yes"])
@pytest.mark.parametrize(("calls", "most"), [(1, 1), pytest.param(100, 250, marks=pytest.mark.long)])
def test_8_processes_share_a_limit_exactly(tmp_path: Path, calls: int, most: int, over: str) -> None:
    """Processes on one ledger file let through exactly as much as there is, and beyond it only what was agreed to."""
    paths = [str(tmp_path / "ledger.db"), str(Path(__file__).with_name("conftest.py"))]
    command = [sys.executable, "-W", "ignore", "-c", PROCESSES, *paths, "8", str(calls), str(most), over]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    *children, last = done.stdout.splitlines()
    assert last == "8 ended", done.stderr
    left, asked = (sum(column) for column in zip(*(map(int, line.split()) for line in children), strict=True))
    assert left == (8 * calls if over == "yes" else most)
    assert asked == (0 if over == "refuse" else 8 * calls - most)
    ledger = Ledger(str(tmp_path / "ledger.db"))
    assert ledger.verify() == ""
    ledger.close()


# Money


@dataclass
class Selling:
    """A job that puts a price on a book. `touches` is what the product says of it."""

    job: Any
    touches: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.job, name)

    def outline(self) -> Any:
        return replace(self.job.outline(), touches=self.touches)

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Any:
        plan = yield from self.job.prepare(readable, again=again)
        return replace(plan, action=replace(plan.action, touches=self.touches))


MOST = {"amount_at_most": {"EUR": 5000.3, "USD": 5500}}


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (500030, "eur", ""),
        (500030, "EUR", ""),
        (500031, "eur", "marketing may set amounts in books up to 5000.3 EUR; this call sets more."),
        (550000, "usd", ""),
        (550001, "usd", "marketing may set amounts in books up to 5500 USD; this call sets more."),
        (1, "gbp", "marketing may set amounts in books up to 5000.3 EUR or 5500 USD; this call uses another currency."),
        (None, "usd", "Give the amount together with its currency."),
        (1, None, "Give the amount together with its currency."),
        (None, None, ""),
    ],
)
def test_an_amount_is_compared_to_the_cent(
    opened: Any, job: Any, sender: Any, carry: Any, amount: int | None, currency: str | None, words: str
) -> None:
    """More than the grant has for the currency is refused; so is a currency that it does not name, or half a price."""
    answer = carry(opened(MOST), Selling(job("rename_book"), {"amount": amount, "currency": currency}))
    assert answer.ok == (not words)
    assert words in answer.content
    assert len(sender.writes) == (not words)


def test_an_amount_beyond_the_limit_can_be_agreed_to(opened: Any, job: Any, sender: Any) -> None:
    """With `over: ask` a person is asked about more money, and about another currency."""
    person = Person()
    guard = opened({**MOST, "over": "ask"}, approver=person)
    for book, (amount, currency) in enumerate([(500031, "eur"), (100, "jpy"), (100, "eur")], 1):
        assert guard.run(
            Selling(job("rename_book", {"book": book}), {"amount": amount, "currency": currency}), sender
        ).ok
    assert ["sets more" in reason for reason in person.reasons] == [True, False]
    assert len(sender.writes) == 3


def test_a_limit_in_money_holds_no_read_up(opened: Any, job: Any, sender: Any) -> None:
    """What only reads changes no amount, whatever it names."""
    assert opened(MOST).run(Selling(job("get_book"), {"amount": 1, "currency": None}), sender).ok


# Addresses


def test_domains_are_compared_in_one_form() -> None:
    """Case, the root's dot and the spelling of other scripts make no difference; what cannot be compared is nothing."""
    same = ["a@Bücher.example", "b@BÜCHER.EXAMPLE", "c@xn--bcher-kva.example", "d@bücher.example."]
    assert references(same) == (Reference("domain", 0, "xn--bcher-kva.example"),)
    nothing = [
        "a@faß.example",
        "a@b@example.com",
        "a@",
        "@example.com",
        "example.com",
        "a@x..example",
        "a@*.example.com",
    ]
    assert references(nothing) == (Reference("domain", 0, ""),)


LOOK = Sent("GET", "/members/1")
AT_HOME = {"domain": ["Example.com", "*.bücher.example"]}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("a@example.com", True),
        ("a@EXAMPLE.COM", True),
        ("a@sub.example.com", False),
        ("a@notexample.com", False),
        ("a@example.com.evil.org", False),
        ("a@evil.org@example.com", False),
        ("a@bücher.example", False),
        ("a@neue.bücher.example", True),
        ("a@NEUE.xn--bcher-kva.example", True),
        ("a@xxn--bcher-kva.example", False),
        ("a@buecher.example", False),
        ("", False),
    ],
)
def test_only_addresses_of_these_domains(opened: Any, job: Any, sender: Any, address: str, allowed: bool) -> None:
    """A grant narrowed to domains lets through whom they hold, and nobody whose address is elsewhere or unknown."""
    guard = opened(areas={"members": {"access": "read", "only": AT_HOME}})
    named = references([address]) if address else ()
    answer = guard.run(job("get_member", references=named, request=LOOK), sender)
    assert answer.ok == allowed
    assert len(sender.requests) == allowed
    if not allowed:
        where = "; an address of this call is elsewhere" if address else "; this call names no address"
        assert answer.content == (
            "marketing may use only the domain *.xn--bcher-kva.example or example.com" + where + ". Nothing was sent."
        )
        assert address.partition("@")[2] not in str(guard.ledger.entries()) or not address


def test_one_stranger_among_many_stops_the_call(opened: Any, job: Any, sender: Any) -> None:
    """Of a call that names many addresses none is let through where one of them is elsewhere."""
    guard = opened(areas={"members": {"access": "read", "only": AT_HOME}})
    friends, stranger = [f"m{number}@example.com" for number in range(50)], "x@elsewhere.example"
    assert guard.run(job("get_member", references=references(friends), request=LOOK), sender).ok
    answer = guard.run(job("get_member", references=references([*friends, stranger]), request=LOOK), sender)
    assert "an address of this call is elsewhere" in answer.content


def test_a_narrowed_grant_holds_for_calls_of_other_areas(opened: Any, job: Any, sender: Any) -> None:
    """Who may not touch a record by one area does not get at it by another; calls that name none are left alone."""
    areas = {"books": "write", "members": {"access": "off", "only": AT_HOME}}
    guard, needs = opened(areas=areas), (Need("books", Level.WRITE),)
    stranger, friend = references(["x@elsewhere.example"]), references(["a@example.com"])
    assert not guard.run(job("rename_book", {"book": 1}, needs=needs, references=stranger), sender).ok
    assert guard.run(job("rename_book", {"book": 2}, needs=needs, references=friend), sender).ok
    assert guard.run(job("rename_book", {"book": 3}, needs=needs, references=(Reference("shelf", 1),)), sender).ok
    assert len(sender.writes) == 2


# With the real tools


@pytest.fixture
def kit(account: ActiveCampaign, guard_for: Any) -> Callable[..., ActiveCampaignToolkit]:
    """A toolkit of the agent "marketing" on the embedded account."""

    def make(grants: dict[str, Any], approver: Any = None, **options: Any) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard_for(grants, approver, **options), agent="marketing")

    return make


def writes(account: ActiveCampaign) -> int:
    assert account.simulator is not None
    return sum(each.method != "GET" for each in account.simulator.requests)


def test_row_33_5000_people_in_one_call(account: ActiveCampaign, kit: Any, run: Any) -> None:
    """An import of 5,000 people where there is room for 4,999 is refused before anybody is asked, or a part is sent."""
    person, people = Person(), [{"email": f"p{number}@x.example"} for number in range(5000)]
    toolkit = kit({"contacts": {"access": "full", "people_per_day": 4999}}, person)
    refused = run(toolkit, "ac_import_contacts", contacts=people)
    assert "It never has room for 5000 at once: split the call." in refused.content
    assert (person.requests, writes(account)) == ([], 0)


@pytest.mark.long
def test_an_import_is_one_call_however_many_requests_it_takes(account: ActiveCampaign, kit: Any, run: Any) -> None:
    """With room for exactly one call and its people, a large import is sent whole, and then nobody else."""
    person, people = Person(), [{"email": f"p{number}@x.example"} for number in range(5000)]
    toolkit = kit({"contacts": {"access": "full", "people_per_day": 5000, "calls_per_day": 1}}, person)
    assert run(toolkit, "ac_import_contacts", contacts=people).status == "success"
    assert len(person.requests) == 1
    assert (sent := writes(account)) > 1
    assert run(toolkit, "ac_import_contacts", contacts=people[:1]).status == "error"
    assert writes(account) == sent


def graph_of(toolkit: ActiveCampaignToolkit, calls: list[tuple[str, dict[str, Any]]]) -> Any:
    """A graph whose one node makes all of the calls at once."""
    asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [AIMessage("", tool_calls=asked)]})
    graph.add_node("tools", ToolNode(toolkit.get_tools()))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_edge("tools", END)
    return graph.compile(checkpointer=InMemorySaver())


CONFIG: Any = {"configurable": {"thread_id": "thread", "approver": "anna"}}


def test_row_33_56_calls_in_one_step(account: ActiveCampaign, kit: Any) -> None:
    """Of 56 calls that a model makes at once, as many leave as the limit has room for, and the others say so."""
    toolkit = kit({"tags": {"access": "write", "calls_per_hour": 50}})
    calls = [("ac_create_tag", {"name": f"Fair {number}"}) for number in range(56)]
    told = graph_of(toolkit, calls).invoke({"messages": []}, CONFIG)["messages"][1:]
    assert sum(message.status == "success" for message in told) == writes(account) == 50
    said = {message.content.partition(";")[0] for message in told if message.status == "error"}
    assert said == {"marketing may make at most 50 calls per hour in tags"}


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_calls_of_one_step_that_pass_a_limit_are_asked_about_in_the_graph(
    account: ActiveCampaign, kit: Any, answer: str
) -> None:
    """With `over: ask` the graph pauses at those calls alone; those that had room are not made again after it."""
    toolkit = kit({"tags": {"access": "write", "calls_per_hour": 2, "over": "ask"}}, ask_in_graph)
    graph = graph_of(toolkit, [("ac_create_tag", {"name": f"Fair {number}"}) for number in range(4)])
    result = graph.invoke({"messages": []}, CONFIG)
    assert writes(account) == 2
    for _ in range(4):
        if not (pauses := result.get("__interrupt__")):
            break
        count = len(pauses[0].value["action_requests"])
        result = graph.invoke(Command(resume={"decisions": [{"type": answer}] * count}), CONFIG)
    told = result["messages"][1:]
    expected = 4 if answer == "approve" else 2
    assert sum(message.status == "success" for message in told) == writes(account) == expected
    assert len(told) == 4


DEALS = {"deals": {"access": "write", "amount_at_most": {"EUR": 5000}}, "contacts": "read"}
DEAL = {"title": "Order", "contact": 46, "pipeline": 1, "owner": 1}


def test_deals_are_held_to_their_amount(account: ActiveCampaign, kit: Any, run: Any) -> None:
    """A deal over the limit is refused, made or changed; so is another currency, also where only that would change."""
    toolkit = kit(DEALS)
    over = run(toolkit, "ac_create_deal", **DEAL, amount="5000.01", currency="EUR")
    assert "marketing may set amounts in deals up to 5000 EUR; this call sets more." in over.content
    assert "another currency" in run(toolkit, "ac_create_deal", **DEAL, amount="1", currency="USD").content
    assert writes(account) == 0
    made = run(toolkit, "ac_create_deal", **DEAL, amount="5000.00", currency="eur")
    assert made.status == "success", made.content
    deal = made.artifact.id
    assert run(toolkit, "ac_update_deal", deal=deal, currency="USD").status == "error"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="5001", currency="EUR").status == "error"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="4000", currency="USD").status == "error"
    assert writes(account) == 1
    assert run(toolkit, "ac_update_deal", deal=deal, title="Big order").status == "success"
    assert run(toolkit, "ac_update_deal", deal=deal, amount="4000", currency="EUR").status == "success"


def test_a_larger_deal_can_be_agreed_to(account: ActiveCampaign, kit: Any, run: Any, approve: Any) -> None:
    """With `over: ask` a person sees the amount and the limit, and lets the deal pass."""
    toolkit = kit({**DEALS, "deals": {**DEALS["deals"], "over": "ask"}}, approve)  # type: ignore[dict-item]
    assert run(toolkit, "ac_create_deal", **DEAL, amount="9000", currency="EUR").status == "success"
    (request,) = approve.requests
    assert (
        dict(request.card.rows)["Why ask"] == "marketing may set amounts in deals up to 5000 EUR; this call sets more."
    )
    assert "9000" in str(request)
    assert writes(account) == 1
