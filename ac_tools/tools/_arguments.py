"""Arguments: what models may say, in schemas that every provider accepts and that cost few tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from ac_guardrails import InvalidCall, inert
from ac_tools.tools._references import fault_of


class Arguments(BaseModel):
    """What a tool takes. Unknown keys are refused, since the API would drop them silently; null means absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema in few tokens and in what every provider takes.

        Titles go; so do defaults of null and bounds, which strict modes refuse: descriptions say them, validation keeps
        them. That unknown keys are refused is not said either, since the models that are told invent none.
        """
        made = handler.resolve_ref_schema(handler(schema))
        for key in ("title", "description", "additionalProperties"):
            made.pop(key, None)
        for entry in made.get("properties", {}).values():
            _lighten(entry)
        return made


_BOUNDS = ("title", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def _lighten(entry: dict[str, Any]) -> None:
    for key in _BOUNDS:
        entry.pop(key, None)
    if entry.get("default", ...) is None:
        del entry["default"]
    for branch in entry.get("anyOf", ()):
        _lighten(branch)


class PagedArguments(Arguments):
    """What every tool takes that returns a page of a collection."""

    limit: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="1-100, default 20")
    offset: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> PagedArguments:
        """An empty filter would find everybody, where whoever computed it expected nobody."""
        for name in type(self).model_fields:
            if getattr(self, name) in ("", []):
                raise ValueError(f"{name!r} is empty, which would find everything. Leave it out if that is meant.")
        return self


def invalid(tool: str, error: ValidationError) -> InvalidCall:
    """All that is wrong with a call's arguments, in words that a model can act on."""
    return InvalidCall(f"{tool} was not called: {faults(error)} Correct the arguments and call again.")


def faults(error: ValidationError) -> str:
    """What is wrong with a call's arguments, a sentence each."""
    return " ".join(_fault(dict(one)) for one in error.errors(include_url=False)[:5])


def _fault(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"] if not _is_branch(part)) or "the arguments"
    match error["type"]:
        case "extra_forbidden":
            return f"{inert(place, limit=60)!r} is no argument of it; the API would drop it silently."
        case "missing":
            return f"{place!r} is required."
        case "value_error":
            return f"{place}: {error['ctx']['error']}"
        case "literal_error":
            return f"{place}: {inert(repr(error['input']), limit=60)} is not one of {error['ctx']['expected']}."
    return f"{place}: {error['msg']} (got {inert(repr(error['input']), limit=60)})."


def _is_branch(part: Any) -> bool:
    """Whether pydantic put it there to say which member of a union it tried."""
    return isinstance(part, str) and ("[" in part or part in ("int", "str", "constrained-int"))


def choice(synonyms: Mapping[str, str] | None = None, /, **codes: str | int) -> tuple[BeforeValidator, PlainSerializer]:
    """Let words stand for the API's codes; the codes themselves and other usual words are understood too.

    Args:
        synonyms: Other words, each with the word that it stands for.
        codes: The API's code for each word, of the type in which it is sent.
    """
    words = {**(synonyms or {}), **{str(code): word for word, code in codes.items()}}

    def read(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return words.get(value, value) if isinstance(value, str) else value

    def written(word: str | None, info: SerializationInfo) -> Any:
        """The code for the account; the word, as it was said, for people and the record."""
        return word if word is None or info.mode == "json" else codes[word]

    return BeforeValidator(read), PlainSerializer(written)


def _moment(value: Any) -> Any:
    """ISO date or time with an offset: a bare one is sent as UTC, because the account's zone for it is not known."""
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, (date, datetime)) else str(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{inert(text, limit=40)!r} is no date. Write 2026-01-31 or 2026-01-31T09:00:00+01:00."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


Moment = Annotated[str, BeforeValidator(_moment)]
"""A point in time for a filter."""


def _cents(value: Any) -> Any:
    """An amount in major units, as integer cents."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value) if isinstance(value, (int, float, Decimal)) else ""
    if isinstance(value, Decimal):
        text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,13}(\.[0-9]+)?", text):
        shown = inert(repr(value), limit=40)
        raise ValueError(f"{shown} is no amount. Write digits with a point for the cents, such as 1250 or 1250.50.")
    try:
        cents = Decimal(text) * 100
    except InvalidOperation:  # pragma: no cover - the pattern lets nothing else through
        raise ValueError(f"{text!r} is no amount.") from None
    if cents != int(cents):
        lower, upper = Decimal(int(cents)) / 100, Decimal(int(cents) + 1) / 100
        raise ValueError(f"{text} has a fraction of a cent. Write {lower:.2f} or {upper:.2f}.")
    return int(cents)


def major(cents: int | None) -> str | None:
    """Cents as an amount in major units, as it was said."""
    return None if cents is None else f"{Decimal(cents) / 100:.2f}"


Cents = Annotated[
    int,
    BeforeValidator(_cents),
    PlainSerializer(major, when_used="json"),  # people edit what the record shows, so it must read as it was said
    WithJsonSchema({"type": "string"}),
]
"""Money: said and recorded as an amount in major units, sent as integer cents."""


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", value):
        raise ValueError(f"{inert(value, limit=20)!r} is no currency. Write three letters such as USD.")
    return value.lower()


Currency = Annotated[str, AfterValidator(_currency)]
"""An ISO 4217 code; the API takes it in lower case."""


def _email(value: str) -> str:
    fault = fault_of(value)
    if fault:
        raise ValueError(f"{inert(value, limit=60)!r} cannot be used: {fault}.")
    return value


Email = Annotated[str, AfterValidator(_email)]
"""An e-mail address that the account would take."""


def sortable(*fields: str) -> BeforeValidator:
    """Check an order such as "cdate DESC, id ASC" against the fields that the endpoint can sort by."""
    pattern = re.compile(r"([a-z_-]+)(?: (asc|desc))?", re.IGNORECASE)

    def read(value: Any) -> Any:
        if value is None:
            return None
        parts = [pattern.fullmatch(part.strip()) for part in str(value).split(",")]
        if not all(part and part[1] in fields for part in parts):
            raise ValueError(f"{inert(str(value), limit=60)!r} is no order. Use {', '.join(fields)}, then ASC or DESC.")
        return ", ".join(f"{part[1]} {(part[2] or 'ASC').upper()}" for part in parts if part)

    return BeforeValidator(read)
