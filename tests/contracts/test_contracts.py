"""The contracts themselves: whole, valid, dated, and telling each kind of difference apart."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import ac_tools.contracts
from ac_tools.contracts import Contract, contract_for, contracts
from ac_tools.tools import TOOLS

HERE = Path(ac_tools.contracts.__file__).parent
FILES = sorted(HERE.glob("endpoints/*.json"))
SHARED = json.loads((HERE / "shared.json").read_text(encoding="utf-8"))
TAG = {
    "tagType": "contact",
    "tag": "Lead",
    "description": "",
    "subscriber_count": "4",
    "cdate": "2021-03-23T06:05:24-05:00",
    "created_timestamp": "2021-03-23 06:05:24",
    "updated_timestamp": "2021-03-23 06:05:24",
    "created_by": None,
    "updated_by": None,
    "links": {"contactGoalTags": "https://acme.api-us1.com/api/3/tags/1/contactGoalTags"},
    "id": "1",
}


def of_tags(**change: Any) -> list[str]:
    """How a page with one tag, changed like this, differs from the contract; None leaves a key out."""
    tag = {name: value for name, value in {**TAG, **change}.items() if value is not ...}
    return told(contract("GET", "/tags"), {"tags": [tag], "meta": {"total": "1"}})


def told(contract: Contract, answer: Any, status: int = 200) -> list[str]:
    return [f"{each.kind}: {each}" for each in contract.of_reply(status, answer)]


def contract(method: str, path: str) -> Contract:
    found = contract_for(method, path)
    assert found
    return found


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(child)


def test_every_endpoint_has_its_contract() -> None:
    """There is one for each of the 29 tools, with the method and the path that the tool declares."""
    declared = {(tool.model_fields["name"].default, tool.endpoint.method, tool.endpoint.path) for tool in TOOLS}
    assert {(each.tool, each.method, each.path) for each in contracts()} == declared
    assert [path.stem for path in FILES] == sorted(each.tool for each in contracts())


@pytest.mark.parametrize("path", [HERE / "shared.json", *FILES], ids=lambda path: path.stem)
def test_every_file_is_a_json_schema(path: Path) -> None:
    """Each file is valid under draft 2020-12, and every reference in it leads somewhere."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for part in schema["$defs"].values():
        Draft202012Validator.check_schema(part)
    for node in objects(schema):
        if "$ref" in node:
            file, _, name = node["$ref"].partition("#/$defs/")
            assert file == ("" if path.stem == "shared" else "../shared.json")
            assert name in SHARED["$defs"]
            # Otherwise what stands beside a reference would be lost where it is resolved.
            assert {key for key in node if not key.startswith("x-")} == {"$ref"}


def test_every_contract_is_dated() -> None:
    """Each says since when it is known and what it rests on; so does every answer of it."""
    for each in contracts():
        assert each.statuses
        for status in each.statuses:
            known = each.known(status)
            assert re.fullmatch(r"20[12]\d-\d\d-\d\d", known.as_of)
            assert known.evidence in ("recorded", "documented")
    never_recorded = {each.tool for each in contracts() if each.evidence == "documented"}
    automations = {"ac_list_automations", "ac_add_to_automation", "ac_remove_from_automation"}
    only_empty = {"ac_list_contact_automations"}
    assert never_recorded == automations | only_empty | {"ac_create_campaign"}


def test_every_shared_shape_is_used() -> None:
    """Nothing lies in the shared file that no contract refers to."""
    text = "".join(path.read_text(encoding="utf-8") for path in [HERE / "shared.json", *FILES])
    assert not [name for name in SHARED["$defs"] if f'#/$defs/{name}"' not in text]


def test_an_order_names_what_there_is() -> None:
    """The keys of an order are keys of the object, each of them once."""
    for path in [HERE / "shared.json", *FILES]:
        for node in objects(json.loads(path.read_text(encoding="utf-8"))):
            if "x-order" in node:
                assert set(node["x-order"]) <= set(node["properties"])
                assert len(set(node["x-order"])) == len(node["x-order"])


def test_the_files_serve_any_json_schema_library() -> None:
    """Without our keywords the files are plain JSON Schema: types and required keys are checked, new keys pass."""
    files = [SHARED, *(json.loads(path.read_text(encoding="utf-8")) for path in FILES)]
    registry = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in files)
    [page] = [each["$id"] for each in files if each.get("x-tool") == "ac_list_tags"]
    validator = Draft202012Validator({"$ref": f"{page}#/$defs/200"}, registry=registry)
    assert validator.is_valid({"tags": [{**TAG, "brand_new": 1}], "meta": {"total": "1"}})
    assert not validator.is_valid({"tags": [{**TAG, "id": 1}], "meta": {"total": "1"}})
    assert not validator.is_valid({"tags": [TAG]})


@pytest.mark.parametrize(
    ("method", "path", "tool"),
    [
        ("GET", "/contacts", "ac_list_contacts"),
        ("GET", "/contacts/7", "ac_get_contact"),
        ("get", "/contacts/7/", "ac_get_contact"),
        ("GET", "/contacts/7/contactAutomations", "ac_list_contact_automations"),
        ("POST", "/contact/sync", "ac_sync_contact"),
        ("GET", "/contacts/7/contactTags", None),
        ("GET", "/contacts/x", None),
        ("PATCH", "/contacts/7", None),
        ("GET", "/users/me", None),
    ],
)
def test_a_request_finds_its_contract(method: str, path: str, tool: str | None) -> None:
    """Method and path lead to the contract of the endpoint, whatever the id; other paths have none."""
    found = contract_for(method, path)
    assert (found and found.tool) == tool


class TestDifferences:
    def test_what_is_as_known_differs_in_nothing(self) -> None:
        """A reply as it was recorded has no differences."""
        assert of_tags() == []

    def test_a_new_key_is_told_as_new(self) -> None:
        """A key that was not known is told once, however many records have it, and nothing else is."""
        page = {"tags": [{**TAG, "colour": "red"}, {**TAG, "colour": None}], "meta": {"total": "2"}, "took": 3}
        assert told(contract("GET", "/tags"), page) == ["new: tags[].colour is new", "new: took is new"]

    def test_a_missing_key_is_told_as_missing(self) -> None:
        """A key that every recording has is missed."""
        assert of_tags(subscriber_count=...) == ["missing: tags[].subscriber_count is missing"]
        assert told(contract("GET", "/tags"), {"tags": []}) == ["missing: meta is missing"]

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"id": 1}, "tags[].id was an id, as a text of digits, and is a whole number"),
            ({"id": "x"}, "tags[].id was an id, as a text of digits, and is a text of another form"),
            ({"subscriber_count": None}, "tags[].subscriber_count was a number, as a text of digits, and is null"),
            ({"cdate": "2021-03-23"}, "tags[].cdate was a time with an offset, and is a text of another form"),
            ({"created_by": 1.5}, "tags[].created_by was an id, as a text of digits, or null, and is a number"),
            ({"links": []}, "tags[].links was the addresses of what belongs to it, and is a list"),
            ({"tag": True}, "tags[].tag was a text, and is true or false"),
        ],
    )
    def test_another_type_is_told_as_such(self, change: dict[str, Any], says: str) -> None:
        """What it was and what it is are told in words, never with the value."""
        assert of_tags(**change) == [f"type: {says}"]

    def test_another_order_is_told_apart(self) -> None:
        """The same keys in another order are a difference of their own kind; a new key between them is none."""
        turned = {name: TAG[name] for name in ["id", *[name for name in TAG if name != "id"]]}
        page = {"tags": [turned], "meta": {"total": "1"}}
        assert told(contract("GET", "/tags"), page) == ["order: tags[] has its keys in another order, from id on"]
        between = {"tagType": "contact", "colour": "red", **TAG}
        assert told(contract("GET", "/tags"), {"tags": [between], "meta": {"total": "1"}}) == [
            "new: tags[].colour is new"
        ]

    @pytest.mark.parametrize("answer", [None, [], "text", 7])
    def test_what_is_no_object_is_of_another_type(self, answer: Any) -> None:
        """A reply that is no JSON object at all is of another type."""
        [difference] = contract("GET", "/tags").of_reply(200, answer)
        assert (difference.kind, difference.place) == ("type", "the reply")

    def test_a_name_that_could_be_a_value_is_not_shown(self) -> None:
        """A key that looks like no field's name may be somebody's data, so it is not repeated."""
        told = of_tags(**{"maria@lindqvist.example": 1, "x" * 80: 1})
        assert told == ["new: tags[].(a name that is not shown) is new"]

    def test_the_short_form_of_a_deal_is_known(self) -> None:
        """A deal that the key may not see has three keys; a whole one that lost keys is not taken for it."""
        meta = {"currencies": [], "total": 1}
        short = {"title": "Bogus", "id": "1", "isDisabled": True}
        assert told(contract("GET", "/deals"), {"deals": [short], "meta": meta}) == []
        longer = {**short, "hash": "6e3f2b61", "value": "100"}
        assert "missing: deals[].currency is missing" in told(
            contract("GET", "/deals"), {"deals": [longer], "meta": meta}
        )

    def test_an_echo_is_missed_where_it_was_sent(self) -> None:
        """The reply to a write repeats what was sent: it is missed only if it was."""
        made = {"tag": {name: TAG[name] for name in ("tag", "tagType", "cdate", "links", "id")}}
        sent = {"tag": {"tag": "Lead", "tagType": "contact"}}
        post = contract("POST", "/tags")
        assert not post.of_reply(201, made, sent=sent)
        sent["tag"]["description"] = ""
        assert [str(each) for each in post.of_reply(201, made, sent=sent)] == ["tag.description is missing"]

    def test_a_success_with_another_status_is_new(self) -> None:
        """A status of success that was never known for the endpoint is told, and its body left alone."""
        assert told(contract("GET", "/tags"), {}, 206) == ["new: status 206 is new"]

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    def test_any_endpoint_may_refuse(self, status: int) -> None:
        """What any endpoint may answer has a shape of its own, and a fault of the server has none."""
        assert contract("GET", "/lists").known(429).evidence == "documented"
        assert told(contract("GET", "/tags"), {"message": "Forbidden"}, status) == []
        assert bool(told(contract("GET", "/tags"), {"message": 7}, status)) is (status < 500)

    def test_comparing_changes_nothing(self) -> None:
        """The reply is as it was afterwards."""
        page = {"tags": [TAG], "meta": {"total": "1"}}
        before = copy.deepcopy(page)
        contract("GET", "/tags").of_reply(200, page)
        assert page == before
