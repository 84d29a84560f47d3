"""Every inverse against an embedded account: what was written is as before, or somebody's change since is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard, Level
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.sandbox import Sandbox, Settings
from ac_tools.tools import TOOLS
from ac_tools.tools._tables import name_of, undo_table
from ac_tools.undo._inverses import INVERSES
from ac_tools.undo._past import Inverse, UndoError

ROOT = Path(__file__).parents[2]
WRITES = {name_of(tool): tool for tool in TOOLS if tool.endpoint.level > Level.READ}
FAR = "a.new@person.example"

_OF_PEOPLE = ("memberships", "contact_tags", "field_values", "enrolments", "account_contacts")
_LOST = {"id", "created", "updated", "subscribed", "added", "source", "reason", "contact", "hash", "entered", "exited"}
"""What no inverse restores: ids and times of ties and of contacts, and how often an automation was entered."""


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """All that an account holds, people by their addresses, without what no inverse restores."""
    store = sandbox._store
    people = {row.id: row.email for row in store.contacts}
    tables = {name: list(table) for name, table in vars(store).items() if hasattr(table, "need")}
    state: dict[str, Any] = {"others": [(name, _all(row)) for name, table in store._records.items() for row in table]}
    for name, rows in tables.items():
        if name in _OF_PEOPLE:
            told = [{"person": people.get(row.contact), **_without(row, _LOST)} for row in rows]
            state[name] = _sorted(row for row in told if row.get("value") != "")
        elif name == "contacts":
            state[name] = _sorted(_without(row, _LOST) for row in rows)
        elif name == "deals":
            state[name] = [{**_without(row, {"updated"}), "contact": people.get(row.contact)} for row in rows]
        else:
            state[name] = [_without(row, {"updated", "entered", "exited"}) for row in rows]
    return state


def _all(row: Any) -> dict[str, Any]:
    """The row's values; copied where they can change, for a row has few of those and there are many rows."""
    values = {name: getattr(row, name) for name in row.__slots__}
    return {name: deepcopy(value) if isinstance(value, (dict, list)) else value for name, value in values.items()}


def _without(row: Any, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in _all(row).items() if name not in names}


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The rows that are in one of two states only, table by table."""
    found = {}
    for name in (name for name in before if before[name] != after[name]):
        gone = [row for row in before[name] if row not in after[name]]
        new = [row for row in after[name] if row not in before[name]]
        if gone or new:
            found[name] = (gone, new)
    return found


class World:
    """An embedded account, an agent that may do everything, and a person who agrees to it."""

    def __init__(self, approve: Any, payloads: str = "30d", **settings: Any) -> None:
        self.approve = approve
        self.sandbox = Sandbox(settings=Settings(**settings))
        self.account = ActiveCampaign(
            url=self.sandbox.url, key=self.sandbox.key, transport=self.sandbox.transport(), limit=None
        )
        grants = Grants.from_dict({"agents": {"marketing": dict.fromkeys(AREAS, "full")}}, catalog=catalog)
        guard = Guard(grants, approver=approve, ledger="memory:", payloads=payloads)
        self.toolkit = ActiveCampaignToolkit(account=self.account, guard=guard, agent="marketing")

    def write(self, tool: str, args: dict[str, Any]) -> str:
        """Make a call that succeeds; returns its entry."""
        known = {entry.id for entry in self.toolkit.guard.ledger.entries()}
        call = {"type": "tool_call", "id": f"call_{len(known)}", "name": tool, "args": args}
        message = self.toolkit.get_tool(tool).invoke(call)
        assert message.status == "success", message.content
        [entry] = [entry.id for entry in self.toolkit.guard.ledger.entries() if entry.id not in known]
        return entry

    def happens(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody else does in the account."""
        data = json.dumps(body).encode() if body is not None else b""
        answer = self.sandbox.handle(method, f"/api/3{path}", {"Api-Token": self.sandbox.key}, data)
        assert answer.status < 300, answer
        return json.loads(answer.body)

    @property
    def state(self) -> dict[str, Any]:
        """All that the account holds."""
        return state_of(self.sandbox)

    def snapshot(self, entry: str) -> Any:
        """What is kept of what stood there before."""
        found = self.toolkit.guard.ledger.entry(entry)
        assert found is not None
        return found.payload.get("before")


@pytest.fixture
def world(approve: Any) -> Iterator[Callable[..., World]]:
    """Makes embedded accounts."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(approve, **settings))
        return made[-1]

    yield make
    for one in made:
        one.toolkit.close()


NEW_DEAL = {"title": "Desks", "amount": "1250.50", "currency": "USD", "contact": 46, "stage": "New"}
NEW_LIST = {"name": "Spring", "sender_url": "https://a.example", "sender_reminder": "You signed up."}
NEW_FIELD = {"title": "Shirt size", "type": "dropdown", "options": ["S", "M"]}
JOB = [{"field": "Job title", "value": "CEO"}]

RESTORED: dict[str, tuple[str, dict[str, Any]]] = {
    "a new contact": ("ac_create_contact", {"email": FAR, "first_name": "A.", "field_values": JOB}),
    "an upsert of somebody new": ("ac_sync_contact", {"email": FAR, "phone": "1", "field_values": JOB}),
    "an upsert of somebody known": (
        "ac_sync_contact",
        {"email": "bea.lovell@example.org", "last_name": "Ray", "phone": "", "field_values": JOB},
    ),
    "an update": ("ac_update_contact", {"contact": 46, "first_name": "M.", "phone": "", "field_values": JOB}),
    "an update of what was empty": ("ac_update_contact", {"contact": 3, "field_values": JOB}),
    "a new address": ("ac_update_contact", {"contact": 59, "email": "klaus@new.example"}),
    "choices of several": (
        "ac_update_contact",
        {"contact": 3, "field_values": [{"field": 3, "value": "||Desks||Dining||"}]},
    ),
    "a new list": ("ac_create_list", NEW_LIST),
    "an unsubscription": ("ac_set_list_status", {"contact": 46, "list": 2, "status": "unsubscribe"}),
    "a re-subscription": ("ac_set_list_status", {"contact": 36, "list": 3, "status": "subscribe"}),
    "a status that was unconfirmed": ("ac_set_list_status", {"contact": 225, "list": 1, "status": "unsubscribe"}),
    "a new tag": ("ac_create_tag", {"name": "Fresh", "description": "As of today"}),
    "a tag put on": ("ac_add_tag", {"contact": 46, "tag": "C#"}),
    "a tag taken off": ("ac_remove_tag", {"contact": 28, "tag": "Trade"}),
    "a new deal": ("ac_create_deal", NEW_DEAL),
    "a changed deal": (
        "ac_update_deal",
        {"deal": 27, "title": "Lobby", "amount": "19000", "status": "won", "description": "At last", "owner": 1},
    ),
    "a deal that moved": ("ac_update_deal", {"deal": 27, "stage": "Agreement"}),
    "a deal in another pipeline": ("ac_update_deal", {"deal": 27, "pipeline": 1}),
    "a new field": ("ac_create_field", NEW_FIELD),
    "an enrolment": ("ac_add_to_automation", {"contact": 46, "automation": "Trade onboarding"}),
    "the end of a run": ("ac_remove_from_automation", {"contact": 6, "automation": 2}),
    "a new business": ("ac_create_account", {"name": "Acme GmbH", "account_url": "https://acme.example"}),
}
"""Writes that are taken back without a trace."""


@pytest.mark.parametrize("case", RESTORED)
def test_a_write_that_is_taken_back_leaves_the_account_as_it_was(case: str, world: Any) -> None:
    """The whole account is as before the write, which had changed it."""
    at, (tool, args) = world(), RESTORED[case]
    before = at.state
    entry = at.write(tool, args)
    assert difference(before, at.state)
    undone = at.toolkit.undo(entry, by="anna")
    assert undone.complete, str(undone)
    assert difference(before, at.state) == {}


@pytest.mark.parametrize("case", ["an upsert of somebody known", "a changed deal", "a tag taken off", "a new field"])
async def test_so_does_one_on_an_event_loop(case: str, world: Any) -> None:
    """The same through `aundo`."""
    at, (tool, args) = world(), RESTORED[case]
    before = at.state
    undone = await at.toolkit.aundo(at.write(tool, args), by="anna")
    assert undone.complete, str(undone)
    assert difference(before, at.state) == {}
    await at.account.aclose()


def test_a_deleted_contact_is_created_anew_with_its_ties(world: Any) -> None:
    """Values, fields, tags and lists are back, and the list that they had left they have left still."""
    at = world()
    before = at.state
    entry = at.write("ac_delete_contact", {"contact": 102})
    undone = at.toolkit.undo(entry, by="anna")
    assert undone.complete, str(undone)
    lost = difference(before, at.state)
    assert set(lost) == {"enrolments"}, lost  # the runs go, and subscribing to the newsletter begins a new one
    gone, new = lost["enrolments"]
    assert [(row["automation"], row["status"]) for row in gone + new] == [(1, 2), (1, 1)]
    assert [step.tool for step in undone.steps][:2] == ["ac_create_contact", "ac_set_list_status"]


def test_lists_that_somebody_left_are_set_before_anything_can_reach_them(world: Any) -> None:
    """An opt-out and a bounced address come back before subscriptions and tags, whose automations may send mail."""
    at = world()
    at.happens("POST", "/contactTags", {"contactTag": {"contact": 96, "tag": 4}})
    at.happens("POST", "/contactLists", {"contactList": {"contact": 96, "list": 2, "status": 0}})
    at.sandbox._store.memberships.change(at.sandbox._store.memberships.find((96, 4)), status=3)
    undone = at.toolkit.undo(at.write("ac_delete_contact", {"contact": 96}), by="anna")
    assert undone.complete, str(undone)
    [new] = [row.id for row in at.sandbox._store.contacts if row.email == "martin.ocampo@correo.example"]
    rows = at.sandbox._store.memberships.of(new)  # in the order in which they were made
    assert [(row.list, row.status) for row in rows] == [(2, 0), (4, 2), (1, 1)]
    assert undone.steps[-1].tool == "ac_add_tag"


FORMER: dict[str, tuple[int, int, str, int | str]] = {
    "somebody who was not on the list": (6, 1, "subscribe", 2),
    "an address whose mail came back": (47, 1, "subscribe", 2),
    "unsubscribed without having been on it": (6, 1, "unsubscribe", "was not on the list before"),
    "unsubscribed after mail came back": (47, 1, "unsubscribe", "was bounced before"),
}


@pytest.mark.parametrize("case", FORMER)
def test_what_no_call_can_set_ends_without_mail(case: str, world: Any) -> None:
    """Nobody can set a row to bounced, or take it away: they are left as opted out, or it is said that they are."""
    contact, number, status, becomes = FORMER[case]
    at = world()
    entry = at.write("ac_set_list_status", {"contact": contact, "list": number, "status": status})
    if isinstance(becomes, str):
        with pytest.raises(UndoError, match=becomes):
            at.toolkit.undo(entry, by="anna")
        becomes = 2
    else:
        assert at.toolkit.undo(entry, by="anna").complete
    assert at.sandbox._store.memberships.find((contact, number)).status == becomes


CHANGED: dict[str, tuple[str, dict[str, Any], list[tuple[str, str, Any]], str]] = {
    "a contact's name": (
        "ac_create_contact",
        {"email": FAR, "first_name": "Ann"},
        [("PUT", "/contacts/{made}", {"contact": {"firstName": "Anna"}})],
        "contact {made}, first name: «Anna», was left as «Ann»",
    ),
    "a contact's phone": (
        "ac_create_contact",
        {"email": FAR},
        [("PUT", "/contacts/{made}", {"contact": {"phone": "7"}})],
        "phone: «7», was left as empty",
    ),
    "a contact's field": (
        "ac_create_contact",
        {"email": FAR},
        [("POST", "/fieldValues", {"fieldValue": {"contact": "{made}", "field": 1, "value": "CEO"}})],
        "field 1: «CEO», was left as empty",
    ),
    "a contact's list": (
        "ac_create_contact",
        {"email": FAR},
        [("POST", "/contactLists", {"contactList": {"contact": "{made}", "list": 2, "status": 1}})],
        "contact {made} is active on list 2",
    ),
    "a contact's tag": (
        "ac_sync_contact",
        {"email": FAR},
        [("POST", "/contactTags", {"contactTag": {"contact": "{made}", "tag": 4}})],
        "contact {made} has tag 4",
    ),
    "a contact's deal": (
        "ac_create_contact",
        {"email": FAR},
        [("POST", "/deals", {"deal": {"title": "x", "value": 1, "currency": "usd", "contact": "{made}", "group": 1}})],
        "contact {made} has deal",
    ),
    "a contact's automation": (
        "ac_create_contact",
        {"email": FAR},
        [("POST", "/contactAutomations", {"contactAutomation": {"contact": "{made}", "automation": 2}})],
        "contact {made} entered automation 2",
    ),
    "a contact's business": (
        "ac_create_contact",
        {"email": FAR},
        [("POST", "/accountContacts", {"accountContact": {"contact": "{made}", "account": 1}})],
        "contact {made} belongs to business 1",
    ),
    "a contact that is gone": (
        "ac_create_contact",
        {"email": FAR},
        [("DELETE", "/contacts/{made}", None)],
        "contact {made} is gone",
    ),
    "an upsert": (
        "ac_sync_contact",
        {"email": "bea.lovell@example.org", "last_name": "Ray"},
        [("PUT", "/contacts/3", {"contact": {"lastName": "Lovell-Ray"}})],
        "last name: «Lovell-Ray», was left as «Ray»",
    ),
    "an update's field": (
        "ac_update_contact",
        {"contact": 46, "field_values": JOB},
        [("PUT", "/contacts/46", {"contact": {"fieldValues": [{"field": 1, "value": "Boss"}]}})],
        "field 1: «Boss», was left as «CEO»",
    ),
    "an update's address": (
        "ac_update_contact",
        {"contact": 46, "email": "maria@new.example"},
        [("PUT", "/contacts/46", {"contact": {"email": "m@newer.example"}})],
        "email: «m@newer.example», was left as «maria@new.example»",
    ),
    "an updated contact that is gone": (
        "ac_update_contact",
        {"contact": 3, "phone": "1"},
        [("DELETE", "/contacts/3", None)],
        "contact 3 is gone",
    ),
    "a deleted contact's address": (
        "ac_delete_contact",
        {"contact": 102},
        [("POST", "/contacts", {"contact": {"email": "Silke.Ahrens@briefkasten.example"}})],
        "the address «silke.ahrens@briefkasten.example» is contact",
    ),
    "a list's name": (
        "ac_create_list",
        NEW_LIST,
        [
            (
                "PUT",
                "/lists/{made}",
                {
                    "list": {
                        "name": "Summer",
                        "stringid": "spring",
                        "sender_url": "https://a.example",
                        "sender_reminder": "You signed up.",
                    }
                },
            )
        ],
        "list {made}, name: «Summer», was left as «Spring»",
    ),
    "a list's subscriber": (
        "ac_create_list",
        NEW_LIST,
        [("POST", "/contactLists", {"contactList": {"contact": 3, "list": "{made}", "status": 1}})],
        "list {made} has, or had, 1 contact on it",
    ),
    "a list that somebody left": (
        "ac_create_list",
        NEW_LIST,
        [
            ("POST", "/contactLists", {"contactList": {"contact": 3, "list": "{made}", "status": 1}}),
            ("POST", "/contactLists", {"contactList": {"contact": 3, "list": "{made}", "status": 2}}),
        ],
        "list {made} has, or had, 1 contact on it",
    ),
    "a status on a list": (
        "ac_set_list_status",
        {"contact": 46, "list": 2, "status": "unsubscribe"},
        [("POST", "/contactLists", {"contactList": {"contact": 46, "list": 2, "status": 1}})],
        "status of contact 46 on list 2: «active», was left as «unsubscribed»",
    ),
    "a subscriber who is gone": (
        "ac_set_list_status",
        {"contact": 46, "list": 2, "status": "unsubscribe"},
        [("DELETE", "/contacts/46", None)],
        "contact 46 is gone",
    ),
    "a tag's name": (
        "ac_create_tag",
        {"name": "Fresh"},
        [("PUT", "/tags/{made}", {"tag": {"tag": "Stale", "description": "old"}})],
        "name: «Stale», was left as «Fresh»",
    ),
    "a tag in use": (
        "ac_create_tag",
        {"name": "Fresh"},
        [("POST", "/contactTags", {"contactTag": {"contact": 46, "tag": "{made}"}})],
        "tag {made} is on 1 contact",
    ),
    "a tag that is gone": (
        "ac_create_tag",
        {"name": "Fresh"},
        [("DELETE", "/tags/{made}", None)],
        "tag {made} is gone",
    ),
    "a tag that was taken off": (
        "ac_add_tag",
        {"contact": 46, "tag": "C#"},
        [("DELETE", "/contactTags/{made}", None)],
        "contact 46 does not have tag",
    ),
    "a tag that was put on anew": (
        "ac_add_tag",
        {"contact": 46, "tag": 3},
        [
            ("DELETE", "/contactTags/{made}", None),
            ("POST", "/contactTags", {"contactTag": {"contact": 46, "tag": 3}}),
        ],
        "tag 3 of contact 46 was taken off and put on again",
    ),
    "a tag that they had before": ("ac_add_tag", {"contact": 46, "tag": 5}, [], "contact 46 had tag 5 before"),
    "a tag that is back": (
        "ac_remove_tag",
        {"contact": 28, "tag": 5},
        [("POST", "/contactTags", {"contactTag": {"contact": 28, "tag": 5}})],
        "contact 28 has tag 5 again",
    ),
    "a deal's stage": (
        "ac_create_deal",
        NEW_DEAL,
        [("PUT", "/deals/{made}", {"deal": {"stage": 2}})],
        "deal {made}, stage: «2», was left as",
    ),
    "a deal that was won": (
        "ac_create_deal",
        NEW_DEAL,
        [("PUT", "/deals/{made}", {"deal": {"status": 1, "value": 100}})],
        "deal {made}, status: «won», was left as «open»; deal {made}, amount: «1.00», was left as «1250.50»",
    ),
    "a deal's note": (
        "ac_create_deal",
        NEW_DEAL,
        [("POST", "/deals/{made}/notes", {"note": {"note": "Called."}})],
        "deal {made} has notes",
    ),
    "a changed deal's amount": (
        "ac_update_deal",
        {"deal": 27, "amount": "19000"},
        [("PUT", "/deals/27", {"deal": {"value": 2000000}})],
        "deal 27, amount: «20000.00», was left as «19000.00»",
    ),
    "the stage of a deal in another pipeline": (
        "ac_update_deal",
        {"deal": 27, "pipeline": 1},
        [("PUT", "/deals/27", {"deal": {"stage": 2}})],
        "deal 27, stage: «2», was left as",
    ),
    "a changed deal that is gone": (
        "ac_update_deal",
        {"deal": 27, "amount": "19000"},
        [("DELETE", "/deals/27", None)],
        "deal 27 is gone",
    ),
    "a field's values": (
        "ac_create_field",
        NEW_FIELD,
        [("POST", "/fieldValues", {"fieldValue": {"contact": 46, "field": "{made}", "value": "M"}})],
        "field {made} has values on contacts",
    ),
    "a field's title": (
        "ac_create_field",
        NEW_FIELD,
        [("PUT", "/fields/{made}", {"field": {"title": "T-shirt size"}})],
        "title: «T-shirt size», was left as «Shirt size»",
    ),
    "a run that is over": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 2},
        [("DELETE", "/contactAutomations/{made}", None)],
        "contact 46's run through automation 2 is over",
    ),
    "a run that began anew": (
        "ac_add_to_automation",
        {"contact": 46, "automation": 5},
        [
            ("DELETE", "/contactAutomations/{made}", None),
            ("POST", "/contactAutomations", {"contactAutomation": {"contact": 46, "automation": 5}}),
        ],
        "is over, and another one has begun",
    ),
    "somebody who is in the automation again": (
        "ac_remove_from_automation",
        {"contact": 32, "automation": 5},
        [("POST", "/contactAutomations", {"contactAutomation": {"contact": 32, "automation": 5}})],
        "contact 32 is in automation 5 again",
    ),
    "a business's name": (
        "ac_create_account",
        {"name": "Acme"},
        [("PUT", "/accounts/{made}", {"account": {"name": "Acme Ltd"}})],
        "account {made}, name: «Acme Ltd», was left as «Acme»",
    ),
    "a business's people": (
        "ac_create_account",
        {"name": "Acme"},
        [("POST", "/accountContacts", {"accountContact": {"contact": 3, "account": "{made}"}})],
        "account {made} has 1 contact",
    ),
}
"""What somebody does after a write, and what is said of it when the write is to be taken back."""


@pytest.mark.parametrize("case", CHANGED)
def test_what_somebody_has_changed_since_is_named_and_kept(case: str, world: Any) -> None:
    """The undo is refused with what was changed, and sends nothing."""
    tool, args, meanwhile, words = CHANGED[case]
    at = world()
    entry = at.write(tool, args)
    made = at.toolkit.guard.ledger.entry(entry).made.rpartition(" ")[2]
    for method, path, body in meanwhile:
        filled = json.loads(json.dumps(body).replace("{made}", made))
        at.happens(method, path.replace("{made}", made), filled)
    before = at.state
    with pytest.raises(UndoError) as raised:
        at.toolkit.undo(entry, by="anna")
    assert words.replace("{made}", made) in str(raised.value)
    assert at.state == before


@pytest.mark.parametrize("status", [200, 201, 422])
def test_a_tag_that_was_there_before_stays(status: int, world: Any) -> None:
    """However the account answers to a tag that the contact has, taking that back does not take the tag off."""
    at = world(re_tag_status=status)
    entry = at.write("ac_add_tag", {"contact": 46, "tag": 5})
    with pytest.raises(UndoError, match="contact 46 had tag 5 before"):
        at.toolkit.undo(entry, by="anna")
    assert at.sandbox._store.contact_tags.find((46, 5))


def test_every_write_has_an_inverse_or_a_reason() -> None:
    """The table has all write tools, and says what their declarations say."""
    assert set(WRITES) < set(INVERSES)
    for name, tool in WRITES.items():
        inverse = INVERSES[name]
        assert isinstance(inverse, Inverse) == bool(tool.endpoint.inverse), name
        assert isinstance(inverse, str) or inverse.words == tool.endpoint.inverse


@pytest.mark.parametrize("tool", ["ac_import_contacts", "ac_create_campaign"])
def test_what_has_no_inverse_says_why_and_what_to_do(tool: str, world: Any) -> None:
    """Imports and drafts are refused with the reason."""
    at = world(import_seconds=0)
    calls = {
        "ac_import_contacts": {"contacts": [{"email": FAR}]},
        "ac_create_campaign": {"name": "Autumn", "type": "single"},
    }
    with pytest.raises(UndoError, match=INVERSES[tool].partition(";")[0][:40]):
        at.toolkit.undo(at.write(tool, calls[tool]), by="anna")


def test_all_inverses_are_tried_both_ways() -> None:
    """Every inverse has a case that restores and one that is refused."""
    reversible = {name for name in WRITES if not isinstance(INVERSES[name], str)}
    assert {tool for tool, _ in RESTORED.values()} | {"ac_delete_contact"} == reversible
    assert {tool for tool, *_ in CHANGED.values()} == reversible


@pytest.mark.parametrize(
    ("tool", "args", "words"),
    [
        ("ac_sync_contact", {"email": "bea.lovell@example.org"}, "It overwrote nothing"),
        ("ac_update_deal", {"deal": 27, "fields": [{"custom_field_id": 1, "value": "x"}]}, "It wrote custom fields"),
    ],
)
def test_what_left_nothing_to_restore_says_so(tool: str, args: dict[str, Any], words: str, world: Any) -> None:
    """Where no former value could be written back, nothing is sent."""
    at = world()
    entry = at.write(tool, args)
    with pytest.raises(UndoError, match=words):
        at.toolkit.undo(entry, by="anna")


def test_arguments_that_a_person_edited_are_what_counts(world: Any) -> None:
    """A new record is compared with what was sent after the edit, not with what the agent had asked for."""
    at = world()
    edit = Decision.edit({"name": "Fresh", "description": "By Anna"}, by="anna")
    grants = {"agents": {"marketing": {"tags": {"access": "full", "ask": "writes"}}}}
    answers = iter([edit, Decision.approve(by="anna")])
    guard = Guard(Grants.from_dict(grants, catalog=catalog), approver=lambda _: next(answers), ledger="memory:")
    at.toolkit = ActiveCampaignToolkit(account=at.account, guard=guard, agent="marketing")
    entry = at.write("ac_create_tag", {"name": "Frsh"})
    assert at.toolkit.undo(entry, by="anna").complete


# Snapshots


@pytest.mark.parametrize(
    ("tool", "args", "kept"),
    [
        (
            "ac_update_contact",
            {"contact": 46, "phone": "1", "field_values": JOB},
            {"contact": 46, "values": {"phone": "+46 8 465 004 17", "field_values": {"1": "Owner"}}},
        ),
        (
            "ac_sync_contact",
            {"email": "bea.lovell@example.org", "last_name": "Ray"},
            {"contact": 3, "values": {"last_name": "Lovell"}},
        ),
        ("ac_sync_contact", {"email": FAR}, {"contact": None}),
        ("ac_update_deal", {"deal": 27, "amount": "19000"}, {"values": {"amount": 1840000}}),
        ("ac_set_list_status", {"contact": 46, "list": 2, "status": "unsubscribe"}, {"status": "active"}),
        ("ac_add_tag", {"contact": 46, "tag": 3}, None),
    ],
)
def test_only_what_goes_is_kept(tool: str, args: dict[str, Any], kept: Any, world: Any) -> None:
    """A snapshot holds what the call overwrites, and takes two requests at most; without payloads there is none."""
    at, without = world(), world(payloads="none")
    assert at.snapshot(at.write(tool, args)) == kept
    assert without.snapshot(without.write(tool, args)) is None
    assert len(at.sandbox.requests) - len(without.sandbox.requests) <= 2


def test_what_is_kept_reaches_nobody(world: Any) -> None:
    """The former values are in the payload alone: in no event, no content and no artifact."""
    at = world()
    tool = at.toolkit.get_tool("ac_update_contact")
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {"contact": 46, "phone": "1"}})
    [entry] = at.toolkit.guard.ledger.entries()
    assert "465 004 17" in json.dumps(at.snapshot(entry.id))
    assert "465 004 17" not in f"{message.content}{message.artifact!r}{message.artifact.wire}{entry.sentence}"
    with at.toolkit.guard.ledger.reading() as connection:
        events = connection.execute("SELECT * FROM events").fetchall()
    assert events
    assert "465 004 17" not in repr([tuple(event) for event in events])


def test_a_write_does_not_wait_for_its_undo(world: Any) -> None:
    """Where the account does not say what stands there, it is written all the same, and cannot be taken back."""
    at = world()
    at.sandbox.fault("GET", "/deals/27", status=500)
    entry = at.write("ac_update_deal", {"deal": 27, "amount": "19000"})
    assert at.snapshot(entry) is None
    assert at.sandbox._store.deals.get(27).value == 1900000
    with pytest.raises(UndoError, match="nothing is kept"):
        at.toolkit.undo(entry, by="anna")


def test_a_stranger_who_came_in_between_is_no_new_contact(world: Any) -> None:
    """Who took the address a moment ago is not taken for new because of a name that is remembered."""
    at = world()
    at.toolkit.get_tool("ac_list_contacts").invoke({"email": FAR})
    at.happens("POST", "/contacts", {"contact": {"email": FAR, "firstName": "Far"}})
    entry = at.write("ac_sync_contact", {"email": FAR, "first_name": "Near"})
    assert at.toolkit.undo(entry, by="anna").complete
    [contact] = [row for row in at.sandbox._store.contacts if row.email == FAR]
    assert contact.first_name == "Far"


# Documents and cards


def test_the_document_is_made_from_the_table() -> None:
    """docs/undo.md says what the inverses say."""
    assert undo_table() in (ROOT / "docs" / "undo.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("payloads", "words"), [("30d", "A copy of the values"), ("none", "no copy is kept")])
def test_a_card_says_whether_a_copy_is_kept(payloads: str, words: str, world: Any) -> None:
    """The last words of a deletion's card say what is lost, and whether a copy is kept."""
    at = world(payloads=payloads)
    at.write("ac_delete_contact", {"contact": 102})
    warning = at.approve.requests[-1].card.warning
    assert words in warning
    assert "cannot be undone" in warning
