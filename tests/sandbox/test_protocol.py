"""What every answer has in common: keys, routes, JSON, headers, limits, and never a 500."""

import json
import socket
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_tools.sandbox import Clock, Sandbox, Settings
from ac_tools.sandbox._router import _ROUTES


@pytest.mark.parametrize("headers", [{}, {"Api-Token": "wrong"}, {"Api-Token": ""}, {"Authorization": "sandbox"}])
def test_a_wrong_key_is_refused(make, headers):
    """Without the key nothing is done; the status is a setting."""
    sandbox = make().sandbox
    answer = sandbox.handle("DELETE", "/api/3/contacts/1", headers, b"")
    assert (answer.status, json.loads(answer.body)) == (401, {"message": "Forbidden"})
    assert sandbox.handle("GET", "/api/3/contacts/1", {"API-token": "sandbox"}, b"").status == 200
    documented = make(settings=Settings(unauthorized_status=403), key="k").sandbox
    assert documented.handle("GET", "/api/3/users/me", {"api-token": "sandbox"}, b"").status == 403
    assert documented.handle("GET", "/api/3/users/me", {"api-token": "k"}, b"").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/3/nonsense", 404),
        ("GET", "/api/3", 404),
        ("GET", "/", 404),
        ("GET", "/admin/api.php", 404),
        ("GET", "/api/3/contacts/1/2/3", 404),
        ("PATCH", "/api/3/contacts/1", 405),
        ("PUT", "/api/3/contacts", 405),
        ("DELETE", "/api/3/campaigns/1", 405),
        ("GET", "/api/3/contact/sync", 405),
    ],
)
def test_unknown_routes(api, method, target, status):
    """An unknown path is 404, a method that a path does not have 405."""
    assert api.sandbox.handle(method, target, {"Api-Token": "sandbox"}, b"").status == status


@pytest.mark.parametrize("path", ["/contacts/", "/contacts/x", "/contacts/%201e5", "/contacts//contactTags"])
def test_a_missing_id_is_zero(api, path):
    """An id that is missing in the path, or no number, is read as 0."""
    assert api("GET", path) == (404, {"message": "No Result found for Subscriber with id 0"})


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"nope", b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}', b"[" * 100_000, b"1" * 5000]
)
def test_malformed_json_is_400(api, body):
    """What is no JSON is refused before anything is done."""
    status, data = api("POST", "/contacts", body)
    assert (status, list(data)) == (400, ["message"])


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b'{"contact":[]}', b'{"contact":null}', b'"x"'])
def test_a_body_without_its_wrapper_is_an_empty_one(api, body):
    """A body that holds no record is treated as a record without fields."""
    assert api("POST", "/contacts", body)[1]["errors"][0]["code"] == "email_invalid"


def test_json_is_phps(api):
    """Slashes and everything beyond ASCII are escaped, nothing is padded."""
    answer = api.answer("POST", "/contacts", {"contact": {"email": "a@example.com", "firstName": "Åsa/Ö \U0001f600"}})
    assert b'"firstName":"\\u00c5sa\\/\\u00d6 \\ud83d\\ude00"' in answer.body
    assert b"https:\\/\\/sandbox" in answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert api.answer("DELETE", "/contacts/4").body == b"{}"


def test_without_a_limit_there_are_no_limit_headers(api):
    """The API of 2021 named no limits; every answer has its own X-Request-Id."""
    first, second = (api.answer("GET", "/users/me").headers for _ in range(2))
    assert not any("limit" in name.lower() for name in first)
    assert first["X-Request-Id"] != second["X-Request-Id"]


def test_the_limit(make):
    """More than the limit in a second is 429 with the documented headers, and after a second the account takes more."""
    api = make(limit=3)
    answers = [api.answer("GET", "/users/me") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert (answers[3].headers["Retry-After"], answers[0].headers["RateLimit-Limit"]) == ("1", "3")
    time.sleep(1.01)
    assert api.answer("GET", "/users/me").status == 200


def test_the_same_account_twice(make):
    """Two accounts with the same seed and clock answer the same requests with the same bytes."""

    def story(api):
        calls = [
            ("POST", "/contacts", {"contact": {"email": "a@example.com"}}),
            ("POST", "/import/bulk_import", {"contacts": [{"email": "b@example.com"}]}),
            ("GET", "/contacts", None),
        ]
        return [(answer.headers, answer.body) for call in calls for answer in [api.answer(*call)]]

    assert story(make()) == story(make())


def test_requests_are_remembered(api):
    """Everything that reached the account is on record, with what it was answered."""
    api("GET", "/contacts/9?x=1")
    received = api.sandbox.requests[-1]
    assert (received.method, received.path, received.status) == ("GET", "/api/3/contacts/9", 404)
    assert received.at == api.sandbox.clock.now()


def test_half_a_request_is_none(served):
    """Where the sender dies in the middle of its body, nothing is done, and nothing is remembered."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        head = f"POST /api/3/tags HTTP/1.1\r\nHost: x\r\nApi-Token: {served.sandbox.key}\r\nContent-Length: 40\r\n\r\n"
        line.sendall(head.encode() + b'{"tag": {"tag"')
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert not served.sandbox.requests


def test_threads_may_share_an_account(make):
    """Fifty contacts made by ten threads are fifty contacts with fifty ids."""
    api = make(empty=True)

    def work(thread):
        for n in range(5):
            api("POST", "/contacts", {"contact": {"email": f"p{thread}-{n}@example.com"}})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert api.get("/contacts")["meta"]["total"] == "50"
    assert {int(each["id"]) for each in api.get("/contacts?limit=100")["contacts"]} == set(range(1, 51))


def test_the_clock():
    """A frozen clock moves only when told to and never back; a real one is moved on top of the time."""
    clock = Clock(start=100)
    clock.advance(2.5)
    assert clock.now() == 102.5
    with pytest.raises(ValueError):
        clock.advance(-1)
    real = Clock()
    real.advance(3600)
    assert 3599 < real.now() - time.time() < 3601


def test_every_assumption_has_its_reason():
    """Each field of Settings says what it rests on."""
    import dataclasses

    assert all(field.metadata["why"].endswith(".") for field in dataclasses.fields(Settings))


def test_the_time_zone_is_a_setting(make):
    """Times carry the offset of the account's zone."""
    api = make(settings=Settings(timezone="Europe/Berlin"))
    _, data = api("POST", "/contacts", {"contact": {"email": "a@example.com"}})
    assert data["contact"]["cdate"] == "2021-03-23T12:04:40+01:00"


def test_the_shipped_account_loads_fast_and_whole():
    """The shipped account is there within 60 ms and answers on every collection."""
    Sandbox()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        sandbox = Sandbox()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.06
    for name in [
        "contacts",
        "lists",
        "tags",
        "deals",
        "fields",
        "campaigns",
        "automations",
        "accounts",
        "segments",
        "users",
        "dealGroups",
    ]:
        answer = sandbox.handle("GET", f"/api/3/{name}", {"Api-Token": "sandbox"}, b"")
        assert int(json.loads(answer.body)["meta"]["total"]) > 0


def test_an_empty_account_has_one_user():
    """An empty account holds nothing but its administrator."""
    sandbox = Sandbox(empty=True)
    answer = sandbox.handle("GET", "/api/3/users/me", {"Api-Token": "sandbox"}, b"")
    assert json.loads(answer.body)["user"]["id"] == "1"
    assert b'"total":"0"' in sandbox.handle("GET", "/api/3/contacts", {"Api-Token": "sandbox"}, b"").body


def test_importing_is_light():
    """Importing the sandbox loads neither the command line's libraries nor LangChain."""
    code = "import sys, ac_tools.sandbox; print([m for m in sys.modules if m.split('.')[0] in sys.argv[1:]])"
    heavy = ["rich", "typer", "langchain", "langchain_core"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["1", "2", "a@example.com", "eur", "2020-01-01", "text", "single", "1e999"]),
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_NAMES = [
    "email",
    "firstName",
    "fieldValues",
    "field",
    "value",
    "name",
    "stringid",
    "sender_url",
    "sender_reminder",
    "list",
    "contact",
    "status",
    "sourceid",
    "tag",
    "tagType",
    "title",
    "type",
    "perstag",
    "options",
    "currency",
    "group",
    "stage",
    "owner",
    "account",
    "percent",
    "fields",
    "label",
    "relid",
    "automation",
    "contacts",
    "tags",
    "subscribe",
    "listid",
    "customer_acct_name",
    "exclude_automations",
    "first_name",
]
_RECORDS = st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=8)
_WRAPPERS = [
    "contact",
    "list",
    "contactList",
    "tag",
    "contactTag",
    "deal",
    "field",
    "fieldRel",
    "account",
    "contactAutomation",
]
_BODIES = st.one_of(
    st.builds(lambda name, record: {name: record}, st.sampled_from(_WRAPPERS), _RECORDS),
    st.builds(lambda records: {"contacts": records}, st.lists(_RECORDS, max_size=3)),
    st.builds(lambda records: {"fieldOptions": records}, st.lists(_RECORDS, max_size=3)),
    _RECORDS,
    _VALUES,
)
_KEYS = st.sampled_from(
    [
        "limit",
        "offset",
        "search",
        "email",
        "ids[]",
        "ids",
        "listid",
        "tagid",
        "status",
        "segmentid",
        "id_greater",
        "filters[name]",
        "filters[name][gte]",
        "filters[created_after]",
        "filters[adddate][lt]",
        "filters[tag]",
        "filters[search]",
        "filters[search_field]",
        "filters[status]",
        "filters[minimum_value]",
        "filters[active_subscribers][x]",
        "orders[id]",
        "orders[name]",
        "orders[value]",
        "orders[cdate]",
        "active",
        "batchId",
        "count_deals",
        "filters",
        "filters[]",
        "filters[][]",
        "orders[",
        "[",
    ]
)
_ROUTE = st.sampled_from(sorted({(route.method, route.parts) for route in _ROUTES}))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    _ROUTE,
    st.sampled_from(["1", "2", "", "0", "-1", "99", "x", "%00", "%ff", "9" * 30]),
    st.dictionaries(_KEYS, st.text(max_size=12) | st.sampled_from(["1", "-1", "ASC", "DESC", "9" * 5000]), max_size=4),
    _BODIES,
)
def test_nothing_breaks_the_account(make, which, path_id, query, body):
    """Whatever is sent wherever, the answer is never a server error, and JSON unless a write was dropped."""
    from urllib.parse import urlencode

    method, parts = which
    path = "/".join(path_id if part.startswith("{") else part for part in parts)
    api = make()
    for _ in range(2):
        answer = api.answer(method, f"/{path}?{urlencode(query)}", body)
        assert answer.status < 500, answer.body
        json.loads(answer.body or (b"{}" if "X-Ac-Error" in answer.headers else b""))
        api.sandbox.clock.advance(30)
    assert api.answer("GET", "/contacts").status == 200
    assert api.answer("GET", "/deals?orders[title]=ASC").status == 200
