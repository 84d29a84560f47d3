"""Questions to people, as they are found in a ledger and shown: a table, a card with its arguments, JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ac_guardrails import Ledger, LedgerError, Question, inert
from ac_guardrails._desk import Desk, entry_of, listed
from ac_guardrails._folding import mapping
from ac_tools.cli._console import json_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_ANSWERED = {"approve": "approved", "reject": "rejected", "edit": "edited"}
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, OSError, LedgerError)
"""What making a question of damaged values raises."""


class DamagedError(Exception):
    """What is kept of a question cannot be read."""


def waiting(ledger: Ledger) -> tuple[list[Question], list[str]]:
    """The questions to answer now, oldest first, a set in place of its calls; and the entries that cannot be read."""
    with ledger.transaction(durable=False) as connection:
        rows = connection.execute("SELECT entry FROM payloads WHERE ask IS NOT NULL AND closed = 0").fetchall()
    questions: list[Question] = []
    damaged = []
    for (entry,) in rows:
        try:
            questions += _read(ledger, entry)
        except DamagedError:
            damaged.append(str(entry))
    return listed(questions, ledger.now()), damaged


def found(ledger: Ledger, approval: str) -> Question | None:
    """A question by its id; None where it is no longer kept, or never was.

    Raises:
        DamagedError: It cannot be read.
    """
    questions = _read(ledger, entry_of(approval))
    return next((question for question in questions if question.request.id == approval), None)


def damage(approval: str) -> str:
    """That a question cannot be shown, and what comes of it."""
    name = inert(approval, limit=40)
    return f"Approval {name} cannot be shown: what is kept of it is damaged. Nobody can answer it, and nothing runs."


def _read(ledger: Ledger, entry: str) -> list[Question]:
    """All questions of an entry, none of which is damaged."""
    with ledger.transaction(durable=False) as connection:
        sql = "SELECT CAST(body AS BLOB), ask FROM payloads WHERE entry = ?"  # damaged, it may be no text
        row = connection.execute(sql, (entry,)).fetchone()
    if row is None:
        return []
    try:
        mapping(row[0])
        questions = Desk(ledger).questions(entry)
        for question in questions:
            as_data(question, ledger.now())  # it has all that will be shown
    except _UNREADABLE as error:
        raise DamagedError from error
    if row[1] is not None and not questions:
        raise DamagedError
    return questions


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
        "members": list(question.members),
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
    if question.decision is not None and question.decision.kind == "edit":
        console.print(Text("Changed to", style="dim"))
        console.print(Text(json_text(dict(question.decision.arguments or {}), indent=2)), soft_wrap=True)
    if question.members:
        told = f"Each call can also be answered by itself: {', '.join(question.members)}."
        console.print(Text(told, style="dim"), soft_wrap=True)
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
