"""What the tests of the contracts share: the recorder's scenarios, and an account whose traffic is kept."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from ac_tools import ActiveCampaign
from ac_tools.sandbox import Clock, Sandbox, Settings

ROOT = Path(__file__).parents[2]
Change = Callable[[str, str, Any], Any]
"""Makes another answer of method, path and the embedded account's own."""


Exchange = tuple[str, str, dict[str, Any], Any, int, Any]
"""Method, path, query, body, status, answer."""


class Tap(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Runs between an account and an embedded one: keeps everything, and can change answers."""

    def __init__(self, sandbox: Sandbox, change: Change | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._inner = sandbox.transport()
        self._change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, self._inner.handle_request(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, await self._inner.handle_async_request(request))

    def _answered(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        path = request.url.path.removeprefix("/api/3")
        answer = response.json() if response.content else None
        if self._change is not None:
            answer = self._change(request.method, path, answer)
            response = httpx.Response(response.status_code, content=json.dumps(answer).encode(), request=request)
        body = json.loads(request.content) if request.content else None
        query = dict(request.url.params.multi_items())
        self.exchanges.append((request.method, path, query, body, response.status_code, answer))
        return response


@pytest.fixture(scope="session")
def recorder() -> ModuleType:
    """The script beside the cassettes, whose scenarios call every tool."""
    spec = importlib.util.spec_from_file_location("cassettes_record_of_contracts", ROOT / "cassettes" / "record.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tapped() -> Iterator[Callable[..., tuple[ActiveCampaign, Tap]]]:
    """Makes an account on a fresh embedded one, and the tap between them."""
    opened: list[ActiveCampaign] = []

    def make(change: Change | None = None, **options: Any) -> tuple[ActiveCampaign, Tap]:
        sandbox = Sandbox(clock=Clock(1_772_442_000.0), settings=Settings(import_seconds=0))
        tap = Tap(sandbox, change)
        opened.append(ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=tap, limit=None, **options))
        return opened[-1], tap

    yield make
    for account in opened:
        account.close()
