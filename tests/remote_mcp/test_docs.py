"""docs/remote_mcp.md says what is so: its table is the classes, and its example runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ac_guardrails import Grants, Guard
from ac_tools.remote_mcp import CLASSES, RemoteMCP, ToolClass

DOC = (Path(__file__).parents[2] / "docs" / "remote_mcp.md").read_text(encoding="utf-8")


def row(one: ToolClass) -> str:
    needs = ", ".join(map(str, one.needs))
    raised = f"; full with {', '.join(sorted(one.raises))}" if one.raises else ""
    unread = f"; {one.unread} without a REST account" if one.unread else ""
    like = f"`{one.twin}`" if one.twin else ""
    return f"| `{one.name}` | {needs}{raised}{unread} | {one.risk} | {like} |"


def table() -> list[str]:
    """The table, to be pasted when a class has changed."""
    return ["| tool | needs | it | as |", "|---|---|---|---|", *map(row, CLASSES)]


def test_the_table() -> None:
    """The table is that of the classes, row by row."""
    assert [line for line in DOC.splitlines() if line.startswith("|")] == table()


def test_the_classes_file(guard_for: Callable[..., Guard], remote_for: Any, tmp_path: Path) -> None:
    """The example of a classes file is one."""
    (text,) = re.findall(r"```yaml\n(tools:.*?)```", DOC, re.DOTALL)
    (tmp_path / "classes.yaml").write_text(text)
    remote = remote_for(guard_for({}), classes=tmp_path / "classes.yaml")
    assert set(yaml.safe_load(text)["tools"]) <= set(remote._classes)


def test_the_grants_file(tmp_path: Path) -> None:
    """The example of a grants file loads without a word."""
    (text,) = re.findall(r"```yaml\n(agents:.*?)```", DOC, re.DOTALL)
    (tmp_path / "grants.yaml").write_text(text)
    assert Grants.from_file(tmp_path / "grants.yaml").agents


@pytest.mark.parametrize("word", re.findall(r"`(RemoteMCP[.(]\w+|ac-tools remote-mcp [a-z-]+)", DOC))
def test_names(word: str, capsys: Any) -> None:
    """What the page calls by name is there."""
    if word.startswith("RemoteMCP."):
        assert hasattr(RemoteMCP, word.partition(".")[2])
    elif word.startswith("ac-tools"):
        from typer.testing import CliRunner

        from ac_tools.cli._app import app

        assert CliRunner().invoke(app, [*word.split()[1:], "--help"]).exit_code == 0
