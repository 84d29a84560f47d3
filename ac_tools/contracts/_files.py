"""The schema files, read, with every reference put in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_MARK = "#/$defs/"


def endpoint_files() -> Iterator[dict[str, Any]]:
    """Each endpoint's file as it is."""
    for path in sorted((_HERE / "endpoints").glob("*.json")):
        yield _read(path)


class Shared:
    """What the endpoints' schemas refer to."""

    def __init__(self) -> None:
        self._file = _read(_HERE / "shared.json")
        self._resolved: dict[str, Any] = {}

    @property
    def any_endpoint(self) -> dict[str, Any]:
        """What any endpoint may answer, by status."""
        found: dict[str, Any] = self.resolved(self._file["x-any-endpoint"])
        return found

    def resolved(self, node: Any) -> Any:
        """A schema without references: comparing is several times as fast as with a look-up at each of them."""
        if isinstance(node, list):
            return [self.resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:  # with nothing beside it but our own keywords
            beside = {name: each for name, each in node.items() if name != "$ref"}
            return {**self._named(node["$ref"].partition(_MARK)[2]), **beside}
        return {name: self.resolved(each) for name, each in node.items()}

    def _named(self, name: str) -> Any:
        if name not in self._resolved:
            self._resolved[name] = self.resolved(self._file["$defs"][name])
        return self._resolved[name]


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
