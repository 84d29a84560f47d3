"""Explaining a call: what is said of it is what the guard does, and what would allow it does so."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_guardrails import Decision, Explanation, Grants, Guard, InvalidCall, Level, Need
from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._catalog import AREAS, catalog

LEVELS = st.sampled_from(["off", "read", "write", "full"])
LIMITS = [{"people_per_day": 1}, {"people_per_day": 1, "over": "ask"}, {"calls_per_hour": 9}]
ONLY = {"lists": {"list": ["Newsletter"]}, "tags": {"tag": ["VIP", "C#"]}, "automations": {"automation": ["Win-back"]}}
KINDS = {"allowed": "allow", "waiting": "ask", "rejected": "ask", "deny": "deny", "refused": "deny"}


@st.composite
def areas(draw: st.DrawFn) -> dict[str, Any]:
    """Grants of one agent: a level in each area, some of them narrowed, limited, ended, or asking."""
    found: dict[str, Any] = {}
    for area in AREAS:
        more: dict[str, Any] = {"access": draw(LEVELS)}
        if area in ONLY and draw(st.integers(0, 3)) == 0:
            more["only"] = ONLY[area]
        more |= draw(st.sampled_from([{}, {}, {}, {"ask": "writes"}, {"until": "2020-01-01"}, *LIMITS]))
        if area == "deals" and draw(st.booleans()):
            more["amount_at_most"] = {"USD": draw(st.sampled_from([1000, 2000]))}
        if draw(st.integers(0, 7)):
            found[area] = more
    return found


def toolkit_of(account: ActiveCampaign, grants: dict[str, Any], **options: Any) -> ActiveCampaignToolkit:
    data = Grants.from_dict({"agents": {"marketing": grants}}, catalog=catalog)
    guard = Guard(data, **{"ledger": "memory:", **options})
    return ActiveCampaignToolkit(account=account, guard=guard, agent="marketing")


@pytest.fixture
def explained(account: Any) -> Any:
    def explain(tool: str, arguments: dict[str, Any], **grants: Any) -> Explanation:
        return toolkit_of(account, grants).explain(tool, arguments)

    return explain


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(grants=areas(), data=st.data())
@pytest.mark.filterwarnings("ignore::ac_guardrails.GrantsWarning")
def test_what_is_said_is_what_the_guard_does(account: Any, valid: Any, grants: dict[str, Any], data: Any) -> None:
    """What is explained as denied is denied; as allowed or asked about, it is so unless something is still open."""
    toolkit = toolkit_of(account, grants, approver=lambda request: Decision.reject(by="anna"), mode="rehearse")
    for _ in range(6):
        name = data.draw(st.sampled_from(sorted(valid)))
        args = data.draw(st.sampled_from(valid[name]))
        explanation = toolkit.explain(name, args)
        toolkit.get_tool(name).invoke({"type": "tool_call", "id": "c", "name": name, "args": args})
        entry = toolkit.guard.ledger.entries()[-1]
        done = "ask" if entry.decision == "rejected" else KINDS[entry.decision]
        if explanation.verdict.denied:
            assert done == "deny", (name, args, str(explanation))
        elif not explanation.later and entry.outcome != "nothing":
            assert done == explanation.verdict.kind, (name, args, str(explanation), entry.sentence)
    toolkit.guard.ledger.close()


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(grants=areas(), data=st.data())
@pytest.mark.filterwarnings("ignore::ac_guardrails.GrantsWarning")
def test_what_would_allow_it_does(account: Any, valid: Any, grants: dict[str, Any], data: Any) -> None:
    """With what it says to write, the levels suffice; and without a part of it, they do not."""
    for area in grants.values():
        area.pop("until", None)
    name = data.draw(st.sampled_from(sorted(valid)))
    before = toolkit_of(account, grants).explain(name, valid[name][0])
    change = yaml.safe_load(before.change) if before.change else {"agents": {"marketing": {}}}
    assert bool(before.missing) == bool(before.change)
    written = change["agents"]["marketing"]
    for area, entry in written.items():
        level = entry if isinstance(entry, str) else entry["access"]
        grants = {**grants, area: {**grants.get(area, {}), "access": level}}
    after = toolkit_of(account, grants).explain(name, valid[name][0])
    assert not after.missing
    assert {need.area for need in before.missing} == set(written)


def test_a_denied_call_names_its_rule_and_what_is_missing(explained: Any) -> None:
    """Where the level is too low it says so, with what is needed, what there is, and what to write."""
    found = explained("ac_delete_contact", {"contact": 7}, contacts="read")
    assert found.verdict.kind == "deny"
    assert found.missing == (Need("contacts", Level.FULL),)
    assert [(needed.need, needed.has) for needed in found.needs] == [(Need("contacts", Level.FULL), Level.READ)]
    assert found.change == "agents:\n  marketing:\n    contacts: full"
    assert str(found).startswith("marketing may not delete contact 7.\n")
    assert "a person agrees to each such call" in str(found)


def test_every_need_is_listed(explained: Any) -> None:
    """A call that touches several areas says what each of them needs, also after the first that is not granted."""
    args = {"contacts": [{"email": "a@b.example", "tags": ["x"]}], "subscribe": ["Newsletter"]}
    found = explained("ac_import_contacts", args, contacts="full", tags="read")
    assert [str(needed.need) for needed in found.needs] == ["contacts: full", "lists: write", "tags: write"]
    assert [str(need) for need in found.missing] == ["lists: write", "tags: write"]


def test_what_only_the_account_knows_is_said_to_be_open(explained: Any) -> None:
    """Where reading could raise what is needed, or tell a name, it says so and what would follow."""
    args = {"contact": 59, "list": 1, "status": "subscribe"}
    only = {"list": ["Newsletter"]}
    found = explained("ac_set_list_status", args, lists={"access": "full", "only": only, "people_per_day": 5})
    raised, named, limit = found.later
    assert "re-subscribes someone who opted out" in raised
    assert raised.endswith("then a person is asked.")
    assert "the list Newsletter" in named
    assert "1 of at most 5 people per day" in limit
    lower = explained("ac_set_list_status", args, lists="write")
    assert lower.later[0].endswith("then it is denied, because marketing does not have that.")


@pytest.mark.parametrize(("said", "kind"), [("Newsletter", "allow"), ("newsletter", "allow"), ("Trade news", "deny")])
def test_names_are_judged_as_far_as_they_tell(explained: Any, said: str, kind: str) -> None:
    """A name is inside of `only` or outside of it, without a look into the account."""
    found = explained("ac_get_list", {"list": said}, lists={"access": "read", "only": {"list": ["Newsletter"]}})
    assert (found.verdict.kind, found.later) == (kind, ())


def test_a_name_beside_ids_is_left_open(explained: Any) -> None:
    """Whether a name is the record that the grants give by id, only the account knows; and the other way round."""
    for said, allowed in (("Newsletter", 1), (1, "Newsletter"), ("1", "Newsletter")):
        found = explained("ac_get_list", {"list": said}, lists={"access": "read", "only": {"list": [allowed]}})
        assert (found.verdict.kind, len(found.later)) == ("allow", 1)
    for said, allowed in ((1, 1), ("1", 1)):
        found = explained("ac_get_list", {"list": said}, lists={"access": "read", "only": {"list": [allowed]}})
        assert (found.verdict.kind, found.later) == ("allow", ())
    found = explained("ac_get_list", {"list": 2}, lists={"access": "read", "only": {"list": [1]}})
    assert found.verdict.denied


def test_amounts_are_judged_as_far_as_they_tell(explained: Any) -> None:
    """Where the arguments say the amount and its currency the limit is applied; half of it is left open."""
    deal = {"title": "Desks", "contact": 46, "stage": "New"}
    grants = {"deals": {"access": "write", "amount_at_most": {"EUR": 5000}}}
    for amount, currency, kind in (("5000", "EUR", "allow"), ("5000.01", "EUR", "deny"), ("1", "USD", "deny")):
        found = explained("ac_create_deal", {**deal, "amount": amount, "currency": currency}, **grants)
        assert (found.verdict.kind, found.later) == (kind, ())
    half = explained("ac_update_deal", {"deal": 27, "amount": "9000"}, **grants)
    assert half.later == ("Whether its amount is within the limit is known once the record is read.",)
    assert explained("ac_update_deal", {"deal": 27, "title": "Desks"}, **grants).later == ()


def test_an_ended_grant_is_told_from_a_missing_one(explained: Any) -> None:
    """It says when the grant ended, and that it takes a later day, not a higher level."""
    found = explained("ac_get_deal", {"deal": 1}, deals={"access": "read", "until": "2020-01-01"})
    assert "its grant ended on 2020-01-01" in str(found)
    assert "it was 2020-01-01" in found.change
    assert "access: read" in found.change


def test_nothing_is_asked_of_the_account(wire: Any, toolkit_for: Any) -> None:
    """No request is made and nothing is put on record, whatever is explained."""
    toolkit = toolkit_for()
    toolkit.explain("ac_add_tag", {"contact": "maria@lindqvist-interiors.example", "tag": "VIP"})
    assert wire.exchanges == []
    assert toolkit.guard.ledger.entries() == []


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ac_delete_contac", {}, "Did you mean 'ac_delete_contact'?"),
        ("ac_delete_contact", {"contct": 7}, "has no argument 'contct'. Did you mean 'contact'?"),
        ("ac_list_tags", {"zzz": 7}, "It takes limit, offset, search"),
        ("ac_delete_contact", {}, "'contact' is required"),
        ("ac_delete_contact", {"contact": 7.5}, "7.5 names no contact"),
    ],
)
def test_what_cannot_be_a_call_is_an_error(explained: Any, tool: str, arguments: dict[str, Any], said: str) -> None:
    """A tool or an argument that is none is an error with the nearest name."""
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        explained(tool, arguments, contacts="full")
    assert isinstance(caught.value, InvalidCall) == (tool in ("ac_delete_contact", "ac_list_tags"))


def test_no_line_is_wider_than_a_terminal(explained: Any, valid: Any) -> None:
    """What it says of any call fits 100 columns, and holds nothing that could move the cursor."""
    for name, calls in valid.items():
        for args in calls:
            for grants in ({}, dict.fromkeys(AREAS, "full"), {"lists": {"access": "read", "only": ONLY["lists"]}}):
                text = str(explained(name, args, **grants))
                assert max(map(len, text.splitlines())) <= 100, text
                assert text.replace("\n", "").isprintable()
