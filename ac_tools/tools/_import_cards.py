"""What the card of an import says: who is known, who has left a list, and which automations would run.

An import may hold ten thousand people, and a card is worth a few reads: what was not looked at is said.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from ac_guardrails import quoted
from ac_guardrails._job import Exchange
from ac_tools._errors import ActiveCampaignError
from ac_tools._pages import Walk
from ac_tools._records import Automation, ContactList
from ac_tools.tools._call import Call
from ac_tools.tools._card import Rows, some
from ac_tools.tools._contact_read_back import holder_of
from ac_tools.tools._import_people import all_tags, counted
from ac_tools.tools._names import MOST_FOR_NAMES, number_of
from ac_tools.tools._portrait import LEFT, leaving, name_records, not_read
from ac_tools.tools._references import Ref
from ac_tools.tools._render import ties_of

MOST_READS = 20
"""How many reads an import is worth before a person is asked, those that decide included."""
_FEW = 6
"""Of so few people each is looked at; of more, those who left a list are looked through."""
_MOST_NAMED = 5
_CODES = ("2", "3")
"""Documented: how a search names those who unsubscribed, and those whose mail came back."""
ROWS = (
    "People",
    "Who",
    "Known",
    "Left out",
    "Subscribe to",
    "Unsubscribe",
    "Lists",
    "Opted out",
    "Bounced",
    "Tags",
    "Automations",
)
"""The rows of an import's card."""


class OutOfReadsError(ActiveCampaignError):
    """The card has cost as many reads as it may."""

    because = f"{MOST_READS} reads are made at most"


class Purse:
    """The reads that are left for a card."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, reading: Exchange) -> Exchange:
        """Pass a reading's requests on.

        Raises:
            OutOfReadsError: There is none left for the next one.
        """
        reply: Any = None
        error: Exception | None = None
        while True:
            try:
                request = reading.throw(error) if error else reading.send(reply)
            except StopIteration as stop:
                return stop.value
            if self.left < 1:
                reading.close()
                raise OutOfReadsError(self.__doc__ or "")
            self.left, reply, error = self.left - 1, None, None
            try:
                reply = yield request
            except ActiveCampaignError as failed:
                error = failed


def portray_import(call: Call) -> Exchange:
    """Read which automations are active, who left one of the lists, and how many people are known."""
    purse = Purse(MOST_READS - call.seen["reads"])
    yield from _or_say(call, "names of fields", purse, name_records(call))
    if call.args.run_automations:
        yield from _or_say(call, "automations", purse, _active_automations(call))
    left: set[tuple[str, str]] = call.seen.setdefault("left", set())
    if call.args.subscribe:
        reading = _each_looked_at(call) if len(_addresses(call)) <= _FEW else _lists_looked_through(call)
        yield from _or_say(call, "more people who left these lists", purse, reading)
        call.bind("opted out", ", ".join(text for _, text in sorted(left)) or "none")
    call.bind("mails its last campaign", call.facts.get("mails_last_campaign", False))
    if not call.is_shown:
        return
    yield from _or_say(call, "", purse, _rest_looked_up(call))
    unknown = len(_addresses(call)) - len(call.seen["looked up"])
    if unknown:
        call.unchecked.append(f"whether {unknown:,} more of the people are in the account already")


def _or_say(call: Call, what: str, purse: Purse, reading: Exchange) -> Exchange:
    """Read as far as it goes, and say what could not be read, where that has a name."""
    try:
        yield from purse.spend(reading)
    except ActiveCampaignError as error:
        if what:
            not_read(call, what, error)


def _addresses(call: Call) -> list[str]:
    return [person["email"] for person in call.seen["people"].good]


def _active_automations(call: Call) -> Exchange:
    rows = yield from call.names.alike("automation", "")
    if len(rows) >= MOST_FOR_NAMES:
        call.unchecked.append(f"automations beyond the first {MOST_FOR_NAMES}")
    found = [Automation.from_wire(row.wire) for row in rows]
    call.seen["automations"] = [item.name or item.id for item in found if item.status == "active"]
    call.bind("active automations", ", ".join(sorted(call.seen["automations"])))


def _rest_looked_up(call: Call) -> Exchange:
    known: dict[str, int | None] = call.seen["looked up"]
    for address in _addresses(call):
        if address not in known:
            known[address] = yield from holder_of(call, address)


def _each_looked_at(call: Call) -> Exchange:
    """The lists of every one of a few people, with the day and the reason of their leaving."""
    yield from _rest_looked_up(call)
    lists = {str(call.id(ref)): ref for ref in call.args.subscribe}
    for address, contact in call.seen["looked up"].items():
        rows: Sequence[ContactList] = []
        if contact is not None:
            rows = yield from ties_of(f"/contacts/{contact:d}/contactLists", "contactLists", ContactList)
        for row in rows:
            if row.list_id in lists and row.status in LEFT:
                name = f"{LEFT[row.status]} {leaving(row, _called(call, lists[row.list_id]))}"
                reason = f" ({quoted(row.unsubscribe_reason, limit=80)})" if row.unsubscribe_reason else ""
                call.seen["left"].add((row.status, f"{address} {name}{reason}"))


def _lists_looked_through(call: Call) -> Exchange:
    """Those who left a list, page by page, as far as they are among the people."""
    people = {address.casefold(): address for address in _addresses(call)}
    for ref in dict.fromkeys(call.args.subscribe):
        for code, (how, words) in zip(_CODES, LEFT.items(), strict=True):
            walk = Walk("/contacts", "contacts", (("listid", str(call.id(ref))), ("status", code)))
            while (request := walk.next_request()) is not None:
                for row in walk.feed((yield request)):
                    address = people.get(str(row.get("email") or "").casefold())
                    if address:
                        call.seen["looked up"][address] = number_of(row.get("id"))
                        call.seen["left"].add((how, f"{address} {words} {_called(call, ref)}"))


def _called(call: Call, ref: Ref) -> str:
    known = call.known[ref]
    return quoted(known.name, limit=60) if known.name else f"list {known.id}"


def import_rows(call: Call) -> Rows:
    """Who and how many, who is known or has left, which lists, tags and automations."""
    people, args = call.seen["people"], call.args
    requests = counted(len(call.seen["requests"]), "request", "requests")
    rows = [
        ("People", f"{len(people.good)} in {requests}"),
        ("Who", some(_addresses(call), _MOST_NAMED)),
        *_known_rows(call),
    ]
    if people.left_out:
        rows.append(("Left out", f"{len(people.left_out)} that cannot be sent (malformed or listed twice)"))
    for name, refs in (("Subscribe to", args.subscribe), ("Unsubscribe", args.unsubscribe)):
        if refs:
            rows.append((name, ", ".join(call.seen["lists"][ref] for ref in refs)))
    if not (args.subscribe or args.unsubscribe):
        rows.append(("Lists", "none"))
    rows += _left_rows(call)
    names = sorted(set(all_tags(args)))
    if names:
        rows.append(("Tags", some([quoted(name, limit=80) for name in names])))
    return (*rows, ("Automations", _automations_text(call)))


def _known_rows(call: Call) -> Generator[tuple[str, str], None, None]:
    looked_up: dict[str, int | None] = call.seen.get("looked up", {})
    known, total = sum(contact is not None for contact in looked_up.values()), len(_addresses(call))
    if not looked_up:
        return
    of = f"of {len(looked_up)} who were looked up" if len(looked_up) < total else f"of {total}"
    if known:
        new = len(looked_up) - known
        yield "Known", f"{known} {of}: what is sent overwrites their values. New to the account: {new or 'none'}"
    else:
        yield "Known", f"none {of}: they are new to the account"


def _left_rows(call: Call) -> Generator[tuple[str, str], None, None]:
    if not call.args.subscribe or "left" not in call.seen:
        return
    gone, back = (sorted(text for how, text in call.seen["left"] if how == wanted) for wanted in LEFT)
    if not (gone or back):
        yield "Opted out", "nobody who was compared" if call.unchecked else "nobody"
    if gone:
        yield "Opted out", f"{some(gone)}. The account leaves them off the list"
    if back:
        yield "Bounced", f"{some(back)}. Whether the account leaves them off the list is not documented"


def _automations_text(call: Call) -> str:
    if not call.args.run_automations:
        return "off: nobody is enrolled by this import"
    names = call.seen.get("automations")
    if names is None:
        return "ON: those that start on these lists or tags will run"
    shown = some([quoted(name, limit=60) for name in names])
    return f"ON: those that start on these lists or tags will run. Active now: {shown or 'none'}"
