"""`ac-tools grants replay`: a new grants file, tried on what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.cli._shipped import shipped

GRANTS = str(shipped("grants.yaml"))
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("marketing", "ac_list_tags", {}),
    ("marketing", "ac_add_tag", {"contact": 46, "tag": "VIP"}),
    ("marketing", "ac_list_lists", {}),
    ("marketing", "ac_set_list_status", {"contact": 46, "list": "Newsletter", "status": "unsubscribe"}),
    ("marketing", "ac_import_contacts", {"contacts": [{"email": "a@b.example", "tags": ["Fair"]}]}),
    ("marketing", "ac_delete_contact", {"contact": 75}),
    ("marketing", "ac_create_campaign", {"name": "X", "type": "single"}),
    ("marketing", "ac_delete_contact", {}),
    ("marketing", "ac_get_contact", {"contact": 99999}),
    ("sales", "ac_update_deal", {"deal": 27, "amount": "19000"}),
    ("sales", "ac_add_tag", {"contact": 46, "tag": 1}),
]


@pytest.fixture
def ledger(tmp_path: Path, account: ActiveCampaign) -> str:
    """A ledger of some calls of two agents under the shipped grants."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    grants = Grants.from_file(GRANTS, catalog=catalog)
    guard = Guard(grants, ledger=url, approver=lambda request: Decision.approve(by="Hannah"))
    for agent, name, args in CALLS:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent=agent)
        toolkit.get_tool(name).invoke({"type": "tool_call", "id": "c", "name": name, "args": args})
    guard.ledger.close()
    return url


@pytest.fixture
def replay(cli: Any, ledger: str) -> Callable[..., Any]:
    return lambda grants, *more: cli("grants", "replay", "--grants", str(grants), "--ledger", ledger, *more)


@pytest.fixture
def new(tmp_path: Path) -> str:
    path = tmp_path / "new.yaml"
    path.write_text(
        "agents:\n"
        "  marketing:\n"
        "    contacts: write\n"
        "    lists: {access: write, only: {list: [Trade news]}}\n"
        "    tags: {access: write, ask: writes, only: {tag: [VIP]}}\n"
        "    campaigns: full\n"
        "  sales: {contacts: read, deals: write, tags: write}\n",
        encoding="utf-8",
    )
    return str(path)


def test_the_same_file_finds_no_difference(replay: Any) -> None:
    """The file under which it happened says what it said then."""
    result = replay(GRANTS)
    assert result.exit_code == 0
    assert "11 calls on record" in result.stdout
    assert "0 newly denied, 0 newly asked, 0 newly allowed, 10 the same, 1 that cannot be told." in result.stdout
    assert "Newly" not in result.stdout


def test_what_a_new_file_would_have_done_is_told(replay: Any, new: str) -> None:
    """The counts come first, then each call that would go otherwise, with then, now and the rule's line."""
    result = replay(new)
    lines = result.stdout.splitlines()
    assert lines[1].startswith("4 newly denied, 2 newly asked, 2 newly allowed")
    assert max(map(len, lines)) <= 100
    text = " ".join(result.stdout.split())
    assert "Then a person was asked, now denied. marketing has contacts: write; this call of ac_delete_contact" in text
    assert "(new.yaml, line 3, column 15)" in text
    assert "marketing may use only the list Trade news, not list «Newsletter»." in text
    assert "Then denied, now a person is asked." in text


def test_machines_are_told_the_same(replay: Any, new: str) -> None:
    """--json has the counts, the differences and what cannot be told."""
    data = json.loads(replay(new, "--json").stdout)
    counted = {key: data[key] for key in ("calls", "newly_denied", "newly_asked", "newly_allowed", "same")}
    assert counted == {"calls": 11, "newly_denied": 4, "newly_asked": 2, "newly_allowed": 2, "same": 2}
    assert len(data["differences"]) == 8
    assert {"id", "at", "agent", "tool", "sentence", "then", "now", "reason", "rule"} == set(data["differences"][0])
    assert [call["tool"] for call in data["untold"]] == ["ac_delete_contact"]


def test_one_agent_and_one_time(replay: Any, new: str) -> None:
    """--agent and --since narrow what is told; a time that is none ends with 2."""
    assert json.loads(replay(new, "--agent", "sales", "--json").stdout)["calls"] == 2
    assert "There are no calls on record" in replay(new, "--since", "2099-01-01").stdout
    assert replay(new, "--since", "soon").exit_code == 2


def test_what_is_no_longer_kept_is_not_guessed(replay: Any, new: str, ledger: str) -> None:
    """Once the names and values are gone, calls that hang on them cannot be told."""
    import sqlite3

    connection = sqlite3.connect(ledger.removeprefix("sqlite:///"))
    connection.execute("DELETE FROM payloads")
    connection.commit()
    connection.close()
    result = replay(new)
    assert result.exit_code == 0
    assert "because `only` narrows the" in result.stdout
    assert "what it named is not on record" in result.stdout
    assert "ac_delete_contact needs contacts: full" in " ".join(result.stdout.split())


def test_a_missing_ledger_or_file_is_told(cli: Any, tmp_path: Path) -> None:
    """A ledger that is not there ends with 1, none at all with 2; none is made."""
    missing = tmp_path / "none.db"
    assert cli("grants", "replay", "--grants", GRANTS, "--ledger", f"sqlite:///{missing}").exit_code == 1
    assert cli("grants", "replay", "--grants", GRANTS).exit_code == 2
    assert not missing.exists()


def test_the_toolkit_replays_its_own_ledger(account: ActiveCampaign) -> None:
    """In Python, a toolkit tries other grants on its guard's ledger, and reads the arguments as its tools do."""
    everything = Grants.from_file(GRANTS, catalog=catalog)
    guard = Guard(everything, ledger="memory:", approver=lambda request: Decision.approve(by="Hannah"))
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    tool = toolkit.get_tool("ac_set_list_status")
    tool.invoke({"contact": 46, "list": "Newsletter", "status": "unsubscribe"})
    for name, change in (("Newsletter", "same"), ("Trade news", "denied")):
        entry = {"access": "write", "only": {"list": [name]}}
        other = Grants.from_dict({"agents": {"marketing": {"lists": entry, "contacts": "read"}}}, catalog=catalog)
        assert [call.change for call in toolkit.replay(other, agent="marketing").calls] == [change]


def test_amounts_are_replayed_while_they_are_kept(account: ActiveCampaign, toolkit: ActiveCampaignToolkit) -> None:
    """A limit in money is tried on the arguments; a call that says half an amount cannot be told."""
    deal = {"title": "Desks", "currency": "EUR", "contact": 46, "stage": "New"}
    for amount in ("100", "6000"):
        toolkit.get_tool("ac_create_deal").invoke({**deal, "amount": amount})
    toolkit.get_tool("ac_update_deal").invoke({"deal": 27, "amount": "100"})
    toolkit.get_tool("ac_update_deal").invoke({"deal": 27, "title": "Chairs"})
    areas = {"deals": {"access": "write", "amount_at_most": {"EUR": 5000}}}
    found = toolkit.replay(Grants.from_dict({"agents": {"marketing": areas}}, catalog=catalog))
    assert [call.change for call in found.calls] == ["same", "denied", "untold", "same"]
    assert "because `amount_at_most` limits it, and what it named is not on record" in str(found)
