"""`ac-tools approvals`: deciding elsewhere, on the ledger where an agent's questions wait."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli import _approvals_standing as beforehand
from ac_tools.cli._console import fail, is_interactive, print_json, say, stdout
from ac_tools.cli._ledger_file import nearest, open_existing
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from ac_guardrails import Decision, Ledger, Question

app = typer.Typer(help="Answer the questions of agents that wait for a person.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The approval's id, as in the list.", show_default=False)]


@app.command("list")
def list_waiting(ledger: LedgerUrl = None, as_json: AsJson = False) -> None:
    """List what waits for a person, and how long an answer still counts."""
    from ac_tools.cli import _questions as questions

    opened = open_existing(ledger)
    waiting, damaged = questions.waiting(opened)
    now = opened.now()
    for approval in damaged:
        say(questions.damage(approval))
    if as_json:
        print_json([questions.as_data(question, now) for question in waiting])
    elif waiting:
        stdout().print(questions.questions_table(waiting, now))
    elif not damaged:
        say("Nothing waits for a person.")


@app.command()
def show(approval: Id, ledger: LedgerUrl = None, as_json: AsJson = False) -> None:
    """Show the card of one approval, with the exact arguments of the call."""
    from ac_tools.cli import _questions as questions

    opened = open_existing(ledger)
    question = _found(opened, approval)
    if as_json:
        print_json(questions.as_data(question, opened.now()))
    else:
        questions.show_question(stdout(), question, opened.now())


@app.command()
def approve(
    approval: Id,
    ledger: LedgerUrl = None,
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed without a terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let exactly this call run, once."""
    from ac_guardrails import Decision

    opened = open_existing(ledger)
    question = _found(opened, approval)
    _show(question, as_json=as_json)
    if not yes and question.is_open(opened.now()):
        _confirm(approval)
    _record(opened, question, Decision.approve(by=name_of(by)), as_json=as_json)


@app.command()
def reject(
    approval: Id,
    reason: Annotated[str, typer.Option(help="Why; the agent is told.", show_default=False)] = "",
    ledger: LedgerUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing run."""
    from ac_guardrails import Decision

    opened = open_existing(ledger)
    question = _found(opened, approval)
    _show(question, as_json=as_json)
    _record(opened, question, Decision.reject(reason.strip(), by=name_of(by)), as_json=as_json)


@app.command()
def edit(
    approval: Id,
    arguments: Annotated[
        str, typer.Option(help="All arguments to use instead, as a JSON object; - reads them from stdin.")
    ],
    ledger: LedgerUrl = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let the call run with other arguments. They are checked now, and by the grants before anything is sent."""
    from ac_guardrails import Decision
    from ac_guardrails.approvers.terminal import read_arguments
    from ac_tools.cli._answers import fault_of

    opened = open_existing(ledger)
    question = _found(opened, approval)
    _show(question, as_json=as_json)
    try:
        edited = read_arguments(sys.stdin.read() if arguments == "-" else arguments)
    except ValueError as error:
        fail(f"{error} Nothing was recorded.", code=2)
    if wrong := fault_of(question.request.action.tool, edited):
        fail(f"{wrong} Nothing was recorded.")
    _record(opened, question, Decision.edit(edited, by=name_of(by)), as_json=as_json)


@app.command()
def watch(
    ledger: LedgerUrl = None,
    by: By = None,
    once: Annotated[bool, typer.Option("--once", help="End when everything that waits was shown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each, and ask nothing.")] = False,
) -> None:
    """Show each question as it comes, and on a terminal ask for the answer. Ctrl-C ends."""
    from ac_tools.cli._approvals_watch import Watch

    opened = open_existing(ledger)
    Watch(opened, by=name_of(by), as_json=as_json).run(once=once)


app.command("allow")(beforehand.allow)
app.command("standing")(beforehand.standing)
app.command("revoke")(beforehand.revoke)


def _found(ledger: Ledger, approval: str) -> Question:
    from ac_tools.cli import _questions as questions

    try:
        question = questions.found(ledger, approval)
    except questions.DamagedError:
        fail(questions.damage(approval))
    if question is None:
        from ac_guardrails import inert

        near = nearest(approval, [each.request.id for each in questions.waiting(ledger)[0]])
        fail(f"There is no approval {inert(approval, limit=40)!r}, or it is no longer kept.{near}")
    return question


def _show(question: Question, *, as_json: bool) -> None:
    """The card, before anything is decided; machines have seen it already."""
    from ac_guardrails.approvers.terminal import show_card

    if not as_json:
        show_card(question.request, stdout())


def _confirm(approval: str) -> None:
    """Go on only where a person who has seen the card says yes; what is piped in is nobody's word."""
    if not is_interactive():
        fail(
            f"Approval {approval} was not approved: there is no terminal to ask on. To approve it without being asked, "
            "add --yes.",
            code=2,
        )
    if not _confirmed():
        fail("Not approved. The question still waits.")


def _confirmed() -> bool:
    from ac_guardrails.approvers.terminal import forget_typed

    forget_typed()
    typer.echo("  Approve this? [y/N] ", nl=False)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _record(ledger: Ledger, question: Question, decision: Decision, *, as_json: bool) -> None:
    """Put the answer on record, and say what comes of it."""
    from ac_guardrails._desk import Desk
    from ac_tools.cli._answers import consequence

    Desk(ledger).answer(question.request.id, decision)
    if as_json:
        told: dict[str, Any] = {"id": question.request.id, "decision": decision.kind, "by": decision.by}
        print_json({**told, "expires": question.request.expires.isoformat(timespec="seconds")})
    else:
        typer.echo(consequence(question, decision))
        if decision.kind != "reject" and ledger.stopped() is not None:
            say("The guard is stopped, though: nothing runs before ac-tools guard resume.")
