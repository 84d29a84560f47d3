"""Deals: create, read, update, delete."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._pipelines import PIPELINE, STAGE, stages_of
from ac_tools.sandbox._router import Call, Endpoint, route
from ac_tools.sandbox._shape import ABSENT, Shape, View, always, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int, to_text
from ac_tools.sandbox._wire import Answer, Refusal, invalid, missing, reply

_LINKS = links(
    "deals",
    *("dealActivities", "contact", "contactDeals", "group", "nextTask", "notes", "account", "customerAccount"),
    *("organization", "owner", "scoreValues", "stage", "tasks", "dealCustomFieldData"),
)


def _pipeline_id(row: rows.Deal, view: View) -> str | None:
    stage = view.store.stages.get(row.stage)
    return str(stage.pipeline) if stage is not None else None


class _DealShape(Shape[rows.Deal]):
    """A deal in a pipeline that is not there any more shows three keys only (recorded 2020; the cause is assumed)."""

    def __call__(self, row: rows.Deal, store: Store, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        stage = store.stages.get(row.stage)
        gone = stage is None or store.pipelines.get(stage.pipeline) is None
        if gone and store.settings.deals_disabled == "pipeline_gone":
            return {"title": row.title, "id": str(row.id), "isDisabled": True}
        return super().__call__(row, store, sent)


DEAL = _DealShape(
    {
        "hash": attr("hash"),
        "owner": ident("owner"),
        "contact": ident("contact"),
        "organization": ident("account"),
        "group": _pipeline_id,
        "stage": ident("stage"),
        "title": attr("title"),
        "description": attr("description"),
        "percent": ident("percent"),
        "cdate": iso("created"),
        "mdate": iso("updated"),
        "nextdate": always(None),
        "nexttaskid": always(None),
        "value": ident("value"),
        "currency": attr("currency"),
        "winProbability": always(None),
        "winProbabilityMdate": always(None),
        "status": ident("status"),
        "activitycount": ident("activities"),
        "nextdealid": ident("id"),
        "edate": always(None),
        "links": _LINKS,
        "id": ident(),
        "isDisabled": always(False),
        "account": ident("account"),
        "customerAccount": ident("account"),
    }
)


def _custom_fields(row: rows.Deal, view: View) -> Any:
    """The deal's custom fields as the request gave them (documented); the sandbox does not keep them."""
    fields = view.sent.get("fields")
    if not isinstance(fields, list):
        return ABSENT
    return [{**field, "dealId": str(row.id)} for field in fields if isinstance(field, dict)]


def _account_or_empty(row: rows.Deal, _view: View) -> Any:
    return row.account if row.account is not None else ""


_CREATED = Shape[rows.Deal](
    {
        **{name: sent(name) for name in ("title", "description", "value", "currency", "percent", "status", "contact")},
        **{name: sent(name) for name in ("group", "stage", "owner")},
        "cdate": iso("created"),
        "mdate": iso("updated"),
        "organization": always(""),
        "nextdate": always(None),
        "hash": attr("hash"),
        "winProbability": always(None),
        "winProbabilityMdate": always(None),
        "links": _LINKS,
        "fields": _custom_fields,
        "id": ident(),
        "isDisabled": always(False),
        "account": _account_or_empty,
        "customerAccount": _account_or_empty,
    }
)

_UPDATED = DEAL.but(
    value=sent("value", ident("value")),
    currency=sent("currency", attr("currency")),
    percent=sent("percent", ident("percent")),
    status=sent("status", ident("status")),
    stage=sent("stage", ident("stage")),
).before("id", fields=_custom_fields)


def _cents(value: Any, *, free: bool) -> int:
    """Whole cents; a fraction is cut off in silence (recorded 2020: 156.24 became 156 cents)."""
    try:
        number = Decimal(str(value)) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except ArithmeticError:
        number = None
    if number is None or not number.is_finite() or not (free or number >= 0) or abs(number) >= 2**63:
        raise invalid("deal", "value")
    return int(number)


def _currency(value: Any, *, free: bool) -> str:
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()):
        raise invalid("deal", "currency")
    if not (free or value.islower()):
        raise invalid("deal", "currency")
    return value.lower()


def _status(value: Any) -> int:
    status = to_int(value, -1)
    if status not in (0, 1, 2):
        raise invalid("deal", "status")
    return status


def _stage(store: Store, given: dict[str, Any], current: rows.Deal | None) -> tuple[rows.Stage, bool]:
    """The stage that a request puts a deal in, and whether the account chose it.

    With a stage of null the account takes the pipeline's first (recorded 2020); that it does so for a deal in another
    stage of the pipeline is assumed.
    """
    now = store.stages.get(current.stage) if current is not None else None
    pipeline = store.pipelines.need(to_int(given["group"])).id if given.get("group") is not None else None
    if given.get("stage") is not None:
        stage = store.stages.need(to_int(given["stage"]))
        if stage.pipeline != (pipeline or (now.pipeline if now else stage.pipeline)):
            raise invalid("deal", "stage")
        return stage, False
    stays = "stage" not in given or store.settings.deal_stage_null == "unchanged"
    if now is not None and stays and pipeline in (None, now.pipeline):
        return now, False
    stages = stages_of(store, pipeline or (now.pipeline if now else 0))
    if not stages:
        raise invalid("deal", "stage")
    return stages[0], True


def _columns(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    """The columns that a request sets, checked; of stage and group only `_stage` knows."""
    columns: dict[str, Any] = {}
    free = store.settings.deal_values_free
    for name in ("title", "description"):
        if name in given:
            columns[name] = to_text(given[name])
    if "value" in given:
        columns["value"] = _cents(given["value"], free=free)
    if "currency" in given:
        columns["currency"] = _currency(given["currency"], free=free)
    if given.get("percent") is not None:
        columns["percent"] = max(0, min(100, to_int(given["percent"])))
    if given.get("status") is not None:
        columns["status"] = _status(given["status"])
    tables = (("contact", store.contacts), ("account", store.accounts), ("owner", store.users))
    for name, table in tables:
        if given.get(name) is not None:
            columns[name] = table.need(to_int(given[name])).id
    return columns


def _check_complete(given: dict[str, Any]) -> None:
    """The documented rules of what a new deal needs; the body of the refusal is assumed."""
    absent = [name for name in ("title", "value", "currency") if given.get(name) in (None, "")]
    if given.get("contact") is None and given.get("account") is None:
        absent.append("contact")
    if given.get("group") is None and given.get("stage") is None:
        absent.append("group")
    if absent:
        raise missing("deal", *absent)


def _echo(given: dict[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if isinstance(value, float) else value for name, value in given.items()}


def _contacts_of(store: Store, deal: rows.Deal) -> list[dict[str, Any]]:
    contact = store.contacts.get(deal.contact)
    return [CONTACT(contact, store)] if contact is not None else []


def _refusing(endpoint: Endpoint) -> Endpoint:
    """The endpoint with its refusals of 422 in the form that is assumed for deals."""

    def answer(call: Call) -> Answer:
        try:
            return endpoint(call)
        except Refusal as refusal:
            if refusal.answer.status == 422 and call.store.settings.deal_refusal == 400:
                raise Refusal(400, {}) from None
            raise

    return answer


@route("POST", "/deals")
@_refusing
def create_deal(call: Call) -> Answer:
    """Creates a deal: 201 (recorded 2020); without an owner only where the pipeline assigns one (documented)."""
    store, given = call.store, call.sent("deal")
    _check_complete(given)
    columns = _columns(store, given)
    stage, chosen = _stage(store, given, None)
    pipeline = store.pipelines.need(stage.pipeline)
    echo = _echo(given)
    if chosen:
        echo["stage"] = stage.id
    if given.get("group") is None:
        echo["group"] = pipeline.id
    if "owner" not in columns:
        if not pipeline.autoassign:
            raise missing("deal", "owner")
        echo["owner"] = columns["owner"] = next((user.id for user in store.users), 0)
    now = store.now()
    deal = rows.Deal(store.deals.next_id(), **columns, stage=stage.id, created=now, updated=now, hash=store.token(8))
    store.deals.add(deal)
    body = {
        "contacts": _contacts_of(store, deal),
        "dealGroups": [PIPELINE(pipeline, store)],
        "dealStages": [STAGE(stage, store)],
        "deal": _CREATED(deal, store, echo),
    }
    return reply(201, body)


@route("GET", "/deals/{id}")
def get_deal(call: Call) -> Answer:
    """One deal (recorded 2020); the class name of its 404 is assumed."""
    return reply(200, {"deal": DEAL(call.store.deals.need(call.id), call.store)})


@route("PUT", "/deals/{id}")
@_refusing
def update_deal(call: Call) -> Answer:
    """Changes what is sent (recorded 2020); the echo keeps the types that were sent."""
    store, given = call.store, call.sent("deal")
    deal = store.deals.need(call.id)
    columns = _columns(store, given)
    stage, chosen = _stage(store, given, deal)
    store.deals.change(deal, **columns, stage=stage.id, updated=store.now())
    echo = _echo({name: value for name, value in given.items() if name in columns or name in ("stage", "fields")})
    if chosen:
        echo["stage"] = stage.id
    return reply(200, {"contacts": _contacts_of(store, deal), "deal": _UPDATED(deal, store, echo)})


@route("DELETE", "/deals/{id}")
def delete_deal(call: Call) -> Answer:
    """Deletes a deal (recorded 2020)."""
    call.store.deals.drop(call.store.deals.need(call.id))
    return reply(200, {})
