"""The catalog that the guard checks grants files against, made from the tool classes."""

from __future__ import annotations

from ac_guardrails import Catalog, CatalogTool
from ac_tools.tools import TOOLS

AREAS = ("contacts", "lists", "tags", "deals", "fields", "campaigns", "automations", "accounts")

catalog = Catalog(
    name="ActiveCampaign",
    areas=AREAS,
    tools=tuple(CatalogTool(tool.model_fields["name"].default, tool.endpoint.need) for tool in TOOLS),
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
)
"""What grants for ActiveCampaign may speak of; published under the entry point group `ac_guardrails.catalogs`."""
