"""What a tool class declares of settling: how it is found out whether a write happened whose answer never came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settling:
    """What one look reads, and what it shows. The clauses stand after "where", for people.

    Args:
        requests: What it can read, as method and path with {placeholders}.
        happened: What shows that the write happened.
        absent: What shows that it did not, if a second look well after the cut shows the same.
        unclear: What shows neither, so that a person has to look; empty where every look shows one of the two.
        most: How many requests it takes at most, where a search finds no more than a hundred records and a contact has
            fewer than twenty ties of a kind.
    """

    requests: tuple[str, ...]
    happened: str
    absent: str
    unclear: str = ""
    most: int = 1


def made(noun: str, path: str, like: str = "of that name", *, unclear: str = "") -> Settling:
    """How a new record is settled: by what it is like, by when it was created, and by who has made which.

    Args:
        noun: What it is, without an article.
        path: The collection that would hold it.
        like: What tells it from others, as in "a tag of that name".
        unclear: What else hides it, as a clause.
    """
    return Settling(
        (f"GET {path}",),
        f"a {noun} {like} was created since the write left, by no other call on record",
        "there is none, or only one from before or of another call",
        f"one does not say when it was created, or more are alike than the 1,000 that are looked through{unclear}",
    )
