"""Fills an account from a seed file: plain records with integer ids and dates as YYYY-MM-DD."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._pipelines import colour
from ac_tools.sandbox._store import Store
from ac_tools.sandbox._values import to_moment

Record = Mapping[str, Any]
_MORNING = timedelta(hours=9).total_seconds()


class Loader:
    """Puts a seed's records into an account's tables.

    Args:
        store: the account, empty.
        seed: the records by kind.
    """

    def __init__(self, store: Store, seed: Mapping[str, Any]) -> None:
        self._store = store
        self._seed = seed
        self._dates: dict[str, float] = {}
        self._now = store.now()
        # What has no date of its own is as old as the account: as its oldest list.
        self._now = min((self._date(each.get("created")) for each in self._records("lists")), default=self._now)

    def load(self) -> None:
        """Loads every kind of record; what a person has (tags, lists, values, runs) is numbered as it comes."""
        self._load_catalogue()
        for record in self._records("contacts"):
            self._contact(record)
        for record in self._records("deals"):
            self._deal(record)

    def _records(self, kind: str) -> list[Record]:
        return list(self._seed.get(kind, []))

    def _date(self, text: str | None) -> float:
        """Nine in the morning of a day; where no day is given, that of the account's making."""
        if not text:
            return self._now
        if text not in self._dates:
            moment = to_moment(text, self._store.zone)
            if moment is None:
                raise ValueError(f"{text!r} is no date; write it as YYYY-MM-DD.")
            self._dates[text] = moment + _MORNING
        return self._dates[text]

    def _load_catalogue(self) -> None:
        store, now = self._store, self._now
        for each in self._records("users"):
            store.users.add(rows.User(**each))
        for each in self._records("lists"):
            self._list(each)
        for each in self._records("tags"):
            at = self._date(each.get("created"))
            kind = each.get("type", "contact")
            store.tags.add(rows.Tag(each["id"], each["tag"], each.get("description", ""), kind, at))
        for number, each in enumerate(self._records("fields"), start=1):
            self._field(number, each)
        for each in self._records("accounts"):
            store.accounts.add(rows.CustomerAccount(each["id"], each["name"], each.get("url", ""), now, now))
        for each in self._records("pipelines"):
            self._pipeline(each)
        for each in self._records("automations"):
            store.automations.add(rows.Automation(**{**each, "start": dict(each["start"])}, created=now))
        for each in self._records("campaigns"):
            self._campaign(each)
        for each in self._records("segments"):
            store.segments.add(rows.Segment(each["id"], each["name"], each.get("tag")))

    def _list(self, each: Record) -> None:
        at = self._date(each.get("created"))
        row = rows.MailingList(
            each["id"], each["name"], each["stringid"], each["sender_url"], each["sender_reminder"], at, at
        )
        row.send_last_broadcast = str(each.get("send_last_broadcast", 0))
        self._store.lists.add(row)

    def _field(self, number: int, each: Record) -> None:
        store, now = self._store, self._now
        field = rows.Field(each["id"], each["title"], each["type"], each["perstag"], now, now, number)
        store.fields.add(field)
        store.field_rels.add(rows.FieldRel(store.field_rels.next_id(), field.id, 0, now))
        for order, option in enumerate(each.get("options", []), start=1):
            option_id = store.field_options.next_id()
            store.field_options.add(rows.FieldOption(option_id, field.id, option, option, now, now, order))

    def _pipeline(self, each: Record) -> None:
        store = self._store
        store.pipelines.add(
            rows.Pipeline(each["id"], each["title"], each["currency"], each.get("autoassign", 1), self._now, self._now)
        )
        for order, stage in enumerate(each["stages"], start=1):
            store.stages.add(rows.Stage(stage["id"], each["id"], stage["title"], order, colour(order)))

    def _campaign(self, each: Record) -> None:
        sent = self._date(each["sent"]) if each.get("sent") else None
        self._store.campaigns.add(
            rows.Campaign(
                each["id"], each["name"], each["type"], each["status"], sent or self._now, each.get("list"), sent
            )
        )

    def _contact(self, each: Record) -> None:
        store = self._store
        at = self._date(each.get("created"))
        contact = rows.Contact(each["id"], store.kept_address(each["email"]), at, at, store.token(32))
        contact.first_name = each.get("first_name", "")
        contact.last_name = each.get("last_name", "")
        contact.phone = each.get("phone", "")
        store.contacts.add(contact)
        for tag in each.get("tags", []):
            store.contact_tags.add(rows.ContactTag(store.contact_tags.next_id(), contact.id, tag, at))
        for entry in each.get("lists", []):
            self._membership(contact, entry)
        for field, value in each.get("fields", {}).items():
            value_id = store.field_values.next_id()
            store.field_values.add(rows.FieldValue(value_id, contact.id, int(field), value, at, at))
        for run in each.get("automations", []):
            run_id, added = store.enrolments.next_id(), self._date(run["date"])
            store.enrolments.add(rows.Enrolment(run_id, contact.id, run["automation"], run["status"], added))
        if each.get("account"):
            link_id = store.account_contacts.next_id()
            store.account_contacts.add(rows.AccountContact(link_id, each["account"], contact.id, at, at))

    def _membership(self, contact: rows.Contact, entry: Record) -> None:
        """The date of an opt-out or bounce is that of the change; the subscription is as old as the contact."""
        store, date = self._store, self._date(entry["date"])
        changed = entry["status"] in (2, 3)
        store.memberships.add(
            rows.Membership(
                store.memberships.next_id(),
                contact.id,
                entry["list"],
                entry["status"],
                created=min(contact.created, date),
                subscribed=min(contact.created, date) if changed else date,
                updated=date if changed else None,
                reason=entry.get("reason", ""),
                source=1,
            )
        )

    def _deal(self, each: Record) -> None:
        store, at = self._store, self._date(each.get("created"))
        store.deals.add(
            rows.Deal(
                each["id"],
                each["title"],
                each["value"],
                each["currency"],
                each["stage"],
                each["owner"],
                at,
                at,
                store.token(8),
                contact=each.get("contact"),
                account=each.get("account"),
                status=each.get("status", 0),
            )
        )
