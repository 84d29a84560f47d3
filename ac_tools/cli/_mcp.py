"""`ac-tools mcp`: an agent's tools for MCP clients such as Claude and Cursor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, say
from ac_tools.cli._grants_explain import GrantsOption
from ac_tools.cli._ledger_file import nearest
from ac_tools.cli._options import LedgerUrl

if TYPE_CHECKING:
    from ac_guardrails import Approver
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.mcp_server import Tokens, ToolServer

_TOKENS = "ACTIVECAMPAIGN_MCP_TOKENS"


def mcp(
    grants: GrantsOption,
    agent: Annotated[str, typer.Option(envvar="ACTIVECAMPAIGN_AGENT", help="The agent whose grants apply.")],
    ledger: LedgerUrl = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Serve the embedded account instead.")] = False,
    approver_name: Annotated[
        str | None, typer.Option(help="Who answers at the client; by default the login name, over HTTP the token's.")
    ] = None,
    no_elicitation: Annotated[
        bool, typer.Option("--no-elicitation", help="Never ask through the client, only with ac-tools approvals.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds for which a call waits for ac-tools approvals.")] = 30,
    http: Annotated[bool, typer.Option("--http", help="Over streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help=f"Lines of name:token; by default {_TOKENS}.", show_default=False
        ),
    ] = None,
    allow_remote: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let others in, who call this host NAME; may be given again."),
    ] = None,
) -> None:
    """Serve exactly the granted tools of an agent to an MCP client, over stdio or HTTP, until it ends.

    The account is the one of ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY. What needs a person is asked through the
    client, where it can ask, and otherwise waits for ac-tools approvals on the same ledger; the client may then make
    the call again.
    """
    require_library("ac-tools mcp")
    from ac_guardrails.approvers.terminal import login_name
    from ac_tools.mcp_server import AskClient, ToolServer, serve_stdio

    tokens = _tokens(token_file, approver_name or "") if http else None
    name = approver_name or ("" if http else login_name())
    approver = AskClient(by=name, wait=wait, elicit=not no_elicitation)
    toolkit = _toolkit(grants, agent, ledger, approver, sandbox=sandbox)
    server = ToolServer(toolkit)
    if tokens is None:
        _run(toolkit, serve_stdio(server))
    else:
        _run(toolkit, _over_http(server, tokens, host, port, allow_remote or []))


def require_library(command: str) -> None:
    """End a command for which the MCP library is missing."""
    try:
        import mcp.server  # noqa: F401
    except ImportError:
        fail(f"{command} needs the MCP library: pip install 'langchain-activecampaign[mcp]'")


def _tokens(file: Path | None, person: str) -> Tokens:
    from ac_tools.mcp_server import Tokens

    text = file.read_text(encoding="utf-8") if file else os.environ.get(_TOKENS, "")
    try:
        return Tokens.read(text, person=person)
    except ValueError as error:
        fail(f"{error} Tokens come from --token-file or {_TOKENS}.", code=2)


def _toolkit(
    grants: Path, agent: str, ledger: str | None, approver: Approver, *, sandbox: bool
) -> ActiveCampaignToolkit:
    from ac_guardrails import Grants, Guard
    from ac_tools import ActiveCampaign, ActiveCampaignToolkit
    from ac_tools._catalog import catalog

    known = Grants.from_file(grants, catalog=catalog)
    if agent not in known.agents:
        fail(f"{grants} has no agent {agent!r}.{nearest(agent, known.agents)}", code=2)
    if not ledger:
        fail("Where are calls recorded? Give --ledger sqlite:///ledger.db, or set ACTIVECAMPAIGN_LEDGER.", code=2)
    account = ActiveCampaign.sandbox() if sandbox else ActiveCampaign.from_env()
    try:
        guard = Guard(known, ledger=ledger, approver=approver)
    except ValueError as error:
        fail(str(error), code=2)
    return ActiveCampaignToolkit(account=account, guard=guard, agent=agent)


def _run(toolkit: ActiveCampaignToolkit, serving: Coroutine[Any, Any, None]) -> None:
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")  # to stderr

    async def serve() -> None:
        async with toolkit:
            await serving

    asyncio.run(serve())


async def _over_http(server: ToolServer, tokens: Tokens, host: str, port: int, names: list[str]) -> None:
    from ac_tools.mcp_server import serve_http

    try:
        await serve_http(server, tokens, host=host, port=port, names=names, ready=typer.echo)
    except ValueError as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{host}:{port} cannot be used ({error.strerror}). Choose another port, or 0 for a free one.")
    say("Stopped.")
