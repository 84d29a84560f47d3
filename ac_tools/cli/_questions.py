"""Questions to people, as they are shown: a table, a card with its arguments, JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ac_guardrails import Question, inert
from ac_tools.cli._console import json_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_ANSWERED = {"approve": "approved", "reject": "rejected", "edit": "edited"}


def as_data(question: Question, now: float) -> dict[str, Any]:
    """A question as plain data.

    Args:
        question: The question.
        now: Epoch seconds.
    """
    request, action, decision = question.request, question.request.action, question.decision
    card = request.card.inert()
    return {
        "id": request.id,
        "agent": request.agent,
        "tool": action.tool,
        "host": action.host,
        "what": action.plain or action.what,
        "arguments": dict(action.arguments),
        "card": {"title": card.title, "rows": dict(card.rows), "warning": card.warning},
        "state": state_of(question, now),
        "by": decision.by if decision else "",
        "reason": decision.reason if decision else "",
        "expires": request.expires.isoformat(timespec="seconds"),
        "seconds_left": max(0, round(request.seconds_left(now))),
    }


def state_of(question: Question, now: float) -> str:
    """waiting, approved, rejected, edited, void or lapsed."""
    if question.is_open(now):
        return "waiting"
    if question.decision is not None:
        return _ANSWERED[question.decision.kind]
    return "lapsed" if now >= question.request.expires_at else "void"


def questions_table(questions: Iterable[Question], now: float) -> Table:
    """A row a question: its id, who asks, what for, and how long an answer still counts."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("Approval", no_wrap=True)
    table.add_column("Agent", no_wrap=True)
    table.add_column("asks to", overflow="fold")
    table.add_column("Counts for", no_wrap=True)
    for question in questions:
        request = question.request
        what = inert(request.action.plain or request.action.what, limit=300)
        table.add_row(request.id, inert(request.agent, limit=24), what, time_left(request.seconds_left(now)))
    return table


def show_question(console: Console, question: Question, now: float) -> None:
    """Print the card, the exact arguments, and whether it can still be answered.

    Args:
        console: Where.
        question: The question.
        now: Epoch seconds.
    """
    from rich.text import Text

    from ac_guardrails.approvers.terminal import show_card

    show_card(question.request, console)
    console.print(Text("Arguments", style="dim"))
    console.print(Text(json_text(dict(question.request.action.arguments), indent=2)), soft_wrap=True)
    console.print(Text(standing(question, now), style="dim"), soft_wrap=True)


def standing(question: Question, now: float) -> str:
    """Whether it can still be answered, or what was said, as a sentence."""
    request, decision, name = question.request, question.decision, f"Approval {question.request.id}"
    if decision is not None:
        because = f" ({inert(decision.reason, limit=300).rstrip('.')})" if decision.reason else ""
        return f"{name}: {state_of(question, now)} by {inert(decision.by, limit=80)}{because}."
    match state_of(question, now):
        case "waiting":
            return f"{name} waits for an answer, which counts for another {time_left(request.seconds_left(now))}."
        case "lapsed":
            return f"{name} has lapsed, and nothing ran."
        case _:
            return f"{name} is void: its call has ended, or what it was about has changed."


def time_left(seconds: float) -> str:
    """A span of time as people say it, and never more than there is: seconds, then minutes, then hours."""
    left = max(0, int(seconds))
    for unit, length in (("h", 3600), ("min", 60)):
        if left >= 2 * length:
            return f"{left // length} {unit}"
    return f"{left} s"
