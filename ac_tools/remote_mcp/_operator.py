"""Tools that the table does not have, classified by a person: in Python, or in a YAML file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ac_guardrails import Catalog, Level, Need
from ac_tools._errors import ConfigurationError
from ac_tools.remote_mcp._classes import CLASSES, ToolClass

_NAME = re.compile(r"[A-Za-z0-9_-]{1,57}")
_KEYS = {"area", "level", "also", "does", "risk", "arguments"}
_LEVELS = ("read", "write", "full")


def classified(said: Mapping[str, Any] | str | os.PathLike[str] | None, catalog: Catalog) -> tuple[ToolClass, ...]:
    """The table, and what the operator has added to it.

    Args:
        said: For each tool its area and level, or the YAML file that says so.
        catalog: The areas that there are.

    Raises:
        ConfigurationError: It says something that it may not.
    """
    if said is None:
        return CLASSES
    if not isinstance(said, Mapping):
        said = _read(Path(said))
    return (*CLASSES, *(_class(str(name), entry, catalog) for name, entry in said.items()))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name} cannot be read as YAML ({type(error).__name__}).") from None
    tools = data.get("tools") if isinstance(data, Mapping) and set(data) == {"tools"} else None
    if not isinstance(tools, Mapping):
        raise ConfigurationError(f"{path.name} needs one key 'tools', with the tools and what each of them is.")
    return tools


def _class(name: str, entry: Any, catalog: Catalog) -> ToolClass:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name[:60]!r} is no name of a tool.")
    if any(one.name == name for one in CLASSES):
        raise ConfigurationError(f"{name} is classified already, and by nobody twice. Leave it out.")
    if not isinstance(entry, Mapping) or not {"area", "level"} <= set(entry) <= _KEYS:
        raise ConfigurationError(
            f"{name} needs an area and a level, and may have {_listed(_KEYS - {'area', 'level'})}."
        )
    also = entry.get("also") or {}
    if not isinstance(also, Mapping):
        raise ConfigurationError(f"{name}: 'also' has areas with the level that it needs there.")
    needs = [_need(name, area, level, catalog) for area, level in ((entry["area"], entry["level"]), *also.items())]
    words = entry.get("arguments") or []
    if not isinstance(words, list):
        raise ConfigurationError(f"{name}: 'arguments' is the list of those that somebody has looked at.")
    does = str(entry.get("does") or f"call {name}")
    risk = str(entry.get("risk") or f"does what the server's {name} does")
    return ToolClass(name, tuple(needs), does, risk, words={str(word): "" for word in words})


def _need(name: str, area: Any, level: Any, catalog: Catalog) -> Need:
    if area not in catalog.areas:
        raise ConfigurationError(f"{name}: {area!r} is no area. There are {_listed(catalog.areas)}.")
    if level not in _LEVELS:
        raise ConfigurationError(f"{name}: {level!r} is no level. Use {_listed(_LEVELS)}.")
    return Need(area, Level[level.upper()])


def _listed(words: Any) -> str:
    return ", ".join(sorted(words) if isinstance(words, set) else words)
