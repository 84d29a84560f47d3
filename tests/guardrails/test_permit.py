"""A permit is good for one request, once, in this process."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ac_guardrails import Guard, Permit, PermitError, Request

RENAME = Request("PUT", "/books/1", body={"title": "Emma"})


@pytest.fixture
def permit(guard: Callable[..., Guard], job: Any, sender: Any) -> Permit:
    """The permit that the guard made for one request, spent already."""
    guard().run(job("rename_book", args={"title": "Emma"}), sender)
    permit: Permit = sender.permits[0]
    return permit


def test_a_permit_is_spent_once(permit: Permit) -> None:
    """A request cannot leave twice on one permit."""
    with pytest.raises(PermitError, match=r"was used before\. Nothing was sent"):
        permit.spend(RENAME)


@pytest.mark.parametrize(
    "other",
    [
        Request("DELETE", "/books/1", body={"title": "Emma"}),
        Request("PUT", "/books/2", body={"title": "Emma"}),
        Request("PUT", "/books/1", params=(("x", "1"),), body={"title": "Emma"}),
        Request("PUT", "/books/1", body={"title": "emma"}),
        Request("PUT", "/books/1"),
    ],
)
def test_a_permit_is_for_one_request(permit: Permit, other: Request) -> None:
    """Another method, path, query or body is refused."""
    with pytest.raises(PermitError, match="The permit is not for"):
        permit.spend(other)


def test_a_permit_can_neither_be_made_nor_copied(permit: Permit) -> None:
    """Nobody but the guard makes one, and none leaves the process."""
    with pytest.raises(PermitError, match="made by the guard alone"):
        Permit(object(), RENAME)
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            duplicate(permit)


def test_threads_that_spend_one_permit_at_once(guard: Callable[..., Guard], job: Any, sender: Any) -> None:
    """Of 16 threads that spend one permit exactly one does."""
    spent: list[bool] = []

    class Racing(type(sender)):  # type: ignore[misc]
        def send(self, request: Any, permit: Any) -> None:
            start = threading.Barrier(16)

            def spend() -> None:
                start.wait()
                try:
                    permit.spend(request)
                    spent.append(True)
                except PermitError:
                    spent.append(False)

            threads = [threading.Thread(target=spend) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    guard().run(job("get_book"), Racing())
    assert spent.count(True) == 1
    assert len(spent) == 16


def test_the_digest_ignores_the_order_of_keys_only() -> None:
    """Equal requests have equal digests whatever the order of their keys; the order of query pairs counts."""
    one, other = ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1})
    assert Request("PUT", "/x", body=one).digest() == Request("PUT", "/x", body=other).digest()
    assert Request("PUT", "/x", body={"a": 1}).digest() != Request("PUT", "/x", body={"a": "1"}).digest()
    pairs = (("a", "1"), ("b", "2"))
    assert Request("GET", "/x", pairs).digest() != Request("GET", "/x", pairs[::-1]).digest()
