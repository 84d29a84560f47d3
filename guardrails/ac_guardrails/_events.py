"""Events: what the ledger remembers of a call, each as one row of JSON, chained to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ac_guardrails._canonical import canonical

_MOST_BYTES = 1024

CLOSING = ("refused", "outcome", "failed", "settled", "joined", "revoked", "foreign")
"""The kinds of events that end a call."""


class LedgerError(RuntimeError):
    """The ledger cannot be written or read. What is not on record does not happen: no further write is sent."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one entry. Holds ids, counts, field names and digests; never a contact's values.

    Args:
        entry: The entry that it belongs to.
        kind: decided, asked, answered, overruled, read, sent, outcome, settled, refused, joined or failed; undone;
            confirmed, contradicted or foreign; stopped or resumed; standing or revoked.
        agent: Whose call it was.
        data: What is to be remembered, as JSON; cut to fit one row of 1 KB.
        call: The replay key, where the event is one that the call can be found by; or the name of what the account
            told.
    """

    entry: str
    kind: str
    agent: str
    data: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""


def row_of(event: Event, seq: int, at: float) -> str:
    """The text of an event: the columns first, then the data, cut until it fits one row."""
    columns = columns_of(event.agent, at, event.call, event.entry, event.kind, seq)
    data = dict(event.data)
    while True:
        text = columns + ("," + stored(data)[1:] if data else "}")
        if len(text.encode()) <= _MOST_BYTES:
            return text
        if not data:
            raise LedgerError(f"The agent's name is too long to be recorded ({len(event.agent)} characters).")
        _shorten(data)


def columns_of(agent: str, at: float, call: str, entry: str, kind: str, seq: int) -> str:
    """How a row's text begins: its columns, in canonical form."""
    said = f'"call":"{call}",' if call else ""
    return f'{{"agent":{_stored_name(agent)},"at":{canonical(at)},{said}"entry":"{entry}","kind":"{kind}","seq":{seq}'


def stored(value: Any) -> str:
    """JSON on one line with its keys sorted, that UTF-8 can hold: half a surrogate pair, which is no character, as its
    JSON escape. What is hashed is the text, so that its numbers need not be those of `canonical`, which takes longer.
    """
    text = _encoded(value)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


@lru_cache(maxsize=256)
def _stored_name(agent: str) -> str:
    """An agent's name as it is stored; a ledger has few of them, and each in every row."""
    return stored(agent)


def _plain(value: Any) -> Any:
    """A value that JSON can hold but is neither dict, list nor tuple."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoded = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain
).encode


def _shorten(data: dict[str, Any]) -> None:
    """Cut the longest value; what is lost is in the payload."""
    longest = max(data, key=lambda key: len(canonical(data[key])))
    value = data[longest]
    if isinstance(value, str) and len(value) > 40:
        data[longest] = value[: len(value) // 2] + "…"
    elif isinstance(value, (list, tuple)) and len(value) > 1:
        data[longest] = list(value[: len(value) // 2])
    else:
        del data[longest]


def chained(previous: str, body: str) -> str:
    """The hash of a row, which holds that of the row before it."""
    return hashlib.sha256((previous + body).encode("utf-8", "surrogatepass")).hexdigest()
