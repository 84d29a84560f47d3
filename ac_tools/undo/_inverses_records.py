"""How new tags, lists, fields, deals and businesses are taken back, and changes of deals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ac_guardrails import Request
from ac_guardrails._job import Exchange
from ac_tools._records import Deal
from ac_tools.tools._arguments import major
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._deal_cards import ATTRIBUTES as DEAL
from ac_tools.tools._names import number_of
from ac_tools.tools._read_back import record_if_there
from ac_tools.tools._references import Ref
from ac_tools.tools._render import exactly
from ac_tools.tools.accounts import CreateAccount
from ac_tools.tools.deals import CreateDeal, UpdateDeal
from ac_tools.tools.fields import CreateField
from ac_tools.tools.lists import CreateList
from ac_tools.tools.tags import CreateTag
from ac_tools.undo._inverses_shared import changes, inverse_of, kept, made, nothing_to_restore, step
from ac_tools.undo._past import Inverse, Past, Step
from ac_tools.undo._removals import DeleteAccount, DeleteDeal, DeleteField, DeleteList, DeleteTag, Removal

_TAG = {"name": "name", "description": "description", "tag_type": "type"}
_LIST = {
    "name": "name",
    "sender_url": "sender_url",
    "sender_reminder": "sender_reminder",
    "stringid": "string_id",
    "channel": "channel",
    "send_last_broadcast": "send_last_broadcast",
}
_FIELD = {
    "title": "title",
    "type": "type",
    "descript": "description",
    "defval": "default_value",
    "isrequired": "required",
    "visible": "visible",
}
_ACCOUNT = {"name": "name", "account_url": "account_url"}
_REFERENCES = ("contact", "account", "pipeline", "stage", "owner")
_SHOWN = {"amount": major}
"""How values read to people where they are not as they stand in a record."""


def _since_made(
    past: Past,
    *,
    tool: type[ActiveCampaignTool],
    removal: type[Removal],
    attributes: Mapping[str, str],
    left: Callable[[Past], Mapping[str, Any]],
) -> Exchange:
    """Whether a new record is as it was sent, and holds nothing by now."""
    if past.made is None:
        return []
    what = f"{removal.noun()} {past.made}"
    record = yield from removal.found(past.made)
    if record is None:
        return [f"{what} is gone"]
    altered = changes(record, {**left(past), **_asked(tool, past)}, attributes, _SHOWN)
    held = yield from removal.held(past.made, record)
    return [f"{what}, {words}" for words in altered] + [f"{what} {words}" for words in held]


def _asked(tool: type[ActiveCampaignTool], past: Past) -> dict[str, Any]:
    """The values that were asked for, without references, of which only names may be known."""
    args = tool.model_fields["args_schema"].default.model_validate(past.arguments)
    values = {name: getattr(args, name) for name in type(args).model_fields}
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, Ref)}


def _deal_left(past: Past) -> Mapping[str, Any]:
    """How the account had the new deal: it chooses a stage and an owner where none was named."""
    return {"status": "open", "description": "", **_answered(past, _REFERENCES), **_known(past.key)}


def _answered(past: Past, names: Iterable[str]) -> dict[str, Any]:
    """What the account has answered of a deal, as far as it is kept."""
    return _known({name: getattr(past.answer, DEAL[name], None) for name in names})


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and name in DEAL}


def _removed(past: Past, *, removal: type[Removal]) -> Sequence[Sequence[Step]]:
    return [[step(removal, **{removal.noun(): made(past)})]]


def _creation(
    tool: type[ActiveCampaignTool],
    removal: type[Removal],
    attributes: Mapping[str, str],
    *,
    refused: str,
    cannot: str = "",
    left: Callable[[Past], Mapping[str, Any]] = lambda past: {},
) -> dict[str, Inverse | str]:
    """The entry of a tool that makes a record."""
    return inverse_of(
        tool,
        removal,
        changed=partial(_since_made, tool=tool, removal=removal, attributes=attributes, left=left),
        stages=partial(_removed, removal=removal),
        cannot=cannot,
        refused=refused,
    )


# A deal that was changed


def _since_changed(past: Past) -> Exchange:
    """The values that an update has left, and the stage that the account has chosen with it."""
    number, values = int(past.key["deal"]), past.key["values"]
    reply = yield from record_if_there(Request("GET", f"/deals/{number:d}"))
    if reply is None:
        return [f"deal {number} is gone"]
    deal = exactly(number, reply, "deal", Deal)
    if deal.is_disabled:
        return [f"deal {number} does not show its values to this key"]
    chosen = _answered(past, ("pipeline", "stage")) if values.keys() & {"pipeline", "stage"} else {}
    return [f"deal {number}, {words}" for words in changes(deal, {**chosen, **_known(values)}, DEAL, _SHOWN)]


def _changed_back(past: Past) -> Sequence[Sequence[Step]]:
    """The former values. Null would have the account choose, so what was empty is left as it is, but for the text."""
    before = kept(past)["values"]
    values = {name: _said(name, value) for name, value in before.items() if value is not None}
    if "description" in before:
        values.setdefault("description", "")
    if not values:
        raise nothing_to_restore(
            past, "It wrote custom fields, which a deal does not show, or where nothing stood, which cannot be emptied."
        )
    return [[step(UpdateDeal, deal=past.key["deal"], **values)]]


def _said(name: str, value: Any) -> Any:
    """A value as an argument."""
    if name == "amount":
        return major(value)
    return number_of(value) if name in _REFERENCES else value


RECORDS: Mapping[str, Inverse | str] = {
    **_creation(
        CreateList,
        DeleteList,
        _LIST,
        refused="the list was altered, or anybody is or ever was on it",
    ),
    **_creation(
        CreateTag,
        DeleteTag,
        _TAG,
        left=lambda past: {"description": ""},
        refused="the tag was renamed or described anew, or anybody has it",
    ),
    **_creation(
        CreateDeal,
        DeleteDeal,
        DEAL,
        left=_deal_left,
        cannot="automations that the deal has started go on",
        refused="the deal was altered, moved, won or lost, or has notes or a task",
    ),
    **inverse_of(
        UpdateDeal,
        UpdateDeal,
        changed=_since_changed,
        stages=_changed_back,
        cannot=(
            "custom fields, and a contact, business or percentage where there was none; automations that won or lost "
            "have started go on, and writing won or lost back can start others"
        ),
        refused="a value that it wrote is another one by now, or only custom fields were written, or the deal is gone",
    ),
    **_creation(
        CreateField,
        DeleteField,
        _FIELD,
        refused="the field was altered, or any contact has a value in it",
    ),
    **_creation(
        CreateAccount,
        DeleteAccount,
        _ACCOUNT,
        refused="the business was renamed or altered, or has contacts or deals",
    ),
}
"""Tool name -> how it is taken back."""
