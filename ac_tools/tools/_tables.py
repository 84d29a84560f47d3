"""The tools as tables for documents, made from their classes so that they cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ac_guardrails import Level
from ac_tools.tools import TOOLS
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._endpoint import Endpoint

if TYPE_CHECKING:
    from ac_tools.undo._past import Inverse


def tools_table() -> str:
    """All tools with permission, level and risk, what each acts on and its webhook event, in Markdown."""
    rows = [
        (f"`{name_of(tool)}`", end.permission, _level(end), end.acts_on, end.event or "-", end.risk)
        for tool, end in ((tool, tool.endpoint) for tool in TOOLS)
    ]
    return _table(("tool", "permission", "level", "acts on", "webhook event", "risk"), rows)


def permissions_table() -> str:
    """The permissions of the API's guides, and the level that opens each of their tools, in Markdown."""
    rows = [(f"`{permission}`", _opened(permission)) for permission in _permissions()]
    return _table(("permission", "what opens its tools"), rows)


def _level(endpoint: Endpoint) -> str:
    return f"{endpoint.level}; full when {endpoint.full_when}" if endpoint.full_when else str(endpoint.level)


def name_of(tool: type[ActiveCampaignTool]) -> str:
    """A tool's name, without making one."""
    name: str = tool.model_fields["name"].default
    return name


def _permissions() -> Iterator[str]:
    yield from dict.fromkeys(tool.endpoint.permission for tool in TOOLS)


def _opened(permission: str) -> str:
    area = permission.partition(":")[0]
    parts = []
    for level in Level:
        names = [
            f"`{name_of(tool)}`"
            for tool in TOOLS
            if tool.endpoint.permission == permission and tool.endpoint.level == level
        ]
        if names:
            parts.append(f"`{area}: {level}` opens {', '.join(names)}")
    return "; ".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settling_table() -> str:
    """How each write is read back, what counts for and against it, and what it costs, in Markdown."""
    rows = [
        (
            f"`{name_of(tool)}`",
            ", ".join(end.key),
            ", ".join(f"`{request}`" for request in end.settles.requests),
            end.settles.happened,
            end.settles.absent,
            end.settles.unclear or "-",
            str(end.settles.most),
        )
        for tool, end in ((tool, tool.endpoint) for tool in TOOLS)
        if end.settles
    ]
    head = (
        "tool",
        "natural key",
        "read",
        "happened, where",
        "did not happen, where",
        "nobody can tell, where",
        "reads at most",
    )
    return _table(head, rows)


def cards_table() -> str:
    """What a person sees before each write, what it costs, and what makes their approval void, in Markdown."""
    rows = [
        (f"`{name_of(tool)}`", ", ".join(end.shows) or "-", str(end.reads), ", ".join(end.voids) or "-")
        for tool, end in ((tool, tool.endpoint) for tool in TOOLS)
        if end.level > Level.READ
    ]
    head = ("tool", "the card shows", "requests at most", "an approval is void once one of these has changed")
    return _table(head, rows)


def undo_table() -> str:
    """What takes each write back, at which level, what it cannot restore and when it is refused, in Markdown."""
    from ac_tools.undo._inverses import INVERSES  # it stands above the tools

    names = [name_of(tool) for tool in TOOLS if tool.endpoint.level > Level.READ]
    rows = [(f"`{name}`", *_taken_back(INVERSES[name])) for name in names]
    return _table(("tool", "to take it back", "calls", "level", "cannot be restored", "refused where"), rows)


def _taken_back(inverse: Inverse | str) -> tuple[str, ...]:
    if isinstance(inverse, str):
        return (f"cannot be done: {inverse}", "-", "-", "-", "-")
    calls = ", ".join(f"`{name}`" for name in inverse.tools)
    return (inverse.words, calls, str(inverse.level), inverse.cannot or "-", inverse.refused)
