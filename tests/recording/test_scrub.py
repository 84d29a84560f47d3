"""Nothing private is left: secrets planted wherever they can hide are gone, and the same stands for the same."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_tools.recording import LeakError
from ac_tools.recording import _words as words
from ac_tools.recording._leaks import check
from ac_tools.recording._scrub import HOST, REMOVED, Scrubber
from ac_tools.recording._secret import Secret
from ac_tools.recording._stand_ins import StandIns, form_of

ACCOUNT = "lindqvist-interiors.api-us1.com"
KEY = "9f3c/e81a+77b2=c05d4e6f708192a3b4c5d6e7"
URL = f"https://{ACCOUNT}/api/3"

PRIVATE = {
    "name": "Maria",
    "other name": "Lindqvist",
    "japanese name": "山田太郎",
    "hindi name": "प्रिया",
    "address": "maria.lindqvist@interiors-of-lund.se",
    "phone": "+46 (0)70-123 45 67",
    "plain phone": "4670123456",
    "street": "Kungsgatan 5, 111 43 Stockholm",
    "tag": "VIP-customers of 2019",
    "hash": "8af5aa00112233448af5aa0011223344",
    "uuid": "3e59c1d2-77aa-4c1b-9d0e-5b6a7c8d9e0f",
    "ip": "83.251.12.7",
    "ipv6": "2a00:1450:4010:c05::65",
    "url": "https://interiors-of-lund.se/staff/maria?from=crm",
    "birthday": "1980-05-12",
    "amount": "1,560,000.50",
    "zone": "Europe/Stockholm",
}


def scrubber(*own: str, key: str = KEY, host: str = ACCOUNT) -> Scrubber:
    return Scrubber(host, key, secret=b"secret", own=own)


def text_of(scrubbed: Any) -> str:
    return json.dumps(scrubbed, ensure_ascii=False)


def assert_gone(secret: str, scrubbed: Any, *, shortest: int = 4) -> None:
    text = scrubbed if isinstance(scrubbed, str) else text_of(scrubbed)
    assert secret.casefold() not in text.casefold()
    assert quote(secret).casefold() not in text.casefold()
    for part in re.findall(r"\w{4,}", secret):
        if len(part) >= shortest and not words.is_word(part) and part != "https":
            assert part.casefold() not in text.casefold(), part


PLACES = {
    "a value": lambda secret: {"contact": {"firstName": secret}},
    "a key": lambda secret: {"currencies": {secret: {"total": "1"}}},
    "a key of a record": lambda secret: {"contact": {"id": "1", secret: "1"}},
    "a custom field": lambda secret: {"fieldValues": [{"field": "1", "value": secret}]},
    "a list in a custom field": lambda secret: {"fieldValue": {"value": f"||{secret}||{secret}||"}},
    "a nested list": lambda secret: {"a": [[[{"b": [secret]}]]]},
    "a text in a text": lambda secret: {"tag": {"description": f"Ask {secret} first."}},
    "JSON in a text": lambda secret: {"params": json.dumps({"who": secret})},
    "HTML in a text": lambda secret: {"note": f"<b>{secret}</b>&nbsp;"},
    "links": lambda secret: {"links": {"owner": f"{URL}/users/email/{quote(secret, safe='')}"}},
    "the query of a link": lambda secret: {"links": {"owner": f"{URL}/contacts?search={quote(secret)}&limit=2"}},
    "the name of a query": lambda secret: {"links": {"owner": f"{URL}/contacts?{quote(secret)}=1"}},
    "a link elsewhere": lambda secret: {"links": {"owner": f"https://elsewhere.se/{quote(secret)}"}},
    "a message": lambda secret: {"message": f"No Result found for Subscriber {secret}"},
    "an error": lambda secret: {"errors": [{"title": f"«{secret}» exists already", "detail": secret}]},
    "a list of errors": lambda secret: {"errors": [f"Field {secret} is required", secret]},
    "a failed import": lambda secret: {"failureReasons": [{"contact": 0, "failureReason": f"{secret} is bad"}]},
    "an id": lambda secret: {"contact": {"id": secret}},
    "a date": lambda secret: {"contact": {"cdate": secret, "unknowndate": secret}},
    "a word of the API": lambda secret: {"field": {"type": secret, "status": secret}},
    "the name of a tag": lambda secret: {"tag": {"tag": secret, "tagType": "contact"}},
    "in capitals": lambda secret: {"contact": {"email": secret.upper()}, "message": secret.upper()},
    "no object at all": lambda secret: secret,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [*PRIVATE, "key", "account"])
def test_no_secret_stays_anywhere(kind, place):
    """Whatever is private is gone from wherever it stood, as a whole and in its parts."""
    secret = {**PRIVATE, "key": KEY, "account": ACCOUNT}[kind]
    if kind == "birthday" and place == "a date":
        pytest.skip("a date in a date of the account's own work is no secret")
    scrubbed = scrubber().json(PLACES[place](secret))
    assert_gone(secret, scrubbed)
    body = scrubber().response(200, {}, json.dumps(PLACES[place](secret)).encode())["body"]["string"].decode()
    assert_gone(secret, json.dumps(json.loads(body), ensure_ascii=False))


@pytest.mark.parametrize("number", [4670123456, 46701234567.0, 15600000])
def test_numbers_that_are_somebodys_are_replaced(number):
    """A phone or an amount that comes as a number is replaced by another number."""
    scrubbed = scrubber().json({"fieldValue": number, "phone": number, "anything": [number]})
    assert str(int(number)) not in text_of(scrubbed)
    assert all(isinstance(value, int) for value in (scrubbed["fieldValue"], scrubbed["phone"]))


def encodings(key: str) -> dict[str, str]:
    raw = key.encode()
    return {
        "plain": key,
        "upper": key.upper(),
        "percent": quote(key, safe=""),
        "all percent": "".join(f"%{byte:02X}" for byte in raw),
        "all percent, lower": "".join(f"%{byte:02x}" for byte in raw),
        "twice percent": quote(quote(key, safe=""), safe=""),
        "JSON": json.dumps(key)[1:-1].replace("/", "\\/"),
        "all escaped": "".join(f"\\u{byte:04x}" for byte in raw),
        "HTML": key.replace("/", "&#x2F;").replace("+", "&#43;"),
        **{f"base64 after {n}": base64.b64encode(b"x" * n + raw + b"tail").decode() for n in range(4)},
        "url-safe base64": base64.urlsafe_b64encode(b"user:" + raw).decode(),
    }


@pytest.mark.parametrize("how", encodings(KEY))
def test_the_key_is_found_in_every_encoding(how):
    """However the key is written, it is found, and what held it is replaced whole."""
    written = encodings(KEY)[how]
    assert Secret(KEY).is_in(f"before {written} after")
    scrubbed = scrubber().json({"message": f"Bad key {written}!", "contact": {"firstName": written, written: 1}})
    assert written not in text_of(scrubbed)
    assert scrubbed["message"] == REMOVED
    assert not Secret(KEY).is_in(text_of(scrubbed))


def test_a_key_in_the_form_of_an_id_is_removed_all_the_same():
    """What would stay anywhere else is removed where it is the key."""
    one = scrubber(key="123456789")
    link = f"{URL}/contacts/123456789"
    assert one.json({"contact": {"id": "123456789", "links": link}}) == {"contact": {"id": REMOVED, "links": REMOVED}}


def test_a_tag_whose_name_is_a_number_is_no_id():
    """Under the key that holds a tag's id elsewhere, a tag has its name."""
    scrubbed = scrubber().json({"tag": {"tag": "5551234", "tagType": "contact"}, "contactTag": {"tag": "5551234"}})
    assert scrubbed["tag"]["tag"] != "5551234"
    assert scrubbed["contactTag"]["tag"] == "5551234"


def test_the_key_is_shown_by_nothing():
    """Neither the secret nor what looks for it can be read from its repr."""
    assert KEY not in repr(Secret(KEY))
    assert KEY not in repr(scrubber())


def test_requests_and_headers_hold_nothing_private():
    """Of a request's address, query and body and of the headers only what is the API's own stays."""
    made = scrubber().request(
        "PUT",
        f"{URL}/contacts/46/{KEY}",
        [("email", PRIVATE["address"]), ("filters[search]", "Maria"), (KEY, "1"), ("limit", "20"), ("listid", "3")],
        json.dumps({"contact": {"email": PRIVATE["address"], "phone": PRIVATE["phone"]}}).encode(),
    )
    headers = {
        "content-type": "application/json",
        "x-request-id": PRIVATE["uuid"],
        "retry-after": "30",
        "ratelimit-limit": "5",
        "x-ac-error": f"Code 9001 for {PRIVATE['address']}",
        "set-cookie": f"PHPSESSID={KEY}",
        "x-user": PRIVATE["name"],
        "date": "Mon, 02 Mar 2026 09:00:00 GMT",
    }
    answered = scrubber().response(200, headers, b"{}")
    for secret in (*PRIVATE.values(), KEY, ACCOUNT):
        assert_gone(secret, text_of([made, {**answered, "body": ""}]))
    assert made["uri"].startswith(f"https://{HOST}/api/3/contacts/46/")
    assert made["uri"].endswith("limit=20&listid=3")
    assert set(answered["headers"]) == {
        "Content-Type", "X-Request-Id", "Retry-After", "Ratelimit-Limit", "X-Ac-Error"
    }  # fmt: skip
    assert answered["headers"]["Content-Type"] == ["application/json"]
    assert answered["headers"]["X-Ac-Error"][0].startswith("Code 9001 for person")


@pytest.mark.parametrize("header", ["Content-Type", "Retry-After", "RateLimit-Limit"])
def test_headers_of_another_form_are_emptied(header):
    """A header that is kept stays only in the form that it is known to have."""
    for value in (PRIVATE["address"], "maria/lindqvist", "text/html; maria", "Thu, 1 Jan 1970 00:00:00 GMT"):
        answered = scrubber().response(200, {header: value}, b"{}")
        assert list(answered["headers"].values()) == [[""]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>Maria Lindqvist</html>", "28 bytes of text/html"),
        (b"Maria's account is suspended", "28 bytes of text/html"),
        (b"[" * 100_000, "100000 bytes"),
        (None, "too large"),
    ],
)
def test_a_body_that_is_no_json_is_not_kept(body, says):
    """A page or a plain text may say anything, so a sentence with its size and type stands for it."""
    kept = scrubber().response(503, {"content-type": "text/html"}, body)["body"]["string"].decode()
    assert says in kept
    assert "Maria" not in kept


def test_what_is_the_apis_own_stays():
    """Keys, ids, counts, flags, dates, words of the API and the known words of a refusal can be read as they were."""
    reply = {
        "contacts": [
            {
                "cdate": "2021-03-23T06:05:24-05:00",
                "created_timestamp": "2021-03-23 06:05:24",
                "bounced_date": "0000-00-00",
                "id": "46",
                "scoreValues": [],
                "accountContacts": ["6", "7"],
                "deleted": "0",
                "email_empty": False,
                "udate": None,
                "phone": "",
            }
        ],
        "deal": {"currency": "eur", "stage": 259, "isDisabled": True, "status": "1"},
        "field": {"type": "dropdown", "ordernum": 1},
        "meta": {"total": "281", "currencies": {"EUR": {"total": "11", "currency": "EUR"}}},
        "errors": [
            {
                "title": "Email address already exists in the system",
                "code": "duplicate",
                "source": {"pointer": "/data/attributes/email"},
            }
        ],
        "message": "No Result found for CustomerAccountSubscriber with id 46123",
    }
    assert scrubber().json(reply) == reply


def test_links_keep_their_shape_at_the_made_up_host():
    """A link into the account leads to the same path at nobody's host."""
    link = f"{URL}/contacts/46/contactAutomations?limit=1000&orders%5Blastdate%5D=DESC"
    scrubbed = scrubber().json({"links": {"contactAutomations": link}})
    assert scrubbed["links"]["contactAutomations"] == link.replace(ACCOUNT, HOST)


def test_what_the_run_itself_sent_stays_readable():
    """Texts that the recorder made up stay, also in capitals and within the account's sentences."""
    own = "ac-tools record rec1 tag"
    scrubbed = scrubber(own).json({"tag": {"tag": own, "tagType": "contact"}, "message": f"«{own.upper()}» of Maria"})
    assert scrubbed == {"tag": {"tag": own, "tagType": "contact"}, "message": f"«{own.upper()}» of Text 1"}


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("address", r"person\d+@people\.example"),
        ("phone", r"\+\d\d \(\d\)\d\d-\d{3} \d\d \d\d"),
        ("hash", r"[0-9a-f]{32}"),
        ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("ip", r"203\.0\.113\.\d+"),
        ("ipv6", r"2001:db8::[0-9a-f]+"),
        ("url", r"https://site\d+\.example/x/x"),
        ("birthday", r"\d{4}-\d\d-\d\d"),
        ("amount", r"\d,\d{3},\d{3}\.\d\d"),
        ("name", r"Text \d+"),
    ],
)
def test_a_stand_in_has_the_form_of_what_it_stands_for(kind, form):
    """An address stays an address, a phone keeps its marks, a hash its length."""
    made = StandIns(b"secret").of(PRIVATE[kind])
    assert re.fullmatch(form, made)
    assert made != PRIVATE[kind]
    assert form_of(made) == form_of(PRIVATE[kind])


def test_the_same_stands_for_the_same_everywhere():
    """One address has one stand-in in a query, a body, a link, a sentence and a key, whatever its case."""
    one, address = scrubber(), PRIVATE["address"]
    made = one.json({"email": address})["email"]
    request = one.request("GET", f"{URL}/contacts", [("email", address.upper())], None)
    assert quote(made) in request["uri"]
    assert one.json({"errors": [f"The address {address.title()}, is taken."]})["errors"][0].count(made) == 1
    assert one.json({"links": f"{URL}/users/email/{quote(address)}"})["links"].endswith(quote(made, safe=""))
    assert list(one.json({address: 1})) == [made]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=60, unique_by=str.casefold))
def test_different_texts_stay_different(texts):
    """No two texts are given the same stand-in, and no text stands for itself."""
    stand_ins = StandIns(b"secret")
    made = [stand_ins.of(text) for text in texts]
    replaced = [text for text in texts if text.strip() and not text.startswith("||")]
    assert len({stand_ins.of(text) for text in replaced}) == len(replaced)
    assert made == [stand_ins.of(text) for text in texts]


def test_stand_ins_cannot_be_undone_by_trying():
    """Two runs with secrets of their own give the same phone other digits."""
    assert StandIns(b"one").of(PRIVATE["phone"]) != StandIns(b"two").of(PRIVATE["phone"])


KEYS = st.sampled_from(sorted(words.known_keys())) | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)
SECRETS = st.sampled_from([*PRIVATE.values(), KEY])


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, Any]:
    """Any JSON with a secret somewhere in it: as a value, as a key, within a text, or in a list."""
    secret = draw(SECRETS.filter(lambda text: form_of(text) != "date"))
    around = st.sampled_from(["{}", "a {} b", "x={}", "«{}»", "\n{}\n", "<p>{}</p>"])
    inner: Any = draw(around).format(secret)
    for _ in range(draw(st.integers(1, 5))):
        name = draw(KEYS)
        inner = draw(
            st.sampled_from([{name: inner}, [inner], {secret: draw(JSON), name: inner}, {name: [draw(JSON), inner]}])
        )
    return secret, inner


@given(planted())
def test_no_json_leaks_what_was_planted_in_it(case):
    """In whatever JSON a secret stands, it is gone, and the form of the JSON is as before."""
    secret, value = case
    one = scrubber()
    scrubbed = one.json(value)
    assert_gone(secret, scrubbed, shortest=5)  # four digits may come by chance
    assert shape(scrubbed) == shape(value)
    check({"any.yaml": "interactions:\n" + json.dumps(scrubbed, indent=1)}, one, ACCOUNT)


def shape(value: Any) -> Any:
    """The form of JSON: how many keys, how long the lists, and which types."""
    if isinstance(value, dict):
        return [shape(each) for each in value.values()]
    if isinstance(value, list):
        return [shape(each) for each in value]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


LEAKS = {
    "the key": (KEY, "the API key"),
    "the key in base64": (base64.b64encode(b"a:" + KEY.encode()).decode(), "the API key"),
    "the key in a query": (quote(KEY, safe=""), "the API key"),
    "the host": (ACCOUNT.upper(), "host or name"),
    "the account's name": ("lindqvist-interiors.activehosted.com", "host or name"),
    "an address": (PRIVATE["address"].upper(), "to be replaced"),
    "a phone": (PRIVATE["phone"], "to be replaced"),
    "a name": ("x Maria y", "to be replaced"),
    "a name in escapes": (json.dumps(PRIVATE["japanese name"]), "to be replaced"),
    "a name in a query": (quote(PRIVATE["japanese name"]), "to be replaced"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_last_look_finds_what_slipped_through(leak):
    """Should anything private be in a text in spite of all, it is not written, and the error shows the place alone."""
    one = scrubber()
    one.json(list(PRIVATE.values()))
    text, what = LEAKS[leak]
    with pytest.raises(LeakError, match=what) as caught:
        check({"tags.yaml": f"version: 1\ninteractions:\n- uri: x\n  string: |-\n    {text}\n"}, one, ACCOUNT)
    assert "tags.yaml" in str(caught.value)
    assert text not in str(caught.value)
    if what != "the API key":
        assert "line 5" in str(caught.value)


@pytest.mark.parametrize("name", ["contact", "Single", "application", "Unauthorized", "OK", "Text", "2021", "yes"])
def test_the_last_look_is_not_disturbed_by_ordinary_words(name):
    """A tag whose name is a word of every cassette keeps nobody from recording."""
    one = scrubber()
    scrubbed = one.json({"tag": {"tag": name, "tagType": "contact"}})
    frame = "interactions:\n- request:\n    headers: {Content-Type: [application/json]}\n  status: OK Unauthorized\n"
    check({"tags.yaml": frame + json.dumps({"type": "single", **scrubbed})}, one, ACCOUNT)


def test_the_last_look_is_not_disturbed_by_an_id_that_is_also_an_amount():
    """A number that is replaced in one place and an id in another keeps nobody from recording."""
    one = scrubber()
    link = f"{URL}/deals/1560000/contact"
    scrubbed = one.json({"value": "1560000", "id": 1560000, "links": link, "message": "No Result with id 1560000"})
    check({"deals.yaml": "\ninteractions:\n" + json.dumps(scrubbed)}, one, ACCOUNT)
    assert scrubbed["value"] != "1560000"


@pytest.mark.parametrize("key", ["mpp_tracking", "last_click_date", "contactTags", "last_contact_status"])
def test_keys_of_the_apis_words_are_known(key):
    """A key that the API could have is kept, since it is worth knowing."""
    assert words.is_key(key)


@pytest.mark.parametrize("key", ["Maria", "maria_lindqvist", "a@b.se", "", "VIP", "contact Maria", "x" * 80])
def test_other_keys_are_not(key):
    """A key that could be a name is none of the API's."""
    assert not words.is_key(key)
