"""Connections: kept, one client per event loop, not inherited by forks."""

import asyncio
import gc
import os
import socket
import threading
import time

import httpx
import pytest

from ac_guardrails._request import Request, mint
from ac_tools._account import ActiveCampaign
from ac_tools._errors import ConfigurationError, OutcomeUnknownError, UnreadableResponseError


@pytest.fixture
def account(server, key):
    with ActiveCampaign(url=server.url, key=key, limit=None) as made:
        yield made


def test_a_connection_is_used_again(server, account, go):
    """Several requests go over one connection."""
    for _ in range(5):
        go(account)
    assert len(server.connections) == 1


def test_each_event_loop_has_a_client_that_its_end_closes(server, account, ago):
    """Within a loop the connection is kept; the next loop gets its own; no warning of unclosed sockets appears."""

    async def twice():
        await ago(account)
        await ago(account)
        [mine] = [one for one in account._clients._by_loop.values() if one.loop is asyncio.get_running_loop()]
        return mine.client

    for expected in (1, 2):
        assert asyncio.run(twice()).is_closed
        gc.collect()
        assert len(server.connections) == expected


def test_a_loop_that_has_closed_its_client_costs_no_search_for_garbage(account, ago, monkeypatch):
    """A program that runs a loop for each call would pay for its whole heap each time."""
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("the garbage was collected"))
    for _ in range(3):
        asyncio.run(ago(account))
    account.close()


@pytest.mark.parametrize("again", [True, False])
def test_a_loop_closed_by_hand_is_forgotten_without_warnings(account, ago, again):
    """A loop that was closed without shutting down leaves no warning, whether or not the account is used again."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ago(account))
    loop.close()
    if again:
        asyncio.run(ago(account))
        assert loop not in [client.loop for client in account._clients._by_loop.values()]
    account.close()
    del loop
    gc.collect()


def test_loops_in_several_threads_work_at_once(server, account, ago):
    """Threads with loops of their own share the account."""
    replies = []

    def work():
        async def some():
            replies.extend(await asyncio.gather(*(ago(account) for _ in range(5))))

        asyncio.run(some())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 20


async def test_aclose_closes_this_loops_connections(server, key, ago):
    """After `async with` no socket is left to warn about."""
    async with ActiveCampaign(url=server.url, key=key) as account:
        await ago(account)
    gc.collect()


async def test_closing_in_sync_code_leaves_the_running_loop_to_close_its_own(server, key, ago):
    """close() from within a running loop has that loop close its client soon after."""
    account = ActiveCampaign(url=server.url, key=key)
    await ago(account)
    client = next(iter(account._clients._by_loop.values())).client
    account.close()
    gc.collect()
    await asyncio.sleep(0.05)
    assert client.is_closed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(server, account, go):
    """Parent and child never share a socket, and the parent's goes on working."""
    go(account)
    child = os.fork()
    if child == 0:
        try:
            go(account)
            account.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    go(account)
    assert len(server.seen) == 3
    assert len(server.connections) == 2


def test_a_reset_after_a_write_leaves_its_outcome_open(server, account, go):
    """A connection reset after the request arrived is an unknown outcome, and the write is on the wire once."""
    server.answers += ["reset"]
    with pytest.raises(OutcomeUnknownError, match="It may have happened"):
        go(account, "POST", "/contacts", body={"contact": {}})
    assert len(server.seen) == 1


def test_a_body_cut_short_is_no_success(server, account, go):
    """An answer whose body ends early raises, and does not pass for a short body."""
    server.answers += [(200, {"Content-Length": "100", "Connection": "close"}, b"{}")]
    with pytest.raises(OutcomeUnknownError):
        go(account, "POST", "/contacts", body={})


def test_a_slow_answer_is_a_timeout(server, key, go):
    """An account that does not answer in time leaves a write's outcome open."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with ActiveCampaign(url=url, key=key, timeout=0.2) as account, pytest.raises(OutcomeUnknownError) as caught:
            go(account, "POST", "/contacts", body={})
    assert caught.value.outcome == "unknown"


class Blocking(httpx.BaseTransport):
    """A transport that can only block."""

    def __init__(self):
        self.threads, self.closed = [], False

    def handle_request(self, request):
        time.sleep(0.1)
        self.threads.append(threading.get_ident())
        return httpx.Response(200, json={})

    def close(self):
        self.closed = True


class Async(httpx.AsyncBaseTransport):
    """A transport that can only be awaited."""

    closed = 0

    async def handle_async_request(self, request):
        return httpx.Response(200, json={})

    async def aclose(self):
        self.closed += 1


async def test_a_blocking_transport_does_not_block_the_loop(on, ago):
    """A sync transport used from async code works in threads, several at once."""
    transport = Blocking()
    began = time.monotonic()
    async with on(transport) as account:
        await asyncio.gather(*(ago(account) for _ in range(4)))
    assert threading.get_ident() not in transport.threads
    assert time.monotonic() - began < 0.35
    assert transport.closed


def test_an_async_transport_serves_loops_but_not_sync_code(on, go, ago):
    """An async transport survives the loops that use it, is closed with the account, and is refused in sync code."""
    transport = Async()
    account = on(transport)
    asyncio.run(ago(account))
    asyncio.run(ago(account))
    assert transport.closed == 0
    with pytest.raises(ConfigurationError, match="async"):
        go(account)
    asyncio.run(account.aclose())
    assert transport.closed == 1


def test_an_async_handler_in_sync_code_is_refused(on, go):
    """A function transport with an async handler is told from one with a sync handler."""

    async def handler(request):
        return httpx.Response(200, json={})

    with pytest.raises(ConfigurationError, match="async"):
        go(on(handler))


async def test_async_errors_are_the_same(on, ago):
    """Async code reads bodies, retries and fails as sync code does."""
    statuses = [503, 200]

    def handler(request):
        return httpx.Response(statuses.pop(0), content=b"<html>")

    with pytest.raises(UnreadableResponseError):
        await ago(on(handler))
    assert statuses == []


async def test_a_huge_body_is_not_read_in_async_code(on, ago):
    """The bound on bodies holds for event loops too."""
    read = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            while len(read) < 100:
                read.append(1)
                yield b" " * 1_000_000

    with pytest.raises(UnreadableResponseError, match="too large"):
        await ago(on(lambda _: httpx.Response(200, stream=Endless())))
    assert len(read) < 25


def test_a_proxy_of_the_environment_never_sees_a_plain_request(server, account, go, monkeypatch):
    """Requests to this machine go without a proxy, which would read the key."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert go(account).status == 200


def test_closing_while_a_read_waits_ends_it(server, key, go):
    """A retry that was pending when the account closed opens no new connection."""
    server.answers += [(503, {}, b"{}")] * 9
    account = ActiveCampaign(url=server.url, key=key, retries=9)
    request = Request("GET", "/contacts/7")
    errors = []

    def work():
        try:
            account.send(request, mint(request))
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not server.seen:
        time.sleep(0.01)
    time.sleep(0.1)
    account.close()
    thread.join(5)
    assert errors[0].outcome == "not_sent"
    assert len(server.seen) == 1
