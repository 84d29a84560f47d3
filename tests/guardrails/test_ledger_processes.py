"""One ledger file and several processes: the chain stays whole, whoever writes, forks or runs out of disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ac_guardrails import Ledger
from ac_guardrails._inflight import InFlight, this_process
from ac_guardrails._ledger_url import open_ledger

WRITER = """
import sys
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(f"sqlite:///{sys.argv[1]}")
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    ledger.append(Event(f"{sys.argv[2]}-{number}", "decided", sys.argv[2]), payload={"number": number})
"""

FORKING = """
import os, sys, threading
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(sys.argv[1])
over = threading.Event()

def write(agent, enough):
    number = 0
    while not enough(number):
        ledger.append(Event(f"{agent}-{number}", "decided", agent), durable=False)
        number += 1

thread = threading.Thread(target=write, args=("parent", lambda number: over.is_set()))
thread.start()
children = []
for name in ("a", "b", "c"):
    pid = os.fork()
    if pid == 0:
        write(name, lambda number: number == 5)
        os._exit(0 if ledger.verify() == "" else 1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
over.set()
thread.join()
print(codes, ledger.verify() or "whole")
"""

FULL_DISK = """
import resource, sys
from ac_guardrails import LedgerError
from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(f"sqlite:///{sys.argv[1]}")
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
written = 0
try:
    while written < 1000:
        ledger.append(Event(f"e{written}", "decided", "m", {"what": "x" * 900}))
        written += 1
except LedgerError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ledger.append(Event("after", "decided", "m"))
print(written == len(ledger.entries()) - 1, ledger.verify() or "whole")
"""

LATE_AT_FORK = """
import os, sys

between = []
os.register_at_fork(before=lambda: [each() for each in between])  # registered first, it is run last

from ac_guardrails._events import Event
from ac_guardrails._ledger_url import open_ledger

ledger = open_ledger(f"sqlite:///{sys.argv[1]}")
ledger.append_read(Event("r1", "decided", "m"))
between.append(lambda: ledger.append_late(Event("r1", "outcome", "m", {"outcome": "done"})))
pid = os.fork()
if pid == 0:
    ledger.flush()
    os._exit(0)
os.waitpid(pid, 0)
ledger.flush()
with ledger.reading() as connection:
    print(connection.execute("SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind").fetchall())
"""

NO_FILE_LEFT = """
import os, resource, sys
from ac_guardrails._inflight import InFlight

resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
taken = []
try:
    while True:
        taken.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    print(InFlight().may_run("an entry", sys.argv[1], silent=1.0))
"""

UNPRIVILEGED = """
import os, sys
from ac_guardrails import LedgerError
from ac_guardrails._ledger_url import open_ledger

if os.getuid() == 0:
    os.setuid(65534)
try:
    open_ledger(f"sqlite:///{sys.argv[1]}")
except LedgerError as error:
    print(error)
"""


def start(program: str, *args: str) -> subprocess.Popen[str]:
    """A Python of its own that imports what this one can."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", program, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"},
    )


def opened(path: Path) -> Ledger:
    return open_ledger(f"sqlite:///{path}")


@pytest.mark.timeout(60)
def test_two_processes_keep_one_whole_chain(tmp_path: Path) -> None:
    """Two processes that write to one file at once lose nothing and fork no chain."""
    path = tmp_path / "ledger.db"
    writers = [start(WRITER, str(path), name) for name in ("one", "two")]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n", timeout=30)
        assert writer.returncode == 0
    ledger = opened(path)
    entries = ledger.entries()
    assert len(entries) == 50
    assert {entry.payload["number"] for entry in ledger.entries(agent="two")} == set(range(25))
    assert ledger.verify() == ""
    ledger.close()


@pytest.mark.timeout(60)
def test_forked_children_write_to_the_same_file(tmp_path: Path) -> None:
    """A child forked while a thread of its parent writes neither waits for ever nor breaks the file."""
    path = tmp_path / "ledger.db"
    forking = start(FORKING, f"sqlite:///{path}")
    said, _ = forking.communicate(timeout=40)
    assert said == "[0, 0, 0] whole\n"
    ledger = opened(path)
    assert all(len(ledger.entries(agent=name)) == 5 for name in "abc")
    assert ledger.verify() == ""
    ledger.close()


@pytest.mark.timeout(60)
def test_what_a_thread_leaves_in_the_moment_of_a_fork_is_on_record_once(tmp_path: Path) -> None:
    """How a read ended, left for later between the last flush and the fork, is recorded by the parent alone."""
    said, _ = start(LATE_AT_FORK, str(tmp_path / "ledger.db")).communicate(timeout=40)
    assert said == "[('decided', 1), ('outcome', 1)]\n"


@pytest.mark.timeout(60)
def test_who_cannot_look_takes_nobody_for_dead() -> None:
    """Without a file descriptor to look at a process with, its call may still be on its way: nobody settles it."""
    said, _ = start(NO_FILE_LEFT, this_process()).communicate(timeout=40)
    assert said == "True\n"


@pytest.mark.skipif(not Path("/proc/self/ns/pid").is_symlink(), reason="this system does not tell process namespaces")
def test_a_process_of_another_container_with_the_same_name_is_not_taken_for_dead() -> None:
    """Its number means another process here, or none: it may run until it has long been silent."""
    here, _, namespace = this_process().rpartition("@")
    elsewhere = f"{here.rpartition(':')[0]}:1@{int(namespace) + 1}"
    assert InFlight().may_run("an entry", elsewhere, silent=1.0)
    assert not InFlight().may_run("an entry", elsewhere, silent=86400.0)
    assert not InFlight().may_run("an entry", f"{here.rpartition(':')[0]}:1@{namespace}", silent=1.0)


@pytest.mark.timeout(60)
def test_a_full_disk_is_an_error_in_words_and_passes(tmp_path: Path) -> None:
    """When the file can grow no more, the write is refused whole; with room again, the ledger goes on."""
    full = start(FULL_DISK, str(tmp_path / "ledger.db"))
    said, _ = full.communicate(timeout=40)
    error, state = said.splitlines()
    assert "cannot be used (" in error
    assert "No write is sent without a record" in error
    assert state == "True whole"


@pytest.mark.timeout(60)
def test_a_directory_that_may_not_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    """A read-only directory is told apart from a missing ledger."""
    place = tmp_path / "closed"
    place.mkdir()
    place.chmod(0o555)
    said, _ = start(UNPRIVILEGED, str(place / "ledger.db")).communicate(timeout=40)
    assert said.startswith(f"The ledger {place}/ledger.db cannot be opened (")
