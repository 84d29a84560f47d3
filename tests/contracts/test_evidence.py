"""The contracts against everything at hand: recorded traffic, the cassettes, and the embedded account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from ac_tools.contracts import contract_for
from ac_tools.sandbox import Sandbox, Settings
from ac_tools.tools import TOOLS

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "activecampaign" / "recorded.jsonl"
needs_recordings = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded traffic is not beside the repository")
CASSETTES = sorted((ROOT / "cassettes").glob("*.yaml"))
NAMES = {tool.model_fields["name"].default for tool in TOOLS}
BESIDE = {"contactLists", "contactTags", "contactAutomations", "fieldValues"}
"""What hangs on a contact and is read by the guard and the tools beside the 29 endpoints."""
OPTIONAL = {"email_empty", ("POST", "hash"), ("POST", "created_by"), ("POST", "updated_by")}
"""Keys that some recordings of a shape lack, or of the shape that the reply to a POST has."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: dict[str, Any]
    body: Any
    status: int
    answer: Any

    def differences(self) -> list[str]:
        """How the answer, and what was sent to get it where it was accepted, differ from the contract."""
        contract = contract_for(self.method, self.path)
        assert contract
        found = list(contract.of_reply(self.status, self.answer, sent=self.body))
        if self.status < 400:
            found += [*contract.of_request(self.body), *contract.of_query(self.query)]
        return [str(each) for each in found]


def recorded() -> list[Exchange]:
    """The recorded exchanges with the 29 endpoints."""
    found = []
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        each = json.loads(line)
        path = each["path"].removeprefix("/api/3")
        if contract_for(each["method"], path):
            query = dict(parse_qsl(each["query"], keep_blank_values=True))
            body = each["request"] or None
            found.append(Exchange(each["method"], path, query, body, each["status"], each["response"]))
    return found


def parsed(text: str) -> Any:
    """A body's JSON; None where there is none, as in an outage."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def on_tape(path: Path) -> list[Exchange]:
    """All exchanges of a cassette."""
    found = []
    for each in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
        address = urlsplit(each["request"]["uri"])
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        body, answer = each["request"]["body"], each["response"]["body"]["string"]
        status = each["response"]["status"]["code"]
        found.append(
            Exchange(
                *(each["request"]["method"], address.path.removeprefix("/api/3"), query),
                *(parsed(body), status, parsed(answer)),
            )
        )
    return found


@needs_recordings
def test_every_recorded_exchange_keeps_its_contract() -> None:
    """Each recorded answer of the 29 endpoints, and what was sent for it, is as the contract says."""
    exchanges = recorded()
    kept_out = {"name", "dealUrl", "deal"}  # recorded 2020: keys that the account ignores
    wrong = [
        (each.method, each.path, told)
        for each in exchanges
        for told in each.differences()
        if not (each.path == "/deals" and told in {f"deal.{name} is new" for name in kept_out})
    ]
    assert not wrong
    tools = {contract.tool for each in exchanges if (contract := contract_for(each.method, each.path))}
    assert len(exchanges) == 174
    assert NAMES - tools == {
        *("ac_create_campaign", "ac_list_automations", "ac_add_to_automation", "ac_remove_from_automation"),
        "ac_update_deal",
    }


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_every_cassette_keeps_the_contracts(path: Path) -> None:
    """Each exchange with one of the 29 endpoints is as the contract says, the request too; the others are known."""
    for each in on_tape(path):
        if each.answer is None:
            assert path.stem == "outages"
        elif contract_for(each.method, each.path):
            assert (each.path, each.differences()) == (each.path, [])
        else:
            assert (
                each.path.split("/")[-1]
                in BESIDE
                | {
                    *("users", "dealStages", "dealGroups", "bulk", "fieldRels", "info", "contactTags"),
                }
                or path.stem == "webhooks"
            ), each.path


def test_the_cassettes_reach_every_contract() -> None:
    """Together the cassettes have an exchange with each of the 29 endpoints."""
    every = [contract_for(each.method, each.path) for path in CASSETTES for each in on_tape(path)]
    assert {each.tool for each in every if each} == NAMES


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_key_that_is_gone_from_a_cassette_is_missed(path: Path) -> None:
    """Whichever key is deleted from a success, its absence is told; of what is only documented, ids and records."""
    for each in on_tape(path):
        contract = contract_for(each.method, each.path)
        if contract is None or each.answer is None or each.status >= 400:
            continue
        for place, holder, key in _places(each.answer):
            if {key, (each.method, key)} & OPTIONAL:
                continue
            if contract.known(each.status).evidence == "documented" and holder is not each.answer and key != "id":
                continue
            whole = dict(holder)
            del holder[key]
            told = [str(difference) for difference in contract.of_reply(each.status, each.answer, sent=each.body)]
            assert f"{place} is missing" in told, (each.method, each.path, place)
            holder.clear()
            holder.update(whole)


def _places(answer: Any) -> list[tuple[str, dict[str, Any], str]]:
    """Each key of a reply, of its records and of their links, with the object that holds it."""
    found = [(name, answer, name) for name in answer]
    for name, value in answer.items():
        rows = value[:1] if isinstance(value, list) else [value] if name != "meta" else []
        mark = "[]" if isinstance(value, list) else ""
        for row in rows:
            if not isinstance(row, dict) or name in BESIDE | {"fieldOptions", "fieldRels"}:
                continue
            found += [(f"{name}{mark}.{key}", row, key) for key in row]
            links = row.get("links") or {}
            found += [(f"{name}{mark}.links.{key}", links, key) for key in links]
    return found


def test_every_tool_on_the_embedded_account_keeps_the_contracts(recorder: ModuleType, tapped: Any) -> None:
    """What every tool sends to the embedded account and gets back is as the contracts say."""
    reached = set()
    for steps in recorder.SCENARIOS.values():
        account, tap = tapped()
        with recorder.toolkit_on(account) as toolkit:
            for step in steps:
                recorder.call(toolkit, step)
        for each in (Exchange(*kept) for kept in tap.exchanges):
            if contract := contract_for(each.method, each.path):
                assert (each.path, each.status, each.differences()) == (each.path, each.status, [])
                reached.add(contract.tool)
    assert reached == NAMES


@pytest.mark.parametrize(
    "path",
    [
        *("/contacts?limit=100", "/lists?filters[channel]=all", "/tags", "/deals?limit=100", "/fields", "/automations"),
        *("/accounts?count_deals=true", "/contacts/32/contactAutomations"),
        *(f"/contacts/{number}" for number in (1, 3, 32, 46, 50)),
        *(
            "/lists/1",
            "/deals/1",
            "/deals/27",
            "/fields/1",
            "/contacts?email=nobody@example.org",
            "/deals?filters[stage]=9",
        ),
    ],
)
def test_what_the_embedded_account_shows_keeps_the_contracts(path: str) -> None:
    """Whole pages and people with everything that hangs on them are as the contracts say."""
    assert answered("GET", path).differences() == []


REFUSED: list[tuple[str, str, Any, int]] = [
    ("POST", "/contacts", {"contact": {"email": "maria@lindqvist-interiors.example"}}, 422),
    ("POST", "/contacts", {"contact": {"email": "nobody"}}, 422),
    ("GET", "/contacts/99999", None, 404),
    ("PUT", "/contacts/99999", {"contact": {"firstName": "A"}}, 404),
    ("PUT", "/contacts/46", {"contact": {"email": "nobody"}}, 422),
    ("POST", "/contact/sync", {"contact": {"email": "nobody"}}, 422),
    ("POST", "/import/bulk_import", {"contacts": [{"email": "nobody"}]}, 400),
    ("POST", "/import/bulk_import", {"contacts": []}, 400),
    ("DELETE", "/contacts/99999", None, 404),
    ("GET", "/lists/99999", None, 404),
    ("POST", "/contactLists", {"contactList": {"list": 99, "contact": 99999, "status": 1}}, 422),
    ("POST", "/tags", {"tag": {"tag": "Lead", "tagType": "contact"}}, 422),
    ("POST", "/contactTags", {"contactTag": {"contact": 46}}, 400),
    ("POST", "/contactTags", {"contactTag": {"contact": 99999, "tag": 1}}, 404),
    ("POST", "/contactTags", {"contactTag": {"tag": 1}}, 422),
    ("DELETE", "/contactTags/99999", None, 404),
    ("POST", "/deals", {"deal": {"title": "A"}}, 422),
    ("POST", "/deals", {"deal": {"title": "A", "value": 1, "currency": "usd", "contact": 99999, "group": 1}}, 404),
    ("GET", "/deals/99999", None, 404),
    ("PUT", "/deals/99999", {"deal": {"title": "A"}}, 404),
    ("PUT", "/deals/27", {"deal": {"currency": "USD"}}, 422),
    ("GET", "/fields/99999", None, 404),
    ("POST", "/fields", {"field": {"title": "Customer type", "type": "text"}}, 422),
    ("POST", "/campaign", {"name": 7}, 400),
    ("POST", "/contactAutomations", {"contactAutomation": {"contact": 46, "automation": 999}}, 422),
    ("GET", "/contacts/99999/contactAutomations", None, 404),
    ("DELETE", "/contactAutomations/99999", None, 403),
    ("POST", "/accounts", {"account": {}}, 422),
    ("POST", "/accounts", {"account": {"name": "Kessler Hotels"}}, 422),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_what_the_embedded_account_refuses_keeps_the_contracts(method: str, path: str, body: Any, status: int) -> None:
    """The refusals of the embedded account have the status and the shape of the contract."""
    exchange = answered(method, path, body)
    contract = contract_for(method, path)
    assert contract
    assert (exchange.status, exchange.differences()) == (status, [])
    assert status in contract.statuses


@pytest.mark.parametrize(
    "settings", [{"re_tag_status": 422}, {"reenrol_status": 403}, {"missing_enrolment_status": 404}]
)
def test_what_is_assumed_keeps_the_contracts_either_way(settings: dict[str, int]) -> None:
    """The embedded account's other choices where nobody knows are within the contracts, too."""
    options = {"settings": Settings(**settings)}  # type: ignore[arg-type]
    for method, path, body in (
        ("POST", "/contactTags", {"contactTag": {"contact": 28, "tag": 1}}),
        ("POST", "/contactAutomations", {"contactAutomation": {"contact": 46, "automation": 999}}),
        ("DELETE", "/contactAutomations/99999", None),
    ):
        assert answered(method, path, body, **options).differences() == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_wrong_key_and_a_full_budget_keep_the_contracts(name: str) -> None:
    """Every endpoint's answer to a wrong key, and to too many requests, is as known."""
    [tool] = [tool for tool in TOOLS if tool.model_fields["name"].default == name]
    path = tool.endpoint.path
    for noun in ("contact", "list", "deal", "field", "association"):
        path = path.replace(f"{{{noun}}}", "1")
    assert answered(tool.endpoint.method, path, key="wrong").differences() == []
    limited = Sandbox(limit=1)
    exchanges = [answered(tool.endpoint.method, path, sandbox=limited) for _ in range(3)]
    assert exchanges[-1].status == 429
    assert exchanges[-1].differences() == []


def answered(
    method: str, path: str, body: Any = None, *, key: str = "sandbox", sandbox: Sandbox | None = None, **options: Any
) -> Exchange:
    """One request to an embedded account."""
    account = sandbox or Sandbox(**options)
    sent = b"" if body is None else json.dumps(body).encode()
    answer = account.handle(method, f"/api/3{path}", {"Api-Token": key}, sent)
    short, _, query = path.partition("?")
    parsed = json.loads(answer.body) if answer.body else None
    return Exchange(method, short, dict(parse_qsl(query, keep_blank_values=True)), body, answer.status, parsed)
