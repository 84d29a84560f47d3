"""`ac-tools undo`: taking a write back, after a person has seen what that takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ac_tools.cli._console import fail, is_interactive, print_json, say, stdout
from ac_tools.cli._grants_explain import GrantsOption
from ac_tools.cli._ledger_file import open_existing
from ac_tools.cli._options import AsJson, By, LedgerUrl, name_of

if TYPE_CHECKING:
    from ac_guardrails import Action, ApprovalRequest, Approver, Decision, Ledger
    from ac_tools import ActiveCampaign, ActiveCampaignToolkit
    from ac_tools.undo import PlannedStep, Undone, UndoPlan


def undo(
    entry: Annotated[str, typer.Argument(help="The entry of the write, as ac-tools audit show has it.")],
    grants: GrantsOption,
    ledger: LedgerUrl = None,
    agent: Annotated[
        str | None,
        typer.Option(help="The agent whose grants apply; by default the one that made the write.", show_default=False),
    ] = None,
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan as it is shown, without being asked.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show the plan, and send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a write back in the account of ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY.

    The plan is shown first. Where somebody has changed the record since, nothing is sent. The calls are the agent's:
    its grants and limits hold, and what needs a person is asked about, or with --yes approved as the plan has shown it.
    """
    from ac_tools import ActiveCampaign

    opened, who = open_existing(ledger), name_of(by)
    found = opened.entry(entry)
    if found and not (yes or plan) and (as_json or not is_interactive()):
        fail("There is no terminal to ask on. --plan shows what would be done; --yes approves it in your name.", code=2)
    name = agent or (found.agent if found else "") or "nobody"
    with ActiveCampaign.from_env() as account:
        shown = _toolkit(account, opened, grants, name).undo_plan(entry)
        _show(shown, as_json=as_json, alone=plan)
        if plan:
            return
        _check(shown, name)
        if not yes:
            _confirm()
        approver = _AsShown(shown, who) if yes else _AtKeyboard(who)
        _take_back(_toolkit(account, opened, grants, name, approver), entry, who, as_json=as_json)


def _toolkit(
    account: ActiveCampaign, ledger: Ledger, grants: Path, agent: str, approver: Approver | None = None
) -> ActiveCampaignToolkit:
    from ac_guardrails import Grants, Guard
    from ac_tools import ActiveCampaignToolkit
    from ac_tools._catalog import catalog

    guard = Guard(Grants.from_file(grants, catalog=catalog), ledger=ledger, approver=approver)
    return ActiveCampaignToolkit(account=account, guard=guard, agent=agent)


def _show(plan: UndoPlan, *, as_json: bool, alone: bool) -> None:
    """The plan; for machines, where it is all that they get."""
    if not as_json:
        _print(str(plan))
    elif alone:
        print_json(_plan_as_data(plan))


def _check(plan: UndoPlan, agent: str) -> None:
    """End where it is clear that not all of it can be done."""
    if any(step.verdict.denied for step in plan.steps):
        fail(f"The grants of {agent} do not allow all of it, so nothing was sent.")
    if any(step.note for step in plan.steps):
        fail("Not all of it can be done as things are, so nothing was sent.")


def _confirm() -> None:
    from ac_guardrails.approvers.terminal import forget_typed

    forget_typed()
    typer.echo("Take it back? [y/N] ", nl=False)
    try:
        agreed = input().strip().lower() in ("y", "yes")
    except EOFError:
        agreed = False
    if not agreed:
        fail("Nothing was sent.")


def _take_back(toolkit: ActiveCampaignToolkit, entry: str, by: str, *, as_json: bool) -> None:
    try:
        undone = toolkit.undo(entry, by=by)
    except KeyboardInterrupt:
        say(f"\nStopped. What was done is on record; to go on with the rest: ac-tools undo {entry}")
        raise typer.Exit(130) from None
    if as_json:
        print_json(_undone_as_data(undone))
    else:
        _print(str(undone))
    if not undone.complete:
        raise typer.Exit(1)


def _print(text: str) -> None:
    """Print lines, on a terminal wrapped between words."""
    from rich.text import Text

    console = stdout()
    console.print(Text(text), soft_wrap=not console.is_terminal)


class _AtKeyboard:
    """Asks the person at the keyboard, with the card of each question.

    Args:
        by: Their name.
    """

    def __init__(self, by: str) -> None:
        self._by = by

    def __call__(self, request: ApprovalRequest) -> Decision:
        from ac_guardrails import Decision
        from ac_guardrails.approvers.terminal import ask_at_keyboard

        try:
            decision = ask_at_keyboard(request, by=self._by)
        except EOFError:
            decision = None
        return decision or Decision.reject("the terminal was closed", by=self._by)


class _AsShown:
    """A person's yes to the calls of a plan, each as grave as the plan said, and to nothing else.

    Args:
        plan: What they were shown.
        by: Their name.
    """

    def __init__(self, plan: UndoPlan, by: str) -> None:
        self._plan = plan
        self._by = by

    def __call__(self, request: ApprovalRequest) -> Decision:
        from ac_guardrails import CannotAskError, Decision
        from ac_guardrails._set_card import TOOL as SET

        action = request.action
        asked = action.arguments["calls"] if action.tool == SET else [_call_of(action)]
        shown = [step.action for step in self._plan.steps if _call_of(step.action) in asked]
        needs = {need for one in shown for need in one.needs}
        if len(shown) == len(asked) and set(action.needs) <= needs:
            return Decision.approve(by=self._by)
        raise CannotAskError("--yes agrees to what the plan has shown alone, and this call is another one by now")


def _call_of(action: Action) -> dict[str, Any]:
    """A call as a question about several of them has it."""
    return {"tool": action.tool, "arguments": dict(action.arguments)}


def _plan_as_data(plan: UndoPlan) -> dict[str, Any]:
    return {
        "entry": plan.entry.id,
        "sentence": plan.entry.sentence,
        "words": plan.words,
        "stages": [[_step_as_data(step) for step in stage] for stage in plan.stages],
        "cannot": plan.cannot,
    }


def _step_as_data(step: PlannedStep) -> dict[str, Any]:
    action, card = step.action, step.card.inert() if step.card else None
    return {
        "tool": action.tool,
        "what": step.what,
        "arguments": dict(action.arguments),
        "needs": [str(need) for need in action.needs],
        "verdict": step.verdict.kind,
        "reason": step.verdict.reason,
        "card": {"title": card.title, "rows": dict(card.rows), "warning": card.warning} if card else None,
        "note": step.note,
        "made": step.made.id if step.made else "",
    }


def _undone_as_data(undone: Undone) -> dict[str, Any]:
    steps = [
        {"tool": step.tool, "what": step.what, "fate": step.fate, "text": step.text, "entry": step.entry}
        for step in undone.steps
    ]
    return {"entry": undone.entry, "by": undone.by, "complete": undone.complete, "steps": steps}
