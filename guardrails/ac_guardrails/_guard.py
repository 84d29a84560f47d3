"""The guard: what stands between every tool and the account."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from ac_guardrails._approvals import Approver
from ac_guardrails._call import Call
from ac_guardrails._grants import Grants
from ac_guardrails._job import Answer, Job
from ac_guardrails._ledger import Ledger, open_ledger
from ac_guardrails._steps import Sender, adrive, drive


class Guard:
    """The layer in front of an account.

    Args:
        grants: Who may do what.
        approver: Who is asked; without one, every call that needs a person is refused.
        ledger: Where calls are recorded: "memory:", "sqlite:///ledger.db", or an open Ledger.
        expires: Seconds for which a question can be answered.
        payloads: How long values are kept beside the events: "30d", "12h" or "none".
        clock: Epoch seconds.
    """

    def __init__(
        self,
        grants: Grants,
        *,
        ledger: str | Ledger,
        approver: Approver | None = None,
        expires: float = 900.0,
        payloads: str = "30d",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(grants, Grants):
            raise TypeError("Guard needs grants: Grants.from_file(...) or Grants.from_dict({...}).")
        if approver is not None and not callable(approver):
            raise TypeError("An approver is a function from an ApprovalRequest to a Decision.")
        if not 0 < expires < math.inf:
            raise ValueError(f"expires={expires} is no time to answer in. Use a number of seconds above 0.")
        self.grants = grants
        self.ledger = ledger if isinstance(ledger, Ledger) else open_ledger(ledger, payloads=payloads, clock=clock)
        self.approver = approver
        self.expires = expires
        self.clock = clock

    def __repr__(self) -> str:
        return f"Guard({self.grants!r}, ledger={self.ledger!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Guard:
        return self  # LangChain copies tools; the guard behind the copies stays one

    def today(self) -> date:
        """The day on which grants are judged, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def run(self, job: Job, sender: Sender) -> Answer:
        """Carry a call through, or say why not."""
        return drive(Call(self, job).steps(), sender)

    async def arun(self, job: Job, sender: Sender) -> Answer:
        """The same on an event loop."""
        return await adrive(Call(self, job).steps(), sender)
