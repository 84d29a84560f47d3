"""`ac-tools webhooks`: events as they come, what was kept aside and why, and having it run again."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ac_tools.webhooks import Receiver, SetAside, new_secret

pytest.importorskip("uvicorn", reason="needs the webhooks extra")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LEAD = {"type": "contact_tag_added", "initiated_from": "admin", "contact[id]": "46", "tag": "Lead"}


def post(url, **fields):
    return httpx.post(url, content=urlencode({**LEAD, **fields}), headers=FORM).status_code


@pytest.fixture
def listening(started, tmp_path, monkeypatch):
    """Starts `ac-tools webhooks listen` with a secret, and gives the process and its URL."""
    secret = new_secret()
    monkeypatch.setenv("ACTIVECAMPAIGN_WEBHOOK_SECRET", secret)

    def listen(*words):
        process = started("webhooks", "listen", "--port", "0", "--store", f"sqlite:///{tmp_path}/w.db", *words)
        said = process.stderr.readline()
        assert secret not in said
        return process, f"{said.split()[2]}{secret}"

    return listen


@pytest.fixture
def aside(tmp_path):
    """A store where the work of one event of two was kept aside; gives its URL and the event's id."""
    receiver = Receiver(f"sqlite:///{tmp_path}/w.db", secrets=[new_secret()])

    def follow_up(received):
        if received.event.tag != "VIP":
            raise SetAside("there is no stage\x1b[2J for this")

    receiver.on("contact_tag_added", follow_up, name="follow up")
    event, _ = receiver.receive(urlencode(LEAD).encode())
    receiver.receive(urlencode({**LEAD, "tag": "VIP"}).encode())
    receiver.receive(urlencode({**LEAD, "tag": "VIP"}).encode())
    receiver.work()
    yield f"sqlite:///{tmp_path}/w.db", event, receiver
    receiver.store.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_events_are_shown_as_they_come(listening, how):
    """Each event is one line in plain English, in which nothing that strangers wrote can move the cursor."""
    process, url = listening()
    assert post(url, tag="VIP\x1b[2J\n» by the API", **{"contact[email]": "jo@example.com"}) == 200
    line = process.stdout.readline()
    assert re.fullmatch(
        r"\S+ \S+Z  [0-9a-f]{20}  contact 46 «jo@example\.com» got the tag «VIP�\[2J › by the API», "
        r"by a person in the app\n",
        line,
    )
    assert post(url.rpartition("/")[0] + "/somebody-elses-guess-000000", tag="VIP") == 404
    process.send_signal(how)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert err == "Stopped. 1 events are kept, and 0 came again.\n"


def test_machines_get_a_line_of_json(listening):
    """With --json each line of stdout is an object with the form as it came; a duplicate is not told again."""
    process, url = listening("--json")
    assert [post(url, tag="VIP"), post(url, tag="VIP"), post(url, tag="Lead")] == [200] * 3
    told = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [each["form"]["tag"] for each in told] == ["VIP", "Lead"]
    assert told[0]["sentence"] == "contact 46 got the tag «VIP», by a person in the app"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (out, err) == ("", "Stopped. 2 events are kept, and 1 came again.\n")


def test_a_reader_that_leaves_ends_it(listening):
    """Where nobody reads the output any more the command ends, and the event is still there to be shown."""
    process, url = listening()
    process.stdout.close()
    post(url)
    process.wait(timeout=10)
    assert "Traceback" not in process.stderr.read()


def test_a_secret_is_made_and_shown_once(started, tmp_path):
    """Without a secret of one's own a new one is in the URL on stderr, and the file is in the folder."""
    process = started("webhooks", "listen", "--port", "0", cwd=tmp_path)
    url = process.stderr.readline().split()[2]
    assert len(url.rpartition("/")[2]) >= 32
    assert "ACTIVECAMPAIGN_WEBHOOK_SECRET" in process.stderr.readline()
    assert post(url) == 200
    process.send_signal(signal.SIGINT)
    assert url not in "".join(process.communicate(timeout=10))
    assert (tmp_path / "webhooks.db").is_file()


def test_two_secrets_count_while_one_is_replaced(started, tmp_path, monkeypatch):
    """Separated by a comma, both let the account in."""
    old, new = new_secret(), new_secret()
    monkeypatch.setenv("ACTIVECAMPAIGN_WEBHOOK_SECRET", f"{old}, {new}")
    process = started("webhooks", "listen", "--port", "0", "--store", f"sqlite:///{tmp_path}/w.db")
    url = process.stderr.readline().split()[2]
    assert [post(url + each, tag=each[:3]) for each in (old, new, new_secret())] == [200, 200, 404]


def test_what_was_kept_aside_is_listed_and_retried(cli, aside):
    """`failed` gives the event, the handler and the reason; `retry` has it run again, from its first attempt."""
    store, event, receiver = aside
    listed = cli("webhooks", "failed", "--store", store)
    assert event in listed.stdout
    assert "  follow up, tried once: there is no stage�[2J for this\n" in listed.stdout
    [job] = json.loads(cli("webhooks", "failed", "--store", store, "--json").stdout)
    assert (job["id"], job["handler"], job["attempts"]) == (event, "follow up", 1)
    missed = cli("webhooks", "retry", event[:-1], "--store", store)
    assert (missed.exit_code, f"Did you mean {event}?" in missed.output) == (1, True)
    again = cli("webhooks", "retry", event, "--store", store)
    assert (again.exit_code, again.stdout) == (0, "1 handler runs again as soon as the receiver works.\n")
    assert "Nothing is kept aside." in cli("webhooks", "failed", "--store", store).output
    assert "Nothing is kept aside." in cli("webhooks", "retry", "--store", store).output
    assert receiver.work() == 1
    assert json.loads(cli("webhooks", "retry", "--store", store, "--json").stdout) == {"again": 1}


def test_events_are_listed(cli, aside):
    """`events` gives the newest, oldest first, and says which came again."""
    store, event, _ = aside
    lines = cli("webhooks", "events", "--store", store).stdout.splitlines()
    assert event in lines[0]
    assert lines[1].endswith("got the tag «VIP», by a person in the app (came 2 times)")
    [newest] = json.loads(cli("webhooks", "events", "--store", store, "--newest", "1", "--json").stdout)
    assert (newest["form"]["tag"], newest["duplicates"]) == ("VIP", 1)


@pytest.mark.parametrize("command", ["events", "failed", "retry"])
def test_looking_makes_no_file(cli, tmp_path, command):
    """Where there are no webhooks the command says so, and makes none; what is no URL is a usage error."""
    path = tmp_path / "none.db"
    missing = cli("webhooks", command, "--store", f"sqlite:///{path}")
    assert (missing.exit_code, path.exists()) == (1, False)
    assert "There are no webhooks at" in missing.output
    assert cli("webhooks", command, "--store", "webhooks.db").exit_code == 2
    path.write_bytes(b"no database" * 100)
    other = cli("webhooks", command, "--store", f"sqlite:///{path}")
    assert (other.exit_code, "Traceback" in other.output) == (1, False)


def test_what_listen_needs_is_said(cli, tmp_path, listening):
    """A bad secret, a port that is taken and a missing package each end it with one sentence."""
    store = ("--store", f"sqlite:///{tmp_path}/other.db")
    bad = cli("webhooks", "listen", *store, env={"ACTIVECAMPAIGN_WEBHOOK_SECRET": "too short"})
    assert (bad.exit_code, "new_secret" in bad.output, "too short" in bad.output) == (2, True, False)
    _, url = listening()
    port = httpx.URL(url).port
    taken = cli("webhooks", "listen", "--port", str(port), *store)
    assert (taken.exit_code, f"127.0.0.1:{port} cannot be used" in taken.output) == (1, True)
    assert cli("webhooks", "listen", "--store", "nowhere").exit_code == 2
    program = "import sys; sys.modules['uvicorn'] = None; from ac_tools.cli import main; main()"
    command = [sys.executable, "-c", program, "webhooks", "listen"]
    without = subprocess.run(command, capture_output=True, text=True, cwd=Path(tmp_path), timeout=30)
    assert without.returncode == 1
    assert "pip install 'langchain-activecampaign[webhooks]'" in without.stderr
