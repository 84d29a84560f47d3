"""Reading and cleaning the leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from ac_tools.cli._demo._leads import read_leads
from ac_tools.cli._shipped import shipped

HEADER = "email,first_name,last_name,phone,interest,consent,notes\n"


@pytest.fixture
def leads(tmp_path: Path):
    def read(*rows: str):
        file = tmp_path / "leads.csv"
        file.write_text(HEADER + "\n".join(rows), encoding="utf-8")
        return read_leads(file)

    return read


def test_every_row_of_the_shipped_file_is_accounted_for():
    """People, duplicates, malformed rows and rows without consent add up to the 300 rows of the file."""
    leads = read_leads(shipped("leads.csv"))
    assert leads.rows == 300
    assert len(leads.people) + leads.repeated + leads.malformed + leads.refused == 300
    assert 251 <= len(leads.people) <= 500, "the import is meant to take two requests"
    assert len({lead.email for lead in leads.people}) == len(leads.people)


def test_a_no_in_any_row_outweighs_a_yes(leads):
    """Somebody who agreed once and said no later is not imported."""
    found = leads("a@x.example,A,,,,yes,", "A@x.example ,A,,,,no,by phone only", "b@x.example,B,,,,1,")
    assert [lead.email for lead in found.people] == ["b@x.example"]
    assert (found.refused, found.repeated) == (2, 0)
    assert found.others[0].notes == "by phone only"


@pytest.mark.parametrize("consent", ["", "?", "maybe", "no", "0"])
def test_only_a_clear_yes_is_consent(leads, consent):
    """What is no clear yes is no consent."""
    assert not leads(f"a@x.example,A,,,,{consent},").people


def test_one_person_stays_of_several_rows(leads):
    """Rows that differ in case and spaces are one person; the first row's name counts, all notes are kept."""
    found = leads("a@x.example,Ann,,,,yes,first", " A@X.example,Anna,,,,TRUE,second", "a@x.example,,,,,1,first")
    (lead,) = found.people
    assert (lead.first_name, lead.notes, found.repeated) == ("Ann", "first; second", 2)


def test_what_is_no_phone_number_is_left_out(leads):
    """A number that a spreadsheet or a person spoilt is not sent; one in any usual form is, as it was written."""
    found = leads("a@x.example,A,,4.94067E+11,,yes,", "b@x.example,B,,-,,yes,", "c@x.example,C,,0176 04069098,,yes,")
    assert [lead.fields().get("phone") for lead in found.people] == [None, None, "0176 04069098"]


def test_names_are_composed(leads):
    """A name in decomposed letters is sent in composed ones."""
    (lead,) = leads("a@x.example,Ame\u0301lie,,,,yes,").people
    assert lead.first_name == "Am\u00e9lie"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,consent\nA,yes\n", "no column email"),
        (b"", "no column"),
        (b"email,consent\n\xff\xfe,yes\n", "no CSV file"),
    ],
)
def test_a_file_that_is_none_is_told_so(tmp_path, content, says):
    """A file without the columns, or in another encoding, is refused in words."""
    file = tmp_path / "leads.csv"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_leads(file)
