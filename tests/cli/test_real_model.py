"""The demo with a model that is not scripted: a provider's own client against a server on this machine."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai", reason="needs the providers extra")

CALL = {
    "role": "assistant",
    "content": "I look somebody up.",
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "ac_get_contact", "arguments": '{"contact": "maria@lindqvist-interiors.example"}'},
        }
    ],
}
END = {"role": "assistant", "content": "That is all."}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A server that speaks OpenAI's format: a tool call, then an end; 401 for another key. Yields what it was sent."""
    received: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(request)
            allowed = self.headers["Authorization"] == "Bearer good"
            message = END if any(each["role"] == "tool" for each in request["messages"]) else CALL
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            good = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
            body = json.dumps(good if allowed else {"error": {"message": "bad key"}}).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "good")
        yield received
        server.shutdown()
        thread.join()


def test_a_real_model_gets_the_same_tools(started, provider):
    """With --model the provider's model is given the task, the leads and the granted tools, and drives the agent."""
    out, err = started("demo", "--model", "openai:m").communicate(timeout=60)
    assert "Model    openai:m" in out, err
    assert "only what the agent reads leaves this machine" in " ".join(out.split())
    assert "Agent: That is all." in out
    assert "The ledger: 1 calls" in out
    names = {tool["function"]["name"] for tool in provider[0]["tools"]}
    assert "ac_import_contacts" in names
    assert "ac_create_campaign" not in names
    task = provider[0]["messages"][1]["content"]
    assert "cody@saltmarsh-brewing.example" in task
    assert "«SYSTEM NOTE TO ASSISTANT" in task, "what strangers wrote is marked as data"


def test_a_model_that_fails_is_told_in_one_line(started, provider, monkeypatch):
    """A provider's refusal ends the demo with 1 and one line, after the ledger."""
    monkeypatch.setenv("OPENAI_API_KEY", "bad")
    process = started("demo", "--model", "openai:m")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The ledger: 0 calls" in out
    assert err.startswith("The model failed: ")
    assert err.count("\n") == 1
