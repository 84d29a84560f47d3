"""`ac-tools webhooks listen`: a receiver that shows what comes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import fail, print_json_line, say, stop_signal
from ac_tools.cli._webhooks_formats import event_as_data, event_line

if TYPE_CHECKING:
    from ac_tools.webhooks import Received, Receiver

SECRET = "ACTIVECAMPAIGN_WEBHOOK_SECRET"  # noqa: S105 - the variable that holds it

StoreUrl = Annotated[str, typer.Option("--store", help="The file where events are kept.")]


def listen(
    store: StoreUrl = "sqlite:///webhooks.db",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event.")] = False,
) -> None:
    """Receive the account's webhooks, keep them, and show each as it comes, until Ctrl-C.

    The URL ends with a secret, by which the account is told from strangers: the one of ACTIVECAMPAIGN_WEBHOOK_SECRET,
    or either of two, separated by a comma, while one is replaced by the other. Without that a new one is made and shown
    once. The account sends to https on port 443 alone: put a tunnel or a proxy in front.
    """
    _require_libraries()
    made, receiver = _receiver(store)
    stop = stop_signal()
    receiver.on("*", _Showing(as_json, stop.set), name="listen")
    try:
        with receiver.serve(host=host, port=port) as url:
            say(_where(url, made))
            while not stop.wait(3600):  # a wait without end could not be interrupted everywhere
                pass
    except OSError as error:
        fail(f"{host}:{port} cannot be used ({error.strerror}). Choose another port, or 0 for a free one.")
    counts = receiver.store.counts()
    receiver.store.close()
    say(f"Stopped. {counts['events']} events are kept, and {counts['duplicates']} came again.")


def _require_libraries() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        fail("ac-tools webhooks listen needs two more packages: pip install 'langchain-activecampaign[webhooks]'")


def _receiver(store: str) -> tuple[str, Receiver]:
    """The receiver, and its secret where that was made for it."""
    from ac_tools import ConfigurationError
    from ac_tools.webhooks import Receiver, new_secret

    given = [each.strip() for each in os.environ.get(SECRET, "").split(",") if each.strip()]
    made = "" if given else new_secret()
    try:
        return made, Receiver(store, secrets=given or [made], workers=1)
    except ConfigurationError as error:
        fail(f"{SECRET} cannot be used. {error}", code=2)
    except ValueError as error:
        fail(str(error), code=2)


def _where(url: str, made: str) -> str:
    if made:
        return f"Listening at {url}/{made}\nThe secret in it is new, and shown this once. To keep it, set {SECRET}."
    return f"Listening at {url}/ and the secret of {SECRET}"


class _Showing:
    """The handler that shows an event.

    Args:
        as_json: Whether to print JSON instead of a sentence.
        nobody_reads: Called where the output is closed.
    """

    def __init__(self, as_json: bool, nobody_reads: Callable[[], None]) -> None:
        self._as_json = as_json
        self._nobody_reads = nobody_reads

    def __call__(self, received: Received) -> None:
        try:
            if self._as_json:
                print_json_line(event_as_data(received))
            else:
                typer.echo(event_line(received))
        except BrokenPipeError:
            self._nobody_reads()
            raise
