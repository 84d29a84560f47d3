"""The last look before anything is written: whether something of what was replaced is still there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from ac_tools.recording import _words as words
from ac_tools.recording._scrub import HEADERS, HOST, Scrubber
from ac_tools.recording._secret import spelt_out
from ac_tools.recording._stand_ins import Original

_DIGITS = 7
"""Shorter numbers are found everywhere."""


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


_FRAME = (
    words.listed("""
application body broken bytes charset example headers here html interactions is it json kept large no not or people
person plain put removed request response site string text too unknown uri utf was
""")
    | {key.lower() for key in words.known_keys()}
    | {part for text in (HOST, *HEADERS, *(status.phrase for status in HTTPStatus)) for part in _split(text)}
)
"""The words that a cassette has around what was recorded, and in the place of it."""


class LeakError(Exception):
    """Something private would have been written. The text says where, and never what."""


def check(files: Mapping[str, str], scrubber: Scrubber, host: str) -> None:
    """Look through what is about to be written.

    Args:
        files: The whole text of each file, by its name.
        scrubber: What knows the key and everything that was replaced.
        host: The account's host.

    Raises:
        LeakError: The key, the host, or one of the originals is in there.
    """
    stayed, own = scrubber.stayed, "\n".join(scrubber.own)
    wanted = {_sought(original) for original in scrubber.originals()} - stayed
    wanted = {text for text in wanted if text and text not in own}
    for name, text in files.items():
        lowered = _readable(text).casefold()
        if scrubber.key.is_in(text):
            raise LeakError(_told(name, "the API key"))
        for part in _names(host):
            if found := _found(part, lowered):
                raise LeakError(_told(name, "the account's host or name", _line(found)))
        begin = max(0, lowered.find("\ninteractions:"))  # before it are the names of our own steps
        for original in wanted:
            if original in lowered and (found := _found(original, lowered, begin)):
                raise LeakError(_told(name, "a text that was to be replaced", _line(found)))


def _told(name: str, what: str, line: int = 0) -> str:
    place = f"{name}, line {line}" if line else name
    return (
        f"Nothing was written: {place} would have held {what}. "
        "This is a fault of ac-tools; please report it with the step that stands there, and without the text."
    )


def _readable(text: str) -> str:
    """The text with the escapes of JSON and of queries taken away, line by line."""
    lines = (spelt_out(line) if re.search(r"[\\%&]", line) else [line] for line in text.split("\n"))
    return "\n".join(" ".join(" ".join(each.splitlines()) for each in line) for line in lines)


def _names(host: str) -> list[str]:
    """The host, and the account's name where it is one that says something."""
    name = host.partition(".")[0].casefold()
    tells = "." in host and not words.is_word(name) and not name.isdigit() and name not in HOST.split(".")
    return [host.casefold(), name] if tells else [host.casefold()]


def _sought(original: Original) -> str:
    """What to look for, the longest line of it; nothing where the same may stand anywhere rightly."""
    text = max(original.text.casefold().splitlines(), key=len).strip()
    plain = _split(text)
    if len(text) < 2 or original.form == "date" or not plain:
        return ""
    if original.form == "digits":
        return text if sum(mark.isdigit() for mark in text) >= _DIGITS else ""
    said = (words.is_word(part) or part in _FRAME or (len(part) <= 4 and part.isdigit()) for part in plain)
    return "" if all(said) else text


def _found(part: str, text: str, begin: int = 0) -> re.Match[str] | None:
    return re.compile(rf"(?<!\w){re.escape(part)}(?!\w)").search(text, begin)


def _line(found: re.Match[str]) -> int:
    return found.string.count("\n", 0, found.start()) + 1
