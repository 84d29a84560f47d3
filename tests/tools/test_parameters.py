"""Every documented parameter of the 29 endpoints is an argument, filled in by the tool, or left out for a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from ac_tools import ActiveCampaignToolkit
from ac_tools.tools import TOOLS
from ac_tools.tools._omissions import OMITTED
from ac_tools.tools._references import Ref

CLASSES = {tool.model_fields["name"].default: tool for tool in TOOLS}
_PAGE = ("limit", "offset")
_CONTACT = ("email", "firstName", "lastName", "phone", "fieldValues[].field", "fieldValues[].value")
_DEAL = (
    "title", "value", "currency", "contact", "account", "group", "stage", "owner", "percent", "status", "description",
    "fields[].customFieldId", "fields[].fieldValue", "fields[].fieldCurrency",
)  # fmt: skip

DOCUMENTED: dict[str, tuple[str, ...]] = {
    "ac_get_contact": ("{id}", "include"),
    "ac_list_contacts": (
        *_PAGE, "email", "email_like", "search", "phone", "ids[]", "exclude", "id_greater", "id_less", "listid",
        "tagid", "formid", "seriesid", "waitid", "segmentid", "status", "filters[created_before]",
        "filters[created_after]", "filters[updated_before]", "filters[updated_after]", "filters[email]", "orders[id]",
        "orders[cdate]", "orders[email]", "orders[first_name]", "orders[last_name]", "orders[name]", "orders[score]",
        "in_group_lists", "forceQuery", "sortId",
    ),
    "ac_create_contact": (*_CONTACT, "allowNullEmail"),
    "ac_update_contact": ("{id}", *_CONTACT),
    "ac_sync_contact": (*_CONTACT, "allowNullEmail"),
    "ac_import_contacts": (
        "contacts[].email", "contacts[].first_name", "contacts[].last_name", "contacts[].phone",
        "contacts[].customer_acct_name", "contacts[].tags", "contacts[].fields[].id", "contacts[].fields[].value",
        "contacts[].subscribe[].listid", "contacts[].unsubscribe[].listid", "exclude_automations",
        "contacts[].exclude_automations", "callback.url", "callback.requestType", "callback.detailed_results",
        "callback.params", "callback.headers", "batchId",
    ),
    "ac_delete_contact": ("{id}",),
    "ac_get_list": ("{id}",),
    "ac_list_lists": (
        *_PAGE, "search", "filters[name]", "filters[name][op]", "filters[id]", "filters[channel]", "filters[userid]",
        "filters[userid][]", "filters[created_timestamp]", "filters[active_subscribers]", "orders[name]", "orders[id]",
        "orders[channel]", "orders[userid]", "orders[created_timestamp]", "orders[active_subscribers]",
    ),
    "ac_create_list": (
        "name", "stringid", "sender_url", "sender_reminder", "send_last_broadcast", "carboncopy",
        "subscription_notify", "unsubscription_notify", "user", "channel",
    ),
    "ac_set_list_status": ("list", "contact", "status", "sourceid"),
    "ac_list_tags": (*_PAGE, "search", "filters[search][op]", "orders[search]"),
    "ac_create_tag": ("tag", "tagType", "description"),
    "ac_add_tag": ("contact", "tag"),
    "ac_remove_tag": ("{id}",),
    "ac_get_deal": ("{id}",),
    "ac_list_deals": (
        *_PAGE, "filters[search]", "filters[search_field]", "filters[title]", "filters[stage]", "filters[group]",
        "filters[status]", "filters[owner]", "filters[nextdate_range]", "filters[tag]", "filters[tasktype]",
        "filters[created_before]", "filters[created_after]", "filters[updated_before]", "filters[updated_after]",
        "filters[organization]", "filters[minimum_value]", "filters[maximum_value]", "filters[score_greater_than]",
        "filters[score_less_than]", "filters[score]", "filters[d_groupid]", "filters[d_stageid]", "filters[d_owner]",
        "orders[title]", "orders[value]", "orders[cdate]", "orders[contact_name]", "orders[contact_orgname]",
        "orders[next-action]",
    ),
    "ac_create_deal": _DEAL,
    "ac_update_deal": ("{id}", *_DEAL),
    "ac_get_field": ("{id}",),
    "ac_list_fields": (*_PAGE, "filters[perstag]"),
    "ac_create_field": (
        "title", "type", "descript", "perstag", "defval", "visible", "isrequired", "ordernum", "fieldOptions[].field",
        "fieldOptions[].label", "fieldOptions[].value", "fieldOptions[].orderid", "fieldOptions[].isdefault",
        "fieldRel.field", "fieldRel.relid",
    ),
    "ac_create_campaign": ("name", "type", "canSplitContent"),
    "ac_list_automations": (
        *_PAGE, "search", "active", "label", "has_message", "enhance", "filters[name]", "filters[status]",
        "filters[ids]", "filters[tag]", "filters[triggers]", "filters[actions]", "filters[label_name]", "orders[name]",
        "orders[status]", "orders[entered]", "orders[cdate]", "orders[mdate]", "orders[revisions]",
    ),
    "ac_list_contact_automations": ("{id}", "limit", "orders[lastdate]"),
    "ac_add_to_automation": ("contact", "automation"),
    "ac_remove_from_automation": ("{id}",),
    "ac_list_accounts": (*_PAGE, "search", "count_deals"),
    "ac_create_account": (
        "name", "accountUrl", "owner", "fields[].customFieldId", "fields[].fieldValue", "fields[].fieldCurrency",
    ),
}  # fmt: skip
"""Every documented parameter of the 29 endpoints that is not deprecated, as it is called on the wire; `{id}` stands in
the path. Parameters of the requests that belong to the same act (options, relations, batches) are among them."""

ELSEWHERE: dict[str, dict[str, str]] = {
    "ac_import_contacts": {
        "contacts[].subscribe[].listid": "subscribe[]",
        "contacts[].unsubscribe[].listid": "unsubscribe[]",
        "exclude_automations": "run_automations",
        "contacts[].exclude_automations": "run_automations",
        "contacts[].tags": "tags",
    },
    "ac_create_field": {"fieldOptions[].value": "options", "fieldRel.relid": "list"},
    "ac_remove_tag": {"{id}": "tag"},
    "ac_remove_from_automation": {"{id}": "automation"},
}
"""Documented parameters that an argument of another shape decides."""

BY_ITSELF: dict[str, tuple[str, ...]] = {
    "ac_import_contacts": ("batchId",),
    "ac_set_list_status": ("sourceid",),
    "ac_create_field": (
        "fieldOptions[].field", "fieldOptions[].label", "fieldOptions[].orderid", "fieldOptions[].isdefault",
        "fieldRel.field",
    ),
    "ac_list_contact_automations": ("limit", "orders[lastdate]"),
}  # fmt: skip
"""Documented parameters that a tool fills in by itself."""


def arguments(name: str) -> type[BaseModel]:
    schema = CLASSES[name].model_fields["args_schema"].default
    assert isinstance(schema, type)
    assert issubclass(schema, BaseModel)
    return schema


def parts(annotation: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield get_origin(annotation) or annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def offered(name: str) -> set[str]:
    """The wire names that a tool's arguments stand for, nested ones with their way."""
    in_path = {part[1:-1] for part in CLASSES[name].endpoint.path.split("/") if part.startswith("{")}
    wire = {"{id}" if each in in_path else each for each in _wire_names(arguments(name))}
    orders = [each for each in DOCUMENTED[name] if each.startswith("orders[")]
    if "orders" in wire:
        accepted = {each for each in orders if _can_sort(name, each.removeprefix("orders[").removesuffix("]"))}
        wire = (wire - {"orders"}) | accepted
    return wire


def _wire_names(model: type[BaseModel], way: str = "") -> Iterator[str]:
    for field_name, field in model.model_fields.items():
        wire = way + (field.serialization_alias or field_name)
        inner = [part for part in parts(field.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        if inner:
            yield from _wire_names(inner[0], f"{wire}[].")
        elif list in parts(field.annotation) and Ref in parts(field.annotation):
            yield f"{wire}[]"
        else:
            yield wire


def _can_sort(name: str, field: str) -> bool:
    try:
        return arguments(name).model_validate({"orders": f"{field} DESC"}) is not None
    except ValueError:
        return False


@pytest.mark.parametrize("name", CLASSES)
def test_every_documented_parameter_is_an_argument_or_left_out_with_a_reason(name: str) -> None:
    """A documented parameter is an argument, is filled in by the tool, or is omitted for a reason: one of the three."""
    elsewhere, by_itself = ELSEWHERE.get(name, {}), BY_ITSELF.get(name, ())
    omitted, own = OMITTED.get(name, {}), offered(name)
    for parameter in DOCUMENTED[name]:
        places = [
            parameter in own or elsewhere.get(parameter) in own,
            parameter in by_itself,
            parameter in omitted,
        ]
        assert places.count(True) == 1, f"{name}: {parameter} is in {places.count(True)} places"


@pytest.mark.parametrize("name", CLASSES)
def test_no_argument_and_no_omission_is_unknown_to_the_documents(name: str) -> None:
    """Every argument stands for a documented parameter, and nothing is omitted that no document names."""
    documented = {*DOCUMENTED[name], *ELSEWHERE.get(name, {}).values()}
    # The two associations are looked up from a contact and something else; the path takes neither.
    looked_up = {"contact"} if name in ("ac_remove_tag", "ac_remove_from_automation") else set()
    assert offered(name) - documented - looked_up == set()
    assert set(OMITTED.get(name, {})) - set(DOCUMENTED[name]) == set()
    assert set(BY_ITSELF.get(name, ())) | set(ELSEWHERE.get(name, {})) <= set(DOCUMENTED[name])


def test_omissions_name_tools_and_give_reasons() -> None:
    """The table of omissions speaks of existing tools only, and every reason is a sentence."""
    assert set(OMITTED) <= set(CLASSES) == set(DOCUMENTED)
    for reasons in OMITTED.values():
        for reason in reasons.values():
            assert reason[0].isupper() or reason.startswith("ac_")
            assert reason.endswith(".")
            assert len(reason.split()) >= 4


def flat(value: Any, way: str = "") -> Iterator[str]:
    """The ways to everything in a body."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{way}{key}"
            yield from flat(inner, f"{way}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from flat(inner, f"{way.removesuffix('.')}[].")


@pytest.mark.parametrize("name", BY_ITSELF)
def test_what_a_tool_fills_in_by_itself_is_sent(
    name: str, toolkit: ActiveCampaignToolkit, wire: Any, valid: Mapping[str, Any]
) -> None:
    """What a tool claims to fill in by itself leaves with its valid calls."""
    for args in valid[name]:
        toolkit.get_tool(name).invoke(args)
    seen = {key for exchange in wire.exchanges for key, _ in exchange.query}
    seen |= {way for exchange in wire.exchanges for way in flat(exchange.body)}
    for parameter in BY_ITSELF[name]:
        assert any(way == parameter or way.endswith(f".{parameter}") for way in seen), parameter
