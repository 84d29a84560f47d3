"""Contacts: the people of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Request
from ac_guardrails._finding import ReadBack
from ac_guardrails._job import Exchange
from ac_tools._records import Contact, ContactList
from ac_tools.tools._arguments import Arguments, Email, Moment, PagedArguments, choice, sortable
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._contact_read_back import (
    contact_values,
    find_contact,
    read_deleted,
    read_synced,
    read_updated,
)
from ac_tools.tools._contact_view import (
    ContactDetails,
    account_line,
    contact_rows,
    look_at_contact,
    own_view,
    read_tags,
    tie_lines,
)
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._read_back import others, spelt
from ac_tools.tools._references import AutomationRef, ContactRef, FieldRef, ListRef, TagRef
from ac_tools.tools._render import (
    contact_line,
    content,
    one,
    page_answer,
    ties_of,
)

ContactOrders = Annotated[str | None, sortable("id", "cdate", "email", "first_name", "last_name", "name")]
Ids = list[int]  # an argument called `list` hides the type of that name
_MEMBERSHIP = choice(any="-1", unconfirmed="0", active="1", unsubscribed="2", bounced="3")


class OneContact(Arguments):  # noqa: D101 - what models read of it is the tool's own description
    contact: ContactRef = Field(description="Id or e-mail address")


class GetContact(ActiveCampaignTool):
    """Reads one contact with what surrounds it: `GET /contacts/{id}`, and its tags, which that reply leaves out."""

    name: str = "ac_get_contact"
    description: str = "Read one contact: lists, tags, fields, automations, deals."
    args_schema: type[OneContact] = OneContact
    sentence: ClassVar[str] = "read {contact}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/contacts/{contact}",
        area="contacts",
        level=Level.READ,
        acts_on="contact",
        risk="shows personal data",
        reply="contact",
    )

    def perform(self, call: Call, request: Request) -> Exchange:
        """Read the contact, then the names of what it is tied to, in areas that the agent may read."""
        reply = yield request
        contact = own_view(one(reply, "contact", Contact), call)
        tags = yield from read_tags(call)
        lines = [contact_line(contact), account_line(contact)]
        lines += yield from tie_lines(call, reply, tags)
        artifact = ContactDetails.of(contact, reply, tags, call)
        return Answer(content(*lines), artifact)


class ListContactsArguments(PagedArguments):  # noqa: D101
    search: str | None = Field(None, description="In name, address, phone, account")
    email: str | None = Field(None, description="Exact")
    email_like: str | None = Field(None, description="Contains")
    phone: str | None = Field(None, description="Starts with")
    ids: Ids | None = Field(None, serialization_alias="ids[]")
    id_greater: int | None = Field(None, description="Pages big accounts: last id, orders id ASC")
    list: ListRef | None = Field(None, serialization_alias="listid")
    status: Annotated[Literal["any", "unconfirmed", "active", "unsubscribed", "bounced"] | None, *_MEMBERSHIP] = Field(
        None, description="On list"
    )
    tag: TagRef | None = Field(None, serialization_alias="tagid")
    automation: AutomationRef | None = Field(None, serialization_alias="seriesid")
    segmentid: int | None = Field(None, description="Slow; call twice")
    created_after: Moment | None = Field(None, serialization_alias="filters[created_after]", description="ISO, UTC")
    created_before: Moment | None = Field(None, serialization_alias="filters[created_before]")
    updated_after: Moment | None = Field(None, serialization_alias="filters[updated_after]")
    updated_before: Moment | None = Field(None, serialization_alias="filters[updated_before]")
    orders: ContactOrders = Field(None, description='e.g. "cdate DESC"; id, cdate, email, first_name, last_name, name')


class ListContacts(ActiveCampaignTool):
    """Searches contacts: `GET /contacts`. The list never carries tags, lists or field values (recorded 2021)."""

    name: str = "ac_list_contacts"
    description: str = "Search contacts. Shows no tags, lists or fields: use ac_get_contact."
    args_schema: type[ListContactsArguments] = ListContactsArguments
    sentence: ClassVar[str] = "search the contacts"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/contacts",
        area="contacts",
        level=Level.READ,
        acts_on="contact",
        risk="shows personal data",
        reply="contacts",
    )

    # The account's own order differs between its documents and its traffic.
    defaults: ClassVar[Mapping[str, str]] = {"orders": "id ASC"}

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a contact."""
        return page_answer(reply, "contacts", Contact, contact_line, call, view=lambda item: own_view(item, call))


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

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it happens to, where that was read."""
        return contact_rows(call)

    def touches(self, call: Call) -> Mapping[str, Any]:
        """The address that would be written: it says who the contact is."""
        return {"addresses": [call.args.email.casefold()] if call.args.email else []}


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
        inverse="delete the contact",
        changes=("contact",),
    )

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The address."""
        return {"email": call.args.email.casefold(), "_email": call.args.email}

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
        inverse="write the former values back, or delete the new contact",
        changes=("contact",),
    )

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The address, as for creating: the values are only compared."""
        values = contact_values(call)
        return {"email": values.pop("email"), "_email": call.args.email, "_values": values}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the values alone, since the contact may be older or have been updated by somebody else since."""
        return (yield from read_synced(spelt(key, "email"), key.get("_values") or {}, since))


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
            yield from look_at_contact(call)

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The contact and what it is to become: another update of the same contact is another effect."""
        return {"contact": call.id(call.args.contact), "values": contact_values(call)}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the values."""
        return (yield from read_updated(key["contact"], key["values"], since))

    def why(self, call: Call) -> str:
        """What makes it more than an ordinary change."""
        return "It frees the address of someone who opted out or bounced"

    def warning(self, call: Call) -> str:
        """Said last."""
        return "Under the old address nobody is known as having opted out any more." if call.facts.get("left") else ""

    def check(self, call: Call) -> None:
        """Something must change."""
        if len(call.args.model_dump(exclude_none=True)) < 2:
            raise InvalidCall("ac_update_contact was not called: nothing to change. Give at least one new value.")


class DeleteContact(ActiveCampaignTool):
    """Deletes a contact and its history: `DELETE /contacts/{id}`. Cannot be undone."""

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
        changes=("contact",),
    )

    def look(self, call: Call) -> Exchange:
        """Who it is, for the person who decides."""
        yield from look_at_contact(call)

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By its absence."""
        return (yield from read_deleted(key["contact"]))

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Whom it happens to."""
        return contact_rows(call)

    def warning(self, call: Call) -> str:
        """Said last."""
        return "This cannot be undone: the contact goes with its lists, tags, field values, automations and history."

    def answer(self, call: Call, reply: Any) -> Answer:
        """Gone."""
        contact_id = call.id(call.args.contact)
        return Answer(f"Deleted contact {contact_id}.", Contact.from_wire({"id": str(contact_id)}))
