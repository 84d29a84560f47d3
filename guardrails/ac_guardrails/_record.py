"""What a call puts on record: one method for each thing that can happen to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._canonical import digest
from ac_guardrails._catalog import Level
from ac_guardrails._desk import Desk, Question
from ac_guardrails._entries import Entry
from ac_guardrails._events import Event
from ac_guardrails._grants import Verdict
from ac_guardrails._hold import Hold
from ac_guardrails._inflight import this_process
from ac_guardrails._job import Job
from ac_guardrails._ledger import Ledger, new_entry
from ac_guardrails._limits import Used, Windows
from ac_guardrails._look import leaving
from ac_guardrails._reading import entry_of_call
from ac_guardrails._request import Request
from ac_guardrails._steps import Effect, Steps, Store
from ac_guardrails._text import inert


class Record:
    """The ledger entry of one call. Events hold ids, counts and names of fields; what people wrote goes to the payload.

    Args:
        ledger: Where it is kept.
        job: The call.
    """

    def __init__(self, ledger: Ledger, job: Job) -> None:
        self.entry = new_entry()
        self.call = ""
        """The replay key; empty where nothing tells this call apart from others."""
        self.closed = False
        """Whether it is on record how the call ended."""
        self._ledger = ledger
        self._job = job
        self._agent = job.agent
        self._salt = ""
        self._decided = self._anew = self._sent = self._read = False
        self._pending: tuple[Event, ...] = ()
        self._kept: dict[str, Any] = {}

    def adopt(self, entry: Entry) -> None:
        """Go on with an entry that this call, or the same one elsewhere, began before."""
        self.entry = entry.id
        self._salt = entry.payload.get("salt", self._salt)
        self._decided = True
        self._pending, self._kept = (), {}

    def edited(self) -> None:
        """That a person has changed the call, so that what was asked for is said anew."""
        self._decided, self._anew = False, True

    def decided(self, action: Action, verdict: Verdict, facts: Mapping[str, Any] | None = None) -> None:
        """What was asked for, and the answer of the grants. Put on record together with what comes of it."""
        if self._decided and not verdict.denied:
            return  # it says so already
        self._decided = True
        request = action.request
        event = self._event(
            "decided",
            call=self.call,
            tool=action.tool,
            host=action.host,
            what=action.what,
            verdict=verdict.kind,
            rule=verdict.rule,
            needs=[str(need) for need in action.needs],
            write=action.is_write,
            method=request.method if request else None,
            path=request.path if request else None,
            people=action.people,
            fields=sorted(action.arguments),
            arguments=self._salted(dict(action.arguments)) if action.is_write else None,
            facts=dict(facts) if facts else None,
            **self._for(),
        )
        self._pending = (*self._pending, event)
        plain, arguments = action.plain or action.what, dict(action.arguments)
        salt = {"salt": self._salt} if self._salt else {}
        self._kept |= {"plain": plain, "arguments": arguments, "owner": this_process(), **salt}

    def asked(self, question: Question) -> Generator[Effect, Any, tuple[str, bool]]:
        """The question, before the person sees it.

        Returns:
            The entry that has it, another one if it waits there; and whether it was put now.
        """
        request = question.request
        key = digest([self._agent, question.binds])[:32]
        event = self._event(
            "asked",
            digest=self._salted(question.binds),
            expires=round(request.expires_at, 3),
            beyond=sorted(question.beyond) or None,
        )
        before, kept = self._pending, {**self._kept, "salt": self._salt}  # for whoever goes on with this entry
        desk = Desk(self._ledger)

        def ask() -> tuple[str, bool]:
            found, is_new = desk.ask(event, question, key, before=before, kept=kept)
            if found != self.entry:
                self._ledger.append(*before, self._event("joined", into=found), payload=kept, durable=False)
            return found, is_new

        put: tuple[str, bool] = yield from self._stored(ask)
        return put

    def joined(self, entry: str) -> Steps[None]:
        """That another entry stands for this call."""
        yield from self._closing(self._event("joined", into=entry), kept={})

    def refused(self, reason: str, *, kind: str, rule: str = "", **kept: Any) -> Steps[None]:
        """That nothing will be sent, and why; `kept` stays beside it."""
        # An invalid call's message quotes what the model wrote, so the event says only that it was invalid.
        public = {"invalid": "the arguments were not valid", "rejected": ""}.get(kind, reason[:300])
        decision = kind if kind in ("expired", "rejected") else "refused"
        event = self._event("refused", decision=decision, reason=public, rule=rule)
        yield from self._closing(event, kept=kept | ({"error": reason[:600]} if kind == "invalid" else {}))

    def read(self, request: Request) -> Steps[None]:
        """A read of the guard's own, before it leaves."""
        event = self._event("read", method=request.method, path=request.path, by="guard")
        self._read = True
        yield from self._leaving(*self._pending, event)

    def begun(self) -> Steps[None]:
        """What the reads so far were for, where the call's own run comes later; nothing where nothing was read.

        Where that run has come meanwhile, it has an entry of its own, and this one stands for nothing but its reads.
        """
        if not (self._read and self._pending):
            return
        events, payload = self._pending, self._kept or None

        def begin() -> None:
            with self._ledger.transaction(durable=False) as connection:
                other = entry_of_call(connection, self.call)
                joined = [self._event("joined", into=other.id)] if other and other.id != self.entry else []
                self._ledger.write(connection, *events, *joined, payload=payload)

        yield from self._stored(begin)

    def leaving(self) -> Steps[None]:
        """That the read that was decided on leaves now."""
        if self._pending:
            yield from self._leaving(*self._pending)

    def _leaving(self, *events: Event) -> Steps[None]:
        # The values follow with what comes of it: a read whose process dies is known by its ids and counts alone.
        yield leaving(self._ledger, *events)
        self._pending = ()

    def sent(
        self,
        action: Action,
        request: Request,
        digest: str,
        *,
        hold: Hold,
        people: int,
        before: Mapping[str, Any] | None = None,
    ) -> Steps[None]:
        """A write, before it leaves; checked against all that may stand in its way in the same transaction."""
        planned = sum(each.is_write for each in action.requests)
        event = self._event(
            "sent",
            call=self.call,
            method=request.method,
            path=request.path,
            digest=self._salted(digest),
            people=people,
            calls=1 if hold.first else 0,
            planned=planned if hold.first and planned > 1 else None,
            areas=[need.area for need in action.needs if need.level > Level.READ],
        )
        events = (*self._pending, event)
        first = {"owner": this_process(), "key": dict(action.key)} if hold.first else {}
        first |= {"before": dict(before)} if hold.first and before is not None else {}
        payload = {**self._kept, **first} or None
        yield from self._stored(lambda: self._ledger.reserve(*events, hold=hold, payload=payload))
        self._sent = True

    def outcome(
        self,
        outcome: str,
        *,
        reason: str = "",
        status: int | None = None,
        made: str = "",
        is_write: bool = True,
        **kept: Any,
    ) -> Steps[None]:
        """What became of it.

        Args:
            outcome: done, nothing, refused, not_sent, rehearsed, unknown, partly or failed.
            reason: The kind of error.
            status: The HTTP status of the account's answer.
            made: The record that it has made, named with its id.
            is_write: Whether the disk must have it now.
            kept: What to keep beside it, such as `result` or `error`.
        """
        unknown = outcome == "unknown"
        event = self._event("outcome", outcome=outcome, unknown=unknown, reason=reason, status=status, made=made)
        yield from self._closing(event, kept=kept, late=not is_write)

    def outlook(self, windows: Windows, effect: str) -> Generator[Effect, Any, tuple[Used, str]]:
        """How much of its limits the agent has used, and which entry holds the effect."""
        if not windows and not effect:
            return {}, ""
        agent, entry = self._agent, self.entry
        look = Store(lambda: self._ledger.outlook(agent, entry, windows=windows, effect=effect), self._ledger.blocks)
        found: tuple[Used, str] = yield look
        return found

    def _unnamed(self) -> Event:
        """What was asked for, where nobody came as far as to know it."""
        job = self._job
        return self._event("decided", tool=job.tool, host=job.host, what=f"call {job.tool}", **self._for())

    def _for(self) -> dict[str, str]:
        """What the call takes back, and the person for whom it is made."""
        origin = self._job.origin
        return {"undoes": origin.undoes, "behalf": inert(origin.behalf, limit=80) if origin.behalf else ""}

    def _event(self, kind: str, *, call: str = "", **data: Any) -> Event:
        said = {key: value for key, value in data.items() if value not in ("", None, False)}
        return Event(self.entry, kind, self._agent, said, call)

    def _salted(self, value: Any) -> str:
        """A digest, salted per entry: after the payload is gone nobody can find out what it was by trying."""
        self._salt = self._salt or os.urandom(8).hex()
        return digest([self._salt, value])[:32]

    def _closing(self, event: Event, *, kept: Mapping[str, Any], late: bool = False) -> Steps[None]:
        """The last event of the call, after one that says what it was."""
        named = self._decided or self._anew
        events = (*self._pending, event) if named else (self._unnamed(), event)
        payload = {**self._kept, **kept} or None
        self.closed = True
        if late:
            self._ledger.append_late(*events, payload=payload)
        else:
            # What became of a write can be read back; that it left cannot, so only that waits for the disk.
            unsent = not self._sent
            yield from self._stored(
                lambda: self._ledger.append(*events, payload=payload, durable=unsent, unsent=unsent)
            )

    def _stored(self, work: Callable[[], Any]) -> Generator[Effect, Any, Any]:
        """Write; what was still to be put on record is so once it has been written with something else."""
        result = yield Store(work, self._ledger.blocks)
        self._pending, self._kept = (), {}
        return result
