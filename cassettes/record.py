"""Records the cassettes: `python cassettes/record.py` plays every scenario against the embedded account over HTTP.

The tests replay the same scenarios from the files, so the one table below is all there is to change.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import vcr  # type: ignore[import-untyped]
from langchain_core.messages import ToolMessage

from ac_guardrails import ApprovalRequest, Decision, Grants, Guard
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import catalog
from ac_tools.recording._cassette import Readable, indented, kept
from ac_tools.sandbox import Clock, Sandbox, Settings, serve

DIRECTORY = Path(__file__).parent
URL = "https://sandbox.api-us1.example"
KEY = "must-never-be-recorded"
_START = 1_772_442_000.0  # 2026-03-02T09:00:00Z: every recording happens in this one moment


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a scenario, and what must be true of its answer.

    Args:
        tool: The tool's name.
        says: What the content must hold.
        arguments: The call's arguments.
        status: The message's status.
        fault: How the account fails while it is recorded: method, path, and what `Sandbox.fault` is told.
    """

    tool: str
    says: str
    arguments: dict[str, Any] = field(default_factory=dict)
    status: str = "success"
    fault: tuple[str, str, dict[str, Any]] | None = None


def _refused(tool: str, says: str, **arguments: Any) -> Step:
    """A call that names something which is not there, or that the account refuses."""
    return Step(tool, says, arguments, "error")


def _during(fault: dict[str, Any], method: str, path: str, step: Step) -> Step:
    """The same call while the account fails."""
    return replace(step, fault=(method, path, fault))


_MARIA = "maria@lindqvist-interiors.example"
_NEW = "zoe@new.example"
_LIST = {"name": "Spring", "sender_url": "https://new.example", "sender_reminder": "You signed up."}
_NOBODYS_DEAL = {"contact": 99999, "stage": "1"}
_WEBHOOK = {
    "name": "Newcomers",
    "url": "https://hooks.new.example/activecampaign",
    "events": ["subscribe", "unsubscribe"],
    "sources": ["public", "admin", "api", "system"],
}
_IMPORTED = [{"email": f"import{number}@new.example"} for number in (1, 2, 3)]

SCENARIOS: dict[str, tuple[Step, ...]] = {
    "contacts": (
        Step("ac_get_contact", "46 maria@lindqvist-interiors.example", {"contact": _MARIA}),
        Step("ac_list_contacts", "call again with offset=2", {"search": "an", "limit": 2}),
        Step("ac_sync_contact", "281 zoe@new.example", {"email": _NEW, "first_name": "Zoë"}),
        Step("ac_create_contact", "already exists", {"email": _NEW}, "error"),
        Step("ac_create_contact", "Created 282", {"email": "ada@new.example"}),
        Step("ac_update_contact", "+1 555 0100", {"contact": _NEW, "phone": "+1 555 0100"}),
        Step("ac_import_contacts", "3 taken, 0 failed", {"contacts": _IMPORTED, "subscribe": ["Newsletter"]}),
        Step("ac_delete_contact", "Deleted contact 281", {"contact": _NEW}),
        Step("ac_get_contact", "No contact has the address", {"contact": _NEW}, "error"),
    ),
    "lists": (
        Step("ac_list_lists", "1 «Newsletter»"),
        Step("ac_get_list", "1 «Newsletter»", {"list": "Newsletter"}),
        Step(
            "ac_create_list",
            "Created list 6",
            {"name": "Autumn fair", "sender_url": "https://new.example", "sender_reminder": "You signed up."},
        ),
        Step("ac_set_list_status", "now unsubscribed", {"contact": 46, "list": 1, "status": "unsubscribe"}),
        Step(
            "ac_set_list_status",
            "now active",
            {"contact": "k.petersen@hafenkontor.example", "list": "Newsletter", "status": "subscribe"},
        ),
    ),
    "tags": (
        Step("ac_list_tags", "1 «Lead» on 43", {"search": "lead"}),
        Step("ac_create_tag", "Created tag 19", {"name": "Autumn fair"}),
        Step("ac_add_tag", "has tag 7 now", {"contact": _MARIA, "tag": "C#"}),
        Step("ac_remove_tag", "Took tag 7 off", {"contact": _MARIA, "tag": "C#"}),
    ),
    "deals": (
        Step("ac_list_deals", "of 47 shown", {"limit": 2}),
        Step("ac_get_deal", "18,400.00 EUR", {"deal": 27}),
        Step(
            "ac_create_deal",
            "1,250.50 USD",
            {
                "title": "Ten desks",
                "amount": "1250.50",
                "currency": "USD",
                "contact": 46,
                "pipeline": "Sales",
                "stage": "Qualified",
            },
        ),
        Step("ac_update_deal", "99.00 EUR", {"deal": 27, "amount": "99"}),
        Step("ac_get_deal", "99999", {"deal": 99999}, "error"),
    ),
    "fields": (
        Step("ac_list_fields", "%JOB_TITLE%"),
        Step("ac_get_field", "«Customer type»", {"field": "Customer type"}),
        Step("ac_create_field", "Created field 9", {"title": "Size", "type": "dropdown", "options": ["S", "M"]}),
    ),
    "campaigns": (Step("ac_create_campaign", "Autumn fair", {"name": "Autumn fair", "type": "single"}),),
    "automations": (
        Step("ac_list_automations", "Trade onboarding"),
        Step("ac_add_to_automation", "enrolled in automation 2", {"contact": 46, "automation": "Trade onboarding"}),
        Step("ac_list_contact_automations", "«Trade onboarding»", {"contact": 46}),
        Step("ac_remove_from_automation", "46", {"contact": 46, "automation": "Trade onboarding"}),
    ),
    "accounts": (
        Step("ac_list_accounts", "offset=2", {"limit": 2}),
        Step("ac_create_account", "«New Ltd»", {"name": "New Ltd"}),
    ),
    "failures": (
        _refused("ac_get_contact", "no contact with id 99999", contact=99999),
        Step("ac_list_contacts", "0 of 0 shown", {"search": "nobody-of-this-name"}),
        _refused("ac_update_contact", "no contact with id 99999", contact=99999, phone="1"),
        _refused("ac_update_contact", "already exists", contact=46, email="k.petersen@hafenkontor.example"),
        _refused("ac_delete_contact", "no contact with id 99999", contact=99999),
        _refused("ac_get_list", "no list with id 99", list=99),
        _refused("ac_get_list", "No list is called", list="Nobody's"),
        _refused("ac_set_list_status", "The related list does not exist", contact=46, list=99, status="unsubscribe"),
        Step("ac_create_tag", "the tag exists already", {"name": "lead"}),
        _refused("ac_add_tag", "«Tag not found»", contact=46, tag=999),
        _refused("ac_add_tag", "«Contact not found»", contact=99999, tag=1),
        _refused("ac_remove_tag", "does not have tag 7", contact=46, tag="C#"),
        _refused("ac_update_deal", "no deal with id 99999", deal=99999, amount="1"),
        _refused("ac_create_deal", "no contact with id 99999", title="x", amount="1", currency="EUR", **_NOBODYS_DEAL),
        _refused("ac_list_deals", "No stage is called", stage="Nowhere"),
        _refused("ac_get_field", "no custom field with id 999", field=999),
        _refused("ac_create_field", "already a field", title="Customer type", type="text"),
        _refused("ac_add_to_automation", "could not be enrolled", contact=46, automation=99),
        _refused("ac_remove_from_automation", "is not in automation 2", contact=46, automation=2),
        _refused("ac_list_contact_automations", "no contact with id 99999", contact=99999),
        Step("ac_create_account", "«New Ltd»", {"name": "New Ltd"}),
        _refused("ac_create_account", "already exists", name="New Ltd"),
        Step("ac_import_contacts", "Not sent (1)", {"contacts": [{"email": "no address"}, {"email": _NEW}]}),
    ),
    "outages": (
        _during(
            {"status": 429, "headers": {"Retry-After": "1"}}, "GET", "/tags", Step("ac_list_tags", "1 «Lead» on 43")
        ),
        _during({"status": 503}, "GET", "/lists", Step("ac_list_lists", "1 «Newsletter»")),
        _during({"status": 403}, "GET", "/accounts", _refused("ac_list_accounts", "is not allowed (403)")),
        _during({"status": 500}, "GET", "/automations", _refused("ac_list_automations", "a fault of ActiveCampaign's")),
        _during({"status": 401}, "GET", "/deals", _refused("ac_list_deals", "401")),
        _during({"status": 200, "body": "<html>"}, "GET", "/fields", _refused("ac_list_fields", "it is not JSON")),
        _during({"status": 403}, "POST", "/campaign", _refused("ac_create_campaign", "(403)", name="A", type="single")),
        _during({"status": 403}, "POST", "/lists", _refused("ac_create_list", "(403)", **_LIST)),
        _during(
            {"status": 503, "when": "after"},
            "DELETE",
            "/contacts/47",
            Step("ac_delete_contact", "It happened: contact 47 is gone", {"contact": 47}),
        ),
    ),
    "paging": (
        Step("ac_list_contacts", "call again with offset=279", {"limit": 2, "offset": 277}),
        Step("ac_list_contacts", "that is all", {"limit": 2, "offset": 279}),
        Step("ac_list_deals", "call again with offset=45", {"limit": 5, "offset": 40}),
        Step("ac_list_deals", "that is all", {"limit": 5, "offset": 45}),
        Step("ac_list_accounts", "0 of", {"offset": 500}),
    ),
    "imports": (
        Step("ac_import_contacts", "3 taken, 0 failed", {"contacts": _IMPORTED, "tags": ["Imported"]}),
        Step("ac_get_contact", "import3@new.example", {"contact": "import3@new.example"}),
    ),
    "webhooks": (
        Step("ac_list_webhook_events", "contact_tag_added"),
        Step("ac_create_webhook", "Created webhook 1", _WEBHOOK),
        Step("ac_list_webhooks", "hooks.new.example", {"name": "Newcomers"}),
        Step("ac_update_webhook", "Both ends", {"webhook": 1, "name": "Both ends"}),
        _refused("ac_update_webhook", "no webhook with id 7", webhook=7, name="Nobody's"),
        Step("ac_delete_webhook", "eleted", {"webhook": 1}),
    ),
}
"""Scenario -> its calls. Each begins with a fresh account; together they call every tool."""

SECONDS = {"imports": 0.6}
"""Scenario -> how far the account's clock moves with each request; where nothing stands here it stands still."""


def cassette(path: Path, mode: str) -> AbstractContextManager[Any]:
    """The cassette in a file, for recording (mode "all") or for replaying (mode "none")."""
    recorder = vcr.VCR(
        decode_compressed_response=True,
        before_record_request=_cleaned_request,
        before_record_response=_cleaned_response,
        match_on=("method", "scheme", "host", "port", "path", "query", "body"),
        serializer="readable",
    )
    recorder.register_serializer("readable", Readable)
    opened: AbstractContextManager[Any] = recorder.use_cassette(str(path), record_mode=mode)
    return opened


def toolkit_on(account: ActiveCampaign) -> ActiveCampaignToolkit:
    """All tools for an agent that may do everything, where every question is answered with yes."""
    grants = Grants.from_dict({"agents": {"marketing": dict.fromkeys(catalog.areas, "full")}}, catalog=catalog)
    return ActiveCampaignToolkit(
        account=account, guard=Guard(grants, approver=_agreed, ledger="memory:"), agent="marketing"
    )


def tool_call(step: Step) -> dict[str, Any]:
    """The step as a model would write it."""
    return {"type": "tool_call", "id": "call_1", "name": step.tool, "args": step.arguments}


def record(directory: Path) -> None:
    """Play every scenario against a served account of its own, and keep what went over the wire.

    Args:
        directory: Where the files are written, replacing those of the same name.

    Raises:
        RuntimeError: A tool answered something else than its scenario says, so nothing worth keeping was recorded.
    """
    for name, steps in SCENARIOS.items():
        path = directory / f"{name}.yaml"
        path.unlink(missing_ok=True)
        # Where the clock stands still, imports end at once: they would never end otherwise.
        seconds = SECONDS.get(name, 0.0)
        sandbox = _Passing(seconds, key=KEY, clock=Clock(_START), settings=Settings(import_seconds=3 * seconds))
        with (
            serve(sandbox) as server,
            cassette(path, "all"),
            toolkit_on(ActiveCampaign(url=server.url, key=KEY, limit=None)) as toolkit,
        ):
            for step in steps:
                if step.fault:
                    method, at, how = step.fault
                    sandbox.fault(method, at, **how)
                check(step, call(toolkit, step))


class _Passing(Sandbox):
    """An account whose clock moves with each request, so that a recording can be made again."""

    def __init__(self, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds

    def handle(self, *request: Any) -> Any:
        """Answer, a moment later."""
        self.clock.advance(self._seconds)
        return super().handle(*request)


def call(toolkit: ActiveCampaignToolkit, step: Step) -> ToolMessage:
    """Make the call of a step."""
    message: ToolMessage = toolkit.get_tool(step.tool).invoke(tool_call(step))
    return message


async def acall(toolkit: ActiveCampaignToolkit, step: Step) -> ToolMessage:
    """The same on an event loop."""
    message: ToolMessage = await toolkit.get_tool(step.tool).ainvoke(tool_call(step))
    return message


def check(step: Step, message: ToolMessage) -> None:
    """See that the answer is what the step says.

    Raises:
        RuntimeError: It is another.
    """
    if message.status != step.status or step.says not in str(message.content):
        raise RuntimeError(f"{step.tool} {step.arguments} answered ({message.status}): {message.content}")


def _agreed(request: ApprovalRequest) -> Decision:
    return Decision.approve(by="anna")


def _cleaned_request(request: Any) -> Any:
    """Method, address and body; the port of the day is replaced by a made-up host."""
    request.uri = re.sub(r"^http://127\.0\.0\.1:\d+", URL, request.uri)
    request.headers = {"Content-Type": "application/json"} if request.body else {}
    return request


def _cleaned_response(response: dict[str, Any]) -> dict[str, Any]:
    body = {"string": indented(response["body"]["string"])}
    return {**response, "headers": kept(response["headers"]), "body": body}


if __name__ == "__main__":
    record(DIRECTORY)
    print(f"Recorded {len(SCENARIOS)} cassettes in {DIRECTORY}.")
