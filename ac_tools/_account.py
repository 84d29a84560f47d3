"""The account client: one place that holds the key, keeps the pace, sends, and decides what is sent again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from pydantic import SecretStr

from ac_guardrails._canonical import canonical
from ac_guardrails._request import Permit, PermitError, Request
from ac_tools._answers import doing
from ac_tools._credentials import read_key, read_url
from ac_tools._errors import ConfigurationError
from ac_tools._exchange import Exchange, Local, Reply, Step, Steps
from ac_tools._http import Answer, Clients, Failure, Transport, Wire
from ac_tools._pace import Limit, Pace

if TYPE_CHECKING:
    from ac_guardrails._ledger import Ledger
    from ac_guardrails._turnstile import Turnstile
    from ac_tools._drift import Drift
    from ac_tools.sandbox import Clock, Sandbox

_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+/?")


class ActiveCampaign:
    """One ActiveCampaign account, reached through its v3 API with one user's key.

    It sends nothing without the guard's permit. It may be used from any number of threads and event loops, and closed
    with `close()`, `aclose()` or as a context manager.

    Args:
        url: The API URL of Settings > Developer; default ACTIVECAMPAIGN_URL. https, except on this machine.
        key: The API key of the same page; default ACTIVECAMPAIGN_API_KEY.
        transport: Any httpx transport to use instead of the network, sync, async or both; closed with the account.
        limit: Requests a second, shared by all accounts of this process on the host, and by all processes whose guards
            have the same ledger file; default 5 (documented), None for no limit. With a transport and no limit the
            account shares with other processes only.
        timeout: Seconds to wait for reading, writing or a free connection. Connecting has 5 at most.
        max_wait: Seconds that one request waits in all for the account to be ready again.
        retries: Further attempts where they are safe: reads, and whatever certainly was not sent.
        drift: "warn" compares each answer of the 29 endpoints with what they were known to send (ac_tools.contracts)
            and warns of each kind of difference once for each endpoint; by default nothing is compared.

    Raises:
        ConfigurationError: The URL or the key cannot be used. The text never shows the key.
    """

    host = ""
    """The host, with its port if it is not the usual one."""

    simulator: Sandbox | None = None
    """The embedded account behind `sandbox()`, else None."""

    def __init__(
        self,
        *,
        url: str | None = None,
        key: str | SecretStr | None = None,
        transport: Transport | None = None,
        limit: Limit = "default",
        timeout: float = 30.0,
        max_wait: float = 60.0,
        retries: int = 3,
        drift: Literal["ignore", "warn"] = "ignore",
    ) -> None:
        if not _is_text(key):
            key = None
            raise ConfigurationError("The API key is text: copy it from Settings > Developer in ActiveCampaign.")
        key, fault = read_key(key)  # from here on no frame of ours holds the key in clear
        if fault:
            raise ConfigurationError(fault)
        url, host, fault = read_url(url)
        if fault:
            raise ConfigurationError(fault)
        if limit not in (None, "default") and (not isinstance(limit, int) or limit < 1):
            raise ConfigurationError("The limit is a whole number of requests a second, at least 1, or None.")
        if drift not in ("ignore", "warn"):
            raise ConfigurationError('drift is "ignore" or "warn": whether answers are compared with the contracts.')
        self.url = url
        self.host = host
        self._key = key
        self._max_wait = max_wait
        self._retries = retries
        self._pace = Pace() if transport is not None and limit == "default" else Pace.of(host)
        self._pace.agree(limit)
        self._turnstiles: set[Turnstile] = set()
        self._drift = _drift() if drift == "warn" else None
        self._clients = Clients(
            key=key,
            timeout=timeout,
            transport=transport,
            trust_env=url.startswith("https"),  # a proxy would see the key of a plain http request
        )

    @classmethod
    def from_env(cls) -> Self:
        """The account that ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_KEY name."""
        return cls()

    @classmethod
    def sandbox(
        cls,
        *,
        limit: int | None = None,
        clock: Clock | None = None,
        empty: bool = False,
        seed: Path | Mapping[str, Any] | None = None,
    ) -> Self:
        """An embedded account in this process: no network, no key.

        Args:
            limit: Requests a second that it admits; None for no limit.
            clock: Its clock, for tests that move time.
            empty: Whether to begin with nothing at all.
            seed: What it holds at the beginning, instead of the data shipped with the package.
        """
        from ac_tools.sandbox import Sandbox

        options: dict[str, Any] = {} if seed is None else {"seed": seed}
        simulator = Sandbox(empty=empty, limit=limit, clock=clock, **options)
        account = cls(url=simulator.url, key=simulator.key, transport=simulator.transport())
        account._pace = Pace(limit)
        account.simulator = simulator
        return account

    def send(self, request: Request, permit: Permit | None) -> Reply:
        """Send one permitted request and return the account's answer.

        Raises:
            PermitError: There is no permit for exactly this request. Nothing was sent.
            ActiveCampaignError: It failed; `outcome` says what became of a write.
        """
        steps = self._begin(request, permit)
        go: Callable[[], Step] = partial(next, steps)
        while True:
            try:
                step = go()
            except StopIteration as done:
                reply: Reply = done.value
                return reply
            try:
                result = self._do(step)
            except BaseException as error:
                go = partial(steps.throw, error)
            else:
                go = partial(steps.send, result)

    async def asend(self, request: Request, permit: Permit | None) -> Reply:
        """The same for event loops."""
        steps = self._begin(request, permit)
        go: Callable[[], Step] = partial(next, steps)
        while True:
            try:
                step = go()
            except StopIteration as done:
                reply: Reply = done.value
                return reply
            try:
                result = await self._ado(step)
            except BaseException as error:
                go = partial(steps.throw, error)
            else:
                go = partial(steps.send, result)

    def share_budget(self, ledger: Ledger) -> None:
        """Share the account's requests a second with every process of this machine that has the same ledger file.

        A tool does this with its guard's ledger when it is made. A ledger in memory is nobody else's, and without a
        limit there is nothing to share.
        """
        if not ledger.in_memory and self._pace.limit is not None:
            self._turnstiles.add(self._pace.share(self.host, ledger.path))

    def _do(self, step: Step) -> Any:
        if isinstance(step, Wire):
            return self._compared(step, self._clients.attempt(step))
        return step() if callable(step) else time.sleep(step)

    async def _ado(self, step: Step) -> Any:
        if isinstance(step, Wire):
            return self._compared(step, await self._clients.aattempt(step))
        return await (_in_thread(step) if callable(step) else asyncio.sleep(step))

    def _compared(self, wire: Wire, answer: Answer | Failure) -> Answer | Failure:
        if self._drift is not None:
            self._drift.compare(wire, wire.url.removeprefix(self.url), answer)
        return answer

    def _begin(self, request: Request, permit: Permit | None) -> Steps:
        if type(permit) is not Permit:  # neither None, nor anything that only looks like one
            raise PermitError(f"{request.method} {request.path} has no permit of the guard. Nothing was sent.")
        if self._clients.closed:
            raise ConfigurationError("This account object was closed. Make a new one.")
        wire = self._wire(request)
        permit.spend(request)
        exchange = Exchange(
            request,
            wire,
            pace=self._pace,
            key=self._key,
            retries=self._retries,
            max_wait=self._max_wait,
        )
        return exchange.steps()

    def _wire(self, request: Request) -> Wire:
        """What goes out: the very text that the permit's digest was taken of."""
        if not _PATH.fullmatch(request.path):
            raise ConfigurationError("The request's path is none of the API's. Nothing was sent.")
        try:
            body = None if request.body is None else canonical(request.body).encode()
            b"".join(text.encode() for pair in request.params for text in pair)
        except (TypeError, ValueError):
            body = None
        else:
            return Wire(request.method, self.url + request.path, request.params, body)
        raise ConfigurationError(f"{doing(request.method, request.path)} holds what JSON cannot. Nothing was sent.")

    def close(self) -> None:
        """Close the connections; the account can no longer be used."""
        self._clients.close()
        self._leave_budget()

    async def aclose(self) -> None:
        """The same for event loops."""
        await self._clients.aclose()
        await asyncio.to_thread(self._leave_budget)

    def _leave_budget(self) -> None:
        while self._turnstiles:
            self._turnstiles.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"ActiveCampaign({self.host!r})"

    def __copy__(self) -> Self:  # frameworks copy tools; connections and budget stay one
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("An ActiveCampaign account is not pickled: it holds a key. Make it anew from the environment.")


def _is_text(key: object) -> bool:
    """Whether a key is text, in clear or secret, or left to the environment."""
    return isinstance(key.get_secret_value() if isinstance(key, SecretStr) else key, (str, type(None)))


def _drift() -> Drift:
    """Loaded here, since most accounts compare nothing."""
    from ac_tools._drift import Drift

    return Drift()


async def _in_thread(work: Local) -> Any:
    """Have it done without blocking the loop. It cannot be stopped, and what comes next must come after it."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    interruption: BaseException | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            interruption = error
    if failure := interruption or future.exception():
        raise failure
    return future.result()
