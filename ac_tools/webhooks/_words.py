"""Events in plain English, on one line, with what people outside wrote made inert and marked as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ac_guardrails import inert, quoted
from ac_tools.webhooks._events import EVENTS, Event

_SENTENCES: Mapping[str, str] = {
    "subscribe": "{contact} came {onto}",
    "unsubscribe": "{contact} left {list}",
    "update": "{contact} was changed",
    "contact_tag_added": "{contact} got the tag {tag}",
    "contact_tag_removed": "{contact} lost the tag {tag}",
    "deal_add": "{deal} was made",
    "deal_update": "{deal} was changed",
    "bounce": "{campaign} to {contact} came back",
    "click": "{contact} followed the link {link} in {campaign}",
    "deal_note_add": "{deal} got a note",
    "deal_pipeline_add": "the pipeline {pipeline} was made",
    "deal_stage_add": "the stage {stage} was made",
    "deal_task_add": "{deal} got the task {task}",
    "deal_task_complete": "the task {task} of {deal} was done",
    "deal_tasktype_add": "the kind of task {tasktype} was made",
    "forward": "{contact} passed {campaign} on",
    "list_add": "the list {mailing_list} was made",
    "open": "{contact} opened {campaign}",
    "reply": "{contact} answered {campaign}",
    "sent": "{campaign} begins to go out",
    "share": "{contact} shared {campaign}",
    "sms_reply": "{contact} answered a text message",
    "sms_sent": "a text message went to {contact}",
    "sms_unsub": "{contact} wants no more text messages",
    "subscriber_note": "{contact} got a note",
    "contact_task_add": "{contact} got the task {task}",
    "account_add": "{account} was made",
    "account_update": "{account} was changed",
    "account_contact_add": "{contact} came into {account}",
    "account_contact_update": "the place of {contact} in {account} was changed",
}
_BY = {
    "public": "by themselves",
    "admin": "by a person in the app",
    "api": "through the API",
    "system": "by an automation or the account itself",
}
_LIMIT = 80
"""Characters of a name or an address."""


def sentence(event: Event) -> str:
    """What happened, to whom, and who did it.

    Args:
        event: The event.
    """
    text = _SENTENCES.get(event.type, "something that is not known here").format_map(_Parts(event))
    text = text if event.type in _SENTENCES else f"{text}: {quoted(event.type, limit=_LIMIT)}"
    by = _BY.get(event.initiated_from or "")
    return f"{text}, {by}" if by else text


def events_table() -> str:
    """All known events with what each tells and its typed fields, in Markdown; made from the models."""
    known = set(Event.model_fields)
    lines = ["| event | what happened | read as | its own fields |", "| --- | --- | --- | --- |"]
    for name, model in EVENTS.items():
        happened = " ".join((model.__doc__ or "").split())
        fields = ", ".join(f"`{field}`" for field in model.model_fields if field not in known)
        lines.append(f"| `{name}` | {happened} | `{model.__name__}` | {fields or '-'} |")
    return "\n".join(lines)


class _Parts(dict[str, str]):
    """The parts of a sentence, each made when it is needed; what the event does not tell is "somebody" or the like."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __missing__(self, part: str) -> str:
        number = inert(self._event.list_id or "", limit=20)
        if part == "onto":
            return f"onto list {number}" if number else "into the account"
        if part == "list":
            return f"list {number}" if number else "a list"
        return _named(part, getattr(self._event, part, None))


def _named(part: str, found: Any) -> str:
    noun, nobody, name_of = _NOUNS.get(part, ("", "without a name", _titled))
    if isinstance(found, str):
        return quoted(found, limit=_LIMIT)
    number, name = (found.id, name_of(found)) if found is not None else ("", "")
    words = [inert(number, limit=20)] if number else []
    words += [quoted(name, limit=_LIMIT)] if name else []
    return " ".join([noun, *words]).lstrip() if words else nobody


def _titled(part: Any) -> str | None:
    return getattr(part, "title", None) or getattr(part, "name", None) or getattr(part, "url", None)


_NOUNS: Mapping[str, tuple[str, str, Callable[[Any], str | None]]] = {
    "contact": ("contact", "somebody", lambda person: person.email),
    "deal": ("deal", "a deal", _titled),
    "account": ("company", "a company", _titled),
    "campaign": ("campaign", "a mailing", _titled),
}
