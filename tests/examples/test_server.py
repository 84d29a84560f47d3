"""The examples on a real LangGraph server: `langgraph dev`, over its HTTP API, where nothing may block the loop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Grants, Guard

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LANGGRAPH = Path(sys.executable).with_name("langgraph")
MARIA, ONBOARDING = "maria@lindqvist-interiors.example", "Trade onboarding"
APPROVE = {"type": "approve"}

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


class LocalServer:
    """A running `langgraph dev`."""

    def __init__(self, port: int, ledger: str) -> None:
        self.ledger = ledger
        self._url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the server's API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def run(self, graph: str, thread: str, **given: Any) -> Any:
        """Run a graph on a thread until it ends or waits; gives its state."""
        ended = self.call("POST", f"/threads/{thread}/runs/wait", {"assistant_id": graph, **given})
        assert "__error__" not in ended, ended
        return self.call("GET", f"/threads/{thread}/state")

    def sentences(self) -> list[str]:
        """What the ledger says of the writes and refusals, without the account's name."""
        guard = Guard(Grants.from_dict({"agents": {}}), ledger=self.ledger)
        entries = [entry for entry in guard.ledger.entries() if entry.is_write]
        guard.ledger.close()
        return [f"{entry.agent}: {entry.tool} {entry.verdict()}" for entry in entries]


@pytest.fixture
def server(served: Any, tmp_path: Path) -> Iterator[LocalServer]:
    """`langgraph dev` with the examples, in a folder of its own, on an account that is served on loopback."""
    if not LANGGRAPH.exists():
        if os.environ.get("AC_REQUIRE_ALL") == "1":
            pytest.fail("langgraph-cli is not installed: pip install 'langchain-activecampaign[studio]'")
        pytest.skip("needs the studio extra")
    folder, ledger = tmp_path / "examples", f"sqlite:///{tmp_path}/ledger.db"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.db"))  # it writes there
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **os.environ,
        "ACTIVECAMPAIGN_URL": served.url,
        "ACTIVECAMPAIGN_API_KEY": served.key,
        "EXAMPLES_REAL": "1",
        "EXAMPLES_LEDGER": ledger,
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGSMITH_TRACING": "false",
    }
    command = [str(LANGGRAPH), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        running = LocalServer(port, ledger)
        _wait(running, process, tmp_path / "server.log")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _wait(server: LocalServer, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            server.call("GET", "/ok")
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)


def test_a_guarded_agent_waits_on_the_server_and_goes_on(server: LocalServer, served: Any, person: Any) -> None:
    """Pause, look at the card, approve over HTTP: the enrolment is in the account, and on record."""
    thread = server.call("POST", "/threads", {})["thread_id"]
    state = server.run("agent", thread, input={"messages": [{"role": "user", "content": "Go on."}]})
    [pause] = state["interrupts"]
    assert "Enrol contact 46" in pause["value"]["description"]
    assert person(served.sandbox, MARIA).automations == []
    state = server.run("agent", thread, command={"resume": {"decisions": [APPROVE]}})
    assert state["interrupts"] == []
    assert person(served.sandbox, MARIA).automations == [ONBOARDING]
    [tagged, enrolled] = server.sentences()
    assert tagged == "marketing: ac_add_tag allowed, done"
    assert enrolled.startswith("marketing: ac_add_to_automation approved by ")
    assert enrolled.endswith(", done")


def test_a_team_waits_with_its_specialist(server: LocalServer, served: Any, person: Any) -> None:
    """The operator's question comes up through the supervisor, and its answer finds the way back."""
    thread = server.call("POST", "/threads", {})["thread_id"]
    state = server.run("team", thread, input={"messages": [{"role": "user", "content": "Go on."}]})
    assert len(state["interrupts"]) == 1
    server.run("team", thread, command={"resume": {"decisions": [APPROVE]}})
    assert person(served.sandbox, MARIA).automations == [ONBOARDING]
    refused, tagged, enrolled = server.sentences()
    assert refused.startswith("supervisor/researcher: ac_add_tag refused")
    assert tagged == "supervisor/operator: ac_add_tag allowed, done"
    assert enrolled.startswith("supervisor/operator: ac_add_to_automation approved by ")


def test_the_workflow_asks_about_all_enrolments_at_once(server: LocalServer, served: Any, person: Any) -> None:
    """Triage runs on the server's own checkpointer: three questions in one pause, each with its own answer."""
    thread = server.call("POST", "/threads", {})["thread_id"]
    state = server.run("triage", thread, input={})
    [pause] = state["interrupts"]
    asked = [call["args"]["contact"] for call in pause["value"]["action_requests"]]
    assert asked == [MARIA, "mori@kawamura-sekkei.example", "a.feddersen@elbblick-hotel.example"]
    decisions = [APPROVE, {"type": "reject", "message": "not now"}, APPROVE]
    state = server.run("triage", thread, command={"resume": {"decisions": decisions}})
    assert [person(served.sandbox, email).automations for email in asked] == [[ONBOARDING], [], [ONBOARDING]]
    assert "not now" in state["values"]["report"]
