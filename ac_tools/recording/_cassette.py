"""How a cassette is written: plain YAML that vcrpy replays, with bodies as blocks for those who read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

KEPT = ("Content-Type", "X-Request-Id", "Retry-After")
"""The headers of an answer that a reader may want."""


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


class Readable:
    """A serializer for vcrpy: plain YAML, with bodies as blocks."""

    deserialize: Callable[[str], Any] = staticmethod(yaml.safe_load)

    @staticmethod
    def serialize(cassette: Mapping[str, Any]) -> str:
        """A cassette as text."""
        text: str = yaml.dump(cassette, Dumper=_Dumper, sort_keys=False, width=120)
        return text


def indented(body: bytes) -> bytes:
    """The same JSON on lines of its own, for those who read it or its changes."""
    try:
        return json.dumps(json.loads(body), indent=1).encode()
    except ValueError:  # nothing, or no JSON
        return body


def kept(headers: Mapping[str, list[str]], names: tuple[str, ...] = KEPT) -> dict[str, list[str]]:
    """Of an answer's headers those that are kept, under their usual names."""
    named = {name.title(): values for name, values in headers.items()}
    return {name: named[name] for name in names if name in named}
