"""`ac-tools doctor --contracts`: an account's answers beside what was known, in words and for machines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ac_tools.contracts import contracts
from ac_tools.sandbox import Sandbox, serve

READS = {each.tool for each in contracts() if each.method == "GET"}
TAG = {
    "tagType": "contact",
    "tag": "Lead",
    "description": "",
    "subscriber_count": "4",
    "cdate": "2021-03-23T06:05:24-05:00",
    "created_timestamp": "2021-03-23 06:05:24",
    "updated_timestamp": "2021-03-23 06:05:24",
    "created_by": None,
    "updated_by": None,
    "links": {"contactGoalTags": "https://acme.api-us1.com/api/3/tags/1/contactGoalTags"},
    "id": "1",
}


@pytest.fixture
def compare(cli, served):
    """Compares the served account, or another one."""

    def run(*args: str, url: str = "", key: str = "sandbox"):
        env = {"ACTIVECAMPAIGN_URL": url or served.url, "ACTIVECAMPAIGN_API_KEY": key}
        return cli("doctor", "--contracts", *args, env=env)

    return run


def tags(served, **change: Any) -> None:
    """Makes the account answer one tag, changed like this; `...` leaves a key out."""
    tag = {name: value for name, value in {**TAG, **change}.items() if value is not ...}
    served.sandbox.fault("GET", "/tags", status=200, body=json.dumps({"tags": [tag], "meta": {"total": "1"}}))


def by_tool(result) -> dict[str, dict[str, Any]]:
    return {each["tool"]: each for each in json.loads(result.stdout)["endpoints"]}


def words(result) -> str:
    return " ".join(result.output.split())


def test_an_account_as_known_is_told_to_be_so(compare, served):
    """Each read endpoint is compared, with reads of a few records alone, and the command ends with 0."""
    result = compare("--json")
    found = by_tool(result)
    assert result.exit_code == 0
    assert found.keys() == READS
    runs = found.pop("ac_list_contact_automations")
    assert {each["result"] for each in found.values()} == {"same"}
    assert runs["result"] in ("same", "empty")
    assert found["ac_list_contacts"] == {
        "tool": "ac_list_contacts",
        "method": "GET",
        "path": "/contacts",
        "known_as_of": "2021-03-23",
        "evidence": "recorded",
        "result": "same",
        "status": 200,
        "records": 3,
        "new": [],
        "missing": [],
        "type": [],
        "order": [],
        "detail": "",
    }
    assert {each.method for each in served.sandbox.requests} == {"GET"}
    assert len(served.sandbox.requests) <= len(READS) + 3


def test_it_is_told_in_words(compare):
    """Without --json each endpoint has a line that says since when its contract is known."""
    result = compare()
    assert result.exit_code == 0
    assert "GET /contacts/{contact} as known on 2021-03-23 (recorded)" in words(result)
    assert "GET /automations as known on 2025-05-19 (documented)" in words(result)


def test_the_embedded_account_can_be_compared(cli):
    """--sandbox needs no settings."""
    assert cli("doctor", "--contracts", "--sandbox").exit_code == 0


@pytest.mark.parametrize(
    ("change", "kind", "entry", "code"),
    [
        ({"colour": "red"}, "new", "tags[].colour", 0),
        ({"description": ...}, "missing", "tags[].description", 1),
        ({"id": 7}, "type", "tags[].id", 1),
    ],
)
def test_what_differs_is_told(compare, served, change, kind, entry, code):
    """New, missing and retyped keys are told apart; the command ends with 1 for the last two."""
    tags(served, **change)
    result = compare("--json")
    found = by_tool(result)["ac_list_tags"]
    assert (result.exit_code, found["result"]) == (code, "differs")
    assert [each["place"] for each in found[kind]] == [entry]
    assert [found[other] for other in ("new", "missing", "type", "order") if other != kind] == [[]] * 3
    assert json.loads(result.stdout)["ok"] is (code == 0)


def test_what_differs_is_told_in_words(compare, served):
    """Without --json the differences are sentences, with the day since when it was known otherwise."""
    tags(served, colour="red", description=..., id=7)
    result = compare()
    assert result.exit_code == 1
    told = "tags[].id was an id, as a text of digits, and is a whole number; tags[].colour is new"
    assert f"tags[].description is missing; {told} (known on 2021-03-23, recorded)" in words(result)


def test_another_order_is_told_and_no_fault(compare, served):
    """Keys in another order are told, and the command ends with 0."""
    page = {"meta": {"total": "1"}, "tags": [TAG]}
    served.sandbox.fault("GET", "/tags", status=200, body=json.dumps(page))
    result = compare("--json")
    assert result.exit_code == 0
    assert by_tool(result)["ac_list_tags"]["order"] == [{"place": "the reply", "was": "", "now": "meta"}]


@pytest.mark.parametrize("status", [402, 403, 404])
def test_a_plan_without_deals_is_no_fault(compare, served, status):
    """Where the plan or the key's user has no deals, it is said, what hangs on them is left out, and all is well."""
    served.sandbox.fault("GET", "/deals*", status=status, times=9)
    result = compare("--json")
    found = by_tool(result)
    assert result.exit_code == 0
    assert (found["ac_list_deals"]["result"], found["ac_list_deals"]["status"]) == ("unavailable", status)
    assert found["ac_list_deals"]["detail"]
    assert found["ac_get_deal"]["result"] == "skipped"
    assert "no deals to look at" in found["ac_get_deal"]["detail"]
    assert {each["result"] for name, each in found.items() if "deal" not in name} <= {"same", "empty"}


def test_an_empty_account_is_no_fault(compare):
    """Where there are no records, only what is around them is compared, and that is said."""
    with serve(Sandbox(empty=True)) as server:
        result = compare("--json", url=server.url)
        plain = compare(url=server.url)
    found = by_tool(result)
    assert (result.exit_code, plain.exit_code) == (0, 0)
    assert (found["ac_list_tags"]["result"], found["ac_list_tags"]["records"]) == ("empty", 0)
    assert found["ac_get_contact"]["result"] == "skipped"
    assert "no records to compare" in words(plain)


def test_a_wrong_key_ends_it_after_one_request(compare, served):
    """A key that the account does not take is told, and nothing more is asked."""
    result = compare(key="wrong-key-123")
    assert result.exit_code == 1
    assert "did not accept the API key" in words(result)
    assert "wrong-key-123" not in result.output
    assert len(served.sandbox.requests) == 1


def test_a_wrong_key_is_told_to_machines(compare):
    """With --json, too."""
    data = json.loads(compare("--json", key="wrong-key-123").stdout)
    assert (data["ok"], data["endpoints"]) == (False, [])
    assert "did not accept the API key" in data["detail"]


def test_settings_that_cannot_be_used_are_told(cli):
    """Without a URL nothing is compared."""
    result = cli("doctor", "--contracts", "--json", env={"ACTIVECAMPAIGN_API_KEY": "sandbox"})
    assert result.exit_code == 1
    assert "set ACTIVECAMPAIGN_URL" in json.loads(result.stdout)["detail"]


def test_a_read_that_fails_otherwise_is_a_fault(compare, served):
    """An answer that cannot be read at all is told as wrong; the others are compared all the same."""
    served.sandbox.fault("GET", "/tags", status=200, body="<html>", times=9)
    result = compare("--json")
    found = by_tool(result)
    assert result.exit_code == 1
    assert (found["ac_list_tags"]["result"], found["ac_list_lists"]["result"]) == ("wrong", "same")


def test_the_requests_stay_within_the_budget(compare):
    """An account that admits five requests a second refuses none of them."""
    sandbox = Sandbox(limit=5)
    with serve(sandbox) as server:
        result = compare("--json", url=server.url)
    assert 429 not in {each.status for each in sandbox.requests}
    assert result.exit_code == 0


def test_no_value_of_the_account_is_shown(compare, served):
    """What differs is told by the names of keys, never with somebody's data."""
    for arguments in (["--json"], []):
        tags(served, tag=["maria@lindqvist.example"], **{"maria@lindqvist.example": "x"})
        result = compare(*arguments)
        assert "tags[].tag" in result.output
        assert "maria@" not in result.output
