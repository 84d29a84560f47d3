"""What takes new records away again: calls that no agent is given, behind the same guard as its tools.

Each looks first whether the record holds anything by now. What people have put into it since would go with it, so then
nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, ClassVar

from ac_guardrails import Answer, Level, Refusal, Request
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._errors import ActiveCampaignError
from ac_tools._pages import total_of
from ac_tools._records import Account, Deal, Field, FieldValue, MailingList, Record, Tag, parse_many
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import NOUNS, Endpoint
from ac_tools.tools._names import Reading, article
from ac_tools.tools._portrait import deal_text, naming
from ac_tools.tools._read_back import collection_of, record_if_there
from ac_tools.tools._references import AccountRef, ListRef, TagRef
from ac_tools.tools._render import collection, exactly
from ac_tools.tools._settling import Settling
from ac_tools.tools.deals import OneDeal
from ac_tools.tools.fields import OneField

Held = Generator[Request, Any, Sequence[str]]
"""Yields reads, is sent replies, returns in words what a record holds."""


def removal(noun: str, path: str, risk: str, *, shows: str) -> Endpoint:
    """The declaration of what deletes a record.

    Args:
        noun: What it is; also the key of the record in a reply.
        path: Where such records are, below /api/3.
        risk: What goes with it, as a clause after "it".
        shows: The row of the card that says which one it is.
    """
    return Endpoint(
        "DELETE",
        f"{path}/{{{noun}}}",
        area=NOUNS[noun],
        level=Level.FULL,
        acts_on=noun,
        risk=risk,
        reply=noun,
        key=(noun,),
        settles=Settling((f"GET {path}/{{{noun}}}",), f"the {noun} is gone", f"the {noun} is still there"),
        shows=(shows, "Holds"),
        voids=(f"name of the {noun}",),
        reads=3,
        changes=(noun,),
    )


class Removal(ActiveCampaignTool):
    """What the removals share: they look at the record, refuse where it holds something, and are read back."""

    record: ClassVar[type[Record]]
    called: ClassVar[str] = "name"
    """The attribute that people know the record by."""

    @classmethod
    def noun(cls) -> str:
        """What it deletes."""
        return cls.endpoint.reply

    @classmethod
    def found(cls, identity: int) -> Reading:
        """The record as it is now; None where it is gone."""
        path = cls.endpoint.path.format_map({cls.noun(): f"{identity:d}"})
        reply = yield from record_if_there(Request("GET", path))
        return None if reply is None else exactly(identity, reply, cls.noun(), cls.record)

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """What the record holds that would go with it, as clauses after "it"; empty where there is nothing.

        Args:
            identity: Its id.
            record: The record as it is now.
        """
        raise NotImplementedError

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By its absence."""
        identity = key[cls.noun()]
        if (yield from cls.found(identity)) is None:
            return Finding("present", f"{cls.noun()} {identity} is gone")
        return Finding("absent", f"{cls.noun()} {identity} is still there")

    def look(self, call: Call) -> Exchange:
        """What it is and what it holds: what is gone or in use is no question."""
        noun = self.noun()
        ref = getattr(call.args, noun)
        record = yield from self.found(call.id(ref))
        if record is None:
            return _not_deleted("not_found", f"Nothing to do: {noun} {call.id(ref)} is gone already.")
        held = yield from self.held(call.id(ref), record)
        if held:
            reason = f"{noun} {call.id(ref)} was not deleted: it {'; it '.join(held)}. Take that out of it in the app"
            return _not_deleted("refused", f"{reason} first, or leave it.")
        call.learn(ref, getattr(record, self.called))
        call.seen["record"] = record
        return None

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Which one it is, and that nothing would be lost with it."""
        label, held = self.endpoint.shows
        return ((label, naming(call, getattr(call.args, self.noun()))), (held, "nothing that anybody has put into it"))

    def why(self, call: Call) -> str:
        """Why a person should look at it."""
        return f"It deletes {article(self.noun())} for good"

    def warning(self, call: Call) -> str:
        """Said last."""
        return f"It {self.endpoint.risk}. This cannot be undone: a new one would get another id."

    def answer(self, call: Call, reply: Any) -> Answer:
        """Gone."""
        identity = call.id(getattr(call.args, self.noun()))
        return Answer(f"Deleted {self.noun()} {identity}.", self.record.from_wire({"id": str(identity)}))


def _not_deleted(kind: str, reason: str) -> Answer:
    return Answer(reason, Refusal(kind, reason), ok=False)


def _people(*params: tuple[str, str]) -> Reading:
    """How many contacts a search finds; one where the account does not say how many."""
    reply = yield Request("GET", "/contacts", (*params, ("limit", "1")))
    rows = collection(reply, "contacts", Record)
    total = total_of(reply.data)
    return len(rows) if total is None else max(total, len(rows))


def _contacts(count: int) -> str:
    return "1 contact" if count == 1 else f"{count} contacts"


class OneTag(Arguments):
    tag: TagRef


class DeleteTag(Removal):
    """Deletes a tag: `DELETE /tags/{id}` (recorded 2020 and 2021)."""

    name: str = "ac_delete_tag"
    description: str = "Delete a tag that nobody has."
    args_schema: type[OneTag] = OneTag
    sentence: ClassVar[str] = "delete {tag}"
    endpoint: ClassVar[Endpoint] = removal(
        "tag", "/tags", "goes out of every form, segment and automation that names it", shows="Tag"
    )
    record: ClassVar[type[Record]] = Tag

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """The contacts that have it; the tag's own counter may lag behind (not documented)."""
        count = yield from _people(("tagid", str(identity)))
        return [f"is on {_contacts(count)}"] if count else []


class OneList(Arguments):
    list: ListRef


class DeleteList(Removal):
    """Deletes a list: `DELETE /lists/{id}` (recorded 2020 and 2021)."""

    name: str = "ac_delete_list"
    description: str = "Delete a list that nobody was ever on."
    args_schema: type[OneList] = OneList
    sentence: ClassVar[str] = "delete {list}"
    endpoint: ClassVar[Endpoint] = removal(
        "list", "/lists", "goes out of every form, campaign and automation that names it", shows="List"
    )
    record: ClassVar[type[Record]] = MailingList

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """Everybody with a row on it: those who left it are the record of their opting out."""
        count = yield from _people(("listid", str(identity)), ("status", "-1"))
        return [f"has, or had, {_contacts(count)} on it"] if count else []


class DeleteDeal(Removal):
    """Deletes a deal: `DELETE /deals/{id}` (recorded 2020)."""

    name: str = "ac_delete_deal"
    description: str = "Delete a deal without notes and tasks."
    args_schema: type[OneDeal] = OneDeal
    sentence: ClassVar[str] = "delete {deal}"
    endpoint: ClassVar[Endpoint] = removal(
        "deal", "/deals", "goes with its custom fields, out of the pipeline's figures", shows="Deal"
    )
    record: ClassVar[type[Record]] = Deal
    called: ClassVar[str] = "title"

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """Notes, as far as the key may read them, and the next task."""
        if record.is_disabled:
            return ["is not visible to this key, so nobody can tell what it holds"]
        try:
            notes = collection((yield Request("GET", f"/deals/{identity:d}/notes")), "notes", Record)
        except ActiveCampaignError:
            notes = []
        has_task = record.next_action_at is not None or record.wire.get("nexttaskid") not in (None, "", "0", 0)
        return [*(["has notes"] if notes else []), *(["has a task"] if has_task else [])]

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Which deal, with its amount."""
        (label, _), holds = super().rows(call)
        return (label, deal_text(call.seen["record"])), holds


class DeleteField(Removal):
    """Deletes a custom field of contacts: `DELETE /fields/{id}` (recorded 2020 and 2021), values too (documented)."""

    name: str = "ac_delete_field"
    description: str = "Delete a custom contact field without values."
    args_schema: type[OneField] = OneField
    sentence: ClassVar[str] = "delete {field}"
    endpoint: ClassVar[Endpoint] = removal(
        "field", "/fields", "goes with its options, out of every form and message that names it", shows="Field"
    )
    record: ClassVar[type[Record]] = Field
    called: ClassVar[str] = "title"

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """The values in it; a row without one is what clearing it leaves."""
        walk = collection_of("/fieldValues", "fieldValues", ("filters[fieldid]", str(identity)))
        while (request := walk.next_request()) is not None:
            rows = parse_many(FieldValue, walk.feed((yield request)))
            if any(row.value for row in rows):
                return ["has values on contacts"]
        return ["has more rows than can be looked through"] if walk.truncated else []


class OneAccount(Arguments):
    account: AccountRef


class DeleteAccount(Removal):
    """Deletes a business: `DELETE /accounts/{id}`, with its ties to contacts (recorded 2020)."""

    name: str = "ac_delete_account"
    description: str = "Delete a business without contacts and deals."
    args_schema: type[OneAccount] = OneAccount
    sentence: ClassVar[str] = "delete {account}"
    endpoint: ClassVar[Endpoint] = removal("account", "/accounts", "goes with its custom fields", shows="Business")
    record: ClassVar[type[Record]] = Account

    @classmethod
    def held(cls, identity: int, record: Any) -> Held:
        """Its contacts and deals, which only the collection counts, and only where it is asked to (documented)."""
        walk = collection_of("/accounts", "accounts", ("search", record.name or ""), ("count_deals", "true"))
        while (request := walk.next_request()) is not None:
            for row in parse_many(Account, walk.feed((yield request))):
                if row.id == str(identity):
                    counts = {"contacts": row.contact_count, "deals": row.deal_count}
                    return [f"has {_count(number, kind)}" for kind, number in counts.items() if number != 0]
        return ["is not among those that the account counts, so nobody can tell what it holds"]


def _count(number: int | None, kind: str) -> str:
    return f"{kind}, perhaps" if number is None else f"{number} {kind if number > 1 else kind.removesuffix('s')}"


REMOVALS: tuple[type[ActiveCampaignTool], ...] = (DeleteTag, DeleteList, DeleteDeal, DeleteField, DeleteAccount)
"""The calls that only taking back makes."""
