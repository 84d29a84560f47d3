"""Finding a key in a text, however it is written there."""

from __future__ import annotations

import base64
import html
import re
from urllib.parse import unquote_plus

_LEAST = 6  # shorter pieces of base64 would be found everywhere
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/]))")
_ROUNDS = 3


class Secret:
    """A text that must be nowhere: plain, in any case, percent-encoded, escaped as in JSON or HTML, or in base64.

    Args:
        text: It.
    """

    def __init__(self, text: str) -> None:
        self._plain = text.casefold()
        self._encoded = tuple(_in_base64(text.encode()))

    def __repr__(self) -> str:
        return "Secret()"

    def is_in(self, text: str) -> bool:
        """Whether the text holds it."""
        if not self._plain:
            return False
        return any(self._plain in each.casefold() or self._is_encoded_in(each) for each in spelt_out(text))

    def _is_encoded_in(self, text: str) -> bool:
        return any(piece in text for piece in self._encoded)


def spelt_out(text: str) -> list[str]:
    """A text, and what it becomes with its escapes taken away, round by round."""
    found = [text]
    for _ in range(_ROUNDS):
        last = found[-1]
        plainer = [_unescaped(last), unquote_plus(last), html.unescape(last)]
        fresh = [each for each in plainer if each not in found]
        if not fresh:
            break
        found += fresh
        found.append(html.unescape(unquote_plus(_unescaped(last))))
    return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)


def _in_base64(secret: bytes) -> list[str]:
    """What is the same in base64 whatever stands before and after: one piece for each place within three bytes."""
    pieces = []
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret).decode()
        piece = text[(before * 8 + 5) // 6 : (before + len(secret)) * 8 // 6]
        pieces += [piece, piece.replace("+", "-").replace("/", "_")] if len(piece) >= _LEAST else []
    return pieces
