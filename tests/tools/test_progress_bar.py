"""How far long work is, drawn for the person who waits for it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from ac_tools import ActiveCampaignToolkit, ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(drawn: str) -> list[str]:
    """What stood on the line, one drawing after another."""
    return [line.rstrip() for line in drawn.rstrip("\n").split("\r") if line]


def test_a_walk_draws_each_page(toolkit: ActiveCampaignToolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the line grows with each page to the total, and ends."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    contacts = list(toolkit.walk("ac_list_contacts", progress=True))
    first, *_, last = lines(terminal.getvalue())
    assert first == f"████████░░░░░░░░░░░░░░░░ 100 of {len(contacts)} records are read"
    assert last == f"████████████████████████ {len(contacts)} of {len(contacts)} records are read"
    assert terminal.getvalue().endswith("\n")


async def test_a_walk_that_is_left_ends_its_line(
    toolkit: ActiveCampaignToolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever breaks off finds the cursor on a line of its own, on an event loop too."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    walk = toolkit.awalk("ac_list_contacts", progress=True)
    await anext(walk)
    await walk.aclose()
    assert terminal.getvalue().endswith("\n")
    assert len(lines(terminal.getvalue())) == 1


def test_nothing_is_drawn_where_nobody_looks(
    toolkit: ActiveCampaignToolkit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log gets no line, nor does a walk that was not asked to draw."""
    list(toolkit.walk("ac_list_tags", progress=True))
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    list(toolkit.walk("ac_list_tags"))
    assert capsys.readouterr() == ("", "")
    assert terminal.getvalue() == ""


def test_an_import_draws_too(toolkit: ActiveCampaignToolkit) -> None:
    """As a callback it draws how far an import is, beside events of others, and ends its line with the tool."""
    drawn = io.StringIO()
    bar = ProgressBar(drawn)
    people = [{"email": f"p{number}@import.example"} for number in range(300)]
    call: dict[str, Any] = {
        "type": "tool_call",
        "id": "1",
        "name": "ac_import_contacts",
        "args": {"contacts": people},
    }
    bar.on_custom_event("somebody_elses", {"progress": "no number"})
    toolkit.get_tool("ac_import_contacts").invoke(call, {"callbacks": [bar]})
    assert lines(drawn.getvalue())[0].endswith("1 of 2 requests are queued")
    assert drawn.getvalue().endswith("\n")
