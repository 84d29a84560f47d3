"""The typed records, against recorded traffic, by hand and against arbitrary JSON."""

import copy
import json
import pickle
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ac_tools import _records
from ac_tools._records import (
    Account,
    Automation,
    Campaign,
    Contact,
    ContactAutomation,
    ContactList,
    ContactTag,
    Deal,
    Field,
    FieldValue,
    ImportBatch,
    MailingList,
    Pipeline,
    Record,
    Stage,
    Tag,
    User,
    Webhook,
    parse_many,
)

MODELS: list[type[Record]] = [
    Account,
    Automation,
    Campaign,
    Contact,
    ContactAutomation,
    ContactList,
    ContactTag,
    Deal,
    Field,
    FieldValue,
    ImportBatch,
    MailingList,
    Pipeline,
    Stage,
    Tag,
    User,
    Webhook,
]

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "activecampaign" / "recorded.jsonl"
needs_recordings = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded traffic is not beside the repository")

KEYS: dict[str, type[Record]] = {
    "account": Account,
    "accounts": Account,
    "automation": Automation,
    "automations": Automation,
    "contact": Contact,
    "contacts": Contact,
    "contactAutomation": ContactAutomation,
    "contactAutomations": ContactAutomation,
    "contactList": ContactList,
    "contactLists": ContactList,
    "contactTag": ContactTag,
    "contactTags": ContactTag,
    "deal": Deal,
    "deals": Deal,
    "dealGroup": Pipeline,
    "dealGroups": Pipeline,
    "dealStage": Stage,
    "dealStages": Stage,
    "field": Field,
    "fields": Field,
    "fieldValue": FieldValue,
    "fieldValues": FieldValue,
    "list": MailingList,
    "lists": MailingList,
    "tag": Tag,
    "tags": Tag,
    "user": User,
    "users": User,
}

# The endpoints of the toolkit whose success is recorded, each with the key of its main record.
ENDPOINTS = [
    ("POST", "contacts", "contact"),
    ("GET", "contacts", "contacts"),
    ("GET", "contacts/N", "contact"),
    ("PUT", "contacts/N", "contact"),
    ("POST", "contact/sync", "contact"),
    ("POST", "lists", "list"),
    ("GET", "lists", "lists"),
    ("GET", "lists/N", "list"),
    ("POST", "contactLists", "contactList"),
    ("GET", "tags", "tags"),
    ("POST", "tags", "tag"),
    ("POST", "contactTags", "contactTag"),
    ("POST", "deals", "deal"),
    ("GET", "deals", "deals"),
    ("GET", "deals/N", "deal"),
    ("GET", "fields", "fields"),
    ("GET", "fields/N", "field"),
    ("POST", "fields", "field"),
    ("GET", "contacts/N/contactAutomations", "contactAutomations"),
    ("GET", "accounts", "accounts"),
    ("POST", "accounts", "account"),
]

# What the account writes where there is nothing to read.
EMPTY: tuple[Any, ...] = (None, "", [], "0000-00-00", "0000-00-00 00:00:00")

WORDS = {
    ContactList: ["unconfirmed", "active", "unsubscribed", "bounced"],
    Deal: ["open", "won", "lost"],
    Automation: ["0", "active", "inactive"],
    ContactAutomation: ["0", "active", "completed"],
}


def recorded() -> list[dict[str, Any]]:
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    exchanges = [json.loads(line) for line in lines]
    return [e for e in exchanges if e["status"] in (200, 201) and isinstance(e["response"], dict)]


def rows_of(value: Any) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


def wire_names(model: type[Record]) -> dict[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


def expected(model: type[Record], name: str, raw: Any) -> Any:
    """What a recorded value should be read as, worked out from the declared type and not by our own coercions."""
    if name == "status":
        return WORDS[model][int(raw)]
    annotation = str(model.model_fields[name].annotation)
    if "datetime" in annotation:
        return datetime.fromisoformat(raw)
    if "bool" in annotation:
        return bool(int(raw))
    if "int" in annotation:
        return int(float(raw))
    if "tuple" in annotation:
        return tuple(raw)
    return None if name.endswith("_id") and raw == "0" else str(raw)


def check_against_wire(model: type[Record], row: dict[str, Any]) -> None:
    """Every declared key holds what the account sent, and every other key is still there."""
    record = model.from_wire(row)
    assert record.wire == row
    names = wire_names(model)
    for key, raw in row.items():
        if key in names and raw not in EMPTY:
            assert getattr(record, names[key]) == expected(model, names[key], raw), (model, key, raw)
        elif key not in names and key not in model._hidden:
            assert (record.model_extra or {})[key] == raw


class TestRecordedTraffic:
    @needs_recordings
    @pytest.mark.parametrize(("method", "path", "key"), ENDPOINTS, ids=lambda part: part.replace("/", "."))
    def test_every_recorded_answer_of_an_endpoint_is_read_whole(self, method: str, path: str, key: str) -> None:
        """Each recorded success of an endpoint holds its main record, and no value of it is lost."""
        shape = f"/api/3/{path.replace('N', '[0-9]+')}"
        answers = [e["response"] for e in recorded() if e["method"] == method and re.fullmatch(shape, e["path"])]
        assert answers
        for answer in answers:
            assert key in answer
            assert len(parse_many(KEYS[key], rows_of(answer[key]))) == len(rows_of(answer[key]))
            for row in rows_of(answer[key]):
                check_against_wire(KEYS[key], row)

    @needs_recordings
    def test_every_side_loaded_record_is_read_whole(self) -> None:
        """Wherever one of our records occurs in the recorded traffic, no value of it is lost."""
        seen: dict[type[Record], set[str]] = {}
        for exchange in recorded():
            for key in KEYS.keys() & exchange["response"].keys():
                for row in rows_of(exchange["response"][key]):
                    check_against_wire(KEYS[key], row)
                    seen.setdefault(KEYS[key], set()).update(row)
        assert set(MODELS) - seen.keys() == {Automation, Campaign, ContactAutomation, ImportBatch, Webhook}
        unseen = {(model, name) for model, keys in seen.items() for name in wire_names(model).keys() - keys}
        assert unseen == {(MailingList, "channel"), (MailingList, "active_subscribers"), (Account, "owner")}

    @needs_recordings
    def test_the_recorded_import_is_read(self) -> None:
        """The recorded import reply gives the batch and how many were queued."""
        [reply] = [e["response"] for e in recorded() if e["path"].endswith("/import/bulk_import")]
        batch = ImportBatch.from_wire(reply)
        assert (batch.batch_id, batch.queued) == (reply["batchId"], 1)
        assert (batch.status, batch.succeeded, batch.failed) == (None, (), ())

    @needs_recordings
    def test_recorded_ids_are_strings_of_digits(self) -> None:
        """Every recorded record has an id, whatever type it travelled as."""
        for exchange in recorded():
            for key in KEYS.keys() & exchange["response"].keys():
                for record in parse_many(KEYS[key], rows_of(exchange["response"][key])):
                    assert re.fullmatch("[0-9]+", record.id)  # type: ignore[attr-defined]


class TestCoercions:
    @pytest.mark.parametrize("sent", [7, "7"])
    def test_an_id_is_a_string(self, sent: Any) -> None:
        """An id reads the same as a number and as a string."""
        assert Tag.from_wire({"id": sent}).id == "7"

    @pytest.mark.parametrize("sent", [None, True, 7.0, [], {}])
    def test_an_unreadable_id_is_empty(self, sent: Any) -> None:
        """A record whose id cannot be read says so with an empty id and does not fail."""
        assert Tag.from_wire({"id": sent}).id == Tag.from_wire({}).id == ""

    @pytest.mark.parametrize("sent", [None, "", "0", 0, [], False])
    def test_a_reference_to_nothing_is_none(self, sent: Any) -> None:
        """Each of the account's ways to write that a record refers to nothing becomes None."""
        assert Deal.from_wire({"account": sent}).account_id is None

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("156", 156),
            (156, 156),
            (156.240000000000009094947017729282379150390625, 156),
            ("156.99", 156),
            (-1.5, -1),
            ("-1", -1),
            ("1e9", None),
            ("٣", None),
            ("", None),
            (" 7", None),
            (True, None),
            (float("inf"), None),
            (float("nan"), None),
            ("9" * 10_000, None),
        ],
    )
    def test_a_value_is_whole_cents(self, sent: Any, read: Any) -> None:
        """A deal's value is a whole number of cents, cut off as the account cuts it off, or None."""
        assert Deal.from_wire({"value": sent}).value == read

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("0", False),
            ("1", True),
            (0, False),
            (1, True),
            (False, False),
            (True, True),
            ("", None),
            (None, None),
            (2, None),
        ],
    )
    def test_a_flag_is_a_boolean(self, sent: Any, read: Any) -> None:
        """A flag reads the same in each of its spellings; anything else is None."""
        assert Deal.from_wire({"isDisabled": sent}).is_disabled is read

    def test_a_moment_keeps_its_offset(self) -> None:
        """A date with an offset becomes an aware datetime at that offset."""
        read = Contact.from_wire({"cdate": "2024-02-28T07:04:13-06:00"}).created_at
        assert read is not None
        assert read.utcoffset() == timedelta(hours=-6)
        assert read.isoformat() == "2024-02-28T07:04:13-06:00"

    @pytest.mark.parametrize(
        "sent", [None, "", "0000-00-00", "0000-00-00 00:00:00", "2024-02-28 07:04:13", "soon", 7, True]
    )
    def test_what_is_no_moment_is_none(self, sent: Any) -> None:
        """Empty dates, dates without an offset and anything else become None, and stay reachable."""
        contact = Contact.from_wire({"udate": sent})
        assert contact.updated_at is None
        assert contact.wire["udate"] == sent

    @pytest.mark.parametrize("sent", [None, "", "0000-00-00"])
    def test_an_empty_local_date_is_none(self, sent: Any) -> None:
        """A date that stays a string is None when the account means that there is none."""
        assert Contact.from_wire({"bounced_date": sent}).bounced_on is None
        assert Contact.from_wire({"bounced_date": "2024-02-28"}).bounced_on == "2024-02-28"

    def test_local_timestamps_stay_strings(self) -> None:
        """A timestamp called UTC, which is local time, is never turned into a moment."""
        contact: Any = Contact.from_wire({"id": "1", "created_utc_timestamp": "2024-02-28 07:04:13"})
        assert contact.created_utc_timestamp == "2024-02-28 07:04:13"

    @pytest.mark.parametrize(
        ("model", "sent", "read"),
        [
            (ContactList, "0", "unconfirmed"),
            (ContactList, 1, "active"),
            (ContactList, "2", "unsubscribed"),
            (ContactList, "3", "bounced"),
            (ContactList, "91", "91"),
            (Deal, "0", "open"),
            (Deal, 1, "won"),
            (Deal, "2", "lost"),
            (Automation, "1", "active"),
            (Automation, 2, "inactive"),
            (ContactAutomation, "1", "active"),
            (ContactAutomation, "2", "completed"),
            (ContactAutomation, "0", "0"),
            (Campaign, "0", "draft"),
            (Campaign, "5", "completed"),
            (Campaign, "7", "pending review"),
            (Campaign, "8", "8"),
            (Campaign, None, None),
            (ImportBatch, False, "not started"),
            (ImportBatch, "active", "active"),
            (ImportBatch, "shelved", "shelved"),
        ],
    )
    def test_a_status_is_a_word(self, model: Any, sent: Any, read: Any) -> None:
        """A known code becomes a word, an unknown one stays as it came."""
        assert model.from_wire({"status": sent}).status == read

    def test_half_a_surrogate_pair_is_repaired(self) -> None:
        """Text that no file or database takes does not come out of a record's text fields."""
        Contact.from_wire({"firstName": "\ud83d", "\ud83d": 1}).model_dump_json()

    def test_a_number_sent_as_a_text_is_its_text(self) -> None:
        """A title echoed as the number that was sent is still a text."""
        assert Deal.from_wire({"title": 2024}).title == "2024"


class TestShapes:
    def test_a_disabled_deal_is_read(self) -> None:
        """A deal that the key may not see has its three keys, and None everywhere else."""
        deal = Deal.from_wire({"title": "Oak desks", "id": "1", "isDisabled": True})
        assert deal.model_dump(exclude_none=True) == {"id": "1", "title": "Oak desks", "is_disabled": True}

    def test_a_campaign_reply_is_read(self) -> None:
        """The flat reply to a new campaign, with its integer id, is a campaign."""
        campaign = Campaign.from_wire({"id": 149, "name": "Spring", "type": "single", "canSplitContent": False})
        assert (campaign.id, campaign.name, campaign.can_split_content) == ("149", "Spring", False)

    def test_an_enrolment_reads_the_same_old_and_new(self) -> None:
        """The counters of a run were strings once and are integers now; both read the same."""
        old = {"status": "1", "completedElements": "1", "totalElements": "2", "completed": "0", "startid": "0"}
        new = {"status": 1, "completedElements": 1, "totalElements": 2, "completed": 0, "startid": 0}
        moment = "2024-02-28T07:04:13-06:00"
        shared = (
            {"contact": "5", "automation": "2"}
            | {
                "completeValue": 50,
            }
            | dict.fromkeys(["adddate", "remdate", "lastdate"], moment)
        )
        first, second = (ContactAutomation.from_wire(row | shared) for row in (old, new))
        assert first.model_dump(exclude={"startid"}) == second.model_dump(exclude={"startid"})
        assert {name for name, value in first.model_dump().items() if value is None} == set()
        assert (first.status, first.total_elements, first.completed, first.completed_percent) == (
            "active",
            2,
            False,
            50,
        )

    def test_an_automation_is_read(self) -> None:
        """Each key that is documented for an automation arrives in its attribute."""
        row = {
            "name": "Welcome",
            "status": 1,
            "entered": "12",
            "exited": "9",
            "hidden": "0",
            "multientry": "1",
            "id": "2",
        }
        dates = {"cdate": "2024-02-28T07:04:13-06:00", "mdate": "2024-03-01T07:04:13-06:00"}
        automation = Automation.from_wire(row | dates | {"description": "", "exit_on_unsubscribe": "1"})
        assert None not in automation.model_dump().values()
        assert (automation.entered, automation.exited, automation.multi_entry) == (12, 9, True)

    def test_a_listed_campaign_is_read(self) -> None:
        """Each key that is documented for a campaign arrives in its attribute."""
        row = {
            "id": "4",
            "name": "Spring",
            "type": "single",
            "status": "5",
            "user": "1",
            "automation": "2",
            "segmentid": "3",
        }
        dates = dict.fromkeys(["cdate", "mdate", "sdate", "ldate"], "2024-02-28T07:04:13-06:00")
        numbers = "send_amt total_amt opens uniqueopens linkclicks uniquelinkclicks hardbounces softbounces"
        counters = dict.fromkeys([*numbers.split(), "unsubscribes", "replies"], "17")
        campaign = Campaign.from_wire(row | dates | counters)
        assert [name for name, value in campaign.model_dump().items() if value is None] == ["can_split_content"]
        assert campaign.unique_link_clicks == campaign.sent_count == 17

    def test_import_progress_is_read(self) -> None:
        """A finished import names the contacts that came in and the addresses that did not."""
        batch = ImportBatch.from_wire({"status": "completed", "success": ["12", 13], "failure": ["ada@@example.com"]})
        assert (batch.status, batch.succeeded, batch.failed) == ("completed", ("12", "13"), ("ada@@example.com",))

    def test_links_and_credentials_are_only_in_the_wire(self) -> None:
        """Links and a list's social media credentials are in no field, no dump and no repr."""
        sent = {"id": "3", "name": "News", "links": {"user": "https://a"}, "twitter_token_secret": "s3cret"}
        record = MailingList.from_wire(sent)
        assert "s3cret" not in f"{record!r}{record}{record.model_dump()}"
        assert "links" not in record.model_dump()
        assert record.wire == sent

    def test_a_key_cannot_pose_as_an_attribute(self) -> None:
        """A wire key that is called like one of our attributes does not become it."""
        sent = {"id": "1", "orgid": "5", "account_id": "6", "created_at": "x", "wire": "x", "_wire": "x"}
        contact = Contact.from_wire(sent)
        assert (contact.account_id, contact.created_at) == ("5", None)
        assert contact.model_dump()["account_id"] == "5"
        assert contact.wire == sent

    def test_the_wire_does_not_follow_the_answer(self) -> None:
        """Changing the parsed answer later does not change the record."""
        row = {"id": "1", "tag": "VIP"}
        tag = Tag.from_wire(row)
        row["tag"] = "Lead"
        assert tag.wire["tag"] == tag.name == "VIP"

    def test_a_record_is_frozen(self) -> None:
        """A record cannot be changed after it was read."""
        with pytest.raises(ValueError, match="frozen"):
            Tag.from_wire({"id": "1"}).name = "VIP"  # type: ignore[misc]

    def test_repr_is_short(self) -> None:
        """A repr names the record in one bounded line without control characters."""
        assert repr(Contact.from_wire({"id": 7, "email": "ada@example.com", "phone": "+1"})) == (
            "Contact(id='7', email='ada@example.com')"
        )
        assert len(repr(Tag.from_wire({"id": "1", "tag": "\x1b[2J\n" * 10_000}))) < 300

    def test_a_record_survives_storage(self) -> None:
        """A record comes back equal from a dump, a copy and a pickle; the last two keep the wire as well."""
        deal = Deal.from_wire(
            {"id": "1", "status": "1", "value": "5", "cdate": "2024-02-28T07:04:13-06:00", "new": [1]}
        )
        assert Deal(**deal.model_dump()).model_dump() == deal.model_dump()
        assert Deal.model_validate_json(deal.model_dump_json()).model_dump() == deal.model_dump()
        assert copy.deepcopy(deal) == pickle.loads(pickle.dumps(deal)) == deal
        assert pickle.loads(pickle.dumps(deal)).wire == deal.wire

    @pytest.mark.parametrize("rows", [None, {}, "rows", 7, [], [None, "x", []]])
    def test_what_is_no_collection_holds_no_records(self, rows: Any) -> None:
        """An absent or unreadable collection is an empty one."""
        assert parse_many(Tag, rows) == []

    def test_a_collection_keeps_its_order(self) -> None:
        """Records come in the order of the answer."""
        assert [tag.id for tag in parse_many(Tag, [{"id": "9"}, {"id": 3}, {"id": "5"}])] == ["9", "3", "5"]

    def test_threads_may_read_the_first_record_together(self) -> None:
        """The model that is built on first use serves several threads at that moment."""

        class Fresh(Contact):
            pass

        barrier, read = threading.Barrier(8), []

        def first() -> None:
            barrier.wait()
            read.append(Fresh.from_wire({"id": 7}).id)

        threads = [threading.Thread(target=first) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read == ["7"] * 8

    def test_the_exported_names_are_the_settled_ones(self) -> None:
        """What can be imported is the 17 records, their base and parse_many."""
        assert set(_records.__all__) == {model.__name__ for model in MODELS} | {"Record", "parse_many"}
        assert all(model.model_fields.keys() >= set(model._shown) for model in MODELS)


# Half a surrogate pair is something that JSON can spell and Hypothesis leaves out of its texts.
TEXT = st.text() | st.sampled_from(["\ud83d", "\ud83dwire"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["0", "1", "0000-00-00", "2024-02-28T07:04:13-06:00", "24:00Z", "1e400", "-", "9" * 40, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(
    max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None
)  # a busy machine proves nothing about records
@given(data=st.data())
def test_no_json_in_any_field_makes_reading_fail(model: type[Record], data: st.DataObject) -> None:
    """Whatever JSON stands in whatever field, the record is read, typed as declared, and comes back from its dump."""
    keys = st.sampled_from([*wire_names(model), *model.model_fields]) | TEXT
    row = data.draw(st.dictionaries(keys, JSON, max_size=12))
    record = model.from_wire(row)
    assert record.wire == row
    assert isinstance(repr(record), str)
    for name, field in model.model_fields.items():
        value = getattr(record, name)
        assert type(value).__name__ in str(field.annotation) or value is None
    assert repr(model(**record.model_dump()).model_dump()) == repr(record.model_dump())
