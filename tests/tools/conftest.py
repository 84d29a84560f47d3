"""What the tests of the tools share: an embedded account with a wire that can be watched, and valid calls."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from langchain_core.messages import ToolMessage

from ac_guardrails import ApprovalRequest, Decision, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.sandbox import Sandbox, Settings
from ac_tools.tools.imports import ImportContacts

VALID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ac_get_contact": ({"contact": "maria@lindqvist-interiors.example"}, {"contact": 50}),
    "ac_list_contacts": ({"search": "an", "limit": 5}, {"tag": "VIP", "list": "Newsletter", "status": "active"}),
    "ac_create_contact": (
        {"email": "first@new.example", "first_name": "Zoë"},
        {"email": "second@new.example", "field_values": [{"field": "Job title", "value": "Owner"}]},
    ),
    "ac_update_contact": ({"contact": 46, "phone": "+1 555 0100"}, {"contact": "50", "first_name": "P."}),
    "ac_sync_contact": ({"email": "third@new.example"}, {"email": "bea.lovell@example.org", "last_name": "Lovell-Ray"}),
    "ac_import_contacts": (
        {"contacts": [{"email": "a@imported.example"}, {"email": "b@imported.example"}], "subscribe": ["Newsletter"]},
        {"contacts": [{"email": "c@imported.example", "first_name": "C"}], "tags": ["Imported"]},
    ),
    "ac_delete_contact": ({"contact": "gregh@example.net"}, {"contact": 47}),
    "ac_get_list": ({"list": "Newsletter"}, {"list": 2}),
    "ac_list_lists": ({}, {"name": "news"}),
    "ac_create_list": (
        {"name": "Über uns", "sender_url": "https://a.example", "sender_reminder": "You signed up."},
        {"name": "B", "sender_url": "https://b.example", "sender_reminder": "You asked.", "channel": "email"},
    ),
    "ac_set_list_status": (
        {"contact": 46, "list": "Newsletter", "status": "unsubscribe"},
        {"contact": "k.petersen@hafenkontor.example", "list": 1, "status": "subscribe"},
    ),
    "ac_list_tags": ({}, {"search": "lead"}),
    "ac_create_tag": ({"name": "Fresh"}, {"name": "Very fresh", "description": "As of today"}),
    "ac_add_tag": ({"contact": 46, "tag": "C#"}, {"contact": 3, "tag": "B2B/Office"}),
    "ac_remove_tag": ({"contact": 28, "tag": "Trade"}, {"contact": 25, "tag": "=2024"}),
    "ac_get_deal": ({"deal": 27}, {"deal": "1"}),
    "ac_list_deals": ({"pipeline": "Sales", "stage": "Qualified"}, {"status": "won", "limit": 3}),
    "ac_create_deal": (
        {"title": "Desks", "amount": "1250.50", "currency": "USD", "contact": 46, "stage": "New"},
        {"title": "Chairs", "amount": 99, "currency": "eur", "account": "Kessler Hotels", "pipeline": "Sales"},
    ),
    "ac_update_deal": ({"deal": 27, "amount": "19000"}, {"deal": 1, "title": "Kessler Bremen"}),
    "ac_get_field": ({"field": "Customer type"}, {"field": 1}),
    "ac_list_fields": ({}, {"perstag": "LANGUAGE"}),
    "ac_create_field": (
        {"title": "Shirt size", "type": "dropdown", "options": ["S", "M", "L"]},
        {"title": "Nickname", "type": "text"},
    ),
    "ac_create_campaign": ({"name": "Autumn", "type": "single"}, {"name": "Winter", "type": "text"}),
    "ac_list_automations": ({}, {"active": True, "search": "w"}),
    "ac_list_contact_automations": ({"contact": 32}, {"contact": "asa@lindqvist-interiors.example"}),
    "ac_add_to_automation": (
        {"contact": 46, "automation": "Trade onboarding"},
        {"contact": 3, "automation": "Win-back"},
    ),
    "ac_remove_from_automation": ({"contact": 32, "automation": "Win-back"}, {"contact": 6, "automation": 2}),
    "ac_list_accounts": ({}, {"search": "o", "count_deals": True}),
    "ac_create_account": ({"name": "Acme GmbH"}, {"name": "Globex", "account_url": "https://globex.example"}),
}
"""Two calls of every tool that the seeded account takes, and that do not get into each other's way."""


@pytest.fixture
def valid() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Two valid calls of every tool."""
    return VALID


@dataclass(frozen=True)
class Exchange:
    """One request as it left, and the answer as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any
    status: int
    size: int


Change = Callable[[Exchange, Any], Any]
"""Makes another JSON answer of the embedded account's own."""
_NUMBERS = itertools.count(1)


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """What runs between an account and an embedded one: remembers everything, and can change answers.

    Args:
        sandbox: The embedded account.
        change: What to make of its answers.
    """

    def __init__(self, sandbox: Sandbox, change: Change | None = None) -> None:
        self.sandbox = sandbox
        self.exchanges: list[Exchange] = []
        self._inner = sandbox.transport()
        self._change = change
        self.account = ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=self, limit=None)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, self._inner.handle_request(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, await self._inner.handle_async_request(request))

    def _answered(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        exchange = Exchange(
            request.method,
            request.url.path.removeprefix("/api/3"),
            list(request.url.params.multi_items()),
            json.loads(request.content) if request.content else None,
            response.status_code,
            len(response.content),
        )
        self.exchanges.append(exchange)
        if self._change is None:
            return response
        changed = json.dumps(self._change(exchange, response.json())).encode()
        return httpx.Response(response.status_code, content=changed, request=request)

    def sent(self, *methods: str) -> list[tuple[str, str]]:
        """Method and path of the requests, of these methods only where some are named."""
        return [(each.method, each.path) for each in self.exchanges if not methods or each.method in methods]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of the requests that may change something."""
        return self.sent("POST", "PUT", "DELETE")

    def bodies(self, path: str) -> list[Any]:
        """What was sent to a path."""
        return [each.body for each in self.exchanges if each.path == path and each.body is not None]

    def query(self, path: str) -> dict[str, str]:
        """The query of the last request to a path."""
        return dict([each.query for each in self.exchanges if each.path == path][-1])


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports are asked after at once, because the embedded account does them at once."""
    monkeypatch.setattr(ImportContacts, "pause", 0.01)


@pytest.fixture
async def on() -> AsyncIterator[Callable[..., Wire]]:
    """Makes a wire to an embedded account that is built as the test likes; imports are done at once."""
    wires: list[Wire] = []

    def make(
        *,
        seed: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        change: Change | None = None,
        **options: Any,
    ) -> Wire:
        url = f"https://sandbox-{next(_NUMBERS)}.api-us1.example"  # a budget belongs to its host
        settings = settings or Settings(import_seconds=0)
        wires.append(Wire(Sandbox(seed=seed, settings=settings, url=url, **options), change))
        return wires[-1]

    yield make
    for wire in wires:
        await wire.account.aclose()


@pytest.fixture
def wire(on: Callable[..., Wire]) -> Wire:
    """The wire to a fresh embedded account with the believable data."""
    return on()


@pytest.fixture
def account(wire: Wire) -> ActiveCampaign:
    """The account at the end of the wire."""
    return wire.account


@pytest.fixture
def toolkit_for(wire: Wire, guard_for: Callable[..., Guard], approve: Any) -> Callable[..., ActiveCampaignToolkit]:
    """Makes a toolkit from what the agent may do, area by area; without any, everything."""

    def make(other: Wire | None = None, /, **grants: Any) -> ActiveCampaignToolkit:
        guard = guard_for(grants or dict.fromkeys(AREAS, "full"), approve)
        return ActiveCampaignToolkit(account=(other or wire).account, guard=guard, agent="marketing")

    return make


@pytest.fixture
def run() -> Callable[..., ToolMessage]:
    """Calls a tool of a toolkit as an agent does; the tools' own arguments may be called anything."""

    def call(toolkit: ActiveCampaignToolkit, tool: str, /, **args: Any) -> ToolMessage:
        message = toolkit.get_tool(tool).invoke({"type": "tool_call", "id": "call_1", "name": tool, "args": args})
        assert isinstance(message, ToolMessage)
        return message

    return call


class Reviewer:
    """Answers a toolkit's questions, and keeps their cards and how many requests each had cost."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.asked: list[ApprovalRequest] = []
        self.costs: list[int] = []
        self.meanwhile: tuple[Any, Any, Any] | None = None
        self.approves = True
        self._before = 0

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.asked.append(request)
        self.costs.append(len(self.sandbox.requests) - self._before)
        if self.meanwhile is not None and len(self.asked) == 1:
            self.happens(self.meanwhile)
        agreed = self.approves and len(self.asked) == 1
        return Decision.approve(by="anna") if agreed else Decision.reject(by="anna")

    def happens(self, what: tuple[Any, Any, Any]) -> None:
        """What somebody does in the account: a request of method, path and body; or, where the API has none for it, a
        change of a record: collection, id and values.
        """
        first, second, third = what
        if isinstance(second, str):
            headers, body = {"Api-Token": self.sandbox.key}, json.dumps(third).encode()
            answer = self.sandbox.handle(first, f"/api/3{second}", headers, body)
            assert answer.status < 300, answer
            return
        record = getattr(self.sandbox._store, first).get(second)
        for name, value in third.items():
            assert hasattr(record, name)
            setattr(record, name, value)

    def begin(self) -> None:
        """What comes is another call."""
        self.asked, self.costs, self._before = [], [], len(self.sandbox.requests)

    def row(self, label: str, card: int = -1) -> str:
        """A row of a card as it is drawn; empty where there is none."""
        return dict(self.asked[card].card.inert().rows).get(label, "")


@pytest.fixture
def reviewer_of() -> type[Reviewer]:
    """Makes a person who reviews what is done in an embedded account."""
    return Reviewer


@pytest.fixture
def reviewing(wire: Any, guard_for: Any) -> Callable[..., tuple[ActiveCampaignToolkit, Reviewer]]:
    """Makes a toolkit where a person is asked before every write, and that person."""

    def make(other: Any = None, **grants: Any) -> tuple[ActiveCampaignToolkit, Reviewer]:
        used = other or wire
        reviewer = Reviewer(used.sandbox)
        guard = guard_for(grants or {area: {"access": "full", "ask": "writes"} for area in AREAS}, reviewer)
        return ActiveCampaignToolkit(account=used.account, guard=guard, agent="marketing"), reviewer

    return make
