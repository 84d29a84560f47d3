"""A receiver behind a server of its own, for a process that has none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ac_tools._listening import listening, url_of
from ac_tools.webhooks._app import application
from ac_tools.webhooks._errors import NEEDED

try:
    import uvicorn
except ImportError as error:
    raise ImportError(NEEDED) from error

if TYPE_CHECKING:
    from ac_tools.webhooks._receiver import Receiver

_GRACE = 5
"""Seconds for which requests on their way are waited for at the end."""


@contextmanager
def serving(receiver: Receiver, host: str, port: int) -> Iterator[str]:
    """Serve a receiver in a thread; gives where it listens, without the secret."""
    config = uvicorn.Config(
        application(receiver),
        lifespan="off",  # the receiver is started here
        ws="none",
        http="h11",  # which bounds a request's headers, as httptools does not
        log_level="warning",
        access_log=False,  # paths hold the secret
        timeout_graceful_shutdown=_GRACE,
    )
    config.load()  # here, where its errors can be told
    server = uvicorn.Server(config)
    with listening(host, port) as listener, receiver:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="webhooks-http")
        thread.start()
        try:
            yield url_of(listener, host)
        finally:
            server.should_exit = True
            thread.join()
