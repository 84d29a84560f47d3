"""`ac-tools grants check`: what in a file is surely not meant, with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ac_guardrails import Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.cli import _grants_schema
from ac_tools.cli._grants_lint import _never_names
from ac_tools.cli._shipped import shipped
from ac_tools.tools import TOOLS


@pytest.fixture
def check(cli: Any, tmp_path: Path) -> Any:
    def run(*lines: str) -> Any:
        path = tmp_path / "grants.yaml"
        path.write_text("agents:\n" + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
        return cli("grants", "check", str(path))

    return run


WHOLE = ", ".join(f"{area}: full" for area in AREAS)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a: {contacts: {access: read, until: 2020-01-01}}"], "line 2, column 17: contacts ended on 2020-01-01"),
        (["a: {deals: {access: read, ask: ac_update_deal}}"], "`ask` names ac_update_deal, which deals: read does not"),
        (["a: {deals: {access: read, ask: writes}}"], "`ask: writes` without effect: deals: read opens no write"),
        (["a: {deals: {access: read, people_per_day: 3}}"], "`people_per_day` without effect"),
        ([f"boss: {{{WHOLE}}}"], "line 2, column 3: boss has full access to every area: this is the whole account"),
        (["a: {}"], "line 2, column 3: a may use no tool at all"),
        (["a: {campaigns: write}"], "opens no tool"),
        (
            ["marketing: {tags: read}", "markting: {tags: read}"],
            "line 3, column 3: the agents 'marketing' and 'markting'",
        ),
        (["a-b: {tags: read}", "A_B: {tags: read}"], "have nearly the same name"),
        (
            ["a: {lists: {access: write, only: {list: [x]}}}"],
            "`only` refuses ac_list_lists and ac_create_list, since they",
        ),
    ],
)
def test_what_is_surely_not_meant_is_a_warning(check: Any, lines: list[str], said: str) -> None:
    """Each is told on stderr with its place, and the file can be used all the same."""
    result = check(*lines)
    assert result.exit_code == 0
    assert said in result.stderr
    assert all(line.startswith("Warning: grants.yaml, line ") for line in result.stderr.splitlines())
    assert "can be used" in result.stdout


@pytest.mark.parametrize(
    "lines",
    [
        ["a: {contacts: {access: full, people_per_day: 3, until: 2999-01-01}, tags: {access: write, ask: ac_add_tag}}"],
        ["marketing-1: {tags: read}", "marketing-2: {tags: read}"],
        ["sales: {tags: read}", "marketing: {tags: read}"],
        [f"boss: {{{WHOLE.replace('deals: full', 'deals: write')}}}"],
    ],
)
def test_what_may_well_be_meant_is_not_warned_of(check: Any, lines: list[str]) -> None:
    """Nothing is said of a file in which all has its sense."""
    result = check(*lines)
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_narrowed_account_is_not_the_whole_one(check: Any) -> None:
    """Full access everywhere, but to some tags alone, is not called the whole account."""
    result = check(f"boss: {{{WHOLE.replace('tags: full', 'tags: {access: full, only: {tag: VIP}}')}}}")
    assert "whole account" not in result.stderr


def test_what_only_is_said_to_refuse_is_refused(account: ActiveCampaign) -> None:
    """Each tool that is told to be refused under `only` is, whatever it is called with."""
    calls: dict[str, dict[str, Any]] = {
        "ac_create_list": {"name": "B", "sender_url": "https://b.example", "sender_reminder": "You asked."},
        "ac_create_tag": {"name": "Fresh"},
        "ac_create_field": {"title": "Nickname", "type": "text"},
        "ac_create_account": {"name": "Acme"},
        "ac_list_contact_automations": {"contact": 32},
        "ac_get_deal": {"deal": 27},
    }
    for noun, area in catalog.nouns.items():
        data = {
            "agents": {"a": {**dict.fromkeys(AREAS, "full"), area: {"access": "full", "only": {noun: ["x.example"]}}}}
        }
        guard = Guard(Grants.from_dict(data, catalog=catalog), ledger="memory:", approver=_no)
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="a")
        for name in (tool.model_fields["name"].default for tool in TOOLS if tool.endpoint.area == area):
            if _never_names(name, noun) and (name in calls or name.startswith("ac_list_")):
                message = toolkit.get_tool(name).invoke(
                    {"type": "tool_call", "id": "c", "name": name, "args": calls.get(name, {})}
                )
                assert message.artifact.kind == "refused", (noun, name, message.content)


def _no(request: Any) -> Decision:
    return Decision.reject(by="anna")


def test_the_file_is_held_against_the_schema(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should editors mark what the guard takes, the check says so, with the place, and ends with 1."""
    monkeypatch.setattr(_grants_schema, "_LEVEL", {"enum": ["off", "read"]})
    result = check("a: {tags: write}")
    assert result.exit_code == 1
    assert "agents.a.tags" in result.stderr
    assert "the JSON Schema refuses this" in result.stderr


def test_days_and_offs_fit_the_schema(check: Any) -> None:
    """What YAML reads as a day or a flag is what an editor hands to the schema."""
    assert check("a: {contacts: off, tags: {access: read, until: 2999-01-01}, deals: {access: off}}").exit_code == 0


def test_the_shipped_file_has_nothing_but_listings_refused(cli: Any) -> None:
    """The example narrows two areas, which costs their listings, and that is all there is to say of it."""
    result = cli("grants", "check", str(shipped("grants.yaml")))
    assert result.exit_code == 0
    assert all("`only` refuses" in line for line in result.stderr.splitlines())
    assert yaml.safe_load(shipped("grants.yaml").read_text(encoding="utf-8"))
