"""An independent client, the official SDK's, works with `ac-tools mcp` over stdio."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import McpError
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ClientRequest,
    ElicitResult,
)

DELETE = ("ac_delete_contact", {"contact": 47})
SLOWLY = 0.0003
"""Seconds before each byte of an answer: all of it takes about one."""


class Slow:
    """A person who answers a form when it suits them. The official client hears nothing else until then."""

    def __init__(self, answer: ElicitResult) -> None:
        self.answer = answer
        self.done = asyncio.Event()

    async def __call__(self, *_: Any) -> ElicitResult:
        await self.done.wait()
        return self.answer


async def waiting(files: Any) -> str:
    """The one approval that waits, as soon as it does."""
    for _ in range(300):
        if found := json.loads(await asyncio.to_thread(files.run, "approvals", "list", "--json")):
            return str(found[0]["id"])
    raise AssertionError("nobody was asked")


async def test_a_read(over_stdio: Any, files: Any, text: Any) -> None:
    """A read gives the words for the model, and the typed record beside them; it is on record."""
    async with over_stdio() as session:
        result = await session.call_tool("ac_get_contact", {"contact": 46})
    assert not result.isError
    assert "maria@lindqvist-interiors.example" in text(result)
    assert result.structuredContent["record"]["email"] == "maria@lindqvist-interiors.example"
    assert "deals" not in text(result)  # an area that is not granted
    [entry] = files.entries()
    assert (entry.agent, entry.decision, entry.outcome) == ("marketing", "allowed", "done")


async def test_a_refusal(over_stdio: Any, files: Any, text: Any) -> None:
    """A tool that is not granted is not listed; called all the same it is refused in words, with nothing sent."""
    async with over_stdio() as session:
        listed = [tool.name for tool in (await session.list_tools()).tools]
        result = await session.call_tool("ac_create_tag", {"name": "Fine"})
        refused = await session.call_tool("ac_update_deal", {"deal": 27, "amount": "5"})
    assert "ac_update_deal" not in listed
    assert not result.isError
    assert refused.isError
    assert "Nothing was sent." in text(refused)
    refusal = refused.structuredContent["refusal"]
    assert (refusal["kind"], refusal["reason"]) == ("refused", text(refused))
    assert [entry.decision for entry in files.entries() if entry.id == refusal["entry"]] == ["refused"]
    assert files.writes == [("POST", "/tags")]


async def test_wrong_arguments_and_names(over_stdio: Any, text: Any) -> None:
    """Arguments that no tool takes are explained, and a name that is no tool's is an error of the protocol."""
    async with over_stdio() as session:
        result = await session.call_tool("ac_get_contact", {"contact": 46, "runtime": 1})
        with pytest.raises(McpError, match="Did you mean 'ac_list_tags'"):
            await session.call_tool("ac_list_tag", {})
    assert result.structuredContent["refusal"]["kind"] == "invalid"
    assert "'runtime' is no argument of it" in text(result)


async def test_an_approval_through_the_client(over_stdio: Any, files: Any, person: Any, text: Any) -> None:
    """The client shows the card to its person, whose yes lets exactly that call run, in their name."""
    anna = person(ElicitResult(action="accept", content={"decision": "approve"}))
    async with over_stdio("--approver-name", "Anna", asks=anna) as session:
        result = await session.call_tool(*DELETE)
    assert text(result) == "Deleted contact 47."
    [card] = anna.cards
    assert card.startswith("Delete contact 47 ")
    assert "It destroys a person's record and history, so a person decides." in card
    assert files.writes == [("DELETE", "/contacts/47")]
    assert [(entry.decision, entry.by) for entry in files.entries()] == [("approved", "Anna")]


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (ElicitResult(action="accept", content={"decision": "reject", "reason": "ask him first"}), "ask him first"),
        (ElicitResult(action="accept", content={"decision": "APPROVE"}), ""),
        (ElicitResult(action="accept", content={"approve": True}), ""),
        (ElicitResult(action="accept", content=None), ""),
        (ElicitResult(action="decline", content={"decision": "approve"}), "They declined"),
        (ElicitResult(action="cancel"), "They closed the question"),
    ],
)
async def test_everything_but_an_approval_is_no(
    over_stdio: Any, files: Any, person: Any, text: Any, answer: ElicitResult, because: str
) -> None:
    """A rejection, declining, closing the form and an answer that is none: nothing is sent, and the agent is told."""
    async with over_stdio("--approver-name", "Anna", asks=person(answer)) as session:
        result = await session.call_tool(*DELETE)
    assert result.isError
    assert text(result).startswith("Anna rejected this call.")
    assert because in text(result)
    assert result.structuredContent["refusal"]["kind"] == "rejected"
    assert files.writes == []


async def test_a_client_that_cannot_ask(over_stdio: Any, files: Any, text: Any) -> None:
    """Without elicitation the call waits in the ledger; answered on the command line, it runs when it is made again."""
    async with over_stdio("--wait", "0") as session:
        result = await session.call_tool(*DELETE)
        refusal = result.structuredContent["refusal"]
        assert (result.isError, refusal["kind"], files.writes) == (True, "waiting", [])
        files.run("approvals", "approve", await waiting(files), "--by", "Hannah", "--yes")
        again = await session.call_tool(*DELETE)
    assert text(again) == "Deleted contact 47."
    entry, _ = files.entries()
    assert (entry.decision, entry.by, entry.outcome) == ("approved", "Hannah", "done")


async def test_clients_that_are_not_trusted_to_ask(over_stdio: Any, files: Any, person: Any) -> None:
    """With --no-elicitation the client is never asked, whatever it offers."""
    anna = person(ElicitResult(action="accept", content={"decision": "approve"}))
    async with over_stdio("--no-elicitation", "--wait", "0", asks=anna) as session:
        result = await session.call_tool(*DELETE)
    assert result.structuredContent["refusal"]["kind"] == "waiting"
    assert (anna.cards, files.writes) == ([], [])


async def test_an_answer_from_elsewhere_comes_first(over_stdio: Any, files: Any, text: Any) -> None:
    """While the client's person thinks, somebody else may answer; what is said at the client after that is too late."""
    anna = Slow(ElicitResult(action="accept", content={"decision": "approve"}))
    async with over_stdio(asks=anna) as session:
        call = asyncio.create_task(session.call_tool(*DELETE))
        files.run("approvals", "reject", await waiting(files), "--reason", "he is a customer", "--by", "Hannah")
        while files.entries()[0].state != "closed":
            await asyncio.sleep(0.05)
        anna.done.set()
        result = await call
    assert text(result).startswith("Hannah rejected this call. Reason: he is a customer.")
    assert files.writes == []


async def test_a_client_that_breaks_while_it_asks(over_stdio: Any, files: Any) -> None:
    """A client that offers forms and then fails to show one leaves the question to the command line."""

    async def broken(*_: Any) -> Any:
        from mcp.types import INTERNAL_ERROR, ErrorData

        return ErrorData(code=INTERNAL_ERROR, message="no window")

    async with over_stdio("--wait", "0", asks=broken) as session:
        result = await session.call_tool(*DELETE)
    assert result.structuredContent["refusal"]["kind"] == "waiting"
    assert files.writes == []


async def test_the_same_request_again(over_stdio: Any, files: Any) -> None:
    """A client that repeats a request, under the same id in the same session, gets the recorded result: sent once."""
    tag = {"contact": 46, "tag": "VIP"}
    async with over_stdio() as session:

        async def send(number: int) -> CallToolResult:
            session._request_id = number
            request = ClientRequest(CallToolRequest(params=CallToolRequestParams(name="ac_add_tag", arguments=tag)))
            return await session.send_request(request, CallToolResult)

        first, again = await send(7000), await send(7000)
        assert files.writes == [("POST", "/contactTags")]
        other = await send(7001)
    assert first == again
    assert not other.isError
    assert len(files.writes) == 2


async def test_a_cancelled_write_comes_to_its_end(over_stdio: Any, files: Any) -> None:
    """Cancelled while a write is on its way, the call is on record as what it was: done, and not unknown."""
    files.served.sandbox.fault("POST", "/contactTags", drip=SLOWLY)
    async with over_stdio() as session:
        number = session._request_id
        call = asyncio.create_task(session.call_tool("ac_add_tag", {"contact": 46, "tag": "VIP"}))
        while not files.writes:
            await asyncio.sleep(0.02)
        params = CancelledNotificationParams(requestId=number, reason="changed my mind")
        await session.send_notification(ClientNotification(CancelledNotification(params=params)))
        with pytest.raises(McpError, match="cancelled"):
            await call
        while files.entries()[0].state != "closed":
            await asyncio.sleep(0.05)
    [entry] = files.entries()
    assert (entry.outcome, len(files.writes)) == ("done", 1)


async def test_a_client_that_leaves(over_stdio: Any, files: Any) -> None:
    """A client that ends while its write is on its way leaves a record that knows what became of it."""
    files.served.sandbox.fault("POST", "/contactTags", drip=SLOWLY)
    async with over_stdio() as session:
        call = asyncio.create_task(session.call_tool("ac_add_tag", {"contact": 46, "tag": "VIP"}))
        while not files.writes:
            await asyncio.sleep(0.02)
        call.cancel()
    [entry] = files.entries()
    assert (entry.state, entry.outcome) == ("closed", "done")


async def test_cancelled_while_a_person_thinks(over_stdio: Any, files: Any, text: Any) -> None:
    """The question outlives a client without patience: what its person says then counts when the call is made again."""
    anna = Slow(ElicitResult(action="accept", content={"decision": "approve"}))
    async with over_stdio("--approver-name", "Anna", asks=anna) as session:
        number = session._request_id
        call = asyncio.create_task(session.call_tool(*DELETE))
        await waiting(files)
        params = CancelledNotificationParams(requestId=number)
        await session.send_notification(ClientNotification(CancelledNotification(params=params)))
        anna.done.set()
        with pytest.raises(McpError, match="cancelled"):
            await call
        while files.entries()[0].by != "Anna":
            await asyncio.sleep(0.05)
        assert files.writes == []
        again = await session.call_tool(*DELETE)
    assert text(again) == "Deleted contact 47."
    assert files.writes == [("DELETE", "/contacts/47")]


def test_nothing_but_the_protocol_on_stdout(files: Any, tmp_path: Path) -> None:
    """Whatever else prints goes to stderr, even below Python; and the key is in neither."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    lines: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ac_list_tags", "arguments": {}}},
    ]
    noisy = "import ac_tools.tools.tags as t, os; was = t.ListTags.answer\n"
    noisy += "def loud(*a): print('loud'); os.system('echo louder'); return was(*a)\n"
    command = [sys.executable, *files.arguments]
    command[2] = f"{noisy}t.ListTags.answer = loud\n{command[2]}"
    process = subprocess.Popen(
        command, env=files.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("this is not JSON\n" + "".join(json.dumps(line) + "\n" for line in lines))
    process.stdin.flush()
    said = []
    while not any(message.get("id") == 2 for message in said):
        said.append(json.loads(process.stdout.readline()))
    rest, errors = process.communicate(timeout=20)
    assert rest == ""
    assert process.returncode == 0
    assert "loud\n" in errors
    assert "louder\n" in errors
    assert files.served.key not in json.dumps(said) + errors
