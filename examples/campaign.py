"""Prepares a campaign: the agent sizes up the audience and drafts, and a person approves, edits or rejects the draft.

The draft is empty, and no endpoint of the API sends it. Recipients and text are chosen in the app.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common import answered, open_account, open_model, options, person, said, thread
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.memory import InMemorySaver

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaignToolkit
from ac_tools.testing import calling

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

GRANTS = {"agents": {"campaigns": {"campaigns": "full", "contacts": "read", "lists": "read", "tags": "read"}}}
PROMPT = """You prepare e-mail campaigns. First read which lists and tags there are, and how many active subscribers
those have that fit: ac_list_contacts with limit=1 says the total. Then make one draft. A person decides about it.
If they change it, work with what they made of it; if they say no, leave it at that. At the end say what the draft
is called, whom it is meant for and how many they are, and that recipients and text are chosen in the app."""
TASK = "Prepare the mailing of our 2027 price list to everybody who has trade terms."

SCRIPT = (
    calling("ac_list_lists"),
    calling("ac_list_tags", search="Trade"),
    calling("ac_list_contacts", list="Trade news", status="active", limit=1),
    calling("ac_list_contacts", tag="Trade", limit=1),
    calling("ac_list_contacts", list="Trade news", status="active", tag="Trade", limit=1),
    calling("ac_create_campaign", name="Trade price list 2027", type="single"),
    lambda messages: AIMessage(_summary(messages)),
)


def _summary(messages: Sequence[BaseMessage]) -> str:
    """What the script says last: the sizes that it read, and what became of the draft."""
    pages = [message.text for message in messages if message.name == "ac_list_contacts"]
    on_list, tagged, both = [re.findall(r"of (\d+) shown", page)[-1] for page in pages]
    return (
        f"Trade news has {on_list} active subscribers, {tagged} people have the tag Trade, {both} are both.\n"
        f"{said(messages[-1])}\n"
        f"If there is a draft, choose these {both} as its recipients in the app, and write the text there."
    )


def build(model: BaseChatModel, toolkit: ActiveCampaignToolkit, **options: Any) -> CompiledStateGraph[Any]:
    """The agent.

    Args:
        model: What it thinks with.
        toolkit: Its tools. Their guard asks in the graph, so that the graph waits for a person.
        options: What `create_agent` takes besides, such as a checkpointer.
    """
    return create_agent(model, toolkit.get_tools(), system_prompt=PROMPT, name=toolkit.agent, **options)


def main() -> None:
    args = options(__doc__ or "").parse_args()
    guard = Guard(Grants.from_dict(GRANTS), approver=ask_in_graph, ledger=args.ledger)
    with ActiveCampaignToolkit(account=open_account(real=args.real), guard=guard, agent="campaigns") as toolkit:
        graph = build(open_model(args.model, SCRIPT), toolkit, checkpointer=InMemorySaver())
        state = answered(graph, {"messages": [("user", TASK)]}, thread("campaign"), person(args.answer))
        print(state["messages"][-1].text)


if __name__ == "__main__":
    main()
