"""The secrets in a webhook's URL: all that tells the account from a stranger, since it signs nothing."""

from __future__ import annotations

import hmac
import re
import secrets as random
from collections.abc import Iterable
from hashlib import sha256

from pydantic import SecretStr

from ac_tools._errors import ConfigurationError

_USABLE = re.compile(r"[A-Za-z0-9_-]{20,200}")


def new_secret() -> str:
    """A secret that nobody guesses, and that a URL can hold as it is."""
    return random.token_urlsafe(24)


class Secrets:
    """The secrets that count now. While one is replaced by another, both do.

    Args:
        given: The secrets.

    Raises:
        ConfigurationError: There is none, or one that could be guessed or would not survive a URL.
    """

    def __init__(self, given: Iterable[str | SecretStr]) -> None:
        texts = [each.get_secret_value() if isinstance(each, SecretStr) else each for each in given or ()]
        if not texts or not all(isinstance(text, str) and _USABLE.fullmatch(text) for text in texts):
            raise ConfigurationError(
                "A webhook needs at least one secret of 20 to 200 letters, digits, - or _. "
                "ac_tools.webhooks.new_secret() makes one."
            )
        self._digests = [sha256(text.encode()).digest() for text in texts]

    def hold(self, text: str) -> bool:
        """Whether the text is one of them; takes as long whatever it is."""
        given = sha256(text.encode("utf-8", "surrogatepass")).digest()
        return sum(hmac.compare_digest(given, each) for each in self._digests) > 0

    def __repr__(self) -> str:
        return f"Secrets({len(self._digests)})"
