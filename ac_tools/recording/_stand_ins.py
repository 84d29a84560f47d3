"""Made-up texts in the place of real ones: of the same form, and always the same for the same."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Form = Literal["address", "url", "ip", "date", "hex", "digits", "text"]

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+|//\S+\.\S+|www\.\S+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]{6,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGITS = re.compile(r"[-+(#]?\d[\d\s().,/+#:-]*", re.ASCII)
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Original:
    """A text that was replaced.

    Args:
        text: It, addresses in lower case.
        form: What it looked like.
    """

    text: str
    form: Form


class StandIns:
    """What stands for what, in one run. Nothing of it is ever written.

    Args:
        secret: What makes the digits unforeseeable, so that nobody can find the original by trying.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._found: dict[str, str] = {}
        self._forms: dict[str, Form] = {}
        self._given: set[str] = set()

    def of(self, text: str) -> str:
        """The made-up text for a real one; several that are set apart by || are several."""
        if text.startswith("||") and text.endswith("||") and len(text) > 4:
            return f"||{'||'.join(self.of(each) for each in text[2:-2].split('||'))}||"
        if not text.strip():
            return text
        form = form_of(text)
        name = text.casefold() if form == "address" else text
        if name not in self._found:
            self._found[name] = self._new(form, name)
            self._forms[name] = form
            self._given.add(self._found[name])
        return self._found[name]

    @property
    def given(self) -> frozenset[str]:
        """All stand-ins and their parts, in lower case."""
        texts = [each.casefold() for each in self._given]
        return frozenset((*texts, *(part for text in texts for part in re.findall(r"\w+", text))))

    def originals(self) -> Iterator[Original]:
        """All that was replaced."""
        return (Original(text, form) for text, form in self._forms.items())

    def _new(self, form: Form, text: str) -> str:
        number = len(self._found) + 1
        for attempt in range(_TRIES):
            made = self._made(form, text, number, attempt)
            if made and made != text and made not in self._given:
                return made
        return f"Text {number}"

    def _made(self, form: Form, text: str, number: int, attempt: int) -> str:
        noise = hashlib.shake_256(b"%b %d %b" % (self._secret, attempt, text.encode())).digest(len(text) + 4)
        match form:
            case "address":
                return f"person{number}@people.example"
            case "url":
                return f"{_scheme(text)}site{number}.example{'/x' * _depth(text)}"
            case "ip":
                place = 1 + (noise[0] + attempt) % 254
                return f"2001:db8::{number:x}" if ":" in text else f"203.0.113.{place}"
            case "date":
                return _other_date(text, noise)
            case "hex":
                return _other_digits(text, noise, "0123456789abcdef")
            case "digits":
                return _other_digits(text, noise, "0123456789")
            case "text":
                return f"Text {number}"


def form_of(text: str) -> Form:
    """What a text looks like."""
    if _ADDRESS.fullmatch(text):
        return "address"
    if _URL.fullmatch(text):
        return "url"
    if _is_ip(text):
        return "ip"
    if _DATE.fullmatch(text):
        return "date"
    if _DIGITS.fullmatch(text):
        return "digits"
    return "hex" if _HEX.fullmatch(text) else "text"


def _is_ip(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _scheme(text: str) -> str:
    return "http://" if text.lower().startswith("http://") else "https://"


def _depth(text: str) -> int:
    return min(9, len([part for part in text.partition("?")[0].split("/")[3:] if part]))


def _other_date(text: str, noise: bytes) -> str:
    day = f"{1970 + noise[0] % 50}-{1 + noise[1] % 12:02}-{1 + noise[2] % 28:02}"
    return day + re.sub(r"\d", "0", text[10:])


def _other_digits(text: str, noise: bytes, digits: str) -> str:
    """Other digits in the place of digits, none of them leading with 0 that did not before."""
    made = []
    for place, (mark, byte) in enumerate(zip(text, noise, strict=False)):
        if mark.lower() not in digits:
            made.append(mark)
            continue
        leads = mark != "0" and not any(each in digits for each in text[:place].lower())
        other = digits[1 + byte % (len(digits) - 1)] if leads else digits[byte % len(digits)]
        made.append(other.upper() if mark.isupper() else other)
    return "".join(made)
