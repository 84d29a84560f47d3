"""The command: who plays which part, and the run."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ac_tools.cli._console import fail, say, stdout

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from rich.console import Console

    from ac_guardrails import Approver, Guard
    from ac_tools import ActiveCampaign, ActiveCampaignToolkit
    from ac_tools.cli._demo._leads import Leads
    from ac_tools.cli._demo._screen import Screen
    from ac_tools.cli._demo._summary import Setting

AGENT = "marketing"
_MOST_TURNS = 40


def demo(
    leads: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Other leads: a CSV file with the same columns.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A real model, as provider:name.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Requests a second that the account admits; by default any number.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve everything without asking.")] = False,
    no_terminal: Annotated[
        bool, typer.Option("--no-terminal", help="Take the scripted answers, even on a terminal.")
    ] = False,
    ledger: Annotated[str, typer.Option(help="Where to record: memory: or sqlite:///demo.db.")] = "memory:",
) -> None:
    """Watch an agent work through 300 leads, on an embedded account.

    On a terminal it asks you where a person must decide. Nothing leaves this machine, unless you choose a real model.
    """
    from ac_tools.cli._demo._leads import read_leads
    from ac_tools.cli._demo._summary import Setting
    from ac_tools.cli._shipped import shipped

    try:
        found = read_leads(leads or shipped("leads.csv"))
    except ValueError as error:
        fail(str(error), code=2)
    if not found.people:
        fail("Nobody in this file can be imported: there is no usable address with a clear consent.")
    _run(found, Setting(model, limit, _person(yes=yes, no_terminal=no_terminal), ledger))


def _person(*, yes: bool, no_terminal: bool) -> str:
    """Who answers the agent's questions."""
    if yes:
        return "yes"
    if no_terminal:
        return "no-terminal"
    return "you" if sys.stdin.isatty() and sys.stdout.isatty() else "script"


def _run(leads: Leads, setting: Setting) -> None:
    from ac_tools import ActiveCampaign
    from ac_tools.cli._demo._model import open_model
    from ac_tools.cli._demo._script import scripted_model

    model = open_model(setting.model) if setting.model else scripted_model(leads)
    account = ActiveCampaign.sandbox(limit=setting.limit)
    if failure := play(leads, setting, model, account, stdout()):
        fail(failure)
    if setting.ledger == "memory:":
        say("\nThis ledger is gone now. To keep one: ac-tools demo --ledger sqlite:///demo.db")
    else:
        say(f"\nTo look at it again: ac-tools audit show --ledger {setting.ledger}")


def play(leads: Leads, setting: Setting, model: BaseChatModel, account: ActiveCampaign, console: Console) -> str:
    """Let an agent work through the leads, and show it; the account is closed at the end.

    Args:
        leads: What it works on.
        setting: How the demo is played.
        model: What drives the agent.
        account: An embedded account.
        console: Where to show it.

    Returns:
        What went wrong; empty where nothing did.
    """
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.cli._demo._screen import Screen
    from ac_tools.cli._demo._summary import Run, conclude, introduce

    assert account.simulator is not None
    received = account.simulator.requests
    screen = Screen(console, lambda: len(received))
    guard = _guard(setting.ledger, _approver(setting.person, screen))
    begun, already = time.time(), _people(guard)
    with ActiveCampaignToolkit(account=account, guard=guard, agent=AGENT) as toolkit:
        introduce(console, setting, leads, AGENT, account.host)
        failure = _work(model, toolkit, screen, leads)
        run = Run(
            entries=guard.ledger.entries(agent=AGENT, since=begun),
            requests=len(received),
            imports=sum(each.method == "POST" and each.path.endswith("/bulk_import") for each in received),
            people=_people(guard) - already,
            seconds=time.time() - begun,
        )
    conclude(console, run)
    return failure


def _work(model: BaseChatModel, toolkit: ActiveCampaignToolkit, screen: Screen, leads: Leads) -> str:
    """Let the agent work; returns what went wrong, or nothing."""
    from ac_tools.cli._demo._loop import Agent, ModelError
    from ac_tools.cli._demo._task import messages

    agent = Agent(model, toolkit, on_words=screen.words, on_call=screen.call)
    try:
        ended = agent.run(messages(leads), turns=_MOST_TURNS)
    except ModelError as error:
        return str(error)
    return "" if ended else f"The model was stopped after {_MOST_TURNS} turns."


def _approver(person: str, screen: Screen) -> Approver:
    from ac_guardrails import Decision
    from ac_guardrails.approvers import ask_in_terminal
    from ac_tools.cli._demo._script import scripted_person

    if person == "you":
        return screen.asking(ask_in_terminal, shows_card=True)
    if person == "yes":
        return screen.asking(lambda request: Decision.approve(by="--yes"), shows_card=False)
    return screen.asking(scripted_person, shows_card=False)


def _guard(ledger: str, approver: Approver) -> Guard:
    from ac_guardrails import Grants, Guard
    from ac_tools._catalog import catalog
    from ac_tools.cli._shipped import shipped

    grants = Grants.from_file(shipped("grants.yaml"), catalog=catalog)
    try:
        return Guard(grants, approver=approver, ledger=ledger)
    except ValueError as error:
        fail(str(error), code=2)


def _people(guard: Guard) -> int:
    """How many people the agent's writes to contacts have touched in the last 24 hours."""
    from ac_guardrails._limits import DAY, Limit

    limit = Limit("contacts", "people", DAY, most=0)
    used, _ = guard.ledger.outlook(AGENT, "", windows=((limit, 0),))
    return used[limit].count
