"""The examples' graphs for `langgraph dev`, which brings the checkpointer.

They are scripted, on an embedded account, with the ledger studio.db. EXAMPLES_MODEL=provider:name brings a real model,
EXAMPLES_REAL=1 the account that ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY name, EXAMPLES_LEDGER another ledger.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import agent as ten_lines
import campaign as campaigns
import team as teams
from common import open_account, open_model
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from triage.graph import GRANTS as TRIAGE_GRANTS
from triage.graph import build as build_triage

from ac_guardrails import Grants, Guard
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaignToolkit
from ac_tools.testing import Turn

_ACCOUNT = open_account(real=os.environ.get("EXAMPLES_REAL") == "1")


def _toolkit(agent: str, grants: Grants) -> ActiveCampaignToolkit:
    guard = Guard(grants, approver=ask_in_graph, ledger=os.environ.get("EXAMPLES_LEDGER", "sqlite:///studio.db"))
    return ActiveCampaignToolkit(account=_ACCOUNT, guard=guard, agent=agent)


def _model(script: Sequence[Turn]) -> BaseChatModel:
    return open_model(os.environ.get("EXAMPLES_MODEL"), script)


_marketing = _toolkit("marketing", Grants.from_file(ten_lines.GRANTS))

agent = create_agent(_model(ten_lines.SCRIPT), _marketing.get_tools(), name="marketing")
campaign = campaigns.build(_model(campaigns.SCRIPT), _toolkit("campaigns", Grants.from_dict(campaigns.GRANTS)))
team = teams.build(lambda name: _model(teams.SCRIPTS[name]), _toolkit("supervisor", Grants.from_dict(teams.GRANTS)))
triage = build_triage(_toolkit("triage", Grants.from_file(TRIAGE_GRANTS))).compile(name="triage")
