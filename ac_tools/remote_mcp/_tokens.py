"""The tokens of a sign-in, in a file for its owner alone."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from ac_tools._errors import ConfigurationError, ConnectError

_LONGEST_WAIT = 60.0
"""Seconds for which a process waits for another one that renews the tokens."""


class TokenFile:
    """The tokens for one server in a file that only its owner can read: the SDK's TokenStorage.

    Args:
        path: The file.
        server: The server's URL; tokens for another one are never used.
        fresh: Whether to begin with nothing, whatever the file holds; it is replaced once there are tokens.
    """

    def __init__(self, path: str | os.PathLike[str], server: str, *, fresh: bool = False) -> None:
        self.path = Path(path).expanduser()
        self._server = server
        self._fresh = fresh
        self.more: dict[str, Any] = {}
        """What else is kept beside the tokens, as JSON."""

    def __repr__(self) -> str:
        return f"TokenFile({self.path.name!r})"

    def read(self) -> dict[str, Any]:
        """What the file holds; nothing where it is not there.

        Raises:
            ConfigurationError: Others can read it, it is for another server, or it cannot be read.
        """
        if self._fresh:
            return {}
        try:
            with self.path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise ConfigurationError(f"The token file {self.path.name} cannot be read. {AGAIN}") from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError(f"Others can read the token file {self.path.name}, and may have. {AGAIN}")
        if not isinstance(data, dict) or data.get("server") != self._server:
            raise ConfigurationError(f"The token file {self.path.name} is for another server. {AGAIN}")
        return data

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Renew the tokens one process at a time: a used-up refresh token, used again, would end the sign-in."""
        with closing(sqlite3.connect(self._lock(), isolation_level=None, check_same_thread=False)) as lock:
            lock.execute(f"PRAGMA busy_timeout = {_LONGEST_WAIT * 1000:.0f}")
            try:
                await asyncio.to_thread(lock.execute, "BEGIN EXCLUSIVE")  # gone with the process, however that ends
            except sqlite3.OperationalError:
                raise ConnectError("Another process is renewing the sign-in. Nothing was sent. Try again.") from None
            yield

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        tokens = self.read().get("tokens")
        return OAuthToken.model_validate(tokens) if tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens, and when they end; whole or not at all."""
        ends = time.time() + tokens.expires_in if tokens.expires_in is not None else None
        kept = {"server": self._server, "tokens": tokens.model_dump(mode="json", exclude_none=True), "ends": ends}
        data = {**self.read(), **self.more, **kept}
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        self._fresh = False

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """As what this program is registered with the server."""
        client = self.read().get("client")
        return OAuthClientInformationFull.model_validate(client) if client else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration, once there are tokens for it."""
        self.more["client"] = client_info.model_dump(mode="json", exclude_none=True)

    def _lock(self) -> Path:
        path = self.path.with_name(f".{self.path.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return path


AGAIN = "Sign in again: ac-tools remote-mcp sign-in."
