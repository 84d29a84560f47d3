"""The toolkit: exactly what the grants allow, bound to one agent."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit, ConfigurationError
from ac_tools._catalog import AREAS


def names(toolkit: ActiveCampaignToolkit, **selection: Any) -> set[str]:
    return {tool.name for tool in toolkit.get_tools(**selection)}


@pytest.fixture
def toolkit_for(account: ActiveCampaign, guard_for: Callable[..., Guard]) -> Callable[..., ActiveCampaignToolkit]:
    def make(grants: dict[str, Any]) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard_for(grants), agent="marketing")

    return make


def test_an_agent_without_grants_gets_no_tools(toolkit_for: Any) -> None:
    """What is not granted does not exist for an agent."""
    assert names(toolkit_for({})) == set()
    assert names(toolkit_for({"contacts": "read"}).for_agent("nobody")) == set()


def test_each_level_opens_its_tools(toolkit_for: Any) -> None:
    """Read opens the reads, write adds the harmless writes, full the rest."""
    assert names(toolkit_for({"tags": "read"})) == {"ac_list_tags"}
    assert names(toolkit_for({"tags": "write"})) == {"ac_list_tags", "ac_create_tag", "ac_add_tag", "ac_remove_tag"}
    writes = names(toolkit_for({"contacts": "write"}))
    assert names(toolkit_for({"contacts": "full"})) - writes == {"ac_import_contacts", "ac_delete_contact"}
    assert len(names(toolkit_for(dict.fromkeys(AREAS, "full")))) == 29


def test_a_grant_that_has_ended_opens_nothing(toolkit_for: Any) -> None:
    """After `until` the tools are gone."""
    assert names(toolkit_for({"tags": {"access": "write", "until": "2020-01-01"}})) == set()


def test_selection_narrows_and_never_widens(toolkit: ActiveCampaignToolkit, toolkit_for: Any) -> None:
    """include, exclude and read_only take away; including what is not granted adds nothing."""
    assert names(toolkit, include=["ac_list_tags"]) == {"ac_list_tags"}
    assert "ac_delete_contact" not in names(toolkit, exclude=["ac_delete_contact"])
    assert len(names(toolkit, read_only=True)) == 12
    assert names(toolkit_for({"tags": "read"}), include=["ac_delete_contact"]) == set()


@pytest.mark.parametrize("selection", [{"include": ["ac_list_tag"]}, {"exclude": ["ac_list_tag"]}])
def test_a_misspelt_tool_name_is_an_error(toolkit: ActiveCampaignToolkit, selection: Any) -> None:
    """A name that is none of the 29 is not passed over silently."""
    with pytest.raises(ValueError, match="Did you mean 'ac_list_tags'"):
        toolkit.get_tools(**selection)
    with pytest.raises(ValueError, match="no tool 'delete'"):
        toolkit.get_tool("delete")


def test_a_tool_that_is_not_granted_is_refused_and_recorded(toolkit_for: Any, run: Any) -> None:
    """get_tool gives any of the 29, and the guard refuses what is not granted, without a request."""
    toolkit = toolkit_for({"contacts": "read"})
    message = run(toolkit, "ac_delete_contact", contact=7)
    assert message.status == "error"
    assert "needs contacts: full" in message.content
    assert toolkit.account.simulator.requests == []
    [entry] = toolkit.guard.ledger.entries()
    assert entry.sentence.startswith("marketing asked to delete contact 7 in sandbox.api-us1.example: refused")


def test_copies_of_a_tool_keep_their_guard(toolkit_for: Any) -> None:
    """LangChain copies tools; the guard, the account and the agent behind the copies stay the same."""
    tool = toolkit_for({"tags": "read"}).get_tool("ac_delete_contact")
    for twin in (copy.copy(tool), copy.deepcopy(tool), tool.model_copy()):
        assert twin.binding.guard is tool.binding.guard
        assert "needs contacts: full" in twin.invoke({"contact": 7})


def test_from_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment describes a whole toolkit, and what is missing is named."""
    grants = tmp_path / "grants.yaml"
    grants.write_text("agents:\n  sales: {deals: read}\n", encoding="utf-8")
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", "https://juniper.api-us1.com")
    monkeypatch.setenv("ACTIVECAMPAIGN_API_KEY", "a-key-of-some-length")
    monkeypatch.setenv("ACTIVECAMPAIGN_GRANTS", str(grants))
    monkeypatch.setenv("ACTIVECAMPAIGN_LEDGER", f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(ConfigurationError, match="ACTIVECAMPAIGN_AGENT is not set"):
        ActiveCampaignToolkit.from_env()
    monkeypatch.setenv("ACTIVECAMPAIGN_AGENT", "sales")
    with ActiveCampaignToolkit.from_env() as toolkit:
        assert names(toolkit) == {"ac_get_deal", "ac_list_deals"}
        assert "a-key" not in repr(toolkit)


def test_walk_reads_everything_through_the_guard(toolkit: ActiveCampaignToolkit) -> None:
    """Walking a collection gives every record once, and every page is on record."""
    contacts = list(toolkit.walk("ac_list_contacts"))
    assert len({contact.id for contact in contacts}) == len(contacts) == 280
    assert len(list(toolkit.walk("ac_list_deals"))) == 47
    assert {entry.tool for entry in toolkit.guard.ledger.entries()} == {"ac_list_contacts", "ac_list_deals"}


async def test_awalk_is_the_same_on_an_event_loop(toolkit: ActiveCampaignToolkit) -> None:
    """The async twin gives the same records."""
    assert len([contact async for contact in toolkit.awalk("ac_list_contacts", tag="VIP")]) > 3


def test_walk_stops_at_a_refusal(toolkit_for: Any) -> None:
    """A walk that is not granted says so instead of giving an empty collection."""
    with pytest.raises(PermissionError, match="deals: read"):
        list(toolkit_for({"contacts": "read"}).walk("ac_list_deals"))
