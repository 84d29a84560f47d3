"""What the account told of writes, from the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ac_guardrails._heard import Bearing, Notice, hear
from ac_tools import ActiveCampaignToolkit

HOST = "sandbox.api-us1.example"


@pytest.fixture
def ledger(account, guard_for, run, tmp_path) -> str:
    """A read, a confirmed, a contradicted, an unconfirmed write, one without an event, and one of somebody else."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    guard = guard_for({"contacts": "write", "tags": "write"}, ledger=url)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    run(toolkit, "ac_get_contact", contact=46)
    for number, bearing in (
        (46, Bearing("same")),
        (47, Bearing("other", "contact 47 has another phone")),
        (48, None),
        (49, None),
    ):
        run(toolkit, "ac_update_contact", contact=number, phone="1")
        entry = guard.ledger.entries()[-1]
        if number != 48:
            words = {"who": "api", "what": f"changed contact {number}", "plain": f"changed contact {number}"}
            told = Notice(str(number), HOST, "update", entry.sent_at, ["ac_update_contact"], **words)
            hear(guard, told, lambda found, entry=entry, bearing=bearing: bearing if found.id == entry.id else None)
    run(toolkit, "ac_create_tag", name="Fair")
    return url


def test_show_tells_four_things_apart(cli, ledger):
    """Confirmed, contradicted, unconfirmed and not confirmable are told in words, and so is somebody else's write."""
    lines = cli("audit", "show", "--ledger", ledger).stdout.splitlines()
    assert [line.partition("allowed, done")[2] for line in lines] == [
        ".",
        "; confirmed by the account's own event.",
        "; the account's own event says otherwise: contact 47 has another phone.",
        "; no event of the account's has confirmed it.",
        "; no event of the account's has confirmed it.",
        "",
        "; the account has no event that could confirm it.",
    ]
    foreign = f"somebody else (api) changed contact 49 in {HOST}; no call on this ledger explains it."
    assert lines[5].endswith(foreign)


def test_programs_get_it_as_a_word(cli, ledger):
    """JSON and CSV have the word in a field of its own, and what speaks against a write beside it."""
    words = ["", "confirmed", "contradicted", "unconfirmed", "unconfirmed", "", "not_confirmable"]
    found = json.loads(cli("audit", "show", "--json", "--ledger", ledger).stdout)
    assert [entry["confirmation"] for entry in found] == words
    assert [entry["decision"] for entry in found][5] == "foreign"
    rows = csv.DictReader(io.StringIO(cli("audit", "export", "--format", "csv", "--ledger", ledger).stdout))
    told = [(row["confirmation"], row["otherwise"]) for row in rows]
    assert told == [(word, "contact 47 has another phone" if word == "contradicted" else "") for word in words]


def test_what_is_chosen_does_not_change_the_words(cli, ledger):
    """Also where only some calls are shown, it counts what the whole ledger has heard."""
    newest = cli("audit", "show", "--limit", "1", "--agent", "marketing", "--ledger", ledger).stdout
    assert newest.endswith("allowed, done; the account has no event that could confirm it.\n")


def test_verify_counts_calls_alone(cli, ledger):
    """What somebody else did is no call on record, and the chain is whole with it."""
    assert "The chain is whole: 6 calls on record" in cli("audit", "verify", "--ledger", ledger).stdout
