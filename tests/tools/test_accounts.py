"""What the tools for accounts promise."""

from __future__ import annotations

from typing import Any


def test_counts_are_shown_only_where_they_were_counted(toolkit: Any, run: Any) -> None:
    """The account says 0 unless asked to count, so without that no count is shown."""
    assert "contacts" not in run(toolkit, "ac_list_accounts", search="Lindqvist").content
    counted = run(toolkit, "ac_list_accounts", search="Lindqvist", count_deals=True)
    assert f"{counted.artifact.items[0].contact_count} contacts, " in counted.content
    assert counted.artifact.items[0].contact_count > 0


def test_an_account_is_created_under_the_apis_names(toolkit: Any, wire: Any, run: Any) -> None:
    """The owner leaves as an id, custom fields as the documents spell them."""
    run(
        toolkit, "ac_create_account", name="Acme", account_url="https://acme.example",
        owner="hannah@juniperandoak.example", fields=[{"custom_field_id": 3, "value": "x"}],
    )  # fmt: skip
    assert wire.bodies("/accounts") == [
        {
            "account": {
                "name": "Acme",
                "accountUrl": "https://acme.example",
                "owner": 1,
                "fields": [{"customFieldId": 3, "fieldValue": "x"}],
            }
        }
    ]


def test_a_second_account_of_a_name_is_refused(toolkit: Any, run: Any) -> None:
    """Names are unique, and the refusal says so."""
    assert "already exists" in run(toolkit, "ac_create_account", name="Lindqvist Interiors").content
