"""The JSON Schema of a grants file, made from the catalog."""

from __future__ import annotations

from typing import Any

from ac_guardrails import Catalog

_LEVEL: dict[str, Any] = {
    "description": "off: nothing. read: look. write: changes that reach nobody and destroy nothing. "
    "full: the others too, each after a person agreed.",
    "enum": ["off", "read", "write", "full", False],  # YAML 1.1 reads a bare `off` as false
}
_PEOPLE: dict[str, Any] = {"type": "integer", "minimum": 1}
_NAME: dict[str, Any] = {"type": ["string", "integer"], "minLength": 1}


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
                "propertyNames": {"pattern": r"\S"},
                "additionalProperties": {"type": "object", "properties": areas, "additionalProperties": False},
            }
        },
        "$defs": {"level": _LEVEL},
    }


def _area(area: str, catalog: Catalog) -> dict[str, Any]:
    tools = [tool.name for tool in catalog.tools if tool.need.area == area]
    return {
        "type": "object",
        "required": ["access"],
        "additionalProperties": False,
        "properties": {
            "access": {"$ref": "#/$defs/level"},
            "only": _only(catalog.nouns_of(area)),
            "until": {"type": "string", "format": "date", "description": "The last day, in UTC."},
            "ask": {
                "description": "What waits for a person too: writes, or tools by name.",
                "anyOf": [{"const": "writes"}, _one_or_more({"enum": tools})],
            },
            "people_per_hour": {**_PEOPLE, "description": "The most people that writes touch in any hour."},
            "people_per_day": {**_PEOPLE, "description": "The most people that writes touch in any 24 hours."},
        },
    }


def _only(nouns: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": "The only records that it may name, by name or id.",
        "type": "object",
        "properties": {noun: _one_or_more(_NAME) for noun in nouns},
        "additionalProperties": False,
    }


def _one_or_more(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
