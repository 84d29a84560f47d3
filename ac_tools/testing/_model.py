"""A chat model whose turns are written beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import SkipValidation

Turn = AIMessage | str | Callable[[list[BaseMessage]], AIMessage]
"""What a scripted model says in one turn: a message, its text, or a function that makes one from the transcript."""


def calling(tool: str, /, **arguments: Any) -> AIMessage:
    """A turn that calls one tool: `calling("ac_add_tag", contact=46, tag="VIP")`.

    Args:
        tool: The tool's name.
        arguments: What the call says.
    """
    return AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": None}])


class ScriptedChatModel(BaseChatModel):
    """A chat model whose turns are written beforehand, so that an agent can run without a provider.

    It has no state of its own: its place in the script is the number of AI messages in the transcript. A run may
    therefore be resumed elsewhere, replayed, or go on in many threads at once. Calls without an id get one by their
    place: "call_1_1" is the first of the first turn.

    Args:
        script: The turns, in order.

    Raises:
        IndexError: It was asked for more turns than the script has.
    """

    script: SkipValidation[Sequence[Turn]]  # pydantic would take a function for a broken message

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> ScriptedChatModel:
        """The model itself: its script names the tools that it calls."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._turn(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """A turn as one chunk, so that whoever streams sees it as a model's."""
        message = AIMessageChunk(**self._turn(messages).model_dump(exclude={"type"}), chunk_position="last")
        yield ChatGenerationChunk(message=message)

    def _turn(self, messages: list[BaseMessage]) -> AIMessage:
        place = sum(isinstance(message, AIMessage) for message in messages)
        if place >= len(self.script):
            raise IndexError(f"The script has {len(self.script)} turns, and turn {place + 1} was asked for.")
        message = _said(self.script[place], messages)
        for number, call in enumerate(message.tool_calls, 1):
            call["id"] = call["id"] or f"call_{place + 1}_{number}"
        return message


def _said(turn: Turn, messages: list[BaseMessage]) -> AIMessage:
    if isinstance(turn, str):
        return AIMessage(turn)
    # A copy: frameworks put ids on messages, and a script may be used more than once.
    return turn.model_copy(deep=True) if isinstance(turn, AIMessage) else turn(messages)
