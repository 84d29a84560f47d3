"""Typed LangChain tools for ActiveCampaign, behind a guard: grants, approvals, a ledger.

Everything public is importable from here and loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = {
    "ac_tools._account": ("ActiveCampaign",),
    "ac_tools._toolkit": ("ActiveCampaignToolkit",),
    "ac_tools._pages": ("Page",),
    "ac_tools._progress_bar": ("ProgressBar",),
    "ac_tools._sets": ("CallSet", "PlannedCall"),
    "ac_tools._errors": (
        "ActiveCampaignError",
        "AuthenticationError",
        "ConfigurationError",
        "ConnectError",
        "ForbiddenError",
        "InvalidRequestError",
        "NotFoundError",
        "OutcomeUnknownError",
        "PaymentRequiredError",
        "RateLimitError",
        "ResponseError",
        "ServerError",
        "UnreadableResponseError",
    ),
    "ac_tools._records": (
        "Account",
        "Automation",
        "Campaign",
        "Contact",
        "ContactAutomation",
        "ContactList",
        "ContactTag",
        "Deal",
        "Field",
        "FieldValue",
        "ImportBatch",
        "MailingList",
        "Pipeline",
        "Stage",
        "Tag",
        "User",
        "Webhook",
    ),
    "ac_tools.tools": (
        "AddTag",
        "AddToAutomation",
        "CreateAccount",
        "CreateCampaign",
        "CreateContact",
        "CreateDeal",
        "CreateField",
        "CreateList",
        "CreateTag",
        "DeleteContact",
        "GetContact",
        "GetDeal",
        "GetField",
        "GetList",
        "ImportContacts",
        "ListAccounts",
        "ListAutomations",
        "ListContactAutomations",
        "ListContacts",
        "ListDeals",
        "ListFields",
        "ListLists",
        "ListTags",
        "RemoveFromAutomation",
        "RemoveTag",
        "SetListStatus",
        "SyncContact",
        "UpdateContact",
        "UpdateDeal",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from ac_tools._account import ActiveCampaign as ActiveCampaign
    from ac_tools._errors import *  # noqa: F403
    from ac_tools._pages import Page as Page
    from ac_tools._progress_bar import ProgressBar as ProgressBar
    from ac_tools._records import *  # noqa: F403
    from ac_tools._sets import CallSet as CallSet
    from ac_tools._sets import PlannedCall as PlannedCall
    from ac_tools._toolkit import ActiveCampaignToolkit as ActiveCampaignToolkit
    from ac_tools.tools import *  # noqa: F403


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ac_tools' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
