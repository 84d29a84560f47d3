"""What several rows need in order to take a defence out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ac_guardrails import Decision, Grants
from ac_guardrails._asking import Asking
from ac_guardrails._grants import Verdict
from ac_guardrails._job import Plan
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._job import ToolJob

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Removal:
    """One defence, taken out.

    Args:
        test: The test that must fail then, as "file.test_row_...".
        what: What is taken out, in words.
        patch: Takes it out.
        variants: The ids of the test's variants that must fail; all of them where empty.
    """

    test: str
    what: str
    patch: Patch
    variants: tuple[str, ...] = ()


def nobody_decides(patch: pytest.MonkeyPatch) -> None:
    """Everything is allowed."""
    patch.setattr(Grants, "decide", lambda *_, **__: Verdict("allow", "Nobody looks."))


def nobody_is_asked(patch: pytest.MonkeyPatch) -> None:
    """What needs a person is approved in nobody's name."""

    def about(self: Asking, plan: Plan, verdict: Verdict, found: Any = None) -> Any:
        return replace(self._new(plan, verdict, []), decision=Decision.approve(by="nobody")), True
        yield

    patch.setattr(Asking, "about", about)


def unknown_arguments_are_dropped(patch: pytest.MonkeyPatch) -> None:
    """Arguments that a tool does not have are dropped silently, as the API does it."""
    strict = BaseModel.model_validate.__func__

    def lax(cls: Any, raw: Any) -> Any:
        given = copy.deepcopy(raw)
        for _ in range(20):
            try:
                return strict(cls, given)
            except ValidationError as error:
                unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
                if not unknown:
                    raise
                *way, name = unknown[0]
                place = given
                for step in way:
                    place = place[step]
                del place[name]
        raise AssertionError("there is no end of unknown arguments")

    patch.setattr(Arguments, "model_validate", classmethod(lax))


def the_agent_is_whoever(claimed: Callable[[dict[str, Any]], str]) -> Patch:
    """The agent is whoever a function of the raw arguments says."""

    def patch_it(patch: pytest.MonkeyPatch) -> None:
        bound = ToolJob.__init__

        def believing(self: ToolJob, tool: Any, raw: Any, origin: Any) -> None:
            raw = dict(raw)
            agent = claimed(raw)
            bound(self, tool, raw, origin)
            self.agent = agent or self.agent

        patch.setattr(ToolJob, "__init__", believing)

    return patch_it


def at(target: Any, name: str, value: Any) -> Patch:
    """One attribute, replaced."""
    return lambda patch: patch.setattr(target, name, value)


def every(*patches: Patch) -> Patch:
    """Several patches that together take one defence out."""

    def patch_all(patch: pytest.MonkeyPatch) -> None:
        for one in patches:
            one(patch)

    return patch_all
