"""Gives an account what a recording shows without having made it, and the ids that the recorded account gave."""

import dataclasses
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ac_tools.sandbox import Sandbox
from ac_tools.sandbox import _rows as rows
from ac_tools.sandbox._account_contacts import ACCOUNT_CONTACT
from ac_tools.sandbox._accounts import ACCOUNT
from ac_tools.sandbox._automations import AUTOMATION, ENROLMENT
from ac_tools.sandbox._campaigns import CAMPAIGN, SEGMENT
from ac_tools.sandbox._contacts import CONTACT
from ac_tools.sandbox._deals import DEAL
from ac_tools.sandbox._field_parts import OPTION, REL
from ac_tools.sandbox._field_values import FIELD_VALUE
from ac_tools.sandbox._fields import FIELD
from ac_tools.sandbox._groups import GROUP, LIST_GROUP
from ac_tools.sandbox._lists import LIST
from ac_tools.sandbox._memberships import MEMBERSHIP
from ac_tools.sandbox._notes import NOTE
from ac_tools.sandbox._others import ADDRESS, EMAIL_ACTIVITY, TEMPLATE, WEBHOOK
from ac_tools.sandbox._pipelines import PIPELINE, STAGE
from ac_tools.sandbox._shape import Column, Shape
from ac_tools.sandbox._table import Table
from ac_tools.sandbox._tags import CONTACT_TAG, TAG
from ac_tools.sandbox._tasks import TASK, TASK_TYPE
from ac_tools.sandbox._users import USER

from .recordings import Exchange

Record = dict[str, Any]
Key = tuple[str, int]

# Kinds with a table of their own: by the plural on the wire the table, the row, and how it is read.
TABLES: dict[str, tuple[str, type[Any], Shape[Any]]] = {
    "accounts": ("accounts", rows.CustomerAccount, ACCOUNT),
    "accountContacts": ("account_contacts", rows.AccountContact, ACCOUNT_CONTACT),
    "contacts": ("contacts", rows.Contact, CONTACT),
    "contactLists": ("memberships", rows.Membership, MEMBERSHIP),
    "contactTags": ("contact_tags", rows.ContactTag, CONTACT_TAG),
    "dealGroups": ("pipelines", rows.Pipeline, PIPELINE),
    "dealStages": ("stages", rows.Stage, STAGE),
    "automations": ("automations", rows.Automation, AUTOMATION),
    "campaigns": ("campaigns", rows.Campaign, CAMPAIGN),
    "contactAutomations": ("enrolments", rows.Enrolment, ENROLMENT),
    "segments": ("segments", rows.Segment, SEGMENT),
    "deals": ("deals", rows.Deal, DEAL),
    "fieldOptions": ("field_options", rows.FieldOption, OPTION),
    "fieldRels": ("field_rels", rows.FieldRel, REL),
    "fieldValues": ("field_values", rows.FieldValue, FIELD_VALUE),
    "fields": ("fields", rows.Field, FIELD),
    "lists": ("lists", rows.MailingList, LIST),
    "tags": ("tags", rows.Tag, TAG),
    "users": ("users", rows.User, USER),
}
# Kinds that are kept as they are read, with their internal names.
KEPT = {
    **{each.plural: each.class_name for each in (GROUP, LIST_GROUP, NOTE, TASK, TASK_TYPE)},
    **{each.plural: each.class_name for each in (ADDRESS, EMAIL_ACTIVITY, TEMPLATE, WEBHOOK)},
    "dealCustomFieldMeta": "DealCustomFieldMeta",
    "dealCustomFieldData": "DealCustomFieldData",
    "dealGroupUsers": "DealGroupUser",
    "dealGroupGroups": "DealGroupGroup",
}
PLURALS = {
    **{name[:-1]: name for name in (*TABLES, *KEPT)},
    "address": "addresses",
    "emailActivity": "emailActivities",
    "dealCustomFieldMetum": "dealCustomFieldMeta",
    "dealCustomFieldDatum": "dealCustomFieldData",
    **{name: name for name in (*TABLES, *KEPT)},
}
# What a request may name, beside the singulars above.
NAMED = {
    "listid": "lists",
    "groupid": "groups",
    "owner": "users",
    "stage": "dealStages",
    "dealId": "deals",
    "customFieldId": "dealCustomFieldMeta",
}
# Pipelines and groups of users are both called group in requests.
PIPELINES = {("deals", "group"): "dealGroups", ("dealStages", "group"): "dealGroups"}
MANY = 250
EMPTY: dict[Any, Any] = {int: 0, dict[str, Any]: {"type": "manual"}}
# What a creation makes beside its own record, by its path, and how many at most: the newest of those that it shows.
MADE_BESIDE = {
    "dealGroups": {"dealStages": 3, "dealGroupUsers": MANY, "dealGroupGroups": MANY},
    "contacts": {"fieldValues": MANY},
    "contact": {"fieldValues": MANY},
    "fieldOption": {"fieldOptions": MANY},
    "fieldOptions": {"fieldOptions": MANY},
}


def shown(exchange: Exchange) -> Iterator[tuple[Key, Record]]:
    """The records in an answer with their kinds and ids."""
    body = exchange.response if isinstance(exchange.response, dict) else {}
    for name, value in body.items():
        for record in value if isinstance(value, list) else [value]:
            if name in PLURALS and isinstance(record, dict) and str(record.get("id")).isdigit():
                yield (PLURALS[name], int(record["id"])), record


def _named(exchange: Exchange) -> Iterator[Key]:
    """The records that a request needs to be there: in its path, and in its body by their kinds."""
    parts = exchange.path.split("/")[3:]
    if len(parts) > 1 and parts[0] in PLURALS and parts[1].isdigit():
        yield PLURALS[parts[0]], int(parts[1])
    for name, value in _values(exchange.request):
        kind = PIPELINES.get((parts[0], name)) or NAMED.get(name) or PLURALS.get(name)
        if kind is not None and str(value).isdigit():
            yield kind, int(value)


def _values(body: Any) -> Iterator[tuple[str, Any]]:
    """The values in a request's body, each with its key."""
    for each in body if isinstance(body, list) else [body] if isinstance(body, dict) else []:
        for name, value in each.items() if isinstance(each, dict) else []:
            yield name, value
            yield from _values(value)


def _parsed(column: Column, annotation: Any, value: Any) -> Any:
    """The attribute that a key was rendered from."""
    if value is None:
        return None
    if column.form in ("iso", "local"):
        return datetime.fromisoformat(value).timestamp()
    return int(value) if int in (typing.get_args(annotation) or (annotation,)) else value


def _row(plural: str, record: Record, now: float) -> Any:
    """A record's row: each attribute from the key that shows it, those that no key shows empty."""
    if plural not in TABLES:
        return rows.Record(int(record["id"]), {key: record[key] for key in record if key not in ("links", "id")})
    _, kind, shape = TABLES[plural]
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, column in shape.columns().items():
        if key in record:
            values.setdefault(column.name, _parsed(column, hints[column.name], record[key]))
    if plural == "users":
        values["zone"] = record.get("localZoneid")
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and values.get(field.name) is None:
            values[field.name] = EMPTY.get(hints[field.name], now if hints[field.name] is float else "")
    return kind(**values)


class Seeder:
    """Prepares an account for one exchange after the other.

    Args:
        sandbox: the account.
        session: the exchanges that will be replayed against it.
    """

    def __init__(self, sandbox: Sandbox, session: list[Exchange]) -> None:
        self._store = sandbox._store
        self._session = session
        self._made: set[Key] = set()
        zones = [record["localZoneid"] for each in session for _, record in shown(each) if "localZoneid" in record]
        for user in self._store.users:
            user.zone = next(iter(zones), None)

    def prepare(self, exchange: Exchange) -> None:
        """Adds what the answer shows or the request needs and nobody made; then says which ids come next."""
        fresh = self._fresh(exchange)
        for key, record in shown(exchange):
            if key not in self._made and key not in fresh:
                self._put(key, record)
        for key in _named(exchange) if exchange.status < 300 else ():
            if key not in self._made and key not in fresh and self._table(key[0]).get(key[1]) is None:
                self._put(key, self._shown_later(key))
        self._fill_pages(exchange)
        for plural in {plural for plural, _ in fresh}:
            self._table(plural).count_from(min(number for kind, number in fresh if kind == plural))
        self._made |= fresh

    def _table(self, plural: str) -> Table[Any]:
        table: Table[Any] = (
            getattr(self._store, TABLES[plural][0]) if plural in TABLES else self._store.records(plural, KEPT[plural])
        )
        return table

    def _fresh(self, exchange: Exchange) -> set[Key]:
        """The records that the request made: its own, and what comes with it.

        A creation whose reply shows no record made those that the next page of its kind shows.
        """
        updated = exchange.path.endswith("/contact/sync") and exchange.status == 200
        if exchange.method != "POST" or exchange.status not in (200, 201) or updated:
            return set()
        resource = exchange.path.split("/")[3]
        keys = [key for key, _ in shown(exchange)]
        if not keys:
            pages = (each for each in self._session if each.path == f"/api/3/{resource}" and each.method == "GET")
            return {key for page in pages for key, _ in shown(page)} - self._made
        own = {
            PLURALS[name] for name, value in exchange.response.items() if isinstance(value, dict) and name in PLURALS
        }
        most = dict.fromkeys(own, MANY) | MADE_BESIDE.get(resource, {})
        new = [key for key in keys if key not in self._made]
        return {key for kind, count in most.items() for key in [each for each in new if each[0] == kind][-count:]}

    def _shown_later(self, key: Key) -> Record:
        found = (record for each in self._session for shown_key, record in shown(each) if shown_key == key)
        return next(found, {"id": str(key[1])})

    def _put(self, key: Key, record: Record) -> None:
        plural, number = key
        if plural == "contacts" and record.get("orgid", "0") not in ("0", ""):
            self._put_company(number, record)
        if plural == "deals" and str(record.get("group", "")).isdigit():
            self._put_stage(record)
        self._place(plural, _row(plural, record, self._store.now()))
        self._made.add(key)

    def _place(self, plural: str, row: Any) -> None:
        """Puts a row in where its id belongs, in place of one that has it."""
        table = self._table(plural)
        everything = sorted([*(each for each in table if each.id != row.id), row], key=lambda each: each.id)
        for each in list(table):
            table.drop(each)
        for each in everything:
            table.add(each)

    def _put_company(self, contact: int, record: Record) -> None:
        """The company that a contact is shown in."""
        now, account = self._store.now(), int(record["orgid"])
        self._place("accounts", rows.CustomerAccount(account, record.get("orgname", ""), "", now, now))
        link = int(next(iter(record.get("accountContacts", [])), account))
        self._place("accountContacts", rows.AccountContact(link, account, contact, now, now))

    def _put_stage(self, record: Record) -> None:
        """The pipeline and the stage that a deal is shown in."""
        now, pipeline, stage = self._store.now(), int(record["group"]), int(record["stage"])
        if self._store.pipelines.get(pipeline) is None:
            self._place("dealGroups", rows.Pipeline(pipeline, "", record.get("currency", "usd"), 1, now, now))
        if self._store.stages.get(stage) is None:
            self._place("dealStages", rows.Stage(stage, pipeline, "", 1))

    def _fill_pages(self, exchange: Exchange) -> None:
        """Further rows behind a page that tells of more than it shows, and what a deal that shows nothing is worth."""
        body = exchange.response if isinstance(exchange.response, dict) else {}
        meta = body.get("meta") or {}
        plural = exchange.path.split("/")[3]
        if exchange.method != "GET" or not isinstance(body.get(plural), list) or plural not in PLURALS:
            return
        numbers = [int(record["id"]) for record in body[plural]]
        table = self._table(plural)
        step = 1 if numbers == sorted(numbers) else -1
        while numbers and not exchange.query.count("filters") and len(list(table)) < int(meta.get("total", 0)):
            numbers.append(numbers[-1] + step)
            if table.get(numbers[-1]) is None:
                self._place(plural, _row(plural, {**body[plural][-1], "id": str(numbers[-1])}, self._store.now()))
        for code, each in dict(meta.get("currencies") or {}).items():
            for deal in self._store.deals:
                if not deal.currency:
                    self._store.deals.change(
                        deal, currency=code.lower(), value=int(each["value"]) // int(each["total"])
                    )
