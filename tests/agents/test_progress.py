"""Whoever watches a run sees how far imports and walks are; who does not, or watches badly, changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from ac_tools import ImportContacts
from ac_tools.testing import ScriptedChatModel, calling, sandbox_toolkit, writes_to
from ac_tools.tools import _import_people

pytest_plugins = ["ac_tools.testing.fixtures"]

PEOPLE = [{"email": f"p{number}@imported.example"} for number in range(5)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's own clock runs on, so nobody has to wait long."""
    monkeypatch.setattr(ImportContacts, "pause", 0.01)
    monkeypatch.setattr(ImportContacts, "patience", 0.05)


class Watching(BaseCallbackHandler):
    """Keeps what it is told of progress."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        assert name == "ac_progress"
        self.told.append(data)


class Broken(BaseCallbackHandler):
    """Fails whenever it is told something, and insists on it."""

    raise_error = True

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        raise RuntimeError("nobody can listen")


async def progress_of(runnable: Any, given: Any) -> list[dict[str, Any]]:
    events = [event async for event in runnable.astream_events(given, version="v2")]
    return [event["data"] for event in events if event["event"] == "on_custom_event"]


async def test_an_import_tells_how_far_it_is(ac_toolkit):
    """While an agent's import waits for the account, its events say how many people are worked off."""
    toolkit = ac_toolkit({"contacts": "full"})
    model = ScriptedChatModel(script=[calling("ac_import_contacts", contacts=PEOPLE), "Done."])
    told = await progress_of(create_agent(model, toolkit.get_tools()), {"messages": [("user", "Import them.")]})
    assert told[0] == {
        "tool": "ac_import_contacts",
        "progress": 0,
        "total": 5,
        "message": "0 of 5 queued people are worked off",
    }
    assert not [data for data in told if "imported.example" in str(data)]


def test_an_import_in_several_requests_tells_of_each(ac_toolkit, monkeypatch):
    """From sync code too: each request that is queued is told, and then how many people are worked off."""
    monkeypatch.setattr(_import_people, "MOST_PEOPLE", 2)
    watching = Watching()
    tool = ac_toolkit({"contacts": "full"}).get_tool("ac_import_contacts")
    tool.invoke({"contacts": PEOPLE}, {"callbacks": [watching]})
    assert [data["message"] for data in watching.told[:3]] == [f"{done} of 3 requests are queued" for done in (1, 2, 3)]
    assert watching.told[3]["total"] == 5


async def test_a_walk_tells_each_page(ac_toolkit):
    """A walk inside of a run tells after every page how many records were read, sync and async."""
    toolkit = ac_toolkit({"contacts": "read"})

    def walk(_: Any) -> int:
        return len(list(toolkit.walk("ac_list_contacts")))

    async def awalk(_: Any) -> int:
        return len([contact async for contact in toolkit.awalk("ac_list_contacts")])

    for step in (RunnableLambda(walk), RunnableLambda(awalk)):
        told = await progress_of(step, None)
        assert [(data["progress"], data["total"]) for data in told[:3]] == [(100, 280), (200, 280), (280, 280)]
        assert told[1]["message"] == "200 of 280 records are read"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_broken_listener_fails_no_call(asynchronous, ac_toolkit, ac_account):
    """What a listener raises is its own affair: the import goes on to its end, and is sent once."""
    tool = ac_toolkit({"contacts": "full"}).get_tool("ac_import_contacts")
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contacts": PEOPLE}}
    config: Any = {"callbacks": [Broken()]}
    message = asyncio.run(tool.ainvoke(call, config)) if asynchronous else tool.invoke(call, config)
    assert message.status == "success"
    assert writes_to(ac_account) == ["POST /import/bulk_import"]


def test_outside_of_a_run_nobody_is_told(ac_toolkit):
    """A walk in a plain program, and a tool's own method, work as ever."""
    toolkit = ac_toolkit({"contacts": "full"})
    assert len(list(toolkit.walk("ac_list_contacts"))) == 280
    content, _ = toolkit.get_tool("ac_import_contacts")._run(contacts=PEOPLE)
    assert content.startswith("Import of 5 people")


async def test_an_import_that_is_cancelled_while_it_tells_is_on_record():
    """Cancelled in the middle of its telling, an import is not repeated, and the ledger says that it was queued."""
    with sandbox_toolkit({"contacts": "full"}, lambda request: _yes()) as toolkit:
        telling = asyncio.Event()

        class Slow(BaseCallbackHandler):
            run_inline = True

            async def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
                telling.set()
                await asyncio.sleep(60)

        tool = toolkit.get_tool("ac_import_contacts")
        work = asyncio.create_task(tool.ainvoke({"contacts": PEOPLE}, {"callbacks": [Slow()]}))
        await asyncio.wait_for(telling.wait(), 10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        [entry] = toolkit.guard.ledger.entries()
        assert (entry.state, entry.outcome) == ("closed", "partly")
        assert writes_to(toolkit.account) == ["POST /import/bulk_import"]


def _yes() -> Any:
    from ac_guardrails import Decision

    return Decision.approve(by="anna")
