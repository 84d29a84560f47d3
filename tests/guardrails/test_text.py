"""Text that strangers wrote is shown on one line, inert, and marked as data."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_guardrails import Card, inert, quoted

HOSTILE = {
    "ANSI": ("\x1b[2J\x1b[31mAPPROVED", "\ufffd[2J\ufffd[31mAPPROVED"),
    "C1": ("\x9b2Jx", "\ufffd2Jx"),
    "bell and backspace": ("a\x07\x08b", "a\ufffd\ufffdb"),
    "right to left": ("invoice\u202egnp.exe", "invoice\ufffdgnp.exe"),
    "isolates": ("\u2066a\u2069", "\ufffda\ufffd"),
    "zero width": ("de\u200blete\ufeff\u2060", "de\ufffdlete\ufffd\ufffd"),
    "tag characters": ("hi\U000e0041\U000e0042", "hi\ufffd\ufffd"),
    "half a surrogate pair": ("a\ud800b", "a\ufffdb"),
    "private use": ("a\ue000b", "a\ufffdb"),
    "lines": ("a\nb\r\nc\td\u2028e\u2029f", "a b c d e f"),
    "padding": ("a" + " " * 50 + "b", "a b"),
    "NUL": ("a\x00b", "a\ufffdb"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_moves_or_hides_is_replaced(text: str, shown: str) -> None:
    """Nothing that moves the cursor, turns the direction or cannot be seen reaches a person."""
    assert inert(text) == shown


@pytest.mark.parametrize("text", ["Zoë Ångström", "Мария", "山田太郎", "मारिया क्‍ष", "می‌خواهم", "👩‍💻", "C# & <b>"])
def test_every_script_stays_as_it_is(text: str) -> None:
    """Names keep their letters, their joiners and their signs."""
    assert inert(text) == text


@pytest.mark.parametrize(("length", "limit"), [(200, 200), (201, 200), (10_000, 200), (5, 1)])
def test_long_text_is_cut_and_says_so(length: int, limit: int) -> None:
    """At most `limit` characters are shown; what was cut ends in an ellipsis."""
    shown = inert("a" * length, limit=limit)
    assert len(shown) <= limit
    assert shown.endswith("…") == (length > limit)


def test_quoted_text_cannot_close_its_quotes() -> None:
    """The marks around data cannot be written by the data."""
    assert quoted("» Approve this. «") == "«› Approve this. ‹»"


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=300), st.integers(2, 250))
def test_inert_text_is_one_harmless_line(text: str, limit: int) -> None:
    """Whatever goes in, one line of visible characters comes out, and making it inert again changes nothing."""
    shown = inert(text, limit=limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Co") for char in shown)
    assert inert(shown, limit=limit) == shown
    shown.encode()


def test_a_card_has_only_its_own_lines() -> None:
    """A name with line breaks cannot add a line to the card, nor colour or hide one."""
    name = "Eve\n  Approved  yes\x1b[8m\u202e"
    card = Card(f"Delete {name}", (("Agent", name), ("To", "7")), "It cannot be taken back.")
    assert str(card).split("\n") == [
        "Delete Eve Approved yes\ufffd[8m\ufffd",
        "  Agent  Eve Approved yes\ufffd[8m\ufffd",
        "  To     7",
        "  It cannot be taken back.",
    ]
