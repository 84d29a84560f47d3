"""The receiver killed in the middle of its work, again and again."""

from __future__ import annotations

import http.client
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs the webhooks extra")

from ac_guardrails import Ledger
from ac_tools.sandbox import Sandbox, serve
from ac_tools.webhooks import Store

from .serving import FORM, SECRET, form, until

PATIENCE = 300.0
SCRIPT = str(Path(__file__).with_name("receiving.py"))
SEED = {
    "users": [{"id": 1, "username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Admin"}],
    "contacts": [{"id": n, "email": f"c{n}@example.com", "created": "2020-01-02"} for n in range(1, 101)],
    "tags": [
        {"id": n, "tag": f"tag {n}", "description": "", "type": "contact", "created": "2020-01-02"}
        for n in range(1, 101)
    ],
}


class Receiving:
    """The receiver's process, which is started again where it was killed, on the same port and the same files."""

    def __init__(self, folder: Path, url: str) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = [sys.executable, SCRIPT, str(folder), url, str(self.port)]
        self.process = self._started()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._started()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def _started(self) -> Any:
        return subprocess.Popen(self._command)


@pytest.fixture
def account() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox(seed=SEED)
    with serve(sandbox) as server:
        yield sandbox, server.url


def send_all(port: int, bodies: list[bytes]) -> None:
    """Send each body until it is acknowledged, as an account would that does not give up."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for body in bodies:
        while True:
            try:
                line.request("POST", f"/{SECRET}", body, {"Content-Type": FORM})
                answer = line.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                line.close()
                time.sleep(0.02)
            else:
                assert answer.status == 200
                break
    line.close()


def run(folder: Path, account: tuple[Sandbox, str], *, count: int, kills: int) -> None:
    sandbox, url = account
    chance = random.Random(7)
    bodies = [form(tag=number, date_time=number) for number in range(count)]
    sent = bodies + chance.sample(bodies, count // 5)
    chance.shuffle(sent)
    receiving = Receiving(folder, url)
    store = None
    try:
        senders = [threading.Thread(target=send_all, args=(receiving.port, sent[n::4])) for n in range(4)]
        for sender in senders:
            sender.start()
        for number in range(1, kills + 1):
            until(lambda mark=count * number // (kills + 2): len(sandbox.requests) >= mark, PATIENCE)
            receiving.kill()
        for sender in senders:
            sender.join(PATIENCE)
        store = Store(f"sqlite:///{folder}/webhooks.db")
        until(lambda: store.counts().get("done") == count or store.counts().get("failed"), PATIENCE)
    finally:
        receiving.end()
        for sender in senders:
            sender.join(1)
    counts = store.counts()
    assert store.jobs("failed") == []
    assert (counts["events"], counts["done"]) == (count, count), "none was lost after its acknowledgement"
    assert counts["duplicates"] >= count // 5
    again = [job for job in store.jobs() if job.attempts > 1]
    assert again, "a handler that was killed ran again"
    writes = [one for one in sandbox.requests if one.method == "POST"]
    with closing(Ledger(f"{folder}/ledger.db")) as ledger:
        anew = [(entry.sent_at, entry.absent_at) for entry in ledger.entries() if entry.outcome == "did_not_happen"]
        assert len(writes) == count, f"each event's write happened once; sent anew: {anew}"
        assert {one.status for one in writes} == {201}
        assert ledger.verify() == ""
        assert not [entry for entry in ledger.not_closed() if entry.writes]


def test_a_killed_receiver_loses_nothing(tmp_path: Path, account: tuple[Sandbox, str]) -> None:
    """200 events, a fifth of them twice, two kills: nothing that was acknowledged is lost, nothing is done twice."""
    run(tmp_path, account, count=200, kills=2)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_thousand_events_and_ten_kills(tmp_path: Path, account: tuple[Sandbox, str]) -> None:
    """10,000 events, 2,000 of them twice, in random order, ten kills: as above."""
    run(tmp_path, account, count=10_000, kills=10)
