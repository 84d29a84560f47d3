"""What reading back says of a write whose answer never came."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from ac_guardrails._request import Request


@dataclass(frozen=True, slots=True)
class Finding:
    """What the account shows of a write when it is read back.

    Args:
        kind: "present" where its effect is there, "absent" where it is not, "cannot_tell" where reading cannot show it,
            "unread" where the account could not be asked.
        reason: The same in words with ids, counts and dates only, as a clause: "contact 7 has tag 3".
        made: The record that the write has made, as the product names it; empty where it made none.
        partly: Whether the call wanted more than was read back: what is present is not all that was to be sent, or what
            is absent was the last of several requests.
    """

    kind: Literal["present", "absent", "cannot_tell", "unread"]
    reason: str
    made: str = ""
    partly: bool = False


ReadBack = Generator[Request, Any, Finding]
"""Yields reads, is sent replies, returns what they show."""
