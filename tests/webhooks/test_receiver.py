"""The receiver: who is let in, what is kept before it is acknowledged, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ac_tools import ActiveCampaignToolkit, ConfigurationError
from ac_tools.webhooks import Received, Receiver, SetAside, Store, StoreError, new_secret

from .serving import SECRET, form, post, until

Serve = Callable[[Receiver], str]


def kept(receiver: Receiver) -> dict[str, int]:
    return receiver.store.counts()


def test_an_event_reaches_its_handlers(receiver: Receiver, listening: Serve) -> None:
    """What is posted to the secret URL is acknowledged, kept, and handed to the handlers of that event alone."""
    seen: list[Received] = []
    receiver.on("contact_tag_added", seen.append, name="seen")
    receiver.on("deal_update", lambda _: pytest.fail("not its event"), name="other")

    @receiver.on("*")
    async def everything(received: Received) -> None:
        await asyncio.sleep(0)
        seen.append(received)

    url = listening(receiver)
    assert post(f"{url}/{SECRET}", form(tag="VIP")) == 200
    assert post(f"{url}/?secret={SECRET}", form(tag="Lead")) == 200
    until(lambda: len(seen) == 4)
    assert {one.event.tag for one in seen} == {"VIP", "Lead"}
    until(lambda: kept(receiver) == {"events": 2, "duplicates": 0, "done": 4})


@pytest.mark.parametrize(
    "path", ["/", "/wrong-secret-000000000000", f"/{SECRET}x", f"/{SECRET}/x", "/?secret=", "/?secret=%ff"]
)
def test_a_stranger_is_sent_away_unread(receiver: Receiver, listening: Serve, path: str) -> None:
    """Without the secret the answer is 404 before the body has come, however long it is said to be."""
    parts = urlsplit(listening(receiver))
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n".encode())
        assert line.recv(64).startswith(b"HTTP/1.1 404")
    assert kept(receiver)["events"] == 0


def test_a_secret_is_replaced_without_a_gap(tmp_path: Path, listening: Serve) -> None:
    """While both are given both count; afterwards the old one does not."""
    old, new = new_secret(), new_secret()
    both = listening(Receiver(f"sqlite:///{tmp_path}/a.db", secrets=[old, new]))
    assert [post(f"{both}/{each}", form(tag=each)) for each in (old, new)] == [200, 200]
    after = Receiver(f"sqlite:///{tmp_path}/a.db", secrets=[new])
    url = listening(after)
    assert [post(f"{url}/{each}", form(tag=each + "2")) for each in (old, new)] == [404, 200]
    assert new not in f"{after!r} {after.secrets!r} {vars(after)}"


@pytest.mark.parametrize("bad", [[], ["short"], ["with a blank in the middle of it"], ["ünsafe-in-a-url-0123456789"]])
def test_a_secret_that_could_be_guessed_is_an_error(tmp_path: Path, bad: list[str]) -> None:
    """It is told with the rule and the remedy, and without the secret."""
    with pytest.raises(ConfigurationError, match="new_secret") as told:
        Receiver(f"sqlite:///{tmp_path}/a.db", secrets=bad)
    assert not any(each in str(told.value) for each in bad)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * 500_001, {}, 413),
        (b"contact" + b"[a]" * 10_000, {}, 400),
        (b"{}", {"content_type": "application/json"}, 415),
        (form(), {"Content-Encoding": "gzip"}, 415),
        (b"no=type", {}, 400),
    ],
)
def test_what_is_no_webhook_is_refused(
    receiver: Receiver, listening: Serve, body: bytes, headers: Any, status: int
) -> None:
    """Bodies beyond the bounds are refused even with the secret, and nothing of them is kept."""
    assert post(f"{listening(receiver)}/{SECRET}", body, **headers) == status
    assert kept(receiver)["events"] == 0


def test_a_body_without_end_is_cut_off(receiver: Receiver, listening: Serve) -> None:
    """A body that is sent in chunks without a length is read up to the bound and no further."""
    parts = urlsplit(listening(receiver))
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(f"POST /{SECRET} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(8):
            line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert line.recv(64).startswith(b"HTTP/1.1 413")
    assert kept(receiver)["events"] == 0


def test_a_slow_body_is_given_up(receiver: Receiver, listening: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come to its end in time is answered with 408, though a byte comes now and then."""
    monkeypatch.setattr("ac_tools.webhooks._app._LONGEST", 0.5)
    parts = urlsplit(listening(receiver))
    began = time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=0.05) as line:
        line.sendall(f"POST /{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n".encode())
        answer = b""
        while not answer:
            with suppress(TimeoutError):
                line.sendall(b"a")
                answer = line.recv(64)
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.4 < time.monotonic() - began < 5


def test_slow_senders_hold_nobody_up(receiver: Receiver, listening: Serve) -> None:
    """While 200 bodies are on their way a whole one is acknowledged at once."""
    url = listening(receiver)
    parts = urlsplit(url)
    with ExitStack() as stack:
        for _ in range(200):
            line = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=5))
            line.sendall(f"POST /{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\na".encode())
        began = time.monotonic()
        assert post(f"{url}/{SECRET}", form()) == 200
        assert time.monotonic() - began < 2


def test_what_is_not_on_disk_is_not_acknowledged(receiver: Receiver, listening: Serve) -> None:
    """Where the store cannot be written the sender is told 503, and never 200."""
    url = f"{listening(receiver)}/{SECRET}"
    receiver.stop()
    with sqlite3.connect(receiver.store.path) as other:
        other.execute("DROP TABLE jobs")
        other.execute("DROP TABLE webhooks")
    logging.disable(logging.CRITICAL)
    try:
        assert post(url, form()) == 503
    finally:
        logging.disable(logging.NOTSET)


def test_nothing_a_handler_does_is_a_410(receiver: Receiver, listening: Serve) -> None:
    """On 410 the account would switch the webhook off for good: a handler's own errors never reach the sender."""
    from starlette.exceptions import HTTPException

    def gone(_: Received) -> None:
        raise HTTPException(410)

    receiver.on("*", gone)
    assert post(f"{listening(receiver)}/{SECRET}", form()) == 200
    until(lambda: kept(receiver).get("failed") == 1)


def test_a_guess_takes_as_long_however_near_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret is compared, whole digest with whole digest, in constant time; a match ends nothing early."""
    import hmac

    from ac_tools.webhooks._secret import Secrets

    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or compare(a, b))
    secrets = Secrets([SECRET, new_secret()])
    for guess, held in ((SECRET, True), (SECRET[:-1], False), ("", False), ("x" * 10_000, False), ("\udcff", False)):
        compared.clear()
        assert secrets.hold(guess) == held
        assert [(len(a), len(b)) for a, b in compared] == [(32, 32), (32, 32)]


def test_what_the_account_does_not_confirm_is_kept_aside(receiver: Receiver, account: Any, guard_for: Any) -> None:
    """With `read_back` a handler runs for what the account has, and for nothing that a forger made up."""
    toolkit = ActiveCampaignToolkit(account=account, guard=guard_for({"contacts": "read"}), agent="marketing")
    seen: list[str] = []
    receiver.on("*", lambda one: seen.append(one.event.contact.id), name="seen", read_back=toolkit)
    mail = "maria@lindqvist-interiors.example"
    receiver.receive(form(**{"contact[id]": 46, "contact[email]": mail.upper()}))
    receiver.receive(form(**{"contact[id]": 46, "contact[email]": "eve@example.com"}))
    receiver.receive(form(**{"contact[id]": 99999, "contact[email]": mail}))
    receiver.receive(form(tag="VIP"))
    receiver.receive(b"type=deal_update&deal[id]=1")
    receiver.work()
    assert seen == ["46"]
    reasons = [job.reason for job in receiver.store.jobs("failed")]
    assert [reason.partition(",")[0] for reason in reasons[:3]] == [
        "the account does not have contact 46 with this address",
        "the account does not have contact 99999 with this address",
        "the event names no contact and no deal that could be read back",
    ]
    assert "ac_get_deal" in reasons[3]


def test_a_record_that_cannot_be_read_now_is_read_later(receiver: Receiver, account: Any, guard_for: Any) -> None:
    """Where the account is down the handler is tried again, as after a failure of its own."""
    toolkit = ActiveCampaignToolkit(account=account, guard=guard_for({"contacts": "read"}), agent="marketing")
    seen: list[int] = []
    receiver.on("*", lambda one: seen.append(one.attempt), name="seen", read_back=toolkit)
    receiver.receive(form(**{"contact[id]": 46, "contact[email]": "maria@lindqvist-interiors.example"}))
    account.simulator.fault("GET", "/contacts/46", status=403)
    receiver.work()
    assert seen == [2]


def test_duplicates_are_recognised(tmp_path: Path) -> None:
    """The same body within ten minutes is the same event; later, or with one more second in it, it is another."""
    now = [1_000_000.0]
    store = Store(f"sqlite:///{tmp_path}/a.db", clock=lambda: now[0])
    receiver = Receiver(store, secrets=[SECRET])
    receiver.on("*", lambda _: None, name="any")
    first, new = receiver.receive(form(date_time="1"))
    assert new
    now[0] += 599
    assert receiver.receive(form(date_time="1")) == (first, False)
    assert receiver.receive(form(date_time="2"))[1]
    now[0] += 2
    assert receiver.receive(form(date_time="1"))[1]
    assert store.counts() == {"events": 3, "duplicates": 1, "waiting": 3}


def test_a_handler_that_fails_runs_again_and_is_kept_aside(receiver: Receiver) -> None:
    """It is tried as often as was said, then kept with its reason; `retry` begins anew, and others do not run again."""
    runs: list[int] = []
    mended = False

    def fails(received: Received) -> None:
        runs.append(received.attempt)
        if not mended:
            raise LookupError("no such stage")

    well: list[str] = []
    receiver.on("*", fails, name="fails")
    receiver.on("*", lambda one: well.append(one.id), name="well")
    event, _ = receiver.receive(form())
    receiver.work()
    (job,) = receiver.store.jobs("failed")
    assert (runs, job.reason, job.received.id) == ([1, 2, 3], "LookupError: no such stage", event)
    mended = True
    assert receiver.store.retry(event) == 1
    receiver.work()
    assert (len(runs), len(well), kept(receiver)["done"]) == (4, 1, 2)


def test_what_can_never_succeed_is_kept_aside_at_once(receiver: Receiver) -> None:
    """A handler that says so is not tried again."""

    @receiver.on("*")
    def never(_: Received) -> None:
        raise SetAside("the deal is of another shop")

    receiver.receive(form())
    assert receiver.work() == 1
    assert [job.reason for job in receiver.store.jobs("failed")] == ["the deal is of another shop"]


class Mute(Exception):
    """An exception that cannot be told."""

    def __str__(self) -> str:
        raise SystemExit("from __str__")


WILD = [
    (SystemExit("usage"), "SystemExit: usage"),
    (KeyboardInterrupt(), "KeyboardInterrupt:"),
    (GeneratorExit(), "GeneratorExit:"),
    (asyncio.CancelledError(), "CancelledError:"),
    (Mute(), "Mute: it cannot say why"),
    (ValueError("\ud800"), "ValueError: \ufffd"),
]


@pytest.mark.parametrize(("error", "reason"), WILD, ids=[type(error).__name__ for error, _ in WILD])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_no_exception_ends_a_worker(tmp_path: Path, error: BaseException, reason: str, way: str) -> None:
    """Whatever a handler raises is a failed attempt; the only worker and the handlers' event loop live on."""
    receiver = Receiver(f"sqlite:///{tmp_path}/a.db", secrets=[SECRET], attempts=2, backoff=0.0, workers=1)
    loops: list[asyncio.AbstractEventLoop] = []

    def fails(_: Received) -> None:
        raise error

    async def fails_later(_: Received) -> None:
        await asyncio.sleep(0)
        raise error

    async def well(_: Received) -> None:
        loops.append(asyncio.get_running_loop())

    receiver.on("subscribe", well, name="well")
    receiver.on("update", fails if way == "sync" else fails_later, name="fails")
    with receiver:
        for number, kind in enumerate(("subscribe", "update", "subscribe"), start=1):
            receiver.receive(f"type={kind}&contact[id]={number}".encode())
            until(lambda number=number: sum(kept(receiver).get(word, 0) for word in ("done", "failed")) == number)
    assert [(job.attempts, job.reason) for job in receiver.store.jobs("failed")] == [(2, reason)]
    assert len(loops) == 2
    assert loops[0] is loops[1]
    receiver.store.close()


def test_ctrl_c_ends_work_here_and_now(receiver: Receiver) -> None:
    """During `work` in the main thread it counts as an attempt, and reaches who has called."""

    def interrupted(_: Received) -> None:
        raise KeyboardInterrupt

    receiver.on("*", interrupted)
    receiver.receive(form())
    with pytest.raises(KeyboardInterrupt):
        receiver.work()
    assert kept(receiver).get("waiting") == 1


def test_backoff_grows(tmp_path: Path) -> None:
    """The second attempt comes after the backoff, each further one after four times as long."""
    now = [1_000_000.0]
    receiver = Receiver(
        Store(f"sqlite:///{tmp_path}/a.db", clock=lambda: now[0]), secrets=[SECRET], attempts=4, backoff=2.0
    )
    times: list[float] = []

    def fails(_: Received) -> None:
        times.append(now[0] - 1_000_000)
        raise ValueError

    receiver.on("*", fails)
    receiver.receive(form())
    for _ in range(60):
        receiver.work()
        now[0] += 1
    assert times == [0, 2, 10, 42]


def test_an_event_is_kept_for_a_while_after_it_was_handled(tmp_path: Path) -> None:
    """What people wrote goes when its time is over; what failed stays until somebody has looked at it."""
    now = [1_000_000.0]
    receiver = Receiver(Store(f"sqlite:///{tmp_path}/a.db", clock=lambda: now[0]), secrets=[SECRET], attempts=1)
    receiver.on("subscribe", lambda _: 1 / 0, name="fails")
    receiver.on("update", lambda _: None, name="works")
    receiver.receive(b"type=subscribe&contact[id]=1")
    receiver.receive(b"type=update&contact[email]=jo@example.com")
    receiver.work()
    now[0] += 31 * 86400
    receiver.receive(b"type=update&contact[id]=2")
    assert [one.event.type for one in receiver.store.events()] == ["subscribe", "update"]
    assert b"jo@example.com" not in Path(receiver.store.path).read_bytes()


def test_a_store_is_nobody_elses_file(tmp_path: Path) -> None:
    """A ledger or another program's database is left as it is; the file is for its owner alone."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a file of their own"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == before
    store = Store(f"sqlite:///{tmp_path}/new.db")
    assert Path(store.path).stat().st_mode & 0o077 == 0


def test_a_misspelt_event_is_an_error(receiver: Receiver) -> None:
    """A handler that would never run is not taken."""
    with pytest.raises(ValueError, match="Did you mean 'contact_tag_added'"):
        receiver.on("contact_tag_add", print)
    with pytest.raises(TypeError, match="a function or a compiled graph, not str"):
        receiver.on("update", "notcallable")  # type: ignore[arg-type]
    receiver.on("update", print, name="twice")
    with pytest.raises(ValueError, match="name="):
        receiver.on("subscribe", print, name="twice")


def test_an_event_is_on_its_way_at_once(receiver: Receiver, listening: Serve) -> None:
    """Workers are told of an event; nobody waits for the next look at the file."""
    seen: list[float] = []
    receiver.on("*", lambda _: seen.append(time.monotonic()), name="seen")
    url = listening(receiver)
    began = time.monotonic()
    post(f"{url}/{SECRET}", form())
    until(lambda: seen)
    assert seen[0] - began < 1.0
