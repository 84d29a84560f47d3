"""The agent: a model, tools, and a loop of messages and tool calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage

from ac_tools import ActiveCampaignToolkit

Work = Callable[[], ToolMessage]


class ModelError(RuntimeError):
    """The model gave no answer. The message is one line, for the person who chose it."""


class Agent:
    """Lets a model work with one agent's tools until it calls none any more.

    The model is given the tools that the grants open. Where it names one of the 29 that is not among them, the call
    goes through `toolkit.get_tool` all the same, so that the guard refuses it and has it on record.

    Args:
        model: Any chat model that can bind tools.
        toolkit: The agent's toolkit.
        on_words: Is told what the model says.
        on_call: Is handed each call and the work that it means; does the work and returns its message.
    """

    def __init__(
        self,
        model: BaseChatModel,
        toolkit: ActiveCampaignToolkit,
        *,
        on_words: Callable[[str], None] = lambda words: None,
        on_call: Callable[[ToolCall, Work], ToolMessage] = lambda call, work: work(),
    ) -> None:
        self._toolkit = toolkit
        self._tools = {tool.name: tool for tool in toolkit.get_tools()}
        self._model = model.bind_tools(list(self._tools.values()))
        self._on_words = on_words
        self._on_call = on_call

    def run(self, messages: list[BaseMessage], *, turns: int) -> bool:
        """Add messages to the transcript until the model is done.

        Args:
            messages: The transcript so far.
            turns: The most turns that the model gets.

        Returns:
            Whether the model came to an end by itself.

        Raises:
            ModelError: The model failed.
        """
        for _ in range(turns):
            reply = self._reply(messages)
            messages.append(reply)
            if words := str(reply.text).strip():
                self._on_words(words)
            answers = self._answers(reply)
            if not answers:
                return True
            messages += answers
        return False

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        try:
            reply = self._model.invoke(messages)
        except Exception as error:  # every provider raises its own
            said = " ".join(str(error).split())[:300]
            raise ModelError(f"The model failed: {type(error).__name__}: {said}") from error
        if not isinstance(reply, AIMessage):
            raise ModelError(f"The model answered with {type(reply).__name__} instead of a message.")
        return reply

    def _answers(self, reply: AIMessage) -> list[ToolMessage]:
        unusable = [
            _error(bad["id"], bad["name"], f"The arguments are no JSON: {bad['error']}")
            for bad in reply.invalid_tool_calls
        ]
        return unusable + [self._on_call(call, partial(self._called, call)) for call in reply.tool_calls]

    def _called(self, call: ToolCall) -> ToolMessage:
        tool = self._tools.get(call["name"])
        if tool is None:
            try:
                tool = self._toolkit.get_tool(call["name"])
            except ValueError:
                return _error(call["id"], call["name"], f"There is no tool called {call['name']!r}.")
        result: Any = tool.invoke({**call, "type": "tool_call"})
        assert isinstance(result, ToolMessage)
        return result


def _error(call_id: str | None, name: str | None, text: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id=call_id or "", name=name, status="error")
