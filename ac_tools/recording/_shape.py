"""How two replies differ in form: in their keys, the order of these, and the types of what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ac_tools.contracts import Difference
from ac_tools.contracts._differences import place, shown

_BY_DATA = {"currencies"}  # maps whose keys are data
_SAYS_NOTHING = {"null", "an empty list"}  # of what would be there


@dataclass
class _Node:
    """All that was seen at one place, over all the records of a list."""

    kinds: set[str] = field(default_factory=set)
    keys: dict[str, _Node] = field(default_factory=dict)
    items: _Node | None = None

    def add(self, value: Any, key: str = "") -> None:
        self.kinds.add(_kind(value))
        if isinstance(value, dict):
            for name, each in value.items():
                name = "" if key in _BY_DATA else name
                self.keys.setdefault(name, _Node()).add(each, name)
        elif isinstance(value, list):
            for each in value:
                self.items = self.items or _Node()
                self.items.add(each, key)


def differences(account: Any, sandbox: Any) -> tuple[Difference, ...]:
    """How an account's reply differs from the sandbox's; where one of them has no record, nothing is known.

    Args:
        account: Parsed JSON.
        sandbox: Parsed JSON.
    """
    nodes = _Node(), _Node()
    for node, value in zip(nodes, (account, sandbox), strict=True):
        node.add(value)
    return tuple(_differences(*nodes, ()))


def _differences(account: _Node, sandbox: _Node, path: tuple[str | int, ...]) -> Iterator[Difference]:
    theirs, ours = account.kinds - _SAYS_NOTHING, sandbox.kinds - _SAYS_NOTHING
    if theirs and ours and not theirs & ours:
        yield Difference("type", place(path), was=_listed(ours), now=_listed(theirs))
        return
    if account.items and sandbox.items:
        yield from _differences(account.items, sandbox.items, (*path, 0))
    if "an object" in theirs & ours:
        yield from (Difference("new", place((*path, name))) for name in account.keys if name not in sandbox.keys)
        yield from (Difference("missing", place((*path, name))) for name in sandbox.keys if name not in account.keys)
        yield from _order(account, sandbox, path)
        for name in sandbox.keys:
            if name in account.keys:
                yield from _differences(account.keys[name], sandbox.keys[name], (*path, name))


def _order(account: _Node, sandbox: _Node, path: tuple[str | int, ...]) -> Iterator[Difference]:
    both = [name for name in account.keys if name in sandbox.keys]
    due = [name for name in sandbox.keys if name in account.keys]
    moved = next((name for name, other in zip(both, due, strict=True) if name != other), None)
    if moved is not None:
        yield Difference("order", place(path), now=shown(moved))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "an object"


def _listed(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))
