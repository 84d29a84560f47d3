"""What a product hands to the guard: a call that can be outlined, prepared, carried out and edited."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ac_guardrails._action import Action
from ac_guardrails._approvals import Card
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._origin import Origin
from ac_guardrails._request import Request
from ac_guardrails._steps import Pause

Exchange = Generator[Request | Pause | Action, Any, Any]
"""A product's part of a call: yields requests, is sent replies. The guard permits, records and sends each of them.

While it is prepared it may also yield an action whose references are resolved: the call ends there if the grants do not
reach them, before anything about them is read.
"""


class InvalidCall(ValueError):  # noqa: N818 - no fault of the program, but an answer to the model
    """The call's arguments cannot be used. The message names the value, the rule and the remedy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent gets back.

    Args:
        content: Text for the model.
        artifact: The typed record or records, whole, for the program.
        ok: Whether the call did what was asked.
    """

    content: str
    artifact: Any
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call did not do what was asked; the artifact of every answer that is no success.

    Args:
        kind: invalid, refused, rejected, expired, waiting, stopped, blocked, failed, unknown or not_found.
        reason: The same in words.
        entry: The ledger entry that has it on record; empty where none was made.
    """

    kind: str
    reason: str
    entry: str = ""


@dataclass(frozen=True)
class Plan:
    """A call after everything was read that a decision needs.

    Args:
        action: The final action.
        facts: What was read and decides: ids, counts, statuses, dates; no contact's values, since it goes on record.
        card: What a person would be shown.
        perform: Carries the action out.
        voids: What a person's consent rests on: if one of these has changed when the action would run, it is void.
        portray: Reads what a consent rests on, once it is clear that a person must have agreed, and, if told so, what
            only a card needs; returns the plan with it. None where there is nothing more to read.
    """

    action: Action
    card: Callable[[], Card]
    perform: Callable[[], Exchange]
    facts: Mapping[str, Any] = field(default_factory=dict)
    voids: Mapping[str, Any] = field(default_factory=dict)
    portray: Callable[[bool], Exchange] | None = None


class Job(Protocol):
    """One call of one tool by one agent. A class that extends this need not say what it cannot do."""

    agent: str
    tool: str
    host: str
    origin: Origin = Origin()
    before: Mapping[str, Any] | None = None
    """What stood where the call writes, as JSON, read when it is carried out; kept so that it can be taken back."""

    def outline(self) -> Action:
        """The action as far as the arguments alone tell it.

        Raises:
            InvalidCall: The arguments cannot be used.
        """

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Exchange:
        """Read what is needed; returns a Plan, or an Answer where nothing has to be sent.

        Args:
            readable: The areas that the agent may read; names from others must not reach it.
            again: Whether somebody may have agreed to what was read before, so that nothing remembered will do.
        """

    def edited(self, arguments: Mapping[str, Any]) -> Job:
        """The same call with other arguments."""

    def arguments(self) -> Mapping[str, Any]:
        """What was asked for, as JSON."""

    def read_back(self, tool: str, key: Mapping[str, Any], since: float) -> ReadBack:
        """Read whether a write of one of the product's tools happened.

        Args:
            tool: The tool's name.
            key: The natural key, as its action had it.
            since: When the write left, in epoch seconds.
        """
        return Finding("cannot_tell", "it leaves nothing that could be read back")
        yield  # a generator, like the ones that read something

    def made(self, artifact: Any) -> str:
        """The record that a write has made, named with its id, to tell it from one that another call makes."""
        return ""

    def kept(self, artifact: Any) -> Any:
        """An artifact as JSON, to be given again to the same call; None where it cannot be kept."""
        return None

    def given_again(self, kept: Any) -> Any:
        """The artifact that `kept` made JSON of."""
        return None
