"""`ac-tools remote-mcp`: the account's own Remote MCP server, as an operator sees it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, print_json, say, stdout
from ac_tools.cli._mcp import require_library
from ac_tools.cli._options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from ac_tools.remote_mcp import Offer, ToolClass

app = typer.Typer(
    help="The account's own Remote MCP server: sign in, and see what its tools are.", no_args_is_help=True
)

_URL = "ACTIVECAMPAIGN_MCP_URL"
Url = Annotated[
    str | None,
    typer.Option(
        envvar=_URL,
        show_default=False,
        help="The URL of Settings > Developer > MCP. Where it holds a key, set the variable: others can see a command.",
    ),
]


@app.command("sign-in")
def sign_in(
    tokens: Annotated[Path, typer.Option(dir_okay=False, help="The file to keep the tokens in, for you alone.")],
    url: Url = None,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to sign in.")] = 300,
) -> None:
    """Sign in to the server in a browser, and keep the tokens in a file. Programs use it as RemoteMCP(tokens=FILE)."""
    address = _ready(url)
    from ac_tools.remote_mcp import sign_in

    sign_in(address, tokens=tokens, show=_show, timeout=wait)
    say(f"Signed in. The tokens are in {tokens}, which only you can read.")


@app.command("tools")
def tools(
    url: Url = None,
    tokens: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The file that sign-in has made.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Your own classes of further tools, as YAML.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the server's tools: what each needs, and which ones nobody has classified, so that they are denied."""
    address = _ready(url)
    from ac_tools.remote_mcp import look

    rows = [_row(offer, of) for offer, of in look(address, tokens=tokens, classes=classes).values()]
    if as_json:
        print_json(rows)
        return
    stdout().print(_table(rows))
    unknown = sum(not row["needs"] for row in rows)
    say(f"{len(rows)} tools, {unknown} of them not classified: those are denied until you classify them.")


def _ready(url: str | None) -> Any:
    require_library("ac-tools remote-mcp")
    if not url:
        fail(f"Which server? Set {_URL} to the URL of Settings > Developer > MCP, or give --url.", code=2)
    logging.basicConfig(level=logging.CRITICAL)  # the MCP library logs tracebacks of what is told in a sentence here
    from pydantic import SecretStr

    return SecretStr(url)


def _show(page: str) -> None:
    import webbrowser

    say(f"Sign in on this page:\n{page}")
    webbrowser.open(page)


def _row(offer: Offer, of: ToolClass | None) -> dict[str, Any]:
    from ac_guardrails import quoted

    return {
        "name": offer.name,
        "needs": [str(need) for need in of.needs] if of else [],
        "like": of.twin if of else "",
        "risk": of.risk if of else "",
        "server_says": quoted(offer.description, limit=160) if offer.description else "",
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table("Tool", "Needs", "It", "As", box=box.SIMPLE, show_edge=False)
    for row in rows:
        about = row["risk"] if row["needs"] else row["server_says"]
        table.add_row(row["name"], ", ".join(row["needs"]) or "not classified: denied", about, row["like"])
    return table
