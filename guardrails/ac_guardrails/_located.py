"""YAML and plain data as one tree that remembers where each value stood, so that an error can point at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml


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


def from_yaml(text: str, name: str) -> Located:
    """Locate YAML by line and column. Repeated keys, merge keys, anchors and aliases are errors.

    Args:
        text: The file's text.
        name: The file's name, for errors.

    Raises:
        GrantsError: The text is no YAML, or uses what grants may not use.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _at(name, event.start_mark, "anchors and aliases are not allowed here; write the grant out.")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _at(name, error.problem_mark, f"not valid YAML: {error.problem}.") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"{name}, line {before.count(chr(10)) + 1}, column {error.position - before.rfind(chr(10))}"
        raise GrantsError(f"{place}: not valid YAML: the character U+{ord(text[error.position]):04X}.") from None
    except RecursionError:
        raise GrantsError(f"{name}: nested too deeply for a grants file.") from None
    if node is None:
        raise GrantsError(f"{name}: the file is empty. It must begin with 'agents:'.")
    return _from_node(node, name)


def _at(name: str, mark: Any, text: str) -> GrantsError:
    return GrantsError(f"{_place(name, mark)}: {text}")


def _place(name: str, mark: Any) -> str:
    return f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name


def _from_node(node: yaml.Node, name: str) -> Located:
    where = _place(name, node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return Located(_entries(node, name), where)
    if isinstance(node, yaml.SequenceNode):
        return Located([_from_node(item, name) for item in node.value], where)
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (ValueError, LookupError, AttributeError, yaml.YAMLError):
        raise GrantsError(f"{where}: cannot read {node.value!r} as the {_kind(node)} that it looks like.") from None
    return Located(value, where, bare=node.value)


def _kind(node: yaml.Node) -> str:
    return node.tag.rpartition(":")[2]


def _entries(node: yaml.MappingNode, name: str) -> dict[str, Located]:
    entries: dict[str, Located] = {}
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise _at(name, key_node.start_mark, "merge keys ('<<') are not allowed here; write the grant out.")
        if not isinstance(key_node, yaml.ScalarNode):
            raise _at(name, key_node.start_mark, "a key must be plain text.")
        key = key_node.value
        place = _place(name, key_node.start_mark)
        if key in entries:
            first = entries[key].key_where
            raise GrantsError(f"{place}: {key!r} stands here a second time (first: {first}). Keep one of them.")
        found = _from_node(value_node, name)
        entries[key] = Located(found.value, found.where, place, found.bare)
    return entries
