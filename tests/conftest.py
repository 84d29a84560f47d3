"""What the tests share: an embedded account, a served one, approvers and guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from langchain_core.messages import ToolMessage

from ac_guardrails import ApprovalRequest, Approver, Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog

EVERYTHING = dict.fromkeys(AREAS, "full")

# A busy machine proves nothing about what is tested.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


class Approving:
    """Approves whatever it is asked, and remembers the questions."""

    def __init__(self) -> None:
        self.requests: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return Decision.approve(by="anna")


@pytest.fixture
def approve() -> Approving:
    """An approver that says yes and keeps the requests in `.requests`."""
    return Approving()


@pytest.fixture
def account() -> Iterator[ActiveCampaign]:
    """A fresh embedded account with the believable data."""
    with ActiveCampaign.sandbox() as opened:
        yield opened


@pytest.fixture
def guard_for() -> Iterator[Callable[..., Guard]]:
    """Makes a guard from what one agent called "marketing" may do, or from a whole grants dict."""
    guards: list[Guard] = []

    def make(
        grants: dict[str, Any], approver: Approver | None = None, ledger: str = "memory:", **options: Any
    ) -> Guard:
        data = grants if "agents" in grants else {"agents": {"marketing": grants}}
        guards.append(Guard(Grants.from_dict(data, catalog=catalog), approver=approver, ledger=ledger, **options))
        return guards[-1]

    yield make
    for guard in guards:
        guard.ledger.close()


@pytest.fixture
def toolkit(account: ActiveCampaign, guard_for: Callable[..., Guard], approve: Approving) -> ActiveCampaignToolkit:
    """All 29 tools for the agent "marketing", everything granted and approved, on the embedded account."""
    return ActiveCampaignToolkit(account=account, guard=guard_for(EVERYTHING, approve), agent="marketing")


@pytest.fixture
def run() -> Callable[..., ToolMessage]:
    """Calls a tool of a toolkit as an agent does: by name, with arguments, as a tool call."""

    def call(toolkit: ActiveCampaignToolkit, name: str, /, **args: Any) -> ToolMessage:
        message = toolkit.get_tool(name).invoke({"type": "tool_call", "id": "call_1", "name": name, "args": args})
        assert isinstance(message, ToolMessage)
        return message

    return call


class Served:
    """A sandbox account behind a real HTTP server on loopback."""

    def __init__(self, sandbox: Any, server: Any) -> None:
        self.sandbox = sandbox
        self.url: str = server.url
        self.key: str = sandbox.key


@pytest.fixture
def served() -> Iterator[Served]:
    """The embedded account over real HTTP, without a limit."""
    from ac_tools.sandbox import Sandbox, serve

    sandbox = Sandbox()
    with serve(sandbox) as server:
        yield Served(sandbox, server)
