"""Where a tool call comes from, taken where no model can write: from LangChain's own parameters, and from LangGraph."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage
from langchain_core.runnables.config import var_child_runnable_config
from pydantic import BaseModel, ConfigDict, create_model

from ac_guardrails import Guard
from ac_guardrails._job import Job
from ac_guardrails._origin import Origin

if TYPE_CHECKING:
    from ac_tools.tools._base import ActiveCampaignTool

_RUNTIME = "runtime"
_TOOL_NODE = "langgraph.prebuilt.tool_node"


@dataclass(frozen=True, slots=True)
class Calling:
    """What LangChain says of the call that is being run.

    Args:
        tool_call_id: The id that the model's message gave the call.
        config: What it is run with.
        runtime: LangGraph's ToolRuntime, where a ToolNode runs the tool.
    """

    tool_call_id: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    runtime: Any = None

    @classmethod
    def of(cls, tool_input: Any, tool_call_id: str | None, config: Mapping[str, Any] | None) -> tuple[Any, Calling]:
        """The arguments without what LangGraph put among them, and what it says of the call."""
        config = config or var_child_runnable_config.get() or {}
        runtime = tool_input.get(_RUNTIME) if isinstance(tool_input, Mapping) else None
        if runtime is None or not _is_runtime(runtime):  # a model can write the word, but not make the object
            return tool_input, cls(tool_call_id, config)
        bare = {name: value for name, value in tool_input.items() if name != _RUNTIME}
        return bare, cls(tool_call_id, config, runtime)


CALLING: ContextVar[Calling] = ContextVar("calling", default=Calling())  # noqa: B039 - it is frozen
"""The call that is being run."""


def origin_of(tool: ActiveCampaignTool) -> Origin:
    """Where the call that is being run comes from."""
    calling = CALLING.get()
    if calling.tool_call_id is None:
        return Origin(config=calling.config, behalf=tool.binding.behalf)
    return _origin(calling, calling.tool_call_id, tool, alone=False)


def with_runtime(schema: Any) -> type[BaseModel]:
    """The arguments with LangGraph's runtime, as a ToolNode that is in use looks for it; models do not see this one."""
    return _with_runtime(schema) if _TOOL_NODE in sys.modules else schema


@cache
def _with_runtime(schema: type[BaseModel]) -> type[BaseModel]:
    runtime = sys.modules[_TOOL_NODE].ToolRuntime
    # Built at once: a ToolNode reads the signature, which a model whose building is put off does not have yet.
    config = ConfigDict(arbitrary_types_allowed=True, defer_build=False)
    base = type(schema.__name__, (schema,), {"model_config": config})
    return create_model(schema.__name__, __base__=base, runtime=(runtime, None))


def _is_runtime(value: Any) -> bool:
    module = sys.modules.get(_TOOL_NODE)
    return module is not None and isinstance(value, module.ToolRuntime)


def _origin(calling: Calling, call: str, tool: ActiveCampaignTool, *, alone: bool) -> Origin:
    given = calling.config.get("configurable") or {}
    thread, task = str(given.get("thread_id") or ""), str(given.get("checkpoint_ns") or "")
    message = _message(calling.runtime, call)
    # Without a thread a message's id may come again in another run; a task's cannot.
    turn = (message.id if message is not None and thread else None) or task
    origin = Origin(thread, turn, call, calling.config, behalf=tool.binding.behalf)
    if alone or message is None or not _shares_task(calling.config):
        return origin
    return replace(origin, siblings=lambda: _siblings(calling, message, tool))


def _message(runtime: Any, call: str) -> AIMessage | None:
    """The model's message that asked for the call."""
    state = getattr(runtime, "state", None)
    for message in reversed(_messages_of(state)):
        if isinstance(message, AIMessage) and any(asked["id"] == call for asked in message.tool_calls):
            return message
    return None


def _messages_of(state: Any) -> Sequence[Any]:
    found = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", state)
    return found if isinstance(found, list) else []


def _shares_task(config: Mapping[str, Any]) -> bool:
    """Whether all calls of the message run in one task, as a ToolNode in a graph of one's own runs them."""
    path: Sequence[Any] = (config.get("metadata") or {}).get("langgraph_path") or ()
    return bool(path) and path[0] == "__pregel_pull"


def _siblings(calling: Calling, message: AIMessage, tool: ActiveCampaignTool) -> list[tuple[Guard, Job]]:
    """The guarded calls of the message, in its order, with the guard of each."""
    from ac_tools.tools._base import ActiveCampaignTool

    tools = {other.name: other for other in calling.runtime.tools if isinstance(other, ActiveCampaignTool)}
    tools[tool.name] = tool
    found: list[tuple[Guard, Job]] = []
    for asked in message.tool_calls:
        if asked["name"] in tools and asked["id"]:
            other = tools[asked["name"]]
            origin = _origin(calling, asked["id"], other, alone=True)
            found.append((other.binding.guard, other.job(asked["args"], origin)))
    return found
