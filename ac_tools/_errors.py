"""What can go wrong between this package and an ActiveCampaign account.

ActiveCampaignError
├── ConfigurationError            the URL, the key or the account object is unusable; nothing was sent
├── ConnectError                  the account could not be reached; nothing was sent
├── OutcomeUnknownError           sent, and no complete answer came, or a 408
└── ResponseError                 the account answered, and the answer is no success
    ├── AuthenticationError       401
    ├── PaymentRequiredError      402
    ├── ForbiddenError            403
    ├── NotFoundError             404, and the 403 that says that there is no such record
    ├── InvalidRequestError       400, 422, other 4xx, and the 200 that is really an error
    ├── RateLimitError            429, and the 400 with which the bulk import says the same
    ├── ServerError               5xx
    └── UnreadableResponseError   a redirect, or an answer that is empty, too large, too deep or not JSON
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["not_sent", "refused", "unknown"]
"""What became of a write: it never left, it was turned down, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint of an error answer, made safe to show.

    Args:
        text: The account's words, at most 500 characters, without control characters.
        code: Its machine-readable code, such as "duplicate".
        pointer: What it is about, such as "/data/attributes/email".
    """

    text: str
    code: str | None = None
    pointer: str | None = None


class ActiveCampaignError(Exception):
    """Anything that went wrong with a request; `str()` says what, to what, and what to do next.

    Args:
        text: One or two sentences that a marketing person could read.
        status: The HTTP status, or None without an answer.
        problems: The account's complaints, one by one.
        request_id: The account's own id of the exchange, for its support (recorded 2021: X-Request-Id).
        method: The request's method.
        path: The request's path below the API's base, without its query.
        outcome: What became of a write; each class has its own default.
        retry_after: Seconds to wait before another attempt, or None if nobody said.
    """

    outcome: Outcome = "unknown"

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        problems: tuple[Problem, ...] = (),
        request_id: str | None = None,
        method: str | None = None,
        path: str | None = None,
        outcome: Outcome | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.problems = problems
        self.request_id = request_id
        self.method = method
        self.path = path
        self.outcome = outcome or type(self).outcome
        self.retry_after = retry_after


class ConfigurationError(ActiveCampaignError):
    """The URL, the key or the account object cannot be used. Nothing was sent."""

    outcome: Outcome = "not_sent"


class ConnectError(ActiveCampaignError):
    """The account could not be reached. Nothing was sent, so trying again is safe."""

    outcome: Outcome = "not_sent"


class OutcomeUnknownError(ActiveCampaignError):
    """The request was sent and no complete answer came: a write may or may not have happened."""


class ResponseError(ActiveCampaignError):
    """The account answered, and the answer is no success."""

    outcome: Outcome = "refused"
    says = "{What} was refused ({status}){why}. {next}"


class AuthenticationError(ResponseError):
    """401: the key is missing or wrong."""

    says = (
        "ActiveCampaign did not accept the API key ({status}). "
        "Copy the URL and the key again from Settings > Developer in ActiveCampaign."
    )


class PaymentRequiredError(ResponseError):
    """402: the account is suspended or unpaid."""

    says = (
        "The ActiveCampaign account is suspended or unpaid ({status}). "
        "Nothing works until its owner settles that under Settings > Billing."
    )


class ForbiddenError(ResponseError):
    """403: the key's user may not do this, the plan lacks the feature, or the key is wrong."""

    says = (
        "{What} is not allowed ({status}){why}. The key's user lacks the permission, the plan lacks the feature, "
        "or the key is wrong: URL and key are found under Settings > Developer in ActiveCampaign."
    )


class NotFoundError(ResponseError):
    """404: there is no such record."""

    says = "{What} failed ({status}){why}. Look the id up again; the record may have been deleted."


class InvalidRequestError(ResponseError):
    """400 or 422: the account does not accept what was sent; or a 200 that is really an error."""


class RateLimitError(ResponseError):
    """429: too many requests; `retry_after` has the seconds to wait, if anybody said."""

    says = "{What} was put off: ActiveCampaign asks for fewer requests ({status}). Try again in {wait}."


class ServerError(ResponseError):
    """5xx: a fault of ActiveCampaign's own; a write may or may not have happened."""

    outcome: Outcome = "unknown"
    says = "{What} met a fault of ActiveCampaign's own ({status}){why}. {next}"


class UnreadableResponseError(ResponseError):
    """An answer that cannot be read for what it should be; a write may or may not have happened."""

    outcome: Outcome = "unknown"
    says = "The answer to {what} could not be read ({status}){why}. {next}"
