"""docs/webhooks.md says what is true: its application runs, its table is made from the models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ac_tools.tools import WEBHOOK_TOOLS
from ac_tools.webhooks import EVENTS, Receiver, new_secret, parse
from ac_tools.webhooks._words import _SENTENCES, events_table, sentence

from .serving import form, post, until

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", TEXT, re.DOTALL)
    assert found, f"the document has no block called {name}"
    return found[1]


def test_the_table_is_made_from_the_models() -> None:
    """Each of the 30 events has its row, with the fields that its model has."""
    assert block("events") == events_table()
    assert all(f"| `{name}` |" in block("events") for name in EVENTS)


def test_the_application_runs(
    tmp_path: Path, served: Any, monkeypatch: pytest.MonkeyPatch, listening: Callable[[Receiver], str]
) -> None:
    """The application of the document works as it stands: an event makes its guarded write."""
    secret = new_secret()
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", served.url)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_KEY", served.key)
    monkeypatch.setenv("ACTIVECAMPAIGN_WEBHOOK_SECRET", f"{new_secret()},{secret}")
    monkeypatch.chdir(tmp_path)
    Path("grants.yaml").write_text("agents: {follow-up: {tags: write}}\n", encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(block("app").removeprefix("```python\n").removesuffix("```"), scope)  # the document's own lines
    receiver, toolkit = scope["receiver"], scope["toolkit"]
    with toolkit:
        url = f"{listening(receiver)}/{secret}"
        for tag in ("Lead", "Press"):
            assert post(url, form(**{"contact[id]": 46, "tag": tag})) == 200
        until(lambda: receiver.store.counts().get("done") == 2)
        receiver.stop()
        receiver.store.close()
        toolkit.guard.ledger.close()
    assert [one.path for one in served.sandbox.requests if one.method == "POST"] == ["/api/3/contactTags"]
    assert "3" in {row["tag"] for row in served.sandbox.act("GET", "/contacts/46/contactTags")["contactTags"]}


def test_its_links_and_names_are_there() -> None:
    """No link leads nowhere, and the five tools are those that there are."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
    for tool in WEBHOOK_TOOLS:
        assert f"`{tool.model_fields['name'].default}`" in TEXT


@pytest.mark.parametrize("name", EVENTS)
def test_each_event_is_a_sentence(name: str) -> None:
    """An event is one line of plain English, whole or with nothing in it, and strangers' text in it stays data."""
    assert set(_SENTENCES) == set(EVENTS)
    empty = sentence(parse(f"type={name}".encode()))
    assert re.fullmatch(r"[a-z ]+", empty), empty
    nasty = "x%1b[2J%0a%c2%bb, by the API"
    keys = ("contact[email]", "deal[title]", "campaign[name]", "account[name]", "task[title]", "tag", "stage[title]")
    body = "&".join([f"type={name}", "initiated_from=public", *(f"{key}={nasty}" for key in keys)])
    told = sentence(parse(body.encode()))
    assert told.isprintable()
    assert told.endswith(", by themselves")
    assert told.count("»") == told.count("«")
    assert re.sub("«[^»]*»", "", told).count(",") == 1
