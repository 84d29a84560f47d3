"""Every kind of ordered failure, seen by a real httpx client: in process and over loopback HTTP, sync and async."""

import asyncio
import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ac_tools import ActiveCampaign
from ac_tools.sandbox import serve

NEW = {"contact": {"email": "new@example.com"}}
HEADERS = {"Api-Token": "sandbox"}
WORLDS = ["in process", "in process, async", "over HTTP", "over HTTP, async"]


@dataclasses.dataclass
class World:
    """An account, the way to it, and how failures are ordered there."""

    api: Any
    base: str
    transport: Any
    is_async: bool
    order: Callable[..., None]

    def post(self, timeout: float = 5.0) -> httpx.Response:
        """Sends one write with a fresh client."""
        return self.send("POST", "/contacts", NEW, timeout)

    def send(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> httpx.Response:
        """Sends one request with a fresh client."""
        options: dict[str, Any] = {"base_url": f"{self.base}/api/3", "headers": HEADERS, "timeout": timeout}
        if self.transport is not None:
            options["transport"] = self.transport
        if self.is_async:
            return asyncio.run(self._asend(options, method, path, body))
        with httpx.Client(**options) as client:
            return client.request(method, path, json=body)

    async def _asend(self, options: dict[str, Any], method: str, path: str, body: Any) -> httpx.Response:
        async with httpx.AsyncClient(**options) as client:
            return await client.request(method, path, json=body)

    def people(self) -> int:
        """How many contacts there are, read past every failure."""
        self.api.sandbox.clear_faults()
        return int(self.api.get("/contacts")["meta"]["total"])


@pytest.fixture(params=WORLDS)
def world(request, api):
    is_async = request.param.endswith("async")
    if request.param.startswith("in process"):
        sandbox = api.sandbox
        yield World(api, sandbox.url, sandbox.transport(), is_async, sandbox.fault)
        return
    with serve(api.sandbox) as server:

        def order(method, path, **words):
            answer = httpx.post(f"{server.url}/__sandbox/faults", json={"method": method, "path": path, **words})
            assert answer.status_code == 201, answer.text

        yield World(api, server.url, None, is_async, order)


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
PHRASES = {
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


@pytest.mark.parametrize(("when", "left"), [("before", 3), ("after", 4)])
@pytest.mark.parametrize("status", PHRASES)
def test_statuses(world, status, when, left):
    """Each status is answered before the work, which then is not done, or after it."""
    world.order("POST", "/contacts", status=status, when=when)
    answer = world.post()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.content == b"" if status == 402 else answer.json() == {"message": PHRASES[status]}
    assert world.people() == left


@pytest.mark.parametrize("header", [None, "0", "30", "99999", "-5", "", "soon", "NaN", DATE])
def test_any_retry_after(world, header):
    """A 429 says when to come again in seconds, as a date, as nonsense, or not at all."""
    world.order("*", "*", status=429, headers={} if header is None else {"Retry-After": header})
    answer = world.send("GET", "/tags")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, header)


CUTS = {"reset": httpx.ReadError, "timeout": httpx.ReadTimeout, "midway": httpx.RemoteProtocolError}


@pytest.mark.parametrize(("when", "left"), [("before", 3), ("after", 4)])
@pytest.mark.parametrize("cut", CUTS)
def test_cuts(world, cut, when, left):
    """The connection breaks or stays silent before or after the work, as httpx tells it."""
    world.order("POST", "/contacts", cut=cut, when=when)
    with pytest.raises(CUTS[cut]):
        world.post(timeout=0.3)
    assert world.people() == left
    assert world.post().status_code == (201 if left == 3 else 422)


def test_work_that_is_done_after_the_client_gave_up(world):
    """The client runs into its timeout; so many seconds of the account's clock later the work is done."""
    world.order("POST", "/contacts", late=30)
    with pytest.raises(httpx.ReadTimeout):
        world.post(timeout=0.2)
    world.api.sandbox.clock.advance(29)
    assert world.people() == 3
    world.api.sandbox.clock.advance(2)
    assert world.people() == 4


def test_late_is_counted_from_when_the_client_gave_up(make):
    """On a clock that runs, the work waits until the client has gone and then its own time."""
    from ac_tools.sandbox import Clock

    api = make(clock=Clock())

    def people():
        return int(api.get("/contacts")["meta"]["total"])

    with serve(api.sandbox) as server:
        api.sandbox.fault("POST", "/contacts", late=0.4)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/api/3/contacts", json=NEW, headers=HEADERS, timeout=0.6)
        assert people() == 3
        api.sandbox.clock.advance(0.5)
        assert people() == 4


def test_a_slow_drip(world):
    """The account's own answer comes byte by byte, whole, and the work is done."""
    world.order("GET", "/nowhere", drip=0.01)
    start = time.monotonic()
    answer = world.send("GET", "/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
    assert time.monotonic() - start > 0.01 * len(answer.content) * 0.9
    world.order("POST", "/contacts", drip=0.00001)
    assert world.post().json()["contact"]["email"] == "new@example.com"
    assert world.people() == 4


def test_a_drip_of_another_answer(world):
    """What is answered instead can trickle, too, with the work not done."""
    world.order("POST", "/contacts", status=503, size=20, drip=0.001)
    answer = world.post()
    assert (answer.status_code, len(answer.content)) == (503, 20)
    assert world.people() == 3


def test_a_drip_slower_than_the_client_waits(world):
    """A pause between two bytes that is longer than the client's timeout is a timeout in the middle of the body."""
    world.order("POST", "/contacts", drip=30)
    with pytest.raises(httpx.ReadTimeout):
        world.post(timeout=0.2)
    assert world.people() == 4


@pytest.mark.parametrize(("when", "left"), [("before", 3), ("after", 4)])
def test_truncated_json(world, when, left):
    """A 200 whose JSON ends in the middle: of some message before the work, of the account's own answer after it."""
    world.order("POST", "/contacts", reply="truncated", when=when)
    answer = world.post()
    assert answer.status_code == (200 if when == "before" else 201)
    assert int(answer.headers["content-length"]) == len(answer.content) > 0
    assert (b'"cdate"' in answer.content) is (when == "after")
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert world.people() == left


@pytest.mark.parametrize(("words", "status", "title"), [({}, 200, b"OK"), ({"status": 502}, 502, b"Bad Gateway")])
def test_html(world, words, status, title):
    """A page of HTML where JSON should be, as proxies in between answer."""
    world.order("GET", "/tags", reply="html", **words)
    answer = world.send("GET", "/tags")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=UTF-8")
    assert answer.content.startswith(b"<!DOCTYPE html>")
    assert title in answer.content


@pytest.mark.parametrize(("when", "left"), [("before", 3), ("after", 4)])
def test_an_empty_200_with_an_error_header(world, when, left):
    """The empty 200 with X-Ac-Error that was recorded in 2020."""
    world.order("POST", "/contacts", reply="empty", when=when)
    answer = world.post()
    assert (answer.status_code, answer.content, answer.headers["x-ac-error"]) == (200, b"", "Code 9001")
    assert world.people() == left


@pytest.mark.parametrize("size", [0, 1, 2, 13, 14, 1_000, 3_000_000])
def test_a_body_of_any_size(world, size):
    """A body has exactly the size that was ordered, and is JSON unless it is empty."""
    world.order("GET", "/tags", size=size)
    answer = world.send("GET", "/tags")
    assert (answer.status_code, len(answer.content)) == (200, size)
    assert size == 0 or answer.json() is not None


def test_a_status_without_a_body(world):
    """A 204 has no body, so that the connection can be used again."""
    world.order("GET", "/tags", status=204, body="not told")
    answer = world.send("GET", "/tags")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def statuses(world, count=60):
    return [world.send("GET", "/tags").status_code for _ in range(count)]


def test_chance_is_the_same_again(make):
    """With a seed the same requests fail in every run, in another seed's runs others; about as many as ordered."""

    def run(seed):
        api = make()
        api.sandbox.fault("GET", "/tags", status=500, chance=0.25, seed=seed)
        return [api.answer("GET", "/tags").status for _ in range(400)]

    assert run(7) == run(7) != run(8)
    assert 70 < run(7).count(500) < 130


def test_chance_in_every_world(world, make):
    """Random failures are those of the account in process, wherever they are ordered and met."""
    mirror = make().sandbox
    for order in (world.order, mirror.fault):
        order("GET", "/tags", status=500, chance=0.3, seed=7)
    expected = [mirror.handle("GET", "/api/3/tags", HEADERS, b"").status for _ in range(20)]
    assert statuses(world, 20) == expected
    assert {200, 500} == set(expected)


def test_chances_of_several_faults_are_independent(make):
    """Random failures with one chance and seed fall on requests of their own, and each comes to its share."""

    def failing(*statuses):
        api = make()
        for status in statuses:
            api.sandbox.fault("*", "*", status=status, chance=0.1, seed=7)
        return [api.answer("GET", "/tags").status for _ in range(600)]

    assert [each == 500 for each in failing(500)] != [each == 503 for each in failing(503)]
    both = failing(500, 503)
    assert 30 < both.count(500) < 100
    assert 30 < both.count(503) < 100


def test_chance_ends_after_its_times(make):
    """Random failures go on without end unless they are counted."""
    api = make()
    api.sandbox.fault("GET", "/tags", status=500, chance=0.5, seed=1, times=3)
    assert [api.answer("GET", "/tags").status for _ in range(100)].count(500) == 3
    assert api.sandbox.faults == []


def test_through_the_embedded_account():
    """`ActiveCampaign.sandbox().simulator` takes the same orders."""
    with ActiveCampaign.sandbox() as account:
        account.simulator.fault("GET", "/tags", reply="html")
        (fault,) = account.simulator.faults
        assert fault == {"method": "GET", "path": "/tags", "reply": "html", "left": 1, "hits": 0}
        assert account.simulator.clear_faults() == 1
        assert account.simulator.faults == []


def test_closing_ends_a_drip(api):
    """Closing the server does not wait for an answer that trickles."""
    api.sandbox.fault("GET", "*", drip=5)
    server = serve(api.sandbox)
    errors = []

    def ask():
        try:
            httpx.get(f"{server.url}/api/3/tags", headers=HEADERS, timeout=20)
        except httpx.TransportError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.2)
    start = time.monotonic()
    server.close()
    thread.join()
    assert time.monotonic() - start < 2
    assert len(errors) == 1
