"""Pipelines (dealGroups) and their stages."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, iso, links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, reply

_COLOURS = ("18D499", "32B0FC", "E6CE4B")

STAGE = Shape[rows.Stage](
    {
        "group": ident("pipeline"),
        "title": attr("title"),
        "color": lambda row, view: _COLOURS[(row.order - 1) % len(_COLOURS)],
        "order": ident("order"),
        "width": always("280"),
        "dealOrder": always("next-action DESC"),
        "cardRegion1": always("title"),
        "cardRegion2": always("next-action"),
        "cardRegion3": always("show-avatar"),
        "cardRegion4": always("contact-fullname-acctname"),
        "cardRegion5": always("value"),
        "cdate": always(None),
        "udate": always(None),
        "links": links("dealStages", "group"),
        "id": ident(),
    }
)

PIPELINE = Shape[rows.Pipeline](
    {
        "title": attr("title"),
        "currency": attr("currency"),
        "autoassign": ident("autoassign"),
        "allusers": always("1"),
        "allgroups": always("1"),
        "win_probability_initialize_date": always(None),
        "cdate": iso("created"),
        "udate": iso("created"),
        "links": links("dealGroups", "stages", "dealGroupUsers", "dealGroupGroups", "winProbabilityFeatures"),
        "id": ident(),
    }
)

# Only the pipelines' own endpoints name the stages; beside a deal they do not (recorded 2020).
_WITH_STAGES = PIPELINE.before(
    "links", stages=lambda row, view: [str(stage.id) for stage in stages_of(view.store, row.id)]
)


def stages_of(store: Store, pipeline: int) -> list[rows.Stage]:
    """A pipeline's stages in their order."""
    return sorted(store.stages.of(pipeline), key=lambda row: row.order)


@route("GET", "/dealGroups")
def list_pipelines(call: Call) -> Answer:
    """A page of pipelines with their stages beside them (recorded 2020)."""
    store, query = call.store, call.query
    title = (query.get("filters", "title") or "").lower()
    found = [row for row in store.pipelines if title in row.title.lower()]
    page = query.page(ordered(found, query, {"title": lambda row: row.title.lower()}))
    stages = [stage for row in page for stage in stages_of(store, row.id)]
    body = {"dealStages": STAGE.many(stages, store), "dealGroups": _WITH_STAGES.many(page, store)}
    return reply(200, {**body, "meta": {"total": str(len(found))}})


@route("GET", "/dealGroups/{id}")
def get_pipeline(call: Call) -> Answer:
    """One pipeline with its stages beside it (the side-load is assumed)."""
    store, row = call.store, call.store.pipelines.need(call.id)
    stages = STAGE.many(stages_of(store, row.id), store)
    return reply(200, {"dealStages": stages, "dealGroup": _WITH_STAGES(row, store)})


@route("GET", "/dealStages")
def list_stages(call: Call) -> Answer:
    """A page of stages (recorded 2020); filters[title] and filters[d_groupid] documented."""
    store, query = call.store, call.query
    wanted: dict[str, Any] = {name: want for name, _, want in query.filters()}
    found = [
        row
        for row in store.stages
        if wanted.get("title", "").lower() in row.title.lower()
        and ("d_groupid" not in wanted or row.pipeline == to_int(wanted["d_groupid"]))
    ]
    found = ordered(found, query, {"title": lambda row: row.title.lower()})
    return reply(200, {"dealStages": STAGE.many(query.page(found), store), "meta": {"total": str(len(found))}})


@route("GET", "/dealStages/{id}")
def get_stage(call: Call) -> Answer:
    """One stage (documented)."""
    return reply(200, {"dealStage": STAGE(call.store.stages.need(call.id), call.store)})
