"""Events of writes that the tools here make, told as the tools know them: who, what, and whether it is like a write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ac_tools.tools._deal_cards import ATTRIBUTES
from ac_tools.tools._read_back import any_case, differing, has_name, same_text

OPPOSITES = {
    "contact_tag_added": "contact_tag_removed",
    "contact_tag_removed": "contact_tag_added",
    "subscribe": "unsubscribe",
    "unsubscribe": "subscribe",
}
_PERSON = {"first_name": "first_name", "last_name": "last_name", "phone": "phone"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What an event tells of.

    Args:
        acts_on: The kind of record, as the tools declare it.
        done: What was done, in the past.
        nouns: The records whose ids it names.
        made: The class of the record that was made; empty where none was.
        like: Whether what was made has a write's natural key.
    """

    acts_on: str
    done: str
    nouns: tuple[str, ...]
    made: str = ""
    like: Callable[[Any, Mapping[str, Any]], bool] = lambda event, key: False


def _is_person(event: Any, key: Mapping[str, Any]) -> bool:
    return bool((event.contact.email or "").casefold() == key["email"])


def _is_deal(event: Any, key: Mapping[str, Any]) -> bool:
    return not differing(event.deal, {name: value for name, value in key.items() if value is not None}, ATTRIBUTES)


def _is_list(event: Any, key: Mapping[str, Any]) -> bool:
    return has_name(event.mailing_list.name, key["name"])


def _is_account(event: Any, key: Mapping[str, Any]) -> bool:
    return bool(any_case(event.account.name) == key["name"])


_KINDS: Mapping[str, Kind] = {
    "contact_tag_added": Kind("contactTag", "put {tag} on {contact}", ("contact",)),
    "contact_tag_removed": Kind("contactTag", "took {tag} off {contact}", ("contact",)),
    "subscribe": Kind("contactList", "subscribed {contact} to {list}", ("contact", "list")),
    "unsubscribe": Kind("contactList", "unsubscribed {contact} from {list}", ("contact", "list")),
    "update": Kind("contact", "changed {contact}", ("contact",), like=_is_person),
    "deal_add": Kind("deal", "created {deal}", ("deal",), "Deal", _is_deal),
    "deal_update": Kind("deal", "changed {deal}", ("deal",)),
    "list_add": Kind("list", "created {list}", ("list",), "MailingList", _is_list),
    "account_add": Kind("account", "created {account}", ("account",), "Account", _is_account),
}
_CREATED = Kind("contact", "created {contact}", ("contact",), "Contact", _is_person)
"""What `subscribe` without a list tells of: documents call it "contact added"."""


@dataclass(frozen=True, slots=True)
class Act:
    """One event of a write.

    Args:
        event: The event.
        kind: What it tells of.
        ids: The records that it names, by noun.
        tag: The name of the tag that it names, always without its id.
    """

    event: Any
    kind: Kind
    ids: Mapping[str, int]
    tag: str = ""

    @property
    def record(self) -> str:
        """What it is about, by its id."""
        return self._named(self.kind.nouns[0])

    @property
    def made(self) -> str:
        """The record that was made, as the ledger names it; empty where none was."""
        return f"{self.kind.made} {self.ids[self.kind.nouns[0]]}" if self.kind.made else ""

    def words(self, tag: str) -> str:
        """What was done, in the past, with ids.

        Args:
            tag: What to call the tag.
        """
        return self.kind.done.format(tag=tag, **{noun: self._named(noun) for noun in self.ids})

    def differing(self, key: Mapping[str, Any]) -> list[str]:
        """The arguments of a write whose values the event shows otherwise, as far as both tell them.

        Custom fields are left out: an account may write a date or a number its own way.

        Args:
            key: The write's natural key.
        """
        values = key.get("values") or key.get("_values") or {}
        if self.kind.acts_on == "deal":
            return _differing(self.event.deal, values, ATTRIBUTES)
        if self.kind.acts_on != "contact":
            return []
        person = self.event.contact
        other = person.email and "email" in values and not same_text(person.email.casefold(), values["email"])
        return _differing(person, values, _PERSON) + (["email"] if other else [])

    def _named(self, noun: str) -> str:
        return f"{noun} {self.ids[noun]}"


def act_of(event: Any) -> Act | None:
    """What an event tells of; None for one that the tools here do not cause, or that does not say of which record."""
    kind = _CREATED if event.type == "subscribe" and not event.list_id else _KINDS.get(event.type)
    if kind is None:
        return None
    ids = {noun: _id_of(event, noun) for noun in kind.nouns}
    tag = (event.tag or "") if kind.acts_on == "contactTag" else ""
    return Act(event, kind, ids, tag) if all(ids.values()) and bool(tag) is (kind.acts_on == "contactTag") else None


def _differing(part: Any, values: Mapping[str, Any], attributes: Mapping[str, str]) -> list[str]:
    told = {name: attribute for name, attribute in attributes.items() if getattr(part, attribute, None) is not None}
    return differing(part, values, told)


def _id_of(event: Any, noun: str) -> int:
    """The id of a record that an event names; 0 where it names none."""
    if noun == "list" and event.type != "list_add":
        return int(event.list_id or 0)
    part = getattr(event, "mailing_list" if noun == "list" else noun)
    return int(part.id or 0) if part is not None else 0
