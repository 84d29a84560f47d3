"""The parts of an event's form: the person, the deal, the campaign, and what happened to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from ac_tools._records._base import Record
from ac_tools._records._types import Count, DealStatus, Flag, Id, LocalTime, Moment, Reference, Text

_MAJOR = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,15})(?:\.[0-9]{1,4})?")


def part(kind: type[Record]) -> BeforeValidator:
    """Reads a field that holds one block; anything else counts as none."""
    return BeforeValidator(lambda found: kind.from_wire(found) if isinstance(found, Mapping) else None)


def parts(kind: type[Record]) -> BeforeValidator:
    """Reads a field that holds a list of blocks."""
    return BeforeValidator(lambda found: tuple(kind.from_wire(row) for row in rows(found) if isinstance(row, Mapping)))


def rows(found: Any) -> list[Any]:
    """What stands in a form's list."""
    return list(found.values()) if isinstance(found, Mapping) else []


def cents(text: Any) -> int | None:
    """An amount in major units, such as "1,044,055.00", in cents.

    Webhooks tell amounts in major units, where the API tells and takes cents (captured 2024).
    """
    if not isinstance(text, str) or not _MAJOR.fullmatch(text):
        return None
    return int((Decimal(text.replace(",", "")) * 100).to_integral_value())


Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda found: tuple(text for text in rows(found) if isinstance(text, str))),
]
Joined = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda found: tuple(filter(None, found.split(", "))) if isinstance(found, str) else ()),
]
"""Names joined by a comma and a space (captured 2024); a tag's name holds no comma (documented)."""
Values = Annotated[
    dict[str, str],
    BeforeValidator(
        lambda found: (
            {name: value for name, value in found.items() if isinstance(value, str)}
            if isinstance(found, Mapping)
            else {}
        )
    ),
]


class Person(Record):
    """The contact whom an event is about (captured 2024)."""

    _shown = ("id",)
    id: Id = ""
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    phone: Text = None
    ip: Text = None
    tags: Joined = ()
    customer_acct_name: Text = None
    orgname: Text = None
    fields: Values = Field(default_factory=dict)
    """Custom fields by id, or by personalization tag in lower case: both were seen."""


class DealField(Record):
    """A custom field of a deal, or of a company; one that is not set has no id (captured 2024)."""

    _shown = ("key",)
    id: Reference = None
    key: Text = None
    value: Any = None


class DealPart(Record):
    """The deal that an event is about (captured 2024 for deal_update); `value` in cents."""

    _shown = ("id", "value", "currency")
    id: Id = ""
    title: Text = None
    value: int | None = None
    currency: Text = None
    status: DealStatus = None
    contact_id: Reference = Field(None, alias="contactid")
    contact_email: Text = None
    stage_id: Reference = Field(None, alias="stageid")
    stage_title: Text = None
    pipeline_id: Reference = Field(None, alias="pipelineid")
    pipeline_title: Text = None
    owner_id: Reference = Field(None, alias="owner")
    account_id: Reference = Field(None, alias="orgid")
    created_at: Moment = Field(None, alias="create_date_iso")
    fields: Annotated[tuple[DealField, ...], parts(DealField)] = ()

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read the block; the amount in major units becomes cents."""
        amount = cents(data.get("value"))
        record = super().from_wire({**data, "value": cents(data.get("value_raw")) if amount is None else amount})
        record._wire = dict(data)
        return record


class Note(Record):
    """A note on a deal."""

    id: Id = ""
    text: Text = None


class Task(Record):
    """A task for a person of the account's (captured 2024)."""

    _shown = ("id", "title")
    id: Id = ""
    type_id: Reference = None
    type_title: Text = None
    title: Text = None
    note: Text = None
    due: LocalTime = Field(None, alias="duedate")
    due_at: Moment = Field(None, alias="duedate_iso")
    done: LocalTime = Field(None, alias="donedate")


class CampaignPart(Record):
    """The mailing that an event is about."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    type: Text = None
    status: Text = None
    recipients: Count = None
    message: Any = None
    webcopy_url: Text = None


class ListPart(Record):
    """A list."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    sender_url: Text = None
    sender_reminder: Text = None


class CompanyPart(Record):
    """A CRM company (captured 2024 for account_update)."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    account_url: Text = None
    fields: Annotated[tuple[DealField, ...], parts(DealField)] = ()


class CompanyContact(Record):
    """A contact's place in a company."""

    id: Id = ""
    account_id: Reference = Field(None, alias="account")
    contact_id: Reference = Field(None, alias="contact")
    job_title: Text = None


class Named(Record):
    """What has an id and a title: a pipeline, a stage, a kind of task."""

    _shown = ("id", "title")
    id: Id = ""
    title: Text = None
    color: Text = None


class FormPart(Record):
    """The form through which somebody came."""

    id: Reference = None


class Link(Record):
    """A link in a mailing."""

    id: Id = ""
    url: Text = None


class Unsubscription(Record):
    """Why somebody left."""

    reason: Text = None


class Bounce(Record):
    """Why a mail came back."""

    _shown = ("type", "code")
    type: Text = None
    code: Text = None
    description: Text = None


class Forward(Record):
    """How often a mail was passed on."""

    _shown = ("count",)
    count: Count = None


class Share(Record):
    """Where a mail was shared."""

    _shown = ("network",)
    network: Text = None
    network_id: Text = None
    content: Text = None


class Sms(Record):
    """A text message."""

    id: Id = ""
    recipient: Text = None
    successful: Flag = None
    comment: Text = None
    reply: Text = None
    result: Text = None
    phone: Text = None
