"""What the tests of webhooks share: waiting, and an account's webhooks as an admin registers them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from ac_tools.sandbox import Sandbox

SECRET = "s3cret-in-the-url-000000000"
EVERY_SOURCE = ["public", "admin", "api", "system"]
FORM = "application/x-www-form-urlencoded"


def form(**fields: Any) -> bytes:
    """A body as the account sends it."""
    return urlencode({"type": "contact_tag_added", **fields}).encode()


def post(url: str, body: bytes, content_type: str = FORM, **headers: str) -> int:
    """Send a body, and say what was answered."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", target, body, {"Content-Type": content_type, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def hook(sandbox: Sandbox, url: str, events: list[str], sources: list[str] | None = None, **more: Any) -> None:
    """Register a webhook in the account, as an admin does on its page."""
    given = {"name": "hook", "url": url, "events": events, "sources": sources or EVERY_SOURCE, **more}
    ask(sandbox, "POST", "/webhooks", {"webhook": given})


def ask(sandbox: Sandbox, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A request of somebody else's client."""
    answer = sandbox.handle(method, f"/api/3{path}", {"Api-Token": sandbox.key}, json.dumps(body or {}).encode())
    assert answer.status < 300, answer.body
    return json.loads(answer.body)
