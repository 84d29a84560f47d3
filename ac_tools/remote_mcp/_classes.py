"""What each of the server's tools needs: area, level and risk, and the REST tool that does the same act.

The names are documented (the vendor's page of 50 tools, July 2026). Their arguments are known for the 32 that were the
vendor's own open-source server; those of the others are taken to be the API's. A write that is given an argument that
nobody has classified waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ac_guardrails import Catalog, CatalogTool, Level, Need

PREFIX = "ac_mcp_"
"""What stands before a tool's name for agents and in the catalog, so that it is told from other servers' tools."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record that has to be read to know whom a call is about, since the call names only its own id.

    Args:
        path: Where it is, below /api/3; its id is added.
        key: What it is called in the reply.
        names: The nouns that it tells, as it calls them too.
    """

    path: str
    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolClass:
    """What a person has decided that one of the server's tools is.

    Args:
        name: The tool's name on the server.
        needs: The grants that it needs; the first one is what the catalog says of it.
        does: What it does, as an infinitive.
        risk: What a person should know of it, as a clause after "it".
        twin: The REST tool that does the same act, by whose declaration it is decided; empty where there is none.
        noun: What its argument `id` names.
        words: Arguments that are called otherwise than by the twin, or than by the API where there is no twin, each
            with that name; an empty one for what changes nothing that is decided on.
        raises: Arguments with which it needs full access.
        unread: The level that it needs where no account is given from which the facts could be read.
        row: The record that tells whom it is about.
        answers: The key of a reply that says that it was done, where the twin's is another.
    """

    name: str
    needs: tuple[Need, ...]
    does: str
    risk: str
    twin: str = ""
    noun: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    raises: frozenset[str] = frozenset()
    unread: Level = Level.OFF
    row: Row | None = None
    answers: str = ""

    @property
    def tool(self) -> str:
        """The name by which grants and the ledger know its act."""
        return self.twin or f"{PREFIX}{self.name}"

    @property
    def is_write(self) -> bool:
        """Whether it changes the account."""
        return any(need.level > Level.READ for need in self.needs)


def needs_of(*said: str) -> tuple[Need, ...]:
    """Grants as they are written: "contacts: read"."""
    pairs = (one.split(": ") for one in said)
    return tuple(Need(area, Level[level.upper()]) for area, level in pairs)


def _of(name: str, needs: str | tuple[str, ...], does: str, risk: str, twin: str = "", **more: object) -> ToolClass:
    said = (needs,) if isinstance(needs, str) else needs
    return ToolClass(name, needs_of(*said), does, risk, twin, **more)  # type: ignore[arg-type]


_SENDS = frozenset({"send_last_broadcast", "carboncopy", "subscription_notify", "unsubscription_notify"})
_LIST = dict.fromkeys((*_SENDS, "name", "stringid", "sender_url", "sender_reminder", "channel"), "")
_FIELD = {"ordernum": "", "show_in_list": ""}
_RUN = Row("/contactAutomations", "contactAutomation", ("contact", "automation"))
_VALUE = Row("/fieldValues", "fieldValue", ("contact", "field"))
_DEAL = {"value": "amount", "group": "pipeline"}
_PIPELINE = dict.fromkeys(("title", "currency", "allgroups", "allusers", "autoassign", "users", "groups"), "")

CLASSES: tuple[ToolClass, ...] = (
    _of("list_contacts", "contacts: read", "search the contacts", "shows people", "ac_list_contacts"),
    _of("get_contact", "contacts: read", "read a contact", "shows a person", "ac_get_contact", noun="contact"),
    _of(
        "create_or_update_contact",
        "contacts: write",
        "create or update a contact",
        "overwrites names and fields",
        "ac_sync_contact",
    ),
    _of("list_tags", "tags: read", "list the tags", "shows the tags", "ac_list_tags"),
    _of("get_tag", "tags: read", "read a tag", "shows a tag", noun="tag"),
    _of("create_contact_tag", "tags: write", "create a tag", "adds a tag", "ac_create_tag", words={"tag": "name"}),
    _of(
        "add_tag_to_contact",
        "tags: write",
        "put a tag on a contact",
        "starts the automations that begin with the tag",
        "ac_add_tag",
    ),
    _of("list_lists", "lists: read", "list the mailing lists", "shows the lists", "ac_list_lists"),
    _of("get_list", "lists: read", "read a list", "shows a list", "ac_get_list", noun="list"),
    _of("create_list", "lists: write", "create a list", "adds a list", "ac_create_list"),
    _of(
        "update_list",
        "lists: write",
        "change a list",
        "overwrites what the list says of its sender",
        noun="list",
        words=_LIST,
        raises=_SENDS,
    ),
    _of(
        "add_contact_to_list",
        "lists: write",
        "set the status of a contact on a list",
        "changes who gets mail, and could re-subscribe someone who opted out",
        "ac_set_list_status",
        unread=Level.FULL,
    ),
    _of("list_contact_custom_fields", "fields: read", "list the custom fields", "shows the fields", "ac_list_fields"),
    _of(
        "get_contact_custom_field", "fields: read", "read a custom field", "shows a field", "ac_get_field", noun="field"
    ),
    _of(
        "create_contact_custom_field",
        "fields: write",
        "create a custom field",
        "adds a field to every contact",
        "ac_create_field",
        words=_FIELD,
    ),
    _of(
        "create_field_options",
        "fields: write",
        "add options to a custom field",
        "adds options to forms",
        words=dict.fromkeys(("field", "options", "field_options", "orderid", "value", "label", "isdefault"), ""),
    ),
    _of(
        "create_contact_field_relationship",
        ("fields: write", "lists: write"),
        "show a custom field for a list",
        "shows a field in a list's forms",
        words={"relid": "list", "field": ""},
    ),
    _of("list_contact_field_values", "contacts: read", "list the values of custom fields", "shows what people said"),
    _of(
        "get_contact_field_value",
        "contacts: read",
        "read the value of a custom field",
        "shows what a person said",
        row=_VALUE,
        words={"field_value": "id"},
    ),
    _of(
        "create_contact_field_value",
        "contacts: write",
        "write a custom field of a contact",
        "overwrites a field",
        "ac_update_contact",
        answers="fieldValue",
    ),
    _of(
        "update_contact_field_value",
        "contacts: write",
        "change a custom field of a contact",
        "overwrites a field",
        "ac_update_contact",
        answers="fieldValue",
        row=_VALUE,
        words={"field_value": "id"},
    ),
    _of("list_campaigns", "campaigns: read", "list the campaigns", "shows the mailings"),
    _of("get_campaign", "campaigns: read", "read a campaign", "shows a mailing"),
    _of("get_campaign_links", "campaigns: read", "read a campaign's links", "shows what people clicked"),
    _of(
        "get_campaign_messages",
        ("messages: read", "campaigns: read"),
        "read a campaign's messages",
        "shows what a mailing says",
    ),
    _of(
        "update_campaign_message",
        ("messages: full", "campaigns: full"),
        "change what a campaign says",
        "changes a mailing that may be on its way to people",
        words=dict.fromkeys(("message", "subject", "fromname", "fromemail", "reply2", "html", "text", "preheader"), ""),
    ),
    _of(
        "list_automations", "automations: read", "list the automations", "shows the automations", "ac_list_automations"
    ),
    _of(
        "list_contact_automations",
        "automations: read",
        "list the runs of contacts through automations",
        "shows what mail people get",
        "ac_list_contact_automations",
    ),
    _of(
        "get_contact_automation",
        "automations: read",
        "read a contact's run through an automation",
        "shows what mail a person gets",
        row=_RUN,
        words={"contact_automation": "id"},
    ),
    _of(
        "add_contact_to_automation",
        "automations: full",
        "enrol a contact in an automation",
        "may send mail at once",
        "ac_add_to_automation",
    ),
    _of(
        "remove_contact_from_automation",
        "automations: write",
        "end a contact's run through an automation",
        "ends a person's run",
        "ac_remove_from_automation",
        row=_RUN,
        words={"contact_automation": "id"},
    ),
    _of("list_deals", "deals: read", "list the deals", "shows sales figures", "ac_list_deals", words=_DEAL),
    _of("get_deal", "deals: read", "read a deal", "shows sales figures", "ac_get_deal", noun="deal"),
    _of(
        "create_deal", "deals: write", "create a deal", "changes the pipeline's figures", "ac_create_deal", words=_DEAL
    ),
    _of(
        "update_deal",
        "deals: write",
        "update a deal",
        "won and lost start automations",
        "ac_update_deal",
        noun="deal",
        words=_DEAL,
    ),
    _of("create_deal_note", "deals: write", "add a note to a deal", "adds a note", words={"deal": "", "note": ""}),
    _of(
        "update_deal_note",
        "deals: write",
        "change a note of a deal",
        "overwrites a note",
        words={"deal": "", "note": "", "note_id": "", "id": ""},
    ),
    _of(
        "deal_owner_bulk_update",
        "deals: full",
        "give many deals another owner",
        "changes who works on many deals at once, and nothing keeps who did before",
        words={"deals": "deal", "deal_ids": "deal", "ids": "deal", "owner": ""},
    ),
    _of("list_deal_pipelines", "pipelines: read", "list the pipelines", "shows the pipelines"),
    _of("get_deal_pipeline", "pipelines: read", "read a pipeline", "shows a pipeline", noun="pipeline"),
    _of("create_deal_pipeline", "pipelines: write", "create a pipeline", "adds a pipeline", words=_PIPELINE),
    _of(
        "update_deal_pipeline",
        "pipelines: write",
        "change a pipeline",
        "changes who sees a pipeline's deals",
        noun="pipeline",
        words=_PIPELINE,
        raises=frozenset({"allgroups", "allusers", "users", "groups"}),
    ),
    _of(
        "list_deal_activities",
        ("activities: read", "deals: read"),
        "list what happened to deals",
        "shows who did what to deals",
    ),
    _of(
        "list_email_activities",
        ("activities: read", "contacts: read"),
        "list the mail with contacts",
        "shows what mail people got",
    ),
    _of("list_groups", "groups: read", "list the groups of users", "shows what users may do"),
    _of(
        "create_list_group_permission",
        ("groups: full", "lists: write"),
        "let a group of users see a list",
        "gives users access to the people on a list",
        words={"list": "", "group": ""},
    ),
    _of(
        "list_custom_object_schemas",
        "custom_objects: read",
        "list the kinds of custom objects",
        "shows the kinds of custom objects",
    ),
    _of(
        "create_custom_object_schema",
        "custom_objects: write",
        "create a kind of custom objects",
        "adds a kind of custom objects",
        words=dict.fromkeys(("slug", "labels", "description", "fields", "relationships", "visibility"), ""),
    ),
    _of("list_custom_object_records", "custom_objects: read", "list custom objects", "shows custom objects"),
    _of(
        "create_or_update_custom_object_record",
        "custom_objects: write",
        "create or update a custom object",
        "overwrites a custom object, and may start automations",
        words=dict.fromkeys(("schema", "record", "fields", "relationships", "external", "external_id"), ""),
    ),
)
"""The 50 documented tools, in the order of the vendor's page."""


def catalog_of(classes: tuple[ToolClass, ...] = CLASSES) -> Catalog:
    """What grants may name of tools that have no REST tool for the same act."""
    own = tuple(CatalogTool(one.tool, one.needs[0]) for one in classes if not one.twin)
    return Catalog("ActiveCampaign Remote MCP", areas=(), tools=own)
