"""A receiver on loopback, and an account that sends to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="needs the webhooks extra")

from ac_tools.webhooks import Receiver  # noqa: E402

from .serving import SECRET, until  # noqa: E402


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver on a store of its own, which tries again at once."""
    made = Receiver(f"sqlite:///{tmp_path}/webhooks.db", secrets=[SECRET], attempts=3, backoff=0.0)
    yield made
    made.stop()
    made.store.close()


@pytest.fixture
def listening() -> Iterator[Callable[[Receiver], str]]:
    """Serves receivers over HTTP, each with its URL."""
    servers: list[tuple[Any, threading.Thread]] = []

    def serve(receiver: Receiver) -> str:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(receiver.app, port=port, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until(lambda: server.started)
        servers.append((server, thread))
        return f"http://127.0.0.1:{port}"

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join(timeout=10)
