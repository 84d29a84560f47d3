"""The embedded account: takes a request, gives an answer."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ac_tools.sandbox import (  # noqa: F401 - each registers its endpoints
    _account_contacts,
    _accounts,
    _automations,
    _campaigns,
    _contact_search,
    _contacts,
    _deal_fields,
    _deal_search,
    _deals,
    _field_value_changes,
    _fields,
    _groups,
    _imports,
    _lists,
    _memberships,
    _notes,
    _others,
    _pipeline_changes,
    _pipelines,
    _relations,
    _tags,
    _tasks,
    _users,
)
from ac_tools.sandbox._clock import Clock
from ac_tools.sandbox._fault_orders import Faults, Order
from ac_tools.sandbox._fault_rules import FaultCut, FaultReply, When
from ac_tools.sandbox._faults import Late, broken, fail
from ac_tools.sandbox._query import Query
from ac_tools.sandbox._rate import RateLimit
from ac_tools.sandbox._router import Call, Endpoint, find, nowhere
from ac_tools.sandbox._seed import Loader
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._telling import Told, filled, telling
from ac_tools.sandbox._webhooks import Webhooks
from ac_tools.sandbox._wire import Answer, Refusal, decode, reply

if TYPE_CHECKING:
    from ac_tools.sandbox._transport import SandboxTransport

SEED = Path(__file__).with_name("seed.json")
_PREFIX = "/api/3"


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """One request that reached the account: its method, its path without the query, the status answered (0 for a
    connection that broke), and when it came, in seconds since the epoch by the account's clock.
    """

    method: str
    path: str
    status: int
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    source: str = "api"


class Sandbox:
    """An ActiveCampaign account in this process: no network, no key, nobody to be mailed.

    It answers as the API of 2021 was recorded to, and where no recording exists as it is documented to; what is neither
    is an assumption, the weightier ones named in `Settings`.

    Args:
        seed: a seed file, or its contents; without one a small furniture business.
        empty: start with nothing but one user.
        key: the API key that it takes.
        url: the account's base URL, for the links in records.
        limit: requests a second; None for no limit and no RateLimit headers.
        clock: the time it lives in; without one the computer's.
        settings: the assumptions it is built on.
    """

    def __init__(
        self,
        *,
        seed: Path | Mapping[str, Any] | None = None,
        empty: bool = False,
        key: str = "sandbox",
        url: str = "https://sandbox.api-us1.example",
        limit: float | None = None,
        clock: Clock | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.url = url
        self.key = key
        self.clock = clock or Clock()
        self.requests: list[Received] = []
        self._rate = RateLimit(limit)
        self._settings = settings or Settings()
        self._store = Store(url, self.clock, self._settings)
        self.webhooks = Webhooks(self._store)
        self._faults = Faults()
        self._late: list[Late] = []
        self._lock = threading.RLock()
        Loader(self._store, _EMPTY if empty else _read(SEED if seed is None else seed)).load()

    @property
    def settings(self) -> Settings:
        """The assumptions that this account is built on."""
        return self._settings

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answers one request; several threads may call it.

        Args:
            method: the HTTP method.
            target: the raw path with its query, for instance `/api/3/contacts?limit=2`.
            headers: the request's headers.
            body: the request's body.
        """
        path, _, query = target.partition("?")
        request = _Request(method.upper(), path, query, headers, body)
        with self._lock:
            fault = self._faults.pick(request.method, path.removeprefix(_PREFIX))
            if fault is not None and fault.cut == "refused":
                return broken("refused")
            self._catch_up()
            answer = self._marked(self._answer(request, fault))
            at = self._store.moment()
            self.requests.append(Received(request.method, path, answer.status, at))
            # Recorded 2020 and 2021: every answer tells the account's own time.
            return answer.with_headers({"X-Request-Id": self._store.uuid(), "Date": formatdate(at, usegmt=True)})

    def fault(
        self,
        method: str,
        path: str,
        *,
        times: int | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        size: int | None = None,
        reply: FaultReply | None = None,
        cut: FaultCut | None = None,
        late: float | None = None,
        drip: float | None = None,
        when: When | None = None,
        chance: float | None = None,
        seed: int | None = None,
    ) -> None:
        """Orders a failure of the next requests that match; several wait in the order they were ordered in.

        Args:
            method: the HTTP method, or * for any.
            path: a pattern below /api/3 such as `/contacts/*`, where * stands for any characters.
            times: how many requests fail; one, or with a chance all that it falls on.
            status: answer this status; 200 where only something else of the answer is given.
            headers: headers of that answer.
            body: body of that answer; without one a message with the status in words.
            size: instead, JSON of exactly this many bytes.
            reply: instead, JSON that ends in the middle, a page of HTML, or nothing but the header X-Ac-Error.
            cut: break the connection instead: reset it, never answer, refuse it (nothing sent; in process only), or end
                it in the midway of the body.
            late: never answer, and do the work this many seconds of the account's clock after the client gave up.
            drip: seconds before each byte of the body; alone, of the account's own answer.
            when: before the request's work (as a rule), which then is not done, or after it. A body that ends in the
                middle is then the account's own.
            chance: fail only this share of the matching requests, at random; the same in every run.
            seed: another series of that chance.

        Raises:
            ValueError: a word cannot be used, says nothing, or contradicts another one.
        """
        order = Order(
            method=method,
            path=path,
            times=times,
            status=status,
            headers=headers,
            body=body,
            size=size,
            reply=reply,
            cut=cut,
            late=late,
            drip=drip,
            when=when,
            chance=chance,
            seed=seed,
        )
        with self._lock:
            self._faults.add(order)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The failures that wait, in the words they were ordered with; `left` is None for those without end."""
        with self._lock:
            return self._faults.words()

    def clear_faults(self) -> int:
        """Takes back all failures that wait; says how many."""
        with self._lock:
            return self._faults.clear()

    def act(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, source: str = "admin") -> Any:
        """Does what a person does in the account's own app: no key, no limit, no failure, and no request on record.

        Args:
            method: the method of the API's request that does the same.
            path: its path below /api/3, such as `/contactTags`.
            body: its body.
            source: who does it: public, admin, api or system. Webhooks are told so.

        Returns:
            What the API would have answered.

        Raises:
            ValueError: the account refuses it.
        """
        headers = {"Api-Token": self.key}
        request = _Request(method.upper(), _PREFIX + path, "", headers, json.dumps(body or {}).encode(), source)
        with self._lock:
            self._catch_up()
            answer = self._work(request)
        if answer.status >= 300:
            raise ValueError(f"{method} {path} was answered {answer.status}: {answer.body.decode()}")
        return json.loads(answer.body or b"{}")

    def tell(self, kind: str, form: Mapping[str, Any], *, source: str = "public", list_id: int = 0) -> None:
        """Tells the webhooks of something that no request does, such as a mailing that somebody opened.

        Args:
            kind: the event, such as contact_tag_added.
            form: its own keys, nested where the wire has brackets; a contact or a deal that is given by its id alone is
                filled in as it stands.
            source: who did it: public, admin, api or system.
            list_id: the list that it is about; 0 for none.
        """
        with self._lock:
            self.webhooks.tell(Told(kind, filled(self._store, form), list_id), source)

    def transport(self) -> SandboxTransport:
        """An httpx transport, sync and async, that ends in this account."""
        from ac_tools.sandbox._transport import SandboxTransport

        return SandboxTransport(self)

    def _answer(self, request: _Request, fault: Order | None) -> Answer:
        if fault is None:
            return self._work(request, counted=True)
        if fault.late is not None:
            self._late.append(Late(request, fault.late, self._store.moment()))
            return broken("timeout", self._late[-1])
        own = self._work(request) if fault.after else None
        return fail(fault, own, self._settings)

    def _catch_up(self) -> None:
        """Does what became due since the last request: late requests and imports, in the order of their moments."""
        now = self._store.moment()
        dues = [(late.due(now), late) for late in self._late]
        self._late = [late for due, late in dues if due > now]
        for due, late in sorted((each for each in dues if each[0] <= now), key=lambda each: each[0]):
            with self._store.at(due):
                self._work(late.request)
        _imports.run_imports(self._store)

    def _work(self, request: _Request, *, counted: bool = False) -> Answer:
        try:
            if counted:
                self._admit()
            self._authorize(request.headers)
            return self._dispatch(request)
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:  # a bug of the sandbox is a server's error, not the caller's
            return reply(500, {"message": f"Internal Server Error ({type(error).__name__})"})

    def _admit(self) -> None:
        try:
            self._rate.take()
        except Refusal as refusal:
            later = self._settings.rate_limit_retry_after
            body, headers = json.loads(refusal.answer.body), {"Retry-After": later} if later else {}
            raise Refusal(self._settings.rate_limit_status, body, headers) from None

    def _marked(self, answer: Answer) -> Answer:
        return self._rate.mark(answer) if self._settings.rate_limit_headers else answer

    def _authorize(self, headers: Mapping[str, str]) -> None:
        given = next((value for name, value in headers.items() if name.lower() == "api-token"), None)
        if given != self.key:
            status, kind = self._settings.unauthorized_status, self._settings.unauthorized_body
            raise Refusal(status, self._settings.body(status, "Forbidden", kind))

    def _dispatch(self, request: _Request) -> Answer:
        endpoint, names = self._find(request)
        _imports.run_imports(self._store)
        body = self._decode(request) if request.method in ("POST", "PUT", "PATCH") else {}
        entries = body if isinstance(body, list) else []
        body = body if isinstance(body, dict) else {}
        query, limited = Query(request.query), self._rate.limit is not None
        if not names:  # what belongs to one record may be asked for by the thousand (recorded 2020 and 2021)
            query.check_limit(self._settings)
        call = Call(self._store, query, body, entries, len(request.body), names, limited)
        return self._told(endpoint, call, request.source)

    def _told(self, endpoint: Endpoint, call: Call, source: str) -> Answer:
        """Do a request's work, and tell the webhooks of it."""
        watching = telling(endpoint, call) if self.webhooks.wanted else None
        if watching is None:
            return endpoint(call)
        next(watching)
        answer = endpoint(call)
        try:
            watching.send(json.loads(answer.body or b"{}"))
        except StopIteration as done:
            if done.value is not None:
                self.webhooks.tell(done.value, source)
        return answer

    def _find(self, request: _Request) -> tuple[Endpoint, dict[str, str]]:
        if not request.path.startswith(f"{_PREFIX}/"):
            raise nowhere(self._settings)
        return find(request.method, request.path.removeprefix(_PREFIX), self._settings)

    def _decode(self, request: _Request) -> Any:
        try:
            return decode(request.body)
        except Refusal as refusal:
            raise Refusal(self._settings.malformed_json_status, json.loads(refusal.answer.body)) from None


_EMPTY: dict[str, Any] = {
    "users": [{"id": 1, "username": "admin", "email": "admin@example.com", "first_name": "Ada", "last_name": "Admin"}]
}


def _read(seed: Path | Mapping[str, Any]) -> Mapping[str, Any]:
    return _parsed(seed, seed.stat().st_mtime_ns) if isinstance(seed, Path) else seed


@lru_cache(maxsize=4)
def _parsed(path: Path, changed_at: int) -> Mapping[str, Any]:
    """A seed file, read once as long as it does not change: test suites make hundreds of accounts of the same."""
    data: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
