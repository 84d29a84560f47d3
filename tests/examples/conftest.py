"""The examples, imported as they import each other, and run as people run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ac_tools import ActiveCampaign
from ac_tools.sandbox import Sandbox

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def _in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples import each other from their folder; nobody's account, key or ledger is in the environment."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in [name for name in os.environ if name.startswith(("ACTIVECAMPAIGN_", "EXAMPLES_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts an example, or code, as a process of its own in the examples' folder."""
    processes: list[subprocess.Popen[str]] = []

    def start(*args: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        given |= {"cwd": EXAMPLES, "env": {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}}
        processes.append(subprocess.Popen([sys.executable, *args], **{**given, **options}))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.fixture
def ran(started: Callable[..., subprocess.Popen[str]]) -> Callable[..., SimpleNamespace]:
    """Runs an example to its end."""

    def run(*args: str, env: dict[str, str] | None = None) -> SimpleNamespace:
        process = started(*args, env=env)
        output, errors = process.communicate(timeout=60)
        return SimpleNamespace(status=process.returncode, output=output, errors=errors)

    return run


@pytest.fixture
def sandbox() -> Sandbox:
    """An embedded account that outlives the programs which work in it."""
    return Sandbox()


@pytest.fixture
def opened(sandbox: Sandbox) -> Callable[[], ActiveCampaign]:
    """Opens that account, as each program does for itself."""
    return lambda: ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=sandbox.transport(), limit=None)


@pytest.fixture
def rows() -> Callable[..., list[dict[str, Any]]]:
    """The records that an embedded account holds, read without any tool: `rows(sandbox, "deals")`."""

    def read(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
        joined = "&" if "?" in path else "?"
        answer = sandbox.handle("GET", f"/api/3/{path}{joined}limit=100", {"Api-Token": sandbox.key}, b"")
        found: list[dict[str, Any]] = json.loads(answer.body)[path.partition("?")[0].rpartition("/")[2]]
        return found

    return read


@pytest.fixture
def person(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[Sandbox, str], SimpleNamespace | None]:
    """Somebody in an embedded account by their address: names of tags and automations, titles of deals; or None."""

    def read(sandbox: Sandbox, email: str) -> SimpleNamespace | None:
        found = rows(sandbox, f"contacts?email={email}")
        if not found:
            return None
        contact = found[0]["id"]
        tags = {row["id"]: row["tag"] for row in rows(sandbox, "tags")}
        automations = {row["id"]: row["name"] for row in rows(sandbox, "automations")}
        runs = rows(sandbox, f"contacts/{contact}/contactAutomations")
        return SimpleNamespace(
            name=f"{found[0]['firstName']} {found[0]['lastName']}",
            tags=sorted(tags[row["tag"]] for row in rows(sandbox, f"contacts/{contact}/contactTags")),
            automations=[automations[row["automation"]] for row in runs],
            deals=[row["title"] for row in rows(sandbox, "deals") if row["contact"] == contact],
        )

    return read
