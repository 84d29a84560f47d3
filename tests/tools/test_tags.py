"""What the tag tools promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit
from ac_tools.sandbox import Settings

Toolkits = Callable[..., ActiveCampaignToolkit]


def tag_ids(toolkit: Any, run: Any, contact: int) -> set[str]:
    return {tag.tag_id for tag in run(toolkit, "ac_get_contact", contact=contact).artifact.tags}


def test_a_tag_is_taken_off_by_its_association(toolkit: Any, wire: Any, run: Any) -> None:
    """The path holds the id of this contact's own association, and nobody else loses a tag."""
    before = {contact.id: contact for contact in toolkit.walk("ac_list_contacts", tag=5)}
    association = next(tag for tag in run(toolkit, "ac_get_contact", contact=28).artifact.tags if tag.tag_id == "5")
    run(toolkit, "ac_remove_tag", contact=28, tag="Trade")
    assert wire.sent("DELETE") == [("DELETE", f"/contactTags/{association.id}")]
    after = {contact.id for contact in toolkit.walk("ac_list_contacts", tag=5)}
    assert set(before) - after == {"28"}


@pytest.mark.parametrize("tag", [1, 2, 3, 4])
def test_a_tags_id_is_never_taken_for_an_association(tag: int, toolkit: Any, wire: Any, run: Any) -> None:
    """Taking off a tag that the contact does not have deletes nothing, though an association has that very number."""
    answer = run(toolkit, "ac_remove_tag", contact=46, tag=tag)
    assert answer.artifact.kind == "not_found"
    assert wire.writes == []


def test_another_persons_association_is_not_deleted(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """If the account answers with somebody else's rows, they are passed over."""

    def theirs(exchange: Any, data: Any) -> Any:
        for row in data.get("contactTags", []):
            row["contact"] = "99"
        return data

    wire = on(change=theirs)
    assert run(toolkit_for(wire), "ac_remove_tag", contact=28, tag=5).artifact.kind == "not_found"
    assert wire.writes == []


@pytest.mark.parametrize("argument", ["id", "association", "contactTag", "contact_tag"])
def test_the_model_cannot_name_an_association(argument: str, toolkit: Any, wire: Any, run: Any) -> None:
    """There is no argument for an association's id."""
    assert run(toolkit, "ac_remove_tag", contact=28, tag=5, **{argument: 1}).artifact.kind == "invalid"
    assert wire.sent() == []


@pytest.mark.parametrize("status", [200, 422])
def test_a_tag_that_is_there_already_is_no_error(status: int, on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """Tagging twice is what was wanted, whether the account answers with the row or with a complaint."""
    toolkit = toolkit_for(on(settings=Settings(re_tag_status=status)))
    for _ in range(2):
        answer = run(toolkit, "ac_add_tag", contact=46, tag="C#")
        assert (answer.status, answer.content) == ("success", "Contact 46 has tag 7 now.")


def test_tagging_nobody_fails(toolkit: Any, run: Any) -> None:
    """An unknown contact's id is the account's to refuse, and the refusal is told."""
    assert run(toolkit, "ac_add_tag", contact=99999, tag="C#").artifact.kind == "failed"


@pytest.mark.parametrize("name", ["Fresh", "C++", "A/B", "ﬁne", "新しい"])
def test_a_tag_is_created_with_what_the_documents_ask_for(name: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A tag is created for contacts, with an empty description unless one is given."""
    run(toolkit, "ac_create_tag", name=name)
    assert wire.bodies("/tags") == [{"tag": {"tag": name, "tagType": "contact", "description": ""}}]


@pytest.mark.parametrize("name", ["a,b", ",", "one, two", ""])
def test_a_tags_name_holds_no_comma(name: str, toolkit: Any, wire: Any, run: Any) -> None:
    """A comma would make two tags of one, so it is refused without a request."""
    assert run(toolkit, "ac_create_tag", name=name).artifact.kind == "invalid"
    assert wire.sent() == []


def test_an_existing_tag_is_not_created_again(toolkit: Any, wire: Any, run: Any) -> None:
    """A name that differs in capitals only is the same tag."""
    answer = run(toolkit, "ac_create_tag", name="vip")
    assert "exists already, with id 3" in answer.content
    assert wire.writes == []


def test_a_search_shows_all_that_match(toolkit: Any, run: Any) -> None:
    """A search for tags is by part of the name, and template tags are marked."""
    assert {tag.name for tag in run(toolkit, "ac_list_tags", search="lead").artifact.items} == {"Lead", "Lead - cold"}
    assert "«Two columns» for templates" in run(toolkit, "ac_list_tags", search="columns").content
