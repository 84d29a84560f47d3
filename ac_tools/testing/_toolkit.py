"""Guards in memory, toolkits on an embedded account, and what has reached it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ac_guardrails import Approver, Grants, Guard
from ac_tools._account import ActiveCampaign
from ac_tools._catalog import catalog
from ac_tools._toolkit import ActiveCampaignToolkit


def memory_guard(
    grants: Mapping[str, Any], approver: Approver | None = None, *, agent: str = "marketing", **options: Any
) -> Guard:
    """A guard whose ledger is in memory.

    Args:
        grants: What the agent may do, such as {"contacts": "read"}; or the grants of all agents, under "agents".
        approver: Who is asked; without one, every call that needs a person is refused.
        agent: The agent, where the grants name none.
        options: Of the guard, such as `clock` or `mode`.

    Raises:
        GrantsError: The grants say something that they may not.
    """
    data = grants if "agents" in grants else {"agents": {agent: grants}}
    return Guard(Grants.from_dict(data, catalog=catalog), approver=approver, ledger="memory:", **options)


def sandbox_toolkit(
    grants: Mapping[str, Any],
    approver: Approver | None = None,
    *,
    agent: str = "marketing",
    account: ActiveCampaign | None = None,
    **options: Any,
) -> ActiveCampaignToolkit:
    """A toolkit on an embedded account, behind a guard in memory; a context manager that closes both.

    Args:
        grants: What the agent may do, such as {"contacts": "read"}; or the grants of all agents, under "agents".
        approver: Who is asked; without one, every call that needs a person is refused.
        agent: The agent.
        account: The account; a fresh `ActiveCampaign.sandbox()` without it.
        options: Of the guard, such as `clock` or `mode`.
    """
    guard = memory_guard(grants, approver, agent=agent, **options)
    return ActiveCampaignToolkit(account=account or ActiveCampaign.sandbox(), guard=guard, agent=agent)


def writes_to(account: ActiveCampaign) -> list[str]:
    """What reached an embedded account and may have changed it, in order, such as "DELETE /contacts/46".

    Raises:
        ValueError: It is no embedded account.
    """
    if account.simulator is None:
        raise ValueError(f"{account.host} is no embedded account. Use ActiveCampaign.sandbox().")
    received = account.simulator.requests
    return [f"{one.method} {one.path.removeprefix('/api/3')}" for one in received if one.method != "GET"]
