"""Reading the account's answers: a success's JSON, or the error that an answer amounts to, in plain words."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from ac_guardrails import quoted
from ac_tools._errors import (
    AuthenticationError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    PaymentRequiredError,
    Problem,
    RateLimitError,
    ResponseError,
    ServerError,
    UnreadableResponseError,
)

_LONGEST_TEXT = 500
_MOST_PROBLEMS = 20
_DEEPEST = 64
_SHORTEST_SECRET = 6  # hiding shorter texts would make every message unreadable
_IMPORT_PAUSE = 60.0  # documented: "retry this request in a minute"

_CLASSES: dict[int, type[ResponseError]] = {  # other 4xx are InvalidRequestError
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: ForbiddenError,
    404: NotFoundError,
    429: RateLimitError,
}

_NOUNS = {  # first segment of a path -> what it holds
    "accounts": "account",
    "automations": "automation",
    "campaign": "campaign",
    "campaigns": "campaign",
    "contact": "contact",
    "contactAutomations": "enrolment in an automation",
    "contactLists": "list membership",
    "contactTags": "tag on a contact",
    "contacts": "contact",
    "dealGroups": "pipeline",
    "dealStages": "stage",
    "deals": "deal",
    "fields": "custom field",
    "import": "bulk import",
    "lists": "list",
    "tags": "tag",
    "users": "user",
}
_RECORDS = {  # the account's own class names, recorded 2021 and documented
    "Subscriber": "contact",
    "_List": "list",
    "SubscriberTag": "tag on the contact",
    "SubscriberSeries": "enrolment",
    "SubscriberList": "list membership",
    "SubscriberDeal": "contact on the deal",
    "CustomerAccount": "account",
    "CustomerAccountSubscriber": "contact in the account",
    "Field": "custom field",
    "FieldRel": "link between custom field and list",
    "FieldValue": "custom field value",
    "DealGroup": "pipeline",
    "DealStage": "stage",
}
_VERBS = {"GET": "reading", "POST": "adding", "PUT": "changing", "DELETE": "removing"}
_NO_RESULT = re.compile(r"no result found for (\w+) with id (\d+)", re.IGNORECASE)
_NOT_ENROLLED = "Could not create SubscriberSeries"
_BARE_TITLES = {"forbidden", "not found", "unauthorized"}  # say no more than the status does


def doing(method: str, path: str) -> str:
    """What a request does, in words: "changing contact 7"."""
    parts = path.strip("/").split("/")
    noun = _NOUNS.get(parts[0], parts[0])
    if len(parts) > 1 and parts[1].isdigit():
        noun = f"{noun} {parts[1]}"
    elif method == "GET":
        noun = f"{noun} records"
    else:
        noun = f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"
    return f"{_VERBS.get(method, method)} {noun}"


def next_step(method: str) -> str:
    """What to do when nobody knows whether a request did its work; of a write the guard says more."""
    return "Try again in a minute." if method == "GET" else "It may have happened."


def read_answer(
    method: str,
    path: str,
    status: int,
    body: bytes | None,
    *,
    headers: Mapping[str, str],
    secrets: tuple[str, ...] = (),
    retry_after: float | None = None,
) -> tuple[Any, ResponseError | None]:
    """Read an answer for what it is: the parsed JSON of a success, or the error it amounts to (returned, not raised).

    Args:
        method: The request's method.
        path: The request's path, without its query.
        status: The answer's HTTP status.
        body: The whole body, or None when it was too large or broken.
        headers: The answer's headers, by lower-case name.
        secrets: Texts that no message may hold: the key, the values of the query.
        retry_after: Seconds that the account asked to wait, if it did.
    """
    data, fault = _parse(body)
    code = clean(headers.get("x-ac-error", ""), secrets)
    verdict = _verdict_on_success(data, fault, code) if 200 <= status < 300 else _verdict(status)
    if verdict is None:
        return data, None
    kind, outcome = verdict
    problems = tuple(_problems(data, body, secrets))
    if code:
        problems = (Problem(f"error {code}", code=code), *problems)
    if kind is UnreadableResponseError:
        problems = (Problem(fault if status < 300 else "it points to another address, and is not followed"),)
    kind, retry_after = _refine(kind, problems, retry_after)
    error = kind(
        _sentence(kind, outcome, method, path, status, problems, retry_after),
        status=status,
        problems=problems,
        request_id=clean(headers.get("x-request-id", ""), secrets)[:100] or None,
        method=method,
        path=path,
        outcome=outcome,
        retry_after=retry_after,
    )
    return data, error


def clean(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Make a stranger's text safe to show: one line of at most 500 characters, no secrets, no control marks."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = re.sub(re.escape(secret), "[hidden]", text, flags=re.IGNORECASE)
    text = "".join(" " if unicodedata.category(mark).startswith("C") else mark for mark in text[: 4 * _LONGEST_TEXT])
    return " ".join(text.split())[:_LONGEST_TEXT]


def _verdict(status: int) -> tuple[type[ResponseError], Outcome]:
    """The error of an answer that is no 2xx, and what became of a write."""
    if status < 400:  # behind a 302 or 303 the work may be done; the others say that it is not
        return UnreadableResponseError, "refused" if status in (301, 307, 308) else "unknown"
    if status >= 500:
        return ServerError, "unknown"
    return _CLASSES.get(status, InvalidRequestError), "refused"


def _verdict_on_success(data: Any, fault: str, code: str) -> tuple[type[ResponseError], Outcome] | None:
    """A 2xx can be an error (recorded 2021: empty, with X-Ac-Error) or say that nothing was done (documented)."""
    fields = data if isinstance(data, dict) else {}
    if any(_is_zero(fields.get(name, 1)) for name in ("success", "Success", "succeeded")):
        return InvalidRequestError, "refused"
    if code or fields.get("errors"):
        return InvalidRequestError, "unknown"
    return (UnreadableResponseError, "unknown") if fault else None


def _is_zero(flag: Any) -> bool:
    return isinstance(flag, int | str) and flag in (0, "0")  # an empty list is no flag: the import's successes


def _number(text: str) -> float | str:
    """A number with a fraction or an exponent; as it was written where it is larger than any float."""
    number = float(text)
    return number if math.isfinite(number) else text


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_no_number)


def _parse(body: bytes | None) -> tuple[Any, str]:
    """The JSON of a body under any content type (recorded 2021: JSON labelled text/html), or what is wrong with it."""
    if body is None:
        return None, "it is too large or broken"
    if not body.strip():
        return None, "it is empty"
    try:
        data = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        return None, "it is not JSON"
    if not isinstance(data, dict | list):
        return None, "it is not a record"
    many = body.count(b"{") + body.count(b"[") > _DEEPEST
    return (None, "it is nested too deep") if many and _is_deep(data) else (data, "")


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(_DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _problems(data: Any, body: bytes | None, secrets: tuple[str, ...]) -> Iterator[Problem]:
    """Every complaint in any of the shapes that error bodies are known to have, in their order."""
    for index, (text, code, pointer) in enumerate(_complaints(data, body)):
        if index == _MOST_PROBLEMS:
            return
        if shown := clean(text, secrets):
            yield Problem(shown, clean(code, secrets)[:100] or None, clean(pointer, secrets)[:100] or None)


def _complaints(data: Any, body: bytes | None) -> Iterator[tuple[str, str, str]]:
    if not isinstance(data, dict):
        yield _plain(body or b"") if data is None else "", "", ""
        return
    yield _text(data.get("message")), "", ""
    errors = data.get("errors")
    for error in errors if isinstance(errors, list) else [errors]:
        yield _complaint(error)
    reasons = data.get("failureReasons")
    for reason in reasons if isinstance(reasons, list) else []:
        yield _complaint(reason)


def _complaint(error: Any) -> tuple[str, str, str]:
    """One entry of `errors` (an object or a text) or of the bulk import's `failureReasons` (the same)."""
    if not isinstance(error, dict):
        return _text(error), "", ""
    if "failureReason" in error:
        where = _text(error.get("contact"))
        return f"contact {where}: {_text(error['failureReason'])}", "", f"/contacts/{where}"
    title, detail = _text(error.get("title")), _text(error.get("detail"))
    text = detail if detail and title.lower() in _BARE_TITLES else ": ".join(filter(None, (title, detail)))
    source = error.get("source")
    source = source if isinstance(source, dict) else {}
    pointer = _text(source.get("pointer") or source.get("parameter"))
    code = _text(error.get("code") or error.get("error"))
    return text or code, code, pointer


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _plain(body: bytes) -> str:
    """A plain text's beginning, or a page's title: the rest of a page is of no use to anyone."""
    text = body[:20_000].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)</title", text, re.IGNORECASE)
        return title[1] if title else ""
    return text[:200]


def _refine(
    kind: type[ResponseError], problems: tuple[Problem, ...], retry_after: float | None
) -> tuple[type[ResponseError], float | None]:
    """Correct the class where the account's words tell more than its status."""
    words = " ".join(problem.text for problem in problems).lower()
    if kind is InvalidRequestError and "rate limit exceeded" in words:
        return RateLimitError, retry_after or _IMPORT_PAUSE
    if kind is ForbiddenError and _NO_RESULT.search(words):
        return NotFoundError, retry_after
    return kind, retry_after


def _sentence(
    kind: type[ResponseError],
    outcome: Outcome,
    method: str,
    path: str,
    status: int,
    problems: tuple[Problem, ...],
    retry_after: float | None,
) -> str:
    what = doing(method, path)
    texts = [_in_words(problem.text) for problem in problems if problem.text.lower() not in _BARE_TITLES]
    next_ = next_step(method) if outcome == "unknown" else "Correct it and try again."
    if any(problem.code == "duplicate" for problem in problems):
        next_ = "It exists already: look it up and use that."
    says = ResponseError.says if any(_NOT_ENROLLED in problem.text for problem in problems) else kind.says
    text = says.format(
        what=what,
        What=what[0].upper() + what[1:],
        status=status,
        why=f": {'; '.join(texts)}"[:300].rstrip(". ") if texts else "",
        wait=f"{retry_after:.0f} seconds" if retry_after else "a moment",
        next=next_,
    )
    return text[:_LONGEST_TEXT]


def _in_words(text: str) -> str:
    """The account's class names and its least telling message, in the words of its own pages."""
    if _NOT_ENROLLED in text:
        return (
            "the contact could not be enrolled. The automation may be inactive, the contact may be in it already and "
            "it admits nobody twice, or one of the ids does not exist"
        )
    found = _NO_RESULT.search(text)
    return (
        f"there is no {_RECORDS.get(found[1], found[1].lower())} with id {found[2]}"
        if found
        else quoted(text.rstrip(". "))
    )
