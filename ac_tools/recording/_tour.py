"""The tour of an account with reads alone: what is asked, in this order."""

from __future__ import annotations

from ac_tools.recording import _tells as tells
from ac_tools.recording._steps import NO_BATCH, NOBODY, Step

AREAS = ("general", "contacts", "tags", "lists", "fields", "accounts", "deals", "automations", "campaigns")
"""The areas, each of which has a file of its own; what belongs to none is general."""

_PAGE = (("limit", "2"),)


def _one(area: str, collection: str, noun: str) -> tuple[Step, Step, Step]:
    """The first page of a collection, its second one, and one of its records."""
    keeps = {f"any_{noun.replace(' ', '_')}": f"{collection}.0.id"}
    return (
        Step(f"the first {collection}", area, f"/{collection}", params=_PAGE, keeps=keeps),
        Step(f"the second page of {collection}", area, f"/{collection}", params=(*_PAGE, ("offset", "2"))),
        Step(f"one {noun}", area, f"/{collection}/{{any_{noun.replace(' ', '_')}}}"),
    )


def _missing(area: str, collection: str, noun: str) -> Step:
    article = "an" if noun[0] in "aeiou" else "a"
    return Step(f"{article} {noun} that does not exist", area, f"/{collection}/{NOBODY}")


def _of_contact(name: str) -> Step:
    return Step(f"the {name} of a contact", "contacts", f"/contacts/{{any_contact}}/{name}")


_GENERAL = (
    Step("the user of the key", "general", "/users/me", settles=("rate_limit_headers",), tells=tells.rate_headers),
    Step(
        "a wrong key",
        "general",
        "/users/me",
        with_key=False,
        settles=("unauthorized_status", "unauthorized_body"),
        tells=tells.form,
    ),
    Step(
        "a path that does not exist",
        "general",
        "/noSuchResource",
        settles=("unknown_path_status", "unknown_path_body"),
        tells=tells.form,
    ),
)

_CONTACTS = (
    *_one("contacts", "contacts", "contact"),
    Step(
        "contacts in no order",
        "contacts",
        "/contacts",
        settles=("contacts_newest_first",),
        tells=tells.order("contacts"),
    ),
    Step("contacts in an order", "contacts", "/contacts", params=(*_PAGE, ("orders[id]", "ASC"))),
    Step(
        "a page of more than 100",
        "contacts",
        "/contacts",
        params=(("limit", "101"),),
        settles=("limit_above_100",),
        tells=tells.page("contacts", 100),
    ),
    Step(
        "a page of none",
        "contacts",
        "/contacts",
        params=(("limit", "0"),),
        settles=("limit_below_1",),
        tells=tells.page("contacts"),
    ),
    Step("a search without result", "contacts", "/contacts", params=(("search", "{t} nobody"),)),
    Step("an address that nobody has", "contacts", "/contacts", params=(("email", "{t}-nobody@example.com"),)),
    Step("active contacts of a list", "contacts", "/contacts", params=(*_PAGE, ("status", "1"), ("listid", NOBODY))),
    Step(
        "a contact with include",
        "contacts",
        "/contacts/{any_contact}",
        params=(("include", "fieldValues"),),
        settles=("include_ignored",),
        tells=tells.keys_as_in("one contact"),
    ),
    _missing("contacts", "contacts", "contact"),
    *map(_of_contact, ("contactTags", "contactLists", "fieldValues", "deals", "contactAutomations", "accountContacts")),
    Step(
        "an import that nobody queued",
        "contacts",
        "/import/info",
        params=(("batchId", NO_BATCH),),
        settles=("import_unknown_batch",),
    ),
    Step("an import without its id", "contacts", "/import/info"),
)

_TAGS = (
    *_one("tags", "tags", "tag"),
    Step("a page of tags as long as it comes", "tags", "/tags", settles=("tags_limit",), tells=tells.size("tags")),
    Step("tags in no order", "tags", "/tags", settles=("other_orders",), tells=tells.order("tags")),
    Step("a tag that nobody made", "tags", "/tags", params=(("search", "{t} nobody"),)),
    _missing("tags", "tags", "tag"),
    Step("tags of contacts", "tags", "/contactTags", params=_PAGE),
)

_LISTS = (
    *_one("lists", "lists", "list"),
    Step("lists in no order", "lists", "/lists", settles=("other_orders",), tells=tells.order("lists")),
    Step("a list by a name that none has", "lists", "/lists", params=(("filters[name]", "{t} nobody"),)),
    _missing("lists", "lists", "list"),
)

_FIELDS = (
    *_one("fields", "fields", "field"),
    _missing("fields", "fields", "field"),
    Step("values of fields", "fields", "/fieldValues", params=_PAGE),
    Step("options of fields", "fields", "/fieldOptions", params=_PAGE),
)

_ACCOUNTS = (
    *_one("accounts", "accounts", "account"),
    Step("accounts in no order", "accounts", "/accounts", settles=("other_orders",), tells=tells.order("accounts")),
    Step("accounts with their deals counted", "accounts", "/accounts", params=(*_PAGE, ("count_deals", "true"))),
    _missing("accounts", "accounts", "account"),
    Step("contacts in accounts", "accounts", "/accountContacts", params=_PAGE),
)

_DEALS = (
    *_one("deals", "deals", "deal"),
    *_one("deals", "dealGroups", "pipeline"),
    *_one("deals", "dealStages", "stage"),
    Step("deals by two filters", "deals", "/deals", params=(("filters[status]", "0"), ("filters[stage]", NOBODY))),
    Step(
        "a deal that does not exist",
        "deals",
        f"/deals/{NOBODY}",
        settles=("deal_class",),
        tells=tells.named_class,
    ),
)

_AUTOMATIONS = (
    Step(
        "the automations",
        "automations",
        "/automations",
        params=_PAGE,
        settles=("total_is_text",),
        tells=tells.kind("meta.total"),
    ),
    Step(
        "the automations from the second on",
        "automations",
        "/automations",
        params=(*_PAGE, ("offset", "1")),
        settles=("automation_status",),
        tells=tells.kind("automations.0.status"),
    ),
    Step(
        "runs of automations",
        "automations",
        "/contactAutomations",
        params=_PAGE,
        settles=("element_counts",),
        tells=tells.kind("contactAutomations.0.completedElements"),
        keeps={"any_run": "contactAutomations.0.id"},
    ),
    Step("one run", "automations", "/contactAutomations/{any_run}"),
    Step("a run that does not exist", "automations", f"/contactAutomations/{NOBODY}"),
)

_CAMPAIGNS = (
    Step(
        "the campaigns",
        "campaigns",
        "/campaigns",
        params=_PAGE,
        settles=("total_is_text",),
        tells=tells.kind("meta.total"),
        keeps={"any_campaign": "campaigns.0.id"},
    ),
    Step("one campaign", "campaigns", "/campaigns/{any_campaign}"),
)

READS = (
    *_GENERAL,
    *_CONTACTS,
    *_TAGS,
    *_LISTS,
    *_FIELDS,
    *_ACCOUNTS,
    *_DEALS,
    *_AUTOMATIONS,
    *_CAMPAIGNS,
)
