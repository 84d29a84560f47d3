"""The JSON Schema of a grants file, made from the catalog."""

from __future__ import annotations

from typing import Any

from ac_guardrails import Catalog
from ac_guardrails._domains import NOUN as DOMAIN
from ac_guardrails._domains import PATTERN as DOMAIN_PATTERN
from ac_guardrails._grants_reader import MOST_MONEY

_LEVEL: dict[str, Any] = {
    "description": "off: nothing. read: look. write: changes that reach nobody and destroy nothing. "
    "full: the others too, each after a person agreed.",
    "enum": ["off", "read", "write", "full", False],  # YAML 1.1 reads a bare `off` as false
}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}
_NAME: dict[str, Any] = {"type": ["string", "integer"], "pattern": r"\S", "minimum": 1}
_DOMAIN: dict[str, Any] = {"type": "string", "pattern": DOMAIN_PATTERN}
_DAY: dict[str, Any] = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_OVER: dict[str, Any] = {
    "description": "What becomes of a call that would pass a limit: it is refused, as without this key; or a person "
    "is asked.",
    "enum": ["refuse", "ask"],
}
_AMOUNTS: dict[str, Any] = {
    "description": "The most money that a write may put on one record, by currency; one that is absent is not allowed.",
    "type": "object",
    "propertyNames": {"pattern": "^[A-Z]{3}$"},
    "additionalProperties": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": MOST_MONEY},
    "minProperties": 1,
}
_COUNTS = {
    "people_per_hour": "The most people that writes touch in any hour.",
    "people_per_day": "The most people that writes touch in any 24 hours.",
    "calls_per_hour": "The most calls that write in any hour.",
    "calls_per_day": "The most calls that write in any 24 hours.",
}


def grants_schema(catalog: Catalog) -> dict[str, Any]:
    """Describe the grants files that the guard accepts for a catalog (JSON Schema, draft 2020-12).

    Args:
        catalog: What grants may speak of.
    """
    areas = {area: {"anyOf": [{"$ref": "#/$defs/level"}, _area(area, catalog)]} for area in catalog.areas}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Grants for {catalog.name}",
        "type": "object",
        "required": ["agents"],
        "additionalProperties": False,
        "properties": {
            "agents": {
                "description": "What each agent may do, area by area. What is absent is denied.",
                "type": "object",
                "propertyNames": {"pattern": r"^\S(.*\S)?$"},
                "additionalProperties": {"type": "object", "properties": areas, "additionalProperties": False},
            }
        },
        "$defs": {"level": _LEVEL},
    }


def _area(area: str, catalog: Catalog) -> dict[str, Any]:
    tools = [tool.name for tool in catalog.named if tool.need.area == area]
    return {
        "type": "object",
        "required": ["access"],
        "additionalProperties": False,
        "properties": {
            "access": {"$ref": "#/$defs/level"},
            "only": _only(catalog.nouns_of(area)),
            "until": {**_DAY, "description": "The last day, in UTC."},
            "ask": {
                "description": "What waits for a person too: writes, or tools by name.",
                **_one_or_more({"enum": ["writes", *tools]}),
            },
            **{key: {**_COUNT, "description": text} for key, text in _COUNTS.items()},
            **({"amount_at_most": _AMOUNTS} if area in catalog.amounts else {}),
            "over": _OVER,
        },
    }


def _only(nouns: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": "The only records that it may name, by name or id; of a domain, whose addresses.",
        "type": "object",
        "properties": {noun: _one_or_more(_DOMAIN if noun == DOMAIN else _NAME) for noun in nouns},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _one_or_more(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
