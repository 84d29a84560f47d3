"""An account whose wire is listened to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ac_tools import ActiveCampaign
from ac_tools._http import Answer, Failure, Wire
from ac_tools.sandbox import Sandbox, Settings

_NO_KEY = "0" * 40
_OWN_KEY = "a-key-of-the-embedded-account"
_NO_WAIT = 100_000  # requests a second


@dataclass(frozen=True, slots=True)
class Heard:
    """What went over the wire once: a request as it left, without its key, and the whole answer.

    Args:
        wire: The request.
        answer: The answer.
    """

    wire: Wire
    answer: Answer


class Listened(ActiveCampaign):
    """The same account, which keeps each complete exchange in `heard`, those among them that were repeated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.heard: list[Heard] = []

    def _compared(self, wire: Wire, answer: Answer | Failure) -> Answer | Failure:
        if isinstance(answer, Answer):
            self.heard.append(Heard(wire, answer))
        return super()._compared(wire, answer)

    @classmethod
    def of(cls, sandbox: Sandbox) -> Listened:
        """An embedded account."""
        account = cls(url=sandbox.url, key=sandbox.key, transport=sandbox.transport(), limit=None)
        account.simulator = sandbox
        return account

    def with_wrong_key(self) -> Listened:
        """The same account with a key that nobody has, within the same budget."""
        transport = self.simulator.transport() if self.simulator else None
        other = Listened(url=self.url, key=_NO_KEY, transport=transport)
        other._pace = self._pace
        return other


def embedded(settings: Settings | None = None) -> Listened:
    """A fresh embedded account, which tells its rate in its headers and does not wait for it."""
    return Listened.of(Sandbox(key=_OWN_KEY, limit=_NO_WAIT, settings=settings))
