"""Reads the loose values of a request: ids as numbers or strings, text, flags, dates, addresses."""

import functools
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_DIGITS = re.compile(r"-?[0-9]{1,15}\Z")
_ADDRESS = re.compile(r"[^@\s,;<>()\x00-\x1f\x7f]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}\Z")
_ODD = re.compile(r"[^A-Za-z0-9@.!#$%&*+/=?^_{|}~-]")


def to_int(value: Any, default: int = 0) -> int:
    """An integer sent as a number or a string of digits; anything else is the default."""
    if isinstance(value, int):
        return int(value) if abs(value) < 10**15 else default
    if isinstance(value, str) and _DIGITS.match(value.strip()):
        return int(value)
    return default


def to_text(value: Any) -> str:
    """Text as PHP casts it: numbers as digits, null and structures as nothing."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, (str, int, float)):
        return str(value)
    return ""


def words(text: str) -> tuple[str, ...]:
    """The words of a text; a long list of names reads better so."""
    return tuple(text.split())


def to_flag(value: Any) -> bool:
    """Whether a flag is set, sent as a boolean, a number or a word."""
    return to_text(value).strip().lower() in ("1", "true", "yes", "on")


def well_formed(address: Any) -> bool:
    """Whether an address has the outer shape of one: one @, a domain with a dot, no white space."""
    return isinstance(address, str) and len(address) <= 254 and _ADDRESS.match(address) is not None


def valid_address(address: Any) -> bool:
    """Whether a contact can have this address: well formed, and of the usual characters only.

    `invalid'character@example.com` is documented as refused. An address beyond ASCII is assumed to be.
    """
    return well_formed(address) and _ODD.search(address) is None


@functools.lru_cache(maxsize=4096)
def to_moment(text: str, zone: ZoneInfo) -> float | None:
    """A date or date-time as seconds since the epoch, in the account's zone where it names none (assumed)."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
