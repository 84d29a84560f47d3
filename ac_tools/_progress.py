"""Telling whoever watches a run how far it is: LangChain's custom events, as `astream_events` shows them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event

from ac_guardrails._steps import Pause, Sender

EVENT = "ac_progress"
"""The events' name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a tool is. It holds counts alone, since it is seen by whatever traces the run.

    Args:
        tool: The tool's name.
        progress: How much is done.
        total: How much there is in all; None where nobody knows.
        message: The same in words.
    """

    tool: str
    progress: int
    total: int | None
    message: str

    def tell(self) -> None:
        """Tell it. It fails no call: outside of a run there is nobody to tell, and a listener may be broken."""
        with suppress(Exception):
            dispatch_custom_event(EVENT, asdict(self))

    async def atell(self) -> None:
        """The same on an event loop."""
        with suppress(Exception):
            await adispatch_custom_event(EVENT, asdict(self))


@dataclass(frozen=True, slots=True)
class Telling(Pause):
    """A pause of a call, which begins with telling how far it is."""

    told: Progress

    def do(self, sender: Sender) -> None:
        """Tell it and wait."""
        self.told.tell()
        Pause.do(self, sender)

    async def ado(self, sender: Sender) -> None:
        """Tell it and wait, without blocking the loop."""
        await self.told.atell()
        await Pause.ado(self, sender)
