"""What an answer leads to, and what is wrong with one before it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ac_guardrails import Decision, Question, inert


def fault_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a call; empty where nothing is, or where only the guard can tell.

    Args:
        tool: The tool's name.
        arguments: What it would be called with.
    """
    from ac_tools.tools import ALL_TOOLS
    from ac_tools.tools._arguments import Arguments, faults

    for kind in ALL_TOOLS:
        if kind.model_fields["name"].default == tool:
            schema = kind.model_fields["args_schema"].default
            assert issubclass(schema, Arguments)
            try:
                schema.model_validate(dict(arguments))
            except ValidationError as error:
                return f"{tool} cannot be called with these arguments: {faults(error)}"
    return ""


def consequence(question: Question, decision: Decision) -> str:
    """What comes of an answer, as a sentence."""
    by = inert(decision.by, limit=80)
    when = f"{question.request.expires:%H:%M:%S} UTC"
    match decision.kind:
        case "approve":
            return f"Approved by {by}. It runs once, if its agent comes for the answer before {when}."
        case "edit":
            return (
                f"Edited by {by}. If its agent comes for the answer before {when}, the call runs with these arguments; "
                "but where they change the person, list, automation or amount, a new card is shown first."
            )
        case _:
            return f"Rejected by {by}. Nothing runs, and the agent is told."
