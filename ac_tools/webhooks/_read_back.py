"""Asking the account itself, before anything is done about an event: a secret can leak, and a body proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolCall

from ac_tools.webhooks._errors import SetAside
from ac_tools.webhooks._store import Received

if TYPE_CHECKING:
    from ac_tools import ActiveCampaignToolkit
    from ac_tools.webhooks._receiver import Handler


def confirmed_by_record(handler: Handler, toolkit: ActiveCampaignToolkit) -> Handler:
    """The handler, run only where the account has the contact or the deal that the event names.

    Args:
        handler: The handler.
        toolkit: The tools that read it, under their agent's grants and on record like any other read.
    """

    def run(received: Received) -> Any:
        check(received, toolkit)
        return handler(received)

    run.__qualname__ = getattr(handler, "__qualname__", type(handler).__name__)
    return run


def check(received: Received, toolkit: ActiveCampaignToolkit) -> None:
    """Read what the event names.

    Raises:
        SetAside: The account has no such record, or another one; or the event names none.
        RuntimeError: It could not be read now.
    """
    deal, contact = getattr(received.event, "deal", None), getattr(received.event, "contact", None)
    if contact is not None and contact.id:
        found = _read(toolkit, "ac_get_contact", contact=int(contact.id))
        same = found is not None and (found.email or "").casefold() == (contact.email or "").casefold()
        what = f"contact {contact.id} with this address"
    elif deal is not None and deal.id:
        same = _read(toolkit, "ac_get_deal", deal=int(deal.id)) is not None
        what = f"deal {deal.id}"
    else:
        raise SetAside("the event names no contact and no deal that could be read back")
    if not same:
        raise SetAside(f"the account does not have {what}, so the event may be forged, or the record is gone")


def _read(toolkit: ActiveCampaignToolkit, tool: str, **args: Any) -> Any:
    """The record; None where the account has none."""
    answer = toolkit.get_tool(tool).invoke(ToolCall(name=tool, args=args, id="read-back", type="tool_call"))
    if answer.status != "error":
        return answer.artifact
    if getattr(answer.artifact, "kind", "") == "not_found" or "404" in str(answer.content):
        return None
    raise RuntimeError(f"{tool} could not read it: {answer.content}")
