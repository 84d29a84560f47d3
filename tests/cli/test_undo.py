"""Taking a write back from the command line."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import yaml

from ac_guardrails import Decision, Entry
from ac_guardrails._ledger_url import open_ledger
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS


class Setup:
    """A served account, a ledger file with a tag put on a contact and a tag made, and grants that allow everything."""

    def __init__(self, served: Any, guard_for: Any, run: Any, folder: Any) -> None:
        self.store = served.sandbox._store
        self.sandbox = served.sandbox
        self.ledger = f"sqlite:///{folder}/ledger.db"
        self.grants = folder / "grants.yaml"
        self.grants.write_text(yaml.safe_dump({"agents": {"marketing": dict.fromkeys(AREAS, "full")}}))
        self.env = {
            "ACTIVECAMPAIGN_URL": served.url,
            "ACTIVECAMPAIGN_API_KEY": served.key,
            "ACTIVECAMPAIGN_LEDGER": self.ledger,
            "ACTIVECAMPAIGN_GRANTS": str(self.grants),
        }
        guard = guard_for(dict.fromkeys(AREAS, "full"), lambda _: Decision.approve(by="ben"), ledger=self.ledger)
        with ActiveCampaign(url=served.url, key=served.key) as account:
            toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
            run(toolkit, "ac_add_tag", contact=46, tag="VIP")
            run(toolkit, "ac_create_tag", name="Trial")
            run(toolkit, "ac_list_tags")
        self.tagged, self.made, self.read = (entry.id for entry in guard.ledger.entries())
        guard.ledger.close()

    def has_tag(self) -> bool:
        return any((row.contact, row.tag) == (46, 3) for row in self.store.contact_tags)

    def has_trial(self) -> bool:
        return any(row.tag == "Trial" for row in self.store.tags)

    def entries(self) -> list[Entry]:
        ledger = open_ledger(self.ledger)
        try:
            return ledger.entries()
        finally:
            ledger.close()


@pytest.fixture
def setup(served: Any, guard_for: Any, run: Any, tmp_path: Any) -> Setup:
    return Setup(served, guard_for, run, tmp_path)


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the command think that a person sits there, who types these lines."""

    def sit(*lines: str) -> None:
        left = list(lines)
        monkeypatch.setattr("ac_tools.cli._undo.is_interactive", lambda: True)

        def typed(prompt: str = "") -> str:
            if not left:
                raise EOFError
            if left[0] == "^C":
                raise KeyboardInterrupt
            return left.pop(0)

        monkeypatch.setattr("builtins.input", typed)

    return sit


def test_the_plan_alone(cli: Any, setup: Setup) -> None:
    """--plan shows what would be done, and sends nothing."""
    result = cli("undo", setup.tagged, "--plan", env=setup.env)
    assert result.exit_code == 0
    assert "To take it back, as marketing: " in result.stdout
    assert "take tag 3 «VIP» off contact 46" in result.stdout
    assert setup.has_tag()


def test_the_plan_for_machines(cli: Any, setup: Setup) -> None:
    """With --json the plan is an object with the calls, what they need and who is asked."""
    plan = json.loads(cli("undo", setup.made, "--plan", "--json", env=setup.env).stdout)
    [[step]] = plan["stages"]
    assert (step["tool"], step["needs"], step["verdict"]) == ("ac_delete_tag", ["tags: full"], "ask")
    assert step["card"]["rows"]["Tag"].startswith("«Trial»")


def test_yes_approves_what_is_shown(cli: Any, setup: Setup) -> None:
    """--yes with --by is that person's approval of the calls shown, and is on record as theirs."""
    result = cli("undo", setup.made, "--yes", "--by", "Anna Berg", env=setup.env)
    assert result.exit_code == 0
    assert f"Entry {setup.made} is taken back, for Anna Berg." in result.stdout
    assert result.stdout.index("To take it back") < result.stdout.index("is taken back")
    assert not setup.has_trial()
    taking = setup.entries()[-1]
    assert taking.sentence.endswith("approved by Anna Berg, done.")
    assert (taking.undoes, taking.behalf) == (setup.made, "Anna Berg")
    assert cli("audit", "verify", env=setup.env).exit_code == 0
    assert "; taken back by Anna Berg." in cli("audit", "show", env=setup.env).stdout


def test_the_result_for_machines(cli: Any, setup: Setup) -> None:
    """With --json the outcome is one object, call by call; audit show has who took back what."""
    result = cli("undo", setup.tagged, "--yes", "--by", "anna", "--json", env=setup.env)
    undone = json.loads(result.stdout)
    assert (undone["entry"], undone["by"], undone["complete"]) == (setup.tagged, "anna", True)
    assert [(step["tool"], step["fate"]) for step in undone["steps"]] == [("ac_remove_tag", "done")]
    shown = {entry["id"]: entry for entry in json.loads(cli("audit", "show", "--json", env=setup.env).stdout)}
    assert shown[setup.tagged]["undone"] == "anna"
    assert shown[undone["steps"][0]["entry"]]["undoes"] == setup.tagged


def test_nobody_to_ask(cli: Any, setup: Setup) -> None:
    """Without a terminal and without --yes nothing is sent."""
    result = cli("undo", setup.tagged, env=setup.env)
    assert result.exit_code == 2
    assert "There is no terminal to ask on. --plan shows what would be done" in result.stderr
    assert setup.has_tag()


@pytest.mark.parametrize("lines", [("n",), ("",), ()])
def test_what_is_no_yes_is_a_no(cli: Any, setup: Setup, at_a_terminal: Any, lines: tuple[str, ...]) -> None:
    """Anything but a yes leaves all as it is."""
    at_a_terminal(*lines)
    result = cli("undo", setup.tagged, env=setup.env)
    assert result.exit_code == 1
    assert "Nothing was sent." in result.stderr
    assert setup.has_tag()


def test_at_a_terminal(cli: Any, setup: Setup, at_a_terminal: Any) -> None:
    """The plan, a yes to it, and then the card of what needs a person, answered in their name."""
    at_a_terminal("y", "a")
    result = cli("undo", setup.made, "--by", "anna", env=setup.env)
    assert result.exit_code == 0
    assert "A person must decide" in result.stdout
    assert setup.entries()[-1].sentence.endswith("approved by anna, done.")


def test_a_no_to_the_card(cli: Any, setup: Setup, at_a_terminal: Any) -> None:
    """Rejected at the card nothing is done, and the command says so with 1."""
    at_a_terminal("y", "r keep it")
    result = cli("undo", setup.made, "--by", "anna", env=setup.env)
    assert result.exit_code == 1
    assert f"Entry {setup.made} is not taken back: 0 of 1 calls done." in result.stdout
    assert setup.has_trial()


def test_ctrl_c(cli: Any, setup: Setup, at_a_terminal: Any) -> None:
    """Ctrl-C at the card ends with 130, nothing is sent, and it is on record; the same command begins anew."""
    at_a_terminal("y", "^C")
    result = cli("undo", setup.made, "--by", "anna", env=setup.env)
    assert result.exit_code == 130
    assert f"to go on with the rest: ac-tools undo {setup.made}" in result.stderr
    assert "The question was interrupted" in setup.entries()[-1].sentence
    assert setup.has_trial()
    at_a_terminal("y", "a")
    assert cli("undo", setup.made, "--by", "anna", env=setup.env).exit_code == 0


def test_why_it_cannot_be_taken_back(cli: Any, setup: Setup) -> None:
    """What cannot be taken back ends with 1 and one line that says why."""
    for entry, why in {"abc": "There is no entry 'abc'", setup.read: "it is a read"}.items():
        result = cli("undo", entry, "--yes", env=setup.env)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert why in result.stderr
    # Whom nobody could ask learns first that there is nothing to ask about.
    assert "There is no entry 'abc'" in cli("undo", "abc", env=setup.env).stderr


def test_grants_that_do_not_allow_it(cli: Any, setup: Setup) -> None:
    """The plan shows which call is not granted, and nothing is sent."""
    setup.grants.write_text("agents: {marketing: {tags: write}}")
    result = cli("undo", setup.made, "--yes", env=setup.env)
    assert result.exit_code == 1
    assert "the grants do not allow it: marketing has tags: write" in result.stdout
    assert "The grants of marketing do not allow all of it, so nothing was sent." in result.stderr
    assert setup.has_trial()


def test_another_agent(cli: Any, setup: Setup) -> None:
    """--agent takes it back by the grants of another agent than the one that made the write."""
    setup.grants.write_text("agents: {marketing: {tags: read}, ops: {tags: write}}")
    assert cli("undo", setup.tagged, "--yes", env=setup.env).exit_code == 1
    assert cli("undo", setup.tagged, "--yes", "--agent", "ops", env=setup.env).exit_code == 0
    assert setup.entries()[-1].agent == "ops"
    assert not setup.has_tag()


def test_yes_agrees_to_nothing_graver(cli: Any, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is another call by the time that it is asked about was not shown, so --yes does not approve it."""
    from ac_tools.cli import _undo

    shown: Any = _undo._AsShown.__init__

    def something_else(self: Any, plan: Any, by: str) -> None:
        from dataclasses import replace

        [[step]] = plan.stages
        lower = replace(step, action=replace(step.action, needs=(replace(step.action.needs[0], level=2),)))
        shown(self, replace(plan, stages=((lower,),)), by)

    monkeypatch.setattr(_undo._AsShown, "__init__", something_else)
    result = cli("undo", setup.made, "--yes", env=setup.env)
    assert result.exit_code == 1
    assert "--yes agrees to what the plan has shown alone" in result.stdout
    assert setup.has_trial()


def test_a_deleted_contact(cli: Any, setup: Setup, served: Any, guard_for: Any, run: Any) -> None:
    """One --yes is for all calls of the plan, also where they are asked about together."""
    asked = {area: {"access": "full", "ask": "writes"} for area in AREAS}
    guard = guard_for(asked, lambda _: Decision.approve(by="ben"), ledger=setup.ledger)
    with ActiveCampaign(url=served.url, key=served.key) as account:
        run(ActiveCampaignToolkit(account=account, guard=guard, agent="marketing"), "ac_delete_contact", contact=46)
    setup.grants.write_text(yaml.safe_dump({"agents": {"marketing": asked}}))
    result = cli("undo", guard.ledger.entries()[-1].id, "--yes", "--by", "anna", env=setup.env)
    assert result.exit_code == 0, result.output
    assert any(row.email == "maria@lindqvist-interiors.example" for row in setup.store.contacts)


def test_processes_at_once(started: Any, setup: Setup) -> None:
    """Several processes that take the same entry back at once send one write; none says that it failed."""
    env = {**os.environ, **setup.env}
    processes = [started("undo", setup.tagged, "--yes", "--by", f"person {number}", env=env) for number in range(3)]
    told = [process.communicate(timeout=60) for process in processes]
    assert all("is taken back" in out or "taken back already" in err for out, err in told), told
    assert [request.method for request in setup.sandbox.requests].count("DELETE") == 1
    assert not setup.has_tag()
