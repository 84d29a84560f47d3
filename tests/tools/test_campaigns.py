"""What ac_create_campaign promises: a draft, and the truth about it."""

from __future__ import annotations

from typing import Any


def test_a_campaign_is_a_draft_and_says_so(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """Tool, card and answer all say that nothing is sent; the body is flat."""
    assert "not sent" in toolkit.get_tool("ac_create_campaign").description
    answer = run(toolkit, "ac_create_campaign", name="Autumn", type="single", can_split_content=False)
    assert answer.content.splitlines()[0] == "Created draft campaign 5 «Autumn». Nothing was sent."
    assert "nothing: an empty draft, without recipients or content" in str(approve.requests[0])
    assert wire.bodies("/campaign") == [{"name": "Autumn", "type": "single", "canSplitContent": False}]
    assert answer.artifact.id == "5"


def test_a_campaign_needs_full_access(toolkit_for: Any, wire: Any, run: Any) -> None:
    """Other areas' full access does not open campaigns."""
    toolkit = toolkit_for(contacts="full", lists="full", automations="full")
    assert run(toolkit, "ac_create_campaign", name="Autumn", type="single").artifact.kind == "refused"
    assert wire.sent() == []


def test_an_unknown_type_is_answered_with_the_known(toolkit: Any, wire: Any, run: Any) -> None:
    """A type that the account does not know is refused with those that it does."""
    answer = run(toolkit, "ac_create_campaign", name="Autumn", type="blast")
    assert "'single'" in answer.content
    assert wire.sent() == []
