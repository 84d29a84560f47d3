"""Calls that race for the last unit of a limit, or the last use of a standing approval: in threads, and in processes.

All of them meet after they were let through, and before the first is put on record, so that whoever looked too early
is always wrong. As a program it forks the processes and tells, a line each, what left and how often somebody was asked.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ac_guardrails import Answer, Decision, Grants, Guard
from ac_guardrails._standing import Standing

PATIENCE = 30.0
"""Seconds until those who meet give up."""


def performing(everybody: Any) -> Any:
    """How a call is carried out that has been decided on and waits for the others before it sends.

    Args:
        everybody: A barrier, of threads or of processes.
    """
    met: list[Any] = []

    def perform(plan: Any) -> Any:
        if not met:  # the same call may be carried out again
            met.append(everybody.wait(PATIENCE))
        return Answer("done", (yield plan.action.request))

    return perform


def meet_at_standing_approvals(everybody: Any, put: Any = setattr) -> None:
    """Let the calls that a standing approval covers wait for each other before its use is counted.

    Args:
        everybody: A barrier, of threads or of processes.
        put: How the class is changed.
    """
    covers, looks = Standing.covers, threading.local()

    def together(self: Standing, action: Any) -> bool:
        covered = covers(self, action)
        looks.count = getattr(looks, "count", 0) + 1
        if looks.count == 2:  # the first look tells whether to ask at all, the second whether it can be answered
            everybody.wait(PATIENCE)
        return covered

    put(Standing, "covers", together)


def in_threads(guard: Guard, job: Any, sender: Any, tool: str, how: Any = lambda: None) -> list[Answer]:
    """32 calls at once, each for a book of its own.

    Args:
        guard: Their guard.
        job: Makes a call.
        sender: What sends.
        tool: The tool.
        how: Makes what carries a call out.
    """
    with ThreadPoolExecutor(32) as pool:
        books = range(1, 33)
        return list(pool.map(lambda book: guard.run(job(tool, {"book": book}, performing=how()), sender), books))


def in_processes(ledger: Path, *, calls: int = 1, **wanted: Any) -> tuple[int, int]:
    """How many writes of eight processes left, and how often somebody was asked.

    Args:
        ledger: The file that they share.
        calls: How many calls each of them makes.
        wanted: The tool, the grant for books, and what a person says.
    """
    library = Path(__file__).with_name("conftest.py")
    order = json.dumps({"ledger": str(ledger), "library": str(library), "calls": calls, **wanted})
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-W", "ignore", __file__, order]
    env = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=env)
    *children, last = done.stdout.splitlines()
    assert last == "8 ended", done.stderr
    left, asked = (sum(column) for column in zip(*(map(int, line.split()) for line in children), strict=True))
    return left, asked


def _child(order: dict[str, Any], number: int, everybody: Any, library: Any) -> None:
    asked = []

    def person(request: Any) -> Decision:
        asked.append(request)
        return Decision.approve(by="anna") if order["says"] == "yes" else Decision.reject(by="anna")

    areas = {"books": order["books"], "members": "read"}
    grants = Grants.from_dict({"agents": {"marketing": areas}}, catalog=library.CATALOG)
    guard = Guard(grants, ledger=f"sqlite:///{order['ledger']}", approver=person if order["says"] else None)
    if order["standing"]:
        meet_at_standing_approvals(everybody)
    sender, perform = library.LibrarySender(), None if order["standing"] else performing(everybody)
    for call in range(order["calls"]):
        job = library.LibraryJob(order["tool"], {"book": number * 1000 + call + 1}, performing=perform)
        guard.run(job, sender)
    print(f"{len(sender.writes)} {len(asked)}\n", end="", flush=True)  # at once, whoever else writes there
    os._exit(0)


def main() -> None:
    """Fork eight processes, and wait for them."""
    order = {"says": "", "standing": False, **json.loads(sys.argv[1])}
    spec = importlib.util.spec_from_file_location("library", order["library"])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["library"] = library = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(library)
    everybody, started = multiprocessing.Barrier(8), []
    for number in range(8):
        started.append(os.fork())
        if started[-1] == 0:
            _child(order, number, everybody, library)
    print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in started].count(0), "ended")


if __name__ == "__main__":
    main()
