"""Webhooks: where the account sends what happens in it. No part of the 29, and off unless granted.

Whoever knows a webhook's URL can write to its receiver, since nothing else proves that the account is writing. So a
model is shown the host alone; the record that a program gets has the URL whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from ac_guardrails import Answer, InvalidCall, Level, Request, quoted
from ac_guardrails._finding import Finding, ReadBack
from ac_guardrails._job import Exchange
from ac_tools._errors import NotFoundError
from ac_tools._records import Webhook
from ac_tools.tools._arguments import Arguments, PagedArguments
from ac_tools.tools._base import ActiveCampaignTool, not_found
from ac_tools.tools._call import Call
from ac_tools.tools._card import becoming
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._read_back import collection_of, find_made, others, record_if_there
from ac_tools.tools._references import ListRef
from ac_tools.tools._render import content, exactly, one, page_answer
from ac_tools.tools._settling import Settling, made

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


class ListWebhooksArguments(PagedArguments):  # noqa: D101
    name: str | None = Field(None, serialization_alias="filters[name]")


class ListWebhooks(ActiveCampaignTool):
    """Lists webhooks: `GET /webhooks` (documented). One that answered 410 once is off for good, and still listed."""

    name: str = "ac_list_webhooks"
    description: str = "List webhooks: which events go to which host."
    args_schema: type[ListWebhooksArguments] = ListWebhooksArguments
    sentence: ClassVar[str] = "list the webhooks"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/webhooks",
        area="webhooks",
        level=Level.READ,
        acts_on="webhook",
        risk="shows where people's data is sent",
        reply="webhooks",
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line a webhook."""
        return page_answer(reply, "webhooks", Webhook, _line, call)


class ListWebhookEvents(ActiveCampaignTool):
    """Lists what a webhook can be told of: `GET /webhook/events` (documented: 25, and more exist)."""

    name: str = "ac_list_webhook_events"
    description: str = "List the events that webhooks can send."
    args_schema: type[Arguments] = Arguments
    sentence: ClassVar[str] = "list the events of webhooks"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/webhook/events",
        area="webhooks",
        level=Level.READ,
        acts_on="webhook event",
        risk="shows names of events",
        reply="webhookEvents",
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """The names."""
        found = reply.data.get("webhookEvents") if isinstance(reply.data, Mapping) else None
        names = [name for name in found or [] if isinstance(name, str)]
        shown = [name if name.replace("_", "").isalnum() else quoted(name, limit=40) for name in names]
        return Answer(content(", ".join(shown) or "The account names none."), names)


class CreateWebhookArguments(Arguments):  # noqa: D101
    name: str = Field(min_length=1, max_length=255)
    url: str = Field(min_length=1, max_length=1000, description="https, port 443")
    events: Events
    sources: Sources = Field(description="Who caused it; api includes your own writes")
    list: ListRef | None = Field(None, serialization_alias="listid", description="Only this list")


class _Write(ActiveCampaignTool):
    """What creating and changing a webhook share: both send people's data elsewhere."""

    def check(self, call: Call) -> None:
        """Https on 443, which alone works (documented), and a host that the card can show."""
        if call.args.url is not None:
            _check_url(self.name, call.args.url)

    def why(self, call: Call) -> str:
        """Where to."""
        host = _host(call.args.url) if call.args.url else ""
        return f"People's data would be sent to {host} by itself" if host else "It changes what the account sends where"

    def warning(self, call: Call) -> str:
        """Loops, and what cannot be called back."""
        loop = (
            "It would also be told of what the API does, this agent's own writes among it: a receiver that answers an "
            "event with a write can run in circles. "
            if "api" in (call.args.sources or ())
            else ""
        )
        return f"{loop}What it has sent cannot be called back. {super().warning(call)}"


class CreateWebhook(_Write):
    """Has events sent to a URL: `POST /webhooks` (documented)."""

    name: str = "ac_create_webhook"
    description: str = "Have the account send events to a URL. A person must approve."
    args_schema: type[CreateWebhookArguments] = CreateWebhookArguments
    sentence: ClassVar[str] = "create a webhook"
    plain: ClassVar[str] = "send {what} to {host}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/webhooks",
        area="webhooks",
        level=Level.FULL,
        acts_on="webhook",
        risk="sends people's data elsewhere",
        wrap="webhook",
        reply="webhook",
        key=("name", "url"),
        settles=made("webhook", "/webhooks", "of that name and URL"),
        shows=("Sends to", "Tells of", "Caused by", "Only list"),
        voids=("name of the list",),
        reads=2,
        inverse="delete the webhook",
    )

    def words(self, call: Call) -> Mapping[str, str]:
        """How many events, and where to."""
        count = len(call.args.events)
        return {"what": "1 event" if count == 1 else f"{count} events", "host": _host(call.args.url)}

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Where to, what, and of whom."""
        args = call.args
        rows = [("Sends to", _host(args.url)), ("Tells of", ", ".join(args.events))]
        rows.append(("Caused by", _doors(args.sources)))
        if args.list is not None:
            rows.append(("Only list", f"{call.id(args.list)} {quoted(call.known[args.list].name or '', limit=80)}"))
        return tuple(rows)

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By name, URL and time."""
        walk = collection_of("/webhooks", "webhooks")
        is_it = lambda hook: (hook.name, hook.url) == (key["name"], key["url"])  # noqa: E731
        return (yield from find_made("webhook", walk, Webhook, is_it, since, others(key)))

    def answer(self, call: Call, reply: Any) -> Answer:
        """The new webhook's id."""
        hook = one(reply, "webhook", Webhook)
        return Answer(content(f"Created webhook {_line(hook)}."), hook)


class UpdateWebhookArguments(Arguments):  # noqa: D101
    webhook: WebhookId = Field(description="Id")
    name: str | None = Field(None, min_length=1, max_length=255)
    url: str | None = Field(None, min_length=1, max_length=1000, description="https, port 443")
    events: Events | None = None
    sources: Sources | None = None
    list: ListRef | None = Field(None, serialization_alias="listid", description="Only this list")


class _Existing(ActiveCampaignTool):
    """What changing and deleting a webhook share: it is read first, so that the card says which it is."""

    def look(self, call: Call) -> Exchange:
        """Which it is."""
        number = call.args.webhook
        try:
            reply = yield Request("GET", f"/webhooks/{number:d}")
        except NotFoundError:
            return not_found(f"Nothing to do: there is no webhook with id {number}.")
        hook = call.seen["webhook"] = exactly(number, reply, "webhook", Webhook)
        call.bind("what the webhook sends where", [hook.name, hook.url, *hook.events, *hook.sources])
        return None


class UpdateWebhook(_Existing, _Write):
    """Changes what a webhook sends where: `PUT /webhooks/{id}` (documented)."""

    name: str = "ac_update_webhook"
    description: str = "Change what a webhook sends where. A person must approve."
    args_schema: type[UpdateWebhookArguments] = UpdateWebhookArguments
    sentence: ClassVar[str] = "change webhook {number}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "PUT",
        "/webhooks/{webhook}",
        area="webhooks",
        level=Level.FULL,
        acts_on="webhook",
        risk="changes where people's data is sent",
        wrap="webhook",
        reply="webhook",
        key=("webhook", "values"),
        settles=Settling(("GET /webhooks/{webhook}",), "the webhook has the new values", "it has others, or is gone"),
        shows=("Webhook", "Sends to", "Tells of", "Caused by"),
        voids=("what the webhook sends where", "name of the list"),
        reads=3,
        inverse="change it back to what its card showed",
    )

    def words(self, call: Call) -> Mapping[str, str]:
        """Which."""
        return {"number": str(call.args.webhook)}

    def check(self, call: Call) -> None:
        """Something must change."""
        super().check(call)
        if len(call.args.model_dump(exclude_none=True)) < 2:
            raise InvalidCall("ac_update_webhook was not called: nothing to change. Give at least one new value.")

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What it is and what it would be."""
        hook, args = call.seen["webhook"], call.args
        was, new = _host(hook.url or ""), _host(args.url or hook.url or "")
        moved = f"{new}, at another address there" if args.url not in (None, hook.url) and was == new else new
        doors = (_doors(hook.sources), _doors(args.sources or hook.sources))
        return (
            ("Webhook", f"{hook.id} {quoted(hook.name or '', limit=80)}"),
            ("Sends to", becoming(was, moved)),
            ("Tells of", becoming(_names(hook.events), _names(args.events or hook.events))),
            ("Caused by", becoming(*doors)),
        )

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """Which, and what it is to have."""
        return {"webhook": call.args.webhook, "values": _values(call)}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By its values."""
        number = key["webhook"]
        reply = yield from record_if_there(Request("GET", f"/webhooks/{number:d}"))
        if reply is None:
            return Finding("absent", f"webhook {number} is gone")
        hook = exactly(number, reply, "webhook", Webhook)
        other = [name for name, value in key["values"].items() if _plain(getattr(hook, name)) != _plain(value)]
        if other:
            return Finding("absent", f"webhook {number} has another {' and '.join(other)}")
        return Finding("present", f"webhook {number} has the new values")

    def answer(self, call: Call, reply: Any) -> Answer:
        """As it is now."""
        hook = exactly(call.args.webhook, reply, "webhook", Webhook)
        return Answer(content(f"Changed webhook {_line(hook)}."), hook)


class OneWebhook(Arguments):  # noqa: D101
    webhook: WebhookId = Field(description="Id")


class DeleteWebhook(_Existing):
    """Deletes a webhook: `DELETE /webhooks/{id}` (documented). Whatever its receiver does stops without a word."""

    name: str = "ac_delete_webhook"
    description: str = "Delete a webhook. A person must approve."
    args_schema: type[OneWebhook] = OneWebhook
    sentence: ClassVar[str] = "delete webhook {number}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "DELETE",
        "/webhooks/{webhook}",
        area="webhooks",
        level=Level.FULL,
        acts_on="webhook",
        risk="stops whatever relies on it, without a word to anybody",
        key=("webhook",),
        settles=Settling(("GET /webhooks/{webhook}",), "no webhook has that id", "the webhook is still there"),
        shows=("Webhook", "Sends to", "Tells of"),
        voids=("what the webhook sends where",),
        reads=2,
        inverse="create the webhook anew; what happens until then is never sent",
    )

    def words(self, call: Call) -> Mapping[str, str]:
        """Which."""
        return {"number": str(call.args.webhook)}

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What would go."""
        hook = call.seen["webhook"]
        return (
            ("Webhook", f"{hook.id} {quoted(hook.name or '', limit=80)}"),
            ("Sends to", _host(hook.url or "")),
            ("Tells of", _names(hook.events)),
        )

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By its absence."""
        number = key["webhook"]
        reply = yield from record_if_there(Request("GET", f"/webhooks/{number:d}"))
        if reply is None:
            return Finding("present", f"webhook {number} is gone")
        return Finding("absent", f"webhook {number} is still there")

    def answer(self, call: Call, reply: Any) -> Answer:
        """Gone."""
        return Answer(f"Deleted webhook {call.args.webhook}.", Webhook.from_wire({"id": str(call.args.webhook)}))


WEBHOOK_TOOLS: tuple[type[ActiveCampaignTool], ...] = (
    ListWebhooks,
    CreateWebhook,
    UpdateWebhook,
    DeleteWebhook,
    ListWebhookEvents,
)
"""The tools of webhooks, given where the area is granted."""


def _check_url(tool: str, url: str) -> None:
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


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return host if host.replace("-", "").replace(".", "").isalnum() else quoted(host or "an unreadable URL", limit=80)


def _names(names: Any) -> str:
    return ", ".join(name if name.replace("_", "").isalnum() else quoted(name, limit=40) for name in names)


def _doors(sources: Any) -> str:
    return ", ".join(_DOORS.get(source, "others") for source in sources)


def _line(hook: Webhook) -> str:
    told = f"tells {_host(hook.url or '')} of {_names(hook.events) or 'nothing: it is switched off'}"
    return f"{hook.id} {quoted(hook.name or '', limit=80)}: {told}, caused by {_names(hook.sources) or 'nobody'}"


def _values(call: Call) -> dict[str, Any]:
    args = call.args
    values: dict[str, Any] = {"name": args.name, "url": args.url, "events": args.events, "sources": args.sources}
    values["list_id"] = call.id(args.list) if args.list is not None else None
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) else str(value)
