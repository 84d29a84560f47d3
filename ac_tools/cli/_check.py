"""One read, as the guard's own kind of call: permitted, paced and recorded like every other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ac_guardrails import Action, Answer, Card, Catalog, CatalogTool, Grants, Guard, Job, Level, Need, Plan, Request
from ac_guardrails._job import Exchange
from ac_tools import ActiveCampaign, ForbiddenError, NotFoundError, PaymentRequiredError

AGENT = "doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: What was checked.
        result: ok, wrong or skipped.
        detail: What it found, and what to do where it is wrong.
    """

    check: str
    result: Literal["ok", "wrong", "skipped"]
    detail: str


def reads_only(areas: Iterable[str]) -> Guard:
    """A guard that lets the doctor read these areas and nothing else, and remembers in memory."""
    areas = tuple(areas)
    tools = tuple(CatalogTool(_tool(area), Need(area, Level.READ)) for area in areas)
    catalog = Catalog(name=AGENT, areas=areas, tools=tools)
    grants = Grants.from_dict({"agents": {AGENT: dict.fromkeys(areas, "read")}}, catalog=catalog)
    return Guard(grants, ledger="memory:")


def _tool(area: str) -> str:
    return f"look at {area}"


def look(guard: Guard, account: ActiveCampaign, area: str, path: str, *, limit: int | None = None) -> Answer:
    """Read one path; the artifact of a success is the reply, of what the account does not offer the error.

    Args:
        guard: The guard to go through.
        account: The account.
        area: The area that the path belongs to.
        path: The path below the API's base.
        limit: The most records to ask for.
    """
    params = (("limit", str(limit)),) if limit else ()
    return guard.run(_Look(account.host, area, Request("GET", path, params)), account)


class _Look(Job):
    """The job of reading one path."""

    agent = AGENT

    def __init__(self, host: str, area: str, request: Request) -> None:
        self.host = host
        self.tool = _tool(area)
        self._area = area
        self._request = request

    def outline(self) -> Action:
        return Action(
            agent=self.agent,
            tool=self.tool,
            host=self.host,
            needs=(Need(self._area, Level.READ),),
            arguments={},
            what=f"look at {self._request.path}",
            request=self._request,
        )

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        return Plan(action=self.outline(), card=lambda: Card(self.outline().what), perform=self._perform)
        yield  # a generator that has nothing to read first

    def _perform(self) -> Exchange:
        try:
            reply = yield self._request
        except (ForbiddenError, NotFoundError, PaymentRequiredError) as error:
            return Answer(str(error), error, ok=False)
        return Answer("read", reply)

    def edited(self, arguments: Mapping[str, Any]) -> _Look:
        return self

    def arguments(self) -> Mapping[str, Any]:
        return {}
