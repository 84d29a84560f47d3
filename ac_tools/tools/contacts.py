"""Contacts: the people of the account, read and searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, Level, Request
from ac_guardrails._job import Exchange
from ac_tools._records import Contact
from ac_tools.tools._arguments import Arguments, Moment, PagedArguments, choice, sortable
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._contact_view import (
    ContactDetails,
    account_line,
    own_view,
    read_tags,
    tie_lines,
)
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._references import AutomationRef, ContactRef, ListRef, TagRef
from ac_tools.tools._render import (
    contact_line,
    content,
    one,
    page_answer,
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

    def addresses(self, call: Call) -> Sequence[str]:
        """The one that is looked for; what finds others as well names none."""
        return [call.args.email] if call.args.email else []

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a contact."""
        return page_answer(reply, "contacts", Contact, contact_line, call, view=lambda item: own_view(item, call))
