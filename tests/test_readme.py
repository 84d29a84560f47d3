"""The README says what is true: its tables are made from the classes, its code runs, its file loads."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ac_guardrails import Grants
from ac_tools._catalog import catalog
from ac_tools.tools._tables import permissions_table, tools_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", README, re.DOTALL)
    assert found, f"the README has no block called {name}"
    return found[1]


def fenced(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(("name", "make"), [("tools", tools_table), ("permissions", permissions_table)])
def test_tables_are_those_of_the_classes(name: str, make: Callable[[], str]) -> None:
    """The README's tables are exactly what the tool classes declare."""
    assert block(name) == make()


def test_the_table_has_the_guides_15_permissions() -> None:
    """Every permission of the API's guides has a row."""
    assert permissions_table().count("\n") - 1 == 15


def test_the_grants_file_loads() -> None:
    """The grants file in the README is valid."""
    grants = Grants.from_dict(yaml.safe_load(fenced("yaml")), catalog=catalog)
    assert grants.agents == ("marketing",)


def test_the_ten_lines_run(tmp_path: Path, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ten lines work as they stand, given a URL, a key, a grants file and a model."""
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessage

    from ac_tools.testing import ScriptedChatModel

    call = {"name": "ac_list_contacts", "args": {"search": "Lindqvist"}, "id": "c1"}
    model = ScriptedChatModel(script=[AIMessage("", tool_calls=[call]), AIMessage("Done.")])
    monkeypatch.setattr("langchain.agents.create_agent", lambda _, tools: create_agent(model, tools))
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", served.url)
    monkeypatch.setenv("ACTIVECAMPAIGN_API_KEY", served.key)
    monkeypatch.chdir(tmp_path)
    Path("grants.yaml").write_text(fenced("yaml"), encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(fenced("python"), scope)  # the README's own lines
    with scope["toolkit"]:
        [entry] = scope["guard"].ledger.entries()
    assert entry.sentence.startswith("marketing asked to search the contacts (search Lindqvist) in 127.0.0.1")
    assert entry.outcome == "done"


def test_files_that_the_readme_links_exist() -> None:
    """No link leads nowhere."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_card_and_the_sentences_are_real(
    account: Any, guard_for: Callable[..., Any], run: Callable[..., Any]
) -> None:
    """The card and the audit sentences in the README are what these calls really show."""
    from ac_guardrails import ApprovalRequest, Decision
    from ac_tools import ActiveCampaignToolkit

    cards: list[str] = []

    def decide(request: ApprovalRequest) -> Decision:
        cards.append(str(request))
        if request.action.tool == "ac_add_to_automation":
            return Decision.approve(by="Hannah")
        return Decision.reject("ask him first", by="Hannah")

    guard = guard_for({"contacts": "read", "tags": "write", "lists": "full", "automations": "full"}, decide)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    run(toolkit, "ac_add_tag", contact="maria@lindqvist-interiors.example", tag="VIP")
    run(toolkit, "ac_add_to_automation", contact="maria@lindqvist-interiors.example", automation="Trade onboarding")
    run(toolkit, "ac_set_list_status", contact="k.petersen@hafenkontor.example", list="Newsletter", status="subscribe")
    run(toolkit, "ac_delete_contact", contact=75)
    assert block("card") == f"```text\n{cards[1]}\n```"
    assert block("audit") == "\n".join(["```text", *(entry.sentence for entry in guard.ledger.entries()), "```"])


@pytest.mark.parametrize(
    ("name", "title"), [("card-enrol", "Enrol contact 46 "), ("card-delete", "Delete contact 46 ")]
)
def test_the_other_cards_are_real(name: str, title: str) -> None:
    """They are among those that examples/cards.py prints."""
    cards = runpy.run_path(str(ROOT / "examples" / "cards.py"))["cards"]()
    assert block(name) == f"```text\n{next(card for card in cards if card.startswith(title))}\n```"
