"""A sub-agent: it may do what its own grants and those of whom it works for allow, and uses up the limits of both."""

from __future__ import annotations

from typing import Any

import pytest

from ac_guardrails import Decision, Grants, GrantsError, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog

PARENT = {"contacts": "write", "tags": {"access": "write", "people_per_day": 3}, "lists": "read", "automations": "full"}


@pytest.fixture
def parent():
    asked: list[Any] = []

    def approver(request: Any) -> Decision:
        asked.append(request)
        return Decision.approve(by="anna")

    with ActiveCampaign.sandbox() as account:
        guard = Guard(
            Grants.from_dict({"agents": {"marketing": PARENT}}, catalog=catalog), ledger="memory:", approver=approver
        )
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        yield toolkit, asked


def called(toolkit: Any, tool: str, **arguments: Any) -> Any:
    return toolkit.get_tool(tool).invoke({"type": "tool_call", "id": "c", "name": tool, "args": arguments})


def names(toolkit: Any) -> set[str]:
    return {tool.name for tool in toolkit.get_tools()}


@pytest.mark.parametrize(
    ("own", "opened"),
    [
        ({"contacts": "read"}, {"ac_get_contact", "ac_list_contacts"}),
        ({"contacts": "full", "lists": "full"}, None),
        ({"deals": "full"}, set()),
        ({}, set()),
    ],
)
def test_it_has_the_tools_that_both_have(parent, own, opened) -> None:
    """Never one more than the agent that it works for, whatever its own grants say."""
    toolkit, _ = parent
    child = toolkit.narrow("researcher", grants=own)
    assert names(child) <= names(toolkit)
    if opened is not None:
        assert names(child) == opened


def test_what_either_does_not_allow_is_refused_under_its_own_name(parent) -> None:
    """Refused by its own grants, or by those above it; the reason says by whose, and the record says who it was."""
    toolkit, asked = parent
    child = toolkit.narrow("researcher", grants={"contacts": "full", "tags": "read", "deals": "read"})
    own = called(child, "ac_add_tag", contact=46, tag=3)
    above = called(child, "ac_delete_contact", contact=46)
    missing = called(child, "ac_list_deals")
    assert "marketing/researcher has tags: read" in own.content
    assert "marketing has contacts: write" in above.content
    assert "marketing has no access to deals" in missing.content
    assert not asked
    entries = toolkit.guard.ledger.entries()
    assert {entry.agent for entry in entries} == {"marketing/researcher"}
    assert all(entry.sentence.startswith("marketing/researcher asked to") for entry in entries)
    assert len(toolkit.guard.ledger.entries(agent="marketing")) == 3
    assert toolkit.guard.ledger.entries(agent="market") == []


def test_a_person_is_asked_where_either_wants_it_and_sees_both_names(parent) -> None:
    """`ask: writes` of the sub-agent holds though the agent above has no such wish."""
    toolkit, asked = parent
    child = toolkit.narrow("tagger", grants={"contacts": "read", "tags": {"access": "write", "ask": "writes"}})
    assert called(child, "ac_add_tag", contact=46, tag=3).status == "success"
    assert [request.agent for request in asked] == ["marketing/tagger"]
    assert "marketing/tagger" in str(asked[0])
    assert called(toolkit, "ac_add_tag", contact=47, tag=3).status == "success"
    assert len(asked) == 1


def test_what_it_does_uses_up_the_limits_above_it(parent) -> None:
    """Three people a day for the team, whoever of them tags: two sub-agents and their principal share it."""
    toolkit, _ = parent
    children = [toolkit.narrow(name, grants={"contacts": "read", "tags": "write"}) for name in ("one", "two")]
    assert called(children[0], "ac_add_tag", contact=46, tag=3).status == "success"
    assert called(children[1], "ac_add_tag", contact=47, tag=3).status == "success"
    assert called(toolkit, "ac_add_tag", contact=48, tag=3).status == "success"
    for one in (*children, toolkit):
        refused = called(one, "ac_add_tag", contact=49, tag=3)
        assert refused.status == "error"
        assert "marketing may touch at most 3 people per day in tags; 3 are used" in refused.content
        assert "There is room for it from" in refused.content


def test_its_own_limit_is_its_own(parent) -> None:
    """One call a day for the sub-agent; the agent above goes on."""
    toolkit, _ = parent
    child = toolkit.narrow("one", grants={"contacts": "read", "tags": {"access": "write", "calls_per_day": 1}})
    assert called(child, "ac_add_tag", contact=46, tag=3).status == "success"
    assert "marketing/one may make at most 1 call per day" in called(child, "ac_add_tag", contact=47, tag=3).content
    assert called(toolkit, "ac_add_tag", contact=47, tag=3).status == "success"


def test_both_narrowings_hold(parent) -> None:
    """A list that the agent above may not use is out of reach, and is not named in the refusal either."""
    toolkit, _ = parent
    above = toolkit.narrow("a", grants={"lists": {"access": "read", "only": {"list": ["Newsletter", "Trade news"]}}})
    child = above.narrow("b", grants={"lists": {"access": "read", "only": {"list": ["Newsletter", "Product updates"]}}})
    assert child.agent == "marketing/a/b"
    assert called(child, "ac_get_list", list="Newsletter").status == "success"
    for name, whose in (("Trade news", "marketing/a/b may"), ("Product updates", "marketing/a may")):
        refused = called(child, "ac_get_list", list=name)
        assert refused.status == "error", name
        assert whose in refused.content or name in refused.content


async def test_it_holds_on_an_event_loop(parent) -> None:
    """The same in the other world."""
    toolkit, _ = parent
    tool = toolkit.narrow("researcher", grants={"contacts": "read"}).get_tool("ac_add_tag")
    told = await tool.ainvoke({"type": "tool_call", "id": "c", "name": tool.name, "args": {"contact": 46, "tag": 3}})
    assert "marketing/researcher has no access to tags" in told.content


def test_it_cannot_become_another_agent(parent) -> None:
    """Neither the one above it nor any other; and nobody works for an agent without grants."""
    toolkit, _ = parent
    child = toolkit.narrow("researcher", grants={"contacts": "read"})
    with pytest.raises(ValueError, match="works for another agent, and cannot become 'marketing'"):
        child.for_agent("marketing")
    with pytest.raises(ValueError, match="bound to its account, guard and agent: agent cannot be changed"):
        child.model_copy(update={"agent": "marketing"})
    assert child.model_copy().agent == child.agent
    with pytest.raises(ValueError, match="'nobody' has no grants, so nobody can work for it"):
        toolkit.for_agent("nobody").narrow("x", grants={})
    with pytest.raises(GrantsError, match="a slash names one that works for another"):
        toolkit.narrow("a/b", grants={})
    with pytest.raises(GrantsError, match="unknown area 'contact'"):
        toolkit.narrow("a", grants={"contact": "read"})


def test_a_standing_approval_for_one_is_none_for_the_other(parent) -> None:
    """What somebody has agreed to for the agent above is not borrowed."""
    from datetime import UTC, datetime, timedelta

    toolkit, asked = parent
    until = datetime.now(UTC) + timedelta(days=1)
    toolkit.guard.standing.allow(agent="marketing", tool="ac_add_to_automation", by="anna", until=until, times=5)
    child = toolkit.narrow("one", grants={"contacts": "read", "automations": "full"})
    assert called(child, "ac_add_to_automation", contact=46, automation=2).status == "success"
    assert len(asked) == 1


def test_the_person_for_whom_it_works_is_on_the_card_and_on_record(parent) -> None:
    """Named once, for the sub-agents of sub-agents too; a model can write nothing of it."""
    toolkit, asked = parent
    child = toolkit.narrow("a", grants={"contacts": "read", "automations": "full"}, behalf="Olga Ng")
    grandchild = child.narrow("b", grants={"contacts": "read", "automations": "full"})
    assert called(grandchild, "ac_add_to_automation", contact=46, automation=2).status == "success"
    assert ("For", "Olga Ng") in asked[0].card.rows
    (entry,) = toolkit.guard.ledger.entries()
    assert (entry.agent, entry.behalf) == ("marketing/a/b", "Olga Ng")
    assert entry.sentence.startswith("marketing/a/b asked to enrol contact 46")
    assert ", for Olga Ng, in sandbox" in entry.sentence
