"""Deals and those around them: pipelines, stages, companies, users."""

from pydantic import Field as Wire

from ac_tools._records._base import Record
from ac_tools._records._types import Count, DealStatus, Flag, Id, Ids, Moment, Reference, Text


class Deal(Record):
    """A deal: `value` in cents of `currency` (lower case), `percent` and `win_probability` 0 to 100; open, won or lost.

    A deal in a pipeline that the key may not see has only an id, a title and `is_disabled` (recorded 2020).
    """

    _shown = ("id", "title")
    id: Id = ""
    title: Text = None
    description: Text = None
    value: Count = None
    currency: Text = None
    percent: Count = None
    status: DealStatus = None
    contact_id: Reference = Wire(None, alias="contact")
    account_id: Reference = Wire(None, alias="account")
    pipeline_id: Reference = Wire(None, alias="group")
    stage_id: Reference = Wire(None, alias="stage")
    owner_id: Reference = Wire(None, alias="owner")
    created_at: Moment = Wire(None, alias="cdate")
    modified_at: Moment = Wire(None, alias="mdate")
    next_action_at: Moment = Wire(None, alias="nextdate")
    activity_count: Count = Wire(None, alias="activitycount")
    win_probability: Count = Wire(None, alias="winProbability")
    is_disabled: Flag = Wire(None, alias="isDisabled")


class Pipeline(Record):
    """A pipeline of deals, on the wire a deal group; without `auto_assign` a new deal needs an owner (documented)."""

    _shown = ("id", "title")
    id: Id = ""
    title: Text = None
    currency: Text = None
    auto_assign: Flag = Wire(None, alias="autoassign")
    all_users: Flag = Wire(None, alias="allusers")
    all_groups: Flag = Wire(None, alias="allgroups")
    stage_ids: Ids = Wire((), alias="stages")
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")


class Stage(Record):
    """A stage of a pipeline; `order` is its place from the left (recorded 2020)."""

    _shown = ("id", "title")
    id: Id = ""
    title: Text = None
    pipeline_id: Reference = Wire(None, alias="group")
    order: Count = None
    color: Text = None
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")


class Account(Record):
    """A CRM company. Lists give 0 for both counts unless the request asked to count (documented)."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    account_url: Text = Wire(None, alias="accountUrl")
    owner_id: Reference = Wire(None, alias="owner")
    contact_count: Count = Wire(None, alias="contactCount")
    deal_count: Count = Wire(None, alias="dealCount")
    created_at: Moment = Wire(None, alias="createdTimestamp")
    updated_at: Moment = Wire(None, alias="updatedTimestamp")


class User(Record):
    """A user of the account, such as the owner of a deal (recorded 2021)."""

    _shown = ("id", "email")
    id: Id = ""
    username: Text = None
    email: Text = None
    first_name: Text = Wire(None, alias="firstName")
    last_name: Text = Wire(None, alias="lastName")
    phone: Text = None
    time_zone: Text = Wire(None, alias="localZoneid")
    mfa_enabled: Flag = Wire(None, alias="mfaEnabled")
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")
