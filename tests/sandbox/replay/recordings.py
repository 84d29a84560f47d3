"""Recorded traffic: its cassettes, what an account must hold before one can be replayed, and how answers compare."""

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "activecampaign" / "recorded.jsonl"
HOST = "https://example.api-us1.com"  # what the recordings' hosts were scrubbed to
APART = 3600  # seconds between exchanges beyond which the account behind a cassette is another one


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer."""

    cassette: str
    method: str
    path: str
    query: str
    request: Any
    status: int
    headers: Mapping[str, str]
    response: Any
    at: datetime

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def content(self) -> bytes:
        return b"" if self.request is None else json.dumps(self.request).encode()

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


def read() -> list[Exchange]:
    """All recorded exchanges in their order; none where the recordings are not beside the repository."""
    if not RECORDED.exists():
        return []
    lines = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    lines.sort(key=lambda line: (line["source"], line["cassette"], line["n"]))
    names = [field.name for field in dataclasses.fields(Exchange) if field.name != "at"]
    return [
        Exchange(**{name: line[name] for name in names}, at=parsedate_to_datetime(line["recorded_at"]))
        for line in lines
    ]


def cassettes() -> dict[str, list[list[Exchange]]]:
    """The exchanges by cassette, each in the sessions that it was recorded in.

    Some cassettes go on weeks later, against an account that holds other things.
    """
    found: dict[str, list[list[Exchange]]] = {}
    for each in read():
        sessions = found.setdefault(each.cassette, [])
        if not sessions or (each.at - sessions[-1][-1].at).total_seconds() > APART:
            sessions.append([])
        sessions[-1].append(each)
    return found


_LOCAL = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_FORMS = {
    "a time in the account's zone": re.compile(rf"{_ISO}-0[56]:00"),
    "a time in UTC": re.compile(rf"{_ISO}\+00:00"),
    "a local time": re.compile(_LOCAL),
    "a hash": re.compile(r"[0-9a-f]{32}"),
    "a short hash": re.compile(r"[0-9a-f]{8}"),
    "a uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
_NO_TIME = "0000-00-00 00:00:00"
_BY_CHANCE = {"hash", "cacheid", "batchId"}


def form(value: Any, key: str = "") -> Any:
    """What two runs have in common of a value: the kind of a time or a hash, everything else as it is."""
    if not isinstance(value, str) or value == _NO_TIME:
        return value
    kinds = itertools.islice(_FORMS.items(), None if key in _BY_CHANCE else 3)
    return next((f"<{kind}>" for kind, pattern in kinds if pattern.fullmatch(value)), value)


def differences(recorded: Any, answered: Any, where: str = "", key: str = "") -> Iterator[str]:
    """Every place where an answer is not what was recorded: types, keys and their order, values."""
    if type(recorded) is not type(answered):
        yield f"{where}: {answered!r} is not {recorded!r}"
    elif isinstance(recorded, dict):
        if list(recorded) != list(answered):
            yield f"{where}: keys {list(answered)} are not {list(recorded)}"
        for name in recorded.keys() & answered.keys():
            yield from differences(recorded[name], answered[name], f"{where}.{name}", name)
    elif isinstance(recorded, list):
        if len(recorded) != len(answered):
            yield f"{where}: {len(answered)} are not {len(recorded)}"
        for place, pair in enumerate(zip(recorded, answered, strict=False)):
            yield from differences(*pair, f"{where}[{place}]", key)
    elif form(recorded, key) != form(answered, key):
        yield f"{where}: {answered!r} is not {recorded!r}"
