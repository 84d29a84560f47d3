"""Rows 37 to 39 and 41 to 44, without their defences."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from ac_guardrails import Ledger
from ac_guardrails import _grants as grants
from ac_guardrails import _text as texts
from ac_guardrails._record import Record
from ac_tools import (
    ActiveCampaign,
    ActiveCampaignToolkit,
    ImportContacts,
    _account,
    _answers,
    _credentials,
    _exchange,
    _http,
)
from ac_tools.tools import _base, _names
from ac_tools.tools._base import ActiveCampaignTool
from ac_tools.tools._call import Call
from ac_tools.tools._endpoint import NOUNS
from ac_tools.tools._job import ToolJob

from .common import Removal, at, every, nobody_decides


def _key_of(account: Any) -> str:
    return account._key.get_secret_value()


def _loud(patch: pytest.MonkeyPatch) -> None:
    """Everything prints what it holds."""
    made = ActiveCampaignTool.__init__

    def init(self: Any, **kwargs: Any) -> None:
        made(self, **kwargs)
        self.metadata = {"key": _key_of(kwargs["account"])}

    patch.setattr(SecretStr, "__repr__", lambda self: self.get_secret_value())
    patch.setattr(ActiveCampaign, "__repr__", lambda self: f"ActiveCampaign({_key_of(self)})")
    patch.setattr(ActiveCampaignToolkit, "__repr__", lambda self: repr(vars(self)))
    patch.setattr(ActiveCampaignTool, "__init__", init)


def _pickled(patch: pytest.MonkeyPatch) -> None:
    from ac_guardrails import Guard

    patch.setattr(ActiveCampaign, "__reduce__", lambda self: (str, (_key_of(self),)))
    patch.setattr(Guard, "__reduce__", lambda self: (str, ("guard",)))


def _unclean(patch: pytest.MonkeyPatch) -> None:
    for module in (_answers, _exchange, _http):
        patch.setattr(module, "clean", lambda text, secrets=(): text)
    patch.setattr(_http, "_failure", lambda problem, key: _http.Failure(True, False, str(problem)))


def _careless_frames(patch: pytest.MonkeyPatch) -> None:
    begun = ActiveCampaign._begin

    def begin(self: Any, request: Any, permit: Any) -> Any:
        key = _key_of(self)
        assert key
        return begun(self, request, permit)

    patch.setattr(ActiveCampaign, "_begin", begin)


def _logged(self: Any, request: Any) -> Any:
    key = self._key.get_secret_value()
    logging.getLogger("careless").debug("sending with %s", key)
    request.headers["Api-Token"] = key
    yield request


def _in_the_url(self: Any, request: Any) -> Any:
    key = self._key.get_secret_value()
    request.headers["Api-Token"] = key
    request.url = request.url.copy_merge_params({"api_key": key})
    yield request


def _follows_redirects(patch: pytest.MonkeyPatch) -> None:
    made = _http.Clients.__init__

    def following(self: Any, **options: Any) -> None:
        made(self, **options)
        self._options["follow_redirects"] = True

    patch.setattr(_http.Clients, "__init__", following)


def _says_names(patch: pytest.MonkeyPatch) -> None:
    made = ToolJob._action

    def action(self: Any, call: Any, request: Any) -> Any:
        action = made(self, call, request)
        return replace(action, what=action.plain)

    patch.setattr(ToolJob, "_action", action)


def _bare(text: str, *, limit: int = 200) -> str:
    return text


_ANY_PATH = at(_account, "_PATH", re.compile(r"[\s\S]*"))
_ALL_READABLE = at(Call, "may_read", lambda self, area: True)
_K = "test_leaks_key."
_D = "test_leaks_data."

REMOVALS = [
    Removal(f"{_K}test_row_37_nothing_that_can_be_printed_shows_the_key", "the discretion of reprs", _loud),
    Removal(f"{_K}test_row_37_a_pickle_has_no_key", "the refusal to be pickled", _pickled),
    Removal(f"{_K}test_row_37_an_echoed_key_goes_nowhere", "the cleaning of texts", _unclean),
    Removal(
        f"{_K}test_row_37_a_traceback_with_every_local_has_no_key", "the SecretStr in our frames", _careless_frames
    ),
    Removal(f"{_K}test_row_37_logs_and_traces_have_no_key", "the silence", at(_http._Token, "auth_flow", _logged)),
    Removal(
        f"{_K}test_row_37_the_key_is_in_no_url_and_no_body", "the header", at(_http._Token, "auth_flow", _in_the_url)
    ),
    Removal(f"{_K}test_row_37_a_redirect_does_not_carry_the_key_away", "the refusal of redirects", _follows_redirects),
    Removal(f"{_K}test_row_38_a_redirect_is_not_followed", "the refusal of redirects", _follows_redirects),
    Removal(
        f"{_K}test_row_38_only_https_to_the_very_host_is_taken",
        "the check of the URL",
        at(_credentials, "_url_fault", lambda *_: ""),
    ),
    Removal(
        f"{_K}test_row_38_loopback_may_be_plain", "the exception", at(_credentials, "_is_loopback", lambda name: False)
    ),
    Removal(f"{_K}test_row_38_a_path_cannot_name_another_host", "the pattern of paths", _ANY_PATH),
    Removal(f"{_D}test_row_39_events_hold_no_values", "the two sentences", _says_names),
    Removal(
        f"{_D}test_row_39_events_hold_no_digest_that_can_be_guessed",
        "the salt",
        at(Record, "_salted", lambda self, value: str(value)[:32]),
    ),
    Removal(f"{_D}test_row_39_values_expire_from_the_whole_file", "the purge", at(Ledger, "_purge", lambda *_: 1)),
    Removal(
        f"{_D}test_row_41_an_import_needs_a_grant_in_every_area_it_touches",
        "the further needs",
        at(ImportContacts, "needs", lambda self, call: (self.endpoint.need,)),
    ),
    Removal(f"{_D}test_row_41_only_binds_an_import_too", "the narrowing", at(grants, "_outside_only", lambda *_: None)),
    Removal(f"{_D}test_row_42_a_contact_shows_nothing_of_areas_that_may_not_be_read", "the stripping", _ALL_READABLE),
    Removal(f"{_D}test_row_42_nor_do_other_answers", "the stripping", _ALL_READABLE),
    Removal(
        f"{_D}test_row_43_an_unknown_name_shows_no_candidates_of_a_closed_area",
        "the question which names may be shown",
        at(_names, "readable_nouns", lambda readable: frozenset(NOUNS)),
    ),
    Removal(
        f"{_D}test_row_43_a_name_of_a_closed_area_is_not_even_looked_up",
        "the needs of references",
        at(_base, "foreign_needs", lambda args, area: ()),
    ),
    Removal(
        f"{_D}test_row_44_what_outsiders_wrote_is_marked_as_data",
        "the marks",
        at(texts.quoted, "__code__", _bare.__code__),
    ),
    Removal(f"{_D}test_row_44_outsiders_text_cannot_close_its_marks", "their protection", at(texts, "_MARKS", {})),
    Removal(
        f"{_D}test_row_44_outsiders_text_cannot_close_its_marks",
        "the cleaning",
        every(at(texts, "_harmless", lambda char: char)),
    ),
    Removal(f"{_D}test_row_44_an_agent_that_obeys_a_contact_meets_the_same_guard", "the decision", nobody_decides),
]
