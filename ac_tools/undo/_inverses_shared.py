"""What the inverses share: what is on record of a write, and what somebody has changed since, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ac_guardrails import Level, quoted
from ac_guardrails._job import Exchange
from ac_tools._records import Record
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._read_back import differing
from ac_tools.tools._tables import name_of
from ac_tools.undo._past import Inverse, Past, Step, UndoError


def inverse_of(
    tool: type[ActiveCampaignTool],
    *by: type[ActiveCampaignTool],
    changed: Callable[[Past], Exchange],
    stages: Callable[[Past], Sequence[Sequence[Step]]],
    cannot: str,
    refused: str,
    level: Level = Level.OFF,
) -> dict[str, Inverse | str]:
    """The entry of one tool: how it is taken back says its endpoint, which level that needs say the tools that do it.

    Args:
        tool: The tool.
        by: What takes it back.
        changed: Reads what somebody has changed since, as clauses.
        stages: The calls.
        cannot: What they cannot restore, as a clause.
        refused: When it is refused, as a clause after "where".
        level: A higher level than the tools need for every call.
    """
    least = max(one.endpoint.level for one in by)
    words, names = tool.endpoint.inverse, tuple(name_of(one) for one in by)
    return {name_of(tool): Inverse(words, names, max(least, level), cannot, changed, stages, refused)}


def kept(past: Past) -> Mapping[str, Any]:
    """What stood there before.

    Raises:
        UndoError: Nothing of it is kept.
    """
    if past.before is None:
        raise UndoError(
            f"Of what stood there before {past.tool} nothing is kept: the account did not say it when the write left. "
            "Set it by hand."
        )
    return past.before


def made(past: Past) -> int:
    """The id of the record that was made.

    Raises:
        UndoError: It is not on record.
    """
    if past.made is None:
        raise UndoError(f"Which record {past.tool} has made is not on record. Find it and delete it by hand.")
    return past.made


def nothing_to_restore(past: Past, reason: str) -> UndoError:
    """Why a write leaves nothing to be taken back.

    Args:
        past: The write.
        reason: Why, as a sentence, with what can be done instead.
    """
    return UndoError(f"{past.tool} cannot be taken back here. {reason}")


def told(label: str, now: Any, left: Any) -> str:
    """A value that is not as the write left it.

    Args:
        label: What it is called.
        now: What stands there now.
        left: What the write left there.
    """
    return f"{label}: {_data(now)}, was left as {_data(left)}"


def _data(value: Any) -> str:
    text = "" if value is None else str(value)
    return quoted(text, limit=80) if text.strip() else "empty"


def changes(
    record: Record,
    left: Mapping[str, Any],
    attributes: Mapping[str, str],
    shown: Mapping[str, Callable[[Any], Any]],
) -> list[str]:
    """What of a record is not as the write left it.

    Args:
        record: The record as it is now.
        left: What the write left, by argument.
        attributes: The attribute of the record that answers to each argument.
        shown: How values read to people where they are not as they stand in a record.
    """

    def read(name: str, value: Any) -> Any:
        return shown[name](value) if name in shown else value

    return [
        told(name.replace("_", " "), read(name, getattr(record, attributes[name])), read(name, left[name]))
        for name in differing(record, left, attributes)
    ]


def step(tool: type[ActiveCampaignTool], **arguments: Any) -> Step:
    """One call of a stage."""
    return Step(name_of(tool), arguments)
