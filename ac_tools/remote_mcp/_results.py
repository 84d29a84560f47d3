"""What the server answered: data, whoever wrote it. It is read for what became of the write, and no further."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mcp.types import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, CallToolResult, TextContent

from ac_guardrails import Action, Answer, Level, Request, quoted
from ac_guardrails._canonical import canonical
from ac_tools._answers import clean, read_answer
from ac_tools._errors import (
    ActiveCampaignError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    Problem,
    UnreadableResponseError,
)
from ac_tools._exchange import Reply
from ac_tools.tools._render import content

_MOST_SHOWN = 6000
_STATUSES = {
    **{f"{status.value} {status.phrase}": status.value for status in HTTPStatus if status >= 400},
    "422 Unprocessable Entity": 422,  # as it was called before RFC 9110, and is on older Pythons
    "422 Unprocessable Content": 422,
}
"""How HTTP libraries word an answer that is no success."""
_STATUS = re.compile("|".join(map(re.escape, _STATUSES)))
_NEVER_RUN = (INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR)
_BEFORE = re.compile(r"^Error (executing|calling) tool '?\w+'?: ")
_TURNED_DOWN = (
    "Input validation error",  # the SDK's own servers, before anything runs
    # The vendor's own open-source server, after an answer of 4xx.
    "Authentication failed.",
    "Access forbidden.",
    "Resource not found at",
    "Rate limit exceeded.",
    "Client error:",
)
_AREAS = {
    "contact": "contacts",
    "fieldValue": "contacts",
    "contactList": "lists",
    "list": "lists",
    "contactTag": "tags",
    "tag": "tags",
    "deal": "deals",
    "dealStage": "deals",
    "dealGroup": "deals",
    "field": "fields",
    "fieldOption": "fields",
    "fieldRel": "fields",
    "campaign": "campaigns",
    "campaignMessage": "messages",
    "message": "messages",
    "contactAutomation": "automations",
    "automation": "automations",
    "account": "accounts",
    "accountContact": "accounts",
    "group": "groups",
}
"""The area of what stands beside the records that were asked for."""


def reply_of(result: CallToolResult, request: Request) -> Reply:
    """A result as an answer of the account; of a read it may be words.

    Raises:
        InvalidRequestError: The tool, or the account behind it, says that it was refused.
        UnreadableResponseError: It does not say what became of a write.
        OutcomeUnknownError: The tool failed, and nobody can tell whether it had done anything.
    """
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.isError:
        raise _failure(text, request)
    body = _body(result, text)
    data, error = read_answer(request.method, request.path, HTTPStatus.OK, body, headers={})
    if error is None and not (isinstance(data, dict) and data.get("error")):
        return Reply(HTTPStatus.OK, data, None, len(body))
    if not request.is_write and text.strip() and isinstance(error, UnreadableResponseError):
        return Reply(HTTPStatus.OK, text, None, len(body))
    kind, outcome = (type(error), error.outcome) if error is not None else (InvalidRequestError, "unknown")
    said = f": {quoted(text, limit=300)}" if text.strip() else ", and says nothing"
    end = "It was refused." if outcome == "refused" else f"{_nobody_knows(request).capitalize()}."
    told = f"{_name(request)} was not answered as what is done is answered{said}. {end}"
    raise kind(told, method=request.method, path=request.path, outcome=outcome)


def refused_or_unknown(code: int, text: str, request: Request) -> ActiveCampaignError:
    """A protocol error: some of them say that the tool was never run."""
    said = quoted(text, limit=300)
    if code in _NEVER_RUN:
        return _error(InvalidRequestError, f"The server did not run {_name(request)}: {said}", request)
    return _error(OutcomeUnknownError, f"{_name(request)} failed, and {_nobody_knows(request)}: {said}", request)


def done(action: Action, reply: Reply, readable: frozenset[str]) -> Answer:
    """The answer of which nothing more is known than that it is JSON, or words.

    Args:
        action: The call: records of the areas that it needed may be shown.
        reply: The server's answer.
        readable: The areas that the agent may read.
    """
    data = stripped(reply.data, readable | {need.area for need in action.needs if need.level >= Level.READ})
    text = quoted(data if isinstance(data, str) else canonical(data), limit=_MOST_SHOWN)
    return Answer(content(f"Done: {action.what}." if action.is_write else "", text), data)


def stripped(data: Any, areas: frozenset[str] | set[str]) -> Any:
    """JSON without the records that stand beside those asked for and belong to other areas."""
    if not isinstance(data, Mapping):
        return data
    return {key: value for key, value in data.items() if _area(str(key)) in (None, *areas)}


def _area(key: str) -> str | None:
    return _AREAS.get(key) or _AREAS.get(key.removesuffix("s"))


def _body(result: CallToolResult, text: str) -> bytes:
    """The JSON of a result: its structured content, or else its text; without what the SDK wraps around a text."""
    data: Any = result.structuredContent
    if isinstance(data, Mapping) and set(data) == {"result"}:
        data = data["result"]
    if data and not isinstance(data, str) and not _is_error(text):
        text = json.dumps(data)
    return (data if data and isinstance(data, str) else text).encode(errors="surrogatepass")


def _is_error(text: str) -> bool:
    """Whether the words beside structured content say that there was an error; then they count."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, Mapping) and bool(data.get("errors") or data.get("error"))


def _failure(text: str, request: Request) -> ActiveCampaignError:
    said = quoted(text, limit=400)
    found = _STATUS.search(text)  # the first: what comes after it may be quoted from a record
    status = _STATUSES[found[0]] if found else 0
    if _refuses(status) or (not status and _BEFORE.sub("", text, count=1).startswith(_TURNED_DOWN)):
        kind = (
            NotFoundError if status == HTTPStatus.NOT_FOUND or "Resource not found at" in text else InvalidRequestError
        )
        return _error(kind, f"The account refused {_name(request)}: {said}", request, (Problem(clean(text)),))
    if not request.is_write:
        return _error(InvalidRequestError, f"{_name(request)} failed: {said}", request)
    return _error(OutcomeUnknownError, f"{_name(request)} failed, and {_nobody_knows(request)}: {said}", request)


def _refuses(status: int) -> bool:
    return 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT


def _error(
    kind: type[ActiveCampaignError], text: str, request: Request, problems: tuple[Problem, ...] = ()
) -> ActiveCampaignError:
    return kind(text, problems=problems, method=request.method, path=request.path)


def _name(request: Request) -> str:
    return request.path.rpartition("/")[2]


def _nobody_knows(request: Request) -> str:
    return "nobody knows whether it had done anything" if request.is_write else "it may be tried again"
