"""The embedded account over HTTP, and what it assumes."""

from __future__ import annotations

import dataclasses
import json
import re
import signal

import httpx
import pytest

from ac_tools.sandbox import Settings


def first_line(process) -> tuple[str, str]:
    """The URL and the key, as the first line of output says them."""
    found = re.fullmatch(r"(http://127\.0\.0\.1:\d+) key: (\S+)\n", process.stdout.readline())
    return found[1], found[2]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(started, how):
    """The first line of output is the URL and the key; the account answers there until Ctrl-C or SIGTERM."""
    process = started("sandbox", "serve", "--port", "0")
    url, key = first_line(process)
    assert key == "sandbox"
    answer = httpx.get(f"{url}/api/3/users/me", headers={"Api-Token": key})
    assert (answer.status_code, answer.headers["RateLimit-Limit"]) == (200, "5")
    process.send_signal(how)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert err == "Stopped after 1 requests.\n"


def test_key_limit_and_contents_can_be_chosen(started):
    """--key, --limit 0 and --empty do what they say."""
    process = started("sandbox", "serve", "--key", "mine", "--limit", "0", "--empty")
    url, key = first_line(process)
    with httpx.Client(base_url=f"{url}/api/3", headers={"Api-Token": "mine"}) as client:
        assert key == "mine"
        assert [client.get("/contacts").json()["contacts"] for _ in range(8)] == [[]] * 8
        assert "RateLimit-Limit" not in client.get("/contacts").headers
        assert client.get("/contacts", headers={"Api-Token": "sandbox"}).status_code == 401


def test_a_port_that_is_taken_is_told(started, cli):
    """A port that somebody else has ends the command with 1 and one line."""
    url, _ = first_line(started("sandbox", "serve"))
    result = cli("sandbox", "serve", "--port", url.rpartition(":")[2])
    assert result.exit_code == 1
    assert "cannot be used" in result.output


def test_a_key_that_cannot_be_sent_is_a_usage_error(cli):
    """A key with a space or another script's letters could not stand in a header, and is refused."""
    assert cli("sandbox", "serve", "--key", "a b").exit_code == 2
    assert cli("sandbox", "serve", "--key", "schlüssel").exit_code == 2


def test_assumptions_are_listed_with_their_reasons(cli):
    """Every assumption of the account is listed with its value and its reason, for people and for machines."""
    rows = json.loads(cli("sandbox", "assumptions", "--json").stdout)
    assert [row["name"] for row in rows] == [field.name for field in dataclasses.fields(Settings)]
    assert all(row["why"] for row in rows)
    text = cli("sandbox", "assumptions").stdout
    assert all(row["name"] in text for row in rows)
