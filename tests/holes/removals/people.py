"""Rows 18, 27 to 30, 33, 41 and 42, without the defences that stand between an agent and a person's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ac_guardrails import Grants, Guard, Question
from ac_guardrails import _standing as standing
from ac_guardrails import _text as texts
from ac_guardrails._asking import Asking
from ac_guardrails.approvers import _graph_messages as messages
from ac_tools import ImportContacts, UpdateContact
from ac_tools.tools import _origins as origins

from .common import Removal, at


def _bare(text: str, *, limit: int = 200) -> str:
    return text


def _unread(self: Any, call: Any) -> Any:
    return
    yield


def _answers_with_the_card(patch: pytest.MonkeyPatch) -> None:
    """Whatever an agent is answered, the latest card stands beside it."""
    made, run, cards = Asking._new, Guard.run, []

    def new(self: Any, plan: Any, verdict: Any, asked: Any, number: int = 0) -> Any:
        question = made(self, plan, verdict, asked, number)
        cards.append(str(question.request))
        return question

    def telling(self: Any, job: Any, sender: Any) -> Any:
        answer = run(self, job, sender)
        return replace(answer, content=f"{answer.content} {cards[-1]}")

    patch.setattr(Asking, "_new", new)
    patch.setattr(Guard, "run", telling)


_P = "test_people.test_row_"
_FOR_EVER = at(Question, "covers", lambda *_: True)
_UNLIMITED = at(Grants, "_passed", lambda *_: [])

REMOVALS = [
    Removal(
        f"{_P}18_text_of_outsiders_is_inert_wherever_a_person_looks",
        "the marks",
        at(texts.quoted, "__code__", _bare.__code__),
    ),
    Removal(
        f"{_P}18_text_of_outsiders_is_inert_wherever_a_person_looks",
        "the cleaning",
        at(texts, "_harmless", lambda char: char),
    ),
    Removal(
        f"{_P}18_text_of_outsiders_is_inert_wherever_a_person_looks",
        "the code spans",
        at(messages, "_code", lambda text: text),
        ("graph",),
    ),
    Removal(
        f"{_P}27_nothing_agreed_to_beforehand_brings_somebody_back",
        "the look at what makes it graver",
        at(standing, "_is_raised", lambda *_: False),
    ),
    Removal(
        f"{_P}30_nothing_agreed_to_beforehand_mails_from_an_import",
        "the look at what makes it graver",
        at(standing, "_is_raised", lambda *_: False),
    ),
    Removal(
        f"{_P}27_the_card_of_an_import_says_who_left_when_and_why",
        "the card's look at who left",
        at(ImportContacts, "portray", _unread),
    ),
    Removal(
        f"{_P}27_a_new_address_for_whoever_left_is_an_action_of_its_own",
        "the look at the memberships",
        at(UpdateContact, "look", _unread),
    ),
    Removal(f"{_P}28_another_association_by_now_is_asked_about_again", "the comparison with what was shown", _FOR_EVER),
    Removal(f"{_P}29_and_30_whom_it_reaches_by_now_is_asked_again", "the comparison with what was shown", _FOR_EVER),
    Removal(f"{_P}33_5000_people_in_one_call", "the limits", _UNLIMITED),
    Removal(f"{_P}33_56_calls_in_one_step", "the limits", _UNLIMITED),
    Removal(
        f"{_P}33_56_calls_in_one_step_are_one_question",
        "the waiting for each other",
        at(origins, "_shares_task", lambda config: False),
    ),
    Removal(
        f"{_P}41_the_limits_of_every_area_bind_an_import",
        "the further needs",
        at(ImportContacts, "needs", lambda self, call: (self.endpoint.need,)),
    ),
    Removal(f"{_P}42_the_agent_gets_nothing_of_the_card", "the silence about the card", _answers_with_the_card),
]
