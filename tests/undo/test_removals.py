"""What deletes new records: behind the guard, for no agent, and never with something in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ac_guardrails import Decision, Grants, Guard, Level, Refusal
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.sandbox import Sandbox
from ac_tools.tools import TOOLS
from ac_tools.tools._tables import name_of
from ac_tools.undo._removals import REMOVALS

NEW: dict[str, tuple[str, Any, str]] = {
    "ac_delete_tag": ("/tags", {"tag": {"tag": "Fresh", "tagType": "contact"}}, "Tag «Fresh» (id {made})"),
    "ac_delete_list": (
        "/lists",
        {
            "list": {
                "name": "Spring",
                "stringid": "s",
                "sender_url": "https://a.example",
                "sender_reminder": "Yes.",
            }
        },
        "List «Spring» (id {made})",
    ),
    "ac_delete_deal": (
        "/deals",
        {"deal": {"title": "Desks", "value": 125050, "currency": "usd", "contact": 46, "group": 1}},
        "Deal «Desks» 1,250.50 USD (id {made})",
    ),
    "ac_delete_field": ("/fields", {"field": {"title": "Size", "type": "text"}}, "Field «Size» (id {made})"),
    "ac_delete_account": ("/accounts", {"account": {"name": "Acme"}}, "Business «Acme» (id {made})"),
}
USED = {
    "ac_delete_tag": (3, r"tag 3 was not deleted: it is on \d+ contacts\."),
    "ac_delete_list": (1, r"list 1 was not deleted: it has, or had, \d+ contacts on it\."),
    "ac_delete_field": (1, r"field 1 was not deleted: it has values on contacts\."),
    "ac_delete_account": (1, r"account 1 was not deleted: it has \d contacts; it has \d deals\."),
}


class Desk:
    """An embedded account, an agent, and a person who answers."""

    def __init__(self, access: str = "full") -> None:
        self.cards: list[str] = []
        self.approves = True
        self.sandbox = Sandbox()
        account = ActiveCampaign(
            url=self.sandbox.url, key=self.sandbox.key, transport=self.sandbox.transport(), limit=None
        )
        areas = dict.fromkeys((area for area in AREAS if area != "campaigns"), access)
        grants = Grants.from_dict({"agents": {"marketing": areas}}, catalog=catalog)
        guard = Guard(grants, approver=self._answer, ledger="memory:")
        self.toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")

    def _answer(self, request: Any) -> Decision:
        self.cards.append(" ".join(str(request).split()))
        return Decision.approve(by="anna") if self.approves else Decision.reject(by="anna")

    def makes(self, path: str, body: Any) -> int:
        """What somebody makes in the account; returns its id."""
        headers = {"Api-Token": self.sandbox.key}
        answer = self.sandbox.handle("POST", f"/api/3{path}", headers, json.dumps(body).encode())
        assert answer.status < 300, answer
        return int(json.loads(answer.body)[next(iter(body))]["id"])

    def deletes(self, name: str, identity: int) -> Any:
        """Have a removal called."""
        [kind] = [kind for kind in REMOVALS if name_of(kind) == name]
        tool = kind(account=self.toolkit.account, guard=self.toolkit.guard, agent="marketing")
        args = {kind.endpoint.reply: identity}
        return tool.invoke({"type": "tool_call", "id": f"{name} {identity}", "name": name, "args": args})

    @property
    def deletions(self) -> list[str]:
        """The paths of what was deleted."""
        return [each.path for each in self.sandbox.requests if each.method == "DELETE"]


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    """Makes an embedded account with an agent and a person."""
    made: list[Desk] = []

    def make(access: str = "full") -> Desk:
        made.append(Desk(access))
        return made[-1]

    yield make
    for one in made:
        one.toolkit.close()


def test_no_agent_is_given_one() -> None:
    """They are none of the 29, and the catalog knows what they need so that the guard lets them pass."""
    names = {name_of(kind) for kind in REMOVALS}
    assert names == set(NEW)
    assert not names & {name_of(tool) for tool in TOOLS}
    assert not names & {tool.name for tool in catalog.tools}
    assert {(tool.name, tool.need) for tool in catalog.inner} == {
        (name_of(kind), kind.endpoint.need) for kind in REMOVALS
    }
    assert {kind.endpoint.level for kind in REMOVALS} == {Level.FULL}


def test_the_toolkit_hands_none_out(desk: Any) -> None:
    """Neither all tools of an agent nor one asked for by its name."""
    toolkit = desk().toolkit
    assert not {tool.name for tool in toolkit.get_tools()} & set(NEW)
    with pytest.raises(ValueError, match="no tool 'ac_delete_tag'"):
        toolkit.get_tool("ac_delete_tag")


@pytest.mark.parametrize("name", NEW)
def test_a_new_record_goes_after_a_person_has_seen_it(name: str, desk: Any) -> None:
    """The card says which one it is and that nothing is lost with it; then it is deleted."""
    at, (path, body, shown) = desk(), NEW[name]
    made = at.makes(path, body)
    message = at.deletes(name, made)
    assert message.status == "success", message.content
    assert at.deletions == [f"/api/3{path}/{made}"]
    [card] = at.cards
    assert shown.replace("{made}", str(made)) in card
    assert "Holds nothing that anybody has put into it" in card
    assert "This cannot be undone" in card


@pytest.mark.parametrize("name", NEW)
def test_nothing_goes_against_a_persons_word_or_the_grants(name: str, desk: Any) -> None:
    """Rejected, or with less than full access, nothing is deleted."""
    path, body, _ = NEW[name]
    rejecting, writing = desk(), desk("write")
    rejecting.approves = False
    assert rejecting.deletes(name, rejecting.makes(path, body)).artifact.kind == "rejected"
    assert writing.deletes(name, writing.makes(path, body)).artifact.kind == "refused"
    assert not rejecting.deletions
    assert not writing.deletions


@pytest.mark.parametrize("name", USED)
def test_what_is_in_use_is_no_question(name: str, desk: Any) -> None:
    """A record with something in it is refused in words before anybody is asked."""
    at, (identity, words) = desk(), USED[name]
    message = at.deletes(name, identity)
    assert isinstance(message.artifact, Refusal)
    assert message.artifact.kind == "refused"
    assert re.search(words, message.content), message.content
    assert not at.cards
    assert not at.deletions


@pytest.mark.parametrize(("resource", "made"), [("note", "has notes"), ("task", "has a task")])
def test_a_deal_that_somebody_works_on_stays(resource: str, made: str, desk: Any) -> None:
    """Notes and the next task would go with it."""
    at = desk()
    number = at.makes("/deals", NEW["ac_delete_deal"][1])
    if resource == "note":
        at.makes(f"/deals/{number}/notes", {"note": {"note": "Called."}})
    else:
        body = json.dumps({"deal": {"id": str(number), "title": "Desks", "nexttaskid": "7", "isDisabled": False}})
        at.sandbox.fault("GET", f"/deals/{number}", status=200, body=body)
    message = at.deletes("ac_delete_deal", number)
    assert made in message.content
    assert not at.deletions


def test_a_field_that_was_cleared_holds_nothing(desk: Any) -> None:
    """An empty value is what writing back leaves in a field that was empty before."""
    at = desk()
    number = at.makes("/fields", NEW["ac_delete_field"][1])
    at.makes("/fieldValues", {"fieldValue": {"contact": 46, "field": number, "value": ""}})
    assert at.deletes("ac_delete_field", number).status == "success"


@pytest.mark.parametrize("name", NEW)
def test_a_lost_answer_is_settled_by_reading_back(name: str, desk: Any) -> None:
    """A removal whose answer never came is found to have happened, and is not sent again."""
    at, (path, body, _) = desk(), NEW[name]
    made = at.makes(path, body)
    at.sandbox.fault("DELETE", f"{path}/{made}", cut="reset", when="after")
    at.deletes(name, made)
    [entry] = at.toolkit.guard.ledger.entries()
    assert entry.outcome == "happened"
    assert len(at.deletions) == 1


@pytest.mark.parametrize("name", NEW)
def test_what_is_gone_already_is_said(name: str, desk: Any) -> None:
    """What is not there is no question, and nothing is sent."""
    at = desk()
    message = at.deletes(name, 9999)
    assert message.artifact.kind == "not_found"
    assert "9999 is gone already" in message.content
    assert not at.cards
    assert not at.deletions
