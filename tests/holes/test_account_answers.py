"""Rows 34 to 36: too many requests, endless collections, and answers that are not what they seem."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.sandbox import Sandbox, serve


def on(url: str, guard, key: str = "sandbox", **options) -> ActiveCampaignToolkit:
    account = ActiveCampaign(url=url, key=key, **options)
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


def test_row_34_never_more_than_the_budget_in_any_second(guard_for):
    """Threads, an event loop and two account objects together keep to five requests in any one second."""
    guard = guard_for({"tags": "read"})
    sandbox = Sandbox(limit=5)
    with serve(sandbox) as server, on(server.url, guard) as one, on(server.url, guard) as other:

        async def looped():
            tool = one.get_tool("ac_list_tags")
            return await asyncio.gather(*(tool.ainvoke({}) for _ in range(3)))

        with ThreadPoolExecutor(6) as pool:
            work = [pool.submit(kit.get_tool("ac_list_tags").invoke, {}) for kit in (one, other) for _ in range(4)]
            work.append(pool.submit(asyncio.run, looped()))
            for each in work:
                each.result()
    came = sorted(item.at for item in sandbox.requests)
    assert len(came) == 11
    assert all(item.status == 200 for item in sandbox.requests)
    assert all(later - first >= 1 for first, later in zip(came, came[5:], strict=False))


def test_row_34_a_429_holds_everyone_back(account, guard_for, toolkit, run):
    """After one request was told to wait, no other of the process goes out before that."""
    simulator = account.simulator
    simulator.fault("GET", "/tags", status=429, headers={"Retry-After": "1"})
    other = on(simulator.url, guard_for({"lists": "read"}), transport=simulator.transport(), limit=None)
    first = threading.Thread(target=run, args=(toolkit, "ac_list_tags"))
    first.start()
    while not simulator.requests:
        time.sleep(0.005)
    time.sleep(0.05)
    assert run(other, "ac_list_lists").status == "success"
    first.join()
    refused, *later = (item.at for item in simulator.requests)
    assert min(later) - refused >= 0.9


def kind_of(message) -> str:
    """What sort of answer it is: the refusal's kind, or "done"."""
    return getattr(message.artifact, "kind", "done")


def waited(call):
    """What a call answers, and how many seconds it took."""
    begun = time.monotonic()
    try:
        message = call()
    except Exception as error:
        pytest.fail(f"a bare {type(error).__name__}")
    return message, time.monotonic() - begun


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["99999", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_row_34_a_wait_that_is_too_long_is_told(header, status, account, toolkit, run, reached):
    """A day's wait is not waited for: the model is told how long it is, at once, and nothing more is sent."""
    account.simulator.fault("GET", "/tags", status=status, headers={"Retry-After": header})
    message, seconds = waited(lambda: run(toolkit, "ac_list_tags"))
    assert message.status == "error"
    assert "seconds" in message.content
    assert seconds < 1
    assert reached() == ["GET /tags"]


@pytest.mark.parametrize("header", ["-5", "soon", "NaN", "1e9", "", "9" * 5000 + "x"])
def test_row_34_a_wait_that_means_nothing_is_our_own(header, account, toolkit, run, reached):
    """A Retry-After that is negative or garbage leads to an ordinary short wait and another try."""
    account.simulator.fault("GET", "/tags", status=429, headers={"Retry-After": header})
    message, seconds = waited(lambda: run(toolkit, "ac_list_tags"))
    assert message.status == "success"
    assert 0.1 < seconds < 2
    assert reached() == ["GET /tags"] * 2


@pytest.mark.parametrize("status", [429, 503])
def test_row_34_a_storm_ends(status, account, guard_for, run, reached):
    """An account that never recovers is asked a few times within the time allowed, and the model is told."""
    simulator = account.simulator
    simulator.fault("*", "*", status=status, times=1000, headers={"Retry-After": "0"})
    toolkit = on(simulator.url, guard_for({"tags": "read"}), transport=simulator.transport(), limit=None, max_wait=1.0)
    message, seconds = waited(lambda: run(toolkit, "ac_list_tags"))
    assert message.status == "error"
    assert seconds < 3
    assert 1 < len(reached()) <= 4


def test_row_34_a_write_that_met_a_503_is_not_sent_again(account, toolkit, run, writes):
    """Nobody knows whether it was done, so a write goes out once, and the model is told so."""
    account.simulator.fault("POST", "/contactTags", status=503, times=10)
    message = run(toolkit, "ac_add_tag", contact=46, tag=3)
    assert kind_of(message) == "unknown"
    assert writes() == ["POST /contactTags"]


LIMITS = [1000, 101, 0, -1, "all", 10**30]


@pytest.mark.parametrize("limit", LIMITS)
def test_row_35_a_page_is_at_most_a_hundred(limit, toolkit, run, reached):
    """A limit that the API would cut silently is refused with the bounds."""
    assert kind_of(run(toolkit, "ac_list_contacts", limit=limit)) == "invalid"
    assert reached() == []


class Endless(httpx.BaseTransport):
    """An account whose collections never end and whose totals say what they like."""

    def __init__(self, total, *, fresh=True):
        self._total = total
        self._fresh = fresh
        self.requests = 0

    def handle_request(self, request):
        self.requests += 1
        if self.requests > 300:
            pytest.fail("it asks for ever")
        key = request.url.path.rsplit("/", 1)[1]
        asked = int(request.url.params.get("limit", 20))
        first = self.requests * 1000 if self._fresh else 1
        rows = [{"id": str(first + place), "tag": f"t{place}", "email": f"{place}@x.example"} for place in range(asked)]
        meta = {} if self._total is None else {"meta": {"total": self._total}}
        return httpx.Response(200, json={key: rows, **meta}, request=request)


TOTALS = {"absent": None, "too small": 3, "zero": "0", "negative": -1, "a word": "many", "null": [None]}


def endless(guard_for, total, **options):
    transport = Endless(total, **options)
    guard = guard_for({"tags": "write", "contacts": "read"})
    return on("https://endless.api-us1.com", guard, transport=transport, limit=None), transport


@pytest.mark.parametrize("total", TOTALS)
def test_row_35_a_page_says_that_there_is_more(total, guard_for, run):
    """Whatever the account says of its total, a full page tells the model how to go on."""
    toolkit, transport = endless(guard_for, TOTALS[total])
    message = run(toolkit, "ac_list_contacts", limit=10)
    assert "call again with offset=10" in message.content
    assert transport.requests == 1


def test_row_35_an_account_that_sends_more_than_was_asked_is_cut(guard_for, run):
    """A server that ignores the limit does not fill the model's window: the rest is on the next page."""
    rows = [{"id": str(number), "tag": f"t{number}"} for number in range(1, 5001)]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"tags": rows}))
    toolkit = on("https://more.api-us1.com", guard_for({"tags": "read"}), transport=transport, limit=None)
    message = run(toolkit, "ac_list_tags", limit=10)
    assert len(message.content) < 1000
    assert "call again with offset=10" in message.content


def test_row_35_a_name_is_not_looked_for_for_ever(guard_for, run):
    """Looking a name up in an endless collection ends after a thousand records."""
    toolkit, transport = endless(guard_for, None)
    assert run(toolkit, "ac_add_tag", contact=46, tag="nowhere").status == "error"
    assert transport.requests <= 25


def test_row_35_a_walk_over_repeated_pages_ends(guard_for):
    """An account that sends the same page again and again does not keep a walk going."""
    toolkit, transport = endless(guard_for, None, fresh=False)
    assert len(list(toolkit.walk("ac_list_contacts"))) == 100
    assert transport.requests == 2


NO_SUCCESS = {
    "empty with X-Ac-Error": {"body": b"", "headers": {"X-Ac-Error": "Code 9001"}},
    "JSON with X-Ac-Error": {"body": b'{"contactTag":{"id":"1"}}', "headers": {"X-Ac-Error": "Code 9001"}},
    "empty": {"body": b""},
    "succeeded 0": {"body": b'{"succeeded":0,"message":"no"}'},
    "succeeded as text": {"body": b'{"succeeded":"0"}'},
    "success 0": {"body": b'{"success":0,"failureReasons":["no"]}'},
    "success false": {"body": b'{"success":false}'},
    "errors": {"body": b'{"errors":[{"title":"no"}]}'},
    "a page": {"body": b"<html><title>Log in</title></html>", "headers": {"Content-Type": "text/html"}},
    "cut JSON": {"body": b'{"contactTag":{"id":'},
    "null": {"body": b"null"},
    "a text": {"body": b'"ok"'},
    "a list": {"body": b"[]"},
    "an empty object": {"body": b"{}"},
    "something else": {"body": b'{"tag":{"id":"1"}}'},
    "an empty record": {"body": b'{"contactTag":{}}'},
    "nested": {"body": b'{"a":' * 5000 + b"1" + b"}" * 5000},
    "nested a little": {"body": b'{"contactTag":' + b"[" * 200 + b"]" * 200 + b"}"},
    "huge": {"body": b'{"contactTag":{"id":"1"},"pad":"' + b"x" * 21_000_000 + b'"}'},
    "broken gzip": {"body": b"no gzip", "headers": {"Content-Encoding": "gzip"}},
    "not UTF-8": {"body": b'{"contactTag":{"id":"\xff"}}'},
}


@pytest.mark.parametrize("case", NO_SUCCESS)
def test_row_36_a_200_that_is_no_success_is_not_reported_as_one(case, account, toolkit, run, writes):
    """A write that was answered 200 with anything but its record is told and recorded as what it is."""
    account.simulator.fault("POST", "/contactTags", status=200, **NO_SUCCESS[case])
    message = run(toolkit, "ac_add_tag", contact=46, tag=3)
    assert message.status == "error"
    assert len(message.content) < 1500
    assert toolkit.guard.ledger.entries()[-1].outcome in ("refused", "unknown")
    assert writes() == ["POST /contactTags"]


@pytest.mark.parametrize("case", [case for case in NO_SUCCESS if case not in ("something else", "huge")])
def test_row_36_an_unreadable_page_is_not_an_empty_one(case, account, toolkit, run):
    """A read that was answered with nothing readable is an error, and not the news that there is nothing."""
    account.simulator.fault("GET", "/tags", status=200, **NO_SUCCESS[case])
    assert run(toolkit, "ac_list_tags").status == "error"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"meta":{"total":"0"}}'])
def test_row_36_an_unreadable_membership_brings_nobody_back(body, account, toolkit_for, run, writes):
    """Where it cannot be read whether somebody opted out, nobody is subscribed."""
    account.simulator.fault("GET", "/contacts/59/contactLists", status=200, body=body)
    message = run(toolkit_for({"lists": "write"}), "ac_set_list_status", contact=59, list=1, status="subscribe")
    assert message.status == "error"
    assert writes() == []


def test_row_36_json_under_another_label_is_json(account, toolkit, run):
    """JSON that is labelled text/html is read for what it is."""
    body = json.dumps({"contactTag": {"id": "900", "contact": "46", "tag": "3"}})
    account.simulator.fault("POST", "/contactTags", status=200, body=body, headers={"Content-Type": "text/html"})
    assert run(toolkit, "ac_add_tag", contact=46, tag=3).status == "success"
