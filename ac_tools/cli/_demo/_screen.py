"""What the demo shows while it works: a line for every step, a card for every question."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from ac_guardrails import ApprovalRequest, Approver, Decision, inert
from ac_guardrails.approvers.terminal import show_card
from ac_tools.cli._demo._loop import Work

_MOST_ARGUMENT = 60


class Screen:
    """Shows an agent at work.

    Args:
        console: Where.
        requests: How many requests the account has received so far.
    """

    def __init__(self, console: Console, requests: Callable[[], int]) -> None:
        self._console = console
        self._ticker = _Ticker(requests)
        self._status: Status | None = None

    def words(self, words: str) -> None:
        """Show what the model says."""
        self._console.print()
        self._console.print(Text(f"Agent: {_inert_lines(words)}", style="bold"))

    def call(self, call: ToolCall, work: Work) -> ToolMessage:
        """Show a call, do it, and show what came of it."""
        name = inert(call["name"], limit=_MOST_ARGUMENT)
        line = Text(f"  {name}", style="cyan")
        line.append(f" {_arguments(call['args'])}", style="not cyan")
        self._console.print(line, soft_wrap=False, overflow="ellipsis", no_wrap=True)
        with self._busy(name):
            message = work()
        self._result(message)
        return message

    def asking(self, approver: Callable[[ApprovalRequest], Any], *, shows_card: bool) -> Approver:
        """An approver that has the screen to itself while it asks.

        Args:
            approver: A sync approver.
            shows_card: Whether the approver shows the card itself; if not, the card and the answer are shown here.
        """

        def ask(request: ApprovalRequest) -> Decision:
            if self._status is not None:
                self._status.stop()
            if not shows_card:
                show_card(request, self._console)
            decision = approver(request)
            assert isinstance(decision, Decision)
            if not shows_card:
                self._console.print(_answer(decision))
            if self._status is not None:
                self._ticker.begin(request.action.tool)
                self._status.start()
            return decision

        return ask

    @contextmanager
    def _busy(self, name: str) -> Iterator[None]:
        self._ticker.begin(name)
        self._status = self._console.status(self._ticker)
        with self._status:
            try:
                yield
            finally:
                self._status = None

    def _result(self, message: ToolMessage) -> None:
        content = _inert_lines(str(message.content))
        if message.status == "error":
            self._console.print(Padding(Text(f"✗ {content}", style="yellow"), (0, 0, 0, 4)))
            return
        first, _, _ = content.partition("\n")
        self._console.print(Text(f"    ✓ {first}", style="dim"), overflow="ellipsis", no_wrap=True)


class _Ticker:
    """A line that counts while a call takes its time."""

    def __init__(self, requests: Callable[[], int]) -> None:
        self._requests = requests
        self.begin("")

    def begin(self, name: str) -> None:
        """Count from now, for this call."""
        self._name = name
        self._begun = time.monotonic()

    def __rich__(self) -> Text:
        seconds = time.monotonic() - self._begun
        return Text(f"{self._name}: {seconds:.0f} s, {self._requests()} requests so far")


def _answer(decision: Decision) -> Padding:
    words = {"approve": "approves", "reject": "rejects", "edit": "edits"}[decision.kind]
    because = f": {decision.reason}" if decision.reason else ""
    style = "green" if decision.kind == "approve" else "yellow"
    return Padding(Text(f"→ {decision.by} {words}{because}", style=style), (0, 0, 0, 4))


def _arguments(args: Mapping[str, Any]) -> str:
    return "  ".join(f"{inert(name, limit=_MOST_ARGUMENT)}={_argument(value)}" for name, value in args.items())


def _argument(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"({len(value)} people)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return inert(text, limit=_MOST_ARGUMENT)


def _inert_lines(text: str) -> str:
    """Text from outside, harmless to show, with its lines kept."""
    return "\n".join(inert(line, limit=600) for line in text.splitlines())
