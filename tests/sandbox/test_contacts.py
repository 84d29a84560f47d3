"""People: both wire forms, refusals, sync, and what a delete takes with it."""

import pytest

READ = [
    "cdate",
    "email",
    "phone",
    "firstName",
    "lastName",
    "orgid",
    "orgname",
    "segmentio_id",
    "bounced_hard",
    "bounced_soft",
    "bounced_date",
    "ip",
    "ua",
    "hash",
    "socialdata_lastcheck",
    "email_local",
    "email_domain",
    "sentcnt",
    "rating_tstamp",
    "gravatar",
    "deleted",
    "anonymized",
    "adate",
    "udate",
    "edate",
    "deleted_at",
    "created_utc_timestamp",
    "updated_utc_timestamp",
    "created_timestamp",
    "updated_timestamp",
    "created_by",
    "updated_by",
    "email_empty",
]
NEW = {"email": "dora@example.com", "firstName": "Dora", "lastName": "Ek", "phone": "+49 30 555"}


def test_the_create_echo_has_the_recorded_keys(api):
    """A created contact comes back with 201 and only the keys that were recorded, in their order."""
    status, data = api("POST", "/contacts", {"contact": NEW})
    assert status == 201
    assert list(data["contact"]) == (
        [
            "email",
            "phone",
            "firstName",
            "lastName",
            "email_empty",
            "cdate",
            "udate",
            "orgid",
            "orgname",
            "links",
            "hash",
            "id",
            "organization",
        ]
    )
    assert data["contact"]["id"] == "4"
    assert data["contact"]["orgid"] == data["contact"]["organization"] == ""
    assert data["contact"]["cdate"] == "2021-03-23T06:04:40-05:00"
    assert data["contact"]["links"]["contactAutomations"] == (
        "https://sandbox.api-us1.example/api/3/contacts/4/contactAutomations?limit=1000&orders%5Blastdate%5D=DESC"
    )
    assert len(data["contact"]["links"]) == 18


def test_only_what_was_sent_is_echoed(api):
    """A contact made of an address alone is echoed without name and phone."""
    _, data = api("POST", "/contacts", {"contact": {"email": "dora@example.com", "nonsense": 1}})
    assert "firstName" not in data["contact"]
    assert "nonsense" not in data["contact"]


def test_the_read_form_has_the_recorded_keys(api):
    """A contact is read as text, side-loads first, its id lists before the links, and never with its tags."""
    data = api.get("/contacts/1")
    assert list(data) == [
        "contactAutomations",
        "contactLists",
        "deals",
        "fieldValues",
        "geoIps",
        "accountContacts",
        "contact",
    ]
    relations = ["contactAutomations", "contactLists", "fieldValues", "geoIps", "deals", "accountContacts", "sentiment"]
    assert list(data["contact"]) == [*READ, *relations, "links", "id", "organization"]
    contact = data["contact"]
    assert (contact["orgid"], contact["orgname"], contact["organization"]) == ("1", "Lindqvist Interiors", "1")
    assert contact["accountContacts"] == ["1"]
    assert contact["created_utc_timestamp"] == contact["created_timestamp"] == "2020-02-01 09:00:00"
    assert data["fieldValues"][0]["value"] == "Owner"
    assert data["deals"][0]["title"] == "Chairs"


def test_the_sub_collections_have_no_meta(api):
    """Each collection below a contact answers with its own key alone."""
    for name in [
        "contactTags",
        "contactLists",
        "deals",
        "contactAutomations",
        "fieldValues",
        "accountContacts",
        "scoreValues",
    ]:
        assert list(api.get(f"/contacts/1/{name}")) == [name]


def test_field_values_come_first_when_they_were_sent(api):
    """Sent field values lead the answer and are named in the contact."""
    body = {"contact": {**NEW, "fieldValues": [{"field": "1", "value": "Boss"}]}}
    status, data = api("POST", "/contacts", body)
    assert status == 201
    assert list(data) == ["fieldValues", "contact"]
    assert data["fieldValues"][0]["value"] == "Boss"
    assert data["contact"]["fieldValues"] == [data["fieldValues"][0]["id"]]


def test_an_unknown_field_makes_no_contact(api):
    """A value for a field that does not exist is refused and nothing is created."""
    status, data = api("POST", "/contacts", {"contact": {**NEW, "fieldValues": [{"field": 9, "value": "x"}]}})
    assert (status, data) == (404, {"message": "No Result found for Field with id 9"})
    assert api.get("/contacts?email=dora@example.com")["contacts"] == []


def test_a_taken_address_is_refused_in_any_case(api):
    """An address that exists, in whatever case, is a 422 with the documented body."""
    status, data = api("POST", "/contacts", {"contact": {"email": "ANNA@lindqvist.example"}})
    assert status == 422
    assert data == {
        "errors": [
            {
                "title": "Email address already exists in the system",
                "detail": "",
                "code": "duplicate",
                "source": {"pointer": "/data/attributes/email"},
            }
        ]
    }


@pytest.mark.parametrize(
    "email",
    [None, "", 7, "n/a", "a@b", "a@@b.example", "a b@c.example", "o'x@c.example", "a@b.example,", "å@b.example"],
)
@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
def test_an_invalid_address_is_refused(api, path, email):
    """What is no usual address is a 422 that says so, and nothing is created."""
    status, data = api("POST", path, {"contact": {"email": email}})
    assert (status, data["errors"][0]["code"]) == (422, "email_invalid")
    assert api.get("/contacts")["meta"]["total"] == "3"


def test_sync_tells_by_its_status(api):
    """Sync answers 201 with the create echo for a new person and 200 with the read form for a known one."""
    created, data = api("POST", "/contact/sync", {"contact": NEW})
    assert (created, "orgname" in data["contact"], "sentcnt" in data["contact"]) == (201, True, False)
    updated, data = api("POST", "/contact/sync", {"contact": {"email": "DORA@example.com", "firstName": "D."}})
    assert updated == 200
    assert list(data["contact"]) == [*READ, "links", "id", "organization"]
    assert (data["contact"]["firstName"], data["contact"]["lastName"]) == ("D.", "Ek")


def test_an_update_keeps_what_is_not_sent(api):
    """A PUT changes what it names; its echo shows the new udate beside the older updated_timestamp."""
    api.sandbox.clock.advance(5)
    status, data = api("PUT", "/contacts/2", {"contact": {"firstName": "Benedict"}})
    contact = data["contact"]
    assert (status, contact["firstName"], contact["lastName"]) == (200, "Benedict", "O'Brien")
    assert contact["udate"] == "2021-03-23T06:04:45-05:00"
    assert contact["updated_timestamp"] == "2020-03-01 09:00:00"
    assert api.get("/contacts/2")["contact"]["updated_timestamp"] == "2021-03-23 06:04:45"


def test_an_address_can_move_but_not_onto_another(api):
    """Changing an address frees the old one and refuses one that somebody has."""
    assert api("PUT", "/contacts/2", {"contact": {"email": "chi@example.com"}})[0] == 422
    assert api("PUT", "/contacts/2", {"contact": {"email": "Ben@example.com"}})[0] == 200
    assert api("PUT", "/contacts/2", {"contact": {"email": "new@example.com"}})[0] == 200
    assert api("POST", "/contacts", {"contact": {"email": "ben@example.com"}})[0] == 201


def test_a_missing_contact_is_called_subscriber(api):
    """Every path to a contact that does not exist names ActiveCampaign's internal class."""
    message = {"message": "No Result found for Subscriber with id 77"}
    for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/contactTags"), ("GET", "/deals")]:
        assert api(method, f"/contacts/77{path}", {}) == (404, message)


def test_a_delete_takes_everything_but_the_deals(api):
    """A deleted contact is gone with tags, memberships, values and runs; the deals stay."""
    assert api("DELETE", "/contacts/1") == (200, {})
    assert api("GET", "/contacts/1")[0] == 404
    assert [tag["contact"] for tag in api.get("/contactTags")["contactTags"]] == ["3"]
    assert api.get("/contactAutomations")["contactAutomations"] == []
    assert api.get("/fieldValues")["fieldValues"] == []
    assert api.get("/deals/1")["deal"]["contact"] == "1"


def test_a_setting_takes_the_deals_too(make):
    """Where the setting says so, a contact's deals are deleted with them."""
    from ac_tools.sandbox import Settings

    api = make(settings=Settings(deals_survive_contact=False))
    api("DELETE", "/contacts/1")
    assert api("GET", "/deals/1")[0] == 404
