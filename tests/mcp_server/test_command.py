"""`ac-tools mcp` says what it lacks before it serves anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from ac_tools.mcp_server import AskClient

PROGRAM = "from ac_tools.cli import main; main()"


def mcp(files: Any, *words: str, program: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *files.arguments, *words]
    command[2] = f"{program}\n{command[2]}"
    account = {**files.environment, **environment}
    return subprocess.run(command, env=account, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (["--agent", "marketin"], {}, "has no agent 'marketin'. Did you mean marketing?"),
        (["--ledger", "ledger.db"], {}, "sqlite:///"),
        ([], {"ACTIVECAMPAIGN_API_KEY": ""}, "There is no API key"),
        (["--http"], {"ACTIVECAMPAIGN_MCP_TOKENS": ""}, "Tokens come from --token-file or ACTIVECAMPAIGN_MCP_TOKENS."),
        (["--http"], {"ACTIVECAMPAIGN_MCP_TOKENS": "x" * 30}, "--approver-name"),
    ],
)
def test_what_is_missing(files: Any, words: list[str], environment: dict[str, str], says: str) -> None:
    """Each thing that is missing or wrong ends the command with one sentence on stderr."""
    done = mcp(files, *words, **environment)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)


def test_without_the_extra(files: Any) -> None:
    """Where the MCP library is not installed, the command says what to install."""
    done = mcp(files, program="import sys; sys.modules['mcp'] = None")
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'langchain-activecampaign[mcp]'" in done.stderr


def test_a_port_that_is_taken(files: Any, url: str) -> None:
    """A port that somebody has is named."""
    port = url.split(":")[2].partition("/")[0]
    done = mcp(files, "--http", "--port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in done.stderr


def test_tokens_from_a_file(files: Any, tmp_path: Path, started: Any) -> None:
    """Tokens can lie in a file; the first line that the server prints is its URL."""
    (tmp_path / "tokens").write_text("Anna: 0123456789-0123456789-anna\n")
    process = started("--token-file", str(tmp_path / "tokens"), "--sandbox")
    assert process.stdout.readline().startswith("http://127.0.0.1:")


async def test_the_readmes_configuration(files: Any) -> None:
    """The client's configuration in the README starts a server, once its placeholders are filled in."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```json\n(.*?)```", readme, re.DOTALL)
    assert block
    server = json.loads(block[1])["mcpServers"]["activecampaign"]
    assert server["command"] == "ac-tools"
    places = {"/path/grants.yaml": f"{files.folder}/grants.yaml", "sqlite:////path/ledger.db": files.ledger}
    words = [places.get(word, word) for word in server["args"]]
    environment = {**server["env"], "ACTIVECAMPAIGN_URL": files.served.url, "PATH": os.environ["PATH"]}
    started = StdioServerParameters(command=sys.executable, args=["-c", PROGRAM, *words], env=environment)
    async with stdio_client(started) as (incoming, outgoing), ClientSession(incoming, outgoing) as session:
        await session.initialize()
        assert len((await session.list_tools()).tools) > 3


def test_the_approver_shows_itself() -> None:
    """Its repr says how it asks."""
    assert repr(AskClient(by="anna", wait=5)) == "AskClient(by='anna', wait=5, elicit=True)"


async def test_over_stdio_with_the_embedded_account(over_stdio: Any, text: Any) -> None:
    """With --sandbox no account is needed."""
    async with over_stdio("--sandbox") as session:
        assert "Lead" in text(await session.call_tool("ac_list_tags", {}))
