"""What the server answered: data, whoever wrote it. An error is read for what became of the write, and no further."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from mcp.types import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, CallToolResult, TextContent

from ac_guardrails import Answer, Level, Need, Request, quoted
from ac_guardrails._canonical import canonical
from ac_tools._answers import clean
from ac_tools._errors import (
    ActiveCampaignError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    Problem,
)
from ac_tools._exchange import Reply
from ac_tools.tools._render import content

_MOST_SHOWN = 6000
_REFUSED = (
    *(f"{status.value} {status.phrase}" for status in HTTPStatus if 400 <= status < 500 and status != 408),
    "422 Unprocessable Entity",  # as it was called before RFC 9110
)
"""How HTTP libraries word that a request was refused, and so was not carried out."""
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


def reply_of(result: CallToolResult, request: Request, secrets: tuple[str, ...]) -> Reply:
    """A result as an answer of the account, as far as it is JSON.

    Raises:
        InvalidRequestError: The tool says that the account refused it.
        OutcomeUnknownError: The tool failed, and nobody can tell whether it had done anything.
    """
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.isError:
        raise _failure(text, request, secrets)
    return Reply(HTTPStatus.OK, _data(result, text), None, len(text.encode(errors="replace")))


def refused_or_unknown(code: int, text: str, request: Request, secrets: tuple[str, ...]) -> ActiveCampaignError:
    """A protocol error: some of them say that the tool was never run."""
    said = quoted(clean(text, secrets), limit=300)
    if code in _NEVER_RUN:
        return _error(InvalidRequestError, f"The server did not run {_name(request)}: {said}", request)
    return _error(OutcomeUnknownError, f"{_name(request)} failed, and {_nobody_knows(request)}: {said}", request)


def plain_answer(reply: Reply, needs: Iterable[Need], readable: frozenset[str]) -> Answer:
    """An answer of which nothing more is known than that it is JSON, or text.

    Args:
        reply: The server's answer.
        needs: What the call needed: records of those areas may be shown.
        readable: The areas that the agent may read.
    """
    data = stripped(reply.data, readable | {need.area for need in needs if need.level >= Level.READ})
    text = data if isinstance(data, str) else canonical(data)
    return Answer(content(quoted(text, limit=_MOST_SHOWN)), data)


def stripped(data: Any, areas: frozenset[str] | set[str]) -> Any:
    """JSON without the records that stand beside those asked for and belong to other areas."""
    if not isinstance(data, Mapping):
        return data
    return {key: value for key, value in data.items() if _area(str(key)) in (None, *areas)}


def _area(key: str) -> str | None:
    return _AREAS.get(key) or _AREAS.get(key.removesuffix("s"))


def _data(result: CallToolResult, text: str) -> Any:
    data: Any = result.structuredContent
    if data is None:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return text
    only = data.get("result") if isinstance(data, Mapping) and set(data) == {"result"} else None
    if isinstance(only, str):
        try:
            return json.loads(only)
        except (ValueError, RecursionError):
            return only
    return data if only is None else only


def _failure(text: str, request: Request, secrets: tuple[str, ...]) -> ActiveCampaignError:
    said = quoted(clean(text, secrets), limit=400)
    if any(words in text for words in _REFUSED) or _BEFORE.sub("", text, count=1).startswith(_TURNED_DOWN):
        kind = NotFoundError if "404 Not Found" in text or "Resource not found at" in text else InvalidRequestError
        problems = (Problem(clean(text, secrets)[:500]),)
        return _error(kind, f"The account refused {_name(request)}: {said}", request, problems)
    if not request.is_write:
        return _error(InvalidRequestError, f"{_name(request)} failed: {said}", request)
    return _error(OutcomeUnknownError, f"{_name(request)} failed, and {_nobody_knows(request)}: {said}", request)


def _error(
    kind: type[ActiveCampaignError], text: str, request: Request, problems: tuple[Problem, ...] = ()
) -> ActiveCampaignError:
    return kind(text, problems=problems, method=request.method, path=request.path)


def _name(request: Request) -> str:
    return request.path.rpartition("/")[2]


def _nobody_knows(request: Request) -> str:
    return "nobody knows whether it had done anything" if request.is_write else "it may be tried again"
