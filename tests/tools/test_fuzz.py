"""Whatever the account answers: no crash, no hang, and no failure that is reported as a success.

The ordinary run is short. `AC_FUZZ_SECONDS=600 pytest -n 2 tests/tools/test_fuzz.py` goes on for ten minutes.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from langchain_core.messages import ToolMessage

from ac_guardrails import Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.sandbox import Clock, Sandbox
from ac_tools.tools.imports import ImportContacts

KEY = "the-key-that-nobody-may-see"
ASKED = {"access": "full", "ask": "writes"}  # so that every card is drawn from what the account answers
GRANTS = Grants.from_dict({"agents": {"marketing": dict.fromkeys(AREAS, ASKED)}}, catalog=catalog)
SECONDS = float(os.environ.get("AC_FUZZ_SECONDS", "0"))
_NOW = 1_790_000_000.0
_NUMBERS = itertools.count()
_MOST_REQUESTS = 400
_STATUSES = [200, 201, 202, 204, 301, 302, 400, 401, 402, 403, 404, 408, 409, 418, 422, 429, 500, 502, 503, 504, 520]
_WORDS = st.sampled_from(
    ["", "0", "1", "46", "0000-00-00", "-1", "9" * 30, "«»", "\u202e", "\x00", "Ünï 名前", "1e400"]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS | st.text(max_size=8)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4), max_leaves=8
)
_HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "X-Ac-Error", "Content-Type", "Location", "RateLimit-Remaining", "Date"]),
    st.sampled_from(["0", "1", "-5", "soon", "9001", "text/html", "https://elsewhere.example/", "Mon, 23 Nov", ""]),
    max_size=3,
)
_BODIES = _JSON.map(lambda value: json.dumps(value).encode()) | st.sampled_from(
    [b"", b"{", b"<html>", b"[]", b'{"errors":[{}]}', b'{"message":null}', b"\xff\xfe", b'{"code":0}', b"[" * 5000]
)


def _mutated(value: Any, data: st.DataObject) -> Any:
    """An answer of the account with something in it dropped, doubled or replaced."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 3)):
        key = data.draw(st.sampled_from(sorted(value)))
        how = data.draw(st.sampled_from(["drop", "replace", "deeper", "deeper"]))
        if how == "drop":
            return {name: kept for name, kept in value.items() if name != key}
        return {**value, key: data.draw(_JSON) if how == "replace" else _mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        first = _mutated(value[0], data)
        return data.draw(st.sampled_from([[first, *value[1:]], [*value, *value], value[:1], []]))
    return data.draw(_JSON)


class Mischief(httpx.BaseTransport):
    """The embedded account behind a wire that changes answers, but not what is done."""

    def __init__(self, data: st.DataObject) -> None:
        self.statuses: dict[str, list[int]] = {"read": [], "write": []}
        self._data = data
        self._inner = Sandbox(key=KEY, clock=Clock(_NOW)).transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, as the account would or otherwise."""
        answer = self._inner.handle_request(request)
        answer.read()
        kind = self._data.draw(st.sampled_from(["true", "true", "mutated", "other", "cut"]))
        if kind == "mutated" and answer.content:
            body = json.dumps(_mutated(json.loads(answer.content), self._data)).encode()
            answer = httpx.Response(answer.status_code, content=body, headers={"Content-Type": "application/json"})
        elif kind == "other":
            status, headers = self._data.draw(st.sampled_from(_STATUSES)), self._data.draw(_HEADERS)
            answer = httpx.Response(status, content=self._data.draw(_BODIES), headers=headers)
        seen = self.statuses["read" if request.method == "GET" else "write"]
        seen.append(0 if kind == "cut" else answer.status_code)
        assert sum(map(len, self.statuses.values())) < _MOST_REQUESTS, "it never ends"
        if kind == "cut":
            raise httpx.ReadError("cut", request=request)
        return answer


def _check(name: str, args: dict[str, Any], data: st.DataObject) -> None:
    wire = Mischief(data)
    # Nothing may depend on what came before: hosts share their pace, and the time decides what is settled.
    url = f"https://fuzz-{next(_NUMBERS)}.api-us1.example"
    account = ActiveCampaign(url=url, key=KEY, transport=wire, limit=None)
    guard = Guard(GRANTS, approver=lambda _: Decision.approve(by="anna"), ledger="memory:", clock=lambda: _NOW)
    tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool(name)
    message = tool.invoke({"type": "tool_call", "id": "call_1", "name": name, "args": args})
    assert isinstance(message, ToolMessage)
    assert KEY not in f"{message!r} {guard.ledger.entries()!r}"
    answered = [status for seen in wire.statuses.values() for status in seen if status]
    if answered and not any(status < 300 for status in answered):
        assert message.status == "error", message.content
    (entry,) = guard.ledger.entries()
    refused = [status for status in wire.statuses["write"] if status >= 300]
    if wire.statuses["write"] and len(refused) == len(wire.statuses["write"]):
        assert entry.outcome != "done", message.content
    # Nothing leaves that is not on record; what was put off at the last moment is on record as not sent.
    assert entry.writes - len(wire.statuses["write"]) == ("too long to wait" in message.content and entry.writes > 0)
    assert guard.ledger.verify() == ""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here: what would be waited for comes at once, or never."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(ImportContacts, "patience", 0.0)


def _fuzz(check: Callable[[st.DataObject], None], *, examples: int) -> None:
    """Run a check on so many examples; with AC_FUZZ_SECONDS on new ones until the time is over."""
    until = time.monotonic() + SECONDS
    number = 0
    while True:
        tried = given(data=st.data())(check)
        options = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        seed(number if not SECONDS else random.randrange(2**32))(options(tried))()
        number += 1
        if time.monotonic() >= until:
            return


@pytest.mark.timeout(max(120.0, 3 * SECONDS))
def test_no_answer_of_the_account_breaks_a_tool(valid: dict[str, Any]) -> None:
    """Every tool, with answers cut, changed, replaced: a clear word for the model, and a true one on record."""

    def check(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(valid)))
        _check(name, data.draw(st.sampled_from(valid[name])), data)

    _fuzz(check, examples=120)
