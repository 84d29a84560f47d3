"""The list of tools."""

from __future__ import annotations

import json

from ac_tools.cli._shipped import shipped
from ac_tools.tools import TOOLS

GRANTS = str(shipped("grants.yaml"))


def test_all_tools_are_listed_with_what_they_need(cli):
    """Each of the 29 has its name, permission, level, risk, what it acts on and its event, however wide the page is."""
    rows = json.loads(cli("tools", "--json").stdout)
    assert [row["name"] for row in rows] == [tool.model_fields["name"].default for tool in TOOLS]
    delete = next(row for row in rows if row["name"] == "ac_delete_contact")
    assert (delete["permission"], delete["level"], delete["acts_on"]) == ("contacts: write", "full", "contact")
    for columns in ("80", "160"):
        text = " ".join(cli("tools", env={"COLUMNS": columns}).stdout.split())
        for row in rows:
            assert all(row[key] in text for key in ("name", "permission", "level", "risk", "acts_on", "event"))


def test_no_line_is_broken(cli):
    """At 80 columns every tool takes two lines, at 160 one."""
    narrow = cli("tools", env={"COLUMNS": "80"}).stdout.splitlines()
    assert (len(narrow), max(map(len, narrow)) <= 80) == (2 * len(TOOLS), True)
    wide = cli("tools", env={"COLUMNS": "160"}).stdout.splitlines()
    assert sum("ac_" in line for line in wide) == len(TOOLS)


def test_what_an_agent_may_use_is_marked(cli):
    """With --agent each tool says yes, no, or that a person is asked."""
    rows = json.loads(cli("tools", "--agent", "marketing", "--grants", GRANTS, "--json").stdout)
    granted = {row["name"]: row["granted"] for row in rows}
    assert granted["ac_import_contacts"]
    assert not granted["ac_create_campaign"]
    lines = cli("tools", "--agent", "marketing", "--grants", GRANTS, env={"COLUMNS": "80"}).stdout.splitlines()
    marks = {line.split()[0]: line.split()[-1] for line in lines if line.startswith("ac_")}
    assert (marks["ac_import_contacts"], marks["ac_create_campaign"], marks["ac_add_tag"]) == ("asks", "no", "yes")


def test_an_agent_that_nobody_knows_is_a_usage_error(cli):
    """An agent without a grants file, or one that the file does not have, ends the command with 2."""
    assert cli("tools", "--agent", "marketing").exit_code == 2
    result = cli("tools", "--agent", "marketng", "--grants", GRANTS)
    assert (result.exit_code, "It has: marketing, sales, reports" in result.output) == (2, True)
