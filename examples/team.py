"""A supervisor with two specialists: the researcher reads, the operator writes, and neither borrows the other's grants.

In the script the researcher also tries to write. It is refused, on record under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from common import answered, open_account, open_model, options, person, telling, thread
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaignToolkit
from ac_tools.testing import calling

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

GRANTS = {"agents": {"supervisor": {"contacts": "read", "lists": "read", "tags": "write", "automations": "full"}}}
RESEARCHER = {"contacts": "read", "lists": "read", "tags": "read", "automations": "read"}
OPERATOR = {"contacts": "read", "tags": "write", "automations": "full"}
TASK = "Maria Lindqvist came to our showroom and wants trade terms. Find out who she is to us, tag her and enrol her."

MARIA = "maria@lindqvist-interiors.example"
SCRIPTS = {
    "supervisor": (
        calling("researcher", task=f"Who is {MARIA} to us? Which automations is she in?"),
        calling("operator", task=f"Tag {MARIA} with Showroom visit, and enrol her in Trade onboarding."),
        telling("The operator says:"),
    ),
    "researcher": (
        calling("ac_get_contact", contact=MARIA),
        calling("ac_add_tag", contact=MARIA, tag="Showroom visit"),
        telling("She has trade terms and is in no automation. I also tried to tag her:"),
    ),
    "operator": (
        calling("ac_add_tag", contact=MARIA, tag="Showroom visit"),
        calling("ac_add_to_automation", contact=MARIA, automation="Trade onboarding"),
        telling("She has the tag. The enrolment:"),
    ),
}


def build(
    model_of: Callable[[str], BaseChatModel], toolkit: ActiveCampaignToolkit, **options: Any
) -> CompiledStateGraph[Any]:
    """The supervisor with its specialists.

    Args:
        model_of: The model of each agent, by its name.
        toolkit: The supervisor's tools. Their guard asks in the graph, so that the graph waits for a person.
        options: What `create_agent` takes besides, such as a checkpointer.
    """
    researcher = toolkit.narrow("researcher", grants=RESEARCHER)
    operator = toolkit.narrow("operator", grants=OPERATOR)
    # Nobody would hand the researcher a tool that it may not use. It shows that having the tool is not enough.
    reading = [*researcher.get_tools(), researcher.get_tool("ac_add_tag")]
    specialists = [
        specialist("researcher", "Finds out who people are to us.", model_of("researcher"), reading),
        specialist("operator", "Tags people and enrols them.", model_of("operator"), operator.get_tools()),
    ]
    prompt = "You lead a researcher and an operator. Find out before you act."
    return create_agent(model_of("supervisor"), specialists, system_prompt=prompt, name="supervisor", **options)


def specialist(name: str, description: str, model: BaseChatModel, tools: Sequence[BaseTool]) -> BaseTool:
    """An agent as a tool of the supervisor. Its own tools are bound to its own name, whoever calls it."""
    agent = create_agent(model, tools, name=name)

    def work(task: str) -> str:
        return str(agent.invoke({"messages": [HumanMessage(task)]})["messages"][-1].text)

    async def awork(task: str) -> str:
        return str((await agent.ainvoke({"messages": [HumanMessage(task)]}))["messages"][-1].text)

    return StructuredTool.from_function(work, awork, name=name, description=description)


def main() -> None:
    args = options(__doc__ or "").parse_args()
    guard = Guard(Grants.from_dict(GRANTS), approver=ask_in_graph, ledger=args.ledger)
    with ActiveCampaignToolkit(account=open_account(real=args.real), guard=guard, agent="supervisor") as toolkit:
        graph = build(lambda name: open_model(args.model, SCRIPTS[name]), toolkit, checkpointer=InMemorySaver())
        state = answered(graph, {"messages": [("user", TASK)]}, thread("team"), person(args.answer))
        print(state["messages"][-1].text)
        print("\nOn record:", *(entry.sentence for entry in guard.ledger.entries()), sep="\n")


if __name__ == "__main__":
    main()
