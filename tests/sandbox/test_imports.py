"""Bulk import: queued, worked off later, and the rules it keeps."""

import json

import pytest


def queue(api, *contacts, **top):
    return api("POST", "/import/bulk_import", {"contacts": list(contacts), **top})


def done(api, *contacts, **top):
    status, data = queue(api, *contacts, **top)
    assert status == 200, data
    api.sandbox.clock.advance(10)
    return api.get(f"/import/info?batchId={data['batchId']}")


def statuses(api, contact):
    rows = api.get(f"/contacts/{contact}/contactLists")["contactLists"]
    return {row["list"]: row["status"] for row in rows}


def test_an_import_is_queued_as_html(api):
    """The answer is JSON that calls itself HTML, and nobody is there yet."""
    answer = api.answer("POST", "/import/bulk_import", {"contacts": [{"email": "new@example.com"}]})
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    data = json.loads(answer.body)
    assert list(data) == ["success", "queued_contacts", "batchId", "message"]
    assert (data["success"], data["queued_contacts"], len(data["batchId"])) == (1, 1, 36)
    assert api.get("/contacts?email=new@example.com")["contacts"] == []


def test_the_states_of_an_import(api):
    """An import is false for a second, then waiting, claimed, active, then completed with its people."""
    batch = queue(api, {"email": "new@example.com"})[1]["batchId"]
    seen = []
    for _ in range(9):
        seen.append(api.get(f"/import/info?batchId={batch}")["status"])
        api.sandbox.clock.advance(0.5)
    assert seen == [False, False, "waiting", "waiting", "claimed", "claimed", "active", "active", "completed"]
    contact = api.get("/contacts?email=new@example.com")["contacts"][0]
    assert contact["cdate"] == "2021-03-23T06:04:44-05:00"
    assert api.get(f"/import/info?batchId={batch}")["success"] == [contact["id"]]


def test_imports_are_counted_by_day(api):
    """The overview moves a batch from outstanding to recently completed."""
    queue(api, {"email": "new@example.com"})
    day = [{"forDate": "2021-03-23", "batches": "1", "contacts": "1"}]
    assert api.get("/import/bulk_import") == {"outstanding": day, "recentlyCompleted": []}
    api.sandbox.clock.advance(10)
    assert api.get("/import/bulk_import") == {"outstanding": [], "recentlyCompleted": day}


def test_a_person_is_imported_whole(api):
    """Names, company, tags, values and subscriptions arrive; missing tags and companies are made."""
    done(
        api,
        {
            "email": "new@example.com",
            "first_name": "Nia",
            "last_name": "Wu",
            "phone": "1",
            "customer_acct_name": "New Works",
            "tags": ["LEAD", "Fresh"],
            "fields": [{"id": 1, "value": "CTO"}],
            "subscribe": [{"listid": 2}, {"listid": 99}],
            "unsubscribe": [{"listid": 1}],
        },
    )
    data = api.get("/contacts/4")
    assert (data["contact"]["firstName"], data["contact"]["orgname"]) == ("Nia", "New Works")
    assert [tag["tag"] for tag in api.get("/contacts/4/contactTags")["contactTags"]] == ["1", "4"]
    assert data["fieldValues"][0]["value"] == "CTO"
    assert statuses(api, 4) == {"1": "2", "2": "1"}


def test_a_known_person_is_updated(api):
    """An address that exists in another case is the same person, whose other columns stay."""
    info = done(api, {"email": "BEN@example.com", "first_name": "Benno"}, {"email": "ben@example.com"})
    assert info["success"] == ["2"]
    contact = api.get("/contacts/2")["contact"]
    assert (contact["email"], contact["firstName"], contact["lastName"]) == ("ben@example.com", "Benno", "O'Brien")


def test_who_opted_out_stays_out(api):
    """An import subscribes neither somebody who unsubscribed nor an address that bounced."""
    done(api, *({"email": f"{name}@example.com", "subscribe": [{"listid": 1}]} for name in ("ben", "chi")))
    assert statuses(api, 2)["1"] == "2"
    assert statuses(api, 3)["1"] == "3"


def test_an_import_starts_automations(api):
    """Without a word an import runs the automations that start on its lists and tags."""
    done(api, {"email": "new@example.com", "subscribe": [{"listid": 1}], "tags": ["VIP", "Lead"]})
    runs = api.get("/contacts/4/contactAutomations")["contactAutomations"]
    assert sorted(run["automation"] for run in runs) == ["1", "2"]
    assert api.get("/automations")["automations"][0]["entered"] == "6"


@pytest.mark.parametrize("inside", [True, False])
def test_automations_can_be_left_out(api, inside):
    """exclude_automations counts in the contact and at the top."""
    entry = {"email": "new@example.com", "subscribe": [{"listid": 1}], "tags": ["VIP"]}
    where = {"exclude_automations": True}
    done(api, {**entry, **where}) if inside else done(api, entry, **where)
    assert api.get("/contacts/4/contactAutomations")["contactAutomations"] == []
    assert statuses(api, 4) == {"1": "1"}


def test_one_bad_entry_stops_all(api):
    """A malformed address is a 400 that names its index, and nothing is queued."""
    bad = [{"email": "n/a"}, {"email": "x@nodot"}, {"tags": ["a,b"]}, 5]
    status, data = queue(api, {"email": "good@example.com"}, *bad)
    assert (status, data["success"]) == (400, 0)
    assert [each["contact"] for each in data["failureReasons"]] == [1, 2, 3, 3, 4]
    assert data["failureReasons"][0]["failureReason"] == "Field\u2018 email\u2019 incorrect format"
    api.sandbox.clock.advance(10)
    assert api.get("/contacts")["meta"]["total"] == "3"
    assert api.get("/import/bulk_import")["recentlyCompleted"] == []


def test_an_odd_address_fails_later(api):
    """An address with an odd character is queued and then listed among the failures."""
    info = done(api, {"email": "invalid'character@example.com"}, {"email": "new@example.com"})
    assert (info["success"], info["failure"]) == (["4"], ["invalid'character@example.com"])


def test_the_size_of_an_import(api):
    """250 contacts under 400,000 bytes pass; one more contact or byte does not, nor does nobody."""
    people = [{"email": f"p{n}@example.com"} for n in range(251)]
    assert queue(api, *people[:250])[0] == 200
    assert queue(api, *people)[0] == 400
    assert queue(api)[0] == 400
    body = json.dumps({"contacts": [{"email": "a@example.com"}], "x": ""}).encode()
    padded = body[:-2] + b"y" * (400_000 - len(body)) + body[-2:]
    assert api("POST", "/import/bulk_import", padded)[0] == 400
    assert api("POST", "/import/bulk_import", padded.replace(b"y", b"", 1))[0] == 200


def test_imports_have_their_own_rate(make):
    """Where the account has a limit, the 21st import of one person and the 101st of several in a minute are 400."""
    api = make(limit=10_000)
    one, two = {"email": "a@example.com"}, {"email": "b@example.com"}
    assert [queue(api, one)[0] for _ in range(21)] == [200] * 20 + [400]
    assert [queue(api, one, two)[0] for _ in range(101)] == [200] * 100 + [400]
    status, data = queue(api, one, two)
    assert (status, data["message"]) == (400, "Rate limit exceeded.")
    assert data["failureReasons"][0].startswith("Up to 100 imports may be requested per minute.")
    api.sandbox.clock.advance(60)
    assert queue(api, one, two)[0] == 200


def test_the_batch_must_be_named(api):
    """Asking without a batchId is a 400; a batch that nobody queued is like one that is a moment old."""
    assert api("GET", "/import/info") == (400, {"success": 0, "message": "'batchId' is a required field."})
    assert api.get("/import/info?batchId=x")["status"] is False
