"""Importing many contacts at once: split, paced, followed to its end, with a reason for everybody who was left out."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Need, Reference, Request, inert, quoted
from ac_guardrails._canonical import digest
from ac_guardrails._finding import ReadBack
from ac_guardrails._job import Exchange
from ac_guardrails._steps import Pause
from ac_tools._errors import ActiveCampaignError, InvalidRequestError, UnreadableResponseError
from ac_tools._progress import Progress, Telling
from ac_tools._records import ImportBatch, MailingList
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._import_cards import MOST_READS, ROWS, import_rows, portray_import
from ac_tools.tools._import_people import (
    PROBES_A_REQUEST,
    all_tags,
    counted,
    digest_of,
    new_people,
    read_imported,
    requests_for,
    sort_people,
)
from ac_tools.tools._names import label
from ac_tools.tools._references import FieldRef, ListRef, fault_of
from ac_tools.tools._render import content, one, optional
from ac_tools.tools._settling import Settling

_PER_MINUTE = {True: 20, False: 100}
"""Documented: requests a minute, where each carries one contact, and where each carries several."""
_BATCH_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_ENDED = ("completed", "failed", "interrupted")
_MOST_SHOWN = 15
_MOST_COMPARED = 20
"""How many addresses are kept with a question as they are; more of them as one digest."""


class LeadField(Arguments):  # noqa: D101
    field: FieldRef = Field(serialization_alias="id", description="Field name or id")
    value: str


class Lead(Arguments):  # noqa: D101
    email: str
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    customer_acct_name: str | None = Field(None, description="Account; created if missing")
    tags: list[str] | None = Field(None, description="Names; created if missing")
    fields: list[LeadField] | None = None


class ImportArguments(Arguments):  # noqa: D101
    contacts: list[Lead] = Field(min_length=1, max_length=10_000)
    subscribe: list[ListRef] | None = Field(None, description="Lists for all, id or name")
    unsubscribe: list[ListRef] | None = None
    tags: list[str] | None = Field(None, description="Tags for all")
    run_automations: bool | None = Field(None, description="Default false")


@dataclass(frozen=True)
class ImportResult:
    """What became of an import.

    Args:
        batches: The account's batches, as they were last seen.
        failed: Addresses that the account did not take, each with the reason.
        left_out: Addresses that were not sent, each with the reason.
    """

    batches: tuple[ImportBatch, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def _by_name(noun: str, name: str) -> Reference:
    """A record that only its name tells: one that is called "7" is not the one whose id is 7."""
    return Reference(noun, 0, f"={name}" if name.isdigit() else name)


class ImportContacts(ActiveCampaignTool):
    """Imports contacts: `POST /import/bulk_import`, asynchronous, without webhooks.

    The account runs automations on imports unless told otherwise, so here they are off unless asked for. It does not
    re-subscribe people who unsubscribed (documented).
    """

    name: str = "ac_import_contacts"
    description: str = "Import many contacts (for fewer than 10 use ac_sync_contact). A person must approve."
    args_schema: type[ImportArguments] = ImportArguments
    sentence: ClassVar[str] = "import {people}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/import/bulk_import",
        area="contacts",
        level=Level.FULL,
        acts_on="contact",
        risk="touches many people at once",
        key=("people",),
        settles=Settling(
            ("GET /contacts", "GET /import/bulk_import"),
            "somebody of its last request is there whom the account did not know before, created since the write left",
            "nobody of that request is there, and the account has no import to work off",
            "the account knew all of those of that request before who were looked up",
            most=PROBES_A_REQUEST + 1,
        ),
        shows=ROWS,
        voids=("opted out", "mails its last campaign", "active automations", "name of the list"),
        reads=MOST_READS,
        changes=("contact", "tag", "account"),
    )
    patience: ClassVar[float] = 60.0
    """How many seconds an import is followed before it is reported as still running."""
    pause: ClassVar[float] = 0.5
    """How many seconds until it is first asked after; half as long again each time, up to five."""

    def check(self, call: Call) -> None:
        """A comma would make two tags of one."""
        for name in all_tags(call.args):
            if "," in name or not name.strip():
                raise InvalidCall(f"{quoted(name, limit=80)} cannot be a tag: names are not empty and hold no comma.")

    def needs(self, call: Call) -> tuple[Need, ...]:
        """One grant in every area that it touches."""
        args = call.args
        needs = [self.endpoint.need]
        if args.subscribe or args.unsubscribe:
            needs.append(Need("lists", Level.WRITE))
        if any(True for _ in all_tags(args)):
            needs.append(Need("tags", Level.WRITE))
        if any(lead.customer_acct_name for lead in args.contacts):
            needs.append(Need("accounts", Level.WRITE))
        if args.run_automations:
            needs.append(Need("automations", Level.FULL))
        return tuple(needs)

    def unresolved(self, call: Call) -> tuple[Reference, ...]:
        """The tags and accounts, which an import names and the account finds or creates."""
        tags = dict.fromkeys(all_tags(call.args))
        accounts = dict.fromkeys(lead.customer_acct_name for lead in call.args.contacts if lead.customer_acct_name)
        return (*(_by_name("tag", name) for name in tags), *(_by_name("account", name) for name in accounts))

    def look(self, call: Call) -> Exchange:
        """Sort the people, and read the lists and automations that they would meet."""
        people = sort_people(call)
        call.seen["people"] = people
        if not people.good:
            reasons = "; ".join(f"{quoted(email, limit=60)}: {why}" for email, why in people.left_out[:_MOST_SHOWN])
            raise InvalidCall(f"Nobody of {len(call.args.contacts)} can be imported. {reasons}")
        call.facts |= {"people": len(people.good), "left_out": len(people.left_out)}
        call.seen["requests"] = list(requests_for(people.good, exclude=not call.args.run_automations))
        yield from _look_at_lists(call)
        call.seen["reads"] = len(call.seen["lists"])
        call.seen["new"] = yield from new_people(call, call.seen["requests"], MOST_READS - call.seen["reads"])

    def portray(self, call: Call) -> Exchange:
        """Who is known or has left a list, and which automations would run."""
        yield from portray_import(call)

    def build(self, call: Call) -> Request:
        """The first request; the others are `more`."""
        first: Request = call.seen["requests"][0]
        return first

    def more(self, call: Call) -> tuple[Request, ...]:
        """All requests but the first."""
        return tuple(call.seen["requests"][1:])

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """Who is imported with what, and beside it who of them was unknown before."""
        people = digest_of(call.seen["people"].good, exclude=not call.args.run_automations)
        sizes = [len((request.body or {})["contacts"]) for request in call.seen["requests"]]
        return {"people": people, "_new": call.seen["new"], "_sizes": sizes}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By people who were unknown before; where none was, nobody can tell."""
        new = key.get("_new") or []
        return (yield from read_imported(new, key.get("_sizes") or [], key.get("_sent") or len(new), since))

    def words(self, call: Call) -> Mapping[str, str]:
        """How many."""
        return {"people": counted(self.people(call), "person", "people")}

    def people(self, call: Call) -> int:
        """As many as would be sent."""
        people = call.seen.get("people")
        return len(people.good) if people else len(call.args.contacts)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who and how many, who is known or has left, which lists, tags and automations."""
        return import_rows(call)

    def warning(self, call: Call) -> str:
        """Said last."""
        return (
            "An import cannot be taken back as a whole, and no copy of overwritten values is kept. People who had "
            "unsubscribed stay unsubscribed."
        )

    def touches(self, call: Call) -> Mapping[str, Any]:
        """Whose contacts are written."""
        addresses = sorted({lead.email.strip().casefold() for lead in call.args.contacts})
        return {"addresses": addresses if len(addresses) <= _MOST_COMPARED else digest(addresses)}

    def addresses(self, call: Call) -> Sequence[str]:
        """Everybody's."""
        return [lead.email for lead in call.args.contacts]

    def perform(self, call: Call, request: Request) -> Exchange:
        """Queue every request, follow the batches, and say who failed and why."""
        requests: list[Request] = call.seen["requests"]
        batches: list[ImportBatch] = []
        failed: list[tuple[str, str]] = []
        for number, one_request in enumerate(requests, 1):
            yield from _keep_limit(self.binding.account, alone=len(one_request.body["contacts"]) == 1)  # type: ignore[index]
            try:
                reply = yield one_request
            except InvalidRequestError as error:
                if error.outcome != "refused":
                    raise _after(error, number, len(requests)) from None
                failed += [(item["email"], str(error)) for item in one_request.body["contacts"]]  # type: ignore[index]
            except ActiveCampaignError as error:
                raise _after(error, number, len(requests)) from None
            else:
                batches.append(_queued(reply, number, len(requests)))
                if len(requests) > 1:
                    yield Telling(0.0, _how_far(batches, f"{number} of {len(requests)} requests are queued"))
        ended = yield from self._followed(batches)
        failed += [
            (email, fault_of(email) or "the account gave no reason") for batch in ended for email in batch.failed
        ]
        result = ImportResult(tuple(ended), tuple(failed), tuple(call.seen["people"].left_out))
        return Answer(content(*_report(result, len(call.seen["people"].good))), result, ok=bool(batches))

    def _followed(self, batches: list[ImportBatch]) -> Exchange:
        """Ask after all batches, round by round, until they have ended or the patience is over."""
        waiting, pause = 0.0, self.pause
        while waiting < self.patience and any(batch.status not in _ENDED for batch in batches):
            yield Telling(pause, _how_far(batches))
            waiting, pause = waiting + pause, min(pause * 1.5, 5.0)
            for number, batch in enumerate(batches):
                if batch.status not in _ENDED:
                    batches[number] = yield from optional(_state_of(batch), batch)
        return batches


def _state_of(batch: ImportBatch) -> Exchange:
    reply = yield Request("GET", "/import/info", (("batchId", str(batch.batch_id)),))
    return ImportBatch.from_wire({**reply.data, "batchId": batch.batch_id, "queued_contacts": batch.queued})


def _how_far(batches: list[ImportBatch], message: str = "") -> Progress:
    done = sum(len(batch.succeeded) + len(batch.failed) for batch in batches)
    total = sum(batch.queued or 0 for batch in batches)
    return Progress("ac_import_contacts", done, total, message or f"{done} of {total} queued people are worked off")


def _look_at_lists(call: Call) -> Exchange:
    """The lists' names for the card, and whether one of them mails new subscribers at once."""
    call.seen["lists"] = {}
    for ref in dict.fromkeys((*(call.args.subscribe or ()), *(call.args.unsubscribe or ()))):
        reply = yield Request("GET", f"/lists/{call.id(ref)}")
        found = one(reply, "list", MailingList)
        mails = bool(found.send_last_broadcast) and ref in (call.args.subscribe or ())
        call.learn(ref, found.name)
        call.seen["lists"][ref] = label(call.known[ref]) + (
            " (mails its last campaign to every new subscriber)" if mails else ""
        )
        if mails:
            call.raise_to("lists", Level.FULL)
            call.facts["mails_last_campaign"] = True


_SENT_AT: WeakKeyDictionary[Any, dict[bool, deque[float]]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _keep_limit(account: Any, *, alone: bool) -> Exchange:
    """Wait until the import's own limit a minute leaves room."""
    while True:
        with _LOCK:
            times = _SENT_AT.setdefault(account, {True: deque(), False: deque()})[alone]
            now = time.monotonic()
            while times and now - times[0] >= 60:
                times.popleft()
            if len(times) < _PER_MINUTE[alone]:
                times.append(now)
                return None
            wait = 60 - (now - times[0])
        yield Pause(wait)


def _queued(reply: Any, number: int, total: int) -> ImportBatch:
    """The batch that a reply names; one that names none may have queued it all the same."""
    batch = ImportBatch.from_wire(reply.data if isinstance(reply.data, dict) else {})
    if not _BATCH_ID.fullmatch(batch.batch_id or ""):
        raise _after(
            UnreadableResponseError("The account took the import and named no batch to follow."), number, total
        )
    return batch


def _after(error: ActiveCampaignError, number: int, total: int) -> ActiveCampaignError:
    """The error of one request, with how far the import had come."""
    if number > 1:
        before = "the one before it was" if number == 2 else f"the {number - 1} before it were"
        text = f"{error} It was request {number} of {total}; {before} queued."
        error.args = (text,)
    return error


def _report(result: ImportResult, sent: int) -> list[str]:
    taken = sum(len(batch.succeeded) for batch in result.batches)
    open_batches = [batch for batch in result.batches if batch.status not in _ENDED]
    lines = [
        f"Import of {counted(sent, 'person', 'people')} in {counted(len(result.batches), 'request', 'requests')}: "
        f"{taken} taken, {len(result.failed)} failed."
    ]
    lines += [
        f"Batch {batch.batch_id} is still {batch.status or 'running'}; it goes on by itself. Do not import again."
        for batch in open_batches
    ]
    lines += [
        f"Batch {batch.batch_id} was {batch.status}; the account does not retry it."
        for batch in result.batches
        if batch.status in ("failed", "interrupted")
    ]
    for title, pairs in (("Failed", result.failed), ("Not sent", result.left_out)):
        if pairs:
            lines.append(f"{title} ({len(pairs)}):")
            lines += [f"  {quoted(email, limit=60)}: {inert(why, limit=160)}" for email, why in pairs[:_MOST_SHOWN]]
            if len(pairs) > _MOST_SHOWN:
                lines.append(f"  ... and {len(pairs) - _MOST_SHOWN} more, in the artifact.")
    return lines
