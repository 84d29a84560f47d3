"""The ASGI application: who does not know the secret is sent away before a byte of the body is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError as error:
    from ac_tools.webhooks._errors import NEEDED

    raise ImportError(NEEDED) from error

from ac_tools.webhooks._errors import BodyError, StoreError
from ac_tools.webhooks._form import MOST_BYTES

if TYPE_CHECKING:
    from ac_tools.webhooks._receiver import Receiver

_LONGEST = 10.0
"""Seconds for which a body may be on its way."""
_log = logging.getLogger(__name__)


def application(receiver: Receiver) -> Starlette:
    """The application of a receiver.

    It answers 200 once the event is on disk, and never 410, on which the account switches a webhook off for good
    (documented): no handler runs before the answer, so that none can choose it.
    """

    @asynccontextmanager
    async def working(_: Starlette) -> AsyncIterator[None]:
        async with receiver:
            yield

    async def endpoint(request: Request) -> Response:
        status = await _status(receiver, request)
        # What was not read is not read afterwards, either.
        return Response(status_code=status, headers=None if status == 200 else {"Connection": "close"})

    return Starlette(routes=[Route("/{secret:path}", endpoint, methods=["POST"])], lifespan=working)


async def _status(receiver: Receiver, request: Request) -> int:
    given = request.path_params["secret"] or request.query_params.get("secret", "")
    if not receiver.secrets.hold(given):
        return 404
    try:
        async with asyncio.timeout(_LONGEST):
            body = await _body(request)
        await run_in_threadpool(receiver.receive, body, request.headers.get("content-type", ""))
    except BodyError as error:
        _log.warning("A webhook was refused: %s", error)
        return error.status
    except (TimeoutError, ClientDisconnect):
        return 408
    except StoreError:
        _log.exception("A webhook was not kept, and its sender not told that it was.")
        return 503
    return 200


async def _body(request: Request) -> bytes:
    """The body, of which no more is read than may be kept."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BodyError("Compressed bodies are not read.", status=415)
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > MOST_BYTES:
        raise BodyError(f"The body is said to have more than {MOST_BYTES} bytes.", status=413)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise BodyError(f"The body has more than {MOST_BYTES} bytes.", status=413)
        chunks.append(chunk)
    return b"".join(chunks)
