"""Automations and the runs of people through them."""

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._query import Query, compares, matches, ordered
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import Render, Shape, View, always, attr, ident, iso, links, sent
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_flag, to_int
from ac_tools.sandbox._wire import Answer, Refusal, missing, reply

_ELEMENTS = 3  # steps that every automation of the sandbox is said to have


def _written(number: int, form: str) -> int | str:
    return str(number) if form == "text" else number


def _steps(number: int) -> Render:
    return lambda row, view: _written(number, view.store.settings.element_counts)


# Documented in 2025; never recorded. The status is an integer there, everything else is text.
AUTOMATION = Shape[rows.Automation](
    {
        "name": attr("name"),
        "cdate": iso("created"),
        "mdate": iso("created"),
        "userid": always("1"),
        "status": lambda row, view: _written(row.status, view.store.settings.automation_status),
        "entered": ident("entered"),
        "exited": ident("exited"),
        "hidden": always("0"),
        "entitlements_violation": always("0"),
        "source": always("0"),
        "description": always(None),
        "exit_on_unsubscribe": always("0"),
        "exit_on_conversion": always("0"),
        "multientry": ident("multientry"),
        "links": links(
            "automations", "campaigns", "contactGoals", "contactAutomations", "blocks", "goals", "sms", "sitemessages"
        ),
        "id": ident(),
    }
)


def _when_over(over: Render, running: Render) -> Render:
    def render(row: rows.Enrolment, view: View) -> object:
        return (running if row.status == 1 else over)(row, view)

    return render


# Captured 2024 and 2025 (types) and documented.
ENROLMENT = Shape[rows.Enrolment](
    {
        "contact": ident("contact"),
        "seriesid": ident("automation"),
        "startid": always("0"),
        "status": ident("status"),
        "batchid": always(None),
        "adddate": iso("added"),
        "remdate": _when_over(iso("added"), always(None)),
        "timespan": _when_over(always("0"), always(None)),
        "lastblock": always("1"),
        "lastlogid": always("0"),
        "lastdate": iso("added"),
        "in_als": always("0"),
        "completedElements": _when_over(_steps(_ELEMENTS), _steps(0)),
        "totalElements": _steps(_ELEMENTS),
        "completed": _when_over(always(1), always(0)),
        "completeValue": _when_over(always(100), always(0)),
        "links": links("contactAutomations", "automation", "contact", "contactGoals", "automationLogs"),
        "id": ident(),
        "automation": ident("automation"),
    }
)

_ENROLLED = Shape[rows.Enrolment](
    {
        "contact": sent("contact"),
        "seriesid": ident("automation"),
        "startid": always(0),
        "status": always(1),
        "lastblock": always("1"),
        "completedElements": always("0"),
        "totalElements": always(str(_ELEMENTS)),
        "completed": always(0),
        "completeValue": always(0),
        "links": links("contactAutomations", "automation", "contact", "contactGoals"),
        "id": ident(),
        "automation": sent("automation"),
    }
)


def enrol(store: Store, contact: rows.Contact, automation: rows.Automation) -> rows.Enrolment | None:
    """Starts a run; None when the automation is inactive, or takes everybody once and had this person."""
    entered_before = any(each.automation == automation.id for each in store.enrolments.of(contact.id))
    if automation.status != 1 or (entered_before and not automation.multientry):
        return None
    store.automations.change(automation, entered=automation.entered + 1)
    row = rows.Enrolment(store.enrolments.next_id(), contact.id, automation.id, 1, store.now())
    return store.enrolments.add(row)


def start_automations(store: Store, contact: rows.Contact, start: dict[str, object]) -> None:
    """Starts every active automation that starts on this, for instance `{"type": "tag", "tag": 3}`."""
    for automation in store.automations:
        if automation.start == start:
            enrol(store, contact, automation)


def stop_automations(store: Store, contact: rows.Contact, start: dict[str, object]) -> None:
    """Ends a person's runs of the automations that start on what was taken away, where that is assumed."""
    started = {each.id for each in store.automations if each.start == start and store.settings.removal_stops_runs}
    for run in store.enrolments.of(contact.id):
        if run.automation in started and run.status == 1:
            _leave(store, run)
            store.enrolments.change(run, status=2)


def _leave(store: Store, run: rows.Enrolment) -> None:
    """Counts a run that ends before its time."""
    automation = store.automations.get(run.automation)
    if automation is not None and run.status == 1:
        store.automations.change(automation, exited=automation.exited + 1)


def _passes(row: rows.Automation, query: Query) -> bool:
    active = query.get("active")
    if active is not None and (row.status == 1) is not to_flag(active):
        return False
    if not matches(row.name, "contains", query.get("search") or ""):
        return False
    for name, operator, want in query.filters():
        if name == "name" and not matches(row.name, operator, want):
            return False
        if name == "status" and str(row.status) != want:
            return False
        if name == "ids" and str(row.id) not in want.split(","):
            return False
    return True


_ORDERS = {
    "name": lambda row: row.name.lower(),
    "status": lambda row: row.status,
    "entered": lambda row: row.entered,
    "cdate": lambda row: row.created,
    "mdate": lambda row: row.created,
}


@route("GET", "/automations")
def list_automations(call: Call) -> Answer:
    """A page of automations (documented, never recorded); `starts` names kinds of start, not tags or lists."""
    store, query = call.store, call.query
    found = ordered([row for row in store.automations if _passes(row, query)], query, _ORDERS)
    starts = [
        {"id": str(row.id), "series": str(row.id), "type": row.start["type"]}
        for row in found
        if row.start["type"] != "manual"
    ]
    meta = {"total": store.total(len(found)), "starts": starts, "filtered": bool(query.filters()), "smsLogs": []}
    return reply(200, {"automations": AUTOMATION.many(query.page(found), store), "meta": meta})


def _refusal(store: Store) -> Refusal:
    """The text is the same under both statuses that are known (documented 403; an integrator's code: 422)."""
    text, status = "Could not create SubscriberSeries", store.settings.reenrol_status
    if status == 422:
        return Refusal(status, {"errors": [{"status": "422", "detail": text}]})
    return Refusal(status, {"message": text})


@route("POST", "/contactAutomations")
def create_enrolment(call: Call) -> Answer:
    """Enrols a person: 201 (documented); refused when inactive, unknown or single-entry and entered."""
    store, given = call.store, call.sent("contactAutomation")
    absent = [name for name in ("contact", "automation") if name not in given]
    if absent:
        raise missing("contactAutomation", *absent)
    contact = store.contacts.get(to_int(given["contact"]))
    automation = store.automations.get(to_int(given["automation"]))
    if contact is None or automation is None:
        raise _refusal(store)
    row = enrol(store, contact, automation)
    if row is None:
        raise _refusal(store)
    body = {"contacts": [CONTACT(contact, store)], "contactAutomation": _ENROLLED(row, store, given)}
    return reply(201, body)


@route("GET", "/contactAutomations/{id}")
def get_enrolment(call: Call) -> Answer:
    """One run (documented)."""
    row = call.store.enrolments.need(call.id)
    return reply(200, {"contactAutomation": ENROLMENT(row, call.store)})


@route("DELETE", "/contactAutomations/{id}")
def delete_enrolment(call: Call) -> Answer:
    """Ends a run; the row is gone afterwards (assumed). A missing one is answered 403 (documented)."""
    store = call.store
    row = store.enrolments.get(call.id)
    if row is None:
        text = f"No Result found for SubscriberSeries with id {call.id}"
        raise Refusal(store.settings.missing_enrolment_status, {"message": text})
    store.enrolments.drop(row)
    _leave(store, row)
    return reply(200, {})


def _run_passes(row: rows.Enrolment, store: Store, query: Query) -> bool:
    have = {"seriesid": row.automation, "status": row.status, "subscriberid": row.contact}
    for name, operator, want in query.filters():
        if name in have and have[name] != to_int(want, -1):
            return False
        moment = store.asked_moment(want) if name == "adddate" else None
        if moment is not None and not compares(row.added, operator, moment):
            return False
    return True


@route("GET", "/contactAutomations")
def list_enrolments(call: Call) -> Answer:
    """All runs (documented; filters from ActiveCampaign's own client)."""
    store = call.store
    found = [row for row in store.enrolments if _run_passes(row, store, call.query)]
    meta = {"total": str(len(found)), "showcase_stats": []}
    return reply(200, {"contactAutomations": ENROLMENT.many(call.query.page(found), store), "meta": meta})
