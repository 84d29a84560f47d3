"""What a person is shown of a set: several calls as one action, and one card."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from ac_guardrails._action import Action
from ac_guardrails._approvals import Card
from ac_guardrails._catalog import Need
from ac_guardrails._desk import Question

TOOL = "set_of_calls"
"""What stands for the tool's name where a question is about a set."""
_MOST_NAMED = 5
"""How many calls a sentence names; the card has all of them."""


def together(actions: Sequence[Action]) -> Action:
    """Several calls of one agent as one action, to decide on and to look at; each is carried out by itself.

    Args:
        actions: The calls, at least one.
    """
    return Action(
        agent=actions[0].agent,
        tool=TOOL,
        host=actions[0].host,
        needs=_needs(actions),
        arguments={"calls": [{"tool": one.tool, "arguments": dict(one.arguments)} for one in actions]},
        what=_sentence([one.what for one in actions]),
        plain=_sentence([one.plain or one.what for one in actions]),
        references=tuple(dict.fromkeys(reference for one in actions for reference in one.references)),
        people=sum(one.people for one in actions),
        why="Several calls are asked about together",
        touches={str(number): dict(one.touches) for number, one in enumerate(actions, 1) if one.touches},
    )


def set_card(questions: Sequence[Question]) -> Card:
    """The cards of several questions as one: what all of them say first, then call by call, the gravest warnings last.

    Each row of a call has the call's number, so that none can pass for another call's.

    Args:
        questions: The questions, at least two.
    """
    cards = [one.request.card.inert() for one in questions]
    gravest = max(one.request.action.level for one in questions)
    is_grave = [one.request.action.level == gravest for one in questions]
    shared = _shared(cards)
    people = sum(one.request.action.people for one in questions)
    rows = [*shared, *([("People", f"at most {people}; who is in two calls counts twice")] if people else [])]
    for number, (card, grave) in enumerate(zip(cards, is_grave, strict=True), 1):
        rows.append((f"Call {number}", card.title))
        rows += [(f"{number} {label}", text) for label, text in card.rows[len(shared) :]]
        rows += [(f"{number} Careful", card.warning)] if card.warning and not grave else []
    last = _warnings([card.warning if grave else "" for card, grave in zip(cards, is_grave, strict=True)])
    return Card(f"{len(cards)} calls with one answer: a yes is for all of them, and so is a no", tuple(rows), last)


def _shared(cards: Sequence[Card]) -> tuple[tuple[str, str], ...]:
    """The rows that all cards begin with."""
    alike = takewhile(lambda rows: len(set(rows)) == 1, zip(*(card.rows for card in cards), strict=False))
    return tuple(rows[0] for rows in alike)


def _warnings(warnings: Sequence[str]) -> str:
    """The warnings of the calls, each once, with the numbers of those that it is of."""
    numbers: dict[str, list[str]] = {}
    for number, warning in enumerate(warnings, 1):
        if warning:
            numbers.setdefault(warning, []).append(str(number))
    return " ".join(f"Call {', '.join(of)}: {warning}" for warning, of in numbers.items())


def _needs(actions: Sequence[Action]) -> tuple[Need, ...]:
    """The highest level that any of them needs in each area."""
    levels: dict[str, Need] = {}
    for need in (need for one in actions for need in one.needs):
        if need.area not in levels or levels[need.area].level < need.level:
            levels[need.area] = need
    return tuple(levels.values())


def _sentence(acts: Sequence[str]) -> str:
    """What a set does, as an infinitive."""
    named = list(acts[:_MOST_NAMED])
    named += [f"and {len(acts) - len(named)} more"] if len(acts) > len(named) else []
    return f"make {len(acts)} calls: {'; '.join(named)}"
