"""What settling says of every write: as it is declared, as it is documented, and when a record changed in between."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Request
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.tools import TOOLS
from ac_tools.tools._tables import name_of, settling_table

from .reading_back import MADE, WRITES, key_of, planned, read, send

ROOT = Path(__file__).parents[2]
SETTLES = {name_of(tool): tool.endpoint.settles for tool in TOOLS if tool.endpoint.settles}
MARIA, BOTH = "maria@lindqvist-interiors.example", [{"email": "a@new.example"}, {"email": "b@new.example"}]
CEO = [{"field": 1, "value": "CEO"}]
Step = Request | tuple[str, dict[str, Any]] | None


@dataclass(frozen=True)
class Case:
    """What happens around one write, and what reading back then shows.

    Args:
        tool: The tool of the write.
        args: Its arguments.
        kind: What is found.
        steps: What happens once its key is known, in order: a call of somebody else's, a request of somebody else's
            (with {made} for the id of what was last made, or {new} for the latest association), or None for the write.
        earlier: Whether what happens is older than the write, as far as dates tell.
        change: Makes another answer of the account's.
    """

    tool: str
    args: dict[str, Any]
    kind: str
    steps: tuple[Step, ...] = (None,)
    earlier: bool = False
    change: Callable[[Any, Any], Any] | None = field(default=None, compare=False)


def undated(exchange: Any, data: Any) -> Any:
    """An account that tells of nothing when it came to be."""
    dates = {"cdate": "0000-00-00 00:00:00", "createdTimestamp": None, "adddate": None}
    rows = {name: value for name, value in data.items() if isinstance(value, list)}
    if exchange.method != "GET":
        return data
    return {**data, **{name: [{**row, **dates} for row in value] for name, value in rows.items()}}


def put(path: str, wrap: str, **values: Any) -> Request:
    return Request("PUT", path, body={wrap: values})


def of_made(tool: str, path: str, wrap: str, renamed: dict[str, Any]) -> dict[str, Case]:
    """A new record, and what others do with one of its name, or with the very one."""
    args = MADE[tool]("Autumn fair")
    also = (tool, args)
    cases = {
        "made": Case(tool, args, "present"),
        "not made": Case(tool, args, "absent", ()),
        "made by somebody else since": Case(tool, args, "present", (also,)),
        "made by somebody else before": Case(tool, args, "absent", (also,), earlier=True),
        "renamed since": Case(tool, args, "absent", (None, put(f"{path}/{{made}}", wrap, **renamed))),
        "deleted since": Case(tool, args, "absent", (None, Request("DELETE", f"{path}/{{made}}"))),
        "not dated": Case(tool, args, "cannot_tell", change=undated),
    }
    return {f"{tool}: {name}": case for name, case in cases.items()}


CREATED = ("ac_create_contact", {"email": "zoe@new.example"})
SYNCED = ("ac_sync_contact", {"email": MARIA, "first_name": "Mia", "field_values": CEO})
UPDATED = ("ac_update_contact", {"contact": 46, "first_name": "Mia", "field_values": CEO})
TAGGED = ("ac_add_tag", {"contact": 46, "tag": 3})
UNTAGGED = ("ac_remove_tag", {"contact": 46, "tag": 5})
JOINED = ("ac_set_list_status", {"contact": 59, "list": 1, "status": "subscribe"})
ENROLLED = ("ac_add_to_automation", {"contact": 46, "automation": 2})
REMOVED = ("ac_remove_from_automation", {"contact": 32, "automation": 5})
IMPORTED = ("ac_import_contacts", {"contacts": BOTH})
LOBBY = {"title": "Lobby"}
DEAL = ("ac_update_deal", {"deal": 27, "amount": "19000", **LOBBY})
DELETED = ("ac_delete_contact", {"contact": 46})
PROMOTED = Request("POST", "/fieldValues", body={"fieldValue": {"contact": 46, "field": 1, "value": "CFO"}})
LEFT = Request("POST", "/contactLists", body={"contactList": {"contact": 59, "list": 1, "status": 2}})

CASES: dict[str, Case] = {
    **of_made("ac_create_tag", "/tags", "tag", {"tag": "Spring fair"}),
    **of_made("ac_create_list", "/lists", "list", {**MADE["ac_create_list"]("Spring fair"), "stringid": "spring-fair"}),
    **of_made("ac_create_field", "/fields", "field", {"title": "Spring fair"}),
    **of_made("ac_create_account", "/accounts", "account", {"name": "Spring fair"}),
    **of_made("ac_create_deal", "/deals", "deal", {"value": 1}),
    **{
        name: case
        for name, case in of_made("ac_create_campaign", "", "", {}).items()
        if "renamed" not in name and "deleted" not in name  # the API has neither
    },
    "a contact: created": Case(*CREATED, "present"),
    "a contact: not created": Case(*CREATED, "absent", ()),
    "a contact: created by somebody else since": Case(*CREATED, "present", (CREATED,)),
    "a contact: created by somebody else before": Case(*CREATED, "absent", (CREATED,), earlier=True),
    "a contact: with another address since": Case(
        *CREATED, "absent", (None, put("/contacts/{made}", "contact", email="z@new.example"))
    ),
    "a contact: deleted since": Case(*CREATED, "absent", (None, Request("DELETE", "/contacts/{made}"))),
    "a contact: not dated": Case(*CREATED, "cannot_tell", change=undated),
    "an upsert: applied": Case(*SYNCED, "present"),
    "an upsert: not applied": Case(*SYNCED, "absent", ()),
    "an upsert: the same by somebody else": Case(*SYNCED, "present", (UPDATED,)),
    "an upsert: changed again since": Case(
        *SYNCED, "absent", (None, put("/contacts/46", "contact", firstName="Marie"))
    ),
    "an upsert: a field written again since": Case(*SYNCED, "cannot_tell", (None, PROMOTED)),
    "an upsert: deleted since": Case(*SYNCED, "absent", (None, DELETED)),
    "an update: applied": Case(*UPDATED, "present"),
    "an update: not applied": Case(*UPDATED, "absent", ()),
    "an update: the same by somebody else": Case(*UPDATED, "present", (SYNCED,)),
    "an update: changed again since": Case(
        *UPDATED, "absent", (None, put("/contacts/46", "contact", firstName="Marie"))
    ),
    "an update: a field written again since": Case(*UPDATED, "cannot_tell", (None, PROMOTED)),
    "an update: deleted since": Case(*UPDATED, "absent", (None, DELETED)),
    "a deletion: done": Case(*DELETED, "present"),
    "a deletion: not done": Case(*DELETED, "absent", ()),
    "a deletion: by somebody else": Case(*DELETED, "present", (DELETED,)),
    "a deletion: the address is back since": Case(*DELETED, "present", (None, ("ac_create_contact", {"email": MARIA}))),
    "an import: done": Case(*IMPORTED, "present"),
    "an import: not done": Case(*IMPORTED, "absent", ()),
    "an import: one of them deleted since": Case(*IMPORTED, "present", (None, Request("DELETE", "/contacts/{first}"))),
    "an import: somebody else created one before": Case(
        *IMPORTED, "absent", (("ac_create_contact", BOTH[0]),), earlier=True
    ),
    "an import: everybody was known": Case("ac_import_contacts", {"contacts": [{"email": MARIA}]}, "cannot_tell"),
    "a status: set": Case(*JOINED, "present"),
    "a status: not set": Case(*JOINED, "absent", ()),
    "a status: the same by somebody else": Case(*JOINED, "present", (JOINED,)),
    "a status: she left again since": Case(*JOINED, "cannot_tell", (None, LEFT)),
    "a status: deleted since": Case(*JOINED, "absent", (None, Request("DELETE", "/contacts/59"))),
    "a tag: put on": Case(*TAGGED, "present"),
    "a tag: not put on": Case(*TAGGED, "absent", ()),
    "a tag: put on by somebody else": Case(*TAGGED, "present", (TAGGED,)),
    "a tag: taken off since": Case(*TAGGED, "absent", (None, Request("DELETE", "/contactTags/{made}"))),
    "a tag: deleted since": Case(*TAGGED, "absent", (None, Request("DELETE", "/tags/3"))),
    "an untag: done": Case(*UNTAGGED, "present"),
    "an untag: not done": Case(*UNTAGGED, "absent", ()),
    "an untag: by somebody else": Case(*UNTAGGED, "present", (UNTAGGED,)),
    "an untag: put on again since": Case(*UNTAGGED, "present", (None, ("ac_add_tag", UNTAGGED[1]))),
    "an enrolment: done": Case(*ENROLLED, "present"),
    "an enrolment: not done": Case(*ENROLLED, "absent", ()),
    "an enrolment: by somebody else": Case(*ENROLLED, "present", (ENROLLED,)),
    "an enrolment: before": Case(*ENROLLED, "absent", (ENROLLED,), earlier=True),
    "an enrolment: taken out since": Case(*ENROLLED, "absent", (None, Request("DELETE", "/contactAutomations/{made}"))),
    "an enrolment: not dated": Case(*ENROLLED, "cannot_tell", change=undated),
    "an unenrolment: done": Case(*REMOVED, "present"),
    "an unenrolment: not done": Case(*REMOVED, "absent", ()),
    "an unenrolment: by somebody else": Case(*REMOVED, "present", (REMOVED,)),
    "an unenrolment: enrolled again since": Case(*REMOVED, "present", (None, ("ac_add_to_automation", REMOVED[1]))),
    "a deal: changed": Case(*DEAL, "present"),
    "a deal: not changed": Case(*DEAL, "absent", ()),
    "a deal: the same by somebody else": Case(*DEAL, "present", (put("/deals/27", "deal", value=1_900_000, **LOBBY),)),
    "a deal: changed again since": Case(*DEAL, "absent", (None, put("/deals/27", "deal", value=5))),
    "a deal: deleted since": Case(*DEAL, "absent", (None, Request("DELETE", "/deals/27"))),
    "a deal: custom fields alone": Case(
        "ac_update_deal", {"deal": 27, "fields": [{"custom_field_id": 1, "value": "x"}]}, "cannot_tell", ()
    ),
}


class Meanwhile:
    """Does what happens around a write, past the tools' own look for something to do."""

    def __init__(self, toolkit: ActiveCampaignToolkit) -> None:
        self._toolkit = toolkit
        self._made: dict[str, Any] = {}

    def does(self, step: Request | Any) -> None:
        """One request; {made} in its path is the id of what was last made, {first} that of the first new contact."""
        if "{first}" in step.path:
            found = send(self._account, Request("GET", "/contacts", (("email", BOTH[0]["email"]),)))
            self._made["first"] = found.data["contacts"][0]["id"]
        step = Request(step.method, step.path.format_map(self._made), step.params, step.body)
        data = send(self._account, step).data
        inner = [value for value in data.values() if isinstance(value, Mapping) and "id" in value]
        made = data.get("contactTag") or data.get("contactAutomation") or (inner[0] if inner else data)
        self._made["made"] = made.get("id", self._made.get("made"))

    def calls(self, tool: str, args: Mapping[str, Any]) -> None:
        """The requests of a call."""
        for request in planned(self._toolkit, tool, **args).action.requests:
            self.does(request)

    @property
    def _account(self) -> ActiveCampaign:
        return self._toolkit.account


def found(case: Case, toolkit: ActiveCampaignToolkit) -> Any:
    """What reading back shows in a case."""
    action, since = planned(toolkit, case.tool, **case.args).action, time.time()
    meanwhile = Meanwhile(toolkit)
    for step in case.steps:
        if step is None:
            for request in action.requests:
                meanwhile.does(request)
        elif isinstance(step, Request):
            meanwhile.does(step)
        else:
            meanwhile.calls(*step)
    return read(toolkit, case.tool, json.loads(json.dumps(dict(action.key))), since + (60 if case.earlier else 0))


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_after_what_happened(name: str, on: Any, toolkit_for: Any) -> None:
    """Whatever others did around a write, what is found is what the account can show, with the declared reads."""
    case = CASES[name]
    wire = on(change=case.change)
    toolkit = toolkit_for(wire)
    finding = found(case, toolkit)
    assert finding.kind == case.kind, finding.reason


@pytest.mark.parametrize("tool", WRITES)
def test_every_declared_outcome_is_shown(tool: str) -> None:
    """Each outcome that a tool declares has a case, and no other outcome has one; and something changes in between."""
    settles, cases = SETTLES[tool], [case for case in CASES.values() if case.tool == tool]
    assert {case.kind for case in cases} == {"present", "absent", *(["cannot_tell"] if settles.unclear else [])}
    assert any(case.steps not in ((), (None,)) for case in cases)


@pytest.mark.parametrize("tool", WRITES)
def test_the_declared_reads_are_those_that_are_made(tool: str, on: Any, toolkit_for: Any) -> None:
    """Each look makes the requests that are declared, no others and no more; one of the looks makes as many."""
    made: list[list[str]] = []
    cases = [case for case in CASES.values() if case.tool == tool]
    many = [{"email": f"p{number}@new.example"} for number in range(250)]
    if tool == "ac_import_contacts":
        cases.append(Case(tool, {"contacts": many}, "absent", ()))
    for case in cases:
        wire = on(change=case.change)
        toolkit = toolkit_for(wire)
        key = key_of(toolkit, tool, **case.args)
        if None in case.steps:
            Meanwhile(toolkit).calls(tool, case.args)
        before = len(wire.exchanges)
        read(toolkit, tool, key, time.time() - 60)
        made.append([f"{each.method} {each.path}" for each in wire.exchanges[before:]])
    settles = SETTLES[tool]
    declared = [re.compile(re.sub(r"\\{\w+\\}", r"\\d+", re.escape(each))) for each in settles.requests]
    lines = {line for look in made for line in look}
    assert not [line for line in lines if not any(each.fullmatch(line) for each in declared)]
    assert all(any(each.fullmatch(line) for line in lines) for each in declared)
    assert max(map(len, made)) == settles.most


@pytest.mark.parametrize("tool", WRITES)
def test_the_declared_key_is_the_one_that_is_kept(tool: str, toolkit: ActiveCampaignToolkit, valid: Any) -> None:
    """The natural key has the parts that are declared; what stands beside them is only for reading back."""
    key = key_of(toolkit, tool, **valid[tool][0])
    (endpoint,) = (each.endpoint for each in TOOLS if name_of(each) == tool)
    assert {part for part in key if not part.startswith("_")} == set(endpoint.key)


def test_the_document_is_made_from_the_declarations() -> None:
    """docs/settling.md says what the endpoints declare."""
    assert settling_table() in (ROOT / "docs" / "settling.md").read_text(encoding="utf-8")
