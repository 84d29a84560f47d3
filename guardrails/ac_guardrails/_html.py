"""How things look in a notebook, whose own colours they keep, so that they can be read on a dark page and a light one.

Every text is escaped where it becomes HTML, in `table` and `framed` and nowhere else, and made inert before: what came
from an account, a model or a person is never markup, a turned line or a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from html import escape
from typing import Any

from ac_guardrails._approvals import ApprovalRequest, Approver, Card, Elsewhere
from ac_guardrails._entries import Entry
from ac_guardrails._grants import Grants
from ac_guardrails._guard import Guard
from ac_guardrails._ledger import Ledger
from ac_guardrails._shown import areas_of, levels_of, limits_of, tone_of
from ac_guardrails._text import inert

_NEWEST = 20
_LONGEST = 1000
_NONE = "transparent"
_GREEN, _AMBER, _RED, _BLUE, _GREY = "#2e9e5b", "#c98a00", "#d9534f", "#4a90d9", "#8a8a8a"
"""Edges that can be told from a dark page and a light one. A word beside them says the same."""
_TONES = {
    "written": _GREEN,
    "rehearsed": _BLUE,
    "halted": _AMBER,
    "wrong": _RED,
    "joined": _GREY,
    "stopped": _RED,
    "resumed": _GREEN,
}
_LEVELS = {"write": _AMBER, "full": _RED}
_CELL = "text-align:left;vertical-align:top;padding:.3em .8em"
_LONG_WORD = 40


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with an edge of a colour beside it.

    Args:
        text: What it says.
        edge: The colour.
        limit: The most characters of it to show.
    """

    text: str
    edge: str = _NONE
    limit: int = _LONGEST


Text = str | Cell


def table(
    rows: Iterable[Sequence[Text]], *, head: Sequence[str] = (), caption: str = "", below: Sequence[str] = ()
) -> str:
    """A table.

    Args:
        rows: Its cells, as they are: they are made harmless here.
        head: What stands above the columns; without it the first cell of each row is what the row is called.
        caption: What it shows.
        below: What else there is to say, a line each.
    """
    above = f"<thead><tr>{''.join(_cell('th', text) for text in head)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{_row(row, named=not head)}</tr>" for row in rows)
    title = f'<caption style="text-align:left;caption-side:top"><strong>{_safe(caption)}</strong></caption>'
    whole = f'<table style="border-collapse:collapse">{title if caption else ""}{above}<tbody>{body}</tbody></table>'
    lines = "".join(f"<li>{_safe(line)}</li>" for line in below)
    return _outer(f"{whole}<ul>{lines}</ul>" if below else whole, "overflow-x:auto")


def framed(title: str, *, head: str = "", body: str = "", last: str = "", edge: str = _GREY) -> str:
    """A frame with an edge of a colour.

    Args:
        title: What it says.
        head: What it is, in small print; empty for nothing.
        body: HTML made by `table`; the title is in bold above it.
        last: What is said last and must not be missed.
        edge: The colour.
    """
    above = f"<small>{_safe(head)}</small>" if head else ""
    text = f"<strong>{_safe(title)}</strong>" if body else _safe(title)
    said = f'<p style="margin:0;overflow-wrap:anywhere">{text}</p>'
    warning = f'<p style="margin:.4em 0 0;padding-left:.6em;border-left:4px solid {_RED}">{_safe(last)}</p>'
    style = f"border:1px solid {_GREY};border-left:4px solid {edge};padding:.6em 1em;max-width:60em"
    return _outer(f"{above}{said}{body}{warning if last else ''}", style)


@singledispatch
def html_of(thing: Any) -> str:
    """What a notebook shows of one of ours."""
    raise TypeError(f"Nobody has said how a {type(thing).__name__} looks.")


@html_of.register
def _guard(guard: Guard) -> str:
    sends = "writes are sent" if guard.mode == "enforce" else "everything is done but sending a write"
    rows: list[tuple[Text, ...]] = [
        ("Mode", f"{guard.mode}: {sends}"),
        ("Asks", _asks(guard.approver)),
        ("Agents", ", ".join(guard.grants.agents) or "nobody"),
        ("Ledger", guard.ledger.path),
    ]
    if stop := guard.ledger.stopped():
        rows.append((Cell("Stopped", _RED), str(stop)))
    return table(rows, caption="Guard")


def _asks(approver: Approver | None) -> str:
    """What kind of approver it is, and of others' nothing more: their reprs may hold anything."""
    if approver is None:
        return "nobody: a call that needs a person is refused"
    return repr(approver) if isinstance(approver, Elsewhere) else getattr(approver, "__name__", type(approver).__name__)


@html_of.register
def _grants(grants: Grants) -> str:
    if not grants.agents:
        return framed("Nobody may do anything.")
    areas = areas_of(grants)
    rows: list[Sequence[Text]] = [[agent, *_levels(levels_of(grants, agent), areas)] for agent in grants.agents]
    below = [f"{agent}, {line}" for agent in grants.agents for line in limits_of(grants, agent)]
    return table(rows, head=("Agent", *areas), below=below)


def _levels(levels: Mapping[str, str], areas: Iterable[str]) -> list[Cell]:
    return [Cell(levels[area], _LEVELS.get(levels[area], _NONE)) for area in areas]


@html_of.register
def _card(card: Card, head: str = "") -> str:
    card = card.inert()
    rows = [(label, Cell(text, limit=2000)) for label, text in card.rows]
    return framed(card.title, head=head, body=table(rows), last=card.warning, edge=_AMBER)


@html_of.register
def _request(request: ApprovalRequest) -> str:
    until = f", until {request.expires:%Y-%m-%d %H:%M} UTC" if request.expires_at else ""
    return _card(request.card, f"A person must decide{until} (question {request.id})")


@html_of.register
def _entry(entry: Entry) -> str:
    head = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, entry {entry.id}"
    return framed(entry.sentence, head=head, edge=_TONES.get(tone_of(entry), _GREY))


@html_of.register
def _ledger(ledger: Ledger) -> str:
    entries, count = ledger.newest(_NEWEST)
    if not entries:
        return framed("No calls on record.")
    rows = [(f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.sentence, _outcome(entry)) for entry in entries]
    caption = f"The newest {len(entries)} of {count} calls" if len(entries) < count else ""
    return table(rows, head=("UTC", "What happened", "Outcome"), caption=caption)


def _outcome(entry: Entry) -> Cell:
    return Cell((entry.outcome or entry.decision).replace("_", " "), _TONES.get(tone_of(entry), _NONE))


def _row(cells: Sequence[Text], *, named: bool) -> str:
    return "".join(_cell("th" if named and not at else "td", text) for at, text in enumerate(cells))


def _cell(tag: str, cell: Text) -> str:
    text, edge, limit = (cell.text, cell.edge, cell.limit) if isinstance(cell, Cell) else (cell, "", _LONGEST)
    line = f";border-left:4px solid {edge}" if edge else ""
    # Anywhere, short words would be broken too, to make room for a long column.
    broken = ";overflow-wrap:anywhere" if max(map(len, text.split()), default=0) > _LONG_WORD else ""
    return f'<{tag} style="{_CELL}{line}{broken}">{_safe(text, limit)}</{tag}>'


def _outer(inner: str, style: str) -> str:
    """With the classes that keep what stands between dollar signs from being set as a formula."""
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{style}">{inner}</div>'


def _safe(text: str, limit: int = _LONGEST) -> str:
    return escape(inert(text, limit=limit))
