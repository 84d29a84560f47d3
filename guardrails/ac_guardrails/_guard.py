"""The guard: what stands between every tool and the account."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ac_guardrails._approvals import Approver, Elsewhere
from ac_guardrails._call import Call
from ac_guardrails._desk import Desk
from ac_guardrails._display import Displayed
from ac_guardrails._events import Event
from ac_guardrails._grants import Grants
from ac_guardrails._job import Answer, Job
from ac_guardrails._ledger import Ledger
from ac_guardrails._ledger_url import open_ledger
from ac_guardrails._reading import entry_of
from ac_guardrails._rehearse import as_run
from ac_guardrails._settle import Reader, Settlement, settle
from ac_guardrails._standing import Standing
from ac_guardrails._steps import Sender, Steps, Store, adrive, drive
from ac_guardrails._text import inert

if TYPE_CHECKING:
    from ac_guardrails._sets import Planned


class Guard(Displayed):
    """The layer in front of an account.

    Args:
        grants: Who may do what.
        approver: Who is asked; without one, every call that needs a person is refused.
        ledger: Where calls are recorded: "memory:", "sqlite:///ledger.db", or an open Ledger.
        expires: Seconds for which a question can be answered, and its approval used.
        settle_after: Seconds after a lost answer for which the write may still land, so that not finding it proves
            nothing.
        payloads: How long values are kept beside the events: "30d", "12h" or "none".
        mode: "enforce"; or "rehearse", which does everything but send a write: it decides, reads, asks people and
            records as in earnest, and answers with what would have been sent. What was rehearsed uses up no limit,
            stands in nobody's way, and an approval of it is none for the call in earnest.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        grants: Grants,
        *,
        ledger: str | Ledger,
        approver: Approver | None = None,
        expires: float = 900.0,
        settle_after: float = 60.0,
        payloads: str = "30d",
        mode: Literal["enforce", "rehearse"] = "enforce",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(grants, Grants):
            raise TypeError("Guard needs grants: Grants.from_file(...) or Grants.from_dict({...}).")
        if approver is not None and (not callable(approver) or isinstance(approver, type)):
            raise TypeError("An approver is a function from an ApprovalRequest to a Decision.")
        if not 0 < expires < math.inf:
            raise ValueError(f"expires={expires} is no time to answer in. Use a number of seconds above 0.")
        if not 0 <= settle_after < math.inf:
            raise ValueError(f"settle_after={settle_after} is no time to wait. Use a number of seconds, such as 60.")
        if mode not in ("enforce", "rehearse"):
            raise ValueError(f"{mode!r} is no mode of a guard. Use enforce, or rehearse to send no write.")
        self.grants = grants
        self._mode = mode
        self.ledger = ledger if isinstance(ledger, Ledger) else open_ledger(ledger, payloads=payloads, clock=clock)
        self.desk = Desk(self.ledger)
        self.standing = Standing(self.ledger, grants.catalog, grants.agents)
        self.approver = approver
        self.expires = expires
        self.settle_after = settle_after
        self.clock = clock

    def __repr__(self) -> str:
        mode = "" if self.mode == "enforce" else f", mode={self.mode!r}"
        return f"Guard({self.grants!r}, ledger={self.ledger!r}{mode})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Guard:
        return self  # LangChain copies tools; the guard behind the copies stays one

    def granting(self, grants: Grants) -> Guard:
        """The same guard under other grants: one ledger, one approver, one clock."""
        other = copy.copy(self)
        other.grants, other.standing = grants, Standing(self.ledger, grants.catalog, grants.agents)
        return other

    @property
    def mode(self) -> Literal["enforce", "rehearse"]:
        """Whether writes are sent; nobody changes it while calls run."""
        return self._mode

    def today(self) -> date:
        """The day on which grants are judged, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def run(self, job: Job, sender: Sender) -> Answer:
        """Carry a call through, or say why not."""
        return drive(self.steps(job), sender)

    async def arun(self, job: Job, sender: Sender) -> Answer:
        """The same on an event loop."""
        return await adrive(self.steps(job), sender)

    def plan(self, jobs: Sequence[Job], sender: Sender) -> Planned:
        """Ask a person once about all those calls that need one, before any of them runs.

        Each call finds its answer when it is run with the same origin. Nothing is sent.

        Args:
            jobs: The calls, of one agent on one account, each with a call id of its own in its origin.
            sender: What carries the reads.

        Raises:
            ValueError: They cannot be asked about together.
        """
        from ac_guardrails._sets import planned

        return drive(planned(self, jobs), sender)

    async def aplan(self, jobs: Sequence[Job], sender: Sender) -> Planned:
        """The same on an event loop."""
        from ac_guardrails._sets import planned

        return await adrive(planned(self, jobs), sender)

    def settle(self, sender: Sender, read: Reader, *, host: str, entry: str = "") -> list[Settlement]:
        """Find out what became of the entries that were left open: read back, and put on record.

        Args:
            sender: What carries the reads.
            read: How a tool's writes are read back.
            host: The account that the sender reaches; entries of others are left alone.
            entry: Only this entry.
        """
        return drive(self._settling(read, host, entry), sender)

    async def asettle(self, sender: Sender, read: Reader, *, host: str, entry: str = "") -> list[Settlement]:
        """The same on an event loop."""
        return await adrive(self._settling(read, host, entry), sender)

    def undone(self, entry: str, *, by: str, through: Sequence[str]) -> None:
        """Put on record that a write was taken back; who was first to say so stands.

        Args:
            entry: Its entry.
            by: The person for whom it was taken back.
            through: The entries of the calls that did it.
        """
        with self.ledger.transaction(durable=True) as connection:
            found = entry_of(connection, entry)
            if found is not None and not found.undone:
                data = {"by": inert(by, limit=80), "through": list(through)}
                self.ledger.write(connection, Event(entry, "undone", found.agent, data))

    def steps(self, job: Job) -> Steps[Answer]:
        """A call as a part of something larger, which is driven as one."""
        job, approver = as_run(self, job), self.approver
        if not isinstance(approver, Elsewhere):
            return (yield from Call(self, job).steps())
        try:
            yield from approver.hold(self, job)
            return (yield from Call(self, job).steps())
        except BaseException as error:
            if approver.is_pause(error):
                # Whoever keeps it would keep all that was read, too: each of its frames holds what it worked with.
                raise error.with_traceback(None)  # noqa: B904 - it is the same one
            raise

    def _settling(self, read: Reader, host: str, entry_id: str) -> Steps[list[Settlement]]:
        # One that is damaged keeps no other from being settled; ac-tools audit show names it.
        found = yield Store(partial(self.ledger.not_closed, unreadable=[]), self.ledger.blocks)
        settled: list[Settlement] = []
        for entry in (entry for entry in found if entry.host == host and entry_id in ("", entry.id)):
            settled += [(yield from settle(self, entry, read))]
        return settled
