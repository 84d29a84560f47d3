"""A grants file says exactly what it means, or is an error that points at the word."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ac_guardrails import Catalog, Grants, GrantsError, GrantsWarning, Level

Load = Callable[[str | bytes], Grants]


@pytest.fixture
def load(tmp_path: Path, catalog: Catalog) -> Load:
    def read(text: str | bytes) -> Grants:
        path = tmp_path / "grants.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Grants.from_file(path, catalog=catalog)

    return read


def under(lines: str) -> str:
    """Lines that stand below the agent "marketing"; the first is line 3 of the file."""
    return "agents:\n  marketing:\n" + "\n".join(f"    {line}" for line in lines.split("\n")) + "\n"


WRONG = {
    "area": ("boks: read", 3, 5, "unknown area 'boks'. Did you mean 'books'?"),
    "area that nothing resembles": ("xyz: read", 3, 5, "Valid here: books, members, posters."),
    "level": ("books: reed", 3, 12, "unknown level 'reed'. Did you mean 'read'?"),
    "level in capitals": ("books: Read", 3, 12, "unknown level 'Read'. Did you mean 'read'?"),
    "yes": ("books: yes", 3, 12, "unknown level 'yes'. Valid here: off, read, write, full."),
    "on": ("books: on", 3, 12, "unknown level 'on'."),
    "no": ("books: no", 3, 12, "unknown level 'no'."),
    "false": ("books: false", 3, 12, "unknown level 'false'."),
    "number": ("books: 2", 3, 12, "unknown level '2'."),
    "nothing": ("books:", 3, 11, "unknown level"),
    "list": ("books: [read]", 3, 12, "unknown level 'a list'."),
    "repeated area": (
        "books: read\nbooks: full",
        4,
        5,
        "'books' stands here a second time (first: grants.yaml, line 3",
    ),
    "key": ("books: {acces: read}", 3, 13, "unknown key 'acces' under books. Did you mean 'access'?"),
    "no access": ("books: {ask: writes}", 3, 12, "books needs 'access': off, read, write or full."),
    "repeated key": ("books: {access: read, access: full}", 3, 27, "'access' stands here a second time"),
    "anchor": ("books: &all full", 3, 12, "anchors and aliases are not allowed"),
    "merge": ("books:\n  access: read\n  <<: {access: full}", 5, 7, "merge keys ('<<') are not allowed"),
    "complex key": ("? [books]\n: read", 3, 7, "a key must be plain text."),
    "noun": ("books: {access: read, only: {shelve: [1]}}", 3, 34, "cannot name 'shelve'. Did you mean 'shelf'?"),
    "noun elsewhere": (
        "members: {access: read, only: {shelf: [1]}}",
        3,
        36,
        "'only' under members cannot name 'shelf'",
    ),
    "only nothing": ("books: {access: read, only: {shelf: []}}", 3, 41, "an empty list of shelfs allows nothing"),
    "only empty": ("books: {access: read, only: {}}", 3, 33, "'only' names nothing."),
    "only a list": ("books: {access: read, only: [Crime]}", 3, 33, "must be a mapping of names to values, not a list"),
    "only a mapping": ("books: {access: read, only: {shelf: {a: b}}}", 3, 41, "a name or an id is expected here"),
    "only a float": ("books: {access: read, only: {shelf: [7.0]}}", 3, 42, "not 7.0"),
    "only a bool": ("books: {access: read, only: {shelf: [true]}}", 3, 42, "not true"),
    "only a date": ("books: {access: read, only: {shelf: [2026-01-01]}}", 3, 42, "Put names in quotation marks."),
    "only null": ("books: {access: read, only: {shelf: [~]}}", 3, 42, "not ~"),
    "until words": ("books: {access: read, until: soon}", 3, 34, "'until' takes a day such as 2026-12-31, not soon."),
    "until a time": ("books: {access: read, until: 2026-12-31 10:00:00}", 3, 34, "'until' takes a day"),
    "until no day": ("books: {access: read, until: 2026-02-30}", 3, 34, "cannot read '2026-02-30' as the timestamp"),
    "until number": ("books: {access: read, until: 2026}", 3, 34, "'until' takes a day"),
    "ask": (
        "books: {access: write, ask: write}",
        3,
        33,
        "'ask' takes 'writes' or tools of books. Did you mean 'writes'?",
    ),
    "ask tool": ("books: {access: write, ask: [burn_bok]}", 3, 34, "Did you mean 'burn_book'?"),
    "ask elsewhere": ("books: {access: write, ask: [mail_members]}", 3, 34, "'ask' takes 'writes' or tools of books."),
    "ask nothing": ("books: {access: write, ask: []}", 3, 33, "an empty list asks about nothing"),
    "no people": ("books: {access: write, people_per_day: 0}", 3, 44, "a whole number of people, 1 or more"),
    "negative people": ("books: {access: write, people_per_day: -1}", 3, 44, "not -1"),
    "true people": ("books: {access: write, people_per_day: true}", 3, 44, "not true"),
    "half people": ("books: {access: write, people_per_hour: 1.5}", 3, 45, "not 1.5"),
    "text people": ("books: {access: write, people_per_hour: '5'}", 3, 45, "a whole number of people"),
    "text calls": ("books: {access: write, calls_per_hour: many}", 3, 44, "a whole number of calls, 1 or more"),
    "no calls": ("books: {access: write, calls_per_day: 0}", 3, 43, "not 0"),
    "calls a week": ("books: {access: write, calls_per_week: 5}", 3, 28, "Did you mean 'calls_per_day'?"),
    "over": ("books: {access: write, over: asks}", 3, 34, "'over' takes 'refuse' or 'ask'. Did you mean 'ask'?"),
    "over yes": (
        "books: {access: write, over: yes}",
        3,
        34,
        "'over' takes 'refuse' or 'ask'. Valid here: refuse, ask.",
    ),
    "over a list": ("books: {access: write, over: [ask]}", 3, 34, "'over' takes 'refuse' or 'ask'."),
    "amount elsewhere": (
        "members: {access: write, amount_at_most: {EUR: 5}}",
        3,
        30,
        "unknown key 'amount_at_most' under members.",
    ),
    "amount of all": (
        "books: {access: write, amount_at_most: 5000}",
        3,
        44,
        "'amount_at_most' takes an amount by currency, such as {EUR: 5000}, not 5000.",
    ),
    "amount of none": ("books: {access: write, amount_at_most: {}}", 3, 44, "not a mapping"),
    "amount in capitals": ("books: {access: write, amount_at_most: {eur: 5}}", 3, 45, "'eur' is no currency."),
    "amount in words": ("books: {access: write, amount_at_most: {EUR: '5'}}", 3, 50, "not 5."),
    "amount of nothing": ("books: {access: write, amount_at_most: {EUR: 0}}", 3, 50, "above 0 and below"),
    "amount below nothing": ("books: {access: write, amount_at_most: {EUR: -1}}", 3, 50, "not -1"),
    "amount true": ("books: {access: write, amount_at_most: {EUR: true}}", 3, 50, "not true"),
    "amount infinite": ("books: {access: write, amount_at_most: {EUR: .inf}}", 3, 50, "not .inf"),
    "amount no number": ("books: {access: write, amount_at_most: {EUR: .nan}}", 3, 50, "not .nan"),
    "address": ("members: {access: read, only: {domain: a@b.example}}", 3, 44, "a domain is expected here"),
    "domain of one label": ("members: {access: read, only: {domain: example}}", 3, 44, "not example."),
    "domain of all": ("members: {access: read, only: {domain: ['*.com']}}", 3, 45, "not *.com."),
    "domain in the middle": ("members: {access: read, only: {domain: [a.*.com]}}", 3, 45, "not a.*.com."),
    "domain with a space": ("members: {access: read, only: {domain: ['a b.com']}}", 3, 45, "not a b.com."),
    "domain with a sharp s": ("members: {access: read, only: {domain: faß.example}}", 3, 44, "not faß.example."),
    "domain a number": ("members: {access: read, only: {domain: 7}}", 3, 44, "not 7."),
    "domain elsewhere": ("books: {access: read, only: {domain: a.example}}", 3, 34, "cannot name 'domain'"),
    "until run together": ("books: {access: read, until: '20261231'}", 3, 34, "'until' takes a day"),
    "broken tag": ("books: {access: read, until: !!timestamp later}", 3, 34, "cannot read 'later'"),
    "foreign tag": ("books: !!python/object/apply:os.system [id]", 3, 12, "unknown level 'a list'."),
    "foreign scalar": ("books: !shell id", 3, 12, "cannot read 'id'"),
    "tab": ("books:\n\t  access: read", 4, 5, "not valid YAML: found character '\\t'"),
    "open bracket": ("books: {access: read", 4, 1, "not valid YAML"),
}


@pytest.mark.parametrize(("lines", "line", "column", "text"), WRONG.values(), ids=WRONG.keys())
def test_every_wrong_word_is_an_error_at_its_place(load: Load, lines: str, line: int, column: int, text: str) -> None:
    """A word that a grants file may not hold is an error with line, column and what would do."""
    with pytest.raises(GrantsError) as caught:
        load(under(lines))
    assert str(caught.value).startswith(f"grants.yaml, line {line}, column {column}: "), caught.value
    assert text in str(caught.value)


WHOLE = {
    "empty": ("", "grants.yaml: the file is empty. It must begin with 'agents:'."),
    "only a comment": ("# later\n", "the file is empty"),
    "a list": ("- agents\n", "line 1, column 1: The file must be a mapping of names to values, not a list."),
    "a word": ("agents\n", "line 1, column 1: The file must be a mapping of names to values, not agents."),
    "no agents": ("{}\n", "it must begin with 'agents:'."),
    "null agents": ("agents:\n", "'agents' must be a mapping"),
    "agents listed": ("agents: [marketing]\n", "'agents' must be a mapping of names to values, not a list."),
    "agent without areas": ("agents:\n  marketing:\n", "The agent 'marketing' must be a mapping"),
    "agent with a level": (
        "agents:\n  marketing: full\n",
        "line 2, column 14: The agent 'marketing' must be a mapping",
    ),
    "blank agent": ("agents:\n  ' ': {books: read}\n", "line 2, column 3: an agent needs a name."),
    "other key": ("agent: {}\n", "line 1, column 1: unknown key 'agent'. Did you mean 'agents'?"),
    "second key": ("agents: {}\nversion: 1\n", "line 2, column 1: unknown key 'version'."),
    "agent twice": ("agents:\n  m: {books: read}\n  m: {books: full}\n", "line 3, column 3: 'm' stands here a second"),
    "agents twice": ("agents: {}\nagents: {}\n", "line 2, column 1: 'agents' stands here a second time"),
    "alias": ("agents:\n  a: &x {books: read}\n  b: *x\n", "line 2, column 6: anchors and aliases are not allowed"),
    "two documents": ("agents: {}\n---\nagents: {}\n", "line 2, column 1: not valid YAML"),
    "control character": (
        "agents:\n  m: {books: re\x01ad}\n",
        "line 2, column 16: not valid YAML: the character U+0001",
    ),
    "not UTF-8": (
        "agents:\n  Zoë: {books: read}\n".encode("latin-1"),
        "not UTF-8 text (byte 12). Save the file as UTF-8.",
    ),
    "UTF-16": ("agents: {}\n".encode("utf-16"), "not UTF-8 text"),
    "very deep": ("[" * 500 + "]" * 500, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "message"), WHOLE.values(), ids=WHOLE.keys())
def test_a_file_of_the_wrong_shape_is_an_error_in_words(load: Load, text: str | bytes, message: str) -> None:
    """A file that is no mapping of agents to areas is refused, with the rule that it breaks."""
    with pytest.raises(GrantsError) as caught:
        load(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("grants.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("off", ["off", "Off", "OFF", "'off'", '"off"'])
def test_a_bare_off_is_the_level_off(load: Load, off: str) -> None:
    """YAML reads `off` as false; a grants file reads it as the level."""
    assert load(under(f"books: {off}")).level("marketing", "books") is Level.OFF


def test_a_file_with_a_byte_order_mark_loads(load: Load) -> None:
    """What Windows editors put before the text is no part of it, and moves no column."""
    assert load(b"\xef\xbb\xbf" + under("books: read").encode()).level("marketing", "books") is Level.READ
    with pytest.raises(GrantsError, match="line 1, column 1: unknown key 'agnts'"):
        load(b"\xef\xbb\xbfagnts: {}")


def test_a_missing_file_is_an_os_error(tmp_path: Path, catalog: Catalog) -> None:
    """A grants file that is not there is the operating system's error, not empty grants."""
    with pytest.raises(FileNotFoundError):
        Grants.from_file(tmp_path / "nowhere.yaml", catalog=catalog)


WHOLE_GRANT: dict[str, Any] = {
    "access": "write",
    "only": {"shelf": ["Crime", 7], "author": "Ann"},
    "until": date(2026, 12, 31),
    "ask": ["writes", "burn_book"],
    "people_per_hour": 5,
    "people_per_day": 200,
    "calls_per_hour": 1,
    "calls_per_day": 2,
    "amount_at_most": {"EUR": Decimal("5000.10"), "USD": 7},
    "over": "ask",
}
WHOLE_TEXT = """\
books:
  access: write
  only: {shelf: ["Crime", 7], author: Ann}
  until: 2026-12-31
  ask: [writes, burn_book]
  people_per_hour: 5
  people_per_day: 200
  calls_per_hour: 1
  calls_per_day: 2
  amount_at_most: {EUR: 5000.10, USD: 7}
  over: ask
members: off"""


def test_the_same_grants_from_python_and_from_a_file_are_the_same(load: Load, grants: Callable[..., Grants]) -> None:
    """`from_dict` takes the shape of the file, and both give the same grants."""
    from_file, from_dict = load(under(WHOLE_TEXT)), grants({"books": WHOLE_GRANT, "members": False})
    for area in ("books", "members"):
        one, other = from_file.grant("marketing", area), from_dict.grant("marketing", area)
        assert one is not None and other is not None
        assert replace(one, where="") == replace(other, where="")
    assert from_dict.grant("marketing", "books").only == {  # type: ignore[union-attr]
        "shelf": frozenset({"Crime", "7"}),
        "author": frozenset({"Ann"}),
    }


@pytest.mark.parametrize("until", [date(2026, 12, 31), "2026-12-31"])
def test_until_takes_a_date_or_its_text(grants: Callable[..., Grants], until: Any) -> None:
    """A day can be given as a date or as its ISO text."""
    grant = grants(books={"access": "read", "until": until}).grant("marketing", "books")
    assert grant is not None
    assert grant.until == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("areas", "message"),
    [
        ({"boks": "read"}, "agents.marketing.boks: unknown area 'boks'. Did you mean 'books'?"),
        ({"books": "reed"}, "agents.marketing.books: unknown level"),
        ({"books": True}, "agents.marketing.books: unknown level"),
        ({"books": 3}, "agents.marketing.books: unknown level"),
        ({"books": None}, "agents.marketing.books: unknown level"),
        ({"books": Level.READ}, "agents.marketing.books: unknown level"),
        ({"books": {"access": "read", "until": datetime(2026, 1, 1)}}, "agents.marketing.books.until: 'until' takes"),
        (
            {"books": {"access": "read", "only": {"shelf": [""]}}},
            "agents.marketing.books.only.shelf[0]: a name or an id",
        ),
        ({1: "read"}, "agents.marketing.1: the key 1 must be text."),
        ("full", "agents.marketing: The agent 'marketing' must be a mapping"),
    ],
)
def test_wrong_data_is_an_error_with_the_path_to_it(grants: Callable[..., Grants], areas: Any, message: str) -> None:
    """Grants from Python are checked as strictly as a file; the error has the path instead of a line."""
    with pytest.raises(GrantsError) as caught:
        grants({"agents": {"marketing": areas}})
    assert str(caught.value).startswith(message), caught.value


def test_a_level_that_opens_nothing_warns_at_the_callers_line(tmp_path: Path, catalog: Catalog) -> None:
    """`posters: write` opens no tool, so loading it warns, names the level needed, and points at who loaded it."""
    path = tmp_path / "grants.yaml"
    path.write_text(under("posters: write"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Grants.from_file(path, catalog=catalog)
        Grants.from_dict({"agents": {"m": {"posters": {"access": "read"}}}}, catalog=catalog)
    assert [w.filename for w in caught] == [__file__, __file__]
    assert all(w.category is GrantsWarning for w in caught)
    text = "grants.yaml, line 3, column 14: posters: write opens no tool; the tools of posters need full."
    assert str(caught[0].message) == text


def test_campaigns_write_warns_with_the_real_tools(guard_for: Callable[..., Any]) -> None:
    """The area whose only tool needs full says so when it is granted less."""
    with pytest.warns(GrantsWarning, match="campaigns: write opens no tool; the tools of campaigns need full"):
        guard_for({"campaigns": "write"})


def test_off_and_areas_without_tools_do_not_warn(grants: Callable[..., Grants]) -> None:
    """Only a level that was meant to open something is worth a warning."""
    assert grants(members="off", books="read").readable("marketing") == {"books"}


def test_grants_tell_which_tools_they_open(grants: Callable[..., Grants]) -> None:
    """Tools come in the catalog's order; an agent without grants has none."""
    given = grants(books="write")
    assert given.tools("marketing") == ("get_book", "rename_book", "lend_book")
    assert given.tools("nobody") == ()
    assert given.agents == ("marketing",)
