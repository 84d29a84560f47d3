"""The account's own events set against the ledger: confirmed, unconfirmed, contradicted, or somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from ac_guardrails import Entry, Guard
from ac_guardrails._heard import Notice, hear
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._confirmable import told_apart
from ac_tools.sandbox import Sandbox
from ac_tools.webhooks import EVENTS, Receiver
from ac_tools.webhooks._confirm import Confirming

from .serving import SECRET, ask, hook, post, until

HOST = "sandbox.api-us1.example"
NEW_LIST = {"name": "Trade fair", "sender_url": "https://a.example", "sender_reminder": "You asked for it."}
NEW_DEAL = {"title": "40 chairs", "amount": "1250.50", "currency": "USD", "contact": 46, "stage": 1}
TAG = {"contact": 46, "tag": 3}
GRANTS = dict.fromkeys(("contacts", "lists", "tags", "deals", "accounts"), "full")


class Telling(httpx.BaseTransport):
    """Carries requests into the account, and runs `after` once a write is done and before its answer is there."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()
        self.after: Callable[[], Any] = lambda: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._inner.handle_request(request)
        finally:
            if request.method != "GET":
                self.after()


class World:
    """An account that tells everything, an agent that writes, and a receiver that is handed what was told."""

    def __init__(self, folder: Path, guard: Guard) -> None:
        self.sandbox = Sandbox()
        hook(self.sandbox, "https://hooks.example/x", list(EVENTS))
        self.transport = Telling(self.sandbox)
        self.account = ActiveCampaign(
            url=self.sandbox.url, key=self.sandbox.key, transport=self.transport, limit=None, timeout=1
        )
        self.toolkit = ActiveCampaignToolkit(account=self.account, guard=guard, agent="marketing")
        self.ledger = guard.ledger
        self.receiver = self.receiving(folder, self.toolkit)
        self._seen = 0

    @staticmethod
    def receiving(folder: Path, toolkit: ActiveCampaignToolkit) -> Receiver:
        receiver = Receiver(f"sqlite:///{folder}/webhooks.db", secrets=[SECRET], attempts=3, backoff=0.0)
        receiver.confirm(toolkit)
        return receiver

    def call(self, tool: str, /, **args: Any) -> Entry:
        """Have the agent write; gives its entry."""
        answer = self.toolkit.get_tool(tool).invoke({"type": "tool_call", "id": "1", "name": tool, "args": args})
        assert answer.status != "error", answer.content
        return self.entries(tool)[-1]

    def told(self) -> list[bytes]:
        """What the account has told since the last time."""
        assert self.sandbox.webhooks.flush()
        sent = self.sandbox.webhooks.deliveries[self._seen :]
        self._seen += len(sent)
        return [one.body for one in sent]

    def hear(self, *bodies: bytes) -> None:
        """Hand bodies to the receiver, and have them worked off; what was told since the last time, without any."""
        for body in bodies or self.told():
            self.receiver.receive(body)
        self.receiver.work()
        assert self.receiver.store.jobs("failed") == []

    def entries(self, tool: str = "", **chosen: Any) -> list[Entry]:
        found = told_apart(self.ledger.entries(**chosen), self.ledger)
        return [entry for entry in found if entry.writes or entry.tool == "guard" if tool in ("", entry.tool)]

    def foreign(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.decision == "foreign"]

    def words(self) -> list[str]:
        return [entry.confirmation or entry.decision for entry in self.entries()]

    def events(self) -> list[tuple[str, str]]:
        with self.ledger.transaction(durable=False) as connection:
            rows: list[tuple[str, str]] = connection.execute("SELECT kind, body FROM events").fetchall()
        return rows

    def close(self) -> None:
        assert self.ledger.verify() == ""
        self.receiver.store.close()
        self.account.close()


@pytest.fixture
def world(tmp_path: Path, guard_for: Any, approve: Any) -> Iterator[World]:
    made = World(tmp_path, guard_for(GRANTS, approve, ledger=f"sqlite:///{tmp_path}/ledger.db"))
    yield made
    made.close()


def changed(body: bytes, **fields: str) -> bytes:
    """A body with other values, as somebody else's event or an account with its own mind would have them."""
    return urlencode(
        [(name, fields.get(name.replace("[", "_").rstrip("]"), value)) for name, value in pairs(body)]
    ).encode()


def pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True)


WRITES = {
    "a tag": [("ac_add_tag", {"contact": 46, "tag": "VIP"})],
    "a tag by id": [("ac_add_tag", {"contact": 46, "tag": 3})],
    "a tag off": [("ac_add_tag", {"contact": 46, "tag": 3}), ("ac_remove_tag", {"contact": 46, "tag": "vip"})],
    "on a list and off": [
        ("ac_set_list_status", {"contact": 46, "list": 5, "status": "subscribe"}),
        ("ac_set_list_status", {"contact": 46, "list": 5, "status": "unsubscribe"}),
    ],
    "a contact": [("ac_create_contact", {"email": "New@example.com", "first_name": "Jo"})],
    "a contact by sync": [("ac_sync_contact", {"email": "new@example.com", "phone": "1"})],
    "a contact changed by sync": [("ac_sync_contact", {"email": "tom.harris@copperkettle.example", "phone": "1"})],
    "a contact changed": [("ac_update_contact", {"contact": 46, "phone": "+49 151 2", "email": "Other@example.com"})],
    "a deal": [("ac_create_deal", NEW_DEAL)],
    "a deal changed": [("ac_update_deal", {"deal": 7, "title": "Chairs", "amount": "99.90", "status": "won"})],
    "a list": [("ac_create_list", NEW_LIST)],
    "an account": [("ac_create_account", {"name": "Nord Office"})],
}


@pytest.mark.parametrize("payloads", ["30d", "none"])
@pytest.mark.parametrize("calls", WRITES.values(), ids=WRITES.keys())
def test_a_write_is_confirmed_by_its_own_event(
    tmp_path: Path, guard_for: Any, approve: Any, calls: list[tuple[str, dict[str, Any]]], payloads: str
) -> None:
    """Each write that the account tells of is confirmed, also where its values are not kept, and nothing else."""
    world = World(tmp_path, guard_for(GRANTS, approve, ledger=f"sqlite:///{tmp_path}/ledger.db", payloads=payloads))
    for tool, args in calls:
        world.call(tool, **args)
    world.hear()
    assert world.words() == ["confirmed"] * len(calls)
    assert all("done; confirmed by the account's own event." in entry.sentence for entry in world.entries())
    assert {entry.state for entry in world.entries()} == {"closed"}
    world.close()


def test_over_http(tmp_path: Path, served: Any, listening: Any, guard_for: Any, approve: Any) -> None:
    """Writes are confirmed by what the account posts, twice and in a random order; a stranger is not let in."""
    guard = guard_for(GRANTS, approve, ledger=f"sqlite:///{tmp_path}/ledger.db")
    account = ActiveCampaign(url=served.url, key=served.key, limit=None)
    toolkit = ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")
    receiver = World.receiving(tmp_path, toolkit)
    url = listening(receiver)
    hook(served.sandbox, f"{url}/{SECRET}", list(EVENTS), ["api"])
    served.sandbox.webhooks.duplicates, served.sandbox.webhooks.held = 0.5, 4
    for number in range(12):
        tool, args = ("ac_add_tag", {"contact": 100 + number, "tag": 3}), {"contact": 46, "phone": str(number)}
        toolkit.get_tool(tool[0]).invoke(tool[1])
        toolkit.get_tool("ac_update_contact").invoke(args)
    ask(served.sandbox, "PUT", "/contacts/47", {"contact": {"phone": "2"}})
    body = served.sandbox.webhooks.deliveries[0].body
    assert post(f"{url}/wrong-secret-000000000000", body) == 404
    assert served.sandbox.webhooks.flush()
    until(lambda: receiver.store.counts().get("done") == receiver.store.counts()["events"])
    writes = [entry for entry in guard.ledger.entries() if entry.writes]
    assert len(writes) == 24
    assert {entry.confirmation for entry in writes} == {"confirmed"}
    assert [entry.what for entry in guard.ledger.entries() if entry.decision == "foreign"] == [
        f"somebody else (api) changed contact 47 in {account.host}; no call on this ledger explains it"
    ]
    assert guard.ledger.verify() == ""
    receiver.store.close()
    account.close()


def test_nothing_is_said_where_nobody_listens(world: World) -> None:
    """Without an event ever heard no write is called unconfirmed."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    world.call("ac_create_tag", name="Fair")
    elsewhere = Notice("1", "other.example", "contact_tag_added", 1.0, [], "api", "", "")
    hear(world.toolkit.guard, elsewhere, lambda _: None)  # another account on the same ledger tells
    world.call("ac_add_tag", contact=47, tag="VIP")
    assert world.words() == ["allowed", "allowed", "foreign", "allowed"]
    assert world.entries()[0].sentence.endswith("allowed, done.")


def test_unconfirmed_and_not_confirmable(world: World) -> None:
    """Once such events come, a write without one is unconfirmed; one that no event exists for can have none."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    world.hear()
    world.call("ac_add_tag", contact=47, tag="VIP")
    world.call("ac_import_contacts", contacts=[{"email": "a@example.com"}])
    world.call("ac_delete_contact", contact=48)
    world.call("ac_update_contact", contact=46, phone="1")  # of its event nothing was ever heard
    assert world.words() == ["confirmed", "unconfirmed", "not_confirmable", "not_confirmable", "allowed"]
    assert "done; no event of the account's has confirmed it." in world.entries()[1].sentence
    assert "done; the account has no event that could confirm it." in world.entries()[2].sentence


def test_other_values_contradict(world: World) -> None:
    """The only event of a write shows another value than what was written: the entry says which, without the value."""
    world.call("ac_update_contact", contact=46, phone="+49 151 2345", first_name="Jo")
    (body,) = world.told()
    world.hear(changed(body, contact_phone="0151 2345"))
    (entry,) = world.entries()
    assert (entry.confirmation, entry.outcome, entry.state) == ("contradicted", "done", "closed")
    assert entry.sentence.endswith(
        "allowed, done; the account's own event says otherwise: contact 46 has another phone."
    )
    world.hear(body)
    (entry,) = world.entries()
    assert entry.sentence.endswith(
        "confirmed by the account's own event, but another one says otherwise: contact 46 has another phone."
    )


def test_what_somebody_takes_back_contradicts(world: World) -> None:
    """A tag that another client takes off right after is somebody else's write, and speaks against ours."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    rows = ask(world.sandbox, "GET", "/contacts/46/contactTags")["contactTags"]
    tie = next(row["id"] for row in rows if row["tag"] == "3")
    world.sandbox.clock.advance(3)
    ask(world.sandbox, "DELETE", f"/contactTags/{tie}")
    added, removed = world.told()
    world.hear(removed, added)
    ours, theirs = world.entries()
    assert theirs.sentence == (
        f"somebody else (api) took tag «VIP» off contact 46 in {HOST}; no call on this ledger explains it."
    )
    assert ours.confirmation == "contradicted"
    assert ours.sentence.endswith(
        "allowed, done; confirmed by the account's own event, but another one says otherwise: "
        f"somebody else took tag 3 off contact 46 (entry {theirs.id})."
    )


def test_a_status_has_an_event_of_its_own(world: World) -> None:
    """Being unsubscribed right after we subscribed somebody speaks against it; "unconfirmed" fires no event at all."""
    world.call("ac_set_list_status", contact=46, list=5, status="subscribe")
    world.sandbox.clock.advance(3)
    ask(world.sandbox, "POST", "/contactLists", {"contactList": {"contact": 46, "list": 5, "status": 2}})
    world.hear()
    world.call("ac_set_list_status", contact=47, list=5, status="unconfirmed")
    assert world.words() == ["contradicted", "foreign", "not_confirmable"]


def test_a_refused_write_explains_nothing(world: World) -> None:
    """A write that the account refused is not confirmed by somebody else's that it took."""
    world.sandbox.fault("POST", "/contactTags", status=403)
    world.toolkit.get_tool("ac_add_tag").invoke({"contact": 46, "tag": 3})
    ask(world.sandbox, "POST", "/contactTags", {"contactTag": {"contact": 46, "tag": 3}})
    world.hear()
    assert [(entry.outcome, entry.confirmation) for entry in world.entries()] == [("refused", ""), ("", "")]


def test_our_own_removal_contradicts_nothing(world: World) -> None:
    """What we took off again ourselves speaks against nothing, in any order of the events."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    world.sandbox.clock.advance(3)
    world.call("ac_remove_tag", contact=46, tag="VIP")
    world.hear(*reversed(world.told()))
    assert world.words() == ["confirmed", "confirmed"]


def test_somebody_elses_writes(world: World) -> None:
    """Writes through the same key that are not on the ledger are told as somebody else's, once; a person's are not."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    ask(world.sandbox, "POST", "/contactTags", {"contactTag": {"contact": 47, "tag": 3}})
    ask(world.sandbox, "POST", "/contactLists", {"contactList": {"contact": 46, "list": 5, "status": 1}})
    ask(world.sandbox, "PUT", "/deals/7", {"deal": {"title": "Other"}})
    bodies = world.told()
    world.hear(*bodies, *(changed(body, initiated_from="admin") for body in bodies))
    world.hear(*bodies)
    rest = f"in {HOST}; no call on this ledger explains it."
    assert [entry.sentence for entry in world.foreign()] == [
        f"somebody else (api) put tag «VIP» on contact 47 {rest}",
        f"somebody else (api) subscribed contact 46 to list 5 {rest}",
        f"somebody else (api) changed deal 7 {rest}",
    ]
    with world.ledger.transaction(durable=True) as connection:
        connection.execute("DELETE FROM payloads")
    assert world.foreign()[0].sentence == f"somebody else (api) put a tag on contact 47 {rest}"


def test_each_event_confirms_one_write(world: World) -> None:
    """The same tag put on twice takes two events, whichever comes first; a third one is somebody else's."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    world.sandbox.clock.advance(5)
    world.call("ac_remove_tag", contact=46, tag="VIP")
    world.sandbox.clock.advance(5)
    world.call("ac_add_tag", contact=46, tag="VIP")
    first, removed, second = world.told()
    world.hear(second)
    assert [entry.confirmation for entry in world.entries("ac_add_tag")].count("confirmed") == 1
    world.hear(removed, first)
    assert world.words() == ["confirmed"] * 3
    world.hear(changed(second, date_time=dict(pairs(first))["date_time"], contact_ip="1"))
    assert world.words() == ["confirmed"] * 3 + ["foreign"]


@pytest.mark.parametrize("hours", [-1, 1], ids=["an hour before", "an hour later"])
def test_an_event_of_another_time_confirms_nothing(world: World, hours: int) -> None:
    """An event that comes right after a write, and says that it happened an hour before or after, is not its own."""
    world.sandbox.fault("POST", "/contactTags", cut="timeout", when="after")
    world.sandbox.fault("GET", "/contacts/46*", status=503, times=20)
    world.toolkit.get_tool("ac_add_tag").invoke({"type": "tool_call", "id": "1", "name": "ac_add_tag", "args": TAG})
    (body,) = world.told()
    told = datetime.fromisoformat(dict(pairs(body))["date_time"])
    world.hear(changed(body, date_time=(told + timedelta(hours=hours)).isoformat()))
    assert world.words() == ["allowed", "foreign"]
    assert world.entries()[0].state == "unknown"
    world.hear(body)
    assert (world.words()[0], world.entries()[0].outcome) == ("confirmed", "happened")


def test_order_does_not_matter(world: World) -> None:
    """Two changes of one person within a second are both confirmed though the events come in the other order."""
    world.call("ac_update_contact", contact=46, phone="1")
    world.call("ac_update_contact", contact=46, first_name="Jo")
    world.hear(*reversed(world.told()))
    assert world.words() == ["confirmed", "confirmed"]


@pytest.mark.parametrize("calls", [WRITES["a tag"], WRITES["a contact"], WRITES["a deal"]], ids=["tag", "new", "deal"])
def test_an_event_that_comes_before_the_answer(world: World, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """An event that is handled while its call still waits for the answer confirms it; the answer ends it as ever."""
    seen: list[Entry] = []

    def meanwhile() -> None:
        world.hear()
        seen.extend(world.entries())

    world.transport.after = meanwhile
    entry = world.call(calls[0][0], **calls[0][1])
    assert [(one.confirmation, one.state) for one in seen] == [("confirmed", "open")]
    assert (entry.confirmation, entry.outcome, entry.state) == ("confirmed", "done", "closed")
    assert entry.made == world.entries()[0].made


@pytest.mark.parametrize("early", [True, False], ids=["before it is given up", "afterwards"])
def test_an_event_settles_what_nobody_knows(world: World, early: bool) -> None:
    """A write whose answer is lost happened if the account's event says so, without a read."""
    world.sandbox.fault("POST", "/deals", cut="timeout", when="after")
    world.sandbox.fault("GET", "/deals*", status=503, times=20)
    world.transport.after = world.hear if early else lambda: None
    answer = world.toolkit.get_tool("ac_create_deal").invoke(
        {"type": "tool_call", "id": "1", "name": "ac_create_deal", "args": NEW_DEAL}
    )
    if early:
        assert answer.status != "error", "the call itself is told that it happened"
    else:
        assert (answer.status, world.entries()[0].state) == ("error", "unknown")
        world.hear()
    (entry,) = world.entries()
    assert (entry.confirmation, entry.outcome, entry.state) == ("confirmed", "happened", "closed")
    assert entry.reason == "the account's own event says so"
    assert entry.made == "Deal 48"
    assert world.ledger.not_closed() == []


def test_an_event_against_the_read_back(world: World) -> None:
    """A write that was found not to have happened, and then did, is contradicted."""
    world.sandbox.fault("POST", "/contactTags", cut="timeout")
    guard = world.toolkit.guard
    guard.settle_after = 0.0
    world.toolkit.get_tool("ac_add_tag").invoke({"contact": 46, "tag": 3})
    world.toolkit.settle()
    assert world.entries()[0].outcome == "did_not_happen"
    ask(world.sandbox, "POST", "/contactTags", {"contactTag": {"contact": 46, "tag": 3}})  # what came late
    world.hear()
    (entry,) = world.entries()
    assert entry.sentence.endswith(
        "it did not happen (contact 46 does not have tag 3); the account's own event says otherwise: it did happen."
    )


def test_a_restart_in_between(world: World, tmp_path: Path, guard_for: Any) -> None:
    """A process that ended after the ledger had it and before its store did: another one confirms nothing twice."""
    world.call("ac_update_contact", contact=46, phone="1")
    world.call("ac_update_contact", contact=46, phone="2")
    world.receiver.receive(world.told()[0])
    job = world.receiver.store.claim(["confirm"])
    assert job is not None
    Confirming(world.toolkit)(job.received)
    world.receiver.store.again(job, after=0, reason="its process ended")
    guard = guard_for(GRANTS, ledger=f"sqlite:///{tmp_path}/ledger.db")
    toolkit = ActiveCampaignToolkit(account=world.account, guard=guard, agent="marketing")
    other = World.receiving(tmp_path, toolkit)
    assert other.work() == 1
    assert other.store.counts()["done"] == 1
    other.store.close()
    assert [entry.confirmation for entry in guard.ledger.entries()] == ["confirmed", ""]
    assert guard.ledger.verify() == ""


def test_no_contact_value_goes_on_record(world: World) -> None:
    """Events hold ids, names of fields and of events: no address, name, number or tag, neither of ours nor theirs."""
    world.call("ac_update_contact", contact=46, phone="+49 151 2345", first_name="Josephine")
    body = world.told()[0]
    ask(world.sandbox, "POST", "/contactTags", {"contactTag": {"contact": 46, "tag": 3}})
    world.hear(changed(body, contact_phone="0151 2345"), *world.told())
    assert world.words() == ["contradicted", "foreign"]
    kinds = [kind for kind, _ in world.events()]
    assert (kinds.count("contradicted"), kinds.count("foreign")) == (1, 1)
    text = " ".join(body for _, body in world.events())
    values = [value for name, value in pairs(body) if name.startswith("contact[") and len(value) > 3]
    assert len(values) > 3
    assert [value for value in (*values, "0151", "2345", "VIP", "Josephine") if value in text] == []


GARBAGE = [
    b"type=contact_tag_added&initiated_from=api",
    b"type=contact_tag_added&initiated_from=api&contact[id]=46",
    b"type=contact_tag_added&initiated_from=api&contact[id]=x46&tag=VIP",
    b"type=contact_tag_added&initiated_from=api&contact=46&tag[]=VIP",
    b"type=deal_add&initiated_from=api&deal[id]=0",
    b"type=list_add&initiated_from=api&list=5",
    b"type=account_add&initiated_from=api&account[]=5",
    b"type=update&initiated_from[]=api&contact[id]=46",
    b"type=brand_new&initiated_from=api&contact[id]=46",
    b"type=open&initiated_from=api&contact[id]=46",
]


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_confirms_nothing(world: World, body: bytes) -> None:
    """A body that names no record, or nothing that a tool writes, leaves the ledger as it is."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    before = world.events()
    world.hear(body)
    assert world.events() == before


def test_another_tag_is_not_meant(world: World) -> None:
    """An event of another tag or another person does not confirm."""
    world.call("ac_add_tag", contact=46, tag="VIP")
    (body,) = world.told()
    world.hear(changed(body, tag="Lead"), changed(body, tag="gone"), changed(body, contact_id="47"))
    assert world.words() == ["allowed", "foreign", "foreign", "foreign"]


def test_without_the_grant_to_look_a_tag_up(tmp_path: Path, guard_for: Any) -> None:
    """The event is kept aside with the reason, and the ledger says nothing wrong."""
    world = World(tmp_path, guard_for({"tags": "write", "contacts": "write"}, ledger=f"sqlite:///{tmp_path}/l.db"))
    world.call("ac_add_tag", contact=46, tag=3)
    blind = guard_for({"agents": {"webhooks": {"contacts": "read"}}}, ledger=world.ledger)
    receiver = Receiver(f"sqlite:///{tmp_path}/other.db", secrets=[SECRET])
    receiver.confirm(ActiveCampaignToolkit(account=world.account, guard=blind, agent="webhooks"))
    receiver.receive(world.told()[0])
    receiver.work()
    (job,) = receiver.store.jobs("failed")
    assert "could not be looked up" in job.reason
    assert [kind for kind, _ in world.events() if kind in ("confirmed", "foreign")] == []
    receiver.store.close()
    world.close()
