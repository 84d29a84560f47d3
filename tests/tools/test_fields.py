"""What the field tools promise: a field that people can see and choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit

Toolkits = Callable[..., ActiveCampaignToolkit]


def test_a_field_with_choices_gets_them_and_is_made_visible(toolkit_for: Toolkits, wire: Any, run: Any) -> None:
    """One call creates the field, its options in order, and the relation without which nobody would see it."""
    toolkit = toolkit_for(fields="write")
    made = run(toolkit, "ac_create_field", title="Shirt size", type="dropdown", options=["S", "M"]).artifact
    assert wire.writes == [("POST", "/fields"), ("POST", "/fieldOption/bulk"), ("POST", "/fieldRels")]
    assert wire.bodies("/fields") == [{"field": {"title": "Shirt size", "type": "dropdown"}}]
    [options] = wire.bodies("/fieldOption/bulk")
    assert [(each["field"], each["value"], each["orderid"]) for each in options["fieldOptions"]] == [
        (made.id, "S", 1),
        (made.id, "M", 2),
    ]
    assert wire.bodies("/fieldRels") == [{"fieldRel": {"field": made.id, "relid": 0}}]
    assert "options: «S»; «M»" in run(toolkit, "ac_get_field", field="Shirt size").content


def test_a_field_of_one_list_is_related_to_it(toolkit: Any, wire: Any, run: Any) -> None:
    """A field can be for one list only, by name."""
    run(toolkit, "ac_create_field", title="Booth", type="text", list="Trade news")
    assert wire.bodies("/fieldRels")[0]["fieldRel"]["relid"] == 2


def test_flags_leave_as_they_were_recorded(toolkit: Any, wire: Any, run: Any) -> None:
    """Flags are texts on the wire."""
    run(toolkit, "ac_create_field", title="Booth", type="text", visible=True, isrequired=False, defval="x")
    assert wire.bodies("/fields") == [
        {"field": {"title": "Booth", "type": "text", "visible": "1", "isrequired": "0", "defval": "x"}}
    ]


@pytest.mark.parametrize("kind", ["dropdown", "listbox", "radio", "checkbox"])
@pytest.mark.parametrize("options", [None, []])
def test_a_choice_without_choices_is_refused(kind: str, options: Any, toolkit: Any, wire: Any, run: Any) -> None:
    """A field to choose from needs something to choose."""
    answer = run(toolkit, "ac_create_field", title="Size", type=kind, options=options)
    assert "needs options" in answer.content
    assert wire.sent() == []


@pytest.mark.parametrize("kind", ["text", "date", "number"])
def test_choices_of_a_text_are_refused(kind: str, toolkit: Any, wire: Any, run: Any) -> None:
    """Options for a field without choices are refused, not dropped."""
    assert "takes no options" in run(toolkit, "ac_create_field", title="Size", type=kind, options=["S"]).content
    assert wire.sent() == []


@pytest.mark.parametrize("path", ["/fieldOption/bulk", "/fieldRels"])
def test_a_second_half_that_fails_is_told(path: str, toolkit: Any, wire: Any, run: Any) -> None:
    """If the options or the relation fail, the answer says that the field exists and is not to be created again."""
    wire.sandbox.fault("POST", path, status=422)
    answer = run(toolkit, "ac_create_field", title="Shirt size", type="dropdown", options=["S", "M"])
    assert "Created field 9" in answer.content
    assert "not usable yet" in answer.content
    assert "do not create it again" in answer.content
    assert answer.artifact.id == "9"


def test_a_title_that_exists_is_refused(toolkit: Any, wire: Any, run: Any) -> None:
    """Titles are unique without regard to case; nothing else is sent after the refusal."""
    assert "already" in run(toolkit, "ac_create_field", title="job title", type="text").content
    assert wire.writes == [("POST", "/fields")]


def test_a_field_of_a_list_needs_to_know_the_list(toolkit_for: Toolkits, wire: Any, run: Any) -> None:
    """Who may not read lists cannot make a field for one, and no list is looked up."""
    answer = run(toolkit_for(fields="write"), "ac_create_field", title="Booth", type="text", list="Trade news")
    assert answer.artifact.kind == "refused"
    assert wire.sent() == []


def test_fields_are_filtered_by_personalization_tag(toolkit: Any, wire: Any, run: Any) -> None:
    """A personalization tag finds its field."""
    assert [item.title for item in run(toolkit, "ac_list_fields", perstag="LANGUAGE").artifact.items] == ["Language"]


def test_options_that_are_no_list_hide_no_field(toolkit: Any, wire: Any, run: Any) -> None:
    """What comes beside a record may be missing or misshapen; the record is shown all the same."""
    body = b'{"fieldOptions": true, "field": {"id": "1", "title": "Size", "type": "text"}}'
    wire.sandbox.fault("GET", "/fields/1", status=200, body=body)
    assert "«Size»" in run(toolkit, "ac_get_field", field=1).content
