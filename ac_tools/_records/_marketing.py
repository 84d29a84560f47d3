"""What contacts are sorted by and sent: lists, tags, fields, campaigns, automations."""

from pydantic import Field as Wire

from ac_tools._records._base import Record
from ac_tools._records._types import (
    AutomationStatus,
    CampaignStatus,
    Count,
    Flag,
    Id,
    Ids,
    Moment,
    Reference,
    Text,
    Texts,
)


class MailingList(Record):
    """A list that people subscribe to (recorded 2021; channel and active_subscribers documented)."""

    # Credentials of the account's social media: nothing that stores a tool's result needs them.
    _hidden = frozenset({"links", "twitter_token", "twitter_token_secret", "facebook_session"})
    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    string_id: Text = Wire(None, alias="stringid")
    channel: Text = None
    sender_url: Text = None
    sender_reminder: Text = None
    send_last_broadcast: Flag = None
    private: Flag = None
    active_subscribers: Count = None
    user_id: Reference = Wire(None, alias="user")
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")


class Tag(Record):
    """A tag, for contacts or for templates (recorded 2021)."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = Wire(None, alias="tag")
    type: Text = Wire(None, alias="tagType")
    description: Text = None
    subscriber_count: Count = None
    created_at: Moment = Wire(None, alias="cdate")


class Field(Record):
    """A custom field of contacts; `perstag` is its personalization tag, `option_ids` its choices (recorded 2021)."""

    _shown = ("id", "title")
    id: Id = ""
    title: Text = None
    description: Text = Wire(None, alias="descript")
    type: Text = None
    perstag: Text = None
    default_value: Text = Wire(None, alias="defval")
    required: Flag = Wire(None, alias="isrequired")
    visible: Flag = None
    order: Count = Wire(None, alias="ordernum")
    option_ids: Ids = Wire((), alias="options")
    relation_ids: Ids = Wire((), alias="relations")
    created_at: Moment = Wire(None, alias="cdate")
    updated_at: Moment = Wire(None, alias="udate")


class Campaign(Record):
    """A campaign: draft, scheduled, sending, paused, stopped, completed, disabled or pending review (documented)."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    type: Text = None
    status: CampaignStatus = None
    can_split_content: Flag = Wire(None, alias="canSplitContent")
    user_id: Reference = Wire(None, alias="user")
    automation_id: Reference = Wire(None, alias="automation")
    segment_id: Reference = Wire(None, alias="segmentid")
    created_at: Moment = Wire(None, alias="cdate")
    modified_at: Moment = Wire(None, alias="mdate")
    sent_at: Moment = Wire(None, alias="sdate")
    last_sent_at: Moment = Wire(None, alias="ldate")
    sent_count: Count = Wire(None, alias="send_amt")
    total_count: Count = Wire(None, alias="total_amt")
    opens: Count = None
    unique_opens: Count = Wire(None, alias="uniqueopens")
    link_clicks: Count = Wire(None, alias="linkclicks")
    unique_link_clicks: Count = Wire(None, alias="uniquelinkclicks")
    hard_bounces: Count = Wire(None, alias="hardbounces")
    soft_bounces: Count = Wire(None, alias="softbounces")
    unsubscribes: Count = None
    replies: Count = None


class Automation(Record):
    """An automation: active or inactive; `multi_entry` lets a person in more than once (documented)."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    description: Text = None
    status: AutomationStatus = None
    entered: Count = None
    exited: Count = None
    hidden: Flag = None
    multi_entry: Flag = Wire(None, alias="multientry")
    exit_on_unsubscribe: Flag = None
    created_at: Moment = Wire(None, alias="cdate")
    modified_at: Moment = Wire(None, alias="mdate")


class Webhook(Record):
    """Where the account sends what happens in it (documented). Its URL may hold the receiver's secret."""

    _shown = ("id", "name")
    id: Id = ""
    name: Text = None
    url: Text = Wire(None, repr=False)
    events: Texts = ()
    sources: Texts = ()
    list_id: Reference = Wire(None, alias="listid")
    created_at: Moment = Wire(None, alias="cdate")
