"""Which ledger a URL names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from ac_guardrails._ledger import Ledger


def open_ledger(url: str, *, payloads: str = "30d", clock: Callable[[], float] = time.time) -> Ledger:
    """Open the ledger that a URL names.

    Args:
        url: "memory:" (lost when the process ends), or "sqlite:///ledger.db" (relative; four slashes for absolute).
        payloads: How long values are kept after a call is closed, such as "30d" or "12h"; or "none".
        clock: Epoch seconds.

    Raises:
        ValueError: The URL or the time means nothing here.
        LedgerError: The file cannot be opened.
    """
    if not isinstance(url, str):
        raise TypeError(f"{url!r} is no ledger. Give one that is open, or a URL: memory: or sqlite:///ledger.db.")
    keep = _seconds(payloads)
    if url == "memory:":
        return Ledger(":memory:", payloads=keep, clock=clock)
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Ledger(url.removeprefix("sqlite:///"), payloads=keep, clock=clock)
    if url.startswith(("postgresql://", "postgres://")):
        raise ValueError("A PostgreSQL ledger is not built yet. Use sqlite:///ledger.db (one machine) or memory:.")
    raise ValueError(f"{url!r} names no ledger. Use memory: or sqlite:///ledger.db.")


def _seconds(text: str) -> float:
    if text == "none":
        return 0.0
    match = re.fullmatch(r"([0-9]{1,4})([dh])", text)
    if not match or int(match[1]) == 0:
        raise ValueError(f"payloads={text!r} is no time. Use '30d', '12h' or 'none'.")
    return int(match[1]) * (86400.0 if match[2] == "d" else 3600.0)
