"""Lists: what people subscribe to, and who is on them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, Level, Need, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._records import ContactList, MailingList
from ac_tools.tools._arguments import Arguments, PagedArguments, choice, sortable
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._membership_cards import look_at_list, membership_rows, membership_warning, membership_why
from ac_tools.tools._portrait import PERSON, WHO, naming, portrait, same_name, same_name_rows, who
from ac_tools.tools._read_back import (
    collection_of,
    find_made,
    has_name,
    is_since,
    others,
    stamp,
    ties_if_there,
)
from ac_tools.tools._references import ContactRef, ListRef, OwnerRef
from ac_tools.tools._render import content, day, one, page_answer, ties_of
from ac_tools.tools._settling import Settling, made

ListOrders = Annotated[
    str | None, sortable("name", "id", "channel", "userid", "created_timestamp", "active_subscribers")
]
_SUBSCRIBE_WORDS = {"subscribed": "subscribe", "active": "subscribe", "unsubscribed": "unsubscribe"}
_RESUBSCRIBED = "4"
"""Documented: the source to name when somebody is re-subscribed."""


class ListListsArguments(PagedArguments):  # noqa: D101
    name: str | None = Field(None, serialization_alias="filters[name]", description="Contains")
    channel: Literal["email", "sms", "all"] | None = Field(None, serialization_alias="filters[channel]")
    owner: OwnerRef | None = Field(None, serialization_alias="filters[userid]")
    orders: ListOrders = Field(None, description='e.g. "name ASC"')


class ListLists(ActiveCampaignTool):
    """Lists the mailing lists: `GET /lists`. Documented: without a channel, lists for text messages are left out."""

    name: str = "ac_list_lists"
    description: str = "List the mailing lists."
    args_schema: type[ListListsArguments] = ListListsArguments
    sentence: ClassVar[str] = "list the mailing lists"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/lists", area="lists", level=Level.READ, acts_on="list", risk="shows the lists", reply="lists"
    )
    defaults: ClassVar[Mapping[str, str]] = {"filters[channel]": "all"}

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a list."""
        return page_answer(reply, "lists", MailingList, _list_line, call)


class GetListArguments(Arguments):  # noqa: D101
    list: ListRef = Field(description="Id or name")


class GetList(ActiveCampaignTool):
    """Reads one list: `GET /lists/{id}`."""

    name: str = "ac_get_list"
    description: str = "Read one mailing list."
    args_schema: type[GetListArguments] = GetListArguments
    sentence: ClassVar[str] = "read {list}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/lists/{list}", area="lists", level=Level.READ, acts_on="list", risk="shows a list", reply="list"
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """The list and what matters before anyone is put on it."""
        found = one(reply, "list", MailingList)
        details = [_list_line(found), f"sender: {quoted(found.sender_url or '')} {quoted(found.sender_reminder or '')}"]
        return Answer(content(*details), found)


def _list_line(item: MailingList) -> str:
    parts = [item.id, quoted(item.name or "", limit=80)]
    if item.channel and item.channel != "email":
        parts.append(item.channel)
    if item.active_subscribers is not None:
        parts.append(f"{item.active_subscribers} active")
    if item.send_last_broadcast:
        parts.append("MAILS ITS LAST CAMPAIGN to every new subscriber")
    return " ".join(parts)


class CreateListArguments(Arguments):  # noqa: D101
    name: str = Field(min_length=1, max_length=255)
    sender_url: str = Field(description="Website people signed up at", min_length=1)
    sender_reminder: str = Field(description="Why they get mail", min_length=1)
    stringid: str | None = Field(None, description="URL slug; default from name")
    channel: Literal["email", "sms"] | None = None
    send_last_broadcast: bool | None = Field(None, description="MAILS the last campaign to each new subscriber")
    carboncopy: str | None = Field(None, description="Addresses that get a copy of every mailing")
    subscription_notify: str | None = Field(None, description="Addresses told of subscribers")
    unsubscription_notify: str | None = None
    owner: OwnerRef | None = Field(None, serialization_alias="user", description="Id or e-mail address")


class CreateList(ActiveCampaignTool):
    """Creates a list: `POST /lists`. Through the API it stays invisible in the UI to users who are no admins."""

    name: str = "ac_create_list"
    description: str = "Create a mailing list. Only admins see it until a group gets permission in the app."
    args_schema: type[CreateListArguments] = CreateListArguments
    sentence: ClassVar[str] = "create a list"
    plain: ClassVar[str] = "create the list {name}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/lists",
        area="lists",
        level=Level.WRITE,
        acts_on="list",
        risk="adds a list",
        full_when="it mails its last campaign to subscribers, or sends people's data to addresses",
        event="list_add",
        wrap="list",
        reply="list",
        key=("name",),
        settles=made("list", "/lists"),
        shows=("Exists", "Owner", "Mail", "Sent to"),
        voids=("name of the owner",),
        reads=2,
        inverse="delete the list",
        changes=("list",),
    )

    def needs(self, call: Call) -> tuple[Need, ...]:
        """Full where the list would send something to somebody by itself."""
        reaches = call.args.send_last_broadcast or _notified(call)
        return (Need("lists", Level.FULL if reaches else Level.WRITE),)

    def portray(self, call: Call) -> Exchange:
        """Whether there is one of the name, and who would own it."""
        yield from super().portray(call)
        yield from same_name(call, "list", call.args.name)

    def build(self, call: Call) -> Request:
        """Flags as 0 and 1, and a slug: documented as required."""
        wire = call.wire()
        wire.setdefault("stringid", slug(call.args.name))
        if "send_last_broadcast" in wire:
            wire["send_last_broadcast"] = int(wire["send_last_broadcast"])
        return Request("POST", "/lists", body={"list": wire})

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By name and time."""
        walk = collection_of("/lists", "lists", ("filters[channel]", "all"), ("filters[name]", key["name"]))
        return (
            yield from find_made(
                "list", walk, MailingList, lambda row: has_name(row.name, key["name"]), since, others(key)
            )
        )

    def touches(self, call: Call) -> Mapping[str, Any]:
        """Who would be mailed."""
        return {"last": call.args.send_last_broadcast, "addresses": _notified(call)}

    def addresses(self, call: Call) -> Sequence[str]:
        """Who would be mailed."""
        return _notified(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who would be mailed, in words."""
        rows = [*same_name_rows(call)]
        if call.args.owner is not None:
            rows.append(("Owner", naming(call, call.args.owner)))
        if call.args.send_last_broadcast:
            rows.append(("Mail", "its last campaign goes to every new subscriber at once"))
        if _notified(call):
            rows.append(("Sent to", ", ".join(_notified(call))))
        return tuple(rows)

    def why(self, call: Call) -> str:
        """What makes it more than an ordinary change."""
        return "The list would send mail or people's data by itself"

    def warning(self, call: Call) -> str:
        """Said last."""
        reaches = call.args.send_last_broadcast or _notified(call)
        sent = "Mail and data that it has sent cannot be called back. " if reaches else ""
        return f"{sent}{super().warning(call)}"

    def answer(self, call: Call, reply: Any) -> Answer:
        """The new list's id."""
        made = one(reply, "list", MailingList)
        return Answer(
            content(f"Created list {made.id} {quoted(made.name or '', limit=80)}. Only admins see it yet."), made
        )


def _notified(call: Call) -> list[str]:
    args = call.args
    return [text for text in (args.carboncopy, args.subscription_notify, args.unsubscription_notify) if text]


def slug(name: str) -> str:
    """A name as a URL slug."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "list"


class SetListStatusArguments(Arguments):  # noqa: D101
    contact: ContactRef = Field(description="Id or e-mail address")
    list: ListRef = Field(description="Id or name")
    status: Annotated[
        Literal["subscribe", "unsubscribe", "unconfirmed"],
        *choice(_SUBSCRIBE_WORDS, subscribe=1, unsubscribe=2, unconfirmed=0),
    ]


class SetListStatus(ActiveCampaignTool):
    """Subscribes or unsubscribes: `POST /contactLists`.

    The account re-subscribes people who opted out without a word, so that is an action of its own here: full access,
    and a person who sees when and why they left.
    """

    name: str = "ac_set_list_status"
    description: str = "Subscribe or unsubscribe. Re-subscribing someone who opted out or bounced needs a person."
    args_schema: type[SetListStatusArguments] = SetListStatusArguments
    sentence: ClassVar[str] = "set the status of {contact} on {list}"
    plain: ClassVar[str] = "{verb} {contact} {to} {list}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/contactLists",
        area="lists",
        level=Level.WRITE,
        acts_on="contactList",
        risk="changes who gets mail",
        full_when="it re-subscribes someone who opted out or bounced, or the list mails its last campaign",
        event="subscribe, unsubscribe",
        wrap="contactList",
        reply="contactList",
        key=("contact", "list", "status"),
        settles=Settling(
            ("GET /contacts/{contact}/contactLists",),
            "the contact has that status on the list, whoever set it",
            "the contact has the status of before, or is gone",
            "the status is another one and was set since the write left",
        ),
        shows=(*PERSON, "Opted out", "Bounced", "Mail"),
        voids=(*WHO, "status on the list", "since when", "mails its last campaign", "name of the list"),
        reads=7,
        inverse="set the former status",
        changes=("contact",),
    )

    def look(self, call: Call) -> Exchange:
        """Read where the contact stands on this list: it decides the level."""
        path = f"/contacts/{call.id(call.args.contact)}/contactLists"
        memberships = yield from ties_of(path, "contactLists", ContactList)
        list_id = str(call.id(call.args.list))
        row = next((item for item in memberships if item.list_id == list_id), None)
        call.seen["row"] = row
        call.facts["was"] = row.status if row else "not on the list"
        if row and row.status == WANTED[call.args.status]:
            return Answer(f"Nothing to do: the contact is {row.status} on that list already.", row)
        if call.args.status == "unsubscribe":
            return None
        if row and row.status in ("unsubscribed", "bounced"):
            call.raise_to("lists", Level.FULL)
            call.facts["since"] = day(row.updated_at)
        yield from look_at_list(call)
        if Level.FULL in (need.level for need in call.needs):
            yield from who(call)  # always asked about: so their address is on record, too
        return None

    def portray(self, call: Call) -> Exchange:
        """Who it is, and which other lists they are on or have left."""
        yield from super().portray(call)
        yield from portrait(call)
        call.bind("status on the list", call.facts["was"])
        call.bind("since when", call.facts.get("since", ""))
        call.bind("mails its last campaign", call.facts.get("mails_last_campaign", False))

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By where the contact stands: the write left only because it stood elsewhere.

        What was changed since may have been changed back: she may have left again by herself.
        """
        contact, wanted = key["contact"], WANTED[key["status"]]
        rows = yield from ties_if_there(contact, "contactLists", ContactList)
        if rows is None:
            return Finding("absent", f"contact {contact} is gone")
        row = next((row for row in rows if row.list_id == str(key["list"])), None)
        if row and row.status == wanted:
            return Finding("present", f"contact {contact} is {wanted} on list {key['list']}")
        if row and is_since(row.updated_at, since):
            changed = f"their status on list {key['list']} was changed {stamp(row.updated_at)}"
            return Finding("cannot_tell", f"contact {contact} is not {wanted}, and {changed}")
        return Finding("absent", f"contact {contact} is not {wanted} on list {key['list']}")

    def snapshot(self, call: Call) -> Exchange:
        """Where the contact stands, which decided already."""
        return {"status": call.facts["was"]}
        yield  # a generator, like the ones that read something

    def build(self, call: Call) -> Request:
        """With the source that the documents ask for when somebody is re-subscribed."""
        wire = call.wire()
        if call.facts["was"] in ("unsubscribed", "bounced"):
            wire["sourceid"] = int(_RESUBSCRIBED)
        return Request("POST", "/contactLists", body={"contactList": wire})

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who, since when they are off the list, and why."""
        return membership_rows(call)

    def words(self, call: Call) -> Mapping[str, str]:
        """The status as a verb."""
        verb, to = _VERBS[call.args.status]
        return {"verb": verb, "to": to}

    def why(self, call: Call) -> str:
        """What makes it more than an ordinary change."""
        return membership_why(call)

    def warning(self, call: Call) -> str:
        """Said last."""
        return membership_warning(call)

    def answer(self, call: Call, reply: Any) -> Answer:
        """The membership; the contact that the account sends along is left out."""
        row = one(reply, "contactList", ContactList)
        return Answer(f"Contact {row.contact_id} is now {row.status} on list {row.list_id}.", row)


_VERBS = {
    "subscribe": ("subscribe", "to"),
    "unsubscribe": ("unsubscribe", "from"),
    "unconfirmed": ("mark as unconfirmed", "on"),
}
WANTED = {"subscribe": "active", "unsubscribe": "unsubscribed", "unconfirmed": "unconfirmed"}
