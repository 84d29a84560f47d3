"""Typed records: what the account answers, with readable names and one type per field.

The account answers the same field in several types: almost every value is a string when read, while the echo of a
create or an update repeats what was sent and holds fewer keys (recorded 2020 and 2021). Records even that out:

* an id is a string, a counter an integer, a flag a boolean, an amount a whole number of cents;
* a status is a word; a code that we do not know stays as the account sent it;
* a time with an offset is an aware `datetime`; the account's empty dates are None;
* the fields called `..._timestamp` stay strings: they have no offset, and even the ones called `..._utc_timestamp` hold
  local time (recorded 2020 and 2021), so parsed as UTC they would be wrong by hours;
* None means that the account did not say. A create echo is a subset, a deal that the key may not see has three keys.

Reading never fails: a value of an unexpected type becomes None (an unreadable id becomes an empty string), a new field
is kept under its own name, and `wire` holds the record as it came.
"""

from ac_tools._records._base import Record, parse_many
from ac_tools._records._marketing import Automation, Campaign, Field, MailingList, Tag, Webhook
from ac_tools._records._people import Contact, ContactAutomation, ContactList, ContactTag, FieldValue, ImportBatch
from ac_tools._records._sales import Account, Deal, Pipeline, Stage, User

__all__ = [
    "Account",
    "Automation",
    "Campaign",
    "Contact",
    "ContactAutomation",
    "ContactList",
    "ContactTag",
    "Deal",
    "Field",
    "FieldValue",
    "ImportBatch",
    "MailingList",
    "Pipeline",
    "Record",
    "Stage",
    "Tag",
    "User",
    "Webhook",
    "parse_many",
]
