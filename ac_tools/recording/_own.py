"""Which writes the tour may do: those on what it made itself in this run. The rule is pure, and asked of each write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ac_guardrails import Request
from ac_tools.recording._steps import NOBODY, at

_MAKES = {
    "/contacts": ("contacts", "contact"),
    "/contact/sync": ("contacts", "contact"),
    "/tags": ("tags", "tag"),
    "/contactTags": ("contactTags", "contactTag"),
    "/lists": ("lists", "list"),
    "/contactLists": ("contactLists", "contactList"),
    "/fields": ("fields", "field"),
    "/fieldValues": ("fieldValues", "fieldValue"),
    "/fieldOption/bulk": ("fieldOptions", ""),
    "/fieldOptions/bulk": ("fieldOptions", ""),
    "/accounts": ("accounts", "account"),
    "/accountContacts": ("accountContacts", "accountContact"),
    "/dealGroups": ("dealGroups", "dealGroup"),
    "/deals": ("deals", "deal"),
    "/contactAutomations": ("contactAutomations", "contactAutomation"),
    "/import/bulk_import": ("", ""),
}
"""Where something is made -> its collection, and the key of the reply that holds it."""

_BELONG = {"dealStages": ("group", "dealGroups"), "fieldOptions": ("field", "fields")}
"""Records that come beside one that is the run's own -> the key that says so, and the collection of that one."""

ROOTS = ("contacts", "tags", "lists", "fields", "accounts", "dealGroups", "dealStages", "deals")
"""The collections whose records are removed one by one; the others go with these."""

_REFERENCES = {
    "contact": "contacts",
    "tag": "tags",
    "list": "lists",
    "field": "fields",
    "account": "accounts",
    "group": "dealGroups",
    "stage": "dealStages",
    "automation": "",
}
"""Keys of a body that name a record -> its collection."""

_WORDS = {("tagType", "contact"), ("type", "dropdown"), ("type", "text"), ("currency", "usd"), ("currency", "USD")}
_NUMBERS = {"status", "sourceid", "value", "orderid", "isdefault", "autoassign"}
_RECORD = re.compile(r"/(\w+)/(\d+)")


class Own:
    """What a run has made, and whether a write stays with that.

    Args:
        mark: The run's mark, which is in each text that it sends.
    """

    def __init__(self, mark: str) -> None:
        self.mark = mark.casefold()
        self._ids: dict[str, dict[str, None]] = {}
        self._left: dict[tuple[str, str], None] = {}

    @property
    def left(self) -> tuple[tuple[str, str], ...]:
        """What is still to be removed, the latest first: collections and ids."""
        return tuple(reversed(self._left))

    def permits(self, request: Request) -> bool:
        """Whether a write makes something of the run's own, or changes nothing else."""
        found = _RECORD.fullmatch(request.path)
        if found:
            in_path = found[2] == NOBODY or found[2] in self._ids.get(found[1], {})
        else:
            in_path = request.method == "POST" and request.path in _MAKES
        return in_path and not request.params and all(self._is_own(*leaf) for leaf in _leaves(request.body))

    def adopt(self, collection: str, record: Any) -> None:
        """Take a record for the run's own, if its texts say so."""
        number = str(record.get("id", "")) if isinstance(record, dict) else ""
        if number.isdigit() and any(map(self._is_marked, texts(record))):
            self._add(collection, number)

    def learn(self, request: Request, data: Any) -> None:
        """Take note of what a successful request has made or removed."""
        gone = _RECORD.fullmatch(request.path)
        if request.method == "DELETE" and gone:
            self._left.pop((gone[1], gone[2]), None)
        if request.method == "POST" and request.path in _MAKES:
            collection, wrapper = _MAKES[request.path]
            number = str(at(data, f"{wrapper}.id") or "")
            if number.isdigit():
                self._add(collection, number)
        for collection, (key, owner) in _BELONG.items():
            records = at(data, collection)
            for record in records if isinstance(records, list) else ():
                if isinstance(record, dict) and str(record.get(key)) in self._ids.get(owner, {}):
                    self._add(collection, str(record.get("id", "")))

    def _add(self, collection: str, number: str) -> None:
        self._ids.setdefault(collection, {})[number] = None
        if collection in ROOTS:
            self._left[collection, number] = None

    def _is_own(self, key: str, value: Any) -> bool:
        if value is None:
            return True
        if not isinstance(value, str):
            return key in _NUMBERS
        return self._is_marked(value) or self._is_reference(key, value) or (key, value) in _WORDS

    def _is_reference(self, key: str, value: str) -> bool:
        return key in _REFERENCES and (value == NOBODY or value in self._ids.get(_REFERENCES[key], {}))

    def _is_marked(self, text: str) -> bool:
        return self.mark in text.casefold()


def texts(value: Any) -> Iterator[str]:
    """All texts in parsed JSON but the keys."""
    return (leaf for _, leaf in _leaves(value) if isinstance(leaf, str))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, name)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each, key)
    elif value is not None or key:
        yield key, value
