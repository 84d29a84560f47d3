"""How tools find what a call names: ids, names in every script, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ac_guardrails._request import mint
from ac_tools import ActiveCampaignToolkit
from ac_tools.tools._names import Names
from ac_tools.tools._references import Ref

ODD = ["C#", "B2B/Office", "What now?", "50% off & more", "a+b=c", "..", "ショールーム来店", "Δοκιμή", "=x"]
SEED: dict[str, Any] = {
    "users": [{"id": 1, "username": "a", "email": "ada@a.example", "first_name": "Ada", "last_name": "A"}],
    "tags": [{"id": 11 + number, "tag": name} for number, name in enumerate(ODD)],
    "fields": [{"id": 4, "title": "2024", "type": "text", "perstag": "YEAR"}],
    "contacts": [{"id": 1, "email": "ann@a.example"}],
}
Toolkits = Callable[..., ActiveCampaignToolkit]


@pytest.mark.parametrize("name", ODD)
def test_a_name_may_hold_any_character(name: str, on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """A tag is found by its exact name, which travels as a query value and never in a path."""
    wire = on(seed=SEED)
    said = f"={name}" if name.startswith("=") else name
    answer = run(toolkit_for(wire), "ac_add_tag", contact=1, tag=said)
    assert answer.artifact.tag_id == str(11 + ODD.index(name))
    assert wire.query("/tags")["search"] == name
    assert {path for _, path in wire.sent()} == {"/tags", "/contactTags"}


def test_names_are_compared_without_case(toolkit: Any, run: Any) -> None:
    """A name in other capitals, and an address in other capitals, mean the same record."""
    assert run(toolkit, "ac_get_list", list="NEWSLETTER").artifact.id == "1"
    assert run(toolkit, "ac_get_contact", contact="Maria@Lindqvist-Interiors.EXAMPLE").artifact.id == "46"


def test_an_address_with_a_plus_is_found(toolkit: Any, run: Any) -> None:
    """A plus in an address is sent encoded, so that it is no space."""
    assert run(toolkit, "ac_get_contact", contact="hannah+test@juniperandoak.example").artifact.id == "1"


def test_a_field_is_found_by_its_personalization_tag(toolkit: Any, wire: Any, run: Any) -> None:
    """A custom field's personalization tag names it as well as its title does."""
    assert run(toolkit, "ac_get_field", field="%JOB_TITLE%").artifact.id == "1"
    assert run(toolkit, "ac_get_field", field="job title").artifact.id == "1"


def test_an_owner_is_found_by_listing_users(toolkit: Any, wire: Any, run: Any) -> None:
    """An owner's address is compared with the users' addresses and goes into no path."""
    run(toolkit, "ac_update_deal", deal=27, owner="Tobias@juniperandoak.example")
    assert wire.bodies("/deals/27") == [{"deal": {"owner": 2}}]
    assert ("GET", "/users") in wire.sent()


@pytest.mark.parametrize("said", [7, "7"])
def test_a_number_and_its_text_are_the_id(said: Any, toolkit: Any, wire: Any, run: Any) -> None:
    """7 and "7" are the id 7."""
    assert run(toolkit, "ac_add_tag", contact=46, tag=said).artifact.tag_id == "7"


def test_digits_that_are_also_a_name_are_refused_with_both(toolkit: Any, wire: Any, run: Any) -> None:
    """The text 2024 could be tag 2024 or the tag called 2024, so the call is refused and told how to say either."""
    answer = run(toolkit, "ac_add_tag", contact=46, tag="2024")
    assert answer.status == "error"
    assert "id of tag 2024" in answer.content
    assert "tag 8 is called «2024»" in answer.content
    assert '"=2024" for the name' in answer.content
    assert wire.writes == []


def test_an_equals_sign_says_that_digits_are_a_name(toolkit: Any, run: Any) -> None:
    """An equals sign before digits says that they are a name."""
    assert run(toolkit, "ac_add_tag", contact=46, tag="=2024").artifact.tag_id == "8"


def test_a_number_is_never_a_name(toolkit: Any, run: Any, wire: Any) -> None:
    """The number 2024 is the id, though a tag is called that, and no name is looked up."""
    answer = run(toolkit, "ac_remove_tag", contact=46, tag=2024)
    assert answer.artifact.kind == "not_found"
    assert wire.sent() == [("GET", "/contacts/46/contactTags")]


NO_REFERENCE = [
    7.0, True, None, "", " 7", "7 ", "7\n", "７", "٧", "²", "7\u200b", "\x00", 0, -1, 10**400, [7], {"id": 7},
]  # fmt: skip


@pytest.mark.parametrize("tool", ["ac_get_contact", "ac_get_deal", "ac_get_list"])
def test_what_is_no_reference_is_refused_without_a_request(tool: str, toolkit: Any, wire: Any, run: Any) -> None:
    """Floats, flags, other scripts' digits, outer spaces and control characters name nothing, and nothing is asked."""
    noun = tool.removeprefix("ac_get_")
    for said in NO_REFERENCE:
        answer = run(toolkit, tool, **{noun: said})
        assert (answer.status, answer.artifact.kind) == ("error", "invalid"), repr(said)[:40]
        assert noun in answer.content
    assert wire.sent() == []


NEITHER = ["../contacts/7", "7/../../x", "7?x", "7#", "7.0", "+7", "0x7", "7e0", "a@b", "@", "x y@a.example", "=7"]


@pytest.mark.parametrize("tool", ["ac_get_contact", "ac_get_deal"])
def test_contacts_and_deals_have_no_free_names(tool: str, toolkit: Any, wire: Any, run: Any) -> None:
    """For a contact or deal, whatever is neither an id nor (contacts) an address is refused without a request."""
    for said in NEITHER:
        assert run(toolkit, tool, **{tool.removeprefix("ac_get_"): said}).artifact.kind == "invalid", said
    assert wire.sent() == []


def test_an_ambiguous_stage_is_answered_with_both(toolkit: Any, wire: Any, run: Any) -> None:
    """A stage's name that two pipelines have is refused with the ids and pipelines of both."""
    answer = run(toolkit, "ac_update_deal", deal=27, stage="Qualified")
    assert (
        "2 stages are called 'Qualified': «Qualified» (id 2, pipeline 1), «Qualified» (id 6, pipeline 2). Give the id."
    ) in answer.content
    assert wire.writes == []


def test_a_pipeline_tells_its_stages_apart(toolkit: Any, wire: Any, run: Any) -> None:
    """Beside a pipeline, a stage's name means the stage of that pipeline."""
    run(toolkit, "ac_list_deals", pipeline="Trade partners", stage="Qualified")
    assert wire.query("/deals")["filters[stage]"] == "6"


def test_an_unknown_name_is_answered_with_the_nearest(toolkit: Any, run: Any) -> None:
    """A misspelt name is answered with what there is, nearest first, so that the model can correct itself."""
    content = run(toolkit, "ac_get_list", list="Newsleter").content
    assert "No list is called 'Newsleter'" in content
    assert "«Newsletter» (id 1)" in content


def test_an_unknown_address_is_answered_with_the_way_on(toolkit: Any, run: Any) -> None:
    """An address that nobody has is answered with the tool that would create the contact, and no candidates."""
    content = run(toolkit, "ac_get_contact", contact="nobody@nowhere.example").content
    assert "nobody@nowhere.example" in content
    assert "ac_sync_contact" in content
    assert "«" not in content


@pytest.mark.parametrize(("grants", "shown"), [({"fields": "read"}, True), ({}, False)])
def test_candidates_come_from_readable_areas_only(
    grants: dict[str, str], shown: bool, toolkit_for: Toolkits, run: Any
) -> None:
    """Who may not read fields is told that there is no such field, and not which there are."""
    toolkit = toolkit_for(contacts="write", **grants)
    answer = run(toolkit, "ac_update_contact", contact=46, field_values=[{"field": "Job titel", "value": "x"}])
    assert "No field is called 'Job titel'" in answer.content
    assert ("Job title" in answer.content) is shown


@pytest.mark.parametrize(("grants", "shown"), [({"fields": "read"}, True), ({}, False)])
def test_the_other_meaning_of_digits_is_shown_only_where_it_may_be_read(
    grants: dict[str, str], shown: bool, on: Any, toolkit_for: Toolkits, run: Any
) -> None:
    """Who may not read fields learns that a name clashes, but not which field it is."""
    toolkit = toolkit_for(on(seed=SEED), contacts="write", **grants)
    answer = run(toolkit, "ac_update_contact", contact=1, field_values=[{"field": "2024", "value": "x"}])
    assert answer.artifact.kind == "invalid"
    assert ("field 4" in answer.content) is shown


@pytest.mark.parametrize("argument", ["list", "tag", "automation"])
def test_a_reference_into_an_area_that_is_off_makes_no_request(
    argument: str, toolkit_for: Toolkits, wire: Any, run: Any
) -> None:
    """Filtering contacts by something that the agent may not read is refused before any name is looked up."""
    answer = run(toolkit_for(contacts="full"), "ac_list_contacts", **{argument: "Newsletter"})
    assert answer.artifact.kind == "refused"
    assert wire.sent() == []


def test_names_are_remembered(toolkit: Any, wire: Any, run: Any) -> None:
    """Two calls that name the same list look it up once."""
    run(toolkit, "ac_get_list", list="Newsletter")
    run(toolkit, "ac_get_list", list="Newsletter")
    assert wire.sent().count(("GET", "/lists")) == 1


def test_names_fall_with_a_write(toolkit: Any, run: Any) -> None:
    """A tag that was unknown a moment ago is found as soon as it has been created."""
    assert run(toolkit, "ac_add_tag", contact=46, tag="Fresh").artifact.kind == "invalid"
    run(toolkit, "ac_create_tag", name="Fresh")
    assert run(toolkit, "ac_add_tag", contact=46, tag="Fresh").status == "success"


def test_an_address_falls_with_a_write(toolkit: Any, run: Any) -> None:
    """A contact that got another address is no longer found under the old one."""
    run(toolkit, "ac_get_contact", contact="maria@lindqvist-interiors.example")
    run(toolkit, "ac_update_contact", contact=46, email="maria@elsewhere.example")
    assert run(toolkit, "ac_get_contact", contact="maria@lindqvist-interiors.example").status == "error"
    assert run(toolkit, "ac_get_contact", contact="maria@elsewhere.example").artifact.id == "46"


def test_names_live_for_a_minute(wire: Any) -> None:
    """What was looked up is good for 60 seconds, and is looked up again after."""
    now = [0.0]
    names = Names(clock=lambda: now[0])

    def resolve() -> int:
        steps = names.resolve(Ref("list", None, "Newsletter"), frozenset())
        reply = None
        try:
            while True:
                request = steps.send(reply)
                reply = wire.account.send(request, mint(request))
        except StopIteration as stop:
            return int(stop.value.id)

    for now[0], lookups in ((0.0, 1), (59.9, 1), (60.0, 2), (119.9, 2), (120.0, 3)):
        assert resolve() == 1
        assert len(wire.sent()) == lookups


def test_what_was_read_while_something_was_written_is_not_remembered(wire: Any) -> None:
    """A call that lists tags while another one makes one has not seen it, and does not hide it from those after it."""
    names = Names()

    def read(meanwhile: Callable[[], None] = lambda: None) -> None:
        steps = names.all("tag")
        request = next(steps)
        reply = wire.account.send(request, mint(request))
        meanwhile()
        with suppress(StopIteration):
            while True:
                request = steps.send(reply)
                reply = wire.account.send(request, mint(request))

    read(meanwhile=lambda: names.forget(["tag"]))
    before = len(wire.sent())
    read()
    assert len(wire.sent()) > before


def test_two_accounts_share_no_names(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """The names of one account are not looked for in another's."""
    run(toolkit_for(on()), "ac_get_list", list="Newsletter")
    assert run(toolkit_for(on(seed=SEED)), "ac_get_list", list="Newsletter").artifact.kind == "invalid"
