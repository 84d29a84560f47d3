"""Deals: the sales pipeline. People say amounts in major units; the account is sent integer cents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._records import Deal
from ac_tools.tools import _deal_cards as cards
from ac_tools.tools._arguments import Arguments, Cents, Currency, Moment, PagedArguments, choice, sortable
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._contact_cards import overwrites
from ac_tools.tools._contact_view import own_deal
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import WHO
from ac_tools.tools._read_back import collection_of, differing, find_made, given, has_name, others, record_if_there
from ac_tools.tools._references import AccountRef, ContactRef, DealRef, OwnerRef, PipelineRef, StageRef, TagRef
from ac_tools.tools._render import content, exactly, money, name_map, named, one, page_answer
from ac_tools.tools._settling import Settling, made
from ac_tools.tools._snapshots import overwritten_deal, unless_unread

_STATUS = choice(open=0, won=1, lost=2)
_NAMES = tuple(f"name of the {noun}" for noun in ("account", "pipeline", "stage", "owner"))
DealOrders = Annotated[
    str | None, sortable("title", "value", "cdate", "contact_name", "contact_orgname", "next-action")
]


class ListDealsArguments(PagedArguments):  # noqa: D101
    search: str | None = Field(None, serialization_alias="filters[search]")
    search_field: Literal["all", "title", "contact", "org"] | None = Field(
        None, serialization_alias="filters[search_field]"
    )
    title: str | None = Field(None, serialization_alias="filters[title]")
    pipeline: PipelineRef | None = Field(None, serialization_alias="filters[group]", description="Id or name, as stage")
    stage: StageRef | None = Field(None, serialization_alias="filters[stage]")
    status: Annotated[Literal["open", "won", "lost"] | None, *_STATUS] = Field(
        None, serialization_alias="filters[status]"
    )
    owner: OwnerRef | None = Field(None, serialization_alias="filters[owner]", description="Id or e-mail address")
    tag: TagRef | None = Field(None, serialization_alias="filters[tag]")
    nextdate_range: Literal["upcoming", "scheduled", "overdue", "no-task"] | None = Field(
        None, serialization_alias="filters[nextdate_range]"
    )
    created_after: Moment | None = Field(None, serialization_alias="filters[created_after]", description="ISO, UTC")
    created_before: Moment | None = Field(None, serialization_alias="filters[created_before]")
    updated_after: Moment | None = Field(None, serialization_alias="filters[updated_after]")
    updated_before: Moment | None = Field(None, serialization_alias="filters[updated_before]")
    minimum_value: int | None = Field(None, serialization_alias="filters[minimum_value]", description="Whole USD")
    maximum_value: int | None = Field(None, serialization_alias="filters[maximum_value]")
    orders: DealOrders = Field(
        None, description='e.g. "value DESC"; title, value, cdate, contact_name, contact_orgname, next-action'
    )


class ListDeals(ActiveCampaignTool):
    """Lists deals: `GET /deals`. The account's own order is by next action, so one by date is sent (recorded 2020)."""

    name: str = "ac_list_deals"
    description: str = "List or search deals."
    args_schema: type[ListDealsArguments] = ListDealsArguments
    sentence: ClassVar[str] = "list the deals"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/deals", area="deals", level=Level.READ, acts_on="deal", risk="shows sales figures", reply="deals"
    )
    defaults: ClassVar[Mapping[str, str]] = {"orders": "cdate ASC"}

    def perform(self, call: Call, request: Any) -> Exchange:
        """Read the page, and the stages' names."""
        reply = yield request
        stages = yield from name_map(call, "stage", "deals")
        return page_answer(
            reply, "deals", Deal, lambda deal: deal_line(deal, stages), call, view=lambda deal: own_deal(deal, call)
        )


class OneDeal(Arguments):  # noqa: D101
    deal: DealRef = Field(description="Id")


class GetDeal(ActiveCampaignTool):
    """Reads one deal: `GET /deals/{id}`. One that the key's user may not see has a title and an id only."""

    name: str = "ac_get_deal"
    description: str = "Read one deal."
    args_schema: type[OneDeal] = OneDeal
    sentence: ClassVar[str] = "read {deal}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET", "/deals/{deal}", area="deals", level=Level.READ, acts_on="deal", risk="shows sales figures", reply="deal"
    )

    def perform(self, call: Call, request: Any) -> Exchange:
        """Read the deal, and the names of its stage and pipeline."""
        reply = yield request
        deal = own_deal(one(reply, "deal", Deal), call)
        if deal.is_disabled:
            return Answer(content(f"{deal_line(deal, {})}: the key's user may not see more."), deal)
        stages = yield from name_map(call, "stage", "deals")
        pipelines = yield from name_map(call, "pipeline", "deals")
        owners = yield from name_map(call, "owner", "deals")
        lines = [deal_line(deal, stages), f"pipeline: {named(deal.pipeline_id, pipelines)}"]
        if deal.owner_id:
            lines.append(f"owner: {deal.owner_id} {owners.get(deal.owner_id, '')}".rstrip())
        if deal.description:
            lines.append(f"description: {quoted(deal.description, limit=600)}")
        return Answer(content(*lines), deal)


def deal_line(deal: Deal, stages: Mapping[str, str]) -> str:
    """A deal on one line."""
    parts = [deal.id, quoted(deal.title or "", limit=80)]
    if deal.is_disabled:
        return " ".join((*parts, "(not visible to this key)"))
    parts += [money(deal.value, deal.currency), deal.status or ""]
    if deal.stage_id:
        parts.append(f"stage {named(deal.stage_id, stages)}")
    if deal.contact_id:
        parts.append(f"contact {deal.contact_id}")
    if deal.account_id:
        parts.append(f"account {deal.account_id}")
    return " ".join(part for part in parts if part)


class DealField(Arguments):  # noqa: D101
    custom_field_id: int = Field(serialization_alias="customFieldId", ge=1)
    value: str = Field(serialization_alias="fieldValue", description="Money in cents")
    currency: Currency | None = Field(None, serialization_alias="fieldCurrency")


class NewDeal(Arguments):  # noqa: D101
    title: str = Field(min_length=1, max_length=255)
    amount: Cents = Field(serialization_alias="value", description="Major units: 1250.50")
    currency: Currency = Field(description="Such as USD")
    contact: ContactRef | None = Field(None, description="Id or e-mail address; or account")
    account: AccountRef | None = Field(None, description="Id or name")
    pipeline: PipelineRef | None = Field(None, serialization_alias="group", description="Id or name; or stage")
    stage: StageRef | None = Field(None, description="Id or name; default the first")
    owner: OwnerRef | None = Field(None, description="Id or e-mail address")
    percent: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="0-100")
    status: Annotated[Literal["open", "won", "lost"] | None, *_STATUS] = None
    description: str | None = None
    fields: list[DealField] | None = None


class _Write(ActiveCampaignTool):
    """What creating and updating a deal share."""

    def touches(self, call: Call) -> Mapping[str, Any]:
        """The amount."""
        return {"amount": call.args.amount, "currency": call.args.currency}

    def people(self, call: Call) -> int:
        """The deal's contact, where it names one."""
        return 1 if call.args.contact else 0

    def answer(self, call: Call, reply: Any) -> Answer:
        """The deal as the account has it now."""
        deal = own_deal(one(reply, "deal", Deal), call)
        if not call.may_read("deals"):
            return Answer(f"Saved deal {deal.id}.", Deal.from_wire({"id": deal.id}))
        return Answer(content(f"Saved {deal_line(deal, {})}."), deal)


class CreateDeal(_Write):
    """Creates a deal: `POST /deals`. The API takes cents and cuts fractions off silently (recorded 2020)."""

    name: str = "ac_create_deal"
    description: str = "Create a deal for a contact or an account. Not idempotent."
    args_schema: type[NewDeal] = NewDeal
    sentence: ClassVar[str] = "create a deal"
    plain: ClassVar[str] = "create the deal {title}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/deals",
        area="deals",
        level=Level.WRITE,
        acts_on="deal",
        risk="changes the pipeline's figures",
        event="deal_add",
        wrap="deal",
        reply="deal",
        key=("title", "contact", "account", "amount", "currency"),
        settles=made(
            "deal",
            "/deals",
            "of that title, contact, account, amount and currency",
            unclear=", or the key's user may not see one of that title",
        ),
        shows=cards.NEW,
        voids=(*WHO, *_NAMES),
        reads=5,
        inverse="delete the deal",
        changes=("deal",),
    )

    def check(self, call: Call) -> None:
        """What the API requires, in words."""
        args = call.args
        if args.contact is None and args.account is None:
            raise InvalidCall("ac_create_deal was not called: a deal needs a contact or an account. Give one of them.")
        if args.pipeline is None and args.stage is None:
            raise InvalidCall("ac_create_deal was not called: a deal needs a pipeline or a stage. Give one of them.")

    def look(self, call: Call) -> Exchange:
        """Documented: a pipeline that assigns nobody by itself needs an owner."""
        if call.args.owner is not None:
            return
        group = yield from _pipeline_of(call)
        for row in (yield from call.names.all("pipeline")):
            if row.id == group and str(row.wire.get("autoassign")) == "0":
                raise InvalidCall(
                    f"Pipeline {row.id} assigns nobody by itself. Name the deal's owner by id or e-mail address."
                )

    def portray(self, call: Call) -> Exchange:
        """Whose deal it would be, in which stage."""
        yield from cards.portray_new(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """The deal as it would be."""
        return cards.new_rows(call)

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By title, person or business, amount and time."""
        walk = collection_of("/deals", "deals", ("filters[title]", key["title"]), ("orders[cdate]", "DESC"))
        wanted = {name: value for name, value in key.items() if value is not None}

        def is_it(deal: Deal) -> bool | None:
            if deal.is_disabled and has_name(deal.title, key["title"]):
                return None
            return not differing(deal, wanted, cards.ATTRIBUTES)

        return (yield from find_made("deal", walk, Deal, is_it, since, others(key)))


def _pipeline_of(call: Call) -> Exchange:
    """The pipeline that a call names, or that its stage belongs to; None where neither tells."""
    if call.args.pipeline is not None:
        return call.id(call.args.pipeline)
    stage = call.id(call.args.stage)
    for row in (yield from call.names.all("stage")):
        if row.id == stage and str(row.wire.get("group", "")).isdigit():
            return int(row.wire["group"])
    return None


class DealChanges(Arguments):  # noqa: D101
    deal: DealRef = Field(description="Id")
    title: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    amount: Cents | None = Field(None, serialization_alias="value", description="Major units: 1250.50")
    currency: Currency | None = None
    contact: ContactRef | None = Field(None, description="Id or e-mail address")
    account: AccountRef | None = Field(None, description="Id or name")
    pipeline: PipelineRef | None = Field(None, serialization_alias="group", description="Id or name")
    stage: StageRef | None = Field(None, description="Id or name")
    owner: OwnerRef | None = Field(None, description="Id or e-mail address")
    percent: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="0-100")
    status: Annotated[Literal["open", "won", "lost"] | None, *_STATUS] = None
    description: str | None = None
    fields: list[DealField] | None = None


class UpdateDeal(_Write):
    """Updates a deal: `PUT /deals/{id}`. A null stage would move it back, so absent keys are absent (recorded 2020)."""

    name: str = "ac_update_deal"
    description: str = "Change a deal. Absent arguments keep their value. Won and lost may start automations."
    args_schema: type[DealChanges] = DealChanges
    sentence: ClassVar[str] = "update {deal}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "PUT",
        "/deals/{deal}",
        area="deals",
        level=Level.WRITE,
        acts_on="deal",
        risk="won and lost start automations",
        event="deal_update",
        wrap="deal",
        reply="deal",
        key=("deal", "values"),
        settles=Settling(
            ("GET /deals/{deal}",),
            "the deal has every value that was sent, whoever wrote it",
            "one of them is another one, or the deal is gone",
            "the deal does not show what was changed: custom fields alone, or the key's user may not see it",
        ),
        shows=cards.CHANGED,
        voids=(*WHO, *cards.STANDING, cards.OVERWRITTEN, cards.GOES_TO, "name of the deal", *_NAMES),
        reads=11,
        inverse="write the former values back",
        changes=("deal",),
    )

    def check(self, call: Call) -> None:
        """Something must change."""
        if len(call.args.model_dump(exclude_none=True)) < 2:
            raise InvalidCall("ac_update_deal was not called: nothing to change. Give at least one new value.")

    def portray(self, call: Call) -> Exchange:
        """The deal as it is."""
        yield from cards.portray_changed(call)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """The deal as it is, and as it would be."""
        return cards.changed_rows(call)

    def warning(self, call: Call) -> str:
        """Said last."""
        ends = call.args.status in ("won", "lost")
        starts = "Won and lost can start automations, whose mail cannot be called back. " if ends else ""
        return f"{starts}{overwrites(call)}"

    def snapshot(self, call: Call) -> Exchange:
        """The values that go."""
        return (yield from unless_unread(overwritten_deal(call, given(call, "deal"))))

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The deal and what it is to become: another update of the same deal is another effect."""
        values = given(call, "deal", "fields")
        if call.args.fields:
            values["fields"] = {str(item.custom_field_id): [item.value, item.currency] for item in call.args.fields}
        return {"deal": call.id(call.args.deal), "values": values}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By the values that a deal shows."""
        deal_id, values = key["deal"], key["values"]
        reply = yield from record_if_there(Request("GET", f"/deals/{deal_id:d}"))
        if reply is None:
            return Finding("absent", f"deal {deal_id} is gone")
        deal = exactly(deal_id, reply, "deal", Deal)
        if deal.is_disabled or not values.keys() & cards.ATTRIBUTES.keys():
            return Finding("cannot_tell", f"deal {deal_id} does not show what was changed")
        wrong = differing(deal, values, cards.ATTRIBUTES)
        if wrong:
            return Finding("absent", f"deal {deal_id} has not what was sent as {', '.join(wrong)}")
        return Finding("present", f"deal {deal_id} is as it was to become")
