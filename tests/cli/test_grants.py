"""Checking and showing grants files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails import Grants, GrantsError, _grants_reader
from ac_guardrails._yaml import from_yaml
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


def agrees(text: str, accepted: bool) -> bool:
    """Whether the schema takes a file exactly if the reader does; dates are checked as editors check them."""
    return VALIDATOR.is_valid(loaded(text)) == accepted


VALIDATOR = jsonschema.Draft202012Validator(
    grants_schema(catalog), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
GOOD = [
    "contacts: off",
    "contacts: {access: full, people_per_day: 3}",
    "lists: {access: write, only: {list: Newsletter}, until: 2030-01-01}",
    "lists: {access: write, only: {list: [1, News]}}",
    "deals: {access: write, ask: writes}",
    "deals: {access: write, ask: [ac_update_deal]}",
    "deals: {access: write, ask: [writes, ac_update_deal]}",
    "deals: {access: write, amount_at_most: {EUR: 5000, USD: 5500.50}, over: ask}",
    "tags: {access: write, calls_per_hour: 5, calls_per_day: 20, over: refuse}",
    "contacts: {access: write, only: {domain: [example.com, '*.bücher.example']}}",
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
    "deals: {access: write, amount_at_most: 5000}",
    "deals: {access: write, amount_at_most: {}}",
    "deals: {access: write, amount_at_most: {eur: 5}}",
    "deals: {access: write, amount_at_most: {EUR: -5}}",
    "deals: {access: write, amount_at_most: {EUR: .inf}}",
    "tags: {access: write, amount_at_most: {EUR: 5}}",
    "tags: {access: write, calls_per_hour: 1.5}",
    "tags: {access: write, over: stop}",
    "tags: {access: write, until: 2026-02-20 10:00:00}",
    "contacts: {access: write, only: {domain: ['*.com']}}",
    "contacts: {access: write, only: {domain: a@example.com}}",
    "lists: {access: write, only: {}}",
    "lists: {access: write, only: {list: ' '}}",
    "lists: {access: write, only: {list: 0}}",
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
    assert agrees(text, accepted)


# Without 5.0 where a whole number belongs, and without `false`: to JSON they are 5 and `off`, to the reader mistakes.
ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 0.5, 7, 10**12, "", " ", "5", "x", "ask", "writes", [], {}, "2030-02-30", "20300101"]
)
NAMES = st.sampled_from(["Newsletter", 7, "a.example", "*.b.example", "bücher.example", "*.com", "x@y.example"])


def one_or_more(some: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return some | st.lists(some | ANYTHING, min_size=1, max_size=2)


def grants_of(area: str) -> st.SearchStrategy[Any]:
    """What may stand under an area; each word is now and then another one."""
    tools = [tool.name for tool in catalog.tools if tool.need.area == area]
    nouns, level = catalog.nouns_of(area), st.sampled_from(["read", "write", "full", "off"])
    likely = {
        "only": st.dictionaries(st.sampled_from([*nouns, "contact"]), one_or_more(NAMES), min_size=1, max_size=2),
        "until": st.dates().map(str),
        "ask": one_or_more(st.sampled_from(["writes", *tools])),
        "over": st.sampled_from(["refuse", "ask"]),
        "amount_at_most": st.dictionaries(
            st.sampled_from(["EUR", "USD", "eur"]), st.sampled_from([5000, 5500.5]) | ANYTHING, min_size=1, max_size=2
        ),
        **{f"{unit}_per_{window}": st.integers(1, 9) for unit in ("people", "calls") for window in ("hour", "day")},
        "calls_per_week": st.integers(1, 9),
    }
    keys = {name: st.one_of(some, some, some, ANYTHING) for name, some in likely.items()}
    chosen = st.lists(st.sampled_from([*likely, "access"]), max_size=3, unique=True)
    whole = chosen.flatmap(
        lambda names: st.fixed_dictionaries({"access": level, **{name: keys[name] for name in names if name in keys}})
    )
    return st.one_of(level | ANYTHING, whole, whole, whole, whole)


AGENTS = st.sampled_from([*["marketing"] * 7, "two words", " ", "x "])
FILES = st.sampled_from([*catalog.areas, "contcts"]).flatmap(
    lambda area: st.builds(lambda agent, grant: {"agents": {agent: {area: grant}}}, AGENTS, grants_of(area))
)


@settings(max_examples=400)
@given(data=FILES)
def test_the_schema_agrees_with_the_reader_about_any_file(data):
    """Whatever stands in a file, an editor with the schema and the guard say the same of it."""
    text = yaml.safe_dump(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _grants_reader._read(from_yaml(text, "grants.yaml"), catalog)
        accepted = True
    except GrantsError:
        accepted = False
    assert agrees(text, accepted)


def test_what_narrows_a_grant_is_shown(cli, file):
    """Each limit, what becomes of a call beyond it, and whose addresses may be touched, in words."""
    grants = file(
        "agents:\n  sales:\n"
        "    deals: {access: write, amount_at_most: {EUR: 5000, USD: 5500.5}, calls_per_hour: 1, over: ask}\n"
        "    contacts: {access: read, only: {domain: ['*.Example.com', b.example]}}\n"
    )
    shown = cli("grants", "show", grants, env={"COLUMNS": "200"}).stdout
    assert (
        "sales, deals: at most 1 call in any hour; amounts up to 5000 EUR or 5500.5 USD; above that a person is asked"
        in shown
    )
    assert "sales, contacts: only the domain *.example.com or b.example" in shown


def test_over_without_a_limit_is_a_warning(cli, file):
    """`over: ask` under an area that has no limit does nothing, and the file's reader says so."""
    result = cli("grants", "check", file("agents: {marketing: {tags: {access: write, over: ask}}}"))
    assert result.exit_code == 0
    assert "'over: ask' has no effect, since tags has no limit of people, calls or amounts." in result.output
