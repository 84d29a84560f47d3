"""Calls of the server's tools through the guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.messages import ToolMessage

from ac_guardrails import Guard
from ac_tools import ActiveCampaign
from ac_tools.remote_mcp import RemoteMCP

from .conftest import EVERYTHING
from .server import Account

Make = Callable[..., RemoteMCP]
Ask = Callable[..., ToolMessage]


def test_a_write_leaves_and_is_on_record(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, remote_account: Account, account: ActiveCampaign
) -> None:
    """A granted write is sent once, happens in the account, and is on record as the act that it is."""
    guard = guard_for({"tags": "write", "contacts": "read"})
    message = ask(remote_for(guard), "add_tag_to_contact", params={"contact": 46, "tag": 2})
    assert message.status == "success", message.content
    assert remote_account.calls == [("add_tag_to_contact", {"params": {"contact": 46, "tag": 2}})]
    (entry,) = guard.ledger.entries()
    assert (entry.tool, entry.host, entry.outcome) == ("ac_add_tag", account.host, "done")


def test_every_tool_works(
    remote_for: Make, guard_for: Callable[..., Guard], ask: Ask, approve: Any, remote_account: Account
) -> None:
    """With everything granted and approved, each of the 50 does what it says."""
    remote = remote_for(guard_for(EVERYTHING, approve))
    assert len(remote.get_tools()) == 50
    for name, arguments in CALLS.items():
        message = ask(remote, name, **arguments)
        assert message.status == "success", (name, message.content)
        assert remote_account.calls[-1] == (name, arguments)


CALLS: dict[str, dict[str, Any]] = {
    "list_contacts": {"params": {"limit": 5, "listid": 1, "filters": {"created_after": "2020-01-01"}}},
    "get_contact": {"contact_id": 46},
    "create_or_update_contact": {
        "params": {"email": "new@new.example", "firstName": "N", "fieldValues": [{"field": 1, "value": "x"}]}
    },
    "list_tags": {"params": {}},
    "get_tag": {"tag_id": 2},
    "create_contact_tag": {"params": {"tag": "Fresh", "tagType": "contact"}},
    "add_tag_to_contact": {"params": {"contact": 46, "tag": 2}},
    "list_lists": {"params": {"orders": {"name": "ASC"}}},
    "get_list": {"list_id": 1},
    "create_list": {"params": {"name": "L", "sender_url": "https://l.example", "sender_reminder": "You asked."}},
    "update_list": {
        "list_id": 2,
        "params": {"name": "L2", "sender_url": "https://l.example", "sender_reminder": "You asked."},
    },
    "add_contact_to_list": {"params": {"contact": 46, "list": 1, "status": 2}},
    "list_contact_custom_fields": {"params": {}},
    "get_contact_custom_field": {"field_id": 1},
    "create_contact_custom_field": {"params": {"title": "Nickname", "type": "text", "visible": 1}},
    "create_field_options": {
        "params": {"fieldOptions": [{"field": "2", "value": "q", "label": "Q", "orderid": 9, "isdefault": False}]}
    },
    "create_contact_field_relationship": {"params": {"relid": 1, "field": 1}},
    "list_contact_field_values": {"params": {}},
    "get_contact_field_value": {"field_value_id": 1},
    "create_contact_field_value": {"params": {"contact": 46, "field": 1, "value": "Owner"}},
    "update_contact_field_value": {"field_value_id": 1, "params": {"value": "Other"}},
    "list_campaigns": {"params": {}},
    "get_campaign": {"campaign_id": 1},
    "get_campaign_links": {"campaign_id": 1},
    "get_campaign_messages": {"campaign_id": 1},
    "update_campaign_message": {"message_id": 1, "params": {"subject": "Hello"}},
    "list_automations": {"params": {}},
    "list_contact_automations": {"params": {"filters": {"subscriberid": 32}}},
    "get_contact_automation": {"contact_automation_id": 1},
    "add_contact_to_automation": {"params": {"contact": 46, "automation": 2}},
    "remove_contact_from_automation": {"contact_automation_id": 8},
    "list_deals": {"params": {}},
    "get_deal": {"deal_id": 27},
    "create_deal": {
        "params": {"title": "Desks", "value": 125050, "currency": "usd", "contact": 46, "stage": 1, "group": 1}
    },
    "update_deal": {"deal_id": 27, "params": {"value": 1900000}},
    "create_deal_note": {"deal_id": 27, "note": "Call back"},
    "update_deal_note": {"deal_id": 27, "note_id": 1, "note": "Called"},
    "deal_owner_bulk_update": {"deals": [1, 27], "owner": 1},
    "list_deal_pipelines": {"params": {}},
    "get_deal_pipeline": {"pipeline_id": 1},
    "create_deal_pipeline": {"params": {"title": "P", "currency": "usd"}},
    "update_deal_pipeline": {"pipeline_id": 1, "params": {"title": "Sales now"}},
    "list_deal_activities": {"params": {}},
    "list_email_activities": {"params": {}},
    "list_groups": {"params": {}},
    "create_list_group_permission": {"params": {"listid": 1, "groupid": 1}},
    "list_custom_object_schemas": {"params": {}},
    "create_custom_object_schema": {"params": {"slug": "boats"}},
    "list_custom_object_records": {"params": {"schema_id": "boats"}},
    "create_or_update_custom_object_record": {"params": {"schema_id": "boats", "fields": {"name": "Fram"}}},
}
"""A valid call of each tool on the seeded account."""
