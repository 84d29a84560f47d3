"""Replaying: what other grants would have said to the calls on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_guardrails import Answer, Decision, Grants, Guard, Ledger, Reference, Replay, Request, replay

TOOLS = ("get_book", "rename_book", "burn_book", "lend_book", "get_member", "mail_members")
FULL = {"books": "full", "members": "full"}
LIMITS = st.dictionaries(
    st.sampled_from(["people_per_hour", "people_per_day", "calls_per_hour", "calls_per_day"]),
    st.integers(1, 6),
    max_size=2,
)
YES = Decision.approve(by="anna")


@st.composite
def grants_data(draw: st.DrawFn, *, narrowed: bool = False) -> dict[str, Any]:
    """Grants of two agents with limits, asking, ended days, and `only` where that is wanted."""
    found: dict[str, Any] = {}
    for agent in ("marketing", "sales"):
        areas: dict[str, Any] = {}
        for area in ("books", "members"):
            entry: dict[str, Any] = {"access": draw(st.sampled_from(["off", "read", "write", "full"])), **draw(LIMITS)}
            entry |= draw(st.sampled_from([{}, {}, {"ask": "writes"}, {"until": "2026-09-22"}, {"over": "ask"}]))
            if narrowed and area == "books" and draw(st.booleans()):
                entry["only"] = {"shelf": draw(st.sampled_from([["Crime"], ["Poetry"], [1]]))}
            areas[area] = entry
        found[agent] = areas
    return {"agents": found}


CALLS = st.lists(
    st.tuples(
        st.sampled_from(TOOLS),
        st.sampled_from(["marketing", "sales"]),
        st.integers(0, 4),
        st.sampled_from([1.0, 600.0, 3599.0, 3600.0, 40000.0]),
        st.sampled_from(["yes", "yes", "no"]),
    ),
    min_size=1,
    max_size=25,
)


def ran(guard: Guard, job: Any, sender: Any, clock: Any, calls: Any) -> None:
    for tool, agent, people, wait, _ in calls:
        clock.now += wait
        guard.run(job(tool, {"book": 7}, agent=agent, people=people), sender)


@pytest.fixture
def made(grants: Callable[..., Grants], clock: Any) -> Callable[..., Guard]:
    begin = clock.now

    def make(data: dict[str, Any], answers: Any = None) -> Guard:
        clock.now = begin
        said = iter(answers or [])
        approver = (lambda request: next(said)) if answers else (lambda request: YES)
        return Guard(grants(data), ledger=Ledger(":memory:", clock=clock), approver=approver, clock=clock)

    return make


def changes(found: Replay) -> list[str]:
    return [call.change for call in found.calls]


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=grants_data(narrowed=True), calls=CALLS)
@pytest.mark.filterwarnings("ignore::ac_guardrails.GrantsWarning")
def test_the_same_grants_find_no_difference(
    made: Any, job: Any, sender: Any, clock: Any, data: Any, calls: Any
) -> None:
    """Whatever happened under some grants, they would have said it again, as far as that can be told."""
    guard = made(data, [YES if call[4] == "yes" else Decision.reject(by="ben") for call in calls] * 3)
    ran(guard, job, sender, clock, calls)
    found = replay(guard.grants, guard.ledger)
    assert [str(call) for call in found.differences] == []
    assert len(found.calls) == len(calls)
    narrowed = any("only" in areas["books"] for areas in data["agents"].values())
    assert narrowed or not found.of("untold")
    guard.ledger.close()


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=grants_data(), calls=CALLS)
@pytest.mark.filterwarnings("ignore::ac_guardrails.GrantsWarning")
def test_it_is_what_a_guard_with_the_other_grants_does(
    made: Any, job: Any, sender: Any, clock: Any, data: Any, calls: Any
) -> None:
    """What the other grants are told to say is what a guard that has them says to the same calls."""
    everything = {"agents": {"marketing": FULL, "sales": FULL}}
    before, after = made(everything), made(data)
    ran(before, job, sender, clock, calls)
    other = made(data)
    ran(other, job, sender, clock, calls)
    found = replay(after.grants, before.ledger)
    said = [entry.decision for entry in other.ledger.entries()]
    assert [{"allow": "allowed", "ask": "approved", "deny": "refused"}[call.now.kind] for call in found.calls] == said
    for each in (before, after, other):
        each.ledger.close()


def test_what_differs_is_told_in_sentences(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """Each call that would go otherwise is told with what was said then, what would be said now, and the rule."""
    guard = made({"books": "full", "members": "read"})
    ran(guard, job, sender, clock, [(tool, "marketing", 1, 1.0, "") for tool in TOOLS])
    found = replay(grants({"books": {"access": "write", "ask": "writes"}, "members": "full"}), guard.ledger)
    assert changes(found) == ["same", "asked", "denied", "asked", "same", "asked"]
    assert max(map(len, str(found).splitlines())) <= 100
    text = " ".join(str(found).split())
    assert "1 newly denied, 3 newly asked, 0 newly allowed, 2 the same, 0 that cannot be told." in text
    assert "Then a person was asked, now denied." in text
    assert "needs books: full" in text
    assert "agents.marketing.books" in text


def test_limits_count_what_the_other_grants_let_through(
    made: Any, job: Any, sender: Any, clock: Any, grants: Any
) -> None:
    """What they deny uses nothing up, so that a later, smaller call still fits."""
    guard = made({"books": "write"})
    ran(guard, job, sender, clock, [("rename_book", "marketing", people, 1.0, "") for people in (2, 5, 2, 1)])
    found = replay(grants({"books": {"access": "write", "people_per_hour": 4}}), guard.ledger)
    assert changes(found) == ["same", "denied", "same", "denied"]


def test_windows_roll(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """What was used counts until exactly an hour later."""
    guard = made({"books": "write"})
    ran(guard, job, sender, clock, [("rename_book", "marketing", 1, wait, "") for wait in (0.0, 3599.0, 1.0, 3599.0)])
    found = replay(grants({"books": {"access": "write", "people_per_hour": 1}}), guard.ledger)
    assert changes(found) == ["same", "denied", "same", "denied"]


def test_a_call_of_several_requests_counts_once(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """People and calls count with the first request of a call."""
    guard = made({"books": "write"})
    for _ in range(2):
        guard.run(job("rename_book", people=2, more=(Request("POST", "/books/2"), Request("POST", "/books/3"))), sender)
    limits = {"people_per_hour": 4, "calls_per_hour": 2}
    assert changes(replay(grants({"books": {"access": "write", **limits}}), guard.ledger)) == ["same", "same"]


def test_a_limit_that_others_used_up_meanwhile(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """A call that fitted when it was asked about, and no longer when it was sent, is denied."""
    guard = made({"books": "full"})

    def slow(request: Any) -> Decision:
        guard.run(job("rename_book"), sender)
        return YES

    guard.approver = slow
    guard.run(job("burn_book"), sender)
    found = replay(grants({"books": {"access": "full", "calls_per_hour": 1}}), guard.ledger)
    assert {call.entry.tool: call.change for call in found.calls} == {"burn_book": "denied", "rename_book": "same"}


def test_a_call_that_had_nothing_to_do_is_no_difference(made: Any, job: Any, sender: Any, grants: Any) -> None:
    """Where reading showed that nothing was to be done, nobody was asked; a no comes before that."""

    def nothing() -> Any:
        return Answer("Nothing to do.", None)
        yield

    guard = made({"books": "full"})
    guard.run(job("burn_book", during_prepare=nothing), sender)
    assert changes(replay(guard.grants, guard.ledger)) == ["same"]
    assert changes(replay(grants({"books": "write"}), guard.ledger)) == ["denied"]


def test_what_was_denied_counts_once_it_is_allowed(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """Calls that the other grants would have let through are taken to be sent, and use the limit up."""
    guard = made({"books": "read"})
    ran(guard, job, sender, clock, [("rename_book", "marketing", 2, 1.0, "")] * 3)
    found = replay(grants({"books": {"access": "write", "people_per_day": 4}}), guard.ledger)
    assert changes(found) == ["allowed", "allowed", "same"]


def test_names_that_are_not_on_record_are_not_guessed(
    made: Any, job: Any, sender: Any, clock: Any, grants: Any
) -> None:
    """Where nobody knows what a call named that `only` narrows, it is untold; a question has kept the names."""
    guard = made({"books": "full"})
    calls = [job("rename_book"), job("burn_book"), job("burn_book", references=(Reference("shelf", 2, "Poetry"),))]
    for one in calls:
        guard.run(one, sender)
    found = replay(grants({"books": {"access": "full", "only": {"shelf": ["Crime"]}}}), guard.ledger)
    assert changes(found) == ["untold", "same", "denied"]
    assert "1 because `only` narrows the shelf, and what it named is not on record" in str(found)


def test_what_something_else_refused_stays_refused(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """A call that a stop held back would not have run under stricter grants either, which is no difference."""
    guard = made({"books": "write"})
    guard.ledger.stop("audit", by="anna")
    ran(guard, job, sender, clock, [("rename_book", "marketing", 1, 1.0, "")])
    assert changes(replay(grants({"books": "read"}), guard.ledger)) == ["same"]


def test_only_an_agent_or_a_time(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """What is told can be narrowed; what came before still counts for the limits."""
    everything = {"agents": {"marketing": FULL, "sales": FULL}}
    guard = made(everything)
    ran(
        guard,
        job,
        sender,
        clock,
        [("rename_book", agent, 2, 60.0, "") for agent in ("marketing", "sales", "marketing")],
    )
    limited = {"books": {"access": "write", "people_per_hour": 3}}
    candidate = grants({"agents": {"marketing": limited, "sales": limited}})
    assert changes(replay(candidate, guard.ledger, agent="sales")) == ["same"]
    assert changes(replay(candidate, guard.ledger, since=clock.now)) == ["denied"]
    assert str(replay(candidate, guard.ledger, since=clock.now + 1)).startswith("There are no calls on record")


def test_neither_the_account_nor_the_ledger_is_touched(
    made: Any, job: Any, sender: Any, clock: Any, grants: Any
) -> None:
    """No request, and not one row more."""
    guard = made({"books": "write"})
    ran(guard, job, sender, clock, [("rename_book", "marketing", 1, 1.0, "")])
    with guard.ledger.reading() as connection:
        before = connection.execute("SELECT COUNT(*) FROM events").fetchone()
    replay(grants({"books": "read"}), guard.ledger)
    with guard.ledger.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM events").fetchone() == before
    assert len(sender.requests) == 1


def test_a_call_that_could_not_be_read_is_untold(made: Any, job: Any, sender: Any, clock: Any, grants: Any) -> None:
    """Arguments that could not be used never came before the grants."""
    guard = made({"books": "write"})
    guard.run(job("rename_book", {"bok": 1}), sender)
    found = replay(grants({"books": "read"}), guard.ledger)
    assert changes(found) == ["untold"]
    assert "it ended before the grants were asked" in str(found)


def test_an_edited_call_was_agreed_to(made: Any, job: Any, sender: Any, clock: Any) -> None:
    """An edit is a person's consent, as an approval is."""
    guard = made({"books": "full"}, [Decision.edit({"book": 7, "title": "Emma"}, by="anna")] * 9)
    guard.run(job("burn_book", {"book": 7}), sender)
    assert changes(replay(guard.grants, guard.ledger)) == ["same"]
