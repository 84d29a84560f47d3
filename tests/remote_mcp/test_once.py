"""Approvals, limits, stops and the ledger hold as for REST, and a write is sent once whatever becomes of its answer."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from mcp.types import CallToolResult

from ac_guardrails import ApprovalRequest, Decision, Guard, LedgerError, Rehearsal
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools.remote_mcp import RemoteMCP
from ac_tools.undo import UndoError

from .server import Account, Between, served

Make = Callable[..., RemoteMCP]
Ask = Callable[..., ToolMessage]
GRANTS: dict[str, Any] = {"tags": "write", "contacts": "read", "deals": "write"}
TAG = {"params": {"contact": 46, "tag": 2}}
ENROL = {"params": {"contact": 46, "automation": 2}}


def tagging(account: Account) -> int:
    """How often the tag was put on in the account itself."""
    return sum(one.method == "POST" and one.path.endswith("/contactTags") for one in account.sandbox.requests)


class Cut:
    """Cuts the connection off once a tool was called: before the answer begins, in the middle of it, or never ends it.

    Args:
        where: "before", "within" or "never".
        runs: Whether the tool runs before that.
    """

    def __init__(self, where: str, runs: bool = True) -> None:
        self.where = where
        self.runs = runs
        self.armed = True

    def __call__(self, app: Any) -> Any:
        async def around(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            await Between(app, answer=self._answer, send=self._send)(scope, receive, send)

        return around

    def _answer(self, scope: Any, body: bytes) -> Any:
        if self.armed and not self.runs and b'"tools/call"' in body:
            self.armed = False
            raise ConnectionResetError("cut off")
        return None

    def _send(self, scope: Any, body: bytes, message: Any) -> list[Any]:
        if not self.armed or b'"tools/call"' not in body:
            return [message]
        if self.where == "never":
            return [message] if message["type"] == "http.response.start" else []
        if self.where == "within" and message["type"] == "http.response.start":
            return [message]
        self.armed = False
        raise ConnectionResetError("cut off")


def called(tool: Any, call_id: str = "call_1", **args: Any) -> ToolMessage:
    """Calls a tool that an agent was given before."""
    call = {"type": "tool_call", "id": call_id, "name": tool.name, "args": args}
    message = tool.invoke(call, {"configurable": {"thread_id": "thread"}})
    assert isinstance(message, ToolMessage)
    return message


CUTS = [("before", True), ("within", True), ("within", False), ("before", False)]


@pytest.mark.parametrize("json_response", [False, True], ids=["events", "JSON"])
@pytest.mark.parametrize(("where", "runs"), CUTS)
def test_a_cut_connection(
    over_http: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    remote_account: Account,
    where: str,
    runs: bool,
    json_response: bool,
) -> None:
    """Cut off in the middle of a call, it is known in seconds that nobody knows, and reading back over REST tells what
    the same call and every other one for the same is told; nothing is sent a second time.
    """
    guard = guard_for(GRANTS)
    remote = over_http(guard, around=Cut(where, runs), json_response=json_response, timeout=100)
    began = time.monotonic()
    message = ask(remote, "add_tag_to_contact", **TAG)
    assert time.monotonic() - began < 10
    (entry,) = guard.ledger.entries()
    assert (entry.outcome, entry.writes) == ("happened" if runs else "unknown", 1)
    assert message.status == ("success" if runs else "error")
    assert ("reading back shows it" if runs else "Nobody knows yet") in message.content
    again = ask(remote, "add_tag_to_contact", **TAG)
    assert (again.status, tagging(remote_account)) == (message.status, int(runs))
    other = ask(remote, "add_tag_to_contact", "call_2", **TAG)
    assert other.status == ("success" if runs else "error")  # it was settled; or it may still land
    assert tagging(remote_account) == (2 if runs else 0)


def test_without_a_rest_account(
    over_http: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """Where no account is given, a lost answer waits for a person, who is told the command; the same is not sent."""
    guard = guard_for(GRANTS)
    remote = over_http(guard, rest=False, around=Cut("before"))
    for call_id in ("call_1", "call_1", "call_2"):
        message = ask(remote, "add_tag_to_contact", call_id, **TAG)
        assert message.status == "error"
        assert "ac-tools audit settle" in message.content
    assert tagging(remote_account) == 1


def test_an_answer_that_never_comes(
    over_http: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """After the timeout the outcome is unknown; the next call is not disturbed by the answer that comes late."""
    cut = Cut("never")
    remote = over_http(guard_for(GRANTS), around=cut, timeout=1)
    assert "reading back shows it" in ask(remote, "add_tag_to_contact", **TAG).content
    cut.armed = False
    assert ask(remote, "list_tags", "call_2", params={}).status == "success"
    assert tagging(remote_account) == 1


def test_a_slow_tool(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """A late answer to a call that was given up is not taken for the answer to the next one."""
    remote = remote_for(guard_for(GRANTS), timeout=0.3)
    slow = threading.Event()
    remote_account.before = lambda name: None if name != "get_tag" else (slow.wait(0.6), None)[1]
    assert "in time" in ask(remote, "get_tag", tag_id=2).content
    second = ask(remote, "list_tags", "call_2", params={})
    assert second.status == "success"
    assert "Lead" in second.content


def test_nobody_there(account: ActiveCampaign, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """Where the server cannot be reached nothing was sent, and the same call runs once it is there again."""
    guard = guard_for(GRANTS)
    with served(remote_account) as url:
        remote = RemoteMCP(url, guard=guard, agent="marketing", account=account)
        tool = remote.get_tool("add_tag_to_contact")
    with remote:
        gone = called(tool, **TAG)
        assert gone.status == "error"
        assert "Nothing was sent" in gone.content
        with served(remote_account, port=int(url.split(":")[2].partition("/")[0])):
            back = called(tool, **TAG)
    assert back.status == "success", back.content
    assert tagging(remote_account) == 1


@pytest.mark.parametrize("pause", [0, 2.1], ids=["at once", "later"])
def test_a_server_that_starts_again(
    account: ActiveCampaign, guard_for: Callable[..., Guard], remote_account: Account, pause: float
) -> None:
    """A new server does not know the session: reads and later writes go on in a new one, and a write that was already
    on its way was not done, is told so, and can be made again; none is sent twice.
    """
    with served(remote_account) as url:
        remote = RemoteMCP(url, guard=guard_for(GRANTS), agent="marketing", account=account)
        tool = remote.get_tool("add_tag_to_contact")
    with remote, served(remote_account, port=int(url.split(":")[2].partition("/")[0])):
        time.sleep(pause)
        message = called(tool, **TAG)
        if not pause:
            assert "had ended the session. Nothing was sent" in message.content
            message = called(tool, **TAG)
        assert message.status == "success", message.content
        assert remote.get_tools()
    assert tagging(remote_account) == 1


def test_the_same_call_again(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """The same tool call gets the recorded result, typed as before; a new one is a new call."""
    remote = remote_for(guard_for(GRANTS))
    first = ask(remote, "add_tag_to_contact", **TAG)
    again = ask(remote, "add_tag_to_contact", **TAG)
    assert (again.content, again.artifact) == (first.content, first.artifact)
    assert tagging(remote_account) == 1
    ask(remote, "add_tag_to_contact", "call_2", **TAG)
    assert tagging(remote_account) == 2
    note = {"deal_id": 27, "note": "Call back"}
    noted = ask(remote, "create_deal_note", "call_3", **note)
    assert ask(remote, "create_deal_note", "call_3", **note).artifact == noted.artifact


def test_by_rest_or_by_mcp_it_is_one_effect(
    remote_for: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    remote_account: Account,
    account: ActiveCampaign,
    run: Any,
) -> None:
    """While it is unknown whether it happened by the one way, the other way is blocked, too."""
    guard = guard_for(GRANTS)
    remote_account.before = lambda _: CallToolResult(content=[], isError=True)
    assert ask(remote_for(guard), "add_tag_to_contact", **TAG).artifact.kind == "unknown"
    rest = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_add_tag")
    message = rest.invoke({"type": "tool_call", "id": "call_2", "name": "ac_add_tag", "args": TAG["params"]})
    assert message.artifact.kind == "blocked"
    assert tagging(remote_account) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("add_tag_to_contact", TAG, "/contactTags"),
        ("update_deal", {"deal_id": 27, "params": {"title": "Other"}}, "/deals/27"),
        ("update_contact_field_value", {"field_value_id": 1, "params": {"value": "Other"}}, "/contacts/1"),
    ],
)
def test_undo(
    remote_for: Make,
    guard_for: Callable[..., Guard],
    ask: Ask,
    account: ActiveCampaign,
    name: str,
    arguments: dict[str, Any],
    path: str,
) -> None:
    """What a REST tool does too is taken back as what it did, over REST."""
    assert account.simulator is not None
    guard = guard_for(
        dict.fromkeys(("tags", "contacts", "deals", "fields"), "full"), lambda _: Decision.approve(by="a")
    )
    said = ask(remote_for(guard), name, **arguments)
    assert said.status == "success", said.content
    (entry,) = guard.ledger.entries()
    before = len(account.simulator.requests)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    toolkit.undo(entry.id, by="hannah")
    done = [one for one in account.simulator.requests[before:] if one.method != "GET"]
    assert [one.path.startswith(f"/api/3{path}") for one in done] == [True], done


def test_what_cannot_be_undone(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, account: ActiveCampaign
) -> None:
    """What no REST tool does cannot be taken back, and the error says so."""
    guard = guard_for(GRANTS)
    assert ask(remote_for(guard), "create_deal_note", deal_id=27, note="Call back").status == "success"
    (entry,) = guard.ledger.entries()
    with pytest.raises(UndoError):
        ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").undo(entry.id, by="hannah")


def test_settling_later(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, account: ActiveCampaign
) -> None:
    """A toolkit over REST settles what was left open here, also after a restart."""
    now = [time.time()]
    guard = guard_for(GRANTS, clock=lambda: now[0])
    remote_account.before = lambda _: CallToolResult(content=[], isError=True)
    assert ask(remote_for(guard), "add_tag_to_contact", **TAG).artifact.kind == "unknown"
    now[0] += 120
    (settlement,) = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").settle()
    assert settlement.outcome == "did_not_happen"


def test_a_card(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, approve: Any, remote_account: Account
) -> None:
    """A person sees what it does to whom, as for REST, and exactly what the server is told; then it runs."""
    guard = guard_for({"automations": "full", "contacts": "read"}, approve)
    assert ask(remote_for(guard), "add_contact_to_automation", **ENROL).status == "success"
    (request,) = approve.requests
    card = str(request)
    assert "maria@lindqvist-interiors.example" in card
    assert 'add_contact_to_automation {"params":{"automation":2,"contact":46}}' in card.replace('": ', '":').replace(
        ", ", ","
    )
    (entry,) = guard.ledger.entries()
    assert (entry.tool, entry.decision, entry.by) == ("ac_add_to_automation", "approved", "anna")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda _: Decision.reject("not him", by="anna"), "rejected"),
        (lambda _: None, "refused"),
        (lambda _: True, "refused"),
        (lambda _: 1 / 0, "refused"),
    ],
    ids=["no", "nothing", "a word", "a failure"],
)
def test_no_approval(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, answer: Any, kind: str
) -> None:
    """Without an explicit yes nothing is sent."""
    guard = guard_for({"automations": "full", "contacts": "read"}, answer)
    assert ask(remote_for(guard), "add_contact_to_automation", **ENROL).artifact.kind == kind
    assert remote_account.calls == []


def test_an_edit(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """A person changes arguments in the words of the card; what runs is that, in the server's own words, and what the
    grants or the server do not allow is refused.
    """
    edits: list[dict[str, Any]] = []

    def edit(request: ApprovalRequest) -> Decision:
        return Decision.edit({**request.action.arguments, **edits.pop(0)}, by="anna")

    guard = guard_for({"deals": {"access": "full", "ask": "writes"}, "contacts": "read"}, edit)
    remote = remote_for(guard)
    deal = {"deal_id": 27, "params": {"value": 1900000, "currency": "usd", "title": "Desks"}}
    edits.append({"title": "Desks and chairs"})
    message = ask(remote, "update_deal", **deal)
    assert message.status == "success", message.content
    sent = {"value": 1900000, "currency": "usd", "title": "Desks and chairs"}
    assert remote_account.calls == [("update_deal", {"deal_id": 27, "params": sent})]
    for wrong in ({"price": 5}, {"amount": "a lot"}, {"stage": "Won"}):
        edits.append(wrong)
        refused = ask(remote, "update_deal", f"call {wrong}", **deal)
        assert refused.artifact.kind == "invalid", refused.content
    assert len(remote_account.calls) == 1


def test_waiting_for_somebody(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """Answered elsewhere, the call runs when it is made again, once."""
    guard = guard_for({"automations": "full", "contacts": "read"}, Inbox(wait=0))
    remote = remote_for(guard)
    waits = ask(remote, "add_contact_to_automation", **ENROL)
    assert waits.artifact.kind == "waiting"
    guard.desk.answer(waits.artifact.entry, Decision.approve(by="hannah"))
    for _ in range(2):
        assert ask(remote, "add_contact_to_automation", **ENROL).status == "success"
    assert len(remote_account.calls) == 1


def test_stopped(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """A stop halts writes at once, and reads where it says so."""
    guard = guard_for(GRANTS)
    remote = remote_for(guard)
    guard.ledger.stop("audit", by="anna")
    assert ask(remote, "add_tag_to_contact", **TAG).artifact.kind == "stopped"
    assert ask(remote, "list_tags", "call_2", params={}).status == "success"
    guard.ledger.stop("audit", by="anna", reads=True)
    assert ask(remote, "list_tags", "call_3", params={}).artifact.kind == "stopped"
    assert [name for name, _ in remote_account.calls] == ["list_tags"]


def test_limits(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """Calls and people are counted as for REST."""
    guard = guard_for({"tags": {"access": "write", "people_per_day": 1}, "contacts": "read"})
    remote = remote_for(guard)
    assert ask(remote, "add_tag_to_contact", **TAG).status == "success"
    over = ask(remote, "add_tag_to_contact", "call_2", params={"contact": 47, "tag": 2})
    assert over.artifact.kind == "refused"
    assert tagging(remote_account) == 1


def test_a_rehearsal(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """In a rehearsal no write reaches the server."""
    message = ask(remote_for(guard_for(GRANTS, mode="rehearse")), "add_tag_to_contact", **TAG)
    assert isinstance(message.artifact, Rehearsal)
    assert remote_account.calls == []


def test_a_ledger_that_fails(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, tmp_path: Any
) -> None:
    """Where nothing can be put on record nothing is sent."""
    import sqlite3

    remote = remote_for(guard_for(GRANTS, ledger=f"sqlite:///{tmp_path}/ledger.db"))
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DROP TABLE events")
    connection.close()
    with pytest.raises(LedgerError):
        ask(remote, "add_tag_to_contact", **TAG)
    assert remote_account.calls == []


def test_threads(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """Threads share a session: the same call from eight is sent once, and different calls get answers of their own."""
    tool = over_http(guard_for(GRANTS)).get_tool("add_tag_to_contact")

    def call(call_id: str, contact: int) -> ToolMessage:
        args = {"params": {"contact": contact, "tag": 2}}
        return called(tool, call_id, **args)

    with ThreadPoolExecutor(8) as threads:
        same = list(threads.map(lambda _: call("same", 46), range(8)))
        assert {message.content for message in same} == {"Contact 46 has tag 2 now."}
        assert tagging(remote_account) == 1
        others = list(threads.map(lambda contact: call(f"call_{contact}", contact), range(1, 9)))
    assert [message.content for message in others] == [f"Contact {n} has tag 2 now." for n in range(1, 9)]
    assert tagging(remote_account) == 9


async def test_an_event_loop(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """On an event loop calls wait without stopping it, and the same call at once is sent once."""
    remote_account.before = lambda _: time.sleep(0.3)
    remote = over_http(guard_for(GRANTS))
    tools = {tool.name: tool for tool in await remote.aget_tools()}
    tool = tools["ac_mcp_add_tag_to_contact"]
    call = {"type": "tool_call", "id": "same", "name": tool.name, "args": TAG}
    thread: Any = {"configurable": {"thread_id": "thread"}}
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    messages = await asyncio.gather(*(tool.ainvoke(call, thread) for _ in range(4)))
    ticking.cancel()
    assert {message.content for message in messages} == {"Contact 46 has tag 2 now."}
    assert tagging(remote_account) == 1
    assert ticks > 10


async def test_cancelled_under_way(over_http: Make, guard_for: Callable[..., Guard], remote_account: Account) -> None:
    """A cancelled write is waited for and on record as what it was; a cancelled read leaves the session usable."""
    guard = guard_for(GRANTS)
    remote = over_http(guard)
    tools = {tool.name: tool for tool in await remote.aget_tools()}
    begun = threading.Event()

    def slowly(_: str) -> None:
        begun.set()
        time.sleep(0.4)

    remote_account.before = slowly

    async def cancelled(name: str, **args: Any) -> None:
        begun.clear()
        call = {"type": "tool_call", "id": name, "name": f"ac_mcp_{name}", "args": args}
        task = asyncio.create_task(tools[f"ac_mcp_{name}"].ainvoke(call))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await cancelled("add_tag_to_contact", **TAG)
    (entry,) = guard.ledger.entries()
    assert (entry.state, entry.outcome) == ("closed", "done")
    await cancelled("get_tag", tag_id=2)
    remote_account.before = lambda _: None
    call = {"type": "tool_call", "id": "call_2", "name": "ac_mcp_list_tags", "args": {"params": {}}}
    message = await tools["ac_mcp_list_tags"].ainvoke(call)
    assert message.status == "success"
    assert "Lead" in message.content


def test_closed(remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account) -> None:
    """After close nothing is sent any more, and the error says so; closing twice does no harm."""
    remote = remote_for(guard_for(GRANTS))
    tool = remote.get_tool("add_tag_to_contact")
    remote.close()
    remote.close()
    message = called(tool, **TAG)
    assert "was closed" in message.content
    assert remote_account.calls == []


def test_questions_of_the_server_are_refused(
    over_http: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account
) -> None:
    """A server that asks the client for a model's words, a person's answer or files gets none of it."""
    asked: list[Any] = []

    async def asks(session: Any) -> None:
        for method, params in (
            ("sampling/createMessage", {"messages": [], "maxTokens": 10}),
            ("elicitation/create", {"message": "Your API key?", "requestedSchema": {"type": "object"}}),
            ("roots/list", None),
        ):
            asked.append(await _asked(session, method, params))

    remote_account.asks = asks
    assert ask(over_http(guard_for(GRANTS)), "list_tags", params={}).status == "success"
    assert len(asked) == 3
    assert all("error" in json.dumps(one) for one in asked), asked


async def _asked(session: Any, method: str, params: Any) -> Any:
    from mcp import McpError
    from mcp.types import EmptyResult, ServerRequest

    request = ServerRequest.model_validate({"method": method, "params": params})
    try:
        result = await session.send_request(request, EmptyResult)
    except McpError as error:
        return {"error": error.error.message}
    return result.model_dump()
