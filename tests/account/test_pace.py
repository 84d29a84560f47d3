"""The request budget of a host."""

import asyncio
import os
import threading
import time

import httpx
import pytest

from ac_guardrails._request import Request, mint
from ac_tools._errors import RateLimitError
from ac_tools._pace import DEFAULT_LIMIT, Pace


def take(pace):
    """Take a slot as a caller would, and return when."""
    while wait := pace.try_acquire():
        time.sleep(wait)
    return time.monotonic()


def most_in_a_second(times):
    """The largest number of moments within any one second."""
    times = sorted(times)
    return max(sum(1 for other in times if moment <= other < moment + 1.0) for moment in times)


def test_no_second_has_more_requests_than_the_limit_at_the_server(server, on):
    """Three account objects, eight threads and an event loop together stay within five requests in any second."""
    from ac_tools._account import ActiveCampaign

    accounts = [ActiveCampaign(url=server.url, key="k" * 8) for _ in range(3)]

    def work(number):
        request = Request("GET", f"/contacts/{number}")
        accounts[number % 3].send(request, mint(request))

    async def many():
        requests = [Request("GET", f"/contacts/{number}") for number in range(3)]
        await asyncio.gather(*(accounts[0].asend(request, mint(request)) for request in requests))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    threads.append(threading.Thread(target=lambda: asyncio.run(many())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for account in accounts:
        account.close()
    assert len(server.seen) == 11
    assert most_in_a_second([seen.at for seen in server.seen]) <= DEFAULT_LIMIT


def test_a_slot_is_blocked_until_a_second_after_its_response():
    """A slow request holds its slot while it is in flight and a second longer."""
    pace = Pace(1)
    assert pace.try_acquire() == 0.0
    assert 0 < pace.try_acquire() <= 1
    time.sleep(0.2)
    answered = time.monotonic()
    pace.release()
    assert take(pace) - answered >= 1.0


def test_fifty_waiting_threads_all_get_their_turn():
    """Nobody starves: fifty threads on one budget are all served, in about the least possible time."""
    pace, began = Pace(25), time.monotonic()

    def work():
        take(pace)
        pace.release()

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    ("wishes", "limit"),
    [
        ([], 5),
        (["default"], 5),
        (["default", 10], 10),
        ([10, "default", 3], 3),
        ([3, 10], 3),
        ([None], None),
        ([None, 7], 7),
        ([7, None], 7),
        (["default", None], None),
    ],
)
def test_the_smallest_explicit_limit_stands(wishes, limit):
    """Of several accounts' limits the smallest explicit one holds; without any it is five."""
    pace = Pace()
    for wish in wishes:
        pace.agree(wish)
    assert pace.limit == limit


def test_one_budget_per_host():
    """All accounts on a host share one pace; other hosts have their own."""
    assert Pace.of("one.example") is Pace.of("one.example")
    assert Pace.of("one.example") is not Pace.of("two.example")


def test_without_a_limit_nothing_waits_but_a_pause_still_holds():
    """limit=None never waits, except when the account asks for it."""
    pace = Pace(None)
    assert all(pace.try_acquire() == 0.0 for _ in range(100))
    pace.pause(0.2)
    assert 0.1 < pace.try_acquire() <= 0.2


@pytest.mark.parametrize(("seconds", "least", "most"), [(99999, 59, 60), (-1, 0, 0), (2, 1.9, 2)])
def test_a_pause_is_bounded(seconds, least, most):
    """A pause lasts a minute at most and never goes back in time."""
    pace = Pace()
    pace.pause(seconds)
    assert least <= pace.paused() <= most
    pace.pause(0)
    assert least <= pace.paused() <= most


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ratelimit-limit": "many", "ratelimit-remaining": "-1"},
        {"ratelimit-limit": "0", "ratelimit-remaining": "５"},
        {"ratelimit-limit": "9" * 400, "ratelimit-remaining": ""},
        {"ratelimit-limit": "1000", "ratelimit-remaining": "999"},
    ],
)
def test_garbage_and_generous_headers_change_nothing(headers):
    """Only a sane, lower limit is adopted from the account's headers."""
    pace = Pace()
    pace.try_acquire()
    pace.observe(headers)
    pace.release()
    assert pace.limit == 5
    assert [pace.try_acquire() for _ in range(4)] == [0.0] * 4
    assert pace.try_acquire() > 0


def test_a_lower_stated_limit_is_adopted():
    """An account that says that it admits two a second gets two."""
    pace = Pace()
    pace.observe({"ratelimit-limit": "2"})
    assert [pace.try_acquire() > 0 for _ in range(3)] == [False, False, True]


def test_requests_of_other_processes_count():
    """When the account counts more requests than we sent, the difference is left to the others for a second."""
    pace = Pace()
    pace.try_acquire()
    pace.observe({"ratelimit-limit": "5", "ratelimit-remaining": "1"})
    pace.release()
    assert pace.try_acquire() == 0.0
    assert pace.try_acquire() > 0


def test_a_429_holds_everyone_back(on, go):
    """After one caller's 429 the other accounts on the host send nothing until the time that it named is over."""
    times = []

    def handler(_):
        times.append(time.monotonic())
        return httpx.Response(429, headers={"Retry-After": "1"}) if len(times) == 1 else httpx.Response(200, json={})

    one, other = (on(handler, url="https://paused.api-us1.com", limit=5, retries=0) for _ in range(2))
    with pytest.raises(RateLimitError) as caught:
        go(one, "POST", "/contacts", body={})
    assert caught.value.retry_after == 1
    go(other)
    assert times[1] - times[0] >= 0.99


@pytest.mark.parametrize("after", ["99999", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_pause_too_long_to_wait_for_is_said_at_once(on, go, after):
    """Retry-After: 99999 raises immediately with the seconds; so does the next call, which is not sent."""
    calls = []

    def handler(_):
        calls.append(1)
        return httpx.Response(429, headers={"Retry-After": after})

    account, began = on(handler, max_wait=5), time.monotonic()
    with pytest.raises(RateLimitError) as caught:
        go(account)
    assert caught.value.retry_after >= 99998
    with pytest.raises(RateLimitError) as caught:
        go(account, "POST", "/contacts", body={})
    assert caught.value.outcome == "not_sent"
    assert 50 < caught.value.retry_after <= 60
    assert (len(calls), time.monotonic() - began < 1) == (1, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_neither_hangs_nor_forgets():
    """A child forked while the lock is held and slots are in flight goes on, counting the parent's requests."""
    pace = Pace(2)
    pace.try_acquire()
    with pace._lock:
        child = os.fork()
        if child == 0:
            first, second = pace.try_acquire(), pace.try_acquire()
            os._exit(0 if first == 0.0 and 0 < second <= 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
