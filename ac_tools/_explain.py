"""Explaining and replaying tool calls: arguments are read as the tool reads them, and the account is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from ac_guardrails import Action, Explanation, InvalidCall, Level, Need, Reference, inert
from ac_guardrails._explain import AMOUNT, explain
from ac_guardrails._origin import Origin
from ac_guardrails._replay import Outline
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._job import ToolJob
from ac_tools.tools._references import references

if TYPE_CHECKING:
    from ac_tools._toolkit import ActiveCampaignToolkit
    from ac_tools.tools import ActiveCampaignTool


def explanation_of(tool: ActiveCampaignTool, arguments: Mapping[str, Any]) -> Explanation:
    """What the grants of a tool's guard say of one call of it.

    Args:
        tool: The tool, as bound to its agent.
        arguments: What the call would say.

    Raises:
        InvalidCall: The arguments cannot be used; of an unknown one the nearest is named.
    """
    guard, endpoint = tool.binding.guard, tool.endpoint
    _check_names(tool, arguments)
    action, complete = _outlined(tool, arguments)
    raised = {Need(endpoint.area, Level.FULL): endpoint.full_when} if endpoint.full_when else {}
    return explain(guard.grants, action, on=guard.today(), complete=complete, raised=raised)


def outline_by(toolkit: ActiveCampaignToolkit) -> Outline:
    """How the arguments of calls on record are read, for `replay`.

    Args:
        toolkit: Any toolkit; whose it is makes no difference.
    """
    made = cache(toolkit.get_tool)

    def outline(tool: str, arguments: Mapping[str, Any]) -> tuple[Action, frozenset[str]] | None:
        try:
            return _outlined(made(tool), arguments)
        except ValueError:  # of another version of the tools
            return None

    return outline


def _outlined(tool: ActiveCampaignTool, arguments: Mapping[str, Any]) -> tuple[Action, frozenset[str]]:
    """The action, with the records that the arguments name as they name them, and what that is all of.

    Whose domain is meant by a contact, only the account knows; nor is half an amount all of it.
    """
    action = ToolJob(tool, arguments, Origin()).outline()
    found = dict.fromkeys(references(_schema(tool).model_validate(arguments)))
    named = (Reference(ref.noun, ref.id or 0, ref.name) for ref in found)
    people = tool.endpoint.area == "contacts" or any(ref.noun == "contact" for ref in found)
    money = any(action.touches.get(half) for half in ("amount", "currency"))
    complete = frozenset((*NOUNS, *(() if people else ("domain",)), *(() if money else (AMOUNT,))))
    return replace(action, references=(*named, *action.references)), complete


def _check_names(tool: ActiveCampaignTool, arguments: Mapping[str, Any]) -> None:
    known = list(_schema(tool).model_fields)
    for name in arguments:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It takes {', '.join(known) or 'none'}."
            raise InvalidCall(f"{tool.name} has no argument {inert(name, limit=60)!r}. {hint}")


def _schema(tool: ActiveCampaignTool) -> Any:
    return tool.args_schema
