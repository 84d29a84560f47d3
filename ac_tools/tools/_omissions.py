"""What the API's documents name and the tools leave out, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

_BY_PHONE_ONLY = "Makes contacts without an address, which no tool here could name, find or update again."
_SCORE = "Scores are set up in the app and no tool reads them, so a model has no score's id to give."
_OPERATORS = 'The plain filter already means "contains"; the other comparisons cost every call tokens for little.'
_CALLBACK = "Would send personal data to an address that a model chose; the tool follows the import itself."
_ANOTHER_NAME = "Another client's spelling of a filter that the tool has; nobody has confirmed it for deals."
_TASKS = "Tasks and their types are outside these tools."
_FOLDERS = "Folders of automations are outside these tools, so a model has no folder's id to give."
_INSIDE = "Concerns the steps inside an automation, which no tool reads."

OMITTED: Mapping[str, Mapping[str, str]] = {
    "ac_get_contact": {
        "include": "Nobody has confirmed it, and the reply holds lists and field values without it.",
    },
    "ac_list_contacts": {
        "exclude": "Leaves one contact out of a page; whoever reads the page can pass over it.",
        "id_less": "Pages backwards; id_greater and orders reach every contact.",
        "formid": "Forms are outside these tools, so a model has no form's id to give.",
        "waitid": _INSIDE,
        "filters[email]": "The same as email, the argument.",
        "orders[score]": _SCORE,
        "sortId": _SCORE,
        "in_group_lists": "The account applies the permissions of the key's user by itself.",
        "forceQuery": "Makes the account work a segment out again at once; without it results are an hour old at most.",
    },
    "ac_create_contact": {"allowNullEmail": _BY_PHONE_ONLY},
    "ac_sync_contact": {"allowNullEmail": _BY_PHONE_ONLY},
    "ac_import_contacts": {
        "callback.url": _CALLBACK,
        "callback.requestType": _CALLBACK,
        "callback.detailed_results": _CALLBACK,
        "callback.params": _CALLBACK,
        "callback.headers": _CALLBACK,
    },
    "ac_list_lists": {
        "search": "The account takes it and ignores it; name is the filter that works.",
        "filters[name][op]": _OPERATORS,
        "filters[id]": "ac_get_list reads a list by its id.",
        "filters[userid][]": "One owner at a time is enough; an account has few lists.",
        "filters[created_timestamp]": "An account has few lists; orders by this date finds the newest.",
        "filters[active_subscribers]": "An account has few lists; orders by this number finds the largest.",
    },
    "ac_list_tags": {
        "filters[search][op]": _OPERATORS,
        "orders[search]": "Sorts by how well a tag matches; the tool's page shows all that match.",
    },
    "ac_list_deals": {
        "filters[tasktype]": _TASKS,
        "filters[organization]": "Takes the id of an organisation, the deprecated forerunner of accounts.",
        "filters[score]": _SCORE,
        "filters[score_greater_than]": _SCORE,
        "filters[score_less_than]": _SCORE,
        "filters[d_groupid]": _ANOTHER_NAME,
        "filters[d_stageid]": _ANOTHER_NAME,
        "filters[d_owner]": _ANOTHER_NAME,
    },
    "ac_create_field": {
        "ordernum": "The account ignores it on creation and puts the field last.",
    },
    "ac_list_automations": {
        "label": _FOLDERS,
        "filters[label_name]": _FOLDERS,
        "has_message": _INSIDE,
        "filters[triggers]": _INSIDE,
        "filters[actions]": _INSIDE,
        "enhance": "Nobody has said what it adds to the reply.",
        "filters[name]": "The same as search, the argument.",
        "filters[status]": "The same as active, the argument.",
        "filters[ids]": "A name or id is looked up by every tool that takes an automation.",
    },
}
"""By tool, the wire name of each documented parameter that is no argument, and why. Deprecated ones are not listed."""
