"""Making, changing and deleting pipelines and their stages."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._pipelines import (
    FIRST_STAGES,
    PIPELINE,
    PIPELINE_CREATED,
    STAGE,
    STAGE_CREATED,
    colour,
)
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, View, links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._table import Table
from ac_tools.sandbox._values import to_flag, to_int, to_text
from ac_tools.sandbox._wire import Answer, missing, reply

_FLAGS = ("autoassign", "allusers", "allgroups")
_STAGE_COLUMNS = {
    "title": "title",
    "color": "color",
    "dealOrder": "deal_order",
    **{f"cardRegion{number}": f"card{number}" for number in range(1, 6)},
}


def _value(key: str) -> Any:
    return lambda row, view: row.values[key]


def _identity(row: rows.Record, _view: View) -> str:
    return str(row.id)


# Who may see a pipeline (recorded 2020).
_PIPELINE_USER = Shape[rows.Record](
    {
        "dealGroup": _value("dealGroup"),
        "user": _value("user"),
        "cdate": lambda row, view: None,
        "links": links("dealGroupUsers", "dealGroup", "user"),
        "id": _identity,
    }
)
_PIPELINE_GROUP = Shape[rows.Record](
    {
        "d_groupid": _value("dealGroup"),
        "groupid": _value("group"),
        "cdate": lambda row, view: None,
        "links": links("dealGroupGroups", "dealGroup", "group"),
        "id": _identity,
        "dealGroup": _value("dealGroup"),
        "group": _value("group"),
    }
)


def _members(store: Store, kind: str) -> Table[rows.Record]:
    return store.records(f"dealGroup{kind.capitalize()}s", f"DealGroup{kind.capitalize()}")


def _allow(store: Store, pipeline: rows.Pipeline, kind: str, wanted: Any) -> None:
    """Replaces who may see a pipeline; rows that are wanted already stay. Anything but a list changes nothing."""
    if not isinstance(wanted, list):
        return
    table, ids = _members(store, kind), [to_text(each) for each in wanted]
    have = [row for row in table if row.values["dealGroup"] == str(pipeline.id)]
    for row in have:
        if row.values[kind] not in ids:
            table.drop(row)
    for each in ids:
        if all(row.values[kind] != each for row in have):
            table.add(rows.Record(table.next_id(), {"dealGroup": str(pipeline.id), kind: each}))


def _rights(store: Store, pipeline: rows.Pipeline) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who may see a pipeline: as records beside it, and as ids within it."""
    users, groups = (
        [row for row in _members(store, kind) if row.values["dealGroup"] == str(pipeline.id)]
        for kind in ("user", "group")
    )
    beside = {
        "dealGroupUsers": _PIPELINE_USER.many(users, store),
        "dealGroupGroups": _PIPELINE_GROUP.many(groups, store),
    }
    return beside, {name: [record["id"] for record in records] for name, records in beside.items()}


def _pipeline_columns(given: dict[str, Any]) -> dict[str, Any]:
    texts: dict[str, Any] = {name: to_text(given[name]) for name in ("title", "currency") if name in given}
    return {**texts, **{name: int(to_flag(given[name])) for name in _FLAGS if name in given}}


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, bool) else value for name, value in given.items()}


@route("POST", "/dealGroups")
def create_pipeline(call: Call) -> Answer:
    """Makes a pipeline with three stages: 201 (recorded 2020); what is needed is documented, the refusal assumed."""
    store, given = call.store, call.sent("dealGroup")
    absent = [name for name in ("title", "currency") if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("dealGroup", *absent)
    now = store.now()
    columns = {"autoassign": 1, **_pipeline_columns(given)}
    row = store.pipelines.add(rows.Pipeline(store.pipelines.next_id(), **columns, created=now, updated=now))
    for order, title in enumerate(FIRST_STAGES, start=1):
        store.stages.add(rows.Stage(store.stages.next_id(), row.id, title, order, colour(order)))
    for kind in ("user", "group"):
        _allow(store, row, kind, given.get(f"{kind}s"))
    stages = sorted(store.stages.of(row.id), key=lambda stage: stage.id)
    beside, ids = _rights(store, row)
    echo = {**_plain(given), "stages": [str(stage.id) for stage in stages], **ids}
    body = {"dealStages": STAGE.many(stages, store), **beside, "dealGroup": PIPELINE_CREATED(row, store, echo)}
    return reply(201, body)


@route("PUT", "/dealGroups/{id}")
def update_pipeline(call: Call) -> Answer:
    """Changes what is sent; the reply shows flags as they were sent (recorded 2020)."""
    store, given = call.store, call.sent("dealGroup")
    row = store.pipelines.need(call.id)
    store.pipelines.change(row, **_pipeline_columns(given), updated=store.now())
    for kind in ("user", "group"):
        _allow(store, row, kind, given.get(f"{kind}s"))
    beside, ids = _rights(store, row)
    record = PIPELINE.before("id", **{name: _always(value) for name, value in ids.items()})(row, store)
    record.update({name: value for name, value in _plain(given).items() if name in _FLAGS})
    return reply(200, {**beside, "dealGroup": record})


def _always(value: Any) -> Any:
    return lambda row, view: value


@route("DELETE", "/dealGroups/{id}")
def delete_pipeline(call: Call) -> Answer:
    """Deletes a pipeline; its stages stay in the list of all (recorded 2020), its deals out of sight (assumed)."""
    store = call.store
    row = store.pipelines.need(call.id)
    store.pipelines.drop(row)
    for kind in ("user", "group"):
        _allow(store, row, kind, [])
    return reply(200, {})


def _stage_columns(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        column: to_text(given[name]) for name, column in _STAGE_COLUMNS.items() if given.get(name) is not None
    }
    columns.update({name: to_int(given[name]) for name in ("order", "width") if given.get(name) is not None})
    if given.get("group") is not None:
        columns["pipeline"] = store.pipelines.need(to_int(given["group"])).id
    return columns


@route("POST", "/dealStages")
def create_stage(call: Call) -> Answer:
    """Adds a stage: 201 (recorded 2020); without an order it is the last one (assumed)."""
    store, given = call.store, call.sent("dealStage")
    absent = [name for name in ("title", "group") if not to_text(given.get(name)).strip()]
    if absent:
        raise missing("dealStage", *absent)
    columns, now = _stage_columns(store, given), store.now()
    last = max((stage.order for stage in store.stages.of(columns["pipeline"])), default=0)
    columns = {"order": last + 1, "color": colour(1), **columns}
    row = store.stages.add(rows.Stage(id=store.stages.next_id(), **columns, created=now, updated=now))
    return reply(201, {"dealStage": STAGE_CREATED(row, store, given)})


@route("PUT", "/dealStages/{id}")
def update_stage(call: Call) -> Answer:
    """Changes what is sent; the reply shows numbers as they were sent (recorded 2020)."""
    store, given = call.store, call.sent("dealStage")
    row = store.stages.need(call.id)
    store.stages.change(row, **_stage_columns(store, given), updated=store.now())
    record = STAGE(row, store)
    record.update({name: given[name] for name in ("order", "width", "group") if given.get(name) is not None})
    return reply(200, {"dealStage": record})


@route("DELETE", "/dealStages/{id}")
def delete_stage(call: Call) -> Answer:
    """Deletes a stage (recorded 2020); its deals stay, out of sight (assumed)."""
    call.store.stages.drop(call.store.stages.need(call.id))
    return reply(200, {})
