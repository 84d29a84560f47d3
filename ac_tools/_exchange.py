"""One exchange with an account: keep the pace, send, judge the answer, and send again where that is safe.

There is no I/O in here, so threads and event loops share it: `Exchange.steps` yields what needs doing. What a step
raises is raised inside, so that a slot is given back whatever happens.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from pydantic import SecretStr

from ac_guardrails._events import LedgerError
from ac_guardrails._request import Request
from ac_tools._answers import clean, doing, next_step, read_answer
from ac_tools._errors import (
    ActiveCampaignError,
    ConfigurationError,
    ConnectError,
    OutcomeUnknownError,
    RateLimitError,
    ResponseError,
)
from ac_tools._http import Answer, Failure, Wire
from ac_tools._pace import Pace

_PASSING = {429, 502, 503, 504}  # statuses after which a read may be tried again
_CHECK = "check the URL and the network, and try again."
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 8.0  # seconds

Local = Callable[[], Any]
"""Work on a file of this machine, which an event loop leaves to a thread."""

Step = float | Wire | Local
"""What sending needs done: sleep so many seconds, send this once, or do this."""

Steps = Generator[Step, Any, "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A success.

    Args:
        status: The HTTP status; for an upsert the only sign whether it created (201) or updated (200), recorded 2020.
        data: The parsed JSON.
        request_id: The account's own id of the exchange, or None.
        bytes: The size of the body.
        date: The Date header, the account's own time; empty without one.
    """

    status: int
    data: Any
    request_id: str | None
    bytes: int
    date: str = ""


class Exchange:
    """One request, from the wait for its turn to its last attempt.

    Args:
        request: The request.
        wire: The same, as it goes out.
        pace: The host's budget.
        key: The API key, which no message may hold; nor may one hold the query's values.
        retries: Further attempts where they are safe.
        max_wait: Seconds to wait in all for the account to be ready again.
    """

    def __init__(
        self, request: Request, wire: Wire, *, pace: Pace, key: SecretStr, retries: int, max_wait: float
    ) -> None:
        self._request = request
        self._doing = doing(request.method, request.path)
        self._wire = wire
        self._pace = pace
        self._key = key
        self._retries = retries
        self._tried = 0
        self._seconds = max_wait
        self._has_slot = False

    def steps(self) -> Steps:
        """Send, and send again where that is safe.

        Raises:
            ActiveCampaignError: What the request finally came to.
        """
        while True:
            answer = yield from self._attempt()
            outcome = self._failed(answer) if isinstance(answer, Failure) else self._read(answer)
            if isinstance(outcome, Reply):
                return outcome
            wait = yield from self._wait(answer, outcome)
            if wait is None:
                raise outcome
            yield wait

    def _attempt(self) -> Generator[Step, Any, Answer | Failure]:
        """Wait for a slot, send once, and give the slot back whatever happens."""
        try:
            while wait := (yield from self._paced(self._take_slot)):
                if paused := self._pace.paused():
                    if paused > self._seconds:
                        raise self._put_off(paused)
                    self._seconds -= paused
                yield wait
            answer: Answer | Failure = yield self._wire
            if isinstance(answer, Answer):
                self._pace.observe(answer.headers)
        except GeneratorExit:  # whoever drove these steps does no more of them
            self._give_slot()
            raise
        except LedgerError as error:
            raise ConfigurationError(
                f"The requests of all processes are counted in the ledger, so {self._doing} was put off. {error}",
                method=self._request.method,
                path=self._request.path,
            ) from error
        finally:
            if self._has_slot:
                yield from self._paced(self._give_slot)
        return answer

    def _paced(self, work: Local) -> Generator[Step, Any, Any]:
        """Work on the budget, which is in a file where other processes share it."""
        return (yield work) if self._pace.shared else work()

    def _take_slot(self) -> float:
        wait = self._pace.try_acquire()
        self._has_slot = not wait
        return wait

    def _give_slot(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self._pace.release()

    def _read(self, answer: Answer) -> Reply | ResponseError:
        secrets = self._secrets()
        data, error = read_answer(
            self._request.method,
            self._request.path,
            answer.status,
            answer.body,
            headers=answer.headers,
            secrets=secrets,
            retry_after=_retry_after(answer.headers.get("retry-after", "")),
        )
        request_id = clean(answer.headers.get("x-request-id", ""), secrets)[:100] or None
        size = len(answer.body or b"")
        return error or Reply(answer.status, data, request_id, size, answer.headers.get("date", ""))

    def _failed(self, failure: Failure) -> ActiveCampaignError:
        reason = clean(failure.reason, self._secrets())[:200].rstrip(". ")
        kind = OutcomeUnknownError if failure.sent else ConnectError
        if failure.sent:
            text = f"No complete answer came to {self._doing} ({reason}). {next_step(self._request.method)}"
        else:
            text = f"ActiveCampaign could not be reached for {self._doing} ({reason}). Nothing was sent: {_CHECK}"
        return kind(text, method=self._request.method, path=self._request.path)

    def _wait(self, answer: Answer | Failure, error: ActiveCampaignError) -> Generator[Step, Any, float | None]:
        """Seconds until the next attempt, or None to give up; holds everyone back where the account asks for it."""
        wait = error.retry_after or _backoff(self._tried)
        if isinstance(answer, Failure):
            again = answer.passing and not (answer.sent and self._request.is_write)
        else:
            asked = answer.status in _PASSING and error.retry_after is not None
            if asked or answer.status == 429:
                yield from self._paced(partial(self._pace.pause, wait))
            again = answer.status in _PASSING and not self._request.is_write
            if again and asked and wait > self._seconds:
                raise self._put_off(wait, answer=error)
        if not again or self._tried >= self._retries or wait > self._seconds:
            return None
        self._tried += 1
        self._seconds -= wait
        return wait

    def _put_off(self, seconds: float, *, answer: ActiveCampaignError | None = None) -> RateLimitError:
        return RateLimitError(
            f"ActiveCampaign asks for {math.ceil(seconds)} seconds without requests, which is too long to wait, "
            f"so {self._doing} was put off. Try again after that.",
            status=answer.status if answer else None,
            request_id=answer.request_id if answer else None,
            method=self._request.method,
            path=self._request.path,
            outcome="refused" if answer else "not_sent",
            retry_after=seconds,
        )

    def _secrets(self) -> tuple[str, ...]:
        """For the calls that hide them; no frame that raises keeps the result."""
        return (self._key.get_secret_value(), *(value for _, value in self._request.params))


def _backoff(tried: int) -> float:
    """The wait without a word from the account: doubling, jittered so that callers spread."""
    return min(_FIRST_BACKOFF * (1 << tried), _LONGEST_BACKOFF) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header, which has seconds (documented) or, by the standard, a date; else None."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())
