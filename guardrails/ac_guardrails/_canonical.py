"""Canonical JSON (RFC 8785) and digests of it: equal values give equal bytes, whoever wrote them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

_CONSTANTS = {None: "null", True: "true", False: "false"}


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted as UTF-16, no white space, numbers as ECMAScript writes them.

    Raises:
        TypeError: The value holds something that JSON cannot, or a key that is not a string.
        ValueError: The value holds NaN or an infinity.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        members = [f"{encode_basestring(key)}:{canonical(value[key])}" for key in _sorted_keys(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def digest(value: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _sorted_keys(value: Mapping[Any, Any]) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise TypeError("JSON keys are strings")
    if all(key.isascii() for key in value):
        return sorted(value)
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _number(value: float) -> str:
    """ECMAScript's Number::toString: the shortest digits, exponents only from 1e21 up and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).strip("0") if fraction != "0" else whole.lstrip("0")
    leading = len(fraction) - len(fraction.lstrip("0")) if whole == "0" else 0
    point = (-leading if whole == "0" else len(whole)) + int(exponent_text or 0)
    digits = digits.rstrip("0") or "0"
    return ("-" if value < 0 else "") + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    """Write digits whose decimal point stands after the first `point` of them."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = point - 1
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
