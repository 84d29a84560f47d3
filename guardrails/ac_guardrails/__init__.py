"""A guard between an AI agent and an API whose key has no scopes: grants, approvals, a ledger.

It knows no product. A product brings a `Catalog` of its areas and tools, and `Job`s to be carried through.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ac_guardrails._action import Action, Reference
from ac_guardrails._approvals import ApprovalRequest, Approver, CannotAskError, Card, Decision
from ac_guardrails._catalog import Catalog, CatalogTool, Level, Need
from ac_guardrails._desk import AnswerError, Question
from ac_guardrails._entries import Entry
from ac_guardrails._events import LedgerError
from ac_guardrails._grants import Grant, Grants, Verdict
from ac_guardrails._grants_reader import GrantsWarning
from ac_guardrails._guard import Guard
from ac_guardrails._history import Moment
from ac_guardrails._job import Answer, InvalidCall, Job, Plan, Refusal
from ac_guardrails._ledger import Ledger
from ac_guardrails._located import GrantsError
from ac_guardrails._rehearse import Rehearsal
from ac_guardrails._request import Permit, PermitError, Request
from ac_guardrails._settle import Settlement
from ac_guardrails._standing import Standing, StandingApproval
from ac_guardrails._stop import Stop, StoppedError
from ac_guardrails._text import inert, quoted

if TYPE_CHECKING:
    from ac_guardrails._explain import Explanation, Needed
    from ac_guardrails._replay import replay
    from ac_guardrails._replayed import Replay, Replayed
    from ac_guardrails._sets import Planned

__all__ = [
    "Action",
    "Answer",
    "AnswerError",
    "ApprovalRequest",
    "Approver",
    "CannotAskError",
    "Card",
    "Catalog",
    "CatalogTool",
    "Decision",
    "Entry",
    "Explanation",
    "Grant",
    "Grants",
    "GrantsError",
    "GrantsWarning",
    "Guard",
    "InvalidCall",
    "Job",
    "Ledger",
    "LedgerError",
    "Level",
    "Moment",
    "Need",
    "Needed",
    "Permit",
    "PermitError",
    "Plan",
    "Planned",
    "Question",
    "Reference",
    "Refusal",
    "Rehearsal",
    "Replay",
    "Replayed",
    "Request",
    "Settlement",
    "Standing",
    "StandingApproval",
    "Stop",
    "StoppedError",
    "Verdict",
    "inert",
    "quoted",
    "replay",
]

_LATER = {
    **dict.fromkeys(("Explanation", "Needed"), "_explain"),
    **dict.fromkeys(("Replay", "Replayed"), "_replayed"),
    "replay": "_replay",
    "Planned": "_sets",
}
"""What no agent needs: imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"ac_guardrails.{_LATER[name]}"), name)


for _name in set(__all__) - set(_LATER):
    _value = globals()[_name]
    if getattr(_value, "__module__", "").startswith("ac_guardrails."):
        _value.__module__ = "ac_guardrails"
del _name, _value
