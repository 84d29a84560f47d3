"""The request budget of a host, shared by all processes that have the same ledger file.

Accounts on transports have budgets of their own in this process, as accounts of several processes do.
"""

import asyncio
import os
import sqlite3
import sys
import threading
import time

import httpx
import pytest

from ac_guardrails._ledger_url import open_ledger
from ac_guardrails._turnstile import Turnstile
from ac_tools._errors import ConfigurationError, RateLimitError
from ac_tools._pace import Pace

HOST = "acme.api-us1.com"


def most_in_a_second(times):
    """The largest number of moments within any one second."""
    return max(sum(1 for other in times if moment <= other < moment + 1.0) for moment in times)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


@pytest.fixture
def sharing(on, ledger):
    """Makes accounts that share their budget, and closes them."""
    made = []

    def make(handler, *ledgers, **options):
        made.append(on(handler, **options))
        for each in ledgers or (ledger,):
            made[-1].share_budget(each)
        return made[-1]

    yield make
    for account in made:
        account.close()


@pytest.fixture
def answering():
    """A handler that answers everything and keeps in `.at` when."""

    def handler(request):
        handler.at.append(time.monotonic())
        return httpx.Response(200, json={})

    handler.at = []
    return handler


def free_slots(ledger, *, later=0.0):
    """How many slots another process finds in the file, so many seconds from now."""
    turnstile = Turnstile(ledger.path, clock=lambda: time.time() + later)
    tickets = []
    while ticket := turnstile.take(HOST, 5).ticket:
        tickets.append(ticket)
    for ticket in tickets:
        turnstile.cancel(ticket)
    turnstile.close()
    return len(tickets)


@pytest.fixture
def held(ledger):
    """The file, locked by somebody else until `.rollback()`."""
    other = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def spoil(ledger):
    """Make the file one that the budget cannot be counted in."""
    with sqlite3.connect(ledger.path) as other:
        other.execute("DROP TABLE IF EXISTS turnstile")
        other.execute("CREATE TABLE turnstile (something TEXT)")
    other.close()


def test_accounts_on_one_ledger_keep_one_budget(sharing, answering, go, ago):
    """Two accounts in threads and a third on an event loop send no more than five requests in any second together."""
    one, other, third = (sharing(answering) for _ in range(3))

    async def looped():
        await asyncio.gather(*(ago(third) for _ in range(4)))

    threads = [threading.Thread(target=go, args=(account,)) for account in (one, other) for _ in range(4)]
    threads.append(threading.Thread(target=lambda: asyncio.run(looped())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answering.at) == 12
    assert most_in_a_second(answering.at) <= 5


def test_without_a_common_file_or_a_limit_nothing_is_shared(on, sharing, answering, go, ledger):
    """Ledgers in memory, and accounts without a limit, wait for nobody and write nothing."""
    memory = [sharing(answering, open_ledger("memory:")) for _ in range(3)]
    unlimited = sharing(answering, limit=None)
    begun = time.monotonic()
    for account in memory:
        for _ in range(5):
            go(account)
    for _ in range(15):
        go(unlimited)
    assert time.monotonic() - begun < 0.9
    assert free_slots(ledger) == 5


def test_a_ledger_in_memory_makes_no_file(sharing, answering, go, tmp_path, monkeypatch):
    """Nor where an event loop is watched, so that looks into memory leave it, too."""
    monkeypatch.setitem(sys.modules, "blockbuster", sys)
    monkeypatch.chdir(tmp_path)
    go(sharing(answering, open_ledger("memory:")))
    assert {each.name.partition(".")[0] for each in tmp_path.iterdir()} == {"ledger"}, "which is that of the fixture"


def test_sharing_again_changes_nothing(sharing, answering, go, ledger):
    """However many tools of an account have the same guard, a request takes one slot."""
    account = sharing(answering, *[ledger] * 29)
    for _ in range(2):
        go(account)
    assert free_slots(ledger) == 3


def test_every_ledger_has_to_have_a_slot(sharing, answering, go, ledger, tmp_path):
    """An account whose tools have two ledgers waits for the fuller one, and takes nothing of the other meanwhile."""
    second = open_ledger(f"sqlite:///{tmp_path / 'second.db'}")
    busy = Turnstile(second.path)
    tickets = [busy.take(HOST, 5).ticket for _ in range(5)]
    thread = threading.Thread(target=go, args=(sharing(answering, ledger, second),))
    thread.start()
    time.sleep(0.3)
    assert answering.at == []
    assert free_slots(ledger) >= 4  # one may be taken just now, while the account looks again
    busy.cancel(tickets[0])
    thread.join(5)
    assert len(answering.at) == 1
    assert (free_slots(ledger), free_slots(second)) == (4, 0)
    busy.close()
    second.close()


def test_a_closed_account_shares_no_more(sharing, on, answering, go, ledger):
    """After the account that shared is closed, a new one on its host is bound to no file."""
    url = "https://closed.api-us1.com"
    sharing(answering, url=url, limit=5).close()
    account, begun = on(answering, url=url, limit=5), time.monotonic()
    spoil(ledger)
    go(account)
    assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_one_was_asked_for_holds_for_all(sharing, answering, go, status):
    """After one account was told to wait a second, the others send nothing before that."""
    answers = [httpx.Response(status, headers={"Retry-After": "1"})]
    one, other = sharing(lambda _: answers.pop(), retries=0), sharing(answering)
    with pytest.raises(Exception, match=str(status)):
        go(one)
    refused = time.monotonic()
    go(other)
    assert answering.at[0] - refused >= 0.95


async def test_a_pause_too_long_to_wait_for_is_said_to_all(sharing, answering, go, ago):
    """Retry-After: 99999 of one account is told at once by the others, in threads and on loops, and nothing is sent."""
    one = sharing(lambda _: httpx.Response(429, headers={"Retry-After": "99999"}))
    with pytest.raises(RateLimitError):
        await ago(one)
    begun = time.monotonic()
    for send in (ago, lambda account: asyncio.to_thread(go, account)):
        with pytest.raises(RateLimitError, match="too long to wait") as caught:
            await send(sharing(answering, max_wait=5))
        assert caught.value.outcome == "not_sent"
        assert 50 < caught.value.retry_after <= 60
    assert time.monotonic() - begun < 1
    assert answering.at == []


async def test_an_event_loop_does_not_wait_for_the_file(sharing, answering, ago, held):
    """While another process holds the file, the loop's other tasks go on; then the request is sent."""
    task, begun = asyncio.create_task(ago(sharing(answering))), time.monotonic()
    await asyncio.sleep(0.3)
    assert (task.done(), answering.at) == (False, [])
    assert time.monotonic() - begun < 2
    held.rollback()
    assert (await task).status == 200


async def test_an_event_loop_does_not_wait_to_give_a_slot_back(sharing, ago, ledger):
    """Nor where the file is held when the answer comes."""
    other = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)

    async def handler(_):
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        return httpx.Response(200, json={})

    task, begun = asyncio.create_task(ago(sharing(handler))), time.monotonic()
    await asyncio.sleep(0.3)
    assert not task.done()
    assert time.monotonic() - begun < 2
    other.close()
    assert (await task).status == 200
    assert free_slots(ledger, later=1.1) == 5


async def test_a_call_cancelled_while_it_waits_for_the_file_keeps_no_slot(sharing, answering, ago, held, ledger):
    """Cancelled twice, even: what the thread took by then is given back, and nothing is sent."""
    account = sharing(answering)
    task = asyncio.create_task(ago(account))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    held.rollback()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.get_running_loop().shutdown_default_executor()  # whatever a thread is still at
    assert answering.at == []
    assert free_slots(ledger, later=1.1) == 5


async def test_a_call_cancelled_under_way_keeps_no_slot(sharing, ago, ledger):
    """Its slot is free a second after it was cancelled."""
    began = asyncio.Event()

    async def handler(_):
        began.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(ago(sharing(handler)))
    await began.wait()
    assert free_slots(ledger, later=1.1) == 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert free_slots(ledger, later=1.1) == 5


def test_an_interrupted_call_keeps_no_slot(sharing, go, ledger):
    """Ctrl-C while a request is under way gives its slot back, and comes through."""

    def handler(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(sharing(handler))
    assert free_slots(ledger, later=1.1) == 5


def test_a_call_that_is_dropped_keeps_no_slot(sharing, ago, ledger):
    """A coroutine that is closed where it stands, as at the end of a program, gives its slot back."""
    began = asyncio.Event()

    async def handler(_):
        began.set()
        await asyncio.Event().wait()

    async def dropped():
        call = ago(sharing(handler))
        task = asyncio.create_task(call)
        await began.wait()
        call.close()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(dropped())
    assert free_slots(ledger, later=1.1) == 5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_requests_cannot_be_counted_none_is_sent(sharing, answering, go, ledger, method):
    """The error says why in words, and that nothing was sent; the account's own slot is not lost."""
    spoil(ledger)
    account = sharing(answering)
    for _ in range(6):
        with pytest.raises(ConfigurationError, match=r"was put off\. The ledger .* cannot be used") as caught:
            go(account, method, "/contacts", body=None if method == "GET" else {})
        assert caught.value.outcome == "not_sent"
    assert answering.at == []


def test_an_answer_is_not_lost_with_the_file(sharing, go, ledger):
    """When the file becomes unusable while a write is under way, its answer is returned all the same."""

    def handler(_):
        spoil(ledger)
        return httpx.Response(201, json={"contact": {"id": "7"}})

    assert go(sharing(handler), "POST", "/contacts", body={}).status == 201


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_gives_back_its_own_slots_only(ledger):
    """A child that was forked while its parent had a request under way leaves that one's slot alone."""
    pace = Pace(5)
    kept = pace.share(HOST, ledger.path)
    pace.try_acquire()
    child = os.fork()
    if child == 0:
        pace.try_acquire()
        pace.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert free_slots(ledger, later=1.1) == 4
    pace.release()
    assert free_slots(ledger, later=1.1) == 5
    kept.close()
