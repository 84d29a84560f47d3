"""Orders that cannot be carried out say so, in process and over HTTP; over HTTP they are listed and cleared."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_tools.sandbox import Sandbox, serve
from ac_tools.sandbox._fault_orders import Order

WRONG = {
    "a method": ({"method": "GETT"}, ["method='GETT'", "did you mean 'GET'"]),
    "the prefix": ({"path": "/api/3/tags"}, ["path='/api/3/tags'", "below /api/3", "'/tags'"]),
    "no path": ({"path": 3}, ["path=3", "begins with /"]),
    "no slash": ({"path": "tags"}, ["path='tags'", "'/tags'"]),
    "a status": ({"status": 99}, ["status=99", "200 to 599"]),
    "a status as text": ({"status": "503"}, ["status='503'", "whole number"]),
    "a flag as status": ({"status": True}, ["status=True"]),
    "times": ({"times": 0}, ["times=0", "at least 1"]),
    "a line break": ({"headers": {"X-A": "a\r\nX-B: b"}}, ["headers", "line breaks"]),
    "a length": ({"headers": {"Content-Length": "3"}}, ["Content-Length", "size"]),
    "a header's name": ({"headers": {"X A": "b"}}, ["headers", "'X A'"]),
    "headers": ({"headers": ["a"]}, ["headers=['a']"]),
    "a body": ({"body": 3}, ["body=3", "text"]),
    "a size": ({"size": -1}, ["size=-1", "100000000"]),
    "too much": ({"size": 100_000_001}, ["size=100000001", "100000000"]),
    "a reply": ({"reply": "htm"}, ["reply='htm'", "did you mean 'html'"]),
    "a cut": ({"cut": "rest", "status": None}, ["cut='rest'", "did you mean 'reset'"]),
    "a late beyond numbers": ({"late": 10**400, "status": None}, ["late=1000"]),
    "an endless drip": ({"drip": 1e300}, ["drip=1e+300", "3600"]),
    "late": ({"late": -1, "status": None}, ["late=-1", "0 or more"]),
    "a drip": ({"drip": 0}, ["drip=0", "more than 0"]),
    "when": ({"when": "aftr"}, ["when='aftr'", "did you mean 'after'"]),
    "a chance": ({"chance": 1.5}, ["chance=1.5", "at most 1"]),
    "a seed": ({"seed": "x"}, ["seed='x'", "whole number"]),
    "a seed without a chance": ({"seed": 7}, ["seed", "chance"]),
    "nothing": ({"status": None}, ["Say how", "status", "cut", "late"]),
    "two ways": ({"cut": "reset"}, ["status and cut", "one of"]),
    "two bodies": ({"size": 3, "reply": "html"}, ["size and reply", "one of"]),
    "headers of a cut": ({"status": None, "cut": "reset", "headers": {"A": "b"}}, ["headers", "cut"]),
    "refused after": ({"status": None, "cut": "refused", "when": "after"}, ["refused", "before"]),
    "its own answer before": ({"status": None, "drip": 0.1, "when": "before"}, ["drip", "after"]),
}


@pytest.fixture
def control(api):
    with serve(api.sandbox) as server, httpx.Client(base_url=f"{server.url}/__sandbox") as client:
        yield client


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told(api, control, case):
    """The value, the rule and the remedy are in the message, the same over HTTP as in process; nothing is ordered."""
    changed, says = WRONG[case]
    words = {"method": "GET", "path": "/tags", "status": 503, **changed}
    with pytest.raises(ValueError) as told:
        api.sandbox.fault(**words)
    answer = control.post("/faults", json=words)
    assert (answer.status_code, answer.json()) == (422, {"error": str(told.value)})
    assert all(word in str(told.value) for word in says), str(told.value)
    assert api.sandbox.faults == []


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "JSON"),
        (b"\xff", 400, "JSON"),
        (b'{"late":NaN}', 400, "JSON"),
        (b"[]", 400, "object"),
        (b"", 400, "object"),
        (b'{"path":"/tags","status":500}', 422, "method"),
        (b'{"method":"GET","status":500}', 422, "path"),
        (b'{"method":"GET","path":"/tags","staus":500}', 422, "did you mean 'status'"),
    ],
)
def test_a_body_that_is_no_order(api, control, body, status, says):
    """What is no JSON object is 400, an object with wrong or missing words 422, with the word that was meant."""
    answer = control.post("/faults", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert says in answer.json()["error"]
    assert api.sandbox.faults == []


def test_orders_are_listed_and_cleared(api, control):
    """GET lists what waits, with how often it hit and how often it will; DELETE takes it all back."""
    assert control.get("/faults").json() == {"faults": []}
    first = {"method": "GET", "path": "/tags", "times": 2, "status": 429, "headers": {"Retry-After": "7"}}
    second = {"method": "*", "path": "*", "cut": "reset", "chance": 0.5, "seed": 7}
    assert control.post("/faults", json=first).json() == {"faults": [{**first, "left": 2, "hits": 0}]}
    control.post("/faults", json=second)
    assert api.answer("GET", "/tags").status == 429
    listed = [{**first, "left": 1, "hits": 1}, {**second, "left": None, "hits": 0}]
    assert control.get("/faults").json() == {"faults": listed} == {"faults": api.sandbox.faults}
    assert control.delete("/faults").json() == {"cleared": 2}
    assert control.get("/faults").json() == {"faults": []}
    assert api.answer("GET", "/tags").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/faults", 405), ("PATCH", "/faults", 405), ("GET", "/fault", 404), ("POST", "/", 404)],
)
def test_other_control_paths_do_not_exist(control, method, path, status):
    """Methods and paths that the control path does not have are told with those that it has."""
    answer = control.request(method, path)
    assert answer.status_code == status
    assert "/__sandbox/faults" in answer.json()["error"]


def test_orders_are_no_requests_of_the_account(make):
    """Ordering needs no key, takes nothing of the limit, leaves no record and is never failed itself."""
    api = make(limit=1)
    with serve(api.sandbox) as server:
        for _ in range(5):
            words = {"method": "*", "path": "*", "status": 500, "times": 9}
            assert httpx.post(f"{server.url}/__sandbox/faults", json=words).status_code == 201
    assert api.sandbox.requests == []


def test_in_process_there_is_no_control_path(api):
    """The control path belongs to the server; below /api/3 and in process it is an unknown path."""
    assert api.answer("GET", "/__sandbox/faults").status == 404
    assert api.sandbox.handle("GET", "/__sandbox/faults", {"Api-Token": "sandbox"}, b"").status == 404


_WORDS = [*Order.__dataclass_fields__, "staus", ""]
_VALUES = st.one_of(
    st.sampled_from(["GET", "*", "/tags", "reset", "midway", "html", "truncated", "after", 1, 0.5, 503]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)


@given(st.dictionaries(st.sampled_from(_WORDS), _VALUES), st.booleans())
def test_any_words_are_an_order_or_an_error(words, usual):
    """Whatever is ordered is refused with a ValueError or carried out: the sandbox never breaks over it."""
    words = {"method": "GET", "path": "*", "status": 503, **words} if usual else words
    sandbox = Sandbox(empty=True)
    try:
        sandbox.fault(**Order.of(words).words())
    except ValueError as error:
        assert str(error).endswith((".", "?"))
        return
    assert json.dumps(sandbox.faults)
    for _ in range(3):
        answer = sandbox.handle("GET", "/api/3/tags", {"Api-Token": "sandbox"}, b"")
        assert answer.cut or 200 <= answer.status < 600
