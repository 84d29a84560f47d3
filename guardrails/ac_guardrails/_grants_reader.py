"""Reading grants: every word is checked when they are loaded, and the error says where it stands and what would do."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ac_guardrails import _domains
from ac_guardrails._catalog import Catalog, Level
from ac_guardrails._grants import Grant, Grants
from ac_guardrails._located import GrantsError, Located, from_data

_UNREADABLE = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "it is a directory",
    PermissionError: "this user may not read it",
}
MOST_MONEY = 10**12
_CURRENCY = re.compile("[A-Z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class GrantsWarning(UserWarning):
    """The grants can be used, but something in them has no effect."""


def read_file(path: Path, catalog: Catalog) -> Grants:
    """Read and check a grants file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        why = _UNREADABLE.get(type(error), error.strerror or type(error).__name__)
        raise type(error)(
            f"The grants file {path} cannot be read: {why}. Without one nobody may do anything. "
            "Check the path; a relative one begins in the directory where the program was started."
        ) from None
    except UnicodeDecodeError as error:
        raise GrantsError(f"{path.name}: not UTF-8 text (byte {error.start}). Save the file as UTF-8.") from None
    from ac_guardrails._yaml import from_yaml

    return _read(from_yaml(text, path.name), catalog)


def read_data(data: Mapping[str, Any], catalog: Catalog) -> Grants:
    """Check grants that were given as plain data."""
    return _read(from_data(data), catalog)


def _read(tree: Located, catalog: Catalog) -> Grants:
    agents: dict[str, dict[str, Grant]] = {}
    top = dict(tree.items("The file"))
    for key, node in top.items():
        if key != "agents":
            raise node.key_error(f"unknown key {key!r}. {_nearest(key, ['agents'])}")
    if "agents" not in top:
        raise tree.error("it must begin with 'agents:'.")
    for agent, node in top["agents"].items("'agents'"):
        if not agent.strip():
            raise node.key_error("an agent needs a name.")
        if agent != agent.strip() or not agent.isprintable():
            raise node.key_error(f"{agent!r} is no name for an agent. Use letters, without spaces around them.")
        if "/" in agent:
            raise node.key_error(f"{agent!r} is no name for an agent: a slash names one that works for another.")
        agents[agent] = {}
        for area, entry in node.items(f"The agent {agent!r}"):
            agents[agent][area] = _grant(area, entry, catalog)
    return Grants(agents, catalog)


def _grant(area: str, node: Located, catalog: Catalog) -> Grant:
    if area not in catalog.areas:
        raise node.key_error(f"unknown area {area!r}. {_nearest(area, catalog.areas)}")
    if not isinstance(node.value, dict):
        grant = Grant(area, _level(node), where=node.where)
    else:
        grant = _detailed(area, node, catalog)
    _warn_if_idle(grant, node, catalog)
    return grant


def _detailed(area: str, node: Located, catalog: Catalog) -> Grant:
    entries = dict(node.items(area))
    readers = _readers(area, catalog)
    for key, entry in entries.items():
        if key not in readers:
            raise entry.key_error(f"unknown key {key!r} under {area}. {_nearest(key, readers)}")
    if "access" not in entries:
        raise node.error(f"{area} needs 'access': off, read, write or full.")
    values: dict[str, Any] = {}
    for key, entry in entries.items():
        values |= readers[key](entry)
    return Grant(area, where=node.where, **values)


def _readers(area: str, catalog: Catalog) -> dict[str, Callable[[Located], dict[str, Any]]]:
    """For each key that may stand under an area, what reads it into the grant."""
    amounts = {"amount_at_most": lambda node: {"amount_at_most": _amounts(node)}} if area in catalog.amounts else {}
    return {
        "access": lambda node: {"level": _level(node)},
        "only": lambda node: {"only": _only(area, node, catalog)},
        "until": lambda node: {"until": _until(node)},
        "ask": lambda node: _ask(area, node, catalog),
        "people_per_hour": lambda node: {"people_per_hour": _count(node, "people")},
        "people_per_day": lambda node: {"people_per_day": _count(node, "people")},
        "calls_per_hour": lambda node: {"calls_per_hour": _count(node, "calls")},
        "calls_per_day": lambda node: {"calls_per_day": _count(node, "calls")},
        **amounts,
        "over": lambda node: {"over_asks": _over(node)},
    }


def _level(node: Located) -> Level:
    if node.value is False and node.bare.lower() in ("", "off"):
        return Level.OFF  # YAML 1.1 reads a bare `off` as false
    if isinstance(node.value, str) and node.value in ("off", "read", "write", "full"):
        return Level[node.value.upper()]
    shown = node.shown()
    raise node.error(f"unknown level {shown!r}. {_nearest(str(shown), ['off', 'read', 'write', 'full'])}")


def _only(area: str, node: Located, catalog: Catalog) -> dict[str, frozenset[str]]:
    nouns = catalog.nouns_of(area)
    only: dict[str, frozenset[str]] = {}
    if node.value == {}:
        raise node.error(f"'only' names nothing. {_nearest('', nouns)} Or leave it out.")
    for noun, entry in node.items("'only'"):
        if noun not in nouns:
            raise entry.key_error(f"'only' under {area} cannot name {noun!r}. {_nearest(noun, nouns)}")
        items = entry.value if isinstance(entry.value, list) else [entry]
        if not items:
            raise entry.error(f"an empty list of {noun}s allows nothing; write 'access: off' if that is meant.")
        read = _domain if noun == _domains.NOUN else _name_or_id
        only[noun] = frozenset(read(item) for item in items)
    return only


def _domain(node: Located) -> str:
    found = _domains.normal(node.value) if isinstance(node.value, str) else ""
    if not found:
        raise node.error(f"a domain is expected here, example.com or '*.example.com', not {node.shown()}.")
    return found


def _name_or_id(node: Located) -> str:
    if isinstance(node.value, bool) or not isinstance(node.value, (str, int)) or not str(node.value).strip():
        raise node.error(f"a name or an id is expected here, not {node.shown()}. Put names in quotation marks.")
    if isinstance(node.value, int) and (node.value < 1 or node.bare not in ("", str(node.value))):
        raise node.error(f"{node.shown()} is no id. An id is a whole number above 0; put names in quotation marks.")
    return str(node.value).strip()


def _until(node: Located) -> date:
    value = node.value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise node.error(f"'until' takes a day such as 2026-12-31, not {node.shown()}.")
    return value


def _ask(area: str, node: Located, catalog: Catalog) -> dict[str, Any]:
    items = node.value if isinstance(node.value, list) else [node]
    if not items:
        raise node.error("an empty list asks about nothing; leave 'ask' out if that is meant.")
    tools = [tool.name for tool in catalog.named if tool.need.area == area]
    for item in items:
        if item.value not in ("writes", *tools):
            raise item.error(
                f"'ask' takes 'writes' or tools of {area}. {_nearest(str(item.value), ['writes', *tools])}"
            )
    words = {item.value for item in items}
    return {"ask_writes": "writes" in words, "ask_tools": frozenset(words - {"writes"})}


def _count(node: Located, what: str) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < 1:
        raise node.error(f"a whole number of {what}, 1 or more, is expected here, not {node.shown()}.")
    return node.value


def _amounts(node: Located) -> dict[str, Decimal]:
    if not isinstance(node.value, dict) or not node.value:
        raise node.error(f"'amount_at_most' takes an amount by currency, such as {{EUR: 5000}}, not {node.shown()}.")
    found = {}
    for currency, entry in node.items("'amount_at_most'"):
        if not _CURRENCY.fullmatch(currency):
            raise entry.key_error(f"{currency!r} is no currency. Write three capital letters, such as EUR.")
        found[currency] = _amount(entry)
    return found


def _amount(node: Located) -> Decimal:
    value = node.value
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and 0 < value < MOST_MONEY:
        # Up to the most, the shortest digits of a float are those that were written, to the cent.
        return Decimal(str(value))
    raise node.error(
        f"an amount in units of the currency, above 0 and below {MOST_MONEY:,}, is expected here, not {node.shown()}."
    )


def _over(node: Located) -> bool:
    if node.value not in ("refuse", "ask"):
        raise node.error(f"'over' takes 'refuse' or 'ask'. {_nearest(str(node.shown()), ['refuse', 'ask'])}")
    return bool(node.value == "ask")


def _warn_if_idle(grant: Grant, node: Located, catalog: Catalog) -> None:
    least = catalog.least_level(grant.area)
    if least is not None and Level.OFF < grant.level < least:
        near = [each for each in catalog.beyond if each.need.area == grant.area and each.need.level <= grant.level]
        but = f" Of those from elsewhere it opens {', '.join(each.name for each in near)}." if near else ""
        text = f"{node.where}: {grant} opens no tool; the tools of {grant.area} need {least}.{but}"
        warnings.warn(text, GrantsWarning, stacklevel=6)
    if grant.over_asks and not grant.limits and grant.amount_at_most is None:
        text = f"{node.where}: 'over: ask' has no effect, since {grant.area} has no limit of people, calls or amounts."
        warnings.warn(text, GrantsWarning, stacklevel=6)


def _nearest(word: str, valid: Iterable[str]) -> str:
    choices = list(valid)
    close = get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Valid here: {', '.join(choices)}." if choices else "Nothing can be named here."
