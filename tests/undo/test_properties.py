"""Limits, sets, standing approvals and undo, in any order: nothing beyond what was agreed to, and back to what was.

Random steps drive the real tools on an embedded account whose clock the steps move: calls of three agents, sets that
are planned and run in parts, twice, by others or with other arguments, approvals beforehand, answers of people, undo,
faults of the account, and somebody who changes it behind the guard's back. What holds all the while:

* no limit is passed in any window, unless a person who was told of it has agreed to just that call;
* nothing grave leaves without a yes to exactly it, and no yes serves twice;
* an approval given beforehand serves the calls that it names, so often, for so many people, and until then;
* a write that is taken back right away leaves the account as it stood, but for what its inverse says is lost;
* what was changed since is not overwritten: the undo is refused, and sends nothing;
* whatever reaches the account is on record before it does, and the record can be verified.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, ClassVar
from unittest import mock

import httpx
import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ac_guardrails import ApprovalRequest, Decision, Entry, Grants, Guard
from ac_guardrails._desk import AnswerError
from ac_guardrails._steps import Pause
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaign, ActiveCampaignError, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog
from ac_tools.sandbox import Clock, Sandbox, Settings
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._names import names_of
from ac_tools.undo import UndoError

from .bookkeeping import EXPIRES, Agreed, Args, Book, Write, canonical, shows
from .test_inverses import difference, state_of

AGENTS = ("marketing", "sales", "marketing/helper")
PEOPLE = (3, 25, 28, 36, 46, 102)
TAGS, LISTS, AUTOMATIONS, DEALS = ("VIP", 4, 5, "C#"), (1, 2, 3, 4), (2, 5), (10, 27)
NEW = ("one@new.example", "two@new.example")
LOST = {
    "ac_delete_contact": {"enrolments", "account_contacts", "deals", "others", "memberships"},
    "ac_set_list_status": {"enrolments", "memberships"},
    "ac_add_tag": {"enrolments"},
    "ac_remove_tag": {"enrolments"},
    "ac_remove_from_automation": {"enrolments"},
}
"""Where something is not as before when a write was taken back, as the inverses' `cannot` says."""
IRREVERSIBLE = (
    "has changed nothing",
    "an import writes to many people",
    "the account answers with success whether",
    "what was deleted held nothing",
    "It overwrote nothing",
    "which cannot be emptied",
    "which nobody can set",
    "had tag",
    "is in automation",  # by another run: an account lets people enter twice
)
"""Why a write cannot be taken back right away, in the words of the document."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 422},
    {"status": 503, "when": "after"},
    {"cut": "refused"},
    {"cut": "timeout"},
    {"cut": "reset", "when": "after"},
)
ANSWERS = (*["yes"] * 7, "no", "edit", "nothing", "late", "meanwhile")
SECONDS = (1.0, 60.0, 600.0, 901.0, 3500.0, 3600.0, 40_000.0, 86_400.0)
STEPS = {"call": 8, "again": 2, "plan": 3, "run": 4, "allow": 3, "revoke": 1, "undo": 8, "overwrite": 2}
STEPS |= {"answer": 3, "wait": 3, "meddle": 1}
SEEDS = st.integers(0, 2**48)


@dataclass
class Done:
    """A call that has reached the account, and when nothing else had happened to it since."""

    write: Write
    before: dict[str, Any]
    mark: int
    fault: bool
    begun: str = ""
    """The agent whose undo has sent something; what it has begun, no other one goes on with."""


def granted(dice: Random) -> dict[str, dict[str, Any]]:
    """What one agent may do."""

    def grant(area: str) -> dict[str, Any]:
        # Nothing in campaigns is open to who may only write there, and grants that say so warn of it.
        found: dict[str, Any] = {"access": "full" if area == "campaigns" else dice.choice(["full"] * 9 + ["write"])}
        if dice.random() < 0.15:
            found["ask"] = "writes"
        for name in ("people_per_hour", "people_per_day", "calls_per_hour", "calls_per_day"):
            if dice.random() < 0.2:
                found[name] = dice.choice([1, 2, 3, 5])
        if dice.random() < 0.3 and any("_per_" in name for name in found):
            found["over"] = "ask"
        return found

    return {area: grant(area) for area in AREAS}


def called(dice: Random, sandbox: Sandbox) -> tuple[str, dict[str, Any]]:
    """A write tool and its arguments; people by id or address, whoever has it by now."""
    store = sandbox._store
    contact: Any = dice.choice(PEOPLE)
    if dice.random() < 0.3 and (row := store.contacts.get(contact)):
        contact = row.email
    name, new, phone = dice.choice(["Fresh", "Stale"]), dice.choice(NEW), dice.choice(["1", "2", ""])
    tie = {"contact": contact, "tag": dice.choice(TAGS)}
    run = {"contact": contact, "automation": dice.choice(AUTOMATIONS)}
    job = [{"field": 1, "value": name}]
    status = dice.choice(["subscribe", "unsubscribe", "unsubscribe", "unconfirmed"])
    address = dice.choice([new, "bea.lovell@example.org"])
    leads = [{"email": one, "first_name": name} for one in NEW]
    change = dice.choice([{"title": name}, {"description": name}, {"stage": 2}, {"owner": 1}])
    deal = {"deal": dice.choice(DEALS), **change}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ac_create_contact", {"email": new, "first_name": name}),
        ("ac_update_contact", {"contact": contact, "phone": phone, **dice.choice([{}, {"field_values": job}])}),
        ("ac_sync_contact", {"email": address, "phone": phone}),
        ("ac_import_contacts", {"contacts": leads, **dice.choice([{}, {"subscribe": [1]}, {"tags": [name]}])}),
        ("ac_delete_contact", {"contact": contact}),
        ("ac_create_list", {"name": name, "sender_url": "https://a.example", "sender_reminder": "You signed up."}),
        ("ac_set_list_status", {"contact": contact, "list": dice.choice(LISTS), "status": status}),
        ("ac_create_tag", {"name": name}),
        ("ac_add_tag", tie),
        ("ac_remove_tag", tie),
        ("ac_create_deal", {"title": name, "amount": "12.50", "currency": "usd", "contact": contact, "stage": 1}),
        ("ac_update_deal", deal),
        ("ac_create_field", {"title": name, "type": "radio", "options": ["S", "M"]}),
        ("ac_create_campaign", {"name": name, "type": "single"}),
        ("ac_add_to_automation", run),
        ("ac_remove_from_automation", run),
        ("ac_create_account", {"name": name}),
    ]
    return dice.choice([*calls, *[calls[4], calls[6]] * 2])


def overwriting(write: Write, ids: Args, made: str) -> list[tuple[str, str, Any]]:
    """What somebody does to the very thing that a call has written."""
    contact, tag, number = ids.get("contact"), ids.get("tag"), ids.get("list")
    other = 2 if ids.get("status") == "subscribe" else 1
    company = {"name": "Theirs", "stringid": "t", "sender_url": "https://t.example", "sender_reminder": "Hi."}
    by_tool: dict[str, list[tuple[str, str, Any]]] = {
        "ac_create_contact": [("PUT", f"/contacts/{made}", {"contact": {"firstName": "Theirs"}})],
        "ac_update_contact": [("PUT", f"/contacts/{contact}", {"contact": {"phone": "777"}})],
        "ac_sync_contact": [("PUT", f"/contacts/{made}", {"contact": {"phone": "777"}})],
        "ac_create_list": [("PUT", f"/lists/{made}", {"list": company})],
        "ac_set_list_status": [
            ("POST", "/contactLists", {"contactList": {"contact": contact, "list": number, "status": other}})
        ],
        "ac_create_tag": [("POST", "/contactTags", {"contactTag": {"contact": 46, "tag": made}})],
        "ac_add_tag": [("DELETE", f"/contactTags/{made}", None)],
        "ac_remove_tag": [("POST", "/contactTags", {"contactTag": {"contact": contact, "tag": tag}})],
        "ac_create_deal": [("PUT", f"/deals/{made}", {"deal": {"status": 1}})],
        "ac_update_deal": [("DELETE", f"/deals/{ids.get('deal')}", None)],
        "ac_create_field": [("PUT", f"/fields/{made}", {"field": {"title": "Theirs"}})],
        "ac_add_to_automation": [("DELETE", f"/contactAutomations/{made}", None)],
        "ac_create_account": [("PUT", f"/accounts/{made}", {"account": {"name": "Theirs"}})],
    }
    return by_tool.get(write.tool, [])


class Wire(httpx.BaseTransport):
    """The way to the account, on which every write is looked at."""

    def __init__(self, sandbox: Sandbox, watch: Callable[[httpx.Request], None]) -> None:
        self._inner = sandbox.transport()
        self._watch = watch

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self._watch(request)
        return self._inner.handle_request(request)


class UndoMachine(RuleBasedStateMachine):
    """Random steps, and what holds after each of them."""

    seen: ClassVar[Counter[str]] = Counter()
    """What has come up in any run, so that a proof of nothing would be noticed."""

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        dice = self.dice = Random(seed)
        self.stack = ExitStack()
        self.clock = Clock(start=2_000_000_000.0)
        self.sandbox = Sandbox(clock=self.clock, settings=Settings(import_seconds=0))
        grants = {agent: granted(dice) for agent in AGENTS}
        self.book = Book(self.sandbox, grants)
        self.done: list[Done] = []
        self.wrong: list[str] = []
        self.made: list[tuple[str, str, Args, str]] = []
        self.sets: list[Any] = []
        self.expected: set[tuple[str, str, str]] | None = set()
        self.edits: set[tuple[str, str, str]] = set()
        self.changes = self.foreign = self.row = self.sent = 0
        self.plan_, self.fault = "yes", False
        # One clock for this computer and the account: waiting moves it on.
        self.stack.enter_context(mock.patch.object(Pause, "do", lambda pause, _: self.clock.advance(pause.seconds)))
        self.stack.enter_context(mock.patch("ac_tools.tools._read_back.time.time", self.clock.now))
        account = ActiveCampaign(
            url=self.sandbox.url,
            key=self.sandbox.key,
            transport=Wire(self.sandbox, self._watched),
            limit=None,
            retries=0,
        )
        read = Grants.from_dict({"agents": {name: grants[name] for name in AGENTS[:2]}}, catalog=catalog)
        approver = Inbox(wait=0) if dice.random() < 0.3 else self._approve
        guard = Guard(read, ledger="memory:", approver=approver, expires=EXPIRES, clock=self.clock.now)
        self.guard, self.account = guard, account
        marketing = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        helper = marketing.narrow("helper", grants=grants["marketing/helper"])
        self.toolkits = dict(zip(AGENTS, (marketing, marketing.for_agent("sales"), helper), strict=True))
        self.stack.callback(marketing.close)

    def teardown(self) -> None:
        if hasattr(self, "guard"):
            self.stack.close()

    @rule(seed=SEEDS)
    def step(self, seed: int) -> None:
        """Whatever comes next."""
        dice = self.dice = Random(f"{self.dice.random()} {seed}")
        self.clock.advance(3.0)  # records hold whole seconds
        names_of(self.account).forget(NOUNS)  # documented: what somebody else calls otherwise is seen after a minute
        self.plan_ = dice.choice(ANSWERS)
        self.fault = dice.random() < 0.15
        if self.fault:
            self.sandbox.fault(dice.choice(["GET", "POST", "PUT", "DELETE"]), "*", **dice.choice(FAULTS))
        name = dice.choices(list(STEPS), list(STEPS.values()))[0]
        note(f"{name} {self.plan_} {'with a fault' if self.fault else ''}")
        getattr(self, name)(dice)
        self.sandbox.clear_faults()
        self.expected = set()

    # Steps

    def call(self, dice: Random) -> None:
        """An agent calls a tool."""
        tool, args = called(dice, self.sandbox)
        self._called(dice.choice(AGENTS), tool, args, f"call_{len(self.made)}")

    def again(self, dice: Random) -> None:
        """A call arrives again; or another one like it, perhaps of another agent."""
        if self.made:
            agent, tool, args, name = dice.choice(self.made[-4:])
            anew = dice.random() < 0.5
            self._called(dice.choice([agent, *AGENTS]), tool, args, f"call_{len(self.made)}" if anew else name)

    def _called(self, agent: str, tool: str, args: Args, name: str) -> None:
        note(f"{agent} {tool} {args} {name}")
        self.made.append((agent, tool, args, name))
        self._expects([(agent, tool, args)])
        call = {"type": "tool_call", "id": name, "name": tool, "args": dict(args)}
        message = self.toolkits[agent].get_tool(tool).invoke(call, {"configurable": {"thread_id": "thread"}})
        self.seen["limit"] += " may touch at most " in message.content or " may make at most " in message.content

    def plan(self, dice: Random) -> None:
        """An agent plans a set."""
        agent = dice.choice(AGENTS)
        calls = {repr(one): one for one in (called(dice, self.sandbox) for _ in range(dice.randint(1, 4)))}
        note(f"{agent} {list(calls.values())}")
        self._expects([(agent, *one) for one in calls.values()], plans=True)
        self.sets.append((agent, self.toolkits[agent].plan(list(calls.values()))))

    def run(self, dice: Random) -> None:
        """A set is run: all of it or a part, by its agent or another one, as planned or with something changed."""
        if not self.sets:
            return
        agent, planned = self.sets[-1 - dice.randrange(min(2, len(self.sets)))]
        planned_calls = planned.calls
        calls = dice.choice([planned_calls, planned_calls, planned_calls[:1], planned_calls[::-1]])
        how = dice.choice(["as planned"] * 4 + ["another agent", "changed"])
        if how == "another agent":
            agent = dice.choice(AGENTS)
            calls = tuple(replace(one, tool=self.toolkits[agent].get_tool(one.tool.name)) for one in calls)
        if how == "changed":
            calls = tuple(replace(one, arguments=self._altered(one.arguments)) for one in calls)
        note(f"{how} {agent} {[(one.tool.name, one.arguments) for one in calls]}")
        self._expects([(agent, one.tool.name, one.arguments) for one in calls])
        planned.calls = calls
        before = self.sent
        planned.run()
        planned.calls = planned_calls
        self.seen["set"] += self.sent > before

    def allow(self, dice: Random) -> None:
        """A person agrees to calls that are still to come."""
        if dice.random() < 0.7 and self.made:
            agent, tool, args, _ = dice.choice(self.made)
        else:
            agent, (tool, args) = dice.choice(AGENTS), called(dice, self.sandbox)
        plain = [name for name, value in args.items() if isinstance(value, (int, str))]
        only = {name: args[name] for name in plain if dice.random() < 0.5}
        edges = dice.choice([{"times": 1}, {"times": 2}, {"people": 1}, {"people": 3}, {"times": 2, "people": 2}])
        until = self.clock.now() + dice.choice([5.0, 600.0, 5000.0, 100_000.0])
        end = datetime.fromtimestamp(until, UTC)
        given = self.guard.standing.allow(agent=agent, tool=tool, by="anna", until=end, arguments=only, **edges)
        note(str(given))
        times, people = edges.get("times"), edges.get("people")
        self.book.standing[given.id] = Agreed(agent, tool, only, self.clock.now(), until, times, people)

    def revoke(self, dice: Random) -> None:
        """A person takes one of these back."""
        for name, agreed in self.book.standing.items():
            if agreed.revoked == float("inf") and dice.random() < 0.5:
                self.guard.standing.revoke(name, by="ben")
                agreed.revoked = self.clock.now()

    def answer(self, dice: Random) -> None:
        """A person answers what waits, elsewhere."""
        for question in self.guard.desk.waiting():
            decision = self._decision(question.request, dice.choice(["yes", "yes", "yes", "no", "edit"]))
            with suppress(AnswerError):
                self.guard.desk.answer(question.request.id, decision)

    def wait(self, dice: Random) -> None:
        """Time passes."""
        self.clock.advance(dice.choice(SECONDS))

    def meddle(self, dice: Random) -> None:
        """Somebody changes the account, who knows nothing of the guard: two people swap addresses, a tag its name."""
        one, other = (self.sandbox._store.contacts.get(number) for number in dice.sample(PEOPLE, 2))
        tie = {"contact": dice.choice(PEOPLE), "tag": dice.choice([3, 4, 5])}
        changes: list[list[tuple[str, str, Any]]] = [
            [("POST", "/contactTags", {"contactTag": tie})],
            [("POST", "/contactLists", {"contactList": {"contact": 46, "list": dice.choice(LISTS), "status": 2}})],
            [("PUT", "/tags/3", {"tag": {"tag": "Gold"}}), ("PUT", "/tags/4", {"tag": {"tag": "VIP"}})],
        ]
        if one and other:
            steps = [(one.id, "swap@new.example"), (other.id, one.email), (one.id, other.email)]
            changes.append([("PUT", f"/contacts/{of}", {"contact": {"email": address}}) for of, address in steps])
        for change in dice.choice(changes):
            self._happens(*change)

    def undo(self, dice: Random) -> None:
        """A write is taken back: the latest or an earlier one, one taken back already, one that took something back."""
        if self.done:
            self._undo(self.done[-1 if dice.random() < 0.6 else dice.randrange(len(self.done))], dice.choice(AGENTS))

    def overwrite(self, dice: Random) -> None:
        """Somebody changes what was written last, and then it is to be taken back."""
        done, entry = self._latest()
        if done is None or entry is None or entry.undone or done.begun or entry.outcome != "done":
            return
        made = (entry.made.split() or [""])[-1]
        changes = overwriting(done.write, self.book.resolved(done.write.args), made)
        before = state_of(self.sandbox)
        happened = [self._happens(*change) for change in changes]  # each of them, whatever became of the one before
        if not all(happened) or not difference(before, state_of(self.sandbox)):
            return
        note(f"{done.write.tool} {done.write.args}, then {changes}")
        sent, now = self.sent, state_of(self.sandbox)
        self.expected = None
        try:
            self.toolkits[dice.choice(AGENTS)].undo(entry.id, by="anna")
        except (UndoError, ActiveCampaignError):
            self.seen["kept"] += 1
        else:
            self.wrong.append(f"{done.write.tool} was taken back over {changes}")
        if self.sent != sent or difference(now, state_of(self.sandbox)):
            self.wrong.append(f"the refused undo of {done.write.tool} sent something over {changes}")

    def _undo(self, done: Done, agent: str) -> None:
        entry, sent, foreign = self._entry(done), self.sent, self.foreign
        at_once = done.mark == self.changes
        note(f"{agent} takes back {done.write.tool} {done.write.args}, {'at once' if at_once else 'later'}")
        self.expected = None
        try:
            undone = self.toolkits[agent].undo(entry.id, by="anna")
        except UndoError as error:
            if self.sent != sent:
                self.wrong.append(f"the undo of {done.write.tool} was refused and sent something: {error}")
            clean = at_once and not entry.undone and entry.outcome == "done" and not (done.fault or self.fault)
            clean = clean and done.begun in ("", agent)
            if clean and not any(words in str(error) for words in IRREVERSIBLE):
                self.wrong.append(f"{done.write.tool} {done.write.args} cannot be taken back: {error}")
            return
        except ActiveCampaignError:
            return
        if entry.undone and self.sent != sent:
            self.wrong.append(f"{done.write.tool} was taken back twice")
        alone = at_once and self.foreign == foreign
        if alone and self.sent != sent:
            done.mark, done.begun = self.changes, agent
        if alone and undone.complete:
            self.seen["undone"] += 1
            self._is_as_before(done)

    def _is_as_before(self, done: Done) -> None:
        """All that was there before is back, and nothing else is there, but for what is declared."""
        lost = LOST.get(done.write.tool, set())
        found = difference(done.before, state_of(self.sandbox))
        odd = {table: rows for table, rows in found.items() if table not in lost}
        if "memberships" in found and any(row["status"] != 2 for row in found["memberships"][1]):
            odd["memberships"] = found["memberships"]  # who cannot be set back is left as opted out
        if odd:
            self.wrong.append(f"{done.write.tool} {done.write.args} was taken back, and left {odd}")

    # What others do

    def _approve(self, request: ApprovalRequest) -> Any:
        if self.plan_ == "nothing":
            return None
        if self.plan_ == "late":
            self.clock.advance(EXPIRES + 1)
        decision = self._decision(request, "yes" if self.plan_ in ("late", "meanwhile") else self.plan_)
        if self.plan_ == "meanwhile":  # while the person thinks, the account changes
            self.plan_ = "yes"
            self.meddle(self.dice)
        return decision

    def _decision(self, request: ApprovalRequest, kind: str) -> Decision:
        """What a person says; what they agree to is remembered, as the account has its names when they are shown it."""
        action, card = request.action, str(request)
        calls = action.arguments.get("calls") or [{"tool": action.tool, "arguments": action.arguments}]
        if kind == "no" or (kind == "edit" and (len(calls) > 1 or action.tool == "set_of_calls")):
            return Decision.reject("not now", by="anna")
        args = [self._altered(one["arguments"]) if kind == "edit" else dict(one["arguments"]) for one in calls]
        for one, said in zip(calls, args, strict=True):
            sign = self.book.sign(action.agent, one["tool"], said)
            self.book.agreed(sign, request.expires_at, limit=" at most " in card)
            self.edits.add((action.agent, one["tool"], canonical(said)))
        self.seen["yes"] += 1
        return Decision.edit(args[0], by="anna") if kind == "edit" else Decision.approve(by="anna")

    def _altered(self, arguments: Args) -> dict[str, Any]:
        """Other values for the same records."""
        other = {"phone": "3", "name": "Other", "title": "Other", "first_name": "Other", "status": "unsubscribe"}
        return {name: other.get(name, value) for name, value in arguments.items()}

    def _happens(self, method: str, path: str, body: Any) -> bool:
        """Somebody else does something in the account."""
        self.sandbox.clear_faults()
        data = json.dumps(body).encode() if body is not None else b""
        answer = self.sandbox.handle(method, f"/api/3{path}", {"Api-Token": self.sandbox.key}, data)
        self.changes += 1
        self.foreign += 1
        return answer.status < 300

    # The wire

    def _expects(self, calls: list[tuple[str, str, Args]], *, plans: bool = False) -> None:
        """These calls are made now, and no others."""
        self.expected = set() if plans else {(agent, tool, canonical(args)) for agent, tool, args in calls}
        for agent, tool, args in calls:
            self.book.asked.append((self.book.sign(agent, tool, args), self.clock.now()))

    def _watched(self, request: httpx.Request) -> None:
        """A write is about to reach the account."""
        path, body, now = request.url.path.removeprefix("/api/3"), request.read(), self.clock.now()
        with self.guard.ledger.reading() as connection:
            sql = "SELECT seq, entry, body FROM events WHERE kind = 'sent' ORDER BY seq DESC LIMIT 1"
            row, name, said = connection.execute(sql).fetchone() or (0, "", "{}")
        kept = json.loads(said)
        self.sent += 1
        if row <= self.row or (kept["method"], kept["path"]) != (request.method, path):
            self.wrong.append(f"{request.method} {path} is not on record as sent")
            return
        self.row = row
        self.changes += 1
        if self.done and self.done[-1].write.entry == name:  # a further request of the same call
            self.done[-1].mark = self.changes
            return
        entry = self.guard.ledger.entry(name)
        assert entry is not None
        args = entry.payload["arguments"]
        people, areas = self.book.people(entry.tool, args), self.book.areas(entry.tool, args)
        raised = self.book.raised(entry.tool, args)
        write = Write(name, entry.agent, entry.tool, args, now, people, raised, areas)
        self._is_expected(write, path, body)
        if self.expected is None:  # a call of an undo is asked about when it is made
            self.book.asked.append((self.book.sign(write.agent, write.tool, args), now))
        self.seen["standing"] += bool(entry.standing)
        self.wrong += self.book.judged(write, entry.standing)
        self.done.append(Done(write, state_of(self.sandbox), self.changes, self.fault))

    def _is_expected(self, write: Write, path: str, body: bytes) -> None:
        """What leaves is what was called, and its request is about that."""
        call = write.agent, write.tool, canonical(write.args)
        if self.expected is not None and call not in self.expected | self.edits:
            self.wrong.append(f"{call} left, and {self.expected} was called")
        if not shows(self.sandbox, path, body, self.book.resolved(write.args)):
            self.wrong.append(f"{call} sent {path} {body!r}")

    def _entry(self, done: Done) -> Entry:
        entry = self.guard.ledger.entry(done.write.entry)
        assert entry is not None
        return entry

    def _latest(self) -> tuple[Done | None, Entry | None]:
        """The write that came last, if nothing else has happened since."""
        done = self.done[-1] if self.done and self.done[-1].mark == self.changes else None
        return done, self._entry(done) if done else None

    # What holds after every step

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert not getattr(self, "wrong", None), self.wrong

    @invariant()
    def the_ledger_can_be_verified(self) -> None:
        if hasattr(self, "guard"):
            assert self.guard.ledger.verify() == ""


def run(examples: int, steps: int) -> Mapping[str, int]:
    """Let the machine run; says what has come up."""
    UndoMachine.seen.clear()
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
    run_state_machine_as_test(UndoMachine, settings=options)
    return UndoMachine.seen


def test_nothing_is_stretched_and_what_is_taken_back_is_gone() -> None:
    """In whatever order it comes, limits and approvals hold, and an undo restores what it says it does."""
    seen = run(examples=25, steps=30)
    assert all(seen[what] for what in ("set", "yes", "undone")), seen


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_is_stretched_for_long() -> None:
    """The same for longer, so that all of it comes up."""
    seen = run(examples=300, steps=40)
    assert all(seen[what] for what in ("limit", "set", "yes", "standing", "undone", "kept")), seen
