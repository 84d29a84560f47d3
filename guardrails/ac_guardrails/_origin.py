"""Where a call comes from, as the framework around the tools tells it; a model can write none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ac_guardrails._canonical import digest

if TYPE_CHECKING:
    from ac_guardrails._action import Action
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job


def _alone() -> Sequence[tuple[Guard, Job]]:
    return ()


@dataclass(frozen=True)
class Origin:
    """Where a call comes from.

    Args:
        thread: The conversation.
        turn: The message that asked for the call, or the task that runs it.
        call: The id of the call within that message.
        config: What the framework runs it with.
        siblings: The guarded calls of the same message that run in the same task, in its order, this one among them;
            none where each call has a task of its own.
        undoes: The entry that the call takes back; empty where it takes none back.
        behalf: The person for whom it is made; empty where nobody is named.
    """

    thread: str = ""
    turn: str = ""
    call: str = ""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    siblings: Callable[[], Sequence[tuple[Guard, Job]]] = field(default=_alone, repr=False, compare=False)
    undoes: str = ""
    behalf: str = ""

    def key(self, action: Action) -> str:
        """The replay key: equal for the same call run again, whoever runs it; empty where nothing tells calls apart."""
        if not self.call or not (self.thread or self.turn):
            return ""
        where = [action.host, self.thread, self.turn, self.call]
        return digest([*where, action.agent, action.tool, dict(action.arguments)])[:32]
