"""Rows 4, 8 and 10: ways around the guard, other people's names, and tools that nobody classified."""

from __future__ import annotations

import asyncio
import copy
import pickle
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, tool

from ac_guardrails import Level, PermitError, Request
from ac_guardrails._request import Permit, mint
from ac_tools import AddTag, DeleteContact, GetContact
from ac_tools.tools._endpoint import Endpoint

READS = {"contacts": "read"}
ARGS = {"contact": 46}
CALL = {"type": "tool_call", "id": "call_1", "name": "ac_delete_contact", "args": ARGS}


def _assign(made: Any, name: str, value: Any) -> Any:
    setattr(made, name, value)
    return made.invoke(CALL)


WAYS = {
    "invoke": lambda made: made.invoke(CALL),
    "invoke with a dict": lambda made: made.invoke(ARGS),
    "invoke with a text": lambda made: made.invoke("46"),
    "ainvoke": lambda made: asyncio.run(made.ainvoke(CALL)),
    "batch": lambda made: made.batch([CALL, ARGS]),
    "stream": lambda made: list(made.stream(CALL)),
    "run": lambda made: made.run(ARGS),
    "arun": lambda made: asyncio.run(made.arun(ARGS)),
    "_run": lambda made: made._run(contact=46),
    "_run with a place": lambda made: made._run(46),
    "_arun": lambda made: asyncio.run(made._arun(contact=46)),
    "the class's _run": lambda made: type(made)._run(made, contact=46),
    "the base class's run": lambda made: BaseTool.run(made, ARGS),
    "the base class's invoke": lambda made: BaseTool.invoke(made, CALL),
    "a structured tool of _run": lambda made: StructuredTool.from_function(
        made._run, name="x", description="x", args_schema=made.args_schema
    ).invoke(ARGS),
    "a runnable of run": lambda made: RunnableLambda(made.run).invoke(ARGS),
    "with_retry": lambda made: made.with_retry(stop_after_attempt=2).invoke(CALL),
    "a copy without a guard": lambda made: made.model_copy(update={"guard": None}).invoke(CALL),
    "a copy without a binding": lambda made: made.model_copy(update={"_binding": None}).invoke(CALL),
    "a copy for another agent": lambda made: made.model_copy(update={"agent": "admin"}).invoke(CALL),
    "a shallow copy": lambda made: copy.copy(made).invoke(CALL),
    "a deep copy": lambda made: copy.deepcopy(made).invoke(CALL),
    "guard = None": lambda made: _assign(made, "guard", None),
    "_binding = None": lambda made: _assign(made, "_binding", None),
    "agent = admin": lambda made: _assign(made, "agent", "admin"),
    "a pickled copy": lambda made: pickle.loads(pickle.dumps(made)).invoke(CALL),
}


@pytest.mark.parametrize("way", WAYS)
def test_row_04_every_way_into_a_tool_meets_the_guard(way, toolkit_for, approve, reached):
    """For an agent that may not delete, no way into the tool, public or private, deletes."""
    grants = {"agents": {"marketing": READS, "admin": {"contacts": "full"}}}
    made = toolkit_for(grants, approve).get_tool("ac_delete_contact")
    try:
        WAYS[way](made)
    except Exception as error:  # how it fails is its own affair; whether anything left is ours
        assert not isinstance(error, AssertionError)
    assert reached() == []


@pytest.mark.parametrize("name", ["_run", "_arun", "run", "arun", "invoke", "ainvoke", "_to_args_and_kwargs"])
def test_row_04_a_subclass_cannot_take_the_guards_place(name):
    """Overriding what the guard sits in is an error when the class is made."""
    try:
        type("Sneaky", (DeleteContact,), {name: lambda self, *args, **kwargs: None})
    except TypeError as error:
        assert name in str(error)
    else:
        pytest.fail("the class was made")


class Lookalike(Permit):
    """A permit that anybody can make and that says yes to everything."""

    def __init__(self) -> None:
        pass

    def spend(self, request: Request) -> None:
        pass


DELETE = Request("DELETE", "/contacts/46")


def _spent(request: Request) -> Permit:
    permit = mint(request)
    permit.spend(request)
    return permit


NO_PERMIT = {
    "none": lambda: None,
    "a flag": lambda: True,
    "an object that looks like one": lambda: SimpleNamespace(spend=lambda request: None),
    "a subclass": Lookalike,
    "made without the seal": lambda: Permit(object(), DELETE),
    "for another request": lambda: mint(Request("DELETE", "/contacts/47")),
    "for another body": lambda: mint(Request("DELETE", "/contacts/46", body={"a": 1})),
    "spent": lambda: _spent(DELETE),
    "copied": lambda: copy.copy(mint(DELETE)),
    "pickled": lambda: pickle.loads(pickle.dumps(mint(DELETE))),
}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["send", "asend"])
@pytest.mark.parametrize("case", NO_PERMIT)
def test_row_04_no_request_leaves_without_the_guards_permit(case, asynchronous, account, reached):
    """Code that calls the account's own send method reaches nothing without a fresh permit for exactly that request."""
    try:
        permit = NO_PERMIT[case]()
        asyncio.run(account.asend(DELETE, permit)) if asynchronous else account.send(DELETE, permit)
    except Exception as error:
        assert isinstance(error, PermitError | TypeError), error
        assert reached() == []
    else:
        pytest.fail("it was sent")


CLAIMS = {
    "metadata": {"metadata": {"agent": "admin", "lc_agent_name": "admin"}},
    "configurable": {"configurable": {"agent": "admin", "langgraph_auth_user_id": "admin"}},
    "tags and run name": {"tags": ["admin"], "run_name": "admin"},
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_row_08_a_config_cannot_change_who_calls(claim, toolkit_for, approve, reached):
    """Whatever a run's configuration says, the call is that of the agent the tool was made for."""
    toolkit = toolkit_for({"agents": {"marketing": READS, "admin": {"contacts": "full"}}}, approve)
    message = toolkit.get_tool("ac_delete_contact").invoke(CALL, config=CLAIMS[claim])
    assert message.status == "error"
    assert [entry.agent for entry in toolkit.guard.ledger.entries()] == ["marketing"]
    assert reached() == []


@pytest.mark.parametrize("nested", [False, True], ids=["named agent", "sub-agent in a tool"])
def test_row_08_a_sub_agent_keeps_the_identity_of_its_tools(nested, toolkit_for, approve, scripted, reached):
    """An agent that is called "admin", alone or inside another agent's tool, has the grants of its tools' agent."""
    toolkit = toolkit_for({"agents": {"marketing": READS, "admin": {"contacts": "full"}}}, approve)
    model = scripted([("ac_delete_contact", ARGS)])
    inner = create_agent(model, [toolkit.get_tool("ac_delete_contact")], name="admin")
    config = {"configurable": {"agent": "admin"}, "metadata": {"agent": "admin"}}
    question = {"messages": [("user", "delete her")]}

    @tool
    def helper() -> str:
        """Hands the work to another agent."""
        return str(inner.invoke(question)["messages"][-2].content)

    agent = create_agent(scripted([("helper", {})]), [helper], name="admin") if nested else inner
    agent.invoke(question, config=config)
    assert [entry.agent for entry in toolkit.guard.ledger.entries()] == ["marketing"]
    assert reached() == []


class Passthrough(GetContact):
    """A tool for any endpoint, of the kind that is added in a hurry."""

    name: str = "ac_raw_api"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "DELETE", "/contacts/{contact}", "contacts", Level.READ, "contact", "none, surely"
    )


class Peek(GetContact):
    """A tool that only reads, and that nobody told the catalog of."""

    name: str = "ac_peek"


class Disguised(Passthrough):
    """The same under the name of a tool that only reads."""

    name: str = "ac_get_contact"


def _made(kind: type, toolkit: Any, **options: Any) -> Any:
    return kind(account=toolkit.account, guard=toolkit.guard, agent=toolkit.agent, **options)


UNCLASSIFIED = {
    "a passthrough": (lambda kit: _made(Passthrough, kit), ARGS),
    "a passthrough that reads": (lambda kit: _made(Peek, kit), ARGS),
    "a passthrough under a known name": (lambda kit: _made(Disguised, kit), ARGS),
    "renamed when made": (lambda kit: _made(AddTag, kit, name="helper"), {"contact": 46, "tag": 1}),
    "renamed in a copy": (
        lambda kit: kit.get_tool("ac_add_tag").model_copy(update={"name": "helper"}),
        {"contact": 46, "tag": 1},
    ),
    "under the name of another": (lambda kit: _made(AddTag, kit, name="ac_list_tags"), {"contact": 46, "tag": 1}),
}


@pytest.mark.parametrize("case", UNCLASSIFIED)
def test_row_10_what_nobody_classified_is_denied(case, toolkit_for, approve, reached):
    """A passthrough, and a tool under another name than its own, are denied, even where everything is granted.

    Under another name a tool would escape what the grants say of it, such as `ask: [ac_add_tag]`.
    """
    from ac_tools._catalog import AREAS

    make, args = UNCLASSIFIED[case]
    toolkit = toolkit_for({**dict.fromkeys(AREAS, "full"), "tags": {"access": "full", "ask": ["ac_add_tag"]}}, approve)
    made = make(toolkit)
    message = made.invoke({"type": "tool_call", "id": "call_1", "name": made.name, "args": args})
    assert isinstance(message, ToolMessage)
    assert message.status == "error"
    assert approve.requests == []
    assert reached() == []


def test_row_10_a_tool_that_the_agent_was_never_given_is_no_tool(toolkit_for, approve, scripted, writes):
    """A model that names one of the 29 that was not granted gets an error from its agent, and nothing runs."""
    toolkit = toolkit_for(READS, approve)
    model = scripted([("ac_delete_contact", ARGS)])
    messages = create_agent(model, toolkit.get_tools()).invoke({"messages": [("user", "go")]})["messages"]
    answer = next(message for message in messages if isinstance(message, ToolMessage))
    assert answer.status == "error"
    assert isinstance(messages[-1], AIMessage)
    assert writes() == []
