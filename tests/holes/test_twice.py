"""Row 22: nothing was sent, so it may be sent again, and happens once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.sandbox import Sandbox, serve

TAG = {"contact": 46, "tag": 3}
CALL = {"type": "tool_call", "id": "call_1", "name": "ac_add_tag", "args": TAG}


def called(toolkit: ActiveCampaignToolkit, *, asynchronous: bool) -> Any:
    made = toolkit.get_tool("ac_add_tag")
    return asyncio.run(made.ainvoke(CALL)) if asynchronous else made.invoke(CALL)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_row_22_a_refused_connection_is_tried_again_and_happens_once(asynchronous, account, toolkit, writes):
    """A write whose connection was refused goes out again by itself, since nothing had left, and once."""
    account.simulator.fault("POST", "/contactTags", cut="refused")
    assert called(toolkit, asynchronous=asynchronous).status == "success"
    assert writes() == ["POST /contactTags"]
    assert [entry.outcome for entry in toolkit.guard.ledger.entries()] == ["done"]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_row_22_an_account_that_is_not_there_was_sent_nothing(asynchronous, guard_for):
    """Against a port where nobody listens, model and ledger hear that nothing was sent; later it works, once."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    sandbox = Sandbox()
    guard = guard_for({"tags": "write"})
    with ActiveCampaign(url=f"http://127.0.0.1:{port}", key=sandbox.key, retries=0, limit=None) as account:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        first = called(toolkit, asynchronous=asynchronous)
        assert first.status == "error"
        assert "Nothing was sent" in first.content
        assert [(entry.outcome, entry.state) for entry in guard.ledger.entries()] == [("not_sent", "closed")]
        with serve(sandbox, port=port):
            assert called(toolkit, asynchronous=asynchronous).status == "success"
    assert [item.method for item in sandbox.requests] == ["POST"]


def test_row_22_a_name_that_does_not_resolve_was_sent_nothing(guard_for, monkeypatch):
    """Where DNS fails, the model and the ledger hear that nothing was sent."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    guard = guard_for({"tags": "write"})
    with ActiveCampaign(url="https://no-such-account.api-us1.com", key="k" * 20, retries=0) as account:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        message = called(toolkit, asynchronous=False)
    assert "Nothing was sent" in message.content
    assert [entry.outcome for entry in guard.ledger.entries()] == ["not_sent"]
