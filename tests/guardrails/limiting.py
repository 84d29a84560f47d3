"""A person who answers every question alike."""

from __future__ import annotations

from ac_guardrails import ApprovalRequest, Decision

YES, NO = Decision.approve(by="anna"), Decision.reject("not today", by="anna")


class Person:
    """Gives the same answer to every question, and keeps them."""

    def __init__(self, answer: Decision = YES) -> None:
        self.answer = answer
        self.requests: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return self.answer

    @property
    def reasons(self) -> list[str]:
        return [dict(request.card.rows)["Why ask"] for request in self.requests]
