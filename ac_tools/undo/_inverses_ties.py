"""How a contact's ties are taken back: tags, lists and automations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ac_guardrails import Level, Request
from ac_guardrails._job import Exchange
from ac_tools._records import ContactList, ContactTag
from ac_tools.tools._names import Reading
from ac_tools.tools._read_back import is_older, record_if_there, ties_if_there
from ac_tools.tools._render import exactly
from ac_tools.tools.automations import AddToAutomation, RemoveFromAutomation, runs_request, runs_through
from ac_tools.tools.lists import WANTED, SetListStatus
from ac_tools.tools.tags import AddTag, RemoveTag
from ac_tools.undo._inverses_shared import inverse_of, kept, nothing_to_restore, step, told
from ac_tools.undo._past import Inverse, Past, Step

BACK: Mapping[str | None, str] = {status: verb for verb, status in WANTED.items()}
"""Status on a list -> what sets it. Whatever else a status is, such as bounced, nobody can set: they get no mail, as
those who opted out get none."""


# Lists


def _since_set(past: Past) -> Exchange:
    """Whether the contact still stands on the list as the write left it."""
    contact, number, left = past.key["contact"], past.key["list"], WANTED[past.key["status"]]
    rows = yield from ties_if_there(contact, "contactLists", ContactList)
    if rows is None:
        return [f"contact {contact} is gone"]
    status = next((row.status for row in rows if row.list_id == str(number)), None)
    return [] if status == left else [told(f"status of contact {contact} on list {number}", status, left)]


def _set_back(past: Past) -> Sequence[Sequence[Step]]:
    contact, number, was = past.key["contact"], past.key["list"], kept(past)["status"]
    status = BACK.get(was, "unsubscribe")
    if status == past.key["status"]:
        raise nothing_to_restore(
            past, f"Contact {contact} was {was} before, which nobody can set; opted out they get no mail either."
        )
    return [[step(SetListStatus, contact=contact, list=number, status=status)]]


# Tags


def _since_tagged(past: Past) -> Exchange:
    """Whether the tag is the one that the write has put on: one that was there before it stays."""
    contact, tag = past.key["contact"], past.key["tag"]
    row = yield from _tag_of(contact, tag)
    if isinstance(row, str):
        return [row]
    had = f"contact {contact} had tag {tag} before"
    if past.answer is not None and past.made is None:
        return [had]  # the account refused to put it on twice
    if row is None:
        return [f"contact {contact} does not have tag {tag}"]
    if past.made is not None and row.id != str(past.made):
        return [f"tag {tag} of contact {contact} was taken off and put on again"]
    reply = yield from record_if_there(Request("GET", f"/contactTags/{int(row.id):d}"))
    if reply is None:
        return [f"contact {contact} does not have tag {tag}"]
    found = exactly(int(row.id), reply, "contactTag", ContactTag)
    return [had] if is_older(found.created_at, past.since, reply) else []


def _since_untagged(past: Past) -> Exchange:
    """Whether the contact has the tag again."""
    contact, tag = past.key["contact"], past.key["tag"]
    row = yield from _tag_of(contact, tag)
    if isinstance(row, str):
        return [row]
    return [f"contact {contact} has tag {tag} again"] if row is not None else []


def _tag_of(contact: int, tag: int) -> Reading:
    """A contact's row of a tag; None where there is none, words where the contact is gone."""
    rows = yield from ties_if_there(contact, "contactTags", ContactTag)
    if rows is None:
        return f"contact {contact} is gone"
    return next((row for row in rows if row.tag_id == str(tag)), None)


def _taken_off(past: Past) -> Sequence[Sequence[Step]]:
    return [[step(RemoveTag, contact=past.key["contact"], tag=past.key["tag"])]]


def _put_on(past: Past) -> Sequence[Sequence[Step]]:
    return [[step(AddTag, contact=past.key["contact"], tag=past.key["tag"])]]


# Automations


def _since_enrolled(past: Past) -> Exchange:
    """Whether the run that the write began is still in progress."""
    contact, automation = past.key["contact"], past.key["automation"]
    runs = yield from _running(contact, automation)
    if isinstance(runs, str):
        return [runs]
    if not runs:
        return [f"contact {contact}'s run through automation {automation} is over"]
    if past.made is not None and str(past.made) not in runs:
        return [f"contact {contact}'s run through automation {automation} is over, and another one has begun"]
    return []


def _since_taken_out(past: Past) -> Exchange:
    """Whether the contact is in the automation again."""
    contact, automation = past.key["contact"], past.key["automation"]
    runs = yield from _running(contact, automation)
    if isinstance(runs, str):
        return [runs]
    return [f"contact {contact} is in automation {automation} again"] if runs else []


def _running(contact: int, automation: int) -> Reading:
    """The ids of a contact's runs through an automation that are in progress; words where the contact is gone."""
    reply = yield from record_if_there(runs_request(contact))
    if reply is None:
        return f"contact {contact} is gone"
    return [run.id for run in runs_through(reply, contact, automation) if run.status != "completed"]


def _taken_out(past: Past) -> Sequence[Sequence[Step]]:
    return [[step(RemoveFromAutomation, contact=past.key["contact"], automation=past.key["automation"])]]


def _enrolled(past: Past) -> Sequence[Sequence[Step]]:
    return [[step(AddToAutomation, contact=past.key["contact"], automation=past.key["automation"])]]


TIES: Mapping[str, Inverse | str] = {
    **inverse_of(
        SetListStatus,
        SetListStatus,
        changed=_since_set,
        stages=_set_back,
        level=Level.FULL,
        cannot=(
            "somebody who was not on the list, or whose mail came back, is left as opted out; mail that was sent stays "
            "sent, and the day of the first subscription is lost; undoing an unsubscription is a re-subscription"
        ),
        refused=(
            "the status is another one by now, or the contact was unsubscribed without having been on the list, or "
            "after mail came back"
        ),
    ),
    **inverse_of(
        AddTag,
        RemoveTag,
        changed=_since_tagged,
        stages=_taken_off,
        cannot="automations that the tag has started go on unless they end with it, and mail that was sent stays sent",
        refused="the contact had the tag before, or does not have it any more, or has it anew",
    ),
    **inverse_of(
        RemoveTag,
        AddTag,
        changed=_since_untagged,
        stages=_put_on,
        cannot=(
            "automations that start on the tag can start again and send mail; those that ended with it do not go on, "
            "and the day when the tag was first put on is lost"
        ),
        refused="the contact has the tag again, or is gone",
    ),
    **inverse_of(
        AddToAutomation,
        RemoveFromAutomation,
        changed=_since_enrolled,
        stages=_taken_out,
        cannot="mail that was sent stays sent, and so does all else that its steps have done",
        refused="the run is over by now, or another one has begun",
    ),
    **inverse_of(
        RemoveFromAutomation,
        AddToAutomation,
        changed=_since_taken_out,
        stages=_enrolled,
        cannot="the contact starts from the beginning, and may get the same mail again",
        refused="the contact is in the automation again, or is gone; the account may refuse who was in it once",
    ),
}
"""Tool name -> how it is taken back."""
