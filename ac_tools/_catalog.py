"""The catalog that the guard checks grants files against, made from the tool classes."""

from __future__ import annotations

from ac_guardrails import Catalog, CatalogTool, Level, Need
from ac_tools.remote_mcp._classes import catalog_of
from ac_tools.tools import ALL_TOOLS
from ac_tools.tools._endpoint import NOUNS

AREAS = ("contacts", "lists", "tags", "deals", "fields", "campaigns", "automations", "accounts")
"""The areas of the 29 tools."""
FURTHER_AREAS = ("webhooks", "pipelines", "custom_objects", "groups", "messages", "activities")
"""Those of webhooks, and of what only the account's Remote MCP server offers; off unless granted, like the others."""

catalog = Catalog(
    name="ActiveCampaign",
    areas=AREAS + FURTHER_AREAS,
    tools=tuple(CatalogTool(tool.model_fields["name"].default, tool.endpoint.need) for tool in ALL_TOOLS),
    nouns={
        "domain": "contacts",
        "list": "lists",
        "tag": "tags",
        "pipeline": "deals",
        "stage": "deals",
        "field": "fields",
        "automation": "automations",
        "account": "accounts",
    },
    amounts={"deals": 100},
    # The removals of ac_tools.undo, said without importing them: most programs take nothing back.
    inner=tuple(
        CatalogTool(f"ac_delete_{noun}", Need(NOUNS[noun], Level.FULL))
        for noun in ("tag", "list", "deal", "field", "account")
    ),
    further=FURTHER_AREAS,
    beyond=catalog_of().tools,
)
"""What grants for ActiveCampaign may speak of; published under the entry point group `ac_guardrails.catalogs`."""
