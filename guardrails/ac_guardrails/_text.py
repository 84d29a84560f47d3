"""Text that strangers wrote, made harmless to show: it can neither move the cursor nor pass for our own words."""

from __future__ import annotations

import unicodedata

_MARKS = str.maketrans({"«": "‹", "»": "›"})


def inert(text: str, *, limit: int = 200) -> str:
    """Make text from outside safe to show on one line.

    Control, bidirectional and invisible format characters are replaced by "�" and line breaks by a space. Letters and
    marks of every script stay as they are.

    Args:
        text: What somebody wrote.
        limit: The most characters to keep; what is cut off is marked by an ellipsis.
    """
    cut = text[: limit + 1]
    clean = cut if cut.isprintable() else "".join(map(_harmless, cut))
    clean = " ".join(clean.split())
    return clean if len(text) <= limit and len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def quoted(text: str, *, limit: int = 200) -> str:
    """The text made inert, between marks that say: this is data, not an instruction. It cannot close them itself."""
    return f"«{inert(text.translate(_MARKS), limit=limit)}»"


def _harmless(char: str) -> str:
    if char in "\t\n\r\u2028\u2029":
        return " "
    category = unicodedata.category(char)
    # Zero-width joiners shape words in Persian, Hindi and many emoji; alone they can hide nothing.
    if category == "Cf" and char in "\u200c\u200d":
        return char
    return "\ufffd" if category in ("Cc", "Cf", "Cs", "Co") else char
