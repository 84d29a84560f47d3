"""`decide` says yes, no or ask; it is pure, total, and denies whatever was not granted."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails import Action, Catalog, CatalogTool, Grant, Grants, Guard, Level, Need, Reference, Request, Verdict
from ac_guardrails._limits import DAY, HOUR, Limit, Use

AREAS = ("books", "members", "rooms")
ANY = Catalog("Any", AREAS, tuple(CatalogTool(f"do_{area}", Need(area, Level.READ)) for area in AREAS))
TODAY = date(2026, 6, 15)


def action(*needs: Need, **more: Any) -> Action:
    return Action(
        **{"agent": "m", "tool": "do_books", "host": "h", "needs": needs, "arguments": {}, "what": "x", **more}
    )


def decided(grant: Grant, wanted: Action, **more: Any) -> Verdict:
    return Grants({"m": {grant.area: grant}}, ANY).decide(wanted, **{"facts": {}, "on": TODAY, **more})


levels = st.sampled_from(Level)
granted = st.builds(
    Grant,
    area=st.just("books"),
    level=levels,
    only=st.just({}) | st.just({"shelf": frozenset({"1"})}),
    until=st.none() | st.dates(date(2026, 6, 1), date(2026, 6, 30)),
    ask_writes=st.booleans(),
    ask_tools=st.just(frozenset()) | st.just(frozenset({"do_books"})),
    people_per_hour=st.none() | st.integers(1, 4),
    people_per_day=st.none() | st.integers(1, 6),
    calls_per_hour=st.none() | st.integers(1, 2),
    over_asks=st.booleans(),
)
given_areas = st.dictionaries(st.sampled_from(AREAS), granted, max_size=3).map(
    lambda areas: {area: Grant(**{**_fields(grant), "area": area}) for area, grant in areas.items()}
)
actions = st.builds(
    action,
    agent=st.sampled_from(["m", "stranger"]),
    references=st.sampled_from([(), (Reference("shelf", 1),), (Reference("shelf", 2),)]),
    people=st.integers(0, 5),
    request=st.none() | st.sampled_from([Request("GET", "/x"), Request("DELETE", "/x")]),
).flatmap(
    lambda made: st.lists(st.builds(Need, st.sampled_from(AREAS), levels), max_size=3).map(
        lambda needs: action(
            *needs, agent=made.agent, references=made.references, people=made.people, request=made.request
        )
    )
)
uses = st.dictionaries(
    st.builds(Limit, st.sampled_from(AREAS), st.sampled_from(["people", "calls"]), st.just(HOUR), st.integers(1, 4))
    | st.builds(Limit, st.sampled_from(AREAS), st.just("people"), st.just(DAY), st.integers(1, 6)),
    st.builds(Use, st.integers(0, 8), st.none() | st.floats(0, 2e9)),
    max_size=6,
)


def _fields(grant: Grant) -> dict[str, Any]:
    return {field.name: getattr(grant, field.name) for field in dataclasses.fields(grant) if field.init}


@settings(max_examples=100, deadline=None)
@given(areas=given_areas, wanted=actions, used=uses, facts=st.none() | st.just({}))
def test_decide_is_total_pure_and_grants_nothing_by_itself(
    areas: dict[str, Grant], wanted: Action, used: dict[Limit, Use], facts: dict[str, Any] | None
) -> None:
    """Every action gets the same verdict twice, in words; a yes rests on a live grant for each of its needs."""
    grants = Grants({"m": areas}, ANY)
    verdict = grants.decide(wanted, facts, on=TODAY, used=used)
    assert verdict == grants.decide(wanted, facts, on=TODAY, used=used)
    assert verdict.reason.endswith(".")
    if verdict.kind == "deny":
        return
    assert wanted.agent == "m"
    assert wanted.needs
    for need in wanted.needs:
        grant = areas[need.area]
        assert grant.level >= need.level > Level.OFF
        assert grant.until is None or grant.until >= TODAY
        if verdict.kind == "allow":
            assert need.level < Level.FULL
        if facts is not None and need.level > Level.READ:
            over = {one for one in grant.limits if used.get(one, Use(0)).count + one.wanted(wanted) > one.most}
            assert {f"{one.area}: {one.name}" for one in over} <= verdict.beyond
            assert grant.over_asks or not over
    assert verdict.kind == "ask" or not verdict.beyond
    assert wanted.is_write or wanted.request is None or not wanted.request.is_write


@settings(max_examples=100, deadline=None)
@given(areas=given_areas, wanted=actions, used=uses, area=st.sampled_from(AREAS))
def test_more_grant_never_turns_a_yes_into_a_no(
    areas: dict[str, Grant], wanted: Action, used: dict[Limit, Use], area: str
) -> None:
    """Raising a level, or granting one more area, never makes an answer stricter."""
    order = {"deny": 0, "ask": 1, "allow": 2}
    before = Grants({"m": areas}, ANY).decide(wanted, {}, on=TODAY, used=used)
    fields = _fields(areas[area]) if area in areas else {"area": area}
    for level in Level:
        if area in areas and level <= areas[area].level:
            continue
        raised = {**areas, area: Grant(**{**fields, "level": level})}
        after = Grants({"m": raised}, ANY).decide(wanted, {}, on=TODAY, used=used)
        assert order[after.kind] >= order[before.kind]


@settings(max_examples=80, deadline=None)
@given(areas=given_areas, wanted=actions)
def test_what_is_denied_before_reading_is_denied_after(areas: dict[str, Grant], wanted: Action) -> None:
    """The early answer denies only what no facts could allow."""
    grants = Grants({"m": areas}, ANY)
    if grants.decide(wanted, None, on=TODAY).denied:
        assert grants.decide(wanted, {}, on=TODAY).denied


@pytest.mark.parametrize("held", Level)
@pytest.mark.parametrize("needed", [Level.READ, Level.WRITE, Level.FULL])
def test_the_order_of_levels(held: Level, needed: Level) -> None:
    """Each level includes those below it; what needs full waits for a person even where full is granted."""
    verdict = decided(Grant("books", held), action(Need("books", needed)))
    expected = "deny" if held < needed else "ask" if needed == Level.FULL else "allow"
    assert verdict.kind == expected


def test_an_action_needs_every_one_of_its_grants() -> None:
    """An action that touches two areas is denied when one of them is missing or too low."""
    wanted = action(Need("books", Level.WRITE), Need("members", Level.WRITE))
    books = Grant("books", Level.FULL)
    for members in (None, Grant("members", Level.READ)):
        areas = {"books": books} | ({"members": members} if members else {})
        verdict = Grants({"m": areas}, ANY).decide(wanted, {}, on=TODAY)
        assert verdict.denied
        assert "members" in verdict.reason
    assert (
        Grants({"m": {"books": books, "members": Grant("members", Level.WRITE)}}, ANY).decide(wanted, {}).kind
        == "allow"
    )


UNCLASSIFIED = {
    "no needs": action(),
    "needs nothing": action(Need("books", Level.OFF)),
    "another area than the catalog's": action(Need("members", Level.READ)),
    "a tool that no catalog has": action(Need("books", Level.READ), tool="do_more"),
}


@pytest.mark.parametrize("wanted", UNCLASSIFIED.values(), ids=UNCLASSIFIED.keys())
def test_an_action_that_nobody_classified_is_denied(wanted: Action) -> None:
    """What no catalog describes is denied even to an agent with everything."""
    everything = {area: Grant(area, Level.FULL) for area in AREAS}
    verdict = Grants({"m": everything}, ANY).decide(wanted, {}, on=TODAY)
    assert verdict.reason == f"Nobody has classified {wanted.tool}, so nobody may use it."


def test_an_unclassified_call_is_refused_and_on_record(guard: Callable[..., Guard], job: Any, sender: Any) -> None:
    """A tool that forgets to say what it needs gets a refusal, not a crash, and stands in the ledger."""
    opened = guard()
    assert not opened.run(job("burn_book", needs=()), sender).ok
    assert opened.ledger.entries()[0].sentence == (
        "marketing asked to burn the book 1 in library.example: "
        "refused (Nobody has classified burn_book, so nobody may use it)."
    )
    assert sender.requests == []


def test_a_write_that_passes_for_a_read_is_denied() -> None:
    """The decision rests on the method: a DELETE that says it needs only read is denied."""
    wanted = action(Need("books", Level.READ), request=Request("DELETE", "/books/1"))
    assert decided(Grant("books", Level.FULL), wanted).denied


def test_an_unknown_agent_is_denied() -> None:
    """Who is not in the grants has none, and the reason says so."""
    verdict = decided(Grant("books", Level.FULL), action(Need("books", Level.READ), agent="Marketing"))
    assert verdict.reason == "The agent 'Marketing' has no grants at all; do_books needs books: read."


@pytest.mark.parametrize(("day", "kind"), [(30, "allow"), (31, "deny")])
def test_until_is_inclusive(day: int, kind: str) -> None:
    """A grant holds on its last day and not on the next."""
    grant = Grant("books", Level.READ, until=date(2026, 6, 30))
    on = date(2026, 6, 1) + timedelta(days=day - 1)
    assert decided(grant, action(Need("books", Level.READ)), on=on).kind == kind


def test_until_ends_at_midnight_utc(guard: Callable[..., Guard], job: Any, sender: Any, clock: Any) -> None:
    """The guard's clock decides, in UTC: one second before midnight is still the last day."""
    opened = guard({"books": {"access": "read", "until": "2026-12-31"}}, clock=clock)
    clock.now = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert opened.run(job("get_book"), sender).ok
    clock.now += 1
    answer = opened.run(job("get_book"), sender)
    assert answer.content == "marketing's access to books ended on 2026-12-31. Nothing was sent."
    assert len(sender.requests) == 1


ONLY = {"access": "write", "only": {"shelf": ["Crime", 7, "Été"], "author": ["Ann"]}}


@pytest.mark.parametrize(
    ("references", "kind"),
    [
        ((Reference("shelf", 1, "Crime"), Reference("author", 9, "Ann")), "allow"),
        ((Reference("shelf", 1, "cRIME"), Reference("author", 9, "ANN")), "allow"),
        ((Reference("shelf", 1, "ÉTÉ"), Reference("author", 9, "Ann")), "allow"),
        ((Reference("shelf", 7), Reference("author", 9, "Ann")), "allow"),
        ((Reference("shelf", 7), Reference("shelf", 8), Reference("author", 9, "Ann")), "deny"),
        ((Reference("shelf", 7),), "deny"),
        ((Reference("author", 9, "Ann"),), "deny"),
        ((Reference("shelf", 7), Reference("author", 9, "Bob")), "deny"),
        ((Reference("shelf", 70), Reference("author", 9, "Ann")), "deny"),
        ((Reference("shelf", 1, ""), Reference("author", 9, "Ann")), "deny"),
        ((), "deny"),
    ],
)
def test_only_names_what_may_be_touched(
    grants: Callable[..., Grants], references: tuple[Reference, ...], kind: str
) -> None:
    """Every noun under `only` must be named by the call, by an id, or a name in any case."""
    wanted = action(Need("books", Level.WRITE), agent="marketing", tool="rename_book", references=references)
    verdict = grants(books=ONLY).decide(wanted, {})
    assert verdict.kind == kind
    if kind == "deny":
        assert verdict.reason.startswith("marketing may use only the ")


def test_ask_makes_ordinary_writes_and_named_tools_wait(grants: Callable[..., Grants]) -> None:
    """`ask: writes` stops writes but no reads; a tool's name stops that tool alone."""
    read = action(Need("books", Level.READ), agent="marketing", tool="get_book")
    write = action(Need("books", Level.WRITE), agent="marketing", tool="lend_book")
    asking = grants(books={"access": "write", "ask": "writes"})
    assert [asking.decide(wanted, {}).kind for wanted in (read, write)] == ["allow", "ask"]
    named = grants(books={"access": "write", "ask": ["rename_book"]})
    rename = action(Need("books", Level.WRITE), agent="marketing", tool="rename_book")
    assert [named.decide(wanted, {}).kind for wanted in (write, rename)] == ["allow", "ask"]
    assert "let a person decide" in named.decide(rename, {}).reason


LIMITED = {"books": {"access": "write", "people_per_hour": 3, "people_per_day": 5}, "members": "read"}


def test_limits_count_people_over_rolling_windows(
    guard: Callable[..., Guard], job: Any, sender: Any, clock: Any
) -> None:
    """An hour after the people were touched they no longer count in the hour; in the day they still do."""
    opened = guard(LIMITED, clock=clock)

    def touched(people: int) -> bool:
        return opened.run(job("rename_book", people=people), sender).ok

    assert touched(2)
    assert touched(1)
    assert not touched(1)
    clock.now += 3599
    assert not touched(1)
    clock.now += 1
    assert touched(2)
    assert not touched(1)  # five today
    clock.now += 86400 - 3600
    assert touched(3)
    assert not touched(1)  # three this hour


def test_the_refusal_at_a_limit_says_what_is_left(
    guard: Callable[..., Guard], job: Any, sender: Any, clock: Any
) -> None:
    """A call beyond a limit is refused with the numbers and the time when it fits, and nothing is sent."""
    opened = guard(LIMITED, clock=clock)
    opened.run(job("rename_book", people=2), sender)
    answer = opened.run(job("rename_book", people=2), sender)
    assert answer.content == (
        "marketing may touch at most 3 people per hour in books; 2 are used and this call would touch 2 more. "
        "There is room for it from 2026-09-21 15:13:20 UTC on. Nothing was sent."
    )
    assert len(sender.writes) == 1
    assert opened.run(job("get_book"), sender).ok


def test_a_read_grant_in_another_area_uses_none_of_its_limit(
    guard: Callable[..., Guard], job: Any, sender: Any
) -> None:
    """People count in the areas that a call writes to, not in those that it only has to read."""
    both = (Need("books", Level.WRITE), Need("members", Level.READ))
    opened = guard({"books": "write", "members": {"access": "full", "people_per_day": 1}})
    assert opened.run(job("lend_book", people=5, needs=both), sender).ok
    member = job("get_member", needs=(Need("members", Level.WRITE),))
    assert opened.run(member, sender).ok
    assert not opened.run(member, sender).ok


def test_sixteen_threads_share_the_last_unit_exactly(guard: Callable[..., Guard], job: Any, sender: Any) -> None:
    """However many calls race for the last unit of a limit, exactly as many leave as there is room for."""
    opened = guard({"books": {"access": "write", "people_per_day": 3}, "members": "read"})
    start, answers = threading.Barrier(16), []

    def race(book: int) -> None:
        start.wait()
        answers.append(opened.run(job("rename_book", {"book": book}), sender).ok)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 13 + [True] * 3
    assert len(sender.writes) == 3
    assert opened.ledger.verify() == ""
