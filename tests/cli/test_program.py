"""The program as a whole: help, errors, and what it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMANDS = ("demo", "doctor", "tools", "grants", "approvals", "guard", "audit", "sandbox")


def loads(code: str, *names: str) -> set[str]:
    """Which of these packages a piece of code loads."""
    test = f"{code}\nimport sys\nprint([name for name in {names!r} if name in sys.modules])"
    return set(eval(subprocess.run([sys.executable, "-c", test], capture_output=True, text=True, check=True).stdout))


def test_help_names_every_command(cli):
    """--help and -h list the commands."""
    for flag in ("--help", "-h"):
        result = cli(flag)
        assert result.exit_code == 0
        assert all(command in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help(cli, command):
    """Each command explains itself."""
    assert cli(command, "--help").exit_code == 0


def test_the_version_is_told(cli):
    """--version prints the version alone."""
    from ac_tools import __version__

    assert cli("--version").stdout == f"ac-tools {__version__}\n"


def test_a_command_that_is_none_is_a_usage_error(cli):
    """An unknown command, and none, end with 2 without a traceback."""
    assert cli("nosuch").exit_code == 2
    assert cli().exit_code in (0, 2)


def test_help_is_quick():
    """The command line loads neither LangChain nor an account before a command needs it."""
    heavy = ("langchain_core", "httpx", "pydantic", "jsonschema", "ac_tools._account", "ac_tools.tools")
    assert loads("import ac_tools.cli._app", *heavy) == set()


def test_the_package_does_not_load_the_command_line():
    """Importing the package loads neither rich nor typer, unless httpx does, for a command line of its own."""
    heavy = ("rich", "typer", "ac_tools.cli")
    assert loads("from ac_tools import ActiveCampaignToolkit", *heavy) <= loads("import httpx", *heavy)


def test_a_known_error_is_one_line(cli, tmp_path):
    """A file that cannot be used ends the command with 1 and one line, not with a traceback."""
    file = tmp_path / "grants.yaml"
    file.write_text("agents: [")
    result = cli("grants", "show", str(file))
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert isinstance(result.exception, SystemExit)
