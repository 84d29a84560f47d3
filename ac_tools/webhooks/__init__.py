"""Webhooks: what the account tells, received safely, kept until it is handled, and set against the ledger."""

from ac_tools.webhooks._errors import BodyError, SetAside, StoreError
from ac_tools.webhooks._events import EVENTS, Event, parse
from ac_tools.webhooks._form import parse_form
from ac_tools.webhooks._receiver import Receiver
from ac_tools.webhooks._secret import new_secret
from ac_tools.webhooks._store import Job, Received, Store

__all__ = [  # noqa: RUF022 - in the order of the other packages, which name no constants
    "BodyError",
    "EVENTS",
    "Event",
    "Job",
    "Received",
    "Receiver",
    "SetAside",
    "Store",
    "StoreError",
    "new_secret",
    "parse",
    "parse_form",
]
