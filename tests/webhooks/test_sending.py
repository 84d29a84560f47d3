"""The embedded account's own sending: to whom, in which order, how often, and what it may be told over HTTP."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from ac_tools.sandbox import Sandbox, serve

from .serving import hook

TAG = {"contactTag": {"contact": 46, "tag": 1}}


class Sink:
    """A server that answers what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[dict[str, list[str]]] = []
        self.status = 200
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                sink.got.append(parse_qs(body, keep_blank_values=True))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def tags(self) -> list[str]:
        return [one["tag"][0] for one in self.got]


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def tell(sandbox: Sandbox, *tags: str) -> None:
    for tag in tags:
        sandbox.tell("contact_tag_added", {"contact": 46, "tag": tag}, source="public")


@pytest.mark.parametrize("source", ["admin", "api"])
def test_who_did_it_is_told(sandbox: Sandbox, sink: Sink, source: str) -> None:
    """What a person does in the app is told as admin, what a client does as api, to webhooks that ask for it."""
    hook(sandbox, sink.url, ["contact_tag_added"], [source])
    before = len(sandbox.requests)
    sandbox.act("POST", "/contactTags", TAG)
    assert len(sandbox.requests) == before
    sandbox.act("DELETE", "/contactTags/" + _association(sandbox))
    sandbox.act("POST", "/contactTags", TAG, source="api")
    assert sandbox.webhooks.flush()
    [got] = sink.got
    assert (got["initiated_from"], got["contact[id]"], got["tag"]) == ([source], ["46"], ["Lead"])
    with pytest.raises(ValueError, match="was answered 4"):
        sandbox.act("POST", "/nowhere")


def _association(sandbox: Sandbox) -> str:
    rows = sandbox.act("GET", "/contacts/46/contactTags")["contactTags"]
    return next(row["id"] for row in rows if row["tag"] == "1")


def test_events_come_twice_in_another_order_or_not_at_all(sandbox: Sandbox, sink: Sink) -> None:
    """Duplicates, reordering and a receiver that cannot be reached are had on order."""
    hook(sandbox, sink.url, ["contact_tag_added"])
    names = [str(number) for number in range(20)]
    sandbox.webhooks.duplicates, sandbox.webhooks.held = 1.0, 100
    tell(sandbox, *names)
    assert sink.got == []
    assert sandbox.webhooks.flush()
    assert sorted(sink.tags) == sorted(names * 2)
    assert sink.tags != sorted(sink.tags, key=int)
    sandbox.webhooks.restore()
    sandbox.webhooks.down = True
    tell(sandbox, "lost")
    assert sandbox.webhooks.flush()
    assert ("lost" in sink.tags, sandbox.webhooks.deliveries[-1].status) == (False, 0)


def test_410_switches_a_webhook_off(sandbox: Sandbox, sink: Sink) -> None:
    """After a 410 nothing more is sent, though the webhook is still listed (documented); after a 500 it goes on."""
    hook(sandbox, sink.url, ["contact_tag_added"])
    for sink.status in (500, 410, 200):
        tell(sandbox, str(sink.status))
        assert sandbox.webhooks.flush()
    assert sink.tags == ["500", "410"]
    [row] = sandbox.act("GET", "/webhooks")["webhooks"]
    assert row["events"] == []


def test_nothing_leaves_the_machine(sandbox: Sandbox, sink: Sink) -> None:
    """A public URL is reached through a tunnel to this machine, and not at all without one."""
    hook(sandbox, "https://hooks.example/in/secret", ["contact_tag_added"])
    tell(sandbox, "before")
    with pytest.raises(ValueError, match="another machine"):
        sandbox.webhooks.tunnel("https://hooks.example", "http://10.0.0.1")
    sandbox.webhooks.flush()
    sandbox.webhooks.tunnel("https://hooks.example", sink.url)
    tell(sandbox, "after")
    assert sandbox.webhooks.flush()
    assert sink.tags == ["after"]
    assert [one.status for one in sandbox.webhooks.deliveries] == [0, 200]


def test_it_is_ordered_over_http(sandbox: Sandbox, sink: Sink) -> None:
    """Who has the account served orders the same there, reads what came of it, and takes it back."""
    hook(sandbox, "https://hooks.example/s3cret", ["contact_tag_added"])
    with serve(sandbox) as server, httpx.Client(base_url=server.url) as client:
        told = client.post(
            "/__sandbox/webhooks", json={"duplicates": 1, "held": 9, "tunnels": {"https://hooks.example": sink.url}}
        )
        assert told.json()["webhooks"]["held"] == 9
        tell(sandbox, "VIP")
        assert client.get("/__sandbox/webhooks").json()["webhooks"]["deliveries"] == []
        last = client.delete("/__sandbox/webhooks").json()["webhooks"]
    assert last["duplicates"] == last["held"] == 0
    assert last["tunnels"] == {}
    assert len(sandbox.webhooks.deliveries) == 2
    assert "s3cret" not in str(last)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"duplicate": 1}, "did you mean 'duplicates'?"),
        ({"duplicates": 2}, "a number from 0 to 1"),
        ({"held": True}, "a whole number"),
        ({"down": "yes"}, "true or false"),
        ({"tunnels": {"https://hooks.example": "http://10.0.0.1"}}, "another machine"),
        ({"down": True, "tunnels": []}, "an object"),
    ],
)
def test_what_cannot_be_ordered_is_told(sandbox: Sandbox, words: dict[str, Any], says: str) -> None:
    """A wrong word or value is refused with the remedy, and nothing of the order counts."""
    with serve(sandbox) as server:
        answer = httpx.post(f"{server.url}/__sandbox/webhooks", json=words)
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert not sandbox.webhooks.down
