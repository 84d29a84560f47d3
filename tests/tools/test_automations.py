"""What the automation tools promise: nobody enters without a person, and only one's own run is ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit
from ac_tools.sandbox import Settings

Toolkits = Callable[..., ActiveCampaignToolkit]


def test_an_enrolment_shows_who_and_what(toolkit: Any, wire: Any, approve: Any, run: Any) -> None:
    """The card names the person and the automation, its state and how many entered; the body has both ids."""
    run(toolkit, "ac_add_to_automation", contact="maria@lindqvist-interiors.example", automation="Trade onboarding")
    card = str(approve.requests[0])
    assert "«Maria Lindqvist» maria@lindqvist-interiors.example (id 46)" in card
    assert "«Trade onboarding» (id 2), active, 36 entered so far" in card
    assert "cannot be called back" in card
    assert wire.bodies("/contactAutomations") == [{"contactAutomation": {"contact": 46, "automation": 2}}]


def test_enrolling_needs_full_access(toolkit_for: Toolkits, wire: Any, run: Any) -> None:
    """With write access nobody is enrolled, and nothing is looked up."""
    toolkit = toolkit_for(automations="write", contacts="full")
    assert run(toolkit, "ac_add_to_automation", contact=46, automation=2).artifact.kind == "refused"
    assert wire.sent() == []


@pytest.mark.parametrize("status", [403, 422])
@pytest.mark.parametrize(
    ("contact", "automation"), [(46, "Abandoned basket"), (28, "Trade onboarding")], ids=["inactive", "been in it"]
)
def test_a_refused_enrolment_says_what_it_can_mean(
    status: int, contact: int, automation: str, on: Any, toolkit_for: Toolkits, run: Any
) -> None:
    """The account's one cryptic refusal is told with its causes, under either of its statuses."""
    toolkit = toolkit_for(on(settings=Settings(reenrol_status=status)))
    answer = run(toolkit, "ac_add_to_automation", contact=contact, automation=automation)
    assert answer.artifact.kind == "failed"
    assert "inactive" in answer.content
    assert "already" in answer.content


def test_the_card_of_an_inactive_automation_says_inactive(toolkit: Any, approve: Any, run: Any) -> None:
    """A person sees before deciding that the automation is not running."""
    run(toolkit, "ac_add_to_automation", contact=46, automation="Abandoned basket")
    assert "«Abandoned basket» (id 3), inactive" in str(approve.requests[0])


def test_the_run_in_progress_is_ended(toolkit: Any, wire: Any, run: Any) -> None:
    """Of a contact's finished and running runs through one automation, the running one is ended."""
    runs = run(toolkit, "ac_list_contact_automations", contact=32).artifact.items
    [running] = [each for each in runs if each.automation_id == "5" and each.status == "active"]
    assert sum(each.automation_id == "5" for each in runs) == 2
    run(toolkit, "ac_remove_from_automation", contact=32, automation="Win-back")
    assert wire.sent("DELETE") == [("DELETE", f"/contactAutomations/{running.id}")]


@pytest.mark.parametrize(("contact", "automation"), [(46, 1), (28, "Trade onboarding"), (6, "Win-back")])
def test_who_is_not_in_it_is_not_removed(contact: int, automation: Any, toolkit: Any, wire: Any, run: Any) -> None:
    """Without a run in progress nothing is deleted: not a finished one, not another automation's, not a like number."""
    answer = run(toolkit, "ac_remove_from_automation", contact=contact, automation=automation)
    assert answer.artifact.kind == "not_found"
    assert wire.writes == []


def test_another_persons_run_is_not_ended(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """If the account answers with somebody else's runs, they are passed over."""

    def theirs(exchange: Any, data: Any) -> Any:
        for row in data.get("contactAutomations", []):
            row["contact"] = "99"
        return data

    wire = on(change=theirs)
    answer = run(toolkit_for(wire), "ac_remove_from_automation", contact=32, automation=5)
    assert answer.artifact.kind == "not_found"
    assert wire.writes == []


def test_removing_is_an_ordinary_write(toolkit_for: Toolkits, approve: Any, run: Any) -> None:
    """Ending a run reaches nobody, so nobody is asked."""
    toolkit = toolkit_for(automations="write", contacts="read")
    assert run(toolkit, "ac_remove_from_automation", contact=32, automation="Win-back").status == "success"
    assert approve.requests == []


def test_finished_runs_are_listed_as_finished(toolkit: Any, run: Any) -> None:
    """A contact's automations are shown with their state, the latest first."""
    lines = run(toolkit, "ac_list_contact_automations", contact=32).content.splitlines()
    assert lines[0] == "5 «Win-back» active since 2026-10-28"
    assert "3 «Abandoned basket» completed since 2023-01-16" in lines


def test_nobodys_runs_are_said_to_be_none(toolkit: Any, run: Any) -> None:
    """A contact who was never in an automation is said to have been in none."""
    assert "no automation" in run(toolkit, "ac_list_contact_automations", contact=46).content


def test_automations_are_filtered(toolkit: Any, wire: Any, run: Any) -> None:
    """Only active ones, only of a name."""
    page = run(toolkit, "ac_list_automations", active=False).artifact
    assert {item.name for item in page.items} == {"Abandoned basket", "Webinar follow-up"}
    assert wire.query("/automations")["active"] == "false"
