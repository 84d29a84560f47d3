"""A guarded call that a handler makes for an event: once, however often the handler has to run."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolCall, ToolMessage

from ac_guardrails import Refusal
from ac_tools.webhooks._errors import SetAside

if TYPE_CHECKING:
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.webhooks._store import Received

_TRY_AGAIN = ("failed", "unknown", "blocked", "stopped")
"""What may be otherwise the next time; everything else somebody has decided."""


def call_once(received: Received, toolkit: ActiveCampaignToolkit, tool: str, args: dict[str, Any]) -> ToolMessage:
    """Call a tool, or give back what came of the same call in an earlier run of the handler.

    Where an earlier run was cut off and reading back has shown that its write did not happen, it is made anew.

    Raises:
        SetAside: The guard or a person said no, or the call is wrong.
        RuntimeError: It failed, or nobody knows yet whether it happened.
    """
    for number in count(1):
        call = ToolCall(name=tool, args=args, id=f"{tool}-{number}", type="tool_call")
        answer: ToolMessage = toolkit.get_tool(tool).invoke(call, received.config)
        if answer.status != "error":
            return answer
        said = answer.artifact
        entry = toolkit.guard.ledger.entry(said.entry) if isinstance(said, Refusal) and said.entry else None
        if entry is None or entry.outcome != "did_not_happen":
            raise _refused(tool, answer)
    raise AssertionError  # counting has no end


def _refused(tool: str, answer: ToolMessage) -> Exception:
    kind = answer.artifact.kind if isinstance(answer.artifact, Refusal) else "failed"
    text = f"{tool}: {answer.text}"
    return RuntimeError(text) if kind in _TRY_AGAIN else SetAside(text)
