"""A person on a card: who it is, and the lists, tags, deals and automations that they are tied to.

What is read here is for the person who decides: it goes on the card whatever the agent may read, never to the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from ac_guardrails import Request, quoted
from ac_guardrails._job import Exchange
from ac_tools._errors import ActiveCampaignError, NotFoundError
from ac_tools._records import Contact, ContactAutomation, ContactList, ContactTag, Deal, Record
from ac_tools.tools._call import Call
from ac_tools.tools._card import Rows, some
from ac_tools.tools._names import number_of
from ac_tools.tools._references import Ref
from ac_tools.tools._render import collection, day, email_text, exactly, full_name, money, records

WHO = ("name", "email")
"""What an approval about a person rests on at least: who it is."""
PERSON = ("Contact", "Lists", "Tags", "Deals", "Now in")
"""The rows of a whole portrait."""
LEFT = {"unsubscribed": "opted out of", "bounced": "mail came back from"}
"""Documented: the two ways in which somebody leaves a list."""
R = TypeVar("R", bound=Record)
_BESIDE = {"lists": "contactLists", "deals": "deals", "automations": "contactAutomations"}
"""What a reply about a person holds beside them, by what people call it."""
_MOST_TAGS = 100
_PERHAPS_CUT = 20
"""Documented: the account's own default of a page, so one of this length may not be all."""


class Ties:
    """What a person is tied to; None for what could not be read.

    Args:
        reply: The reply that holds the person, and beside them what of it is asked for.
    """

    def __init__(self, reply: Any) -> None:
        self._reply = reply
        self.tags: list[ContactTag] | None = None
        self.names: dict[str, Mapping[int, Any]] = {}

    @cached_property
    def lists(self) -> list[ContactList] | None:
        """The lists that they are on, or left."""
        return self._beside("lists", ContactList)

    @cached_property
    def deals(self) -> list[Deal] | None:
        """Their deals."""
        return self._beside("deals", Deal)

    @cached_property
    def runs(self) -> list[ContactAutomation] | None:
        """Their runs through automations."""
        return self._beside("automations", ContactAutomation)

    def missing(self) -> list[str]:
        """What the account did not send."""
        return [what for what, key in _BESIDE.items() if not self._has(key)]

    def _beside(self, what: str, record: type[R]) -> list[R] | None:
        key = _BESIDE[what]
        return records(self._reply, key, record) if self._has(key) else None

    def _has(self, key: str) -> bool:
        return isinstance(self._reply.data.get(key), list)

    def named(self, noun: str, identity: str | None) -> str:
        """A record by its name, by its id where the name is not known."""
        row = self.names.get(noun, {}).get(number_of(identity) or 0)
        return quoted(row.name, limit=60) if row and row.name else f"{noun} {identity}"


def who(call: Call, contact: int | None = None) -> Exchange:
    """Read who a person is, once a run of the call; who it is must be known before anybody is asked.

    Args:
        call: The call.
        contact: The person's id; by default that of the argument `contact`.
    """
    if "contact" in call.seen:
        return
    identity = call.id(call.args.contact) if contact is None else contact
    reply = yield Request("GET", f"/contacts/{identity:d}")
    found = exactly(identity, reply, "contact", Contact)
    call.seen["contact"], call.seen["reply"] = found, reply
    call.bind("name", " ".join(part for part in (found.first_name, found.last_name) if part))
    call.bind("email", (found.email or "").casefold())
    if contact is None:
        call.learn(call.args.contact, found.email)


def portrait(call: Call) -> Exchange:
    """Read who a person is and what they are tied to: one read, and for the card another one and the names of lists,
    tags and automations.
    """
    yield from who(call)
    call.seen["ties"] = ties = Ties(call.seen["reply"])
    if not call.is_shown:
        return
    call.unchecked += [f"{what} (the account did not send them)" for what in ties.missing()]
    ties.tags = yield from unless_it_fails(call, "tags", _tags_of(call), None)
    for noun, ids in _named_by(ties).items():
        ties.names[noun] = yield from unless_it_fails(call, f"names of {noun}s", call.names.some(noun, ids), {})


def name_records(call: Call) -> Exchange:
    """Read what the records are called that the call names by their ids; one that is not there ends the call."""
    nameless = [ref for ref, known in call.known.items() if not known.name]
    fields = {call.id(ref): ref for ref in nameless if ref.noun == "field"}
    if fields:  # a call may write many
        rows = yield from unless_it_fails(call, "names of fields", call.names.some("field", fields), {})
        for number, row in rows.items():
            call.learn(fields[number], row.name)
    for ref in nameless:
        if ref.noun not in ("contact", "deal", "field"):  # both are read whole, for more than their names
            row = yield from named_by_id(call, ref.noun, call.id(ref), needed=True)
            call.learn(ref, row.name if row else None)


def named_by_id(call: Call, noun: str, identity: int, *, needed: bool = False) -> Exchange:
    """The row of a record; None where it cannot be read.

    Args:
        call: The call.
        noun: What it is.
        identity: Its id.
        needed: Whether the call ends where there is no such record.

    Raises:
        NotFoundError: There is none, and it is needed.
    """
    try:
        return (yield from call.names.one(noun, identity))
    except NotFoundError as error:
        if needed:
            raise
        return not_read(call, f"name of {noun} {identity}", error)
    except ActiveCampaignError as error:
        return not_read(call, f"name of {noun} {identity}", error)


def same_name(call: Call, noun: str, name: str) -> Exchange:
    """Read whether a record is called what a new one is to be called."""
    if not call.is_shown:
        return
    what = f"whether a {noun} of this name is there"
    alike = yield from unless_it_fails(call, what, call.names.alike(noun, name), [])
    found = next((row for row in alike if row.name.casefold() == name.casefold()), None)
    if found is not None:
        call.seen["same name"] = f"{noun} {found.id} {quoted(found.name, limit=60)} has this name already"


def same_name_rows(call: Call) -> Rows:
    """That there is one of the name; nothing where there is none."""
    return (("Exists", call.seen["same name"]),) if "same name" in call.seen else ()


def unless_it_fails(call: Call, what: str, reading: Exchange, default: Any) -> Exchange:
    """Read something that a card is better with; where it cannot be read, the card says so.

    Args:
        call: The call.
        what: What is read, in words of ours.
        reading: How.
        default: What there is instead.
    """
    try:
        return (yield from reading)
    except ActiveCampaignError as error:
        not_read(call, what, error)
        return default


def not_read(call: Call, what: str, error: ActiveCampaignError) -> None:
    """Have the card say what could not be read, and why."""
    call.unchecked.append(f"{what} ({reason_of(error)})")


def reason_of(error: ActiveCampaignError) -> str:
    """Why something could not be read, in words of ours."""
    if because := getattr(error, "because", ""):
        return str(because)
    if error.status in (401, 403):
        return "the key may not read them"
    return f"the account answered {error.status}" if error.status else "the account did not answer"


def _tags_of(call: Call) -> Exchange:
    if "tags" in call.seen:
        return call.seen["tags"]
    path = f"/contacts/{call.seen['contact'].id}/contactTags"
    return collection((yield Request("GET", path, (("limit", str(_MOST_TAGS)),))), "contactTags", ContactTag)


def _named_by(ties: Ties) -> dict[str, Collection[int]]:
    """The records that a person's ties name by their ids alone, by noun."""
    named: dict[str, Iterable[str | None]] = {
        "list": [row.list_id for row in ties.lists or () if row.status in ("active", *LEFT)],
        "tag": [row.tag_id for row in ties.tags or ()],
        "automation": [run.automation_id for run in running(ties.runs)],
    }
    numbers = {noun: {number for one in ids if (number := number_of(one))} for noun, ids in named.items()}
    return {noun: ids for noun, ids in numbers.items() if ids}


def running(runs: Iterable[ContactAutomation] | None) -> list[ContactAutomation]:
    """The runs through automations that are in progress."""
    return [run for run in runs or () if run.status != "completed"]


def contact_rows(call: Call) -> Rows:
    """Who the person is, and their ties as far as they were read."""
    contact, ties = call.seen.get("contact"), call.seen.get("ties")
    if contact is None:
        return ()
    said = " ".join(part for part in (full_name(contact), email_text(contact.email)) if part)
    since = f", in the account since {day(contact.created_at)}" if contact.created_at else ""
    row = ("Contact", f"{said} (id {contact.id}){since}")
    return (row, *_tie_rows(ties)) if ties else (row,)


def _tie_rows(ties: Ties) -> Rows:
    drawn: tuple[tuple[str, Any, Callable[[Ties], str]], ...] = (
        ("Lists", ties.lists, lists_text),
        ("Tags", ties.tags, _tags_text),
        ("Deals", ties.deals, _deals_text),
        ("Now in", ties.runs, _runs_text),
    )
    return tuple((label, draw(ties)) for label, read, draw in drawn if read is not None)


def lists_text(ties: Ties) -> str:
    """The lists that a person gets mail from, and those that they left."""
    rows = ties.lists or []
    on = [ties.named("list", row.list_id) for row in rows if row.status == "active"]
    left = {how: [leaving(row, ties.named("list", row.list_id)) for row in rows if row.status == how] for how in LEFT}
    parts = (f"{LEFT[how]} {some(names)}" for how, names in left.items() if names)
    return "; ".join((f"on {some(on)}" if on else "on none", *parts))


def leaving(row: ContactList, name: str) -> str:
    """A list that a person left, and when."""
    return f"{name} on {day(row.updated_at)}" if row.updated_at else name


def left_lists(ties: Ties) -> str:
    """The lists that a person opted out of or bounced on, for an approval to rest on."""
    return ", ".join(sorted(f"list {row.list_id}" for row in ties.lists or () if row.status in LEFT)) or "none"


def _tags_text(ties: Ties) -> str:
    tags = ties.tags or []
    more = " and perhaps more" if len(tags) in (_PERHAPS_CUT, _MOST_TAGS) else ""
    return (some([ties.named("tag", row.tag_id) for row in tags]) or "none") + more


def open_deals(ties: Ties) -> list[Deal]:
    """The deals that are neither won nor lost; one that the key may not see is taken for open."""
    return [deal for deal in ties.deals or () if deal.is_disabled or deal.status == "open"]


def deals_left(ties: Ties) -> str:
    """The open deals, for an approval to rest on."""
    texts = [deal_text(deal).translate({ord(mark): None for mark in "«»"}) for deal in open_deals(ties)]
    return ", ".join(sorted(texts)) or "none"


def _deals_text(ties: Ties) -> str:
    found = open_deals(ties)
    return f"{len(found)} open: {some([deal_text(deal) for deal in found])}" if found else "none open"


def deal_text(deal: Deal) -> str:
    """A deal by its title, amount and id."""
    amount = "amount not visible to this key" if deal.is_disabled else money(deal.value, deal.currency)
    return " ".join(part for part in (quoted(deal.title or "", limit=60), amount, f"(id {deal.id})") if part)


def _runs_text(ties: Ties) -> str:
    texts = [
        f"{ties.named('automation', run.automation_id)}{f' since {day(run.added_at)}' if run.added_at else ''}"
        for run in running(ties.runs)
    ]
    return f"automation {some(texts)}" if texts else "no automation"


def naming(call: Call, ref: Ref) -> str:
    """A record that the call names, by name and id."""
    known = call.known[ref]
    return f"{quoted(known.name, limit=60)} (id {known.id})" if known.name else f"{known.noun} {known.id}"
