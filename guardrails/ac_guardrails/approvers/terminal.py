"""Asking the person at the keyboard, one card at a time."""

from __future__ import annotations

import getpass
import json
import sys
import threading
from typing import Any

from ac_guardrails._approvals import ApprovalRequest, Decision

_ONE_AT_A_TIME = threading.Lock()


def ask_in_terminal(request: ApprovalRequest) -> Decision:
    """Show the card and wait for the person at the keyboard to approve, reject or edit.

    Everything that is not a clear yes is a no: an empty line asks again, the end of input rejects, Ctrl-C stops the
    program with nothing sent.

    Args:
        request: What waits for a decision.
    """
    with _ONE_AT_A_TIME:
        if not sys.stdin.isatty():
            return Decision.reject("there is no terminal to ask in", by="nobody")
        show_card(request)
        return _answer(request, getpass.getuser())


def show_card(request: ApprovalRequest) -> None:
    """Print the card in a frame."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    title, *rest = request.card.lines()
    body = Text(title, style="bold")
    for line in rest:
        body.append("\n" + line, style="red" if line.strip() == request.card.warning else "not bold")
    Console().print(Panel(body, title="A person must decide", border_style="yellow", title_align="left"))


def _answer(request: ApprovalRequest, person: str) -> Decision:
    while True:
        try:
            words = input("  [a]pprove, [r]eject, [e]dit? ").strip()
        except EOFError:
            return Decision.reject("the terminal was closed", by=person)
        choice, _, rest = words.partition(" ")
        match choice.lower():
            case "a" | "approve" | "y" | "yes":
                return Decision.approve(by=person)
            case "r" | "reject" | "n" | "no":
                return Decision.reject(rest.strip() or _line("  Why (told to the agent)? "), by=person)
            case "e" | "edit":
                edited = _edited(request)
                if edited is not None:
                    return Decision.edit(edited, by=person)
            case _:
                print("  Please answer a, r or e.")


def _edited(request: ApprovalRequest) -> dict[str, Any] | None:
    """Ask for new arguments as JSON; None where the person changes their mind."""
    print(f"  Now: {json.dumps(dict(request.action.arguments), ensure_ascii=False)}")
    text = _line("  New arguments as JSON (empty: back): ")
    if not text:
        return None
    try:
        arguments = json.loads(text)
    except ValueError as error:
        print(f"  That is no JSON ({error}).")
        return None
    if not isinstance(arguments, dict):
        print('  The arguments are an object: {"name": value, ...}.')
        return None
    return arguments


def _line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
