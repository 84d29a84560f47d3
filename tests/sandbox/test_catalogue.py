"""Custom fields, campaigns, segments, automations, companies."""

import pytest

from ac_tools.sandbox import Settings


def test_both_forms_of_a_field(api):
    """A field is echoed in what was sent and read with its options and relations."""
    sent = {"title": "Size", "type": "dropdown", "perstag": "Desk size", "isrequired": "0", "ordernum": "9"}
    status, data = api("POST", "/fields", {"field": sent})
    assert status == 201
    assert list(data["field"]) == (
        [
            "title",
            "type",
            "isrequired",
            "perstag",
            "ordernum",
            "created_by",
            "updated_by",
            "cdate",
            "udate",
            "links",
            "id",
        ]
    )
    assert (data["field"]["perstag"], data["field"]["ordernum"]) == ("DESKSIZE", 3)
    read = api.get("/fields/3")
    assert list(read) == ["fieldOptions", "fieldRels", "field"]
    assert list(read["field"]) == [
        "title",
        "descript",
        "type",
        "isrequired",
        "perstag",
        "defval",
        "show_in_list",
        "rows",
        "cols",
        "visible",
        "service",
        "ordernum",
        "cdate",
        "udate",
        "created_timestamp",
        "updated_timestamp",
        "created_by",
        "updated_by",
        "options",
        "relations",
        "links",
        "id",
    ]
    assert read["field"]["ordernum"] == "3"


def test_a_tag_is_made_from_the_title(api):
    """Without a personalization tag the title gives one, with underscores."""
    api("POST", "/fields", {"field": {"title": "Another test-title", "type": "text"}})
    assert api.get("/fields?filters[perstag]=ANOTHER_TESTTITLE")["meta"] == {"total": "1", "selected": None}


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"title": "JOB title", "type": "text"}, "duplicate"),
        ({"title": "X", "type": "wizard"}, "field_invalid"),
        ({"type": "text"}, "field_missing"),
        ({"title": "X"}, "field_missing"),
    ],
)
def test_a_bad_field_is_refused(api, field, code):
    """A title that is taken in any case, an unknown type and a missing field are 422."""
    status, data = api("POST", "/fields", {"field": field})
    assert (status, data["errors"][0]["code"]) == (422, code)


def test_options_and_relations(api):
    """Options are made under both spellings of the path and show with their field, as relations do."""
    for path in ("/fieldOption/bulk", "/fieldOptions/bulk"):
        body = {"fieldOptions": [{"field": "2", "label": "Beds", "value": "beds", "orderid": 3, "isdefault": False}]}
        status, data = api("POST", path, body)
        assert (status, data["fieldOptions"][0]["isdefault"], data["fieldOptions"][0]["orderid"]) == (201, 0, 3)
    assert len(api.get("/fields/2")["fieldOptions"]) == 4
    status, data = api("POST", "/fieldRels", {"fieldRel": {"field": "1", "relid": 0}})
    assert (status, data["fieldRel"]["links"], list(data["fieldRel"])) == (
        201,
        [],
        ["relid", "field", "cdate", "links", "id"],
    )
    assert api.get("/fieldRels")["meta"]["total"] == "3"
    assert api("POST", "/fieldRels", {"fieldRel": {"field": 9, "relid": 0}})[0] == 404


@pytest.mark.parametrize("options", [None, {}, [], ["x"]])
def test_a_bad_bulk_has_a_text_for_errors(api, options):
    """What is no array of options is refused with `errors` as one text."""
    status, data = api("POST", "/fieldOption/bulk", {"fieldOptions": options})
    assert (status, type(data["errors"])) == (422, str)


def test_a_deleted_field_takes_the_values(api):
    """Deleting a field destroys everybody's values in it."""
    assert api("DELETE", "/fields/1") == (200, {})
    assert api.get("/contacts/1/fieldValues")["fieldValues"] == []
    assert api("GET", "/fields/1") == (404, {"message": "No Result found for Field with id 1"})


def test_values_are_found_by_field_and_by_value(api):
    """Both recorded filters of values compare exactly."""
    assert api.get("/fieldValues?filters%5Bfieldid%5D=1")["fieldValues"][0]["owner"] == "1"
    assert api.get("/fieldValues?filters[val]=Own")["meta"] == {"total": "0"}


def test_a_campaign_is_a_flat_draft(api):
    """A created campaign answers 200 with an integer id, and is a draft that went to nobody."""
    status, data = api("POST", "/campaign", {"name": "Autumn", "type": "single", "canSplitContent": True})
    assert (status, data) == (200, {"id": 3, "name": "Autumn", "type": "single", "canSplitContent": True})
    read = api.get("/campaigns/3")["campaign"]
    assert (read["status"], read["send_amt"], read["sdate"], read["automation"]) == ("0", "0", None, None)
    assert (list(read)[-2:], len(read)) == (["user", "automation"], 87)


def test_a_campaigns_mistakes_are_a_list_of_texts(api):
    """A bad campaign is a 400 whose errors are plain texts."""
    assert api("POST", "/campaign", {"type": 5}) == (
        400,
        {"errors": ["Field name is required", "Field type must be of type string"]},
    )
    assert api("POST", "/campaign", {"name": "A", "type": "carrier-pigeon"})[0] == 400
    assert api("POST", "/campaigns", {"campaign": {"name": "A", "type": "single"}})[0] == 405


def test_campaigns_and_segments_are_listed(api):
    """Campaigns filter by state and name, segments are listed and read."""
    assert [each["name"] for each in api.get("/campaigns?status=drafts")["campaigns"]] == ["Summer"]
    assert [each["name"] for each in api.get("/campaigns?filters[name]=spr")["campaigns"]] == ["Spring"]
    assert api.get("/campaigns/1")["campaign"]["send_amt"] == "1"
    assert api.get("/segments")["meta"] == {"total": "2"}
    assert api.get("/segments/1")["segment"]["name"] == "VIPs"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "1234"),
        ("active=true", "124"),
        ("active=false", "3"),
        ("search=vip", "2"),
        ("filters[status]=2", "3"),
        ("filters[name]=win", "4"),
        ("filters[ids]=1,4", "14"),
        ("orders[name]=ASC", "3214"),
    ],
)
def test_automations_are_filtered(api, query, expected):
    """Each filter of automations picks what it should."""
    assert "".join(each["id"] for each in api.get(f"/automations?{query}")["automations"]) == expected


def test_the_automations_starts_name_no_ids(api):
    """The meta tells what kind of thing starts an automation, not which."""
    meta = api.get("/automations")["meta"]
    assert meta["total"] == "4"
    assert meta["starts"][0] == {"id": "1", "series": "1", "type": "subscribe"}
    assert len(meta["starts"]) == 3


def enrol(api, contact, automation):
    return api("POST", "/contactAutomations", {"contactAutomation": {"contact": contact, "automation": automation}})


def test_enrolling(api):
    """A run is 201, counts as entered, and reads as in progress."""
    status, data = enrol(api, "2", "1")
    assert (status, data["contactAutomation"]["status"], data["contactAutomation"]["contact"]) == (201, 1, "2")
    run = api.get("/contacts/2/contactAutomations")["contactAutomations"][0]
    assert (run["status"], run["completed"], run["seriesid"], run["remdate"]) == ("1", 0, "1", None)
    assert api.get("/automations")["automations"][0]["entered"] == "6"


@pytest.mark.parametrize(("contact", "automation"), [(1, 1), (2, 3), (9, 1), (1, 9)])
def test_who_cannot_be_enrolled(api, make, contact, automation):
    """Entered before, inactive and unknown are refused with the same text under both statuses."""
    status, data = enrol(api, contact, automation)
    assert status == 422
    assert data == {"errors": [{"status": "422", "detail": "Could not create SubscriberSeries"}]}
    documented = make(settings=Settings(reenrol_status=403))
    assert enrol(documented, contact, automation) == (403, {"message": "Could not create SubscriberSeries"})


def test_a_multi_entry_automation_takes_people_again(api):
    """Where an automation allows it, one person has several runs."""
    assert [enrol(api, 1, 4)[0] for _ in range(2)] == [201, 201]


def test_removing_from_an_automation(api):
    """The id in the path is the run's; a missing one is 403 on DELETE and 404 on GET."""
    enrol(api, 2, 1)
    assert api("DELETE", "/contactAutomations/2") == (200, {})
    message = {"message": "No Result found for SubscriberSeries with id 2"}
    assert api("DELETE", "/contactAutomations/2") == (403, message)
    assert api("GET", "/contactAutomations/2") == (404, message)
    assert api.get("/automations")["automations"][0]["exited"] == "5"


def test_all_runs_are_filtered(api):
    """The global list of runs filters by contact, automation, status and date."""
    enrol(api, 2, 4)
    data = api.get("/contactAutomations?filters[subscriberid]=2&filters[seriesid]=4&filters[status]=1")
    assert data["meta"] == {"total": "1", "showcase_stats": []}
    late = api.get("/contactAutomations?filters[adddate][gte]=2021-01-01")
    assert [each["contact"] for each in late["contactAutomations"]] == ["2"]


def test_companies(api):
    """A company is echoed and read in six keys; only the list counts, and only on request."""
    status, data = api("POST", "/accounts", {"account": {"name": "Oak", "accountUrl": "https://oak.example"}})
    keys = ["name", "accountUrl", "createdTimestamp", "updatedTimestamp", "links", "id"]
    assert (status, list(data["account"])) == (201, keys)
    assert list(api.get("/accounts/2")["account"]) == keys
    item = api.get("/accounts?search=lind")["accounts"][0]
    assert (item["contactCount"], item["dealCount"]) == ("0", "0")
    item = api.get("/accounts?search=lind&count_deals=true")["accounts"][0]
    assert (item["contactCount"], item["dealCount"]) == ("1", "2")


@pytest.mark.parametrize(("name", "code"), [("LINDQVIST interiors", "duplicate"), (None, "field_missing")])
def test_a_bad_company_is_refused(api, name, code):
    """A missing name and one that is taken are 422 with the documented words."""
    status, data = api("POST", "/accounts", {"account": {"name": name}})
    assert (status, data["errors"][0]["code"]) == (422, code)


def test_a_deleted_company_lets_its_people_go(api):
    """Deleting a company takes its links to people, and its deals lose it."""
    assert api("DELETE", "/accounts/1") == (200, {})
    contact = api.get("/contacts/1")["contact"]
    assert (contact["orgid"], contact["organization"], contact["accountContacts"]) == ("0", None, [])
    assert api.get("/deals/1")["deal"]["account"] is None
    assert api("GET", "/accounts/1")[1]["message"] == "No Result found for CustomerAccount with id 1"
