"""The agents of the examples, at a terminal, with a real model's client, with each answer that a person can give."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="needs the examples extra")

MARIA, ONBOARDING = "maria@lindqvist-interiors.example", "Trade onboarding"
TASK = {"messages": [("user", "Go on.")]}
CONFIG: Any = {"configurable": {"thread_id": "1", "approver": "anna"}}


def env_of(served: Any) -> dict[str, str]:
    return {"ACTIVECAMPAIGN_URL": served.url, "ACTIVECAMPAIGN_API_KEY": served.key}


def sentences(guard: Any) -> list[str]:
    return [f"{entry.agent}: {entry.tool} {entry.decision} {entry.outcome}".strip() for entry in guard.ledger.entries()]


@pytest.mark.parametrize(
    "command",
    [("agent.py",), ("team.py", "--answer", "approve"), ("campaign.py", "--answer", "approve")],
    ids=lambda command: command[0],
)
def test_it_runs_without_a_key_or_a_network(ran: Any, command: tuple[str, ...]) -> None:
    """Each example runs as its README says, on an embedded account."""
    told = ran(*command)
    assert (told.status, told.errors) == (0, "")
    assert "Nothing was sent" in told.output if command[0] != "team.py" else "enrolled in automation 2" in told.output


def test_the_ten_line_agent_asks_at_the_terminal(started: Any, served: Any, person: Any) -> None:
    """The person at the keyboard approves, and Maria is tagged and enrolled; the ledger's sentences say so."""
    import pty

    keyboard, terminal = pty.openpty()
    process = started("agent.py", "--real", env=env_of(served), stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = ""
    while "[e]dit?" not in shown:
        shown += os.read(keyboard, 65536).decode(errors="replace")
    os.write(keyboard, b"a\n")
    shown = ""
    while "On record:" not in shown or "approved by" not in shown:
        shown += os.read(keyboard, 65536).decode(errors="replace")
    assert process.wait(timeout=20) == 0
    os.close(keyboard)
    assert person(served.sandbox, MARIA).automations == [ONBOARDING]
    assert "Showroom visit" in person(served.sandbox, MARIA).tags


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--real",), "set ACTIVECAMPAIGN_API_KEY"),
        (("--model", "nosuch:model"), "The model 'nosuch:model' cannot be used"),
        (("--model", "openai:gpt-5.1"), "OPENAI_API_KEY"),
    ],
    ids=["no account", "no provider", "no key"],
)
def test_what_is_missing_is_said_in_words(ran: Any, options: tuple[str, ...], says: str) -> None:
    """Without an account, a provider or a key there is one clear message, and no traceback."""
    pytest.importorskip("langchain_openai", reason="needs the providers extra")
    told = ran("agent.py", *options, env={"OPENAI_API_KEY": ""})
    assert told.status == 1
    assert says in told.errors
    assert "Traceback" not in told.errors


def test_without_langchain_the_extra_is_named(ran: Any) -> None:
    """Who has not installed the examples' packages reads what to install."""
    told = ran("-c", "import sys; sys.modules['langchain'] = None; import agent")
    assert told.status == 1
    assert "pip install 'langchain-activecampaign[examples]'" in told.errors
    assert "Traceback" not in told.errors


@pytest.fixture
def provider() -> Iterator[str]:
    """A server that speaks OpenAI's format: it tags Maria, then ends."""
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {
                    "name": "ac_add_tag",
                    "arguments": json.dumps({"contact": MARIA, "tag": "Showroom visit"}),
                },
            }
        ],
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tagged = any(each["role"] == "tool" for each in asked["messages"])
            message = {"role": "assistant", "content": "She is tagged."} if tagged else call
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_real_models_client_drives_the_agent(ran: Any, served: Any, provider: str, person: Any) -> None:
    """With --model a provider's own client does the work, in the account that --real names."""
    pytest.importorskip("langchain_openai", reason="needs the providers extra")
    env = {**env_of(served), "OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "none"}
    told = ran("agent.py", "--real", "--model", "openai:m", env=env)
    assert told.status == 0, told.errors
    assert told.output.startswith("She is tagged.")
    assert "Showroom visit" in person(served.sandbox, MARIA).tags


@pytest.fixture
def team(opened: Any) -> Iterator[tuple[Any, Any]]:
    """The supervisor with its two specialists, and the guard."""
    from langgraph.checkpoint.memory import InMemorySaver
    from team import GRANTS, SCRIPTS, build

    from ac_guardrails import Grants, Guard
    from ac_guardrails.approvers.langgraph import ask_in_graph
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.testing import ScriptedChatModel

    guard = Guard(Grants.from_dict(GRANTS), approver=ask_in_graph, ledger="memory:")
    with ActiveCampaignToolkit(account=opened(), guard=guard, agent="supervisor") as toolkit:
        models = {name: ScriptedChatModel(script=script) for name, script in SCRIPTS.items()}
        yield build(models.__getitem__, toolkit, checkpointer=InMemorySaver()), guard


def test_neither_specialist_borrows_the_others_grants(team: Any, sandbox: Any, person: Any) -> None:
    """The researcher's write is refused under its own name, though the same write is the operator's to make."""
    from common import answered

    graph, guard = team
    asked: list[Any] = []
    answered(graph, TASK, CONFIG, lambda call: asked.append(call["args"]) or {"type": "approve"})
    assert sentences(guard) == [
        "supervisor/researcher: ac_get_contact allowed done",
        "supervisor/researcher: ac_add_tag refused",
        "supervisor/operator: ac_add_tag allowed done",
        "supervisor/operator: ac_add_to_automation approved done",
    ]
    assert asked == [{"automation": ONBOARDING, "contact": MARIA}]
    assert person(sandbox, MARIA).automations == [ONBOARDING]
    assert "Showroom visit" in person(sandbox, MARIA).tags


def test_a_specialist_that_waits_holds_the_whole_team(team: Any, sandbox: Any, person: Any) -> None:
    """The supervisor waits with its operator, and a no reaches the operator."""
    from common import Unanswered, answered

    graph, guard = team
    with pytest.raises(Unanswered):
        answered(graph, TASK, CONFIG, lambda call: None)
    assert person(sandbox, MARIA).automations == []
    state = answered(graph, None, CONFIG, lambda call: {"type": "reject", "message": "not before spring"})
    assert "not before spring" in state["messages"][-1].text
    assert person(sandbox, MARIA).automations == []
    assert guard.ledger.entries()[-1].by == "anna"


ANSWERS: dict[str, tuple[dict[str, Any], str | None]] = {
    "approve": ({"type": "approve"}, "Trade price list 2027"),
    "edit": (
        {
            "type": "edit",
            "edited_action": {"name": "ac_create_campaign", "args": {"name": "Price list", "type": "single"}},
        },
        "Price list",
    ),
    "reject": ({"type": "reject", "message": "the prices are not final"}, None),
}


@pytest.mark.parametrize(("answer", "drafted"), ANSWERS.values(), ids=ANSWERS)
def test_a_person_decides_about_the_draft(
    opened: Any, sandbox: Any, rows: Callable[..., Any], answer: dict[str, Any], drafted: str | None
) -> None:
    """Approved, the draft is there; edited, as the person had it; rejected, there is none, and the agent says why."""
    from campaign import GRANTS, SCRIPT, build
    from common import answered
    from langgraph.checkpoint.memory import InMemorySaver

    from ac_guardrails import Grants, Guard
    from ac_guardrails.approvers.langgraph import ask_in_graph
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.testing import ScriptedChatModel

    before = {row["name"] for row in rows(sandbox, "campaigns")}
    guard = Guard(Grants.from_dict(GRANTS), approver=ask_in_graph, ledger="memory:")
    with ActiveCampaignToolkit(account=opened(), guard=guard, agent="campaigns") as toolkit:
        graph = build(ScriptedChatModel(script=SCRIPT), toolkit, checkpointer=InMemorySaver())
        said = answered(graph, TASK, CONFIG, lambda call: answer)["messages"][-1].text
    assert {row["name"] for row in rows(sandbox, "campaigns")} - before == ({drafted} if drafted else set())
    assert "34 active subscribers" in said
    assert (drafted or "the prices are not final") in said
