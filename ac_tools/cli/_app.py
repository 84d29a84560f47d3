"""The commands, and what becomes of the errors that they end with."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ac_tools.cli import (
    _approvals,
    _audit,
    _doctor,
    _grants,
    _guard,
    _mcp,
    _record,
    _remote_mcp,
    _sandbox,
    _tools,
    _undo,
    _webhooks,
)
from ac_tools.cli._demo import _command as _demo


class _Commands(TyperGroup):
    """Ends a known error with one line instead of a traceback, and Ctrl-C with 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("\nStopped.", err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            if not _is_known(error):
                raise
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None


def _is_known(error: Exception) -> bool:
    from ac_guardrails import AnswerError, GrantsError, LedgerError, StoppedError
    from ac_tools._errors import ActiveCampaignError
    from ac_tools.undo import UndoError
    from ac_tools.webhooks import StoreError

    ours = (AnswerError, GrantsError, LedgerError, StoppedError)
    return isinstance(error, (*ours, ActiveCampaignError, UndoError, StoreError))


app = typer.Typer(
    name="ac-tools",
    cls=_Commands,
    help="An AI agent in an ActiveCampaign account, under guard.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ac_tools import __version__

        typer.echo(f"ac-tools {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of the program itself."""


app.command("demo")(_demo.demo)
app.command("doctor")(_doctor.doctor)
app.command("mcp")(_mcp.mcp)
app.command("record")(_record.record)
app.command("tools")(_tools.tools)
app.command("undo")(_undo.undo)
app.add_typer(_grants.app, name="grants")
app.add_typer(_approvals.app, name="approvals")
app.add_typer(_guard.app, name="guard")
app.add_typer(_audit.app, name="audit")
app.add_typer(_remote_mcp.app, name="remote-mcp")
app.add_typer(_sandbox.app, name="sandbox")
app.add_typer(_webhooks.app, name="webhooks")


def _flowing(group: typer.Typer) -> None:
    """Leave it to the terminal where a command's help is wrapped, and not to the line breaks of its docstring."""
    for command in group.registered_commands:
        paragraphs = inspect.cleandoc(getattr(command.callback, "__doc__", None) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _flowing(inner.typer_instance)


_flowing(app)
