"""Kinds of records that only other clients ask for: addresses, webhooks, templates, messages, logged emails."""

from ac_tools.sandbox._resource import ALL, ID, LINKS, Resource, serve, stamp_iso, stamp_local
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import always, links
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import words
from ac_tools.sandbox._wire import Answer, reply


def _first_address(store: Store) -> int:
    """The first address is the default one (recorded 2020); that later ones are not is assumed."""
    return int(not any(row.values["isDefault"] == "1" for row in ADDRESS.table(store)))


ADDRESS = Resource(
    plural="addresses",
    singular="address",
    class_name="Address",
    keys={
        **dict.fromkeys(("companyName", "address1", "address2", "city", "state", "district", "zip", "country"), ""),
        "allgroup": "0",
        "isDefault": "0",
        "created_timestamp": stamp_local,
        "updated_timestamp": stamp_local,
        "created_by": None,
        "updated_by": None,
        "links": LINKS,
        "id": ID,
    },
    links=links("addresses", "addressGroup", "addressList", "forms"),
    echo=(
        *("city", "state", "district", "zip", "country", "companyName", "address1", "address2", "allgroup"),
        *("isDefault", "links", "id"),
    ),
    answers={"isDefault": _first_address},
    later={"updated_timestamp": stamp_local, "created_by": "0", "updated_by": "0"},
)

WEBHOOK = Resource(  # documented
    plural="webhooks",
    singular="webhook",
    class_name="Webhook",
    keys={
        "cdate": stamp_iso,
        "listid": "0",
        "name": "",
        "url": "",
        "events": [],
        "sources": [],
        "links": LINKS,
        "id": ID,
    },
    links=always([]),
    echo=("cdate", "listid", "name", "url", "events", "sources", "links", "id"),
    answers={"cdate": stamp_iso, "listid": "0"},
    needs=("name", "url", "events", "sources"),
    recorded=False,
)

TEMPLATE = Resource(
    plural="templates",
    singular="template",
    class_name="Template",
    keys={
        "userid": "1",
        "ed_instanceid": "0",
        "ed_version": "2",
        "name": "",
        "subject": "",
        "content": "",
        "categoryid": "1",
        "used": "1",
        "waitpreview": "0",
        "importnum": "0",
        "mdate": stamp_iso,
        "preview_content": "",
        "modified": "1",
        "hidden": "0",
        "screenshot": "",
        "links": LINKS,
        "id": ID,
    },
    links=links("templates", "templateLists"),
)

MESSAGE = Resource(  # documented with GET only
    plural="messages",
    singular="message",
    class_name="Message",
    keys={
        "userid": "1",
        "ed_instanceid": "0",
        "ed_version": "0",
        "cdate": stamp_iso,
        "mdate": stamp_iso,
        "name": "",
        "fromname": "",
        "fromemail": "",
        "reply2": "",
        "priority": "3",
        "charset": "utf-8",
        "encoding": "quoted-printable",
        "format": "mime",
        "subject": "",
        "preheader_text": "",
        "text": "",
        "html": "",
        "links": LINKS,
        "id": ID,
    },
    links=links("messages", "user"),
    recorded=False,
)

EMAIL_ACTIVITY = Resource(
    plural="emailActivities",
    singular="emailActivity",
    class_name="EmailActivity",
    keys={
        "subscriberid": "0",
        "userid": "0",
        "d_id": "0",
        "account": None,
        "reltype": "SubscriberEmail",
        "relid": "0",
        "from_name": "",
        "fromAddress": "",
        "toAddress": "",
        "ccAddress": "",
        "subject": "",
        "message": "",
        "messageHtml": "",
        "tstamp": stamp_iso,
        "sentiment": None,
        "links": LINKS,
        "id": ID,
        "contact": None,
        "deal": None,
        "user": None,
        "reference": None,
    },
    links=links("emailActivities", "contact", "deal", "user", "reference", "account"),
)

# Documented names of what a webhook can be told of.
EVENTS = words(
    """
    bounce click contact_tag_added contact_tag_removed deal_add deal_note_add deal_pipeline_add deal_stage_add
    deal_task_add deal_task_complete deal_tasktype_add deal_update forward list_add open reply sent share sms_reply
    sms_sent sms_unsub subscribe subscriber_note unsubscribe update
    """
)


@route("GET", "/")
def greet(call: Call) -> Answer:
    """The root, where a client sees whether its key is taken: 200 (assumed, as tap-activecampaign begins with it)."""
    return reply(200, {})


@route("GET", "/webhook/events")
def list_events(call: Call) -> Answer:
    """What a webhook can be told of (documented); the total is an integer here."""
    return reply(200, {"webhookEvents": EVENTS, "meta": {"total": len(EVENTS)}})


serve(ADDRESS, *ALL)
serve(WEBHOOK, *ALL)
serve(TEMPLATE, "list", "get")
serve(MESSAGE, "list", "get")
serve(EMAIL_ACTIVITY, "list", "get")
