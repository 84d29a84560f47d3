"""What a program gets wrong when it sets things up is said in words: the value, the rule, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.remote_mcp import RemoteMCP
from ac_tools.webhooks import Receiver

GRANTS = Grants.from_dict({"agents": {"marketing": {"tags": "write"}}})
GUARD = Guard(GRANTS, ledger="memory:")
SECRET = "a-secret-that-nobody-guesses"
LATER = datetime(2999, 1, 1, tzinfo=UTC)


def toolkit() -> ActiveCampaignToolkit:
    return ActiveCampaignToolkit(account=ActiveCampaign.sandbox(), guard=GUARD, agent="marketing")


def allowed(**changed: Any) -> Any:
    given = {"agent": "marketing", "tool": "ac_add_tag", "by": "anna", "until": LATER, "times": 1}
    return GUARD.standing.allow(**{**given, **changed})


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "a ledger that is none": (lambda: Guard(GRANTS, ledger=5), "5 is no ledger. Give one that is open, or a URL"),  # type: ignore[arg-type]
    "a wait that is no number": (lambda: Inbox(wait="x"), "wait='x' is no time to wait. Use a number"),  # type: ignore[arg-type]
    "no store": (lambda: Receiver(None, secrets=[SECRET]), "None names no file to keep webhooks in. Use sqlite:///"),  # type: ignore[arg-type]
    "workers in words": (lambda: Receiver("sqlite:///w", secrets=[SECRET], workers="4"), "workers are at least 1"),  # type: ignore[arg-type]
    "no secrets": (lambda: Receiver("sqlite:///w", secrets=None), "needs at least one secret of 20 to 200"),  # type: ignore[arg-type]
    "a secret of bytes": (lambda: Receiver("sqlite:///w", secrets=[b"x" * 40]), "needs at least one secret of 20"),  # type: ignore[list-item]
    "no MCP server": (lambda: RemoteMCP(None, guard=GUARD, agent="marketing"), "is not a URL"),  # type: ignore[arg-type]
    "no tool": (lambda: toolkit().get_tool(None), "None is no name of a tool. Use one such as 'ac_list_tags'"),  # type: ignore[arg-type]
    "a plan of a name": (lambda: toolkit().plan("ac_add_tag"), "A plan is a list of names of tools with their"),  # type: ignore[arg-type]
    "a plan of names": (lambda: toolkit().plan(["ac_add_tag"]), 'such as [("ac_add_tag", {"contact": 46'),  # type: ignore[list-item]
    "a plan of nothing": (lambda: toolkit().plan(None), "A plan is a list"),  # type: ignore[arg-type]
    "no entry to undo": (lambda: toolkit().undo(None, by="anna"), "None is no ledger entry. Give its id"),  # type: ignore[arg-type]
    "no entry to plan": (lambda: toolkit().undo_plan(None), "None is no ledger entry. Give its id"),  # type: ignore[arg-type]
    "an end in words": (
        lambda: allowed(until="2027-01-01"),
        "until='2027-01-01' is no time. Use one such as datetime(",
    ),
    "a misspelt agent": (lambda: allowed(agent="marketting"), "'marketting' has no grants. Use one of: marketing."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_in_words(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No error of Python's own comes through, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    made, said = MISTAKES[mistake]
    with pytest.raises(Exception) as raised:
        made()
    assert said in str(raised.value)
    assert not isinstance(raised.value, AttributeError)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_works_for_another_one_can_be_agreed_with() -> None:
    """It has no grants of its own in the file; whoever it works for has."""
    assert allowed(agent="marketing/helper").agent == "marketing/helper"
