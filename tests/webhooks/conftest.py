"""A receiver on loopback, and an account that sends to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the webhooks extra")

from ac_tools.webhooks import Receiver

from .serving import SECRET


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
    with ExitStack() as stack:
        yield lambda receiver: stack.enter_context(receiver.serve())
