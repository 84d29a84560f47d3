"""Asking a person: the request, the card that it shows, the decision, and what an approver is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ac_guardrails._action import Action
from ac_guardrails._canonical import canonical
from ac_guardrails._display import Displayed
from ac_guardrails._text import inert

if TYPE_CHECKING:
    from ac_guardrails._guard import Guard
    from ac_guardrails._job import Job
    from ac_guardrails._steps import Steps


@dataclass(frozen=True)
class Card(Displayed):
    """What a person sees before deciding, in plain words.

    Text that came from the account is made inert when the card is drawn: it cannot imitate the card's own lines.

    Args:
        title: What would happen, as a sentence.
        rows: Pairs of a label and a text: who asks, to whom it happens, what is known of them.
        warning: What cannot be taken back, said last; empty where nothing is.
    """

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    warning: str = ""

    def inert(self) -> Card:
        """The same card, harmless to show: none of its texts can break a line or imitate the card's own words."""
        rows = tuple((label, inert(text, limit=2000)) for label, text in self.rows)
        return Card(inert(self.title, limit=400), rows, self.warning)

    def lines(self) -> list[str]:
        """The card as lines of plain text."""
        card = self.inert()
        width = max((len(label) for label, _ in card.rows), default=0)
        warning = [f"  {card.warning}"] if card.warning else []
        return [card.title, *(f"  {label:<{width}}  {text}" for label, text in card.rows), *warning]

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True)
class ApprovalRequest(Displayed):
    """One action that waits for a person.

    Args:
        id: What the approval is called in the ledger.
        agent: Who asks.
        action: What would run, exactly.
        card: What the person is shown.
        facts: What was read from the account to decide; ids, counts, dates.
        expires_at: Epoch seconds after which an answer no longer counts.
    """

    id: str
    agent: str
    action: Action
    card: Card
    facts: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float = 0.0

    def __str__(self) -> str:
        return str(self.card)

    @property
    def expires(self) -> datetime:
        """When the question lapses, in UTC."""
        return datetime.fromtimestamp(self.expires_at, UTC)

    def seconds_left(self, now: float | None = None) -> float:
        """How long an answer still counts."""
        return self.expires_at - (time.time() if now is None else now)


@dataclass(frozen=True)
class Decision:
    """A person's answer. Made with `approve`, `reject` or `edit`; everything else is no answer.

    Args:
        kind: What was decided.
        by: The name of the person who decided.
        reason: Why it was rejected.
        arguments: The tool arguments to use instead.
    """

    kind: Literal["approve", "reject", "edit"]
    by: str
    reason: str = ""
    arguments: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.by, str) or not self.by.strip():
            raise ValueError("A decision needs the name of the person who made it: by=.")
        if self.kind not in ("approve", "reject", "edit"):
            raise ValueError(f"{self.kind!r} is no decision. Use Decision.approve, .reject or .edit.")
        if (self.kind == "edit") != (self.arguments is not None):
            raise ValueError("An edit carries the new arguments, and nothing else does.")
        if self.arguments is not None:
            canonical(dict(self.arguments))  # raises where the person's mistake is, and not after the call

    @classmethod
    def approve(cls, *, by: str) -> Decision:
        """Let exactly this action run, once."""
        return cls("approve", by)

    @classmethod
    def reject(cls, reason: str = "", *, by: str) -> Decision:
        """Let nothing run; the reason is told to the agent."""
        return cls("reject", by, reason=reason)

    @classmethod
    def edit(cls, arguments: Mapping[str, Any], *, by: str) -> Decision:
        """Run the same tool with these arguments instead, after they are validated and decided again."""
        return cls("edit", by, arguments=arguments)


class CannotAskError(RuntimeError):
    """An approver that cannot reach anybody raises this; its message, a clause, is told to the agent."""


class Elsewhere(ABC):
    """An approver whose answers come into the ledger by themselves: from another process, or when a graph resumes."""

    answers_at_once: ClassVar[bool] = False
    """Whether an answer that it brings was given before this run of the call, whose facts are therefore newer."""

    def hold(self, guard: Guard, job: Job) -> Steps[None]:
        """Called before a call begins; may wait, or end the run, until others that run beside it were decided on."""
        return
        yield  # a generator, like the ones that wait

    def is_pause(self, error: BaseException) -> bool:
        """Whether an exception is how it has the run wait, and tells nobody of a fault."""
        return False

    def __call__(self, request: ApprovalRequest) -> Decision:
        """Not how it is asked: it needs the guard's ledger."""
        raise CannotAskError(f"{self!r} cannot be called by itself; give it to the guard as its approver")

    @abstractmethod
    def ask(self, guard: Guard, job: Job, request: ApprovalRequest) -> Steps[None]:
        """Wait for an answer to come, as long as it makes sense; it is looked up in the ledger afterwards.

        Args:
            guard: Whose question it is.
            job: The call.
            request: What is asked.

        Raises:
            CannotAskError: Nobody can be reached this way.
        """


Approver = Callable[[ApprovalRequest], Decision | Awaitable[Decision]] | Elsewhere
"""Anyone who can be asked: a function, sync or async, from a request to a decision; or one who answers elsewhere.

None, an exception and anything that is not a Decision count as a refusal.
"""
