"""`only: {domain: [...]}`: an agent that may touch people of some domains, with the real tools."""

from __future__ import annotations

from typing import Any

import pytest

AT_HOME = {"domain": ["lindqvist-interiors.example", "*.new.example"]}
GRANTS = {
    "contacts": {"access": "full", "only": AT_HOME},
    "lists": "full",
    "tags": "write",
    "deals": "read",
    "automations": "full",
}
MARIA, KLAUS = "maria@lindqvist-interiors.example", "k.petersen@hafenkontor.example"


@pytest.fixture
def narrow(toolkit_for: Any) -> Any:
    return toolkit_for(**GRANTS)


@pytest.mark.parametrize("contact", [46, "46", MARIA, MARIA.upper()])
def test_somebody_of_the_domain_is_reached(contact: Any, narrow: Any, run: Any) -> None:
    """By id or by address, in any case."""
    assert run(narrow, "ac_get_contact", contact=contact).status == "success"
    assert run(narrow, "ac_add_tag", contact=contact, tag=3).status == "success"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ac_get_contact", {"contact": 59}),
        ("ac_get_contact", {"contact": KLAUS}),
        ("ac_delete_contact", {"contact": 59}),
        ("ac_update_contact", {"contact": 59, "phone": "1"}),
        ("ac_update_contact", {"contact": 46, "email": "maria@elsewhere.example"}),
        ("ac_create_contact", {"email": "zoe@new.example"}),
        ("ac_sync_contact", {"email": KLAUS}),
        ("ac_import_contacts", {"contacts": [{"email": "a@x.new.example"}, {"email": "b@elsewhere.example"}]}),
        ("ac_list_contacts", {"search": "an"}),
        ("ac_list_contacts", {"email": KLAUS}),
        ("ac_list_contacts", {}),
        ("ac_add_tag", {"contact": 59, "tag": 3}),
        ("ac_set_list_status", {"contact": KLAUS, "list": 1, "status": "unsubscribe"}),
        ("ac_add_to_automation", {"contact": 59, "automation": 2}),
        ("ac_list_contact_automations", {"contact": 59}),
    ],
)
def test_nobody_else_is(tool: str, arguments: Any, narrow: Any, run: Any, wire: Any) -> None:
    """Whichever tool names them, and whoever it names beside them: nothing is written, and nothing of them is said."""
    answer = run(narrow, tool, **arguments)
    assert answer.status == "error"
    assert "only the domain" in answer.content
    assert not [request for request in wire.exchanges if request.method != "GET"]
    assert "Petersen" not in answer.content


def test_what_is_within_is_written(narrow: Any, run: Any) -> None:
    """New people of a sub-domain are created and imported; a search for one address of the domain is answered."""
    assert run(narrow, "ac_create_contact", email="zoe@x.new.example").status == "success"
    people = [{"email": "a@y.new.example"}, {"email": "b@lindqvist-interiors.example"}]
    assert run(narrow, "ac_import_contacts", contacts=people).status == "success"
    assert MARIA in run(narrow, "ac_list_contacts", email=MARIA).content


def test_where_no_domain_is_named_nothing_more_is_read(toolkit_for: Any, run: Any, wire: Any) -> None:
    """Only a grant that narrows domains costs a read for it."""
    run(toolkit_for(**{**GRANTS, "contacts": "full"}), "ac_add_tag", contact=46, tag=3)
    assert [request.method for request in wire.exchanges].count("GET") == 0
