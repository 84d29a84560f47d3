"""Stopping: one word on the ledger, and no process on it sends a write any more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Request
from ac_tools import ActiveCampaignToolkit

LOOK = Request("GET", "/books/1/loans")
STOPPER = """
import sys
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(f"sqlite:///{sys.argv[1]}")
print("ready", flush=True)
sys.stdin.readline()
ledger.stop("Wrong list.", by="anna", reads="reads" in sys.argv)
print("stopped", flush=True)
sys.stdin.readline()
ledger.resume(by="bert")
"""


def test_a_stop_halts_writes_and_says_who_and_why(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """No write leaves, the model hears who stopped it and why, reads go on, and resuming lifts it; all on record."""
    opened = guard()
    opened.ledger.stop("Wrong list.", by="anna")
    answer = carry(opened, job("rename_book"))
    assert answer.artifact.kind == "stopped"
    assert "Every write was stopped by anna" in answer.content
    assert "Wrong list. Nothing was sent." in answer.content
    assert carry(opened, job("get_book")).ok
    opened.ledger.resume(by="bert")
    assert opened.ledger.stopped() is None
    assert carry(opened, job("rename_book")).ok
    assert len(sender.writes) == 1
    sentences = [entry.sentence for entry in opened.ledger.entries() if entry.tool == "guard"]
    assert sentences == ["anna stopped every write: Wrong list.", "bert let the guard go on."]


def test_reads_are_halted_only_if_said(guard: Any, job: Any, sender: Any, carry: Any) -> None:
    """With reads=True nothing at all leaves."""
    opened = guard()
    opened.ledger.stop("Leak.", by="anna", reads=True)
    for tool in ("get_book", "rename_book"):
        assert carry(opened, job(tool)).artifact.kind == "stopped"
    assert sender.requests == []
    assert opened.ledger.stopped().reads


def test_an_approval_does_not_pass_a_stop(guard: Any, job: Any, sender: Any, carry: Any, approve: Any) -> None:
    """What a person approves while the guard is stopped does not leave."""
    opened = guard(approver=approve)
    opened.ledger.stop("Wrong list.", by="anna")
    assert carry(opened, job("burn_book")).artifact.kind == "stopped"
    assert sender.writes == []


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_stops_or_resumes_without_a_name(guard: Any, by: str) -> None:
    """Stopping and resuming are signed."""
    ledger = guard().ledger
    with pytest.raises(ValueError, match="name of the person"):
        ledger.stop("x", by=by)
    with pytest.raises(ValueError, match="name of the person"):
        ledger.resume(by=by)


def test_a_stop_between_two_requests_ends_an_import(account: Any, guard_for: Any, approve: Any, run: Any) -> None:
    """An import of several requests that is stopped on its way sends no further one, and says that a part was done."""
    guard = guard_for({"contacts": "full"}, approve)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    send, sent = account.send, []

    def stopping(request: Any, permit: Any) -> Any:
        reply = send(request, permit)
        if request.is_write:
            sent.append(request)
            guard.ledger.stop("Wrong list.", by="anna")
        return reply

    account.send = stopping
    people = [{"email": f"p{number}@new.example"} for number in range(600)]
    message = run(toolkit, "ac_import_contacts", contacts=people)
    assert len(sent) == 1
    assert (message.artifact.kind, message.status) == ("stopped", "error")
    assert "A part of it was done before that" in message.content
    assert [entry.outcome for entry in guard.ledger.entries() if entry.is_write] == ["partly"]


@pytest.mark.parametrize("what", ["writes", "reads"])
def test_a_stop_in_one_process_halts_another_within_a_second(
    what: str, account: Any, guard_for: Any, run: Any, tmp_path: Path
) -> None:
    """A person at another terminal stops an agent that is at work, and lets it go on."""
    guard = guard_for({"tags": "write"}, ledger=f"sqlite:///{tmp_path}/ledger.db")
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    paths = os.pathsep.join(path for path in sys.path if path)
    other = subprocess.Popen(
        [sys.executable, "-c", STOPPER, str(tmp_path / "ledger.db"), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )

    def act(number: int) -> str:
        if what == "reads":
            return str(run(toolkit, "ac_list_tags").status)
        return str(run(toolkit, "ac_create_tag", name=f"Tag {number}").status)

    with other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert (other.stdout.readline(), act(0)) == ("ready\n", "success")
        other.stdin.write("go\n")
        other.stdin.flush()
        assert other.stdout.readline() == "stopped\n"
        said, number = time.monotonic(), 1
        while act(number) == "success":
            number += 1
        assert time.monotonic() - said < 1
        assert act(number) == "error"
        other.stdin.write("go\n")
        other.stdin.close()
        assert other.wait(10) == 0
    assert act(number + 1) == "success"
    assert guard.ledger.verify() == ""
