"""The workflow: nodes that read, nodes that only think, nodes that write.

It is built without a checkpointer, so that `langgraph dev` can bring its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolNode

from ac_tools import ActiveCampaignToolkit

from .leads import Known, Lead, SetAside, read_leads
from .report import Done, report
from .scoring import domain_of, enriched, scored
from .writes import STEPS, Write

GRANTS = Path(__file__).with_name("grants.yaml")
LEADS = Path(__file__).with_name("leads.csv")


class Triage(TypedDict, total=False):
    """What the nodes share. Plain JSON: a checkpoint can be read, edited and forked."""

    path: str
    leads: list[Lead]
    set_aside: list[SetAside]
    businesses: dict[str, str]
    done: Annotated[list[Done], operator.add]
    report: str


Node = Callable[[Triage], Triage]


def build(toolkit: ActiveCampaignToolkit) -> StateGraph[Triage]:
    """The workflow for one agent's tools.

    Args:
        toolkit: The tools. Its guard asks in the graph, so that the graph waits for a person.
    """
    write = Writer(toolkit)
    nodes: dict[str, Any] = {
        "read": read,
        "look_up": looking_up(toolkit),
        "enrich": enrich,
        "score": score,
        **{step: writing(step, write) for step in STEPS},
        "summarize": summarize,
    }
    return StateGraph(Triage).add_sequence(list(nodes.items())).add_edge(START, "read")


def read(state: Triage) -> Triage:
    """Read the file, each person once. What an event has started has its lead already."""
    if "leads" in state:
        return {}
    leads, set_aside = read_leads(Path(state.get("path") or LEADS))
    return {"leads": leads, "set_aside": set_aside}


def looking_up(toolkit: ActiveCampaignToolkit) -> Node:
    """The node that finds the leads, and their businesses, in the account."""

    def look_up(state: Triage) -> Triage:
        names = {noun: {each.id: each.name for each in toolkit.walk(f"ac_list_{noun}")} for noun in _NAMED}
        businesses = {domain_of(each.account_url or ""): each.name or "" for each in toolkit.walk("ac_list_accounts")}
        leads: list[Lead] = [{**lead, "known": _known(toolkit, lead["email"], names)} for lead in state["leads"]]
        return {"leads": leads, "businesses": businesses}

    return look_up


def enrich(state: Triage) -> Triage:
    """Add what address and job title tell."""
    return {"leads": [enriched(lead, state["businesses"]) for lead in state["leads"]]}


def score(state: Triage) -> Triage:
    """Give points, and say what for; the best first."""
    leads = map(scored, state["leads"])
    return {"leads": sorted(leads, key=lambda lead: lead["points"], reverse=True)}


def writing(step: str, write: Writer) -> Node:
    """A node that writes what one step has to say about each lead."""

    def node(state: Triage) -> Triage:
        return {"done": write(step, [(lead, each) for lead in state["leads"] for each in STEPS[step](lead)])}

    return node


def summarize(state: Triage) -> Triage:
    """Say what became of every row."""
    return {"report": report(state["leads"], state["set_aside"], state["done"])}


class Writer:
    """Carries out the calls of a step, all in one message: a person is asked about all of them at once.

    The message and its calls have the same ids in every run of the thread. That is how the ledger knows a call again
    that was made before a crash, or before the fork of a checkpoint, and gives the recorded result in its place.
    """

    def __init__(self, toolkit: ActiveCampaignToolkit) -> None:
        self._tools = ToolNode(toolkit.get_tools())

    def __call__(self, step: str, writes: Iterable[tuple[Lead, Write]]) -> list[Done]:
        asked = {f"{lead['email']}, {write.words}": (lead, write) for lead, write in writes}
        calls = [ToolCall(id=name, name=write.tool, args=write.args) for name, (_, write) in asked.items()]
        if not calls:
            return []
        answers = self._tools.invoke({"messages": [AIMessage("", id=step, tool_calls=calls)]})["messages"]
        return [_done(step, *asked[answer.tool_call_id], answer) for answer in answers]


def _done(step: str, lead: Lead, write: Write, answer: ToolMessage) -> Done:
    ok = answer.status == "success"
    why = "" if ok else str(answer.content).partition("\n")[0]
    return Done(email=lead["email"], step=step, what=write.words, ok=ok, why=why)


_NAMED = ("lists", "tags", "automations")
_LEFT = ("unsubscribed", "bounced")


def _known(toolkit: ActiveCampaignToolkit, email: str, names: dict[str, dict[str, str]]) -> Known | None:
    found = _read(toolkit, "ac_list_contacts", email=email).items
    if not found:
        return None
    contact = _read(toolkit, "ac_get_contact", contact=int(found[0].id))
    tags = [names["tags"].get(each.tag_id, "") for each in contact.tags]
    return Known(
        customer="Customer" in tags,
        left=[names["lists"].get(each.list_id, "a list") for each in contact.lists if each.status in _LEFT],
        tags=tags,
        automations=[names["automations"].get(each.automation_id, "") for each in contact.automations],
        open_deals=[each.title for each in contact.deals if each.status == "open"],
    )


def _read(toolkit: ActiveCampaignToolkit, tool: str, **args: Any) -> Any:
    """A record, or a page of them; the run ends here if it cannot be read, and goes on here when it is run again."""
    answer: ToolMessage = toolkit.get_tool(tool).invoke(ToolCall(id=tool, name=tool, args=args, type="tool_call"))
    if answer.status == "error":
        raise RuntimeError(f"{tool} could not read {args}: {answer.content}")
    return answer.artifact
