"""Webhooks as sentences and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ac_guardrails import inert

if TYPE_CHECKING:
    from ac_tools.webhooks import Job, Received


def event_line(received: Received) -> str:
    """An event on one line: when it came (UTC), its id here, what happened."""
    again = f" (came {received.duplicates + 1} times)" if received.duplicates else ""
    return f"{_when(received.at)}  {received.id}  {received.sentence}{again}"


def event_as_data(received: Received) -> dict[str, Any]:
    """An event as plain data, with its form as the account sent it."""
    return {
        "id": received.id,
        "at": _moment(received.at).isoformat(timespec="milliseconds"),
        "type": received.event.type,
        "sentence": received.sentence,
        "duplicates": received.duplicates,
        "form": dict(received.event.wire),
    }


def job_lines(job: Job) -> str:
    """Work that was kept aside, with its reason."""
    times = "once" if job.attempts == 1 else f"{job.attempts} times"
    return (
        f"{event_line(job.received)}\n  {inert(job.handler, limit=80)}, tried {times}: {inert(job.reason, limit=300)}"
    )


def job_as_data(job: Job) -> dict[str, Any]:
    """Work that was kept aside, as plain data."""
    work = {"handler": job.handler, "attempts": job.attempts, "reason": job.reason}
    return {**event_as_data(job.received), **work}


def _when(at: float) -> str:
    return f"{_moment(at):%Y-%m-%d %H:%M:%SZ}"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
