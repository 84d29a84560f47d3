"""`ac-tools sandbox`: the embedded account over real HTTP, and what it assumes."""

from __future__ import annotations

from typing import Annotated

import typer

from ac_tools.cli._console import fail, say, stop_signal
from ac_tools.cli._sandbox_assumptions import assumptions, settings_from

app = typer.Typer(help="The embedded account, for anyone's client.", no_args_is_help=True)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on loopback; 0 takes a free one.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Requests a second; 0 for any number.")] = 5,
    key: Annotated[str, typer.Option(help="The API key that it takes.")] = "sandbox",
    empty: Annotated[bool, typer.Option("--empty", help="Begin with nothing but one user.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change an assumption; may be given again."),
    ] = None,
) -> None:
    """Serve an account over HTTP on this machine until Ctrl-C. The first line says its URL and key.

    To order failures, POST {"method": "GET", "path": "/tags", "status": 503} to /__sandbox/faults; GET lists those that
    wait, DELETE clears them. Webhooks are sent to this machine alone; to have events sent twice, in another order or
    not at all, POST {"duplicates": 0.2, "held": 5, "down": false} to /__sandbox/webhooks, and
    {"tunnels": {"https://hooks.example": "http://127.0.0.1:8080"}} to have a public URL lead here.
    """
    from ac_tools.sandbox import Sandbox
    from ac_tools.sandbox import serve as serving

    if not key or not all("!" <= mark <= "~" for mark in key):
        fail("A key is ASCII text without spaces.", code=2)
    sandbox = Sandbox(empty=empty, key=key, limit=limit or None, settings=settings_from(settings or []))
    try:
        server = serving(sandbox, port=port)
    except OSError as error:
        fail(f"Port {port} cannot be used ({error.strerror}). Choose another, or 0 for a free one.")
    stop = stop_signal()
    with server:
        typer.echo(f"{server.url} key: {key}")
        while not stop.wait(3600):  # a wait without end could not be interrupted everywhere
            pass
    say(f"Stopped after {len(sandbox.requests)} requests.")


app.command("assumptions")(assumptions)
