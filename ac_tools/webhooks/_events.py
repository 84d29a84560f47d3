"""What the account tells: a typed model for each event. Fields that the account leaves out are None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from ac_tools._records._base import Record
from ac_tools._records._types import Moment, Reference, Text
from ac_tools.webhooks import _blocks as blocks
from ac_tools.webhooks._errors import BodyError
from ac_tools.webhooks._form import parse_form


class Event(Record):
    """What all events say (captured 2024). One that is not known is read as this, whole in `wire`."""

    _shown: ClassVar[tuple[str, ...]] = ("type", "date_time", "initiated_from")
    type: str = ""
    date_time: Moment = None
    """When it happened, by the account's clock, in whole seconds."""
    initiated_from: Text = None
    """public, admin, api or system."""
    initiated_by: Text = None
    list_id: Reference = Field(None, alias="list")
    """The list that it is about, where it is about one."""


class ContactEvent(Event):
    """What happened to a person."""

    _shown: ClassVar[tuple[str, ...]] = ("type", "contact")
    contact: Annotated[blocks.Person | None, blocks.part(blocks.Person)] = None


class CampaignEvent(ContactEvent):
    """What somebody did with a mailing (documented)."""

    campaign: Annotated[blocks.CampaignPart | None, blocks.part(blocks.CampaignPart)] = None


class DealEvent(Event):
    """What happened to a deal."""

    _shown = ("type", "deal")
    deal: Annotated[blocks.DealPart | None, blocks.part(blocks.DealPart)] = None


class Subscribe(ContactEvent):
    """Somebody came onto a list; documents also call it "contact added"."""

    form: Annotated[blocks.FormPart | None, blocks.part(blocks.FormPart)] = None


class Unsubscribe(CampaignEvent):
    """Somebody left a list (documented)."""

    form: Annotated[blocks.FormPart | None, blocks.part(blocks.FormPart)] = None
    unsubscribe: Annotated[blocks.Unsubscription | None, blocks.part(blocks.Unsubscription)] = None
    lists: Annotated[tuple[blocks.ListPart, ...], blocks.parts(blocks.ListPart)] = ()
    list_id: Reference = None
    """The list that was left, or the first of several."""
    active_subscriptions: blocks.Texts = ()

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read the event, whose `list` is an id in some documents and a list of lists in others."""
        told = data.get("list")
        wire = {**data, "lists": told if isinstance(told, Mapping) else {"0": {"id": told}}}
        record = super().from_wire(wire)
        lists = tuple(each for each in record.lists if each.id not in ("", "0"))
        record = record.model_copy(update={"lists": lists, "list_id": lists[0].id if lists else None})
        record._wire = dict(data)
        return record


class Update(ContactEvent):
    """Somebody's data changed (captured 2024)."""


class ContactTagAdded(ContactEvent):
    """Somebody got a tag, which is named, without its id (captured 2024)."""

    _shown = ("type", "contact", "tag")
    tag: Text = None


class ContactTagRemoved(ContactTagAdded):
    """Somebody lost a tag (captured 2024)."""


class SubscriberNote(ContactEvent):
    """Somebody got a note (captured 2024)."""

    note: Text = None


class ContactTaskAdd(ContactEvent):
    """Somebody got a task (captured 2024)."""

    task: Annotated[blocks.Task | None, blocks.part(blocks.Task)] = None


class DealAdd(DealEvent, ContactEvent):
    """A deal was made."""

    _shown = ("type", "deal")


class DealUpdate(DealAdd):
    """A deal was changed (captured 2024)."""

    updated_fields: blocks.Texts = ()


class DealNoteAdd(DealEvent):
    """A deal got a note (captured 2024)."""

    note: Annotated[blocks.Note | None, blocks.part(blocks.Note)] = None


class DealTaskAdd(DealEvent):
    """A deal got a task (documented)."""

    task: Annotated[blocks.Task | None, blocks.part(blocks.Task)] = None


class DealTaskComplete(DealTaskAdd):
    """A deal's task was done (documented)."""


class DealPipelineAdd(Event):
    """A pipeline was made (documented)."""

    pipeline: Annotated[blocks.Named | None, blocks.part(blocks.Named)] = None


class DealStageAdd(Event):
    """A stage was made (documented)."""

    stage: Annotated[blocks.Named | None, blocks.part(blocks.Named)] = None


class DealTasktypeAdd(Event):
    """A kind of task was made (documented)."""

    tasktype: Annotated[blocks.Named | None, blocks.part(blocks.Named)] = None


class AccountAdd(Event):
    """A company was made (documented)."""

    _shown = ("type", "account")
    account: Annotated[blocks.CompanyPart | None, blocks.part(blocks.CompanyPart)] = None


class AccountUpdate(AccountAdd):
    """A company was changed (captured 2024)."""

    updated_fields: blocks.Texts = ()


class AccountContactAdd(ContactEvent):
    """Somebody came into a company (documented)."""

    account: Annotated[blocks.CompanyPart | None, blocks.part(blocks.CompanyPart)] = None
    account_contact: Annotated[blocks.CompanyContact | None, blocks.part(blocks.CompanyContact)] = Field(
        None, alias="accountContact"
    )


class AccountContactUpdate(AccountContactAdd):
    """Somebody's place in a company changed (documented)."""


class ListAdd(Event):
    """A list was made (documented)."""

    mailing_list: Annotated[blocks.ListPart | None, blocks.part(blocks.ListPart)] = Field(None, alias="list")
    list_id: Reference = None


class Sent(Event):
    """A mailing begins to go out (documented)."""

    _shown = ("type", "campaign")
    campaign: Annotated[blocks.CampaignPart | None, blocks.part(blocks.CampaignPart)] = None


class Open(CampaignEvent):
    """Somebody opened a mailing (documented)."""


class Click(CampaignEvent):
    """Somebody followed a link (documented)."""

    link: Annotated[blocks.Link | None, blocks.part(blocks.Link)] = None


class Reply(CampaignEvent):
    """Somebody answered a mailing (documented)."""

    result: Text = None
    message: Text = None


class Forward(CampaignEvent):
    """Somebody passed a mailing on (documented)."""

    forward: Annotated[blocks.Forward | None, blocks.part(blocks.Forward)] = None


class Share(CampaignEvent):
    """Somebody shared a mailing (documented)."""

    share: Annotated[blocks.Share | None, blocks.part(blocks.Share)] = None


class Bounce(CampaignEvent):
    """A mailing to somebody came back (documented)."""

    bounce: Annotated[blocks.Bounce | None, blocks.part(blocks.Bounce)] = None


class SmsSent(ContactEvent):
    """A text message went out (documented)."""

    sms: Annotated[blocks.Sms | None, blocks.part(blocks.Sms)] = None


class SmsReply(SmsSent):
    """Somebody answered a text message (documented)."""


class SmsUnsub(SmsSent):
    """Somebody wants no more text messages (documented)."""


EVENTS: Mapping[str, type[Event]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "update": Update,
    "contact_tag_added": ContactTagAdded,
    "contact_tag_removed": ContactTagRemoved,
    "deal_add": DealAdd,
    "deal_update": DealUpdate,
    "bounce": Bounce,
    "click": Click,
    "deal_note_add": DealNoteAdd,
    "deal_pipeline_add": DealPipelineAdd,
    "deal_stage_add": DealStageAdd,
    "deal_task_add": DealTaskAdd,
    "deal_task_complete": DealTaskComplete,
    "deal_tasktype_add": DealTasktypeAdd,
    "forward": Forward,
    "list_add": ListAdd,
    "open": Open,
    "reply": Reply,
    "sent": Sent,
    "share": Share,
    "sms_reply": SmsReply,
    "sms_sent": SmsSent,
    "sms_unsub": SmsUnsub,
    "subscriber_note": SubscriberNote,
    "contact_task_add": ContactTaskAdd,
    "account_add": AccountAdd,
    "account_update": AccountUpdate,
    "account_contact_add": AccountContactAdd,
    "account_contact_update": AccountContactUpdate,
}
"""The events by their names: the seven that guides begin with, the others of `GET /webhook/events`, and five more that
documents name elsewhere."""


def parse(body: bytes, content_type: str = "") -> Event:
    """Read a webhook's body, in any framework. It does not say who sent it: nothing in a body does.

    Args:
        body: The request's body, whole.
        content_type: Its content type.

    Raises:
        BodyError: It is no webhook's body, or beyond a bound of size, depth or number; `status` says it in HTTP.
    """
    form = parse_form(body, content_type)
    kind = form.get("type")
    if not isinstance(kind, str) or not kind:
        raise BodyError("The form names no event: it has no `type`.")
    return EVENTS.get(kind, Event).from_wire(form)
