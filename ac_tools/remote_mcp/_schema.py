"""The server's JSON Schema of a tool's arguments: a stranger's text, which may cost neither time nor memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Registry

from ac_guardrails import InvalidCall, inert, quoted
from ac_guardrails._canonical import canonical

_LONGEST = 100_000
"""Characters of arguments, as JSON."""
_LARGEST = 100_000
"""Characters of a schema, as JSON."""
_DEEPEST = 30
_MOST_STEPS = 20_000
"""Keywords that are looked at for one call: references can make a short schema endless."""
_MOST_FAULTS = 5
_MOST_TEXT = 300
_NAMES = ("properties", "$defs", "definitions", "dependentSchemas")
"""Keywords under which keys are names, and no keywords."""
_THEIRS = ("pattern", "patternProperties", "uniqueItems", "unevaluatedProperties", "unevaluatedItems")
"""Keywords that the server checks by itself: a pattern can take a computer years, and the others grow too fast."""
_COMPOSED = ("allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas", "$ref")
_STEPS: ContextVar[list[int]] = ContextVar("steps")


class _TooMuchError(Exception):
    """The schema asks for more than any real one does."""


def is_usable(schema: Mapping[str, Any]) -> bool:
    """Whether a schema is JSON of a size and depth that a real one has."""
    level: list[Any] = [schema]
    for _ in range(_DEEPEST):
        level = [part for whole in level for part in _parts(whole)]
        if not level or len(level) > _LARGEST:
            break
    try:
        return not level and len(canonical(dict(schema))) <= _LARGEST
    except (TypeError, ValueError):
        return False


def checked(tool: str, arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse arguments that the server's own schema does not allow, or does not know.

    Args:
        tool: The tool's name, for the message.
        arguments: What was asked for.
        schema: The server's schema, of which `is_usable` is true. What it refers to elsewhere is not fetched.

    Raises:
        InvalidCall: They do not fit, are too long, or the schema cannot be used.
    """
    try:
        text = canonical(dict(arguments))
    except (TypeError, ValueError, RecursionError):
        raise InvalidCall(f"{tool} was not called: its arguments hold what JSON cannot.") from None
    if len(text) > _LONGEST:
        raise InvalidCall(f"{tool} was not called: {len(text):,} characters of arguments are too many. Shorten them.")
    try:
        faults = _faults(dict(arguments), _tamed(schema, closes='"allOf"' not in canonical(dict(schema))))
    except Exception:  # whatever a stranger's schema does to the library that reads it
        raise InvalidCall(f"{tool} was not called: the server's schema for it cannot be used.") from None
    if faults:
        said = " ".join(map(_told, faults))
        raise InvalidCall(f"{tool} was not called: {said} Correct the arguments and call again.")


def shown(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as models may see it: the server's words in it made inert and marked as data."""
    made: dict[str, Any] = _shown(schema)
    made.setdefault("type", "object")
    made.setdefault("properties", {})
    return made


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, Mapping):
        return list(whole.values())
    return whole if isinstance(whole, list) else []


def _faults(arguments: dict[str, Any], schema: dict[str, Any]) -> list[ValidationError]:
    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    token = _STEPS.set([_MOST_STEPS])
    try:
        return list(islice(_counting(kind)(schema, registry=Registry()).iter_errors(arguments), _MOST_FAULTS))
    finally:
        _STEPS.reset(token)


@cache
def _counting(kind: Any) -> Any:
    """A validator that gives up after so many steps."""

    def counted(check: Any) -> Any:
        def step(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            left = _STEPS.get()
            left[0] -= 1
            if left[0] < 0:
                raise _TooMuchError
            yield from check(validator, value, instance, schema) or ()

        return step

    return extend(
        kind,
        {  # type: ignore[no-untyped-call]
            keyword: counted(check) for keyword, check in kind.VALIDATORS.items()
        },
    )


def _tamed(schema: Any, *, closes: bool, named: bool = False) -> Any:
    """A schema without what the server checks by itself, that refuses arguments which it does not list.

    A server drops what it does not know without a word, so that something else would happen than was asked for.

    Args:
        schema: A part of it.
        closes: Whether the part says by itself what there may be.
        named: Whether its keys are names.
    """
    if isinstance(schema, list):
        return [_tamed(part, closes=closes) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if named:
        return {name: _tamed(part, closes=closes) for name, part in schema.items()}
    lists = "properties" in schema
    composed = any(keyword in schema for keyword in _COMPOSED)
    made = {
        key: _tamed(
            value,
            closes=closes and key not in ("not", "if") and not (lists and key in _COMPOSED),
            named=key in _NAMES,
        )
        for key, value in schema.items()
        if key not in _THEIRS and not (key == "additionalProperties" and "patternProperties" in schema)
    }
    if lists and closes and not composed and "patternProperties" not in schema:
        made.setdefault("additionalProperties", False)
    return made


def _told(error: ValidationError) -> str:
    place = ".".join(str(part) for part in error.path) or "the arguments"
    return f"{inert(place, limit=60)}: {inert(error.message, limit=160).rstrip('.')}."


def _shown(schema: Any, *, named: bool = False) -> Any:
    """A schema with its words made data.

    Args:
        schema: A part of it.
        named: Whether its keys are names.
    """
    if isinstance(schema, list):
        return [_shown(part) for part in schema]
    if not isinstance(schema, Mapping):
        return inert(schema, limit=_MOST_TEXT) if isinstance(schema, str) else schema
    if named:
        return {name: _shown(part) for name, part in schema.items() if inert(name, limit=64) == name}
    made = {
        key: _shown(value, named=key in _NAMES)
        for key, value in schema.items()
        if key not in ("title", "examples", "$comment", "default") and inert(key, limit=64) == key
    }
    if isinstance(schema.get("description"), str):
        made["description"] = quoted(schema["description"], limit=_MOST_TEXT)
    return made
