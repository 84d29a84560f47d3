"""The recordings in cassettes/: replayed without a network, clean, and no older than the code."""

from __future__ import annotations

import importlib.util
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.tools import ALL_TOOLS

ROOT = Path(__file__).parent.parent


def _loaded() -> ModuleType:
    """The recorder is a script beside its cassettes, and its table is the one that is replayed here."""
    spec = importlib.util.spec_from_file_location("cassettes_record", ROOT / "cassettes" / "record.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cassettes = _loaded()
FILES = {name: cassettes.DIRECTORY / f"{name}.yaml" for name in cassettes.SCENARIOS}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks a host up or connects fails the test."""

    def refuse(*args: Any, **_: Any) -> Any:
        pytest.fail(f"The network was used: {args}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def replayed(no_network: None) -> Iterator[ActiveCampaignToolkit]:
    """A toolkit for the recorded account, with a key that no account has."""
    with cassettes.toolkit_on(ActiveCampaign(url=cassettes.URL, key="replayed", limit=None)) as toolkit:
        yield toolkit


@pytest.mark.parametrize("name", FILES)
def test_replays_in_threads(name: str, replayed: ActiveCampaignToolkit) -> None:
    """Every recorded call answers as it did, from the file alone, and every recorded exchange is used."""
    with cassettes.cassette(FILES[name], "none") as tape:
        for step in cassettes.SCENARIOS[name]:
            cassettes.check(step, cassettes.call(replayed, step))
        assert tape.all_played


@pytest.mark.parametrize("name", FILES)
async def test_replays_on_an_event_loop(name: str, replayed: ActiveCampaignToolkit) -> None:
    """The same files serve async calls: they send the very same requests."""
    with cassettes.cassette(FILES[name], "none") as tape:
        for step in cassettes.SCENARIOS[name]:
            cassettes.check(step, await cassettes.acall(replayed, step))
        assert tape.all_played
    await replayed.aclose()


def test_an_unrecorded_call_is_not_sent(replayed: ActiveCampaignToolkit) -> None:
    """What no cassette holds fails loudly instead of reaching for the network."""
    tool = replayed.get_tool("ac_get_deal")
    with cassettes.cassette(FILES["deals"], "none") as tape:
        message = tool.invoke({"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"deal": 12345}})
    assert message.status == "error"
    assert "CannotOverwriteExistingCassetteException" in message.artifact.reason
    assert tape.play_count == 0


def test_cassettes_call_every_tool() -> None:
    """There is a scenario for each area, and together they call all 29 tools, and those of webhooks."""
    called = {step.tool for steps in cassettes.SCENARIOS.values() for step in steps}
    assert called == {tool.model_fields["name"].default for tool in ALL_TOOLS}
    assert sorted(FILES.values()) == sorted(cassettes.DIRECTORY.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_cassettes_hold_nothing_private(path: Path) -> None:
    """No key, no cookie, no host and no address that could belong to anybody."""
    text = path.read_text(encoding="utf-8")
    for word in (cassettes.KEY, "replayed", "api-token", "authorization", "cookie", "127.0.0.1", "localhost"):
        assert word not in text.lower(), word
    hosts = re.findall(r"https?://([^/\s\"'?]+)", text) + re.findall(r"[\w.+-]+@([\w.-]+)", text)
    assert hosts
    assert not [host for host in hosts if not re.search(r"(^|\.)example(\.com|\.org|\.net)?$", host)]


def test_cassettes_are_up_to_date(tmp_path: Path) -> None:
    """Recording anew gives the same exchanges; if not, run `python cassettes/record.py` and look at what changed."""
    cassettes.record(tmp_path)
    for name, path in FILES.items():
        fresh, kept = (yaml.safe_load(each.read_text("utf-8")) for each in (tmp_path / path.name, path))
        assert fresh["interactions"] == kept["interactions"], f"{name}.yaml is stale: python cassettes/record.py"
