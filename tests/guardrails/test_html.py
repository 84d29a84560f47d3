"""What a notebook shows of the guard's things: readable without colour, and never what a stranger made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest

from ac_guardrails import Action, ApprovalRequest, Card, Catalog, Decision, Entry, Grants, Guard
from ac_guardrails.approvers.inbox import Inbox

HOSTILE = '<script>alert(1)</script> " onload="x" <img src=x onerror=y> \u202eevil\u202c \x1b[2J $$\\text{free}$$'
KEY = "0123456789abcdef-the-key"
GRANTS = {
    "agents": {"marketing": {"books": {"access": "write", "only": {"shelf": ["Crime"]}}}, "press": {"posters": "full"}}
}


class Seen(HTMLParser):
    """What a browser makes of it: the elements with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def shown(thing: Any) -> Seen:
    """What the notebook shows; it is checked to be harmless first."""
    seen = Seen(thing._repr_html_())
    tags = {tag for tag, _ in seen.elements}
    assert tags <= {"div", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "small", "ul", "li"}
    assert {name for _, attrs in seen.elements for name in attrs} <= {"style", "class", "scope"}
    assert not [char for char in seen.text if char in "\u202e\u202c\x1b"]
    # The page's own colours are kept, so that it can be read on a dark page and a light one.
    styles = " ".join(attrs.get("style") or "" for _, attrs in seen.elements)
    assert not re.search(r"background|(?<![-\w])color\s*:", styles)
    return seen


def request(card: Card, *, expires_at: float = 0.0) -> ApprovalRequest:
    action = Action("marketing", "burn_book", "library.example", (), {"shelf": 1}, "burn shelf 1")
    return ApprovalRequest("a1b2c3", "marketing", action, card, expires_at=expires_at)


def entry(**values: Any) -> Entry:
    known = {"tool": "burn_book", "host": "library.example", "what": "burn shelf 1", "decision": "allowed"}
    return Entry("e1", datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "marketing", **{**known, **values})


class TestHostileText:
    def test_it_is_text_wherever_it_stands(self, guard: Callable[..., Guard]) -> None:
        """What an account, a model or a person wrote never becomes markup, a formula or a turned line."""
        stopped = guard(GRANTS)
        stopped.ledger.stop(HOSTILE, by=HOSTILE)
        card = Card(HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE)
        things = [card, request(card), entry(what=HOSTILE, decision="refused", reason=HOSTILE), stopped, stopped.ledger]
        for thing in things:
            seen = shown(thing)
            assert "<script>alert(1)</script>" in seen.text
            assert "\ufffd" in seen.text

    def test_no_formula_is_made_of_it(self) -> None:
        """Notebooks set what stands between dollar signs as a formula; everything of ours is kept from that."""
        seen = shown(Card("Pay $5,000 or $6,000"))
        assert {"mathjax_ignore", "tex2jax_ignore"} <= set((seen.elements[0][1]["class"] or "").split())

    def test_long_text_is_cut(self) -> None:
        """A text without end does not fill the notebook."""
        assert len(Card("x" * 10**6, (("Label", "y" * 10**6),))._repr_html_()) < 5000
        assert len(entry(what="x" * 10**6)._repr_html_()) < 3000

    def test_a_grants_file_is_text_too(self, catalog: Catalog) -> None:
        """An agent's name and the names in `only` are shown as they are written, and are no markup."""
        only = {"access": "write", "only": {"shelf": ["<b>Crime</b>"]}}
        seen = shown(Grants.from_dict({"agents": {"<i>a": {"books": only}}}, catalog=catalog))
        assert "<i>a" in seen.text
        assert "only the shelf <b>Crime</b>" in seen.text


class TestKeys:
    def test_an_approver_that_holds_one_does_not_show_it(self, guard: Callable[..., Guard]) -> None:
        """Only the kind of an approver is shown, and nothing that it was made with."""

        def ask(key: str, request: ApprovalRequest) -> Decision:
            return Decision.reject(by="anna")

        @dataclass
        class Asking:
            key: str

            def __call__(self, request: ApprovalRequest) -> Decision:
                return ask(self.key, request)

        for approver, name in ((partial(ask, KEY), "partial"), (Asking(KEY), "Asking"), (ask, "ask")):
            seen = shown(guard(GRANTS, approver=approver))
            assert KEY not in seen.text
            assert name in seen.text


class TestGuard:
    def test_it_says_what_stands_behind_it(self, guard: Callable[..., Guard]) -> None:
        """The mode, who is asked, where it is recorded and for which agents are there in words."""
        text = shown(guard(GRANTS, approver=Inbox(wait=5))).text
        for words in ("enforce", "Inbox(wait=5)", ":memory:", "marketing, press"):
            assert words in text

    def test_it_says_that_nobody_is_asked_and_nothing_sent(self, guard: Callable[..., Guard]) -> None:
        """Without an approver, in a rehearsal, and while it is stopped, it says so."""
        rehearsing = guard(GRANTS, mode="rehearse")
        rehearsing.ledger.stop("too many complaints", by="Hannah")
        text = shown(rehearsing).text
        for words in ("nobody", "rehearse", "Every write was stopped by Hannah", "too many complaints"):
            assert words in text


class TestGrants:
    def test_it_is_the_matrix(self, catalog: Catalog) -> None:
        """Each agent's level in each area is there as a word, and what narrows it below."""
        seen = shown(Grants.from_dict(GRANTS, catalog=catalog))
        words = seen.text.split()
        assert words[:4] == ["Agent", "books", "members", "posters"]
        assert words[4:12] == ["marketing", "write", "off", "off", "press", "off", "off", "full"]
        assert "marketing, books: only the shelf Crime" in seen.text

    def test_without_agents(self, catalog: Catalog) -> None:
        """Grants of nobody say so."""
        assert "Nobody" in shown(Grants({}, catalog)).text


class TestApprovals:
    def test_a_card_shows_all_that_a_terminal_does(self) -> None:
        """Title, rows and warning are there, each text the same as in the terminal's card."""
        card = Card("Burn shelf 1", (("Agent", "marketing"), ("Books", "3")), "It cannot be taken back.")
        text = shown(card).text
        for words in ("Burn shelf 1", "Agent", "marketing", "Books", "3", "It cannot be taken back."):
            assert words in text

    def test_a_request_says_until_when(self) -> None:
        """The question shows its card, its name in the ledger, and until when an answer counts."""
        text = shown(request(Card("Burn shelf 1"), expires_at=1_772_443_800.0)).text
        assert "Burn shelf 1" in text
        assert "a1b2c3" in text
        assert "2026-03-02 09:30 UTC" in text
        assert "until" not in shown(request(Card("Burn shelf 1"))).text


class TestLedger:
    def test_a_row_a_call(self, guard: Callable[..., Guard], job: Any, sender: Any) -> None:
        """Each call's sentence is there, and its outcome as a word, not as a colour alone."""
        writing = guard({"books": "write"})
        writing.run(job("rename_book"), sender)
        writing.run(job("burn_book"), sender)
        text = shown(writing.ledger).text
        for one in writing.ledger.entries():
            assert one.sentence in text
        assert {"done", "refused"} <= set(text.split())

    def test_an_empty_one_says_so(self, guard: Callable[..., Guard]) -> None:
        """Nothing on record is no empty table."""
        assert "No calls on record" in shown(guard(GRANTS).ledger).text

    def test_of_many_the_newest(self, guard: Callable[..., Guard]) -> None:
        """A long ledger shows its newest calls, oldest first, and says how many there are in all."""
        ledger = guard(GRANTS).ledger
        for count in range(25):
            ledger.stop(f"reason {count}", by="Hannah")
        seen = shown(ledger)
        assert "The newest 20 of 25 calls" in seen.text
        assert re.findall(r"reason (\d+)", seen.text) == [str(count) for count in range(5, 25)]

    def test_an_entry(self) -> None:
        """One entry shows its sentence, when it began, and its name."""
        one = entry(outcome="done", is_write=True)
        text = shown(one).text
        for words in (one.sentence, "2026-03-02 09:30:00 UTC", "e1"):
            assert words in text

    @pytest.mark.parametrize("values", [{"outcome": "unknown"}, {"decision": "waiting"}, {"decision": "expired"}, {}])
    def test_any_state_has_a_word(self, values: dict[str, Any]) -> None:
        """Whatever became of a call, there is a word for it."""
        one = replace(entry(), **values)
        assert one.verdict() in shown(one).text
