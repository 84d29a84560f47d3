"""Contacts, and what ties a contact to lists, tags, automations and fields."""

from pydantic import Field as Wire

from ac_tools._records._base import Record
from ac_tools._records._types import (
    Count,
    EnrolmentStatus,
    Flag,
    Id,
    Ids,
    ImportStatus,
    LocalTime,
    MembershipStatus,
    Moment,
    Reference,
    Text,
    Texts,
)


class Contact(Record):
    """A person; `account_id` is the id of the CRM company, `bounced_hard` and `bounced_soft` count (recorded 2021)."""

    _shown = ("id", "email")
    id: Id = ""
    email: Text = None
    phone: Text = None
    first_name: Text = Wire(None, alias="firstName")
    last_name: Text = Wire(None, alias="lastName")
    account_id: Reference = Wire(None, alias="orgid")
    account_name: Text = Wire(None, alias="orgname")
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")
    last_active_at: Moment = Wire(None, alias="adate")
    last_engaged_at: Moment = Wire(None, alias="edate")
    deleted: Flag = None
    deleted_at: LocalTime = None
    anonymized: Flag = None
    bounced_hard: Count = None
    bounced_soft: Count = None
    bounced_on: LocalTime = Wire(None, alias="bounced_date")
    sent_count: Count = Wire(None, alias="sentcnt")


class ContactList(Record):
    """A person's place on a list: unconfirmed, active, unsubscribed or bounced. Source 3 is the API (recorded 2021)."""

    _shown = ("id", "contact_id", "list_id", "status")
    id: Id = ""
    contact_id: Reference = Wire(None, alias="contact")
    list_id: Reference = Wire(None, alias="list")
    status: MembershipStatus = None
    source: Text = Wire(None, alias="sourceid")
    subscribed_at: Moment = Wire(None, alias="sdate")
    updated_at: Moment = Wire(None, alias="udate")
    unsubscribe_reason: Text = Wire(None, alias="unsubreason")
    campaign_id: Reference = Wire(None, alias="campaign")


class ContactTag(Record):
    """A tag on a person. It holds no name of the tag (recorded 2021), and its own id is what removes the tag."""

    _shown = ("id", "contact_id", "tag_id")
    id: Id = ""
    contact_id: Reference = Wire(None, alias="contact")
    tag_id: Reference = Wire(None, alias="tag")
    created_at: Moment = Wire(None, alias="cdate")


class ContactAutomation(Record):
    """A person's run through an automation: active or completed (documented). Its own id is what ends the run."""

    _shown = ("id", "contact_id", "automation_id", "status")
    id: Id = ""
    contact_id: Reference = Wire(None, alias="contact")
    automation_id: Reference = Wire(None, alias="automation")
    status: EnrolmentStatus = None
    added_at: Moment = Wire(None, alias="adddate")
    removed_at: Moment = Wire(None, alias="remdate")
    last_step_at: Moment = Wire(None, alias="lastdate")
    completed: Flag = None
    completed_elements: Count = Wire(None, alias="completedElements")
    total_elements: Count = Wire(None, alias="totalElements")
    completed_percent: Count = Wire(None, alias="completeValue")


class FieldValue(Record):
    """A person's value of a custom field; several choices come as `||one||two||` (documented)."""

    _shown = ("id", "contact_id", "field_id")
    id: Id = ""
    contact_id: Reference = Wire(None, alias="contact")
    field_id: Reference = Wire(None, alias="field")
    value: Text = None
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")


class ImportBatch(Record):
    """A bulk import: the reply that queued it (recorded 2021), or how far it has come (documented).

    `status` is not started, waiting, claimed, active, completed, failed or interrupted; `succeeded` holds contact ids,
    `failed` the addresses that were not taken.
    """

    _shown = ("batch_id", "status")
    batch_id: Text = Wire(None, alias="batchId")
    status: ImportStatus = None
    queued: Count = Wire(None, alias="queued_contacts")
    succeeded: Ids = Wire((), alias="success")
    failed: Texts = Wire((), alias="failure")
    message: Text = None
