"""The agent's loop, and the scripted model that drives it without a provider."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from ac_guardrails import Refusal
from ac_tools import ActiveCampaignToolkit
from ac_tools.cli._demo._loop import Agent, ModelError
from ac_tools.testing import ScriptedChatModel


def calling(name: str, /, **args: object) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "call_1"}])


@pytest.fixture
def reader(account, guard_for):
    """An agent that may read contacts and nothing else."""
    return ActiveCampaignToolkit(account=account, guard=guard_for({"contacts": "read"}), agent="marketing")


def test_a_tool_that_is_not_granted_is_refused_and_recorded(reader, account):
    """A call of one of the 29 that the agent was never given is refused by the guard, and on record."""
    messages = [HumanMessage("go")]
    model = ScriptedChatModel(script=[calling("ac_create_campaign", name="Hi", type="single"), AIMessage("well")])
    assert Agent(model, reader).run(messages, turns=5)
    answer = messages[2]
    assert isinstance(answer, ToolMessage)
    assert answer.status == "error"
    assert isinstance(answer.artifact, Refusal)
    (entry,) = reader.guard.ledger.entries()
    assert (entry.tool, entry.decision) == ("ac_create_campaign", "refused")
    assert account.simulator.requests == []


def test_a_tool_that_does_not_exist_is_answered(reader):
    """A call of an unknown name is answered with an error, and the agent goes on."""
    messages = [HumanMessage("go")]
    model = ScriptedChatModel(script=[calling("ac_send_campaign"), AIMessage("well")])
    assert Agent(model, reader).run(messages, turns=5)
    assert messages[2].status == "error"
    assert messages[2].content == "There is no tool called 'ac_send_campaign'."
    assert messages[3].content == "well"


def test_arguments_that_are_no_json_are_answered(reader):
    """A call whose arguments cannot be read is answered with an error under its own id."""
    bad = AIMessage("", invalid_tool_calls=[{"name": "ac_get_contact", "args": "{", "id": "c9", "error": "no JSON"}])
    messages = [HumanMessage("go")]
    assert Agent(ScriptedChatModel(script=[bad, AIMessage("well")]), reader).run(messages, turns=5)
    assert (messages[2].tool_call_id, messages[2].status) == ("c9", "error")


def test_a_model_that_never_ends_is_stopped(reader):
    """The loop ends after its turns, and says that the model did not end by itself."""
    model = ScriptedChatModel(script=[calling("ac_list_contacts", limit=1)] * 9)
    messages = [HumanMessage("go")]
    assert not Agent(model, reader).run(messages, turns=3)
    assert sum(isinstance(message, AIMessage) for message in messages) == 3


def test_a_model_that_fails_is_told_in_one_line(reader):
    """Whatever a provider raises becomes one error with one line of text."""

    def fail(messages):
        raise RuntimeError("no\ncredit")

    with pytest.raises(ModelError, match=r"^The model failed: RuntimeError: no credit$"):
        Agent(ScriptedChatModel(script=[fail]), reader).run([HumanMessage("go")], turns=1)


def test_a_script_is_stateless():
    """The model's place is told by the transcript alone, so the same question gets the same answer at any time."""
    model = ScriptedChatModel(script=[AIMessage("one"), lambda messages: AIMessage(f"after {messages[-1].content}")])
    later = [HumanMessage("x"), AIMessage("one"), HumanMessage("y")]
    assert [model.invoke(later).content, model.invoke("x").content, model.invoke(later).content] == [
        "after y",
        "one",
        "after y",
    ]
    assert model.bind_tools([]) is model


def test_a_script_is_not_changed_by_its_use():
    """A message of the script is copied, so that what a framework writes on the answer stays off the script."""
    said = AIMessage("one")
    answer = ScriptedChatModel(script=[said]).invoke("x")
    assert answer is not said
    assert said.id is None


async def test_a_script_works_on_an_event_loop():
    """The scripted model answers on an event loop and in a stream too."""
    model = ScriptedChatModel(script=[AIMessage("one")])
    assert (await model.ainvoke("x")).content == "one"
    assert "".join([str(chunk.content) async for chunk in model.astream("x")]) == "one"


def test_a_script_that_is_over_says_so():
    """Asking for more turns than the script has is an error with both numbers."""
    with pytest.raises(IndexError, match="has 1 turns, and turn 2"):
        ScriptedChatModel(script=[AIMessage("one")]).invoke([HumanMessage("x"), AIMessage("one")])
