"""What the server offers: its tools, as it lists them now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.types import Tool

from ac_guardrails import inert
from ac_guardrails._canonical import digest
from ac_tools.remote_mcp._schema import is_usable

NAME = re.compile(r"[A-Za-z0-9_-]{1,57}")
"""What a tool may be called: with our prefix before it, at most 64 characters, as models' APIs demand."""


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


def offers(tools: Iterable[Tool]) -> dict[str, Offer]:
    """The server's tools by name; what has a name or a schema that no tool may have is left out."""
    found = {}
    for tool in tools:
        if NAME.fullmatch(tool.name) and is_usable(tool.inputSchema):
            hints = tool.annotations.model_dump(exclude_none=True) if tool.annotations else None
            found[tool.name] = Offer(tool.name, tool.inputSchema, inert(tool.description or "", limit=600), hints)
    return found
