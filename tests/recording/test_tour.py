"""The tour of an account: what it asks, what it leaves behind, and what it may not touch."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr

from ac_guardrails import Request
from ac_guardrails._ledger_url import open_ledger
from ac_tools import ActiveCampaign
from ac_tools.recording import TOUR, Listened, Tour, TourError, embedded, record
from ac_tools.recording._own import Own
from ac_tools.recording._steps import NOBODY, Step
from ac_tools.recording._tour import AREAS, READS
from ac_tools.sandbox import Sandbox, Settings
from ac_tools.tools import TOOLS

from .conftest import contents


def names(played: list[Any]) -> list[str]:
    return [each.step.name for each in played]


def writes_to(sandbox: Sandbox) -> list[str]:
    return [f"{each.method} {each.path}" for each in sandbox.requests if each.method != "GET"]


def test_steps_have_names_of_their_own_and_settle_what_there_is():
    """Each step is found again by its name, has an area, and settles settings that exist."""
    assert len({step.name for step in TOUR}) == len(TOUR)
    assert {step.area for step in TOUR} <= set(AREAS)
    settled = {name for step in TOUR for name in step.settles}
    assert settled <= {field.name for field in dataclasses.fields(Settings)}
    assert len(settled) > 40


def test_each_area_of_the_tools_is_on_the_tour():
    """Every area that a tool needs is toured, and the reads begin with the user of the key."""
    assert {tool.endpoint.area for tool in TOOLS} <= set(AREAS)
    assert READS[0].path == "/users/me"
    assert not any(step.is_write for step in READS)


def test_reads_alone_by_default(account):
    """Without leave to write nothing but GET is sent, and every step can be played on an account with records."""
    tour = Tour(account)
    played = tour.play()
    assert names(played) == [step.name for step in READS]
    assert tour.skipped == []
    assert writes_to(account.simulator) == []


def test_the_whole_tour_leaves_the_account_as_it_was(account):
    """With writes every step is played, and afterwards the account holds exactly what it held before."""
    before = contents(account.simulator)
    tour = Tour(account, writes=True, by="anna")
    assert names(tour.play()) == [step.name for step in TOUR]
    assert tour.skipped == []
    assert tour.left == ()
    assert contents(account.simulator) == before


def test_an_empty_account_is_toured_too():
    """Where there are no records the steps that need one are skipped, and the writes are played all the same."""
    sandbox = Sandbox(empty=True)
    with Listened.of(sandbox) as account:
        before = contents(sandbox)
        tour = Tour(account, writes=True, by="anna")
        played = names(tour.play())
    assert "one contact" in tour.skipped
    assert "a new contact" in played
    assert "deleting a contact" in played
    assert contents(sandbox) == before


@pytest.mark.parametrize("status", [403, 402])
def test_an_account_without_deals_is_toured_on(account, status):
    """An area that the account does not offer is recorded as it is, and the tour goes on."""
    account.simulator.fault("*", "/deal*", status=status, chance=1.0, seed=1)
    tour = Tour(account, writes=True, by="anna")
    by_name = {each.step.name: each.seen.status for each in tour.play()}
    assert by_name["the first deals"] == by_name["a new pipeline"] == status
    assert by_name["deleting a tag"] == 200
    assert "a new deal" in tour.skipped
    assert tour.left == ()


def test_a_refused_key_ends_it_at_once(account):
    """With a wrong key one request is sent, and the error says where the key is found."""
    with account.with_wrong_key() as wrong, pytest.raises(TourError, match="Settings > Developer"):
        Tour(wrong, writes=True, by="anna").play()
    assert len(account.simulator.requests) == 1


@pytest.mark.parametrize(
    ("error", "after"),
    [*((KeyboardInterrupt, after) for after in (1, 3, 20, 60, 88, 95)), (RuntimeError, 3), (RuntimeError, 60)],
)
def test_whatever_stops_it_its_own_records_are_removed(account, monkeypatch, after, error):
    """Ctrl-C or a fault in the middle, even between a write and its answer, leaves nothing behind."""
    before = contents(account.simulator)
    tour = Tour(account, writes=True, by="anna")
    real, sent = account.simulator.handle, []

    def handle(*request: Any) -> Any:
        answer = real(*request)
        sent.append(request)
        if len(sent) == len(READS) + after:
            raise error
        return answer

    monkeypatch.setattr(account.simulator, "handle", handle)
    with pytest.raises((error, TourError)):
        tour.play()
    assert len(sent) > len(READS) + after
    assert tour.left == ()
    assert contents(account.simulator) == before


def test_what_it_cannot_remove_it_tells(account):
    """A record that the account does not let go is named with its collection and id."""
    account.simulator.fault("DELETE", "/lists/*", status=403, times=100)
    tour = Tour(account, writes=True, by="anna")
    tour.play()
    assert {collection for collection, _ in tour.left} == {"lists"}
    assert len(tour.left) == 3


def test_an_import_that_was_taken_is_waited_for(account):
    """Where the account takes an import with a bad address, the person whom it makes later is removed, too."""
    account.simulator.fault("POST", "/import/bulk_import", status=200, body='{"success":1}')
    before = contents(account.simulator)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            _arrive(account, tour)

    tour = Tour(account, writes=True, by="anna", sleep=sleep)
    tour.play()
    assert len(waits) == 3
    assert contents(account.simulator) == before


def _arrive(account: Listened, tour: Tour) -> None:
    body = b'{"contact":{"email":"%s-three@example.com"}}' % tour.mark.encode()
    account.simulator.handle("POST", "/api/3/contacts", {"Api-Token": account.simulator.key}, body)


def test_every_call_is_on_record(account, tmp_path):
    """The ledger has each request of the run as the recorder's, and each write as approved by the person."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    Tour(account, writes=True, by="anna", ledger=ledger).play()
    entries = ledger.entries()
    ledger.close()
    assert {entry.agent for entry in entries} == {"recorder"}
    assert len(entries) == len(account.simulator.requests)
    writes = [entry for entry in entries if entry.is_write]
    assert len(writes) == len(writes_to(account.simulator))
    assert {(entry.decision, entry.by) for entry in writes} == {("approved", "anna")}


@pytest.mark.parametrize(
    "request_",
    [
        Request("DELETE", "/contacts/46"),
        Request("PUT", "/contacts/46", (), {"contact": {"firstName": "recaaaaaaaa"}}),
        Request("POST", "/contacts", (), {"contact": {"email": "maria@lindqvist-interiors.example"}}),
        Request("POST", "/contacts", (), {"contact": {"email": "recaaaaaaaa@example.com", "firstName": "Maria"}}),
        Request("POST", "/contactTags", (), {"contactTag": {"contact": "46", "tag": "7"}}),
        Request("POST", "/contactTags", (), {"contactTag": {"contact": "7", "tag": "46"}}),
        Request("POST", "/contactTags", (), {"contactTag": {"contact": 46, "tag": "7"}}),
        Request("POST", "/contactLists", (), {"contactList": {"contact": "7", "list": "1", "status": 1}}),
        Request("POST", "/contactAutomations", (), {"contactAutomation": {"contact": "7", "automation": "2"}}),
        Request("POST", "/campaign", (), {"name": "recaaaaaaaa", "type": "single"}),
        Request("POST", "/webhooks", (), {"webhook": {"name": "recaaaaaaaa"}}),
        Request("DELETE", "/campaigns/7"),
        Request("DELETE", "/tags/07"),
        Request("PUT", "/contacts", (), {"contact": {"firstName": "recaaaaaaaa"}}),
        Request("POST", "/contacts", (("id", "46"),), {"contact": {"email": "recaaaaaaaa@example.com"}}),
        Request("DELETE", "/contacts/7/contactTags"),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_the_rule_permits_nothing_that_is_not_its_own(request_):
    """A write that names another record, another text or another path than the run's own is refused."""
    own = Own("recaaaaaaaa")
    made = Request("POST", "/contacts", (), {"contact": {"email": "recaaaaaaaa@example.com"}})
    assert own.permits(made)
    own.learn(made, {"contact": {"id": "7"}})
    assert own.permits(Request("DELETE", "/contacts/7"))
    assert own.permits(Request("DELETE", f"/contacts/{NOBODY}"))
    assert own.permits(Request("PUT", "/contacts/7", (), {"contact": {"firstName": "RECAAAAAAAA"}}))
    assert not own.permits(request_)


def test_a_step_beyond_the_rule_is_not_sent(account):
    """Should the tour ask for a change of somebody else's record, the guard's approver says no, and it goes on."""
    tour = Tour(account, writes=True, by="anna")
    foreign = Step("foreign", "contacts", "/contacts/{any_contact}", "DELETE")
    tour.steps = (*READS, foreign, *tour.steps[len(READS) :])
    before = contents(account.simulator)
    played = tour.play()
    assert tour.skipped == ["foreign"]
    assert len(played) == len(TOUR)
    assert contents(account.simulator) == before


def test_stages_of_another_pipeline_are_not_taken_for_its_own():
    """Where the account gives all stages instead of the new pipeline's, the others stay out of reach."""
    own = Own("recaaaaaaaa")
    own.learn(Request("POST", "/dealGroups", (), {}), {"dealGroup": {"id": "3"}})
    own.learn(Request("GET", "/dealGroups/3"), {"dealStages": [{"id": "1", "group": "1"}, {"id": "9", "group": "3"}]})
    assert own.left == (("dealStages", "9"), ("dealGroups", "3"))


def test_over_http_the_cassettes_replay_with_vcrpy(served, listened, tmp_path: Path):
    """What was recorded from a served account answers the same requests from the files alone, with plain vcrpy."""
    before = contents(served.sandbox)
    tour = Tour(listened, writes=True, by="anna")
    played = record(listened, tour, tmp_path / "recorded")
    assert contents(served.sandbox) == before
    by_area = {area: [each for each in played if each.step.area == area] for area in AREAS}
    for area, steps in by_area.items():
        with vcr.use_cassette(str(tmp_path / "recorded" / f"{area}.yaml"), record_mode="none") as cassette:
            with httpx.Client(base_url="https://account.api-us1.example") as client:
                for each in steps:
                    _replay(client, each)
            assert cassette.all_played
    assert sum(len(each.heard) for each in played) == len(played)


def _replay(client: httpx.Client, each: Any) -> None:
    wire = each.heard[-1].wire
    answer = client.request(
        wire.method, "/api/3" + wire.url.partition("/api/3")[2], params=wire.params, content=wire.body
    )
    assert answer.status_code == each.seen.status
    assert bool(answer.content.strip()) == (each.seen.kind != "empty")


def test_a_request_that_was_repeated_is_kept_with_its_repetition(account, recorded):
    """Where the account asks to wait, both answers are in the file, and the second one counts."""
    account.simulator.fault("GET", "/tags", status=429, headers={"Retry-After": "0"})
    folder = recorded(account, writes=False)
    text = (folder / "tags.yaml").read_text()
    assert "interactions: 2" in text
    assert "code: 429" in text
    assert text.count("Retry-After") == 1


def test_vcrpy_is_not_needed():
    """Recording needs nothing beyond the package's own dependencies."""
    code = "import sys; import ac_tools.recording; print('vcr' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_embedded_account_is_another_one_each_time():
    """Two recordings of the embedded account do not share records."""
    with embedded() as one, embedded() as other:
        assert one.simulator is not other.simulator
        assert isinstance(one, ActiveCampaign)
