"""Prints twenty cards: what a person reads before a write. `python examples/cards.py`

It runs on the embedded account, without a key or a network. Every question is answered with no, so nothing is changed.
"""

from __future__ import annotations

from typing import Any

from ac_guardrails import ApprovalRequest, Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

AREAS = ("contacts", "lists", "tags", "deals", "fields", "campaigns", "automations", "accounts")
MARIA = "maria@lindqvist-interiors.example"
FAIR = [{"email": f"visitor{number}@fair.example", "first_name": "V."} for number in range(1, 249)]

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ac_delete_contact", {"contact": MARIA}),
    ("ac_delete_contact", {"contact": 47}),
    ("ac_set_list_status", {"contact": "k.petersen@hafenkontor.example", "list": "Newsletter", "status": "subscribe"}),
    ("ac_set_list_status", {"contact": 47, "list": 1, "status": "subscribe"}),
    ("ac_set_list_status", {"contact": 3, "list": "Webinar invitations", "status": "subscribe"}),
    ("ac_set_list_status", {"contact": 46, "list": 1, "status": "unsubscribe"}),
    ("ac_add_to_automation", {"contact": 46, "automation": 2}),
    ("ac_add_to_automation", {"contact": 6, "automation": "Trade onboarding"}),
    ("ac_remove_from_automation", {"contact": 32, "automation": 5}),
    ("ac_add_tag", {"contact": 46, "tag": 3}),
    ("ac_remove_tag", {"contact": 28, "tag": "Trade"}),
    ("ac_update_contact", {"contact": 46, "phone": "+46 8 555 0100", "field_values": [{"field": 1, "value": "CEO"}]}),
    ("ac_update_contact", {"contact": 59, "email": "klaus@petersen.example"}),
    ("ac_sync_contact", {"email": "bea.lovell@example.org", "last_name": "Lovell-Ray"}),
    ("ac_update_deal", {"deal": 27, "amount": "21500", "stage": "Agreement", "status": "won", "pipeline": 2}),
    (
        "ac_create_deal",
        {"title": "20 desks", "amount": "9800", "currency": "EUR", "contact": 46, "stage": 5, "owner": 4},
    ),
    (
        "ac_import_contacts",
        {
            "contacts": [*FAIR, {"email": "k.petersen@hafenkontor.example"}, {"email": "no address"}],
            "subscribe": ["Newsletter"],
            "tags": ["Fair Hamburg"],
        },
    ),
    (
        "ac_import_contacts",
        {
            "contacts": [{"email": MARIA}, {"email": "dieter.falk@example.com"}],
            "subscribe": [1],
            "run_automations": True,
        },
    ),
    (
        "ac_create_list",
        {
            "name": "Spring",
            "sender_url": "https://www.juniperandoak.example",
            "sender_reminder": "You signed up in our shop.",
            "send_last_broadcast": True,
        },
    ),
    ("ac_create_campaign", {"name": "Autumn sale", "type": "single"}),
)
"""Tool and arguments, by names where people would and by ids where agents do."""


def cards() -> list[str]:
    """The cards of the calls, in their order."""
    drawn: list[str] = []

    def no(request: ApprovalRequest) -> Decision:
        drawn.append(str(request.card))
        return Decision.reject(by="nobody")

    access = {area: "full" if area == "campaigns" else {"access": "full", "ask": "writes"} for area in AREAS}
    guard = Guard(Grants.from_dict({"agents": {"marketing": access}}), approver=no, ledger="memory:")
    with ActiveCampaign.sandbox() as account:
        toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
        for name, arguments in CALLS:
            toolkit.get_tool(name).invoke(arguments)
    return drawn


if __name__ == "__main__":
    print("\n\n".join(cards()))
