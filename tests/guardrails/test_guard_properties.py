"""Whatever happens, in whatever order: what the guard promises of every write, checked at the account's own wire.

A machine of random steps drives the real tools on an embedded account: grants, calls, calls made again, answers of
people, failures of the network, deaths of the process at any moment, time, stops. Beside it stands a model that knows
nothing of the guard's code: it watches the wire, and asks the account what it holds.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import httpx
import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ac_guardrails import AnswerError, ApprovalRequest, Decision, Entry, Grants, Guard, Ledger
from ac_guardrails._desk import Desk
from ac_guardrails._steps import Pause
from ac_guardrails._stop import StoppedError
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.sandbox import Clock, Sandbox

CONTACTS, TAGS, PHONES, NAMES = (46, 28, 25), (1, 2), ("+1 555 0100", "+1 555 0101"), ("Alpha", "Beta")
NEEDS = {
    "ac_add_tag": ("tags", "write", 1),
    "ac_remove_tag": ("tags", "write", 1),
    "ac_update_contact": ("contacts", "write", 1),
    "ac_delete_contact": ("contacts", "full", 1),
    "ac_create_tag": ("tags", "write", 0),
    "ac_create_field": ("fields", "write", 0),
}
"""The writes: the area, the least level there, and how many people one of them touches."""
LEVELS = ("off", "read", "write", "full")
MOST_WRITES = {"ac_create_field": 3}
SEEDS = st.integers(0, 2**48)
"""What a step is, is rolled from a number: Hypothesis would favour few and simple steps, and those go well."""
SETTLE_AFTER, EXPIRES = 60.0, 900.0
DAY = 86400.0
Args = Mapping[str, Any]
Meaning = tuple[Any, ...]
"""What a write does, in words that owe nothing to the guard: ("tag", 46, 1)."""


class Death(BaseException):
    """The process dies here. Nothing after it may leave a trace."""


class Fate:
    """When a process dies: at the wire, or at one of its next transactions on the ledger."""

    def __init__(self) -> None:
        self.dead = False
        self.at: tuple[str, int] | None = None

    def meet(self, where: str) -> None:
        """Die here, if it is time; the dead do nothing any more."""
        if self.at is not None and self.at[0] == where:
            self.at = (where, self.at[1] - 1)
            self.dead = self.dead or self.at[1] < 0
        if self.dead:
            raise Death(where)


class MortalLedger(Ledger):
    """The ledger, in a process that can die before and after each of its transactions."""

    fate = Fate()

    @contextmanager
    def transaction(self, **how: bool) -> Iterator[Any]:
        self.fate.meet("store before")
        with super().transaction(**how) as connection:
            yield connection
        self.fate.meet("store after")


@dataclass
class Write:
    """One write that reached the account."""

    entry: str
    tool: str
    meaning: Meaning | None
    call: int
    at: float
    status: int = 0
    landed: bool = False
    due: float | None = None


@dataclass
class Consent:
    """A person's yes to one write."""

    meaning: Meaning
    until: float
    used: bool = False


@dataclass
class Made:
    """A call that was made, and may be made again."""

    tool: str
    args: Args
    thread: str
    meanings: set[Meaning] = field(default_factory=set)


class Account:
    """What the account itself shows, asked behind the guard's back."""

    def __init__(self, clock: Clock) -> None:
        self.sandbox = Sandbox(clock=clock)

    def get(self, path: str) -> dict[str, Any]:
        headers = {"Api-Token": self.sandbox.key}
        answer = self.sandbox.handle("GET", f"/api/3{path}", headers, b"")
        return json.loads(answer.body) if answer.status < 400 else {}

    def ties(self, contact: int) -> dict[str, str]:
        """The contact's tags, by the id of the association."""
        return {row["id"]: row["tag"] for row in self.get(f"/contacts/{contact}/contactTags").get("contactTags", ())}

    def shows(self, meaning: Meaning) -> bool:
        """Whether things are as this write would have made them."""
        kind, one, *rest = meaning
        if kind == "name":
            return any(row["tag"] == one for row in self.get(f"/tags?search={one}")["tags"])
        if kind == "field":
            return any(row["title"] == one for row in self.get("/fields?limit=100")["fields"])
        if kind in ("tag", "untag"):
            return (str(rest[0]) in self.ties(one).values()) == (kind == "tag")
        contact = self.get(f"/contacts/{one}").get("contact")
        return contact is None if kind == "delete" else contact is not None and contact["phone"] == rest[0]

    def meaning(self, method: str, path: str, body: bytes) -> Meaning | None:
        """What a request on the wire does; None for the second half of something."""
        sent = json.loads(body) if body else {}
        _, kind, *rest = path.removeprefix("/api/3").split("/")
        if method == "POST" and kind == "contactTags":
            return "tag", int(sent["contactTag"]["contact"]), int(sent["contactTag"]["tag"])
        if method == "POST" and kind == "tags":
            return "name", sent["tag"]["tag"]
        if method == "POST" and kind == "fields":
            return "field", sent["field"]["title"]
        if method == "PUT" and kind == "contacts":
            return "phone", int(rest[0]), sent["contact"]["phone"]
        if method == "DELETE" and kind == "contacts":
            return "delete", int(rest[0])
        if method == "DELETE" and kind == "contactTags":
            found = [(contact, self.ties(contact).get(rest[0])) for contact in CONTACTS]
            return next((("untag", contact, int(tag)) for contact, tag in found if tag), ("untag", 0, 0))
        return None


def meant(tool: str, args: Args) -> Meaning:
    """What a call of a tool would do."""
    match tool:
        case "ac_add_tag":
            return "tag", int(args["contact"]), int(args["tag"])
        case "ac_remove_tag":
            return "untag", int(args["contact"]), int(args["tag"])
        case "ac_update_contact":
            return "phone", int(args["contact"]), args["phone"]
        case "ac_delete_contact":
            return "delete", int(args["contact"])
        case "ac_create_tag":
            return "name", args["name"]
    return "field", args["title"]


FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"cut": "refused"},
    "422": {"status": 422},
    "503 before": {"status": 503},
    "503 after": {"status": 503, "when": "after"},
    "timeout": {"cut": "timeout"},
    "cut before": {"cut": "reset"},
    "cut after": {"cut": "reset", "when": "after"},
    "late": {"late": 40.0},
    "too late": {"late": 500.0},
}


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The way to the account, where requests fail as ordered, and where every write is looked at."""

    def __init__(self, account: Account, watch: Callable[[httpx.Request, bytes], Write], fate: Fate) -> None:
        self._account = account
        self._inner = account.sandbox.transport()
        self._sandbox = account.sandbox
        self._watch = watch
        self._fate = fate
        self.fault = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self._inner.handle_request(request)
        fault, self.fault = self.fault, ""
        self._fate.meet("wire before")
        if fault == "refused":
            raise httpx.ConnectError("refused", request=request)
        write = self._watch(request, request.read())
        if fault:
            self._sandbox.fault(request.method, request.url.path.removeprefix("/api/3"), **FAULTS[fault])
        fresh = write.meaning is not None and not self._account.shows(write.meaning)
        if "late" in fault and fresh:
            write.due = write.at + FAULTS[fault]["late"]
        try:
            response = self._inner.handle_request(request)
            write.status = response.status_code
            return response
        finally:
            unheard = fresh and "after" in fault and write.meaning is not None and self._account.shows(write.meaning)
            write.landed = write.status in range(200, 300) or unheard
            self._fate.meet("wire after")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


ANSWERS = [*["approve"] * 6, "reject", "edit", "edit", "edit other", "edit nonsense", "nonsense", "late", "die"]
DOOMS = [
    ("wire before", 0),
    *[("wire after", 0)] * 2,
    *(("store before", number) for number in range(5)),
    *(("store after", number) for number in range(5)),
]
SECONDS = [1.0, 30.0, 61.0, 300.0, 1000.0, DAY, 31 * DAY]
STEPS = {"call": 7, "call_again": 6, "call_anew": 6, "answer": 6, "settle": 4, "wait": 2, "intervene": 2}


def areas(dice: Random) -> dict[str, dict[str, Any]]:
    """What one agent may do."""
    return {
        area: {
            "access": dice.choice(["full", "full", "full", "write", "write", "read", "off"]),
            "ask": dice.choice(["", "", "writes"]),
            "people_per_day": dice.choice([None, None, None, 1, 3]),
        }
        for area in ("contacts", "tags", "fields")
    }


def called(dice: Random) -> tuple[str, Args]:
    """A tool and its arguments."""
    contact, name = dice.choice(CONTACTS), dice.choice(NAMES)
    tie = {"contact": contact, "tag": dice.choice(TAGS)}
    calls: list[tuple[str, Args]] = [
        ("ac_add_tag", tie),
        ("ac_remove_tag", tie),
        ("ac_update_contact", {"contact": contact, "phone": dice.choice(PHONES)}),
        ("ac_update_contact", {"contact": contact, "phone": dice.choice(PHONES)}),
        ("ac_delete_contact", {"contact": contact}),
        ("ac_create_tag", {"name": name}),
        ("ac_create_field", {"title": name, "type": "radio", "options": ["S", "M"]}),
        dice.choice([("ac_get_contact", {"contact": contact}), ("ac_list_tags", {"search": "a"})]),
    ]
    return dice.choice(calls)


def how(dice: Random) -> dict[str, Any]:
    """What the people, the network and the process make of a call."""
    return {
        "plan": dice.choice(ANSWERS),
        "fault": dice.choice(list(FAULTS)) if dice.random() < 0.4 else "",
        "doom": dice.choice(DOOMS) if dice.random() < 0.2 else None,
    }


def random_step(dice: Random) -> tuple[str, dict[str, Any]]:
    """A step, and what it is called with."""
    name = dice.choices(list(STEPS), list(STEPS.values()))[0]
    match name:
        case "call":
            return name, {"what": called(dice), "threaded": dice.random() < 0.8, **how(dice)}
        case "call_again" | "call_anew":
            return name, {"which": dice.randrange(3), **how(dice)}
        case "answer":
            return name, {"which": dice.randrange(3), "kind": dice.choice(ANSWERS), "twice": dice.random() < 0.3}
        case "settle":
            return name, {"doom": how(dice)["doom"], "seconds": dice.choice([0.0, 45.0, 61.0])}
        case "wait":
            return name, {"seconds": dice.choice(SECONDS), "purged": dice.random() < 0.5}
    changes = ["stop", "stop reads", "restart", "restart", "restart"]
    return name, {"change": dice.choice(changes), "granted": areas(dice)}


class GuardMachine(RuleBasedStateMachine):
    """Random steps, and the promises that hold after each of them."""

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        dice = self.dice = Random(seed)
        payloads, self.on_loop = dice.choice([30 * DAY, 30 * DAY, 0.0]), dice.random() < 0.3
        self.stack = ExitStack()
        ram = Path("/dev/shm")
        self.directory = tempfile.mkdtemp(dir=ram if ram.is_dir() else None)
        self.stack.callback(shutil.rmtree, self.directory)
        self.clock = Clock(start=2_000_000_000.0)
        self.account = Account(self.clock)
        self.lives, self.stopped = 0, False
        self.writes: list[Write] = []
        self.consents: list[Consent] = []
        self.made: list[Made] = []
        self.wrong: list[str] = []
        self.judged: set[str] = set()
        self.edits: set[Meaning] = set()
        self.now: Made | None = None
        self.plan = "approve"
        self.seen = 0
        path = f"{self.directory}/ledger.db"
        self.beside = Ledger(path, clock=self.clock.now)
        self.stack.callback(self.beside.close)
        self._patched()
        self.path, self.payloads = path, payloads
        self._started(areas(dice), dice.random() < 0.5)

    def _patched(self) -> None:
        """Waiting moves the clock, and every life is a process of its own, dead once the next one has begun."""

        async def anap(pause: Pause) -> None:
            self.clock.advance(pause.seconds)

        self.stack.enter_context(mock.patch.object(Pause, "do", lambda pause, _: self.clock.advance(pause.seconds)))
        self.stack.enter_context(mock.patch.object(Pause, "ado", lambda pause, _: anap(pause)))
        name = lambda _: f"{socket.gethostname()}:{5_000_000 + self.lives}:1"  # noqa: E731 - above every process id
        self.stack.enter_context(mock.patch("ac_guardrails._inflight._named", name))

    def _started(self, granted: dict[str, Any], inbox: bool) -> None:
        """A new process on the same ledger."""
        self.lives += 1
        self.granted, self.inbox = granted, inbox
        self.fate = Fate()
        self.ledger = MortalLedger(self.path, payloads=self.payloads, clock=self.clock.now)
        self.ledger.fate = self.fate
        self.wire = Wire(self.account, self._watched, self.fate)
        sandbox = self.account.sandbox
        client = ActiveCampaign(url=sandbox.url, key=sandbox.key, transport=self.wire, limit=None, retries=0)
        held = {area: _grant(**said) for area, said in granted.items() if said["access"] != "off"}
        guard = Guard(
            Grants.from_dict({"agents": {"marketing": held}}, catalog=catalog),
            ledger=self.ledger,
            approver=Inbox(wait=0) if inbox else self._approve,
            expires=EXPIRES,
            settle_after=SETTLE_AFTER,
            clock=self.clock.now,
        )
        self.toolkit = ActiveCampaignToolkit(account=client, guard=guard, agent="marketing")

    def _ended(self) -> None:
        """The process is gone, and what it had in memory with it."""
        self.ledger._late.forget()
        self.ledger.fate = Fate()
        self.ledger.close()
        self.toolkit.account.close()

    def teardown(self) -> None:
        if hasattr(self, "toolkit"):
            self._ended()
            self.stack.close()

    @rule(seed=SEEDS)
    def step(self, seed: int) -> None:
        """Whatever comes next. A stop is lifted after one step, so that not all that follows is refused."""
        halted = self.stopped
        self.dice = Random(f"{self.dice.random()} {seed}")
        name, given = random_step(self.dice)
        note(f"{name} {given}")
        getattr(self, name)(**given)
        if halted:
            self.stopped = False
            self.beside.resume(by="anna")

    # Steps

    def call(self, what: tuple[str, Args], threaded: bool, plan: str, fault: str, doom: Any) -> None:
        """The agent calls a tool."""
        tool, args = what
        self.made.append(Made(tool, args, "thread" if threaded else ""))
        self._invoked(self.made[-1], plan, fault, doom)

    def call_again(self, which: int, plan: str, fault: str, doom: Any) -> None:
        """The same call arrives a second time."""
        if self.made:
            self._invoked(self.made[-1 - which % len(self.made)], plan, fault, doom)

    def call_anew(self, which: int, plan: str, fault: str, doom: Any) -> None:
        """Another call wants the same effect."""
        if self.made:
            like = self.made[-1 - which % len(self.made)]
            self.call((like.tool, like.args), True, plan, fault, doom)

    def answer(self, which: int, kind: str, twice: bool) -> None:
        """A person answers in another process."""
        desk = Desk(self.beside)
        waiting = desk.waiting()
        if not waiting or kind in ("die", "late"):
            return
        request = waiting[which % len(waiting)].request
        decision = self._decision(request, kind)
        if not isinstance(decision, Decision):
            return
        desk.answer(request.id, decision)
        if twice:  # somebody else, who thinks otherwise, comes second
            other = Decision.approve(by="ben") if decision.kind == "reject" else Decision.reject(by="ben")
            with suppress(AnswerError):
                desk.answer(request.id, other)

    def wait(self, seconds: float, purged: bool) -> None:
        """Time passes, and payloads whose time is over go."""
        self.clock.advance(seconds)
        if purged:
            self.beside.purge()

    def settle(self, doom: Any, seconds: float) -> None:
        """Somebody has the open entries read back."""
        self.clock.advance(seconds)
        with suppress(StoppedError):
            self._lived(self.toolkit.settle, doom)

    def intervene(self, change: str, granted: dict[str, Any]) -> None:
        """A person stops the guard, or starts the program again with other grants."""
        if change == "restart":
            self._ended()
            self._started(granted, not self.inbox)
            return
        self.stopped = True
        self.beside.stop("an alarm", by="anna", reads=change == "stop reads")

    def _invoked(self, made: Made, plan: str, fault: str, doom: Any) -> None:
        self.clock.advance(3.0)  # records hold whole seconds
        self.now, self.plan, self.wire.fault = made, plan, fault
        number = self.made.index(made)
        call = {"type": "tool_call", "id": f"call_{number}", "name": made.tool, "args": dict(made.args)}
        config: Any = {"configurable": {"thread_id": made.thread}} if made.thread else None
        tool = self.toolkit.get_tool(made.tool)

        def invoke() -> Any:
            return asyncio.run(tool.ainvoke(call, config)) if self.on_loop else tool.invoke(call, config)

        message = self._lived(invoke, doom)
        self.wire.fault = ""
        if message is not None and message.status == "success" and made.tool in NEEDS:
            self._ok_is_true(made)
        self.now = None

    def _lived(self, work: Callable[[], Any], doom: Any) -> Any:
        """Do it; if the process dies of it, start the next one."""
        self.fate.at = doom
        try:
            result = work()
        except Death:
            self._ended()
            self._started(self.granted, self.inbox)
            return None
        self.fate.at = None
        return result

    # People

    def _approve(self, request: ApprovalRequest) -> Any:
        """A person at the terminal."""
        if self.plan == "die":
            self.fate.dead = True
            raise Death("while a person thought")
        if self.plan == "late":
            self.clock.advance(EXPIRES + 1)
        return self._decision(request, self.plan)

    def _decision(self, request: ApprovalRequest, kind: str) -> Any:
        """What a person says; what they have agreed to is remembered."""
        tool, args = request.action.tool, dict(request.action.arguments)
        if kind == "reject":
            return Decision.reject("not now", by="anna")
        if kind == "nonsense":
            return "yes"
        if kind == "edit nonsense":
            return Decision.edit({**args, "nonsense": 1}, by="anna")
        if kind in ("edit", "edit other"):
            return self._edit(tool, args, other=kind == "edit other", until=request.expires_at)
        self.consents.append(Consent(meant(tool, args), request.expires_at))
        return Decision.approve(by="anna")

    def _edit(self, tool: str, args: dict[str, Any], *, other: bool, until: float) -> Decision:
        """Another value is agreed to by whoever writes it; another person is not, since nobody was shown them."""
        if "phone" in args:
            args["phone"] = next(phone for phone in PHONES if phone != args["phone"])
        if "name" in args or "title" in args:
            args = {key: "Gamma" if key in ("name", "title") else value for key, value in args.items()}
        if other and "contact" in args:
            args["contact"] = next(contact for contact in CONTACTS if contact != int(args["contact"]))
        else:
            self.consents.append(Consent(meant(tool, args), until))
        self.edits.add(meant(tool, args))
        return Decision.edit(args, by="anna")

    # The wire

    def _watched(self, request: httpx.Request, body: bytes) -> Write:
        """A write is about to reach the account."""
        path, now = request.url.path, self.clock.now()
        meaning = self.account.meaning(request.method, path, body)
        what = f"{request.method} {path} {meaning}"
        row = self._last_sent()
        if row is None or row[0] <= self.seen or (row[2], row[3]) != (request.method, path.removeprefix("/api/3")):
            self.wrong.append(f"{what} is not on record as sent")
            row = (self.seen, "?", "", "")
        self.seen, entry = row[0], row[1]
        if self.now is None:
            self.wrong.append(f"{what} left while nobody called a tool")
            return Write(entry, "", meaning, -1, now)
        write = Write(entry, self.now.tool, meaning, self.made.index(self.now), now)
        self.writes.append(write)
        self._is_granted(write, what)
        if self.stopped:
            self.wrong.append(f"{what} left a stopped guard")
        if meaning is not None:
            self._is_agreed(write, what)
            for earlier in self._same_open(write):
                self.wrong.append(f"{what} left while {earlier} for the same was open")
        return write

    def _last_sent(self) -> tuple[int, str, str, str] | None:
        """The latest row that says "sent", with its method and path."""
        with self.beside.transaction(durable=False) as connection:
            sql = "SELECT seq, entry, body FROM events WHERE kind = 'sent' ORDER BY seq DESC LIMIT 1"
            row = connection.execute(sql).fetchone()
        said = json.loads(row[2]) if row else {}
        return (row[0], row[1], said["method"], said["path"]) if row else None

    def _is_granted(self, write: Write, what: str) -> None:
        area, level, people = NEEDS[write.tool]
        said = self.granted[area]
        if LEVELS.index(said["access"]) < LEVELS.index(level):
            self.wrong.append(f"{what} was never granted")
        most, since = said.get("people_per_day"), write.at - DAY
        if most is None or not people or LEVELS.index(said["access"]) < 2:
            return
        recent = [one for one in self.writes if one.at > since and NEEDS[one.tool][0] == area and NEEDS[one.tool][2]]
        if len(recent) > most:
            self.wrong.append(f"{what} is one of {len(recent)} in a day that may have {most}")

    def _is_agreed(self, write: Write, what: str) -> None:
        area, level, _ = NEEDS[write.tool]
        if level != "full" and not self.granted[area]["ask"]:
            return
        for consent in self.consents:
            if consent.meaning == write.meaning and not consent.used and write.at < consent.until:
                consent.used = True
                return
        self.wrong.append(f"nobody agreed to {what}")

    def _same_open(self, write: Write) -> Iterator[str]:
        for other in {one.entry for one in self.writes if one.meaning == write.meaning and one.entry != write.entry}:
            entry = self.beside.entry(other)
            if entry is None or entry.state != "closed":
                yield other

    # What holds after every step

    def _ok_is_true(self, made: Made) -> None:
        """What is answered with success is in the account, or was put there by a call for the same."""
        wanted = {meant(made.tool, made.args)} | {one for one in self.edits if one[0] == meant(made.tool, made.args)[0]}
        done = any(write.meaning in wanted and self._landed(write) for write in self.writes)
        if not done and not any(self.account.shows(one) for one in wanted):
            self.wrong.append(f"{made.tool} {made.args} was answered with success, and never happened")

    def _landed(self, write: Write) -> bool:
        return write.landed or (write.due is not None and self.clock.now() >= write.due)

    def _disturbed(self, write: Write) -> bool:
        """Whether a later write to the same record may have undone it, or there was no record any more."""
        same = [one for one in self.writes if one is not write and one.meaning and one.meaning[1] == write.meaning[1]]  # type: ignore[index]
        done = [one for one in same if self._landed(one) and one.meaning]
        return any(max(one.at, one.due or 0) >= write.at or one.meaning[0] == "delete" for one in done)  # type: ignore[index]

    @invariant()
    def nothing_went_wrong_at_the_wire(self) -> None:
        assert not getattr(self, "wrong", None), self.wrong

    @invariant()
    def no_call_has_more_requests_than_its_action(self) -> None:
        for number, made in enumerate(getattr(self, "made", ())):
            sent = [one for one in self.writes if one.call == number and one.status not in range(400, 500)]
            if made.thread:
                assert len(sent) <= MOST_WRITES.get(made.tool, 1), sent
        for entry in {one.entry for one in getattr(self, "writes", ())}:
            of_entry = [one for one in self.writes if one.entry == entry]
            assert len(of_entry) <= MOST_WRITES.get(of_entry[0].tool, 1), of_entry

    @invariant()
    def the_ledger_tells_the_truth(self) -> None:
        if not hasattr(self, "beside"):
            return
        assert self.beside.verify() == ""
        for entry in self.beside.entries():
            if entry.is_write and entry.outcome in ("done", "happened", "did_not_happen"):
                self._is_true(entry)

    def _is_true(self, entry: Entry) -> None:
        of_entry = [write for write in self.writes if write.entry == entry.id]
        if entry.outcome == "done":
            assert any(self._landed(write) for write in of_entry), entry
        elif entry.outcome == "happened":
            # Present is present: where this one never arrived, another call for the same, or against it, has.
            others = [write for write in self.writes if NEEDS[write.tool][0] in ("tags", NEEDS[entry.tool][0])]
            assert any(self._landed(write) for write in of_entry + others), entry
        elif entry.id not in self.judged:
            self.judged.add(entry.id)
            for write in of_entry:
                lands = write.due is not None and write.due <= write.at + SETTLE_AFTER
                assert not (self._landed(write) or lands) or self._disturbed(write), (entry, write)


def _grant(access: str, **limits: Any) -> dict[str, Any]:
    return {"access": access, **{name: value for name, value in limits.items() if value and access != "read"}}


def run(examples: int, steps: int) -> None:
    """Let the machine run."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    options = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=checks,
        database=None,
        phases=[Phase.generate],  # shrinking takes minutes, and a failure of these few steps can be read as it is
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(GuardMachine, settings=options)


def test_every_promise_holds_whatever_happens() -> None:
    """No order of calls, answers, failures and deaths lets a write out that was not granted, agreed to and recorded."""
    run(examples=45, steps=25)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_promise_holds_for_long() -> None:
    """The same for longer."""
    run(examples=100, steps=30)


@pytest.mark.parametrize("thread", ["thread", ""], ids=["the same call", "another call"])
def test_a_call_after_a_lost_answer_is_told_of_the_stop(
    account: ActiveCampaign, guard_for: Any, tmp_path: Path, thread: str
) -> None:
    """While reads are stopped nobody can look what became of a write; the agent is told so, and no exception."""
    guard = guard_for({"contacts": "full"}, ledger=f"sqlite:///{tmp_path}/ledger.db")
    tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_update_contact")
    call = {"type": "tool_call", "id": "call_1", "name": tool.name, "args": {"contact": 46, "phone": PHONES[0]}}
    assert account.simulator is not None
    account.simulator.fault("PUT", "/contacts/46", cut="timeout")
    account.simulator.fault("GET", "*", status=404)
    first = tool.invoke(call, {"configurable": {"thread_id": "thread"}})
    guard.ledger.stop("an alarm", by="anna", reads=True)
    second = tool.invoke(call, {"configurable": {"thread_id": thread}})
    assert (first.artifact.kind, second.artifact.kind) == ("unknown", "stopped")
    assert [request.method for request in account.simulator.requests].count("PUT") == 1
