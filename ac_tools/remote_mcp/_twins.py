"""A call of the server's tools in the words of the REST tool that does the same act, and back again after an edit."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ac_guardrails import InvalidCall
from ac_tools.remote_mcp._arguments import Path, Said, identity
from ac_tools.remote_mcp._classes import ToolClass
from ac_tools.tools._arguments import Arguments, faults
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._references import Ref

_FLAGS = ("send_last_broadcast", "visible", "isrequired")


def takes(tool: ActiveCampaignTool) -> frozenset[str]:
    """The arguments of a REST tool."""
    return frozenset(_schema(tool).model_fields)


def in_words_of(tool: ActiveCampaignTool, of: ToolClass, said: Mapping[str, Said]) -> dict[str, Any]:
    """The arguments as the REST tool would be told them; those that it does not have are left out.

    Raises:
        InvalidCall: One of them can be nothing that the REST tool takes.
    """
    if tool.name == "ac_update_contact":
        return _one_value(of, said)
    return {name: _value(name, one.value) for name, one in said.items() if name in takes(tool)}


def unknown_to(tool: ActiveCampaignTool | None, of: ToolClass, said: Mapping[str, Said]) -> list[str]:
    """The arguments of which nobody has said what they mean."""
    known = {*of.words, *of.words.values(), of.noun, *(("id", *of.row.names) if of.row else ())}
    if tool is not None:
        known |= {"contact", "field", "value"} if tool.name == "ac_update_contact" else takes(tool)
    elif not of.is_write:  # a record that a read names is looked at where grants are narrowed, and changes nothing
        known |= {"id", *NOUNS}
    return sorted(name for name in said if name not in known)


def rewritten(
    tool: ActiveCampaignTool,
    of: ToolClass,
    arguments: Mapping[str, Any],
    places: Mapping[str, Path],
    edit: Mapping[str, Any],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """The call's own arguments after an edit that was made in the words of the REST tool.

    Args:
        tool: The REST tool.
        of: What the called tool is.
        arguments: The call's arguments before the edit.
        places: Where each argument stands, or would stand, in them.
        edit: The arguments after the edit, as a card shows them.
        before: The same before the edit.

    Raises:
        InvalidCall: The edit changes what the server's tool cannot be told, or names a record otherwise than by id.
    """
    if tool.name == "ac_update_contact":
        raise InvalidCall(f"{of.name} was not called: a call of it cannot be edited. Reject it and say what is wanted.")
    try:
        wanted = _schema(tool).model_validate(dict(edit)).model_dump(exclude_none=True)
    except ValidationError as error:
        raise InvalidCall(f"{of.name} was not called: {faults(error)}") from None
    made = deepcopy(dict(arguments))
    for name in sorted({*edit, *before}):
        if edit.get(name) == before.get(name):
            continue
        if name not in places:
            raise InvalidCall(f"{of.name} was not called: the server's tool has no argument for {name!r}.")
        _put(made, places[name], _plain(wanted.get(name), name))
    return made


def _schema(tool: ActiveCampaignTool) -> type[Arguments]:
    schema = tool.args_schema
    assert isinstance(schema, type)
    assert issubclass(schema, Arguments)
    return schema


def _value(name: str, value: Any) -> Any:
    if name in NOUNS:
        return identity(value, name)
    if name == "amount":
        return _major(value)
    if name == "orders" and isinstance(value, Mapping):
        return ", ".join(f"{field} {way}" for field, way in value.items())
    if name in _FLAGS and value in (0, 1, "0", "1"):
        return value in (1, "1")
    if name == "field_values" and isinstance(value, list):
        return [_field_value(one) for one in value]
    return value


def _major(value: Any) -> str:
    """The API's cents as an amount: what the server's tools call a value is taken to be the API's."""
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit():
        raise InvalidCall(f"The value is no whole number of cents: {str(value)[:40]!r}. Give cents, such as 125050.")
    return f"{Decimal(int(value)) / 100:.2f}"


def _field_value(value: Any) -> Any:
    if not isinstance(value, Mapping) or set(value) != {"field", "value"}:
        raise InvalidCall("Each of fieldValues has a field and a value, and nothing else.")
    return {"field": identity(value["field"], "field"), "value": value["value"]}


def _one_value(of: ToolClass, said: Mapping[str, Said]) -> dict[str, Any]:
    """One value of a custom field, as an update of its contact."""
    missing = [name for name in ("contact", "field", "value") if name not in said]
    if missing:
        raise InvalidCall(f"{of.name} was not called: it does not say which {missing[0]} is meant.")
    value = {"field": identity(said["field"].value, "field"), "value": said["value"].value}
    return {"contact": identity(said["contact"].value, "contact"), "field_values": [value]}


def _put(arguments: dict[str, Any], path: Path, value: Any) -> None:
    inner = arguments
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value


def _plain(value: Any, name: str) -> Any:
    """A value as the server takes it: ids, codes and cents."""
    if isinstance(value, Ref):
        if value.id is None:
            raise InvalidCall(f"The server takes ids only. Name the {name} by its id.")
        return value.id
    if isinstance(value, Mapping):
        return {key: _plain(inner, key) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, name) for inner in value]
    return value
