"""Every assumption that can be changed changes what the account does: one observation for each of its values."""

import dataclasses
from typing import Any

import pytest

from ac_tools.sandbox import Settings

LIST = {"name": "Offers", "stringid": "offers", "sender_url": "https://a.example", "sender_reminder": "Hi"}
DEAL = {"title": "Desk", "value": 100, "currency": "usd", "contact": 1, "group": 1}
FIELD = {"title": "Colour", "type": "text"}

OBSERVED: dict[str, Any] = {}


def observed(name, **values):
    """Registers an observation: what it sees with each value of the assumption; an underscore begins a number."""
    each = {getattr(Settings.of([f"{name}={text.removeprefix('_')}"]), name): want for text, want in values.items()}

    def register(look):
        OBSERVED.setdefault(name, []).append((look, each))
        return look

    return register


def error(answer):
    """The status of an answer, and the code or title of its first error."""
    status, data = answer
    first = data["errors"][0] if isinstance(data, dict) and data.get("errors") else {}
    return status, first.get("code") or first.get("title") or (data or {}).get("message")


def ids(api, path):
    plural = path.partition("?")[0].strip("/")
    return [int(each["id"]) for each in api.get(path)[plural]]


def subscribe(api, contact, list_id, status=1, **more):
    given = {"contact": contact, "list": list_id, "status": status, **more}
    return api("POST", "/contactLists", {"contactList": given})


def standing(api, contact, list_id=1):
    rows = api.get(f"/contacts/{contact}/contactLists")["contactLists"]
    return next((row["status"] for row in rows if row["list"] == str(list_id)), None)


def imported(api, *contacts, **payload):
    status, data = api("POST", "/import/bulk_import", {"contacts": list(contacts), **payload})
    api.sandbox.clock.advance(10)
    return status, data


def sync(api, **contact):
    return api("POST", "/contact/sync", {"contact": contact})


def runs(api, contact):
    found = api.get(f"/contacts/{contact}/contactAutomations")["contactAutomations"]
    return [(run["automation"], run["status"]) for run in found]


# Requests and pages


@observed("unknown_path_body", message=b'{"message":"Not Found"}', html=b"<!DOCTYPE html>", empty=b"")
def body_of_an_unknown_path(api):
    return api.answer("GET", "/nowhere").body[:23].partition(b"\n")[0]


@observed("unknown_path_body", message="application/json", html="text/html; charset=UTF-8", empty="application/json")
def type_of_a_wrong_method(api):
    answer = api.answer("PATCH", "/tags")
    assert answer.status == 405
    return answer.headers["Content-Type"]


@observed("limit_above_100", cap=200, refuse=422)
def a_page_above_100(api):
    return api("GET", "/lists?limit=101")[0]


@observed("limit_below_1", default=[200] * 3, refuse=[422] * 3)
def a_page_below_1(api):
    assert api("GET", "/contacts")[0] == api("GET", "/contacts?limit=1")[0] == 200
    assert api("GET", "/contacts/1/contactAutomations?limit=0")[0] == 200
    return [api("GET", f"/contacts?limit={limit}")[0] for limit in ("0", "-3", "many")]


@observed("other_orders", oldest=[[1, 2], [1, 2, 3], [1, 2]], newest=[[2, 1], [3, 2, 1], [2, 1]])
def orders_that_nobody_asked_for(api):
    api("POST", "/accounts", {"account": {"name": "Second"}})
    assert ids(api, "/tags?orders[id]=ASC") == [1, 2, 3]
    assert ids(api, "/lists?limit=1&offset=1") == ids(api, "/lists")[1:]
    return [ids(api, path) for path in ("/lists", "/tags", "/accounts")]


@observed("total_is_text", true=["4", "2", "2", "0", "3"], false=[4, 2, 2, 0, "3"])
def totals(api):
    return [
        api.get(f"/{each}")["meta"]["total"] for each in ("automations", "campaigns", "segments", "webhooks", "tags")
    ]


@observed("bare_dates", account=0, utc=1)
def a_bare_date_in_a_filter(api):
    """Somebody comes on the 23rd of March, which is the 24th in London already."""
    api.sandbox.clock.advance(15 * 3600)
    sync(api, email="eve@example.com")
    return len(ids(api, "/contacts?filters[created_after]=2021-03-24"))


# People and imports


@observed(
    "email_case",
    ignored=(200, "New@Example.com", "1"),
    lowered=(200, "new@example.com", "1"),
    distinct=(201, "New@Example.com", "0"),
)
def an_address_in_another_case(api):
    created = sync(api, email="New@Example.com")[1]["contact"]
    assert api.get(f"/contacts/{created['id']}")["contact"]["email"] == created["email"]
    found = api.get("/contacts?email=NEW@example.com")["meta"]["total"]
    return sync(api, email="NEW@EXAMPLE.COM")[0], created["email"], found


@observed("email_case", ignored=422, lowered=422, distinct=201)
def a_second_person_of_an_address(api):
    return api("POST", "/contacts", {"contact": {"email": "BEN@example.com"}})[0]


@observed("email_case", ignored=3, lowered=3, distinct=4)
def an_import_in_another_case(api):
    imported(api, {"email": "BEN@example.com"})
    return len(ids(api, "/contacts"))


@observed("contacts_newest_first", true=[3, 2, 1], false=[1, 2, 3])
def the_order_of_people(api):
    return ids(api, "/contacts")


@observed("filters_together", **{"and": [[1], [], [1]], "or": [[3, 2, 1], [3, 1], [1]]})
def several_filters_of_people(api):
    """Tag 3 is on contact 1 alone. Ids always count, for they are what pages are asked for by."""
    return [
        ids(api, "/contacts?tagid=3&email_like=example"),
        ids(api, "/contacts?tagid=3&email_like=chi"),
        ids(api, "/contacts?tagid=3&email_like=example&id_less=2"),
    ]


@observed("filters_together", **{"and": [[], [], [2, 3, 1]], "or": [[2, 3, 1], [2, 3], [2, 3, 1]]})
def several_filters_of_deals(api):
    asked = ("filters[title]=chairs&filters[owner]=2", "filters[search]=nothing&filters[owner]=2", "")
    return [ids(api, f"/deals?{each}") for each in asked]


@observed("sync_keeps", true=("Ben", "O'Brien", "1"), false=("", "O'Brien", ""))
def a_sync_of_one_name(api):
    api("PUT", "/contacts/2", {"contact": {"phone": "1"}})
    sync(api, email="ben@example.com", lastName="O'Brien")
    got = api.get("/contacts/2")["contact"]
    return got["firstName"], got["lastName"], got["phone"]


@observed("contact_deleted", gone=(201, "4", "", []), revived=(200, "2", "Ben", []))
def a_sync_of_a_deleted_person(api):
    api("DELETE", "/contacts/2")
    assert api("GET", "/contacts/2")[0] == 404
    assert ids(api, "/contacts") == [3, 1]
    status, data = sync(api, email="BEN@example.com")
    got = api.get(f"/contacts/{data['contact']['id']}")
    return status, got["contact"]["id"], got["contact"]["firstName"], got["contactLists"]


@observed("contact_deleted", gone=[4, 3, 1], revived=[3, 2, 1])
def an_import_of_a_deleted_person(api):
    api("DELETE", "/contacts/2")
    imported(api, {"email": "ben@example.com"})
    return ids(api, "/contacts")


@observed("delete_quota", _0=[200, 200, 404, 200], _1=[200, 403, 404, 200])
def deletions_in_a_month(api):
    statuses = [api("DELETE", f"/contacts/{each}")[0] for each in (1, 2, 9)]
    api.sandbox.clock.advance(31 * 86_400)
    return [*statuses, api("DELETE", "/contacts/3")[0]]


@observed("deals_survive_contact", true=200, false=404)
def a_deal_of_a_deleted_person(api):
    api("DELETE", "/contacts/1")
    return api("GET", "/deals/1")[0]


@observed("import_refusal", _400=400, _422=422)
def an_import_of_no_address(api):
    status, data = imported(api, {"email": "no"})
    assert data["failureReasons"][0]["contact"] == 0
    return status


@observed("import_repeats", in_order=(200, "Two"), first=(200, "One"), refused=(400, None))
def an_address_twice_in_an_import(api):
    one = {"email": "new@example.com", "first_name": "One"}
    status, _ = imported(api, one, {**one, "email": "NEW@example.com", "first_name": "Two"})
    found = api.get("/contacts?email=new@example.com")["contacts"]
    return status, found[0]["firstName"] if found else None


@observed("exclude_automations", either=[[], []], contact=[[], ["1"]], payload=[["1"], []])
def an_import_without_automations(api):
    lists = {"subscribe": [{"listid": 1}]}
    imported(api, {"email": "a@example.com", **lists, "exclude_automations": True})
    imported(api, {"email": "b@example.com", **lists}, exclude_automations=True)
    return [[run for run, _ in runs(api, contact)] for contact in (4, 5)]


@observed("import_unknown_batch", _200=(200, False), _404=(404, 0), _400=(400, 0))
def an_unknown_import(api):
    status, data = api("GET", "/import/info?batchId=x")
    return status, data.get("status", data.get("success"))


# Lists, tags and fields


@observed(
    "resubscribe",
    allowed=[201, 201, 201, 201],
    unless_bounced=[201, 201, 403, 403],
    with_sourceid_4=[422, 201, 422, 201],
    refused=[403, 403, 403, 403],
)
def coming_back(api):
    """Contact 2 opted out, contact 3 bounced, contact 1 is on the list and can always be put there again."""
    got = []
    for contact, before in ((2, "2"), (3, "3")):
        for more in ({}, {"sourceid": 4}):
            got.append(subscribe(api, contact, 1, **more)[0])
            assert standing(api, contact) == ("1" if got[-1] == 201 else before)
            api.sandbox._store.memberships.find((contact, 1)).status = int(before)
    assert subscribe(api, 1, 1)[0] == subscribe(api, 2, 1, 2)[0] == 201
    return got


@observed("unsubscribe_stranger", new_row=(201, "2"), refused=(404, None))
def leaving_a_list_one_is_not_on(api):
    return subscribe(api, 1, 2, 2)[0], standing(api, 1, 2)


@observed("unsubscribe_stranger", new_row="2", refused=None)
def leaving_it_by_an_import(api):
    imported(api, {"email": "anna@lindqvist.example", "unsubscribe": [{"listid": 2}]})
    return standing(api, 1, 2)


@observed("related_missing_status", _422=422, _400=400, _404=404)
def subscribing_to_no_list(api):
    return subscribe(api, 1, 9)[0]


@observed("membership_change_status", _201=201, _200=200)
def subscribing_again(api):
    return subscribe(api, 1, 1)[0]


@observed("list_stringid", made=(201, None), required=(422, "field_missing"))
def a_list_without_a_stringid(api):
    return error(api("POST", "/lists", {"list": {key: LIST[key] for key in LIST if key != "stringid"}}))


@observed("duplicate_stringid_status", _201=(201, None), _422=(422, "duplicate"), _400=(400, "duplicate"))
def a_list_with_a_taken_stringid(api):
    assert api("PUT", "/lists/1", {"list": {**LIST, "stringid": "newsletter"}})[0] == 200
    return error(api("POST", "/lists", {"list": {**LIST, "stringid": "newsletter"}}))


@observed("partial_list_change", dropped="Newsletter", changed="News")
def a_list_changed_in_part(api):
    answer = api.answer("PUT", "/lists/1", {"list": {"name": "News"}})
    assert (answer.status, answer.headers["X-Ac-Error"], answer.body) == (200, "Code 9001", b"")
    got = api.get("/lists/1")["list"]
    assert (got["stringid"], got["sender_reminder"]) == ("newsletter", "You signed up.")
    return got["name"]


@observed("duplicate_tag_status", _422=422, _400=400, _409=409)
def a_second_tag_of_a_name(api):
    return api("POST", "/tags", {"tag": {"tag": "vip"}})[0]


@observed("tag_with_comma", _422=(422, "field_invalid"), _400=(400, "field_invalid"), _201=(201, None))
def a_tag_with_a_comma(api):
    return error(api("POST", "/tags", {"tag": {"tag": "a,b"}}))


@observed("tag_with_comma", _422=400, _400=400, _201=200)
def an_import_of_a_tag_with_a_comma(api):
    return imported(api, {"email": "new@example.com", "tags": ["a,b"]})[0]


@observed("long_tag_status", _201=(201, None), _422=(422, "field_invalid"), _400=(400, "field_invalid"))
def a_long_tag(api):
    assert api("POST", "/tags", {"tag": {"tag": "y" * 255}})[0] == 201
    return error(api("POST", "/tags", {"tag": {"tag": "x" * 256}}))


@observed("re_tag_status", _200=200, _201=201, _422=422)
def a_tag_put_twice(api):
    return api("POST", "/contactTags", {"contactTag": {"contact": 1, "tag": 1}})[0]


@observed("unknown_contact_or_tag", _404=[404, 404], _400=[400, 400], _422=[422, 422])
def a_tag_or_a_person_that_does_not_exist(api):
    pairs = [{"contact": 9, "tag": 1}, {"contact": 1, "tag": 9}]
    answers = [api("POST", "/contactTags", {"contactTag": pair}) for pair in pairs]
    assert all(data["errors"][0]["status"] == status for status, data in answers)
    return [status for status, _ in answers]


@observed("field_values_free", true=[200, 201, 200, 200], false=[422, 422, 200, 422])
def a_value_that_is_no_option(api):
    api("POST", "/fieldValues", {"fieldValue": {"contact": 1, "field": 2, "value": "Tables"}})
    wrong, right = (
        {"email": "ben@example.com", "fieldValues": [{"field": 2, "value": each}]} for each in ("x", "Chairs")
    )
    return [
        sync(api, **wrong)[0],
        api("POST", "/fieldValues", {"fieldValue": {"contact": 2, "field": 2, "value": "||Chairs||x||"}})[0],
        sync(api, **right)[0],
        api("PUT", "/fieldValues/2", {"fieldValue": {"value": "x"}})[0],
    ]


@observed("field_values_free", true=["x", "a"], false=["a"])
def an_import_of_a_value_that_is_no_option(api):
    imported(api, {"email": "ben@example.com", "fields": [{"id": 2, "value": "x"}, {"id": 1, "value": "a"}]})
    return [each["value"] for each in api.get("/contacts/2/fieldValues")["fieldValues"]]


@observed("unknown_field_type_status", _422=422, _400=400, _201=201)
def a_field_of_an_unknown_type(api):
    return api("POST", "/fields", {"field": {**FIELD, "type": "currency"}})[0]


@observed("duplicate_perstag_status", _201=(201, None), _422=(422, "duplicate"), _400=(400, "duplicate"))
def a_field_with_a_taken_perstag(api):
    assert api("PUT", "/fields/2", {"field": {"perstag": "interest"}})[0] == 200
    return error(api("POST", "/fields", {"field": {**FIELD, "perstag": "interest"}}))


@observed("field_option_paths", both=[201, 201], singular=[201, 404], plural=[404, 201])
def options_at_two_paths(api):
    body = {"fieldOptions": [{"field": 2, "label": "Lamps"}]}
    return [api("POST", path, body)[0] for path in ("/fieldOption/bulk", "/fieldOptions/bulk")]


@observed("field_option_deleted", dropped=[1, 2], deleted=[2])
def deleting_an_option(api):
    answer = api.answer("DELETE", "/fieldOptions/1")
    assert (answer.status, answer.headers["X-Ac-Error"], answer.body) == (200, "Code 9001", b"")
    return ids(api, "/fieldOptions")


# Automations, deals and companies


@observed("reenrol_status", _422=422, _403=403)
def enrolling_twice(api):
    return api("POST", "/contactAutomations", {"contactAutomation": {"contact": 1, "automation": 1}})[0]


@observed("missing_enrolment_status", _403=403, _404=404)
def ending_no_run(api):
    return api("DELETE", "/contactAutomations/9")[0]


@observed("removal_stops_runs", true=[("2", "2"), ("4", "1"), ("1", "2")], false=[("2", "1"), ("4", "1"), ("1", "1")])
def taking_a_tag_and_a_subscription_away(api):
    tag = api("POST", "/contactTags", {"contactTag": {"contact": 2, "tag": 3}})[1]["contactTag"]["id"]
    api("POST", "/contactAutomations", {"contactAutomation": {"contact": 2, "automation": 4}})
    subscribe(api, 2, 1)
    exited = [int(each["exited"]) for each in api.get("/automations")["automations"]]
    api("DELETE", f"/contactTags/{tag}")
    subscribe(api, 2, 1, 2)
    ended = api.sandbox.settings.removal_stops_runs
    now = [int(each["exited"]) for each in api.get("/automations")["automations"]]
    assert now == [exited[0] + ended, exited[1] + ended, *exited[2:]]
    return runs(api, 2)


@observed("automation_status", number=[1, 2], text=["1", "2"])
def the_status_of_automations(api):
    return [each["status"] for each in api.get("/automations")["automations"]][1:3]


@observed("element_counts", numbers=[(3, 3), (0, 3)], text=[("3", "3"), ("0", "3")])
def the_steps_of_a_run(api):
    api("POST", "/contactAutomations", {"contactAutomation": {"contact": 1, "automation": 4}})
    found = api.get("/contacts/1/contactAutomations")["contactAutomations"]
    return [(each["completedElements"], each["totalElements"]) for each in found]


@observed("deal_refusal", _422=[422, 422, 422, 404], _400=[400, 400, 400, 404])
def a_wrong_deal(api):
    answers = [
        api("POST", "/deals", {"deal": {"title": "x"}}),
        api("POST", "/deals", {"deal": {**DEAL, "group": 2}}),
        api("PUT", "/deals/1", {"deal": {"status": 7}}),
        api("PUT", "/deals/9", {"deal": {"status": 1}}),
    ]
    assert all((data == {}) is (status == 400) for status, data in answers)
    return [status for status, _ in answers]


@observed("deal_values_free", false=[422, 422], true=[("-5", "usd"), ("100", "eur")])
def odd_values_of_a_deal(api):
    answers = [api("POST", "/deals", {"deal": {**DEAL, **each}}) for each in ({"value": -5}, {"currency": "EUR"})]
    if answers[0][0] != 201:
        return [status for status, _ in answers]
    deals = [api.get(f"/deals/{data['deal']['id']}")["deal"] for _, data in answers]
    return [(deal["value"], deal["currency"]) for deal in deals]


@observed("deal_class", Deal="Deal", SubscriberDeal="SubscriberDeal")
def the_name_of_a_missing_deal(api):
    return api("GET", "/deals/9")[1]["message"].split()[4]


@observed("deal_stage_null", first="1", unchanged="2")
def a_stage_of_null(api):
    api("PUT", "/deals/1", {"deal": {"stage": None}})
    return api.get("/deals/1")["deal"]["stage"]


@observed("deals_disabled", pipeline_gone=["title", "id", "isDisabled"], never=["hash", "owner", "contact"])
def a_deal_of_a_deleted_pipeline(api):
    api("DELETE", "/dealGroups/2")
    return list(api.get("/deals/3")["deal"])[:3]


@observed("account_name_case", ignored=422, distinct=201)
def a_company_in_another_case(api):
    return api("POST", "/accounts", {"account": {"name": "LINDQVIST Interiors"}})[0]


@observed("account_name_case", ignored=[1], distinct=[1, 2])
def an_import_into_a_company_in_another_case(api):
    imported(api, {"email": "ben@example.com", "customer_acct_name": "lindqvist interiors"})
    return ids(api, "/accounts")


CASES = [
    pytest.param(name, value, look, want, id=f"{name}={value}-{look.__name__}")
    for name, looks in OBSERVED.items()
    for look, wanted in looks
    for value, want in wanted.items()
]


@pytest.mark.parametrize(("name", "value", "look", "want"), CASES)
def test_each_value_is_what_the_account_does(make, name, value, look, want):
    """The account does what the value says, and its default is what it does unless told otherwise."""
    assert look(make(settings=Settings(**{name: value}))) == want
    if value == getattr(Settings(), name):
        assert look(make()) == want


# Observed where they show: in a refused key, a rate, an order of faults, times, and the wait for an import.
ELSEWHERE = {
    *("unauthorized_status", "unauthorized_body", "forbidden_body", "payment_required_body", "malformed_json_status"),
    *("rate_limit_status", "rate_limit_retry_after", "rate_limit_headers", "unknown_path_status"),
    *("wrong_method_status", "invalid_email_status", "tags_limit", "import_seconds", "era", "timezone"),
}


def test_every_value_of_every_assumption_is_observed():
    """An assumption that can be changed and has no observation here changes nothing that anybody would notice."""
    changeable = {field.name for field in dataclasses.fields(Settings) if field.init}
    assert changeable == {*OBSERVED, *ELSEWHERE}
    for name, looks in OBSERVED.items():
        for look, wanted in looks:
            assert len(wanted) > 1, look.__name__
            assert set(Settings.choices(name)) in (set(), set(wanted)), look.__name__


def test_choices_of_an_assumption():
    """A caller can read which values an assumption has; a fixed one has none, a wrong name is told."""
    assert Settings.choices("unauthorized_status") == (401, 403)
    assert Settings.choices("sync_keeps") == (True, False)
    assert Settings.choices("webhooks") == Settings.choices("timezone") == ()
    with pytest.raises(ValueError, match="Did you mean resubscribe"):
        Settings.choices("resubscribed")


def test_the_refusals_of_limits_have_the_body_of_permissions(make):
    """Who may not resubscribe, and who deleted too many, is told in the shape that is assumed for a 403."""
    settings = Settings(resubscribe="refused", delete_quota=1, forbidden_body="errors")
    api = make(settings=settings)
    api("DELETE", "/contacts/1")
    for answer in (subscribe(api, 2, 1), api("DELETE", "/contacts/2")):
        assert answer[0] == answer[1]["errors"][0]["status"] == 403
    empty = make(settings=dataclasses.replace(settings, forbidden_body="empty"))
    assert subscribe(empty, 2, 1) == (403, None)
