"""Watching for questions, one at a time, as they come."""

from __future__ import annotations

import time

from ac_guardrails import AnswerError, Ledger, Question
from ac_guardrails._desk import Desk
from ac_guardrails.approvers.terminal import ask_at_keyboard, show_card
from ac_tools.cli._answers import consequence, fault_of
from ac_tools.cli._console import is_interactive, print_json_line, say, stdout
from ac_tools.cli._questions import as_data, damage, standing, waiting

_LOOK_EVERY = 0.3
"""Seconds between two looks into the ledger."""


class Watch:
    """Shows what waits for a person, and takes the answers of the one at the keyboard.

    Args:
        ledger: Where the questions lie.
        by: The name of whoever answers.
        as_json: Whether a program watches, which is told everything and asked nothing.
    """

    def __init__(self, ledger: Ledger, *, by: str, as_json: bool) -> None:
        self._ledger = ledger
        self._desk = Desk(ledger)
        self._by = by
        self._as_json = as_json
        self._asks = is_interactive() and not as_json
        self._seen: set[str] = set()

    def run(self, *, once: bool) -> None:
        """Watch until Ctrl-C.

        Args:
            once: End when everything that waits was shown.
        """
        if not once and not self._as_json:
            say("Waiting for questions. Ctrl-C ends.")
        while True:
            question = self._next()
            if question is None and once:
                break
            if question is None:
                time.sleep(_LOOK_EVERY)
            elif not self._met(question):
                return
        if not self._seen and not self._as_json:
            say("Nothing waits for a person.")

    def _next(self) -> Question | None:
        """The oldest question that was not shown yet, as it is now: others answer, too."""
        questions, damaged = waiting(self._ledger)
        for approval in damaged:
            if approval not in self._seen:
                say(damage(approval))
                self._seen.add(approval)
        question = next((each for each in questions if each.request.id not in self._seen), None)
        if question is not None:
            self._seen.add(question.request.id)
        return question

    def _met(self, question: Question) -> bool:
        """Show a question; false where the person has left."""
        now = self._ledger.now()
        if self._as_json:
            print_json_line(as_data(question, now))
            return True
        if not self._asks:
            show_card(question.request, stdout())
            stdout().print(standing(question, now), soft_wrap=True)
            return True
        say(standing(question, now))
        return self._asked(question)

    def _asked(self, question: Question) -> bool:
        tool = question.request.action.tool
        try:
            decision = ask_at_keyboard(
                question.request, by=self._by, check=lambda arguments: fault_of(tool, arguments), may_skip=True
            )
        except EOFError:
            say("\nThe terminal was closed. What was not answered still waits.")
            return False
        if decision is None:
            say("  Left for somebody else.")
            return True
        try:
            self._desk.answer(question.request.id, decision)
        except AnswerError as error:
            say(f"  {error}")
        else:
            say(f"  {consequence(question, decision)}")
        return True
