"""What an account does otherwise than the sandbox is told step by step, and the setting that does the same is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ac_tools.recording import TOUR, Listened, compare_settings, compare_steps, embedded, play_on_sandbox, seen_in
from ac_tools.recording._shape import differences
from ac_tools.recording._steps import Seen
from ac_tools.sandbox import Sandbox, Settings


@cache
def _played(settings: Settings) -> Mapping[str, Seen]:
    return play_on_sandbox(settings, writes=True)


def as_recorded(**settings: Any) -> dict[str, Seen]:
    """The answers of an account that behaves like this."""
    return dict(_played(Settings(**settings)))


def verdicts(recorded: Mapping[str, Seen]) -> dict[str, tuple[str, Any]]:
    found = compare_settings(recorded, _played, TOUR)
    return {each.setting: (each.verdict, each.value) for each in found}


def others(recorded: Mapping[str, Seen]) -> dict[str, tuple[str, Any]]:
    """The settings about which something else is said than that they are as assumed, or not told."""
    return {name: each for name, each in verdicts(recorded).items() if each[0] not in ("as assumed", "not told")}


def steps(recorded: Mapping[str, Seen]) -> dict[str, tuple[str, ...]]:
    """The steps that differ, and what is said of them."""
    found = compare_steps(recorded, as_recorded(), TOUR)
    return {each.step: each.says for each in found if each.result != "same"}


def test_the_sandbox_compared_with_itself_differs_nowhere(account, recorded):
    """From the files of a whole recording every step is the same, and every assumption that is told is as it is."""
    seen = seen_in(recorded(account))
    assert list(seen) != []
    assert set(seen) == {step.name for step in TOUR}
    assert steps(seen) == {}
    told = verdicts(seen)
    assert others(seen) == {}
    assert [name for name, each in told.items() if each[0] == "not told"] == ["tags_limit"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unauthorized_status", 403),
        ("unauthorized_body", "empty"),
        ("unknown_path_body", "html"),
        ("limit_above_100", "refuse"),
        ("contacts_newest_first", False),
        ("other_orders", "newest"),
        ("email_case", "lowered"),
        ("sync_keeps", False),
        ("filters_together", "or"),
        ("contact_deleted", "revived"),
        ("deals_survive_contact", False),
        ("duplicate_tag_status", 409),
        ("tag_with_comma", 201),
        ("re_tag_status", 422),
        ("membership_change_status", 200),
        ("resubscribe", "refused"),
        ("resubscribe", "with_sourceid_4"),
        ("partial_list_change", "changed"),
        ("field_values_free", False),
        ("field_option_paths", "plural"),
        ("field_option_deleted", "deleted"),
        ("total_is_text", False),
        ("automation_status", "text"),
        ("element_counts", "text"),
        ("deal_refusal", 400),
        ("deal_values_free", True),
        ("deal_class", "SubscriberDeal"),
        ("deal_stage_null", "unchanged"),
        ("deals_disabled", "never"),
        ("account_name_case", "distinct"),
        ("rate_limit_headers", False),
    ],
)
def test_a_setting_is_named_by_what_the_account_does(name, value):
    """Of an account that does one thing otherwise, exactly that setting is named, with its value."""
    recorded = as_recorded(**{name: value})
    assert others(recorded) == {name: ("otherwise", value)}
    assert verdicts(recorded)["tags_limit"] == ("not told", None)


def test_the_files_of_an_account_that_does_much_otherwise_name_all_of_it(recorded):
    """Through recording, taking out what is private, writing and reading nothing of it is lost."""
    given = {"re_tag_status": 422, "unauthorized_status": 403, "unauthorized_body": "errors", "sync_keeps": False}
    with embedded(Settings(**given)) as account:
        seen = seen_in(recorded(account))
    assert others(seen) == {name: ("otherwise", value) for name, value in given.items()}


def test_an_account_that_does_as_no_value_is_told_so():
    """A behaviour that the setting does not know is a finding of its own."""
    recorded = as_recorded()
    recorded["the same tag again"] = replace(recorded["the same tag again"], status=409)
    assert others(recorded) == {"re_tag_status": ("none fits", None)}
    assert steps(recorded) == {"the same tag again": ("the account answers 409, the sandbox 200",)}


def test_an_assumption_that_is_fixed_is_told_not_to_hold():
    """Where the sandbox cannot be set to do the same, the account's other way is told all the same."""
    recorded = as_recorded()
    recorded["a stage of a deleted pipeline"] = Seen(404, {}, "json", {"message": "No Result found for DealStage"})
    assert others(recorded) == {"stages_stay": ("fixed", None)}


def test_the_length_of_a_page_is_told_by_itself():
    """A number that cannot be tried one by one is taken from the answer."""
    recorded = as_recorded()
    name = "a page of tags as long as it comes"
    recorded[name] = Seen(200, {}, "json", {"tags": [{"id": "1"}] * 20, "meta": {"total": "35"}})
    assert others(recorded) == {"tags_limit": ("otherwise", 20)}


def test_an_account_without_deals_decides_nothing_about_them(recorded):
    """Steps that the account does not allow are told as such, and settle nothing."""
    with embedded() as account:
        account.simulator.fault("*", "/deal*", status=403, chance=1.0, seed=1)
        seen = seen_in(recorded(account))
    found = {each.step: each.result for each in compare_steps(seen, as_recorded(), TOUR)}
    assert found["the first deals"] == found["a deal that does not exist"] == "refused"
    assert found["the first tags"] == "same"
    assert others(seen) == {}
    assert verdicts(seen)["deal_class"] == ("not told", None)


def test_an_empty_account_decides_what_needs_no_records(recorded):
    """Of an account without records what was not there to be seen is not told, and nothing is made up."""
    with Listened.of(Sandbox(empty=True, limit=1000)) as account:
        seen = seen_in(recorded(account))
    assert others(seen) == {}
    assert verdicts(seen)["automation_status"] == ("not told", None)
    assert verdicts(seen)["re_tag_status"] == ("as assumed", 200)
    assert not [says for says in steps(seen).values() if says]


def test_reads_alone_settle_what_reads_can():
    """A recording without writes tells of reads, and of nothing else."""
    reads = play_on_sandbox(Settings(unknown_path_status=403), writes=False)
    found = compare_settings(reads, lambda settings: play_on_sandbox(settings, writes=False), TOUR)
    told = {each.setting: each.value for each in found if each.verdict != "not told"}
    assert told["unknown_path_status"] == 403
    assert "re_tag_status" not in told


def test_a_step_of_another_version_is_told_as_unknown():
    """A recording whose steps are no longer played is not passed over in silence."""
    found = compare_steps({"a step of long ago": Seen(200, {}, "empty")}, as_recorded(), TOUR)
    assert [each.result for each in found] == ["unknown"]


def test_differences_in_form_are_told_in_words():
    """New and missing keys, another type, another order, a code and an empty body are each told."""
    recorded = as_recorded()
    user = json.loads(json.dumps(recorded["the user of the key"].data))
    user["user"]["id"], user["user"]["channel"] = 1, "x"
    del user["user"]["phone"]
    user["user"] = {"email": user["user"].pop("email"), **user["user"]}
    recorded["the user of the key"] = replace(recorded["the user of the key"], data=user)
    refused = recorded["a contact whose address is taken"]
    errors = {"errors": [{**refused.data["errors"][0], "code": "email_taken"}]}
    recorded["a contact whose address is taken"] = replace(refused, data=errors)
    recorded["deleting a tag"] = Seen(200, {"x-ac-error": "Code 9001"}, "empty")
    assert steps(recorded) == {
        "the user of the key": (
            "the account also has user.channel",
            "the account has no user.phone",
            "the account has the keys of user in another order, from email on",
            "in the account user.id is a number, in the sandbox a text",
        ),
        "a contact whose address is taken": (
            "the account answers the code email_taken, the sandbox the code duplicate",
        ),
        "deleting a tag": (
            "the account answers an empty body, the sandbox JSON",
            "the account answers an X-Ac-Error, the sandbox no X-Ac-Error",
        ),
    }


@pytest.mark.parametrize(
    ("account", "sandbox"),
    [
        ({"a": None}, {"a": "x"}),
        ({"a": []}, {"a": {"b": 1}}),
        ({"a": []}, {"a": [{"b": 1}]}),
        ({"a": [{"b": 1}, {"b": 2, "c": 3}]}, {"a": [{"b": 1, "c": 2}]}),
        ({"currencies": {"EUR": {"total": "1"}}}, {"currencies": {"USD": {"total": "2"}}}),
        ({"a": 1}, {"a": 1.5}),
    ],
)
def test_what_depends_on_the_records_is_no_difference(account, sandbox):
    """Null, an empty list and the currencies of the day say nothing about the API."""
    assert differences(account, sandbox) == ()
    assert differences(sandbox, account) == ()
