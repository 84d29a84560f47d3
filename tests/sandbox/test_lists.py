"""Lists, and subscribing to them."""

import pytest

from ac_tools.sandbox import Settings

NEW = {"name": "Awesome List", "stringid": "awesome-list", "sender_url": "https://a.example", "sender_reminder": "Hi"}


def row(api, contact, list_id):
    rows = api.get(f"/contacts/{contact}/contactLists")["contactLists"]
    return next(each for each in rows if each["list"] == str(list_id))


def test_a_list_is_created_and_read(api):
    """A created list is echoed in eight keys and read in forty-eight."""
    status, data = api("POST", "/lists", {"list": NEW})
    assert status == 201
    assert list(data["list"]) == ["name", "stringid", "sender_url", "sender_reminder", "cdate", "udate", "links", "id"]
    read = api.get("/lists/3")["list"]
    assert list(read)[:4] == ["stringid", "userid", "name", "cdate"]
    assert list(read)[-4:] == ["updated_by", "links", "id", "user"]
    assert len(read) == 48
    assert (read["send_last_broadcast"], read["carboncopy"], read["user"]) == ("0", None, None)


def test_a_list_needs_its_fields(api):
    """All missing fields of a list are named at once."""
    status, data = api("POST", "/lists", {"list": {"name": "X"}})
    assert status == 422
    assert [each["source"]["pointer"].rsplit("/", 1)[1] for each in data["errors"]] == ["sender_url", "sender_reminder"]


def test_a_stringid_is_made_when_none_is_sent(api):
    """Without a stringid a list gets one from its name that no other list has."""
    bare = {key: value for key, value in NEW.items() if key != "stringid"} | {"name": "News letter"}
    assert api("POST", "/lists", {"list": bare})[1]["list"]["stringid"] == "news-letter"
    assert api("POST", "/lists", {"list": bare})[1]["list"]["stringid"] == "news-letter-2"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Newsletter", "Trade news"]),
        ("search", ["Newsletter", "Trade news"]),
        ("filters[name]=trade", ["Trade news"]),
        ("filters[name][eq]=newsletter", ["Newsletter"]),
        ("filters[name][starts_with]=trade", ["Trade news"]),
        ("filters[id]=2", ["Trade news"]),
        ("filters[channel]=sms", []),
        ("filters[channel]=all", ["Newsletter", "Trade news"]),
        ("filters[active_subscribers][gte]=2", []),
        ("orders[name]=desc", ["Trade news", "Newsletter"]),
    ],
)
def test_lists_are_filtered(api, query, names):
    """Each documented filter of lists picks what it should."""
    data = api.get(f"/lists?{query}")
    assert [each["name"] for each in data["lists"]] == names
    assert data["meta"] == {"total": str(len(names))}


def test_a_text_message_list_is_hidden(api):
    """A list of the sms channel is shown only on request."""
    api("POST", "/lists", {"list": {**NEW, "channel": "sms"}})
    assert len(api.get("/lists")["lists"]) == 2
    assert len(api.get("/lists?filters[channel]=all")["lists"]) == 3


def test_a_missing_list_has_an_underscore(api):
    """The 404 of a list says _List."""
    assert api("GET", "/lists/7") == (404, {"message": "No Result found for _List with id 7"})


def test_the_echo_of_a_new_membership(api):
    """A new membership is 201, echoes status and ids as they were sent, and the source as an integer."""
    status, data = api("POST", "/contactLists", {"contactList": {"list": "2", "contact": 1, "status": 1}})
    assert status == 201
    assert list(data) == ["contacts", "contactList"]
    assert list(data["contactList"]) == [
        "status",
        "list",
        "contact",
        "sdate",
        "udate",
        "unsubreason",
        "campaign",
        "message",
        "first_name",
        "last_name",
        "sourceid",
        "unsubscribeAutomation",
        "links",
        "id",
    ]
    got = data["contactList"]
    assert (got["status"], got["list"], got["contact"], got["sourceid"], got["udate"]) == (1, "2", 1, 3, None)
    assert row(api, 1, 2)["status"] == "1"
    assert row(api, 1, 2)["sourceid"] == "3"


def test_there_is_one_row_per_pair(api):
    """Subscribing again changes the same row, and the account does not refuse to bring people back."""
    before = row(api, 2, 1)
    assert (before["status"], before["unsubreason"]) == ("2", "Too many emails")
    api.sandbox.clock.advance(60)
    back = {"list": 1, "contact": 2, "status": "1", "sourceid": 4}
    status, data = api("POST", "/contactLists", {"contactList": back})
    assert (status, data["contactList"]["id"]) == (201, before["id"])
    after = row(api, 2, 1)
    assert (after["status"], after["unsubreason"], after["sourceid"]) == ("1", "", "4")
    assert after["sdate"] == after["udate"] == "2021-03-23T06:05:40-05:00"
    assert len(api.get("/contacts/2/contactLists")["contactLists"]) == 2


def test_subscribing_starts_automations_once(api):
    """A fresh subscription starts the welcome series and counts it; being subscribed already starts nothing."""
    for _ in range(2):
        api("POST", "/contactLists", {"contactList": {"list": 1, "contact": 3, "status": 1}})
    runs = api.get("/contacts/3/contactAutomations")["contactAutomations"]
    assert [(run["automation"], run["status"]) for run in runs] == [("1", "1")]
    assert api.get("/automations")["automations"][0]["entered"] == "6"


def test_unknown_relations_are_named(api):
    """An unknown list and an unknown contact are both named."""
    status, data = api("POST", "/contactLists", {"contactList": {"list": 9, "contact": 9, "status": 1}})
    assert status == 422
    assert [each["error"] for each in data["errors"]] == ["list_not_exist", "contact_not_exist"]


@pytest.mark.parametrize("status", [None, 7, "x", []])
def test_a_status_must_be_known(api, status):
    """A membership without a status of 0, 1 or 2 is refused."""
    assert api("POST", "/contactLists", {"contactList": {"list": 1, "contact": 1, "status": status}})[0] == 422


def test_the_status_of_a_change_is_a_setting(make):
    """Where the setting says 200, a change of an existing membership answers 200 and a new one still 201."""
    api = make(settings=Settings(membership_change_status=200))
    assert api("POST", "/contactLists", {"contactList": {"list": 1, "contact": 1, "status": 2}})[0] == 200
    assert api("POST", "/contactLists", {"contactList": {"list": 2, "contact": 1, "status": 2}})[0] == 201


def test_deleting_a_list_takes_its_memberships(api):
    """A deleted list is on nobody any more."""
    assert api("DELETE", "/lists/1") == (200, {})
    assert api.get("/contacts/1/contactLists")["contactLists"] == []
