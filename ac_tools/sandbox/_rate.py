"""The account's request limit."""

import collections
import time

from ac_tools.sandbox._wire import Answer, Refusal


class RateLimit:
    """At most so many requests in any second of real time; what is refused does not count.

    Args:
        limit: requests a second; None for no limit and no headers, which is how the API was recorded in 2020 and 2021.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self._taken: collections.deque[float] = collections.deque()

    def take(self) -> None:
        """Counts a request.

        Raises:
            Refusal: 429 with the documented headers; its body is assumed.
        """
        if self.limit is None:
            return
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            raise Refusal(429, {"message": "Too Many Requests"}, {"Retry-After": "1"})
        self._taken.append(now)

    def mark(self, answer: Answer) -> Answer:
        """The answer with the documented headers, where there is a limit."""
        if self.limit is None:
            return answer
        left = max(0, int(self.limit - len(self._taken)))
        return answer.with_headers({"RateLimit-Limit": f"{self.limit:g}", "RateLimit-Remaining": str(left)})
