"""Checking and showing grants files."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from ac_guardrails import Grants, GrantsError
from ac_tools._catalog import catalog
from ac_tools.cli._grants_schema import grants_schema
from ac_tools.cli._shipped import shipped


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "grants.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_good_file_is_told_to_be_good(cli):
    """The shipped file can be used, and has the agents that it says."""
    result = cli("grants", "check", str(shipped("grants.yaml")))
    assert result.exit_code == 0
    assert "can be used: 3 agents (marketing, sales, reports)" in result.output


def test_an_error_has_its_place_and_the_nearest_name(cli, file):
    """A misspelt area ends the command with 1 and says line, column and the valid name."""
    result = cli("grants", "check", file("agents:\n  marketing:\n    contcts: read\n"))
    assert result.exit_code == 1
    assert result.output == "grants.yaml, line 3, column 5: unknown area 'contcts'. Did you mean 'contacts'?\n"


def test_what_has_no_effect_is_a_warning(cli, file):
    """A level that opens nothing is warned of, and the file can be used all the same."""
    result = cli("grants", "check", file("agents: {marketing: {campaigns: write}}"))
    assert result.exit_code == 0
    assert "Warning: grants.yaml, line 1" in result.output
    assert "need full" in result.output


def test_a_missing_file_is_a_usage_error(cli, tmp_path):
    """A file that is not there ends the command with 2, and is named."""
    for command in (("grants", "check"), ("grants", "show"), ("tools", "--agent", "marketing", "--grants")):
        result = cli(*command, str(tmp_path / "none.yaml"), env={"COLUMNS": "300"})
        assert (result.exit_code, f"'{tmp_path / 'none.yaml'}' does not exist" in result.output) == (2, True)


def test_a_missing_file_is_told_in_words(tmp_path):
    """In Python a grants file that cannot be read says which, that nobody has grants without one, and what to do."""
    for path, kind, why in (
        (tmp_path / "none.yaml", FileNotFoundError, "there is no such file"),
        (tmp_path, IsADirectoryError, "it is a directory"),
    ):
        with pytest.raises(kind, match="cannot be read") as caught:
            Grants.from_file(path, catalog=catalog)
        told = str(caught.value)
        assert told.startswith(f"The grants file {path} cannot be read: {why}.")
        assert "Check the path" in told


def test_show_is_a_matrix_of_agents_and_areas(cli):
    """Each agent is a row with its level in each area; what narrows a level stands below."""
    result = cli("grants", "show", str(shipped("grants.yaml")), env={"COLUMNS": "80"})
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line.split() for line in lines if line.startswith("marketing ")]
    assert row == ["marketing", "full", "full", "write", "read", "read", "off", "full", "off"]
    assert "marketing, lists: only the list Newsletter or Trade news; at most 500 people in" in result.stdout
    assert "sales, deals: at most 60 people in any hour; ac_update_deal asks a person" in result.stdout


def test_show_tells_machines_the_same(cli):
    """--json has the levels as of today, the limits, and the tools that they open."""
    data = json.loads(cli("grants", "show", str(shipped("grants.yaml")), "--json").stdout)
    assert data["marketing"]["areas"]["campaigns"] == "off"
    assert "ac_create_campaign" not in data["marketing"]["tools"]
    assert "ac_import_contacts" in data["marketing"]["tools"]


def test_the_schema_is_valid_and_made_from_the_catalog(cli):
    """The schema is one of draft 2020-12, and names the areas, nouns and tools of the catalog."""
    schema = json.loads(cli("grants", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == grants_schema(catalog)
    areas = schema["properties"]["agents"]["additionalProperties"]["properties"]
    assert tuple(areas) == catalog.areas


def loaded(text: str) -> object:
    """YAML as an editor hands it to a schema: dates are text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def test_the_shipped_file_fits_the_schema():
    """examples/grants.yaml is valid under the schema."""
    jsonschema.validate(loaded(shipped("grants.yaml").read_text(encoding="utf-8")), grants_schema(catalog))


GOOD = [
    "contacts: off",
    "contacts: {access: full, people_per_day: 3}",
    "lists: {access: write, only: {list: Newsletter}, until: 2030-01-01}",
    "lists: {access: write, only: {list: [1, News]}}",
    "deals: {access: write, ask: writes}",
    "deals: {access: write, ask: [ac_update_deal]}",
]
BAD = [
    "contcts: read",
    "contacts: all",
    "contacts: {level: read}",
    "contacts: {only: {}}",
    "contacts: {access: read, only: {list: [1]}}",
    "lists: {access: write, only: {list: []}}",
    "contacts: {access: full, people_per_day: 0}",
    "contacts: {access: full, people_per_day: true}",
    "deals: {access: write, ask: [ac_get_contact]}",
    "deals: {access: write, ask: reads}",
]


@pytest.mark.parametrize("grant", GOOD + BAD)
def test_the_schema_agrees_with_the_reader(file, grant):
    """What an editor marks by the schema is what the guard refuses, and nothing else."""
    text = f"agents:\n  marketing:\n    {grant}\n"
    try:
        Grants.from_file(file(text), catalog=catalog)
        accepted = True
    except GrantsError:
        accepted = False
    assert accepted == (grant in GOOD)
    assert jsonschema.Draft202012Validator(grants_schema(catalog)).is_valid(loaded(text)) == accepted
