"""Asking the person at the keyboard, one card at a time."""

from __future__ import annotations

import getpass
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ac_guardrails._approvals import ApprovalRequest, CannotAskError, Decision
from ac_guardrails._canonical import canonical
from ac_guardrails._text import inert

if TYPE_CHECKING:
    from rich.console import Console

Check = Callable[[Mapping[str, Any]], str]
_ONE_AT_A_TIME = threading.Lock()


def _nothing_wrong(arguments: Mapping[str, Any]) -> str:
    return ""


def ask_in_terminal(request: ApprovalRequest) -> Decision:
    """Show the card and wait for the person at the keyboard to approve, reject or edit.

    Everything that is not a clear yes is a no: an empty line asks again, the end of input rejects, Ctrl-C stops the
    program with nothing sent.

    Args:
        request: What waits for a decision.
    """
    with _ONE_AT_A_TIME:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CannotAskError("there is no terminal to ask in")
        try:
            decision = ask_at_keyboard(request, by=login_name())
        except EOFError:
            return Decision.reject("the terminal was closed", by=login_name())
    assert decision is not None
    return decision


def ask_at_keyboard(
    request: ApprovalRequest, *, by: str, check: Check = _nothing_wrong, may_skip: bool = False
) -> Decision | None:
    """Show the card, and read until there is an answer.

    Args:
        request: What waits for a decision.
        by: The name of the person at the keyboard.
        check: Says what is wrong with edited arguments; an empty text where nothing is.
        may_skip: Whether the person may leave it to somebody else; then there is no decision.

    Raises:
        EOFError: The input ended before there was an answer.
    """
    show_card(request)
    forget_typed()
    return _answer(request, by, check, may_skip=may_skip)


def forget_typed() -> None:
    """What was typed before the card was there is no answer to it."""
    try:
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    except (ImportError, OSError, ValueError):
        pass  # no such terminal; there is nothing to forget


def show_card(request: ApprovalRequest, console: Console | None = None) -> None:
    """Print the card in a frame.

    Args:
        request: What waits for a decision.
        console: Where to print it; stdout by default.
    """
    from rich.console import Console, Group
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    card = request.card.inert()
    rows = Table.grid(padding=(0, 2))
    for label, text in card.rows:
        rows.add_row(Text(f"  {label}"), Text(text, overflow="fold"))
    body = Group(
        Text(card.title, style="bold", overflow="fold"),
        rows,
        *([Padding(Text(card.warning, style="red"), (0, 0, 0, 2))] if card.warning else []),
    )
    frame = Panel(body, title="A person must decide", border_style="yellow", title_align="left")
    (console or Console()).print(frame)


def login_name() -> str:
    """The name of whoever runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"  # a container's user need not have a name


def _answer(request: ApprovalRequest, by: str, check: Check, *, may_skip: bool) -> Decision | None:
    skip, letters = (", [s]kip", "a, r, e or s") if may_skip else ("", "a, r or e")
    while True:
        words = input(f"  [a]pprove, [r]eject, [e]dit{skip}? ").strip()
        choice, _, rest = words.partition(" ")
        match choice.lower():
            case "a" | "approve" | "y" | "yes":
                return Decision.approve(by=by)
            case "r" | "reject" | "n" | "no":
                return Decision.reject(rest.strip() or _line("  Why (told to the agent)? "), by=by)
            case "e" | "edit":
                edited = _edited(request, check)
                if edited is not None:
                    return Decision.edit(edited, by=by)
            case "s" | "skip" if may_skip:
                return None
            case _:
                print(f"  Please answer {letters}.")


def _edited(request: ApprovalRequest, check: Check) -> dict[str, Any] | None:
    """Ask for new arguments as JSON; None where the person changes their mind, or what they typed cannot be used."""
    print("  Now:", inert(json.dumps(dict(request.action.arguments), ensure_ascii=False), limit=4000))
    text = _line("  New arguments as JSON (empty: back): ")
    if not text:
        return None
    try:
        arguments = read_arguments(text)
    except ValueError as error:
        print(f"  {error}")
        return None
    if wrong := check(arguments):
        print(f"  {wrong}")
        return None
    return arguments


def read_arguments(text: str) -> dict[str, Any]:
    """Read a call's arguments from what a person typed.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        arguments = json.loads(text)
        canonical(arguments)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"That is no JSON ({error}).") from None
    if not isinstance(arguments, dict):
        raise ValueError('The arguments are an object: {"name": value, ...}.')
    return arguments


def _line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
