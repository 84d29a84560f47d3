"""Campaigns: empty drafts. No endpoint of the API's version 3 sends one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from ac_guardrails import Answer, Level, quoted
from ac_guardrails._finding import ReadBack
from ac_tools._records import Campaign
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import Endpoint
from ac_tools.tools._read_back import collection_of, find_made, has_name, others
from ac_tools.tools._render import content
from ac_tools.tools._settling import made


class NewCampaign(Arguments):  # noqa: D101
    name: str = Field(min_length=1, max_length=255)
    type: Literal["single", "recurring", "split", "responder", "reminder", "special", "activerss", "text"]
    can_split_content: bool | None = Field(None, serialization_alias="canSplitContent")


class CreateCampaign(ActiveCampaignTool):
    """Creates a campaign: `POST /campaign`, singular and flat. Documented: a draft without recipients or content."""

    name: str = "ac_create_campaign"
    description: str = "Create an empty draft campaign; it is not sent. A person must approve."
    args_schema: type[NewCampaign] = NewCampaign
    sentence: ClassVar[str] = "create a draft campaign"
    plain: ClassVar[str] = "create the draft campaign {name} ({type})"
    endpoint: ClassVar[Endpoint] = Endpoint(
        "POST",
        "/campaign",
        area="campaigns",
        level=Level.FULL,
        acts_on="campaign",
        risk="prepares mail to customers",
        key=("name",),
        settles=made("campaign", "/campaigns"),
        shows=("Sends",),
    )

    @classmethod
    def read_back(cls, key: Mapping[str, Any], since: float) -> ReadBack:
        """By name and time; the latest first, in case that an account does not know the filter."""
        walk = collection_of("/campaigns", "campaigns", ("filters[name]", key["name"]), ("orders[mdate]", "DESC"))
        return (
            yield from find_made(
                "campaign", walk, Campaign, lambda row: has_name(row.name, key["name"]), since, others(key)
            )
        )

    def rows(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What it is, truthfully."""
        return (("Sends", "nothing: an empty draft, without recipients or content, that somebody finishes in the app"),)

    def warning(self, call: Call) -> str:
        """Said last."""
        return "Nothing is sent unless somebody finishes it in the app. The draft stays until it is deleted there."

    def answer(self, call: Call, reply: Any) -> Answer:
        """The reply is flat, and its id a number (documented)."""
        made = Campaign.from_wire(reply.data if isinstance(reply.data, dict) else {})
        return Answer(
            content(f"Created draft campaign {made.id} {quoted(made.name or '', limit=80)}. Nothing was sent."), made
        )
