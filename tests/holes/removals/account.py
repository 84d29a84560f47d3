"""Rows 22 and 27 to 36, without their defences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from ac_guardrails import Answer, Level, Need, Request
from ac_tools import (
    CreateList,
    ImportContacts,
    RemoveFromAutomation,
    RemoveTag,
    SetListStatus,
    _answers,
    _exchange,
    _http,
    _pages,
    _walk,
)
from ac_tools._exchange import Exchange
from ac_tools._pace import Pace
from ac_tools._records import ContactAutomation, ContactTag
from ac_tools.tools import _arguments, _names, _render, imports, lists, tags
from ac_tools.tools import _call as calls
from ac_tools.tools import _job as jobs
from ac_tools.tools._arguments import Arguments
from ac_tools.tools._render import content, records

from .common import Removal, at, every, nobody_is_asked, unknown_arguments_are_dropped


def _unsure(patch: pytest.MonkeyPatch) -> None:
    for kind in (httpx.ConnectError, httpx.ConnectTimeout):
        patch.setitem(_http.MEANING, kind, (True, True))


def _blind(self: Any, call: Any) -> Any:
    """Subscribe without looking where the contact stands."""
    call.facts["was"] = "unknown"
    return None
    yield


def _first_row(key: str, record: Any) -> Any:
    def look(self: Any, call: Any) -> Any:
        reply = yield Request("GET", f"/contacts/{call.id(call.args.contact)}/{key}")
        call.facts["association"] = int(records(reply, key, record)[0].id)

    return look


def _by(name: str, path: str) -> Any:
    return lambda self, call: Request("DELETE", f"{path}/{call.id(getattr(call.args, name))}")


def _lists_unread(call: Any) -> Any:
    call.seen["lists"] = {ref: str(ref) for ref in (*(call.args.subscribe or ()), *(call.args.unsubscribe or ()))}
    return
    yield


def _unread(call: Any) -> Any:
    return
    yield


_NO_NEEDS = at(ImportContacts, "needs", lambda self, call: (self.endpoint.need,))
_NOBODY_ASKS_WHETHER_IT_MAILS = every(
    at(CreateList, "needs", lambda self, call: (Need("lists", Level.WRITE),)),
    at(lists, "look_at_list", _unread),
    at(imports, "_look_at_lists", _lists_unread),
)
_BARE_CARDS = every(
    *(at(tool, "rows", lambda self, call: ()) for tool in (CreateList, SetListStatus, ImportContacts)),
    at(jobs, "argument_rows", lambda arguments: ()),
)


def _with_nulls(self: Any) -> dict[str, Any]:
    return dict(self._resolved(self.args.model_dump(by_alias=True)))


def _cent(value: Any) -> Any:
    return 1


def _tireless(patch: pytest.MonkeyPatch) -> None:
    made = Exchange.__init__

    def init(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **{**options, "retries": 10**6})

    patch.setattr(Exchange, "__init__", init)
    patch.setattr(_exchange, "_backoff", lambda tried: 0.0001)


def _repeats_writes(patch: pytest.MonkeyPatch) -> None:
    made = Exchange.__init__

    def init(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        self._request = replace(self._request, method="GET")

    patch.setattr(Exchange, "__init__", init)
    patch.setattr(_exchange, "_backoff", lambda tried: 0.0001)


def _uncut(reply: Any, key: str, record: Any, line: Any, call: Any, view: Any = None) -> Answer:
    items = records(reply, key, record)
    page = _pages.Page.of(items, reply.data, limit=call.args.limit or 20, offset=call.args.offset or 0)
    return Answer(content(*(line(item) for item in items), page.hint()), page)


def _trusting_feed(self: Any, message: Any) -> Any:
    items = message.artifact.items
    self._done = not items
    yield from items


def _believed(data: Any) -> Any:
    return lambda *_, **__: (data, None)


def _any_answer(problem: Exception, key: Any) -> _http.Answer:
    return _http.Answer(200, {}, b"")


_A = "test_account."
_B = "test_account_answers."
_TAG = {"contactTag": {"id": "1", "contact": "46", "tag": "3"}}
_MISSING = ("a list", "an empty object", "something else", "an empty record")

REMOVALS = [
    Removal(
        "test_twice.test_row_22_a_refused_connection_is_tried_again_and_happens_once", "the meaning of errors", _unsure
    ),
    Removal("test_twice.test_row_22_an_account_that_is_not_there_was_sent_nothing", "the meaning of errors", _unsure),
    Removal("test_twice.test_row_22_a_name_that_does_not_resolve_was_sent_nothing", "the meaning of errors", _unsure),
    Removal(
        f"{_A}test_row_27_bringing_back_who_opted_out_needs_full_access",
        "the look at the membership",
        at(SetListStatus, "look", _blind),
    ),
    Removal(
        f"{_A}test_row_27_bringing_back_who_bounced_needs_full_access",
        "the look at the membership",
        at(SetListStatus, "look", _blind),
    ),
    Removal(f"{_A}test_row_27_a_person_sees_when_and_why_they_left", "the card", _BARE_CARDS),
    Removal(f"{_A}test_row_27_a_person_sees_that_their_mail_came_back", "the card", _BARE_CARDS),
    Removal(
        f"{_A}test_row_27_no_other_tool_takes_a_status",
        "the refusal of unknown arguments",
        unknown_arguments_are_dropped,
    ),
    Removal(f"{_A}test_row_27_an_import_always_asks_and_says_who_stays_out", "the question", nobody_is_asked),
    Removal(
        f"{_A}test_row_28_an_untag_takes_the_association_of_this_contact_and_tag",
        "the use of the association's id",
        at(RemoveTag, "build", _by("tag", "/contactTags")),
    ),
    Removal(
        f"{_A}test_row_28_the_model_cannot_name_an_association",
        "the refusal of unknown arguments",
        unknown_arguments_are_dropped,
    ),
    Removal(
        f"{_A}test_row_28_somebody_elses_association_is_not_taken",
        "the comparison of the row",
        every(
            at(RemoveTag, "look", _first_row("contactTags", ContactTag)),
            at(RemoveFromAutomation, "look", _first_row("contactAutomations", ContactAutomation)),
        ),
    ),
    Removal(
        f"{_A}test_row_28_an_unenrolment_takes_the_run_of_this_contact",
        "the use of the run's id",
        at(RemoveFromAutomation, "build", _by("automation", "/contactAutomations")),
    ),
    Removal(
        f"{_A}test_row_29_automations_are_off_unless_asked_for",
        "the exclusion",
        lambda patch: _include_automations(patch),
    ),
    Removal(f"{_A}test_row_29_running_automations_needs_their_own_grant", "the further needs", _NO_NEEDS),
    Removal(f"{_A}test_row_29_a_person_sees_how_many_people_which_lists_which_automations", "the card", _BARE_CARDS),
    Removal(
        f"{_A}test_row_30_what_mails_by_itself_counts_as_reaching_people",
        "the question whether it mails",
        _NOBODY_ASKS_WHETHER_IT_MAILS,
    ),
    Removal(f"{_A}test_row_30_a_person_is_told_that_it_mails", "the card", _BARE_CARDS),
    Removal(f"{_A}test_row_31_null_is_absent", "the omission of null", at(calls.Call, "wire", _with_nulls)),
    Removal(
        f"{_A}test_row_32_what_is_no_amount_of_whole_cents_is_refused",
        "the reading of amounts",
        at(_arguments._cents, "__code__", _cent.__code__),
    ),
    Removal(
        f"{_A}test_row_32_major_units_leave_as_whole_cents",
        "the reading of amounts",
        at(_arguments._cents, "__code__", _cent.__code__),
    ),
    Removal(f"{_A}test_row_32_cents_cannot_be_said", "the refusal of unknown arguments", unknown_arguments_are_dropped),
    Removal(
        f"{_B}test_row_34_never_more_than_the_budget_in_any_second",
        "the pace",
        at(Pace, "try_acquire", lambda self: 0.0),
    ),
    Removal(
        f"{_B}test_row_34_a_429_holds_everyone_back", "the common pause", at(Pace, "pause", lambda self, seconds: None)
    ),
    Removal(
        f"{_B}test_row_34_a_wait_that_is_too_long_is_told",
        "the reading of Retry-After",
        at(_exchange, "_retry_after", lambda text: None),
    ),
    Removal(
        f"{_B}test_row_34_a_wait_that_means_nothing_is_our_own",
        "the suspicion of Retry-After",
        at(_exchange, "_retry_after", lambda text: float(text)),
    ),
    Removal(f"{_B}test_row_34_a_storm_ends", "the bound on attempts", _tireless),
    Removal(f"{_B}test_row_34_a_write_that_met_a_503_is_not_sent_again", "the care with writes", _repeats_writes),
    Removal(
        f"{_B}test_row_35_a_page_is_at_most_a_hundred",
        "the bounds of arguments",
        at(Arguments, "model_validate", classmethod(lambda cls, raw: cls.model_construct(**{**raw, "limit": 1000}))),
    ),
    Removal(
        f"{_B}test_row_35_a_page_says_that_there_is_more",
        "the doubt about totals",
        at(_pages, "total_of", lambda data: 10),
    ),
    Removal(
        f"{_B}test_row_35_an_account_that_sends_more_than_was_asked_is_cut", "the cut", at(tags, "page_answer", _uncut)
    ),
    Removal(f"{_B}test_row_35_a_name_is_not_looked_for_for_ever", "the bound", at(_names, "_MOST_ROWS", 10**9)),
    Removal(
        f"{_B}test_row_35_a_walk_over_repeated_pages_ends",
        "the end at a page with nothing new",
        at(_walk.Pages, "feed", _trusting_feed),
    ),
    Removal(
        f"{_B}test_row_36_a_200_that_is_no_success_is_not_reported_as_one",
        "the reading of answers",
        every(at(_exchange, "read_answer", _believed(_TAG)), at(_http, "_failure", _any_answer)),
    ),
    Removal(
        f"{_B}test_row_36_a_200_that_is_no_success_is_not_reported_as_one",
        "the insistence on the record",
        at(tags, "one", lambda reply, key, record: record.from_wire({})),
        _MISSING,
    ),
    Removal(
        f"{_B}test_row_36_an_unreadable_page_is_not_an_empty_one",
        "the reading of answers",
        every(at(_exchange, "read_answer", _believed({"tags": []})), at(_http, "_failure", _any_answer)),
    ),
    Removal(
        f"{_B}test_row_36_an_unreadable_membership_brings_nobody_back",
        "the insistence on the collection",
        at(_render, "collection", records),
    ),
    Removal(
        f"{_B}test_row_36_json_under_another_label_is_json",
        "the indifference to labels",
        at(_answers, "_parse", lambda body: (None, "it is labelled as a page")),
    ),
]


def _include_automations(patch: pytest.MonkeyPatch) -> None:
    made = imports.requests_for
    patch.setattr(imports, "requests_for", lambda people, *, exclude: made(people, exclude=False))
