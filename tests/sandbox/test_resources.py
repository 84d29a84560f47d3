"""What other people's clients ask an account for, beyond what our own tools do."""

import pytest

from ac_tools.sandbox import Settings

# A creation for each kind of record that is declared by its keys: path, wrapper, what is sent, a change.
KINDS = [
    ("groups", "group", {"title": "Sales team"}, {"descript": "Those who sell"}),
    ("listGroups", "listGroup", {"list": "1", "group": "1"}, {"p_list_add": "1"}),
    ("addresses", "address", {"city": "Berlin", "country": "DE"}, {"city": "Bonn"}),
    ("dealTasktypes", "dealTasktype", {"title": "Call"}, {"title": "Visit"}),
    (
        "dealTasks",
        "dealTask",
        {"relid": "1", "reltype": "Deal", "duedate": "2021-04-01T09:00:00-05:00", "dealTasktype": "1"},
        {"note": "Ask for the size"},
    ),
    (
        "webhooks",
        "webhook",
        {"name": "Hook", "url": "https://hook.example", "events": ["update"], "sources": ["api"]},
        {"name": "Other hook"},
    ),
    ("notes", "note", {"note": "Likes oak", "reltype": "Subscriber", "relid": "1"}, {"note": "Likes ash"}),
    ("dealGroups", "dealGroup", {"title": "Repairs", "currency": "usd"}, {"title": "Returns"}),
    ("dealStages", "dealStage", {"title": "Offer", "group": "1"}, {"title": "Second offer"}),
    ("accountContacts", "accountContact", {"contact": "2", "account": "1"}, {"jobTitle": "Buyer"}),
    ("fieldValues", "fieldValue", {"contact": "2", "field": "1", "value": "Owner"}, {"value": "Partner"}),
    ("tags", "tag", {"tag": "Oak", "tagType": "contact"}, {"tag": "Ash"}),
    ("fields", "field", {"title": "Size", "type": "text"}, {"title": "Length"}),
    ("accounts", "account", {"name": "Oak Ltd"}, {"name": "Ash Ltd"}),
]


@pytest.mark.parametrize(("path", "wrapper", "made", "changed"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_record_lives_and_goes(api, path, wrapper, made, changed):
    """A record can be made, read, found on a page, changed and deleted; afterwards it is missed."""
    status, data = api("POST", f"/{path}", {wrapper: {**made, "nonsense": 1}})
    assert status == 201
    assert "nonsense" not in data[wrapper]
    assert {key: data[wrapper][key] for key in made} == made
    number = data[wrapper]["id"]
    assert {key: api.get(f"/{path}/{number}")[wrapper][key] for key in made} == made
    assert number in [each["id"] for each in api.get(f"/{path}?limit=100")[path]]
    status, data = api("PUT", f"/{path}/{number}", {wrapper: changed})
    assert (status, {key: data[wrapper][key] for key in changed}) == (200, changed)
    assert {key: api.get(f"/{path}/{number}")[wrapper][key] for key in changed} == changed
    assert api("DELETE", f"/{path}/{number}") == (200, {})
    status, data = api("GET", f"/{path}/{number}")
    assert (status, data["message"][:19]) == (404, "No Result found for")


@pytest.mark.parametrize(
    ("path", "wrapper", "absent"),
    [
        ("users", "user", ["username", "password", "email", "firstName", "lastName", "group"]),
        ("webhooks", "webhook", ["name", "url", "events", "sources"]),
        ("notes", "note", ["note", "reltype", "relid"]),
        ("dealGroups", "dealGroup", ["title", "currency"]),
        ("dealCustomFieldMeta", "dealCustomFieldMetum", ["fieldLabel", "fieldType"]),
    ],
)
def test_what_is_missing_is_named(api, path, wrapper, absent):
    """A creation without what it needs is refused with everything that is missing."""
    status, data = api("POST", f"/{path}", {wrapper: {}})
    assert status == 422
    assert [each["source"]["pointer"].rpartition("/")[2] for each in data["errors"]] == absent


def test_a_flag_is_echoed_as_a_number_and_read_as_text(api):
    """What was sent as true comes back as 1, and as "1" from then on."""
    api("POST", "/addresses", {"address": {"city": "Berlin"}})
    assert api.get("/addresses/1")["address"]["isDefault"] == "1"
    assert api("PUT", "/addresses/1", {"address": {"isDefault": False}})[1]["address"]["isDefault"] == 0
    assert api.get("/addresses/1")["address"]["isDefault"] == "0"


def test_a_record_can_be_sent_back_whole(api):
    """A client that changes one key and sends everything back changes neither the id nor the times."""
    api("POST", "/dealTasktypes", {"dealTasktype": {"title": "Call"}})
    whole = api.get("/dealTasktypes/1")["dealTasktype"]
    sent = {**whole, "title": "Visit", "id": "9", "cdate": "1999-01-01T00:00:00-06:00", "links": {}}
    assert api("PUT", "/dealTasktypes/1", {"dealTasktype": sent})[0] == 200
    assert api.get("/dealTasktypes/1")["dealTasktype"] == {**whole, "title": "Visit", "updated_by": "1"}


def test_records_can_be_filtered_and_ordered(api):
    """A filter compares a key's text, and any key orders."""
    for title in ("Call", "Visit", "Call back"):
        api("POST", "/dealTasktypes", {"dealTasktype": {"title": title}})
    found = api.get("/dealTasktypes?filters[title]=Call")
    assert ([each["title"] for each in found["dealTasktypes"]], found["meta"]) == (["Call"], {"total": "1"})
    titles = [each["title"] for each in api.get("/dealTasktypes?orders[title]=DESC")["dealTasktypes"]]
    assert titles == ["Visit", "Call back", "Call"]


def test_a_note_belongs_to_its_owner(api):
    """A note on a deal comes with the deal, which counts it afterwards, and is found under it only."""
    status, data = api("POST", "/deals/1/notes", {"note": {"note": "Called"}})
    assert (status, list(data)) == (201, ["deals", "note"])
    assert data["note"]["owner"] == {"type": "deal", "id": "1"}
    assert [data["deals"][0]["activitycount"], api.get("/deals/1")["deal"]["activitycount"]] == ["1", "2"]
    assert [each["note"] for each in api.get("/deals/1/notes")["notes"]] == ["Called"]
    assert api.get("/contacts/1/notes") == api.get("/accounts/1/notes") == {"notes": []}
    status, data = api("PUT", "/deals/1/notes/1", {"note": {"note": "Wrote"}})
    assert (status, data["note"]["note"]) == (200, "Wrote")
    assert api("POST", "/deals/99/notes", {"note": {"note": "x"}})[0] == 404


def test_tasks_move_to_another_kind(api):
    """All tasks of one kind become tasks of another."""
    for title in ("Call", "Visit"):
        api("POST", "/dealTasktypes", {"dealTasktype": {"title": title}})
    task = {"relid": "2", "reltype": "Subscriber", "duedate": "2021-04-01T09:00:00-05:00", "dealTasktype": "1"}
    assert api("POST", "/dealTasks", {"dealTask": task})[1]["dealTask"]["owner"] == {"type": "contact", "id": "2"}
    status, data = api("PUT", "/dealTasktypes/1/dealTasks", {"dealTask": {"dealTasktype": "2"}})
    assert (status, [each["dealTasktype"] for each in data["dealTasks"]]) == (200, ["2"])
    assert api.get("/dealTasks/1")["dealTask"]["dealTasktype"] == "2"


def test_a_pipeline_comes_with_stages_and_names_who_may_see_it(api):
    """A new pipeline has three stages in the order of their ids; its people are replaced by an update."""
    sent = {"title": "Repairs", "currency": "usd", "autoassign": True, "users": ["1", "2"], "groups": []}
    data = api("POST", "/dealGroups", {"dealGroup": sent})[1]
    assert list(data) == ["dealStages", "dealGroupUsers", "dealGroupGroups", "dealGroup"]
    assert [each["title"] for each in data["dealStages"]] == ["To Contact", "In Contact", "Follow Up"]
    assert data["dealGroup"]["stages"] == [each["id"] for each in data["dealStages"]]
    assert data["dealGroup"]["autoassign"] == 1
    path = f"/dealGroups/{data['dealGroup']['id']}"
    data = api("PUT", path, {"dealGroup": {"users": ["2"]}})[1]
    assert [(each["id"], each["user"]) for each in data["dealGroupUsers"]] == [("2", "2")]
    assert api.get(path)["dealGroup"]["autoassign"] == "1"


def test_deals_of_a_deleted_pipeline_hide(api):
    """Without its pipeline a deal shows three keys, and still counts among the deals."""
    api("DELETE", "/dealGroups/2")
    assert api.get("/deals/3") == {"deal": {"title": "Partner", "id": "3", "isDisabled": True}}
    assert api.get("/deals")["meta"]["currencies"]["EUR"]["total"] == "1"


def test_a_user_joins_changes_and_leaves(api):
    """A user is found by id, address and login name, whatever the case."""
    sent = {"username": "cy", "email": "Cy@example.com", "firstName": "Cy", "lastName": "Y"}
    status, data = api("POST", "/users", {"user": {**sent, "group": "3", "password": "secret"}})
    assert (status, "password" in data["user"], data["user"]["localZoneid"]) == (201, False, "America/Chicago")
    assert api.get("/users/3") == api.get("/users/email/cy@example.com") == api.get("/users/username/CY")
    data = api("PUT", "/users/3", {"user": {"firstName": "Di"}})[1]
    assert list(data) == ["userGroups", "userConversationsPermissions", "user"]
    assert (data["user"]["firstName"], data["userGroups"][0]["group"]) == ("Di", "3")
    assert api("DELETE", "/users/3") == (200, {})
    assert api("GET", "/users/username/cy")[0] == api("GET", "/users/3")[0] == 404


def test_a_deal_has_custom_fields(api):
    """A deal's value in a field is set once for each pair, with the value before; ids of others are numbers."""
    meta = api("POST", "/dealCustomFieldMeta", {"dealCustomFieldMetum": {"fieldLabel": "Title", "fieldType": "text"}})
    assert (meta[0], meta[1]["dealCustomFieldMetum"]["personalization"]) == (201, "DEAL_TITLE_1")
    sent = {"dealId": "1", "customFieldId": "1", "fieldValue": "Oak"}
    status, data = api("POST", "/dealCustomFieldData", {"dealCustomFieldDatum": sent})
    datum = data["dealCustomFieldDatum"]
    assert (status, datum["id"], datum["dealId"], datum["originalValue"]) == (200, "1", 1, "")
    assert api("POST", "/dealCustomFieldData/bulkCreate", [{**sent, "fieldValue": "Ash"}])[0] == 200
    assert [each["fieldValue"] for each in api.get("/deals/1/dealCustomFieldData")["dealCustomFieldData"]] == ["Ash"]
    data = api("PUT", "/dealCustomFieldData/1", {"dealCustomFieldDatum": {"fieldValue": "Elm"}})[1]
    assert data["dealCustomFieldDatum"]["originalValue"] == "Ash"
    assert api("POST", "/dealCustomFieldData/bulkCreate", {"dealId": "1"})[0] == 400
    assert api("DELETE", "/dealCustomFieldMeta/1")[1] == {"message": "DealCustomFieldMeta deleted."}
    assert api.get("/dealCustomFieldData") == {"dealCustomFieldData": [], "meta": {"total": 0}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "/lists/1", {"list": {"name": "Letters"}}), ("DELETE", "/fieldOptions/1", None)],
)
def test_a_write_can_be_dropped_in_silence(api, method, path, body):
    """A list that is changed in part, and a choice that is deleted, stay: 200, no body, and a header with a code."""
    before = api.get(path)
    answer = api.answer(method, path, body)
    assert (answer.status, answer.body, answer.headers["X-Ac-Error"]) == (200, b"", "Code 9001")
    assert api.get(path) == before


def test_a_whole_list_can_be_changed(api):
    """A list is changed when everything that it needs is sent."""
    whole = {key: api.get("/lists/1")["list"][key] for key in ("stringid", "sender_url", "sender_reminder")}
    status, data = api("PUT", "/lists/1", {"list": {**whole, "name": "Letters", "carboncopy": "boss@example.com"}})
    assert (status, data["list"]["name"], data["list"]["carboncopy"]) == (200, "Letters", "boss@example.com")


def test_the_events_of_webhooks_are_counted_with_a_number(api):
    """The names of events come with a total that is no text."""
    data = api.get("/webhook/events")
    assert data["meta"] == {"total": len(data["webhookEvents"])} == {"total": 25}


@pytest.mark.parametrize(
    ("era", "empty", "hashed"),
    [("2020-05-24", None, 0), ("2020-06-02", "0", 0), ("2020-06-09", False, 0), ("2021", False, 1)],
)
def test_an_account_answers_as_on_its_day(make, era, empty, hashed):
    """The keys of a person came over the years, and an account of an earlier day has those of its day."""
    api = make(settings=Settings(era=era))
    created = api("POST", "/contacts", {"contact": {"email": "di@example.com"}})[1]["contact"]
    assert (api.get("/contacts/1")["contact"].get("email_empty"), "hash" in created) == (empty, bool(hashed))


def test_a_later_account_has_the_keys_of_its_time(make):
    """What was captured in 2022 is there from then on: the domain, the tracking flag, the page's parameters first."""
    api = make(settings=Settings(era="documented"))
    data = api.get("/contacts?email=ben@example.com")
    assert list(data["meta"]) == ["page_input", "total", "sortable"]
    assert data["meta"]["page_input"]["email"] == "ben@example.com"
    assert [data["contacts"][0][key] for key in ("email_domain", "mpp_tracking")] == ["example.com", "0"]
