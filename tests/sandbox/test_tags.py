"""Tags, and tags on people."""

import pytest

from ac_tools.sandbox import Settings


def put(api, contact, tag):
    return api("POST", "/contactTags", {"contactTag": {"contact": contact, "tag": tag}})


def test_both_forms_of_a_tag(api):
    """A tag is echoed in six keys and read in eleven."""
    body = {"tag": {"tag": "Fair", "tagType": "contact", "description": "Met at the fair"}}
    status, data = api("POST", "/tags", body)
    assert (status, list(data["tag"])) == (201, ["tag", "description", "tagType", "cdate", "links", "id"])
    read = api.get("/tags/4")["tag"]
    assert list(read) == [
        "tagType",
        "tag",
        "description",
        "subscriber_count",
        "cdate",
        "created_timestamp",
        "updated_timestamp",
        "created_by",
        "updated_by",
        "links",
        "id",
    ]
    assert read["subscriber_count"] == "0"


@pytest.mark.parametrize(("name", "code"), [("lead", "duplicate"), ("a, b", "field_invalid"), ("", "field_missing")])
def test_a_bad_name_is_refused(api, name, code):
    """A name that is taken in any case, holds a comma or is empty is a 422."""
    status, data = api("POST", "/tags", {"tag": {"tag": name, "tagType": "contact"}})
    assert (status, data["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("search=lead", ["Lead", "Lead - cold"]),
        ("filters[search][eq]=lead", ["Lead"]),
        ("filters[search][contains]=cold", ["Lead - cold"]),
        ("orders[search]=desc", ["VIP", "Lead - cold", "Lead"]),
        ("limit=1&offset=2", ["VIP"]),
    ],
)
def test_tags_are_searched(api, query, names):
    """Search contains, operators compare, orders order."""
    assert [each["tag"] for each in api.get(f"/tags?{query}")["tags"]] == names


def test_tagging_is_201_and_counts(api):
    """A tag on a contact is 201 with the contact beside it, moves the contact's udate, and counts on the tag."""
    status, data = put(api, "2", "1")
    assert (status, list(data), list(data["contactTag"])) == (
        201,
        ["contacts", "contactTag"],
        ["contact", "tag", "cdate", "links", "id"],
    )
    assert data["contactTag"]["contact"] == "2"
    assert data["contacts"][0]["udate"] == "2021-03-23T06:04:40-05:00"
    assert api.get("/tags/1")["tag"]["subscriber_count"] == "2"


def test_tagging_starts_automations(api):
    """Only an active automation starts on its tag."""
    put(api, 2, 3)
    put(api, 2, 1)
    runs = api.get("/contacts/2/contactAutomations")["contactAutomations"]
    assert [run["automation"] for run in runs] == ["2"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"title": "x"}, 400, "No tag id provided"),
        ({"contact": 1, "tag": "Lead"}, 400, "No tag id provided"),
        ({"tag": 1}, 422, "Missing attribute"),
        ({"contact": 9, "tag": 1}, 404, "Contact not found"),
        ({"contact": 1, "tag": 9}, 404, "Tag not found"),
    ],
)
def test_each_mistake_has_its_own_answer(api, body, status, said):
    """A missing tag is 400, a missing contact 422, an unknown one 404."""
    got, data = api("POST", "/contactTags", {"contactTag": body})
    assert got == status
    assert said in str(data)


def test_tagging_twice_is_by_setting(api, make):
    """A second time the row that exists comes back with 200, or a refusal where the setting says so."""
    assert put(api, 1, 1)[0] == 200
    assert put(api, 1, 1)[1]["contactTag"]["id"] == "1"
    strict = make(settings=Settings(re_tag_status=422))
    assert put(strict, 1, 1)[1]["errors"][0]["code"] == "duplicate"
    assert len(strict.get("/contactTags")["contactTags"]) == 3


def test_a_tag_is_taken_off_by_the_association(api):
    """The id in the path is the association's; a missing one is called SubscriberTag."""
    assert api("DELETE", "/contactTags/1") == (200, {})
    assert api("DELETE", "/contactTags/1") == (404, {"message": "No Result found for SubscriberTag with id 1"})
    assert [each["tag"] for each in api.get("/contacts/1/contactTags")["contactTags"]] == ["3"]


def test_a_deleted_tag_is_on_nobody(api):
    """Deleting a tag takes its associations, and its name is free again."""
    assert api("DELETE", "/tags/1") == (200, {})
    assert api("GET", "/tags/1") == (404, {"message": "No Result found for Tag with id 1"})
    assert len(api.get("/contacts/1/contactTags")["contactTags"]) == 1
    assert api("POST", "/tags", {"tag": {"tag": "Lead"}})[0] == 201
