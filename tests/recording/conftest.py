"""Accounts to record: embedded ones, in this process or served, and what is left in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ac_tools.recording import Listened, Tour, embedded, record
from ac_tools.sandbox import Sandbox
from ac_tools.sandbox._table import Table


def contents(sandbox: Sandbox) -> dict[str, Any]:
    """Every row of every table of an account."""
    store = sandbox._store
    tables = {name: table for name, table in {**vars(store), **store._records}.items() if isinstance(table, Table)}
    return {name: sorted(map(repr, table)) for name, table in tables.items() if list(table)}


@pytest.fixture
def account() -> Iterator[Listened]:
    """An embedded account, listened to."""
    with embedded() as opened:
        yield opened


@pytest.fixture
def listened(served) -> Iterator[Listened]:
    """The same over HTTP."""
    with Listened(url=served.url, key=served.key, limit=None) as opened:
        yield opened


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Records an account, and says where."""

    def run(account: Listened, *, writes: bool = True) -> Path:
        record(account, Tour(account, writes=writes, by="anna"), tmp_path / "recorded")
        return tmp_path / "recorded"

    return run
