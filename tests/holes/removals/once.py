"""Rows 11 to 14, 17 and 21 to 26, without their defences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ac_guardrails import LedgerError, Question
from ac_guardrails import _call as guarded
from ac_guardrails import _desk as desk
from ac_guardrails import _ledger as ledger
from ac_guardrails import _record as record
from ac_guardrails import _settle as settle
from ac_guardrails._asking import Asking
from ac_guardrails._canonical import digest
from ac_guardrails._ledger import Ledger
from ac_guardrails._origin import Origin
from ac_guardrails._record import Record
from ac_guardrails._steps import Send

from .common import Removal, at, every
from .processes import in_processes

_ONCE, _HAPPENED = "test_once.test_row_", "test_did_it_happen.test_row_"
_TWICE = every(at(ledger, "refuse_twice", lambda *_: None), at(ledger, "refuse_second", lambda *_: None))
_TWICE_THERE = "from ac_guardrails import _ledger; _ledger.refuse_second = _ledger.refuse_twice = lambda *_: None"
_LATE_THERE = "from ac_guardrails import _desk; _desk._why_late = lambda *_: ''"
_UNRECORDED = "from ac_guardrails._ledger import Ledger; Ledger.reserve = lambda *_, **__: None"
_TRANSACTION = Ledger.transaction
_ANY_ANSWER = at(desk, "_why_late", lambda *_: "")
_ANY_APPROVAL = every(
    at(record, "digest", lambda value: "0" * 64),
    at(desk, "_serves", lambda asked, *_: bool(asked) and not asked[-1].over),
    at(Question, "covers", lambda *_: True),
)


def _lasts_for_ever(patch: pytest.MonkeyPatch) -> None:
    made = Asking._new

    def new(self: Any, plan: Any, verdict: Any, asked: Any, number: int = 0) -> Any:
        question = made(self, plan, verdict, asked, number)
        return replace(question, request=replace(question.request, expires_at=1e11))

    patch.setattr(Asking, "_new", new)


def _hasty(finding: Any, **_: Any) -> str:
    return "happened" if finding.kind == "present" else "did_not_happen"


def _one_look(finding: Any, *, cut_at: float, now: float, wait: float, **_: Any) -> str:
    return _hasty(finding) if now >= cut_at + wait else "unknown"


async def _gives_up(self: Any, sender: Any) -> Any:
    return await sender.asend(self.request, self.permit)


def _silent(self: Any, *_: Any, **__: Any) -> Any:
    return
    yield


def _key(*parts: str) -> Callable[[Origin, Any], str]:
    """The replay key of a call from some of what tells it apart."""

    def key(self: Origin, action: Any) -> str:
        all_of_it = {"turn": self.turn, "tool": action.tool, "arguments": dict(action.arguments)}
        return digest([self.thread, self.call, *(all_of_it[part] for part in parts)])[:32]

    return key


_METHODS = ("append", "append_read", "reserve", "recall")


def _goes_on_without(patch: pytest.MonkeyPatch) -> None:
    """A ledger that cannot be used is done without."""
    for name, instead in {**dict.fromkeys(_METHODS), "outlook": ({}, "")}.items():
        patch.setattr(Ledger, name, _or_else(getattr(Ledger, name), instead))


def _or_else(method: Callable[..., Any], instead: Any) -> Callable[..., Any]:
    def lax(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except LedgerError:
            return instead

    return lax


REMOVALS = [
    Removal(
        f"{_ONCE}11_processes_that_present_one_approval_at_once_send_one_request",
        "the look for an earlier sending",
        in_processes(_TWICE_THERE),
    ),
    Removal(
        f"{_ONCE}11_threads_that_present_one_approval_at_once_send_one_request",
        "the look for an earlier sending",
        _TWICE,
    ),
    Removal(
        f"{_ONCE}11_one_approval_is_one_request_also_for_calls_with_ids_of_their_own",
        "the look for an earlier sending",
        _TWICE,
    ),
    Removal(f"{_ONCE}12_of_many_people_who_answer_at_once_one_counts", "the look at the first answer", _ANY_ANSWER),
    Removal(
        f"{_ONCE}12_of_many_processes_that_answer_at_once_one_counts",
        "the look at the first answer",
        in_processes(_LATE_THERE),
    ),
    Removal(f"{_ONCE}12_a_second_click_changes_nothing", "the look at the first answer", _ANY_ANSWER),
    Removal(f"{_ONCE}12_an_answer_after_the_time_does_not_count", "the look at the clock", _ANY_ANSWER),
    Removal(
        f"{_ONCE}13_what_was_approved_for_one_contact_does_not_run_for_another",
        "the binding of an approval",
        _ANY_APPROVAL,
    ),
    Removal(
        f"{_ONCE}14_what_changed_since_the_approval_is_asked_again",
        "the comparison with what was shown",
        at(Question, "covers", lambda *_: True),
    ),
    Removal(f"{_ONCE}17_an_approval_that_is_used_days_later_runs_nothing", "the end of an approval", _lasts_for_ever),
    Removal(
        f"{_HAPPENED}21_a_write_that_happened_before_the_cut_is_found_at_once",
        "the reading back",
        at(settle, "judge", lambda *_, **__: "unknown"),
    ),
    Removal(
        f"{_HAPPENED}21_absence_right_after_the_cut_proves_nothing",
        "the wait before absence counts",
        at(settle, "judge", _hasty),
    ),
    Removal(
        f"{_HAPPENED}21_a_write_that_lands_a_minute_later_is_found",
        "the wait before absence counts",
        at(settle, "judge", _hasty),
    ),
    Removal(
        f"{_HAPPENED}21_one_look_after_the_minute_is_not_enough", "the second look", at(settle, "judge", _one_look)
    ),
    Removal(
        f"{_HAPPENED}22_the_same_call_runs_again_where_nothing_was_sent",
        "the difference between nothing sent and sent",
        at(guarded, "standing", lambda entry: "repeat"),
    ),
    Removal(
        f"{_HAPPENED}23_a_process_that_is_killed_in_flight_leaves_it_on_record",
        "the record before the request",
        in_processes(_UNRECORDED),
    ),
    Removal(
        f"{_HAPPENED}23_a_process_that_is_killed_while_it_reads_leaves_its_reads_on_record",
        "the record before a read",
        in_processes("from ac_guardrails._ledger import Ledger; Ledger.append_read = Ledger.append_late"),
    ),
    Removal(
        f"{_HAPPENED}23_a_power_cut_may_take_the_outcome_along_and_never_the_write",
        "the wait for the disk before a write leaves",
        at(Ledger, "transaction", lambda self, *, durable, **more: _TRANSACTION(self, durable=False, **more)),
    ),
    Removal(
        f"{_HAPPENED}24_a_task_that_is_cancelled_in_flight_has_its_outcome_on_record",
        "the wait for what is on its way",
        at(Send, "ado", _gives_up),
    ),
    Removal(
        f"{_HAPPENED}24_ctrl_c_in_flight_is_on_record_as_unknown",
        "the record of an interruption",
        at(Record, "outcome", _silent),
    ),
    Removal(
        f"{_HAPPENED}25_a_call_id_that_is_used_again_for_another_call_is_a_new_call",
        "the arguments in the replay key",
        at(Origin, "key", _key("turn", "tool")),
    ),
    Removal(
        f"{_HAPPENED}25_the_same_call_in_another_turn_is_a_new_call",
        "the turn in the replay key",
        at(Origin, "key", _key("tool", "arguments")),
    ),
    Removal(f"{_HAPPENED}26_without_a_ledger_nothing_leaves", "the record as a condition of sending", _goes_on_without),
]
