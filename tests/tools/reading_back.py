"""What the tests of settling share: a call's natural key, and reading back by it alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from ac_guardrails import Level, Request
from ac_guardrails._canonical import canonical
from ac_guardrails._request import mint
from ac_tools import ActiveCampaign, ActiveCampaignError, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.tools import TOOLS
from ac_tools.tools._by_name import reading_back
from ac_tools.tools._job import ToolJob
from ac_tools.tools._origins import origin_of

WRITES = [tool.model_fields["name"].default for tool in TOOLS if tool.endpoint.level > Level.READ]
MADE = {
    "ac_create_tag": lambda name: {"name": name.replace(",", ";")},
    "ac_create_list": lambda name: {"name": name, "sender_url": "https://a.example", "sender_reminder": "You asked."},
    "ac_create_field": lambda name: {"title": name, "type": "text"},
    "ac_create_account": lambda name: {"name": name},
    "ac_create_campaign": lambda name: {"name": name, "type": "single"},
    "ac_create_deal": lambda name: {"title": name, "amount": 5, "currency": "EUR", "contact": 46, "stage": "New"},
}
"""How a record that is found by its name is made."""


def send(account: ActiveCampaign, request: Request) -> Any:
    return account.send(request, mint(request))


def drive(account: ActiveCampaign, steps: Any) -> Any:
    """Sends what a generator asks for, and gives it the replies and errors, as the guard does."""
    step: Callable[[], Any] = lambda: next(steps)  # noqa: E731
    while True:
        try:
            request = step()
        except StopIteration as stop:
            return stop.value
        try:
            result = send(account, request) if isinstance(request, Request) else None
        except ActiveCampaignError as error:
            step = lambda error=error: steps.throw(error)  # noqa: E731
        else:
            step = lambda result=result: steps.send(result)  # noqa: E731


def planned(toolkit: ActiveCampaignToolkit, tool: str, **args: Any) -> Any:
    """The plan of a call, or the answer that ended it."""
    made = toolkit.get_tool(tool)
    return drive(toolkit.account, ToolJob(made, args, origin_of(made)).prepare(frozenset(AREAS)))


def key_of(toolkit: ActiveCampaignToolkit, tool: str, **args: Any) -> dict[str, Any]:
    """The natural key of a call, as it comes back from where it is kept."""
    key: dict[str, Any] = json.loads(json.dumps(dict(planned(toolkit, tool, **args).action.key)))
    return key


def effect(key: Mapping[str, Any]) -> str:
    """What of a key tells effects apart."""
    return canonical({name: value for name, value in key.items() if not name.startswith("_")})


def read(toolkit: ActiveCampaignToolkit, tool: str, key: Mapping[str, Any], since: float | None = None) -> Any:
    """What is found by the key alone, as after a restart."""
    since = time.time() + 60 if since is None else since  # by default whatever is there is older than the write
    finding = drive(toolkit.account, reading_back(tool, key, since))
    assert re.fullmatch(r"[a-z0-9_ ,.:;'Z-]+", finding.reason, re.IGNORECASE), finding.reason
    return finding
