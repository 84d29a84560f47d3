"""Contacts that are created, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level
from ac_guardrails._finding import ReadBack
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, ContactList
from ac_tools.tools._arguments import Arguments, Email
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._contact_cards import (
    HOLDER,
    OVERWRITTEN,
    VALUES,
    deletes,
    look_up_address,
    new_rows,
    overwrites,
    read_values,
    value_rows,
)
from ac_tools.tools._contact_read_back import (
    contact_values,
    find_contact,
    read_deleted,
    read_synced,
    read_updated,
)
from ac_tools.tools._contact_view import own_view
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import PERSON, WHO, contact_rows, deals_left, left_lists, name_records, portrait, who
from ac_tools.tools._read_back import others, spelt
from ac_tools.tools._references import ContactRef, FieldRef
from ac_tools.tools._render import contact_line, content, one, ties_of
from ac_tools.tools._settling import Settling, made
from ac_tools.tools._snapshots import overwritten_values, synced_values, unless_unread, whole_contact
from ac_tools.tools.contacts import OneContact


class FieldValueArgument(Arguments):  # noqa: D101
    field: FieldRef = Field(description="Field name or id")
    value: str = Field(description="Several: ||a||b||")


class NewContact(Arguments):  # noqa: D101
    email: Email
    first_name: str | None = Field(None, serialization_alias="firstName")
    last_name: str | None = Field(None, serialization_alias="lastName")
    phone: str | None = None
    field_values: list[FieldValueArgument] | None = Field(None, serialization_alias="fieldValues")


class _Write(ActiveCampaignTool):
    """What creating, updating and upserting a contact share."""

    def answer(self, call: Call, reply: Any) -> Answer:
        """The contact as the account has it now."""
        contact = one(reply, "contact", Contact)
        if not call.may_read("contacts"):
            return Answer(f"{self.done(reply)} contact {contact.id}.", Contact.from_wire({"id": contact.id}))
        return Answer(content(f"{self.done(reply)} {contact_line(contact)}"), own_view(contact, call))

    def done(self, reply: Any) -> str:
        """What happened, as the first word of the answer."""
        return "Created" if reply.status == 201 else "Updated"

    def people(self, call: Call) -> int:
        """One person."""
        return 1

    def portray(self, call: Call) -> Exchange:
        """Who has the address now, and the values that would be overwritten."""
        yield from look_up_address(call)
        yield from read_values(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it happens to, and each value before and after."""
        return value_rows(call)

    def touches(self, call: Call) -> Mapping[str, Any]:
        """The address that would be written: it says who the contact is."""
        return {"addresses": [address.casefold() for address in self.addresses(call)]}

    def addresses(self, call: Call) -> Sequence[str]:
        """The address that would be written."""
        return [call.args.email] if call.args.email else []


class CreateContact(_Write):
    """Creates a contact: `POST /contacts`. Not idempotent, and it subscribes to no list (recorded 2021)."""

    name: str = "ac_create_contact"
    description: str = "Create a contact; fails if the address exists (use ac_sync_contact). Subscribes to no list."
    args_schema: type[NewContact] = NewContact
    sentence: ClassVar[str] = "create a contact"
    plain: ClassVar[str] = "create the contact {email}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/contacts",
        area="contacts",
        level=Level.WRITE,
        acts_on="contact",
        risk="adds a person",
        event="subscribe",
        wrap="contact",
        reply="contact",
        key=("email",),
        settles=made("contact", "/contacts", "with that address"),
        shows=("Contact", "Exists", "Field"),
        voids=(*WHO, HOLDER),
        reads=3,
        inverse="delete the contact",
        changes=("contact",),
    )

    def portray(self, call: Call) -> Exchange:
        """Who has the address now, and what the fields are called."""
        yield from look_up_address(call)
        yield from name_records(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who has the address already, where somebody has."""
        return new_rows(call)

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The address."""
        return _address_and_values(call)

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """One that was there before proves the opposite: the account would have refused the address as a duplicate."""
        return (yield from find_contact(spelt(key, "email"), since, others(key)))


class SyncContact(_Write):
    """Creates or updates by address: `POST /contact/sync`. 201 is created, 200 updated (recorded 2020, 2021)."""

    name: str = "ac_sync_contact"
    description: str = "Create or update a contact by address. Changes no lists or tags."
    args_schema: type[NewContact] = NewContact
    sentence: ClassVar[str] = "create or update a contact"
    plain: ClassVar[str] = "create or update the contact {email}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/contact/sync",
        area="contacts",
        level=Level.WRITE,
        acts_on="contact",
        risk="overwrites names and fields",
        wrap="contact",
        reply="contact",
        key=("email",),
        settles=Settling(
            ("GET /contacts", "GET /contacts/{contact}/fieldValues"),
            "the contact with that address has every value that was sent, whoever wrote it",
            "nobody has the address, or one of the values is another one",
            "a field has another value that was written since the write left",
            most=2,
        ),
        shows=("Contact", *VALUES),
        voids=(*WHO, HOLDER, OVERWRITTEN),
        reads=3,
        inverse="write the former values back, or delete the new contact",
        changes=("contact",),
    )

    def warning(self, call: Call) -> str:
        """Said last."""
        return overwrites(call) if "contact" in call.seen else "To take it back: delete the new contact."

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The address, as for creating: the values are only compared."""
        return _address_and_values(call)

    def snapshot(self, call: Call) -> Exchange:
        """Who has the address, and the values that go."""
        return (yield from unless_unread(synced_values(call)))

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the values alone, since the contact may be older or have been updated by somebody else since."""
        return (yield from read_synced(spelt(key, "email"), key.get("_values") or {}, since))


def _address_and_values(call: Call) -> Mapping[str, Any]:
    values = contact_values(call)
    return {"email": values.pop("email"), "_email": call.args.email, "_values": values}


class UpdateContactArguments(Arguments):  # noqa: D101
    contact: ContactRef = Field(description="Id or e-mail address")
    email: Email | None = Field(None, description="New address")
    first_name: str | None = Field(None, serialization_alias="firstName")
    last_name: str | None = Field(None, serialization_alias="lastName")
    phone: str | None = None
    field_values: list[FieldValueArgument] | None = Field(None, serialization_alias="fieldValues")


class UpdateContact(_Write):
    """Updates a contact: `PUT /contacts/{id}`. Absent keys keep their value (recorded 2021)."""

    name: str = "ac_update_contact"
    description: str = "Change a contact. Absent arguments keep their value. A new address re-keys the person."
    args_schema: type[UpdateContactArguments] = UpdateContactArguments
    sentence: ClassVar[str] = "update {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "PUT",
        "/contacts/{contact}",
        area="contacts",
        level=Level.WRITE,
        acts_on="contact",
        risk="overwrites names and fields",
        full_when="it changes the address of someone who opted out or bounced",
        event="update",
        wrap="contact",
        reply="contact",
        key=("contact", "values"),
        settles=Settling(
            ("GET /contacts/{contact}", "GET /contacts/{contact}/fieldValues"),
            "the contact has every value that was sent, whoever wrote it",
            "one of the values is another one, or the contact is gone",
            "a field has another value that was written since the write left",
            most=2,
        ),
        shows=(*PERSON, "Address", *VALUES),
        voids=(*WHO, OVERWRITTEN, "opted out of"),
        reads=7,
        inverse="write the former values back",
        changes=("contact",),
    )

    def look(self, call: Call) -> Exchange:
        """A new address for someone who opted out would free the old one to be subscribed again."""
        if call.args.email is None:
            return
        path = f"/contacts/{call.id(call.args.contact)}/contactLists"
        for row in (yield from ties_of(path, "contactLists", ContactList)):
            if row.status in ("unsubscribed", "bounced"):
                call.raise_to("contacts", Level.FULL)
                call.facts["left"] = row.status
        if call.facts:
            yield from who(call)  # always asked about: so their address is on record, too

    def portray(self, call: Call) -> Exchange:
        """Who it is, what they opted out of where their address would change, and the values that go."""
        if call.args.email is None:
            yield from who(call)
        else:
            yield from portrait(call)
            call.bind("opted out of", left_lists(call.seen["ties"]))
        yield from read_values(call)

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The contact and what it is to become: another update of the same contact is another effect."""
        return {"contact": call.id(call.args.contact), "values": contact_values(call)}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the values."""
        return (yield from read_updated(key["contact"], key["values"], since))

    def snapshot(self, call: Call) -> Exchange:
        """The values that go."""
        return (yield from unless_unread(overwritten_values(call)))

    def why(self, call: Call) -> str:
        """What makes it more than an ordinary change."""
        return (
            "It frees the address of someone who opted out or bounced" if call.facts.get("left") else super().why(call)
        )

    def warning(self, call: Call) -> str:
        """Said last."""
        freed = "Under the old address nobody is known as having opted out any more. " if call.facts.get("left") else ""
        return f"{freed}{overwrites(call)}"

    def check(self, call: Call) -> None:
        """Something must change."""
        if len(call.args.model_dump(exclude_none=True)) < 2:
            raise InvalidCall("ac_update_contact was not called: nothing to change. Give at least one new value.")


class DeleteContact(ActiveCampaignTool):
    """Deletes a contact and its history: `DELETE /contacts/{id}`. What can be created anew has another id."""

    name: str = "ac_delete_contact"
    description: str = "Delete a contact and its history, for good. A person must approve."
    args_schema: type[OneContact] = OneContact
    sentence: ClassVar[str] = "delete {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "DELETE",
        "/contacts/{contact}",
        area="contacts",
        level=Level.FULL,
        acts_on="contact",
        risk="destroys a person's record and history",
        key=("contact",),
        settles=Settling(
            ("GET /contacts/{contact}",),
            "no contact has that id, or it is marked as deleted",
            "the contact is still there",
        ),
        shows=PERSON,
        voids=(*WHO, "open deals"),
        reads=5,
        inverse="create the contact anew with its values, then put it on its lists and its tags on it",
        changes=("contact",),
    )

    def look(self, call: Call) -> Exchange:
        """Who it is: somebody who is not there is no question, and the address is on record, too."""
        yield from who(call)

    def portray(self, call: Call) -> Exchange:
        """What would go with them."""
        yield from portrait(call)
        call.bind("open deals", deals_left(call.seen["ties"]))

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By its absence."""
        return (yield from read_deleted(key["contact"]))

    def snapshot(self, call: Call) -> Exchange:
        """The contact's values, lists and tags."""
        return (yield from unless_unread(whole_contact(call)))

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it happens to."""
        return contact_rows(call)

    def warning(self, call: Call) -> str:
        """Said last."""
        return deletes(call)

    def answer(self, call: Call, reply: Any) -> Answer:
        """Gone."""
        contact_id = call.id(call.args.contact)
        return Answer(f"Deleted contact {contact_id}.", Contact.from_wire({"id": str(contact_id)}))
