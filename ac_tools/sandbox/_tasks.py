"""Tasks, and the kinds of tasks that an account knows."""

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._resource import ALL, ID, LINKS, Resource, serve, stamp_iso
from ac_tools.sandbox._router import Call, route
from ac_tools.sandbox._shape import View, links
from ac_tools.sandbox._values import to_int
from ac_tools.sandbox._wire import Answer, reply

TASK_TYPE = Resource(  # recorded 2021
    plural="dealTasktypes",
    singular="dealTasktype",
    class_name="DealTasktype",
    keys={
        "defduration": "0",
        "status": "0",
        "title": "",
        "cdate": stamp_iso,
        "udate": stamp_iso,
        "created_by": None,
        "updated_by": None,
        "created_utc_timestamp": stamp_iso,
        "updated_utc_timestamp": stamp_iso,
        "display_order": "0",
        "links": LINKS,
        "id": ID,
    },
    links=links("dealTasktypes", "dealTasks", "tasktypeOutcomeRels"),
    echo=("title", "status", "cdate", "udate", "created_by", "links", "id"),
    answers={"cdate": stamp_iso, "udate": stamp_iso, "created_by": "1"},
    touched={"udate": stamp_iso, "updated_by": "1"},
    needs=("title",),
)

_OWNERS = {"Deal": "deal", "Subscriber": "contact", "CustomerAccount": "account", "DealTask": "task"}


def owner_of(row: rows.Record, _view: View) -> dict[str, str]:
    """What a note or a task belongs to, as its own pair of kind and id (recorded 2020 for deals)."""
    kind = str(row.values["reltype"])
    return {"type": _OWNERS.get(kind, kind.lower()), "id": str(row.values["relid"])}


TASK = Resource(  # documented, never recorded
    plural="dealTasks",
    singular="dealTask",
    class_name="DealTask",
    keys={
        "relid": "",
        "reltype": "Deal",
        "dealTasktype": "",
        "user": "1",
        "assignee": None,
        "automation": None,
        "cdate": stamp_iso,
        "duedate": None,
        "edate": None,
        "duration": "0",
        "status": "0",
        "title": "",
        "note": "",
        "donedate": None,
        "doneAutomation": None,
        "udate": stamp_iso,
        "owner": None,
        "id": ID,
        "outcomeId": None,
        "outcomeInfo": None,
        "links": LINKS,
    },
    links=links(
        "dealTasks",
        *("activities", "automation", "dealTasktype", "doneAutomation", "notes", "owner", "taskNotifications"),
        *("user", "assignee"),
    ),
    echo=(
        *("id", "duedate", "edate", "status", "title", "note", "relid", "reltype", "dealTasktype", "cdate", "udate"),
        *("user", "assignee", "owner", "outcomeId", "outcomeInfo", "links"),
    ),
    answers={"cdate": stamp_iso, "udate": stamp_iso, "status": 0, "reltype": "Deal", "user": "1"},
    touched={"udate": stamp_iso},
    worked_out={"owner": owner_of},
    needs=("relid", "duedate", "dealTasktype"),
)


@route("PUT", "/dealTasktypes/{id}/dealTasks")
def move_tasks(call: Call) -> Answer:
    """Gives all tasks of one kind to another (documented; that it answers with nothing beside them is assumed)."""
    store, tasks = call.store, TASK.table(call.store)
    old = TASK_TYPE.table(store).need(call.id)
    new = TASK_TYPE.table(store).need(to_int(call.sent("dealTask").get("dealTasktype")))
    moved = [row for row in tasks if to_int(row.values["dealTasktype"]) == old.id]
    return reply(200, {"dealTasks": [TASK.change(store, row, {"dealTasktype": str(new.id)}) for row in moved]})


serve(TASK_TYPE, *ALL)
serve(TASK, *ALL)
