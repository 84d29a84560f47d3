"""A request to a product's API, and the permit without which none may leave."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ac_guardrails._canonical import digest

_SEAL = object()
"""Only the guard holds this, so only the guard mints permits."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the API's base path, complete: what is decided on is what is sent.

    Args:
        method: GET, POST, PUT or DELETE.
        path: The path below the API's base, starting with a slash, built from literals and integers only.
        params: Query parameters in order, names and values unencoded.
        body: The JSON body, or None for no body.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None

    @property
    def is_write(self) -> bool:
        """Whether the request may change the account."""
        return self.method != "GET"

    def digest(self) -> str:
        """The SHA-256 of the canonical form: equal for equal requests, whatever the order of their keys."""
        return digest([self.method, self.path, [list(pair) for pair in self.params], self.body])


class PermitError(RuntimeError):
    """A request was about to leave without the guard's permit for exactly it. A programming error: nothing was sent."""


class Permit:
    """The guard's leave for one request, to be spent once.

    The transport refuses every request without one, so code that reaches past the tools reaches nothing.
    """

    __slots__ = ("_lock", "_spent", "_what")

    def __init__(self, seal: object, request: Request, digest: str = "") -> None:
        if seal is not _SEAL:
            raise PermitError("Permits are made by the guard alone. Call a tool; it asks the guard.")
        self._what = _what(request, digest)
        self._lock = threading.Lock()
        self._spent = False

    def spend(self, request: Request) -> None:
        """Use the permit up for this request.

        Raises:
            PermitError: The permit is for another request, or was spent before.
        """
        if _what(request) != self._what:
            raise PermitError(f"The permit is not for {request.method} {request.path}. Nothing was sent.")
        with self._lock:
            if self._spent:
                raise PermitError(f"The permit for {request.method} {request.path} was used before. Nothing was sent.")
            self._spent = True

    def __reduce__(self) -> str:
        raise TypeError("A permit cannot be pickled or copied: it is good for one request in this process.")


def _what(request: Request, digest: str = "") -> Request | str:
    """What a permit is for: nothing in a request without a body can be changed, so it stands for itself."""
    return request if request.body is None else digest or request.digest()


def mint(request: Request, digest: str = "", *, writes: bool = True) -> Permit:
    """Make the permit for one request. Called by the guard after it has decided and recorded.

    Args:
        request: The request.
        digest: Its digest at the time of the decision, where that is known.
        writes: Whether writes may leave at all, which they may not in a rehearsal.

    Raises:
        PermitError: It is a write, and none may leave.
    """
    if request.is_write and not writes:
        raise PermitError(f"{request.method} {request.path} may not leave in a rehearsal. Nothing was sent.")
    return Permit(_SEAL, request, digest)
