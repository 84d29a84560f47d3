"""An import of several requests that was cut off: what is told of it is never more than what happened."""

from __future__ import annotations

from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.sandbox import Clock

PATH = "/import/bulk_import"
PEOPLE = [{"email": f"p{number}@imported.example"} for number in range(600)]


class World:
    """An agent that imports 600 people in three requests; its time stands still."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        grants = Grants.from_dict({"agents": {"a": dict.fromkeys(AREAS, "full")}}, catalog=catalog)
        yes = Decision.approve(by="anna")
        self.guard = Guard(grants, approver=lambda _: yes, ledger="memory:", clock=lambda: self.now)
        self.clock = Clock(self.now)
        self.account = ActiveCampaign.sandbox(clock=self.clock)
        self.toolkit = ActiveCampaignToolkit(account=self.account, guard=self.guard, agent="a")

    def cut(self, number: int, *, when: str) -> None:
        """Let one of the requests lose its answer, before or after the account has done its work."""
        assert self.account.simulator is not None
        if number > 1:
            self.account.simulator.fault("POST", PATH, drip=0.00001, times=number - 1)
        self.account.simulator.fault("POST", PATH, cut="reset", when=when)

    def later(self, seconds: float) -> None:
        """Let time go by, for the guard and for the account, which works imports off a few seconds after they came."""
        self.now += seconds
        self.clock.advance(seconds)

    def imported(self) -> Any:
        """Make the call, again and again the same one."""
        tool = self.toolkit.get_tool("ac_import_contacts")
        call = {"type": "tool_call", "id": "call", "name": tool.name, "args": {"contacts": PEOPLE}}
        return tool.invoke(call, {"configurable": {"thread_id": "thread"}})

    def sent(self) -> int:
        assert self.account.simulator is not None
        return sum(one.path.endswith(PATH) and one.method == "POST" for one in self.account.simulator.requests)


@pytest.fixture
def world() -> World:
    return World()


def test_what_was_not_all_sent_did_not_all_happen(world: World) -> None:
    """The second of three requests landed, and the third never left: no success, then or later."""
    world.cut(2, when="after")
    assert world.imported().artifact.kind == "unknown"
    world.later(10)
    (settlement,) = world.toolkit.settle()
    assert settlement.outcome == "partly"
    message = world.imported()
    assert message.status == "error"
    (entry,) = world.guard.ledger.entries()
    assert (entry.outcome, entry.writes, entry.planned, entry.state) == ("partly", 2, 3, "closed")
    assert entry.verdict() == (
        "approved by anna, a part of it was done (4 of 4 people who were unknown before are there, "
        "of the 250 in request 2 of 3; 250 people before it had an answer; 100 people after it were never sent)"
    )
    assert entry.verdict() in message.content
    assert world.sent() == 2


def test_what_never_landed_is_told_with_what_did(world: World) -> None:
    """The second request is lost: unknown until it can land no more, and then a part of it was done."""
    world.cut(2, when="before")
    message = world.imported()
    assert (message.status, message.artifact.kind) == ("error", "unknown")
    world.later(61)
    (settlement,) = world.toolkit.settle()
    assert (settlement.outcome, str(settlement).partition(":")[0]) == ("partly", "A part of it happened")
    assert settlement.reason.startswith("0 of 4 people who were unknown before are there, of the 250 in request 2 of 3")
    assert world.imported().status == "error"
    assert world.sent() == 2


def test_the_first_request_that_never_landed_did_not_happen(world: World) -> None:
    """Nothing before it and nothing of it: nothing happened."""
    world.cut(1, when="before")
    assert world.imported().artifact.kind == "unknown"
    world.later(61)
    (settlement,) = world.toolkit.settle()
    assert settlement.outcome == "did_not_happen"
    assert settlement.reason.endswith("of the 250 in request 1 of 3; 350 people after it were never sent")


def test_all_of_it_happened_where_the_last_request_landed(world: World) -> None:
    """The answer to the last one was lost, and its people are there."""
    world.cut(3, when="after")
    assert world.imported().artifact.kind == "unknown"
    world.later(10)
    assert world.imported().status == "success"
    (entry,) = world.guard.ledger.entries()
    assert (entry.outcome, entry.writes) == ("happened", 3)
