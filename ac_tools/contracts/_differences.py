"""How a value differs from a schema: what is new, what is missing, what is of another type or in another order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

Kind = Literal["new", "missing", "type", "order"]
"""The kinds of difference. New keys and another order break nobody who reads records by their names."""

_MOST = 10_000  # faults that are looked at: a hostile reply could have millions
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
_HIDDEN = "(a name that is not shown)"
_WORDS = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}


class DriftWarning(UserWarning):
    """An account answers otherwise than its API was known to."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a reply differs from what was known; no value of the reply is in it.

    Args:
        kind: new, missing, type or order.
        place: The key, with those that lead to it: "contacts[].email".
        was: What was known to be there, in words, of a difference in type.
        now: What is there, in words, of a difference in type; the first key out of its order.
    """

    kind: Kind
    place: str
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        if self.kind == "type":
            return f"{self.place} was {self.was}, and is {self.now}"
        if self.kind == "order":
            return f"{self.place} has its keys in another order, from {self.now} on"
        return f"{self.place} is {self.kind}"


def compiled(schema: Mapping[str, Any]) -> Draft202012Validator:
    """The validator of a schema without references, for `differences`."""
    validator: Draft202012Validator = _Validator(schema)
    return validator


def differences(validator: Draft202012Validator, value: Any) -> tuple[Difference, ...]:
    """How a value differs from a schema, each way once, however many records show it.

    Args:
        validator: The schema, compiled.
        value: Parsed JSON.
    """
    found: dict[tuple[Kind, str], Difference] = {}
    for error in islice(validator.iter_errors(value), _MOST):
        each = _difference(error)
        found.setdefault((each.kind, each.place), each)
    return tuple(found.values())


def place(path: Iterable[str | int]) -> str:
    """Where in a reply something is, in one word; a name that may be somebody's data is not repeated."""
    text = "".join("[]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return text.removeprefix(".") or "the reply"


def shown(name: str) -> str:
    """The name of a key, if it looks like one."""
    return name if _NAME.fullmatch(name) else _HIDDEN


def _difference(error: ValidationError) -> Difference:
    where = place(error.absolute_path)
    match error.validator:
        case "new" | "missing" as kind:
            return Difference(kind, where)
        case "order":
            return Difference("order", where, now=shown(error.message))
    return Difference("type", where, was=_expected(error.schema), now=_found(error))


def _expected(schema: Any) -> str:
    title = schema.get("title")
    return title or _WORDS.get(str(schema.get("type")), "something else")


def _found(error: ValidationError) -> str:
    """What is there; where it is of the right type, its form is the difference."""
    value = error.instance
    # True is an int and 1.0 is an integer to JSON Schema: ask the validator's own idea of types.
    kind = next(name for name in _WORDS if Draft202012Validator.TYPE_CHECKER.is_type(value, name))
    if value == "":
        return "an empty text"
    return _WORDS[kind] if error.validator == "type" else f"{_WORDS[kind]} of another form"


def _properties(
    validator: Draft202012Validator, known: Mapping[str, Any], value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The standard's own check, and what it passes over: keys that nobody knew, unless the schema admits any."""
    if not isinstance(value, dict):
        return
    for name in value:
        if name in known:
            yield from validator.descend(value[name], known[name], path=name, schema_path=name)
        elif "additionalProperties" not in schema:
            yield ValidationError("", validator="new", path=(name,))


def _required(
    _validator: Draft202012Validator, names: Iterable[str], value: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        yield from (ValidationError("", validator="missing", path=(name,)) for name in names if name not in value)


def _order(
    _validator: Draft202012Validator, order: Iterable[str], value: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    ranks = {name: rank for rank, name in enumerate(order)}
    there = [name for name in value if name in ranks]
    for name, due in zip(there, sorted(there, key=ranks.__getitem__), strict=True):
        if name != due:
            yield ValidationError(name, validator="order")
            return


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"properties": _properties, "required": _required, "x-order": _order}
)
