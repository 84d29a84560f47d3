"""What a call gives back as MCP's structured content, and the schema that says so beforehand.

One shape for all tools: an object with one of `record`, `records` (a page), `import`, `settlement`, `rehearsal` and
`refusal`. A schema covers its tool's refusals, too, because some clients check what failed as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.utils.json_schema import dereference_refs

from ac_guardrails import Level, Refusal, Rehearsal, Settlement
from ac_tools import _records as records
from ac_tools._pages import Page
from ac_tools._records import Record
from ac_tools.tools._contact_view import ContactDetails
from ac_tools.tools.contacts import GetContact
from ac_tools.tools.imports import ImportContacts, ImportResult

if TYPE_CHECKING:
    from ac_tools.tools import ActiveCampaignTool

_ACTS_ON = {"list": records.MailingList}
"""What the API calls otherwise than our records are called."""
_TEXT: Mapping[str, Any] = {"type": "string"}
_PAIRS: Mapping[str, Any] = {"type": "array", "items": {"type": "array", "items": _TEXT}}


def structured(artifact: Any) -> dict[str, Any]:
    """An artifact as structured content: the typed fields of its records, without those that the account left out."""
    match artifact:
        case Refusal():
            return {"refusal": {"kind": artifact.kind, "reason": artifact.reason, "entry": artifact.entry}}
        case Settlement():
            return {"settlement": {"entry": artifact.entry, "outcome": artifact.outcome, "reason": artifact.reason}}
        case Rehearsal():
            return {"rehearsal": {"requests": [f"{one.method} {one.path}" for one in artifact.requests]}}
        case Page():
            page = {"records": _plain(artifact.items), "total": artifact.total, "next_offset": artifact.next_offset}
            return {name: value for name, value in page.items() if value is not None}
        case ImportResult():
            lost = {"failed": _plain(artifact.failed), "left_out": _plain(artifact.left_out)}
            return {"import": {"batches": _plain(artifact.batches), **lost}}
        case Record():
            return {"record": _plain(artifact)}
        case list():
            return {"records": _plain(artifact)}
    return {}


def output_schema(tool: ActiveCampaignTool) -> dict[str, Any]:
    """The JSON Schema of a tool's structured content. Records may hold fewer fields: the account does not say all."""
    kinds: dict[str, Any] = {"refusal": _object(kind=_TEXT, reason=_TEXT, entry=_TEXT)}
    if tool.endpoint.level != Level.READ:
        kinds["settlement"] = _object(entry=_TEXT, outcome=_TEXT, reason=_TEXT)
        kinds["rehearsal"] = _object(requests={"type": "array", "items": _TEXT})
    return _object(**_results(tool), **kinds)


def _results(tool: ActiveCampaignTool) -> dict[str, Any]:
    """What a success holds."""
    if isinstance(tool, ImportContacts):
        batches = {"type": "array", "items": _schema_of(records.ImportBatch)}
        return {"import": _object(batches=batches, failed=_PAIRS, left_out=_PAIRS)}
    found = _record_of(tool)
    record = _schema_of(found) if found else {}
    if not tool.name.startswith("ac_list_"):
        return {"record": record}
    counts = {"total": {"type": "integer"}, "next_offset": {"type": "integer"}}
    return {"records": {"type": "array", "items": record}, **counts}


def _record_of(tool: ActiveCampaignTool) -> type[Record] | None:
    """The class of the records that a tool gives back; None where they are plain values."""
    if isinstance(tool, GetContact):
        return ContactDetails
    acts_on = tool.endpoint.acts_on
    return _ACTS_ON.get(acts_on) or getattr(records, acts_on[:1].upper() + acts_on[1:], None)


def _schema_of(record: type[Record]) -> dict[str, Any]:
    made = dereference_refs(record.model_json_schema(mode="serialization", by_alias=False))
    fields = {name: _light(made["properties"][name]) for name in _shown(record)}
    return _object(**fields)


def _shown(record: type[Record]) -> list[str]:
    """The declared fields, since what else the account sent has no type; but none that a record's repr hides.

    Structured content reaches models, and a webhook's URL opens its receiver.
    """
    return [name for name, field in record.model_fields.items() if field.repr]


def _light(part: Any) -> Any:
    """A schema in few tokens: without titles, descriptions, defaults, and the null of what is left out instead."""
    if isinstance(part, list):
        return [_light(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part:
        return _light(next(branch for branch in part["anyOf"] if branch.get("type") != "null"))
    if "properties" in part:
        fields = {name: _light(field) for name, field in part["properties"].items()}
        return {"type": "object", "properties": fields}
    return {name: _light(value) for name, value in part.items() if name not in ("title", "description", "default")}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _plain(value: Any) -> Any:
    """A value as JSON, without what the account left out."""
    if isinstance(value, Record):
        fields = {name: getattr(value, name) for name in _shown(type(value))}
        return {name: _plain(field) for name, field in fields.items() if field is not None}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
