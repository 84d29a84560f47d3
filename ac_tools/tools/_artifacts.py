"""What a write gave back, kept as JSON, so that the same call run again gets it again."""

from __future__ import annotations

from typing import Any

from ac_tools import _records as records
from ac_tools._records import ImportBatch, Record


def kept(artifact: Any) -> Any:
    """An artifact as JSON; None for one that cannot be kept."""
    from ac_tools.tools.imports import ImportResult

    if isinstance(artifact, Record) and type(artifact).__name__ in records.__all__:
        return {"record": type(artifact).__name__, "wire": dict(artifact.wire)}
    if isinstance(artifact, ImportResult):
        batches = [dict(batch.wire) for batch in artifact.batches]
        pairs = {"failed": [list(pair) for pair in artifact.failed], "left_out": [list(x) for x in artifact.left_out]}
        return {"import": batches, **pairs}
    return None


def name_of(artifact: Any) -> str:
    """A record as the ledger remembers it: its kind and id; empty for what is no record."""
    return f"{type(artifact).__name__} {getattr(artifact, 'id', '')}" if isinstance(artifact, Record) else ""


def given_again(kept: Any) -> Any:
    """The artifact that `kept` made JSON of; None where it was not kept."""
    from ac_tools.tools.imports import ImportResult

    if not kept:
        return None
    if "record" in kept:
        return getattr(records, kept["record"]).from_wire(kept["wire"])
    if "import" not in kept:
        return kept.get("json")  # of a tool of the Remote MCP server, whose answers have no type of ours
    failed, left_out = (tuple((email, why) for email, why in kept[name]) for name in ("failed", "left_out"))
    return ImportResult(tuple(ImportBatch.from_wire(wire) for wire in kept["import"]), failed, left_out)
