"""What strangers send to a receiver in a process of its own: what each costs it in time and memory."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .serving import FORM, SECRET, form, post
from .test_events import hostile

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads what Linux counts")

_KB = re.compile(r"VmHWM:\s+([0-9]+)")
_HEAD = "POST /{secret} HTTP/1.1\r\nHost: x\r\nContent-Type: {form}\r\n{more}\r\n"
_MORE = {"length": "Content-Length: 100000000\r\n", "chunked": "Transfer-Encoding: chunked\r\n"}


class Receiving:
    """`ac-tools webhooks listen`, and what it has taken of the machine."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", "from ac_tools.cli import main; main()", "webhooks", "listen", "--port", "0"]
        env = {**os.environ, "ACTIVECAMPAIGN_WEBHOOK_SECRET": SECRET}
        errors = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True
        )
        assert self.process.stderr
        self.port = int(re.search(r":([0-9]+)/", self.process.stderr.readline())[1])
        self.url = f"http://127.0.0.1:{self.port}/{SECRET}"
        post(self.url, form(tag="warm"))  # what it loads once is loaded

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def cost(self, doing: Callable[[], None]) -> tuple[float, float]:
        """Seconds of the processor, and how many MB more than before it had at any moment."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # the peak counts anew
        seconds, before = self._seconds(), self._peak()
        doing()
        return self._seconds() - seconds, self._peak() - before

    def _peak(self) -> float:
        return int(_KB.search(Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1000

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    made = Receiving(tmp_path_factory.mktemp("receiving"))
    yield made
    made.end()


def pour(port: int, secret: str, how: str) -> tuple[int, bytes]:
    """Send 100 MB as fast as they are taken; how many were, and how the answer begins."""
    block = b"x" * 65536
    block = b"10000\r\n" + block + b"\r\n" if how == "chunked" else block
    taken = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(_HEAD.format(secret=secret, form=FORM, more=_MORE[how]).encode())
        with suppress(ConnectionError):
            while taken < 100_000_000:
                taken += line.send(block)
        with suppress(ConnectionError):
            return taken, line.recv(64)
    return taken, b""


@pytest.mark.parametrize("how", _MORE)
@pytest.mark.parametrize(("secret", "status"), [(SECRET, 413), ("somebody-elses-guess-000", 404)])
def test_100_megabytes_are_not_read(receiving: Receiving, how: str, secret: str, status: int) -> None:
    """The connection is closed with the answer, so that no more is taken than lies in buffers (measured: 3.3 MB).

    With a length or in chunks without one, from whoever: at most 0.1 s of the processor and 10 MB.
    """
    told: list[tuple[int, bytes]] = []
    seconds, megabytes = receiving.cost(lambda: told.append(pour(receiving.port, secret, how)))
    [(taken, answer)] = told
    assert taken < 20_000_000
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert seconds <= 0.1
    assert megabytes < 10


@pytest.mark.parametrize(("body", "status"), [each for each in hostile() if each.id != "100 MB"])
def test_hostile_bodies_cost_the_process_little(receiving: Receiving, body: bytes, status: int) -> None:
    """Through the server, too, no body takes more than a second and 60 MB (measured at most: 0.06 s and 39 MB)."""
    told: list[int] = []
    seconds, megabytes = receiving.cost(lambda: told.append(post(receiving.url, body)))
    assert told == [status]
    assert seconds < 1
    assert megabytes < 60


def test_a_head_without_end_is_cut_off(receiving: Receiving) -> None:
    """Headers are taken up to a bound, before anybody has shown a secret (measured: 64 KB)."""

    def pour_head() -> None:
        with socket.create_connection(("127.0.0.1", receiving.port), timeout=20) as line:
            line.sendall(b"POST / HTTP/1.1\r\nX: ")
            with pytest.raises(ConnectionError):
                for _ in range(1000):
                    line.sendall(b"x" * 65536)

    seconds, megabytes = receiving.cost(pour_head)
    assert seconds <= 0.2
    assert megabytes < 10


def test_it_still_receives(receiving: Receiving) -> None:
    """After all that an event is acknowledged at once."""
    began = time.monotonic()
    assert post(receiving.url, form(tag="after")) == 200
    assert time.monotonic() - began < 1
