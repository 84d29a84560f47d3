"""Limits in money, and grants narrowed to the addresses of some domains."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ac_guardrails import Level, Need, Reference
from ac_guardrails import Request as Sent
from ac_guardrails._domains import references

from .limiting import Person

# Money


@dataclass
class Selling:
    """A job that puts a price on a book. `touches` is what the product says of it."""

    job: Any
    touches: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.job, name)

    def outline(self) -> Any:
        return replace(self.job.outline(), touches=self.touches)

    def prepare(self, readable: frozenset[str], *, again: bool = False) -> Any:
        plan = yield from self.job.prepare(readable, again=again)
        return replace(plan, action=replace(plan.action, touches=self.touches))


MOST = {"amount_at_most": {"EUR": 5000.3, "USD": 5500}}


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (500030, "eur", ""),
        (500030, "EUR", ""),
        (500031, "eur", "marketing may set amounts in books up to 5000.3 EUR; this call sets more."),
        (550000, "usd", ""),
        (550001, "usd", "marketing may set amounts in books up to 5500 USD; this call sets more."),
        (1, "gbp", "marketing may set amounts in books up to 5000.3 EUR or 5500 USD; this call uses another currency."),
        (None, "usd", "Give the amount together with its currency."),
        (1, None, "Give the amount together with its currency."),
        (None, None, ""),
    ],
)
def test_an_amount_is_compared_to_the_cent(
    opened: Any, job: Any, sender: Any, carry: Any, amount: int | None, currency: str | None, words: str
) -> None:
    """More than the grant has for the currency is refused; so is a currency that it does not name, or half a price."""
    answer = carry(opened(MOST), Selling(job("rename_book"), {"amount": amount, "currency": currency}))
    assert answer.ok == (not words)
    assert words in answer.content
    assert len(sender.writes) == (not words)


def test_an_amount_beyond_the_limit_can_be_agreed_to(opened: Any, job: Any, sender: Any) -> None:
    """With `over: ask` a person is asked about more money, and about another currency."""
    person = Person()
    guard = opened({**MOST, "over": "ask"}, approver=person)
    for book, (amount, currency) in enumerate([(500031, "eur"), (100, "jpy"), (100, "eur")], 1):
        assert guard.run(
            Selling(job("rename_book", {"book": book}), {"amount": amount, "currency": currency}), sender
        ).ok
    assert ["sets more" in reason for reason in person.reasons] == [True, False]
    assert len(sender.writes) == 3


def test_a_limit_in_money_holds_no_read_up(opened: Any, job: Any, sender: Any) -> None:
    """What only reads changes no amount, whatever it names."""
    assert opened(MOST).run(Selling(job("get_book"), {"amount": 1, "currency": None}), sender).ok


# Addresses


def test_domains_are_compared_in_one_form() -> None:
    """Case, the root's dot and the spelling of other scripts make no difference; what cannot be compared is nothing."""
    same = ["a@Bücher.example", "b@BÜCHER.EXAMPLE", "c@xn--bcher-kva.example", "d@bücher.example."]
    assert references(same) == (Reference("domain", 0, "xn--bcher-kva.example"),)
    nothing = [
        "a@faß.example",
        "a@b@example.com",
        "a@",
        "@example.com",
        "example.com",
        "a@x..example",
        "a@*.example.com",
    ]
    assert references(nothing) == (Reference("domain", 0, ""),)


LOOK = Sent("GET", "/members/1")
AT_HOME = {"domain": ["Example.com", "*.bücher.example"]}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("a@example.com", True),
        ("a@EXAMPLE.COM", True),
        ("a@sub.example.com", False),
        ("a@notexample.com", False),
        ("a@example.com.evil.org", False),
        ("a@evil.org@example.com", False),
        ("a@bücher.example", False),
        ("a@neue.bücher.example", True),
        ("a@NEUE.xn--bcher-kva.example", True),
        ("a@xxn--bcher-kva.example", False),
        ("a@buecher.example", False),
        ("", False),
    ],
)
def test_only_addresses_of_these_domains(opened: Any, job: Any, sender: Any, address: str, allowed: bool) -> None:
    """A grant narrowed to domains lets through whom they hold, and nobody whose address is elsewhere or unknown."""
    guard = opened(areas={"members": {"access": "read", "only": AT_HOME}})
    named = references([address]) if address else ()
    answer = guard.run(job("get_member", references=named, request=LOOK), sender)
    assert answer.ok == allowed
    assert len(sender.requests) == allowed
    if not allowed:
        where = "; an address of this call is elsewhere" if address else "; this call names no address"
        assert answer.content == (
            "marketing may use only the domain *.xn--bcher-kva.example or example.com" + where + ". Nothing was sent."
        )
        assert address.partition("@")[2] not in str(guard.ledger.entries()) or not address


def test_one_stranger_among_many_stops_the_call(opened: Any, job: Any, sender: Any) -> None:
    """Of a call that names many addresses none is let through where one of them is elsewhere."""
    guard = opened(areas={"members": {"access": "read", "only": AT_HOME}})
    friends, stranger = [f"m{number}@example.com" for number in range(50)], "x@elsewhere.example"
    assert guard.run(job("get_member", references=references(friends), request=LOOK), sender).ok
    answer = guard.run(job("get_member", references=references([*friends, stranger]), request=LOOK), sender)
    assert "an address of this call is elsewhere" in answer.content


def test_a_narrowed_grant_holds_for_calls_of_other_areas(opened: Any, job: Any, sender: Any) -> None:
    """Who may not touch a record by one area does not get at it by another; calls that name none are left alone."""
    areas = {"books": "write", "members": {"access": "off", "only": AT_HOME}}
    guard, needs = opened(areas=areas), (Need("books", Level.WRITE),)
    stranger, friend = references(["x@elsewhere.example"]), references(["a@example.com"])
    assert not guard.run(job("rename_book", {"book": 1}, needs=needs, references=stranger), sender).ok
    assert guard.run(job("rename_book", {"book": 2}, needs=needs, references=friend), sender).ok
    assert guard.run(job("rename_book", {"book": 3}, needs=needs, references=(Reference("shelf", 1),)), sender).ok
    assert len(sender.writes) == 2
