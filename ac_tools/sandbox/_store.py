"""Everything that one account holds, and the time it holds it at."""

import contextlib
import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._clock import Clock
from ac_tools.sandbox._settings import Settings
from ac_tools.sandbox._table import R, Table
from ac_tools.sandbox._values import to_moment

_UTC = ZoneInfo("UTC")


class Store:
    """The account's tables, its clock and its source of chance.

    Args:
        url: the account's base URL, for the links in records.
        clock: the time it lives in.
        settings: the assumptions it is built on.
    """

    def __init__(self, url: str, clock: Clock, settings: Settings) -> None:
        self.url = f"{url.rstrip('/')}/api/3"
        self.settings = settings
        self.zone = ZoneInfo(settings.timezone)
        self._clock = clock
        self._moment: float | None = None
        self._random = random.Random(2021)  # noqa: S311 - hashes of a sandbox guard nothing and should repeat
        self.users = Table[rows.User]("User")
        self.contacts = Table[rows.Contact]("Subscriber", key=lambda row: self.address_key(row.email))
        self.archive: dict[str, rows.Contact] = {}  # deleted people who can be revived, by their address
        self.deletions: dict[str, int] = {}  # people deleted in a month such as 2021-03
        self.lists = Table[rows.MailingList]("_List")
        self.memberships = Table[rows.Membership](
            "SubscriberList", key=lambda row: (row.contact, row.list), owner=lambda row: row.contact
        )
        self.tags = Table[rows.Tag]("Tag", key=lambda row: row.tag.lower())
        self.contact_tags = Table[rows.ContactTag](
            "SubscriberTag", key=lambda row: (row.contact, row.tag), owner=lambda row: row.contact
        )
        self.fields = Table[rows.Field]("Field", key=lambda row: row.title.lower())
        self.field_options = Table[rows.FieldOption]("FieldOption", owner=lambda row: row.field)
        self.field_rels = Table[rows.FieldRel]("FieldRel", owner=lambda row: row.field)
        self.field_values = Table[rows.FieldValue](
            "FieldValue", key=lambda row: (row.contact, row.field), owner=lambda row: row.contact
        )
        self.accounts = Table[rows.CustomerAccount]("CustomerAccount", key=lambda row: self.company_key(row.name))
        self.account_contacts = Table[rows.AccountContact]("CustomerAccountSubscriber", owner=lambda row: row.contact)
        self.pipelines = Table[rows.Pipeline]("DealGroup")
        self.stages = Table[rows.Stage]("DealStage", owner=lambda row: row.pipeline)
        self.deals = Table[rows.Deal](settings.deal_class, owner=lambda row: row.contact)
        self.automations = Table[rows.Automation]("Series")
        self.enrolments = Table[rows.Enrolment]("SubscriberSeries", owner=lambda row: row.contact)
        self.campaigns = Table[rows.Campaign]("Campaign")
        self.segments = Table[rows.Segment]("Segment")
        self._records: dict[str, Table[rows.Record]] = {}
        self.batches = Table[rows.Batch]("Import", key=lambda row: row.uuid)

    def records(self, plural: str, class_name: str) -> Table[rows.Record]:
        """The table of a kind of record that has no table of its own name."""
        if plural not in self._records:
            self._records[plural] = Table[rows.Record](class_name)
        return self._records[plural]

    def address_key(self, address: str) -> str:
        """What two addresses of one person have in common."""
        return address if self.settings.email_case == "distinct" else address.lower()

    def kept_address(self, address: str) -> str:
        """An address as the account keeps it."""
        return address.lower() if self.settings.email_case == "lowered" else address

    def company_key(self, name: str) -> str:
        """What two names of one company have in common."""
        return name if self.settings.account_name_case == "distinct" else name.lower()

    def listed(self, table: Table[R]) -> list[R]:
        """A table's records in the order of a listing that asks for none."""
        return list(table) if self.settings.other_orders == "oldest" else list(table)[::-1]

    def together(self, met: Iterable[bool]) -> bool:
        """Whether a record is meant by a request, by which of its filters it meets."""
        if self.settings.filters_together == "and":
            return all(met)
        answers = list(met)
        return any(answers) or not answers

    def total(self, count: int) -> str | int:
        """A `meta.total` of the kinds whose listing nobody recorded."""
        return str(count) if self.settings.total_is_text else count

    def asked_moment(self, text: str) -> float | None:
        """A date or date-time that a filter asks for, as seconds since the epoch; None where it is none."""
        return to_moment(text, self.zone if self.settings.bare_dates == "account" else _UTC)

    def moment(self) -> float:
        """The present moment, in seconds since the epoch with their fractions."""
        return self._clock.now() if self._moment is None else self._moment

    def now(self) -> float:
        """The present moment as records keep it, in whole seconds since the epoch."""
        return float(int(self.moment()))

    @contextlib.contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Does work that was due at an earlier moment as of that moment."""
        before, self._moment = self._moment, moment
        try:
            yield
        finally:
            self._moment = before

    def iso(self, moment: float) -> str:
        """A moment as ISO 8601 with the offset of the account's zone (recorded 2020 and 2021)."""
        return datetime.fromtimestamp(moment, self.zone).isoformat()

    def local(self, moment: float) -> str:
        """A moment as local time without an offset, which the API also gives where it says UTC (recorded 2021)."""
        return self.iso(moment)[:19].replace("T", " ")

    def utc(self, moment: float) -> str:
        """A moment as ISO 8601 in UTC, in which only deals' custom fields tell the time (recorded 2020)."""
        return datetime.fromtimestamp(moment, UTC).isoformat()

    def token(self, digits: int) -> str:
        """A random hexadecimal text, the same in every run."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """A random uuid, the same in every run."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
