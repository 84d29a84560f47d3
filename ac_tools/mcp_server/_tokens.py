"""Bearer tokens: who may connect over HTTP, and in whose name they then approve."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256

from mcp.server.auth.provider import AccessToken

_SHORTEST = 24
_TOKEN = re.compile(rf"[!-~]{{{_SHORTEST},}}")
_MAKE = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


class Tokens:
    """The tokens that open the server, each with the person who holds it.

    Several of one person may stand beside each other, so that one can be replaced before it is withdrawn. Only digests
    are kept.

    Args:
        pairs: Persons and their tokens.

    Raises:
        ValueError: There is none, or one cannot be used. The text holds none of it.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._known: list[tuple[str, bytes]] = []
        for number, (person, token) in enumerate(pairs, 1):
            if not person.strip():
                raise ValueError(f"Whose is token {number}? Write it as name:token, or give --approver-name.")
            if not _TOKEN.fullmatch(token):
                raise ValueError(f"Token {number} is no token: it needs {_SHORTEST} or more ASCII characters. {_MAKE}")
            known = _digest(token)
            if any(known == other and person.strip() != holder for holder, other in self._known):
                raise ValueError(f"Token {number} is another person's, too, and would approve in their name. {_MAKE}")
            self._known.append((person.strip(), known))
        if not self._known:
            raise ValueError(f"There is no bearer token, so nobody could connect. {_MAKE}")

    @classmethod
    def read(cls, text: str, *, person: str = "") -> Tokens:
        """Read tokens from text: one a line or between commas, as `name:token`; a line with # is a comment.

        Args:
            text: From a file or the environment.
            person: Who holds those that name nobody.
        """
        lines = (line.strip() for line in re.split(r"[\n,]", text))
        parts = (line.rpartition(":") for line in lines if line and not line.startswith("#"))
        return cls((name or person, token.strip()) for name, _, token in parts)

    def __repr__(self) -> str:
        return f"Tokens({', '.join(sorted({person for person, _ in self._known}))})"

    async def verify_token(self, token: str) -> AccessToken | None:
        """The person whose token it is, as the SDK asks for it. Takes as long for a wrong one, whatever is wrong."""
        digest = _digest(token)
        found = [person for person, known in self._known if hmac.compare_digest(known, digest)]
        return AccessToken(token="", client_id=found[0], scopes=[]) if found else None


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
