"""The account's own clock, which a test can freeze and move."""

import threading
import time


class Clock:
    """The time that the account lives in, in seconds since the epoch.

    Without `start` it is the computer's clock plus whatever it was advanced by. With `start` it stands still until it
    is advanced, so that everything that the account says about time is the same in every run.

    Args:
        start: the moment at which a frozen clock stands, in seconds since the epoch.
    """

    def __init__(self, start: float | None = None) -> None:
        self._frozen = start
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """The present moment, in seconds since the epoch."""
        base = time.time() if self._frozen is None else self._frozen
        return base + self._offset

    def advance(self, seconds: float) -> None:
        """Moves the clock on.

        Args:
            seconds: how far, in seconds; not negative.

        Raises:
            ValueError: when asked to go back.
        """
        if seconds < 0:
            raise ValueError("A clock only goes forward: give a number of seconds that is not negative.")
        with self._lock:
            self._offset += seconds
