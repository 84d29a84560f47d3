"""The embedded account answers recorded requests as ActiveCampaign did."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from ac_tools.sandbox import Clock, Sandbox, Settings


def load(name: str, path: Path) -> None:
    """Imports a package by its path: tests are no package."""
    spec = spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


load("sandbox_replay", Path(__file__).parent / "replay" / "__init__.py")
recordings = import_module("sandbox_replay.recordings")
seeding = import_module("sandbox_replay.seeding")
RECORDED, differences = recordings.RECORDED, recordings.differences
CASSETTES = recordings.cassettes()
needs_recordings = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded traffic is not beside the repository")


def hidden_deals_by_id(body: Any) -> Any:
    if isinstance(body, dict) and any(deal.get("isDisabled") for deal in body.get("deals", [])):
        return {**body, "deals": sorted(body["deals"], key=lambda deal: int(deal["id"]))}
    return body


# Where the account deliberately answers differently: what both answers are made into before they are compared, and why.
DELIBERATE: list[tuple[Callable[[Any], Any], str]] = [
    (
        hidden_deals_by_id,
        "A page of deals comes in the order of their stages and next actions; deals in pipelines that the key's user "
        "may not see show neither, so nothing recorded says what put them where they stand.",
    ),
]


def name(cassette: str) -> str:
    parts = re.sub(r"ActiveCampaign(_API|Wrapper_Core)_|\.yml", "", cassette).split("/")
    return "-".join(part.strip("_").replace("_", " ") for part in parts)


def alike(body: Any) -> Any:
    for change, _ in DELIBERATE:
        body = change(body)
    return body


def compare(exchange: Any, sandbox: Sandbox) -> Iterator[str]:
    """What an answer has different from the recorded one."""
    answer = sandbox.handle(exchange.method, exchange.target, {"Api-Token": "sandbox"}, exchange.content)
    if answer.status != exchange.status:
        yield f"status: {answer.status} is not {exchange.status} ({answer.body[:300]!r})"
        return
    body = json.loads(answer.body) if answer.body else None
    yield from differences(alike(exchange.response), alike(body))
    headers = {key.lower(): value for key, value in answer.headers.items()}
    for key in ("content-type", "x-ac-error"):
        yield from differences(exchange.headers.get(key), headers.get(key), key)


def replay(
    session: list[Any], era: str | None = None, after: Callable[[Sandbox], object] = lambda sandbox: None
) -> Iterator[tuple[Any, str]]:
    """Sends the requests of one session to a fresh account of its day; gives every difference.

    A test of the replay itself has the account of another day, or changes it after each request.
    """
    start, passed = session[0].at, 0.0
    clock = Clock(start=start.timestamp())
    sandbox = Sandbox(empty=True, url=recordings.HOST, clock=clock, settings=Settings(era=era or f"{start:%Y-%m-%d}"))
    seeder = seeding.Seeder(sandbox, session)
    for exchange in session:
        seconds = (exchange.at - start).total_seconds()
        clock.advance(max(0.0, seconds - passed))
        passed = max(passed, seconds)
        seeder.prepare(exchange)
        for difference in compare(exchange, sandbox):
            yield exchange, difference
        after(sandbox)


@needs_recordings
@pytest.mark.parametrize("cassette", CASSETTES, ids=name)
def test_a_cassette_replays(cassette: str) -> None:
    """Every answer of a recorded session comes again: status, keys and their order, types, values, totals."""
    found = [f"{exchange}  {what}" for session in CASSETTES[cassette] for exchange, what in replay(session)]
    assert not found, "\n".join(found)


CUT_AWAY = {"PUT /api/3/dealCustomFieldData/4"}  # tells the value that only an exchange before it has shown


@needs_recordings
@pytest.mark.parametrize("cassette", CASSETTES, ids=name)
def test_what_is_left_of_a_cassette_replays(cassette: str) -> None:
    """Without its beginning a session replays as well, and so does each exchange alone: nothing is learned by heart."""
    for session in CASSETTES[cassette]:
        parts = [part for place in range(1, len(session)) for part in (session[place:], [session[place]])]
        found = [f"{exchange}  {what}" for part in parts for exchange, what in replay(part)]
        assert not [each for each in found if each.partition("  ")[0] not in CUT_AWAY], "\n".join(found)


@needs_recordings
def test_every_deliberate_difference_is_met() -> None:
    """The table of deliberate differences names none that no recording shows."""
    answers = [each.response for sessions in CASSETTES.values() for session in sessions for each in session]
    assert all(any(change(answer) != answer for answer in answers) for change, _ in DELIBERATE)


@pytest.mark.parametrize(
    ("recorded", "answered"),
    [
        ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}),
        ({"a": "1"}, {"a": 1}),
        ({"a": "1"}, {"a": "1", "b": None}),
        ({"a": 1}, {"a": True}),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": None}, {"a": ""}),
        ({"cdate": "2021-03-23T06:05:24-05:00"}, {"cdate": "2021-03-23T06:05:24+00:00"}),
        ({"cdate": "2021-03-23 06:05:24"}, {"cdate": "2021-03-23T06:05:24-05:00"}),
        ({"udate": "0000-00-00 00:00:00"}, {"udate": "2021-03-23 06:05:24"}),
        ({"hash": "8af5ada4486839ece2e5c369cb0ed035"}, {"hash": "8af5ada4"}),
    ],
)
def test_a_difference_is_seen(recorded: Any, answered: Any) -> None:
    """An answer with another type, key, order of keys or form of a time is another answer."""
    assert list(differences(recorded, recorded)) == []
    assert list(differences(recorded, answered)) != []


def forget_tags(sandbox: Sandbox) -> None:
    for row in sandbox._store.contact_tags:
        sandbox._store.contact_tags.drop(row)


@needs_recordings
def test_what_the_account_fails_to_do_is_not_made_up_for() -> None:
    """What a recorded request made is not given to the account from elsewhere when it did not make it."""
    [session] = next(sessions for cassette, sessions in CASSETTES.items() if "/_show_contact_tags/" in cassette)
    found = {str(exchange) for exchange, _ in replay(session, after=forget_tags)}
    assert found == {"GET /api/3/contactTags", "DELETE /api/3/contactTags/38"}


@needs_recordings
def test_the_days_differ() -> None:
    """The answers of May 2020 are not those of 2021: each recording needs the account of its day."""
    sessions = [session for sessions in CASSETTES.values() for session in sessions]
    of_2020 = [session for session in sessions if session[0].at.year == 2020]
    assert sum(any(replay(session, era="2021")) for session in of_2020) > len(of_2020) / 3
