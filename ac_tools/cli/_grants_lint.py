"""What in a grants file is surely not meant, though the guard takes it; and whether editors would mark it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ac_guardrails import Catalog, Grant, Grants, Level

if TYPE_CHECKING:
    from ac_guardrails._located import Located

_ALIKE = 0.88
"""From which share of equal letters on two names count as nearly the same."""


def lint(grants: Grants, path: Path) -> list[str]:
    """What is surely not meant, each with its line.

    Args:
        grants: The grants of the file.
        path: The file.
    """
    places = _places(path)
    today = datetime.now(UTC).date()
    found: list[str] = []
    for agent in grants.agents:
        found += [f"{places[agent]}: {text}" for text in _of_agent(grants, agent)]
        for area in grants.catalog.areas:
            grant = grants.grant(agent, area)
            found += [f"{grant.where}: {text}" for text in _of_grant(grant, grants.catalog, today)] if grant else []
    return found + [f"{places[other]}: {text}" for other, text in _alike(grants.agents)]


def schema_fault(path: Path, catalog: Catalog) -> str:
    """What the JSON Schema says against a file that the guard takes; empty where they agree.

    Args:
        path: The file.
        catalog: What grants may speak of.
    """
    import jsonschema

    from ac_tools.cli._grants_schema import grants_schema

    error = jsonschema.Draft202012Validator(grants_schema(catalog))
    fault = jsonschema.exceptions.best_match(error.iter_errors(_plain(_tree(path))))
    if fault is None:
        return ""
    return f"{path.name}: {'.'.join(map(str, fault.absolute_path))}: the JSON Schema refuses this: {fault.message}"


def _of_agent(grants: Grants, agent: str) -> Iterator[str]:
    from ac_tools._catalog import AREAS

    held = [grants.grant(agent, area) for area in AREAS]
    if all(grant is not None and grant.level == Level.FULL and not grant.only for grant in held):
        yield f"{agent} has full access to every area: this is the whole account. Give each agent what its work needs."
    if not grants.tools(agent):
        yield f"{agent} may use no tool at all."


def _of_grant(grant: Grant, catalog: Catalog, today: date) -> Iterator[str]:
    if grant.until is not None and grant.until < today:
        yield f"{grant.area} ended on {grant.until} and opens nothing now. Take it out, or write a later day."
    for noun in grant.only:
        refused = [tool for tool in catalog.opened(grant.area, grant.level) if _never_names(tool, noun)]
        if refused:
            names = "it names" if len(refused) == 1 else "they name"
            yield f"`only` refuses {_and(refused)}, since {names} no {noun}. Without `only` they can be used."
    opened = {tool.name for tool in catalog.named if tool.need.level <= grant.level}
    for tool in sorted(grant.ask_tools - opened):
        yield f"`ask` names {tool}, which {grant} does not open."
    if grant.level < Level.WRITE:
        idle = ["ask: writes"] if grant.ask_writes else []
        idle += [limit.name for limit in grant.limits] + (["amount_at_most"] if grant.amount_at_most else [])
        if idle:
            yield f"{_and([f'`{name}`' for name in idle])} without effect: {grant} opens no write."


def _alike(agents: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names of which one may be a slip for the other; those that differ only in their numbers are not."""
    for first, second in combinations(agents, 2):
        one, other = (re.sub(r"[\W_]", "", name.casefold()) for name in (first, second))
        numbered = re.sub(r"\d", "", one) == re.sub(r"\d", "", other)
        if one == other or (not numbered and SequenceMatcher(None, one, other).ratio() >= _ALIKE):
            yield (
                second,
                f"the agents {first!r} and {second!r} have nearly the same name. Each has only its own grants.",
            )


def _never_names(tool: str, noun: str) -> bool:
    """Whether no argument of a tool can name such a record."""
    from ac_tools.tools import ALL_TOOLS
    from ac_tools.tools._references import Noun

    kind = next(kind for kind in ALL_TOOLS if kind.model_fields["name"].default == tool)
    schema: Any = kind.model_fields["args_schema"].default
    fields = schema.model_fields.values()
    marks = [mark for field in fields for part in (field.annotation, *field.metadata) for mark in _parts(part)]
    known = {mark.noun for mark in marks if isinstance(mark, Noun)}
    return noun not in known and noun != "domain"


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _places(path: Path) -> dict[str, str]:
    """Where each agent stands."""
    return {agent: node.key_where for agent, node in dict(_tree(path).items("The file"))["agents"].items("agents")}


def _tree(path: Path) -> Located:
    from ac_guardrails._yaml import from_yaml

    return from_yaml(path.read_text(encoding="utf-8-sig"), path.name)


def _plain(node: Located) -> Any:
    """The data as an editor hands it to a schema: days are text."""
    if isinstance(node.value, dict):
        return {key: _plain(entry) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return node.value.isoformat() if isinstance(node.value, date) else node.value


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
