"""What a handler can raise, and what can go wrong before one runs."""

from __future__ import annotations

NEEDED = "Receiving webhooks over HTTP needs two more packages: pip install 'langchain-activecampaign[webhooks]'"


class BodyError(ValueError):
    """A body cannot be read as a webhook's. Nothing of it was kept.

    Args:
        text: What is wrong with it, without a word of it.
        status: The HTTP status that says so.
    """

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class SetAside(Exception):  # noqa: N818 - it reports no failure of ours
    """Raised by a handler whose work would fail however often it was tried: it is kept aside with this reason."""


class StoreError(RuntimeError):
    """The store cannot be used. An event that is not on disk is not acknowledged."""
