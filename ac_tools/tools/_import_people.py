"""The people of an import: who can be sent, who cannot and why, and in which requests."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails import InvalidCall, Request, quoted
from ac_guardrails._canonical import digest
from ac_guardrails._finding import Finding, ReadBack
from ac_tools._errors import ActiveCampaignError
from ac_tools.tools._call import Call
from ac_tools.tools._contact_read_back import find_contact, holder_of
from ac_tools.tools._names import Reading
from ac_tools.tools._references import fault_of

MOST_PEOPLE = 250
MOST_BYTES = 395_000
"""Documented: a request must stay under 400,000 bytes."""
MOST_PROBES, PROBES_A_REQUEST = 12, 5
"""How many people are looked up before an import, to know later of some that only the import can have made; how many of
each of its requests at the most."""


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


def digest_of(people: Sequence[dict[str, Any]], *, exclude: bool) -> str:
    """The same for the same people with the same values, in whatever order."""
    same = [{**person, "email": person["email"].casefold()} for person in people]
    return digest([exclude, sorted(same, key=lambda person: str(person["email"]))])


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many}"


def new_people(call: Call, requests: Sequence[Request], most: int) -> Reading:
    """For every request some of its addresses that the account does not know yet: a few reads, spread over them all.

    Args:
        call: The call.
        requests: The requests of the import.
        most: How many reads are left; it makes one at least.
    """
    most = max(1, min(most, MOST_PROBES))
    share = min(PROBES_A_REQUEST, max(1, most // len(requests)))
    every = -(-len(requests) // most)
    found: list[list[str]] = []
    call.seen["looked up"] = {}
    for number, request in enumerate(requests):
        people = [person["email"] for person in (request.body or {})["contacts"]] if number % every == 0 else []
        chosen = people[:: max(1, len(people) // share)][:share]
        call.seen["reads"] += len(chosen)
        found.append((yield from _unknown(call, chosen)))
    return found


def _unknown(call: Call, addresses: Sequence[str]) -> Reading:
    """Those that no contact has. One that cannot be read now is not known to be new, which is no reason to stop."""
    found: list[str] = []
    for address in addresses:
        try:
            known = yield from holder_of(call, address)
        except ActiveCampaignError:
            continue
        call.seen["looked up"][address] = known
        found += [] if known else [address]
    return found


def read_imported(new: Sequence[Sequence[str]], sizes: Sequence[int], sent: int, since: float) -> ReadBack:
    """Whether people are there whom the account did not know before the import.

    Its requests leave one after the other, each when the one before was answered: only of the last is anything open.

    Args:
        new: For each request, some of its addresses that the account did not know.
        sizes: How many people are in each request.
        sent: How many of the requests have left.
        since: When the first one left, in epoch seconds.
    """
    addresses = new[sent - 1] if sent <= len(new) else []
    if not addresses:
        which = f"request {sent}" if len(new) > 1 else "the import"
        return Finding("cannot_tell", f"nobody of {which} was known to be new to the account{_others(sizes, sent)}")
    kinds: list[str] = []
    for address in addresses:
        finding = yield from find_contact(address, since)
        kinds.append(finding.kind)
    there = f"{kinds.count('present')} of {len(kinds)} people who were unknown before are there{_others(sizes, sent)}"
    if "present" in kinds:
        return Finding("present", there, partly=sent < len(new))
    if "cannot_tell" in kinds or (yield from _still_running()):
        return Finding("unread", f"{there}, but an import may still be running")
    return Finding("absent", there, partly=sent > 1)


def _others(sizes: Sequence[int], sent: int) -> str:
    """What became of the other requests, as the end of a clause about the last one that left."""
    if len(sizes) < 2:
        return ""
    before, after = sum(sizes[: sent - 1]), sum(sizes[sent:])
    words = [f"of the {sizes[sent - 1]} in request {sent} of {len(sizes)}"]
    words += [f"{counted(before, 'person', 'people')} before it had an answer"] if before else []
    words += [f"{counted(after, 'person', 'people')} after it were never sent"] if after else []
    return ", " + "; ".join(words)


def _still_running() -> Reading:
    """Whether the account has imports to work off, anybody's: a queued one shows nobody yet (documented)."""
    reply = yield Request("GET", "/import/bulk_import")
    outstanding = reply.data.get("outstanding") if isinstance(reply.data, dict) else None
    return outstanding != []
