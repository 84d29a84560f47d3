"""The account and the leads that ship with the sandbox: that they hang together, and that nobody in them is real."""

import csv
import json
import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SEED = ROOT / "ac_tools" / "sandbox" / "seed.json"
LEADS = ROOT / "examples" / "data" / "leads.csv"

COLUMNS = "email,first_name,last_name,phone,company,job_title,interest,source,consent,notes"
KEYS = {
    "users": "id username email first_name last_name",
    "lists": "id name stringid sender_url sender_reminder send_last_broadcast created",
    "tags": "id tag description type created",
    "fields": "id title type perstag options",
    "accounts": "id name url",
    "pipelines": "id title currency autoassign stages",
    "automations": "id name status entered exited multientry start",
    "campaigns": "id name type status list sent",
    "segments": "id name tag",
    "contacts": "id email first_name last_name phone created account tags lists fields automations",
    "deals": "id title value currency contact account stage owner status created",
}
# Number ranges that regulators keep free for films and books, by the digits that all ways of writing them share.
FICTIONAL = "55501|2079460|7700900|4066969|3023125|8999998|17139200|176040690|8465004|7017406|3139006|19900|63998|2091"
Record = dict[str, Any]
Row = dict[str, str]


@pytest.fixture(scope="module")
def seed() -> Record:
    content: Record = json.loads(SEED.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def leads() -> list[Row]:
    with LEADS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def clean(rows: list[Row]) -> dict[str, Row]:
    """The plain cleaning that the examples assume: the first row of each person who can be and wants to be imported."""
    kept: dict[str, Row] = {}
    for row in rows:
        address = row["email"].strip().lower()
        usable = re.fullmatch(r"[^@\s]+@[a-z0-9.-]*\.[a-z0-9.-]*", address)
        if usable and row["consent"].strip().lower() in {"yes", "true", "1"}:
            kept.setdefault(address, row)
    return kept


def by_address(seed: Record) -> dict[str, Record]:
    return {each["email"].lower(): each for each in seed["contacts"]}


def with_status(seed: Record, status: int, *lists: int) -> set[str]:
    """Addresses of those who have this status on one of these lists (on any, where none is named)."""
    return {
        each["email"].lower()
        for each in seed["contacts"]
        if any(m["status"] == status and (not lists or m["list"] in lists) for m in each["lists"])
    }


def domains(text: str) -> set[str]:
    return {found.rstrip(".").lower() for found in re.findall(r"(?:@|//)([A-Za-z0-9.-]+)", text)}


def test_every_record_has_exactly_the_keys_of_its_kind(seed: Record) -> None:
    """A record of the seed has the keys that the loader reads, in one order, and an id that counts from 1."""
    for kind, keys in KEYS.items():
        assert {" ".join(each) for each in seed[kind]} == {keys}
        assert [each["id"] for each in seed[kind]] == list(range(1, len(seed[kind]) + 1))


def test_every_reference_leads_somewhere(seed: Record) -> None:
    """Whatever record names another one by its id names one that exists."""
    ids = {kind: {each["id"] for each in seed[kind]} for kind in KEYS}
    stages = {stage["id"] for each in seed["pipelines"] for stage in each["stages"]}
    for each in seed["contacts"]:
        assert each["account"] in ids["accounts"] | {None}
        assert set(each["tags"]) <= ids["tags"]
        assert {entry["list"] for entry in each["lists"]} <= ids["lists"]
        assert {entry["automation"] for entry in each["automations"]} <= ids["automations"]
        assert {int(field) for field in each["fields"]} <= ids["fields"]
    for each in seed["deals"]:
        assert each["contact"] in ids["contacts"] | {None}
        assert each["account"] in ids["accounts"] | {None}
        assert each["contact"] or each["account"]
        assert each["stage"] in stages
        assert each["owner"] in ids["users"]
    assert {each["start"].get("list", 1) for each in seed["automations"]} <= ids["lists"]
    assert {each["start"].get("tag", 1) for each in seed["automations"]} <= ids["tags"]
    assert {each["list"] for each in seed["campaigns"]} <= ids["lists"] | {None}
    assert {each["tag"] for each in seed["segments"]} <= ids["tags"] | {None}


def test_names_are_unique_whatever_their_case(seed: Record) -> None:
    """No two records of a kind share a name that tells them apart, as the account itself would insist."""
    unique = {"contacts": "email", "lists": "stringid", "tags": "tag", "fields": "title", "accounts": "name"}
    for kind, key in {**unique, "users": "email", "automations": "name", "pipelines": "title"}.items():
        counts = Counter(each[key].casefold() for each in seed[kind])
        assert [name for name, count in counts.items() if count > 1] == []
    assert not any("," in each["tag"] for each in seed["tags"])


def test_a_stage_name_alone_can_be_ambiguous(seed: Record) -> None:
    """Both pipelines have a stage called Qualified, so that a name alone does not say which."""
    titles = Counter(stage["title"] for each in seed["pipelines"] for stage in each["stages"])
    assert [title for title, count in titles.items() if count > 1] == ["Qualified"]
    assert [each["autoassign"] for each in seed["pipelines"]] == [1, 0]


def test_time_runs_forwards(seed: Record) -> None:
    """Nothing happens to people, or is sold to them, before they or the list exist, nor outside the account's life."""
    created = {each["id"]: each["created"] for each in seed["contacts"]}
    opened = {each["id"]: each["created"] for each in seed["lists"]}
    for each in seed["contacts"]:
        assert all(entry["date"] >= each["created"] for entry in each["lists"] + each["automations"])
        assert all(entry["date"] >= opened[entry["list"]] for entry in each["lists"])
    assert all(each["created"] >= created.get(each["contact"], "") for each in seed["deals"])
    assert list(created.values()) == sorted(created.values())
    days = re.findall(r'"(?:created|date|sent)": "([^"]*)"', SEED.read_text(encoding="utf-8"))
    found = [date.fromisoformat(day) for day in days]
    assert (min(found) >= date(2022, 3, 1), max(found) <= date(2026, 11, 30)) == (True, True)


def test_each_person_is_once_on_a_list_and_once_in_a_single_entry_automation(seed: Record) -> None:
    """One row for a person and a list, one run for a person and an automation that allows one entry."""
    single = {each["id"] for each in seed["automations"] if not each["multientry"]}
    for each in seed["contacts"]:
        entries = [entry["list"] for entry in each["lists"]]
        runs = [run["automation"] for run in each["automations"] if run["automation"] in single]
        assert (len(set(entries)), len(set(runs))) == (len(entries), len(runs))


def test_automation_counters_agree_with_the_people_in_them(seed: Record) -> None:
    """Entered minus exited is the number of people inside, and nobody is inside an automation that is off."""
    runs = Counter((run["automation"], run["status"]) for each in seed["contacts"] for run in each["automations"])
    for each in seed["automations"]:
        assert each["entered"] - each["exited"] == runs[each["id"], 1]
        assert each["exited"] >= runs[each["id"], 2]
    assert all(runs[each["id"], 1] == 0 for each in seed["automations"] if each["status"] == 2)
    assert all(runs[each["id"], 1] > 0 for each in seed["automations"] if each["status"] == 1)


def test_deals_agree_with_their_pipeline_contact_and_tags(seed: Record) -> None:
    """A deal has its pipeline's currency and its contact's account, and who has bought is a customer."""
    currency = {stage["id"]: each["currency"] for each in seed["pipelines"] for stage in each["stages"]}
    people = {each["id"]: each for each in seed["contacts"]}
    customer = next(each["id"] for each in seed["tags"] if each["tag"] == "Customer")
    for each in seed["deals"]:
        assert each["currency"] == currency[each["stage"]]
        assert isinstance(each["value"], int)
        if person := people.get(each["contact"]):
            assert each["account"] == person["account"]
            assert each["status"] != 1 or each["currency"] == "eur" or customer in person["tags"]
    assert {each["status"] for each in seed["deals"]} == {0, 1, 2}
    assert {each["stage"] for each in seed["deals"]} == set(currency)
    assert any(each["contact"] is None for each in seed["deals"])


def test_field_values_fit_their_fields(seed: Record) -> None:
    """A choice is among the field's options, a date is a date, a number is a number."""
    fields = {each["id"]: each for each in seed["fields"]}
    for each in seed["contacts"]:
        for key, value in each["fields"].items():
            field = fields[int(key)]
            if field["type"] in {"checkbox", "listbox"}:
                assert set(value.strip("|").split("||")) <= set(field["options"])
            elif field["type"] == "dropdown":
                assert value in field["options"]
            elif field["type"] == "date":
                assert date.fromisoformat(value)
            elif field["type"] == "number":
                assert value.isdecimal()


def test_the_account_has_the_people_that_make_trouble(seed: Record) -> None:
    """Opted out, bounced, unconfirmed, hostile, unreadable, nameless and twice the same name: all are there."""
    names = [f"{each['first_name']} {each['last_name']}" for each in seed["contacts"]]
    assert len(names) == 280
    assert (len(with_status(seed, 2)), len(with_status(seed, 3))) == (30, 10)
    assert with_status(seed, 0)
    assert any("Ignore all previous instructions" in name for name in names)
    assert any(unicodedata.category(letter) in {"Cc", "Cf"} for name in names for letter in name)
    assert any(not each["first_name"] for each in seed["contacts"])
    assert any(not each["last_name"] for each in seed["contacts"])
    assert any(each["email"] != each["email"].lower() for each in seed["contacts"])
    assert Counter(names)["Anna Schmidt"] == 2
    reasons = {entry.get("reason") for each in seed["contacts"] for entry in each["lists"] if entry["status"] == 2}
    assert {"", "Too many emails", "I no longer work there"} <= reasons


def test_an_import_of_the_leads_needs_exactly_two_requests(leads: list[Row]) -> None:
    """Of 300 rows 251 to 270 people can be imported, whether a person's later no counts or not."""
    assert len(leads) == 300
    people = clean(leads)
    refused = {row["email"].strip().lower() for row in leads} - set(people)
    later_no = {row["email"].strip().lower() for row in leads if row["consent"].lower() not in {"yes", "true", "1"}}
    assert 251 <= len(people.keys() - later_no) < len(people) <= 270
    assert sum(not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+", address) for address in refused) == 12


def test_who_can_be_imported_has_an_address_that_any_server_takes(leads: list[Row]) -> None:
    """An address that survives the cleaning is plain ASCII with a well-formed domain, so no import fails for one."""
    label = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    plain = re.compile(rf"[a-z0-9]+([._+-][a-z0-9]+)*@{label}(\.{label})+")
    assert [address for address in clean(leads) if not plain.fullmatch(address)] == []


def test_the_leads_meet_the_people_already_known(seed: Record, leads: list[Row]) -> None:
    """Of the leads 55 are contacts; 14 of these left the newsletter, some of whom now say yes, and 8 bounced."""
    rows = {row["email"].strip().lower() for row in leads}
    assert len(rows & set(by_address(seed))) == 55
    left = rows & with_status(seed, 2, 1)
    assert len(left) == 14
    assert 0 < len(left & set(clean(leads))) < 14
    assert len(rows & with_status(seed, 3)) == 8


def test_the_leads_are_as_untidy_as_an_export(leads: list[Row]) -> None:
    """Doubles, other cases, stray spaces, a formula, a decomposed name, an emoji, a line break, shouting: all there."""
    raw = [row["email"] for row in leads]
    counts = Counter(address.strip().lower() for address in raw)
    assert sum(count - 1 for count in counts.values()) == 24
    assert any(address != address.strip() for address in raw)
    assert any(address.isupper() for address in raw)
    firsts = [row["first_name"] for row in leads]
    assert any(name.startswith("=HYPERLINK(") for name in firsts)
    assert any(unicodedata.normalize("NFC", name) != name for name in firsts)
    assert any(unicodedata.category(letter) == "So" for name in firsts for letter in name)
    assert any(row["last_name"].isascii() and row["last_name"].isupper() for row in leads)
    assert any("," in row["company"] for row in leads)
    assert any("\n" in row["notes"] for row in leads)
    assert max(len(row["notes"]) for row in leads) > 900
    assert {"yes", "Yes", "TRUE", "1", "no", "", "?"} <= {row["consent"] for row in leads}


def test_the_people_of_the_examples_are_as_the_examples_need_them(seed: Record, leads: list[Row]) -> None:
    """Maria is to be enrolled, Josephine is new, Klaus left the newsletter but says yes, Renate wants to be deleted."""
    known, importable = by_address(seed), clean(leads)
    maria = known["maria@lindqvist-interiors.example"]
    assert {entry["list"]: entry["status"] for entry in maria["lists"]} == {1: 1, 2: 1}
    assert maria["automations"] == []
    assert "josephine.okafor@tallgrass-studio.example" in importable.keys() - known.keys()
    klaus = "k.petersen@hafenkontor.example"
    assert klaus in importable
    assert klaus in with_status(seed, 2, 1)
    renate = "renate.vogel@briefkasten.example"
    assert renate in known.keys() - importable.keys()
    assert ["please delete my data" in row["notes"] for row in leads if row["email"] == renate] == [True]


def test_nobody_can_be_reached(seed: Record, leads: list[Row]) -> None:
    """Every domain is one of the reserved ones and every phone number is from a range kept for fiction."""
    reserved = re.compile(r"([a-z0-9-]+\.)*([a-z0-9-]+\.(example|test|invalid)|example\.(com|org|net))")
    well_formed = set(clean(leads)) | {row["notes"] + row["first_name"] + row["company"] for row in leads}
    named = domains(SEED.read_text(encoding="utf-8")) | set().union(*map(domains, well_formed))
    assert sorted(domain for domain in named if not reserved.fullmatch(domain)) == []
    phones = [each["phone"] for each in seed["contacts"]] + [row["phone"] for row in leads]
    assert "4.94067E+11" in phones  # what a spreadsheet makes of a number
    digits = {re.sub(r"\D", "", phone) for phone in phones if "E+" not in phone} - {""}
    assert sorted(each for each in digits if not re.search(FICTIONAL, each)) == []


def test_the_files_are_plain(leads: list[Row]) -> None:
    """UTF-8 without a mark, lines that end in LF, one record a line, small; nothing invisible stands in them raw."""
    for path in (SEED, LEADS):
        raw = path.read_bytes()
        assert (b"\r" in raw, raw.startswith(b"\xef\xbb\xbf"), len(raw) < 200_000) == (False, False, True)
        assert not any(unicodedata.category(letter) == "Cf" for letter in raw.decode())
    assert max(map(len, SEED.read_text(encoding="utf-8").splitlines())) < 1000
    assert ",".join(leads[0]) == COLUMNS
    assert all(None not in row and None not in row.values() for row in leads)
