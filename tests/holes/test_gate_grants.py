"""Row 1: grants that do not say what their author meant."""

from __future__ import annotations

import re

import pytest

from ac_guardrails import Grants, GrantsError
from ac_tools._catalog import catalog

WRONG = {
    "area": ("agents:\n  marketing:\n    contact: read\n", 3, 5, "contacts"),
    "level": ("agents:\n  marketing:\n    contacts: raed\n", 3, 15, "read"),
    "yes is no level": ("agents:\n  marketing:\n    contacts: yes\n", 3, 15, "read"),
    "no is not off": ("agents:\n  marketing:\n    contacts: no\n", 3, 15, "off"),
    "false is not off": ("agents:\n  marketing:\n    contacts: false\n", 3, 15, "off"),
    "number as level": ("agents:\n  marketing:\n    contacts: 3\n", 3, 15, "full"),
    "key": ("agents:\n  marketing:\n    lists: {access: write, onyl: {list: [Newsletter]}}\n", 3, 28, "only"),
    "limit": ("agents:\n  marketing:\n    lists: {access: write, person_per_day: 5}\n", 3, 28, "people_per_day"),
    "noun": ("agents:\n  marketing:\n    lists: {access: write, only: {lists: [Newsletter]}}\n", 3, 35, "list"),
    "tool": ("agents:\n  marketing:\n    tags: {access: write, ask: [ac_add_tags]}\n", 3, 33, "ac_add_tag"),
    "tool of another area": ("agents:\n  marketing:\n    tags: {access: write, ask: [ac_get_list]}\n", 3, 33, "ac_"),
    "access": ("agents:\n  marketing:\n    tags: {acess: write}\n", 3, 12, "access"),
    "top": ("agent:\n  marketing:\n    contacts: read\n", 1, 1, "agents"),
    "agent twice": ("agents:\n  marketing: {tags: read}\n  sales: {}\n  marketing: {tags: full}\n", 4, 3, "marketing"),
    "area twice": ("agents:\n  marketing:\n    tags: read\n    tags: full\n", 4, 5, "tags"),
    "merge key": ("agents:\n  a: {tags: read}\n  marketing:\n    <<: {tags: full}\n", 4, 5, "<<"),
    "anchor": ("agents:\n  a: &all {tags: full}\n", 2, 6, "alias"),
    "alias": ("agents:\n  a: {tags: full}\n  b: *all\n", 3, 6, "alias"),
}


@pytest.mark.parametrize("case", WRONG)
def test_row_01_a_wrong_word_fails_when_the_file_is_loaded(case, tmp_path):
    """A word that grants do not know is an error at once, with line, column and the word that would do."""
    text, line, column, would_do = WRONG[case]
    path = tmp_path / "grants.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        Grants.from_file(path, catalog=catalog)
    except Exception as error:
        assert isinstance(error, GrantsError), error
        found = re.search(r"line (\d+), column (\d+)", str(error))
        assert found, error
        assert (int(found[1]), int(found[2])) == (line, column), error
        assert would_do in str(error)
    else:
        pytest.fail("it was loaded")


@pytest.mark.parametrize("word", ["off", "OFF", "'off'", "Off"])
def test_row_01_a_bare_off_is_the_level_off(word, tmp_path, toolkit_for, account, run, reached):
    """YAML reads a bare off as false; here it is the level off, and nothing of that area exists for the agent."""
    path = tmp_path / "grants.yaml"
    path.write_text(f"agents:\n  marketing:\n    contacts: {word}\n    tags: read\n", encoding="utf-8")
    try:
        grants = Grants.from_file(path, catalog=catalog)
    except GrantsError as error:
        pytest.fail(str(error))
    toolkit = toolkit_for({"tags": "read"})
    toolkit.guard.grants = grants
    assert [tool.name for tool in toolkit.get_tools()] == ["ac_list_tags"]
    assert run(toolkit, "ac_get_contact", contact=46).status == "error"
    assert reached() == []
