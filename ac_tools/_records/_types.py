"""The types of a record's fields: each takes whatever the account sends and makes one type of it, or None."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

# Longer runs of digits are not counters, and turning them into integers is slow enough to be an attack.
_ID = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"(-?[0-9]{1,18})(?:\.[0-9]*)?")


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        # JSON can spell half a surrogate pair, which no file, database or terminal takes.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _id(value: Any) -> str:
    """Digits only: an id is shown to models as it is, so it must not be able to say anything."""
    text = "" if isinstance(value, float) else _text(value) or ""
    return text if _ID.fullmatch(text) else ""


def _reference(value: Any) -> str | None:
    """The account writes null, an empty string or 0 where a record refers to nothing (recorded 2021)."""
    return None if _id(value) in ("", "0") else _id(value)


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_id, value))) if isinstance(value, list | tuple) else ()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, value))) if isinstance(value, list | tuple) else ()


def _count(value: Any) -> int | None:
    """Fractions are cut off: a deal sent with 156.24 is echoed with binary noise and stored as 156 (recorded 2020)."""
    match = _NUMBER.fullmatch(_text(value) or "")
    return int(match[1]) if match else None


def _flag(value: Any) -> bool | None:
    if value in (1, "1"):
        return True
    return False if value in (0, "0") else None


def _moment(value: Any) -> datetime | None:
    """A time without an offset is no moment; it stays reachable in `wire`."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo else None


def _local_time(value: Any) -> str | None:
    """A date, or a time without an offset, stays the string that it is."""
    text = _text(value)
    return None if not text or text.startswith("0000-00-00") else text


def _word(words: Mapping[str, str]) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        text = _text(value)
        return None if text is None else words.get(text, text)

    return read


def _import_status(value: Any) -> str | None:
    """Within about a second of the import the account answers false in place of a status (documented)."""
    return "not started" if value is False else _text(value)


Text = Annotated[str | None, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_id)]
Reference = Annotated[str | None, BeforeValidator(_reference)]
Ids = Annotated[tuple[str, ...], BeforeValidator(_ids)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Count = Annotated[int | None, BeforeValidator(_count)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
LocalTime = Annotated[str | None, BeforeValidator(_local_time)]

MembershipStatus = Annotated[
    str | None, BeforeValidator(_word({"0": "unconfirmed", "1": "active", "2": "unsubscribed", "3": "bounced"}))
]
DealStatus = Annotated[str | None, BeforeValidator(_word({"0": "open", "1": "won", "2": "lost"}))]
AutomationStatus = Annotated[str | None, BeforeValidator(_word({"1": "active", "2": "inactive"}))]
EnrolmentStatus = Annotated[str | None, BeforeValidator(_word({"1": "active", "2": "completed"}))]
_CAMPAIGN_WORDS = ("draft", "scheduled", "sending", "paused", "stopped", "completed", "disabled", "pending review")
CampaignStatus = Annotated[
    str | None, BeforeValidator(_word({str(code): word for code, word in enumerate(_CAMPAIGN_WORDS)}))
]
ImportStatus = Annotated[str | None, BeforeValidator(_import_status)]
