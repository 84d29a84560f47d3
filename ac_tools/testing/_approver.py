"""A person for tests: answers what it is asked by a rule or a script, and remembers the questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ac_guardrails import ApprovalRequest, CannotAskError, Decision

Answer = Decision | Callable[[ApprovalRequest], Decision]
"""What is answered: a decision, or a function that makes one of the question."""


class RecordingApprover:
    """An approver that keeps every question it was asked, in order, in `requests`; `str()` of one is its card.

    It approves everything, unless it is told otherwise:

        RecordingApprover(Decision.reject("not today", by="anna"))      # the same answer to everything
        RecordingApprover(lambda request: ...)                          # by what is asked
        RecordingApprover([Decision.approve(by="anna"), no, ...])       # one after the other

    Args:
        answer: What it answers. A script that has come to its end answers nothing, so the call is refused.
    """

    def __init__(self, answer: Answer | Sequence[Answer] | None = None) -> None:
        self.requests: list[ApprovalRequest] = []
        self._answer = Decision.approve(by="a tester") if answer is None else answer

    def __call__(self, request: ApprovalRequest) -> Decision:
        """Answer one question."""
        self.requests.append(request)
        answer = self._next(len(self.requests))
        return answer if isinstance(answer, Decision) else answer(request)

    def __repr__(self) -> str:
        return f"RecordingApprover({len(self.requests)} asked)"

    def _next(self, number: int) -> Answer:
        if not isinstance(self._answer, Sequence):
            return self._answer
        if number > len(self._answer):
            raise CannotAskError(f"the test's script has {len(self._answer)} answers, and this is question {number}")
        return self._answer[number - 1]
