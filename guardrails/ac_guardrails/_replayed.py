"""What other grants would have said to the calls on record, as values and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from ac_guardrails._entries import Entry
from ac_guardrails._grants import Verdict
from ac_guardrails._text import inert

Change = Literal["denied", "asked", "allowed", "same", "untold"]

_WIDTH = 98
_TITLES: Mapping[Change, str] = {"denied": "Newly denied", "asked": "Newly asked", "allowed": "Newly allowed"}
_THEN = {"allow": "allowed", "ask": "a person was asked", "deny": "denied"}
_NOW = {"allow": "allowed", "ask": "a person is asked", "deny": "denied"}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One call on record, and what the other grants say to it.

    Args:
        entry: The call.
        then: What the grants said then: "allow", "ask" or "deny"; empty where they were not asked.
        now: What the others say; None where that cannot be told.
        change: denied, asked or allowed where they differ; same; or untold.
        why: Why it cannot be told, as a clause; else empty.
    """

    entry: Entry
    then: str
    now: Verdict | None
    change: Change
    why: str = ""


@dataclass(frozen=True)
class Replay:
    """What other grants would have said to the calls on record. `str()` tells it in words.

    Args:
        calls: Each call, in the order in which they began.
    """

    calls: tuple[Replayed, ...]

    def of(self, change: Change) -> tuple[Replayed, ...]:
        """The calls that are newly "denied", "asked" or "allowed", the "same", or "untold"."""
        return tuple(call for call in self.calls if call.change == change)

    @property
    def differences(self) -> tuple[Replayed, ...]:
        """The calls to which the others say something else."""
        return tuple(call for call in self.calls if call.change in _TITLES)

    def __str__(self) -> str:
        return "\n".join(_lines(self)) if self.calls else "There are no calls on record to try these grants on."


def _lines(replay: Replay) -> Iterator[str]:
    count = Counter(call.change for call in replay.calls)
    first, last = replay.calls[0].entry.at, replay.calls[-1].entry.at
    calls = "1 call" if len(replay.calls) == 1 else f"{len(replay.calls)} calls"
    yield f"{calls} on record, {first:%Y-%m-%d} to {last:%Y-%m-%d}, tried on these grants:"
    news = ", ".join(f"{count[change]} {title.lower()}" for change, title in _TITLES.items())
    yield f"{news}, {count['same']} the same, {count['untold']} that cannot be told."
    for change, title in _TITLES.items():
        if count[change]:
            yield f"\n{title}:"
            for call in replay.of(change):
                yield from _difference(call)
    if count["untold"]:
        yield "\nCannot be told:"
        reasons = Counter(call.why for call in replay.of("untold"))
        yield from (f"  {number} because {why}" for why, number in reasons.most_common())
    if replay.differences:
        yield "\nLimits count what is newly allowed or asked as sent, and what is newly denied as not sent."


def _difference(call: Replayed) -> Iterator[str]:
    assert call.now is not None
    now, rule = call.now, call.now.rule
    because = "" if now.kind == "allow" else f" {now.reason.strip()}"
    where = f" Rule: {rule}." if rule and rule not in because else ""
    yield f"  {call.entry.at:%Y-%m-%d %H:%M:%SZ}  {call.entry.id}"
    yield from _wrapped(inert(call.entry.sentence, limit=600))
    yield from _wrapped(f"Then {_THEN[call.then]}, now {_NOW[now.kind]}.{because}{where}")


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
