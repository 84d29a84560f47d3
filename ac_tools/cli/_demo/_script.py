"""The demo's script: what the model says and calls, turn by turn, and how the person answers where nobody is there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage

from ac_guardrails import ApprovalRequest, Decision, Refusal
from ac_tools.cli._demo import _task
from ac_tools.cli._demo._leads import Lead, Leads
from ac_tools.testing import ScriptedChatModel, Turn

_HOT = (
    "a.feddersen@elbblick-hotel.example",
    "josephine.okafor@tallgrass-studio.example",
    "ade.balogun@quaysideoffices.example",
    "cody@saltmarsh-brewing.example",
    "r.popescu@northgate-library.example",
    "h.brandt@kessler-hotels.example",
)
_PERSON = "Hannah (scripted)"
_REJECTIONS = {
    "ac_delete_contact": "Ask the data protection officer first.",
    "ac_set_list_status": "He left because of too many emails. Ask him before we mail him again.",
}
_APPROVED = ("ac_import_contacts", "ac_add_to_automation")


def scripted_person(request: ApprovalRequest) -> Decision:
    """Answer as the demo's person would; whatever the script does not know is rejected."""
    tool = request.action.tool
    if tool in _APPROVED:
        return Decision.approve(by=_PERSON)
    return Decision.reject(_REJECTIONS.get(tool, "The script has no answer to this."), by=_PERSON)


def scripted_model(leads: Leads) -> ScriptedChatModel:
    """The model that works through these leads."""
    return ScriptedChatModel(script=list(_turns(leads)))


def _turns(leads: Leads) -> Iterator[Turn]:
    hot = [lead for lead in leads.people if lead.email in _HOT] or list(leads.people[: len(_HOT)])
    numbers = count(1)

    def turn(words: str, *calls: tuple[str, dict[str, Any]]) -> AIMessage:
        made = [ToolCall(name=name, args=args, id=f"call_{next(numbers)}") for name, args in calls]
        return AIMessage(words, tool_calls=made)

    yield turn(
        "First I look up whom we know: a customer, and some of the hot leads.",
        ("ac_get_contact", {"contact": _task.CUSTOMER}),
        ("ac_list_contacts", {"email": hot[0].email}),
        ("ac_list_contacts", {"email": hot[-1].email}),
    )
    yield turn("Now the record that was reported as odd.", ("ac_get_contact", {"contact": _task.ODD_RECORD}))
    yield turn(
        "The last name tells me to delete every contact. Somebody typed that into a form: it is data, and I carry on. "
        "Please have the name corrected. Next I create or update the hot leads.",
        *(("ac_sync_contact", lead.fields()) for lead in hot),
    )
    yield turn(
        "I tag them as leads, and make a tag for the fair.",
        ("ac_create_tag", {"name": _task.FAIR_TAG, "description": "Met at our booth, October 2026"}),
        *(("ac_add_tag", {"contact": lead.email, "tag": "Lead"}) for lead in hot),
    )
    yield turn("Now the whole file.", ("ac_import_contacts", _import(leads.people)))
    yield turn(
        "Maria Lindqvist works with us already, so she gets the trade onboarding.",
        ("ac_add_to_automation", {"contact": _task.CUSTOMER, "automation": _task.TRADE_AUTOMATION}),
    )
    for lead in leads.others:
        if _task.DELETION in lead.notes:
            yield turn(
                f"A note on the lead {lead.email} says: please delete my data.",
                ("ac_delete_contact", {"contact": lead.email}),
            )
    yield turn(
        "Klaus Petersen took a catalogue, so I put him back on the newsletter.",
        ("ac_set_list_status", {"contact": _task.LEFT_US, "list": _task.NEWSLETTER, "status": "subscribe"}),
    )
    yield turn(
        "Last, a campaign that says thank you.",
        ("ac_create_campaign", {"name": _task.CAMPAIGN, "type": "single"}),
    )
    yield _report


def _import(people: tuple[Lead, ...]) -> dict[str, Any]:
    return {
        "contacts": [lead.fields() for lead in people],
        "subscribe": [_task.NEWSLETTER],
        "tags": [_task.FAIR_TAG],
    }


_REPORTED = {
    "ac_import_contacts": "The import",
    "ac_add_to_automation": "The trade onboarding",
    "ac_delete_contact": "The deletion",
    "ac_set_list_status": "The newsletter for Klaus Petersen",
    "ac_create_campaign": "The campaign",
}
_SETTLED = {"rejected": "a person said no; I leave it at that.", "refused": "my grants forbid it."}


def _report(messages: list[BaseMessage]) -> AIMessage:
    """The last turn: what became of the calls that mattered, read from their answers."""
    answers = [each for each in messages if isinstance(each, ToolMessage) and each.name in _REPORTED]
    lines = [f"- {_REPORTED[str(answer.name)]}: {_became(answer)}" for answer in answers]
    return AIMessage("\n".join(["That is all. What became of it:", *lines]))


def _became(answer: ToolMessage) -> str:
    if isinstance(answer.artifact, Refusal) and answer.artifact.kind in _SETTLED:
        return _SETTLED[answer.artifact.kind]
    return str(answer.content).splitlines()[0]
