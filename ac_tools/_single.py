"""One request, as the guard's own kind of call: permitted, paced and recorded like every other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ac_guardrails import (
    Action,
    Answer,
    Approver,
    Card,
    Catalog,
    CatalogTool,
    Grants,
    Guard,
    Job,
    Ledger,
    Level,
    Need,
    Plan,
    Request,
)
from ac_guardrails._job import Exchange
from ac_tools import ActiveCampaign, ResponseError


def guard_of(
    agent: str,
    areas: Iterable[str],
    level: Level,
    *,
    ledger: str | Ledger = "memory:",
    approver: Approver | None = None,
) -> Guard:
    """A guard for one agent that sends single requests; each write is a question to the approver.

    Args:
        agent: The agent.
        areas: What it may reach.
        level: How far it may go there.
        ledger: Where its calls are recorded.
        approver: Who is asked.
    """
    areas = tuple(areas)
    tools = tuple(CatalogTool(_tool(area, need), Need(area, need)) for area in areas for need in (Level.READ, level))
    catalog = Catalog(name=agent, areas=areas, tools=tuple(dict.fromkeys(tools)))
    grants = Grants.from_dict({"agents": {agent: dict.fromkeys(areas, str(level))}}, catalog=catalog)
    return Guard(grants, ledger=ledger, approver=approver)


def send(guard: Guard, account: ActiveCampaign, agent: str, area: str, request: Request) -> Answer:
    """Send one request; the artifact of a success is the reply, of what the account refuses the error.

    Args:
        guard: The guard to go through.
        account: The account.
        agent: The agent whose call it is.
        area: The area that the path belongs to.
        request: The request.
    """
    return guard.run(_Single(agent, account.host, area, request), account)


def _tool(area: str, level: Level) -> str:
    return f"{'look at' if level is Level.READ else 'change'} {area}"


class _Single(Job):
    """The job of sending one request. Of a write the guard knows the least there is, so that it always asks."""

    def __init__(self, agent: str, host: str, area: str, request: Request) -> None:
        self.agent = agent
        self.host = host
        self._level = Level.FULL if request.is_write else Level.READ
        self.tool = _tool(area, self._level)
        self._area = area
        self._request = request

    def outline(self) -> Action:
        return Action(
            agent=self.agent,
            tool=self.tool,
            host=self.host,
            needs=(Need(self._area, self._level),),
            arguments=self.arguments(),
            what=f"{'send ' + self._request.method if self._request.is_write else 'look at'} {self._request.path}",
            request=self._request,
        )

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        return Plan(action=self.outline(), card=lambda: Card(self.outline().what), perform=self._perform)
        yield  # a generator that has nothing to read first

    def _perform(self) -> Exchange:
        try:
            reply = yield self._request
        except ResponseError as error:
            return Answer(str(error), error, ok=False)
        return Answer("sent" if self._request.is_write else "read", reply)

    def edited(self, arguments: Mapping[str, Any]) -> _Single:
        return self

    def arguments(self) -> Mapping[str, Any]:
        return {"body": self._request.body} if self._request.is_write else {}
