"""Reading back whether a write happened: what the tools share. The reasons hold ids, counts and dates only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ac_guardrails import Request
from ac_guardrails._finding import Finding, ReadBack
from ac_tools._errors import NotFoundError
from ac_tools._pages import Walk
from ac_tools._records import (
    Account,
    Campaign,
    Contact,
    ContactAutomation,
    ContactList,
    ContactTag,
    Deal,
    Field,
    MailingList,
    Record,
    Tag,
    Webhook,
    parse_many,
)
from ac_tools.tools._artifacts import name_of
from ac_tools.tools._call import Call
from ac_tools.tools._names import Reading
from ac_tools.tools._references import Ref
from ac_tools.tools._render import ties_of

M = TypeVar("M", bound=Account | Campaign | Contact | Deal | Field | MailingList | Tag | Webhook)
T = TypeVar("T", bound=ContactAutomation | ContactList | ContactTag)

_SLACK = 2.0
"""Seconds: records hold whole seconds, and so does the header that tells the account's time."""
_MOST_ROWS = 1000


def is_since(moment: datetime | None, since: float, reply: Any = None) -> bool | None:
    """Whether something came to be after a write left; None where nobody can tell.

    The account's clock and ours may differ, and by now by another amount than when the write left, so a moment counts
    if it is late enough by either of them.

    Args:
        moment: When it came to be, by the account's clock.
        since: When the write left, in epoch seconds of this computer's clock.
        reply: The reply that told of it, which also tells the account's time; without one only what is late is since.
    """
    if moment is None:
        return None
    if moment.timestamp() >= since - _SLACK:
        return True
    ahead = _ahead(reply)
    return None if ahead is None else moment.timestamp() >= since + ahead - _SLACK


def is_older(moment: datetime | None, since: float, reply: Any) -> bool:
    """Whether something surely was there before a write left, by the account's clock where the reply tells it.

    Not the opposite of `is_since`, which says yes where either clock does.
    """
    return moment is not None and moment.timestamp() < since + (_ahead(reply) or 0.0) - _SLACK


def _ahead(reply: Any) -> float | None:
    """By how many seconds the account's clock is ahead of ours; None where the reply does not tell its time."""
    try:
        told = parsedate_to_datetime(getattr(reply, "date", None) or "")
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return None


def find_made(
    noun: str,
    walk: Walk,
    record: type[M],
    is_it: Callable[[M], bool | None],
    since: float,
    others: Collection[str] = (),
) -> ReadBack:
    """Look for a record that a write was to make. One that is older than the write is somebody else's.

    Args:
        noun: What it is, in words.
        walk: The way through the collection that would hold it.
        record: Its type.
        is_it: Whether a record has the natural key; None where the record does not show enough of itself.
        since: When the write left, in epoch seconds of this computer's clock.
        others: What other calls are known to have made, as `name_of` names it.
    """
    older = unsure = ""
    while (request := walk.next_request()) is not None:
        reply = yield request
        for row in parse_many(record, walk.feed(reply)):
            same = is_it(row)
            if same is False:
                continue
            if (name := name_of(row)) in others:
                older = f"{noun} {row.id} is like it, but another call has made that one"
                continue
            new = is_since(row.created_at, since, reply) if same else None
            if new:
                return Finding("present", f"{noun} {row.id} was created {stamp(row.created_at)}", name)
            if new is None:
                unsure = f"{noun} {row.id} may be it, but does not show enough to tell"
            else:
                older = f"{noun} {row.id} is like it, but was there before, since {stamp(row.created_at)}"
    if unsure:
        return Finding("cannot_tell", unsure)
    if walk.truncated:
        return Finding("cannot_tell", f"it is not among the first {walk.count} {noun}s, and there are more")
    return Finding("absent", older or f"there is no such {noun}")


def others(key: Mapping[str, Any]) -> Collection[str]:
    """What other calls are known to have made, which comes with the natural key."""
    found: Collection[str] = key.get("_others", ())
    return found


def collection_of(path: str, key: str, *params: tuple[str, str]) -> Walk:
    """The way through a collection, as far as a read-back goes.

    Args:
        path: The collection's path.
        key: Where it stands in a reply.
        params: The account's own filters; what they let through is compared all the same.
    """
    return Walk(path, key, params, most=_MOST_ROWS)


def has_name(name: str | None, wanted: Any) -> bool:
    """Whether a name is the wanted one, outer spaces aside."""
    return (name or "").strip() == str(wanted).strip()


def any_case(name: str | None) -> str:
    """A name as the account compares it where it does not mind the case."""
    return (name or "").strip().lower()


def spelt(key: Mapping[str, Any], part: str) -> str:
    """A part of a natural key as it was sent, for searches: nobody knows how every account minds the case there."""
    return str(key.get(f"_{part}", key[part]))


def ties_if_there(contact: int, key: str, record: type[T]) -> Reading:
    """A contact's ties of one kind; None for a contact that is gone."""
    try:
        rows = yield from ties_of(f"/contacts/{contact:d}/{key}", key, record)
    except NotFoundError:
        return None
    return [row for row in rows if row.contact_id in (None, str(contact))]


def record_if_there(request: Request) -> Reading:
    """The reply that holds one record; None for a record that is gone."""
    try:
        return (yield request)
    except NotFoundError:
        return None


def removed(what: str, still: Iterable[str], association: Any) -> Finding:
    """Whether an association was removed.

    Args:
        what: The association in words, as what a contact would still have.
        still: The ids of the associations of the kind that are left.
        association: The id of the one that was to be removed; None where that is not known.
    """
    left = list(still)
    if not left:
        return Finding("present", f"{what} is gone")
    if association is None or str(association) in left:
        return Finding("absent", f"{what} is still there, with id {left[0]}")
    return Finding("present", f"{what} with id {association} is gone; there is another one, with id {left[0]}")


def given(call: Call, *without: str) -> dict[str, Any]:
    """The arguments that a call gives, as JSON, references as ids.

    Args:
        call: The call.
        without: Arguments to leave out, and those that are no plain values.
    """
    values = {name: getattr(call.args, name) for name in type(call.args).model_fields if name not in without}
    return {
        name: call.id(value) if isinstance(value, Ref) else value for name, value in values.items() if value is not None
    }


def differing(record: Record, values: Mapping[str, Any], attributes: Mapping[str, str]) -> list[str]:
    """The arguments whose values a record does not have; those that no attribute answers to are passed over."""
    return [
        name
        for name, value in values.items()
        if name in attributes and not same_text(getattr(record, attributes[name]), value)
    ]


def same_text(have: Any, want: Any) -> bool:
    """Whether two values read the same, as text without outer spaces: an account that has none says null or nothing."""
    return ("" if have is None else str(have).strip()) == ("" if want is None else str(want).strip())


def stamp(moment: datetime | None) -> str:
    """A moment, to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if moment else "at an unknown time"
