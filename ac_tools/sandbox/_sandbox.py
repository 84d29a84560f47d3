"""The embedded account: takes a request, gives an answer."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ac_tools.sandbox import (  # noqa: F401 - each registers its endpoints
    _accounts,
    _automations,
    _campaigns,
    _contact_search,
    _contacts,
    _deal_search,
    _deals,
    _fields,
    _imports,
    _lists,
    _memberships,
    _pipelines,
    _relations,
    _tags,
    _users,
)
from ac_tools.sandbox._clock import Clock
from ac_tools.sandbox._faults import Fault, broken, failing
from ac_tools.sandbox._query import Query
from ac_tools.sandbox._rate import RateLimit
from ac_tools.sandbox._router import Call, find
from ac_tools.sandbox._seed import Loader
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._store import Store
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
        self._faults: list[Fault] = []
        self._late: list[tuple[float, _Request]] = []
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
            fault = self._fault_for(request)
            if fault is not None and fault.cut == "refused":
                return broken("refused")
            self._catch_up()
            answer = self._rate.mark(self._answer(request, fault))
            at = self._store.moment()
            self.requests.append(Received(request.method, path, answer.status, at))
            # Recorded 2020 and 2021: every answer tells the account's own time.
            return answer.with_headers({"X-Request-Id": self._store.uuid(), "Date": formatdate(at, usegmt=True)})

    def fault(
        self,
        method: str,
        path: str,
        *,
        times: int = 1,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        cut: Literal["reset", "timeout", "refused"] | None = None,
        when: Literal["before", "after"] = "before",
        late: float | None = None,
    ) -> None:
        """Orders a failure of the next requests that match; several wait in the order they were ordered in.

        Args:
            method: the HTTP method, or * for any.
            path: a pattern below /api/3 such as `/contacts/*`, where * stands for any characters.
            times: how many requests fail.
            status: answer this status.
            headers: headers of that answer.
            body: body of that answer; without one a message with the status in words.
            cut: break the connection instead: reset it, never answer, or refuse it (nothing sent; in process only).
            when: before the request's work, which then is not done, or after it.
            late: never answer, and do the work this many seconds of the account's clock later.

        Raises:
            ValueError: unless exactly one of status, cut and late is given, or when `cut="refused"` should come after.
        """
        if sum(each is not None for each in (status, cut, late)) != 1:
            raise ValueError("Say how the request should fail: give one of status, cut and late.")
        if cut == "refused" and when == "after":
            raise ValueError("A refused connection carries no request, so no work can come before it.")
        answer = failing(status, headers, body) if status is not None else None
        cut = cut if late is None else "timeout"
        with self._lock:
            self._faults.append(Fault(method.upper(), path, times, answer, cut, when == "after", late))

    def transport(self) -> SandboxTransport:
        """An httpx transport, sync and async, that ends in this account."""
        from ac_tools.sandbox._transport import SandboxTransport

        return SandboxTransport(self)

    def _fault_for(self, request: _Request) -> Fault | None:
        path = request.path.removeprefix(_PREFIX)
        fault = next((each for each in self._faults if each.hits(request.method, path)), None)
        if fault is not None:
            fault.times -= 1
            self._faults = [each for each in self._faults if each.times > 0]
        return fault

    def _answer(self, request: _Request, fault: Fault | None) -> Answer:
        if fault is None:
            return self._work(request, counted=True)
        if fault.late is not None:
            self._late.append((self._store.moment() + fault.late, request))
        elif fault.after:
            self._work(request)
        return fault.answer or broken(fault.cut or "reset")

    def _catch_up(self) -> None:
        """Does what became due since the last request: late requests and imports, in the order of their moments."""
        now = self._store.moment()
        for due, request in sorted((each for each in self._late if each[0] <= now), key=lambda each: each[0]):
            with self._store.at(due):
                self._work(request)
        self._late = [each for each in self._late if each[0] > now]
        _imports.run_imports(self._store)

    def _work(self, request: _Request, *, counted: bool = False) -> Answer:
        try:
            if counted:
                self._rate.take()
            self._authorize(request.headers)
            return self._dispatch(request)
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:  # a bug of the sandbox is a server's error, not the caller's
            return reply(500, {"message": f"Internal Server Error ({type(error).__name__})"})

    def _authorize(self, headers: Mapping[str, str]) -> None:
        given = next((value for name, value in headers.items() if name.lower() == "api-token"), None)
        if given != self.key:
            raise Refusal(self._settings.unauthorized_status, {"message": "Forbidden"})

    def _dispatch(self, request: _Request) -> Answer:
        if not request.path.startswith(f"{_PREFIX}/"):
            raise Refusal(404, {"message": "Not Found"})
        endpoint, names = find(request.method, request.path.removeprefix(_PREFIX))
        _imports.run_imports(self._store)
        body = decode(request.body) if request.method in ("POST", "PUT") else {}
        body = body if isinstance(body, dict) else {}
        limited = self._rate.limit is not None
        return endpoint(Call(self._store, Query(request.query), body, len(request.body), names, limited))


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
