"""Failures that a test orders from the account."""

import dataclasses
import fnmatch
import http
from collections.abc import Mapping

from ac_tools.sandbox._wire import Answer, Cut, encode


@dataclasses.dataclass(slots=True)
class Fault:
    """One ordered failure.

    Attributes:
        method: the HTTP method, or * for any.
        path: a pattern below /api/3, where * stands for any characters.
        times: how many requests it still hits.
        answer: what is answered instead, None when the connection breaks.
        cut: how the connection breaks, None when it does not.
        after: whether the request's work is done first.
        late: seconds of the account's clock after which the work is done all the same, None for not later.
    """

    method: str
    path: str
    times: int
    answer: Answer | None
    cut: Cut | None
    after: bool
    late: float | None

    def hits(self, method: str, path: str) -> bool:
        """Whether this request is the one to fail."""
        return self.times > 0 and self.method in ("*", method) and fnmatch.fnmatchcase(path, self.path)


def failing(status: int, headers: Mapping[str, str] | None, body: bytes | str | None) -> Answer:
    """The answer of a fault; without a body it says the status in words."""
    if body is None:
        words = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Error"
        body = encode({"message": words})
    content = body.encode() if isinstance(body, str) else body
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, content)


def broken(cut: Cut) -> Answer:
    """What stands for a connection that breaks."""
    return Answer(0, {}, b"", cut=cut)
