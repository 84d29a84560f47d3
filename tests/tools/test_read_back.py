"""Whether a write happened: every writing tool can read it back from its natural key, after a restart too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ac_guardrails import Request
from ac_tools import ActiveCampaignError, ActiveCampaignToolkit, OutcomeUnknownError
from ac_tools.sandbox import Clock, Settings

from .reading_back import MADE, WRITES, drive, effect, key_of, planned, read, send

Toolkits = Callable[..., ActiveCampaignToolkit]
NAMES = ["秋の展示会", 'Chairs, "soft" & round #1', "50% off + more", "O'Brien / Söhne", "ÉTÉ"]
HOUR = 3600.0


def texts(value: Any) -> list[str]:
    """The texts within some arguments."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inner for text in texts(item)]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("tool", WRITES)
def test_what_was_done_is_found(tool: str, number: int, toolkit: ActiveCampaignToolkit, valid: Any, run: Any) -> None:
    """After a write its effect is found, in words that hold nobody's address, name or value."""
    args = valid[tool][number]
    key, since = key_of(toolkit, tool, **args), time.time()
    assert run(toolkit, tool, **args).status == "success"
    finding = read(toolkit, tool, key, since)
    assert finding.kind == "present", finding.reason
    said = [text for text in texts(args) if len(text) > 2 and text.lower() not in ("subscribe", "unsubscribe")]
    assert not [text for text in said if text.lower() in finding.reason.lower()]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("tool", WRITES)
def test_what_was_not_done_is_not_found(tool: str, number: int, toolkit: ActiveCampaignToolkit, valid: Any) -> None:
    """Without the write its effect is found to be absent."""
    args = valid[tool][number]
    finding = read(toolkit, tool, key_of(toolkit, tool, **args), time.time())
    assert finding.kind == "absent", finding.reason


@pytest.mark.parametrize("tool", WRITES)
def test_reading_back_only_reads(tool: str, toolkit: ActiveCampaignToolkit, wire: Any, valid: Any) -> None:
    """Nothing but reads leaves, and few of them."""
    key = key_of(toolkit, tool, **valid[tool][0])
    before = len(wire.exchanges)
    read(toolkit, tool, key)
    assert {each.method for each in wire.exchanges[before:]} == {"GET"}
    assert len(wire.exchanges) - before <= 5


@pytest.mark.parametrize("tool", WRITES)
def test_the_same_call_has_the_same_effect_and_another_has_another(
    tool: str, toolkit: ActiveCampaignToolkit, valid: Any
) -> None:
    """Equal effects have equal keys, different effects have different ones."""
    first, second = (effect(key_of(toolkit, tool, **args)) for args in valid[tool])
    assert first == effect(key_of(toolkit, tool, **valid[tool][0]))
    assert first != second


@pytest.mark.parametrize(
    ("tool", "args", "when", "kind"),
    [
        ("ac_create_tag", {"name": "Fresh"}, "after", "present"),
        ("ac_create_tag", {"name": "Fresh"}, "before", "absent"),
        ("ac_create_contact", {"email": "zoe+a@new.example"}, "after", "present"),
        ("ac_create_contact", {"email": "zoe+a@new.example"}, "before", "absent"),
        ("ac_delete_contact", {"contact": 47}, "after", "present"),
        ("ac_delete_contact", {"contact": 47}, "before", "absent"),
        ("ac_update_deal", {"deal": 27, "amount": "1.50"}, "after", "present"),
        ("ac_update_deal", {"deal": 27, "amount": "1.50"}, "before", "absent"),
    ],
)
def test_an_answer_that_never_came(
    tool: str, args: Any, when: Any, kind: str, toolkit: ActiveCampaignToolkit, wire: Any
) -> None:
    """Whether the account did the work before the connection broke is found out."""
    action, since = planned(toolkit, tool, **args).action, time.time()
    wire.sandbox.fault("*", action.request.path, cut="reset", when=when)
    with pytest.raises(OutcomeUnknownError):
        send(wire.account, action.request)
    assert read(toolkit, tool, action.key, since).kind == kind


# People: create, sync, update, delete.


def test_creating_and_syncing_an_address_is_one_effect(toolkit: ActiveCampaignToolkit) -> None:
    """Whoever creates a contact and whoever syncs the same address, in any case, would do the same."""
    created = key_of(toolkit, "ac_create_contact", email="Zoe@New.example", first_name="Zoë")
    synced = key_of(toolkit, "ac_sync_contact", email="zoe@new.example", last_name="Q")
    assert effect(created) == effect(synced)


def test_a_contact_from_before_was_not_created(toolkit: ActiveCampaignToolkit) -> None:
    """Somebody who had the address before is not what the write made: it was refused, if it came at all."""
    key = key_of(toolkit, "ac_create_contact", email="MARIA@lindqvist-interiors.example")
    finding = read(toolkit, "ac_create_contact", key, time.time())
    assert (finding.kind, finding.reason[:10]) == ("absent", "contact 46")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "present"),
        ({"first_name": "Maria", "last_name": "Lindqvist"}, "present"),
        ({"first_name": "Marie"}, "absent"),
        ({"first_name": "maria"}, "absent"),
        ({"field_values": [{"field": "Job title", "value": "Owner"}]}, "present"),
        ({"field_values": [{"field": "Job title", "value": "Chef"}]}, "absent"),
        ({"field_values": [{"field": "Delivery notes", "value": ""}]}, "present"),
        ({"field_values": [{"field": "Delivery notes", "value": "Ring"}]}, "absent"),
    ],
)
def test_a_sync_is_judged_by_its_values(values: Any, kind: str, toolkit: ActiveCampaignToolkit) -> None:
    """A contact that is older tells by its values whether the sync was applied."""
    key = key_of(toolkit, "ac_sync_contact", email="maria@lindqvist-interiors.example", **values)
    assert read(toolkit, "ac_sync_contact", key).kind == kind


def test_every_changed_value_counts(toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """One value that is not there means that the update was not applied; all of them, that it was."""
    notes = [{"field": 3, "value": "||Sofas||Desks||"}, {"field": 1, "value": "CEO"}]
    changes = {"contact": 46, "email": "M.L@new.example", "phone": "+1 555", "first_name": "M", "field_values": notes}
    key = key_of(toolkit, "ac_update_contact", **changes)
    run(toolkit, "ac_update_contact", contact=46, phone="+1 555", first_name="M", field_values=notes)
    finding = read(toolkit, "ac_update_contact", key)
    assert (finding.kind, finding.reason) == ("absent", "contact 46 has not what was sent as email")
    run(toolkit, "ac_update_contact", contact=46, email="m.l@new.example")
    assert read(toolkit, "ac_update_contact", key).kind == "present"


def test_choices_may_come_back_in_another_order(toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """Several choices are a set, whatever order the account keeps them in."""
    key = key_of(toolkit, "ac_update_contact", contact=46, field_values=[{"field": 3, "value": "||Desks||Sofas||"}])
    run(toolkit, "ac_update_contact", contact=46, field_values=[{"field": 3, "value": "||Sofas||Desks||"}])
    assert read(toolkit, "ac_update_contact", key).kind == "present"


def test_a_value_that_the_account_wrote_its_own_way_proves_nothing(toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """A field that was written since and reads otherwise is neither proof nor disproof."""
    key = key_of(toolkit, "ac_update_contact", contact=46, field_values=[{"field": 4, "value": "1990-1-2"}])
    since = time.time()
    run(toolkit, "ac_update_contact", contact=46, field_values=[{"field": 4, "value": "1990-01-02"}])
    assert read(toolkit, "ac_update_contact", key, since).kind == "cannot_tell"
    assert read(toolkit, "ac_update_contact", key, since + 60).kind == "absent"


def test_the_same_update_in_another_order_is_the_same(toolkit: ActiveCampaignToolkit) -> None:
    """Field values in another order and addresses in another case are the same update; other values are another."""
    values = [{"field": 1, "value": "CEO"}, {"field": 2, "value": "Trade"}]
    keys = [
        effect(key_of(toolkit, "ac_update_contact", contact=46, field_values=each))
        for each in (values, values[::-1], values[:1])
    ]
    assert keys[0] == keys[1] != keys[2]
    first, second = ({"contact": 46, "email": email} for email in ("a@new.example", "A@New.example"))
    assert effect(key_of(toolkit, "ac_update_contact", **first)) == effect(
        key_of(toolkit, "ac_update_contact", **second)
    )


@pytest.mark.parametrize(
    ("tool", "args", "kind"),
    [
        ("ac_update_contact", {"contact": 46, "phone": "1"}, "absent"),
        ("ac_add_tag", {"contact": 46, "tag": "VIP"}, "absent"),
        ("ac_remove_tag", {"contact": 46, "tag": "Trade"}, "present"),
        ("ac_set_list_status", {"contact": 46, "list": 1, "status": "unsubscribe"}, "absent"),
        ("ac_add_to_automation", {"contact": 46, "automation": 2}, "absent"),
        ("ac_remove_from_automation", {"contact": 6, "automation": 2}, "present"),
        ("ac_delete_contact", {"contact": 46}, "present"),
    ],
)
def test_somebody_who_is_gone(tool: str, args: Any, kind: str, toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """With the contact everything that could be put on it is absent, and everything that could be taken off is off."""
    key = key_of(toolkit, tool, **args)
    run(toolkit, "ac_delete_contact", contact=args["contact"])
    assert read(toolkit, tool, key).kind == kind


def test_a_contact_that_is_marked_as_deleted_is_gone(on: Any, toolkit_for: Toolkits) -> None:
    """An account that keeps the record but marks it as deleted has deleted it."""

    def marked(exchange: Any, data: Any) -> Any:
        return {**data, "contact": {**data["contact"], "deleted": "1"}} if "contact" in data else data

    toolkit = toolkit_for(on(change=marked))
    assert read(toolkit, "ac_delete_contact", {"contact": 46}).kind == "present"


def test_another_contact_than_asked_for_is_no_proof(on: Any, toolkit_for: Toolkits) -> None:
    """An answer about somebody else is an error, not a finding."""

    def another(exchange: Any, data: Any) -> Any:
        return {**data, "contact": {**data["contact"], "id": "47"}} if "contact" in data else data

    toolkit = toolkit_for(on(change=another))
    with pytest.raises(ActiveCampaignError, match="another contact than 46"):
        read(toolkit, "ac_delete_contact", {"contact": 46})


# Ties: tags, lists, automations.


@pytest.mark.parametrize("tool", ["ac_add_tag", "ac_add_to_automation", "ac_set_list_status"])
def test_somebody_without_any_ties(tool: str, toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """A contact that has nothing at all does not have it."""
    contact = int(run(toolkit, "ac_create_contact", email="bare@new.example").artifact.id)
    key = {"contact": contact, "tag": 1, "automation": 2, "list": 1, "status": "subscribe"}
    assert read(toolkit, tool, key, 0.0).kind == "absent"


def test_taking_off_and_putting_on_are_two_effects(toolkit: ActiveCampaignToolkit) -> None:
    """To put a tag on and to take it off do not get into each other's way; nor do enrolling and removing."""
    assert effect(key_of(toolkit, "ac_add_tag", contact=46, tag=5)) != effect(
        key_of(toolkit, "ac_remove_tag", contact=46, tag=5)
    )
    assert effect(key_of(toolkit, "ac_add_to_automation", contact=6, automation=2)) != effect(
        key_of(toolkit, "ac_remove_from_automation", contact=6, automation=2)
    )


def test_a_tag_that_somebody_put_on_again(toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """A removed association stays removed, even if the contact was tagged anew in between."""
    key = key_of(toolkit, "ac_remove_tag", contact=46, tag="Trade")
    run(toolkit, "ac_remove_tag", contact=46, tag="Trade")
    run(toolkit, "ac_add_tag", contact=46, tag="Trade")
    assert read(toolkit, "ac_remove_tag", key).kind == "present"
    assert read(toolkit, "ac_remove_tag", {**key, "_association": None}).kind == "absent"


def test_a_run_from_before_is_not_ours(toolkit: ActiveCampaignToolkit) -> None:
    """Somebody who was enrolled earlier was not enrolled by this write."""
    finding = read(toolkit, "ac_add_to_automation", {"contact": 6, "automation": 2}, time.time())
    assert finding.kind == "absent"


def test_a_run_without_a_date_proves_nothing(on: Any, toolkit_for: Toolkits) -> None:
    """A run whose beginning is not told may be ours or not."""

    def undated(exchange: Any, data: Any) -> Any:
        return {"contactAutomations": [{**run, "adddate": None} for run in data["contactAutomations"]]}

    toolkit = toolkit_for(on(change=undated))
    assert read(toolkit, "ac_add_to_automation", {"contact": 6, "automation": 2}).kind == "cannot_tell"


# Things that are found by name and time.

OLD = {
    "ac_create_tag": {"name": "vip"},
    "ac_create_list": {"name": "Newsletter"},
    "ac_create_field": {"title": "customer type"},
    "ac_create_account": {"name": "müller & söhne objekteinrichtung"},
    "ac_create_campaign": {"name": "Autumn in the workshop"},
    "ac_create_deal": {
        "title": "Reception and lobby, Lindqvist HQ",
        "contact": 46,
        "account": 1,
        "amount": 1_840_000,
        "currency": "eur",
    },
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tool", MADE)
def test_names_of_every_kind_are_found(tool: str, name: str, toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """Other scripts, commas, quotes, ampersands and hashes hide nothing, and a name that holds it is another."""
    longer = run(toolkit, tool, **MADE[tool](f"{name} again"))
    assert longer.status == "success"
    key, since = key_of(toolkit, tool, **MADE[tool](name)), time.time() - 1
    assert read(toolkit, tool, key, since).kind == "absent"
    run(toolkit, tool, **MADE[tool](name))
    assert read(toolkit, tool, key, since).kind == "present"


@pytest.mark.parametrize("tool", OLD)
def test_the_same_name_from_before_is_somebody_elses(tool: str, toolkit: ActiveCampaignToolkit) -> None:
    """What was there before the write left is not what it made; the reason names it."""
    finding = read(toolkit, tool, OLD[tool], time.time())
    assert finding.kind == "absent"
    assert "was there before" in finding.reason
    assert read(toolkit, tool, OLD[tool], 0.0).kind == "present"


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
@pytest.mark.parametrize("tool", MADE)
def test_the_accounts_clock_may_be_wrong(tool: str, ahead: float, on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """An account an hour ahead or behind shows its own records as new, and those of last year as old."""
    toolkit = toolkit_for(on(clock=Clock(time.time() + ahead)))
    key, since = key_of(toolkit, tool, **MADE[tool]("Autumn fair")), time.time()
    run(toolkit, tool, **MADE[tool]("Autumn fair"))
    assert read(toolkit, tool, key, since).kind == "present"
    assert read(toolkit, tool, OLD[tool], since).kind == "absent"


def test_a_clock_that_is_behind_does_not_make_old_things_new(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """An account that is an hour behind: what it made a minute before the write left is not the write's."""
    toolkit = toolkit_for(on(clock=Clock(time.time() - HOUR)))
    run(toolkit, "ac_create_list", **MADE["ac_create_list"]("Autumn fair"))
    assert read(toolkit, "ac_create_list", {"name": "Autumn fair"}, time.time() + 60).kind == "absent"
    assert read(toolkit, "ac_create_list", {"name": "Autumn fair"}, time.time()).kind == "present"


def test_a_clock_that_moves_in_between(on: Any, toolkit_for: Toolkits, run: Any) -> None:
    """What was made stays found when the account's clock has moved on since."""
    clock = Clock()
    toolkit, since = toolkit_for(on(clock=clock)), time.time()
    run(toolkit, "ac_create_list", **MADE["ac_create_list"]("Autumn fair"))
    clock.advance(HOUR)
    assert read(toolkit, "ac_create_list", {"name": "Autumn fair"}, since).kind == "present"


@pytest.mark.parametrize("tool", MADE)
def test_without_a_date_nobody_can_tell(tool: str, on: Any, toolkit_for: Toolkits) -> None:
    """Where a record of that name has no date that can be read, it may be the write's or not."""

    def undated(exchange: Any, data: Any) -> Any:
        dates = {"cdate": "0000-00-00 00:00:00", "createdTimestamp": None}
        rows = {name: value for name, value in data.items() if isinstance(value, list)}
        return {**data, **{name: [{**row, **dates} for row in value] for name, value in rows.items()}}

    assert read(toolkit_for(on(change=undated)), tool, OLD[tool], time.time()).kind == "cannot_tell"


def test_without_the_accounts_time_old_things_prove_nothing(on: Any, toolkit_for: Toolkits) -> None:
    """If the account does not tell its time, nobody knows how old a record of that name is."""
    toolkit = toolkit_for(on(change=lambda exchange, data: data))  # a changed answer has no headers
    assert read(toolkit, "ac_create_tag", OLD["ac_create_tag"], time.time()).kind == "cannot_tell"
    assert read(toolkit, "ac_create_tag", {"name": "never heard of"}, time.time()).kind == "absent"


@pytest.mark.parametrize(
    ("many", "before", "after"), [(250, "absent", "present"), (1100, "cannot_tell", "cannot_tell")]
)
def test_every_page_is_looked_through_up_to_a_bound(
    many: int, before: str, after: str, on: Any, toolkit_for: Toolkits
) -> None:
    """Hundreds of names that hold the wanted one are gone through; past a thousand nobody claims to have seen all."""
    tags = [{"id": number, "tag": f"Fair {number}", "created": "2024-01-01"} for number in range(1, many + 1)]
    user = {"id": 1, "username": "a", "email": "a@example.com", "first_name": "A", "last_name": "B"}
    wire = on(seed={"users": [user], "tags": tags})
    toolkit, key, since = toolkit_for(wire), {"name": "fair", "_name": "Fair"}, time.time()
    assert read(toolkit, "ac_create_tag", key, since).kind == before
    send(wire.account, Request("POST", "/tags", body={"tag": {"tag": "Fair", "tagType": "contact"}}))
    assert read(toolkit, "ac_create_tag", key, since).kind == after
    assert len(wire.exchanges) <= 21


def test_deals_of_one_title_are_told_apart(toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """Another amount, currency or person makes another deal, though the title is the same."""
    deal = MADE["ac_create_deal"]("Ten desks")
    key, since = key_of(toolkit, "ac_create_deal", **deal), time.time()
    others = [{"amount": "5.01"}, {"currency": "USD"}, {"contact": 3}]
    for other in others:
        assert run(toolkit, "ac_create_deal", **{**deal, **other}).status == "success"
        assert effect(key) != effect(key_of(toolkit, "ac_create_deal", **{**deal, **other}))
    assert read(toolkit, "ac_create_deal", key, since).kind == "absent"
    run(toolkit, "ac_create_deal", **deal)
    assert read(toolkit, "ac_create_deal", key, since).kind == "present"


def test_a_deal_that_the_key_may_not_see_proves_nothing(on: Any, toolkit_for: Toolkits) -> None:
    """A deal that shows its title alone may be the one."""

    def disabled(exchange: Any, data: Any) -> Any:
        def bare(row: Any) -> Any:
            return {"title": row["title"], "id": row["id"], "isDisabled": True}

        if "deals" in data:
            return {**data, "deals": [bare(row) for row in data["deals"]]}
        return {**data, "deal": bare(data["deal"])} if "deal" in data else data

    toolkit = toolkit_for(on(change=disabled))
    assert read(toolkit, "ac_create_deal", OLD["ac_create_deal"]).kind == "cannot_tell"
    assert read(toolkit, "ac_update_deal", {"deal": 27, "values": {"percent": 5}}).kind == "cannot_tell"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "新しい机, 'ten' & #1"},
        {"amount": "0"},
        {"currency": "GBP"},
        {"contact": 3},
        {"account": "Fjordheim Hotell"},
        {"owner": 1},
        {"percent": 55},
        {"status": "won"},
        {"description": "Call first"},
        {"pipeline": "Sales", "stage": "Qualified"},
    ],
)
def test_every_value_of_a_deal_can_be_compared(changes: Any, toolkit: ActiveCampaignToolkit, run: Any) -> None:
    """What an update changes is found in the deal, and not before."""
    key = key_of(toolkit, "ac_update_deal", deal=1, **changes)
    if "pipeline" not in changes:
        assert read(toolkit, "ac_update_deal", key).kind == "absent"
    assert run(toolkit, "ac_update_deal", deal=1, **changes).status == "success"
    assert read(toolkit, "ac_update_deal", key).kind == "present"


def test_custom_fields_of_a_deal_cannot_be_compared(toolkit: ActiveCampaignToolkit) -> None:
    """A deal does not show its custom fields, so an update of nothing else cannot be judged."""
    fields = [{"custom_field_id": 1, "value": "x"}]
    key = key_of(toolkit, "ac_update_deal", deal=27, fields=fields)
    assert read(toolkit, "ac_update_deal", key).kind == "cannot_tell"
    assert effect(key) != effect(key_of(toolkit, "ac_update_deal", deal=27, fields=[{**fields[0], "value": "y"}]))


def test_half_a_field_is_told(toolkit: ActiveCampaignToolkit, wire: Any) -> None:
    """A field that was made but is shown on no contact yet is found, and what is missing is said."""
    action, since = planned(toolkit, "ac_create_field", title="Shoe size", type="text").action, time.time()
    send(wire.account, action.request)
    finding = read(toolkit, "ac_create_field", action.key, since)
    assert finding.kind == "present"
    assert finding.reason.endswith("shown on no contact yet: finish it in the app")


# Imports.


def people(count: int) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@imported.example"} for number in range(count)]


def test_an_import_of_people_who_were_known_cannot_be_judged(toolkit: ActiveCampaignToolkit) -> None:
    """Where the account knew everybody before, their being there says nothing."""
    known = [{"email": "MARIA@lindqvist-interiors.example"}, {"email": "bea.lovell@example.org"}]
    key = key_of(toolkit, "ac_import_contacts", contacts=known)
    assert key["_new"] == [[]]
    assert read(toolkit, "ac_import_contacts", key).kind == "cannot_tell"


def test_an_import_that_still_runs_is_not_called_absent(on: Any, toolkit_for: Toolkits) -> None:
    """A queued import shows nobody yet; while the account has something to work off, it is looked at again later."""
    wire = on(settings=Settings(import_seconds=30), clock=(clock := Clock()))
    toolkit = toolkit_for(wire)
    action, since = planned(toolkit, "ac_import_contacts", contacts=people(3)).action, time.time()
    assert read(toolkit, "ac_import_contacts", action.key, since).kind == "absent"
    send(wire.account, action.request)
    assert read(toolkit, "ac_import_contacts", action.key, since).kind == "unread"
    clock.advance(60)
    finding = read(toolkit, "ac_import_contacts", action.key, since)
    assert finding.kind == "present"
    assert finding.reason == "3 of 3 people who were unknown before are there"


def test_people_who_came_between_the_look_and_the_write_are_not_the_imports(
    toolkit: ActiveCampaignToolkit, run: Any
) -> None:
    """Somebody who was created while a person was thinking is not taken for the import's work."""
    key = key_of(toolkit, "ac_import_contacts", contacts=people(1))
    run(toolkit, "ac_create_contact", **people(1)[0])
    assert read(toolkit, "ac_import_contacts", key, time.time() + 60).kind == "absent"


@pytest.mark.parametrize(("count", "shares"), [(1, [1]), (9, [5]), (501, [4, 4, 1]), (2500, [1] * 10)])
def test_looking_people_up_is_bounded(count: int, shares: list[int], toolkit: ActiveCampaignToolkit, wire: Any) -> None:
    """At most five people a request and twelve in all are looked up before an import."""
    key = key_of(toolkit, "ac_import_contacts", contacts=people(count))
    assert [len(batch) for batch in key["_new"]] == shares
    assert len(wire.exchanges) == sum(shares) <= 12


def test_a_large_import_is_looked_into_all_over(toolkit: ActiveCampaignToolkit, wire: Any) -> None:
    """Thirty requests are not more reads than ten."""
    key = key_of(toolkit, "ac_import_contacts", contacts=people(7500))
    assert len(key["_new"]) == 30
    assert sum(map(len, key["_new"])) == len(wire.exchanges) == 10


def test_the_order_of_people_and_what_was_known_of_them_do_not_make_another_import(
    toolkit: ActiveCampaignToolkit, run: Any
) -> None:
    """The same people in another order are the same import, also after some of them came to be known."""
    before = key_of(toolkit, "ac_import_contacts", contacts=people(3))
    assert run(toolkit, "ac_create_contact", **people(1)[0]).status == "success"
    after = key_of(toolkit, "ac_import_contacts", contacts=people(3)[::-1])
    assert before["_new"] != after["_new"]
    assert effect(before) == effect(after)
    tagged = [{**person, "tags": ["Fair"]} for person in people(3)]
    assert effect(before) != effect(key_of(toolkit, "ac_import_contacts", contacts=tagged))


def test_an_import_goes_on_where_people_cannot_be_looked_up(toolkit: ActiveCampaignToolkit, wire: Any) -> None:
    """Looking people up is good to have: an error there stops no import."""
    wire.sandbox.fault("GET", "/contacts", status=403, times=3)
    assert key_of(toolkit, "ac_import_contacts", contacts=people(3))["_new"] == [[]]


# What a person's consent rests on.


@pytest.mark.parametrize(
    ("tool", "args", "voids"),
    [
        (
            "ac_delete_contact",
            {"contact": 6},
            {
                "name": "Ingrid Sjöberg",
                "email": "ingrid.sjoberg@lindqvist-interiors.example",
                "open deals": "none",
            },
        ),
        (
            "ac_add_to_automation",
            {"contact": 46, "automation": "Trade onboarding"},
            {
                "name": "Maria Lindqvist",
                "email": "maria@lindqvist-interiors.example",
                "automation 2": "Trade onboarding",
                "automation status": "active",
                "in it already": "no",
                "opted out of": "none",
            },
        ),
        (
            "ac_set_list_status",
            {"contact": 47, "list": 1, "status": "subscribe"},
            {
                "status on the list": "bounced",
                "since when": "2023-10-28",
                "mails its last campaign": False,
                "list 1": "Newsletter",
                "name": "Dieter Falk",
                "email": "dieter.falk@example.com",
            },
        ),
        (
            "ac_update_contact",
            {"contact": 47, "email": "d@new.example", "field_values": [{"field": 1, "value": "CEO"}]},
            {
                "name": "Dieter Falk",
                "email": "dieter.falk@example.com",
                "address": "dieter.falk@example.com",
                "field 1": "(empty)",
                "opted out of": "list 1, list 3, list 5",
            },
        ),
        (
            "ac_update_deal",
            {"deal": 27, "title": "Lobby"},
            {
                "deal 27": "Reception and lobby, Lindqvist HQ",
                "title": "Reception and lobby, Lindqvist HQ",
                "amount": "18,400.00 EUR",
                "stage": "Qualified (id 6)",
                "status": "open",
                "name": "Maria Lindqvist",
                "email": "maria@lindqvist-interiors.example",
            },
        ),
        (
            "ac_import_contacts",
            {"contacts": people(3), "subscribe": [1]},
            {"opted out": "none", "mails its last campaign": False, "list 1": "Newsletter"},
        ),
    ],
)
def test_what_consent_rests_on_is_known(tool: str, args: Any, voids: Any, toolkit: ActiveCampaignToolkit) -> None:
    """Whatever voids a person's consent is read before they are asked; addresses are no facts, which go on record."""
    plan = planned(toolkit, tool, **args)
    plan = drive(toolkit.account, plan.portray(True))
    assert plan.voids == voids
    assert "@" not in json.dumps(dict(plan.facts))
