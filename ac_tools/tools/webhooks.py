"""Webhooks: where the account sends what happens in it. No part of the 29, and off unless granted.

Whoever knows a webhook's URL can write to its receiver, since nothing else proves that the account is writing. So a
model is shown the host alone; the record that a program gets has the URL whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

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
from ac_tools.tools._webhook_words import (
    Events,
    Sources,
    WebhookId,
    check_url,
    doors_of,
    host_of,
    line_of,
    names_of,
)


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
        return page_answer(reply, "webhooks", Webhook, line_of, call)


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
        return Answer(content(names_of(names) or "The account names none."), names)


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
            check_url(self.name, call.args.url)

    def why(self, call: Call) -> str:
        """Where to."""
        host = host_of(call.args.url) if call.args.url else ""
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
        return {"what": "1 event" if count == 1 else f"{count} events", "host": host_of(call.args.url)}

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Where to, what, and of whom."""
        args = call.args
        rows = [("Sends to", host_of(args.url)), ("Tells of", ", ".join(args.events))]
        rows.append(("Caused by", doors_of(args.sources)))
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
        return Answer(content(f"Created webhook {line_of(hook)}."), hook)


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
        was, new = host_of(hook.url or ""), host_of(args.url or hook.url or "")
        moved = f"{new}, at another address there" if args.url not in (None, hook.url) and was == new else new
        doors = (doors_of(hook.sources), doors_of(args.sources or hook.sources))
        return (
            ("Webhook", f"{hook.id} {quoted(hook.name or '', limit=80)}"),
            ("Sends to", becoming(was, moved)),
            ("Tells of", becoming(names_of(hook.events), names_of(args.events or hook.events))),
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
        return Answer(content(f"Changed webhook {line_of(hook)}."), hook)


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
            ("Sends to", host_of(hook.url or "")),
            ("Tells of", names_of(hook.events)),
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


def _values(call: Call) -> dict[str, Any]:
    args = call.args
    values: dict[str, Any] = {"name": args.name, "url": args.url, "events": args.events, "sources": args.sources}
    values["list_id"] = call.id(args.list) if args.list is not None else None
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) else str(value)
