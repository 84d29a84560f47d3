"""Row 34, from several processes: real ones, whose guards have the same ledger file, on one served account."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails._turnstile import Turnstile

CALLER = """
import sys, time
from ac_guardrails import Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog

url, key, ledger, tool, seconds = sys.argv[1:]
grants = Grants.from_dict({"agents": {"marketing": {"tags": "read", "lists": "read"}}}, catalog=catalog)
guard = Guard(grants, ledger=f"sqlite:///{ledger}")
with ActiveCampaign(url=url, key=key) as account:
    call = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool(tool)
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.monotonic() + float(seconds)
    call.invoke({})
    while time.monotonic() < until:
        call.invoke({})
guard.ledger.close()
"""


class Caller:
    """A process with an agent that calls one tool again and again, from `go()` on for so many seconds."""

    def __init__(self, *arguments: str) -> None:
        paths = [os.environ.get("PYTHONPATH", ""), *sys.path]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALLER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        )

    def __enter__(self) -> Caller:
        self.process.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.__exit__(None, None, None)

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


def until(true: Callable[[], object]) -> None:
    """Wait for it, ten seconds at most."""
    end = time.monotonic() + 10
    while not true():
        if time.monotonic() > end:
            pytest.fail("it never came to that")
        time.sleep(0.005)


@contextmanager
def callers(served: Any, folder: Path, *tools: str, seconds: float = 0.0) -> Iterator[list[Caller]]:
    """Processes that share the ledger file in the folder, one for each tool, all ready to call."""
    arguments = (served.url, served.key, str(folder / "ledger.db"))
    with ExitStack() as started:
        made = [started.enter_context(Caller(*arguments, tool, str(seconds))) for tool in tools]
        for each in made:
            each.wait_until_ready()
        yield made


def test_row_34_three_processes_keep_one_budget(served, tmp_path):
    """Three processes that read as fast as they can send five requests in any one second together, and use them."""
    with callers(served, tmp_path, "ac_list_tags", "ac_list_tags", "ac_list_lists", seconds=2.0) as started:
        for each in started:
            each.go()
        codes = [each.process.wait(20) for each in started]
    came = sorted(item.at for item in served.sandbox.requests)
    assert all(later - first >= 1 for first, later in zip(came, came[5:], strict=False))
    assert codes == [0, 0, 0]
    assert len(came) >= 10


def test_row_34_a_429_holds_every_process_back(served, tmp_path):
    """After one process was told to wait two seconds, another sends nothing before that."""
    served.sandbox.fault("GET", "/tags", status=429, headers={"Retry-After": "2"})
    with callers(served, tmp_path, "ac_list_tags", "ac_list_lists") as (first, other):
        first.go()
        until(lambda: served.sandbox.requests)
        time.sleep(0.1)
        other.go()
        assert [each.process.wait(20) for each in (first, other)] == [0, 0]
    refused, *later = (item.at for item in served.sandbox.requests)
    assert len(later) == 2
    assert min(later) - refused >= 1.9


def test_row_34_a_killed_process_blocks_nobody_for_ever(served, tmp_path):
    """The slot of a process that was killed while its request was under way is free again after a minute."""
    served.sandbox.fault("GET", "/tags", cut="timeout")
    with callers(served, tmp_path, "ac_list_tags") as (killed,):
        killed.go()
        until(lambda: served.sandbox.requests)
    path, host = str(tmp_path / "ledger.db"), served.url.removeprefix("http://")
    now, later = Turnstile(path), Turnstile(path, clock=lambda: time.time() + 60)
    turns = now.take(host, 1), later.take(host, 1)
    now.close()
    later.close()
    assert turns[0].wait > 0
    assert turns[1].ticket
