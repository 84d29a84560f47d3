"""Every kind of graph, many calls at once, every kind of answer: nothing runs that nobody approved, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy

from ac_guardrails import Decision, Grants, Guard
from ac_guardrails._desk import AnswerError
from ac_guardrails.approvers.langgraph import ask_in_graph
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS
from ac_tools.sandbox import Sandbox
from ac_tools.testing import ScriptedChatModel

CONFIG = {"configurable": {"thread_id": "thread", "approver": "anna"}}
GRANTS = {"agents": {"marketing": {**dict.fromkeys(AREAS, "full"), "deals": "off"}}}
GATED = ("ac_delete_contact", "ac_add_to_automation", "ac_create_campaign")
FREE = ("ac_add_tag", "ac_create_tag", "ac_create_contact")
TOOLS = (*GATED, *FREE, "ac_list_tags", "ac_get_contact")
BAD = (
    ("ac_delete_contact", {"contact": "../contacts/7"}),
    ("ac_delete_contact", {"contact": 7, "approved": True}),
    ("ac_add_tag", {"contact": 7}),
    ("ac_list_deals", {}),
    ("ac_delete_contact", {"contact": 999_999}),
)
GARBAGE = ("yes", "approve", True, False, 0, 1, [], [[]], ["approve"], {"type": "accepted"}, {"decisions": []})
GARBAGE += ({"decisions": "approve"}, {"type": "approve", "by": "bob"}, {"type": "respond"}, [{"type": "approve"}] * 7)
YES = {"decisions": [{"type": "approve"}]}
DAY = 86400.0


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"It rains in {city}."


@dataclass
class Person:
    """What somebody was shown, and what they said to it: by approval, the answers of which one may stand."""

    said: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    unusable: int = 0
    late: bool = False

    def may_run(self) -> Counter[tuple[str, str]]:
        """How often each act may run at the most: once for each approval of exactly that."""
        allowed: Counter[tuple[str, str]] = Counter()
        for approval, said in self.said.items():
            name, args = self.shown[approval]
            allowed[act(name, args)] += "approve" in said
            if "edit" in said and name == "ac_create_campaign":  # an edit to the same target is an approval of it
                allowed[act(name, self.edits[approval])] += 1
        return allowed

    def must_run(self) -> set[tuple[str, str]]:
        """The acts that somebody has approved and nobody rejected."""
        sure = {approval for approval, said in self.said.items() if set(said) == {"approve"}}
        acts = {act(*self.shown[approval]) for approval in sure}
        named = {approval for approval, said in self.said.items() if set(said) == {"edit"}}
        edited = [act(self.shown[one][0], self.edits[one]) for one in named]
        return acts | {one for one in edited if one[0] == "ac_create_campaign"}


def act(name: str, args: dict[str, Any]) -> tuple[str, str]:
    """An act as it can be seen in the account."""
    if name == "ac_create_campaign":
        return name, args["name"]
    return name, str(args["contact"])


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """What left for the account, as method, path and body."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.sent: list[tuple[str, str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keep(request, request.read())
        return self.inner.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keep(request, await request.aread())
        return await self.inner.handle_async_request(request)

    def keep(self, request: httpx.Request, body: bytes) -> None:
        self.sent.append((request.method, request.url.path, json.loads(body or b"null")))

    def writes(self) -> list[tuple[str, str, Any]]:
        return [one for one in self.sent if one[0] != "GET"]


class World:
    """One conversation with one account, its restarts, and the person who answers.

    Args:
        seed: What everything in it follows from.
        folder: Where its files lie.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = rng = random.Random(seed)
        self.seed = seed
        self.kind = rng.choice(["node", "agent", "loop"])
        self.asynchronous = rng.random() < 0.5
        self.retries = rng.random() < 0.3
        self.faults = rng.random() < 0.2
        self.payloads = rng.choice(["30d", "30d", "none"])
        self.in_file = rng.random() < 0.15
        self.url = f"sqlite:///{folder / f'ledger{seed}.db'}"
        self.offset = 0.0
        self.sandbox = Sandbox(url=f"https://graph-{seed}.api-us1.example")
        self.wire = Wire(self.sandbox.transport())
        self.account = ActiveCampaign(url=self.sandbox.url, key=self.sandbox.key, transport=self.wire, limit=None)
        files = not self.asynchronous and rng.random() < 0.15
        self.saver_file = folder / f"saver{seed}.db" if files else None
        self.memory = InMemorySaver()
        self.saver = contextlib.ExitStack()
        self.person = Person()
        self.paused: set[str] = set()
        self.numbers = iter(rng.sample(range(10, 270), 60))
        self.turns = [self.calls() for _ in range(rng.choice([1, 1, 2]))]
        self.guard: Guard | None = None
        self.runner = asyncio.Runner()
        self.start()

    # What is asked for

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        made = [self.call() for _ in range(self.rng.randint(1, 6))]
        if self.rng.random() < 0.25:
            made.append(self.rng.choice(made))
        return made[:6]

    def call(self) -> tuple[str, dict[str, Any]]:
        number = next(self.numbers)
        match self.rng.choice(("gated",) * 4 + ("free",) * 3 + ("read", "bad", "foreign")):
            case "gated":
                name = self.rng.choice(GATED)
                more = {"automation": self.rng.choice(["1", "VIP care"])} if name == GATED[1] else {}
                draft = {"name": f"campaign {number}", "type": "single"}
                return name, draft if name == GATED[2] else {"contact": number, **more}
            case "free":
                name = self.rng.choice(FREE)
                tagged = {"contact": number, "tag": self.rng.choice(["VIP", "1"])}
                new = {"name": f"tag {number}"} if name == FREE[1] else {"email": f"new{number}@example.org"}
                return name, tagged if name == FREE[0] else new
            case "read":
                return self.rng.choice([("ac_list_tags", {}), ("ac_get_contact", {"contact": number})])
            case "bad":
                return self.rng.choice(BAD)
        return "weather", {"city": "Oslo"}

    # The process, which may be another one after a while

    def start(self) -> None:
        ledger: Any = self.guard.ledger if self.guard and not self.in_file else "memory:"
        if self.in_file:
            if self.guard:
                self.guard.ledger.close()
            ledger = self.url
        self.guard = guard = Guard(
            Grants.from_dict(GRANTS),
            approver=ask_in_graph,
            ledger=ledger,
            payloads=self.payloads,
            clock=lambda: 1_790_000_000.0 + self.offset,
        )
        self.saver.close()
        saver: Any = self.memory
        if self.saver_file:
            saver = self.saver.enter_context(SqliteSaver.from_conn_string(str(self.saver_file)))
        toolkit = ActiveCampaignToolkit(account=self.account, guard=guard, agent="marketing")
        self.graph = self.compiled([weather, *(toolkit.get_tool(name) for name in TOOLS)], saver)

    def script(self) -> list[AIMessage]:
        said = []
        for calls in self.turns:
            asked = [{"name": name, "args": args, "id": f"call_{at}"} for at, (name, args) in enumerate(calls)]
            said += [AIMessage("", tool_calls=asked), AIMessage("done")]
        return said

    def compiled(self, tools: list[Any], saver: Any) -> Any:
        model = ScriptedChatModel(script=self.script())
        if self.kind == "agent":
            retried = [ToolRetryMiddleware(max_retries=2, initial_delay=0.0, jitter=False)] if self.retries else []
            return create_agent(model, tools, checkpointer=saver, middleware=retried)
        graph = StateGraph(MessagesState)
        policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False) if self.retries else None
        graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
        graph.add_node("tools", ToolNode(tools) if self.kind == "node" else self.loop(tools), retry_policy=policy)
        graph.add_edge(START, "model")
        graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
        graph.add_edge("tools", "model")
        return graph.compile(checkpointer=saver)

    def loop(self, tools: list[Any]) -> Any:
        named = {each.name: each for each in tools}

        def called(state: MessagesState) -> dict[str, Any]:
            asked = [call for call in state["messages"][-1].tool_calls if call["name"] in named]
            return {"messages": [named[call["name"]].invoke({**call, "type": "tool_call"}) for call in asked]}

        async def acalled(state: MessagesState) -> dict[str, Any]:
            asked = [call for call in state["messages"][-1].tool_calls if call["name"] in named]
            return {"messages": [await named[call["name"]].ainvoke({**call, "type": "tool_call"}) for call in asked]}

        return acalled if self.asynchronous else called

    def run(self, given: Any, config: Any = CONFIG) -> None:
        if self.asynchronous:
            self.runner.run(self.graph.ainvoke(given, config))
        else:
            self.graph.invoke(given, config)

    # The person

    def pending(self) -> list[Any]:
        return list(self.graph.get_state(CONFIG).interrupts)

    def answer_all(self) -> None:
        """Answer until the run has ended, in whatever way comes to mind."""
        for rounds in range(60):
            if not (asked := self.pending()):
                return
            self.paused |= {one.id for one in asked}
            if self.rng.random() < 0.25:
                self.start()
            if self.faults and self.rng.random() < 0.3:
                self.fail()
            self.step(asked, calm=rounds > 25)
        raise AssertionError(f"the run of seed {self.seed} does not end")

    def fail(self) -> None:
        how: dict[str, Any] = self.rng.choice([{"status": 503}, {"cut": "reset"}])
        method = self.rng.choice(["POST", "DELETE"])
        self.sandbox.fault(method, "/*", when=self.rng.choice(["before", "after"]), **how)

    def step(self, asked: list[Any], *, calm: bool) -> None:
        some = asked if calm or self.rng.random() < 0.6 else self.rng.sample(asked, self.rng.randint(1, len(asked)))
        moves = ["right"] * 4 + ["garbage"] * 2 + ["elsewhere", "late", "twice", "idle"]
        move = "right" if calm else self.rng.choice(moves)
        if move == "late" and self.rng.random() < 0.3:
            self.offset += DAY
            self.person.late = True
        if move == "elsewhere":
            self.elsewhere(some)
        if move == "twice":
            return self.both(*({one.id: self.decided(one) for one in some} for _ in range(2)))
        if move == "idle":
            return self.run(self.idle(asked))
        answers = {one.id: self.garbage(one) if move == "garbage" else self.decided(one) for one in some}
        return self.run(self.resumed(answers, alone=len(asked) == 1))

    def idle(self, asked: list[Any]) -> Any:
        """Nobody answers what waits: going on as after a crash, or an answer to a pause that is none, or is over."""
        waiting = {one.id for one in asked}
        over = sorted(self.paused - waiting) or ["0" * 32]
        return self.rng.choice([None, *(Command(resume={pause: YES}) for pause in ("0" * 32, self.rng.choice(over)))])

    def resumed(self, answers: dict[str, Any], *, alone: bool) -> Command[Any]:
        only = next(iter(answers.values()))
        return Command(resume=only if alone and self.rng.random() < 0.5 else answers)

    def both(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        """Two people answer at the same moment."""
        given = [Command(resume=answers) for answers in (first, second)]
        if self.asynchronous:
            self.runner.run(self.gathered(given))
            return
        threads = [threading.Thread(target=self.moved_on, args=(each,)) for each in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    async def gathered(self, given: list[Command[Any]]) -> None:
        # LangGraph may have moved on for one of both; what counts is what was done.
        await asyncio.gather(*(self.graph.ainvoke(each, CONFIG) for each in given), return_exceptions=True)

    def moved_on(self, given: Command[Any]) -> None:
        with contextlib.suppress(Exception):
            self.graph.invoke(given, CONFIG)

    def garbage(self, asked: Any) -> Any:
        self.person.unusable += 1
        name, _ = self.person.shown[self.see(asked)[0]]
        misspelt = {"type": "edit", "edited_action": {"name": name, "args": {"contct": "7"}}}
        return self.rng.choice((*GARBAGE, [misspelt] * len(asked.value["approval_ids"])))

    def see(self, asked: Any) -> list[str]:
        for approval, request in zip(asked.value["approval_ids"], asked.value["action_requests"], strict=True):
            self.person.shown[approval] = (request["name"], request["args"])
        return list(asked.value["approval_ids"])

    def decided(self, asked: Any) -> Any:
        """A good answer to what was shown, in one of the shapes that count."""
        decisions = [self.decision(approval) for approval in self.see(asked)]
        shape = self.rng.choice(["decisions", "list", "keyed"])
        if shape == "keyed":
            return dict(zip(asked.value["approval_ids"], decisions, strict=True))
        return decisions if shape == "list" else {"decisions": decisions}

    def decision(self, approval: str) -> dict[str, Any]:
        name, args = self.person.shown[approval]
        kind = self.rng.choice(["approve", "approve", "approve", "reject", "edit"])
        self.say(approval, kind)
        if kind != "edit":
            return {"type": kind}
        number = next(self.numbers)
        other = {**args, "name": f"campaign {number}"} if name == GATED[2] else {**args, "contact": str(number)}
        self.person.edits.setdefault(approval, other)
        return {"type": "edit", "edited_action": {"name": name, "args": self.person.edits[approval]}}

    def say(self, approval: str, kind: str) -> None:
        """An answer counts unless the question was answered, or has lapsed."""
        question = self.guard.desk.question(approval)
        if question is not None and question.is_open(self.guard.clock()):
            self.person.said.setdefault(approval, []).append(kind)

    def elsewhere(self, asked: list[Any]) -> None:
        approval = self.rng.choice(self.see(self.rng.choice(asked)))
        kind = self.rng.choice(["approve", "reject"])
        self.say(approval, kind)
        with contextlib.suppress(AnswerError):
            self.guard.desk.answer(approval, Decision(kind, "bob"))

    # What came of it

    def live(self) -> None:
        """The whole conversation: every turn until it has ended, and then a look back at an old checkpoint."""
        for _ in self.turns:
            self.run({"messages": [{"role": "user", "content": "Go on."}]})
            self.answer_all()
        told = [one for one in self.graph.get_state(CONFIG).values["messages"] if isinstance(one, ToolMessage)]
        known = {f"call_{at}" for calls in self.turns for at, call in enumerate(calls) if call[0] != "ac_list_deals"}
        assert known <= {one.tool_call_id for one in told}, f"seed {self.seed}: a call has no answer"
        before = self.ran()
        if self.kind != "loop" and self.rng.random() < 0.3:
            past = [old for old in self.graph.get_state_history(CONFIG) if "tools" in old.next]
            self.run(None, self.rng.choice(past).config)
            assert self.ran() == before, f"seed {self.seed}: a replay ran something again"
        self.runner.close()  # what a pause has cut off ends here

    def judged(self) -> str:
        """Check everything; returns how the world went."""
        entries = self.guard.ledger.entries()
        about = f"seed {self.seed}: {self.kind} {self.turns}"
        ran, allowed = self.ran(), self.person.may_run()
        assert all(count <= allowed[one] for one, count in ran.items()), f"{about}: ran {ran}, allowed {allowed}"
        gave_up = any("no usable answer" in entry.reason for entry in entries)
        assert not gave_up or self.person.unusable >= 5, about
        if not (self.faults or self.person.late or gave_up):
            assert self.person.must_run() <= set(ran), f"{about}: lost {self.person.must_run() - set(ran)}"
            self.check_account(ran, about)
        self.check_ledger(entries, about)
        return "gave up" if gave_up else "right"

    def ran(self) -> Counter[tuple[str, str]]:
        """The gated acts that were sent to the account."""
        ran: Counter[tuple[str, str]] = Counter()
        for method, path, body in self.wire.writes():
            if method == "DELETE":
                ran[GATED[0], path.rpartition("/")[2]] += 1
            elif path.endswith("/contactAutomations"):
                ran[GATED[1], str(body["contactAutomation"]["contact"])] += 1
            elif path.endswith("/campaign"):
                ran[GATED[2], body["name"]] += 1
        return ran

    def check_account(self, ran: Counter[tuple[str, str]], about: str) -> None:
        """Who was to be deleted is gone, and nobody else; what needs nobody was done, once for each call."""
        left: set[str] = set()
        for offset in (0, 100, 200):
            page = self.sandbox.handle("GET", f"/api/3/contacts?limit=100&offset={offset}", self.key(), b"")
            left |= {contact["id"] for contact in json.loads(page.body)["contacts"]}
        deleted = {target for name, target in ran if name == GATED[0]}
        assert {str(number) for number in range(1, 281)} - left == deleted, about
        asked = Counter(str(call) for calls in self.turns for call in calls if call[0] in FREE and call not in BAD)
        paths = ("/contactTags", "/tags", "/contacts")
        done = [one for one in self.sandbox.requests if one.method == "POST" and one.status < 300]
        free = sum(one.path.endswith(paths) for one in done)
        assert len(asked) <= free <= asked.total(), f"{about}: {self.wire.writes()}"

    def key(self) -> dict[str, str]:
        return {"Api-Token": self.sandbox.key}

    def check_ledger(self, entries: list[Any], about: str) -> None:
        """The ledger knows every request that left, and no call is left half-way."""
        # A task that was cancelled between the record and the wire says that nothing was sent.
        left = sum(entry.writes for entry in entries if entry.outcome != "not_sent")
        assert left == len(self.wire.writes()), about
        assert all(entry.writes <= 1 for entry in entries), about
        open_ones = [entry.sentence for entry in entries if entry.state not in ("closed", "unknown")]
        assert open_ones == [], f"{about}: {open_ones}"
        assert self.guard.ledger.verify() == ""


def lived(seed: int, folder: Path) -> str:
    world = World(seed, folder)
    try:
        world.live()
        return world.judged()
    finally:
        world.saver.close()
        world.guard.ledger.close()


@pytest.mark.parametrize("part", range(8))
def test_nothing_runs_unapproved_and_nothing_approved_is_lost(part, tmp_path):
    """Whatever is answered, and however often the process is new: what ran is what was approved, once each."""
    ends = Counter(lived(1000 * part + seed, tmp_path) for seed in range(5))
    assert ends["right"] >= 4


@pytest.mark.long
@pytest.mark.parametrize("part", range(16))
def test_a_thousand_conversations(part, tmp_path):
    """The same in more than a thousand conversations, no two alike; few end because nobody gave a usable answer."""
    ends = Counter(lived(100_000 + 1000 * part + seed, tmp_path) for seed in range(65))
    assert ends["right"] >= 60
