"""The audit reads as plain English, and finds what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ac_guardrails import Decision, Request


def sentence_of(guard: Any) -> str:
    return str(guard.ledger.entries()[-1].sentence)


def raising(error: Exception) -> Any:
    def reply(request: Any) -> Any:
        raise error

    return reply


YES = Decision.approve(by="Anna Berg")
DECISIONS = {
    "allowed": ("rename_book", {}, None, "allowed, done."),
    "no access": (
        "mail_members",
        {},
        None,
        "refused (marketing has no access to members; mail_members needs members: full).",
    ),
    "too low": (
        "burn_book",
        {"books": "write"},
        None,
        "refused (marketing has books: write; this call of burn_book needs books: full).",
    ),
    "approved": ("burn_book", {}, lambda request: YES, "approved by Anna Berg, done."),
    "edited": (
        "burn_book",
        {},
        lambda request: Decision.edit({"title": "Emma"}, by="Anna Berg"),
        "edited by Anna Berg, done.",
    ),
    "rejected": (
        "burn_book",
        {},
        lambda request: Decision.reject("Not today.", by="Anna Berg"),
        "rejected by Anna Berg (Not today).",
    ),
    "rejected without a word": (
        "burn_book",
        {},
        lambda request: Decision.reject(by="Anna Berg"),
        "rejected by Anna Berg.",
    ),
    "nobody to ask": (
        "burn_book",
        {},
        None,
        "refused (A person must agree to this, and the guard has no approver to ask).",
    ),
    "no answer": (
        "burn_book",
        {},
        lambda request: None,
        "refused (The approver answered with NoneType instead of a Decision, which counts as no).",
    ),
}


@pytest.mark.parametrize(("tool", "areas", "approver", "words"), DECISIONS.values(), ids=DECISIONS.keys())
def test_every_decision_has_a_sentence(
    guard: Any, job: Any, sender: Any, tool: str, areas: Any, approver: Any, words: str
) -> None:
    """Who asked for what, where, and what was decided, with the reason."""
    opened = guard({"books": "full", **areas}, approver=approver)
    opened.run(job(tool, args={"title": "Emma"}), sender)
    verb = tool.split("_")[0]
    assert sentence_of(opened) == f"marketing asked to {verb} the book Emma in library.example: {words}"


def test_every_outcome_has_a_sentence(guard: Any, job: Any, sender: Any, account_error: Any) -> None:
    """What became of an allowed call, in words that need no manual."""
    opened = guard()
    for book, outcome in enumerate(("not_sent", "refused", "unknown"), 2):
        sender.reply = raising(account_error(outcome, "The shelf is locked."))
        opened.run(job("rename_book", args={"book": book}, more=(Request("PUT", "/books/2"),)), sender)
    sender.reply = lambda request: (
        raising(account_error("refused", "The shelf is locked."))(request) if request.path == "/books/2" else {}
    )
    opened.run(job("rename_book", more=(Request("PUT", "/books/2"),)), sender)
    assert [entry.verdict() for entry in opened.ledger.entries()] == [
        "allowed, nothing was sent (The shelf is locked)",
        "allowed, the account refused it (The shelf is locked)",
        "allowed, nobody knows yet whether it happened (the shelf does not show it)",
        "allowed, a part of it was done (The shelf is locked)",
    ]


def test_a_question_that_waits_has_a_sentence(guard: Any, job: Any, sender: Any) -> None:
    """While a person is asked, the entry says that it waits, and can be found by that."""
    seen: list[Any] = []

    def look(request: Any) -> Decision:
        seen.extend(opened.ledger.entries(state="waiting"))
        return YES

    opened = guard(approver=look)
    opened.run(job("burn_book"), sender)
    (entry,) = seen
    until = datetime.fromtimestamp(entry.expires_at, UTC)
    assert entry.verdict() == f"waiting for a person (until {until:%Y-%m-%d %H:%M:%SZ})"
    assert opened.ledger.entries(state="waiting") == []


def test_entries_can_be_chosen_by_agent_state_and_time(
    guard: Any, job: Any, sender: Any, clock: Any, account_error: Any
) -> None:
    """The filters combine; a time can be given in seconds or as a datetime, and is inclusive."""
    both = {"agents": {"marketing": {"books": "full"}, "sales": {"books": "read"}}}
    opened = guard(both, clock=clock)
    opened.run(job("rename_book"), sender)
    clock.now += 100
    opened.run(job("get_book", agent="sales"), sender)
    sender.reply = raising(account_error("unknown"))
    opened.run(job("rename_book"), sender)
    ledger = opened.ledger
    assert [entry.agent for entry in ledger.entries()] == ["marketing", "sales", "marketing"]
    assert [entry.tool for entry in ledger.entries(agent="sales")] == ["get_book"]
    assert ledger.entries(agent="sale") == []
    assert [entry.outcome for entry in ledger.entries(state="unknown")] == ["unknown"]
    assert len(ledger.entries(state="closed")) == 2
    for since in (clock.now, datetime.fromtimestamp(clock.now, UTC)):
        assert len(ledger.entries(since=since)) == 2
        assert len(ledger.entries(since=since, agent="marketing")) == 1
    assert ledger.entries(since=clock.now + 1) == []
    assert ledger.entries()[1].at == datetime.fromtimestamp(clock.now, UTC)


def test_a_state_that_does_not_exist_is_an_error(guard: Any) -> None:
    """A misspelt state is not an empty answer."""
    with pytest.raises(ValueError, match="'wating' is no state\\. Use waiting, open, unknown or closed"):
        guard().ledger.entries(state="wating")


def test_after_the_values_are_gone_the_sentence_has_ids(guard: Any, job: Any, sender: Any) -> None:
    """Without its payload an entry still says who did what to which record."""
    opened = guard(payloads="none")
    opened.run(job("rename_book", args={"book": 7, "title": "Emma"}), sender)
    assert sentence_of(opened) == "marketing asked to rename book 7 in library.example: allowed, done."


def test_the_real_tools_leave_readable_sentences(toolkit: Any, run: Any) -> None:
    """A tool of the product, called by an agent, leaves one sentence with names, and an intact chain."""
    run(toolkit, "ac_create_field", title="Shirt size", type="text")
    run(toolkit, "ac_delete_contact", contact=46)
    entries = toolkit.guard.ledger.entries()
    host = toolkit.account.host
    assert (
        entries[0].sentence
        == f"marketing asked to create the custom field «Shirt size» (text) in {host}: allowed, done."
    )
    assert entries[1].sentence.startswith("marketing asked to delete contact 46")
    assert entries[1].sentence.endswith(f" in {host}: approved by anna, done.")
    assert toolkit.guard.ledger.verify() == ""
