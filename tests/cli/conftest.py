"""The command line, run in this process or in its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from typer.testing import CliRunner, Result

_PROGRAM = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests deaf to Ctrl-C
from ac_tools.cli import main

main()
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own account, grants and ledger, and nobody else's."""
    for name in [name for name in os.environ if name.startswith("ACTIVECAMPAIGN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Runs a command in this process."""
    from ac_tools.cli._app import app

    def run(*args: str, env: Mapping[str, str] | None = None) -> Result:
        return CliRunner().invoke(app, list(args), env=env, prog_name="ac-tools")

    return run


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `ac-tools` as a process of its own."""
    processes: list[subprocess.Popen[str]] = []

    def start(*args: str, **options: Any) -> subprocess.Popen[str]:
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen([sys.executable, "-c", _PROGRAM, *args], **{**given, **options}))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()
