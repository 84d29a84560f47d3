"""What the card says of somebody who would be put on a list or taken off it."""

from __future__ import annotations

from ac_guardrails import Level, Request, quoted
from ac_guardrails._job import Exchange
from ac_tools._records import MailingList
from ac_tools.tools._call import Call
from ac_tools.tools._card import Rows
from ac_tools.tools._portrait import LEFT, contact_rows
from ac_tools.tools._render import day, one


def look_at_list(call: Call) -> Exchange:
    """Whether subscribing to the list mails somebody at once."""
    reply = yield Request("GET", f"/lists/{call.id(call.args.list)}")
    found = one(reply, "list", MailingList)
    call.learn(call.args.list, found.name)
    if found.send_last_broadcast:
        call.raise_to("lists", Level.FULL)
        call.facts["mails_last_campaign"] = True


def membership_rows(call: Call) -> Rows:
    """Who, since when they are off the list, and why."""
    rows, row = contact_rows(call), call.seen.get("row")
    if row is not None and row.status in LEFT:
        when = day(row.updated_at) or "on an unknown day"
        reason = f"reason given: {quoted(row.unsubscribe_reason)}" if row.unsubscribe_reason else "no reason given"
        rows += (("Opted out" if row.status == "unsubscribed" else "Bounced", f"{when}; {reason}"),)
    if call.facts.get("mails_last_campaign"):
        rows += (("Mail", "this list sends its last campaign to every new subscriber at once"),)
    return rows


def membership_why(call: Call) -> str:
    """What makes it more than an ordinary change."""
    was = call.facts.get("was")
    if was == "unsubscribed":
        return "It puts someone back on a list who had left it"
    return "It mails an address that bounced" if was == "bounced" else "It may send mail at once"


def membership_warning(call: Call) -> str:
    """What cannot be taken back."""
    if call.args.status == "unsubscribe":
        return "Undoing it is a re-subscription, to which a person has to agree."
    was = call.facts.get("was")
    if was == "unsubscribed":
        return "They asked for no more mail. Mailing them without their new consent may be unlawful."
    if was == "bounced":
        return "Mail to this address came back. Mailing it again harms the account's standing as a sender."
    return "Mail that has been sent cannot be called back."
