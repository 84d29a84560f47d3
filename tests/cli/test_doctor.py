"""The doctor: what it finds, and that it only reads."""

from __future__ import annotations

import json
import time
import traceback
from email.utils import formatdate

import pytest
from pydantic import SecretStr

from ac_tools import ActiveCampaign, ConfigurationError
from ac_tools.cli._check import reads_only
from ac_tools.cli._doctor import _READS, _connected

KEY = "sandbox"


@pytest.fixture
def check(cli, served):
    """Runs the doctor on the served account."""

    def run(*args: str, key: str = KEY, url: str = ""):
        env = {"ACTIVECAMPAIGN_URL": url or served.url, "ACTIVECAMPAIGN_API_KEY": key}
        return cli("doctor", *args, env=env)

    return run


def findings(result) -> dict[str, tuple[str, str]]:
    return {each["check"]: (each["result"], each["detail"]) for each in json.loads(result.stdout)}


def test_a_healthy_account_is_told_to_be_healthy(check, served):
    """Host, key, every area and the clock are checked, with reads only, and the command ends with 0."""
    result = check("--json")
    found = findings(result)
    assert result.exit_code == 0
    assert found["account answers"] == ("ok", "the key belongs to hannah@juniperandoak.example")
    assert {name: result for name, (result, _) in found.items()} == dict.fromkeys(found, "ok")
    assert {"contacts", "lists", "tags", "deals", "fields", "automations", "accounts", "clock"} < set(found)
    assert {each.method for each in served.sandbox.requests} == {"GET"}
    assert len(served.sandbox.requests) == 8


def test_the_embedded_account_can_be_checked(cli):
    """--sandbox needs no settings, and its clock is compared like any account's."""
    result = cli("doctor", "--sandbox")
    assert result.exit_code == 0
    assert "agrees with the account's" in result.output


def test_a_wrong_key_is_told_and_nothing_more_is_asked(check, served):
    """A key that the account does not take ends the command with 1 after one request, and is never shown."""
    result = check(key="wrong-key-123")
    assert result.exit_code == 1
    assert "did not accept the API key" in result.output
    assert "wrong-key-123" not in result.output
    assert len(served.sandbox.requests) == 1


def test_an_account_that_cannot_be_reached_is_told(check):
    """A host where nobody answers ends the command with 1, in words."""
    result = check("--json", url="http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "could not be reached" in findings(result)["account answers"][1]
    assert findings(result)["clock"][0] == "skipped"


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("", KEY, "set ACTIVECAMPAIGN_URL"),
        ("http://x.api-us1.com", KEY, "https://"),
        ("https://x.api-us1.com", "", "API key"),
    ],
)
def test_settings_that_cannot_be_used_are_told(cli, url, key, says):
    """A missing or impossible URL or key is found before anything is sent."""
    result = cli("doctor", env={"ACTIVECAMPAIGN_URL": url, "ACTIVECAMPAIGN_API_KEY": key})
    assert result.exit_code == 1
    assert says in " ".join(result.output.split())


@pytest.mark.parametrize("key", [12345, b"12345", ["12345"], SecretStr(12345)])
def test_a_key_that_is_no_text_is_told(key):
    """In Python a key of another type is told what a key is, and never shown, nor left in a frame of ours."""
    with pytest.raises(ConfigurationError, match=r"The API key is text") as caught:
        ActiveCampaign(url="https://acme.api-us1.com", key=key)
    assert "Settings > Developer" in str(caught.value)
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb) if "ac_tools" in frame.f_code.co_filename]
    assert frames
    assert "12345" not in str(caught.value) + repr([frame.f_locals for frame in frames])


def test_a_permission_that_is_missing_is_told(check, served):
    """An area that the key's user may not read is the only one marked wrong, with what to do."""
    served.sandbox.fault("GET", "/deals*", status=403)
    result = check("--json")
    found = findings(result)
    assert result.exit_code == 1
    assert [name for name, (result, _) in found.items() if result == "wrong"] == ["deals"]
    assert "lacks the permission" in found["deals"][1]


@pytest.mark.parametrize(
    ("ahead", "says"), [(300, "behind the account"), (-300, "ahead of the account"), (2, "agrees")]
)
def test_a_clock_that_is_off_is_told(account, ahead, says):
    """More than a minute between this machine and the account's Date header is wrong, in either direction."""
    date = formatdate(time.time() + ahead, usegmt=True)
    account.simulator.fault(
        "GET", "/users/me", status=200, headers={"Date": date}, body=json.dumps({"user": {"email": "a@x.example"}})
    )
    found = {each.check: each for each in _connected(account, reads_only(_READS))}
    assert says in found["clock"].detail
    assert found["clock"].result == ("ok" if says == "agrees" else "wrong")


def test_the_doctor_can_do_nothing_but_read(account: ActiveCampaign):
    """The doctor's guard refuses whatever it was not made for."""
    guard = reads_only(["contacts"])
    assert guard.grants.level("doctor", "contacts").name == "READ"
    assert guard.grants.readable("doctor") == {"contacts"}
