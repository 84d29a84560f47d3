"""Reading the ledger from the command line."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import sqlite3
import time
from pathlib import Path

import pytest

from ac_guardrails import Decision
from ac_guardrails.approvers import Inbox
from ac_tools import ActiveCampaignToolkit


@pytest.fixture
def ledger(account, guard_for, run, tmp_path) -> str:
    """A ledger with a read, a write, a rejection and a refusal of the agent "marketing", and a refusal of "sales"."""
    grants = {"agents": {"marketing": {"contacts": "full", "tags": "write"}, "sales": {"deals": "read"}}}
    url = f"sqlite:///{tmp_path}/ledger.db"
    guard = guard_for(grants, lambda request: Decision.reject("=not today", by="anna"), ledger=url)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    run(toolkit, "ac_get_contact", contact=46)
    run(toolkit, "ac_add_tag", contact=46, tag="VIP")
    run(toolkit, "ac_delete_contact", contact=46)
    run(toolkit, "ac_list_deals")
    run(toolkit.for_agent("sales"), "ac_get_contact", contact=46)
    return url


def test_show_tells_each_call_in_a_sentence(cli, ledger):
    """Each call is one line: when, its name, and who did what with which decision and outcome."""
    result = cli("audit", "show", "--ledger", ledger)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert lines[1].endswith(
        "marketing asked to put tag 3 «VIP» on contact 46 in sandbox.api-us1.example: allowed, done."
    )
    assert "rejected by anna (=not today)" in lines[2]
    assert "refused (marketing has no access to deals" in lines[3]


def test_the_ledger_can_come_from_the_environment(cli, ledger):
    """Without --ledger it is the one of ACTIVECAMPAIGN_LEDGER."""
    result = cli("audit", "show", "--json", env={"ACTIVECAMPAIGN_LEDGER": ledger})
    assert len(json.loads(result.stdout)) == 5


def test_calls_can_be_chosen(cli, ledger):
    """--agent, --state, --since and --limit choose, and the limit says what it left out."""
    assert len(cli("audit", "show", "--ledger", ledger, "--agent", "sales").stdout.splitlines()) == 1
    assert cli("audit", "show", "--ledger", ledger, "--state", "unknown").stdout == ""
    assert len(cli("audit", "show", "--ledger", ledger, "--since", "1h").stdout.splitlines()) == 5
    tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))
    assert cli("audit", "show", "--ledger", ledger, "--since", tomorrow).stdout == ""
    newest = cli("audit", "show", "--ledger", ledger, "--limit", "1").output
    assert "sales asked to" in newest
    assert "The newest 1 of 5 calls" in newest


@pytest.mark.parametrize("since", ["yesterday", "24", "-1h", "2026-13-01"])
def test_a_time_that_is_none_is_a_usage_error(cli, ledger, since):
    """A time that means nothing ends the command with 2 and an example."""
    result = cli("audit", "show", "--ledger", ledger, f"--since={since}")
    assert (result.exit_code, "Use 24h, 7d, or a day" in result.output) == (2, True)


def test_verify_finds_a_changed_record(cli, ledger):
    """Verify ends with 0 for a whole chain, and with 1 and the place where a record was changed."""
    whole = cli("audit", "verify", "--ledger", ledger)
    assert (whole.exit_code, whole.stdout) == (
        0,
        "The chain is whole: 5 calls on record, no row changed or missing in between.\n",
    )
    connection = sqlite3.connect(ledger.removeprefix("sqlite:///"))
    with connection:
        connection.execute("UPDATE events SET body = replace(body, 'rejected', 'approved') WHERE kind = 'answered'")
    connection.close()
    changed = cli("audit", "verify", "--ledger", ledger)
    assert changed.exit_code == 1
    assert "changed" in changed.output


def test_export_is_json_lines_or_csv(cli, ledger):
    """Both formats hold every call; a cell that a spreadsheet would take for a formula is quoted."""
    lines = [json.loads(line) for line in cli("audit", "export", "--ledger", ledger).stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(cli("audit", "export", "--ledger", ledger, "--format", "csv").stdout)))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert [line["tool"] for line in lines][:2] == ["ac_get_contact", "ac_add_tag"]
    assert lines[1]["sentence"].startswith("marketing asked to put tag 3")
    assert (lines[2]["reason"], rows[2]["reason"]) == ("=not today", "'=not today")


def test_reading_makes_no_ledger(cli, tmp_path):
    """A ledger that is not there is an error, and is not there afterwards either."""
    missing = tmp_path / "missing.db"
    for command in ("show", "verify", "export"):
        result = cli("audit", command, "--ledger", f"sqlite:///{missing}")
        assert (result.exit_code, f"There is no ledger at {missing}." in result.output) == (1, True)
    assert not missing.exists()


def test_a_file_that_is_no_ledger_is_left_alone(cli, tmp_path):
    """Another program's database, and a file that is none, are refused and not written to."""
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE things (id INTEGER)")
    connection.commit()
    connection.close()
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, " * 20)
    for file in (other, text):
        before = file.read_bytes()
        result = cli("audit", "show", "--ledger", f"sqlite:///{file}")
        assert result.exit_code == 1
        assert str(file) in result.output
        assert file.read_bytes() == before


def behind(url: str, statement: str, *values: object) -> None:
    """Do something to the ledger's file behind its back."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(statement, values)


DAMAGE = ["{", "[]", "", "5", '{"plain": 5, "reason": []}', b"\xff\xfe", "[" * 100_000]


@pytest.mark.parametrize("body", DAMAGE, ids=range(len(DAMAGE)))
def test_damaged_values_hide_no_call(cli, ledger, body):
    """Where the values beside an entry are damaged, all calls are shown all the same, that one by its ids."""
    rejected = "(SELECT entry FROM events WHERE kind = 'answered')"
    behind(ledger, f"UPDATE payloads SET body = ? WHERE entry = {rejected}", body)
    for words in (("show",), ("show", "--json"), ("export",), ("export", "--format", "csv")):
        result = cli("audit", *words, "--ledger", ledger)
        assert result.exit_code == 0, result.output
        assert result.stdout.count("marketing asked to") >= 4
        assert "marketing asked to delete contact 46 in sandbox" in result.stdout
        assert ("The names and values beside it are damaged." in result.stdout) == ("plain" not in str(body))
    assert "The chain is whole: 5 calls" in cli("audit", "verify", "--ledger", ledger).stdout


@pytest.mark.parametrize("body", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_event_is_named(cli, ledger, body):
    """Verify names the broken row; what else there is, is shown, and a line names the damaged call and what to do."""
    behind(ledger, "UPDATE events SET body = ? WHERE kind = 'answered'", body)
    verified = cli("audit", "verify", "--ledger", ledger)
    assert (verified.exit_code, verified.output.startswith("Row ")) == (1, True), verified.output
    for words in (("show",), ("show", "--json"), ("export",), ("export", "--format", "csv")):
        result = cli("audit", *words, "--ledger", ledger)
        assert result.exit_code == 1
        assert result.stdout.count("asked to") >= 4
        assert "asked to delete contact 46" not in result.stdout
        assert result.stderr.count("\n") == 1
        assert "Left out, because they are damaged: " in result.stderr
        assert "audit verify" in result.stderr


@pytest.mark.parametrize("column", ["entry", "at", "kind", "agent", "hash", "call"])
@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "x'ff'", "'x'", "9e999"])
def test_verify_names_the_row_whatever_was_put_into_it(cli, ledger, column, value):
    """Bytes that are no text, in any column, are a broken row and not a failure of the command."""
    behind(ledger, f"UPDATE events SET {column} = {value} WHERE seq = 3")
    verified = cli("audit", "verify", "--ledger", ledger)
    assert (verified.exit_code, verified.output.startswith("Row 3 ")) == (1, True), verified.output


@pytest.mark.parametrize("statement", ["PRAGMA user_version = -1", "CREATE TABLE events (id INTEGER)"])
def test_a_database_that_only_looks_like_a_ledger_is_left_alone(cli, tmp_path, statement):
    """A version that none of ours has, or a table of the same name, is told in a line."""
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS things (id INTEGER)")
        connection.execute(statement)
    before = other.read_bytes()
    for words in (("audit", "show"), ("approvals", "list"), ("guard", "status")):
        result = cli(*words, "--ledger", f"sqlite:///{other}")
        assert (result.exit_code, "is no ledger" in result.output) == (1, True), result.output
        assert result.output.count("\n") == 1
    assert other.read_bytes() == before


@pytest.mark.parametrize("url", ["memory:", "postgresql://db/x", "ledger.db", "sqlite:///"])
def test_a_url_that_cannot_be_read_is_a_usage_error(cli, url, tmp_path, monkeypatch):
    """A URL that names no file ends the command with 2."""
    monkeypatch.chdir(tmp_path)
    assert cli("audit", "show", "--ledger", url).exit_code == 2
    assert list(Path(tmp_path).iterdir()) == []


def test_stops_and_joined_calls_are_told(cli, account, guard_for, run, tmp_path):
    """Who stopped what and why is a sentence; a call that waits for another one's answer says for whose."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    guard = guard_for({"contacts": "full"}, Inbox(wait=0), ledger=url)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    for _ in range(2):
        run(toolkit, "ac_delete_contact", contact=46)
    guard.ledger.stop("breach", by="anna")
    run(toolkit, "ac_get_contact", contact=46)
    exported = cli("audit", "export", "--ledger", url).stdout.splitlines()
    first, second, stop, _ = map(json.loads, exported)
    assert (second["joined"], second["decision"]) == (first["id"], "joined")
    assert f"the same was asked already (entry {first['id']})" in second["sentence"]
    assert stop["sentence"] == "anna stopped every write: breach."
    assert "3 calls on record" in cli("audit", "verify", "--ledger", url).stdout


def test_looking_deletes_nothing(cli, account, guard_for, run, tmp_path):
    """Names and values are kept as long as the agents' guard says, whoever looks at the ledger."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    guard = guard_for({"contacts": "read"}, ledger=url, payloads="90d", clock=lambda: time.time() - 60 * 86_400)
    run(ActiveCampaignToolkit(account=account, guard=guard, agent="marketing"), "ac_list_contacts", search="Lindqvist")
    guard.ledger.close()
    assert "Lindqvist" in cli("audit", "show", "--ledger", url).stdout
    assert "Lindqvist" in cli("audit", "show", "--ledger", url).stdout


FIRST_SCHEMA = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, agent TEXT NOT NULL,
    body TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX events_by_entry ON events (entry);
CREATE INDEX events_by_agent ON events (agent, kind, at);
CREATE TABLE payloads (entry TEXT PRIMARY KEY, at REAL NOT NULL, closed INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX payloads_by_age ON payloads (closed, at);
PRAGMA user_version = 1;
"""
FIRST_EVENTS = (
    (
        "e1",
        "decided",
        {"tool": "ac_add_tag", "host": "h.example", "what": "put tag 3 on contact 46", "verdict": "allow"},
    ),
    ("e1", "sent", {"method": "POST", "path": "/contactTags", "people": 1, "areas": ["tags"]}),
    ("e1", "outcome", {"outcome": "done"}),
    (
        "e2",
        "decided",
        {"tool": "ac_delete_contact", "host": "h.example", "what": "delete contact 46", "verdict": "ask"},
    ),
    ("e2", "asked", {"digest": "d"}),
    ("e2", "answered", {"decision": "approved", "by": "anna"}),
    ("e2", "sent", {"method": "DELETE", "path": "/contacts/46", "people": 1, "areas": ["contacts"]}),
    ("e2", "outcome", {"outcome": "unknown", "unknown": True, "reason": "OutcomeUnknownError"}),
)


@pytest.fixture
def old_ledger(tmp_path) -> str:
    """A ledger as the first version of this package wrote it: a call that is done, and one that is unknown."""
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(FIRST_SCHEMA)
    previous = ""
    for seq, (entry, kind, data) in enumerate(FIRST_EVENTS, 1):
        at = 1_790_000_000.0 + seq
        columns = json.dumps({"agent": "m", "at": at, "entry": entry, "kind": kind, "seq": seq}, separators=(",", ":"))
        body = columns.replace(".0,", ",")[:-1] + "," + json.dumps(data, sort_keys=True, separators=(",", ":"))[1:]
        previous = hashlib.sha256((previous + body).encode()).hexdigest()
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (seq, entry, at, kind, "m", body, previous)
        )
    payload = json.dumps({"plain": "delete contact 46 «Maria»", "salt": "s"})
    connection.execute("INSERT INTO payloads VALUES ('e2', 1790000008.0, 0, ?)", (payload,))
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_ledger_of_the_first_version_is_read(cli, old_ledger):
    """It opens as it is: the sentences, a whole chain, and what was unknown can be settled."""
    lines = cli("audit", "show", "--ledger", old_ledger).stdout.splitlines()
    assert lines[0].endswith("m asked to put tag 3 on contact 46 in h.example: allowed, done.")
    assert "m asked to delete contact 46 «Maria» in h.example: approved by anna, nobody knows yet" in lines[1]
    assert "The chain is whole: 2 calls" in cli("audit", "verify", "--ledger", old_ledger).stdout
    settled = cli("audit", "settle", "e2", "--as", "happened", "--by", "anna", "--ledger", old_ledger)
    assert settled.exit_code == 0
    assert "it did happen (anna says so)" in cli("audit", "show", "--ledger", old_ledger).stdout
    assert cli("guard", "stop", "breach", "--ledger", old_ledger).exit_code == 0
    assert "The chain is whole: 2 calls" in cli("audit", "verify", "--ledger", old_ledger).stdout


def test_no_ledger_at_all_is_a_usage_error(cli):
    """Without a ledger the command says how to name one."""
    result = cli("audit", "show")
    assert (result.exit_code, "ACTIVECAMPAIGN_LEDGER" in result.output) == (2, True)
