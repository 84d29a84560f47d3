"""`only` in the grants: what an agent may touch, whether it says the name or the id."""

from __future__ import annotations

from typing import Any

import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit, ImportContacts


@pytest.fixture
def only(guard_for: Any, approve: Any) -> Any:
    account = ActiveCampaign.sandbox()

    def make(**grants: Any) -> ActiveCampaignToolkit:
        return ActiveCampaignToolkit(account=account, guard=guard_for(grants, approve), agent="marketing")

    yield make
    account.close()


def status(toolkit: ActiveCampaignToolkit, name: str, /, **args: Any) -> str:
    message = toolkit.get_tool(name).invoke({"type": "tool_call", "id": "c", "name": name, "args": args})
    return str(message.status)


@pytest.mark.parametrize("allowed", ["Newsletter", "newsletter", 1, "1"])
@pytest.mark.parametrize("said", ["Newsletter", "NEWSLETTER", 1, "1"])
def test_name_and_id_are_the_same_list(only: Any, allowed: Any, said: Any) -> None:
    """A list that the grants name may be said by id, and one that they give by id may be said by name."""
    toolkit = only(lists={"access": "write", "only": {"list": [allowed]}})
    assert status(toolkit, "ac_get_list", list=said) == "success"
    assert status(toolkit, "ac_get_list", list="Trade news") == "error"
    assert status(toolkit, "ac_get_list", list=2) == "error"


def test_what_names_no_list_reaches_all_of_them(only: Any) -> None:
    """A call that names no list would reach beyond the ones allowed."""
    toolkit = only(lists={"access": "full", "only": {"list": ["Newsletter"]}})
    assert status(toolkit, "ac_list_lists") == "error"
    assert status(toolkit, "ac_create_list", name="X", sender_url="https://x.example", sender_reminder="y") == "error"


def test_an_import_is_held_to_the_tags_that_it_names(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags in an import are names; they count as what `only` speaks of."""
    monkeypatch.setattr(ImportContacts, "patience", 0.0)
    grants: dict[str, Any] = {"contacts": "full", "tags": {"access": "write", "only": {"tag": ["Lead"]}}}
    toolkit = only(**grants)
    people = [{"email": f"p{number}@import.example", "tags": ["lead"]} for number in range(12)]
    assert status(toolkit, "ac_import_contacts", contacts=people) == "success"
    assert (
        status(toolkit, "ac_import_contacts", contacts=[*people, {"email": "x@y.example", "tags": ["VIP"]}]) == "error"
    )
    assert status(toolkit, "ac_import_contacts", contacts=people, tags=["VIP"]) == "error"


def test_a_record_that_is_called_like_an_id_is_not_that_record(only: Any) -> None:
    """Whoever may use tag 1 may not use another one by calling it "1", in an import either; "=1" is the name."""
    by_id = only(contacts="full", tags={"access": "write", "only": {"tag": [1]}})
    by_name = only(contacts="full", tags={"access": "write", "only": {"tag": ["=1"]}})
    person = [{"email": "new@import.example"}]
    assert status(by_id, "ac_import_contacts", contacts=person, tags=["1"]) == "error"
    assert status(by_name, "ac_import_contacts", contacts=person, tags=["1"]) == "success"  # which makes it
    assert status(by_id, "ac_add_tag", contact=46, tag="=1") == "error"
    assert status(by_name, "ac_add_tag", contact=46, tag="=1") == "success"
    assert status(by_id, "ac_add_tag", contact=46, tag=1) == "success"
