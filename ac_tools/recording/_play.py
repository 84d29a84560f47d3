"""Playing the tour on an account under the guard, and removing what it made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ac_guardrails import Answer, ApprovalRequest, Decision, Ledger, Level, Request
from ac_tools import AuthenticationError, ForbiddenError, NotFoundError, ResponseError
from ac_tools._exchange import Reply
from ac_tools._single import guard_of, send
from ac_tools.recording._listen import Heard, Listened
from ac_tools.recording._own import ROOTS, Own, texts
from ac_tools.recording._steps import NO_BATCH, NOBODY, Seen, Step, at
from ac_tools.recording._tour import AREAS, READS
from ac_tools.recording._tour_writes import WRITES

AGENT = "recorder"
_LOOKUPS = {
    "contacts": "search",
    "tags": "search",
    "lists": "filters[name]",
    "fields": "",
    "accounts": "search",
    "dealGroups": "filters[title]",
    "deals": "filters[search]",
}
"""How records with the run's mark are found: collection -> parameter; without one, page by page."""
_PAGES = 20
_IMPORT_SECONDS = 30.0


class TourError(Exception):
    """The tour could not go on. The text says why."""


@dataclass(frozen=True, slots=True)
class Played:
    """A step that was played.

    Args:
        step: It.
        heard: What went over the wire: one exchange, or several where the account asked to wait.
    """

    step: Step
    heard: tuple[Heard, ...]

    @property
    def seen(self) -> Seen:
        """The answer that counts."""
        answer = self.heard[-1].answer
        return Seen.of(answer.status, answer.headers, answer.body)


class Tour:
    """The tour of one account.

    Args:
        account: The account.
        writes: Whether the part that writes is played, too.
        by: The name of the person who agreed to that.
        ledger: Where every call is recorded.
        tell: Told what comes next, for the person who waits.
        sleep: How to wait for an import.
    """

    def __init__(
        self,
        account: Listened,
        *,
        writes: bool = False,
        by: str = "",
        ledger: str | Ledger = "memory:",
        tell: Callable[[str], None] = lambda text: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.mark = f"rec{secrets.token_hex(4)}"
        self.steps: Sequence[Step] = (*READS, *WRITES) if writes else READS
        self.skipped: list[str] = []
        """The names of the steps that could not be played: something that they need was not there."""
        self.sent = {NOBODY, NO_BATCH}
        """The texts that the tour sent and that are its own."""
        self._account = account
        self._ledger = ledger
        self._own = Own(self.mark)
        self._tell = tell
        self._area = ""
        self._sleep = sleep
        self._values = {"t": self.mark, "T": self.mark.upper()}
        self._wrote = self._imported = False
        level = Level.FULL if writes else Level.READ
        self._guard = guard_of(AGENT, AREAS, level, ledger=ledger, approver=self._approver(by) if writes else None)
        account.share_budget(self._guard.ledger)

    @property
    def left(self) -> tuple[tuple[str, str], ...]:
        """What the tour made and did not remove: collections and ids."""
        return self._own.left

    def play(self) -> list[Played]:
        """Play all steps, once; what they made is removed whatever happens.

        Raises:
            TourError: The account refuses the key, cannot be reached, or no longer answers.
        """
        played: list[Played] = []
        try:
            for step in self.steps:
                one = self._played(step, first=not played)
                played += [one] if one else []
        finally:
            try:
                if self._wrote:
                    self._remove()
            finally:
                self._close()
        return played

    def _played(self, step: Step, *, first: bool) -> Played | None:
        """Play one step; None where it cannot be played."""
        request = step.request(self._values)
        if request is None:
            self.skipped.append(step.name)
            return None
        self._announce(step.area)
        self._wrote |= step.is_write
        self._remember(request)
        answer, heard = self._send(step.area, request, with_key=step.with_key)
        came = answer.artifact
        if first and isinstance(came, (AuthenticationError, ForbiddenError)):
            raise TourError(answer.content)
        if getattr(came, "kind", "") in ("rejected", "refused"):  # by the guard
            self.skipped.append(step.name)
            return None
        if not heard or not isinstance(came, (Reply, ResponseError)):
            raise TourError(answer.content)
        return self._learnt(Played(step, heard), request)

    def _close(self) -> None:
        if self._guard.ledger is not self._ledger:  # one in memory, of its own
            self._guard.ledger.close()

    def _announce(self, area: str) -> None:
        if area != self._area:
            self._area = area
            self._tell(f"{area} ...")

    def _learnt(self, played: Played, request: Request) -> Played:
        seen = played.seen
        if 200 <= seen.status < 300:
            self._own.learn(request, seen.data)
            self._imported |= request.path == "/import/bulk_import"
            found = {name: at(seen.data, path) for name, path in played.step.keeps.items()}
            self._values |= {name: str(value) for name, value in found.items() if str(value).isdigit()}
        return played

    def _remember(self, request: Request) -> None:
        for text in (*texts(request.body), *(value for _, value in request.params)):
            if self.mark in text.casefold():
                self.sent |= {text, text.partition("@")[0]}

    def _send(self, area: str, request: Request, *, with_key: bool = True) -> tuple[Answer, tuple[Heard, ...]]:
        account = self._account if with_key else self._account.with_wrong_key()
        account.heard.clear()
        try:
            return send(self._guard, account, AGENT, area, request), tuple(account.heard)
        finally:
            if not with_key:
                account.close()

    def _approver(self, by: str) -> Callable[[ApprovalRequest], Decision]:
        def decide(request: ApprovalRequest) -> Decision:
            wanted = request.action.request
            if wanted is not None and self._own.permits(wanted):
                return Decision.approve(by=by)
            return Decision.reject("it is not about a record that this run has made", by=by)

        return decide

    def _remove(self) -> None:
        self._tell("Removing what was made ...")
        try:
            self._clear()
        except BaseException:
            self._clear()  # once more after Ctrl-C, since nobody else will; a second one ends it
            raise

    def _clear(self) -> None:
        """Remove what is known of, then look for more: an answer may have been lost, or an import be under way."""
        self._delete()
        for collection in reversed(ROOTS):
            self._look_for(collection)
        seconds = _IMPORT_SECONDS if self._imported else 0.0
        while seconds > 0 and not self._own.left:
            self._sleep(1.0)
            seconds -= 1.0
            self._look_for("contacts")
        self._delete()

    def _delete(self) -> None:
        for collection, number in self._own.left:
            request = Request("DELETE", f"/{collection}/{number}")
            answer, _ = self._send(_area_of(collection), request)
            if answer.ok or isinstance(answer.artifact, NotFoundError):
                self._own.learn(request, {})

    def _look_for(self, collection: str) -> None:
        for page in range(_PAGES if collection in _LOOKUPS else 0):
            name = _LOOKUPS[collection]
            wanted = ((name, self.mark),) if name else ()
            params = (("limit", "100"), ("offset", str(100 * page)), *wanted)
            answer, _ = self._send(_area_of(collection), Request("GET", f"/{collection}", params))
            records: Any = at(answer.artifact.data, collection) if isinstance(answer.artifact, Reply) else None
            for record in records or ():
                self._own.adopt(collection, record)
            if not records or len(records) < 100:
                return


def _area_of(collection: str) -> str:
    return "deals" if collection in ("dealGroups", "dealStages") else collection
