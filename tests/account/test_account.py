"""What the account takes, sends, and sends again."""

import asyncio
import copy
import pickle
import subprocess
import sys
import time

import httpx
import pytest
from pydantic import SecretStr

from ac_guardrails._request import PermitError, Request, mint
from ac_tools._account import ActiveCampaign
from ac_tools._errors import (
    ActiveCampaignError,
    ConfigurationError,
    ConnectError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    UnreadableResponseError,
)


class Script:
    """A handler that plays answers (a status, a response or an exception) in turn and counts them."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, type):
            raise answer("played")
        return httpx.Response(answer, json={}) if isinstance(answer, int) else answer


@pytest.mark.parametrize(
    ("url", "base", "host"),
    [
        ("https://acme.api-us1.com", "https://acme.api-us1.com/api/3", "acme.api-us1.com"),
        ("https://acme.api-us1.com/", "https://acme.api-us1.com/api/3", "acme.api-us1.com"),
        (" https://ACME.api-us1.com/api/3/\n", "https://acme.api-us1.com/api/3", "acme.api-us1.com"),
        ("https://acme.api-us1.com:443", "https://acme.api-us1.com/api/3", "acme.api-us1.com"),
        ("https://crm.acme.org:8443/x", "https://crm.acme.org:8443/x/api/3", "crm.acme.org:8443"),
        ("http://localhost:8000", "http://localhost:8000/api/3", "localhost:8000"),
        ("http://127.1.2.3", "http://127.1.2.3/api/3", "127.1.2.3"),
        ("http://[::1]:80", "http://[::1]/api/3", "[::1]"),
    ],
)
def test_the_url_is_taken_as_it_is_given(url, base, host):
    """Only a missing /api/3 is added and a trailing slash removed."""
    account = ActiveCampaign(url=url, key="a-key")
    assert (account.url, account.host) == (base, host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.api-us1.com",
        "http://acme.api-us1.com",
        "http://127.0.0.1.acme.com",
        "http://localhost.acme.com",
        "ftp://acme.api-us1.com",
        "https://",
        "https://user:hunter22@acme.api-us1.com",
        "https://hunter22@acme.api-us1.com",
        "https://acme.api-us1.com?key=hunter22",
        "https://acme.api-us1.com/#hunter22",
        "https://acme.api-us1.com\\@evil.com",
        "https://acme.api-us1.com/a b",
        "https://acme.api-us1.com/../x",
        "https://acme.api-us1.com:port",
        "https://acme.api-us1.com:99999",
        "https://ácme.api-us1.com",
        "https://[::1",
        "https://youraccount.api-us1.com",
        "https://your-account-name.api-us1.com",
        "https://<account>.api-us1.com",
        "https://{account}.api-us1.com",
        "https://account.api-us1.com",
        "https://api.example.com",
    ],
)
def test_a_wrong_url_is_refused_without_being_shown(url, monkeypatch):
    """A URL that is unsafe, broken or a placeholder is refused in words that say where the right one is found."""
    monkeypatch.delenv("ACTIVECAMPAIGN_URL", raising=False)
    with pytest.raises(ConfigurationError, match="Settings > Developer") as caught:
        ActiveCampaign(url=url, key="a-key", transport=httpx.MockTransport(Script()))
    assert "hunter22" not in str(caught.value)
    assert caught.value.outcome == "not_sent"


@pytest.mark.parametrize(
    "key", ["", "  ", "clé-hunter22", "hunter22\nX-Evil: 1", "hunter22 x", "hunter22\x00", SecretStr("")]
)
def test_a_wrong_key_is_refused_without_being_shown(key, monkeypatch):
    """A key that cannot be a header's value is refused and not echoed."""
    monkeypatch.delenv("ACTIVECAMPAIGN_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="Settings > Developer") as caught:
        ActiveCampaign(url="https://acme.api-us1.com", key=key)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1, 2.5, "five"])
def test_a_senseless_limit_is_refused(limit):
    """A limit is a whole number above zero, or None."""
    with pytest.raises(ConfigurationError, match="limit"):
        ActiveCampaign(url="https://acme.api-us1.com", key="a-key", limit=limit)


def test_the_environment_names_the_account(monkeypatch, go):
    """from_env() takes URL and key from the environment, and says which is missing."""
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", "https://acme.api-us1.com")
    monkeypatch.setenv("ACTIVECAMPAIGN_API_KEY", " a-key\n")
    assert ActiveCampaign.from_env().host == "acme.api-us1.com"
    monkeypatch.delenv("ACTIVECAMPAIGN_URL")
    with pytest.raises(ConfigurationError, match="ACTIVECAMPAIGN_URL"):
        ActiveCampaign.from_env()


def test_a_request_arrives_as_it_was_permitted(on, go, key):
    """Method, path, encoded query, canonical body and headers are what the account documents."""
    script = Script()
    account = on(script, key=SecretStr(f" {key} "))
    go(account, "POST", "/contact/sync", [("filters[x]", "a+b&c"), ("filters[x]", "C#")], {"b": 1, "a": "é"})
    [request] = script.requests
    assert (request.method, request.url.raw_path) == (
        "POST",
        b"/api/3/contact/sync?filters%5Bx%5D=a%2Bb%26c&filters%5Bx%5D=C%23",
    )
    assert request.content == '{"a":"é","b":1}'.encode()
    assert request.headers["Api-Token"] == key
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("langchain-activecampaign/")
    go(account)
    assert (script.requests[1].content, "Content-Type" in script.requests[1].headers) == (b"", False)


def test_cookies_are_not_kept(on, go):
    """A session cookie of one answer is not sent with the next request."""
    script = Script(httpx.Response(200, json={}, headers={"Set-Cookie": "PHPSESSID=1; path=/"}))
    account = on(script)
    go(account)
    go(account)
    assert "Cookie" not in script.requests[1].headers


async def test_nothing_leaves_without_a_permit(on, go):
    """No permit, a permit for something else, and a permit spent before are refused before anything is sent."""
    script = Script()
    account, request = on(script), Request("DELETE", "/contacts/7")
    permit, other = mint(request), mint(Request("DELETE", "/contacts/8"))
    for wrong in (None, other):
        with pytest.raises(PermitError):
            account.send(request, wrong)
        with pytest.raises(PermitError):
            await account.asend(request, wrong)
    account.send(request, permit)
    with pytest.raises(PermitError):
        account.send(request, permit)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "path", ["/contacts/../users", "contacts", "/contacts?x", "/contacts/7#", "//evil.com", "/a b", ""]
)
def test_a_path_that_is_none_of_the_apis_is_not_sent(on, go, path):
    """A path that could lead elsewhere is refused."""
    script = Script()
    with pytest.raises(ConfigurationError):
        go(on(script), "GET", path)
    assert script.requests == []


@pytest.mark.parametrize(("params", "body"), [((), {"a": "\ud800"}), ((("email", "\ud800"),), None)])
def test_what_cannot_be_encoded_is_not_sent(on, go, params, body):
    """Half a character is refused before anything is sent."""
    script = Script()
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        go(on(script), "POST", "/contacts", params, body)
    assert script.requests == []


async def test_a_read_is_tried_again_after_what_may_pass(on, ago):
    """Reads survive passing faults."""
    problems = [429, 502, 503, 504, httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError]
    scripts = [Script(problem) for problem in problems]
    await asyncio.gather(*(ago(on(script)) for script in scripts))
    assert [len(script.requests) for script in scripts] == [2] * len(problems)


@pytest.mark.parametrize("problem", [400, 401, 403, 404, 422, 500, 302])
def test_a_read_is_not_tried_again_after_what_will_not_pass(on, go, problem):
    """Refusals are not repeated."""
    script = Script(problem)
    with pytest.raises(ActiveCampaignError):
        go(on(script))
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("problem", "error", "outcome"),
    [
        (429, RateLimitError, "refused"),
        (500, ServerError, "unknown"),
        (502, ServerError, "unknown"),
        (503, ServerError, "unknown"),
        (httpx.ReadTimeout, OutcomeUnknownError, "unknown"),
        (httpx.WriteTimeout, OutcomeUnknownError, "unknown"),
        (httpx.ReadError, OutcomeUnknownError, "unknown"),
        (httpx.WriteError, OutcomeUnknownError, "unknown"),
        (httpx.RemoteProtocolError, OutcomeUnknownError, "unknown"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_is_never_sent_again_once_it_may_have_arrived(on, go, method, problem, error, outcome):
    """A write that met a fault is on the wire once, and its error says what may have become of it."""
    script = Script(problem)
    with pytest.raises(error) as caught:
        go(on(script), method, "/contacts/7", body={})
    assert (len(script.requests), caught.value.outcome) == (1, outcome)


async def test_a_write_that_was_not_sent_is_tried_again(on, ago):
    """Where no connection came about, even a write may be repeated."""
    scripts = [Script(problem) for problem in (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)]
    await asyncio.gather(*(ago(on(script), "POST", "/contacts", body={}) for script in scripts))
    assert [len(script.requests) for script in scripts] == [2, 2, 2]


def test_retries_are_counted(on, go):
    """After the given number of further attempts the last error is raised."""
    script = Script(*[503] * 9)
    with pytest.raises(ServerError):
        go(on(script, retries=1))
    assert len(script.requests) == 2


async def test_retry_after_is_kept_to_and_garbage_ignored(on, ago):
    """A sane Retry-After is the wait; one that is negative, meaningless or over leaves the usual backoff."""

    async def waited(after):
        began = time.monotonic()
        await ago(on(Script(httpx.Response(503, headers={"Retry-After": after}))))
        return time.monotonic() - began

    afters = ["1", "-1", "soon", "", "0", "Mon, 01 Jan 2001 00:00:00 GMT", "99 bottles"]
    sane, *others = await asyncio.gather(*(waited(after) for after in afters))
    assert sane >= 0.99
    assert all(0.2 < other < 0.9 for other in others)


def test_waiting_is_bounded_in_all(on, go):
    """The waits of one request together stay within max_wait."""
    began = time.monotonic()
    with pytest.raises(ServerError):
        go(on(Script(*[503] * 99), retries=99, max_wait=0.4))
    assert time.monotonic() - began < 1


def test_redirects_are_not_followed(on, go):
    """A redirect is refused in words; neither request nor key go elsewhere."""
    script = Script(httpx.Response(307, headers={"Location": "https://evil.com/"}))
    with pytest.raises(UnreadableResponseError, match="not followed"):
        go(on(script))
    assert [request.url.host for request in script.requests] == ["acme.api-us1.com"]


def test_an_account_is_shared_not_copied(on):
    """Copies are the same object, pickling is refused in words, and the representation shows the host alone."""
    account = on(Script())
    assert copy.copy(account) is copy.deepcopy(account) is account
    assert copy.deepcopy([account])[0] is account
    with pytest.raises(TypeError, match="key"):
        pickle.dumps(account)
    assert repr(account) == "ActiveCampaign('acme.api-us1.com')"


async def test_a_closed_account_says_so(on, go, ago):
    """After close, in either way, a clear error and no request."""
    script = Script()
    with on(script) as account:
        go(account)
    async with on(script) as other:
        await ago(other)
    for closed in (account, other):
        with pytest.raises(ConfigurationError, match="closed"):
            go(closed)
        with pytest.raises(ConfigurationError, match="closed"):
            await ago(closed)
        closed.close()
        await closed.aclose()
    assert len(script.requests) == 2


def test_a_connection_refused_is_tried_again_and_nothing_was_sent(go):
    """A port that nobody listens on gives a ConnectError that says that nothing was sent."""
    account = ActiveCampaign(url="http://127.0.0.1:9", key="a-key", retries=1)
    with pytest.raises(ConnectError, match="Nothing was sent") as caught:
        go(account, "POST", "/contacts", body={})
    assert caught.value.outcome == "not_sent"


def test_importing_the_account_leaves_the_embedded_one_alone():
    """The embedded account is loaded only by those who use it."""
    code = "import sys, ac_tools._account; assert 'ac_tools.sandbox' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
