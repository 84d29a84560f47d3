"""A middleware for LangChain's `create_agent`: brings the tools, tells the model what it may do, and what a no means.

Nothing that the guard promises depends on it. It needs the extra `langchain`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.types import Command

from ac_guardrails import Refusal, quoted
from ac_tools._briefing import always_asks, briefing, open_tools
from ac_tools._catalog import catalog
from ac_tools._toolkit import ActiveCampaignToolkit
from ac_tools.tools import ActiveCampaignTool

__all__ = ["ActiveCampaignMiddleware"]

_Told = ToolMessage | Command[Any]
_NAMES = frozenset(tool.name for tool in catalog.tools)
_SAME_NO = " You made this very call before in this turn, and the answer is the same. Do something else, or say so."
_NOT_AGAIN = (
    " That was said to the same call earlier in this turn, and nobody was asked again. "
    "Do something else, or tell the user."
)


class ActiveCampaignMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """One agent's tools for `create_agent`, with what the model has to know of its grants.

    * The agent gets the tools that are granted. Tools whose grant has ended since are no longer shown to the model.
    * The system message of each model call says in a few lines what the grants are. The conversation keeps none of it.
    * A call of a tool that the agent was not given is put to the guard, which refuses it and has it on record.
    * What a person has rejected is not asked again until the user has said something else.

    Args:
        toolkit: The agent's toolkit.
        include: Only these tools.
        exclude: All but these tools.
        read_only: Only the tools that change nothing.

    Raises:
        ValueError: A name is none of the 29.
    """

    def __init__(
        self,
        toolkit: ActiveCampaignToolkit,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        read_only: bool = False,
    ) -> None:
        super().__init__()
        self.tools = [*toolkit.get_tools(include=include, exclude=exclude, read_only=read_only)]
        self._toolkit = toolkit

    def others(self, interrupt_on: Mapping[str, Any]) -> dict[str, Any]:
        """What is left to LangChain's own HumanInTheLoopMiddleware, so that a person is asked once, by the guard.

        `HumanInTheLoopMiddleware(interrupt_on=guarded.others({...}))`

        Args:
            interrupt_on: Its argument, for all tools of the agent.

        Raises:
            ValueError: It names a tool of ours about which the guard would not always ask.
        """
        asked = {name for name, listened in interrupt_on.items() if listened}
        unasked = [name for name in sorted(asked & _NAMES) if not self._is_left_to_guard(name)]
        if unasked:
            area = self._toolkit.get_tool(unasked[0]).endpoint.area
            raise ValueError(
                f"The guard would not always ask a person about {', '.join(unasked)}. Grant it with `ask:`, such as "
                f"{area}: {{access: ..., ask: [{unasked[0]}]}}, and the guard does; or leave it out here."
            )
        return {name: listened for name, listened in interrupt_on.items() if name not in _NAMES}

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Show the model the tools that are open today, and what it may do with them."""
        return handler(self._briefed(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """The same on an event loop."""
        return await handler(self._briefed(request))

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], _Told]) -> _Told:
        """Carry a call to the guard, and say of a no whether it was said before."""
        arrived = _Arrived.of(request, self._toolkit)
        if arrived.answer is not None:
            return arrived.answer
        return arrived.told(handler(arrived.request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[_Told]]
    ) -> _Told:
        """The same on an event loop."""
        arrived = _Arrived.of(request, self._toolkit)
        if arrived.answer is not None:
            return arrived.answer
        return arrived.told(await handler(arrived.request))

    def _briefed(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        tools = [tool for tool in request.tools if not isinstance(tool, ActiveCampaignTool) or _is_open(tool)]
        toolkit = self._toolkit
        ours = [
            tool.name for tool in tools if isinstance(tool, ActiveCampaignTool) and tool.binding.agent == toolkit.agent
        ]
        text = briefing(toolkit.guard, toolkit.agent, toolkit.account.host, ours)
        return request.override(tools=tools, system_message=_with(request.system_message, text))

    def _is_left_to_guard(self, name: str) -> bool:
        """Whether the guard asks about each call of a tool, or refuses it."""
        guard, agent = self._toolkit.guard, self._toolkit.agent
        return name not in open_tools(guard, agent) or always_asks(guard, agent, name)


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A call on its way to its tool.

    Args:
        request: The call.
        earlier: What was last said to the same call in this turn, if it was a refusal.
        answer: What is said in place of running it, if anything.
    """

    request: ToolCallRequest
    earlier: Refusal | None = None
    answer: ToolMessage | None = None

    @classmethod
    def of(cls, request: ToolCallRequest, toolkit: ActiveCampaignToolkit) -> _Arrived:
        call, tool = request.tool_call, request.tool
        name = call["name"]
        if tool is None and name in _NAMES:
            if name in open_tools(toolkit.guard, toolkit.agent):
                return cls(request)  # it was left out on purpose: granted or not, it is not this agent's to call
            request = request.override(tool=toolkit.get_tool(name))
        elif tool is None and name.startswith("ac_"):
            return cls(request, answer=_error(call, Refusal("invalid", _no_such_tool(name, toolkit))))
        elif not isinstance(tool, ActiveCampaignTool):
            return cls(request)
        earlier = _refused_before(_turn(request.state), call)
        if earlier is None or earlier.kind != "rejected":
            return cls(request, earlier)
        return cls(request, earlier, _error(call, earlier, _NOT_AGAIN))

    def told(self, answer: _Told) -> _Told:
        """The tool's answer, with a word on it where the model has had the same before."""
        if self.earlier is None or not isinstance(answer, ToolMessage):
            return answer
        refusal = _refusal(answer)
        if refusal is None or refusal.kind not in ("refused", "invalid"):
            return answer
        return answer.model_copy(update={"content": f"{answer.text}{_SAME_NO}"})


def _is_open(tool: ActiveCampaignTool) -> bool:
    return tool.name in open_tools(tool.binding.guard, tool.binding.agent)


def _with(system: SystemMessage | None, text: str) -> SystemMessage:
    """The system message with a text at its end."""
    if system is None:
        return SystemMessage(text)
    if isinstance(system.content, str):
        return system.model_copy(update={"content": f"{system.content}\n\n{text}"})
    return system.model_copy(update={"content": [*system.content, {"type": "text", "text": text}]})


def _no_such_tool(name: str, toolkit: ActiveCampaignToolkit) -> str:
    close = get_close_matches(name, sorted(open_tools(toolkit.guard, toolkit.agent)), n=1)
    near = f" Did you mean {close[0]}?" if close else ""
    return f"There is no tool {quoted(name, limit=80)}, so nothing was done.{near}"


def _error(call: Mapping[str, Any], refusal: Refusal, more: str = "") -> ToolMessage:
    return ToolMessage(
        f"{refusal.reason}{more}", artifact=refusal, tool_call_id=call["id"], name=call["name"], status="error"
    )


def _turn(state: Any) -> list[AnyMessage]:
    """The messages since the user last said something, which may have changed what is wanted."""
    messages = (state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", None)) or []
    last = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    return list(messages[last + 1 :])


def _refused_before(turn: list[AnyMessage], call: Mapping[str, Any]) -> Refusal | None:
    """What was last said to the same call, with the same arguments, if it was a refusal."""
    asked = [one for message in turn if isinstance(message, AIMessage) for one in message.tool_calls]
    like = [one for one in asked if (one["name"], one["args"]) == (call["name"], call["args"])]
    same = {one["id"] for one in like} - {call["id"]}
    told = [message for message in turn if isinstance(message, ToolMessage) and message.tool_call_id in same]
    return _refusal(told[-1]) if told else None


def _refusal(message: ToolMessage) -> Refusal | None:
    """The refusal that a message carries; a checkpoint may have made a dict of it."""
    found = message.artifact
    if isinstance(found, Mapping) and {"kind", "reason"} <= set(found):
        found = Refusal(str(found["kind"]), str(found["reason"]), str(found.get("entry", "")))
    return found if isinstance(found, Refusal) else None
