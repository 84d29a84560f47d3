"""`ac-tools grants explain`: why an agent may make a call or not, and what would allow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ac_tools.cli._shipped import shipped

GRANTS = str(shipped("grants.yaml"))


@pytest.fixture
def explain(cli: Any) -> Any:
    def run(*words: str, agent: str = "marketing", grants: str = GRANTS) -> Any:
        return cli("grants", "explain", "--agent", agent, "--grants", grants, *words)

    return run


@pytest.mark.parametrize(
    ("agent", "words", "code", "said"),
    [
        (
            "marketing",
            ["ac_delete_contact", "contact=7"],
            0,
            "marketing may, after a person has agreed, delete contact 7.",
        ),
        ("marketing", ["ac_add_tag", "contact=46", "tag=VIP"], 0, "marketing may put tag «VIP» on contact 46."),
        ("reports", ["ac_delete_contact", "contact=7"], 1, "reports may not delete contact 7."),
        ("marketing", ["ac_list_lists"], 1, "this call names no list."),
        ("marketing", ["ac_get_list", "list=Secret"], 1, "not list «Secret»."),
    ],
)
def test_the_verdict_is_the_exit_code(explain: Any, agent: str, words: list[str], code: int, said: str) -> None:
    """0 where it is allowed or a person is asked, 1 where it is denied; the first words say which."""
    result = explain(*words, agent=agent)
    assert (result.exit_code, said in " ".join(result.stdout.split())) == (code, True)
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_denial_says_the_line_and_what_to_write(explain: Any, tmp_path: Path) -> None:
    """The rule has its line in the file; what it says to write, written into the file, allows the call."""
    denied = explain("ac_add_tag", "contact=46", "tag=1", agent="sales")
    assert "tags: read (grants.yaml, line " in denied.stdout
    change = yaml.safe_load(denied.stdout.partition("write this:")[2])
    data = yaml.safe_load(Path(GRANTS).read_text(encoding="utf-8"))
    data["agents"]["sales"] |= change["agents"]["sales"]
    path = tmp_path / "grants.yaml"
    path.write_text(yaml.safe_dump(data, default_flow_style=False), encoding="utf-8")
    assert explain("ac_add_tag", "contact=46", "tag=1", agent="sales", grants=str(path)).exit_code == 0


def test_lists_and_objects_are_json(explain: Any) -> None:
    """What is a list or an object in the tool's schema is read as JSON, everything else as it is typed."""
    contacts = 'contacts=[{"email": "a@b.example", "tags": ["x"]}]'
    result = explain("ac_import_contacts", contacts, 'subscribe=["Newsletter"]', "--json", agent="sales")
    data = json.loads(result.stdout)
    assert data["what"] == "import 1 person"
    assert [need["area"] for need in data["needs"] if need["missing"]] == ["contacts", "lists", "tags"]
    assert (data["verdict"], result.exit_code) == ("deny", 1)
    assert yaml.safe_load(data["change"])["agents"]["sales"]["lists"] == "write"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ac_delete_contac"], "Did you mean 'ac_delete_contact'?"),
        (["ac_delete_contact", "contct=7"], "Did you mean 'contact'?"),
        (["ac_delete_contact", "7"], "Write name=value, such as contact=7."),
        (["ac_delete_contact", "contact=7", "contact=8"], "stands twice"),
        (["ac_delete_contact", "contact=7.5"], "names no contact"),
        (["ac_delete_contact"], "'contact' is required"),
        (["ac_import_contacts", "contacts=a@b.example"], "in JSON"),
    ],
)
def test_bad_input_is_told_with_what_was_meant(explain: Any, words: list[str], said: str) -> None:
    """A tool, an argument or a value that is none ends with 2 and one line."""
    result = explain(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_agent_is_told_with_the_nearest(explain: Any) -> None:
    """An agent that the file does not have ends with 2, and says which there are."""
    result = explain("ac_list_tags", agent="marketin")
    assert result.exit_code == 2
    assert "It has: marketing, sales, reports. Did you mean marketing?" in result.stderr


def test_it_needs_no_account_and_no_network(explain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are not looked up: no socket is opened."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was made"))
    assert explain("ac_add_tag", "contact=maria@lindqvist-interiors.example", "tag=VIP").exit_code == 0


def test_what_people_typed_is_shown_inert(explain: Any) -> None:
    """A name with control characters cannot move the cursor."""
    result = explain("ac_create_tag", "name=a\x1b[31mb\u202e")
    assert not {"\x1b", "\u202e"} & set(result.output)
