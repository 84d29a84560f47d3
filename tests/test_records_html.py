"""What a notebook shows of records and pages: what the account said, and never what it made of that."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from ac_tools import ActiveCampaign, ActiveCampaignToolkit
from ac_tools._pages import Page
from ac_tools._records import Contact, Deal, MailingList, Record, Tag

HOSTILE = '<script>alert(1)</script> " onload="x" \u202eevil\u202c \x1b[2J'


class Seen(HTMLParser):
    """What a browser makes of it: the elements with their attributes, the rows, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "
        if self.rows:
            self.rows[-1].append(data)


def seen(thing: Any) -> Seen:
    """What the notebook shows; it is checked to be harmless first."""
    found = Seen(thing._repr_html_())
    assert found.tags <= {
        "div",
        "p",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "strong",
        "small",
        "ul",
        "li",
    }
    assert found.attributes <= {"style", "class"}
    assert not [char for char in found.text if char in "\u202e\u202c\x1b"]
    return found


def page_of(model: type[Record], *rows: dict[str, Any], total: int | None = None) -> Page[Record]:
    records = tuple(model.from_wire(row) for row in rows)
    return Page(records, total, 0, 20, None)


@pytest.mark.parametrize("many", [False, True])
def test_hostile_values_are_text(many: bool) -> None:
    """What stands in a field is shown as it is written, and turns no line."""
    row = {"id": "1", "email": HOSTILE, "firstName": HOSTILE}
    found = seen(page_of(Contact, row) if many else Contact.from_wire(row))
    assert "<script>alert(1)</script>" in found.text
    assert "\ufffd" in found.text


def test_hostile_names_of_fields_are_not_shown() -> None:
    """Only the fields that we know are shown; others are counted."""
    found = seen(Tag.from_wire({"id": "1", "tag": "VIP", "<script>": "x", "_repr_html_": "y"}))
    assert "VIP" in found.text
    assert "script" not in found.text
    assert "2 more in .wire" in found.text


def test_long_text_is_cut() -> None:
    """A text without end fills neither a page's cell nor a record's."""
    row = {"id": "1", "title": "x" * 10**6}
    assert len(Deal.from_wire(row)._repr_html_()) < 3000
    assert len(page_of(Deal, row)._repr_html_()) < 3000


def test_a_record_is_its_fields() -> None:
    """Each field with a value has a row under the name that a program uses; values are readable."""
    contact = Contact.from_wire({"id": "7", "firstName": "Zoë", "deleted": "0", "cdate": "2024-02-28T07:04:13-06:00"})
    rows = seen(contact).rows
    assert ["id", "7"] in rows
    assert ["first_name", "Zoë"] in rows
    assert ["deleted", "no"] in rows
    assert ["created_at", "2024-02-28 07:04 -06:00"] in rows
    assert not [row for row in rows if row[0] == "phone"]


def test_an_empty_record_says_so() -> None:
    """A record of which the account said nothing is no empty table."""
    assert "empty" in seen(Tag.from_wire({})).text


def test_a_page_is_a_table() -> None:
    """A row a record, a column a field that any of them has, and how many there are in all."""
    rows = {"id": "1", "tag": "VIP"}, {"id": "2", "tag": "Trade", "description": "Resellers"}
    found = seen(page_of(Tag, *rows, total=9))
    assert found.rows == [["id", "name", "description"], ["1", "VIP"], ["2", "Trade", "Resellers"]]
    assert "Tag: 2 of 9" in found.text


def test_an_empty_page_says_so() -> None:
    """A page without records is no empty table."""
    assert "No records" in seen(page_of(Tag, total=0)).text


def test_secrets_of_the_account_are_not_shown() -> None:
    """Credentials that the account sends along with a list are in no display, and neither is our key."""
    row = {"id": "1", "name": "Newsletter", "twitter_token": "s3cret", "facebook_session": "s3cret"}
    assert "s3cret" not in MailingList.from_wire(row)._repr_html_()
    assert "s3cret" not in page_of(MailingList, row)._repr_html_()


def test_what_tools_give_is_shown(toolkit: ActiveCampaignToolkit, account: ActiveCampaign, run: Any) -> None:
    """The artifacts of the sandbox's answers are shown, a page with its total and a contact with its address."""
    page = run(toolkit, "ac_list_contacts", limit=3).artifact
    found = seen(page)
    assert f"Contact: 3 of {page.total}" in found.text
    assert len(found.rows) == 1 + 3
    assert page.items[0].email in found.text
    assert account.simulator.key not in seen(toolkit.guard).text
