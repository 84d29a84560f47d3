"""Signing in with OAuth: the mcp SDK's own flow, which renews tokens that other processes use as well."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata, OAuthMetadata, OAuthToken, ProtectedResourceMetadata
from pydantic import ValidationError

from ac_tools._errors import AuthenticationError, ConfigurationError, ConnectError
from ac_tools.remote_mcp._tokens import AGAIN, TokenFile

_EARLY = 30.0
"""Seconds before its end at which an access token is renewed."""

Redirect = Callable[[str], Awaitable[None]]
Callback = Callable[[], Awaitable[tuple[str, str | None]]]


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

    async def _auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Renew the tokens if it is time, or if the server does not take them, and else go the SDK's own way."""
        if not (self._initialized and self.context.is_token_valid()):
            async with self._file.turn():
                await self._initialize()  # another process may have renewed them meanwhile
                if not self.context.is_token_valid() and self.context.can_refresh_token():
                    await self._handle_refresh_response((yield await self._refresh_token()))
        used, flow = self._access(), super()._auth_flow(request)
        try:
            response = yield await anext(flow)
            if response.status_code == 401 and self.context.can_refresh_token():  # it was not let in: nothing was done
                async with self._file.turn():
                    await self._initialize()
                    if self._access() == used and self.context.can_refresh_token():
                        await self._handle_refresh_response((yield await self._refresh_token()))
                if self.context.is_token_valid():
                    self._add_auth_header(request)
                    response = yield request
            while True:
                response = yield await flow.asend(response)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()

    def _access(self) -> str:
        return self.context.current_tokens.access_token if self.context.current_tokens else ""

    async def _initialize(self) -> None:
        await super()._initialize()
        self._recall(self._file.read())

    async def _handle_token_response(self, response: httpx.Response) -> None:
        await self._read(response)
        self._remember()
        await super()._handle_token_response(response)

    async def _handle_refresh_response(self, response: httpx.Response) -> bool:
        if response.status_code >= 500 or response.status_code == 429:
            raise ConnectError(
                f"The sign-in could not be renewed just now ({response.status_code}). Nothing was sent. "
                "Try again in a minute."
            )
        before = self.context.current_tokens
        if response.status_code == 200:
            await self._read(response)
        if not await super()._handle_refresh_response(response):
            return False
        tokens = self.context.current_tokens
        if tokens and before and not tokens.refresh_token:  # RFC 6749, 6: the former one stays good
            tokens.refresh_token = before.refresh_token
            await self._file.set_tokens(tokens)
        return True

    async def _read(self, response: httpx.Response) -> None:
        """Look at an answer before the SDK does, which would log what it cannot read, tokens and all."""
        if response.status_code != 200:
            raise AuthenticationError(f"The server gave no tokens ({response.status_code}). {AGAIN}", status=401)
        text = await response.aread()
        try:
            OAuthToken.model_validate_json(text)
        except ValidationError:
            raise AuthenticationError(f"The server's tokens cannot be read. {AGAIN}", status=401) from None

    def _remember(self) -> None:
        """Keep where tokens are renewed beside them: it is not asked for again."""
        context = self.context
        found = {"authorization": context.oauth_metadata, "resource": context.protected_resource_metadata}
        self._file.more |= {
            name: value.model_dump(mode="json", exclude_none=True) for name, value in found.items() if value
        }

    def _recall(self, kept: Mapping[str, Any]) -> None:
        context = self.context
        context.token_expiry_time = kept["ends"] - _EARLY if kept.get("ends") else None
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
        raise ConfigurationError(f"There is no token in {file.path.name}. Sign in first: ac-tools remote-mcp sign-in.")

    async def redirect(_: str) -> None:
        raise AuthenticationError(f"The server no longer accepts the sign-in. {AGAIN}", status=401)

    async def callback() -> tuple[str, str | None]:
        return "", None

    return Provider(server, file, redirect, callback, "http://127.0.0.1/callback")
