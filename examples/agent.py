"""A guarded agent in ten lines: it looks somebody up, tags her, and asks you before it enrols her."""

from __future__ import annotations

from pathlib import Path

from common import open_account, open_model, options, telling
from langchain.agents import create_agent

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers import ask_in_terminal
from ac_tools import ActiveCampaignToolkit
from ac_tools.testing import calling

GRANTS = Path(__file__).with_name("grants.yaml")
TASK = "Maria Lindqvist came to our showroom. Tag her so, and enrol her in Trade onboarding."
MARIA = "maria@lindqvist-interiors.example"
SCRIPT = (
    calling("ac_list_contacts", search="Maria Lindqvist"),
    calling("ac_add_tag", contact=MARIA, tag="Showroom visit"),
    calling("ac_add_to_automation", contact=MARIA, automation="Trade onboarding"),
    telling("She has the tag. The enrolment:"),
)


def main() -> None:
    args = options(__doc__ or "", answer=False).parse_args()
    guard = Guard(Grants.from_file(GRANTS), approver=ask_in_terminal, ledger=args.ledger)
    with ActiveCampaignToolkit(account=open_account(real=args.real), guard=guard, agent="marketing") as toolkit:
        agent = create_agent(open_model(args.model, SCRIPT), toolkit.get_tools())
        result = agent.invoke({"messages": [("user", TASK)]})
        print(result["messages"][-1].text)
        print("\nOn record:", *(entry.sentence for entry in guard.ledger.entries()), sep="\n")


if __name__ == "__main__":
    main()
