"""What is said of a webhook: its events and sources as types, where it sends, and a URL that shows where that is."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from ac_guardrails import InvalidCall, quoted
from ac_tools._records import Webhook

Event = Literal[
    "subscribe",
    "unsubscribe",
    "update",
    "contact_tag_added",
    "contact_tag_removed",
    "deal_add",
    "deal_update",
    "bounce",
    "click",
    "deal_note_add",
    "deal_pipeline_add",
    "deal_stage_add",
    "deal_task_add",
    "deal_task_complete",
    "deal_tasktype_add",
    "forward",
    "list_add",
    "open",
    "reply",
    "sent",
    "share",
    "sms_reply",
    "sms_sent",
    "sms_unsub",
    "subscriber_note",
    "contact_task_add",
    "account_add",
    "account_update",
    "account_contact_add",
    "account_contact_update",
]
Source = Literal["public", "admin", "api", "system"]
Events = Annotated[list[Event], Field(min_length=1)]
Sources = Annotated[list[Source], Field(min_length=1)]
WebhookId = Annotated[int, Field(strict=True, ge=1)]

_DOORS = {"public": "contacts themselves", "admin": "people in the app", "api": "the API", "system": "automations"}


def check_url(tool: str, url: str) -> None:
    """Refuse a URL that would not work, or that would not show where it leads."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme != "https" or port not in (None, 443):
        fault = "webhooks are sent to https on port 443 only"
    elif not plain or "." not in host or not host.replace("-", "").replace(".", "").isalnum():
        fault = "its URL names no host that could be shown"
    elif not host.rstrip(".").rpartition(".")[2][:1].isalpha():
        fault = "its URL names a host by a number, which tells nobody where it leads"
    elif parts.username is not None or parts.fragment:
        fault = "its URL holds a name, a password or a fragment, which do not arrive"
    else:
        return
    raise InvalidCall(
        f"{tool} was not called: {fault}. Give a URL such as https://hooks.example.com/activecampaign/SECRET."
    )


def host_of(url: str) -> str:
    """The host that a URL leads to, quoted where it holds what no host does."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return host if host.replace("-", "").replace(".", "").isalnum() else quoted(host or "an unreadable URL", limit=80)


def names_of(names: Any) -> str:
    """Names of events or of sources, those that the account has made up in quotes."""
    return ", ".join(name if name.replace("_", "").isalnum() else quoted(name, limit=40) for name in names)


def doors_of(sources: Any) -> str:
    """Whose doings a webhook is told of, for a person."""
    return ", ".join(_DOORS.get(source, "others") for source in sources)


def line_of(hook: Webhook) -> str:
    """A webhook on one line, its URL by the host alone."""
    told = f"tells {host_of(hook.url or '')} of {names_of(hook.events) or 'nothing: it is switched off'}"
    return f"{hook.id} {quoted(hook.name or '', limit=80)}: {told}, caused by {names_of(hook.sources) or 'nobody'}"
