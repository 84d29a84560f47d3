"""The rest of the tour, which writes: on records that it makes itself, and that are removed again at its end.

Nothing here touches a campaign, a webhook, an automation that exists, or a record that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ac_tools.recording import _tells as tells
from ac_tools.recording._steps import NOBODY, Step, Tells

_ONE, _TWO = "{t}-one@example.com", "{t}-two@example.com"
_LONG = "{t} " + "long " * 60
_NAME = "ac-tools record {t}"


def _post(
    area: str,
    name: str,
    path: str,
    body: Mapping[str, Any],
    *settles: str,
    tells: Tells | None = None,
    keeps: str = "",
    method: str = "POST",
) -> Step:
    """A write; `keeps` is a name and the place of an id in the reply, such as "contact=contact.id"."""
    kept = dict(pair.split("=") for pair in keeps.split())
    return Step(name, area, path, method, body=body, settles=settles, tells=tells, keeps=kept)


def _put(area: str, name: str, path: str, body: Mapping[str, Any], *settles: str, tells: Tells | None = None) -> Step:
    return _post(area, name, path, body, *settles, tells=tells, method="PUT")


def _get(
    area: str, name: str, path: str, *settles: str, tells: Tells | None = None, keeps: str = "", **params: str
) -> Step:
    kept = dict(pair.split("=") for pair in keeps.split())
    return Step(name, area, path, params=tuple(params.items()), settles=settles, tells=tells, keeps=kept)


def _delete(area: str, name: str, path: str, *settles: str) -> Step:
    return Step(name, area, path, "DELETE", settles=settles)


def _contact(name: str, /, *settles: str, keeps: str = "", **fields: Any) -> Step:
    return _post("contacts", name, "/contacts", {"contact": fields}, *settles, keeps=keeps)


def _change(name: str, /, *settles: str, path: str = "/contacts/{contact}", **fields: Any) -> Step:
    return _put("contacts", name, path, {"contact": fields}, *settles)


def _tag(name: str, text: str, *settles: str, keeps: str = "") -> Step:
    body = {"tag": {"tag": text, "tagType": "contact", "description": "{t}"}}
    return _post("tags", name, "/tags", body, *settles, keeps=keeps)


def _tagged(name: str, *settles: str, keeps: str = "", **ids: str) -> Step:
    return _post("tags", name, "/contactTags", {"contactTag": ids}, *settles, keeps=keeps)


def _list(name: str, /, *settles: str, keeps: str = "", **fields: str) -> Step:
    body = {"list": {**fields, "sender_url": "https://example.com/{t}", "sender_reminder": "{t}"}}
    return _post("lists", name, "/lists", body, *settles, keeps=keeps)


def _subscribed(name: str, *settles: str, contact: str = "{contact}", list_id: str = "{list}", **fields: int) -> Step:
    return _post(
        "lists", name, "/contactLists", {"contactList": {"contact": contact, "list": list_id, **fields}}, *settles
    )


def _field(name: str, /, *settles: str, keeps: str = "", **fields: str) -> Step:
    return _post("fields", name, "/fields", {"field": fields}, *settles, keeps=keeps)


def _options(name: str, path: str, label: str, keeps: str = "") -> Step:
    option = {"field": "{field}", "label": label, "value": label, "orderid": 1, "isdefault": False}
    return _post("fields", name, path, {"fieldOptions": [option]}, "field_option_paths", keeps=keeps)


def _value(name: str, value: str, *settles: str) -> Step:
    body = {"fieldValue": {"contact": "{contact}", "field": "{field}", "value": value}}
    return _post("fields", name, "/fieldValues", body, *settles)


def _account(name: str, /, *settles: str, keeps: str = "", **fields: str) -> Step:
    return _post("accounts", name, "/accounts", {"account": fields}, *settles, keeps=keeps)


_DEAL: Mapping[str, Any] = {
    "title": f"{_NAME} deal",
    "value": 15624,
    "currency": "usd",
    "contact": "{contact}",
    "group": "{pipeline}",
    "stage": "{stage}",
}


def _deal(name: str, /, *settles: str, keeps: str = "", without: tuple[str, ...] = (), **fields: Any) -> Step:
    sent = {key: value for key, value in {**_DEAL, **fields}.items() if key not in without}
    return _post("deals", name, "/deals", {"deal": sent}, *settles, keeps=keeps)


_CONTACTS = (
    _contact(
        "a new contact",
        email=_ONE,
        firstName="{t} first",
        lastName="{t} last",
        phone="{t} phone",
        keeps="contact=contact.id",
    ),
    _contact("a second contact", email=_TWO, keeps="other_contact=contact.id"),
    _contact("a contact whose address is taken", email=_ONE),
    _contact("a contact whose address is taken in capitals", "email_case", email="{T}-ONE@EXAMPLE.COM"),
    _contact("a contact with an address in capitals", email="{T}-FOUR@EXAMPLE.COM", keeps="loud_contact=contact.id"),
    _get(
        "contacts",
        "the contact after that",
        "/contacts/{loud_contact}",
        "email_case",
        tells=tells.case("contact.email"),
    ),
    _contact("a contact with an address that is none", "invalid_email_status", email="{t} no address"),
    _contact("a contact without an address", firstName="{t} first"),
    _get(
        "contacts",
        "an address in capitals",
        "/contacts",
        "email_case",
        tells=tells.some("contacts"),
        email="{T}-TWO@EXAMPLE.COM",
    ),
    _post(
        "contacts",
        "a sync with fields left out",
        "/contact/sync",
        {"contact": {"email": _ONE, "lastName": "{t} synced"}},
    ),
    _get(
        "contacts",
        "a contact after that sync",
        "/contacts/{contact}",
        "sync_keeps",
        tells=tells.blank("contact.firstName"),
    ),
    _change("a change of one field", firstName="{t} changed"),
    _change("a change to an address that is taken", email=_TWO),
    _change("a change of somebody who does not exist", path=f"/contacts/{NOBODY}", firstName="{t}"),
    _post(
        "contacts",
        "a method that a path does not have",
        "/contacts/{contact}",
        {"contact": {"firstName": "{t}"}},
        "wrong_method_status",
        "unknown_path_body",
        tells=tells.form,
    ),
    _post(
        "contacts",
        "an import with an address that is none",
        "/import/bulk_import",
        {"contacts": [{"email": "{t}-three@example.com"}, {"email": "{t} no address"}]},
        "import_refusal",
    ),
)

_TAGS = (
    _tag("a new tag", f"{_NAME} tag", keeps="tag=tag.id"),
    _tag("a second tag", f"{_NAME} other tag", keeps="other_tag=tag.id"),
    _tag("a tag whose name is taken", f"{_NAME} tag", "duplicate_tag_status"),
    _tag("a tag with a comma", f"{_NAME}, tag", "tag_with_comma"),
    _tag("a tag with a long name", _LONG, "long_tag_status"),
    _tagged("a tag on a contact", contact="{contact}", tag="{tag}", keeps="contact_tag=contactTag.id"),
    _tagged("the same tag again", "re_tag_status", contact="{contact}", tag="{tag}"),
    _tagged("a tag on nobody", "unknown_contact_or_tag", contact=NOBODY, tag="{tag}"),
    _tagged("a tag that nobody made on a contact", "unknown_contact_or_tag", contact="{contact}", tag=NOBODY),
    _tagged("no tag on a contact", contact="{contact}"),
    _get("tags", "the tags of the new contact", "/contacts/{contact}/contactTags"),
)

_LISTS = (
    _list("a new list", name=f"{_NAME} list", stringid="{t}-list", keeps="list=list.id"),
    _list("a list without a stringid", "list_stringid", name=f"{_NAME} second list"),
    _list(
        "a list whose stringid is taken", "duplicate_stringid_status", name=f"{_NAME} third list", stringid="{t}-list"
    ),
    _put(
        "lists",
        "a partial change of a list",
        "/lists/{list}",
        {"list": {"name": f"{_NAME} renamed"}},
        tells=tells.dropped,
    ),
    _get(
        "lists",
        "the list after that",
        "/lists/{list}",
        "partial_list_change",
        tells=tells.as_in("list.name", "a new list"),
    ),
    _subscribed("a subscription", status=1),
    _subscribed("unsubscribing", "membership_change_status", status=2),
    _subscribed("subscribing again", "resubscribe", "membership_change_status", status=1),
    _subscribed("unsubscribing again", status=2),
    _subscribed("subscribing again with sourceid 4", "resubscribe", "membership_change_status", status=1, sourceid=4),
    _subscribed("unsubscribing a stranger", "unsubscribe_stranger", contact="{other_contact}", status=2),
    _subscribed("a subscription to no list", "related_missing_status", list_id=NOBODY, status=1),
    _subscribed("a subscription of nobody", "related_missing_status", contact=NOBODY, status=1),
    _get("lists", "the lists of the new contact", "/contacts/{contact}/contactLists"),
    _get(
        "lists",
        "contacts by two filters",
        "/contacts",
        "filters_together",
        tells=tells.some("contacts"),
        listid="{list}",
        tagid="{other_tag}",
    ),
)

_FIELDS = (
    _field("a new field", title=f"{_NAME} field", type="dropdown", perstag="{T}", keeps="field=field.id"),
    _field("a field whose title is taken", title=f"{_NAME} field", type="text"),
    _field(
        "a field whose perstag is taken",
        "duplicate_perstag_status",
        title=f"{_NAME} second field",
        type="text",
        perstag="{T}",
    ),
    _field("a field of no type", "unknown_field_type_status", title=f"{_NAME} third field", type="{t}"),
    _options("an option of a field", "/fieldOption/bulk", "{t} yes", keeps="option=fieldOptions.0.id"),
    _options("an option by the plural path", "/fieldOptions/bulk", "{t} no", keeps="option=fieldOptions.0.id"),
    _value("a value that is an option", "{t} yes"),
    _value("a value that is no option", "{t} other", "field_values_free"),
    _delete("fields", "deleting an option", "/fieldOptions/{option}"),
    _get("fields", "the option after that", "/fieldOptions/{option}", "field_option_deleted"),
    _get("fields", "the field after that", "/fields/{field}"),
)

_ACCOUNTS = (
    _account("a new account", name=f"{_NAME} company", keeps="account=account.id"),
    _account("an account whose name is taken", name=f"{_NAME} company"),
    _account("an account whose name is taken in capitals", "account_name_case", name="AC-TOOLS RECORD {T} COMPANY"),
    _account("an account without a name", accountUrl="https://example.com/{t}"),
    _post(
        "accounts",
        "a contact in an account",
        "/accountContacts",
        {"accountContact": {"contact": "{contact}", "account": "{account}", "jobTitle": "{t}"}},
    ),
)

_DEALS = (
    _post(
        "deals",
        "a new pipeline",
        "/dealGroups",
        {"dealGroup": {"title": f"{_NAME} pipeline", "currency": "usd", "autoassign": 1}},
        keeps="pipeline=dealGroup.id",
    ),
    _get(
        "deals",
        "the stages of a pipeline",
        "/dealGroups/{pipeline}",
        keeps="stage=dealStages.0.id stage_two=dealStages.1.id stage_three=dealStages.2.id",
    ),
    _deal("a new deal", keeps="deal=deal.id"),
    _deal("a deal without a title", "deal_refusal", without=("title",)),
    _deal("a deal without a contact", "deal_refusal", without=("contact",)),
    _deal("a deal in a stage that does not exist", stage=NOBODY),
    _deal("a deal of a negative value", "deal_values_free", "deal_refusal", value=-100),
    _deal("a deal in a currency in capitals", "deal_values_free", "deal_refusal", currency="USD"),
    _put("deals", "a deal in another stage", "/deals/{deal}", {"deal": {"stage": "{stage_two}"}}),
    _put("deals", "a deal in a stage of null", "/deals/{deal}", {"deal": {"stage": None}}),
    _get(
        "deals",
        "the deal after that",
        "/deals/{deal}",
        "deal_stage_null",
        tells=tells.as_in("deal.stage", "a deal in another stage"),
    ),
)

_ENROLMENTS = (
    _post(
        "automations",
        "enrolling in no automation",
        "/contactAutomations",
        {"contactAutomation": {"contact": "{contact}", "automation": NOBODY}},
        "reenrol_status",
    ),
    _delete(
        "automations", "ending a run that does not exist", f"/contactAutomations/{NOBODY}", "missing_enrolment_status"
    ),
)

_REMOVALS = (
    _delete("tags", "taking a tag off", "/contactTags/{contact_tag}"),
    _delete("tags", "taking the same tag off again", "/contactTags/{contact_tag}"),
    _delete("contacts", "deleting a contact", "/contacts/{contact}"),
    _delete("contacts", "deleting the same contact again", "/contacts/{contact}"),
    _get("contacts", "a contact that was deleted", "/contacts/{contact}"),
    _get("deals", "the deal of a deleted contact", "/deals/{deal}", "deals_survive_contact"),
    _post(
        "contacts",
        "a sync of a deleted contact",
        "/contact/sync",
        {"contact": {"email": _ONE}},
        "contact_deleted",
        tells=tells.as_in("contact.id", "a new contact"),
    ),
    _delete("deals", "deleting a pipeline", "/dealGroups/{pipeline}"),
    _get("deals", "a stage of a deleted pipeline", "/dealStages/{stage}", "stages_stay"),
    _get(
        "deals",
        "a deal of a deleted pipeline",
        "/deals/{deal}",
        "deals_disabled",
        "deals_survive_contact",
        tells=tells.whole_or_short,
    ),
    _delete("deals", "deleting a deal", "/deals/{deal}"),
    _delete("deals", "deleting the same deal again", "/deals/{deal}"),
    _delete("deals", "deleting a stage", "/dealStages/{stage}"),
    _delete("accounts", "deleting an account", "/accounts/{account}"),
    _delete("accounts", "deleting the same account again", "/accounts/{account}"),
    _delete("fields", "deleting a field", "/fields/{field}"),
    _delete("fields", "deleting the same field again", "/fields/{field}"),
    _delete("lists", "deleting a list", "/lists/{list}"),
    _delete("lists", "deleting the same list again", "/lists/{list}"),
    _delete("tags", "deleting a tag", "/tags/{tag}"),
    _delete("tags", "deleting the same tag again", "/tags/{tag}"),
)

WRITES = (*_CONTACTS, *_TAGS, *_LISTS, *_FIELDS, *_ACCOUNTS, *_DEALS, *_ENROLMENTS, *_REMOVALS)
