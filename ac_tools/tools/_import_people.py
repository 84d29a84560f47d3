"""The people of an import: who can be sent, who cannot and why, and in which requests."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails import InvalidCall, Request, quoted
from ac_tools.tools._call import Call
from ac_tools.tools._references import fault_of

MOST_PEOPLE = 250
MOST_BYTES = 395_000
"""Documented: a request must stay under 400,000 bytes."""


@dataclass
class Sorted:
    """The people of a call: who can be sent, and who cannot and why."""

    good: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def all_tags(args: Any) -> Iterable[str]:
    yield from args.tags or ()
    for lead in args.contacts:
        yield from lead.tags or ()


def sort_people(call: Call) -> Sorted:
    """Who can be sent, once each, and who cannot and why."""
    people = Sorted()
    seen: set[str] = set()
    wire = call.wire()
    lists = {
        key: [{"listid": list_id} for list_id in wire[key]] for key in ("subscribe", "unsubscribe") if wire.get(key)
    }
    for lead in wire["contacts"]:
        email = lead["email"].strip()
        fault = fault_of(email)
        if not fault and email.casefold() in seen:
            fault = "listed more than once; the first is used"
        if fault:
            people.left_out.append((lead["email"], fault))
            continue
        seen.add(email.casefold())
        tags = list(dict.fromkeys((*(wire.get("tags") or ()), *(lead.get("tags") or ()))))
        people.good.append({**lead, "email": email, **({"tags": tags} if tags else {}), **lists})
    return people


def requests_for(people: list[dict[str, Any]], *, exclude: bool) -> Generator[Request, None, None]:
    """Requests of at most 250 contacts and 395,000 bytes each."""
    batch: list[dict[str, Any]] = []
    size = 0
    for person in people:
        entry = {**person, "exclude_automations": True} if exclude else person
        length = len(json.dumps(entry)) + 2
        if length > MOST_BYTES:
            raise InvalidCall(
                f"{quoted(person['email'], limit=60)} alone is larger than a request may be ({MOST_BYTES} bytes)."
            )
        if batch and (len(batch) == MOST_PEOPLE or size + length > MOST_BYTES):
            yield _request(batch, exclude=exclude)
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield _request(batch, exclude=exclude)


def _request(batch: list[dict[str, Any]], *, exclude: bool) -> Request:
    """The documents put the flag inside each contact in one place and beside them in another: it is sent in both."""
    body: dict[str, Any] = {"contacts": batch}
    if exclude:
        body["exclude_automations"] = True
    return Request("POST", "/import/bulk_import", body=body)
