"""Pipelines (dealGroups) and their stages."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Shape, always, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, reply

_COLOURS = ("18D499", "32B0FC", "E6CE4B")
FIRST_STAGES = ("To Contact", "In Contact", "Follow Up")

STAGE = Shape[rows.Stage](
    {
        "group": ident("pipeline"),
        "title": attr("title"),
        "color": attr("color"),
        "order": ident("order"),
        "width": ident("width"),
        "dealOrder": attr("deal_order"),
        "cardRegion1": attr("card1"),
        "cardRegion2": attr("card2"),
        "cardRegion3": attr("card3"),
        "cardRegion4": attr("card4"),
        "cardRegion5": attr("card5"),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": links("dealStages", "group"),
        "id": ident(),
    }
)

_CARDS = ("cardRegion1", "cardRegion2", "cardRegion3", "cardRegion4", "cardRegion5")
STAGE_CREATED = Shape[rows.Stage](
    {
        "color": sent("color", attr("color")),
        "order": sent("order", attr("order")),
        **{name: sent(name) for name in ("title", "width", *_CARDS, "dealOrder", "group")},
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": links("dealStages", "group"),
        "id": ident(),
    }
)

_PIPELINE_LINKS = links("dealGroups", "stages", "dealGroupUsers", "dealGroupGroups", "winProbabilityFeatures")
PIPELINE = Shape[rows.Pipeline](
    {
        "title": attr("title"),
        "currency": attr("currency"),
        "autoassign": ident("autoassign"),
        "allusers": ident("allusers"),
        "allgroups": ident("allgroups"),
        "win_probability_initialize_date": always(None),
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": _PIPELINE_LINKS,
        "id": ident(),
    }
)

# The keys that name what belongs to a new pipeline are given by whoever makes it.
PIPELINE_CREATED = Shape[rows.Pipeline](
    {
        **{name: sent(name) for name in ("title", "currency", "allgroups", "allusers", "autoassign")},
        "cdate": iso("created"),
        "udate": iso("updated"),
        "links": _PIPELINE_LINKS,
        **{name: sent(name) for name in ("stages", "dealGroupUsers", "dealGroupGroups")},
        "id": ident(),
    }
)

# Only the pipelines' own endpoints name the stages; beside a deal they do not (recorded 2020).
_WITH_STAGES = PIPELINE.before(
    "links", stages=lambda row, view: [str(stage.id) for stage in sorted(view.store.stages.of(row.id), key=_by_id)]
)


def _by_id(row: rows.Stage) -> int:
    return row.id


def colour(order: int) -> str:
    """The colour of a stage that nobody gave one, by its place in the pipeline (recorded 2020)."""
    return _COLOURS[(order - 1) % len(_COLOURS)]


def stages_of(store: Store, pipeline: int) -> list[rows.Stage]:
    """A pipeline's stages in their order."""
    return sorted(store.stages.of(pipeline), key=lambda row: (row.order, row.id))


def _beside(store: Store, pipelines: list[rows.Pipeline]) -> list[dict[str, Any]]:
    """The stages beside pipelines, by id and not in their order (recorded 2020)."""
    return STAGE.many(sorted((stage for row in pipelines for stage in store.stages.of(row.id)), key=_by_id), store)


@route("GET", "/dealGroups")
def list_pipelines(call: Call) -> Answer:
    """A page of pipelines with their stages beside them (recorded 2020)."""
    store, query = call.store, call.query
    title = (query.get("filters", "title") or "").lower()
    found = [row for row in store.pipelines if title in row.title.lower()]
    page = query.page(ordered(found, query, {"title": lambda row: row.title.lower()}))
    body = {"dealStages": _beside(store, page), "dealGroups": _WITH_STAGES.many(page, store)}
    return reply(200, {**body, "meta": {"total": str(len(found))}})


@route("GET", "/dealGroups/{id}")
def get_pipeline(call: Call) -> Answer:
    """One pipeline with its stages beside it (the side-load is assumed)."""
    store, row = call.store, call.store.pipelines.need(call.id)
    return reply(200, {"dealStages": _beside(store, [row]), "dealGroup": _WITH_STAGES(row, store)})


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
