"""The 29 tools, one class per endpoint, in the order of the areas."""

from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools.accounts import CreateAccount, ListAccounts
from ac_tools.tools.automations import AddToAutomation, ListAutomations, ListContactAutomations, RemoveFromAutomation
from ac_tools.tools.campaigns import CreateCampaign
from ac_tools.tools.contact_writes import CreateContact, DeleteContact, SyncContact, UpdateContact
from ac_tools.tools.contacts import GetContact, ListContacts
from ac_tools.tools.deals import CreateDeal, GetDeal, ListDeals, UpdateDeal
from ac_tools.tools.fields import CreateField, GetField, ListFields
from ac_tools.tools.imports import ImportContacts
from ac_tools.tools.lists import CreateList, GetList, ListLists, SetListStatus
from ac_tools.tools.tags import AddTag, CreateTag, ListTags, RemoveTag
from ac_tools.tools.webhooks import WEBHOOK_TOOLS

TOOLS: tuple[type[ActiveCampaignTool], ...] = (
    GetContact,
    ListContacts,
    CreateContact,
    UpdateContact,
    SyncContact,
    ImportContacts,
    DeleteContact,
    GetList,
    ListLists,
    CreateList,
    SetListStatus,
    ListTags,
    CreateTag,
    AddTag,
    RemoveTag,
    GetDeal,
    ListDeals,
    CreateDeal,
    UpdateDeal,
    GetField,
    ListFields,
    CreateField,
    CreateCampaign,
    ListAutomations,
    ListContactAutomations,
    AddToAutomation,
    RemoveFromAutomation,
    ListAccounts,
    CreateAccount,
)
"""The tools of the API's guides. Catalog, toolkit and documents are made from this one list, and the one below."""
ALL_TOOLS = (*TOOLS, *WEBHOOK_TOOLS)
"""Every tool that an agent can be given."""

__all__ = ["ALL_TOOLS", "TOOLS", "WEBHOOK_TOOLS", "ActiveCampaignTool", *(tool.__name__ for tool in TOOLS)]
