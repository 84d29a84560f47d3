"""Times as people type them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def epoch_seconds(text: str) -> float:
    """Read "24h", "7d", "2026-11-23" or "2026-11-23T08:00" as epoch seconds; a time without a zone is UTC.

    Raises:
        ValueError: The text is none of these.
    """
    if match := re.fullmatch(r"([0-9]{1,5})([mhdw])", text):
        return time.time() - int(match[1]) * _UNITS[match[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time. Use 24h, 7d, or a day such as 2026-11-23.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
