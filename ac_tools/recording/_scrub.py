"""Taking everything private out of recorded exchanges: what is not known to be the API's own is replaced.

The rule allows, it does not forbid. A text stays only under a key that is known to hold ids, counts, dates or words of
the API, and only if it has the form of one; or if the tour itself sent it. Of a refusal's sentences known words stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ac_tools.recording import _words as words
from ac_tools.recording._cassette import KEPT, indented, kept
from ac_tools.recording._secret import Secret
from ac_tools.recording._stand_ins import Original, StandIns

HOST = "account.api-us1.example"
"""Nobody's host, which stands for the account's."""

REMOVED = "removed"
"""What stands in the place of a text that held the key."""

HEADERS: dict[str, str] = {
    **dict.fromkeys(KEPT, ""),
    "Content-Type": r"(?i:(application/(json|xml|vnd\.api\+json)|text/(html|plain|xml))(; ?charset=utf-?8)?)",
    "Retry-After": r"[0-9]{1,6}",
    "Ratelimit-Limit": r"[0-9]{1,6}",
    "Ratelimit-Remaining": r"[0-9]{1,6}",
    "X-Ac-Error": "",
}
"""The headers that are kept, and the form of those whose values stay."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{3}")
_TOKEN = re.compile(
    r"(?P<id>(?<=\bid )[0-9]{1,9}\b|(?<=\bcode )[0-9]{1,6}\b)"
    r"|(?P<form>[^\s@\"'<>(),;]+@[^\s@\"'<>(),;]*\w|\w+://[^\s\"'<>]+|[+(]?\d(?:[\d\s().,/:-]*\d)+)"
    r"|(?P<word>\w+)|(?P<mark>.)",
    re.DOTALL | re.IGNORECASE,
)
_SHORT = re.compile(r"[0-9]{1,3}")
_MARKS = frozenset(" !\"#%&'()*+,-./:;<=>?[]{}|«»‘’“”")
_REFUSAL = frozenset(("errors", "failureReasons", "failureReason", "error"))
_SMALL = 10**6


class Scrubber:
    """Replaces what is private, always the same by the same, over all the exchanges of a run.

    Args:
        host: The account's host.
        key: The API key.
        secret: What makes the stand-ins unforeseeable; random.
        own: The texts that the run itself sent and that are nobody's.
    """

    def __init__(self, host: str, key: str, *, secret: bytes, own: Iterable[str] = ()) -> None:
        self._host = host.casefold()
        self._key = Secret(key)
        self._own = {text.casefold() for text in own if text}
        self._in_sentences = _alternatives(self._own)
        self._stand_ins = StandIns(secret)
        self._stayed: set[str] = set()

    @property
    def key(self) -> Secret:
        """The key, to look for."""
        return self._key

    @property
    def stayed(self) -> frozenset[str]:
        """The texts that stand in the cassettes rightly, in lower case: those that were let stay, and the stand-ins."""
        return frozenset(self._stayed) | self._stand_ins.given

    @property
    def own(self) -> frozenset[str]:
        """The texts that the run itself sent, in lower case."""
        return frozenset(self._own)

    def originals(self) -> list[Original]:
        """What was replaced, to look for."""
        return list(self._stand_ins.originals())

    def request(self, method: str, url: str, params: Iterable[tuple[str, str]], body: bytes | None) -> dict[str, Any]:
        """A request as a cassette has it.

        Args:
            method: GET, POST, PUT or DELETE.
            url: The absolute URL without its query.
            params: The query, unencoded.
            body: The JSON bytes, or None.
        """
        query = self._query(params)
        text = self._body(body, "application/json").decode() if body else ""
        return {
            "method": method,
            "uri": f"{self._url(url)}{'?' if query else ''}{query}",
            "body": text,
            "headers": {"Content-Type": "application/json"} if body else {},
        }

    def response(self, status: int, headers: Mapping[str, str], body: bytes | None) -> dict[str, Any]:
        """A response as a cassette has it.

        Args:
            status: The HTTP status.
            headers: The headers, by name.
            body: The body; None if it was too large or broken.
        """
        named = kept({name: [value] for name, value in headers.items()}, tuple(HEADERS))
        content_type = self._header("Content-Type", named.get("Content-Type", [""])[0])
        return {
            "status": {"code": status, "message": _phrase(status)},
            "headers": {name: [self._header(name, value) for value in values] for name, values in named.items()},
            "body": {"string": self._body(body, content_type)},
        }

    def json(self, value: Any) -> Any:
        """Parsed JSON without what is private."""
        return self._value(value, "", {}, refusal=False)

    def _header(self, name: str, value: str) -> str:
        if HEADERS[name]:
            return value if re.fullmatch(HEADERS[name], value) and not self._key.is_in(value) else ""
        return self._sentence(value) if name == "X-Ac-Error" else self._replaced(value)

    def _body(self, body: bytes | None, content_type: str) -> bytes:
        if not body:
            return b"" if body is not None else b"A body was here that was too large or broken. It is not kept."
        try:
            data = json.loads(body)
            return indented(json.dumps(self.json(data)).encode())
        except (ValueError, RecursionError):
            kind = content_type or "an unknown type"
            return f"A body of {len(body)} bytes of {kind} was here. What is no JSON is not kept.".encode()

    def _value(self, value: Any, key: str, parent: Mapping[str, Any], *, refusal: bool) -> Any:
        if isinstance(value, dict):
            return {self._name(name, key): self._value(each, name, value, refusal=refusal or _refuses(name, key))
                    for name, each in value.items()}  # fmt: skip
        if isinstance(value, list):
            return [self._value(each, key, parent, refusal=refusal) for each in value]
        if isinstance(value, str):
            return self._text(value, key, parent, refusal=refusal)
        return value if value is None or isinstance(value, bool) else self._number(value, key)

    def _name(self, name: str, parent: str) -> str:
        """A key of an object."""
        if name in self._own or (parent == "currencies" and _CODE.fullmatch(name)):
            return self._let(name)
        return name if words.is_key(name) and not self._key.is_in(name) else self._replaced(name)

    def _number(self, value: float, key: str) -> float:
        free = key in words.IDS | words.COUNTS or (abs(value) < _SMALL and key not in words.PEOPLES_NUMBERS)
        if free or value != value or abs(value) == float("inf") or str(value) in self._own:
            self._let(str(value))
            return value
        made = self._replaced(str(int(value)))
        return int(made) if re.fullmatch(r"-?\d+", made) else 0

    def _text(self, text: str, key: str, parent: Mapping[str, Any], *, refusal: bool) -> str:
        if not text or text.casefold() in self._own:
            return text
        if self._key.is_in(text):
            return REMOVED
        if _stays(text, key, parent):
            return self._let(text)
        if self._is_here(text):
            return self._with_query(text)
        return self._sentence(text) if refusal else self._replaced(text)

    def _replaced(self, text: str) -> str:
        return REMOVED if self._key.is_in(text) else self._stand_ins.of(text)

    def _let(self, text: str) -> str:
        self._stayed.add(text.casefold())
        return text

    def _sentence(self, text: str) -> str:
        """A sentence of the API: known words, short numbers and our own texts stay, and the marks between them."""
        if self._key.is_in(text):
            return REMOVED
        pieces = self._in_sentences.split(text) if self._own else [text]
        return "".join(
            piece if place % 2 else _TOKEN.sub(lambda match: self._token(match), piece)
            for place, piece in enumerate(pieces)
        )

    def _token(self, match: re.Match[str]) -> str:
        text = match[0]
        if match["mark"]:
            return text if text in _MARKS else "?"
        if match["id"] or _SHORT.fullmatch(text) or (match["word"] and words.is_word(text)):
            return self._let(text)
        return self._url_of(text) if match["form"] and "://" in text else self._replaced(text)

    def _url_of(self, text: str) -> str:
        return self._with_query(text) if self._is_here(text) else self._replaced(text)

    def _is_here(self, url: str) -> bool:
        """Whether a URL leads to the account."""
        try:
            return url.startswith(("http://", "https://")) and urlsplit(url).netloc.casefold() == self._host
        except ValueError:
            return False

    def _with_query(self, url: str) -> str:
        base, _, query = url.partition("#")[0].partition("?")
        scrubbed = self._query(parse_qsl(query, keep_blank_values=True))
        return f"{self._url(base)}{'?' if scrubbed else ''}{scrubbed}"

    def _url(self, url: str) -> str:
        """A URL of the account without a query, at the made-up host."""
        path = urlsplit(url).path
        return f"https://{HOST}{'/'.join(self._segment(part) for part in path.split('/'))}"

    def _segment(self, part: str) -> str:
        text = unquote(part)
        is_id = re.fullmatch(r"[0-9]{1,9}", text)
        if self._key.is_in(text):
            return REMOVED
        if not text or text.casefold() in self._own or is_id or words.is_word(text):
            self._let(text)
            return part
        return quote(self._replaced(text), safe="")

    def _query(self, params: Iterable[tuple[str, str]]) -> str:
        pairs = []
        for name, value in params:
            inner = re.findall(r"[^\[\]]+", name)
            shown = name if all(words.is_key(each) for each in inner) and inner else self._replaced(name)
            key = inner[-1] if inner and inner[0] != "orders" else "orders"
            pairs.append((shown, self._text(value, key, {}, refusal=False)))
        return urlencode(pairs)


def _stays(text: str, key: str, parent: Mapping[str, Any]) -> bool:
    """Whether a text is an id, a count, a date or a word of the API, under a key that holds such."""
    if key == "tag" and "tagType" in parent:  # in a tag it is the name
        return False
    if key == "currency":
        return bool(_CODE.fullmatch(text))
    forms: tuple[tuple[bool, Callable[[str], Any]], ...] = (
        (key in words.IDS, re.compile(r"[0-9]{1,9}").fullmatch),
        (key in words.COUNTS, re.compile(r"-?[0-9]{1,6}").fullmatch),
        (key in words.ENUMS, lambda value: all(map(words.is_word, value.split()))),
        (words.is_date_key(key), _DATE.fullmatch),
        (key not in ("value", "fieldValue"), re.compile("0").fullmatch),
    )
    return any(named and form(text) for named, form in forms)


def _refuses(name: str, parent: str) -> bool:
    """Whether what stands under a key is the API's own sentences."""
    return name in _REFUSAL or (name == "message" and not parent)


def _alternatives(texts: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})", re.IGNORECASE)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
