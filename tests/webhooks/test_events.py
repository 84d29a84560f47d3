"""What a body says: forms as PHP writes them, typed, and within bounds whatever was sent."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_tools.sandbox._others import EVENTS as LISTED
from ac_tools.webhooks import EVENTS, BodyError, Event, parse, parse_form

PERSON = [
    ("contact[id]", "3"),
    ("contact[email]", "jo@example.com"),
    ("contact[first_name]", "John"),
    ("contact[last_name]", "Wick"),
    ("contact[phone]", ""),
    ("contact[ip]", "0.0.0.0"),
    ("contact[tags]", "tag1, tag2"),
    ("contact[customer_acct_name]", ""),
    ("contact[orgname]", ""),
]


def told(kind: str, *pairs: tuple[str, str]) -> Any:
    common = [("date_time", "2024-02-28T07:04:13-06:00"), ("initiated_from", "admin"), ("list", "0")]
    return parse(urlencode([("type", kind), *common, *pairs]).encode())


def test_a_captured_body_is_read() -> None:
    """The captured body of a tag: who, which tag, when, and who did it."""
    event = told("contact_tag_added", *PERSON, ("customer_acct_id", "0"), ("tag", "tag2"))
    assert (event.type, event.tag, event.initiated_from, event.list_id) == ("contact_tag_added", "tag2", "admin", None)
    assert (event.contact.id, event.contact.email, event.contact.tags) == ("3", "jo@example.com", ("tag1", "tag2"))
    assert event.date_time.isoformat() == "2024-02-28T07:04:13-06:00"
    assert event.wire["contact"]["ip"] == "0.0.0.0"
    assert "jo@" not in repr(event), "what a log shows names nobody"


@pytest.mark.parametrize(
    ("value", "raw", "cents"),
    [
        ("1,044,055.00", "1044055", 104405500),
        ("0.99", "0.99", 99),
        ("12", "12", 1200),
        ("1.044.055,00", "1044055", 104405500),
        ("much", "", None),
        ("9" * 400, "9" * 400, None),
    ],
)
def test_money_is_in_cents(value: str, raw: str, cents: int | None) -> None:
    """Webhooks tell major units, records cents: what is read is always cents, or nothing."""
    event = told("deal_update", ("deal[id]", "7"), ("deal[value]", value), ("deal[value_raw]", raw))
    assert event.deal.value == cents


def test_fields_keep_their_ids() -> None:
    """Custom fields come by id or by personalization tag, and neither is taken for a place in a list."""
    event = told("update", *PERSON, ("contact[fields][7]", "||a||b||"), ("contact[fields][job_title]", "Head"))
    assert event.contact.fields == {"7": "||a||b||", "job_title": "Head"}


def test_lists_are_read_however_they_are_told() -> None:
    """`list` is an id, a list of lists, or a list's own data, by event."""
    assert told("unsubscribe", ("list[][id]", "4"), ("list[][id]", "5")).lists[1].id == "5"
    assert parse(b"type=unsubscribe&list=4").list_id == "4"
    assert parse(b"type=subscribe&list=4").list_id == "4"
    assert parse(b"type=list_add&list[id]=4&list[name]=News").mailing_list.name == "News"
    update = told("deal_update", ("updated_fields[0]", "value"), ("updated_fields[]", "title"))
    assert update.updated_fields == ("value", "title")


def test_every_known_event_has_a_model() -> None:
    """The 25 that the account lists and the five that documents name elsewhere are typed; others are read whole."""
    further = {"contact_task_add", "account_add", "account_update", "account_contact_add", "account_contact_update"}
    assert set(EVENTS) == set(LISTED) | further
    assert len(EVENTS) == len(set(EVENTS.values())) == 30
    for kind, model in EVENTS.items():
        assert type(parse(f"type={kind}&contact[id]=x&deal=1&list[]=2".encode())) is model
    other = parse(b"type=brand_new&thing[id]=1")
    assert type(other) is Event
    assert other.wire["thing"] == {"id": "1"}


@pytest.mark.parametrize("kind", [*EVENTS, "brand_new"])
@given(pairs=st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=8))
def test_nothing_in_a_form_makes_reading_fail(kind: str, pairs: dict[str, str]) -> None:
    """Whatever the keys and values, a form within the bounds is read."""
    blocks = ("contact", "deal", "campaign", "list", "account", "note", "task", "sms", "updated_fields")
    names = [
        (f"{blocks[n % len(blocks)]}[{name}]" if n % 3 else name, value)
        for n, (name, value) in enumerate(pairs.items())
    ]
    body = urlencode([*names, ("type", kind)], errors="replace").encode()
    assert parse(body).type == kind


def hostile() -> Iterator[Any]:
    yield pytest.param(b"a=" + b"x" * 100_000_000, 413, id="100 MB")
    yield pytest.param(b"contact" + b"[a]" * 10_000 + b"=1", 400, id="10,000 deep")
    yield pytest.param(b"contact" + b"[" * 400_000, 400, id="open brackets")
    yield pytest.param(b"&".join(b"a%d[b]=1" % n for n in range(40_000)), 413, id="40,000 fields")
    yield pytest.param(b"&" * 499_999, 413, id="ampersands")
    yield pytest.param(b"%5B" * 160_000 + b"=1", 400, id="encoded brackets")
    yield pytest.param(b"type=update&" + b"a[4999]=&" + b"a[]=1&" * 4_900, 200, id="counting on")
    yield pytest.param(b"type=update&" + b"%f0" * 160_000 + b"=", 400, id="no text")
    yield pytest.param(b"type=update&deal[value]=" + b"9" * 450_000, 200, id="a number of 450,000 digits")
    yield pytest.param(b"\x00\xff" * 240_000, 400, id="bytes")
    yield pytest.param(b"", 400, id="nothing")


@pytest.mark.parametrize(("body", "status"), list(hostile()))
def test_hostile_bodies_cost_little(body: bytes, status: int) -> None:
    """Whatever is sent, reading it takes less than a second of work and 40 MB (measured at most: 0.1 s and 37 MB)."""
    tracemalloc.start()
    began = time.process_time()
    try:
        parse(body)
        answered = 200
    except BodyError as error:
        answered = error.status
    spent, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answered == status
    assert spent < 1.0
    assert most < 40_000_000


def test_only_forms_are_read() -> None:
    """JSON and multipart are refused by their type, in any spelling; no type at all counts as a form."""
    assert parse_form(b"a=1", "Application/X-WWW-Form-Urlencoded; charset=utf-8") == {"a": "1"}
    for other in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        with pytest.raises(BodyError) as refused:
            parse(b"type=update", other)
        assert refused.value.status == 415
