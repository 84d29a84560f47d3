"""What the server offers: its tools, as it lists them now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from mcp.types import Tool

from ac_guardrails import inert, quoted
from ac_guardrails._canonical import digest

_NAME = re.compile(r"[A-Za-z0-9_-]{1,57}")
_MOST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool as the server lists it. All of it is the server's text: data.

    Args:
        name: Its name on the server.
        schema: The JSON Schema of its arguments.
        description: What the server says of it.
        hints: The server's annotations, on which nothing here relies.
    """

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    hints: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """Another one means that the tool takes other arguments than before."""
        return digest([self.name, dict(self.schema)])[:16]

    def shown_schema(self) -> dict[str, Any]:
        """The schema as models may see it: the server's words in it made inert and marked as data."""
        shown: dict[str, Any] = _shown(deepcopy(dict(self.schema)))
        shown.setdefault("type", "object")
        shown.setdefault("properties", {})
        return shown


def offers(tools: Iterable[Tool]) -> dict[str, Offer]:
    """The server's tools by name; what has a name that no tool may have is left out."""
    found = {}
    for tool in tools:
        if _NAME.fullmatch(tool.name) and _is_json(tool.inputSchema):
            hints = tool.annotations.model_dump(exclude_none=True) if tool.annotations else None
            found[tool.name] = Offer(tool.name, tool.inputSchema, inert(tool.description or "", limit=600), hints)
    return found


def _is_json(schema: Mapping[str, Any]) -> bool:
    try:
        digest(dict(schema))
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _shown(schema: Any, *, named: bool = False) -> Any:
    """A schema with its words made data.

    Args:
        schema: A part of it.
        named: Whether its keys are names of arguments, and no words of JSON Schema.
    """
    if isinstance(schema, list):
        return [_shown(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _shown(value, named=not named and key in ("properties", "$defs")) for key, value in schema.items()}
    if not named:
        for key in ("title", "examples", "$comment"):
            made.pop(key, None)
        if isinstance(made.get("description"), str):
            made["description"] = quoted(made["description"], limit=_MOST_TEXT)
    return made
