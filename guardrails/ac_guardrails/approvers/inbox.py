"""Deciding elsewhere: the question waits in the ledger, where a person in another process answers it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ac_guardrails._approvals import ApprovalRequest, Elsewhere
from ac_guardrails._steps import Pause, Steps, Store

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job

_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.5


class Inbox(Elsewhere):
    """An approver for programs without a person at their terminal.

    The agent waits a while. If nobody has answered by then it is told so, goes on with other work, and makes the same
    call again to learn the answer. People answer with `ac-tools approvals`, on the same ledger file.

    Args:
        wait: Seconds for which a call waits for an answer; 0 not to wait.
    """

    def __init__(self, wait: float = 60.0) -> None:
        if not isinstance(wait, (int, float)) or not 0 <= wait < math.inf:
            raise ValueError(f"wait={wait!r} is no time to wait. Use a number of seconds, such as 60.")
        self.wait = wait

    def __repr__(self) -> str:
        return f"Inbox(wait={self.wait:g})"

    def ask(self, guard: Guard, job: Job, request: ApprovalRequest) -> Steps[None]:
        """Look into the ledger until there is an answer, or the wait is over."""
        waited, pause = 0.0, _FIRST_LOOK
        while waited < self.wait:
            yield Pause(min(pause, self.wait - waited))
            waited, pause = waited + pause, min(pause * 1.5, _SLOWEST_LOOK)
            question = yield Store(lambda: guard.desk.question(request.id), guard.ledger.blocks)
            if question is None or not question.is_open(guard.clock()):
                return
