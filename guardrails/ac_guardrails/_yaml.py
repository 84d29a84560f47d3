"""YAML as a tree of located values. What could mean two things, a repeated key or an alias, is an error."""

from __future__ import annotations

from typing import Any

import yaml

from ac_guardrails._located import GrantsError, Located


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
