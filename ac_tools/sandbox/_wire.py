"""What travels: answers, refusals, and JSON as PHP writes it."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

# The mark of a write that was dropped in silence, with 200 and an empty body (recorded 2020 and 2021).
DROPPED = {"X-Ac-Error": "Code 9001"}

Cut = Literal["reset", "timeout", "refused"]

_DECIMAL_MARK = "\x00decimal:"
_MARKED = re.compile(r'"\\u0000decimal:(-?[0-9]+(?:\.[0-9]+)?)"')


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, before it is put on a wire.

    Attributes:
        status: the HTTP status.
        headers: the response's headers, without Content-Length.
        body: the body's bytes.
        cut: how the connection breaks instead of carrying this answer, None when it does not.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: Cut | None = None

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """The same answer with more headers; those it has already stay."""
        return dataclasses.replace(self, headers={**headers, **self.headers})


class Refusal(Exception):  # noqa: N818 - it carries an answer, it reports no failure
    """Raised by an endpoint to answer with an error; nothing of the request was done."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = reply(status, body, headers)

    @classmethod
    def of(cls, answer: Answer) -> "Refusal":
        """A refusal whose body is no JSON."""
        refusal = cls(answer.status, None)
        refusal.answer = answer
        return refusal


def reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body.

    Args:
        status: the HTTP status.
        body: what to encode; None gives an empty body.
        headers: headers beside (or instead of) the content type.
    """
    content = b"" if body is None else encode(body)
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, content)


def not_found(class_name: str, row_id: int) -> Refusal:
    """The 404 of a record that does not exist, naming ActiveCampaign's internal class (recorded 2020 and 2021)."""
    return Refusal(404, {"message": f"No Result found for {class_name} with id {row_id}"})


def problem(title: str, *, code: str, pointer: str | None = None, error: str | None = None) -> dict[str, Any]:
    """One entry of a JSON:API `errors` list, keys in the documented order."""
    entry: dict[str, Any] = {"title": title, "detail": "", "code": code}
    if error is not None:
        entry["error"] = error
    if pointer is not None:
        entry["source"] = {"pointer": f"/data/attributes/{pointer}"}
    return entry


def missing(thing: str, *fields: str) -> Refusal:
    """422 for required fields that were not sent, all of them at once.

    The text is documented for an account's name and a connection's fields; for other things it is assumed.
    """
    entries = [problem(f"The {thing} {name} was not provided.", code="field_missing", pointer=name) for name in fields]
    return Refusal(422, {"errors": entries})


def invalid(thing: str, field: str, status: int = 422) -> Refusal:
    """The refusal of a field whose value cannot be taken: 422, or another status (assumed)."""
    entry = problem(f"The {thing} {field} is not valid.", code="field_invalid", pointer=field)
    return Refusal(status, {"errors": [entry]})


def page(status: int, phrase: str) -> Answer:
    """A page of HTML, as servers in front of an API answer."""
    title = f"{status} {phrase}"
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Answer(status, {"Content-Type": "text/html; charset=UTF-8"}, text.encode())


def encode(body: Any) -> bytes:
    """JSON as PHP writes it (recorded 2020 and 2021): slashes escaped, everything beyond ASCII as escapes.

    A Decimal is written with all its digits, as PHP writes a float.
    """
    text = json.dumps(body, separators=(",", ":"), default=_mark_decimal).replace("/", "\\/")
    if _DECIMAL_MARK[1:] in text:
        text = _MARKED.sub(r"\1", text)
    return text.encode("ascii")


def _mark_decimal(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{_DECIMAL_MARK}{value:f}"
    raise TypeError(f"{type(value).__name__} has no place in a response.")


def decode(body: bytes) -> Any:
    """Reads a request's JSON body; an empty one is an empty object.

    Raises:
        Refusal: 400 when it is not JSON that PHP would read (the status and text are assumed).
    """
    if not body.strip():
        return {}
    try:
        data = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        if b"\\ud" in body.lower():
            json.dumps(data, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Refusal(400, {"message": "The request body is not valid JSON."}) from None
    return data


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value
