"""On an event loop no tool blocks it: neither the tool itself, nor its guard, nor a ledger in a file."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockingError, blockbuster_ctx

from ac_guardrails import Grants, Guard
from ac_tools import ActiveCampaignToolkit, ImportContacts
from ac_tools._catalog import AREAS
from ac_tools.testing import RecordingApprover
from ac_tools.tools import TOOLS

pytest_plugins = ["ac_tools.testing.fixtures"]

NEW = {"name": "New", "sender_url": "https://new.example", "sender_reminder": "You asked."}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "ac_get_contact": {"contact": "maria@lindqvist-interiors.example"},
    "ac_list_contacts": {"tag": "VIP", "list": "Newsletter"},
    "ac_create_contact": {"email": "new@example.org", "field_values": [{"field": "Job title", "value": "Owner"}]},
    "ac_update_contact": {"contact": 46, "phone": "+1 555 0100"},
    "ac_sync_contact": {"email": "new@example.org"},
    "ac_import_contacts": {"contacts": [{"email": "a@imported.example"}], "subscribe": ["Newsletter"]},
    "ac_delete_contact": {"contact": 46},
    "ac_get_list": {"list": "Newsletter"},
    "ac_create_list": NEW,
    "ac_set_list_status": {"contact": "k.petersen@hafenkontor.example", "list": 1, "status": "subscribe"},
    "ac_create_tag": {"name": "Fresh"},
    "ac_add_tag": {"contact": 46, "tag": "C#"},
    "ac_remove_tag": {"contact": 28, "tag": "Trade"},
    "ac_get_deal": {"deal": 27},
    "ac_create_deal": {"title": "Desks", "amount": "1250.50", "currency": "USD", "contact": 46, "stage": "New"},
    "ac_update_deal": {"deal": 27, "amount": "19000"},
    "ac_get_field": {"field": "Customer type"},
    "ac_create_field": {"title": "Nickname", "type": "text"},
    "ac_create_campaign": {"name": "Autumn", "type": "single"},
    "ac_list_contact_automations": {"contact": 32},
    "ac_add_to_automation": {"contact": 46, "automation": "Trade onboarding"},
    "ac_remove_from_automation": {"contact": 32, "automation": "Win-back"},
    "ac_create_account": {"name": "Acme GmbH"},
}
"""A call of each tool that takes the way over names, facts and cards; the tools that are absent need no arguments."""


class Leisurely(RecordingApprover):
    """A person who thinks for a moment, in code that blocks, and looks something up in a file."""

    def __call__(self, request: Any) -> Any:
        time.sleep(0.001)
        Path(os.devnull).read_text()
        return super().__call__(request)


@pytest.fixture
def toolkit(ac_account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Everything granted and asked about, with a ledger in a file."""
    monkeypatch.setattr(ImportContacts, "patience", 0.02)
    monkeypatch.setattr(ImportContacts, "pause", 0.01)
    grants = Grants.from_dict({"agents": {"marketing": {area: {"access": "full", "ask": "writes"} for area in AREAS}}})
    guard = Guard(grants, approver=Leisurely(), ledger=f"sqlite:///{tmp_path / 'ledger.db'}")
    yield ActiveCampaignToolkit(account=ac_account, guard=guard, agent="marketing")
    guard.ledger.close()


async def run(toolkit: Any, name: str) -> Any:
    call = {"type": "tool_call", "id": "call_1", "name": name, "args": ARGUMENTS.get(name, {})}
    return await toolkit.get_tool(name).ainvoke(call, {"configurable": {"thread_id": "thread"}})


@pytest.mark.parametrize("name", [tool.model_fields["name"].default for tool in TOOLS])
async def test_no_tool_blocks_the_loop(name, toolkit):
    """From the first word to the last record of a call, nothing that waits for a disk or a clock runs on the loop."""
    with blockbuster_ctx():
        message = await run(toolkit, name)
    assert message.status == "success", message.content


async def test_a_walk_and_settling_block_nothing_either(toolkit):
    """What the toolkit does beside its tools does not block the loop."""
    with blockbuster_ctx():
        assert len([tag async for tag in toolkit.awalk("ac_list_tags")]) > 10
        assert await toolkit.asettle() == []


async def test_what_blocks_is_noticed(toolkit, monkeypatch):
    """The proof can fail: a ledger that is written on the loop itself is an error at once."""
    monkeypatch.setattr(type(toolkit.guard.ledger), "blocks", False)
    with blockbuster_ctx(), pytest.raises(BlockingError):
        await run(toolkit, "ac_create_tag")
    await asyncio.sleep(0)


def test_a_fresh_process_blocks_nothing_with_its_first_call(tmp_path):
    """What is looked up once in a process, such as its name, is not looked up on the loop."""
    program = f"""
import asyncio
from blockbuster import blockbuster_ctx
from ac_guardrails import Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit

guard = Guard(Grants.from_dict({{"agents": {{"marketing": {{"tags": "write"}}}}}}), ledger="sqlite:///{tmp_path}/l.db")
account = ActiveCampaign.sandbox()
tool = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing").get_tool("ac_create_tag")

async def main():
    with blockbuster_ctx():
        return await tool.ainvoke({{"type": "tool_call", "id": "1", "name": tool.name, "args": {{"name": "Fresh"}}}})

print(asyncio.run(main()).status)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "success\n", done.stderr
