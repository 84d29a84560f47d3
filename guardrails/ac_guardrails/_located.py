"""Data as a tree that remembers where each value stood, so that an error can point at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class GrantsError(ValueError):
    """The grants cannot be used as they stand. The message names the place, the value, the rule and the remedy."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it stood.

    Args:
        value: A scalar; or a dict of Located by key; or a list of Located.
        where: A place that a person can find: "grants.yaml, line 3, column 5", or "agents.marketing.contacts".
        key_where: Where the key before the value stood.
        bare: The scalar as it was written, before YAML gave it a type.
    """

    value: Any
    where: str
    key_where: str = ""
    bare: str = ""

    def error(self, text: str) -> GrantsError:
        """An error that points at this value."""
        return GrantsError(f"{self.where}: {text}")

    def key_error(self, text: str) -> GrantsError:
        """An error that points at this value's key."""
        return GrantsError(f"{self.key_where or self.where}: {text}")

    def items(self, what: str) -> Iterator[tuple[str, Located]]:
        """The entries of a mapping.

        Raises:
            GrantsError: The value is no mapping.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"{what} must be a mapping of names to values, not {self.shown()}.")
        yield from self.value.items()

    def shown(self) -> str:
        """The value as an error may show it."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        return self.bare or repr(self.value)


def from_data(value: Any, where: str = "") -> Located:
    """Locate plain data by its path of keys."""
    here = where or "the grants"
    if isinstance(value, Mapping):
        entries = {}
        for key, item in value.items():
            place = f"{where}.{key}" if where else str(key)
            if not isinstance(key, str):
                raise GrantsError(f"{place}: the key {key!r} must be text.")
            entries[key] = from_data(item, place)
        return Located(entries, here)
    if isinstance(value, (list, tuple)):
        return Located([from_data(item, f"{where}[{index}]") for index, item in enumerate(value)], here)
    return Located(value, here)
