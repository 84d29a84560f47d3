"""Full circle: an event starts the triage, a person decides about its write, the account's own event confirms it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="needs the examples extra")
pytest.importorskip("uvicorn", reason="needs the examples extra")

from ac_guardrails import Ledger
from ac_tools.testing import writes_to

MARIA, BUSINESS = "maria@lindqvist-interiors.example", "B2B/Office"


def writes(folder: Path) -> list[tuple[str, str, str, str]]:
    with closing(Ledger(f"{folder}/ledger.db")) as ledger:
        assert ledger.verify() == ""
        entries = [entry for entry in ledger.entries() if entry.is_write]
    return [(entry.tool, entry.decision, entry.outcome, entry.confirmation) for entry in entries]


def test_an_approved_write_is_confirmed_by_the_account(account: Any, person: Any, tmp_path: Path) -> None:
    """Over HTTP a tag starts a run, it waits, a person approves, and the event of the write closes the circle."""
    from circle import circle

    asked: list[dict[str, Any]] = []
    told = circle(account, tmp_path, lambda call: asked.append(call["args"]) or {"type": "approve"})
    assert asked == [{"contact": MARIA, "tag": BUSINESS}]
    assert {"Lead", BUSINESS} <= set(person(account.simulator, MARIA).tags)
    assert writes(tmp_path) == [
        ("ac_sync_contact", "allowed", "done", "confirmed"),
        ("ac_add_tag", "approved", "done", "confirmed"),
    ]
    assert "«Lead», by a person in the app" in told
    assert f"«{BUSINESS}», through the API" in told


def test_a_refused_write_is_neither_sent_nor_confirmed(account: Any, person: Any, tmp_path: Path) -> None:
    """A no ends the run: the tag is not there, the report says why, and no event comes of it."""
    from circle import circle

    told = circle(account, tmp_path, lambda call: {"type": "reject", "message": "she is a friend"})
    assert BUSINESS not in person(account.simulator, MARIA).tags
    assert writes_to(account) == ["POST /contact/sync"]
    assert writes(tmp_path)[1] == ("ac_add_tag", "rejected", "", "")
    assert "she is a friend" in told


def test_its_own_writes_start_nothing(account: Any, tmp_path: Path) -> None:
    """The event of the tag that the workflow has put begins no second run, though it is of the same kind."""
    from circle import circle
    from langgraph.checkpoint.sqlite import SqliteSaver

    from ac_tools.webhooks import Store

    circle(account, tmp_path, lambda call: {"type": "approve"})
    with closing(Store(f"sqlite:///{tmp_path}/webhooks.db")) as store:
        events = store.events()
        assert store.counts().keys() == {"events", "duplicates", "done"}, "nothing waits or was kept aside"
    assert [event.event.type for event in events].count("contact_tag_added") == 2
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        threads = {one.config["configurable"]["thread_id"] for one in saver.list(None)}
    assert threads == {events[0].thread}


def test_it_runs_as_its_readme_says(ran: Any) -> None:
    """As a program it needs no key and no network, and no webhook's secret is in what it prints."""
    told = ran("circle.py", "--answer", "approve")
    assert (told.status, told.errors) == (0, "")
    assert told.output.count("confirmed by the account's own event") == 2
    waits = ran("circle.py")
    assert waits.status == 1
    assert "A person must decide" in waits.output
    assert waits.errors.startswith("It waits.")


@pytest.mark.parametrize(
    ("body", "starts"),
    [
        (b"initiated_from=admin&tag=Lead&contact[email]=Jo@X.example&contact[fields][1]=Owner", True),
        (b"initiated_from=public&tag=Lead&contact[email]=jo@x.example&contact[fields][job_title]=Owner", True),
        (b"initiated_from=api&tag=Lead&contact[email]=jo@x.example", False),
        (b"initiated_from=admin&tag=VIP&contact[email]=jo@x.example", False),
        (b"initiated_from=admin&tag=Lead", False),
    ],
)
def test_only_a_new_lead_starts_a_triage(body: bytes, starts: bool) -> None:
    """The tag Lead on somebody starts it, by whoever but the API; the lead is what the event says of her."""
    from triage.events import started_by

    from ac_tools.webhooks import Received, parse

    state = started_by(Received("1", 0.0, parse(b"type=contact_tag_added&" + body)))
    assert (state is not None) == starts
    if state:
        [lead] = state["leads"]
        assert (lead["email"], lead["job_title"]) == ("jo@x.example", "Owner")
