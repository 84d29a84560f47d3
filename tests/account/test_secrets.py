"""The key shows nowhere."""

import asyncio
import contextlib
import gc
import logging
import threading
import traceback

import httpx
import pytest

from ac_guardrails._request import Request, mint
from ac_tools import _account, _exchange, _http
from ac_tools._account import ActiveCampaign
from ac_tools._errors import ActiveCampaignError, ConfigurationError


def played(problem):
    def handler(request):
        if isinstance(problem, type):
            raise problem(f"{dict(request.headers)}", request=request)
        return problem

    return handler


def our_frames(error):
    """The frames of this package that an exception came through."""
    return [
        (frame, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].startswith("ac_tools")
    ]


def printed(error):
    """Our part of the traceback as a tool prints it that shows local variables."""
    return "".join(traceback.StackSummary.extract(our_frames(error), capture_locals=True).format()) + repr(error)


PROBLEMS = [httpx.ConnectError, httpx.ReadTimeout, httpx.ProxyError, httpx.Response(401), httpx.Response(200)]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_traceback_with_locals_has_no_key(on, go, key, problem):
    """Even a traceback that prints every local variable of our frames shows no key, in threads and event loops."""
    account = on(played(problem), retries=0)
    request = Request("GET", "/contacts", (("email", "jane@example.com"),))

    def sync():
        return account.send(request, mint(request))

    def looped():
        return asyncio.run(account.asend(request, mint(request)))

    for run in (sync, looped):
        try:
            run()
        except ActiveCampaignError as error:
            assert error.__cause__ is error.__context__ is None
            assert not any("httpx" in frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
            frames = our_frames(error)
            assert len(frames) >= 2
            for frame, _ in frames:
                assert not any(isinstance(value, httpx.Request | httpx.Response) for value in frame.f_locals.values())
            assert key not in printed(error)
        else:
            pytest.fail("no error")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_passes_without_the_frames_that_hold_the_key(on, go, key, interruption):
    """Ctrl-C in the middle of a request comes through as itself, without the library's frames."""

    def handler(request):
        raise interruption

    with pytest.raises(interruption) as caught:
        go(on(handler))
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert not any("httpx" in frame.f_code.co_filename for frame in frames)


async def test_a_cancellation_passes_and_gives_the_slot_back(on, ago, key):
    """A cancelled task is cancelled, shows no key, and leaves its slot free a second later."""
    began = asyncio.Event()

    async def handler(request):
        began.set()
        await asyncio.sleep(60)

    account = on(handler)
    task = asyncio.create_task(ago(account))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert our_frames(caught.value)
    assert key not in printed(caught.value)
    assert not any("httpx" in frame.f_code.co_filename for frame, _ in traceback.walk_tb(caught.value.__traceback__))
    assert account._pace._in_flight == 0


def test_a_wrong_key_is_not_in_the_constructors_frames():
    """A key that was refused is not among the local variables of our frames."""
    with pytest.raises(ConfigurationError) as caught:
        ActiveCampaign(url="https://acme.api-us1.com", key="hunter22 hunter22")
    assert our_frames(caught.value)
    assert "hunter22" not in printed(caught.value)


def test_debug_logs_of_the_http_libraries_have_no_key(server, go, key, caplog):
    """With everything logged at DEBUG, the key is in no record."""
    server.answers += [(200, {}, b"{}"), (401, {}, b"{}"), (200, {}, b""), "reset"]
    with caplog.at_level(logging.DEBUG), ActiveCampaign(url=server.url, key=key, retries=0) as account:
        go(account)
        for _ in range(3):
            with contextlib.suppress(ActiveCampaignError):
                go(account)
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert key not in caplog.text
    assert not any(key in str(vars(record)) for record in caplog.records)


def test_nothing_of_a_request_lives_on_in_an_error(on, go):
    """From a kept error no httpx request or response can be reached, but through the account itself."""
    account = on(played(httpx.Response(403)), retries=0)
    with pytest.raises(ActiveCampaignError) as caught:
        go(account)
    error = caught.value
    del account, caught
    error.__traceback__ = None
    found, todo = set(), [error]
    while todo:
        item = todo.pop()
        if id(item) in found or isinstance(item, type | threading.Thread) or hasattr(item, "__loader__"):
            continue
        found.add(id(item))
        assert not isinstance(item, httpx.Request | httpx.Response | ActiveCampaign)
        todo += [child for child in gc.get_referents(item) if not callable(child)]


def test_only_one_module_knows_the_http_library():
    """The other modules do not import httpx, so that changing it stays one module's business."""
    assert hasattr(_http, "httpx")
    assert not any(hasattr(module, "httpx") for module in (_account, _exchange))
