"""Rows 1 to 10, without their defences."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

from ac_guardrails import ApprovalRequest, Decision, Grants, Guard, Level, Permit, _yaml
from ac_guardrails import _asking as asking
from ac_guardrails import _call as guarded
from ac_guardrails import _grants as grants
from ac_guardrails import _grants_reader as reader
from ac_guardrails._action import Action
from ac_guardrails._desk import Question
from ac_guardrails._located import from_data
from ac_guardrails._request import Request, mint
from ac_guardrails._steps import Ask
from ac_tools import ActiveCampaign, _account
from ac_tools.tools import _base
from ac_tools.tools import _job as jobs
from ac_tools.tools._base import ActiveCampaignTool, Binding
from ac_tools.tools._job import ToolJob
from ac_tools.tools._references import Noun, Ref

from .common import (
    Removal,
    at,
    every,
    nobody_decides,
    nobody_is_asked,
    the_agent_is_whoever,
    unknown_arguments_are_dropped,
)

HELD: dict[int, Any] = {}


def held(number: int) -> Any:
    """What was pickled by its number."""
    return HELD[number]


def _by_number(self: Any) -> Any:
    HELD[id(self)] = self
    return held, (id(self),)


def _assigns(self: Any, name: str, value: Any) -> None:
    """Take anything; pydantic's own place for private attributes is where the tool finds them."""
    (BaseTool if name.startswith("_") else object).__setattr__(self, name, value)


def _claimed_in_config(raw: dict[str, Any]) -> str:
    config = ensure_config()
    claims = [config["metadata"].get("agent"), config["configurable"].get("agent"), *config["tags"]]
    return next((claim for claim in claims if claim), "")


def _claimed_in_arguments(raw: dict[str, Any]) -> str:
    raw.pop("approved", None)
    return raw.pop("agent", "")


def _falls_back(patch: pytest.MonkeyPatch) -> None:
    """A tool that lost its binding uses the last one, with a guard that lets everything through."""
    kept: list[Binding] = []
    made = ActiveCampaignTool.__init__

    def init(self: Any, *, account: Any, guard: Guard, agent: str, **kwargs: Any) -> None:
        guard = copy.copy(guard)
        guard.grants = type("Open", (Grants,), {"decide": lambda *_, **__: grants.Verdict("allow", "")})({}, _catalog())
        kept.append(Binding(account, guard, agent))
        made(self, account=account, guard=guard, agent=agent, **kwargs)

    patch.setattr(ActiveCampaignTool, "__init__", init)
    patch.setattr(ActiveCampaignTool, "binding", property(lambda self: kept[-1]))


def _catalog() -> Any:
    from ac_tools._catalog import catalog

    return catalog


def _lax_decision(self: Any, request: Any) -> Any:
    try:
        answer = yield Ask(self._guard.approver, request, 60.0)
    except BaseException:
        answer = None
    return answer if isinstance(answer, Decision) and answer.kind == "reject" else Decision.approve(by="somebody")


def _arguments_are_read_again(patch: pytest.MonkeyPatch) -> None:
    """After the answer the caller's arguments are read anew, and the answer is taken for whatever they are now."""
    prepare = ToolJob.prepare

    def anew(self: Any, readable: Any, *, again: bool = False) -> Any:
        self._args = self._outlined = None
        return prepare(self, readable, again=again)

    patch.setattr(jobs, "deepcopy", lambda raw: raw)
    patch.setattr(ToolJob, "prepare", anew)
    patch.setattr(Question, "covers", lambda *_: True)


def _what_was_shown_is_sent(patch: pytest.MonkeyPatch) -> None:
    """The approver gets the very request that is sent, which is not made anew from the arguments after the answer."""

    def at_once(self: Any, plan: Any, verdict: Any, found: Any = None) -> Any:
        question = self._new(plan, verdict, [])
        decision = yield Ask(self._guard.approver, question.request, 60.0)
        return replace(question, decision=decision), True

    patch.setattr(asking.Asking, "about", at_once)
    patch.setattr(Question, "covers", lambda *_: True)


def _any_permit(patch: pytest.MonkeyPatch) -> None:
    begun = ActiveCampaign._begin
    patch.setattr(ActiveCampaign, "_begin", lambda self, request, permit: begun(self, request, mint(request)))
    patch.setattr(Permit, "__init__", lambda *_: None)
    patch.setattr(Permit, "spend", lambda self, request: None)
    patch.setattr(Permit, "__reduce__", lambda self: (mint, (Request("DELETE", "/contacts/46"),)))


# The code and not the method: pydantic keeps the method that it finds when it first builds a schema.
_ALWAYS_SEVEN = at(Noun.parse, "__code__", (lambda self, value: Ref(self.noun, 7)).__code__)
_FILE = "test_gate_grants.test_row_01_a_wrong_word_fails_when_the_file_is_loaded"
_WAYS = "test_gate_paths.test_row_04_every_way_into_a_tool_meets_the_guard"
_CONFIG = "test_gate_paths.test_row_08_"
_UNCLASSIFIED = "test_gate_paths.test_row_10_what_nobody_classified_is_denied"
_DURING = "test_gate_approver.test_row_05_arguments_changed_during_the_question_change_nothing"
_WORDS = ("area", "level", "key", "noun", "tool", "yes is no level", "false is not off", "access")
_LOST = ("a copy without a binding", "_binding = None")
_ASSIGNED = ("guard = None", "agent = admin")
_ANYWAY = (*_LOST, *_ASSIGNED, "a pickled copy")

REMOVALS = [
    Removal(
        _FILE, "the reader that knows places", at(_yaml, "from_yaml", lambda text, _: from_data(yaml.safe_load(text)))
    ),
    Removal(_FILE, "the check of words", at(reader, "_grant", lambda area, *_: grants.Grant(area, Level.READ)), _WORDS),
    Removal(
        "test_gate_grants.test_row_01_a_bare_off_is_the_level_off",
        "the reading of off",
        at(reader, "_level", lambda node: Level.READ),
    ),
    Removal(
        "test_gate_arguments.test_row_06_what_is_no_id_makes_no_request",
        "the parsing of references",
        _ALWAYS_SEVEN,
    ),
    Removal(
        "test_gate_arguments.test_row_06_a_name_travels_only_as_a_query_value",
        "the parsing of references",
        _ALWAYS_SEVEN,
    ),
    Removal(
        "test_gate_arguments.test_row_06_the_transport_refuses_a_path_of_anything_but_words_and_ids",
        "the pattern of paths",
        at(_account, "_PATH", re.compile(r"[\s\S]*")),
    ),
    Removal(
        "test_gate_arguments.test_row_07_reserved_words_in_the_arguments_are_never_believed",
        "the refusal of unknown arguments",
        unknown_arguments_are_dropped,
        ("all but runtime-ToolNode",),
    ),
    Removal(
        "test_gate_arguments.test_row_07_reserved_words_in_the_arguments_are_never_believed",
        "the binding of the agent",
        the_agent_is_whoever(lambda raw: "admin"),
        ("runtime-ToolNode",),
    ),
    Removal(
        "test_gate_arguments.test_row_07_an_agent_named_in_the_arguments_is_not_who_calls",
        "the binding of the agent",
        the_agent_is_whoever(_claimed_in_arguments),
    ),
    Removal(
        "test_gate_arguments.test_row_09_an_unknown_argument_is_refused_by_name",
        "the refusal of unknown arguments",
        unknown_arguments_are_dropped,
    ),
    Removal(_WAYS, "the decision", nobody_decides, (f"all but {', '.join(_ANYWAY)}",)),
    Removal(_WAYS, "the refusal of tools without a binding", _falls_back, _LOST),
    Removal(
        _WAYS,
        "the refusal of assignments, and the decision",
        every(at(ActiveCampaignTool, "__setattr__", _assigns), nobody_decides),
        _ASSIGNED,
    ),
    Removal(
        _WAYS,
        "the refusal to pickle accounts and ledgers, and the decision",
        every(at(ActiveCampaign, "__reduce__", _by_number), at(Guard, "__reduce__", _by_number), nobody_decides),
        ("a pickled copy",),
    ),
    Removal(
        "test_gate_paths.test_row_04_a_subclass_cannot_take_the_guards_place",
        "the seal on the guard's methods",
        at(_base, "_SEALED", ()),
    ),
    Removal(
        "test_gate_paths.test_row_04_no_request_leaves_without_the_guards_permit",
        "the permit at the transport",
        _any_permit,
    ),
    Removal(
        f"{_CONFIG}a_config_cannot_change_who_calls",
        "the binding of the agent",
        the_agent_is_whoever(_claimed_in_config),
    ),
    Removal(
        f"{_CONFIG}a_sub_agent_keeps_the_identity_of_its_tools",
        "the binding of the agent",
        the_agent_is_whoever(_claimed_in_config),
    ),
    Removal(_UNCLASSIFIED, "the decision", nobody_decides),
    Removal(_UNCLASSIFIED, "the catalog", at(Grants, "_is_known", lambda *_: True), ("a passthrough that reads",)),
    Removal(
        "test_gate_paths.test_row_10_a_tool_that_the_agent_was_never_given_is_no_tool",
        "the choice of tools, and the decision",
        every(at(Grants, "tools", lambda self, agent: [tool.name for tool in self.catalog.tools]), nobody_decides),
    ),
    Removal(
        "test_gate_approver.test_row_02_no_clear_answer_is_no",
        "the check of the answer",
        at(asking.Asking, "_decision_of", _lax_decision),
    ),
    Removal(
        "test_gate_approver.test_row_02_an_interrupted_approver_is_no",
        "the check of the answer",
        at(asking.Asking, "_decision_of", _lax_decision),
    ),
    Removal(
        "test_gate_approver.test_row_02_an_answer_after_the_time_is_no",
        "the end of the question's time",
        at(asking, "ApprovalRequest", lambda **asked: ApprovalRequest(**{**asked, "expires_at": 4e9})),
    ),
    Removal("test_gate_approver.test_row_02_without_an_approver_it_is_no", "the question", nobody_is_asked),
    Removal(
        "test_gate_approver.test_row_03_an_edit_to_what_is_forbidden_is_refused",
        "the second look at an edit",
        at(ToolJob, "edited", lambda self, arguments: self),
    ),
    Removal(
        "test_gate_approver.test_row_03_an_edit_to_what_is_forbidden_is_refused",
        "the narrowing to one list",
        at(grants, "_outside_only", lambda *_: None),
        ("another list",),
    ),
    Removal(
        "test_gate_approver.test_row_03_an_edit_to_another_person_is_asked_again",
        "the comparison of targets",
        at(Action, "same_target", lambda *_: True),
    ),
    Removal(
        "test_gate_approver.test_row_03_an_edit_that_raises_the_level_is_asked_again",
        "the comparison of needs",
        lambda patch: _compare_without_needs(patch),
    ),
    Removal("test_gate_approver.test_row_03_endless_edits_run_nothing", "the bound", at(guarded, "_MOST_EDITS", 1000)),
    Removal(
        "test_gate_approver.test_row_05_arguments_rewritten_on_the_way_are_what_is_asked",
        "the question",
        nobody_is_asked,
    ),
    Removal(_DURING, "the arguments' copy", _arguments_are_read_again, ("the call's arguments",)),
    Removal(_DURING, "the copy that the approver is shown", _what_was_shown_is_sent, ("the request that was shown",)),
    Removal(
        "test_gate_approver.test_row_05_a_jump_back_to_the_tools_after_a_rejection_meets_the_same_no",
        "the question",
        nobody_is_asked,
    ),
]


def _compare_without_needs(patch: pytest.MonkeyPatch) -> None:
    same = Action.same_target
    patch.setattr(Action, "same_target", lambda self, other: same(self, replace(other, needs=self.needs)))
