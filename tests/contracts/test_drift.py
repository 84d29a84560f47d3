"""An account that compares its replies with the contracts while one works, and breaks nothing by it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from ac_tools import ActiveCampaign, ConfigurationError
from ac_tools.contracts import DriftWarning

MARIA = "maria@lindqvist-interiors.example"
Tapped = Callable[..., tuple[ActiveCampaign, Any]]


def new_key(method: str, path: str, answer: Any) -> Any:
    for tag in answer.get("tags", []):
        tag["colour"] = MARIA
    return answer


def gone_key(method: str, path: str, answer: Any) -> Any:
    for tag in answer.get("tags", []):
        del tag["subscriber_count"]
    return answer


def other_type(method: str, path: str, answer: Any) -> Any:
    for tag in answer.get("tags", []):
        tag["subscriber_count"] = 7
    return answer


def turned(method: str, path: str, answer: Any) -> Any:
    if "tags" in answer:
        answer["tags"] = [dict(reversed(tag.items())) for tag in answer["tags"]]
    return answer


MUTATIONS = [
    (new_key, "tags[].colour is new"),
    (gone_key, "tags[].subscriber_count is missing"),
    (other_type, "tags[].subscriber_count was a number, as a text of digits, and is a whole number"),
    (turned, "tags[] has its keys in another order, from id on"),
]
HEAD = "GET /tags answers otherwise than was known on 2021-03-23 (recorded)"


def call(recorder: ModuleType, account: ActiveCampaign, *tools: str) -> list[ToolMessage]:
    toolkit = recorder.toolkit_on(account)
    messages = [toolkit.get_tool(name).invoke(spoken(name)) for name in tools]
    toolkit.close()
    return messages


def spoken(tool: str) -> dict[str, Any]:
    return {"type": "tool_call", "id": f"call_{tool}", "name": tool, "args": {}}


def told(seen: Any) -> list[str]:
    return [str(each.message) for each in seen if each.category is DriftWarning]


@pytest.mark.parametrize(("change", "says"), MUTATIONS)
def test_each_kind_of_difference_is_warned_of(change: Any, says: str, recorder: ModuleType, tapped: Tapped) -> None:
    """A new, a missing, a turned and a retyped key are each told, in words, and the tool answers all the same."""
    account, _ = tapped(change, drift="warn")
    with pytest.warns(DriftWarning) as seen:
        [message] = call(recorder, account, "ac_list_tags")
    assert message.status == "success"
    assert "«Lead»" in message.content
    [text] = told(seen)
    assert text.startswith(f"{HEAD}: {says}.")
    assert MARIA not in text


@pytest.mark.parametrize(("change", "says"), MUTATIONS)
async def test_each_kind_is_warned_of_on_an_event_loop(
    change: Any, says: str, recorder: ModuleType, tapped: Tapped
) -> None:
    """The same for async calls."""
    account, _ = tapped(change, drift="warn")
    toolkit = recorder.toolkit_on(account)
    with pytest.warns(DriftWarning) as seen:
        message = await toolkit.get_tool("ac_list_tags").ainvoke(spoken("ac_list_tags"))
    assert message.status == "success"
    assert [text.startswith(f"{HEAD}: {says}.") for text in told(seen)] == [True]
    await toolkit.aclose()


def test_each_kind_is_warned_of_once_an_endpoint(recorder: ModuleType, tapped: Tapped) -> None:
    """However often an endpoint is used, a kind of difference is told once; another endpoint has its own."""

    def everywhere(method: str, path: str, answer: Any) -> Any:
        return {**answer, "took": 3}

    account, _ = tapped(everywhere, drift="warn")
    with pytest.warns(DriftWarning) as seen:
        call(recorder, account, "ac_list_tags", "ac_list_tags", "ac_list_lists", "ac_list_tags")
    assert [text.partition(" answers")[0] for text in told(seen)] == ["GET /tags", "GET /lists"]


def test_a_reply_to_a_write_is_compared_too(recorder: ModuleType, tapped: Tapped) -> None:
    """A write whose reply has changed is done once, answered as usual, and warned of."""

    def changed(method: str, path: str, answer: Any) -> Any:
        return {"tag": {**answer["tag"], "color": "red"}} if method == "POST" else answer

    account, tap = tapped(changed, drift="warn")
    toolkit = recorder.toolkit_on(account)
    with pytest.warns(DriftWarning, match=r"POST /tags .*: tag\.color is new"):
        message = toolkit.get_tool("ac_create_tag").invoke({**spoken("ac_create_tag"), "args": {"name": "Fresh"}})
    assert (message.status, [each[0] for each in tap.exchanges].count("POST")) == ("success", 1)
    toolkit.close()


def test_a_refusal_is_compared_too(recorder: ModuleType, tapped: Tapped) -> None:
    """A refusal of another shape is told, and still read for what it says."""

    def changed(method: str, path: str, answer: Any) -> Any:
        return {"error": "gone"} if path == "/deals/99999" else answer

    account, _ = tapped(changed, drift="warn")
    toolkit = recorder.toolkit_on(account)
    with pytest.warns(DriftWarning) as seen:
        message = toolkit.get_tool("ac_get_deal").invoke({**spoken("ac_get_deal"), "args": {"deal": 99999}})
    known = "GET /deals/{deal} answers otherwise than was known on 2025-05-19 (documented)"
    assert [text.split(". ")[0] for text in told(seen)] == [f"{known}: message is missing", f"{known}: error is new"]
    assert message.status == "error"
    toolkit.close()


def test_a_warning_made_an_error_loses_no_write(
    recorder: ModuleType, tapped: Tapped, caplog: pytest.LogCaptureFixture
) -> None:
    """Where warnings are errors, the reply is still the tool's, and what differs is logged."""

    def changed(method: str, path: str, answer: Any) -> Any:
        return {"tag": {**answer["tag"], "color": "red"}} if method == "POST" else answer

    account, _ = tapped(changed, drift="warn")
    toolkit = recorder.toolkit_on(account)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "ac_tools"):
        warnings.simplefilter("error")
        message = toolkit.get_tool("ac_create_tag").invoke({**spoken("ac_create_tag"), "args": {"name": "Fresh"}})
    assert message.status == "success"
    assert "tag.color is new" in caplog.text
    toolkit.close()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff", b"[]", b"7", b'{"tags": 7, "meta": {}}'])
def test_no_reply_is_too_strange(body: bytes, recorder: ModuleType) -> None:
    """Whatever comes, comparing it ends in words and leaves the tool's own answer as it is without comparing."""
    answers = []
    for drift in ("ignore", "warn"):
        account = ActiveCampaign.sandbox()
        assert account.simulator
        other = ActiveCampaign(
            url=account.url, key="sandbox", transport=account.simulator.transport(), limit=None, drift=drift
        )
        account.simulator.fault("GET", "/tags", status=200, body=body)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DriftWarning)
            [message] = call(recorder, other, "ac_list_tags")
        answers.append((message.status, message.content))
        account.close()
    assert answers[0] == answers[1]


def test_the_embedded_account_does_not_drift(recorder: ModuleType, tapped: Tapped) -> None:
    """Every scenario of every tool runs without one warning."""
    for steps in recorder.SCENARIOS.values():
        account, _ = tapped(drift="warn")
        toolkit = recorder.toolkit_on(account)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for step in steps:
                recorder.call(toolkit, step)
        assert told(seen) == []
        toolkit.close()


def test_nothing_is_compared_unless_asked(recorder: ModuleType, tapped: Tapped) -> None:
    """By default a changed reply is nobody's business."""
    account, _ = tapped(new_key)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call(recorder, account, "ac_list_tags")
    assert told(seen) == []


def test_not_comparing_loads_nothing() -> None:
    """An account that does not compare imports neither the schemas nor their library for it; one that does, does."""
    code = (
        "import json, sys\n"
        "from ac_tools import ActiveCampaign\n"
        "names = ('jsonschema', 'ac_tools.contracts', 'ac_tools._drift')\n"
        "seen = []\n"
        "for drift in ('ignore', 'warn'):\n"
        "    ActiveCampaign(url='https://acme.api-us1.com', key='k' * 20, drift=drift).close()\n"
        "    seen.append([name in sys.modules for name in names])\n"
        "print(json.dumps(seen))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[False] * 3, [True] * 3]


@pytest.mark.parametrize("drift", ["", "Warn", "error", None, True, []])
def test_another_word_is_an_error(drift: Any) -> None:
    """The two words are the only ones."""
    with pytest.raises(ConfigurationError, match='"ignore" or "warn"'):
        ActiveCampaign(url="https://acme.api-us1.com", key="k" * 20, drift=drift)
