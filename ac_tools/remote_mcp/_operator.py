"""Tools that the table does not have, classified by a person: in Python, or in a YAML file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ac_guardrails import Catalog, GrantsError, Level, Need
from ac_guardrails._located import Located
from ac_guardrails._yaml import from_yaml
from ac_tools._errors import ConfigurationError
from ac_tools.remote_mcp._classes import CLASSES, ToolClass
from ac_tools.remote_mcp._offers import NAME

_KEYS = ("area", "level", "also", "does", "risk", "arguments")
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
        data = _plain(from_yaml(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} cannot be read ({type(error).__name__}).") from None
    except GrantsError as error:
        raise ConfigurationError(str(error)) from None
    tools = data.get("tools") if isinstance(data, Mapping) and set(data) == {"tools"} else None
    if not isinstance(tools, Mapping):
        raise ConfigurationError(f"{path.name} needs one key 'tools', with the tools and what each of them is.")
    return tools


def _plain(located: Located) -> Any:
    value = located.value
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _class(name: str, entry: Any, catalog: Catalog) -> ToolClass:
    if not NAME.fullmatch(name):
        rule = "A tool's name has at most 57 letters, digits, - and _"
        raise ConfigurationError(f"{name[:60]!r} is no name of a tool. {rule}: write it as the server lists it.")
    if any(one.name == name for one in CLASSES):
        raise ConfigurationError(f"{name} is classified already, in this package's own table. Leave it out.")
    if not isinstance(entry, Mapping) or not {"area", "level"} <= set(entry):
        raise ConfigurationError(f"{name} needs an area and a level, such as {{area: deals, level: read}}.")
    for key in entry:
        if key not in _KEYS:
            raise ConfigurationError(f"{name}: {key!r} is no key of a tool. {_instead(key, _KEYS)}")
    also, words = entry.get("also") or {}, entry.get("arguments") or []
    if not isinstance(also, Mapping):
        raise ConfigurationError(
            f"{name}: 'also' has areas with the level that it needs there, such as {{lists: read}}."
        )
    if not isinstance(words, (list, tuple)):
        raise ConfigurationError(
            f"{name}: 'arguments' is the list of those that somebody has looked at, such as [title]."
        )
    needs = [_need(name, area, level, catalog) for area, level in ((entry["area"], entry["level"]), *also.items())]
    does = str(entry.get("does") or f"call {name}")
    risk = str(entry.get("risk") or f"does what the server's {name} does")
    return ToolClass(name, tuple(needs), does, risk, words={str(word): "" for word in words})


def _need(name: str, area: Any, level: Any, catalog: Catalog) -> Need:
    if area not in catalog.areas:
        raise ConfigurationError(f"{name}: {area!r} is no area. {_instead(area, catalog.areas)}")
    if level not in _LEVELS:
        raise ConfigurationError(f"{name}: {level!r} is no level of a tool. {_instead(level, _LEVELS)}")
    return Need(area, Level[level.upper()])


def _instead(said: Any, names: Iterable[str]) -> str:
    near = get_close_matches(str(said), list(names), n=1)
    return f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(names)}."
