"""Signing in with OAuth: the mcp SDK's own flow, and a file that keeps what it brings, for its owner alone."""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)

from ac_tools._errors import AuthenticationError, ConfigurationError

_EARLY = 30.0
"""Seconds before its end at which an access token is renewed."""

Redirect = Callable[[str], Awaitable[None]]
Callback = Callable[[], Awaitable[tuple[str, str | None]]]


class TokenFile:
    """The tokens for one server in a file that only its owner can read: the SDK's TokenStorage.

    Args:
        path: The file.
        server: The server's URL; tokens for another one are never used.
    """

    def __init__(self, path: str | os.PathLike[str], server: str) -> None:
        self.path = Path(path).expanduser()
        self._server = server
        self.more: dict[str, Any] = {}
        """What else is kept beside the tokens, as JSON."""

    def __repr__(self) -> str:
        return f"TokenFile({self.path.name!r})"

    def read(self) -> dict[str, Any]:
        """What the file holds; nothing where it is not there.

        Raises:
            ConfigurationError: Others can read it, it is for another server, or it cannot be read.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise ConfigurationError(f"The token file {self.path.name} cannot be read. Sign in again.") from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError(
                f"Others can read the token file {self.path.name}. Sign in again, and keep it with chmod 600."
            )
        if not isinstance(data, dict) or data.get("server") != self._server:
            raise ConfigurationError(f"The token file {self.path.name} is for another server. Sign in again.")
        return data

    def write(self, **changes: Any) -> None:
        """Change what the file holds, whole or not at all."""
        data = {**self._readable(), **self.more, **changes, "server": self._server}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(data, file)
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        tokens = self.read().get("tokens")
        return OAuthToken.model_validate(tokens) if tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens, and when they end."""
        ends = time.time() + tokens.expires_in if tokens.expires_in else None
        self.write(tokens=tokens.model_dump(mode="json", exclude_none=True), ends=ends)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """As what this program is registered with the server."""
        client = self.read().get("client")
        return OAuthClientInformationFull.model_validate(client) if client else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.write(client=client_info.model_dump(mode="json", exclude_none=True))

    def _readable(self) -> dict[str, Any]:
        try:
            return self.read()
        except ConfigurationError:
            return {}  # it is written anew


class Provider(OAuthClientProvider):
    """The SDK's provider, which also remembers, from one process to the next, where and when to renew its tokens.

    Args:
        server: The server's URL.
        file: Where the tokens are kept.
        redirect: Shows a person the page on which they sign in.
        callback: Waits for what that page sends back.
        redirect_uri: Where it sends it to.
    """

    def __init__(self, server: str, file: TokenFile, redirect: Redirect, callback: Callback, redirect_uri: str) -> None:
        metadata = OAuthClientMetadata.model_validate(
            {
                "client_name": "langchain-activecampaign",
                "redirect_uris": [redirect_uri],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            }
        )
        super().__init__(server, metadata, file, redirect, callback)
        self._file = file

    async def _initialize(self) -> None:
        await super()._initialize()
        self._recall(self._file.read())

    async def _handle_token_response(self, response: httpx.Response) -> None:
        self._remember()
        await super()._handle_token_response(response)

    async def _handle_refresh_response(self, response: httpx.Response) -> bool:
        before = self.context.current_tokens
        if await super()._handle_refresh_response(response):
            tokens = self.context.current_tokens
            if tokens and before and not tokens.refresh_token:  # RFC 6749, 6: the former one stays good
                tokens.refresh_token = before.refresh_token
                await self._file.set_tokens(tokens)
            return True
        kept = self._file.read()  # another process may have renewed them meanwhile, and used the former ones up
        if before and kept.get("tokens", {}).get("access_token") not in (None, before.access_token):
            await self._initialize()
            return self.context.is_token_valid()
        return False

    def _remember(self) -> None:
        """Keep where tokens are renewed beside them: it is not asked for again."""
        context = self.context
        found = {"authorization": context.oauth_metadata, "resource": context.protected_resource_metadata}
        self._file.more = {
            name: value.model_dump(mode="json", exclude_none=True) for name, value in found.items() if value
        }

    def _recall(self, kept: Mapping[str, Any]) -> None:
        context = self.context
        if kept.get("ends"):
            context.token_expiry_time = kept["ends"] - _EARLY
        if kept.get("authorization"):
            context.oauth_metadata = OAuthMetadata.model_validate(kept["authorization"])
        if kept.get("resource"):
            context.protected_resource_metadata = ProtectedResourceMetadata.model_validate(kept["resource"])


def signed_in(server: str, path: str | os.PathLike[str]) -> Provider:
    """Signs requests in with the tokens of a file, and renews them; nobody is asked to sign in.

    Args:
        server: The server's URL.
        path: The file that `sign_in` has made.

    Raises:
        ConfigurationError: There is no such file, or it cannot be used.
    """
    file = TokenFile(path, server)
    if not file.read().get("tokens"):
        raise ConfigurationError(f"There is no token in {file.path.name}. Sign in first (ac_tools.remote_mcp.sign_in).")

    async def redirect(_: str) -> None:
        raise AuthenticationError(
            "The server no longer accepts the sign-in. Sign in again (ac_tools.remote_mcp.sign_in).", status=401
        )

    async def callback() -> tuple[str, str | None]:
        return "", None

    return Provider(server, file, redirect, callback, "http://127.0.0.1/callback")
