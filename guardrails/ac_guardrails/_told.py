"""What an agent is told of a call, beside what the account and the grants say."""

from __future__ import annotations

from collections.abc import Mapping

from ac_guardrails._approvals import Decision
from ac_guardrails._job import Answer
from ac_guardrails._text import inert

PARTLY = " A part of it was done before that. Read the record back before you repeat it."


def overruled(words: Mapping[str, str], stands: Decision) -> str:
    """That somebody else said otherwise, after the answer that stands."""
    first = inert(stands.by, limit=80)
    if words["by"] == first:
        return f"{first} said otherwise later ({words['decision']}), but the first answer stands. "
    return f"{words['by']} said otherwise ({words['decision']}), after {first} had answered, whose answer stands. "


def public(answer: Answer) -> str:
    """Why another call stands in the way, without what reading it back showed."""
    return answer.content.partition(" Nothing was sent.")[0][:300]


def said(error: BaseException, outcome: str) -> str:
    """The error in words, and what to beware of."""
    return f"{error}{PARTLY}" if outcome == "partly" else str(error)
