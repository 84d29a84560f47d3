"""Managing webhooks through the guard: where people's data goes is for a person to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.tools import WEBHOOK_TOOLS

from ..conftest import EVERYTHING, Approving

URL = "https://hooks.example.com/in/s3cret-in-the-url-000000000"
NAMES = {tool.model_fields["name"].default for tool in WEBHOOK_TOOLS}


@pytest.fixture
def hooks(account: ActiveCampaign, guard_for: Callable[..., Guard], approve: Approving) -> ActiveCampaignToolkit:
    guard = guard_for({"webhooks": "full", "lists": "read"}, approve)
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


def create(run: Any, toolkit: ActiveCampaignToolkit, **more: Any) -> Any:
    given = {"name": "Leads", "url": URL, "events": ["subscribe", "contact_tag_added"], "sources": ["public"]}
    return run(toolkit, "ac_create_webhook", **{**given, **more})


def test_they_are_off_unless_granted(toolkit: Any, hooks: Any, run: Any) -> None:
    """Full access to the eight areas gives none of the five; the area gives those of its level."""
    assert not NAMES & {tool.name for tool in toolkit.get_tools()}
    assert "has no access to webhooks" in create(run, toolkit).content
    assert "webhooks" not in EVERYTHING
    assert {tool.name for tool in hooks.get_tools()} & NAMES == NAMES
    assert {tool.name for tool in hooks.get_tools(read_only=True)} & NAMES == {
        "ac_list_webhooks",
        "ac_list_webhook_events",
    }


def test_a_person_sees_where_the_data_goes(hooks: Any, run: Any, approve: Any, account: ActiveCampaign) -> None:
    """The card names the host, the events in words and who causes them; the model is shown no secret."""
    answer = create(run, hooks, list="Newsletter")
    card = str(approve.requests[0])
    assert "hooks.example.com" in card
    assert "subscribe, contact_tag_added" in card
    assert "Newsletter" in card
    assert "circles" not in card
    assert answer.artifact.url == URL
    listed = run(hooks, "ac_list_webhooks")
    assert "hooks.example.com" in listed.content
    assert "s3cret" not in answer.content + listed.content + repr(listed.artifact) + repr(answer.artifact)


def test_a_loop_is_warned_of(hooks: Any, run: Any, approve: Any) -> None:
    """A webhook that is told of what the API does can set off its own receiver: the card says so."""
    create(run, hooks, sources=["api"])
    assert "circles" in str(approve.requests[0])


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "https://hooks.example.com:8443/x",
        "https://user:pw@hooks.example.com/x",
        "https://hooks.example.com\\@evil.example/x",
        "https://hοoks.example.com/x",
        "https://localhost/x",
        "https:///x",
        "https://hooks.example.com:port/x",
        "ftp://hooks.example.com",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://0x7f.1/x",
        "https://hooks.example.127/x",
    ],
)
def test_a_url_that_would_not_work_is_refused(hooks: Any, run: Any, account: Any, approve: Any, url: str) -> None:
    """Only https on port 443 works, and the card must be able to show where it leads: else nobody is asked."""
    before = len(account.simulator.requests)
    assert "was not called" in create(run, hooks, url=url).content
    assert not approve.requests
    assert len(account.simulator.requests) == before


def test_a_webhook_is_changed_and_deleted(hooks: Any, run: Any, approve: Any) -> None:
    """Each waits for a person, who sees what it was and what it would be."""
    number = int(create(run, hooks).artifact.id)
    run(hooks, "ac_update_webhook", webhook=number, url="https://other.example.org/y", events=["update"])
    card = str(approve.requests[1])
    assert "hooks.example.com → other.example.org" in card
    assert "subscribe, contact_tag_added → update" in card
    assert run(hooks, "ac_list_webhooks").artifact.items[0].events == ("update",)
    run(hooks, "ac_delete_webhook", webhook=number)
    assert "other.example.org" in str(approve.requests[2])
    assert run(hooks, "ac_list_webhooks").artifact.items == ()
    assert "no webhook with id" in run(hooks, "ac_delete_webhook", webhook=number).content
    assert len(approve.requests) == 3


def test_the_events_are_listed(hooks: Any, run: Any) -> None:
    """The account says what it can tell of."""
    assert "contact_tag_added" in run(hooks, "ac_list_webhook_events").content


@pytest.mark.parametrize("write", ["create", "update", "delete"])
def test_a_lost_answer_is_settled_by_reading_back(hooks: Any, run: Any, account: Any, write: str) -> None:
    """Whether a webhook was made, changed or deleted is found out from the account."""
    number = int(create(run, hooks, name="Old").artifact.id)
    method, path = {
        "create": ("POST", "/webhooks"),
        "update": ("PUT", f"/webhooks/{number}"),
        "delete": ("DELETE", f"/webhooks/{number}"),
    }[write]
    account.simulator.fault(method, path, cut="reset", when="after")
    match write:
        case "create":
            create(run, hooks)
        case "update":
            run(hooks, "ac_update_webhook", webhook=number, events=["update"], name="New")
        case _:
            run(hooks, "ac_delete_webhook", webhook=number)
    settled = [each.outcome for each in hooks.settle()]
    last = hooks.guard.ledger.entries()[-1]
    assert "happened" in (*settled, last.outcome)
