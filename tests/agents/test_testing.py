"""What users test with: a model that can be streamed in every way, a person who answers, an account that tells."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

from ac_guardrails import Decision, Grants, GrantsError
from ac_tools import ActiveCampaign
from ac_tools.testing import RecordingApprover, ScriptedChatModel, calling, memory_guard, sandbox_toolkit, writes_to

pytest_plugins = ["ac_tools.testing.fixtures"]

BEGIN: Any = {"messages": [("user", "Go on.")]}
TAGS = calling("ac_list_tags")
DELETE = calling("ac_delete_contact", contact=46)
YES, NO = Decision.approve(by="anna"), Decision.reject("no", by="bob")

# The model.


def texts(mode: str, chunks: list[Any]) -> list[str]:
    """What the messages say that came in one stream mode, in order."""
    if mode == "values":
        return [message.text for message in chunks[-1]["messages"]]
    if mode == "updates":
        return [message.text for chunk in chunks for state in chunk.values() for message in state["messages"]]
    return [message.text for message, _ in chunks]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("mode", ["values", "updates", "messages", "custom", "debug"])
async def test_the_model_can_be_streamed_in_every_mode(mode, asynchronous, ac_toolkit):
    """A run with a call and an answer goes to its end in each of LangGraph's stream modes, again and again."""
    agent = create_agent(ScriptedChatModel(script=[TAGS, "Done."]), ac_toolkit({"tags": "read"}).get_tools())
    for _ in range(2):
        if asynchronous:
            chunks = [chunk async for chunk in agent.astream(BEGIN, stream_mode=mode)]
        else:
            chunks = list(agent.stream(BEGIN, stream_mode=mode))
        if mode == "custom":
            assert chunks == []
        elif mode == "debug":
            assert [chunk["payload"]["name"] for chunk in chunks if chunk["type"] == "task"] == [
                "model",
                "tools",
                "model",
            ]
        else:
            said = texts(mode, chunks)
            assert said[-1] == "Done."
            assert any("VIP" in text for text in said)


async def test_the_model_can_be_streamed_as_events(ac_toolkit):
    """`astream_events` shows what the model said, and the tool's call."""
    agent = create_agent(ScriptedChatModel(script=[TAGS, "Done."]), ac_toolkit({"tags": "read"}).get_tools())
    events = [event async for event in agent.astream_events(BEGIN, version="v2")]
    said = [event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in said)
    assert [chunk.text for chunk in said] == ["", "Done."]
    assert [event["name"] for event in events if event["event"] == "on_tool_start"] == ["ac_list_tags"]


def test_calls_get_ids_by_their_place():
    """Calls without an id are told apart within a transcript; a script is never changed by a run."""
    both = AIMessage("", tool_calls=[*TAGS.tool_calls, *DELETE.tool_calls])
    model = ScriptedChatModel(script=[both, TAGS])
    for _ in range(2):
        first = model.invoke([("user", "Go on.")])
        second = model.invoke([("user", "Go on."), first])
        assert [call["id"] for call in (*first.tool_calls, *second.tool_calls)] == ["call_1_1", "call_1_2", "call_2_1"]
    assert TAGS.tool_calls[0]["id"] is None


def test_a_turn_may_depend_on_what_was_said():
    """A function makes its turn from the transcript; a text is one too; after the last turn it says so."""
    model = ScriptedChatModel(script=[lambda messages: AIMessage(messages[-1].text.upper()), "Done."])
    first = model.invoke([("user", "hello")])
    assert first.text == "HELLO"
    assert model.invoke([("user", "hello"), first]).text == "Done."
    with pytest.raises(IndexError, match="The script has 2 turns, and turn 3 was asked for"):
        model.invoke([("user", "hello"), first, first])


# The person.


def deleted(approver: RecordingApprover, *contacts: int) -> list[ToolMessage]:
    """What an agent hears that deletes these contacts one after the other."""
    with sandbox_toolkit({"contacts": "full"}, approver) as toolkit:
        tool = toolkit.get_tool("ac_delete_contact")
        return [
            tool.invoke({"type": "tool_call", "id": f"call_{each}", "name": tool.name, "args": {"contact": each}})
            for each in contacts
        ]


def test_the_person_approves_and_remembers():
    """Without more said everything is approved, and the questions are there to look at."""
    approver = RecordingApprover()
    assert [one.status for one in deleted(approver, 46, 47)] == ["success", "success"]
    assert [request.action.tool for request in approver.requests] == ["ac_delete_contact"] * 2
    assert "maria@lindqvist-interiors.example" in str(approver.requests[0])


def test_the_person_answers_by_rule():
    """One decision is given to everything; a function decides on each question."""
    assert [one.artifact.kind for one in deleted(RecordingApprover(NO), 46, 47)] == ["rejected", "rejected"]
    by_rule = RecordingApprover(lambda request: NO if request.action.references[0].id == 46 else YES)
    assert [one.status for one in deleted(by_rule, 46, 47)] == ["error", "success"]


def test_the_person_answers_by_script():
    """A list is given out in order; a question beyond its end is refused in words, and still kept."""
    approver = RecordingApprover([NO, lambda request: YES])
    told = deleted(approver, 46, 47, 50)
    assert [one.status for one in told] == ["error", "success", "error"]
    assert "the test's script has 2 answers, and this is question 3" in told[2].content
    assert len(approver.requests) == 3


def test_a_script_is_given_out_once_when_calls_run_side_by_side():
    """Of calls that ask in threads at the same moment each gets an answer of its own."""
    approver = RecordingApprover([Decision.approve(by=f"person {number}") for number in range(400)])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            answers = set(threads.map(approver, [None] * 400))
    finally:
        sys.setswitchinterval(interval)
    assert len(answers) == len(approver.requests) == 400


# The account and the guard.


def test_a_guard_in_memory_takes_grants_as_a_dict():
    """Grants of one agent or of several, and whatever else a guard takes; misspelt ones are an error."""
    alone = memory_guard({"tags": "read"}, agent="sales", mode="rehearse")
    several = memory_guard({"agents": {"a": {"tags": "read"}, "b": {}}})
    assert (alone.grants.agents, alone.mode, several.grants.agents) == (("sales",), "rehearse", ("a", "b"))
    assert isinstance(alone.grants, Grants)
    with pytest.raises(GrantsError, match="tags"):
        memory_guard({"tag": "read"})
    alone.ledger.close()
    several.ledger.close()


def test_only_an_embedded_account_tells_what_reached_it():
    """Asked of a real account, what it was sent is an error that says what to use."""
    with (
        ActiveCampaign(url="https://example.api-us1.com", key="opens-nothing") as account,
        pytest.raises(ValueError, match=r"example\.api-us1\.com is no embedded account"),
    ):
        writes_to(account)
