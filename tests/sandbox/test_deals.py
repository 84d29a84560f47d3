"""Deals, pipelines, stages, users."""

import pytest

READ = [
    "hash",
    "owner",
    "contact",
    "organization",
    "group",
    "stage",
    "title",
    "description",
    "percent",
    "cdate",
    "mdate",
    "nextdate",
    "nexttaskid",
    "value",
    "currency",
    "winProbability",
    "winProbabilityMdate",
    "status",
    "activitycount",
    "nextdealid",
    "edate",
    "links",
    "id",
    "isDisabled",
    "account",
    "customerAccount",
]
NEW = {
    "title": "Deal",
    "description": "d",
    "value": 156.24,
    "currency": "eur",
    "percent": 50,
    "status": 0,
    "contact": "1",
    "group": "1",
    "stage": None,
    "owner": "1",
}


def without(*keys):
    return {key: value for key, value in NEW.items() if key not in keys}


def titles(api, query):
    return [each["title"] for each in api.get(f"/deals?{query}")["deals"]]


def test_a_created_deal_is_echoed_with_its_noise(api):
    """A fractional value is echoed with all its digits, a null stage becomes the first, sent keys keep their types."""
    answer = api.answer("POST", "/deals", {"deal": {**NEW, "dealUrl": "ignored"}})
    assert answer.status == 201
    assert b'"value":156.240000000000009094947017729282379150390625,' in answer.body
    data = api("POST", "/deals", {"deal": NEW})[1]
    assert list(data) == ["contacts", "dealGroups", "dealStages", "deal"]
    assert "stages" not in data["dealGroups"][0]
    assert list(data["deal"]) == [
        "title",
        "description",
        "value",
        "currency",
        "percent",
        "status",
        "contact",
        "group",
        "stage",
        "owner",
        "cdate",
        "mdate",
        "organization",
        "nextdate",
        "hash",
        "winProbability",
        "winProbabilityMdate",
        "links",
        "id",
        "isDisabled",
        "account",
        "customerAccount",
    ]
    deal = data["deal"]
    assert (deal["stage"], deal["percent"], deal["status"], deal["contact"], deal["account"]) == (1, 50, 0, "1", "")


def test_a_read_deal_is_all_text(api):
    """What was sent as 156.24 is read as 156 cents; numbers are text, isDisabled is not."""
    api("POST", "/deals", {"deal": NEW})
    deal = api.get("/deals/4")["deal"]
    assert list(deal) == READ
    assert (deal["value"], deal["stage"], deal["percent"], deal["isDisabled"]) == ("156", "1", "50", False)


@pytest.mark.parametrize("key", ["title", "value", "currency", "contact", "group"])
def test_a_deal_needs_its_fields(api, key):
    """Each required field of a deal is named when it is missing."""
    status, data = api("POST", "/deals", {"deal": without(key)})
    assert (status, data["errors"][0]["title"]) == (422, f"The deal {key} was not provided.")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"value": -1}, 422),
        ({"value": "many"}, 422),
        ({"value": True}, 422),
        ({"value": 10**30}, 422),
        ({"value": "200"}, 201),
        ({"currency": "EUR"}, 422),
        ({"currency": "euro"}, 422),
        ({"status": 3}, 422),
        ({"contact": 99}, 404),
        ({"contact": None, "account": 1}, 201),
        ({"stage": 99}, 404),
        ({"group": 99}, 404),
        ({"stage": 3}, 422),
        ({"stage": 3, "group": None}, 201),
        ({"owner": 99}, 404),
    ],
)
def test_values_are_checked(api, change, status):
    """Wrong values are 422, unknown records 404, and nothing is created."""
    assert api("POST", "/deals", {"deal": {**NEW, **change}})[0] == status
    assert api.get("/deals")["meta"]["total"] == (4 if status == 201 else 3)


def test_an_owner_is_needed_where_none_is_assigned(api):
    """A pipeline that assigns owners gives one; one that does not refuses the deal."""
    assert api("POST", "/deals", {"deal": without("owner")})[1]["deal"]["owner"] == 1
    status, data = api("POST", "/deals", {"deal": {**without("owner"), "group": "2"}})
    assert (status, data["errors"][0]["title"]) == (422, "The deal owner was not provided.")


def test_an_update_echoes_what_was_sent(api):
    """A PUT changes what it names, keeps sent types, and moves a deal to the first stage for a stage of null."""
    status, data = api("PUT", "/deals/1", {"deal": {"value": 200.5, "status": 1, "stage": None}})
    assert (status, list(data), list(data["deal"])) == (200, ["contacts", "deal"], READ)
    deal = data["deal"]
    assert (deal["value"], deal["status"], deal["stage"], deal["title"]) == (200.5, 1, 1, "Chairs")
    assert api.get("/deals/1")["deal"]["value"] == "200"


def test_a_stage_stays_in_its_pipeline(api):
    """A stage of another pipeline is refused unless the pipeline is changed with it."""
    assert api("PUT", "/deals/1", {"deal": {"stage": 3}})[0] == 422
    assert api("PUT", "/deals/1", {"deal": {"stage": 3, "group": 2}})[0] == 200
    assert api("PUT", "/deals/1", {"deal": {"group": 1}})[1]["deal"]["stage"] == 1


def test_the_list_sums_by_currency(api):
    """The total is an integer, sums are text under upper-case codes, and an empty map is a list."""
    meta = api.get("/deals?limit=1")["meta"]
    assert meta["total"] == 3
    assert meta["currencies"]["USD"] == {"total": "2", "value": "249950", "currency": "USD", "isDisabled": False}
    assert api.get("/deals?filters[title]=zzz")["meta"] == {"currencies": [], "total": 0}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Tables", "Partner", "Chairs"]),
        ("orders[cdate]=ASC", ["Chairs", "Tables", "Partner"]),
        ("orders[value]=DESC", ["Chairs", "Tables", "Partner"]),
        ("orders[contact_name]=ASC", ["Partner", "Chairs", "Tables"]),
        ("filters[stage]=1", ["Tables"]),
        ("filters[group]=1", ["Tables", "Chairs"]),
        ("filters[status]=2", ["Partner"]),
        ("filters[owner]=2", ["Tables", "Partner"]),
        ("filters[title]=chair", ["Chairs"]),
        ("filters[tag]=3", ["Chairs"]),
        ("filters[tag]=-1", ["Chairs"]),
        ("filters[tag]=-2", ["Tables", "Partner"]),
        ("filters[minimum_value]=1000", ["Chairs"]),
        ("filters[maximum_value]=999", ["Partner"]),
        ("filters[created_after]=2020-08-01", ["Tables", "Partner"]),
        ("filters[created_before]=2020-08-01", ["Chairs"]),
        ("filters[organization]=1", ["Partner", "Chairs"]),
        ("filters[nextdate_range]=overdue", []),
        ("filters[search]=anna%20lind&filters[search_field]=contact", ["Chairs"]),
        ("filters[search]=interiors", ["Partner", "Chairs"]),
        ("filters[search]=interiors&filters[search_field]=title", []),
        ("filters[nonsense]=1", ["Tables", "Partner", "Chairs"]),
    ],
)
def test_deals_are_filtered(api, query, expected):
    """Each documented filter and order of deals does what it should; the default order is not by id."""
    assert titles(api, query) == expected


def test_a_deal_is_deleted(api):
    """A deleted deal answers 404 by its class name."""
    assert api("DELETE", "/deals/1") == (200, {})
    assert api("GET", "/deals/1") == (404, {"message": "No Result found for Deal with id 1"})


def test_pipelines_name_their_stages(api):
    """Pipelines come with their stages beside them and in them, each stage with fifteen keys."""
    data = api.get("/dealGroups")
    assert list(data) == ["dealStages", "dealGroups", "meta"]
    assert data["dealGroups"][0]["stages"] == ["1", "2"]
    assert (data["dealGroups"][1]["autoassign"], data["meta"]["total"]) == ("0", "2")
    assert len(data["dealStages"][0]) == 15
    assert api.get("/dealGroups/1")["dealGroup"]["title"] == "Sales"
    assert [each["id"] for each in api.get("/dealGroups?filters[title]=tra")["dealGroups"]] == ["2"]
    assert [each["id"] for each in api.get("/dealStages?filters[d_groupid]=1")["dealStages"]] == ["1", "2"]
    assert api.get("/dealStages/3")["dealStage"]["group"] == "2"


def test_users_are_found(api):
    """The key's own user is the first; others are found by id and by address in any case."""
    assert api.get("/users/me")["user"]["username"] == "ada"
    assert api.get("/users/2")["user"]["username"] == "bo"
    assert api.get("/users/email/bo%40example.com")["user"]["id"] == "2"
    assert api("GET", "/users/email/x@example.com")[0] == 404
    assert api.get("/users?limit=1")["meta"] == {"total": "2"}
