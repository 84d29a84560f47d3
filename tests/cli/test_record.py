"""`ac-tools record`: what is asked first, what is written and where, and how each failure ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ac_guardrails._ledger_url import open_ledger
from ac_tools.cli import _record
from ac_tools.cli._app import app
from ac_tools.recording import TOUR, Listened
from ac_tools.recording._listen import embedded
from ac_tools.recording._tour_writes import WRITES
from ac_tools.sandbox import Sandbox, Settings, serve


def words(result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "recorded"


@pytest.fixture
def on(cli, served):
    """Runs it on the served account."""

    def run(*args: str, key: str = "sandbox"):
        return cli("record", *args, env={"ACTIVECAMPAIGN_URL": served.url, "ACTIVECAMPAIGN_API_KEY": key})

    return run


def test_help_says_what_it_does_and_that_it_only_reads(cli):
    """Whoever asks is told of the account, of reading alone, and of what may be left in the files."""
    result = cli("record", "--help")
    assert result.exit_code == 0
    for part in ("ACTIVECAMPAIGN_URL", "--allow-writes", "--compare", "everything private taken out"):
        assert part in words(result)


@pytest.mark.parametrize(
    "args",
    [(), ("--out", "a", "--compare", "b"), ("--compare", "b", "--allow-writes"), ("--compare", "b", "--sandbox")],
)
def test_a_contradiction_is_a_wrong_use(cli, args):
    """Neither or both of --out and --compare, or leave to write where nothing is written, ends with 2."""
    assert cli("record", *args).exit_code == 2


def test_recording_and_comparing_the_embedded_account(cli, folder):
    """To try it: reads alone, then the whole tour in their place, then nothing to tell but that all is the same."""
    reads = cli("record", "--sandbox", "--out", str(folder))
    assert reads.exit_code == 0
    assert f"Recorded {len(TOUR) - len(WRITES)} steps in {folder}" in words(reads)
    whole = cli("record", "--sandbox", "--out", str(folder), "--allow-writes", "--yes", "--json")
    assert json.loads(whole.stdout) == {"folder": str(folder), "steps": len(TOUR), "skipped": [], "left": []}
    assert "Removing what was made" in whole.stderr
    compared = cli("record", "--compare", str(folder))
    assert compared.exit_code == 0
    assert f"{len(TOUR)} steps: {len(TOUR)} same." in words(compared)
    assert "none fits" not in words(compared)


def test_comparing_names_the_setting_and_how_to_set_it(cli, folder, monkeypatch):
    """Of an account that does otherwise, the step, both behaviours and the command for the sandbox are told."""
    monkeypatch.setattr("ac_tools.recording.embedded", _strict)
    cli("record", "--sandbox", "--out", str(folder))
    monkeypatch.undo()
    result = cli("record", "--compare", str(folder))
    assert result.exit_code == 0
    assert "a page of more than 100" in words(result)
    assert "the account answers 422, the sandbox 200" in words(result)
    assert "ac-tools sandbox serve --set limit_above_100=refuse" in words(result)
    as_json = json.loads(cli("record", "--compare", str(folder), "--json").stdout)
    assert [each for each in as_json["settings"] if each["verdict"] == "otherwise"] == [
        {
            "setting": "limit_above_100",
            "verdict": "otherwise",
            "value": "refuse",
            "default": "cap",
            "steps": ["a page of more than 100"],
        }
    ]
    assert [each["step"] for each in as_json["steps"] if each["result"] == "differs"] == ["a page of more than 100"]


def _strict():
    return embedded(Settings(limit_above_100="refuse"))


@pytest.mark.parametrize("what", ["missing", "empty", "damaged"])
def test_comparing_what_is_no_recording_ends_with_2(cli, folder, what):
    """No folder, a folder without recordings and a damaged file are told in words, with what to do."""
    if what != "missing":
        folder.mkdir()
    if what == "damaged":
        (folder / "tags.yaml").write_text("recorder: ac-tools record 1\nsteps: {{{\n")
    result = cli("record", "--compare", str(folder))
    assert result.exit_code == 2
    assert "ecord" in result.output
    assert "Traceback" not in result.output


def test_without_url_or_key_it_says_where_they_are_found(cli, folder):
    """What is missing is told, nothing is made."""
    result = cli("record", "--out", str(folder))
    assert result.exit_code == 1
    assert "Settings > Developer" in words(result)
    assert not folder.exists()


def test_a_refused_key_ends_it_after_one_request(on, served, folder):
    """A wrong key is told in words after one request, and leaves no folder."""
    result = on("--out", str(folder), key="not-the-key")
    assert result.exit_code == 1
    assert "did not accept the API key" in words(result)
    assert "not-the-key" not in result.output
    assert len(served.sandbox.requests) == 1
    assert not folder.exists()


def test_an_account_that_cannot_be_reached_is_told(cli, folder):
    """Without a connection it ends in words."""
    env = {"ACTIVECAMPAIGN_URL": "http://127.0.0.1:9", "ACTIVECAMPAIGN_API_KEY": "some-key"}
    result = cli("record", "--out", str(folder), env=env)
    assert result.exit_code == 1
    assert "could not be reached" in words(result)
    assert "Traceback" not in result.output


def test_a_folder_with_other_files_is_refused_before_anything_is_sent(on, served, folder):
    """What somebody keeps in the folder is named, stays, and no request is made."""
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    result = on("--out", str(folder))
    assert result.exit_code == 2
    assert "thesis.txt" in words(result)
    assert (folder / "thesis.txt").read_text() == "mine"
    assert served.sandbox.requests == []


def test_nothing_is_written_where_nobody_can_be_asked(on, served, folder):
    """Without a terminal and without --yes nothing at all is sent."""
    result = on("--out", str(folder), "--allow-writes")
    assert result.exit_code == 2
    assert "--yes" in words(result)
    assert served.sandbox.requests == []


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_no_sends_nothing(cli, served, folder, monkeypatch, answer):
    """The person is told what would be made, and without a clear yes nothing is sent."""
    monkeypatch.setattr(_record, "is_interactive", lambda: True)
    env = {"ACTIVECAMPAIGN_URL": served.url, "ACTIVECAMPAIGN_API_KEY": "sandbox"}
    result = CliRunner().invoke(app, ["record", "--out", str(folder), "--allow-writes"], input=answer, env=env)
    assert result.exit_code == 1
    assert "makes, and removes again" in words(result)
    assert served.sandbox.requests == []


def test_a_yes_is_put_on_record_with_the_name(cli, folder, monkeypatch, tmp_path):
    """Whoever agreed at the terminal is in the ledger as the one who approved each write."""
    monkeypatch.setattr(_record, "is_interactive", lambda: True)
    url = f"sqlite:///{tmp_path}/ledger.db"
    open_ledger(url).close()
    args = ["record", "--sandbox", "--out", str(folder), "--allow-writes", "--by", "Anna", "--ledger", url]
    assert CliRunner().invoke(app, args, input="y\n").exit_code == 0
    ledger = open_ledger(url)
    writes = [entry for entry in ledger.entries() if entry.is_write]
    ledger.close()
    assert len(writes) > 50
    assert {entry.by for entry in writes} == {"Anna"}


def test_a_ledger_that_is_not_there_is_told(cli, folder, tmp_path):
    """The command makes no ledger by a misspelt name."""
    result = cli("record", "--sandbox", "--out", str(folder), "--ledger", f"sqlite:///{tmp_path}/none.db")
    assert result.exit_code == 1
    assert "There is no ledger" in words(result)


def test_what_could_not_be_removed_is_told_with_its_path(on, served, folder, monkeypatch):
    """The person learns what is left in their account, and how to delete it; the command ends with 1."""
    served.sandbox.fault("DELETE", "/lists/*", status=403, times=100)
    monkeypatch.setattr(Listened, "from_env", lambda: Listened(url=served.url, key="sandbox", limit=None))
    result = on("--out", str(folder), "--allow-writes", "--yes")
    assert result.exit_code == 1
    assert "could not be removed" in words(result)
    assert "DELETE /api/3/lists/" in words(result)


def test_ctrl_c_ends_it_with_130_and_writes_nothing(cli, folder, monkeypatch):
    """Interrupted in the middle, the command removes what it made and ends as an interrupted one."""
    account = embedded()
    real, sent = account.simulator.handle, []

    def handle(*request):
        sent.append(request[0])
        if len(sent) == len(TOUR) - len(WRITES) + 20:
            raise KeyboardInterrupt
        return real(*request)

    account.simulator.handle = handle
    monkeypatch.setattr("ac_tools.recording.embedded", lambda: account)
    before = len(list(account.simulator._store.contacts))
    result = cli("record", "--sandbox", "--out", str(folder), "--allow-writes", "--yes")
    assert result.exit_code == 130
    assert "Stopped." in result.output
    assert "could not be removed" not in result.output
    assert len(list(account.simulator._store.contacts)) == before
    assert list(folder.parent.iterdir()) == []


@pytest.mark.long  # a real account takes five requests a second, and so does this one
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal")
def test_ctrl_c_removes_what_was_made_and_leaves_the_folder(started, folder):
    """Interrupted in the middle of its writes, it removes its own records, ends with 130, and has written nothing."""
    sandbox = Sandbox(key="a-key-of-a-test")
    env = {"ACTIVECAMPAIGN_API_KEY": sandbox.key, "PATH": "/usr/bin:/bin"}
    with serve(sandbox) as server:
        before = len(list(sandbox._store.contacts))
        args = ("record", "--out", str(folder), "--allow-writes", "--yes")
        process = started(*args, env={**env, "ACTIVECAMPAIGN_URL": server.url})
        _wait_for(lambda: any(each.method == "POST" for each in list(sandbox.requests)), process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Removing what was made" in told
        assert "could not be removed" not in told
        assert any(each.method == "DELETE" for each in sandbox.requests)
        assert len(list(sandbox._store.contacts)) == before
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def _wait_for(happened, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
