"""Lead triage: what the account looks like afterwards, also after a restart in the middle and after going back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="needs the examples extra")

ROOT = Path(__file__).resolve().parents[2]
LEADS = ROOT / "examples" / "triage" / "leads.csv"
HEAD = "email,first_name,last_name,phone,company,job_title,interest,budget,consent\n"
MARIA, MORI, FEDDERSEN = (
    "maria@lindqvist-interiors.example",
    "mori@kawamura-sekkei.example",
    "a.feddersen@elbblick-hotel.example",
)
OKAFOR, ROHAN, HEIKE = (
    "josephine.okafor@tallgrass-studio.example",
    "rohan.mehta@tidewater-analytics.example",
    "h.brandt@kessler-hotels.example",
)
ONBOARDING = "Trade onboarding"


def all_but(*rejected: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A person who approves every enrolment but these people's."""

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        if call["args"]["contact"] in rejected:
            return {"type": "reject", "message": "I know her, I will call"}
        return {"type": "approve"}

    return answer


def writes(sandbox: Any) -> list[str]:
    return [f"{one.method} {one.path.removeprefix('/api/3')}" for one in sandbox.requests if one.method != "GET"]


@pytest.fixture
def triage(opened: Any, tmp_path: Path) -> Callable[..., str]:
    """Triages a file as the program does, each time with connections and a graph of its own."""
    from triage.__main__ import triage

    def run(file: Path = LEADS, answerer: Any = None, **options: Any) -> str:
        return triage(file, tmp_path / "state", opened(), answerer or all_but(), **options)

    return run


def test_what_the_account_looks_like_afterwards(triage: Any, sandbox: Any, person: Any) -> None:
    """Each person once, hot leads with one deal, mail only for whom nothing speaks against it and somebody approved."""
    before = len(person(sandbox, MARIA).deals)
    told = triage(answerer=all_but(FEDDERSEN))
    mori = person(sandbox, MORI)
    assert (mori.name, mori.tags, mori.automations) == ("萌 森", ["B2B/Office", "Lead"], [ONBOARDING])
    assert mori.deals == ["Trade terms: 川村設計事務所"]
    assert person(sandbox, FEDDERSEN).deals == ["Hotel furniture: Hotel Elbblick"]
    assert person(sandbox, FEDDERSEN).automations == [], "a person said no"
    assert person(sandbox, ROHAN).automations == [], "he left the newsletter"
    assert ONBOARDING not in person(sandbox, HEIKE).automations, "she is a customer"
    assert "Lead" not in person(sandbox, HEIKE).tags
    assert len(person(sandbox, MARIA).deals) == before, "she has an open deal already"
    assert person(sandbox, MARIA).automations == [ONBOARDING]
    assert person(sandbox, "l.winkel@briefkasten.example") is None, "he did not agree to be written to"
    assert person(sandbox, "p.novak@postbag.example").tags == ["Lead"], "cold leads are kept, too"
    assert "People: 9 (5 hot, 2 warm, 2 cold). Rows set aside: 3." in told
    assert "I know her, I will call" in told
    assert "Row 7   maria@lindqvist-interiors.example: the same person as row 3" in told


def test_a_second_run_of_the_file_writes_nothing(triage: Any, sandbox: Any) -> None:
    """A file is a thread: run again, it gives its report, and the account sees no request."""
    first = triage()
    count = len(sandbox.requests)
    assert triage() == first
    assert len(sandbox.requests) == count


@pytest.mark.parametrize("step", ["enrich", "score", "open_deals", "enrol"])
def test_going_back_does_nothing_twice(triage: Any, sandbox: Any, step: str) -> None:
    """From an earlier checkpoint the steps run again, and the ledger gives the recorded results of what was written."""
    triage(answerer=all_but(FEDDERSEN))
    requests = len(sandbox.requests)
    told = triage(answerer=lambda call: pytest.fail("nobody is asked again"), again=step)
    assert "5 hot" in told
    assert len(sandbox.requests) == requests


def test_a_corrected_lead_is_all_that_a_fork_writes(opened: Any, sandbox: Any, person: Any) -> None:
    """Fork the checkpoint before the scoring, correct one budget: one deal and one question are new."""
    from common import answered
    from langgraph.checkpoint.memory import InMemorySaver
    from triage.graph import GRANTS, build

    from ac_guardrails import Grants, Guard
    from ac_guardrails.approvers.langgraph import ask_in_graph
    from ac_tools import ActiveCampaignToolkit

    guard = Guard(Grants.from_file(GRANTS), approver=ask_in_graph, ledger="memory:")
    with ActiveCampaignToolkit(account=opened(), guard=guard, agent="triage") as toolkit:
        graph = build(toolkit).compile(checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "leads", "approver": "anna"}}
        answered(graph, {"path": str(LEADS)}, config, all_but(FEDDERSEN))
        done, asked = len(writes(sandbox)), []
        past = next(state for state in graph.get_state_history(config) if state.next == ("score",))
        leads = [{**lead, "budget": 14_000} if lead["email"] == OKAFOR else lead for lead in past.values["leads"]]
        graph.update_state(past.config, {"leads": leads})
        answered(graph, None, config, lambda call: asked.append(call["args"]["contact"]) or {"type": "approve"})
    assert asked == [OKAFOR]
    assert writes(sandbox)[done:] == ["POST /deals", "POST /contactAutomations"]
    assert person(sandbox, OKAFOR).automations == [ONBOARDING]
    assert person(sandbox, OKAFOR).deals == ["Quote: Tallgrass Studio"]


PROCESS = """
import sys
from pathlib import Path
from ac_tools import ActiveCampaign
from common import person
from triage.__main__ import triage

file, folder, answer = sys.argv[1:]
print(triage(Path(file), Path(folder), ActiveCampaign(limit=None), person(answer or None)))
"""


def test_one_process_pauses_and_another_goes_on(ran: Any, served: Any, person: Any, tmp_path: Path) -> None:
    """A run that waits for a person survives its process: the next one asks nothing anew and writes nothing twice."""
    env = {"ACTIVECAMPAIGN_URL": served.url, "ACTIVECAMPAIGN_API_KEY": served.key}
    first = ran("-c", PROCESS, str(LEADS), str(tmp_path / "state"), "", env=env)
    assert first.status == 1
    assert "It waits." in first.errors
    assert first.output.count("A person must decide") == 3, "all that wait are shown"
    assert "Enrol contact 46" in first.output
    written = writes(served.sandbox)
    assert "POST /contactAutomations" not in written
    second = ran("-c", PROCESS, str(LEADS), str(tmp_path / "state"), "approve", env=env)
    assert second.status == 0, second.errors
    assert writes(served.sandbox) == [*written, *["POST /contactAutomations"] * 3]
    assert person(served.sandbox, MORI).automations == [ONBOARDING]
    assert person(served.sandbox, MORI).deals == ["Trade terms: 川村設計事務所"]


def test_a_run_that_failed_goes_on_where_it_was(triage: Any, sandbox: Any) -> None:
    """Where the account fails in the middle, the next run begins at that step."""
    sandbox.fault("GET", "/contacts", status=500, times=20)
    with pytest.raises(RuntimeError, match="ac_list_contacts could not read"):
        triage()
    sandbox.clear_faults()
    assert "People: 9 " in triage()


def test_whoever_says_no_once_has_not_agreed(tmp_path: Path) -> None:
    """A row without consent takes everybody of that address out, and a missing column is named."""
    from triage.leads import read_leads

    file = tmp_path / "leads.csv"
    file.write_text(f"{HEAD}Ann@X.example,Ann,,,,,Quote,1,yes\nann@x.example,Ann,,,,,Quote,1,no\n", encoding="utf-8")
    leads, aside = read_leads(file)
    assert leads == []
    assert [each["row"] for each in aside] == [2, 3]
    file.write_text("email,consent\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no column first_name and no column last_name"):
        read_leads(file)


def test_the_points_are_explained(triage: Any) -> None:
    """The reasons that the report gives for a lead add up to its points."""
    told = triage()
    found = re.findall(r"^(?:hot|warm|cold) +(\d+)  .*\n((?: {10}(?!done:|not done:).*\n)+)", told, re.MULTILINE)
    assert len(found) == 9
    for points, reasons in found:
        assert int(points) == sum(map(int, re.findall(r"\((\d+)\)", reasons)))


def test_the_picture_in_the_readme_is_the_graph(opened: Any) -> None:
    """The README's picture of the workflow is what LangGraph draws of it."""
    from triage.graph import GRANTS, build

    from ac_guardrails import Grants, Guard
    from ac_tools import ActiveCampaignToolkit

    guard = Guard(Grants.from_file(GRANTS), ledger="memory:")
    toolkit = ActiveCampaignToolkit(account=opened(), guard=guard, agent="triage")
    drawn = build(toolkit).compile().get_graph().draw_mermaid()
    assert f"```mermaid\n{drawn}```" in (ROOT / "README.md").read_text(encoding="utf-8")
