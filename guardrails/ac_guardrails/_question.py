"""A question to a person about one action, or a set of them, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ac_guardrails._action import Action
from ac_guardrails._approvals import ApprovalRequest, Card, Decision
from ac_guardrails._canonical import canonical


@dataclass(frozen=True)
class Question:
    """A question as the ledger keeps it.

    Args:
        request: What is asked.
        binds: The digest of the action that an approval covers.
        voids: What the consent rests on; when one of these changes, it is void.
        beyond: The limits that its person is told of; an approval lets the action pass these and no others.
        decision: The answer that stands; None while there is none.
        over: Whether no answer counts any more: a later question took its place, or its call has ended.
        overruled: Who said otherwise when the answer stood already, and what; the last of them.
        members: The questions that an answer to this one answers, too, as far as they are open then: those of a set.
    """

    request: ApprovalRequest
    binds: str
    voids: Mapping[str, Any] = field(default_factory=dict)
    decision: Decision | None = None
    over: bool = False
    overruled: Mapping[str, str] | None = None
    beyond: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()

    def is_about(self, action: Action) -> bool:
        """Whether it asked about this action, whatever has changed of what an answer rests on."""
        return self.binds == action.digest() and action.same_target(self.request.action)

    def says_the_same(self, arguments: str) -> bool:
        """Whether it asked about a call with these arguments, as canonical JSON, whatever they meant by then."""
        return canonical(dict(self.request.action.arguments)) == arguments

    def covers(self, action: Action, voids: Mapping[str, Any], beyond: frozenset[str] = frozenset()) -> bool:
        """Whether an answer to it is an answer about this action, as things are now."""
        same = self.is_about(action) and beyond <= self.beyond
        return same and canonical(dict(self.voids)) == canonical(dict(voids))

    def is_open(self, now: float) -> bool:
        """Whether it can still be answered."""
        return self.decision is None and not self.over and now < self.request.expires_at

    def says(self, decision: Decision) -> bool:
        """Whether its answer is the same, whoever gives it."""
        stands = self.decision
        return stands is not None and (stands.kind, stands.arguments) == (decision.kind, decision.arguments)

    def to_json(self) -> dict[str, Any]:
        """As it lies in the payload."""
        request, card = self.request, self.request.card
        return {
            "id": request.id,
            "action": request.action.to_json(),
            "card": [card.title, [list(row) for row in card.rows], card.warning],
            "facts": dict(request.facts),
            "expires": request.expires_at,
            "binds": self.binds,
            "voids": dict(self.voids),
            "beyond": sorted(self.beyond),
            **({"members": list(self.members)} if self.members else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, over: bool) -> Question:
        """From the payload."""
        title, rows, warning = data["card"]
        action = Action.from_json(data["action"])
        request = ApprovalRequest(
            id=data["id"],
            agent=action.agent,
            action=action,
            card=Card(title, tuple((label, text) for label, text in rows), warning),
            facts=data["facts"],
            expires_at=data["expires"],
        )
        said = data.get("decision")
        decision = Decision(said["kind"], said["by"], said["reason"], said["arguments"]) if said else None
        beyond, members = frozenset(data.get("beyond", ())), tuple(data.get("members", ()))
        return cls(request, data["binds"], data["voids"], decision, over, data.get("overruled"), beyond, members)
