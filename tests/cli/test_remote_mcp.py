"""`ac-tools remote-mcp`: an operator signs in to the server and sees what its tools are."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.types import Tool

from ac_tools import ActiveCampaign

KEY = "0123456789abcdef-key"


@pytest.fixture
def real() -> Any:
    """The real server of the Remote MCP tests."""
    folder = Path(__file__).parents[1] / "remote_mcp"
    spec = importlib.util.spec_from_file_location("remote_mcp_server", folder / "server.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def served(real: Any) -> Iterator[Any]:
    """Serves the 50 tools and one that nobody knows."""
    with ActiveCampaign.sandbox() as account:
        tools = real.Account(account.simulator)
        schema = {"type": "object"}
        tools.tools.append(Tool(name="move_deals_to_stage", description="Harmless.\x1b[2J", inputSchema=schema))

        @contextmanager
        def serve(**options: Any) -> Iterator[str]:
            with real.served(tools, **options) as url:
                yield url

        yield serve


def test_the_tools(cli: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tool is listed with what it needs, what nobody has classified is said to be denied, and no key is shown."""
    monkeypatch.setenv("COLUMNS", "200")
    with served(key=KEY) as url:
        result = cli("remote-mcp", "tools", env={"ACTIVECAMPAIGN_MCP_URL": url})
        rows = json.loads(cli("remote-mcp", "tools", "--json", env={"ACTIVECAMPAIGN_MCP_URL": url}).stdout)
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "automations: full" in lines["add_contact_to_automation"]
    assert "ac_add_to_automation" in lines["add_contact_to_automation"]
    assert "not classified: denied" in lines["move_deals_to_stage"]
    assert "\x1b" not in result.output
    assert "51 tools, 1 of them not classified" in result.stderr
    assert len(rows) == 51
    assert {row["name"]: row["needs"] for row in rows}["create_contact_field_relationship"] == [
        "fields: write",
        "lists: write",
    ]
    assert KEY not in result.output + json.dumps(rows)


def test_own_classes(cli: Any, served: Any, tmp_path: Path) -> None:
    """A file of one's own classes is used; a mistake in it is one line."""
    classes = tmp_path / "classes.yaml"
    classes.write_text("tools:\n  move_deals_to_stage: {area: deals, level: full}\n")
    with served() as url:
        words = ("remote-mcp", "tools", "--url", url, "--classes", str(classes), "--json")
        rows = {row["name"]: row["needs"] for row in json.loads(cli(*words).stdout)}
        classes.write_text("tools:\n  move_deals_to_stage: {area: deal, level: full}\n")
        wrong = cli(*words)
    assert rows["move_deals_to_stage"] == ["deals: full"]
    assert (wrong.exit_code, wrong.output) == (1, "move_deals_to_stage: 'deal' is no area. Did you mean deals?\n")


def test_signing_in(cli: Any, served: Any, real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is shown and told; signed in, the tokens open the server for the next command; revoked, it says so."""
    monkeypatch.setattr("webbrowser.open", lambda page: httpx.get(page, follow_redirects=True))
    tokens = tmp_path / "tokens.json"
    oauth = real.OAuth()
    with served(oauth=oauth) as url:
        env = {"ACTIVECAMPAIGN_MCP_URL": url}
        signed = cli("remote-mcp", "sign-in", "--tokens", str(tokens), env=env)
        assert signed.exit_code == 0, signed.output
        assert "Sign in on this page:\nhttp://127.0.0.1:" in signed.stderr
        listed = cli("remote-mcp", "tools", "--tokens", str(tokens), "--json", env=env)
        assert len(json.loads(listed.stdout)) == 51
        kept = json.loads(tokens.read_text())["tokens"]
        assert not [token for token in kept.values() if str(token) in signed.output and len(str(token)) > 10]
        oauth.access.clear()
        oauth.refresh.clear()
        revoked = cli("remote-mcp", "tools", "--tokens", str(tokens), env=env)
    assert revoked.exit_code == 1
    assert "Sign in again: ac-tools remote-mcp sign-in." in revoked.stderr


@pytest.mark.parametrize("command", [["tools"], ["sign-in", "--tokens", "t"]], ids=["tools", "sign-in"])
def test_what_is_missing(cli: Any, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a URL, with one that cannot be used, and with nobody there, one sentence says what to do."""
    monkeypatch.chdir(tmp_path)
    missing = cli("remote-mcp", *command)
    assert (missing.exit_code, missing.output.count("\n")) == (2, 1)
    assert "ACTIVECAMPAIGN_MCP_URL" in missing.output
    plain = cli("remote-mcp", *command, "--url", f"http://acme.activehosted.com/?key={KEY}")
    assert (plain.exit_code, plain.output.count("\n")) == (1, 1)
    assert "must begin with https://" in plain.output
    assert KEY not in plain.output
    nobody = cli("remote-mcp", *command, "--url", "http://127.0.0.1:9/mcp")
    assert (nobody.exit_code, nobody.output.count("\n")) == (1, 1)
    assert "could not be reached" in nobody.output


def test_a_process_of_its_own_says_one_line(served: Any, real: Any, tmp_path: Path) -> None:
    """A sign-in that the server no longer accepts is one line on stderr, without the library's tracebacks."""
    oauth = real.OAuth()
    with served(oauth=oauth) as url:
        from ac_tools.remote_mcp import sign_in

        sign_in(url, tokens=tmp_path / "t", show=lambda page: httpx.get(page, follow_redirects=True))
        oauth.access.clear()
        oauth.refresh.clear()
        command = [sys.executable, "-c", "from ac_tools.cli import main; main()", "remote-mcp", "tools"]
        done = subprocess.run(
            [*command, "--url", url, "--tokens", str(tmp_path / "t")], capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "Sign in again" in done.stderr


def test_without_the_extra() -> None:
    """Where the MCP library is not installed, the command says what to install."""
    program = "import sys; sys.modules['mcp'] = None\nfrom ac_tools.cli import main; main()"
    command = [sys.executable, "-c", program, "remote-mcp", "tools", "--url", "https://a.example/mcp"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ac-tools remote-mcp needs the MCP library: pip install 'langchain-activecampaign[mcp]'\n"
