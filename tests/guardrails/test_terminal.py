"""The person at the keyboard sees one card at a time, and only a clear yes is one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ac_guardrails import Action, ApprovalRequest, CannotAskError, Card, Decision, Level, Need
from ac_guardrails.approvers import ask_in_terminal, terminal

END = "\x04"  # Ctrl-D


def request(name: str = "burn book 7", **arguments: Any) -> ApprovalRequest:
    action = Action("m", "burn_book", "h", (Need("books", Level.FULL),), arguments, name)
    return ApprovalRequest("e1", "m", action, Card(f"{name}?", (("Agent", "m"),), "No way back."))


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A terminal on which these keys are pressed."""
    monkeypatch.setenv("LOGNAME", "anna")
    master, slave = pty.openpty()
    stdin = os.fdopen(slave, "r")
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(terminal, "forget_typed", lambda: None)  # these keys are pressed before the card is there
    yield lambda *lines: print(end="".join("" for line in lines if os.write(master, line.encode())))
    stdin.close()
    os.close(master)


ANSWERS = {
    "a": (["a\n"], Decision.approve(by="anna")),
    "yes": (["YES\n"], Decision.approve(by="anna")),
    "reject, then why": (["r\n", "too many\n"], Decision.reject("too many", by="anna")),
    "reject with why": (["reject too many\n"], Decision.reject("too many", by="anna")),
    "no, without why": (["n\n", "\n"], Decision.reject("", by="anna")),
    "no, then the end": (["n\n", END], Decision.reject("", by="anna")),
    "an empty line asks again": (["\n", "\n", "a\n"], Decision.approve(by="anna")),
    "anything else asks again": (["ok\n", "approved!\n", "yep\n", "r no\n"], Decision.reject("no", by="anna")),
    "the end of input": ([END], Decision.reject("the terminal was closed", by="anna")),
    "an edit": (["e\n", '{"book": 2}\n'], Decision.edit({"book": 2}, by="anna")),
    "a bad edit, then a good one": (
        ["e\n", "{book: 2}\n", "e\n", "[2]\n", "e\n", '{"book": NaN}\n', "e\n", '{"book": 2}\n'],
        Decision.edit({"book": 2}, by="anna"),
    ),
    "an edit given up": (["e\n", "\n", "a\n"], Decision.approve(by="anna")),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("keys", "decision"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_the_person_types_is_what_is_decided(keyboard: Any, keys: list[str], decision: Decision) -> None:
    """Yes, no, an edit, the end of input and nonsense each mean one thing."""
    keyboard(*keys)
    assert ask_in_terminal(request()) == decision


@pytest.mark.timeout(20)
def test_who_watches_may_leave_it_to_somebody_else(keyboard: Any, capsys: Any) -> None:
    """A skip decides nothing, and neither does the end of the input; only who was asked directly cannot skip."""
    keyboard("s\n")
    assert terminal.ask_at_keyboard(request(), by="anna", may_skip=True) is None
    keyboard(END)
    with pytest.raises(EOFError):
        terminal.ask_at_keyboard(request(), by="anna", may_skip=True)
    keyboard("s\n", "a\n")
    assert ask_in_terminal(request()) == Decision.approve(by="anna")
    assert "Please answer a, r or e." in capsys.readouterr().out


@pytest.mark.timeout(20)
def test_a_wrong_edit_is_told_and_asked_again(keyboard: Any, capsys: Any) -> None:
    """What the check says is shown, and the question is put again."""
    keyboard("e\n", '{"book": 0}\n', "e\n", '{"book": 2}\n')
    check = lambda arguments: "" if arguments["book"] else "There is no book 0."  # noqa: E731
    decision = terminal.ask_at_keyboard(request(), by="anna", check=check)
    assert decision == Decision.edit({"book": 2}, by="anna")
    assert "There is no book 0." in capsys.readouterr().out


def test_the_card_is_shown_before_the_question(keyboard: Any, capsys: Any) -> None:
    """The person reads who, what and what cannot be taken back, then is asked."""
    keyboard("a\n")
    ask_in_terminal(request())
    shown = capsys.readouterr().out
    order = [
        shown.index(text) for text in ("A person must decide", "burn book 7?", "Agent", "No way back.", "[a]pprove")
    ]
    assert order == sorted(order)


def test_arguments_to_edit_are_shown_inert(keyboard: Any, capsys: Any) -> None:
    """What a model put into the arguments can neither move the cursor nor turn the text."""
    keyboard("e\n", "\n", "r no\n")
    ask_in_terminal(request(note="\x1b[2J\x9b31m\u202eevil\ud800", name="Zoë"))
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(shown)
    assert "Zoë" in shown


def test_without_a_terminal_nobody_agrees(monkeypatch: Any) -> None:
    """A pipe, a closed or a missing stdin rejects at once and reads nothing."""
    with open(os.devnull) as stdin:
        for source in (stdin, None):
            monkeypatch.setattr(sys, "stdin", source)
            with pytest.raises(CannotAskError, match="there is no terminal to ask in"):
                ask_in_terminal(request())


def test_a_user_without_a_name_can_answer(keyboard: Any, monkeypatch: Any) -> None:
    """In a container whose user is not in the password file the answer still has a name."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    keyboard("a\n")
    assert ask_in_terminal(request()) == Decision.approve(by="user 987654")


@pytest.mark.timeout(20)
def test_two_threads_are_asked_one_after_the_other(keyboard: Any, capsys: Any) -> None:
    """A second card appears only after the first was answered."""
    decisions: dict[str, Decision] = {}

    def ask(name: str) -> None:
        decisions[name] = ask_in_terminal(request(name))

    keyboard("a\n", "a\n")
    threads = [threading.Thread(target=ask, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = capsys.readouterr().out
    marks = sorted(
        (place, mark)
        for mark in ("must decide", "[a]pprove")
        for place in range(len(shown))
        if shown.startswith(mark, place)
    )
    assert [mark for _, mark in marks] == ["must decide", "[a]pprove"] * 2
    assert set(decisions) == {"one", "two"}


PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from ac_guardrails import Catalog, CatalogTool, Grants, Guard, Level, Need, Action, Card, Plan, Request
from ac_guardrails._origin import Origin
from ac_guardrails.approvers import ask_in_terminal

need = Need("books", Level.FULL)
catalog = Catalog("L", ("books",), (CatalogTool("burn", need),))
grants = Grants.from_dict({"agents": {"m": {"books": "full"}}}, catalog=catalog)
guard = Guard(grants, approver=ask_in_terminal, ledger="memory:")

class Job:
    agent, tool, host, origin = "m", "burn", "h", Origin()
    def arguments(self): return {}
    def outline(self): return Action("m", "burn", "h", (need,), {}, "burn book 1", request=Request("DELETE", "/1"))
    def prepare(self, readable, again=False):
        return Plan(self.outline(), card=lambda: Card("Burn?"), perform=lambda: None)
        yield

try:
    guard.run(Job(), None)
except KeyboardInterrupt:
    print("STOPPED:", guard.ledger.entries()[0].sentence)
"""


@pytest.mark.timeout(30)
def test_ctrl_c_stops_the_program_with_nothing_sent() -> None:
    """Ctrl-C at the question goes through to the program, and the ledger says that nothing was decided."""
    master, slave = pty.openpty()
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": paths, "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(slave)
    shown = ""
    try:
        while "STOPPED" not in shown or not shown.endswith("\n"):
            if select.select([master], [], [], 0.5)[0]:
                shown += os.read(master, 4096).decode(errors="replace")
            elif "[a]pprove" in shown:  # it waits for a line now; a signal just before that would be seen only after it
                os.write(master, b"\x03")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert "m asked to burn book 1 in h: refused (The question was interrupted)." in shown
