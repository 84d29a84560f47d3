"""Rows 12, 15, 16, 17, 19 and 20 in LangGraph, and LangChain's holes, without their defences."""

from __future__ import annotations

from typing import Any

import pytest

from ac_guardrails import ApprovalRequest
from ac_guardrails import _asking as asking
from ac_guardrails import _call as guarded
from ac_guardrails import _desk as desk
from ac_guardrails import _ledger as ledger
from ac_guardrails.approvers import _graph_runs as runs
from ac_guardrails.approvers import langgraph as approver
from ac_tools.tools import _origins as origins

from .common import Removal, at, every, nobody_decides

_FILE, _LANGCHAIN = "test_graph.test_row_", "test_langchain_holes.test_row_"
_BATCH = ("sync-ToolNode", "async-ToolNode")
_TASKS = ("sync-create_agent", "async-create_agent")

_REMEMBERS_NOTHING = every(
    at(guarded, "standing", lambda entry: "adopt"),
    at(ledger, "refuse_twice", lambda *_: None),
    at(ledger, "refuse_second", lambda *_: None),
    at(desk, "refuse_second", lambda *_: None),
)
_NEVER_LAPSES = at(asking, "ApprovalRequest", lambda **asked: ApprovalRequest(**{**asked, "expires_at": 4e9}))


def _in_the_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    """Answers are given out without regard to what was shown, last question first."""
    shown = desk.Desk.rounds

    def rounds(self: Any, task: str, count: int) -> Any:
        return [list(reversed(ids or [])) for ids in shown(self, task, count)]

    patch.setattr(desk.Desk, "rounds", rounds)


class _WhateverWasAsked(list[str]):
    """Equal to every list that has something in it."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return bool(other)

    def __ne__(self, other: object) -> bool:
        return not other


def _every_pause_is_ours(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks at what the pause has shown."""

    def shown(configurable: Any) -> Any:
        return _WhateverWasAsked(["something"])
        yield

    patch.setattr(runs, "_last_shown", shown)


def _prior_calls_are_new(patch: pytest.MonkeyPatch) -> None:
    """A call has no name by which it would be known again."""
    patch.setattr("ac_guardrails._origin.Origin.key", lambda *_: "")


REMOVALS = [
    Removal(f"{_FILE}12_a_double_click_sends_one_request", "the memory of calls", _REMEMBERS_NOTHING),
    Removal(
        f"{_FILE}12_the_first_answer_stands", "the lock on what was answered", at(desk, "_why_late", lambda *_: "")
    ),
    Removal(
        f"{_FILE}15_each_answer_reaches_the_call_that_it_was_shown",
        "the record of what was shown",
        _in_the_order_of_arrival,
        tuple(f"{order}-{way}" for order in ("backwards", "forwards") for way in _BATCH),
    ),
    Removal(
        f"{_FILE}15_each_answer_reaches_the_call_that_it_was_shown",
        "the name of the task",
        at(approver, "task_of", lambda origin: "the only one"),
        tuple(f"{order}-{way}" for order in ("backwards", "forwards") for way in _TASKS),
    ),
    Removal(
        f"{_FILE}15_an_answer_to_another_question_decides_nothing",
        "the look at what the pause has shown",
        _every_pause_is_ours,
    ),
    Removal(f"{_FILE}16_a_bad_answer_is_asked_again", "the patience", at(approver, "_MOST_UNUSABLE", 1)),
    Removal(f"{_FILE}17_an_approval_days_later_runs_nothing", "the end of the question's time", _NEVER_LAPSES),
    Removal(
        f"{_FILE}19_a_finished_sibling_does_not_run_again",
        "the waiting for each other, and the memory of calls",
        every(at(origins, "_shares_task", lambda config: False), _prior_calls_are_new),
    ),
    Removal(
        f"{_FILE}19_what_a_node_did_before_the_pause_is_not_done_again", "the memory of calls", _prior_calls_are_new
    ),
    Removal(f"{_FILE}20_a_retry_gives_the_recorded_result", "the memory of calls", _REMEMBERS_NOTHING),
    Removal(
        f"{_FILE}20_a_new_process_goes_on_where_the_old_one_paused",
        "the waiting for each other, and the memory of calls",
        every(at(origins, "_shares_task", lambda config: False), _prior_calls_are_new),
    ),
    Removal(f"{_FILE}20_a_replayed_checkpoint_gives_the_recorded_result", "the memory of calls", _prior_calls_are_new),
    Removal(f"{_LANGCHAIN}01_a_misspelt_tool_name_opens_nothing", "the decision", nobody_decides),
    Removal(f"{_LANGCHAIN}02_a_predicate_without_an_answer_opens_nothing", "the decision", nobody_decides),
    Removal(f"{_LANGCHAIN}03_an_edit_to_another_tool_runs_nothing", "the decision", nobody_decides),
    Removal(f"{_LANGCHAIN}11_two_clicks_send_one_request", "the memory of calls", _REMEMBERS_NOTHING),
    Removal(f"{_LANGCHAIN}05_arguments_rewritten_after_the_approval_are_asked", "the decision", nobody_decides),
    Removal(f"{_LANGCHAIN}05_a_jump_past_a_rejection_runs_nothing", "the decision", nobody_decides),
    Removal(f"{_LANGCHAIN}19_what_ran_before_a_pause_does_not_run_again", "the memory of calls", _REMEMBERS_NOTHING),
    Removal(f"{_LANGCHAIN}17_an_approval_days_later_has_lapsed", "the end of the question's time", _NEVER_LAPSES),
]
