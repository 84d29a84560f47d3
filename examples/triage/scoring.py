"""What a lead is worth: a few rules that anybody can read, and argue with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .leads import Lead

HOT, WARM = 65, 30
"""Points from which a lead is hot, or warm."""

_MAILBOXES = frozenset({"gmail.com", "outlook.com", "brevlada.example", "briefkasten.example", "postbag.example"})
_DECIDING = ("owner", "founder", "director", "head", "purchasing", "chief")


@dataclass(frozen=True)
class Rule:
    """So many points where a lead is like this."""

    points: int
    reason: str
    applies: Callable[[Lead], bool]


RULES = (
    Rule(30, "a budget of 10,000 or more", lambda lead: lead["budget"] >= 10_000),
    Rule(15, "a budget of 3,000 or more", lambda lead: 3_000 <= lead["budget"] < 10_000),
    Rule(20, "decides what is bought", lambda lead: lead["decides"]),
    Rule(15, "a business that we know", lambda lead: bool(lead["account"])),
    Rule(15, "a business address", lambda lead: lead["business"]),
    Rule(10, "asks for terms or a quote", lambda lead: lead["interest"] in ("Trade terms", "Quote")),
    Rule(5, "left a phone number", lambda lead: bool(lead["phone"])),
)


def enriched(lead: Lead, businesses: Mapping[str, str]) -> Lead:
    """The lead with what its address and job title tell.

    Args:
        lead: The lead.
        businesses: The names of the account's businesses by their domains.
    """
    domain = lead["email"].partition("@")[2]
    title = lead["job_title"].lower()
    return {
        **lead,
        "account": businesses.get(domain),
        "business": domain not in _MAILBOXES,
        "decides": any(word in title.split() for word in _DECIDING),
    }


def scored(lead: Lead) -> Lead:
    """The lead with its points, the reasons for them, and its grade."""
    rules = [rule for rule in RULES if rule.applies(lead)]
    points = sum(rule.points for rule in rules)
    grade = "hot" if points >= HOT else "warm" if points >= WARM else "cold"
    return {**lead, "points": points, "reasons": [f"{rule.reason} ({rule.points})" for rule in rules], "grade": grade}


def domain_of(url: str) -> str:
    """The domain that a business's mail comes from, as far as its website tells: without the www."""
    return (urlsplit(url).hostname or "").removeprefix("www.")
