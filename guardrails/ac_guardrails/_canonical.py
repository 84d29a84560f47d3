"""Canonical JSON (RFC 8785) and digests of it: equal values give equal bytes, whoever wrote them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted as UTF-16, no white space, numbers as ECMAScript writes them.

    Raises:
        TypeError: The value holds something that JSON cannot, or a key that is not a string.
        ValueError: The value holds NaN or an infinity.
    """
    write = _WRITERS.get(type(value)) or _writer(value)
    return write(value)


def _writer(value: Any) -> Callable[[Any], str]:
    """How a value is written whose type is none of JSON's own, but may be like one."""
    for kind in (str, int, float):
        if isinstance(value, kind):
            return _WRITERS[kind]
    if isinstance(value, Mapping):
        return _object
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return _array
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _object(value: Mapping[Any, Any]) -> str:
    return "{" + ",".join([f"{encode_basestring(key)}:{canonical(value[key])}" for key in _sorted_keys(value)]) + "}"


def _array(value: Sequence[Any]) -> str:
    return "[" + ",".join([canonical(item) for item in value]) + "]"


def digest(value: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _sorted_keys(value: Mapping[Any, Any]) -> list[str]:
    try:
        if all(map(str.isascii, value)):
            return sorted(value)
        return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    except (TypeError, AttributeError):
        raise TypeError("JSON keys are strings") from None


def _number(value: float) -> str:
    """ECMAScript's Number::toString: the shortest digits, exponents only from 1e21 up and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    text = repr(value)
    if "e" not in text:  # Python's digits are the same, and so is their place between 1e-4 and 1e16
        return text.removesuffix(".0")
    mantissa, _, exponent = text.removeprefix("-").partition("e")
    digits, point = mantissa.replace(".", ""), 1 + int(exponent)
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


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    int: int.__repr__,
    float: _number,
    dict: _object,
    list: _array,
    tuple: _array,
}
"""How a value is written, by its type: looked up at once, since asking for what it is like takes long."""
