"""Campaigns: drafts are made here, nothing is ever sent."""

from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._query import Query, matches, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Render, Shape, View, always, attr, ident, iso, links
from ac_tools.sandbox._values import to_flag
from ac_tools.sandbox._wire import Answer, Refusal, reply

_TYPES = ["single", "recurring", "split", "responder", "reminder", "special", "activerss", "text"]
_STATES = ["drafts", "scheduled", "currently-sending", "paused", "stopped", "complete", "disabled", "pending-review"]


def _constants(**values: str | None) -> dict[str, Render]:
    return {key: always(value) for key, value in values.items()}


def _recipients(row: rows.Campaign, view: View) -> str:
    """Everybody active on the list of a campaign that went out; nobody for the others."""
    if row.sent is None:
        return "0"
    return str(sum(1 for each in view.store.memberships if each.list == row.list and each.status == 1))


# Documented from a real account of 2018; never recorded.
CAMPAIGN = Shape[rows.Campaign](
    {
        "type": attr("type"),
        **_constants(userid="1", segmentid="0", bounceid="-1", realcid="0", sendid="0", threadid="0", seriesid="0"),
        **_constants(formid="0", basetemplateid="", basemessageid="0", addressid="0", source="web"),
        "name": attr("name"),
        "cdate": iso("created"),
        "mdate": iso("created"),
        "sdate": iso("sent"),
        "ldate": iso("sent"),
        "send_amt": _recipients,
        "total_amt": _recipients,
        **_constants(opens="0", uniqueopens="0", linkclicks="0", uniquelinkclicks="0", subscriberclicks="0"),
        **_constants(forwards="0", uniqueforwards="0", hardbounces="0", softbounces="0", unsubscribes="0"),
        **_constants(unsubreasons="0", updates="0", socialshares="0", replies="0", uniquereplies="0"),
        "status": ident("status"),
        **_constants(public="1", mail_transfer="0", mail_send="0", mail_cleanup="0", mailer_log_file="0"),
        **_constants(tracklinks="all", tracklinksanalytics="0", trackreads="1", trackreadsanalytics="0"),
        **_constants(analytics_campaign_name="", tweet="0", facebook="0", survey="", embed_images="0"),
        **_constants(htmlunsub="0", textunsub="0", htmlunsubdata=None, textunsubdata=None, recurring="day1"),
        **_constants(willrecur="0", split_type="even", split_content="0", split_offset="2", split_offset_type="day"),
        **_constants(split_winner_messageid="0", split_winner_awaiting="0", responder_offset="0"),
        **_constants(responder_type="subscribe", responder_existing="0", reminder_field="sdate"),
        **_constants(reminder_format=None, reminder_type="month_day", reminder_offset="0"),
        **_constants(reminder_offset_type="day", reminder_offset_sign="+", reminder_last_cron_run=None),
        **_constants(activerss_interval="day1", activerss_url=None, activerss_items="10", ip4="0"),
        **_constants(laststep="designer", managetext="0", schedule="0", scheduleddate=None, waitpreview="0"),
        **_constants(deletestamp=None, replysys="0"),
        "links": links(
            "campaigns", "user", "automation", "campaignMessage", "campaignMessages", "links", "campaignLists"
        ),
        "id": ident(),
        **_constants(user="1", automation=None),
    }
)


def _problems(given: dict[str, Any]) -> list[str]:
    """What is wrong with a new campaign, in the words that are documented for name and type."""
    found = []
    for name in ("name", "type"):
        value = given.get(name)
        if value is None or value == "":
            found.append(f"Field {name} is required")
        elif not isinstance(value, str):
            found.append(f"Field {name} must be of type string")
    if not found and given["type"] not in _TYPES:
        found.append("Field type is not a known campaign type")
    return found


@route("POST", "/campaign")
def create_campaign(call: Call) -> Answer:
    """Makes a draft: 200, a flat body with an integer id (documented, never recorded)."""
    store, given = call.store, dict(call.body)
    problems = _problems(given)
    if problems:
        raise Refusal(400, {"errors": problems})
    row = rows.Campaign(store.campaigns.next_id(), given["name"], given["type"], 0, store.now())
    store.campaigns.add(row)
    split = to_flag(given.get("canSplitContent"))
    return reply(200, {"id": row.id, "name": row.name, "type": row.type, "canSplitContent": split})


def _passes(row: rows.Campaign, query: Query) -> bool:
    state = query.get("status")
    if state in _STATES and row.status != _STATES.index(state):
        return False
    have = {"type": row.type, "status": str(row.status), "id": str(row.id), "list_id": str(row.list), "seriesid": "0"}
    for name, operator, want in query.filters():
        if name == "name" and not matches(row.name, operator, want):
            return False
        if name in have and have[name] != want:
            return False
    return True


@route("GET", "/campaigns")
def list_campaigns(call: Call) -> Answer:
    """A page of campaigns (documented; filters from ActiveCampaign's own client)."""
    store, query = call.store, call.query
    found = ordered(
        [row for row in store.campaigns if _passes(row, query)],
        query,
        {
            "id": lambda row: row.id,
            "sdate": lambda row: row.sent or 0,
            "ldate": lambda row: row.sent or 0,
            "mdate": lambda row: row.created,
            "status": lambda row: row.status,
        },
    )
    page = CAMPAIGN.many(query.page(found), store)
    return reply(200, {"campaigns": page, "meta": {"total": store.total(len(found))}})


@route("GET", "/campaigns/{id}")
def get_campaign(call: Call) -> Answer:
    """One campaign (documented)."""
    return reply(200, {"campaign": CAMPAIGN(call.store.campaigns.need(call.id), call.store)})


SEGMENT = Shape[rows.Segment](
    {
        "name": attr("name"),
        "logic": always("and"),
        "hidden": always("0"),
        "seriesid": always("0"),
        "links": always([]),
        "id": ident(),
    }
)


@route("GET", "/segments")
def list_segments(call: Call) -> Answer:
    """A page of segments (once documented, still in use)."""
    store, found = call.store, list(call.store.segments)
    page = SEGMENT.many(call.query.page(found), store)
    return reply(200, {"segments": page, "meta": {"total": store.total(len(found))}})


@route("GET", "/segments/{id}")
def get_segment(call: Call) -> Answer:
    """One segment (once documented)."""
    segment = call.store.segments.need(call.id)
    return reply(200, {"segment": SEGMENT(segment, call.store)})
