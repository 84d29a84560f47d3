"""A triage that an event starts: of the one person who got the tag Lead."""

from __future__ import annotations

from ac_tools.webhooks import Received

from .graph import Triage
from .leads import Lead

TAG = "Lead"
_JOB_TITLE = ("1", "job_title")
"""The field as events name it, by its id or by its personalization tag: both occur."""


def started_by(received: Received) -> Triage | None:
    """What the workflow starts with; None where the event is about no new lead.

    What was done through the API starts nothing: the workflow tags people itself, and would go round in circles.

    Args:
        received: The event, a contact_tag_added.
    """
    event = received.event
    if event.initiated_from == "api" or event.tag != TAG or event.contact is None:
        return None
    person = event.contact
    lead = Lead(
        email=(person.email or "").lower(),
        first_name=person.first_name or "",
        last_name=person.last_name or "",
        phone=person.phone or "",
        company=person.orgname or "",
        job_title=next((person.fields[name] for name in _JOB_TITLE if name in person.fields), ""),
        interest="",
        budget=0,
    )
    return {"leads": [lead], "set_aside": []}
