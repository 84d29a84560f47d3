"""What a call of the server's tools says, read under the API's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ac_guardrails import InvalidCall, inert
from ac_tools.remote_mcp._classes import ToolClass
from ac_tools.tools._endpoint import NOUNS

_WORD = re.compile(r"(?<=[a-z0-9])([A-Z])")
_ALIKE = {
    "subscriber": "contact",
    "series": "automation",
    "user": "owner",
    "deal_group": "pipeline",
    "custom_field": "field",
    "customer_account": "account",
}
_INSIDE = ("params", "filters")
"""Objects that hold arguments of the call itself."""
_ID = re.compile(r"[1-9][0-9]{0,17}")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One argument of a call.

    Args:
        path: Where it stands in the call.
        value: What was said.
    """

    path: Path
    value: Any


def by_name(arguments: Mapping[str, Any], of: ToolClass) -> dict[str, Said]:
    """The arguments under the names that the API and our own tools use.

    Raises:
        InvalidCall: Two of them stand for the same and differ.
    """
    found: dict[str, Said] = {}
    for said in _flat(arguments, ()):
        name = _plain(said.path[-1], of)
        if name in found and found[name].value != said.value:
            raise InvalidCall(f"{of.name} was not called: two of its arguments say what {name!r} is. Give one.")
        found.setdefault(name, said)
    return found


def properties(schema: Mapping[str, Any], of: ToolClass) -> dict[str, Path]:
    """Where each argument would stand that the server's schema knows, by its name as `by_name` has it."""
    found: dict[str, Path] = {}
    for path in _places(schema, schema, ()):
        found.setdefault(_plain(path[-1], of), path)
    return found


def identity(value: Any, name: str) -> int:
    """An id, as the server takes it.

    Raises:
        InvalidCall: It is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**18:
        return value
    if isinstance(value, str) and _ID.fullmatch(value):
        return int(value)
    raise InvalidCall(f"{inert(repr(value), limit=60)} is no id of a {name}. Give a whole number such as 7.")


def _flat(arguments: Mapping[str, Any], above: Path) -> Iterator[Said]:
    for key, value in arguments.items():
        if value is None:
            continue
        if key in _INSIDE and isinstance(value, Mapping) and len(above) < len(_INSIDE):
            yield from _flat(value, (*above, key))
        else:
            yield Said((*above, str(key)), value)


def _places(schema: Mapping[str, Any], root: Mapping[str, Any], above: Path) -> Iterator[Path]:
    listed = schema.get("properties")
    for key, inner in listed.items() if isinstance(listed, Mapping) else ():
        inside = _followed(inner, root) if key in _INSIDE and len(above) < len(_INSIDE) else None
        if inside is not None and isinstance(inside.get("properties"), Mapping):
            yield from _places(inside, root, (*above, key))
        else:
            yield (*above, str(key))


def _followed(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A schema, or the one beside it that it refers to."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    if isinstance(reference, str):
        held = root.get("$defs")
        schema = held.get(reference.removeprefix("#/$defs/")) if isinstance(held, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _plain(key: str, of: ToolClass) -> str:
    """An argument's name without the differences that mean nothing: contactId, contact_id and subscriberid alike."""
    word = _WORD.sub(r"_\1", key).lower()
    if word in of.words:
        return of.words[word] or word
    if word == "id" and of.noun:
        return of.noun
    bare = word.removesuffix("_id") if word.endswith("_id") else word.removesuffix("id")
    bare = _ALIKE.get(bare, bare)
    if bare in NOUNS or bare in of.words:
        return of.words.get(bare) or bare
    return word
