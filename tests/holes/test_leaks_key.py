"""Rows 37 and 38: the API key, and where it may be sent."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import threading
import traceback
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps

from ac_guardrails import Decision, Request
from ac_guardrails._request import mint
from ac_tools import ActiveCampaign, ActiveCampaignToolkit, ConfigurationError
from ac_tools._catalog import AREAS

KEY = "k3y-0f-the-acc0unt-that-nob0dy-may-see"
URL = "https://acme.api-us1.com"


def keyed(guard_for, handler=None, **options):
    """A toolkit whose account has the key, on a function from request to response."""
    transport = httpx.MockTransport(handler or (lambda request: httpx.Response(200, json={"tags": []})))
    guard = guard_for(dict.fromkeys(AREAS, "full"), lambda request: Decision.approve(by="anna"), **options)
    account = ActiveCampaign(url=URL, key=KEY, transport=transport, retries=0, limit=None)
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


SHOWN = {
    "repr of the account": lambda kit, tool: repr(kit.account),
    "str of the account": lambda kit, tool: str(kit.account),
    "the account's attributes": lambda kit, tool: repr(vars(kit.account)),
    "repr of the toolkit": lambda kit, tool: repr(kit) + str(kit),
    "the toolkit's fields": lambda kit, tool: repr(kit.model_dump()),
    "repr of the tool": lambda kit, tool: repr(tool) + str(tool),
    "the tool's fields": lambda kit, tool: repr(tool.model_dump()) + repr(vars(tool)),
    "the tool as LangChain stores it": lambda kit, tool: dumps(tool),
    "the binding": lambda kit, tool: repr(tool.binding),
    "copies": lambda kit, tool: repr(copy.deepcopy(tool)) + repr(copy.copy(kit.account)),
    "a clients' repr": lambda kit, tool: repr(vars(kit.account._clients)),
}


@pytest.mark.parametrize("case", SHOWN)
def test_row_37_nothing_that_can_be_printed_shows_the_key(case, guard_for):
    """No repr, dump or copy of account, toolkit, tool or guard holds the key."""
    kit = keyed(guard_for)
    assert KEY not in SHOWN[case](kit, kit.get_tool("ac_delete_contact"))


@pytest.mark.parametrize("what", ["account", "tool", "toolkit"])
def test_row_37_a_pickle_has_no_key(what, guard_for):
    """What can be pickled holds no key, and what holds the key cannot be pickled."""
    kit = keyed(guard_for)
    thing = {"account": kit.account, "tool": kit.get_tool("ac_delete_contact"), "toolkit": kit}
    try:
        data = pickle.dumps(thing[what])
    except (TypeError, AttributeError, pickle.PicklingError):
        return
    assert KEY.encode() not in data


ECHOES = {
    "in an error": lambda request: httpx.Response(403, json={"message": f"token {request.headers['api-token']}"}),
    "in a title": lambda request: httpx.Response(
        400, json={"errors": [{"title": KEY, "detail": KEY, "code": KEY, "source": {"pointer": KEY}}]}
    ),
    "in plain text": lambda request: httpx.Response(500, text=f"stack trace: {KEY}"),
    "in a header": lambda request: httpx.Response(200, headers={"X-Ac-Error": KEY, "X-Request-Id": KEY}),
}


def _fails_with(request):
    raise httpx.ConnectError(f"cannot connect with {request.headers['api-token']}", request=request)


def _breaks_with(request):
    raise httpx.ReadTimeout(f"no answer to {request.headers['api-token']}", request=request)


ECHOES |= {"in a failed connection": _fails_with, "in a timeout": _breaks_with}


@pytest.mark.parametrize("case", ECHOES)
def test_row_37_an_echoed_key_goes_nowhere(case, guard_for, tmp_path):
    """A server or a library that puts the key into its error gets it neither to the model nor into the ledger."""
    path = tmp_path / "ledger.db"
    kit = keyed(guard_for, ECHOES[case], ledger=f"sqlite:///{path}")
    tool = kit.get_tool("ac_add_tag")
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {"contact": 46, "tag": 3}})
    assert message.status == "error"
    assert KEY not in message.model_dump_json(exclude={"artifact"}) + repr(message.artifact)
    entry = kit.guard.ledger.entries()[-1]
    assert KEY not in repr(entry) + json.dumps(dict(entry.payload))
    kit.guard.ledger.close()
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_row_37_a_traceback_with_every_local_has_no_key(guard_for):
    """An exception that comes out of a tool shows no key, even where every local variable is printed."""
    kit = keyed(guard_for)
    request = Request("GET", "/tags")
    permit = mint(request)
    try:
        kit.account.send(request, permit)
        kit.account.send(request, permit)
    except Exception as error:
        frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), capture_locals=True)
        assert KEY not in "".join(frames.format()) + repr(error)
    else:
        pytest.fail("it was sent twice")


class Traces(BaseCallbackHandler):
    """Keeps all that a tracer is told."""

    def __init__(self) -> None:
        self.told = io.StringIO()

    def on_tool_start(self, *args, **kwargs):
        print(args, kwargs, file=self.told)

    on_tool_end = on_tool_error = on_tool_start


def test_row_37_logs_and_traces_have_no_key(served, guard_for, caplog):
    """With everything logged at DEBUG and a tracer attached, over real HTTP, the key is in no record."""
    guard, traces = guard_for(dict.fromkeys(AREAS, "full")), Traces()
    served.sandbox.key = KEY
    with caplog.at_level(logging.DEBUG), ActiveCampaign(url=served.url, key=KEY, limit=None) as account:
        kit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        assert kit.get_tool("ac_list_tags").invoke({}, config={"callbacks": [traces]})
        kit.get_tool("ac_get_contact").invoke({"contact": 9999}, config={"callbacks": [traces]})
    assert [item.status for item in served.sandbox.requests] == [200, 404]
    assert KEY not in caplog.text + traces.told.getvalue()


def test_row_37_the_key_is_in_no_url_and_no_body(guard_for):
    """The key leaves in its header and nowhere else."""
    seen = []
    kit = keyed(guard_for, lambda request: seen.append(request) or httpx.Response(200, json={"tags": []}))
    kit.get_tool("ac_list_tags").invoke({"search": "x"})
    assert seen[0].headers["Api-Token"] == KEY
    assert KEY not in str(seen[0].url) + seen[0].content.decode()


@contextmanager
def moved_to(location, status):
    """A server on loopback that points elsewhere; how often it was asked."""
    state = SimpleNamespace(asked=0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked += 1
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.port = server.server_port
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_37_a_redirect_does_not_carry_the_key_away(status, guard_for):
    """A redirect to another host is refused: that host is asked nothing, and so never sees the key."""
    seen = []

    def moved(request):
        seen.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://evil.example/api/3/tags"})

    tool = keyed(guard_for, moved).get_tool("ac_list_tags")
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {}})
    assert message.status == "error"
    assert seen == ["acme.api-us1.com"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_38_a_redirect_is_not_followed(status, served, guard_for):
    """Over real HTTP, an account that points elsewhere is an error, and no second request leaves."""
    guard = guard_for({"tags": "read"})
    with (
        moved_to(f"{served.url}/api/3/tags", status) as mover,
        ActiveCampaign(url=f"http://127.0.0.1:{mover.port}", key=served.key, limit=None) as account,
    ):
        tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_list_tags")
        message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {}})
    assert message.status == "error"
    assert mover.asked == 1
    assert served.sandbox.requests == []


NO_HOME = [
    "http://acme.api-us1.com",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1@evil.example",
    "https://acme.api-us1.com@evil.example",
    "https://acme.api-us1.com:x@evil.example",
    "https://acme.api-us1.com\\@evil.example",
    "https://acme.api-us1.com#@evil.example",
    "https://acme.api-us1.com?@evil.example",
    "https://acme.api-us1.com/../../evil",
    "https://acme.api-us1.com/%2e%2e",
    "https://acme .api-us1.com",
    "ftp://acme.api-us1.com",
    "acme.api-us1.com",
    "//acme.api-us1.com",
    "https://",
    "https://youraccountname.api-us1.com",
]


@pytest.mark.parametrize("url", NO_HOME)
def test_row_38_only_https_to_the_very_host_is_taken(url):
    """An URL that is no https, or that reads as one host and means another, is refused before the key is used."""
    try:
        ActiveCampaign(url=url, key=KEY, transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    except ConfigurationError as error:
        assert KEY not in str(error)
    else:
        pytest.fail("it was taken")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_row_38_loopback_may_be_plain(url):
    """On this machine plain http is allowed: nobody can listen on the way."""
    try:
        account = ActiveCampaign(url=url, key=KEY)
    except ConfigurationError as error:
        pytest.fail(str(error))
    assert account.url == f"{url}/api/3"


@pytest.mark.parametrize(
    "path", ["//evil.example/tags", "/\\evil.example", "/@evil.example/x", "https://evil.example/x"]
)
def test_row_38_a_path_cannot_name_another_host(path, sent, account):
    """Even with a permit, a path that would be read as another host never leaves."""
    request = Request("GET", path)
    try:
        account.send(request, mint(request))
    except Exception as error:
        assert isinstance(error, ConfigurationError), error
        assert sent == []
    else:
        pytest.fail("it was sent")
