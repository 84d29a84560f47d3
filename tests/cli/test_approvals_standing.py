"""Agreeing beforehand, from the command line."""

from __future__ import annotations

import json

import pytest

from ac_tools import ActiveCampaignToolkit

GRANTS = {"contacts": "read", "automations": "full"}
ENROL = ("ac_add_to_automation", "automation=2")


@pytest.fixture
def agent(account, guard_for, tmp_path) -> ActiveCampaignToolkit:
    """An agent that has nobody to ask."""
    guard = guard_for(GRANTS, None, ledger=f"sqlite:///{tmp_path}/ledger.db")
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


@pytest.fixture
def approvals(cli, agent, tmp_path):
    return lambda *words: cli("approvals", *words, "--ledger", f"sqlite:///{tmp_path}/ledger.db")


def enrol(agent: ActiveCampaignToolkit, contact: int, automation: object = 2) -> str:
    tool = agent.get_tool("ac_add_to_automation")
    args = {"contact": contact, "automation": automation}
    return tool.invoke({"type": "tool_call", "id": f"call_{contact}", "name": tool.name, "args": args}).content


def test_a_routine_runs_alone_until_it_is_taken_back(approvals, agent):
    """Allowed, two people are enrolled, by name or id; revoked, the third needs a person."""
    said = approvals("allow", *ENROL, "--agent", "marketing", "--until", "2099-12-31", "--times", "5", "--by", "anna")
    assert said.exit_code == 0
    assert "marketing may call ac_add_to_automation with automation 2 by itself, at most 5 times" in said.stdout
    assert "until 2100-01-01 00:00Z" in said.stdout
    assert "enrolled" in enrol(agent, 46)
    assert "enrolled" in enrol(agent, 47, "Trade onboarding")
    [told] = json.loads(approvals("standing", "--json").stdout)
    assert (told["used"], told["touched"]) == (2, 2)
    assert "2 of 5 times" in approvals("standing").stdout
    assert approvals("revoke", told["id"], "--by", "ben").exit_code == 0
    assert "no approver to ask" in enrol(agent, 48)
    assert "Nothing was agreed to" in approvals("standing").stderr


def test_another_automation_is_not_meant(approvals, agent):
    """What was agreed to for one automation is nothing for another."""
    approvals("allow", *ENROL, "--agent", "marketing", "--until", "2099-12-31", "--times", "5", "--by", "anna")
    assert "no approver to ask" in enrol(agent, 46, 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ac_add_to_automatoin", "--times", "5"), "Did you mean ac_add_to_automation?"),
        (("ac_add_to_automation", "automaton=2", "--times", "5"), "Did you mean automation?"),
        (("ac_add_to_automation", "automation", "--times", "5"), "Write name=value"),
        (("ac_add_to_automation",), "has an edge"),
        (("ac_add_to_automation", "--times", "0"), "above 0"),
        (("ac_add_to_automation", "--times", "5", "--until", "soon"), "is no day or time"),
        (("ac_add_to_automation", "--times", "5", "--until", "2020-01-01"), "is over already"),
    ],
)
def test_what_cannot_hold_is_refused(words, says, approvals):
    """In words, with the remedy, and nothing is recorded."""
    said = approvals("allow", "--agent", "marketing", "--until", "2099-12-31", *words)
    assert said.exit_code == 2
    assert says in said.stderr
    assert json.loads(approvals("standing", "--json").stdout) == []


def test_one_that_is_not_there_cannot_be_taken_back(approvals):
    """The id is named, and nothing happens."""
    said = approvals("revoke", "1234567890")
    assert said.exit_code == 1
    assert "There is no standing approval '1234567890'" in said.stderr
