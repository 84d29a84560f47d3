"""The records that an account holds; times are seconds since the epoch, ids are integers."""

import dataclasses
from typing import Any


@dataclasses.dataclass(slots=True)
class User:
    """A person who works in the account."""

    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    phone: str = ""
    signature: str | None = None
    zone: str | None = None
    password_updated: str | None = None
    created: float | None = None
    updated: float | None = None
    group: int | None = None


@dataclasses.dataclass(slots=True)
class Contact:
    """A person whom the account can write to."""

    id: int
    email: str
    created: float
    updated: float
    hash: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""


@dataclasses.dataclass(slots=True)
class MailingList:
    """A list that people subscribe to."""

    id: int
    name: str
    stringid: str
    sender_url: str
    sender_reminder: str
    created: float
    updated: float
    send_last_broadcast: str = "0"
    carboncopy: str | None = None
    subscription_notify: str | None = None
    unsubscription_notify: str | None = None
    channel: str = "email"
    user: int | None = None


@dataclasses.dataclass(slots=True)
class Membership:
    """The one row that says how a contact stands to a list: 0 unconfirmed, 1 active, 2 unsubscribed, 3 bounced."""

    id: int
    contact: int
    list: int
    status: int
    created: float
    subscribed: float | None = None
    updated: float | None = None
    reason: str | None = ""
    source: int = 3


@dataclasses.dataclass(slots=True)
class Tag:
    """A label; `type` is contact or template."""

    id: int
    tag: str
    description: str
    type: str
    created: float


@dataclasses.dataclass(slots=True)
class ContactTag:
    """A tag on a contact."""

    id: int
    contact: int
    tag: int
    created: float


@dataclasses.dataclass(slots=True)
class Field:
    """A custom field of contacts."""

    id: int
    title: str
    type: str
    perstag: str
    created: float
    updated: float
    ordernum: int
    descript: str = ""
    defval: str = ""
    isrequired: str = "0"
    visible: str = "1"


@dataclasses.dataclass(slots=True)
class FieldOption:
    """One choice of a custom field."""

    id: int
    field: int
    label: str
    value: str
    created: float
    updated: float
    orderid: int = 0
    isdefault: int = 0


@dataclasses.dataclass(slots=True)
class FieldRel:
    """Where a custom field shows: on the contacts of one list, or of all (relid 0)."""

    id: int
    field: int
    relid: int
    created: float


@dataclasses.dataclass(slots=True)
class FieldValue:
    """A contact's value in a custom field."""

    id: int
    contact: int
    field: int
    value: str
    created: float
    updated: float


@dataclasses.dataclass(slots=True)
class CustomerAccount:
    """A company."""

    id: int
    name: str
    url: str
    created: float
    updated: float


@dataclasses.dataclass(slots=True)
class AccountContact:
    """A contact's place in a company; a contact has at most one."""

    id: int
    account: int
    contact: int
    created: float
    updated: float
    job_title: str = ""


@dataclasses.dataclass(slots=True)
class Pipeline:
    """A pipeline of deals; `autoassign` 0 means that a deal needs an owner."""

    id: int
    title: str
    currency: str
    autoassign: int
    created: float
    updated: float
    allusers: int = 1
    allgroups: int = 1


@dataclasses.dataclass(slots=True)
class Stage:
    """A step of a pipeline; `order` counts from 1."""

    id: int
    pipeline: int
    title: str
    order: int
    color: str = ""
    width: int = 280
    deal_order: str = "next-action DESC"
    card1: str = "title"
    card2: str = "next-action"
    card3: str = "show-avatar"
    card4: str = "contact-fullname-acctname"
    card5: str = "value"
    created: float | None = None
    updated: float | None = None


@dataclasses.dataclass(slots=True)
class Deal:
    """A deal; `value` in cents, `status` 0 open, 1 won, 2 lost."""

    id: int
    title: str
    value: int
    currency: str
    stage: int
    owner: int
    created: float
    updated: float
    hash: str
    contact: int | None = None
    account: int | None = None
    description: str = ""
    percent: int = 0
    status: int = 0
    activities: int = 1


@dataclasses.dataclass(slots=True)
class Automation:
    """A series of steps; `status` 1 active, 2 inactive; `start` is what makes people enter it."""

    id: int
    name: str
    status: int
    entered: int
    exited: int
    multientry: int
    start: dict[str, Any]
    created: float


@dataclasses.dataclass(slots=True)
class Enrolment:
    """A contact's run through an automation; `status` 1 in progress, 2 over."""

    id: int
    contact: int
    automation: int
    status: int
    added: float


@dataclasses.dataclass(slots=True)
class Campaign:
    """A mailing; `status` 0 draft, 1 scheduled, 5 completed."""

    id: int
    name: str
    type: str
    status: int
    created: float
    list: int | None = None
    sent: float | None = None


@dataclasses.dataclass(slots=True)
class Record:
    """A record that nothing else in the account looks into, as the values of its keys on the wire."""

    id: int
    values: dict[str, Any]


@dataclasses.dataclass(slots=True)
class Segment:
    """A saved search: those with a tag, or everybody."""

    id: int
    name: str
    tag: int | None


@dataclasses.dataclass(slots=True)
class Batch:
    """A bulk import that waits to be worked off, or was."""

    id: int
    uuid: str
    queued: float
    due: float
    contacts: list[dict[str, Any]]
    exclude_automations: bool
    done: bool = False
    success: list[int] = dataclasses.field(default_factory=list)
    failure: list[str] = dataclasses.field(default_factory=list)
