"""Tools by their names, as the ledger has them: those of the 29, and the removals, which only an undo calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ac_guardrails._finding import Finding

if TYPE_CHECKING:
    from ac_guardrails._finding import ReadBack
    from ac_tools.tools._base import ActiveCampaignTool


def tool_class(name: str) -> type[ActiveCampaignTool] | None:
    """The class of a tool; None where this version has none of that name."""
    from ac_tools.tools import ALL_TOOLS
    from ac_tools.undo._removals import REMOVALS

    return next((kind for kind in (*ALL_TOOLS, *REMOVALS) if kind.model_fields["name"].default == name), None)


def reading_back(tool: str, key: Mapping[str, Any], since: float) -> ReadBack:
    """How a tool's write is read back; needs only its class."""
    kind = tool_class(tool)
    return kind.read_back(key, since) if kind else _unreadable(tool)


def _unreadable(tool: str) -> ReadBack:
    return Finding("cannot_tell", f"{tool} is no tool of this version")
    yield  # a generator, like the ones that read something
