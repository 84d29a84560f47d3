"""What users test their agents with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import SkipValidation

Turn = AIMessage | Callable[[list[BaseMessage]], AIMessage]
"""What a scripted model says in one turn: a message, or a function that makes one from the transcript."""

__all__ = ["ScriptedChatModel", "Turn"]


class ScriptedChatModel(BaseChatModel):
    """A chat model whose turns are written beforehand, so that an agent can run without a provider.

    It has no state of its own: its place in the script is the number of AI messages in the transcript. A run may
    therefore be resumed elsewhere, replayed, or go on in many threads at once.

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
        place = sum(isinstance(message, AIMessage) for message in messages)
        if place >= len(self.script):
            raise IndexError(f"The script has {len(self.script)} turns, and turn {place + 1} was asked for.")
        turn = self.script[place]
        # A copy: frameworks put ids on messages, and a script may be used more than once.
        message = turn.model_copy(deep=True) if isinstance(turn, AIMessage) else turn(messages)
        return ChatResult(generations=[ChatGeneration(message=message)])
