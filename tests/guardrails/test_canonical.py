"""Canonical JSON is RFC 8785's: the digests that approvals and permits bind to rest on it."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails._canonical import canonical, digest

PUBLISHED = {  # RFC 8785, appendix B
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), PUBLISHED.items())
def test_the_published_numbers(bits: str, text: str) -> None:
    """Every number of the RFC's table is written as the RFC writes it."""
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


def test_the_published_object() -> None:
    """The RFC's example of sorted keys and of strings (section 3.2.2, 3.2.3)."""
    strings = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    assert canonical(strings) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(keys))) == order


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": math.inf}])
def test_numbers_that_json_does_not_know(value: Any) -> None:
    """NaN and the infinities have no canonical form."""
    with pytest.raises(ValueError, match="no JSON form"):
        canonical(value)


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, {(1,): 1}, {1, 2}, b"ab", bytearray(b"ab"), object(), 1j])
def test_values_that_json_does_not_know(value: Any) -> None:
    """What JSON cannot hold is an error, not a guess that two different values share."""
    with pytest.raises(TypeError):
        canonical(value)


# Whole floats from 2**53 up are written like integers, and Python would read them back as such.
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-(2.0**53), 2.0**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(jsons)
def test_a_round_trip_gives_the_value_and_the_text_again(value: Any) -> None:
    """What is written can be read back, and writing that again gives the same bytes."""
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_loses_a_digit(number: float) -> None:
    """The text of a float reads back as exactly that float."""
    assert float(canonical(number)) == number


def test_different_values_have_different_digests() -> None:
    """A number is not its text, absent is not null, and true is not one."""
    values: list[Any] = [1, "1", True, None, [], {}, "", [1], {"a": None}, {"a": 1}, {"a": "1"}, [[]], "null"]
    assert len({digest(value) for value in values}) == len(values)


def test_half_a_surrogate_pair_has_a_digest() -> None:
    """Text that is no Unicode is still told apart, and does not crash what looks at it."""
    assert digest("\ud800") != digest("\ud801")
