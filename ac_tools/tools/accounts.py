"""Accounts: the businesses that contacts work for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from ac_guardrails import Answer, Level, quoted
from ac_guardrails._finding import ReadBack
from ac_guardrails._job import Exchange
from ac_tools._records import Account
from ac_tools.tools._arguments import Arguments, PagedArguments
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._portrait import naming, same_name, same_name_rows
from ac_tools.tools._read_back import any_case, collection_of, find_made, others, spelt
from ac_tools.tools._references import OwnerRef
from ac_tools.tools._render import content, one, page_answer
from ac_tools.tools._settling import made
from ac_tools.tools.deals import DealField


class ListAccountsArguments(PagedArguments):  # noqa: D101
    search: str | None = Field(None, description="In name")
    count_deals: bool | None = Field(None, description="Else counts are 0")


class ListAccounts(ActiveCampaignTool):
    """Lists CRM accounts: `GET /accounts`. Counts are 0 unless asked for (documented)."""

    name: str = "ac_list_accounts"
    description: str = "List or search accounts (businesses)."
    args_schema: type[ListAccountsArguments] = ListAccountsArguments
    sentence: ClassVar[str] = "list the accounts"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "GET",
        "/accounts",
        area="accounts",
        level=Level.READ,
        acts_on="account",
        risk="shows businesses",
        reply="accounts",
    )

    def answer(self, call: Call, reply: Any) -> Answer:
        """A line an account; the counts only where they were counted."""
        counted = bool(call.args.count_deals)
        return page_answer(reply, "accounts", Account, lambda item: _account_line(item, counted=counted), call)


def _account_line(item: Account, *, counted: bool) -> str:
    parts = [item.id, quoted(item.name or "", limit=80), quoted(item.account_url, limit=80) if item.account_url else ""]
    if counted:
        parts.append(f"{item.contact_count or 0} contacts, {item.deal_count or 0} deals")
    return " ".join(part for part in parts if part)


class NewAccount(Arguments):  # noqa: D101
    name: str = Field(min_length=1, max_length=255)
    account_url: str | None = Field(None, serialization_alias="accountUrl")
    owner: OwnerRef | None = Field(None, description="Id or e-mail address")
    fields: list[DealField] | None = None


class CreateAccount(ActiveCampaignTool):
    """Creates a CRM account: `POST /accounts`. Names are unique (documented)."""

    name: str = "ac_create_account"
    description: str = "Create an account (a business)."
    args_schema: type[NewAccount] = NewAccount
    sentence: ClassVar[str] = "create an account"
    plain: ClassVar[str] = "create the account {name}"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/accounts",
        area="accounts",
        level=Level.WRITE,
        acts_on="account",
        risk="adds a business",
        event="account_add",
        wrap="account",
        reply="account",
        key=("name",),
        settles=made("business", "/accounts", "of that name (in any case)"),
        shows=("Exists", "Owner"),
        voids=("name of the owner",),
        reads=2,
        inverse="delete the account",
        changes=("account",),
    )

    def portray(self, call: Call) -> Exchange:
        """Whether there is one of the name, and who would own it."""
        yield from super().portray(call)
        yield from same_name(call, "account", call.args.name)

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """Who would own it."""
        owner = (("Owner", naming(call, call.args.owner)),) if call.args.owner is not None else ()
        return (*same_name_rows(call), *owner)

    def natural_key(self, call: Call) -> Mapping[str, Any]:
        """The name, whose case the account does not mind."""
        return {"name": any_case(call.args.name), "_name": call.args.name}

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By name and time."""
        walk = collection_of("/accounts", "accounts", ("search", spelt(key, "name")))
        return (
            yield from find_made(
                "account", walk, Account, lambda row: any_case(row.name) == key["name"], since, others(key)
            )
        )

    def answer(self, call: Call, reply: Any) -> Answer:
        """The new account's id."""
        made = one(reply, "account", Account)
        return Answer(content(f"Created account {made.id} {quoted(made.name or '', limit=80)}."), made)
