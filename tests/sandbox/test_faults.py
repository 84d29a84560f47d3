"""Failures on order: statuses, cuts, and work that is done late."""

import httpx
import pytest

from ac_tools.sandbox import Server, serve

NEW = {"contact": {"email": "new@example.com"}}
HEADERS = {"Api-Token": "sandbox"}


def people(api):
    return api.get("/contacts")["meta"]["total"]


def client(api, **arguments):
    base = f"{api.sandbox.url}/api/3"
    return httpx.Client(transport=api.sandbox.transport(), base_url=base, headers=HEADERS, **arguments)


@pytest.mark.parametrize(("when", "left"), [("before", "3"), ("after", "4")])
def test_a_status_before_or_after_the_work(api, when, left):
    """A 503 before the work leaves it undone, after the work it hides that it was done."""
    api.sandbox.fault("POST", "/contacts", status=503, when=when, headers={"X-Why": "test"})
    answer = api.answer("POST", "/contacts", NEW)
    assert (answer.status, answer.headers["X-Why"], answer.body) == (503, "test", b'{"message":"Service Unavailable"}')
    assert people(api) == left


def test_a_fault_hits_what_it_names_as_often_as_it_says(api):
    """Method and pattern choose, times counts, and further faults wait their turn."""
    api.sandbox.fault("GET", "/contacts/*", times=2, status=500, body="<html>")
    api.sandbox.fault("GET", "/contacts/1", status=429, headers={"Retry-After": "7"})
    statuses = [api.answer("GET", "/contacts/1").status for _ in range(4)]
    assert statuses == [500, 500, 429, 200]
    assert api.answer("GET", "/contacts").status == 200


@pytest.mark.parametrize(
    ("cut", "error"), [("reset", httpx.ReadError), ("timeout", httpx.ReadTimeout), ("refused", httpx.ConnectError)]
)
def test_cuts_become_httpx_errors(api, cut, error):
    """Each cut is the exception that httpx would raise, and the work before it is not done."""
    api.sandbox.fault("*", "*", cut=cut)
    with client(api) as http, pytest.raises(error):
        http.post("/contacts", json=NEW)
    assert len(api.sandbox.requests) == (0 if cut == "refused" else 1)
    assert people(api) == "3"


def test_a_cut_after_the_work(api):
    """A reset after the work leaves it done."""
    api.sandbox.fault("POST", "/contacts", cut="reset", when="after")
    with client(api) as http, pytest.raises(httpx.ReadError):
        http.post("/contacts", json=NEW)
    assert people(api) == "4"


def test_late_work_is_done_when_its_time_comes(api):
    """The client sees a timeout at once; the work is done when the account's clock has passed, as of then."""
    api.sandbox.fault("POST", "/contacts", late=30)
    with client(api) as http, pytest.raises(httpx.ReadTimeout):
        http.post("/contacts", json=NEW)
    api.sandbox.clock.advance(29)
    assert people(api) == "3"
    api.sandbox.clock.advance(60)
    contact = api.get("/contacts")["contacts"][0]
    assert (contact["email"], contact["cdate"]) == ("new@example.com", "2021-03-23T06:05:10-05:00")


def test_late_work_is_done_once(api):
    """What came late is not done again by later requests."""
    api.sandbox.fault("POST", "/campaign", late=30)
    api.answer("POST", "/campaign", {"name": "Autumn", "type": "single"})
    api.sandbox.clock.advance(31)
    assert [api.get("/campaigns")["meta"]["total"] for _ in range(3)] == ["3"] * 3


def test_late_work_keeps_its_place_among_imports(api):
    """An import that was due before a late request is done before it, each as of its own moment."""
    api.sandbox.fault("POST", "/contacts", late=30)
    api.answer("POST", "/contacts", NEW)
    api("POST", "/import/bulk_import", {"contacts": [{"email": "imported@example.com"}]})
    api.sandbox.clock.advance(60)
    late, imported = api.get("/contacts?limit=2")["contacts"]
    assert (imported["email"], imported["cdate"]) == ("imported@example.com", "2021-03-23T06:04:44-05:00")
    assert (late["email"], late["cdate"]) == ("new@example.com", "2021-03-23T06:05:10-05:00")


@pytest.mark.parametrize(
    "wrong", [{}, {"status": 500, "cut": "reset"}, {"late": 1, "cut": "timeout"}, {"cut": "refused", "when": "after"}]
)
def test_an_unclear_fault_is_an_error(api, wrong):
    """A fault that does not say how to fail, or says it twice, is refused."""
    with pytest.raises(ValueError):
        api.sandbox.fault("GET", "*", **wrong)


async def test_the_transport_is_async_too(api):
    """The same transport serves an async client."""
    transport = api.sandbox.transport()
    async with httpx.AsyncClient(transport=transport, base_url=f"{api.sandbox.url}/api/3", headers=HEADERS) as http:
        made = await http.post("/contacts", json=NEW)
        found = await http.get("/contacts", params={"email": "new@example.com"})
    assert made.status_code == 201
    assert found.json()["contacts"][0]["id"] == made.json()["contact"]["id"]


@pytest.fixture
def server(api):
    with serve(api.sandbox) as running:
        yield running


@pytest.fixture
def web(server):
    with httpx.Client(base_url=f"{server.url}/api/3", headers=HEADERS, timeout=5) as http:
        yield http


def test_a_real_server_keeps_its_connections(api, web):
    """Requests go over one connection and answer as in process, names beyond ASCII included."""
    made = web.post("/contacts", json={"contact": {"email": "a@example.com", "firstName": "Åsa"}})
    assert (made.status_code, made.json()["contact"]["firstName"]) == (201, "Åsa")
    streams = [web.get("/contacts?limit=1").extensions["network_stream"] for _ in range(3)]
    assert len({stream.get_extra_info("client_addr") for stream in streams}) == 1
    assert web.delete("/contacts/4").content == b"{}"


def test_a_real_server_is_fast(web):
    """A request over loopback takes a few milliseconds: no delayed packets, no look-up of names."""
    web.get("/users/me")
    fastest = min(web.get("/users/me").elapsed.total_seconds() for _ in range(20))
    assert fastest < 0.02


def test_a_real_reset(api, web):
    """A reset is one on the wire, after which the next request works."""
    api.sandbox.fault("POST", "/contacts", cut="reset", when="after")
    with pytest.raises(httpx.ReadError):
        web.post("/contacts", json=NEW)
    assert web.get("/contacts").json()["meta"]["total"] == "4"


def test_a_real_timeout(api, web):
    """A request that is never answered runs into the client's own timeout."""
    api.sandbox.fault("GET", "/users/me", cut="timeout")
    with pytest.raises(httpx.ReadTimeout):
        web.get("/users/me", timeout=0.2)
    assert web.get("/users/me").status_code == 200


def test_closing_ends_held_connections(api):
    """Closing the server ends a held request at once, and a second close does nothing."""
    import threading
    import time

    running: Server = serve(api.sandbox)
    api.sandbox.fault("GET", "*", cut="timeout")
    errors = []

    def ask():
        try:
            httpx.get(f"{running.url}/api/3/users/me", headers=HEADERS, timeout=10)
        except httpx.TransportError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.2)
    start = time.monotonic()
    running.close()
    running.close()
    thread.join()
    assert time.monotonic() - start < 2
    assert len(errors) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/api/3/users/me")


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "99999999999"}])
def test_a_server_refuses_what_it_cannot_hold(server, headers):
    """A body without a length, or beyond ten million bytes, is refused without being read."""
    from http.client import HTTPConnection

    host, port = server.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    connection.putrequest("POST", "/api/3/contacts")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
