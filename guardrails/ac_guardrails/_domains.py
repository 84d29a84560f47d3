"""Domains of e-mail addresses, in the form in which they can be compared: lower case, and xn-- for other scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ac_guardrails._action import Reference

NOUN = "domain"
"""What `only` calls them; in every catalog it means the same."""

_LABEL = r"[^\s.@*/\\:,;<>()\[\]\"ßς\u200c\u200d\u3002\uff0e\uff61]{1,63}"
PATTERN = rf"^(\*\.)?({_LABEL}\.)+{_LABEL}$"
"""What may stand in a grants file: a domain; or `*.` and a domain, for all of its sub-domains and not itself.

Without the four characters that two versions of the standard spell differently: whoever means them writes xn--.
"""
_IS_DOMAIN = re.compile(PATTERN)


def normal(domain: str) -> str:
    """A domain, or `*.` and a domain, in the form in which it is compared; empty where it is none."""
    stars, bare = ("*.", domain[2:]) if domain.startswith("*.") else ("", domain)
    if _IS_DOMAIN.fullmatch(domain) is None:
        return ""
    try:
        return stars + bare.encode("idna").decode().lower()
    except UnicodeError:
        return ""


def references(addresses: Iterable[str]) -> tuple[Reference, ...]:
    """The domains of addresses, each once, as records that an action names.

    Args:
        addresses: E-mail addresses. One that has no domain to compare counts as one that is nowhere allowed.
    """
    found = dict.fromkeys(_domain_of(address) for address in addresses)
    return tuple(Reference(NOUN, 0, domain) for domain in found)


def is_within(domain: str, allowed: Iterable[str]) -> bool:
    """Whether a domain is one of these, or a sub-domain of one that stands behind `*.`; both sides in normal form."""
    return bool(domain) and any(
        domain.endswith(each[1:]) if each.startswith("*.") else domain == each for each in allowed
    )


def _domain_of(address: str) -> str:
    local, at, domain = address.strip().partition("@")
    domain = domain.removesuffix(".")  # the root may be written, and means nothing
    return normal(domain) if local and at and not domain.startswith("*") else ""
