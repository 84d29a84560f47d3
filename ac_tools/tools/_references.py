"""References: how a call names a contact, a list, a tag. Parsed strictly, resolved to an integer before any path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_ID = re.compile(r"[1-9][0-9]{0,17}")
_ADDRESS = re.compile(
    r"[^\s@<>()\[\]\\,;:\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_BY_ADDRESS = ("contact", "owner")
_BY_ID_ONLY = ("deal",)
_LONGEST_NAME = 255
FIXED = (str, int, float, bool, type(None))
"""Types of which every value stays what it is: it holds no reference, and need not be copied."""


class Ref:
    """A reference as the call gave it: an id, or a name that is still to be looked up.

    No dataclass, because pydantic would take those apart when it dumps the arguments.

    Args:
        noun: What it names.
        id: The id; None where only a name was given.
        name: The name or address; empty where only an id was given. A string of digits is both until it is looked up.
    """

    __slots__ = ("id", "name", "noun")

    def __init__(self, noun: str, id: int | None = None, name: str = "") -> None:  # noqa: A002 - the record's word
        self.noun = noun
        self.id = id
        self.name = name

    def __str__(self) -> str:
        return self.name or str(self.id)

    def __repr__(self) -> str:
        return f"Ref({self.noun!r}, {self.id!r}, {self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.noun, self.id, self.name) == (other.noun, other.id, other.name)

    def __hash__(self) -> int:
        return hash((self.noun, self.id, self.name))


@dataclass(frozen=True, slots=True)
class Noun:
    """Marks an argument as a reference to one kind of record, and parses it."""

    noun: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"}

    def parse(self, value: Any) -> Ref:
        """Read a reference.

        Raises:
            ValueError: It is no id and no name; says what would be one.
        """
        if isinstance(value, Ref):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            if not 0 < value < 10**18:
                raise self._refused(value if abs(value) < 10**18 else "a number of that length")
            return Ref(self.noun, value)
        if not isinstance(value, str):
            raise self._refused(value)
        return self._by_text(value)

    def _by_text(self, value: str) -> Ref:
        if not value or value != value.strip() or any(unicodedata.category(char)[0] == "C" for char in value):
            raise self._refused(value, " It may not be empty or hold outer spaces or control characters.")
        if _ID.fullmatch(value):
            has_free_name = self.noun not in (*_BY_ADDRESS, *_BY_ID_ONLY)
            return Ref(self.noun, int(value), value if has_free_name else "")
        if self.noun in _BY_ID_ONLY or value.isnumeric():
            raise self._refused(value)
        if self.noun in _BY_ADDRESS:
            return self._by_address(value)
        name = value.removeprefix("=")
        if not name.strip() or len(name) > _LONGEST_NAME or len(value) > _LONGEST_NAME:
            raise self._refused(value, f" A name has 1 to {_LONGEST_NAME} characters.")
        return Ref(self.noun, None, name)

    def _by_address(self, value: str) -> Ref:
        if len(value) > _LONGEST_NAME or not is_address(value):
            raise self._refused(value)
        return Ref(self.noun, None, value)

    def _refused(self, value: Any, more: str = "") -> ValueError:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return ValueError(f"{shown} names no {self.noun}. Give {self._valid()}.{more}")

    def _valid(self) -> str:
        if self.noun in _BY_ID_ONLY:
            return "its id, a whole number such as 7"
        if self.noun in _BY_ADDRESS:
            return "its id (a whole number such as 7) or its e-mail address"
        return 'its id (a whole number such as 7) or its name ("=2024" for a name of digits)'


def is_address(text: str) -> bool:
    """Whether the account would take this as an e-mail address: one @, no spaces, a domain with a dot."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def fault_of(address: str) -> str:
    """Why a text is no e-mail address, in words; empty where it is one."""
    if not address.strip():
        return "the address is empty"
    if is_address(address):
        return ""
    if any(char.isspace() for char in address):
        return "the address has a space in it"
    if address.count("@") != 1:
        return f"the address has {address.count('@')} @ signs instead of one"
    if "." not in address.partition("@")[2]:
        return "the domain has no dot"
    return "the address is malformed"


ContactRef = Annotated[Ref, Noun("contact")]
ListRef = Annotated[Ref, Noun("list")]
TagRef = Annotated[Ref, Noun("tag")]
FieldRef = Annotated[Ref, Noun("field")]
AutomationRef = Annotated[Ref, Noun("automation")]
DealRef = Annotated[Ref, Noun("deal")]
PipelineRef = Annotated[Ref, Noun("pipeline")]
StageRef = Annotated[Ref, Noun("stage")]
OwnerRef = Annotated[Ref, Noun("owner")]
AccountRef = Annotated[Ref, Noun("account")]


def references(value: Any) -> Generator[Ref, None, None]:
    """The references in an argument, or in all of them."""
    if type(value) in FIXED:
        return
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, BaseModel):
        for item in vars(value).values():
            yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)
