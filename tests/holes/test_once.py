"""Rows 11 to 14 and 17: an approval is good for one request, for exactly what was shown, as things were, and in time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import AnswerError, Decision
from ac_guardrails.approvers import Inbox

DELETE = {"contact": 46}
SEVEN, OTHER = "/contacts/7", "/contacts/999"
YES = Decision.approve(by="anna")


def approved(guard: Any) -> None:
    """Anna says yes to the one question that waits."""
    (question,) = guard.desk.waiting()
    guard.desk.answer(question.request.id, YES)


@pytest.mark.parametrize("count", [8, pytest.param(64, marks=pytest.mark.long)])
def test_row_11_processes_that_present_one_approval_at_once_send_one_request(count, served, callers, beside):
    """One approval, presented by many processes in the same moment: one request leaves, and all learn the result."""
    assert callers(tool="ac_delete_contact", args=DELETE)[0][0] == "error"
    toolkit = beside()
    approved(toolkit.guard)
    told = callers(tool="ac_delete_contact", args=DELETE, count=count)
    assert [item.method for item in served.sandbox.requests if item.method != "GET"] == ["DELETE"]
    assert told == [["success", "Deleted contact 46."]] * count
    assert toolkit.guard.ledger.verify() == ""
