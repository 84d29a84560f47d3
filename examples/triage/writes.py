"""What is written about a lead, step by step: pure functions, so that nothing is decided where something is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .leads import Lead

AUTOMATION = "Trade onboarding"
_CURRENCY = "USD"


class Write(NamedTuple):
    """One call of a tool, and what it is called in the report."""

    tool: str
    args: dict[str, Any]
    words: str


def contact(lead: Lead) -> Iterator[Write]:
    """Make the contact. Of people whom the account has, the names stay as they are there."""
    known = bool(lead["known"])
    names = {} if known else {"first_name": lead["first_name"], "last_name": lead["last_name"]}
    args: dict[str, Any] = {name: value for name, value in {**names, "phone": lead["phone"]}.items() if value}
    if lead["job_title"]:
        args["field_values"] = [{"field": "Job title", "value": lead["job_title"]}]
    if args or not known:
        yield Write("ac_sync_contact", {"email": lead["email"], **args}, "contact saved")


def tags(lead: Lead) -> Iterator[Write]:
    """Tag those who have not bought yet, and those who buy for a business."""
    known = lead["known"]
    wanted = [] if known and known["customer"] else ["Lead"]
    wanted += ["B2B/Office"] if lead["business"] else []
    for tag in wanted:
        if not known or tag not in known["tags"]:
            yield Write("ac_add_tag", {"contact": lead["email"], "tag": tag}, f"tag {tag}")


def deal(lead: Lead) -> Iterator[Write]:
    """Open a deal for each hot lead that has none."""
    if lead["grade"] == "hot" and not (lead["known"] and lead["known"]["open_deals"]):
        args: dict[str, Any] = {
            "title": f"{lead['interest']}: {lead['company'] or lead['email']}",
            "amount": str(lead["budget"]),
            "currency": _CURRENCY,
            "contact": lead["email"],
            "pipeline": "Sales",
        }
        if lead["account"]:
            args["account"] = lead["account"]
        yield Write("ac_create_deal", args, f"deal of {lead['budget']:,} {_CURRENCY}")


def enrolment(lead: Lead) -> Iterator[Write]:
    """Enrol whom nothing speaks against. It sends mail, so a person decides about each."""
    if not why_not_enrolled(lead):
        yield Write(
            "ac_add_to_automation", {"contact": lead["email"], "automation": AUTOMATION}, f"enrolment in {AUTOMATION}"
        )


def why_not_enrolled(lead: Lead) -> str:
    """Why a lead gets no mail from the automation; empty where nothing speaks against it."""
    known = lead["known"]
    if known and known["left"]:
        return f"left {' and '.join(known['left'])}, so somebody should call"
    if known and known["customer"]:
        return "is a customer already"
    if known and AUTOMATION in known["automations"]:
        return "was in it before"
    return "" if lead["grade"] == "hot" else f"is {lead['grade']}"


STEPS: dict[str, Callable[[Lead], Iterator[Write]]] = {
    "save": contact,
    "tag": tags,
    "open_deals": deal,
    "enrol": enrolment,
}
"""The steps that write, in their order: each needs what the one before has made."""
